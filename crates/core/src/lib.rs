//! The rules of scrip: what credits are and how they move.
//!
//! Pure: no I/O, no clock, no async, no randomness, no floats. Two functions carry the domain:
//! [`decide::decide`] says which entries a command makes, or why not; [`apply::apply`] adds an
//! entry to an account and cannot fail. The server, the offline command line and the simulation
//! all run this same code.

pub mod account;
pub mod amount;
pub mod answer;
pub mod apply;
pub mod bucket;
pub mod catalog;
mod claw_back;
pub mod command;
mod consequence;
pub mod cycle;
pub mod decide;
mod draft;
pub mod due;
pub mod entry;
pub mod hold;
pub mod id;
pub mod journal;
pub mod lot;
pub mod mark;
pub mod measure;
pub mod order;
pub mod plan;
pub mod proof;
pub mod quote;
pub mod rate;
pub mod recall;
pub mod rejection;
pub mod sale;
pub mod saved_method;
mod spend;
pub mod statement;
pub mod tally;
pub mod term;
pub mod time;
pub mod top_up;
pub mod unspent;
