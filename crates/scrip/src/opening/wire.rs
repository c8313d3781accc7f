//! Openings as they pass through the control socket: plain texts, read back into the same openings.
//!
//! It is apart so that a change of the rules' types does not change what two versions of scrip say to each other.

use std::collections::BTreeMap;

use scrip_core::amount::{Credits, Total};
use scrip_core::command::{Grant, Opening, OpeningLot, OpeningSubscription, PutAccount};
use scrip_core::id::{AccountId, PlanId, ProjectTypeId};
use scrip_core::lot::{Class, Priority};
use scrip_core::plan::SubscriptionState;
use scrip_core::time::{Time, Zone};
use serde::{Deserialize, Serialize};

/// An account to open.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpeningWire {
    account: String,
    name: Option<String>,
    time_zone: Option<String>,
    project_types: Option<Vec<String>>,
    subscription: Option<SubscriptionWire>,
    lots: Vec<LotWire>,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct SubscriptionWire {
    plan: String,
    anchor: String,
    state: String,
    remaining: Option<String>,
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct LotWire {
    class: String,
    credits: String,
    granted: String,
    expires_at: Option<String>,
    priority: Option<u8>,
    reason: String,
}

/// What stands in the way of an opening, if anything.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Nothing: it would be carried out.
    New,
    /// It was carried out before: this very opening.
    There,
    /// The account is there, but not by this opening.
    Taken {
        /// How it came to be.
        how: String,
    },
    /// It cannot be carried out.
    Faulty {
        /// All that is wrong.
        faults: Vec<FaultWire>,
    },
}

/// Something wrong with a part of an opening.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct FaultWire {
    /// The part.
    pub(crate) part: PartWire,
    /// The field.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) problem: String,
}

/// A part of an opening.
#[derive(Serialize, Deserialize, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartWire {
    /// Its settings, or all of it together.
    Account,
    /// Its subscription.
    Subscription,
    /// A lot, by its place.
    Lot(usize),
}

/// What carrying out openings came to.
#[derive(Serialize, Deserialize, Debug, Default)]
pub(crate) struct Written {
    /// Accounts that were opened.
    pub(crate) opened: u64,
    /// Accounts that these openings had opened before.
    pub(crate) there: u64,
    /// Openings that could not be carried out any more: their places, with what stands in the way.
    pub(crate) refused: Vec<(usize, Verdict)>,
    /// What the store has of all that were carried out, now or before: millionths of a credit by class.
    pub(crate) brought: BTreeMap<String, String>,
}

/// Credits by class.
pub(crate) type ByClass = BTreeMap<Class, Total>;

/// Credits by class as texts.
pub(super) fn write_sums(sums: &ByClass) -> BTreeMap<String, String> {
    sums.iter().map(|(class, total)| (class.word().to_owned(), total.millionths().to_string())).collect()
}

/// Credits by class from texts; `None` when they say something else.
pub(super) fn read_sums(sums: &BTreeMap<String, String>) -> Option<ByClass> {
    let read = |(class, total): (&String, &String)| {
        Some((Class::from_word(class)?, Total::from_millionths(total.parse().ok()?)))
    };
    sums.iter().map(read).collect()
}

impl OpeningWire {
    /// As texts.
    pub(super) fn of(account: &AccountId, opening: &Opening) -> OpeningWire {
        let settings = &opening.settings;
        let types = settings.project_types.as_ref();
        OpeningWire {
            account: account.to_string(),
            name: settings.name.as_deref().map(str::to_owned),
            time_zone: settings.zone.as_ref().map(Zone::to_string),
            project_types: types.map(|types| types.iter().map(ProjectTypeId::to_string).collect()),
            subscription: opening.subscription.as_ref().map(SubscriptionWire::of),
            lots: opening.lots.iter().map(LotWire::of).collect(),
        }
    }

    /// From texts that tell of an instant; else what cannot be read.
    pub(super) fn opening(self, as_of: Time) -> Result<(AccountId, Opening), String> {
        let types = self.project_types.map(|types| types.iter().map(|name| read(name, ProjectTypeId::parse)).collect());
        let settings = PutAccount {
            name: self.name.map(String::into_boxed_str),
            zone: self.time_zone.map(|zone| read(&zone, Zone::parse)).transpose()?,
            project_types: types.transpose()?,
        };
        let lots = self.lots.into_iter().map(LotWire::lot).collect::<Result<_, _>>()?;
        let subscription = self.subscription.map(|subscription| subscription.subscription(as_of)).transpose()?;
        Ok((read(&self.account, AccountId::parse)?, Opening { settings, subscription, lots }))
    }
}

impl SubscriptionWire {
    fn of(subscription: &OpeningSubscription) -> SubscriptionWire {
        SubscriptionWire {
            plan: subscription.plan.to_string(),
            anchor: subscription.anchor.to_string(),
            state: subscription.state.word().to_owned(),
            remaining: subscription.remaining.map(|remaining| remaining.to_string()),
        }
    }

    fn subscription(self, as_of: Time) -> Result<OpeningSubscription, String> {
        Ok(OpeningSubscription {
            plan: read(&self.plan, PlanId::parse)?,
            anchor: read(&self.anchor, Time::parse)?,
            state: read(&self.state, |word| SubscriptionState::from_word(word).ok_or("no such state"))?,
            remaining: self.remaining.map(|remaining| read(&remaining, Credits::parse)).transpose()?,
            as_of: Some(as_of),
        })
    }
}

impl LotWire {
    fn of(lot: &OpeningLot) -> LotWire {
        let OpeningLot { grant, granted } = lot;
        LotWire {
            class: grant.class.word().to_owned(),
            credits: grant.credits.to_string(),
            granted: granted.to_string(),
            expires_at: grant.expires_at.map(|at| at.to_string()),
            priority: grant.priority.map(|priority| priority.0),
            reason: grant.reason.to_string(),
        }
    }

    fn lot(self) -> Result<OpeningLot, String> {
        let grant = Grant {
            credits: read(&self.credits, Credits::parse)?,
            class: read(&self.class, |word| Class::from_word(word).ok_or("no such class"))?,
            expires_at: self.expires_at.map(|at| read(&at, Time::parse)).transpose()?,
            priority: self.priority.map(Priority),
            reason: self.reason.into(),
        };
        Ok(OpeningLot { grant, granted: read(&self.granted, Credits::parse)? })
    }
}

/// A text read, or named with what is wrong with it.
fn read<T, E: std::fmt::Display>(text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, String> {
    parse(text).map_err(|error| format!("`{text}`: {error}"))
}
