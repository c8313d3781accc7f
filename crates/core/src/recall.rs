//! Recalling: what a command names that is not in the account's present state, and how entries
//! of the past are turned into the facts that deciding needs.
//!
//! It is apart so that the engine can fetch without knowing rules, and the rules can decide
//! without knowing a store.

use crate::account::{Account, ChargeFacts};
use crate::amount::Credits;
use crate::command::{Command, OrderItem, TermPaid};
use crate::entry::{Entry, Event, TextField};
use crate::hold::{Hold, HoldState};
use crate::id::{ChargeId, HoldId, HoldName, HoldRef, LotId, OrderId};
use crate::lot::{Lot, Sold};
use crate::order::{Order, TakenBack};

/// What the engine must fetch into [`crate::account::Recalled`] before deciding: a fact, or `None` when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Which hold an own id names (`recalled.names`): find by [`crate::term::Term::hold_name`].
    HoldByName(HoldName),
    /// A hold that is not open (`recalled.holds`): the entry `id.seq`, and the newest by
    /// [`crate::term::Term::hold_end`], through [`hold`].
    Hold(HoldId),
    /// A charge with its refunds so far (`recalled.charges`): the entry `id.seq`, and the newest by
    /// [`crate::term::Term::refund_of`], through [`charge`].
    Charge(ChargeId),
    /// A lot with nothing left (`recalled.lots`): the entry `id.seq`, and the newest by
    /// [`crate::term::Term::unspent_of`], through [`lot`].
    Lot(LotId),
    /// An order that is over (`recalled.orders`): the newest by [`crate::term::Term::order`], through [`order`].
    Order(OrderId),
}

/// What this command names that is not in the account's present state; asked again after each fetch, until empty.
pub fn wanted(account: &Account, command: &Command) -> Vec<Wanted> {
    let mut wanted = match command {
        Command::PlaceHold(place) => match &place.name {
            Some(name) => name_wanted(account, name),
            None => Vec::new(),
        },
        Command::ExtendHold { hold, .. } => hold_wanted(account, hold),
        Command::SettleHold(settle) => hold_wanted(account, &settle.hold),
        Command::ReleaseHold(release) => hold_wanted(account, &release.hold),
        Command::Refund { charge, .. } => charge_wanted(account, *charge),
        Command::RevokeLot { lot, .. } => lot_wanted(account, *lot),
        Command::SendOrder { order, .. }
        | Command::FulfilOrder { order, .. }
        | Command::SaveMethod { order }
        | Command::PayTerm(TermPaid { order, .. })
        | Command::BeginBilling { order }
        | Command::MarkOrderPaid { order, .. } => order_wanted(account, *order),
        Command::PutAccount(_)
        | Command::OpenAccount(_)
        | Command::PutSubscription(_)
        | Command::CancelSubscription(_)
        | Command::PlaceOrder { .. }
        | Command::PutTopUp(_)
        | Command::RefuseMethod { .. }
        | Command::EndBilling { .. }
        | Command::Charge(_)
        | Command::Grant(_)
        | Command::WriteOffDebt { .. }
        | Command::EraseAccount { .. }
        | Command::RecordAct { .. }
        | Command::Touch => Vec::new(),
    };
    if concerns_plan(command)
        && let Some(began) = account.billing
    {
        wanted.extend(order_wanted(account, began));
    }
    if let Command::FulfilOrder { order, truth } = command
        && (truth.refunded > 0 || !truth.disputes.is_empty())
        && let Some(order) = find_order(account, *order)
    {
        wanted.extend(lots_wanted(account, order));
    }
    // What one command left to be taken back, the next one goes on with.
    let waiting = account.orders.iter().filter(|order| order.to_take_back() != TakenBack::default());
    wanted.extend(waiting.flat_map(|order| lots_wanted(account, order)));
    wanted
}

