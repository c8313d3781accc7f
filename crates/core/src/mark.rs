//! Marks: what a subscription looked like to whoever looked, in a word that a change can be made to hang on.
//!
//! Apart because a mark says nothing but whether it is the same: no rule reads it. It is in no store, so what it is made of may change.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::account::Account;
use crate::catalog::Catalogs;
use crate::plan::{NextPlan, PlanTerms, Subscription};
use crate::time::Time;

/// What an account's subscription, or that it has none, looked like beside the catalog in force. Another after each change of it, in
/// each cycle, once another pays for it, and after each publication that takes force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(u64);

impl Mark {
    /// Of an account to which everything due has been applied.
    pub fn of(account: &Account, catalogs: &Catalogs, at: Time) -> Mark {
        let stands = match account.subscription.as_deref() {
            None => "none".to_owned(),
            Some(subscription) => {
                // While nothing is refilled, cycles and terms pass without an entry, and with them the days that were looked at.
                let cycle = subscription.cycle_at(at);
                let current = match cycle {
                    Some(cycle) => subscription.clone().in_term_of(cycle, account.studio, catalogs),
                    None => subscription.clone(),
                };
                format!("{} {cycle:?} {:?}", described(&current), account.billing)
            }
        };
        let version = catalogs.in_force(account.studio, at).map_or(0, |published| published.version);
        Mark::of_text(&format!("{version} {stands}"))
    }

    fn of_text(text: &str) -> Mark {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let (leading, _) = digest.split_at(8);
        Mark(u64::from_be_bytes(leading.try_into().expect("8 of 32 bytes")))
    }

    /// The mark that a text is; `None` where it is none.
    pub fn parse(text: &str) -> Option<Mark> {
        let mark = Mark(u64::from_str_radix(text, 16).ok()?);
        (mark.to_string() == text).then_some(mark)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Everything of it; when it next turns follows from the rest.
fn described(subscription: &Subscription) -> String {
    let Subscription { terms, state, anchor, zone, term_start, reached, next, paid_until, turns_at: _ } = subscription;
    let next = match next {
        None => String::new(),
        Some(NextPlan::Cancel) => "cancel".to_owned(),
        Some(NextPlan::Change(terms)) => of_terms(terms),
    };
    let reached = reached.map(|reached| format!("{}:{}", reached.cycle, reached.allowance)).unwrap_or_default();
    let (terms, state) = (of_terms(terms), state.word());
    format!("{terms} {state} {anchor} {zone} {term_start} {reached} {next} {paid_until:?}")
}

fn of_terms(terms: &PlanTerms) -> String {
    let PlanTerms { plan, allowance, term_months, roll_over_cap, renews } = terms;
    format!("{plan}/{allowance}/{term_months}/{roll_over_cap:?}/{renews:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_one_spelling() {
        let mark = Mark::of_text("");
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        for wrong in ["", "0", "none", "00000000000000000", "000000000000000G", "+00000000000000f"] {
            assert_eq!(Mark::parse(wrong), None, "{wrong}");
        }
    }
}
