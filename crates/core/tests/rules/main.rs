//! The rules, told as scenarios, calendars, properties and exhaustive short histories.

mod scenario;
mod scenarios;
mod world;
