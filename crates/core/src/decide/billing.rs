//! Plans whose terms a payment provider's own subscription pays for: which order began it, and each term that it paid.
//!
//! Terms are counted from the subscription's begin, not from when a payment is told of (R17a): "paid for seven months" is
//! as true late, twice or after "eight" as it was in time. So nothing that is told in any order doubles or skips a refill.

use crate::account::Account;
use crate::command::TermPaid;
use crate::decide::scribe::Scribe;
use crate::decide::subscription::{grant_current, write_change};
use crate::decide::{Decision, invalid};
use crate::draft::Draft;
use crate::entry::{Event, OrderChange, SubscriptionChange};
use crate::id::OrderId;
use crate::order::{Item, Order, Origin, Paid, PaidBy, PaidCycles, Payment, TakenBack};
use crate::plan::{NextPlan, PlanTerms, Renews, Subscription, SubscriptionState};
use crate::recall::find_order;
use crate::rejection::Rejection;
use crate::time::Time;

/// What is wrong with a term's payment whatever the account.
pub(super) fn check_shape(paid: &TermPaid) -> Result<(), Rejection> {
    if paid.months == 0 { Err(invalid("months", "1 or more")) } else { Ok(()) }
}

/// Notes that the order's payment began a subscription at the provider, which pays for the terms to come.
pub(super) fn begin(scribe: &mut Scribe<'_>, order: OrderId) -> Result<(), Rejection> {
    let began = find_order(scribe.before, order).ok_or(Rejection::OrderNotFound)?;
    note_begin(scribe, began);
    Ok(())
}

/// The same of an order at hand. Makes nothing where it did not begin the account's present subscription, or one that did
/// is noted.
pub(super) fn note_begin(scribe: &mut Scribe<'_>, began: &Order) {
    let account = scribe.account();
    if begun_by(account, began).is_some() && paid_by_provider(account).is_none() {
        scribe.write(Draft::new(Event::BillingChanged { billing: Some(began.id) }));
    }
}

/// Notes that the provider's subscription is over. Makes nothing where another one pays by now.
pub(super) fn end(scribe: &mut Scribe<'_>, order: OrderId) {
    if scribe.before.billing == Some(order) {
        scribe.write(Draft::new(Event::BillingChanged { billing: None }));
    }
}

/// Records that the provider's subscription has paid for a term, and refills what that makes due.
pub(super) fn pay(mut scribe: Scribe<'_>, paid: &TermPaid) -> Result<Decision, Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    let began = find_order(account, paid.order).ok_or(Rejection::OrderNotFound)?.clone();
    let Item::Plan(ordered) = &began.item else { return Err(Rejection::OrderNotFound) };
    let stands = begun_by(account, &began);
    let terms = stands.map_or(ordered, |stands| &stands.terms);
    let after = stands.and_then(|stands| {
        let stands = match stands.cycle_at(at) {
            Some(cycle) => stands.clone().in_term_of(cycle, account.studio, scribe.catalogs),
            None => stands.clone(),
        };
        paid_through(stands, ordered, paid.months, at)
    });
    let first = paid.months.saturating_sub(terms.term_months);
    let pays = after.as_ref().map(|after| PaidCycles { anchor: after.anchor, first, until: paid.months });
    let order = Order {
        id: OrderId::first(scribe.next_seq()),
        item: Item::Plan(terms.clone()),
        origin: Origin::Renewal,
        price: paid.price.clone(),
        placed_at: at,
        expires_at: at,
        references: paid.references.clone(),
        payment: Payment::Paid(Paid { seq: scribe.next_seq(), at, by: PaidBy::Provider }),
        pays,
        ..unbought(&began)
    };
    scribe.write(Draft::new(Event::OrderChanged { change: OrderChange::Paid, order: Box::new(order) }));
    if let Some(after) = after {
        write_change(&mut scribe, SubscriptionChange::Paid, Some(after.clone()));
        grant_current(&mut scribe, after);
    }
    Ok(scribe.finish())
}

/// The account's subscription, where the provider's own pays for its terms; one that followed it is none of that. An order
/// that was not recalled (a preview asks for nothing of the past) is taken for the one that began it.
pub(super) fn paid_by_provider(account: &Account) -> Option<&Subscription> {
    match find_order(account, account.billing?) {
        Some(began) => begun_by(account, began),
        None => account.subscription.as_deref(),
    }
}

/// Who pays for the terms of a plan that renews by payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payer {
    /// Whoever orders them, one by one.
    Orders,
    /// The provider's own subscription. Its months begin at another instant than ours, so one may be paid that has not begun
    /// here: whatever is changed then, what was paid for is had.
    Provider,
}

impl Payer {
    /// Of an account's present subscription.
    pub(super) fn of(account: &Account) -> Payer {
        if paid_by_provider(account).is_some() { Payer::Provider } else { Payer::Orders }
    }
}

/// What may be ordered, and what a payment still buys, while the provider's subscription pays for the plan: only a larger
/// plan of monthly terms, for the rest of a month that is paid. All else would be paid twice: the provider takes the money
/// for the next term anyway.
pub(super) fn leaves_room(account: &Account, terms: &PlanTerms, at: Time) -> bool {
    let Some(stands) = paid_by_provider(account) else { return true };
    let paid = stands.paid_until.zip(stands.cycle_at(at)).is_some_and(|(until, cycle)| until > cycle);
    let larger = terms.plan != stands.terms.plan && terms.allowance > stands.terms.allowance;
    let monthly = terms.term_months == 1 && stands.terms.term_months == 1;
    larger && monthly && paid && stands.state == SubscriptionState::Active
}

/// The account's subscription, where this order's payment began it.
fn begun_by<'a>(account: &'a Account, order: &Order) -> Option<&'a Subscription> {
    let Payment::Paid(Paid { at, by: PaidBy::Provider, .. }) = order.payment else { return None };
    let plan = matches!(order.item, Item::Plan(_));
    account.subscription.as_deref().filter(|stands| plan && stands.anchor == at)
}

/// An order of the same terms, before anything was bought or paid.
fn unbought(began: &Order) -> Order {
    Order {
        refunded: 0,
        refunds_failed: 0,
        disputes: Vec::new(),
        taken_back: TakenBack::default(),
        spent_back: TakenBack::default(),
        gone_back: TakenBack::default(),
        counted: false,
        pays: None,
        ..began.clone()
    }
}

/// The subscription once it is paid for so many months from its begin; `None` where that is known already. An end that was
/// asked for comes after them: the provider had begun the term already, and has taken the money for it.
fn paid_through(mut stands: Subscription, ordered: &PlanTerms, months: u32, at: Time) -> Option<Subscription> {
    if stands.paid_until.is_some_and(|until| until >= months) {
        return None;
    }
    stands.paid_until = Some(months);
    if stands.next == Some(NextPlan::Cancel) {
        stands = stands.in_last_paid_term();
    }
    if stands.cycle_at(at).is_some_and(|cycle| months > cycle) {
        if stands.state == SubscriptionState::PastDue {
            stands.state = SubscriptionState::Active;
        }
        // All months so far are paid, so the grace that was used was none.
        if let (Renews::Payment { .. }, Renews::Payment { .. }) = (stands.terms.renews, ordered.renews) {
            stands.terms.renews = ordered.renews;
        }
    }
    Some(stands.scheduled())
}
