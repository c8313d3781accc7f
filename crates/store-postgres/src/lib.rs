//! The store that several servers share, in PostgreSQL: one fulfilment of [`scrip_engine::store::joint`].
//!
//! Everything is keyed by bucket, so that tables can be distributed by it; every call is a fixed number of round trips; what
//! one transaction writes is sent at once, and the account's row decides who was first (`docs/postgres.md`).
//! Nothing here knows a rule, and nothing outside this crate knows SQL.

mod address;
mod append;
mod documents;
mod fetch;
#[cfg(feature = "harness")]
pub mod harness;
mod ids;
mod line;
mod params;
#[cfg(all(test, feature = "harness"))]
mod partitions;
mod pool;
mod rows;
mod schema;
mod snapshot;
mod store;
mod studio;
mod tls;
mod trouble;

pub use address::{Address, WrongAddress};
pub use schema::{Migrated, VERSION};
pub use store::PostgresStore;
