//! Accounts in their stored form: JSON that a person can query, shared by every store. Skeleton.

use crate::store::StoredAccount;

/// The account and its trail as a JSON object; the shape is in `docs/store.md`.
pub fn account_to_json(_stored: &StoredAccount) -> String {
    unimplemented!()
}

/// The account of a stored JSON object.
pub fn account_from_json(_text: &str) -> Result<StoredAccount, String> {
    unimplemented!()
}