/// Whether it matters to a command that the provider's own subscription pays for the plan.
fn concerns_plan(command: &Command) -> bool {
    match command {
        Command::PutSubscription(_)
        | Command::CancelSubscription(_)
        | Command::PlaceOrder { item: OrderItem::Plan(_), .. }
        | Command::FulfilOrder { .. }
        | Command::MarkOrderPaid { .. }
        | Command::BeginBilling { .. } => true,
        Command::PutAccount(_)
        | Command::OpenAccount(_)
        | Command::PlaceHold(_)
        | Command::ExtendHold { .. }
        | Command::SettleHold(_)
        | Command::ReleaseHold(_)
        | Command::Charge(_)
        | Command::Refund { .. }
        | Command::Grant(_)
        | Command::RevokeLot { .. }
        | Command::WriteOffDebt { .. }
        | Command::PlaceOrder { item: OrderItem::Package(_), .. }
        | Command::SendOrder { .. }
        | Command::PutTopUp(_)
        | Command::SaveMethod { .. }
        | Command::RefuseMethod { .. }
        | Command::EndBilling { .. }
        | Command::PayTerm(_)
        | Command::EraseAccount { .. }
        | Command::RecordAct { .. }
        | Command::Touch => false,
    }
}

/// A charge from the entry that made it and the newest of its refunds; `None` when the entry made no charge.
pub fn charge(made: &Entry, newest_refund: Option<&Entry>) -> Option<ChargeFacts> {
    let (tool, debt) = match &made.event {
        Event::Charged { priced, .. } => (&priced.tool, Credits::ZERO),
        Event::HoldSettled(settled) => (&settled.priced.tool, settled.debt),
        _ => return None,
    };
    let (refunded, refunded_debt) = match newest_refund.map(|entry| &entry.event) {
        Some(Event::Refunded(refund)) if refund.charge == ChargeId::first(made.seq) => {
            (refund.refunded.clone(), refund.refunded_debt)
        }
        _ => (Vec::new(), Credits::ZERO),
    };
    Some(ChargeFacts {
        parts: made.taken().collect(),
        debt,
        refunded,
        refunded_debt,
        tool: tool.clone(),
        reference: made.texts.get(TextField::Reference).map(Box::from),
        member: made.texts.get(TextField::Member).map(Box::from),
    })
}

/// A hold from the entry that placed it and the newest that ended it; `None` when the entry placed no hold, or
/// nothing ended it.
pub fn hold(placed: &Entry, newest_end: Option<&Entry>) -> Option<Hold> {
    let mut hold = placed_hold(placed)?;
    let ended = |id: HoldId, state: HoldState| (id == hold.id).then_some(state);
    hold.state = match &newest_end?.event {
        Event::HoldSettled(settled) => ended(settled.hold, HoldState::Settled)?,
        Event::HoldReleased { hold: id, .. } => ended(*id, HoldState::Released)?,
        Event::HoldExpired { hold: id, .. } => ended(*id, HoldState::Expired)?,
        _ => return None,
    };
    hold.parts = Vec::new();
    Some(hold)
}

/// The hold that an entry placed, as it was then, with its texts; `None` when the entry placed none.
pub fn placed_hold(placed: &Entry) -> Option<Hold> {
    let Event::HoldPlaced { hold } = &placed.event else { return None };
    let mut hold = hold.clone();
    hold.reference = placed.texts.get(TextField::Reference).map(Box::from);
    hold.member = placed.texts.get(TextField::Member).map(Box::from);
    Some(hold)
}

/// A lot from the entry that made it and the newest that tells what left it unspent, with nothing left; `None` when the
/// entry made no such lot.
pub fn lot(made: &Entry, newest_unspent: Option<&Entry>, id: LotId) -> Option<Lot> {
    if made.seq != id.seq {
        return None;
    }
    let sold = match &made.event {
        Event::OrderPaid { order, .. } if order.counted => {
            let told = newest_unspent.and_then(|entry| entry.lots.iter().find(|change| change.lot == id)?.unspent);
            Some(Sold { order: order.id, unspent: told.unwrap_or(Credits::ZERO) })
        }
        _ => None,
    };
    made.makes.get(usize::from(id.index)).map(|new| Lot {
        id,
        class: new.class,
        priority: new.priority,
        granted_at: made.at,
        expires_at: new.expires_at,
        granted: new.granted,
        remaining: Credits::ZERO,
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        sold,
    })
}

/// An order from the newest entry about it; `None` when there is none.
pub fn order(newest: Option<&Entry>, id: OrderId) -> Option<Order> {
    newest?.event.order().filter(|order| order.id == id).cloned()
}

/// The order, open or recalled.
pub(crate) fn find_order(account: &Account, id: OrderId) -> Option<&Order> {
    let open = account.orders.binary_search_by_key(&id, |order| order.id).ok().map(|place| &account.orders[place]);
    open.or_else(|| account.recalled.orders.get(&id).and_then(Option::as_ref))
}

