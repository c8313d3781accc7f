//! `scrip seal` and `scrip verify --since`, beside a running server too.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::{Ran, Server, repository, run, succeed};
use crate::verify::store;

fn verify_since(folder: &Path, seal: &Path) -> Ran {
    run(&["verify", "--data", &folder.display().to_string(), "--since", &seal.display().to_string()])
}

fn seal(folder: &Path, file: &Path) -> String {
    succeed(&["seal", "--data", &folder.display().to_string(), &file.display().to_string()])
}

#[test]
fn a_sealed_store_goes_on_and_a_shorter_one_is_found() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (folder, file, backup) = (root.path().join("data"), root.path().join("seal"), root.path().join("backup"));
    store(&folder);
    succeed(&["backup", "--data", &folder.display().to_string(), &backup.display().to_string()]);
    let server = Server::start(&folder, &["--keys", "flow-studio=sk_a"]);
    let mut client = server.client("sk_a");
    let mut charge = |key| client.post("/accounts/ana/charges", key, r#"{"credits":1}"#).status;
    assert_eq!(charge("before"), 201);
    // Beside the server, which goes on.
    let said = seal(&folder, &file);
    assert!(said.contains("entries of 2 accounts") && said.contains("\ndigest "), "{said}");
    assert_eq!(charge("after"), 201);
    let since = verify_since(&folder, &file);
    assert_eq!(since.code, Some(0), "{since:?}");
    assert!(since.stdout.contains("as sealed at 20"), "{since:?}");
    server.stop();
    assert_eq!(verify_since(&folder, &file).code, Some(0));

    let earlier = root.path().join("earlier");
    succeed(&["restore", "--data", &earlier.display().to_string(), &backup.display().to_string()]);
    let since = verify_since(&earlier, &file);
    assert_eq!(since.code, Some(1), "{since:?}");
    assert!(since.stderr.contains("1 of "), "{since:?}");
    assert!(since.stderr.contains("or this is a copy from before the seal"), "{since:?}");
}

#[test]
fn nothing_is_overwritten_and_nothing_broken_is_sealed() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (folder, file) = (root.path().join("data"), root.path().join("seal"));
    store(&folder);
    seal(&folder, &file);
    let first = std::fs::read_to_string(&file).expect("it is there");
    let arguments = ["seal", "--data", &folder.display().to_string(), &file.display().to_string()];
    let again = run(&arguments);
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.stderr.contains("is there already and is not overwritten"), "{again:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), first);

    std::fs::write(&file, first.replace("\"bucket\": ", "\"bucket\": 1")).expect("it can be written");
    let since = verify_since(&folder, &file);
    assert_eq!(since.code, Some(3), "{since:?}");
    assert!(since.stderr.contains("it is not as it was written"), "{since:?}");

    std::fs::remove_file(&file).expect("it can be removed");
    let database = Connection::open(folder.join("scrip.db")).expect("it opens");
    database.execute("UPDATE journal SET credits = credits + 1 WHERE position = 4", ()).expect("it can be changed");
    drop(database);
    assert_eq!(run(&arguments).code, Some(1));
    assert!(!file.exists());
}

/// The program in `docs/seals.md` finds the same by hand, without scrip.
#[test]
fn a_seal_can_be_recomputed_by_hand() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let (folder, file, program) = (root.path().join("data"), root.path().join("seal"), root.path().join("check.py"));
    store(&folder);
    seal(&folder, &file);
    let document = std::fs::read_to_string(repository().join("docs/seals.md")).expect("docs/seals.md is there");
    let (_, rest) = document.split_once("```python\n").expect("there is a program");
    let (text, _) = rest.split_once("```").expect("it ends");
    std::fs::write(&program, text).expect("it can be written");
    let by_hand = || {
        let mut command = Command::new("python3");
        command.arg(&program).arg(&file).arg(folder.join("scrip.db"));
        let output = command.output().expect("python3 is there");
        String::from_utf8(output.stdout).expect("text") + &String::from_utf8(output.stderr).expect("text")
    };
    assert_eq!(by_hand(), "the seal is whole\nall sealed buckets are as they were\n");
    let server = Server::start(&folder, &["--keys", "flow-studio=sk_a"]);
    let charged = server.client("sk_a").post("/accounts/ana/charges", "more", r#"{"credits":1}"#);
    assert_eq!(charged.status, 201);
    server.stop();
    assert_eq!(by_hand(), "the seal is whole\nall sealed buckets are as they were\n");
    let database = Connection::open(folder.join("scrip.db")).expect("it opens");
    let forge = "UPDATE journal SET hash = zeroblob(32) WHERE account = 2 AND seq = (SELECT max(seq) FROM journal WHERE account = 2)";
    assert_eq!(database.execute(forge, ()).expect("it can be changed"), 1);
    assert_eq!(by_hand(), "the seal is whole\nbucket 718 is not as it was sealed\n");
}
