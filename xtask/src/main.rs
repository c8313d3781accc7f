//! The repository's own chores, in Rust so that a toolchain is all they need: `cargo xtask …`.
//!
//! It must know no crate of scrip: it looks at them from outside, as cargo does.

mod edges;
mod fuzz;
mod packages;
mod purity;
mod schemathesis;
mod steps;
mod suite;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  check            formatting, lints, the edges between crates, what the core must not do
  test             all of `check`, then every test; ends with `N passed, N failed`
  sim [ARGUMENT…]  the simulation (crates/sim), as in `cargo xtask sim --seed 1 --steps 1000000`
  fuzz [ARGUMENT…] fuzzing, as in `cargo xtask fuzz --target rates --seed 1 --count 1000000`; targets: rates, catalogs,
                   records, requests, webhooks, openings
  crash [--rounds N] [--seed N]  the executable, killed with kill -9 under load N times (default 1000)
  schemathesis [ARGUMENT…]  schemathesis over the OpenAPI document, against the executable";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((command, [])) if command == "check" => check(),
        Some((command, [])) if command == "test" => test(),
        Some((command, rest)) if command == "sim" => sim(rest),
        Some((command, rest)) if command == "fuzz" => match fuzz::run(rest) {
            Some(done) => done,
            None => return usage(),
        },
        Some((command, rest)) if command == "crash" => crash(rest),
        Some((command, rest)) if command == "schemathesis" => schemathesis::run(rest),
        _ => return usage(),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// The quick part: what can be said without running a test.
fn check() -> bool {
    let failed = steps::failed_checks();
    for name in &failed {
        eprintln!("failed: {name}");
    }
    failed.is_empty()
}

/// Everything. A check that fails, or a test program that dies without its summary, counts as one failure, so that
/// the last line never reads better than the truth.
fn test() -> bool {
    packages::install_missing();
    let failed = steps::failed_checks();
    let mut totals = suite::run();
    totals.failed += u64::try_from(failed.len()).expect("a handful of checks");
    for name in &failed {
        eprintln!("failed: {name}");
    }
    println!("{} passed, {} failed", totals.passed, totals.failed);
    totals.failed == 0
}

/// The executable, killed again and again; built as the tests build it.
fn crash(arguments: &[String]) -> bool {
    let value = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1).map(String::as_str);
    let test = "crash::killed_under_load_it_loses_and_doubles_nothing";
    let line = ["test", "--quiet", "--workspace", "--test", "executable", "--", "--exact", "--nocapture", test];
    let mut command = steps::command(&line);
    command.env("SCRIP_CRASH_ROUNDS", value("--rounds").unwrap_or("1000"));
    command.env("SCRIP_CRASH_SEED", value("--seed").unwrap_or("1"));
    command.status().is_ok_and(|status| status.success())
}

/// The simulation, at full speed.
fn sim(arguments: &[String]) -> bool {
    let mut line = vec!["run", "--quiet", "--release", "--package", "scrip-sim", "--"];
    line.extend(arguments.iter().map(String::as_str));
    steps::cargo(&line)
}
