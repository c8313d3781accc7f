//! axe-core, which looks for what shuts people out of a page: from npm, for tests alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::webdriver::Browser;

const LIBRARY: &str = "axe-core@4.14.1";

/// Everything that breaks WCAG 2.2 AA on the page that is open, a line each.
pub(crate) fn violations(browser: &Browser) -> Vec<String> {
    static SOURCE: OnceLock<String> = OnceLock::new();
    let source = SOURCE.get_or_init(|| std::fs::read_to_string(installed()).expect("axe-core was installed"));
    browser.run("if (!window.axe) (0, eval)(arguments[0])", &json!([source]));
    let look = "const done = arguments[arguments.length - 1];
        const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        axe.run(document, { runOnly }).then((found) => done(found.violations), (error) => done([{ id: String(error) }]))";
    let found = browser.run_until_called(look, &json!([]));
    let line = |violation: &Value| {
        let nodes: Vec<&str> =
            violation["nodes"].as_array().into_iter().flatten().filter_map(|node| node["html"].as_str()).collect();
        format!("{} ({}): {}", violation["id"], violation["help"], nodes.join(" | "))
    };
    found.as_array().expect("a list").iter().map(line).collect()
}

/// The library's one file.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let file = folder.join("node_modules").join("axe-core").join("axe.min.js");
    let note = folder.join("installed");
    if std::fs::read_to_string(&note).is_ok_and(|there| there == LIBRARY) && file.exists() {
        return file;
    }
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let prefix = folder.to_str().expect("the target folder's name is text");
    let arguments = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, LIBRARY];
    let ran = Command::new("npm").args(arguments).output();
    let ran = ran.unwrap_or_else(|error| panic!("npm: {error}; `cargo xtask test` installs what is missing"));
    assert!(ran.status.success(), "npm: {}", String::from_utf8_lossy(&ran.stderr));
    std::fs::write(note, LIBRARY).expect("a folder for temporary files");
    file
}
