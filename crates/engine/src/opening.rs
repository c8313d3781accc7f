//! How an account came to be, read from its own first entries: by an opening, with what it brought, or otherwise.
//!
//! It is apart because it looks only at what can never change: an importer asks it before it writes, and again to
//! prove what was written, whatever the account did meanwhile.

use scrip_core::amount::Credits;
use scrip_core::command::{Binding, Command, Opening};
use scrip_core::entry::{Bound, Entry};
use scrip_core::id::AccountNumber;
use scrip_core::lot::Class;
use scrip_core::term::Term;

use crate::recall::{self, Rows};
use crate::store::{StoreError, StoredAccountRef};

/// How an account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By an opening.
    Opening(Opened),
    /// Otherwise: it brought nothing.
    Otherwise,
}

/// An opening that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    account: AccountNumber,
    content: u64,
    /// What its entries put into lots, an amount for each lot.
    pub lots: Vec<(Class, Credits)>,
}

impl Opened {
    /// Whether it was this very opening.
    pub fn is(&self, opening: &Command) -> bool {
        Binding::of_opening(self.account, opening).content == self.content
    }
}

/// How the account was opened.
pub(crate) fn origin(rows: &dyn Rows, stored: &StoredAccountRef) -> Result<Origin, StoreError> {
    let count = u64::try_from(Opening::ENTRIES_MAX).expect("a small number");
    let mut entries = recall::first_entries(rows, stored.account.seq, &stored.trail, count)?;
    entries.reverse();
    Ok(origin_of(stored.account.number, &entries))
}

/// How the account was opened whose first entries these are, oldest first.
pub(crate) fn origin_of(number: AccountNumber, entries: &[Entry]) -> Origin {
    // The first entry that binds anything binds the command that opened the account, or a later one.
    let Some(bound) = entries.iter().find_map(|entry| entry.bound) else { return Origin::Otherwise };
    if bound.term != Term::opening(number) {
        return Origin::Otherwise;
    }
    Origin::Opening(opened(number, entries, bound))
}

fn opened(account: AccountNumber, entries: &[Entry], bound: Bound) -> Opened {
    let own = entries.iter().take(usize::from(bound.back) + 1);
    let lots = own.flat_map(|entry| &entry.lots).map(|change| (change.class, change.remaining)).collect();
    Opened { account, content: bound.content, lots }
}
