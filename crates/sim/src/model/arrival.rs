//! Customers who were served elsewhere come with what they had there.

use scrip_core::entry::Kind;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use super::commands::begin;
use super::{Account, Arrival, Done, Instant, LIMIT, Lot, Moment, Subscription, in_force};
use crate::prices::Amount;

impl Account {
    /// All of it at once, or nothing.
    pub(super) fn arrive(&mut self, arrival: &Arrival, moment: Moment<'_>) -> Result<Done, String> {
        if self.opened {
            return Err("invalid_request account".to_owned());
        }
        let zone = arrival.zone.clone().unwrap_or("UTC".to_owned());
        let brought = arrival.plan.iter().filter_map(|plan| plan.remaining);
        if brought.chain(arrival.lots.iter().map(|lot| lot.remaining)).sum::<Amount>() > LIMIT {
            return Err("amount_limit".to_owned());
        }
        let subscription = arrival.subscription(&zone, moment)?;
        if arrival.lots.iter().any(|lot| lot.expires_at.is_some_and(|at| at <= moment.now)) {
            return Err("invalid_request expires_at".to_owned());
        }
        (self.opened, self.zone) = (true, zone);
        if let Some(mut subscription) = subscription {
            let remaining = arrival.plan.as_ref().and_then(|plan| plan.remaining);
            if let (Some(cycle), Some(remaining)) = (subscription.cycle, remaining) {
                let allowance = subscription.plan.allowance;
                subscription.reached = Some((cycle, allowance));
                let ends = subscription.boundary(cycle + 1);
                self.bring((Class::Subscription, Some(ends)), (remaining, allowance), moment.now);
            }
            self.subscription = Some(subscription);
        }
        for lot in &arrival.lots {
            self.bring((lot.class, lot.expires_at), (lot.remaining, lot.granted), moment.now);
        }
        Ok(Done::Created)
    }

    /// A lot of which this much is left.
    fn bring(
        &mut self,
        (class, expires_at): (Class, Option<Instant>),
        (remaining, granted): (Amount, Amount),
        now: Instant,
    ) {
        if remaining == 0 {
            return;
        }
        let priority = if class == Class::TopUp { 20 } else { 10 };
        self.make_lot(Lot { class, priority, granted_at: now, expires_at, granted, remaining, ended: false });
        let kind = if class == Class::Subscription { Kind::Refill } else { Kind::Grant };
        self.record(now, kind, remaining, 0);
    }
}

impl Arrival {
    /// Fields whose values no account could accept.
    pub(super) fn shape(&self) -> Result<(), &'static str> {
        if self.plan.as_ref().and_then(|plan| plan.remaining).is_some_and(|remaining| remaining < 0) {
            return Err("subscription_remaining");
        }
        for lot in &self.lots {
            if lot.remaining <= 0 {
                return Err("credits");
            }
            if lot.class == Class::Subscription {
                return Err("class");
            }
            if lot.granted < lot.remaining {
                return Err("granted");
            }
        }
        Ok(())
    }

    fn subscription(&self, zone: &str, moment: Moment<'_>) -> Result<Option<Subscription>, String> {
        let Some(brought) = &self.plan else { return Ok(None) };
        let prices = &in_force(moment.versions, moment.now).prices;
        let plan = prices.plan(&brought.plan).cloned().ok_or("plan_not_found")?;
        let allowance = plan.allowance;
        let subscription = begin(plan, brought.anchor, Some(brought.state), (zone, moment.now));
        let right = match (subscription.cycle, brought.remaining) {
            (None, remaining) => remaining.unwrap_or(0) == 0,
            (Some(_), Some(remaining)) => remaining <= allowance,
            (Some(_), None) => brought.state != SubscriptionState::Active,
        };
        if right { Ok(Some(subscription)) } else { Err("invalid_request subscription_remaining".to_owned()) }
    }
}
