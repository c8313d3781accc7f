//! Catalogs: one versioned document per studio (R4–R8).

mod diff;
mod digest;
mod document;
mod fields;
mod json;
mod lookups;
mod measures;
mod money;
mod rates;
mod read;
mod succession;
mod toml;

pub use diff::diff;
pub use money::currency_decimals;
pub use read::read;
pub use succession::{Follower, Succession};

use std::sync::Arc;

use crate::amount::Credits;
use crate::hold::OnExcess;
use crate::id::{PackageId, PlanId, ProjectTypeId, StudioId, StudioNumber, ToolId};
use crate::order::ClawBack;
use crate::plan::PlanTerms;
use crate::rate::Rate;
use crate::tally::Per;
use crate::time::Time;

/// A checked catalog: every name resolved, every rate proved, every example run.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// Whose.
    pub studio: StudioId,
    /// The studio's name for people.
    pub studio_name: Box<str>,
    /// SHA-256 of the document's normal form: two documents with the same content have the same (R7), however they
    /// are laid out.
    pub digest: [u8; 32],
    /// From when it is in force; `None`: at once (R7).
    pub effective_from: Option<Time>,
    /// Seconds for which a superseded version is still honoured (R7); default 900.
    pub honoured_for: u32,
    /// What becomes of spent credits of orders whose money went back (R27); default `debt`.
    pub claw_back: ClawBack,
    /// The toolkits, in the document's order.
    pub toolkits: Vec<Toolkit>,
    /// The project types, in the document's order.
    pub project_types: Vec<ProjectType>,
    /// The tools, in the document's order.
    pub tools: Vec<Tool>,
    /// The plans, in the document's order.
    pub plans: Vec<Plan>,
    /// The packages, smallest first.
    pub packages: Vec<Package>,
}

/// A group of tools as a price list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolkit {
    /// Its name in the catalog.
    pub id: Box<str>,
    /// Its name for people.
    pub name: Box<str>,
}

/// A group of tools that an account can enable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectType {
    /// Its name in the catalog.
    pub id: ProjectTypeId,
    /// Its name for people.
    pub name: Box<str>,
}

/// Something a job can run.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name in the catalog.
    pub id: ToolId,
    /// Its name for people.
    pub name: Box<str>,
    /// The toolkit that it is listed under.
    pub toolkit: Option<Box<str>>,
    /// The project type that it belongs to; `None`: for all.
    pub project_type: Option<ProjectTypeId>,
    /// Seconds to the deadline of its holds (R18); default 3,600.
    pub hold_for: u32,
    /// The policy for a price above the hold (R19); default `cap`.
    pub on_excess: OnExcess,
    /// How it is priced.
    pub rate: Rate,
}

/// A plan that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name in the catalog.
    pub id: PlanId,
    /// Its name for people.
    pub name: Box<str>,
    /// What refills follow.
    pub terms: PlanTerms,
    /// What a term costs, if the document says.
    pub price: Option<Price>,
}

/// A package that is for sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name in the catalog.
    pub id: PackageId,
    /// Its name for people.
    pub name: Box<str>,
    /// Top-up credits.
    pub credits: Credits,
    /// Promo credits on top, a lot of their own (R13).
    pub bonus: Credits,
    /// Days until its credits expire; `None`: never (R13).
    pub expires_in_days: Option<u32>,
    /// Days until its bonus expires; `None`: never.
    pub bonus_expires_in_days: Option<u32>,
    /// What it costs.
    pub price: Price,
    /// Whether only accounts on an active plan can buy it.
    pub needs_plan: bool,
    /// How often one account can buy it; `None`: any number of times.
    pub limit: Option<Limit>,
    /// From when on it is for sale; `None`: from the start.
    pub from: Option<Time>,
    /// The first instant at which it is no longer for sale; `None`: never.
    pub until: Option<Time>,
}

/// So many in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// In which period.
    pub per: Per,
}

/// A sum of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// In the currency's minor unit (cents).
    pub amount: i64,
    /// ISO 4217, upper case.
    pub currency: Box<str>,
}

impl Catalog {
    /// The beginning of its digest, for people: twelve hexadecimal digits.
    pub fn short_digest(&self) -> String {
        self.digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tool of that name.
    pub fn tool(&self, id: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.id.as_str() == id)
    }

    /// The plan of that name.
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id.as_str() == id)
    }

    /// The package of that name.
    pub fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.id.as_str() == id)
    }
}

/// A published version: immutable (R7).
#[derive(Clone, Debug)]
pub struct Published {
    /// Whose.
    pub studio: StudioNumber,
    /// Counted from 1 within the studio.
    pub version: u32,
    /// When it was published.
    pub published_at: Time,
    /// From when it is in force: its own `effective_from`, but not before the instant of publication; the first version
    /// of a studio as it says, and without one at any clock.
    pub effective: Time,
    /// The document.
    pub catalog: Arc<Catalog>,
}

/// Every version of every studio, as the rules need them.
#[derive(Clone, Debug, Default)]
pub struct Catalogs {
    /// By studio and then by (effective, version).
    versions: std::collections::BTreeMap<StudioNumber, Vec<Arc<Published>>>,
}

impl Catalogs {
    /// Adds a version.
    pub fn add(&mut self, published: Arc<Published>) {
        let versions = self.versions.entry(published.studio).or_default();
        versions.push(published);
        versions.sort_by_key(|published| (published.effective, published.version));
    }

    /// The versions of a studio, in the order in which they take force.
    pub fn of(&self, studio: StudioNumber) -> &[Arc<Published>] {
        self.versions.get(&studio).map_or(&[], Vec::as_slice)
    }

    /// The version in force at an instant.
    pub fn in_force(&self, studio: StudioNumber, at: Time) -> Option<&Arc<Published>> {
        self.of(studio).iter().rev().find(|published| published.effective <= at)
    }

    /// A version by its number.
    pub fn version(&self, studio: StudioNumber, version: u32) -> Option<&Arc<Published>> {
        self.of(studio).iter().find(|published| published.version == version)
    }

    /// Whether a quote at this version still stands at an instant: it is in force, or was superseded
    /// less than its grace ago (R7).
    pub fn honoured(&self, studio: StudioNumber, version: u32, at: Time) -> bool {
        let versions = self.of(studio);
        let Some(place) = versions.iter().position(|published| published.version == version) else { return false };
        let quoted = &versions[place];
        quoted.effective <= at
            && versions
                .get(place + 1)
                .is_none_or(|next| at < next.effective.plus_seconds(i64::from(quoted.catalog.honoured_for)))
    }
}

/// Why a catalog is refused: where, what was found and what was expected (R5, R6).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct CatalogError {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What is wrong and what to do, in one or two sentences.
    pub message: String,
}

/// The two ways in which a catalog is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people.
    Toml,
    /// For programs.
    Json,
}
