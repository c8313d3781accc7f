//! One order brought to where the provider says it is: the only way from a payment to credits (R26).

use scrip_api::code::Code;
use scrip_core::catalog::Price;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, AccountNumber, OrderId, ProviderRef, StudioNumber};
use scrip_core::order::{Dispute, DisputeState, Order, Paid, PaidBy, Payment, Truth, TruthOfPayment};
use scrip_core::rejection::Rejection;
use scrip_engine::engine::{Refusal, Request};
use scrip_stripe::{DisputeTruth, MethodTruth, Money, OrderRef, PaymentState, PaymentTruth};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::billing::{INVOICE_WITHOUT_TERM, SUBSCRIPTION, TERM_WITHOUT_PLAN, attend};
use crate::payments::deliveries::News;
use crate::payments::{OrderAt, SESSION};
use crate::problem::Refused;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// At a hosted page.
    Session(String),
    /// At a payment; at its order's hosted page, where it began at one, since the page knows more.
    Payment(String),
    /// At a subscription of the provider's.
    Subscription(String),
}

/// What a provider's id of a payment begins with.
const PAYMENT: &str = "pi_";

impl Look {
    /// The provider's id of what is looked at.
    pub(crate) fn id(&self) -> &str {
        match self {
            Look::Session(id) | Look::Payment(id) | Look::Subscription(id) => id,
        }
    }

    /// The look at what has this id.
    pub(crate) fn of_id(id: &str) -> Option<Look> {
        match id {
            _ if id.starts_with(SESSION) => Some(Look::Session(id.to_owned())),
            _ if id.starts_with(SUBSCRIPTION) => Some(Look::Subscription(id.to_owned())),
            _ if id.starts_with(PAYMENT) => Some(Look::Payment(id.to_owned())),
            _ => None,
        }
    }
}

/// What came of looking.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The order is where the provider says it is, and this is how it stands.
    Order(Box<Order>),
    /// The same, but an operator had marked it paid before, or something else pays for what it is of: the provider's money is
    /// there a second time.
    PaidTwice(Box<Order>),
    /// The same, but its credits do not fit the account: it is credited once there is room.
    NoRoom(Box<Order>),
    /// The payment is none of this studio's orders: of something else that it sells.
    NotOurs,
}

/// Why an order could not be settled.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// The provider did not say.
    Provider(scrip_stripe::Error),
    /// The payment names an order of this studio that there is not.
    UnknownOrder,
    /// A subscription was paid whose first payment never counts: it was ended, and its money is to be given back.
    PaidForNothing,
    /// The rules or the engine say no.
    Refused(Refused),
}

/// What stays open: money that came twice.
pub(crate) const PAID_TWICE: &str = "paid_twice";
/// What stays open: money whose credits do not fit the account.
pub(crate) const NO_ROOM: &str = "no_room";
/// What stays open: money of a subscription that no order was paid with.
const WITHOUT_PLAN: &str = "subscription_without_plan";
/// What stays open: what the provider says of it cannot be read.
const NOT_READABLE: &str = "not_readable";
/// What stays open: the provider will never say how it stands.
pub(crate) const PROVIDER_REFUSES: &str = "provider_refuses";
/// What stays open: a payment of an order that there is not.
const UNKNOWN_ORDER: &str = "unknown_order";

impl Unsettled {
    /// Why, where asking again at once would not help; `None`: the provider or the store did not answer. A fault of ours is
    /// such a reason: what is damaged about one order must not keep others waiting.
    pub(crate) fn for_good(&self) -> Option<&'static str> {
        match self {
            Unsettled::Provider(error) if may_pass(error) => None,
            Unsettled::Provider(_) => Some(PROVIDER_REFUSES),
            Unsettled::UnknownOrder => Some(UNKNOWN_ORDER),
            Unsettled::PaidForNothing => Some(WITHOUT_PLAN),
            Unsettled::Refused(refused) => {
                Some(refused.0.code).filter(|code| *code != Code::Unavailable).map(Code::word)
            }
        }
    }
}

