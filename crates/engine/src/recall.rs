//! Fetching the past: what a command names that is not in the account's present state.
//!
//! The rules say what is wanted and make facts of the entries ([`scrip_core::recall`]); here they
//! are found: by sequence number along the account's trail, by term through the index. Knows no
//! rules.

use std::sync::Arc;

use scrip_core::account::Account;
use scrip_core::command::Command;
use scrip_core::entry::{Entry, Event};
use scrip_core::hold::Hold;
use scrip_core::id::{AccountNumber, ChargeId, HoldId, HoldName, HoldRef, LotId, OrderId, ProviderRef};
use scrip_core::journal;
use scrip_core::lot::Lot;
use scrip_core::order::Order;
use scrip_core::recall::{self, Wanted};
use scrip_core::term::Term;

use crate::store::{Reader, Row, StoreError};
use crate::trail::{self, Trail};

/// An account's past, however a store finds it.
pub(crate) trait Past {
    /// Why it could not be read.
    type Error;
    /// The entry of a sequence number; `None` beyond the last.
    fn entry(&self, seq: u64) -> Result<Option<Entry>, Self::Error>;
    /// The newest entry that carries the term.
    fn newest(&self, term: Term, carries: &dyn Fn(&Entry) -> bool) -> Result<Option<Entry>, Self::Error>;
}

/// Where the rows and terms of a store with one owner are read from.
pub(crate) trait Rows {
    /// The row at a position.
    fn row(&self, position: u64) -> Result<Option<Row>, StoreError>;
    /// Positions of entries that may carry the term, newest first.
    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError>;
}

/// What is durable and written behind.
pub(crate) struct Durable<'a>(pub(crate) &'a dyn Reader);

impl Rows for Durable<'_> {
    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        self.0.row(position)
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        self.0.positions(term)
    }
}

fn there(rows: &dyn Rows, position: u64) -> Result<Row, StoreError> {
    let row = rows.row(position)?;
    row.ok_or_else(|| StoreError::Damaged(format!("the entry at position {position} is missing")))
}

fn decoded(row: &Row) -> Result<Entry, StoreError> {
    journal::decode(&row.record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))
}

fn read(rows: &dyn Rows, position: u64) -> Result<(Entry, Row), StoreError> {
    let row = there(rows, position)?;
    Ok((decoded(&row)?, row))
}

/// The account's entry of a sequence number; `None` beyond its last.
pub(crate) fn entry(rows: &dyn Rows, last: u64, trail: &Trail, seq: u64) -> Result<Option<Entry>, StoreError> {
    row(rows, last, trail, seq)?.map(|row| decoded(&row)).transpose()
}

/// The row of that entry.
pub(crate) fn row(rows: &dyn Rows, last: u64, trail: &Trail, seq: u64) -> Result<Option<Row>, StoreError> {
    if seq == 0 || seq > last {
        return Ok(None);
    }
    let mut row = there(rows, trail.last())?;
    while row.record.seq > seq {
        let jumps = trail::jump_of(row.record.seq) >= seq;
        row = there(rows, if jumps { row.linked()?.jump } else { row.linked()?.prev })?;
    }
    Ok(Some(row))
}

