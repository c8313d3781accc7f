//! Starting a server: its clock, its address, its catalogs.

use std::path::Path;

use crate::support::{Server, run};

fn clock(server: &Server) -> String {
    let answer = server.client("sk_a").get("/test-clock");
    answer.body["now"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn start_at(folder: &Path, time: &str) -> Server {
    Server::start(folder, &["--keys", "flow-studio=sk_a", "--test-clock", time])
}

fn move_to(server: &Server, time: &str) {
    let moved = server.client("sk_a").post("/test-clock", time, &format!("{{\"now\":\"{time}\"}}"));
    assert_eq!(moved.status, 200, "{moved:?}");
}

/// R33: it begins at the later of the asked instant and the last one in the store.
#[test]
fn a_test_clock_never_goes_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = start_at(folder.path(), "2031-03-01T00:00:00Z");
    assert_eq!(clock(&server), "2031-03-01T00:00:00Z");
    move_to(&server, "2031-04-01T00:00:00Z");
    server.stop();
    for (asked, begins) in
        [("2031-03-15T00:00:00Z", "2031-04-01T00:00:00Z"), ("2031-05-01T00:00:00Z", "2031-05-01T00:00:00Z")]
    {
        let server = start_at(folder.path(), asked);
        assert_eq!(clock(&server), begins);
        server.stop();
    }
}

/// A store whose test clock ran ahead is not served on the machine's clock: its cycles would stand still for years.
#[test]
fn a_store_from_the_future_needs_its_test_clock() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = start_at(folder.path(), "2301-01-01T00:00:00Z");
    move_to(&server, "2301-01-02T00:00:00Z");
    server.stop();
    let ran = run(&["serve", "--data", &folder.path().display().to_string(), "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("2301-01-02T00:00:00Z") && ran.stderr.contains("--test-clock"), "{ran:?}");
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("its address").to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("new").display().to_string();
    let ran = run(&["serve", "--data", &data, "--listen", &address]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains(&address) && ran.stderr.contains("--listen"), "{ran:?}");
    assert!(!Path::new(&data).exists(), "a start that fails leaves nothing behind");
}
