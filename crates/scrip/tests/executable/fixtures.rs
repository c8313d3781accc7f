//! What earlier versions wrote (`fixtures`): it opens, holds under `verify`, says what it said then, and is gone on with.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Server, repository, succeed};

/// Every store of every version.
fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for version in folders(&repository().join("fixtures")) {
        found.extend(folders(&version));
    }
    found
}

fn folders(within: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(within).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// A copy to work on.
fn copy_of(fixture: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["scrip.db", "scrip.db-wal"] {
        if fixture.join(name).exists() {
            fs::copy(fixture.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

fn export(folder: &Path) -> Vec<Value> {
    let folder = folder.display().to_string();
    lines(&succeed(&["export", "entries", "--form", "jsonl", "--data", &folder]))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Later versions may say more of an entry, but nothing else.
#[track_caller]
fn check_says_the_same(then: &[Value], now: &[Value]) {
    for (then, now) in then.iter().zip(now) {
        for (field, value) in then.as_object().unwrap() {
            assert_eq!(Some(value), now.get(field), "{field} of {then}");
        }
    }
    assert!(now.len() >= then.len(), "{} of {} entries", now.len(), then.len());
}

#[test]
fn every_fixture_is_read_without_being_changed() {
    let found = fixtures();
    assert!(found.len() >= 6, "{found:?}");
    for fixture in found {
        let copy = copy_of(&fixture);
        let folder = copy.path().display().to_string();
        let before = fs::read(copy.path().join("scrip.db")).unwrap();
        let then = lines(&fs::read_to_string(fixture.join("entries.jsonl")).unwrap());
        succeed(&["verify", "--data", &folder]);
        let now = export(copy.path());
        check_says_the_same(&then, &now);
        assert_eq!(now.len(), then.len(), "{}", fixture.display());
        let backup = copy.path().join("backup").display().to_string();
        succeed(&["backup", "--data", &folder, &backup]);
        assert!(before == fs::read(copy.path().join("scrip.db")).unwrap(), "{} was changed", fixture.display());
        // A backup of an earlier version is restored, and what comes of it is gone on with.
        let restored = tempfile::tempdir().unwrap();
        succeed(&["restore", "--data", &restored.path().display().to_string(), &backup]);
        check_goes_on(restored.path(), &then);
    }
}

#[test]
fn every_fixture_moves() {
    for fixture in fixtures() {
        let then = lines(&fs::read_to_string(fixture.join("entries.jsonl")).unwrap());
        let (copy, moved) = (copy_of(&fixture), tempfile::tempdir().unwrap());
        let name = |path: &Path| path.display().to_string();
        let (from, to) = (name(copy.path()), name(&moved.path().join("store")));
        let journal = name(&copy.path().join("journal.jsonl"));
        succeed(&["export", "journal", "--data", &from, "--output", &journal]);
        succeed(&["import", "--data", &to, "--journal", &journal]);
        // The first line also counts what is derived, which may be written behind here and not there.
        let books = |data: &str| succeed(&["verify", "--data", data]).split_once('\n').unwrap().1.to_owned();
        assert_eq!(books(&from), books(&to));
        check_goes_on(&moved.path().join("store"), &then);
    }
}

#[test]
fn every_fixture_is_gone_on_with() {
    for fixture in fixtures() {
        let then = lines(&fs::read_to_string(fixture.join("entries.jsonl")).unwrap());
        check_goes_on(copy_of(&fixture).path(), &then);
    }
}

/// Commands are accepted, repeats and holds from before are known, and everything still holds.
#[track_caller]
fn check_goes_on(folder: &Path, then: &[Value]) {
    let clock = ["--test-clock", "2026-04-20T08:00:01Z"];
    let server = Server::spawn(serve(folder, &clock));
    let mut client = server.client("sk_flow");
    let repeated = client.post("/accounts/ana/grants", "ana-2", GRANT);
    assert_eq!((repeated.status, repeated.replayed), (201, true), "{repeated:?}");
    let settled = client.post("/accounts/ana/holds/open/settle", "on-1", "{}");
    assert_eq!(settled.status, 200, "{settled:?}");
    check_sells_on(&server, then);
    let moved = client.post("/test-clock", "on-2", r#"{"now": "2026-08-01T00:00:00Z"}"#);
    assert_eq!(moved.status, 200, "{moved:?}");
    for account in ["ana", "team:blue"] {
        let charged = client.post(&format!("/accounts/{account}/charges"), "on-3", r#"{"credits": 2.5}"#);
        assert_eq!(charged.status, 201, "{account}: {charged:?}");
    }
    server.stop();
    succeed(&["verify", "--data", &folder.display().to_string()]);
    let now = export(folder);
    check_says_the_same(then, &now);
    assert!(now.len() > then.len() + 3, "a settle, two charges, and what fell due");
}

/// From version 2 on: an order that waits is paid, what is frozen stays so, and who was erased is gone but goes on.
#[track_caller]
fn check_sells_on(server: &Server, then: &[Value]) {
    let of_sales = |entry: &&Value| entry["studio"] == "sales";
    let accounts = then.iter().filter(of_sales).map(|entry| entry["account"].as_str().unwrap());
    let Some(erased) = accounts.into_iter().find(|account| account.starts_with("erased~")) else {
        assert!(!then.iter().any(|entry| of_sales(&entry)), "nobody was erased");
        return;
    };
    let mut client = server.client("sk_sales");
    let waiting = client.get("/accounts/saver/orders?state=pending");
    let order = waiting.body["orders"][0]["order"].as_str().unwrap_or_else(|| panic!("{waiting:?}")).to_owned();
    let paid = client.post(&format!("/accounts/saver/orders/{order}/mark-paid"), "on-4", r#"{"reference": "card"}"#);
    assert_eq!((paid.status, &paid.body["state"]), (200, &Value::from("paid")), "{paid:?}");
    for (account, status) in [(erased, 201), ("loser", 402), ("asked", 402), ("old-1", 201), ("gone@example.org", 404)]
    {
        let charged = client.post(&format!("/accounts/{account}/charges"), "on-5", r#"{"credits": 2.5}"#);
        assert_eq!(charged.status, status, "{account}: {charged:?}");
    }
}

/// The second command that `fixtures/make.py` gives for ana.
const GRANT: &str = r#"{"credits": 1000, "class": "top_up", "reason": "opening credits"}"#;

fn serve(folder: &Path, more: &[&str]) -> std::process::Command {
    let mut command = crate::support::scrip();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder).args(more);
    command.env("SCRIP_KEYS", "flow-studio=sk_flow,sales=sk_sales");
    command
}
