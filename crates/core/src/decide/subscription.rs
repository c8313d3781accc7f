//! Subscribing, changing plans, pausing and cancelling (R14–R17).
//!
//! One rule grants: whenever the subscription is active within a cycle, the cycle has been granted
//! the largest allowance that was in force in it. So no sequence of changes yields more than the
//! best plan held.

use crate::account::Account;
use crate::catalog::Catalogs;
use crate::command::{Asker, PutSubscription};
use crate::consequence::refill;
use crate::decide::billing::Payer;
use crate::decide::invalid;
use crate::decide::scribe::Scribe;
use crate::draft::Draft;
use crate::entry::{Event, SubscriptionChange};
use crate::id::PlanId;
use crate::plan::{NextPlan, PlanTerms, Subscription, SubscriptionState};
use crate::rejection::Rejection;
use crate::time::Time;

/// Puts the subscription as asked. Makes nothing when it stands so already.
pub(super) fn put(scribe: &mut Scribe<'_>, put: &PutSubscription) -> Result<(), Rejection> {
    match scribe.before.subscription.as_deref() {
        None => start(scribe, put),
        Some(subscription) => change(scribe, put, subscription),
    }
}

/// Cancels at the end of the term; before the first cycle, at once.
pub(super) fn cancel(scribe: &mut Scribe<'_>) -> Result<(), Rejection> {
    let at = scribe.at();
    let subscription = scribe.before.subscription.as_deref().ok_or(Rejection::SubscriptionNotFound)?;
    let Some(cycle) = subscription.cycle_at(at) else {
        write_change(scribe, SubscriptionChange::Ended, None);
        return Ok(());
    };
    if subscription.next != Some(NextPlan::Cancel) {
        let payer = Payer::of(scribe.before);
        let ending = subscription.clone().in_term_of(cycle, scribe.before.studio, scribe.catalogs);
        let mut ending = in_last_term(ending, payer);
        call_off(&mut ending, payer);
        ending.next = Some(NextPlan::Cancel);
        write_change(scribe, SubscriptionChange::Scheduled, Some(ending.scheduled()));
    }
    Ok(())
}

/// A new subscription: a past anchor grants the current cycle only, a future one starts then (R15).
fn start(scribe: &mut Scribe<'_>, put: &PutSubscription) -> Result<(), Rejection> {
    let Some(plan) = &put.plan else { return Err(invalid("plan", "a plan, since the account has none")) };
    let terms = offered(scribe.before, scribe.catalogs, plan, scribe.at())?;
    must_be_the_studio(put)?;
    begin(scribe, terms, put);
    Ok(())
}

/// What begins at once is the studio's to give: a customer pays for it (R17a).
fn must_be_the_studio(put: &PutSubscription) -> Result<(), Rejection> {
    match put.asker {
        Asker::Studio => Ok(()),
        Asker::Customer => Err(Rejection::PlanNeedsPayment),
    }
}

/// A subscription on these terms, its present cycle granted.
pub(super) fn begin(scribe: &mut Scribe<'_>, terms: PlanTerms, put: &PutSubscription) {
    let (account, at) = (scribe.before, scribe.at());
    let subscription = Subscription {
        terms,
        state: put.state.unwrap_or(SubscriptionState::Active),
        anchor: put.anchor.unwrap_or(at),
        zone: account.zone.clone(),
        term_start: 0,
        reached: None,
        next: None,
        paid_until: None,
        turns_at: None,
    };
    let subscription = begun(subscription, at);
    // What is past due is not paid: its first payment is for the present cycle, not for one ahead (R17a).
    let unpaid = subscription.state == SubscriptionState::PastDue;
    let paid_until = unpaid.then(|| subscription.cycle_at(at).unwrap_or(0));
    let subscription = Subscription { paid_until, ..subscription };
    write_change(scribe, SubscriptionChange::Started, Some(subscription.clone().scheduled()));
    grant_current(scribe, subscription);
}

/// A new subscription in the term that runs at `at`.
pub(super) fn begun(subscription: Subscription, at: Time) -> Subscription {
    match subscription.cycle_at(at) {
        Some(cycle) => Subscription { term_start: cycle - cycle % subscription.terms.term_months, ..subscription },
        None => subscription,
    }
}

fn change(scribe: &mut Scribe<'_>, put: &PutSubscription, stands: &Subscription) -> Result<(), Rejection> {
    let asked = asked(scribe, put, stands)?;
    if put.anchor.is_some_and(|anchor| anchor != stands.anchor) {
        return Err(Rejection::AnchorFixed { anchor: stands.anchor });
    }
    let (cycle, payer) = (stands.cycle_at(scribe.at()), Payer::of(scribe.before));
    let mut subscription = match cycle {
        Some(cycle) => stands.clone().in_term_of(cycle, scribe.before.studio, scribe.catalogs),
        None => stands.clone(),
    };
    subscription.state = put.state.unwrap_or(stands.state);
    let next_is_paid = payer == Payer::Provider && subscription.paid_until > Some(subscription.term_end());
    let plan_change = change_plan(&mut subscription, asked, (cycle, payer));
    if plan_change == Some(SubscriptionChange::Changed) {
        must_be_the_studio(put)?;
    }
    // The change's price has paid for what comes next: another plan in its place is the studio's to give.
    if next_is_paid && plan_change.is_some() && matches!(stands.next, Some(NextPlan::Change(_))) {
        must_be_the_studio(put)?;
    }
    let state_change = (subscription.state != stands.state).then_some(SubscriptionChange::StateChanged);
    // The studio's own word, that it is active or on another plan, stands for the payment of the term (R17a).
    if plan_change == Some(SubscriptionChange::Changed) {
        let ahead = subscription.paid_until.filter(|_| payer == Payer::Provider).unwrap_or(0);
        subscription.paid_until = Some(subscription.term_end().max(ahead));
    } else if put.state == Some(SubscriptionState::Active) {
        subscription.paid_until = Some(subscription.paid_until.unwrap_or(0).max(subscription.term_end()));
    }
    let subscription = subscription.scheduled();
    let paid = put.state == Some(SubscriptionState::Active) && subscription.paid_until > stands.paid_until;
    if let Some(change) = plan_change.or(state_change).or(paid.then_some(SubscriptionChange::Paid)) {
        write_change(scribe, change, Some(subscription.clone()));
        grant_current(scribe, subscription);
    }
    Ok(())
}

