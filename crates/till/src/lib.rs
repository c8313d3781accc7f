//! A payment provider of our own, for the demo and the tests: no money, no account anywhere.
//!
//! It speaks the part of Stripe's API that buying credits needs, well enough that the same client, and Stripe's own
//! libraries, run against it: form-encoded calls, objects and refusals in Stripe's shapes, idempotency keys, lists, a
//! hosted payment page with test cards, refunds, disputes, subscriptions with invoices, and signed webhooks with
//! retries. With switches it misbehaves on request: deliveries doubled, late, out of order or lost, and an API that is
//! down, slow, wrong, or silent after it has done what was asked.
//!
//! It is apart from the client ([`scrip-stripe`]) and must not know it: two readings of one documentation, so that a
//! mistake of one is not repeated by the other. It must never see a real card: only its own test numbers are taken.
//!
//! [`scrip-stripe`]: https://docs.stripe.com/api

mod book;
mod calls;
mod clock;
mod deliver;
mod desk;
mod error;
mod methods;
mod object;
mod page;
mod params;
mod paying;
mod replay;
mod serve;
mod switches;
mod terms;
mod till;

pub use clock::Clock;
pub use deliver::{Attempt, Kept};
pub use switches::{Deliver, Fault, Switches};
pub use till::{DebitEnd, Options, Till, TriedAway, Verdict};

/// The version of the API whose shapes are spoken, whatever version a call asks for.
pub const API_VERSION: &str = "2026-10-28.endive";
