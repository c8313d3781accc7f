//! Deciding: which entries a command makes, or why not. Skeleton.
use crate::account::Account;
use crate::answer::Answer;
use crate::catalog::Catalogs;
use crate::command::{Command, Stamp};
use crate::entry::Entry;
use crate::rejection::Rejection;

pub use crate::recall::{Wanted, wanted};

/// The outcome of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The entries it makes, in order; empty when everything stands as asked already.
    pub entries: Vec<Entry>,
    /// What the caller is told. Where there are entries with a key, equal to [`crate::answer::of`] of them.
    pub answer: Answer,
}

/// Decides a command on an account to which everything due has been applied.
///
/// `account.seq == 0` is an account that does not exist: only [`Command::PutAccount`] is accepted.
pub fn decide(
    _account: &Account,
    _catalogs: &Catalogs,
    _command: &Command,
    _stamp: &Stamp,
) -> Result<Decision, Rejection> {
    unimplemented!()
}
