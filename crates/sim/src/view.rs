//! What can be seen of an account, in lines: the common ground on which engine and model are compared.
//!
//! Both sides write what they show through these functions, so a disagreement is two texts that a person can read. The ids
//! that the engine makes are left out: the model knows things by the order of their making.

use std::fmt;

use scrip_core::amount::Credits;
use scrip_core::lot::Class;
use scrip_core::time::Time;

use crate::prices::Amount;

/// A PUT made something.
pub const CREATED: &str = "created";
/// A PUT found it there.
pub const UPDATED: &str = "updated";
/// A lot was granted.
pub const GRANTED: &str = "granted";
/// What was due was applied.
pub const TOUCHED: &str = "touched";
/// An account's texts were erased.
pub const ERASED: &str = "erased";

/// An account's totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// What is left.
    pub remaining: Amount,
    /// What is set aside of it.
    pub held: Amount,
    /// What is owed.
    pub debt: Amount,
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sums { remaining, held, debt } = *self;
        write!(f, "remaining {} held {} debt {}", credits(remaining), credits(held), credits(debt))
    }
}

/// An amount as people read it.
pub fn credits(amount: Amount) -> Credits {
    Credits::from_millionths(i64::try_from(amount).expect("amounts of one account fit"))
}

/// The model's form of an amount.
pub fn amount(credits: Credits) -> Amount {
    Amount::from(credits.millionths())
}

/// An instant as people read it.
pub fn time(instant: i64) -> Time {
    Time::from_micros(instant)
}

/// An instant that may be never.
pub fn time_or_none(instant: Option<i64>) -> String {
    instant.map_or_else(|| "none".to_owned(), |instant| time(instant).to_string())
}

/// Which classes paid or were paid, in order.
pub fn parts(parts: impl Iterator<Item = (Class, Amount)>) -> String {
    let parts: Vec<String> = parts.map(|(class, part)| format!("{} {}", class.word(), credits(part))).collect();
    format!("[{}]", parts.join(", "))
}

/// A hold was placed.
pub fn placed(held: Amount, expires_at: i64, version: u32, parts: &str) -> String {
    format!("held {} until {} at version {version} from {parts}", credits(held), time(expires_at))
}

/// A deadline stands.
pub fn extended(expires_at: i64) -> String {
    format!("extended until {}", time(expires_at))
}

/// A hold was charged.
pub fn settled(charged: Amount, freed: Amount, uncollected: Amount, debt: Amount) -> String {
    let (charged, freed) = (credits(charged), credits(freed));
    format!("settled: charged {charged} freed {freed} uncollected {} owed {}", credits(uncollected), credits(debt))
}

/// A hold was freed.
pub fn released(freed: Amount) -> String {
    format!("released: freed {}", credits(freed))
}

/// Credits were taken.
pub fn charged(parts: &str) -> String {
    format!("charged from {parts}")
}

/// Credits were given back.
pub fn refunded(given: Amount, parts: &str) -> String {
    format!("refunded {} to {parts}", credits(given))
}

/// A lot was taken back.
pub fn revoked(taken: Amount) -> String {
    format!("revoked {}", credits(taken))
}

/// A debt was forgiven.
pub fn written_off(forgiven: Amount) -> String {
    format!("written off {}", credits(forgiven))
}

/// A lot with something left.
#[derive(Clone, Copy, Debug)]
pub struct LotSeen {
    /// Its class.
    pub class: Class,
    /// Its priority.
    pub priority: u8,
    /// When it was made.
    pub granted_at: i64,
    /// When it ends.
    pub expires_at: Option<i64>,
    /// At first.
    pub granted: Amount,
    /// What is left.
    pub remaining: Amount,
    /// What is set aside of it.
    pub held: Amount,
}

impl fmt::Display for LotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, priority, until) = (self.class.word(), self.priority, time_or_none(self.expires_at));
        let (remaining, granted, held) = (credits(self.remaining), credits(self.granted), credits(self.held));
        let at = time(self.granted_at);
        write!(f, "lot {class} {remaining} of {granted} held {held} priority {priority} from {at} until {until}")
    }
}

/// An open hold.
#[derive(Clone, Debug)]
pub struct HoldSeen {
    /// The caller's own id.
    pub name: Option<String>,
    /// The tool.
    pub tool: Option<String>,
    /// In all.
    pub credits: Amount,
    /// Its deadline.
    pub expires_at: i64,
    /// The pinned version.
    pub version: u32,
    /// Of which lots, by their place among those shown.
    pub parts: Vec<(usize, Amount)>,
}

impl fmt::Display for HoldSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("-");
        let tool = self.tool.as_deref().unwrap_or("-");
        let parts: Vec<String> = self.parts.iter().map(|(lot, part)| format!("#{lot} {}", credits(*part))).collect();
        let (held, until, version) = (credits(self.credits), time(self.expires_at), self.version);
        write!(f, "hold {name} {held} for {tool}@{version} until {until} of {}", parts.join(" + "))
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub struct SubscriptionSeen {
    /// The plan.
    pub plan: String,
    /// Its allowance.
    pub allowance: Amount,
    /// The state.
    pub state: &'static str,
    /// The anchor.
    pub anchor: i64,
    /// The term; before the anchor, the first.
    pub term: (i64, i64),
    /// The cycle; before the anchor, the first.
    pub cycle: (i64, i64),
    /// What waits: a plan, or `cancel`.
    pub next: Option<String>,
}

impl fmt::Display for SubscriptionSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = |(start, end): (i64, i64)| format!("{}..{}", time(start), time(end));
        let (plan, allowance, state, anchor) = (&self.plan, credits(self.allowance), self.state, time(self.anchor));
        let next = self.next.as_deref().unwrap_or("none");
        write!(f, "plan {plan} ({allowance}) {state} from {anchor} ")?;
        write!(f, "term {} cycle {} next {next}", period(self.term), period(self.cycle))
    }
}
