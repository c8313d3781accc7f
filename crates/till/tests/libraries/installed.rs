//! Getting the libraries and running programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const NODE_LIBRARY: &str = "stripe@22.6.2";
const PYTHON_LIBRARIES: [&str; 2] = ["stripe==16.1.0", "localstripe==1.15.10"];

/// A script's interpreter: node, which finds the library beside this link to it.
pub(crate) fn node() -> String {
    static INSTALLED: OnceLock<String> = OnceLock::new();
    let install = || {
        let folder = folder("node");
        let library = folder.join("node_modules").join("stripe");
        once(&folder, NODE_LIBRARY, || {
            output(
                "npm",
                &["install", "--silent", "--no-audit", "--no-fund", "--prefix", &shown(&folder), NODE_LIBRARY],
            )
        });
        assert!(library.is_dir(), "npm did not install {NODE_LIBRARY}");
        "node".to_owned()
    };
    INSTALLED.get_or_init(install).clone()
}

/// The folder of node's library.
pub(crate) fn node_modules() -> PathBuf {
    folder("node").join("node_modules")
}

/// The interpreter of an environment that has the libraries.
pub(crate) fn python() -> String {
    static INSTALLED: OnceLock<String> = OnceLock::new();
    let install = || {
        let folder = folder("python");
        once(&folder, &PYTHON_LIBRARIES.join(" "), || {
            output("python3", &["-m", "venv", "--clear", &shown(&folder)]);
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            output(&interpreter(&folder), &[pip.as_slice(), &PYTHON_LIBRARIES].concat())
        });
        interpreter(&folder)
    };
    INSTALLED.get_or_init(install).clone()
}

fn interpreter(folder: &Path) -> String {
    shown(&folder.join("bin").join("python"))
}

/// Installs, unless the folder says that these versions are there.
fn once(folder: &Path, versions: &str, install: impl FnOnce() -> String) {
    let note = folder.join("installed");
    if std::fs::read_to_string(&note).is_ok_and(|there| there == versions) {
        return;
    }
    std::fs::create_dir_all(folder).expect("a folder for temporary files");
    install();
    std::fs::write(note, versions).expect("a folder for temporary files");
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("libraries").join(name)
}

fn shown(path: &Path) -> String {
    path.to_str().expect("the target folder's name is text").to_owned()
}

/// Runs a program to its good end; what it printed.
pub(crate) fn output(program: &str, arguments: &[impl AsRef<OsStr>]) -> String {
    let ran = Command::new(program).args(arguments).env("STRIPE_LIBRARY", node_modules()).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs what is missing"));
    assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("it prints text")
}