/// What a PUT asks of a plan that stands.
enum Asked {
    /// The plan is not mentioned, or waits already.
    Nothing,
    /// The present plan: calls off what waits.
    Present,
    /// Another.
    Another(PlanTerms),
}

/// The present plan, and one that waits, need not be offered any more.
fn asked(scribe: &Scribe<'_>, put: &PutSubscription, stands: &Subscription) -> Result<Asked, Rejection> {
    let Some(plan) = &put.plan else { return Ok(Asked::Nothing) };
    if *plan == stands.terms.plan {
        return Ok(Asked::Present);
    }
    match &stands.next {
        Some(NextPlan::Change(terms)) if terms.plan == *plan => Ok(Asked::Nothing),
        Some(NextPlan::Change(_) | NextPlan::Cancel) | None => {
            let terms = offered(scribe.before, scribe.catalogs, plan, scribe.at())?;
            // The provider's subscription goes on in its own terms, and can change its price alone.
            if Payer::of(scribe.before) == Payer::Provider && terms.term_months != stands.terms.term_months {
                return Err(Rejection::PlanNotForSale);
            }
            Ok(Asked::Another(terms))
        }
    }
}

/// A larger allowance takes effect at once, and so does any change before the first cycle; any other waits for the
/// end of the term (R17).
fn change_plan(
    subscription: &mut Subscription,
    asked: Asked,
    (cycle, payer): (Option<u32>, Payer),
) -> Option<SubscriptionChange> {
    match asked {
        Asked::Nothing => None,
        Asked::Present => {
            let waited = call_off(subscription, payer);
            *subscription = subscription.clone().back_in_term_of(cycle.unwrap_or(0));
            waited.map(|_| SubscriptionChange::Unscheduled)
        }
        Asked::Another(terms) => {
            let at_once = terms.allowance > subscription.terms.allowance;
            match cycle {
                Some(_) if !at_once => {
                    *subscription = in_last_term(subscription.clone(), payer);
                    call_off(subscription, payer);
                    subscription.next = Some(NextPlan::Change(terms));
                    return Some(SubscriptionChange::Scheduled);
                }
                Some(cycle) if terms.term_months != subscription.terms.term_months => subscription.term_start = cycle,
                Some(cycle) => *subscription = subscription.clone().back_in_term_of(cycle),
                None => {}
            }
            subscription.terms = terms;
            subscription.next = None;
            Some(SubscriptionChange::Changed)
        }
    }
}

/// The subscription in the term at whose end a change takes effect (R17): the present one, or the last one that the
/// provider's subscription has paid for.
fn in_last_term(subscription: Subscription, payer: Payer) -> Subscription {
    match payer {
        Payer::Orders => subscription,
        Payer::Provider => subscription.in_last_paid_term(),
    }
}

/// Calls off what waits for the end of the term. Another plan's payment goes with it: it was made at that plan's price,
/// and must not pay for this one (R17a). Not the provider's: it takes the money for each term once.
fn call_off(subscription: &mut Subscription, payer: Payer) -> Option<NextPlan> {
    let waited = subscription.next.take();
    if let (Some(NextPlan::Change(_)), Payer::Orders) = (&waited, payer) {
        let term_end = subscription.term_end();
        subscription.paid_until = subscription.paid_until.map(|until| until.min(term_end));
    }
    waited
}

/// Grants what the current cycle has not had of the present allowance, while active (R17).
pub(super) fn grant_current(scribe: &mut Scribe<'_>, subscription: Subscription) {
    let active = subscription.state == SubscriptionState::Active;
    let Some(cycle) = subscription.cycle_at(scribe.at()).filter(|_| active) else { return };
    let entered = subscription.reached.is_some_and(|reached| reached.cycle == cycle);
    if !entered || subscription.owed_in(cycle).is_positive() {
        let draft = refill(scribe.account(), subscription, cycle);
        scribe.write(draft);
        scribe.repay();
    }
}

pub(super) fn write_change(scribe: &mut Scribe<'_>, change: SubscriptionChange, subscription: Option<Subscription>) {
    scribe.write(Draft::new(Event::SubscriptionChanged { change, subscription }));
}

/// The terms of a plan of the catalog in force.
pub(super) fn offered(account: &Account, catalogs: &Catalogs, plan: &PlanId, at: Time) -> Result<PlanTerms, Rejection> {
    let catalog = catalogs.in_force(account.studio, at);
    let plan = catalog.and_then(|published| published.catalog.plan(plan.as_str()));
    plan.map(|plan| plan.terms.clone()).ok_or(Rejection::PlanNotFound)
}
