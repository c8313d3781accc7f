//! Our client against our provider: every path a payment can take, and every way the provider can misbehave.

mod deliveries;
mod misbehaving;
mod pages;
mod paying;
mod terms;
mod world;
