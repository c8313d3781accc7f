//! The HTTP API of scrip: routes, keys, problems, streams and figures over an [`Engine`].
//!
//! It turns requests into commands and answers into JSON, and knows no rules and no store: what is
//! accepted or refused is decided beneath. The executable fills a [`Config`], opens a listener and
//! calls [`serve`].
//!
//! [`Engine`]: scrip_engine::Engine

pub mod app;
pub mod config;
pub mod keys;
mod serve;

pub use app::{App, router};
pub use config::{AllowedOrigins, Config, Limits};
pub use keys::OutsideKey;
pub use serve::{Listeners, serve};
