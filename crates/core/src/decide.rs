//! Deciding: which entries a command makes, or why not. Skeleton.
use crate::account::Account;
use crate::answer::Answer;
use crate::catalog::Catalogs;
use crate::command::{Command, Stamp};
use crate::entry::{Entry, Term};
use crate::id::{ChargeId, HoldId, HoldName, LotId};
use crate::rejection::Rejection;

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

/// What the engine must fetch into [`crate::account::Recalled`] before deciding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The hold that an own id names: find by [`Term::hold_name`].
    HoldByName(HoldName),
    /// A hold that is not open, in whichever state it ended.
    Hold(HoldId),
    /// A charge with its refunds so far.
    Charge(ChargeId),
    /// A lot with nothing left.
    Lot(LotId),
}

/// What this command names that is not in the account's present state; asked again after each fetch, until empty.
pub fn wanted(_account: &Account, _command: &Command) -> Vec<Wanted> {
    unimplemented!()
}

impl Term {
    /// What a key is found by.
    pub fn hold_name(_account: crate::id::AccountNumber, _name: &HoldName) -> Term {
        unimplemented!()
    }
}
