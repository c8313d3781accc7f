//! Adding an entry to an account.
//!
//! It knows no rules: an entry says everything that changed, and this only does it. That is why
//! it cannot fail, and why replaying a journal needs no catalog and no clock. It must never look
//! at anything but the account and the entry.

use std::sync::Arc;

use crate::account::Account;
use crate::amount::Credits;
use crate::entry::{Entry, Event, LotChange, TextField};
use crate::hold::{Hold, HoldState};
use crate::id::{AccountId, HoldId, LotId, ProjectTypeId};
use crate::lot::Lot;
use crate::order::{Item, Order};
use crate::recall;

/// Adds an entry. `head` is not its business: see [`crate::journal`].
///
/// # Panics
/// When the entry changes a lot that the account does not have: a journal that [`crate::proof::follows`] refuses.
pub fn apply(account: &mut Account, entry: &Entry) {
    account.seq = entry.seq;
    account.last_at = entry.at;
    account.debt += entry.debt;
    for index in 0..entry.makes.len() {
        let id = LotId { seq: entry.seq, index: u16::try_from(index).expect("an entry makes few lots") };
        insert_lot(account, recall::lot(entry, None, id).expect("its own lot"));
    }
    match &entry.event {
        Event::AccountOpened { studio, zone, project_types } => {
            account.studio = *studio;
            account.opened_at = entry.at;
            account.zone = zone.clone();
            set_project_types(account, project_types.as_deref());
            set_name(account, entry);
        }
        Event::AccountChanged { zone, project_types } => {
            account.zone = zone.clone();
            set_project_types(account, project_types.as_deref());
            set_name(account, entry);
        }
        Event::SubscriptionChanged { subscription, .. } => account.subscription = subscription.clone().map(Arc::new),
        Event::Refilled { subscription, .. } => account.subscription = Some(Arc::new(subscription.clone())),
        Event::HoldPlaced { .. } => account.holds.push(recall::placed_hold(entry).expect("its own hold")),
        Event::HoldExtended { hold, expires_at, .. } => {
            if let Some(hold) = open_hold(account, *hold) {
                hold.expires_at = *expires_at;
            }
        }
        Event::HoldSettled(settled) => end_hold(account, settled.hold, HoldState::Settled),
        Event::HoldReleased { hold, .. } => end_hold(account, *hold, HoldState::Released),
        Event::HoldExpired { hold, .. } => end_hold(account, *hold, HoldState::Expired),
        Event::DebtRepaid => account.repaid -= entry.debt,
        Event::Refunded(refunded) => {
            account.repaid -= refunded.repaid_back;
            refunded.revived.iter().for_each(|lot| insert_lot(account, lot.clone()));
            if let Some(Some(facts)) = account.recalled.charges.get_mut(&refunded.charge) {
                facts.refunded.clone_from(&refunded.refunded);
                facts.refunded_debt = refunded.refunded_debt;
            }
        }
        Event::AccountErased => erase_texts(account),
        Event::OrderPaid { order, bought } => {
            if let Item::Package(package) = &order.item {
                account.bought.insert(package.clone(), *bought);
            }
            put_order(account, order);
        }
        Event::AutomaticTopUpChanged { top_up, .. } => account.top_up = Some(top_up.clone()),
        Event::SavedMethodChanged { method } => account.saved_method = Some(*method),
        Event::GivenBack { order, revived, repaid_back } => {
            account.repaid -= *repaid_back;
            revived.iter().for_each(|lot| insert_lot(account, lot.clone()));
            put_order(account, order);
        }
        Event::BillingChanged { billing } => account.billing = *billing,
        Event::OrderChanged { order, .. }
        | Event::LotsFrozen { order }
        | Event::LotsUnfrozen { order }
        | Event::ClawedBack { order, .. } => put_order(account, order),
        Event::RolledOver
        | Event::LotExpired
        | Event::Charged { .. }
        | Event::Granted
        | Event::Revoked { .. }
        | Event::DebtRecorded { .. }
        | Event::Acted { .. }
        | Event::WentUncollected { .. } => {}
    }
    change_lots(account, &entry.lots);
}

