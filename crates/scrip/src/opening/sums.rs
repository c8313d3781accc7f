//! What a file says in sum, and what of it the store says in sum.

use std::collections::BTreeMap;
use std::fmt;

use scrip_core::amount::{Credits, Total};
use scrip_core::command::Opening;
use scrip_core::id::PlanId;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use super::wire::ByClass;
use crate::progress::grouped;

/// Accounts, plans and credits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) accounts: u64,
    plans: BTreeMap<PlanId, BTreeMap<&'static str, u64>>,
    pub(super) credits: ByClass,
}

impl Sums {
    /// One account more.
    pub(super) fn add(&mut self, opening: &Opening) {
        self.accounts += 1;
        if let Some(subscription) = &opening.subscription {
            let state: SubscriptionState = subscription.state;
            *self.plans.entry(subscription.plan.clone()).or_default().entry(state.word()).or_default() += 1;
            self.add_credits(Class::Subscription, subscription.remaining.unwrap_or(Credits::ZERO));
        }
        for lot in &opening.lots {
            self.add_credits(lot.grant.class, lot.grant.credits);
        }
    }

    fn add_credits(&mut self, class: Class, credits: Credits) {
        if credits.is_positive() {
            *self.credits.entry(class).or_default() += credits;
        }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_plans: u64 = self.plans.values().flat_map(BTreeMap::values).sum();
        let mut plans: Vec<String> = Vec::new();
        for (plan, states) in &self.plans {
            let states: Vec<String> =
                states.iter().map(|(state, count)| format!("{} {state}", grouped(*count))).collect();
            plans.push(format!("{plan} {}", states.join(" + ")));
        }
        plans.push(format!("none {}", grouped(self.accounts - on_plans)));
        writeln!(f, "  plans: {}", plans.join(", "))?;
        write!(f, "  credits: {}", listed(&self.credits))
    }
}

/// "promo 5, top_up 100", or "nothing".
pub(super) fn listed(credits: &ByClass) -> String {
    let parts: Vec<String> = credits.iter().map(|(class, total)| format!("{} {total}", class.word())).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// Adds what another part of the accounts has.
pub(super) fn add(to: &mut ByClass, more: ByClass) {
    for (class, total) in more {
        let sum: &mut Total = to.entry(class).or_default();
        *sum += total;
    }
}