/// Whether the provider may say something else later: also once the operator has given scrip a key that it accepts.
fn may_pass(error: &scrip_stripe::Error) -> bool {
    error.may_pass() || matches!(error, scrip_stripe::Error::KeyRefused { .. })
}

impl From<Refused> for Unsettled {
    fn from(refused: Refused) -> Unsettled {
        Unsettled::Refused(refused)
    }
}

impl From<scrip_stripe::Error> for Unsettled {
    fn from(error: scrip_stripe::Error) -> Unsettled {
        Unsettled::Provider(error)
    }
}

/// Reads the provider's truth and brings its order there. Doing it again does nothing. What stays open about it is kept for
/// the operator, told in the log once, and tried again.
pub(crate) async fn settle(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    look: &Look,
) -> Result<Settled, Unsettled> {
    let brought = bring(app, studio, at, look).await;
    let deliveries = app.deliveries();
    let open = match &brought {
        Ok(Settled::Order(order)) => {
            // What failed or expired says nothing of the rest: what its subscription took since is still to be given back.
            let whole = matches!(order.payment, Payment::Paid(_));
            let references = order.references.iter().filter(|_| whole).map(ProviderRef::as_str);
            deliveries.settled(app, studio, &references.chain([look.id()]).collect::<Vec<_>>());
            None
        }
        Ok(Settled::NotOurs) => {
            deliveries.settled(app, studio, &[look.id()]);
            None
        }
        Ok(Settled::PaidTwice(order)) => Some((session_of(order).unwrap_or(look.id()), PAID_TWICE)),
        Ok(Settled::NoRoom(order)) => Some((session_of(order).unwrap_or(look.id()), NO_ROOM)),
        Err(unsettled) => unsettled.for_good().map(|reason| (look.id(), reason)),
    };
    if let Some((object, reason)) = open {
        keep_open(app, (studio, at), object, reason);
    }
    brought
}

/// Keeps something open for the operator, and tells it in the log once; whether it is new.
pub(crate) fn keep_open(app: &App, of: (StudioNumber, &StripeAccount), object: &str, reason: &str) -> News {
    let (studio, at) = of;
    let news = app.deliveries().stays_open(app, studio, object, reason);
    if news == News::New {
        tracing::error!(studio = %at.studio, object, reason, "{}", what_to_do(reason));
    }
    news
}

/// Keeps open what the provider answers about again and again as nothing that can be read: it must keep nothing else waiting.
pub(crate) fn keep_unreadable(app: &App, of: (StudioNumber, &StripeAccount), look: &Look) {
    keep_open(app, of, look.id(), NOT_READABLE);
}

/// Whether something stays open until its money is given back, however old it is.
pub(crate) fn until_given_back(reason: &str) -> bool {
    matches!(reason, PAID_TWICE | WITHOUT_PLAN)
}

/// What an operator is to do about what stays open.
fn what_to_do(reason: &str) -> &'static str {
    match reason {
        PAID_TWICE => {
            "an order was paid at the provider though it had been marked paid by hand, or though its plan was paid for already: give one of the payments back"
        }
        UNKNOWN_ORDER => {
            "a payment names an order that there is not: nothing was credited; look at the provider for what was paid"
        }
        _ if reason == Code::PaymentMismatch.word() => {
            "an order was paid with another amount than it costs: nothing was credited; refund it at the provider, or grant by hand"
        }
        WITHOUT_PLAN => {
            "a subscription was paid although the payment of the order that began it failed, or was of another amount: it is ended; give its money back at the provider"
        }
        NOT_READABLE => "the provider answers about this what cannot be read; it is asked again every hour",
        TERM_WITHOUT_PLAN => {
            "a further term was paid for a plan that has ended: it bought nothing here; give its money back at the provider"
        }
        INVOICE_WITHOUT_TERM => {
            "a paid invoice has no line for a term of its subscription: it bought nothing here; look at it at the provider"
        }
        NO_ROOM => {
            "a paid order's credits would give an account more than it may have: they come once there is room, asked for every hour"
        }
        _ => "a payment could not be brought to its order; it is tried again every hour",
    }
}

