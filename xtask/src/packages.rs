//! System packages that tests use and a bare machine may lack. Debian and Ubuntu only; elsewhere
//! it says what to install.

use std::path::PathBuf;
use std::process::Command;

/// Something that the tests use, and the package that has it.
struct Needed {
    what: What,
    package: &'static str,
}

/// How to see whether it is there.
#[derive(Clone, Copy)]
enum What {
    /// A program.
    Program(&'static str),
    /// PostgreSQL's server, which Debian keeps out of the search path.
    PostgresServer,
    /// A module of Python's own, which Debian has in a package apart.
    PythonModule(&'static str),
}

const NEEDED: &[Needed] = &[
    // The lines that `scrip demo` prints are pasted into a shell as they are.
    Needed { what: What::Program("curl"), package: "curl" },
    // Every query of docs/queries.md is run in it.
    Needed { what: What::Program("sqlite3"), package: "sqlite3" },
    // The store that several servers share is tested on a server that the tests start themselves.
    Needed { what: What::PostgresServer, package: "postgresql" },
    // And through a pooler that gives each transaction another connection.
    Needed { what: What::Program("pgbouncer"), package: "pgbouncer" },
    // And with certificates that the tests make.
    Needed { what: What::Program("openssl"), package: "openssl" },
    // Stripe's own libraries, which the test provider must work with (crates/till/tests/libraries); the
    // program in docs/seals.md needs Python too.
    Needed { what: What::Program("node"), package: "nodejs" },
    Needed { what: What::Program("npm"), package: "npm" },
    // The customers' pages, in a real browser (crates/scrip/tests/browser).
    Needed { what: What::Program("chromium"), package: "chromium" },
    Needed { what: What::Program("chromedriver"), package: "chromium-driver" },
    Needed { what: What::Program("python3"), package: "python3" },
    Needed { what: What::PythonModule("ensurepip"), package: "python3-venv" },
    // How large the balance element is on the wire.
    Needed { what: What::Program("gzip"), package: "gzip" },
];

/// Installs what is missing. When that does not work it says so and goes on: the tests that need it will fail by name.
pub(crate) fn install_missing() {
    let missing: Vec<&str> =
        NEEDED.iter().filter(|needed| !needed.what.is_there()).map(|needed| needed.package).collect();
    if missing.is_empty() {
        return;
    }
    eprintln!("installing: {}", missing.join(" "));
    if !is_there("apt-get") || !apt(&["update"]) || !apt(&[&["install", "--yes"], missing.as_slice()].concat()) {
        eprintln!("could not install {}: install it by hand, tests need it", missing.join(" "));
    }
}

impl What {
    fn is_there(self) -> bool {
        match self {
            What::Program(program) => is_there(program),
            What::PostgresServer => {
                let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
                is_there("initdb") || versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
            }
            What::PythonModule(module) => {
                let import = format!("import {module}");
                Command::new("python3").args(["-c", &import]).output().is_ok_and(|ran| ran.status.success())
            }
        }
    }
}

fn is_there(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    // Debian keeps some out of the search path of those who are not root.
    let mut folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.any(|folder| folder.join(program).is_file())
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
