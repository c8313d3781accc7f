//! Every query of `docs/queries.md`, in the real `sqlite3` shell, answers what the page says.

use std::path::{Path, PathBuf};
use std::process::Command;

use scrip_store_sqlite::{OpenMode, SqliteStore};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A query and the answer below it.
struct Shown<'a> {
    query: &'a str,
    answer: &'a str,
}

/// The queries of the page that have an answer below them.
fn shown(page: &str) -> Vec<Shown<'_>> {
    let pieces = page.split("```sql\n").skip(1);
    pieces
        .map(|piece| {
            let (query, rest) = piece.split_once("\n```\n").expect("a query has an end");
            let answer = rest.trim_start().strip_prefix("```text\n").expect("an answer follows its query");
            Shown { query, answer: answer.split_once("```").expect("an answer has an end").0 }
        })
        .collect()
}

/// What the shell says, without the spaces at the ends of lines.
fn ask(database: &Path, query: &str) -> String {
    let shell = Command::new("sqlite3").args(["-readonly", "-header", "-column"]).arg(database).arg(query).output();
    let said = shell.expect("the sqlite3 shell is installed: `cargo xtask test` does that");
    assert!(said.status.success(), "{query}: {}", String::from_utf8_lossy(&said.stderr));
    let text = String::from_utf8(said.stdout).expect("the shell answers in text");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn every_query_of_the_page_answers_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("scrip.db");
    std::fs::copy(repository().join("fixtures/store-v1/clean/scrip.db"), &database).unwrap();
    let page = std::fs::read_to_string(repository().join("docs/queries.md")).unwrap();
    let shown = shown(&page);
    assert!(shown.len() >= 10, "{} queries", shown.len());
    // As version 1 left it, and beside a writer of this version.
    for round in 0..2 {
        let writer = (round == 1).then(|| SqliteStore::open(folder.path(), OpenMode::Existing).unwrap());
        for Shown { query, answer } in &shown {
            assert_eq!(ask(&database, query), *answer, "{query}");
        }
        drop(writer);
    }
}
