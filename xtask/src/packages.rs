//! System packages that tests use and a bare machine may lack. Debian and Ubuntu only; elsewhere
//! it says what to install.

use std::process::Command;

/// A program that the tests call.
struct Needed {
    program: &'static str,
    package: &'static str,
}

const NEEDED: &[Needed] = &[
    // The lines that `scrip demo` prints are pasted into a shell as they are.
    Needed { program: "curl", package: "curl" },
];

/// Installs what is missing. When that does not work it says so and goes on: the tests that need it will fail by name.
pub(crate) fn install_missing() {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|needed| !is_there(needed.program)).map(|needed| needed.package).collect();
    if missing.is_empty() {
        return;
    }
    eprintln!("installing: {}", missing.join(" "));
    if !is_there("apt-get") || !apt(&["update"]) || !apt(&[&["install", "--yes"], missing.as_slice()].concat()) {
        eprintln!("could not install {}: install it by hand, tests need it", missing.join(" "));
    }
}

fn is_there(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs apt-get, through sudo where there is one (a container's root has none and needs none).
fn apt(arguments: &[&str]) -> bool {
    let mut command = if is_there("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    } else {
        Command::new("apt-get")
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status().is_ok_and(|status| status.success())
}
