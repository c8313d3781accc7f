//! `scrip export journal` and `scrip import --journal`: the same scrip elsewhere, whatever interrupts the way; and no
//! other one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use scrip_core::amount::Credits;
use serde_json::{Value, json};

use crate::support::{Client, Post, Ran, Seeded, Server, ended, killed_after, run, scrip, succeed};
use crate::verify::store;

pub(crate) const KEYS: &str = "studiotwin=sk_moving";
pub(crate) const SECRET: &str = "sk_moving";

/// Stores and files in a temporary folder.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Ground {
        Ground { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With a store in `store` and its journal in `journal`.
    fn with_journal() -> Ground {
        let ground = Ground::new();
        store(&ground.path("store"));
        ground.export("store", "journal", &[]);
        ground
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn export(&self, data: &str, file: &str, more: &[&str]) {
        let arguments = ["export", "journal", "--data", &self.name(data), "--output", &self.name(file)];
        succeed(&[&arguments[..], more].concat());
    }

    fn import(&self, files: &[&str], data: &str) -> Ran {
        let files: Vec<String> = files.iter().map(|file| self.name(file)).collect();
        let mut arguments = vec!["import", "--data"];
        let data = self.name(data);
        arguments.extend([data.as_str(), "--journal"]);
        arguments.extend(files.iter().map(String::as_str));
        run(&arguments)
    }

    pub(crate) fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).expect("readable")
    }

    fn verified(&self, data: &str) -> String {
        succeed(&["verify", "--data", &self.name(data)])
    }

    /// Two stores hold the same: by `verify`, and by their journals to the byte.
    fn same(&self, one: &str, other: &str) {
        assert_eq!(self.verified(one), self.verified(other));
        let journal = |data: &str| succeed(&["export", "journal", "--data", &self.name(data)]);
        assert!(journal(one) == journal(other), "the journals of {one} and {other} differ");
    }
}

pub(crate) fn refused(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, Some(code), "{words}: {ran:?}");
    assert!(ran.stderr.contains(words), "{words}: {ran:?}");
}

/// What everything that would use a store says while an import into it is under way.
fn is_under_way(ground: &Ground, data: &str) {
    let data = ground.name(data);
    for arguments in [
        &["serve", "--data", &data, "--listen", "127.0.0.1:0"][..],
        &["verify", "--data", &data],
        &["export", "accounts", "--data", &data],
        &["export", "journal", "--data", &data],
        &["backup", "--data", &data, &format!("{data}.backup")],
        &["key", "create", "--data", &data, "--studio", "flow-studio"],
        &["key", "list", "--data", &data],
    ] {
        refused(&run(arguments), 3, "an import is under way: run the same `scrip import --journal` again");
    }
}

/// A studio's accounts and balances, as its key sees them.
fn balances(server: &Server, key: &str) -> Vec<Value> {
    let mut client = server.client(key);
    let accounts = client.get("/accounts").body["accounts"].as_array().expect("accounts").clone();
    let mut shown = accounts.clone();
    for account in &accounts {
        let id = account["account"].as_str().expect("an id");
        let balance = client.get(&format!("/accounts/{id}/balance")).body;
        let entries = client.get(&format!("/accounts/{id}/entries?limit=1000")).body;
        shown.extend([balance["lots"].clone(), balance["remaining"].clone(), balance["debt"].clone(), entries]);
    }
    shown
}

