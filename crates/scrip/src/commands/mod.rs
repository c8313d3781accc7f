//! What each command does, a file each.

pub(crate) mod backup;
pub(crate) mod catalog;
pub(crate) mod erase;
pub(crate) mod key;
pub(crate) mod quote;
pub(crate) mod restore;
pub(crate) mod seal;
pub(crate) mod serve;
pub(crate) mod verify;
