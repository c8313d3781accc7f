//! Ordering, and what a payment provider or an operator says of orders (R26, R27).
//!
//! The provider never says what changed, it says what is: [`fulfil`] compares that with the order and writes what is
//! missing, so that it may be said late, twice and in any order. Nothing it says is taken back by something older: an
//! order that is paid stays paid, what was given back and what of it failed both only grow, and a closed dispute is not
//! opened again.

use crate::account::Account;
use crate::amount::Credits;
use crate::answer::Done;
use crate::catalog::{Catalogs, Package, Plan};
use crate::claw_back::{freeze, give_back, take_back, unfreeze};
use crate::command::OrderItem;
use crate::decide::scribe::Scribe;
use crate::decide::{Decision, billing, invalid, plan_payment};
use crate::draft::Draft;
use crate::entry::{Book, Event, OrderChange, TextField, Texts};
use crate::id::{OrderId, ProviderRef};
use crate::lot::NewLot;
use crate::order::{Item, Order, Origin, Paid, PaidBy, Payment, TakenBack, Truth, TruthOfPayment, bare};
use crate::recall::find_order;
use crate::rejection::Rejection;
use crate::sale;
use crate::saved_method;
use crate::time::Time;
use crate::top_up;

/// The most ids of a provider that an order keeps.
const REFERENCES_MAX: usize = 16;

/// The most orders of an account that wait for their money.
const PENDING_MAX: usize = 100;

/// What is wrong with an operator's reference whatever the account.
pub(super) fn check_reference(reference: &str) -> Result<(), Rejection> {
    if reference.trim().is_empty() { Err(invalid("reference", "a text that shows the payment")) } else { Ok(()) }
}

/// What is wrong with a provider's truth whatever the order: money is never negative.
pub(super) fn check_truth(truth: &Truth) -> Result<(), Rejection> {
    let money = [truth.refunded, truth.refunds_failed].into_iter();
    let mut money = money.chain(truth.disputes.iter().map(|dispute| dispute.amount));
    if money.any(i64::is_negative) { Err(invalid("refunded", "zero or more")) } else { Ok(()) }
}

/// Places an order: what it costs and gives is pinned from now on.
pub(super) fn place(mut scribe: Scribe<'_>, item: &OrderItem) -> Result<Decision, Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    let missing = || match item {
        OrderItem::Package(_) => Rejection::PackageNotFound,
        OrderItem::Plan(_) => Rejection::PlanNotFound,
    };
    let published = scribe.catalogs.in_force(account.studio, at).ok_or_else(missing)?;
    let catalog = &published.catalog;
    let (item, price) = match item {
        OrderItem::Package(id) => {
            let package = catalog.package(id.as_str()).ok_or_else(missing)?;
            sale::check(account, package, at).map_err(|why| Rejection::PackageNotAvailable { why })?;
            check_room(account, package.credits + package.bonus)?;
            (Bought::Package(package), package.price.clone())
        }
        OrderItem::Plan(id) => {
            let plan = catalog.plan(id.as_str()).ok_or_else(missing)?;
            let for_sale = plan_is_for_sale(account, scribe.catalogs, plan, at);
            let price = plan.price.clone().filter(|_| for_sale).ok_or(Rejection::PlanNotForSale)?;
            (Bought::Plan(plan), price)
        }
    };
    // Each is a part of the account's state until it is over, and anybody with a token can place one.
    if account.orders.iter().filter(|order| order.payment == Payment::Pending).count() >= PENDING_MAX {
        return Err(Rejection::TooManyPendingOrders { limit: PENDING_MAX });
    }
    let bare = bare(OrderId::first(scribe.next_seq()), item.item(), price, published, at);
    write_change(&mut scribe, OrderChange::Placed, item.pinned(bare));
    Ok(scribe.finish())
}

/// Whether the account can order a plan: it has a price, and its payment would have an effect (R17a).
pub(crate) fn plan_is_for_sale(account: &Account, catalogs: &Catalogs, plan: &Plan, at: Time) -> bool {
    plan.price.is_some() && plan_payment::can_be_paid(account, catalogs, &plan.terms, at)
}

/// What paying for a plan would do now: the entries it makes of the subscription; `None` where the account cannot order it.
pub(super) fn plan_paid(mut scribe: Scribe<'_>, plan: &Plan) -> Option<Decision> {
    plan_is_for_sale(scribe.before, scribe.catalogs, plan, scribe.at()).then(|| {
        plan_payment::paid(&mut scribe, &plan.terms);
        scribe.finish()
    })
}

