//! scrip.
fn main() {}
