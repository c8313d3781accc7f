//! The API over a real engine and the shipped catalogs, called in-process.

mod audit;
mod automatic_top_ups;
mod console;
mod customers;
mod deliveries;
mod disputes;
mod document;
mod elements;
mod histories;
mod keys;
mod listening;
mod orders;
mod page;
mod payments;
mod prices;
mod publishing;
mod reconciling;
mod refusals;
mod repeats;
mod roles;
mod schema;
mod sign_in;
mod story;
mod subscriptions;
mod totals;
mod world;
