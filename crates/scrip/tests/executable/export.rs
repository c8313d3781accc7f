//! `scrip export`: it adds up to what `verify` and the server say, goes on where it ended, and keeps every text.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;

use scrip_core::amount::{Credits, Total};
use serde_json::{Value, json};

use crate::support::{Server, run, scrip, succeed};

fn export(folder: &Path, arguments: &[&str]) -> String {
    let folder = folder.display().to_string();
    succeed(&[&["export", "--data", &folder], arguments].concat())
}

/// The objects of an export in JSON Lines.
fn objects(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let text = export(folder, &[arguments, &["--form", "jsonl"]].concat());
    text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

/// The rows of an export in CSV, by column. Quoted cells may hold anything; texts lose the apostrophe in front.
fn rows(folder: &Path, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    let text = export(folder, arguments);
    let mut rows = cells(&text).into_iter();
    let header = rows.next().expect("a header");
    rows.map(|row| {
        assert_eq!(row.len(), header.len(), "{row:?}");
        let plain = |cell: String| cell.strip_prefix('\'').map_or(cell.clone(), str::to_owned);
        header.iter().cloned().zip(row.into_iter().map(plain)).collect()
    })
    .collect()
}

/// RFC 4180, as it is written.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (true, '"') if letters.next_if_eq(&'"').is_some() => cell.push('"'),
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => assert_eq!(letters.peek(), Some(&'\n'), "lines end with CR LF"),
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, letter) => cell.push(letter),
        }
    }
    assert!(!quoted && row.is_empty() && cell.is_empty(), "the last line is whole");
    rows
}

