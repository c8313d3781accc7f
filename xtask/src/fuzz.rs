//! Fuzzing, wherever a target lives: those that need only the core and the engine are in the simulation's program, the others
//! in the tests of the crate whose insides they need, told by the environment how many inputs to try.

use crate::steps;

/// A target that lives in a test.
struct InTest {
    target: &'static str,
    /// How cargo finds the test.
    cargo: &'static [&'static str],
    test: &'static str,
}

const IN_TESTS: &[InTest] = &[
    InTest {
        target: "requests",
        cargo: &["--package", "scrip-server", "--test", "http"],
        test: "fuzzing::no_request_breaks_the_server",
    },
    InTest {
        target: "webhooks",
        cargo: &["--package", "scrip-server", "--test", "http"],
        test: "fuzzing::no_delivery_breaks_the_server",
    },
    InTest {
        target: "openings",
        cargo: &["--package", "scrip", "--bin", "scrip"],
        test: "opening::fuzzing::no_file_of_opening_balances_breaks_the_import",
    },
];

/// Runs a target; `None` where the arguments are none.
pub(crate) fn run(arguments: &[String]) -> Option<bool> {
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).map(String::as_str)
    };
    let target = value("--target")?;
    let Some(found) = IN_TESTS.iter().find(|other| other.target == target) else {
        let mut line = vec!["run", "--quiet", "--release", "--package", "scrip-sim", "--", "fuzz"];
        line.extend(arguments.iter().map(String::as_str));
        return Some(steps::cargo(&line));
    };
    let line = [&["test", "--quiet", "--release"], found.cargo, &["--", "--exact", "--nocapture", found.test]].concat();
    let mut command = steps::command(&line);
    command.env("SCRIP_FUZZ_SEED", value("--seed").unwrap_or("1"));
    command.env("SCRIP_FUZZ_COUNT", value("--count").unwrap_or("100000"));
    Some(command.status().is_ok_and(|status| status.success()))
}