/// What the catalog says of what is bought.
enum Bought<'a> {
    Package(&'a Package),
    Plan(&'a Plan),
}

impl Bought<'_> {
    fn item(&self) -> Item {
        match self {
            Bought::Package(package) => Item::Package(package.id.clone()),
            Bought::Plan(plan) => Item::Plan(plan.terms.clone()),
        }
    }

    /// The order with the credits that it will make itself.
    fn pinned(&self, order: Order) -> Order {
        match self {
            Bought::Package(package) => Order {
                credits: package.credits,
                bonus: package.bonus,
                expires_in_days: package.expires_in_days,
                bonus_expires_in_days: package.bonus_expires_in_days,
                ..order
            },
            Bought::Plan(_) => order,
        }
    }
}

/// No account exceeds 8,000,000,000 credits (R1).
fn check_room(account: &Account, credits: Credits) -> Result<(), Rejection> {
    if (account.totals().remaining + credits).within_limit() { Ok(()) } else { Err(Rejection::AmountLimit) }
}

/// Notes a provider's id of an order. Makes nothing when it is known.
pub(super) fn send(mut scribe: Scribe<'_>, order: OrderId, reference: &ProviderRef) -> Result<Decision, Rejection> {
    let stands = find_order(scribe.before, order).ok_or(Rejection::OrderNotFound)?;
    let mut after = stands.clone();
    learn(&mut after, std::slice::from_ref(reference));
    if after != *stands {
        write_change(&mut scribe, OrderChange::Sent, after.clone());
    }
    Ok(scribe.finish_or(Done::Ordered { order: Box::new(after), granted: Credits::ZERO }))
}

/// Credits an order that an operator saw paid outside a provider.
pub(super) fn mark_paid(mut scribe: Scribe<'_>, order: OrderId, reference: &str) -> Result<Decision, Rejection> {
    let order = find_order(scribe.before, order).ok_or(Rejection::OrderNotFound)?.clone();
    if matches!(order.payment, Payment::Paid(_) | Payment::Received(_)) {
        return Err(Rejection::OrderNotPending { state: order.state() });
    }
    // It would buy nothing: nobody should think that it did.
    if let Item::Plan(terms) = &order.item
        && !plan_payment::can_be_paid(scribe.before, scribe.catalogs, terms, scribe.at())
    {
        return Err(Rejection::PlanNotForSale);
    }
    check_room(scribe.before, order.credits + order.bonus)?;
    let texts = scribe.texts([(TextField::Reference, Some(reference))]);
    credit(&mut scribe, order, PaidBy::Operator, texts);
    Ok(scribe.finish())
}

/// Brings an order to where the provider says it is. Makes nothing when it is there.
pub(super) fn fulfil(mut scribe: Scribe<'_>, order: OrderId, truth: &Truth) -> Result<Decision, Rejection> {
    let mut order = find_order(scribe.before, order).ok_or(Rejection::OrderNotFound)?.clone();
    let learned = learn(&mut order, &truth.references);
    if let (TruthOfPayment::Paid(paid), false) = (&truth.payment, matches!(order.payment, Payment::Paid(_))) {
        if *paid != order.price {
            return Err(Rejection::PaymentMismatch { expected: order.price, paid: paid.clone() });
        }
        order = match check_room(scribe.before, order.credits + order.bonus) {
            Ok(()) => credit(&mut scribe, order, PaidBy::Provider, Texts::default()),
            Err(_) => received(&mut scribe, order, learned),
        };
        if truth.begins_billing {
            billing::note_begin(&mut scribe, &order);
        }
        if order.origin == Origin::Automatic
            && let Some(worked) = saved_method::worked(scribe.account())
        {
            scribe.write(worked);
        }
    } else if let Some((change, after)) = unpaid(&order, &truth.payment, scribe.at()) {
        order = after;
        write_change(&mut scribe, change, order.clone());
    } else if learned == Learned::Something {
        write_change(&mut scribe, OrderChange::Noted, order.clone());
    }
    if matches!(order.payment, Payment::Paid(Paid { by: PaidBy::Provider, .. })) {
        order = money_back(&mut scribe, order, truth);
    }
    Ok(scribe.finish_or(Done::Ordered { order: Box::new(order), granted: Credits::ZERO }))
}

/// Notes that an order's money is there although its credits do not fit: it stays at hand until they do.
fn received(scribe: &mut Scribe<'_>, order: Order, learned: Learned) -> Order {
    let known = matches!(order.payment, Payment::Received(_));
    let order = if known { order } else { Order { payment: Payment::Received(scribe.at()), ..order } };
    if !known || learned == Learned::Something {
        write_change(scribe, OrderChange::Noted, order.clone());
    }
    order
}

/// What an order becomes by a word of the provider other than that it is paid; `None`: nothing else than it is.
fn unpaid(order: &Order, told: &TruthOfPayment, at: Time) -> Option<(OrderChange, Order)> {
    let becomes = |payment| Order { payment, ..order.clone() };
    match told {
        TruthOfPayment::Failed if order.payment == Payment::Pending => {
            Some((OrderChange::Failed, becomes(Payment::Failed)))
        }
        TruthOfPayment::Expired if order.payment == Payment::Pending => {
            Some((OrderChange::Expired, becomes(Payment::Expired)))
        }
        TruthOfPayment::Processing => order.on_its_way(at).map(|after| (OrderChange::Noted, after)),
        TruthOfPayment::Failed | TruthOfPayment::Expired | TruthOfPayment::Pending | TruthOfPayment::Paid(_) => None,
    }
}

