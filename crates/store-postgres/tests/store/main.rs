//! The store against a real PostgreSQL, which the tests start themselves.

mod conformance;
mod encrypted;
mod migrating;
mod role;
mod troubled;