#[test]
fn a_moved_scrip_answers_as_before() {
    let ground = Ground::new();
    let mut command = scrip();
    command.args(["demo", "--listen", "127.0.0.1:0", "--data", &ground.name("demo")]);
    let server = Server::spawn(command);
    let keys = ["flow-studio", "studiotwin"].map(|studio| server.key(studio));
    let post = |key: &str, client: &mut Client| {
        let posts = ["charges", "holds"].map(|what| Post {
            path: format!("/accounts/moved/{what}"),
            key: what.to_owned(),
            body: r#"{"credits":2.000001,"reference":"=\"ünï\" → 🎬","member":"m"}"#.to_owned(),
        });
        posts.map(|post| client.try_post(&post).unwrap_or_else(|error| panic!("{key}: {error}")))
    };
    let mut first = Vec::new();
    for key in &keys {
        let mut client = server.client(key);
        assert_eq!(client.put("/accounts/moved", r#"{"time_zone":"Asia/Kathmandu"}"#).status, 201);
        let grant = json!({ "credits": 1_000, "class": "top_up", "reason": "moving" }).to_string();
        assert_eq!(client.post("/accounts/moved/grants", "grant", &grant).status, 201);
        first.push(post(key, &mut client));
        // What fell due by now is written, so that both sides show the same.
        for account in client.get("/accounts").body["accounts"].as_array().expect("accounts") {
            client.put(&format!("/accounts/{}", account["account"].as_str().expect("an id")), "{}");
        }
    }
    let before: Vec<_> = keys.iter().map(|key| balances(&server, key)).collect();
    // Killed, so that accounts and terms since the mark have to be found in the journal alone.
    server.kill();
    ground.export("demo", "journal", &[]);
    let ran = ground.import(&["journal"], "moved");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("entries of 14 accounts, the last of 20"), "{ran:?}");

    let server = Server::start(&ground.path("moved"), &[]);
    for ((key, before), first) in keys.iter().zip(before).zip(first) {
        assert_eq!(balances(&server, key), before);
        for (again, first) in post(key, &mut server.client(key)).into_iter().zip(first) {
            assert!(again.replayed && !first.replayed, "{again:?}");
            assert_eq!((again.status, again.body), (first.status, first.body));
        }
    }
    server.stop();
    Server::start(&ground.path("demo"), &[]).stop();
    ground.same("demo", "moved");
    // What was moved can be moved on.
    ground.export("moved", "again", &[]);
    assert_eq!(ground.import(&["again"], "further").code, Some(0));
    ground.same("demo", "further");
}

#[test]
fn an_export_can_go_on_and_both_be_imported() {
    let ground = Ground::new();
    store(&ground.path("store"));
    ground.export("store", "first", &[]);
    let server = Server::start(&ground.path("store"), &["--keys", "flow-studio=sk_a"]);
    let mut client = server.client("sk_a");
    assert_eq!(client.put("/accounts/carla", "{}").status, 201);
    for account in ["ana", "carla"] {
        let grant = json!({ "credits": 7, "class": "promo", "reason": "late" }).to_string();
        assert_eq!(client.post(&format!("/accounts/{account}/grants"), "late", &grant).status, 201);
    }
    server.stop();
    let last = ground.text("first").lines().filter(|line| line.starts_with("{\"position\":")).count();
    ground.export("store", "second", &["--from-position", &last.to_string()]);
    ground.export("store", "nothing-new", &["--from-position", &(last + 3).to_string()]);

    assert_eq!(ground.import(&["first", "second", "nothing-new"], "moved").code, Some(0));
    ground.same("store", "moved");
    assert!(ground.import(&["first", "second", "nothing-new"], "moved").stdout.contains("nothing to do"));

    store(&ground.path("other"));
    ground.export("other", "others", &[]);
    for (files, words) in [
        (&["second"][..], "second:1: it goes on after position"),
        (&["second", "first"], "give the export that ends there before it"),
        (&["first", "first"], "first:1: it goes on after position 0, but the file before it ends at position"),
        (&["first", "nothing-new"], "but the file before it ends at position"),
        (&["others", "second"], "second:1: it goes on after another entry than the file before it ends with"),
    ] {
        refused(&ground.import(files, &files.concat()), 1, words);
    }
}

/// Entries alone do not tell two exports apart: a key may have been revoked in between.
#[test]
fn an_import_with_other_documents_is_another_import() {
    let ground = Ground::new();
    store(&ground.path("store"));
    let data = ground.name("store");
    succeed(&["key", "create", "--data", &data, "--studio", "flow-studio"]);
    ground.export("store", "journal", &[]);
    assert_eq!(ground.import(&["journal"], "moved").code, Some(0));
    assert!(ground.import(&["journal"], "moved").stdout.contains("nothing to do"));
    let listed = succeed(&["key", "list", "--data", &data]);
    let key = listed.split_whitespace().find(|word| word.starts_with("key_")).expect("a key");
    succeed(&["key", "revoke", "--data", &data, key]);
    ground.export("store", "later", &[]);
    refused(&ground.import(&["later"], "moved"), 3, "it holds a scrip already");
}

/// A journal's lines, to be changed.
type Lines = Vec<String>;

/// The line of an entry that has texts.
fn with_texts(lines: &Lines) -> usize {
    lines.iter().position(|line| line.contains("\"reference\":\"r\"")).expect("an entry with a reference")
}

/// Changes a line so that it is right in itself.
fn rewrite(line: &mut String, from: &str, to: &str) {
    assert!(line.contains(from), "{from} in {line}");
    *line = line.replacen(from, to, 1);
    let text = line.rsplit_once(",\"sha256\":\"").expect("a line with a digest").0.to_owned();
    let digest = scrip_digest(&text);
    *line = format!("{text},\"sha256\":\"{digest}\"}}");
}

/// SHA-256 in hexadecimal digits, by the machine's own tool.
fn scrip_digest(text: &str) -> String {
    let mut child = std::process::Command::new("sha256sum");
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text").split(' ').next().expect("a digest").to_owned()
}

/// A change, what is said of it, and whether anything was written before it was found.
type Bad = (&'static str, fn(&mut Lines), &'static str);

const BAD: &[Bad] = &[
    ("no-journal", |lines| *lines = vec!["position,studio,account".to_owned()], ":1: it is no journal"),
    ("an-entry-first", |lines| drop(lines.remove(0)), ":1: it is no journal"),
    ("byte-order-mark", |lines| lines[0].insert(0, '\u{feff}'), ":1: it begins with a byte-order mark"),
    ("header-changed", |lines| lines[0] = lines[0].replacen("0.1", "0.2", 1), ":1: it was changed"),
    ("newer", |lines| rewrite(&mut lines[0], "nal\":1,", "nal\":2,"), ":1: a newer scrip wrote it (form 2"),
    ("no-end", |lines| drop(lines.pop()), "it does not end as a journal does"),
    ("half", |lines| lines.truncate(lines.len() / 2), "it does not end as a journal does"),
    ("two-ends", |lines| lines.push(lines[lines.len() - 1].clone()), "something follows after it, the last line"),
    ("crlf", |lines| lines[9].push('\r'), ":10: it ends with CR LF"),
    ("document-changed", |lines| lines[1] = lines[1].replace("flow", "slow"), ":2: it was changed"),
    ("document-gone", |lines| drop(lines.remove(1)), ": an entry stands where a document belongs"),
    (
        "document-of-another",
        |lines| rewrite(&mut lines[1], "flow", "slow"),
        ": the documents up to here are not those that the first line tells of",
    ),
    (
        "another-end",
        |lines| {
            let hash = lines[0].split_once("\"last_hash\":\"").expect("a hash").1[..64].to_owned();
            rewrite(&mut lines[0], &hash, &"0".repeat(64));
        },
        ": the last entry is not the one that the first line tells of",
    ),
    ("entry-gone", |lines| drop(lines.remove(12)), ":13: the entry at position"),
    ("entry-twice", |lines| lines.insert(12, lines[12].clone()), ":14: the entry at position"),
    ("out-of-order", |lines| lines.swap(12, 13), ":13: the entry at position"),
    ("last-entries-gone", |lines| drop(lines.drain(lines.len() - 4..lines.len() - 1)), ": it is no entry"),
    ("spelled-otherwise", |lines| lines[12] = lines[12].replacen(":", ": ", 1), ":13: it is not in its one spelling"),
    ("columns", |lines| lines[12] = lines[12].replacen("\"seq\":", "\"seq\":1", 1), ":13: entry 1"),
    (
        "text",
        |lines| {
            let place = with_texts(lines);
            lines[place] = lines[place].replace("\"reference\":\"r\"", "\"reference\":\"s\"");
        },
        "a text that is not the one recorded",
    ),
    (
        "text-gone",
        |lines| {
            let place = with_texts(lines);
            lines[place] = lines[place].replace(",\"reference\":\"r\"", "");
        },
        "what it says of the lines before it is not so",
    ),
    (
        "another-body",
        |lines| {
            let body = |line: &str| line.split_once("\"body\":\"").expect("a body").1.to_owned();
            let (head, other) = (lines[12].split_once("\"body\":\"").expect("a body").0.to_owned(), body(&lines[13]));
            lines[12] = format!("{head}\"body\":\"{other}");
        },
        ":13: entry ",
    ),
    (
        "end-of-another",
        |lines| {
            let last = lines.len() - 1;
            rewrite(&mut lines[last], "\"entries\":", "\"entries\":1");
        },
        "what it says of the lines before it is not so",
    ),
];

#[test]
fn what_is_not_the_journal_is_refused_and_named() {
    let ground = Ground::with_journal();
    let whole: Lines = ground.text("journal").lines().map(str::to_owned).collect();
    for (name, change, words) in BAD {
        let mut lines = whole.clone();
        change(&mut lines);
        let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        std::fs::write(ground.path(name), text).expect("it can be written");
        let data = format!("data-{name}");
        let ran = ground.import(&[name], &data);
        refused(&ran, 1, words);
        assert!(ran.stderr.contains(&ground.name(name)), "{ran:?}");
    }
    for (file, words) in [("missing", "missing"), ("store", "Is a directory")] {
        refused(&ground.import(&[file], "data-none"), 3, words);
    }
    assert!(!ground.path("data-none").exists());
    // Cut in the middle of a line.
    let text = ground.text("journal");
    std::fs::write(ground.path("cut"), &text[..text.len() - 1]).expect("it can be written");
    refused(&ground.import(&["cut"], "data-cut"), 1, "it does not end as a journal does");
}

/// Every byte of a journal matters: changed, it is named by its line.
#[test]
fn any_changed_byte_is_found_in_its_line() {
    let ground = Ground::with_journal();
    let whole = std::fs::read(ground.path("journal")).expect("readable");
    for round in 0..40 {
        let mut bytes = whole.clone();
        let place = round * (whole.len() - 1) / 39;
        bytes[place] ^= 1;
        std::fs::write(ground.path("changed"), &bytes).expect("it can be written");
        let ran = ground.import(&["changed"], &format!("data-{round}"));
        assert_eq!(ran.code, Some(1), "byte {place}: {ran:?}");
        let line = 1 + whole[..place].iter().filter(|byte| **byte == b'\n').count();
        let last = place + 600 > whole.len() && ran.stderr.contains("does not end as a journal does");
        assert!(last || ran.stderr.contains(&format!("changed:{line}: ")), "byte {place} in line {line}: {ran:?}");
    }
}

#[test]
fn only_an_empty_store_is_filled() {
    let ground = Ground::with_journal();
    store(&ground.path("other"));
    ground.export("other", "others", &[]);
    refused(&ground.import(&["journal"], "other"), 3, "it holds a scrip already");
    refused(&ground.import(&["journal"], "store"), 3, "it holds a scrip already");
    assert_eq!(ground.import(&["journal"], "moved").code, Some(0));
    refused(&ground.import(&["others"], "moved"), 3, "it holds a scrip already");
    ground.same("store", "moved");
    // A catalog alone is something, too.
    let catalog = crate::support::shipped("studiotwin");
    succeed(&["catalog", "publish", "--data", &ground.name("published"), &catalog]);
    refused(&ground.import(&["journal"], "published"), 3, "it holds a scrip already");
    std::fs::create_dir(ground.path("thesis")).expect("it can be made");
    std::fs::write(ground.path("thesis/one.txt"), "chapter one").expect("it can be written");
    refused(&ground.import(&["journal"], "thesis"), 3, "it holds other files");
    for (arguments, words) in [
        (&["export", "journal", "--form", "csv"][..], "as JSON Lines"),
        (&["export", "journal", "--studio", "flow-studio"], "exported whole"),
    ] {
        refused(&run(&[arguments, &["--data", &ground.name("store")]].concat()), 2, words);
    }
    let beyond = ["export", "journal", "--from-position", "999", "--data", &ground.name("store")];
    refused(&run(&beyond), 1, "there is no position 999");
}

/// From one pipe into another: nothing but the two ends is needed.
#[test]
fn a_journal_goes_through_a_pipe() {
    let ground = Ground::with_journal();
    let mut command = scrip();
    command.args(["import", "--data", &ground.name("moved"), "--journal", "-"]);
    command.stdin(std::fs::File::open(ground.path("journal")).expect("readable"));
    let ran = ended(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ground.same("store", "moved");
    let mut cut = scrip();
    cut.args(["import", "--data", &ground.name("cut"), "--journal", "-"]);
    std::fs::write(ground.path("part"), &ground.text("journal")[..9_000]).expect("it can be written");
    cut.stdin(std::fs::File::open(ground.path("part")).expect("readable"));
    refused(&ended(cut), 1, "it is cut off in the middle");
}

/// A store with some thousand entries of many accounts, and its journal.
pub(crate) fn larger() -> Ground {
    let ground = Ground::new();
    let server = Server::start(&ground.path("store"), &["--keys", KEYS]);
    let mut client = server.client(SECRET);
    let mut key = 0;
    let mut batch = |lines: &dyn Fn(u32) -> String| {
        let mut body = String::new();
        for account in 0..100 {
            key += 1;
            writeln!(body, r#"{{"key":"{key}","account":"a{account}",{}}}"#, lines(account)).expect("it is written");
        }
        let answers = client.post("/batch", "batch", &body).body;
        assert!(answers.as_array().expect("answers").iter().all(|answer| answer["status"] == 201), "{answers:?}");
    };
    let mut opener = server.client(SECRET);
    (0..100).for_each(|account| assert_eq!(opener.put(&format!("/accounts/a{account}"), "{}").status, 201));
    batch(&|_| r#""op":"grant","credits":100000,"class":"top_up","reason":"r""#.to_owned());
    for round in 0..60 {
        batch(&|account| format!(r#""op":"charge","credits":{},"reference":"job {round}""#, account + 1));
    }
    server.stop();
    ground.export("store", "journal", &[]);
    ground
}

/// Whether a folder's store says that an import is under way.
fn state(folder: &Path) -> Option<String> {
    let database = rusqlite::Connection::open(folder.join("scrip.db")).ok()?;
    database.query_row("SELECT state FROM import", (), |row| row.get(0)).ok()
}

/// Fifty moments, in as many folders as it takes: killed up to five times each, then left to its end.
#[test]
fn a_killed_import_goes_on_and_is_served_only_when_whole() {
    let ground = larger();
    let (journal, whole) = (ground.name("journal"), ground.text("journal"));
    // The shorter of two: the machine may be busy with something else at first.
    let whole_import = |folder: &str| {
        let begun = Instant::now();
        assert_eq!(ground.import(&["journal"], folder).code, Some(0));
        begun.elapsed()
    };
    let most = whole_import("timed").min(whole_import("timed-again"));
    let mut seeded = Seeded(20_261_122);
    let (mut under_way, mut complete) = (0, 0);
    for folder in 0..10 {
        let data = format!("killed-{folder}");
        for _ in 0..5 {
            killed_after(seeded.below(most), &["import", "--data", &ground.name(&data), "--journal", &journal]);
            match state(&ground.path(&data)).as_deref() {
                Some("under_way") => {
                    under_way += 1;
                    refused(&run(&["verify", "--data", &ground.name(&data)]), 3, "an import is under way");
                }
                Some(_) => complete += 1,
                None => {}
            }
        }
        if folder == 0 && state(&ground.path(&data)).as_deref() == Some("under_way") {
            is_under_way(&ground, &data);
        }
        let ran = ground.import(&["journal"], &data);
        assert_eq!(ran.code, Some(0), "{folder}: {ran:?}");
        assert_eq!(state(&ground.path(&data)).as_deref(), Some("complete"));
        succeed(&["verify", "--data", &ground.name(&data)]);
        assert!(succeed(&["export", "journal", "--data", &ground.name(&data)]) == whole, "{folder}");
    }
    assert!(under_way >= 3, "{under_way} of 50 were cut short in the middle, {complete} after the end");
    let server = Server::start(&ground.path("killed-9"), &["--keys", KEYS]);
    let post = r#"{"credits":1,"reference":"job 0"}"#;
    let again = server.client(SECRET).post("/accounts/a0/charges", "101", post);
    assert_eq!((again.status, again.replayed), (201, true), "{again:?}");
}

/// What an import left behind is finished by the same file alone, and by it only if it is still the same.
#[test]
fn an_import_goes_on_with_its_own_file_only() {
    let ground = larger();
    let whole = ground.text("journal");
    let lines: Vec<&str> = whole.lines().collect();
    // Broken late, so that much is durable before it is found.
    let late = lines.len() - 10;
    let mut broken: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    broken[late] = broken[late].replacen("\"credits\":-", "\"credits\":-1", 1);
    std::fs::write(ground.path("broken"), broken.join("\n") + "\n").expect("it can be written");
    let ran = ground.import(&["broken"], "moved");
    refused(&ran, 1, &format!("broken:{}: entry ", late + 1));
    assert!(ran.stderr.contains("run the same import again to go on, or remove the folder"), "{ran:?}");
    is_under_way(&ground, "moved");

    store(&ground.path("other"));
    ground.export("other", "others", &[]);
    refused(&ground.import(&["others"], "moved"), 3, "an import of something else is under way");
    // The same first line, but not the same entries.
    let mut swapped = broken;
    let charge = lines.iter().position(|line| line.contains("\"reference\":\"job 0\"")).expect("a charge");
    swapped[charge] = swapped[charge].replacen(",\"reference\":\"job 0\"", "", 1);
    std::fs::write(ground.path("swapped"), swapped.join("\n") + "\n").expect("it can be written");
    refused(&ground.import(&["swapped"], "moved"), 1, "another entry was imported in its place");

    // The file as it should have been.
    assert_eq!(ground.import(&["journal"], "moved").code, Some(0));
    ground.same("store", "moved");
    let remaining = succeed(&["export", "accounts", "--form", "jsonl", "--data", &ground.name("moved")]);
    let first: Value = serde_json::from_str(remaining.lines().next().expect("an account")).expect("an object");
    assert_eq!(Credits::parse(&first["balance"]["remaining"].to_string()), Ok(Credits::whole(100_000 - 60)));
}
