//! Data folders that are in use, not ours, or not there.

use crate::support::{Server, ended, run, scrip};

#[test]
fn a_folder_in_use_is_refused_and_the_server_in_it_unharmed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().display().to_string();
    let server = Server::start(folder.path(), &["--keys", "flow-studio=sk_a"]);
    let ran = run(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains(&data) && ran.stderr.contains("in use"), "{ran:?}");
    assert_eq!(server.client("sk_a").get("/catalog").status, 200);
    server.stop();
}

#[test]
fn a_folder_that_holds_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("thesis.txt"), "chapter one").expect("it can be written");
    let ran = run(&["serve", "--data", &folder.path().display().to_string(), "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("readable").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(names, ["thesis.txt"]);
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().display().to_string();
    Server::start(folder.path(), &[]).stop();
    let database = rusqlite::Connection::open(folder.path().join("scrip.db")).expect("it opens");
    database.pragma_update(None, "user_version", 99).expect("it can be written");
    database.close().expect("it closes");
    for arguments in [
        &["serve", "--data", &data, "--listen", "127.0.0.1:0"][..],
        &["verify", "--data", &data],
        &["key", "list", "--data", &data],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(3), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("newer scrip"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_mistyped_folder_is_not_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("typo");
    let data = missing.display().to_string();
    for arguments in [&["verify", "--data", &data][..], &["key", "list", "--data", &data]] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(3), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(&data), "{ran:?}");
    }
    assert!(!missing.exists());
}

#[test]
fn demo_and_bench_want_an_empty_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("thesis.txt"), "chapter one").expect("it can be written");
    let data = folder.path().display().to_string();
    for command in ["demo", "bench"] {
        let ran = run(&[command, "--data", &data]);
        assert_eq!(ran.code, Some(3), "{command}: {ran:?}");
        assert!(ran.stderr.contains("not empty"), "{ran:?}");
    }
}

#[test]
fn the_configuration_in_force_says_where_it_comes_from_and_keeps_secrets() {
    let mut command = scrip();
    command.args(["serve", "--data", "here", "--print-config"]);
    command.env("SCRIP_LISTEN", "127.0.0.1:9000").env("SCRIP_KEYS", "flow-studio=sk_hidden");
    let ran = ended(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "SCRIP_DATA=here  # command line",
        "SCRIP_LISTEN=127.0.0.1:9000  # environment",
        "SCRIP_KEYS=…  # environment",
        "SCRIP_LOG=info  # default",
        "SCRIP_TEST_CLOCK=  # not set",
    ] {
        assert!(ran.stdout.lines().any(|printed| printed == line), "{line} in {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("sk_hidden"), "{}", ran.stdout);
}
