//! Erasures that are decided and not durable yet.
//!
//! Until their batch is durable the store still gives out the texts that they erase, and so does the batch that is being
//! written: what is decided next must not see them, or a refund would copy the reference of its charge into a new entry.

use scrip_core::id::AccountNumber;

use crate::store::Row;

/// Accounts whose texts before a position do not count any more.
#[derive(Default)]
pub(crate) struct Veils {
    drafted: Vec<(AccountNumber, u64)>,
    committing: Vec<(AccountNumber, u64)>,
}

impl Veils {
    /// The account's texts before the position are erased by the draft.
    pub(crate) fn draw(&mut self, account: AccountNumber, position: u64) {
        self.drafted.push((account, position));
    }

    /// The draft goes to the committer; what it had before is durable.
    pub(crate) fn hand_over(&mut self) {
        self.committing = std::mem::take(&mut self.drafted);
    }

    /// The row without texts that were erased.
    pub(crate) fn over(&self, mut row: Row) -> Row {
        let erased =
            |(account, before): &(AccountNumber, u64)| row.record.account == *account && row.position < *before;
        if self.drafted.iter().chain(&self.committing).any(erased) {
            row.record.texts = None;
        }
        row
    }
}
