//! Orders that wait for their money, found by going round the accounts.
//!
//! No index lists them: they are few, they are part of their account's state, and whoever settles them can wait for
//! the round to come by. New ones are on the feed the moment they are durable.

use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::order::{Order, Payment};

use crate::resident::Residents;
use crate::store::{Reader, StoreError};

/// Some accounts' orders that wait for their money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingOrders {
    /// Whose, and which.
    pub orders: Vec<(StudioNumber, AccountId, Order)>,
    /// Where to go on; `None` at the end of the accounts.
    pub next: Option<AccountNumber>,
}

/// The pending orders of the next `looks` accounts, by their durable state. An account that was never written behind has
/// no row yet: the round comes by again.
pub(crate) fn orders(
    reader: &dyn Reader,
    residents: &Residents,
    after: Option<AccountNumber>,
    looks: usize,
) -> Result<PendingOrders, StoreError> {
    let rows = reader.accounts(after, looks)?;
    let mut pending = PendingOrders { orders: Vec::new(), next: rows.last().map(|row| row.account.number) };
    for row in rows {
        match residents.get(row.account.number) {
            Some(resident) => add(&mut pending, &resident.account),
            None => add(&mut pending, &row.account),
        }
    }
    Ok(pending)
}

fn add(pending: &mut PendingOrders, account: &Account) {
    let waiting = account.orders.iter().filter(|order| order.payment == Payment::Pending);
    pending.orders.extend(waiting.map(|order| (account.studio, account.id.clone(), order.clone())));
}