async fn bring(app: &App, studio: StudioNumber, at: &StripeAccount, look: &Look) -> Result<Settled, Unsettled> {
    if let Look::Subscription(id) = look {
        return attend(app, studio, at, id).await;
    }
    let (settled, subscription) = bring_payment(app, studio, at, look).await?;
    match (&settled, subscription) {
        // The payment began a subscription, which goes on by itself from here on, or is to be ended.
        (Settled::Order(order) | Settled::PaidTwice(order), Some(id)) if matches!(order.payment, Payment::Paid(_)) => {
            attend(app, studio, at, &id).await
        }
        (Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_) | Settled::NotOurs, _) => Ok(settled),
    }
}

/// Brings a payment to its order; and names the provider's subscription that it is the first payment of.
pub(crate) async fn bring_payment(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    look: &Look,
) -> Result<(Settled, Option<String>), Unsettled> {
    let truth = match look {
        Look::Session(id) => at.client.truth_of_session(id).await?,
        Look::Payment(id) => truth_of_payment(app, studio, at, id).await?,
        Look::Subscription(_) => return Ok((Settled::NotOurs, None)),
    };
    let Some(named) = truth.order.as_ref().filter(|order| order.studio == at.studio.as_str()) else {
        return Ok((Settled::NotOurs, None));
    };
    let place = match order_of(app, studio, &truth, named).await {
        // A page that ended unused and was nobody's: it was made and not answered, and another one was made since. Nothing was
        // paid, and nothing will be.
        Err(Unsettled::UnknownOrder) if truth.state == PaymentState::Expired => return Ok((Settled::NotOurs, None)),
        place => place?,
    };
    // Nor of one that was closed because its order had another page already: that one may still be paid.
    if truth.state == PaymentState::Expired {
        let order = app.engine().order(studio, &place.account, place.order).await.map_err(Refused::from)?;
        let page = order.as_ref().and_then(session_of);
        if page.is_some() && page != truth.session.as_deref() {
            return Ok((Settled::NotOurs, None));
        }
    }
    let (method, subscription) = (truth.method, truth.subscription.clone());
    let Some(truth) = said(&truth) else { return Ok((Settled::NotOurs, None)) };
    Ok((tell(app, place, truth, method).await?, subscription))
}

/// Tells the rules the truth of an order's payment.
async fn tell(app: &App, place: OrderAt, truth: Truth, method: MethodTruth) -> Result<Settled, Unsettled> {
    let (stays, came_back) = (money_stays(&truth), came_back(&truth));
    let command = Command::FulfilOrder { order: place.order, truth };
    let request = Request { studio: place.studio, account: place.account.clone(), key: None, command };
    match app.engine().submit(request).await {
        Ok(outcome) => match outcome.answer.done {
            scrip_core::answer::Done::Ordered { order, .. } => {
                save_method(app, place, method).await?;
                match order.payment {
                    Payment::Paid(Paid { by: PaidBy::Operator, .. }) if stays => Ok(Settled::PaidTwice(order)),
                    Payment::Paid(Paid { by: PaidBy::Provider, .. })
                        if order.bought_nothing() && order.returned() < order.price.amount =>
                    {
                        Ok(Settled::PaidTwice(order))
                    }
                    Payment::Received(_) => Ok(Settled::NoRoom(order)),
                    Payment::Paid(_) | Payment::Pending | Payment::Failed | Payment::Expired => {
                        Ok(Settled::Order(order))
                    }
                }
            }
            _ => Err(Refused::bug("an order's answer of another kind").into()),
        },
        Err(Refusal::Rejected(Rejection::AccountNotFound | Rejection::OrderNotFound)) => Err(Unsettled::UnknownOrder),
        // It never counts, and nothing of it is there any more.
        Err(Refusal::Rejected(Rejection::PaymentMismatch { .. })) if came_back => {
            let order = app.engine().order(place.studio, &place.account, place.order).await.map_err(Refused::from)?;
            Ok(Settled::Order(Box::new(order.ok_or(Unsettled::UnknownOrder)?)))
        }
        Err(Refusal::Rejected(rejection)) => {
            if let Rejection::PaymentMismatch { .. } = &rejection {
                app.metrics().payment("payment_mismatch");
            }
            Err(Refused::from(rejection).into())
        }
        Err(refusal @ Refusal::Unavailable(_)) => Err(Refused::from(refusal).into()),
    }
}

