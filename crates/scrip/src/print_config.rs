//! `scrip serve --print-config`: what is in force and where each value comes from.

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory};

use crate::args::Arguments;

/// Prints every setting of `serve` as a line that can stand in the environment.
pub(crate) fn print(matches: &ArgMatches) {
    let mut command = Arguments::command();
    let serve = command.find_subcommand_mut("serve").expect("there is a serve command");
    for argument in serve.get_arguments() {
        let Some(variable) = argument.get_env() else { continue };
        let id = argument.get_id().as_str();
        let from = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line",
            Some(ValueSource::EnvVariable) => "environment",
            Some(_) => "default",
            None => "not set",
        };
        let value = shown(matches, id, argument.is_hide_env_values_set());
        println!("{}={value}  # {from}", variable.to_string_lossy());
    }
}

/// The value as it was given, or would be; secrets as `…`.
fn shown(matches: &ArgMatches, id: &str, secret: bool) -> String {
    let Some(values) = matches.get_raw(id) else { return String::new() };
    if secret {
        return "…".to_owned();
    }
    let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
    values.join(",")
}
