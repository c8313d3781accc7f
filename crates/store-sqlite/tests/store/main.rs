//! The embedded store from outside: the port's suite, proofs, folders, and what a person sees.

mod conformance;
mod erasure;
mod filled;
mod folder;
mod queries;
mod upgrade;
mod verify;
mod views;
