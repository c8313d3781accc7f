//! The rules, told as scenarios, calendars, properties and exhaustive short histories.

mod credits;
mod holds;
mod plans;
mod scenario;
mod world;
