//! Moving a whole scrip: its journal and documents as one file, and that file into an empty store.
//!
//! The file is JSON Lines, described field by field in `docs/move.md`. What an import asks of the entries is the
//! engine's ([`scrip_engine::import`]); here is only the file.

pub(crate) mod export;
mod form;
pub(crate) mod import;
mod source;