/// Whether something was learned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Learned {
    Something,
    Nothing,
}

/// Keeps the ids that are new.
fn learn(order: &mut Order, references: &[ProviderRef]) -> Learned {
    let mut learned = Learned::Nothing;
    for reference in references {
        if !order.references.contains(reference) && order.references.len() < REFERENCES_MAX {
            order.references.push(reference.clone());
            learned = Learned::Something;
        }
    }
    learned
}

/// Makes an order's lots in the entry that says it is paid (R26), and lets them repay what is owed (R19). There is room
/// for them.
fn credit(scribe: &mut Scribe<'_>, order: Order, by: PaidBy, texts: Texts) -> Order {
    let (account, at) = (scribe.before, scribe.at());
    let granted = order.credits + order.bonus;
    let order = Order { payment: Payment::Paid(Paid { seq: scribe.next_seq(), at, by }), ..order };
    let package = match &order.item {
        Item::Package(package) => package,
        Item::Plan(terms) => {
            let pays = plan_payment::cycles_paid(account, scribe.catalogs, terms, at);
            let order = Order { pays: Some(pays), ..order.clone() };
            let event = Event::OrderChanged { change: OrderChange::Paid, order: Box::new(order.clone()) };
            scribe.write(Draft::new(event).texts(texts));
            plan_payment::paid(scribe, terms);
            return order;
        }
    };
    let bought = account.bought.get(package).copied().unwrap_or_default().plus(order.quantity, at);
    let order = Order { counted: true, ..order };
    let event = Event::OrderPaid { order: Box::new(order.clone()), bought };
    let mut draft = Draft::new(event).book(Book::Sold, -granted).texts(texts);
    for made in order.lots() {
        let class = made.part.class();
        let priority = class.default_priority();
        draft = draft.making(NewLot { class, priority, expires_at: made.expires_at, granted: made.credits });
    }
    scribe.write(draft);
    scribe.repay();
    order
}

/// What of the money is disputed, gone again or back, and what that does to the order's lots (R27).
fn money_back(scribe: &mut Scribe<'_>, stands: Order, truth: &Truth) -> Order {
    let at = scribe.at();
    let mut order = stands.clone();
    order.refunded = order.refunded.max(truth.refunded);
    order.refunds_failed = order.refunds_failed.max(truth.refunds_failed);
    order.learn_disputes(&truth.disputes);
    if order == stands && order.to_give_back() == TakenBack::default() {
        return order;
    }
    let seq = scribe.next_seq() - 1;
    let catalogs = scribe.catalogs;
    let account = scribe.account();
    let (was_gone, is_gone) = (stands.all_is_gone(), order.all_is_gone());
    let withdrawn =
        if is_gone && !was_gone { plan_payment::withdrawn(account, catalogs, &mut order, at) } else { None };
    let restored = if was_gone && !is_gone { plan_payment::restored(account, catalogs, &mut order, at) } else { None };
    let refill = withdrawn.as_ref().and_then(|withdrawn| withdrawn.draft(&order));
    let draft = refill
        .or_else(|| take_back(account, &order, at))
        .or_else(|| give_back(account, &order, at))
        .or_else(|| if order.is_disputed() { freeze(account, &order) } else { unfreeze(account, &order) });
    match draft {
        Some(draft) => scribe.write(draft),
        None if order == stands => return order,
        None => write_change(scribe, OrderChange::Noted, order.clone()),
    }
    if let Some(withdrawn) = withdrawn {
        withdrawn.write(scribe);
    } else if let Some(restored) = restored {
        plan_payment::restore(scribe, restored);
    }
    let gone = order.returned() > stands.returned();
    if (gone || order.is_disputed() && !stands.is_disputed())
        && let Some(stop) = top_up::stop(scribe.account())
    {
        scribe.write(stop);
    }
    let order = find_order(scribe.account(), order.id).cloned().unwrap_or(order);
    if !order.is_disputed()
        && let Some(unfreeze) = unfreeze(scribe.account(), &order)
    {
        scribe.write(unfreeze);
    }
    scribe.repay_from(seq);
    // Once free again, what has come to its end in the meantime expires (R22).
    scribe.expire_freed();
    find_order(scribe.account(), order.id).cloned().unwrap_or(order)
}

fn write_change(scribe: &mut Scribe<'_>, change: OrderChange, order: Order) {
    scribe.write(Draft::new(Event::OrderChanged { change, order: Box::new(order) }));
}
