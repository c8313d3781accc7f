//! The journal's record format and hash chain (R28, R29). Skeleton.
use crate::account::Hash;
use crate::amount::Credits;
use crate::entry::Entry;
use crate::entry::Kind;
use crate::id::{AccountNumber, ToolId};
use crate::time::Time;

/// An entry in its stored form. The readable fields and `body` together are the chained record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub account: AccountNumber,
    /// Its place in the account's journal.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// What kind.
    pub kind: Kind,
    /// The tool, if any.
    pub tool: Option<ToolId>,
    /// Signed change of remaining.
    pub credits: Credits,
    /// Signed change of held.
    pub held: Credits,
    /// remaining − held − frozen after it.
    pub available_after: Credits,
    /// Remaining after it.
    pub remaining_after: Credits,
    /// Everything else, in the binary form that `docs/journal.md` describes.
    pub body: Vec<u8>,
    /// The chain's value after it.
    pub hash: Hash,
    /// The free texts and their salt as a JSON object; `None` where there are none.
    pub texts: Option<Box<str>>,
}

/// A stored record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} of account {account}: {problem}", account = .account.0)]
pub struct Damaged {
    /// Whose.
    pub account: AccountNumber,
    /// Which.
    pub seq: u64,
    /// What is wrong.
    pub problem: &'static str,
}

/// The stored form of an entry that follows an entry whose chain value is `previous`.
pub fn encode(_entry: &Entry, _previous: Hash) -> Record {
    unimplemented!()
}
/// The entry of a stored record. Refuses anything that `encode` would not have written.
pub fn decode(_record: &Record) -> Result<Entry, Damaged> {
    unimplemented!()
}
/// The chain value that a record ought to have.
pub fn chain(_record: &Record, _previous: Hash) -> Hash {
    unimplemented!()
}
pub use crate::term::terms;
