//! Holds: credits set aside for a running job (R18–R23).

use crate::amount::Credits;
use crate::catalog::Catalogs;
use crate::id::{HoldId, HoldName, LotId, StudioNumber, ToolId};
use crate::lot::Class;
use crate::measure::Measures;
use crate::time::Time;

/// What a settle does with a price above the held amount (R19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnExcess {
    /// Take the held amount; the difference is uncollected and owed by nobody.
    #[default]
    Cap,
    /// Take the rest from available; refuse when short.
    Extend,
    /// Take the rest from available, and what is then still missing becomes a debt.
    Debt,
}

impl OnExcess {
    /// The word on the wire and in catalogs.
    pub const fn word(self) -> &'static str {
        match self {
            OnExcess::Cap => "cap",
            OnExcess::Extend => "extend",
            OnExcess::Debt => "debt",
        }
    }

    /// The policy that a word names.
    pub fn from_word(word: &str) -> Option<OnExcess> {
        [OnExcess::Cap, OnExcess::Extend, OnExcess::Debt].into_iter().find(|policy| policy.word() == word)
    }
}

/// What a price was made of: pinned, so that nothing is ever repriced (R7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The tool, or `None` where the caller named an amount.
    pub tool: Option<ToolId>,
    /// The measures as they were given.
    pub measures: Measures,
    /// The catalog version that priced it, or was in force.
    pub catalog_version: u32,
}

/// Credits of one lot, set aside by a hold or taken by a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotPart {
    /// The lot.
    pub lot: LotId,
    /// Its class.
    pub class: Class,
    /// How much of it.
    pub credits: Credits,
}

/// The state of a hold: it ends exactly once; only an expired one may still be settled late, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// Credits are set aside.
    Open,
    /// Charged.
    Settled,
    /// Freed by the studio.
    Released,
    /// Freed at its deadline.
    Expired,
}

impl HoldState {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            HoldState::Open => "open",
            HoldState::Settled => "settled",
            HoldState::Released => "released",
            HoldState::Expired => "expired",
        }
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<HoldState> {
        [HoldState::Open, HoldState::Settled, HoldState::Released, HoldState::Expired]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// Credits set aside for a running job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Derived from the entry that placed it.
    pub id: HoldId,
    /// The caller's own id, if it gave one.
    pub name: Option<HoldName>,
    /// What it is for, and the pinned version.
    pub priced: Priced,
    /// Held in all.
    pub credits: Credits,
    /// Which lots it holds, in spend order as of its placing. Empty once it has ended.
    pub parts: Vec<LotPart>,
    /// When it was placed.
    pub placed_at: Time,
    /// Its deadline: at this very instant it is expired.
    pub expires_at: Time,
    /// The policy of its tool for a price above the hold.
    pub on_excess: OnExcess,
    /// The studio's job reference.
    pub reference: Option<Box<str>>,
    /// Who of the account ran it.
    pub member: Option<Box<str>>,
    /// Where it stands.
    pub state: HoldState,
}

/// Seconds for which holds last where nothing else is said (R18).
pub const HOLD_FOR: u32 = 3_600;

impl Hold {
    /// Whether it is open and has lasted longer than holds of its tool do at first: it was extended, or asked for more. Its job
    /// may be gone.
    pub fn is_stuck(&self, studio: StudioNumber, catalogs: &Catalogs, now: Time) -> bool {
        let version = catalogs.version(studio, self.priced.catalog_version);
        let tool = self.priced.tool.as_ref().and_then(|tool| version?.catalog.tool(tool.as_str()));
        let usual = tool.map_or(HOLD_FOR, |tool| tool.hold_for);
        let is_open = self.state == HoldState::Open && now < self.expires_at;
        is_open && self.placed_at.plus_seconds(i64::from(usual)) < now
    }
}
