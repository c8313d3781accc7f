//! The API over a real engine and the shipped catalogs, called in-process.

mod document;
mod keys;
mod listening;
mod orders;
mod page;
mod prices;
mod refusals;
mod repeats;
mod schema;
mod story;
mod world;