/// Whether money of a payment is at the provider still: it is paid, and not all given back or lost to disputes.
fn money_stays(truth: &Truth) -> bool {
    let TruthOfPayment::Paid(paid) = &truth.payment else { return false };
    let lost = truth.disputes.iter().filter(|dispute| dispute.state == DisputeState::Lost);
    let lost: i64 = lost.map(|dispute| dispute.amount).sum();
    truth.refunded - truth.refunds_failed + lost < paid.amount
}

/// Whether a payment brought money, and none of it is at the provider any more. Where none ever came (a page that cost nothing
/// there, or was paid with what the provider owed its customer), nothing came back either.
fn came_back(truth: &Truth) -> bool {
    matches!(&truth.payment, TruthOfPayment::Paid(paid) if paid.amount > 0) && !money_stays(truth)
}

/// Whether money of a payment that is of no order is at the provider still.
pub(crate) fn stays_at_provider(truth: &PaymentTruth) -> bool {
    said(truth).is_some_and(|truth| money_stays(&truth))
}

/// Notes a payment method that was saved with an order's payment. Doing it again, or late, does nothing.
async fn save_method(app: &App, place: OrderAt, method: MethodTruth) -> Result<(), Unsettled> {
    match method {
        MethodTruth::NotSaved => Ok(()),
        MethodTruth::Saved => {
            let OrderAt { studio, account, order } = place;
            let command = Command::SaveMethod { order };
            app.engine().submit(Request { studio, account, key: None, command }).await.map_err(Refused::from)?;
            Ok(())
        }
    }
}

/// The order that a payment is of: the one that was sent to its page, whatever its account is called by now; else the one
/// that it names, unless that was sent to another page: names can come to stand for another account (after an erasure, or
/// in a store that was restored), and its orders are counted anew.
async fn order_of(
    app: &App,
    studio: StudioNumber,
    truth: &PaymentTruth,
    named: &OrderRef,
) -> Result<OrderAt, Unsettled> {
    for reference in references(truth) {
        let known = app.engine().order_of_provider(studio, &reference).await.map_err(Refused::from)?;
        if let Some((account, order)) = known {
            return Ok(OrderAt { studio, account, order: order.id });
        }
    }
    let place = place_of(app, studio, named).await?;
    let order = app.engine().order(studio, &place.account, place.order).await.map_err(Refused::from)?;
    let sent_to = order.as_ref().and_then(session_of);
    match (sent_to, truth.session.as_deref()) {
        (Some(sent_to), Some(page)) if sent_to != page => Err(Unsettled::UnknownOrder),
        _ => Ok(place),
    }
}

/// A payment's truth, by the page it began at where there was one.
async fn truth_of_payment(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    payment: &str,
) -> Result<PaymentTruth, Unsettled> {
    if let Ok(reference) = ProviderRef::parse(payment) {
        let known = app.engine().order_of_provider(studio, &reference).await.map_err(Refused::from)?;
        if let Some(session) = known.as_ref().and_then(|(_, order)| session_of(order)) {
            return Ok(at.client.truth_of_session(session).await?);
        }
    }
    let truth = at.client.truth_of_payment(payment).await?;
    let place = match &truth.order {
        Some(named) => place_of(app, studio, named).await,
        None => Err(Unsettled::UnknownOrder),
    };
    if let Ok(place) = place {
        let order = app.engine().order(studio, &place.account, place.order).await.map_err(Refused::from)?;
        if let Some(session) = order.as_ref().and_then(session_of) {
            return Ok(at.client.truth_of_session(session).await?);
        }
    }
    Ok(truth)
}

