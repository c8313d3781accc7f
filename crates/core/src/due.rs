//! What is due (R16). Skeleton.
use crate::account::Account;
use crate::catalog::Catalogs;
use crate::entry::Entry;
use crate::time::Time;

/// The next instant at which something falls due for this account, were nobody to touch it.
pub fn next_due(_account: &Account) -> Option<Time> {
    unimplemented!()
}

/// Applies to `account` all that is due up to and including `now`, in order, each with its own due time,
/// and returns the entries it made. `salt` digests the texts that they repeat; a read that writes nothing gives any.
pub fn apply_due(_account: &mut Account, _catalogs: &Catalogs, _now: Time, _salt: [u8; 16]) -> Vec<Entry> {
    unimplemented!()
}