/// The hold that a reference names, open or ended; `None` when there is none, or it was not recalled.
pub(crate) fn find_hold<'a>(account: &'a Account, hold: &HoldRef) -> Option<&'a Hold> {
    match hold {
        HoldRef::Id(id) => find_hold_by_id(account, *id),
        HoldRef::Name(name) => find_hold_by_name(account, name).or_else(|| {
            let id = account.recalled.names.get(name).copied().flatten()?;
            find_hold_by_id(account, id)
        }),
    }
}

fn find_hold_by_id(account: &Account, id: HoldId) -> Option<&Hold> {
    let open = account.holds.binary_search_by_key(&id, |hold| hold.id).ok().map(|place| &account.holds[place]);
    open.or_else(|| account.recalled.holds.get(&id).and_then(Option::as_ref))
}

fn find_hold_by_name<'a>(account: &'a Account, name: &HoldName) -> Option<&'a Hold> {
    let ended = account.recalled.holds.values().flatten();
    account.holds.iter().chain(ended).find(|hold| hold.name.as_ref() == Some(name))
}

/// Whether a caller's own id was ever given to a hold of this account.
pub(crate) fn name_taken(account: &Account, name: &HoldName) -> bool {
    find_hold_by_name(account, name).is_some() || account.recalled.names.get(name).is_some_and(Option::is_some)
}

/// The lot, whether something is left of it or it was recalled with nothing left.
pub(crate) fn find_lot(account: &Account, id: LotId) -> Option<&Lot> {
    account.lot(id).or_else(|| account.recalled.lots.get(&id).and_then(Option::as_ref))
}

fn name_wanted(account: &Account, name: &HoldName) -> Vec<Wanted> {
    let known = find_hold_by_name(account, name).is_some() || account.recalled.names.contains_key(name);
    if known { Vec::new() } else { vec![Wanted::HoldByName(name.clone())] }
}

fn hold_wanted(account: &Account, hold: &HoldRef) -> Vec<Wanted> {
    let id = match hold {
        HoldRef::Id(id) => *id,
        HoldRef::Name(name) => match (find_hold_by_name(account, name), account.recalled.names.get(name)) {
            (Some(_), _) | (None, Some(None)) => return Vec::new(),
            (None, Some(Some(id))) => *id,
            (None, None) => return vec![Wanted::HoldByName(name.clone())],
        },
    };
    let known = find_hold_by_id(account, id).is_some() || account.recalled.holds.contains_key(&id);
    if known || id.index != 0 || !exists(account, id.seq) { Vec::new() } else { vec![Wanted::Hold(id)] }
}

fn charge_wanted(account: &Account, charge: ChargeId) -> Vec<Wanted> {
    match account.recalled.charges.get(&charge) {
        None if charge.index == 0 && exists(account, charge.seq) => vec![Wanted::Charge(charge)],
        None | Some(None) => Vec::new(),
        Some(Some(facts)) => facts
            .parts
            .iter()
            .flat_map(|part| match find_lot(account, part.lot) {
                Some(Lot { sold: Some(sold), .. }) => order_wanted(account, sold.order),
                Some(_) | None => lot_wanted(account, part.lot),
            })
            .collect(),
    }
}

fn lot_wanted(account: &Account, lot: LotId) -> Vec<Wanted> {
    let known = account.lot(lot).is_some() || account.recalled.lots.contains_key(&lot);
    if known || !exists(account, lot.seq) { Vec::new() } else { vec![Wanted::Lot(lot)] }
}

/// The lots of an order that count what left them unspent, and have nothing left.
fn lots_wanted(account: &Account, order: &Order) -> Vec<Wanted> {
    let made = if order.counted { order.lots() } else { Vec::new() };
    made.into_iter().flat_map(|made| lot_wanted(account, made.lot)).collect()
}

fn order_wanted(account: &Account, order: OrderId) -> Vec<Wanted> {
    let known = find_order(account, order).is_some() || account.recalled.orders.contains_key(&order);
    if known || order.index != 0 || !exists(account, order.seq) { Vec::new() } else { vec![Wanted::Order(order)] }
}

/// Whether the account has an entry of that number: an id beyond it names nothing.
fn exists(account: &Account, seq: u64) -> bool {
    (1..=account.seq).contains(&seq)
}
