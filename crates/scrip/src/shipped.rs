//! The catalogs that come with scrip, compiled in so that the executable needs no other file.

/// `catalogs/flow-studio.toml`.
pub(crate) const FLOW_STUDIO: &str = include_str!("../../../catalogs/flow-studio.toml");

/// `catalogs/studiotwin.toml`.
pub(crate) const STUDIOTWIN: &str = include_str!("../../../catalogs/studiotwin.toml");
