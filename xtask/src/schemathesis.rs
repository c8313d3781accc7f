//! Schemathesis, which makes requests from the OpenAPI document and looks whether the answers are as it says: against the real
//! executable, on a store of its own.
//!
//! It is a program in Python, and is installed for itself in the folder of what is built.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::steps;

/// The version that the settings are written for.
const VERSION: &str = "schemathesis==4.32.5";
const SECRET: &str = "sk_schemathesis";

/// Runs it; `arguments` are added to its own, as in `--seed 7 --max-examples 200`.
pub(crate) fn run(arguments: &[String]) -> bool {
    match tried(arguments) {
        Ok(done) => done,
        Err(why) => {
            eprintln!("schemathesis: {why}");
            false
        }
    }
}

fn tried(arguments: &[String]) -> Result<bool, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| steps::workspace().join("target"), PathBuf::from);
    let folder = target.join("schemathesis");
    let program = installed(&folder.join("venv"))?;
    if !steps::cargo(&["build", "--package", "scrip", "--bin", "scrip"]) {
        return Err("the executable cannot be built".to_owned());
    }
    let mut server = Served::start(&target.join("debug/scrip"), &folder.join("data"))?;
    let configured = steps::workspace().join("xtask/schemathesis.toml");
    let mut command = Command::new(program);
    command.arg("--config-file").arg(configured).arg("run").arg(format!("http://{}/openapi.json", server.address));
    command.args(["--header", &format!("Authorization: Bearer {SECRET}")]).args(arguments);
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", steps::workspace().join("xtask"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(&folder);
    let done = command.status().map_err(|error| error.to_string())?.success();
    server.end();
    Ok(done)
}

/// The program, installed where it is not.
fn installed(folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join("bin/schemathesis");
    let says = Command::new(&program).arg("--version").output();
    let wanted = VERSION.rsplit('=').next().expect("a version");
    if says.is_ok_and(|says| String::from_utf8_lossy(&says.stdout).contains(wanted)) {
        return Ok(program);
    }
    let run = |command: &mut Command| match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", VERSION]))?;
    Ok(program)
}

/// A server with one studio and two accounts.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(executable: &Path, data: &Path) -> Result<Served, String> {
        // What an earlier run left is not what this one is about.
        if data.exists() {
            std::fs::remove_dir_all(data).map_err(|error| format!("{}: {error}", data.display()))?;
        }
        let catalog = steps::workspace().join("catalogs/studiotwin.toml");
        let mut command = Command::new(executable);
        command.arg("serve").arg("--data").arg(data).arg("--catalog").arg(catalog);
        command.args(["--listen", "127.0.0.1:0", "--test-clock", "2026-01-31T10:00:00Z", "--log", "warn"]);
        command.env("SCRIP_KEYS", format!("studiotwin={SECRET}")).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", executable.display()))?;
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("listening on http://")?.to_owned()));
        let Some(address) = address else { return Err("the server did not start".to_owned()) };
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Served { child, address })
    }

    fn end(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}
