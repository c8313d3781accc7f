//! scrip.
