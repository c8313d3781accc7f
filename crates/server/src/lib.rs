//! The HTTP API of scrip: routes, keys, problems, streams and figures over an [`Engine`].
//!
//! It turns requests into commands and answers into JSON, and knows no rules and no store: what is
//! accepted or refused is decided beneath. The executable fills a [`Config`], opens a listener and
//! calls [`serve`].
//!
//! [`Engine`]: scrip_engine::Engine

mod app;
mod auth;
pub mod config;
mod console_token;
mod cors;
mod customer;
mod customer_token;
mod held;
pub mod keys;
mod makers;
mod metrics;
mod openapi;
mod payments;
mod problem;
mod reply;
mod request;
mod rights;
mod routes;
mod serve;
mod sign_ins;
mod trial;
mod watch_requests;
mod watchers;

/// Where a portal session lets a customer in: this and the token.
pub const PORTAL: &str = "/portal/";
/// Where the customer's pages are, below which nothing of this crate is.
pub const DASHBOARD: &str = "/dashboard";
/// Where the console is: whoever serves it mounts it there.
pub const CONSOLE: &str = "/console";
/// The cookie of a console session.
pub const CONSOLE_SESSION: &str = "scrip_console";
/// The cookie in which the pages keep the customer's token.
pub const COOKIE: &str = "scrip_customer";

pub use app::App;
pub use config::{AllowedOrigins, Config, Limits, Pace, Payments, SignInProvider, StripeAccount};
pub use keys::OutsideKey;
pub use payments::Reconciler;
pub use routes::router;
pub use serve::{Listeners, serve};
