//! What accounts are asked, keys first (R31, R32): settings, subscriptions, grants.

use scrip_core::entry::Kind;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use super::{Account, Ask, Cost, Done, Instant, Job, Lot, Next, Reply, Subscription, Usage, Version, in_force};
use crate::calendar::Offsets;
use crate::prices::{Amount, CREDIT, Plan};
use crate::view;

/// The most that an account may hold (R1).
pub const LIMIT: Amount = 8_000_000_000 * CREDIT;

/// The world at the moment of asking.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The instant.
    pub now: Instant,
    /// The studio's price lists in the order in which they take force.
    pub versions: &'a [Version],
}

impl Account {
    /// Carries out what is asked, or says why not.
    pub fn ask(&mut self, key: Option<&str>, ask: &Ask, moment: Moment<'_>) -> Reply {
        self.catch_up(moment.now, moment.versions);
        if let Err(field) = shape(ask) {
            return Reply::No(format!("invalid_request {field}"));
        }
        let arrives = matches!(ask, Ask::Arrive(_));
        let known = self.keys.iter().find(|(known, _, _)| Some(known.as_str()) == key);
        let known = known.map(|(_, asked, answer)| (asked, answer));
        let arrived = self.arrived.as_ref().map(|(asked, answer)| (asked, answer));
        if let Some((asked, answer)) = if arrives { arrived } else { known } {
            let same = asked == ask;
            return if same { Reply::Again(answer.clone()) } else { Reply::No("idempotency_key_reused".to_owned()) };
        }
        match self.carry_out(ask, moment) {
            Err(code) => Reply::No(code),
            Ok(done) => {
                let answer = self.answer(done);
                if arrives {
                    // An account arrives once: it needs no key for that, and binds none.
                    self.arrived = Some((ask.clone(), answer.clone()));
                    return Reply::Done(answer);
                }
                self.keys.extend(key.map(|key| (key.to_owned(), ask.clone(), answer.clone())));
                Reply::Done(answer)
            }
        }
    }