/// Puts a lot into its place in the spend order.
fn insert_lot(account: &mut Account, lot: Lot) {
    let key = lot.spend_key();
    let place = account.lots.partition_point(|other| other.spend_key() < key);
    account.lots.insert(place, lot);
}

/// Moves what is left, held and frozen, and drops lots with nothing left. One that was bought stays recalled, for what
/// follows in the same batch.
fn change_lots(account: &mut Account, changes: &[LotChange]) {
    let mut drained = false;
    for change in changes {
        let Some(lot) = account.lots.iter_mut().find(|lot| lot.id == change.lot) else {
            assert!(change.moves_nothing(), "an entry moves credits of lots that are there");
            if let Some(Some(lot)) = account.recalled.lots.get_mut(&change.lot) {
                count_unspent(lot, change);
            }
            continue;
        };
        lot.remaining += change.remaining;
        lot.held += change.held;
        lot.frozen += change.frozen;
        count_unspent(lot, change);
        debug_assert!(!lot.remaining.is_negative() && !lot.held.is_negative() && !lot.available().is_negative());
        debug_assert!(lot.remaining <= lot.granted, "{lot:?}");
        drained |= lot.remaining.is_zero();
    }
    if drained {
        let bought = account.lots.iter().filter(|lot| lot.remaining.is_zero() && lot.sold.is_some());
        account.recalled.lots.extend(bought.map(|lot| (lot.id, Some(lot.clone()))));
        account.lots.retain(|lot| lot.remaining != Credits::ZERO);
    }
}

/// What has left a lot unspent, as the change says it, where it says so.
fn count_unspent(lot: &mut Lot, change: &LotChange) {
    if let (Some(sold), Some(unspent)) = (lot.sold.as_mut(), change.unspent) {
        sold.unspent = unspent;
    }
}

fn set_project_types(account: &mut Account, enabled: Option<&[ProjectTypeId]>) {
    account.project_types = enabled.map(|types| Arc::new(types.iter().cloned().collect()));
}

/// A name that the entry does not mention stays.
fn set_name(account: &mut Account, entry: &Entry) {
    if let Some(name) = entry.texts.get(TextField::Name) {
        account.name = Some(Arc::from(name));
    }
}

/// What is left of an account once its texts were erased.
fn erase_texts(account: &mut Account) {
    account.id = AccountId::erased(account.number);
    account.name = None;
    account.saved_method = None;
    for hold in &mut account.holds {
        hold.reference = None;
        hold.member = None;
    }
}

/// An order as it stands from now on. One that is over stays recalled, for commands of the same batch.
fn put_order(account: &mut Account, order: &Order) {
    let place = account.orders.binary_search_by_key(&order.id, |open| open.id);
    if !order.is_open() {
        if let Ok(place) = place {
            account.orders.remove(place);
        }
        account.recalled.orders.insert(order.id, Some(order.clone()));
        return;
    }
    account.recalled.orders.remove(&order.id);
    match place {
        Ok(place) => account.orders[place] = order.clone(),
        Err(place) => account.orders.insert(place, order.clone()),
    }
}

/// Open holds stand in the order of their ids.
fn open_hold(account: &mut Account, id: HoldId) -> Option<&mut Hold> {
    let place = account.holds.binary_search_by_key(&id, |hold| hold.id).ok()?;
    account.holds.get_mut(place)
}

/// Takes a hold off the open ones; it stays recalled, for commands of the same batch. An expired hold that is
/// settled late is recalled already.
fn end_hold(account: &mut Account, id: HoldId, state: HoldState) {
    if let Ok(place) = account.holds.binary_search_by_key(&id, |hold| hold.id) {
        let mut hold = account.holds.remove(place);
        hold.parts = Vec::new();
        hold.state = state;
        account.recalled.holds.insert(id, Some(hold));
    } else if let Some(Some(hold)) = account.recalled.holds.get_mut(&id) {
        hold.state = state;
    }
}
