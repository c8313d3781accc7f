//! What the model expects to be seen of an account.

use scrip_core::hold::HoldState;
use scrip_core::plan::SubscriptionState;

use super::{Account, Instant, Next, Subscription};
use crate::prices::Amount;
use crate::view::{HoldSeen, LotSeen, SubscriptionSeen, Sums, time_or_none};

impl Account {
    /// The whole visible state, a line each; nothing for an account that was never opened.
    pub fn seen(&self) -> Vec<String> {
        if !self.opened {
            return vec!["no account".to_owned()];
        }
        let types = self.project_types.as_ref().map_or_else(|| "all".to_owned(), |types| format!("{types:?}"));
        let mut lines = vec![format!("account {:?} in {} with {types}", self.name, self.zone)];
        let shown = self.shown();
        lines.extend(shown.iter().map(|&place| {
            let lot = &self.lots[place];
            let seen = LotSeen {
                class: lot.class,
                priority: lot.priority,
                granted_at: lot.granted_at,
                expires_at: lot.expires_at,
                granted: lot.granted,
                remaining: lot.remaining,
                held: self.held_of(place),
            };
            seen.to_string()
        }));
        lines.extend(self.holds.iter().filter(|hold| hold.state == HoldState::Open).map(|hold| {
            let place = |lot: usize| shown.iter().position(|other| *other == lot).expect("what is held is left");
            let parts: Vec<(usize, Amount)> = hold.parts.iter().map(|(lot, part)| (place(*lot), *part)).collect();
            let seen = HoldSeen {
                name: hold.name.clone(),
                tool: hold.tool.clone(),
                credits: hold.credits,
                expires_at: hold.expires_at,
                version: hold.version,
                parts,
            };
            seen.to_string()
        }));
        lines.extend(self.subscription.as_ref().map(|subscription| subscription.seen().to_string()));
        let sums = Sums { remaining: self.remaining(), held: self.held(), debt: self.debt };
        lines.push(format!("{sums}; next reset {}", time_or_none(self.resets_at())));
        lines
    }

    /// When credits come next (R9).
    pub fn resets_at(&self) -> Option<Instant> {
        let subscription = self.subscription.as_ref()?;
        subscription.refills().then(|| subscription.boundary(subscription.next_cycle()))
    }
}

impl Subscription {
    /// Whether the next cycle brings credits: not without another cycle, and not while past due or paused.
    fn refills(&self) -> bool {
        let ends = self.next == Some(Next::Cancel) && self.next_cycle() == self.term_end();
        !ends && self.state == SubscriptionState::Active
    }

    fn seen(&self) -> SubscriptionSeen {
        let cycle = self.cycle.unwrap_or(0);
        SubscriptionSeen {
            plan: self.plan.id.to_owned(),
            allowance: self.plan.allowance,
            state: self.state.word(),
            anchor: self.anchor,
            term: (self.boundary(self.term_start), self.boundary(self.term_end())),
            cycle: (self.boundary(cycle), self.boundary(cycle + 1)),
            next: self.next.as_ref().map(|next| match next {
                Next::Change(plan) => plan.id.to_owned(),
                Next::Cancel => "cancel".to_owned(),
            }),
        }
    }
}
