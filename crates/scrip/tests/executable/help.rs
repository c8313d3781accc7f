//! The help texts, which `docs/command-line.md` repeats word for word.

use crate::support::{repository, run, succeed};

/// Every command, as it is typed.
const COMMANDS: &[&str] = &[
    "",
    "demo",
    "serve",
    "quote",
    "catalog",
    "catalog check",
    "catalog diff",
    "catalog publish",
    "verify",
    "seal",
    "backup",
    "restore",
    "export",
    "import",
    "migrate",
    "key",
    "key create",
    "key list",
    "key revoke",
    "key renew-tokens",
    "bench",
];

/// With `UPDATE_DOCS=1` it writes the document instead of comparing.
#[test]
fn the_document_says_what_help_says() {
    let path = repository().join("docs/command-line.md");
    let old = std::fs::read_to_string(&path).expect("docs/command-line.md is there");
    let marker = "<!-- from here on: the executable's own help, compared by a test -->";
    let (introduction, _) = old.split_once(marker).expect("the marker is there");
    let mut new = format!("{introduction}{marker}\n");
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let title = format!("scrip {command}");
        new.push_str(&format!("\n## {}\n\n```text\n{}```\n", title.trim_end(), succeed(&words)));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &new).expect("it can be written");
    }
    let old = std::fs::read_to_string(&path).expect("docs/command-line.md is there");
    assert!(old == new, "docs/command-line.md differs from --help: run this test once with UPDATE_DOCS=1\n{new}");
}

#[test]
fn bad_usage_is_two() {
    for arguments in [
        &["nothing-like-this"][..],
        &["quote", "live-action"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--test-clock", "yesterday"],
        &["serve", "--store", "mysql://x"],
        &["serve", "--keys", "flow-studio"],
        &["key", "create", "--studio", "flow-studio", "--role", "king"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    }
}