/// The hosted page of an order.
pub(crate) fn session_of(order: &Order) -> Option<&str> {
    order.references.iter().map(ProviderRef::as_str).find(|reference| reference.starts_with(SESSION))
}

/// The order that a payment names. An account keeps its number when its id is erased, and its id may come to stand for another
/// account, whose orders are counted anew.
pub(crate) async fn place_of(app: &App, studio: StudioNumber, named: &OrderRef) -> Result<OrderAt, Unsettled> {
    let (account, order) = (AccountId::parse(&named.account), OrderId::parse(&named.order));
    let (Ok(account), Some(order)) = (account, order) else { return Err(Unsettled::UnknownOrder) };
    let Some(number) = named.number.map(AccountNumber) else { return Ok(OrderAt { studio, account, order }) };
    for account in [account, AccountId::erased(number)] {
        match app.stored_account(studio, &account).await {
            Ok(found) if found.number == number => return Ok(OrderAt { studio, account, order }),
            Ok(_) => {}
            Err(refused) if refused.0.code == Code::AccountNotFound => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Unsettled::UnknownOrder)
}

/// What the provider knows the payment by.
fn references(truth: &PaymentTruth) -> impl Iterator<Item = ProviderRef> + '_ {
    let ids = [&truth.session, &truth.payment_intent, &truth.subscription].into_iter().flatten();
    ids.filter_map(|id| ProviderRef::parse(id).ok())
}

/// The provider's truth in the rules' words; `None` where there was nothing to pay.
fn said(truth: &PaymentTruth) -> Option<Truth> {
    let amounts = truth.amounts.as_ref()?;
    let payment = match truth.state {
        PaymentState::Open => TruthOfPayment::Pending,
        PaymentState::Processing => TruthOfPayment::Processing,
        PaymentState::Failed => TruthOfPayment::Failed,
        PaymentState::Expired => TruthOfPayment::Expired,
        PaymentState::Paid => TruthOfPayment::Paid(price(&amounts.received)),
    };
    let disputed = |dispute: &DisputeTruth| {
        let (state, amount) = match dispute {
            DisputeTruth::Inquiry(amount) => (DisputeState::Inquiry, amount),
            DisputeTruth::Open(amount) => (DisputeState::Open, amount),
            DisputeTruth::Won(amount) => (DisputeState::Won, amount),
            DisputeTruth::Lost(amount) => (DisputeState::Lost, amount),
        };
        // A dispute that is counted in another currency is about all of the payment.
        let same = amount.currency == amounts.received.currency;
        Dispute { state, amount: if same { amount.minor } else { amounts.received.minor } }
    };
    Some(Truth {
        payment,
        refunded: amounts.refunded.minor,
        refunds_failed: amounts.refunds_failed.minor,
        disputes: truth.disputes.iter().map(disputed).collect(),
        references: references(truth).collect(),
        begins_billing: truth.subscription.is_some(),
    })
}

fn price(money: &Money) -> Price {
    Price { amount: money.minor, currency: money.currency.as_str().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stays of a payment, and whether it came and went.
    #[track_caller]
    fn check(received: i64, refunded: i64, lost: i64, stays: bool, back: bool) {
        let truth = Truth {
            payment: TruthOfPayment::Paid(Price { amount: received, currency: "USD".into() }),
            refunded,
            refunds_failed: 0,
            disputes: vec![Dispute { state: DisputeState::Lost, amount: lost }],
            references: Vec::new(),
            begins_billing: false,
        };
        assert_eq!((money_stays(&truth), came_back(&truth)), (stays, back), "{received} {refunded} {lost}");
    }

    #[test]
    fn money_that_never_came_did_not_come_back() {
        check(500, 0, 0, true, false);
        check(500, 200, 299, true, false);
        check(500, 200, 300, false, true);
        check(0, 0, 0, false, false);
    }
}
