//! The checks, one after the other, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{edges, purity};

/// A check and its name.
type Check = (&'static str, fn() -> bool);

/// Runs every check and names those that failed.
pub(crate) fn failed_checks() -> Vec<&'static str> {
    let checks: [Check; 4] = [
        ("cargo fmt --check", || cargo(&["fmt", "--all", "--check"])),
        ("cargo clippy", || cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])),
        ("the edges between crates", || reported(edges::problems())),
        ("what the core must not do", || reported(purity::problems(&workspace()))),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        eprintln!("checking: {name}");
        if !check() {
            failed.push(name);
        }
    }
    failed
}

/// Runs cargo in the workspace; whether it succeeded.
pub(crate) fn cargo(arguments: &[&str]) -> bool {
    match command(arguments).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cargo {}: {error}", arguments.join(" "));
            false
        }
    }
}

/// A cargo command in the workspace.
pub(crate) fn command(arguments: &[&str]) -> Command {
    // Cargo names itself to what it runs; the fallback is for this program started by hand.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(workspace());
    command
}

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Prints what is wrong; whether nothing was.
fn reported(problems: Vec<String>) -> bool {
    for problem in &problems {
        eprintln!("{problem}");
    }
    problems.is_empty()
}
