//! `scrip`: the one executable, and the only place that knows every crate.
//!
//! It reads the command line, wires store, engine and server together, and says what came of it.
//! It must hold no rule of its own: prices, lots and plans belong to the core, order and
//! durability to the engine.

mod admin;
mod args;
mod bench;
mod closed_pipe;
mod commands;
mod control;
mod demo;
mod export;
mod failure;
mod fresh;
mod moving;
mod new_file;
mod opening;
mod payments;
mod place;
mod print_config;
mod progress;
mod running;
mod shipped;
mod sign_in;
mod signals;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::args::{Arguments, CatalogCommand, Command};
use crate::failure::Failure;

/// What one thread allocates another frees, all the time: `docs/decisions/0011-an-allocator-that-frees-across-threads.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    closed_pipe::end_quietly();
    // Both of these end the process themselves on bad usage (2), and after `--help` and `--version` (0).
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match run(arguments.command, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("scrip: {failure}");
            failure.exit_code()
        }
    }
}

fn run(command: Command, matches: &ArgMatches) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Serve(arguments) if arguments.print_config => {
            let (_, serve) = matches.subcommand().expect("the command was parsed");
            print_config::print(serve);
            Ok(())
        }
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Quote(arguments) => commands::quote::run(&arguments),
        Command::Catalog(CatalogCommand::Check { file }) => commands::catalog::check(&file),
        Command::Catalog(CatalogCommand::Diff { old, new }) => commands::catalog::diff(&old, &new),
        Command::Catalog(CatalogCommand::Publish { place, file }) => commands::catalog::publish(&place, &file),
        Command::Verify(arguments) => commands::verify::run(&arguments),
        Command::Seal(arguments) => commands::seal::run(&arguments),
        Command::Backup(arguments) => commands::backup::run(&arguments),
        Command::Restore(arguments) => commands::restore::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Import(arguments) => match &arguments.opening {
            Some(file) => opening::run(&arguments, file),
            None => moving::import::run(&arguments),
        },
        Command::Migrate { place } => place::migrate(&place),
        Command::Erase(arguments) => commands::erase::run(arguments),
        Command::Key(command) => commands::key::run(command),
        Command::Bench(arguments) => bench::run(&arguments),
    }
}
