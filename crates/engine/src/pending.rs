//! Orders that wait for their money, or for room for its credits, found by going round the accounts.
//!
//! No index lists them: they are few, they are part of their account's state, and whoever settles them can wait for
//! the round to come by. New ones are on the feed the moment they are durable.

use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber, OrderId, StudioNumber};
use scrip_core::order::Order;

use crate::history;
use crate::resident::Residents;
use crate::store::{Reader, StoreError};

/// Some accounts' orders that wait for their money, or for room for its credits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PendingOrders {
    /// Whose, and which.
    pub orders: Vec<(StudioNumber, AccountId, Order)>,
    /// Accounts whose plan a provider's own subscription pays for, and the order that began it.
    pub billed: Vec<(StudioNumber, AccountId, OrderId)>,
    /// Where to go on; `None` at the end of the accounts.
    pub next: Option<AccountNumber>,
}

/// The pending orders of the next `looks` accounts, by their durable state, written behind or not.
pub(crate) fn orders(
    reader: &dyn Reader,
    residents: &Residents,
    after: Option<AccountNumber>,
    looks: usize,
) -> Result<PendingOrders, StoreError> {
    let accounts = history::accounts(reader, residents, after, looks, |_| true)?;
    let next = accounts.last().filter(|_| accounts.len() == looks).map(|account| account.number);
    let mut pending = PendingOrders { next, ..PendingOrders::default() };
    accounts.iter().for_each(|account| add(&mut pending, account));
    Ok(pending)
}

/// The pending orders of these accounts, which come by number.
pub(crate) fn of<'a>(accounts: impl Iterator<Item = &'a Account>) -> PendingOrders {
    let mut pending = PendingOrders::default();
    for account in accounts {
        add(&mut pending, account);
        pending.next = Some(account.number);
    }
    pending
}

fn add(pending: &mut PendingOrders, account: &Account) {
    if let Some(order) = account.billing {
        pending.billed.push((account.studio, account.id.clone(), order));
    }
    let waiting = account.orders.iter().filter(|order| order.waits());
    pending.orders.extend(waiting.map(|order| (account.studio, account.id.clone(), order.clone())));
}