fn credits(value: &Value) -> Credits {
    Credits::parse(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// What `verify` prints of a studio, made again from what was exported.
fn told_by_exports(folder: &Path, studio: &str) -> String {
    let scope = ["--studio", studio];
    let accounts = objects(folder, &[&["accounts"][..], &scope].concat());
    let entries = objects(folder, &[&["entries"][..], &scope].concat());
    let (mut classes, mut held, mut debt) = (BTreeMap::new(), Total::ZERO, Total::ZERO);
    for lot in objects(folder, &[&["lots"][..], &scope].concat()) {
        let class = lot["class"].as_str().expect("a class").to_owned();
        *classes.entry(class).or_insert(Total::ZERO) += credits(&lot["remaining"]);
        held += credits(&lot["held"]);
    }
    accounts.iter().for_each(|account| debt += credits(&account["debt"]));
    let classes: Vec<String> = classes.iter().map(|(class, total)| format!("{class} {total}")).collect();
    format!(
        "{studio}: {} accounts, {} entries\n  remaining: {}; held: {held}, owed: {debt}\n",
        accounts.len(),
        entries.len(),
        classes.join(", "),
    )
}

#[test]
fn it_adds_up_to_what_the_server_and_verify_say() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("demo");
    let mut command = scrip();
    command.args(["demo", "--listen", "127.0.0.1:0", "--data", &folder.display().to_string()]);
    let server = Server::spawn(command);
    for studio in ["flow-studio", "studiotwin"] {
        let mut client = server.client(&server.key(studio));
        // A balance shows what is due before it is written; a PUT that changes nothing has it written.
        for account in client.get("/accounts").body["accounts"].as_array().expect("accounts") {
            let id = account["account"].as_str().expect("an id");
            assert_eq!(client.put(&format!("/accounts/{id}"), "{}").status, 200);
        }
        // Beside the running server.
        let accounts = objects(&folder, &["accounts", "--studio", studio]);
        let lots = objects(&folder, &["lots", "--studio", studio]);
        assert!(accounts.len() >= 4, "{accounts:?}");
        for account in &accounts {
            let id = account["account"].as_str().expect("an id");
            let shown = client.get(&format!("/accounts/{id}")).body;
            let balance = client.get(&format!("/accounts/{id}/balance")).body;
            assert_eq!((&account["frozen"], &account["debt"]), (&balance["frozen"], &balance["debt"]), "{id}");
            for (name, value) in shown.as_object().expect("an account") {
                assert_eq!(account[name.as_str()], *value, "{id}: {name}");
            }
            let own: Vec<Value> = lots.iter().filter(|lot| lot["account"] == id).map(without_owner).collect();
            assert_eq!(balance["lots"], Value::Array(own), "{id}");
        }
    }
    server.stop();

    let verified = succeed(&["verify", "--data", &folder.display().to_string()]);
    for studio in ["flow-studio", "studiotwin"] {
        let told = told_by_exports(&folder, studio);
        assert!(verified.contains(&told), "{told}\nbut\n{verified}");
    }
    it_goes_on_where_it_ended(&folder);
    both_forms_say_the_same(&folder);
}

/// A lot as its account's balance lists it.
fn without_owner(lot: &Value) -> Value {
    let mut lot = lot.as_object().expect("a lot").clone();
    lot.remove("studio");
    lot.remove("account");
    Value::Object(lot)
}

fn it_goes_on_where_it_ended(folder: &Path) {
    for form in ["csv", "jsonl"] {
        let whole = export(folder, &["entries", "--form", form]);
        let header = usize::from(form == "csv");
        let count = whole.lines().count() - header;
        for after in [0, 1, count / 2, count - 1, count] {
            let rest = export(folder, &["entries", "--form", form, "--from-position", &after.to_string()]);
            let first: String = whole.split_inclusive('\n').take(header + after).collect();
            assert!(format!("{first}{rest}") == whole, "{form} after {after}");
        }
    }
}

fn both_forms_say_the_same(folder: &Path) {
    for what in ["accounts", "lots", "entries"] {
        let (rows, objects) = (rows(folder, &[what]), objects(folder, &[what]));
        assert_eq!(rows.len(), objects.len(), "{what}");
        for (row, object) in rows.iter().zip(&objects) {
            for (column, cell) in row {
                assert_eq!(*cell, cell_of(object, column), "{what}: {column} of {object}");
            }
        }
    }
}

/// What stands in CSV for a field.
fn cell_of(object: &Value, column: &str) -> String {
    let nested = if object.get(column).is_some() { object } else { &object["balance"] };
    match (column, &nested[column]) {
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => text.clone(),
        ("lots", Value::Array(lots)) => {
            let part =
                |lot: &Value| format!("{}:{}:{}", lot["lot"].as_str().expect("an id"), lot["credits"], lot["held"]);
            lots.iter().map(part).collect::<Vec<_>>().join(" ")
        }
        (_, other) => other.to_string(),
    }
}

#[test]
fn texts_of_any_kind_survive_and_are_no_formulas() {
    let texts =
        ["=1+1", "-4.5", "+x", "@sum", "'tis", "''", "a,\"b\"", ";|", "=\"a\",b", "ünï→🎬", " lead", "2026-01-01"];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--keys", "flow-studio=sk_a"]);
    let mut client = server.client("sk_a");
    for (number, text) in texts.iter().enumerate() {
        let account = format!("@-{number}");
        assert_eq!(client.put(&format!("/accounts/{account}"), &json!({ "name": text }).to_string()).status, 201);
        let grant = json!({ "credits": 10, "class": "top_up", "reason": text }).to_string();
        assert_eq!(client.post(&format!("/accounts/{account}/grants"), "grant", &grant).status, 201);
        let charge = json!({ "credits": 0.000001, "reference": text, "member": text }).to_string();
        assert_eq!(client.post(&format!("/accounts/{account}/charges"), "charge", &charge).status, 201);
    }
    // What was not written behind yet is read from the journal.
    server.kill();
    let (accounts, entries) = (rows(folder.path(), &["accounts"]), rows(folder.path(), &["entries"]));
    assert_eq!(entries.len(), texts.len() * 3);
    for ((number, text), account) in texts.iter().enumerate().zip(&accounts) {
        assert_eq!((account["account"].as_str(), account["name"].as_str()), (&*format!("@-{number}"), *text));
        assert_eq!(account["remaining"], "9.999999");
    }
    for (text, charge) in texts.iter().zip(entries.iter().filter(|entry| entry["kind"] == "charge")) {
        assert_eq!([charge["reference"].as_str(), &charge["member"]], [*text, *text]);
    }
    both_forms_say_the_same(folder.path());
    let written = ["accounts", "lots", "entries"].map(|what| cells(&export(folder.path(), &[what])));
    for row in written.concat() {
        for cell in row.iter().filter(|cell| cell.starts_with(['=', '+', '-', '@'])) {
            assert!(Credits::parse(cell).is_ok(), "{cell} could be taken for a formula");
        }
    }
}

#[test]
fn it_ends_with_the_code_that_says_why() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("data");
    let server = Server::start(&folder, &["--keys", "flow-studio=sk_a"]);
    assert_eq!(server.client("sk_a").put("/accounts/ana", "{}").status, 201);
    server.stop();
    let folder = folder.display().to_string();
    let (file, nowhere) = (parent.path().join("ana.csv").display().to_string(), parent.path().join("no/such"));
    let nowhere = nowhere.display().to_string();
    for (arguments, code, says) in [
        (&["accounts", "--output", &file][..], 0, "1 lines written"),
        (&["lots", "--output", &file], 3, "is there already"),
        (&["lots", "--output", &nowhere], 3, "no/such.part"),
        (&["accounts", "--studio", "nobody"], 1, "there is no studio `nobody`; studios: flow-studio, studiotwin"),
        (&["entries", "--from-position", "2"], 1, "the journal ends at position 1"),
        (&["lots", "--from-position", "1"], 2, "--from-position is for entries"),
        (&["holds"], 2, "accounts, lots, entries"),
    ] {
        let ran = run(&[&["export", "--data", &folder], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {ran:?}");
    }
    assert_eq!(cells(&std::fs::read_to_string(&file).expect("it is there")).len(), 2, "left as it was");
    let left = std::fs::read_dir(parent.path()).expect("readable").count();
    assert_eq!(left, 2, "the data and the one export: nothing half done");

    let ran = run(&["export", "entries", "--data", &nowhere]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
}

/// Two that write to the same file would spoil each other.
#[test]
fn one_at_a_time_writes_to_a_file() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("data");
    Server::start(&folder, &[]).stop();
    let data = folder.display().to_string();
    for command in [&["export", "accounts", "--output"][..], &["seal"]] {
        let file = parent.path().join(command[0]);
        let part = parent.path().join(format!("{}.part", command[0]));
        let name = file.display().to_string();
        let arguments = [command, &[&name, "--data", &data]].concat();
        std::fs::write(&part, "what another has written so far, which is more than there will be".repeat(1_000))
            .expect("writable");
        let other = OpenOptions::new().write(true).open(&part).expect("it is there");
        other.try_lock().expect("nobody has it");
        let ran = run(&arguments);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.contains(".part: is being written by another scrip"), "{ran:?}");
        assert!(part.metadata().expect("it is there").len() > 60_000, "left alone");
        // It was killed: what it left is begun anew.
        drop(other);
        let ran = run(&arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!std::fs::read_to_string(&file).expect("it is there").contains("another"));
        assert!(!part.exists());
    }
}

#[test]
fn a_full_disk_is_said_and_a_closed_pipe_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Server::start(folder.path(), &[]).stop();
    let data = folder.path().display().to_string();
    let mut full = scrip();
    full.args(["export", "accounts", "--data", &data]).stderr(Stdio::piped());
    full.stdout(OpenOptions::new().write(true).open("/dev/full").expect("there is a full device"));
    let output = full.spawn().expect("the executable starts").wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("output is text");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("No space left") && said.contains("not whole"), "{said}");

    let (nobody, pipe) = std::io::pipe().expect("there are pipes");
    drop(nobody);
    let mut piped = scrip();
    piped.args(["export", "entries", "--data", &data]).stdout(pipe).stderr(Stdio::piped());
    let output = piped.spawn().expect("the executable starts").wait_with_output().expect("it ends");
    let said = String::from_utf8(output.stderr).expect("output is text");
    assert_eq!((output.status.code(), said.contains("scrip:")), (Some(0), false), "{said}");
}
