//! The simulation of scrip: a made-up world, random work, a store that fails, and a naive model that knows better.
//!
//! It proves the engine and the rules and is never shipped. Everything follows from a seed: the same seed gives the same
//! studios, the same commands, the same faults and the same end. It must never read a clock or call the core's deciding code
//! from the model.

pub mod auditor;
pub mod calendar;
pub mod catalogs;
pub mod faulty;
pub mod fuzz;
pub mod model;
pub mod prices;
pub mod prng;
pub mod run;
pub mod simulate;
pub mod step;
pub mod translate;
pub mod view;
pub mod workload;
pub mod world;
