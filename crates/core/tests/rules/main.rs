//! The rules, told as scenarios, calendars, properties and exhaustive short histories.

mod billed_plans;
mod calendar;
mod credits;
mod entries;
mod exhaustive;
mod holds;
mod laws;
mod money_back;
mod openings;
mod orders;
mod paid_plans;
mod plans;
mod prices;
mod properties;
mod scenario;
mod top_ups;
mod truths;
mod world;
