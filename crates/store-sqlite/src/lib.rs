//! The embedded store: one folder, one SQLite database, written journal first.
//!
//! An append adds rows at the end of one table and flushes; accounts and the index of terms follow
//! behind, a share with each batch, up to a mark. Everything is open to the plain `sqlite3` shell:
//! the tables and views are described in `docs/store.md`.
//!
//! - [`SqliteStore`] is the only writer of a folder, and holds its lock while it lives.
//! - [`open_reader`] reads beside it, or without it, at one snapshot.
//! - [`back_up`] and [`restore`] copy a whole store to one file, and from it.
//!
//! It knows no rules and no HTTP; it never changes or deletes an entry.

mod append;
mod backup;
mod checkpoint;
mod documents;
mod erase;
mod filter;
mod folder;
mod header;
mod proof;
mod queries;
mod read;
mod runs;
mod schema;
mod trouble;
mod upgrade;
mod upkeep;

pub use append::SqliteStore;
pub use backup::{Copied, CopyError, Unfinished, back_up, restore};
pub use folder::{OpenError, OpenMode};
pub use read::open_reader;
