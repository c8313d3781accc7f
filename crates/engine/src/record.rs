//! Accounts in their stored form: a JSON object that a person can query, shared by every store.
//!
//! What a store finds accounts by (number, studio, id) and what `verify` compares first (sequence
//! number, chain value) are columns of their own: [`Columns`]. Everything else of the account is the
//! object, compact and in one spelling: [`account_from_json`] refuses whatever [`account_to_json`]
//! would not have written. Amounts are credits and times are seconds since 1970, both exact decimals.
//! The shape is in `docs/store.md`.

mod parse;
#[cfg(test)]
mod tests;
mod write;

use scrip_core::account::{Account, Hash};
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};

use crate::store::StoredAccount;
use crate::trail::Trail;

/// The newest version of the shape that is known here. An account is written in the lowest that can say it, so that one
/// that has nothing new is written as an earlier scrip would have.
pub const FORMAT: u64 = 3;

/// What a store keeps of an account beside its JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The journal's number for it.
    pub number: AccountNumber,
    /// Whose customer it is.
    pub studio: StudioNumber,
    /// The studio's own id.
    pub id: AccountId,
    /// The sequence number of the last entry that the row knows of.
    pub seq: u64,
    /// The chain's value after it.
    pub head: Hash,
}

/// The account, without its columns, and its trail as a JSON object.
pub fn account_to_json(account: &Account, trail: &Trail) -> String {
    write::account(account, trail)
}

/// The account of a stored row, or what is wrong with its JSON object.
pub fn account_from_json(columns: Columns, text: &str) -> Result<StoredAccount, String> {
    let stored = parse::account(columns, text)?;
    if account_to_json(&stored.account, &stored.trail) == text {
        Ok(stored)
    } else {
        Err("an account's row that is not in its one spelling".to_owned())
    }
}