    /// Fields whose values could be accepted at another time, or of another studio.
    fn allowed_now(&self, ask: &Ask, moment: Moment<'_>) -> Result<(), String> {
        let published = |job: &Job| {
            let version = job.version;
            version.is_none() || moment.versions.iter().any(|other| Some(other.version) == version)
        };
        match ask {
            Ask::Grant { expires_at: Some(at), .. } if *at <= moment.now => {
                Err("invalid_request expires_at".to_owned())
            }
            Ask::Hold { job, .. } | Ask::Charge { job } if !published(job) => {
                Err("invalid_request catalog_version".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn carry_out(&mut self, ask: &Ask, moment: Moment<'_>) -> Result<Done, String> {
        let now = moment.now;
        if !self.opened && !matches!(ask, Ask::PutAccount { .. } | Ask::Arrive(_)) {
            return Err("account_not_found".to_owned());
        }
        self.allowed_now(ask, moment)?;
        match ask {
            Ask::PutAccount { name, zone, project_types } => {
                let done = if self.opened { Done::Updated } else { Done::Created };
                if !self.opened {
                    (self.opened, self.zone) = (true, "UTC".to_owned());
                }
                self.name = name.clone().or(self.name.take());
                self.zone = zone.clone().unwrap_or(std::mem::take(&mut self.zone));
                self.project_types = project_types.clone().or(self.project_types.take());
                Ok(done)
            }
            Ask::Arrive(arrival) => self.arrive(arrival, moment),
            Ask::PutSubscription { plan, anchor, state } => self.subscribe(plan.as_deref(), *anchor, *state, moment),
            Ask::Cancel => {
                let mut subscription = self.subscription.take().ok_or("subscription_not_found")?;
                subscription.next = Some(Next::Cancel);
                // What never began ends at once.
                self.subscription = subscription.cycle.map(|_| subscription);
                Ok(Done::Updated)
            }
            Ask::Hold { job, name, expires_in } => self.place(job, name.as_deref(), *expires_in, moment),
            Ask::Extend { hold, expires_in } => self.extend(hold, *expires_in, now),
            Ask::Settle { hold, usage, policy } => self.settle(hold, usage, *policy, moment),
            Ask::Release { hold, make_good } => self.release(hold, *make_good, now),
            Ask::Charge { job } => self.charge(job, moment),
            Ask::Refund { charge, credits } => self.refund(*charge, *credits, now),
            Ask::Grant { credits, class, expires_at, priority } => {
                self.grant(*credits, *class, (*expires_at, *priority), now)
            }
            Ask::Revoke { lot, credits } => self.revoke(*lot, *credits, now),
            Ask::WriteOff { credits } => {
                let credits = credits.unwrap_or(self.debt).min(self.debt);
                self.debt -= credits;
                Ok(Done::WrittenOff { credits })
            }
            Ask::Touch => Ok(Done::Touched),
        }
    }

    fn subscribe(
        &mut self,
        plan: Option<&str>,
        anchor: Option<Instant>,
        state: Option<SubscriptionState>,
        moment: Moment<'_>,
    ) -> Result<Done, String> {
        let prices = &in_force(moment.versions, moment.now).prices;
        let offered = |plan: &str| prices.plan(plan).cloned().ok_or("plan_not_found");
        let lots_before = self.lots.len();
        let done = match self.subscription.clone() {
            None => {
                let plan = offered(plan.ok_or("invalid_request plan")?)?;
                self.subscription = Some(begin(plan, anchor.unwrap_or(moment.now), state, (&self.zone, moment.now)));
                Done::Created
            }
            Some(mut subscription) => {
                let known = plan.is_none_or(|plan| subscription.knows(plan));
                let another = plan.filter(|_| !known).map(offered).transpose()?;
                if anchor.is_some_and(|anchor| anchor != subscription.anchor) {
                    return Err(format!("anchor_fixed {}", view::time(subscription.anchor)));
                }
                if plan == Some(subscription.plan.id) {
                    subscription.next = None;
                }
                another.into_iter().for_each(|plan| subscription.change(plan));
                subscription.state = state.unwrap_or(subscription.state);
                self.subscription = Some(subscription);
                Done::Updated
            }
        };
        self.refill(moment.now);
        self.repay(moment.now, lots_before);
        Ok(done)
    }

    fn grant(
        &mut self,
        credits: Amount,
        class: Class,
        (expires_at, priority): (Option<Instant>, Option<u8>),
        now: Instant,
    ) -> Result<Done, String> {
        if self.remaining() + credits > LIMIT {
            return Err("amount_limit".to_owned());
        }
        let default = if class == Class::TopUp { 20 } else { 10 };
        let lot = self.make_lot(Lot {
            class,
            priority: priority.unwrap_or(default),
            granted_at: now,
            expires_at,
            granted: credits,
            remaining: credits,
            ended: false,
        });
        self.record(now, Kind::Grant, credits, 0);
        self.repay(now, lot);
        Ok(Done::Granted { lot })
    }

    fn revoke(&mut self, lot: Option<usize>, credits: Option<Amount>, now: Instant) -> Result<Done, String> {
        let lot = lot.ok_or("lot_not_found")?;
        let left = self.available_of(lot);
        let credits = credits.unwrap_or(left).min(left);
        self.lots[lot].remaining -= credits;
        self.record(now, Kind::Revoke, -credits, 0);
        Ok(Done::Revoked { credits })
    }
}

impl Subscription {
    /// Whether it is the present plan, or the one that waits: those need not be offered any more.
    fn knows(&self, plan: &str) -> bool {
        let waits = matches!(&self.next, Some(Next::Change(next)) if next.id == plan);
        waits || self.plan.id == plan
    }

    /// Another plan: at once when it gives more, or when nothing has begun; else at the end of the term (R17).
    fn change(&mut self, plan: Plan) {
        let more = plan.allowance > self.plan.allowance;
        if let Some(cycle) = self.cycle {
            if !more {
                self.next = Some(Next::Change(plan));
                return;
            }
            if plan.months != self.plan.months {
                self.term_start = cycle;
            }
        }
        self.next = None;
        self.plan = plan;
    }
}

/// A subscription that begins: a past anchor means the cycle that runs now, a future one waits (R15).
pub(super) fn begin(
    plan: Plan,
    anchor: Instant,
    state: Option<SubscriptionState>,
    (zone, now): (&str, Instant),
) -> Subscription {
    let offsets = Offsets::of(zone);
    let mut cycle = None;
    for n in 0.. {
        if offsets.boundary(anchor, n) > now {
            break;
        }
        cycle = Some(n);
    }
    let term_start = cycle.map_or(0, |cycle| cycle - cycle % plan.months);
    let state = state.unwrap_or(SubscriptionState::Active);
    Subscription { plan, state, anchor, zone: zone.to_owned(), cycle, term_start, reached: None, next: None }
}

/// Fields whose values no account could accept: checked before anything else (R32).
fn shape(ask: &Ask) -> Result<(), &'static str> {
    let positive = |credits: Option<Amount>| credits.is_none_or(|credits| credits > 0);
    let job = |job: &Job| match job.cost {
        Cost::Credits(credits) => positive(Some(credits)),
        Cost::Tool(..) => true,
    };
    let deadline = |expires_in: Option<i64>| expires_in.is_none_or(|seconds| (1..=86_400).contains(&seconds));
    let checks: &[(&'static str, bool)] = match ask {
        Ask::Hold { job: asked, expires_in, .. } => &[("credits", job(asked)), ("expires_in", deadline(*expires_in))],
        Ask::Charge { job: asked } => &[("credits", job(asked))],
        Ask::Extend { expires_in, .. } => &[("expires_in", deadline(Some(*expires_in)))],
        Ask::Settle { usage: Usage::Credits(credits), .. } => &[("credits", *credits >= 0)],
        Ask::Refund { credits, .. } | Ask::Revoke { credits, .. } | Ask::WriteOff { credits } => {
            &[("credits", positive(*credits))]
        }
        Ask::Grant { credits, class, priority, .. } => &[
            ("credits", positive(Some(*credits))),
            ("class", *class != Class::Subscription),
            ("priority", *class != Class::TopUp || priority.is_none_or(|priority| priority >= 10)),
        ],
        Ask::Arrive(arrival) => return arrival.shape(),
        Ask::PutAccount { .. } | Ask::PutSubscription { .. } | Ask::Cancel => &[],
        Ask::Settle { .. } | Ask::Release { .. } | Ask::Touch => &[],
    };
    checks.iter().find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err(*field))
}