/// The account's first entries, at most `count`, the newest of them first.
pub(crate) fn first_entries(rows: &dyn Rows, last: u64, trail: &Trail, count: u64) -> Result<Vec<Entry>, StoreError> {
    let mut position = trail.last();
    let mut entries = Vec::new();
    let mut seq = last;
    while seq > 0 {
        let (entry, row) = read(rows, position)?;
        let jumps = seq > count && trail::jump_of(seq) >= count;
        (position, seq) = if jumps { (row.linked()?.jump, trail::jump_of(seq)) } else { (row.linked()?.prev, seq - 1) };
        if entry.seq <= count {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The newest entry that carries the term, preceded by the other entries of its command.
pub(crate) fn search(
    rows: &dyn Rows,
    term: Term,
    carries: impl Fn(&Entry) -> bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    for position in rows.positions(term)? {
        let (found, mut row) = read(rows, position)?;
        if !carries(&found) {
            // The index keeps half of a term: now and then it names an entry of another.
            continue;
        }
        let back = found.bound.map_or(0, |bound| bound.back);
        let mut entries = vec![found];
        for _ in 0..back {
            let earlier = read(rows, row.linked()?.prev)?;
            row = earlier.1;
            entries.push(earlier.0);
        }
        entries.reverse();
        return Ok(Some(entries));
    }
    Ok(None)
}

/// The newest single entry that carries the term.
fn newest(rows: &dyn Rows, term: Term, carries: impl Fn(&Entry) -> bool) -> Result<Option<Entry>, StoreError> {
    Ok(search(rows, term, carries)?.and_then(|mut entries| entries.pop()))
}

/// Fetches all that the command wants into [`Account::recalled`].
pub(crate) fn recall<P: Past>(past: &P, account: &mut Arc<Account>, command: &Command) -> Result<(), P::Error> {
    loop {
        let wanted = recall::wanted(account, command);
        if wanted.is_empty() {
            return Ok(());
        }
        for one in wanted {
            let number = account.number;
            match one {
                Wanted::HoldByName(name) => {
                    let hold = hold_of_name(past, number, &name)?;
                    Arc::make_mut(account).recalled.names.insert(name, hold);
                }
                Wanted::Hold(id) => {
                    let hold = ended_hold(past, number, id)?;
                    Arc::make_mut(account).recalled.holds.insert(id, hold);
                }
                Wanted::Charge(id) => {
                    let charge = charge(past, number, id)?;
                    Arc::make_mut(account).recalled.charges.insert(id, charge);
                }
                Wanted::Order(id) => {
                    let order = order_over(past, number, id)?;
                    Arc::make_mut(account).recalled.orders.insert(id, order);
                }
                Wanted::Lot(id) => {
                    let lot = drained_lot(past, number, id)?;
                    Arc::make_mut(account).recalled.lots.insert(id, lot);
                }
            }
        }
    }
}

/// A hold by either id, open or ended.
pub(crate) fn hold<P: Past>(past: &P, account: &Account, hold: &HoldRef) -> Result<Option<Hold>, P::Error> {
    let open = account.holds.iter().find(|open| match hold {
        HoldRef::Id(id) => open.id == *id,
        HoldRef::Name(name) => open.name.as_ref() == Some(name),
    });
    if let Some(open) = open {
        return Ok(Some(open.clone()));
    }
    let id = match hold {
        HoldRef::Id(id) => Some(*id),
        HoldRef::Name(name) => hold_of_name(past, account.number, name)?,
    };
    id.map_or(Ok(None), |id| ended_hold(past, account.number, id))
}

/// An order, open or over.
pub(crate) fn order<P: Past>(past: &P, account: &Account, id: OrderId) -> Result<Option<Order>, P::Error> {
    match account.orders.iter().find(|open| open.id == id) {
        Some(open) => Ok(Some(open.clone())),
        None => order_over(past, account.number, id),
    }
}

/// The newest entry about the order that a payment provider calls so, over all accounts.
pub(crate) fn of_provider(rows: &dyn Rows, reference: &ProviderRef) -> Result<Option<Entry>, StoreError> {
    let named = |entry: &Entry| entry.event.order().is_some_and(|order| order.references.contains(reference));
    newest(rows, Term::provider_ref(reference), named)
}

/// One account's past in a store with one owner, found along its trail.
pub(crate) struct Trailed<'a> {
    pub(crate) rows: &'a dyn Rows,
    /// The account's last entry.
    pub(crate) last: u64,
    pub(crate) trail: &'a Trail,
}

impl Past for Trailed<'_> {
    type Error = StoreError;

    fn entry(&self, seq: u64) -> Result<Option<Entry>, StoreError> {
        entry(self.rows, self.last, self.trail, seq)
    }

    fn newest(&self, term: Term, carries: &dyn Fn(&Entry) -> bool) -> Result<Option<Entry>, StoreError> {
        newest(self.rows, term, carries)
    }
}

fn hold_of_name<P: Past>(past: &P, account: AccountNumber, name: &HoldName) -> Result<Option<HoldId>, P::Error> {
    let named = |entry: &Entry| match &entry.event {
        Event::HoldPlaced { hold } => entry.account == account && hold.name.as_ref() == Some(name),
        _ => false,
    };
    let placed = past.newest(Term::hold_name(account, name), &named)?;
    Ok(placed.map(|placed| HoldId::first(placed.seq)))
}

fn ended_hold<P: Past>(past: &P, account: AccountNumber, id: HoldId) -> Result<Option<Hold>, P::Error> {
    let Some(placed) = past.entry(id.seq)? else { return Ok(None) };
    let ends = |entry: &Entry| {
        let ended = match &entry.event {
            Event::HoldSettled(settled) => Some(settled.hold),
            Event::HoldReleased { hold, .. } | Event::HoldExpired { hold, .. } => Some(*hold),
            _ => None,
        };
        entry.account == account && ended == Some(id)
    };
    let end = past.newest(Term::hold_end(account, id), &ends)?;
    Ok(recall::hold(&placed, end.as_ref()))
}

fn drained_lot<P: Past>(past: &P, account: AccountNumber, id: LotId) -> Result<Option<Lot>, P::Error> {
    let Some(made) = past.entry(id.seq)? else { return Ok(None) };
    let tells = |entry: &Entry| {
        let told = entry.lots.iter().any(|change| change.lot == id && change.unspent.is_some());
        entry.account == account && told
    };
    let told = past.newest(Term::unspent_of(account, id), &tells)?;
    Ok(recall::lot(&made, told.as_ref(), id))
}

fn order_over<P: Past>(past: &P, account: AccountNumber, id: OrderId) -> Result<Option<Order>, P::Error> {
    let about = |entry: &Entry| entry.account == account && entry.event.order().is_some_and(|order| order.id == id);
    let newest = past.newest(Term::order(account, id), &about)?;
    Ok(recall::order(newest.as_ref(), id))
}

fn charge<P: Past>(
    past: &P,
    account: AccountNumber,
    id: ChargeId,
) -> Result<Option<scrip_core::account::ChargeFacts>, P::Error> {
    let Some(made) = past.entry(id.seq)? else { return Ok(None) };
    let refunds = |entry: &Entry| match &entry.event {
        Event::Refunded(refunded) => entry.account == account && refunded.charge == id,
        _ => false,
    };
    let refund = past.newest(Term::refund_of(account, id), &refunds)?;
    Ok(if id.index == 0 { recall::charge(&made, refund.as_ref()) } else { None })
}
