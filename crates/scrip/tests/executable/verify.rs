//! `scrip verify`: a sound store passes; one changed byte, anywhere in the journal, is found and named.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::support::{Server, run, succeed};

/// A small store with some of everything, closed in good order.
pub(crate) fn store(folder: &Path) {
    let server = Server::start(folder, &["--keys", "flow-studio=sk_a"]);
    let mut client = server.client("sk_a");
    for account in ["ana", "bruno"] {
        assert_eq!(client.put(&format!("/accounts/{account}"), r#"{"name":"A name"}"#).status, 201);
        let subscribed = client.put(&format!("/accounts/{account}/subscription"), r#"{"plan":"lite"}"#);
        assert_eq!(subscribed.status, 201, "{subscribed:?}");
        for (key, path, body) in [
            ("hold", "holds", r#"{"tool":"live-action","measures":{"seconds":10},"hold":"job-1","reference":"r"}"#),
            ("settle", "holds/job-1/settle", r#"{"measures":{"seconds":7.5}}"#),
            ("charge", "charges", r#"{"credits":30,"member":"m"}"#),
            ("grant", "grants", r#"{"credits":50,"class":"top_up","reason":"paid"}"#),
        ] {
            let answer = client.post(&format!("/accounts/{account}/{path}"), key, body);
            assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
        }
    }
    server.stop();
}

/// The database in a data folder.
fn database(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path());
    let mut databases = files.filter(|path| path.extension().is_some_and(|extension| extension == "db"));
    databases.next().expect("there is a database")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("it can be made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("it can be copied");
        }
    }
}

/// An entry's place: its position in the journal, and its number in its account.
#[derive(Clone, Copy, Debug)]
struct Place {
    position: i64,
    seq: i64,
}

fn places(folder: &Path) -> Vec<Place> {
    let database = Connection::open(database(folder)).expect("it opens");
    let mut rows = database.prepare("SELECT position, seq FROM journal").expect("a journal");
    let places = rows.query_map([], |row| Ok(Place { position: row.get(0)?, seq: row.get(1)? })).expect("rows");
    places.map(|place| place.expect("a row")).collect()
}

/// Changes one byte of an entry's body, or one of its readable figures; says what it changed.
fn damage(folder: &Path, place: Place) -> &'static str {
    let database = Connection::open(database(folder)).expect("it opens");
    let figures =
        ["at = at + 1", "credits = credits + 1", "remaining_after = remaining_after - 1", "kind = kind % 17 + 1"];
    let turn = usize::try_from(place.position).expect("positive");
    let changed = match figures.get(turn % (figures.len() + 2)) {
        Some(figure) => {
            let update = format!("UPDATE journal SET {figure} WHERE position = ?1");
            (database.execute(&update, [place.position]).expect("it can be changed"), *figure)
        }
        None => {
            let select = "SELECT body FROM journal WHERE position = ?1";
            let mut body: Vec<u8> = database.query_row(select, [place.position], |row| row.get(0)).expect("a body");
            let at = turn * 7 % body.len();
            body[at] ^= 1;
            let update = "UPDATE journal SET body = ?2 WHERE position = ?1";
            (database.execute(update, (place.position, body)).expect("it can be changed"), "a bit of the body")
        }
    };
    assert_eq!(changed.0, 1);
    database.close().expect("it closes");
    changed.1
}

#[test]
fn one_changed_byte_in_any_entry_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sound = folder.path().join("sound");
    store(&sound);
    succeed(&["verify", "--data", &sound.display().to_string()]);
    let places = places(&sound);
    assert!(places.len() >= 12, "{places:?}");
    for place in places {
        let damaged = folder.path().join(format!("damaged-{}", place.position));
        copy(&sound, &damaged);
        let change = damage(&damaged, place);
        let ran = run(&["verify", "--data", &damaged.display().to_string()]);
        assert_eq!(ran.code, Some(1), "{change}, {place:?}: {ran:?}");
        let named = format!("entry {} of account", place.seq);
        assert!(ran.stderr.contains(&named), "{change}, {place:?}: {ran:?}");
    }
}
