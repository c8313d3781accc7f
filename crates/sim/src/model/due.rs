//! What falls due by itself (R14–R16, R21, R22).

use scrip_core::entry::Kind;
use scrip_core::hold::HoldState;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use super::commands::LIMIT;
use super::{Account, Instant, Lot, Next, Version, in_force};
use crate::prices::Amount;

impl Account {
    /// Lets everything happen that is due up to `now`, each at its own instant.
    pub fn catch_up(&mut self, now: Instant, versions: &[Version]) {
        while let Some(at) = self.next_due().filter(|at| *at <= now) {
            self.happen(at, versions);
        }
    }

    /// The next instant at which something happens by itself.
    pub fn next_due(&self) -> Option<Instant> {
        let deadlines = self.holds.iter().filter(|hold| hold.state == HoldState::Open).map(|hold| hold.expires_at);
        let ends = self.lots.iter().filter(|lot| !lot.ended).filter_map(|lot| lot.expires_at);
        let turn = self.subscription.iter().map(|subscription| subscription.boundary(subscription.next_cycle()));
        deadlines.chain(ends).chain(turn).min()
    }

    /// The order of R16 at one instant.
    fn happen(&mut self, at: Instant, versions: &[Version]) {
        let lots_before = self.lots.len();
        self.expire_holds(at);
        let turns = self.subscription.as_ref().is_some_and(|s| s.boundary(s.next_cycle()) == at);
        if turns {
            self.roll_over(at);
        }
        self.expire_lots(at);
        if turns {
            self.turn(at, versions);
        }
        self.repay(at, lots_before);
    }

    fn expire_holds(&mut self, at: Instant) {
        for hold in 0..self.holds.len() {
            if self.holds[hold].state == HoldState::Open && self.holds[hold].expires_at == at {
                let credits = self.holds[hold].credits;
                self.holds[hold].state = HoldState::Expired;
                self.record(at, Kind::HoldExpired, 0, -credits);
                self.expire_freed(at);
            }
        }
    }

    /// What a hold freed of lots that had ended is gone at once (R22); answers how much.
    pub(super) fn expire_freed(&mut self, at: Instant) -> Amount {
        let mut gone = 0;
        for lot in 0..self.lots.len() {
            let free = self.available_of(lot);
            if self.lots[lot].ended && free > 0 {
                self.lots[lot].remaining -= free;
                self.record(at, Kind::Expiry, -free, 0);
                gone += free;
            }
        }
        gone
    }

    fn expire_lots(&mut self, at: Instant) {
        for lot in &mut self.lots {
            lot.ended |= lot.expires_at == Some(at);
        }
        self.expire_freed(at);
    }

    /// What is unheld of the cycle's lots becomes one lot of the next (R14).
    fn roll_over(&mut self, at: Instant) {
        let Some(subscription) = self.subscription.clone() else { return };
        let Some(cap) = subscription.plan.cap else { return };
        let ends = subscription.next == Some(Next::Cancel) && subscription.next_cycle() == subscription.term_end();
        if subscription.cycle.is_none() || ends || subscription.state != SubscriptionState::Active {
            return;
        }
        let mut room = cap;
        let mut rolled = 0;
        for lot in self.spend_order() {
            if self.lots[lot].class == Class::Subscription && self.lots[lot].expires_at == Some(at) {
                let part = self.available_of(lot).min(room);
                self.lots[lot].remaining -= part;
                room -= part;
                rolled += part;
            }
        }
        if rolled > 0 {
            self.make_lot(Lot {
                class: Class::Subscription,
                priority: 10,
                granted_at: at,
                expires_at: Some(subscription.boundary(subscription.next_cycle() + 1)),
                granted: rolled,
                remaining: rolled,
                ended: false,
            });
        }
    }

    /// A cycle ends and, mostly, another begins.
    fn turn(&mut self, at: Instant, versions: &[Version]) {
        let Some(mut subscription) = self.subscription.take() else { return };
        let cycle = subscription.next_cycle();
        subscription.cycle = Some(cycle);
        if cycle == subscription.term_end() {
            subscription.term_start = cycle;
            match subscription.next.take() {
                Some(Next::Cancel) => return,
                Some(Next::Change(plan)) => subscription.plan = plan,
                None => {
                    let anew = in_force(versions, at).prices.plan(subscription.plan.id).cloned();
                    subscription.plan = anew.unwrap_or(subscription.plan);
                }
            }
        }
        self.subscription = Some(subscription);
        self.refill(at);
    }

    /// Grants what the cycle that runs has not granted yet (R14, R17); nothing unless active.
    pub(super) fn refill(&mut self, at: Instant) {
        let Some(subscription) = &mut self.subscription else { return };
        let Some(cycle) = subscription.cycle else { return };
        if subscription.state != SubscriptionState::Active {
            return;
        }
        let reached = subscription.reached.filter(|(of, _)| *of == cycle).map_or(0, |(_, allowance)| allowance);
        let missing = (subscription.plan.allowance - reached).max(0);
        if missing == 0 {
            return;
        }
        subscription.reached = Some((cycle, reached + missing));
        let expires_at = Some(subscription.boundary(cycle + 1));
        // What would take the account beyond the limit is not granted (R1).
        let missing = missing.min(LIMIT - self.remaining());
        if missing == 0 {
            return;
        }
        self.make_lot(Lot {
            class: Class::Subscription,
            priority: 10,
            granted_at: at,
            expires_at,
            granted: missing,
            remaining: missing,
            ended: false,
        });
        self.record(at, Kind::Refill, missing, 0);
    }
}
