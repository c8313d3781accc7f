//! Adding an entry to an account: cannot fail. Skeleton.
use crate::account::Account;
use crate::entry::Entry;

/// Adds an entry. `head` is not its business: see [`crate::journal`].
pub fn apply(_account: &mut Account, _entry: &Entry) {
    unimplemented!()
}
