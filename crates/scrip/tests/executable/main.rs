//! The real executable: what people type, what they get, and what survives `kill -9`.

mod backups;
mod catalogs;
mod closed_pipe;
mod console;
mod crash;
mod demo;
mod erasure;
mod export;
mod fixtures;
mod fleet;
mod folders;
mod help;
mod keys;
mod moving;
mod moving_databases;
mod openings;
mod paying;
mod postgres;
mod provider;
mod quotes;
mod seals;
mod secrets;
mod server;
mod studio;
mod support;
mod verify;
