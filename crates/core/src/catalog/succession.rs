//! Where a new version stands among those that are published: which one it takes over from, and which take over from it (R7).
//!
//! Apart because publishing, trying and telling must agree on it. It only looks.

use std::sync::Arc;

use crate::catalog::diff::diff_rates;
use crate::catalog::{Catalog, Catalogs, Published, Tool, diff};
use crate::id::StudioNumber;
use crate::time::Time;

/// What a new version comes to beside those that are published.
#[derive(Clone, Debug)]
pub struct Succession {
    /// The version that it takes over from: in force when it begins. `None`: none is.
    pub replaces: Option<u32>,
    /// What differs from that one, a line each.
    pub changes: Vec<String>,
    /// The versions that are scheduled already and take over later, in the order in which they do; none that never begins.
    pub followed_by: Vec<Follower>,
}

/// A version that is scheduled already and takes over from a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// Its number.
    pub version: u32,
    /// From when it is in force.
    pub effective: Time,
    /// What differs between the new version and this one, and would not have changed without the new one: a line each. Of a tool
    /// whose rate both change, all that was compared.
    pub takes_back: Vec<String>,
}

impl Catalogs {
    /// From when a new version is in force: as its document says, but not before `earliest`; the first of a studio at any
    /// clock.
    pub fn effective(&self, studio: StudioNumber, catalog: &Catalog, earliest: Time) -> Time {
        let earliest = if self.of(studio).is_empty() { Time::EPOCH } else { earliest };
        catalog.effective_from.unwrap_or(earliest).max(earliest)
    }

    /// The version that begins at the same instant as this one and counts then, so that this one is never in force.
    pub fn replaced_before(&self, version: &Published) -> Option<u32> {
        let same = self.of(version.studio).iter().filter(|other| other.effective == version.effective);
        same.map(|other| other.version).find(|other| *other > version.version)
    }

    /// What version `number`, in force from `effective`, comes to beside the versions of before it. At one instant the newer one counts.
    pub fn succession(&self, studio: StudioNumber, catalog: &Catalog, (number, effective): (u32, Time)) -> Succession {
        let older = || self.of(studio).iter().filter(move |other| other.version < number);
        let before: Option<&Arc<Published>> = older().rev().find(|other| other.effective <= effective);
        let taken_back = |later: &Catalog| match before {
            Some(before) => taken_back(&before.catalog, catalog, later),
            None => diff(catalog, later),
        };
        let begins = |other: &Arc<Published>| self.replaced_before(other).is_none_or(|by| by >= number);
        let later = older().filter(|other| other.effective > effective && begins(other));
        Succession {
            replaces: before.map(|before| before.version),
            changes: before.map_or_else(Vec::new, |before| diff(&before.catalog, catalog)),
            followed_by: later
                .map(|later| Follower {
                    version: later.version,
                    effective: later.effective,
                    takes_back: taken_back(&later.catalog),
                })
                .collect(),
        }
    }
}

/// What a later version changes of a new one, and would not have changed of the one before.
fn taken_back(before: &Catalog, new: &Catalog, later: &Catalog) -> Vec<String> {
    let anyway = diff(before, later);
    // Rates are compared at points, and two of a tool's at others than another two: a line that reads alike may hide another price.
    let rates: Vec<String> = new.tools.iter().flat_map(|tool| rate_taken_back(before, tool, later)).collect();
    diff(new, later).into_iter().filter(|line| !anyway.contains(line) || rates.contains(line)).collect()
}

fn rate_taken_back(before: &Catalog, tool: &Tool, later: &Catalog) -> Vec<String> {
    let id = tool.id.as_str();
    let (Some(old), Some(then)) = (before.tool(id), later.tool(id)) else { return Vec::new() };
    if diff_rates(old, tool).is_empty() { Vec::new() } else { diff_rates(tool, then) }
}
