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
use scrip_core::id::{AccountNumber, ChargeId, HoldId, HoldName, HoldRef, OrderId, ProviderRef};
use scrip_core::journal;
use scrip_core::order::Order;
use scrip_core::recall::{self, Wanted};
use scrip_core::term::Term;

use crate::store::{Reader, Row, StoreError};
use crate::trail::{self, Trail};

/// Where rows and terms are read from.
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

fn read(rows: &dyn Rows, position: u64) -> Result<(Entry, Row), StoreError> {
    let row = rows
        .row(position)?
        .ok_or_else(|| StoreError::Damaged(format!("the entry at position {position} is missing")))?;
    let entry = journal::decode(&row.record).map_err(|damaged| StoreError::Damaged(damaged.to_string()))?;
    Ok((entry, row))
}

/// The account's entry of a sequence number; `None` beyond its last.
pub(crate) fn entry(rows: &dyn Rows, last: u64, trail: &Trail, seq: u64) -> Result<Option<Entry>, StoreError> {
    if seq == 0 || seq > last {
        return Ok(None);
    }
    let (mut entry, mut row) = read(rows, trail.last())?;
    while entry.seq > seq {
        let next = if trail::jump_of(entry.seq) >= seq { row.jump } else { row.prev };
        (entry, row) = read(rows, next)?;
    }
    Ok(Some(entry))
}

/// The account's first entries, at most `count`, the newest of them first.
pub(crate) fn first_entries(rows: &dyn Rows, last: u64, trail: &Trail, count: u64) -> Result<Vec<Entry>, StoreError> {
    let mut position = trail.last();
    let mut entries = Vec::new();
    let mut seq = last;
    while seq > 0 {
        let (entry, row) = read(rows, position)?;
        let jumps = seq > count && trail::jump_of(seq) >= count;
        (position, seq) = if jumps { (row.jump, trail::jump_of(seq)) } else { (row.prev, seq - 1) };
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
            let earlier = read(rows, row.prev)?;
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
pub(crate) fn recall(
    rows: &dyn Rows,
    account: &mut Arc<Account>,
    trail: &Trail,
    command: &Command,
) -> Result<(), StoreError> {
    loop {
        let wanted = recall::wanted(account, command);
        if wanted.is_empty() {
            return Ok(());
        }
        for one in wanted {
            let past = Past { rows, number: account.number, last: account.seq, trail };
            match one {
                Wanted::HoldByName(name) => {
                    let hold = past.hold_of_name(&name)?;
                    Arc::make_mut(account).recalled.names.insert(name, hold);
                }
                Wanted::Hold(id) => {
                    let hold = past.ended_hold(id)?;
                    Arc::make_mut(account).recalled.holds.insert(id, hold);
                }
                Wanted::Charge(id) => {
                    let charge = past.charge(id)?;
                    Arc::make_mut(account).recalled.charges.insert(id, charge);
                }
                Wanted::Order(id) => {
                    let order = past.order(id)?;
                    Arc::make_mut(account).recalled.orders.insert(id, order);
                }
                Wanted::Lot(id) => {
                    let lot = past.entry(id.seq)?.and_then(|made| recall::lot(&made, id));
                    Arc::make_mut(account).recalled.lots.insert(id, lot);
                }
            }
        }
    }
}

/// A hold by either id, open or ended.
pub(crate) fn hold(
    rows: &dyn Rows,
    account: &Account,
    trail: &Trail,
    hold: &HoldRef,
) -> Result<Option<Hold>, StoreError> {
    let open = account.holds.iter().find(|open| match hold {
        HoldRef::Id(id) => open.id == *id,
        HoldRef::Name(name) => open.name.as_ref() == Some(name),
    });
    if let Some(open) = open {
        return Ok(Some(open.clone()));
    }
    let past = Past { rows, number: account.number, last: account.seq, trail };
    let id = match hold {
        HoldRef::Id(id) => Some(*id),
        HoldRef::Name(name) => past.hold_of_name(name)?,
    };
    id.map_or(Ok(None), |id| past.ended_hold(id))
}

/// An order, open or over.
pub(crate) fn order(
    rows: &dyn Rows,
    account: &Account,
    trail: &Trail,
    id: OrderId,
) -> Result<Option<Order>, StoreError> {
    match account.orders.iter().find(|open| open.id == id) {
        Some(open) => Ok(Some(open.clone())),
        None => Past { rows, number: account.number, last: account.seq, trail }.order(id),
    }
}

/// The newest entry about the order that a payment provider calls so, over all accounts.
pub(crate) fn of_provider(rows: &dyn Rows, reference: &ProviderRef) -> Result<Option<Entry>, StoreError> {
    let named = |entry: &Entry| entry.event.order().is_some_and(|order| order.references.contains(reference));
    newest(rows, Term::provider_ref(reference), named)
}

/// One account's past.
struct Past<'a> {
    rows: &'a dyn Rows,
    number: AccountNumber,
    last: u64,
    trail: &'a Trail,
}

impl Past<'_> {
    fn entry(&self, seq: u64) -> Result<Option<Entry>, StoreError> {
        entry(self.rows, self.last, self.trail, seq)
    }

    fn hold_of_name(&self, name: &HoldName) -> Result<Option<HoldId>, StoreError> {
        let named = |entry: &Entry| match &entry.event {
            Event::HoldPlaced { hold } => entry.account == self.number && hold.name.as_ref() == Some(name),
            _ => false,
        };
        let placed = newest(self.rows, Term::hold_name(self.number, name), named)?;
        Ok(placed.map(|placed| HoldId::first(placed.seq)))
    }

    fn ended_hold(&self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        let Some(placed) = self.entry(id.seq)? else { return Ok(None) };
        let ends = |entry: &Entry| {
            let ended = match &entry.event {
                Event::HoldSettled(settled) => Some(settled.hold),
                Event::HoldReleased { hold, .. } | Event::HoldExpired { hold, .. } => Some(*hold),
                _ => None,
            };
            entry.account == self.number && ended == Some(id)
        };
        let end = newest(self.rows, Term::hold_end(self.number, id), ends)?;
        Ok(recall::hold(&placed, end.as_ref()))
    }

    fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        let about =
            |entry: &Entry| entry.account == self.number && entry.event.order().is_some_and(|order| order.id == id);
        let newest = newest(self.rows, Term::order(self.number, id), about)?;
        Ok(recall::order(newest.as_ref(), id))
    }

    fn charge(&self, id: ChargeId) -> Result<Option<scrip_core::account::ChargeFacts>, StoreError> {
        let Some(made) = self.entry(id.seq)? else { return Ok(None) };
        let refunds = |entry: &Entry| match &entry.event {
            Event::Refunded(refunded) => entry.account == self.number && refunded.charge == id,
            _ => false,
        };
        let refund = newest(self.rows, Term::refund_of(self.number, id), refunds)?;
        Ok(if id.index == 0 { recall::charge(&made, refund.as_ref()) } else { None })
    }
}
