//! Order, batching and durability: the only writer of a scrip.
//!
//! Commands queue; the sequencer takes what has queued, recognises repeats, applies what is due,
//! decides and applies; the committer makes the batch durable in the store and only then answers.
//! One path for one and for many: a single command is a batch of one.

mod behind;
mod charges;
pub mod clock;
mod committer;
pub mod engine;
mod follow;
pub mod history;
mod hub;
pub mod import;
mod intake;
mod joint;
pub mod opening;
pub mod pending;
mod publishing;
mod recall;
pub mod record;
mod recover;
mod resident;
mod salt;
pub mod seal;
mod sequencer;
pub mod snapshot;
pub mod store;
mod sweep;
pub mod trail;
mod veils;
pub mod verify;

pub use engine::{Engine, Options};
