//! `scrip erase`: in a running server and on the store itself; what it leaves, and what it refuses.

use std::path::Path;

use crate::support::{Server, run, succeed};

/// What the files of a folder hold of some texts.
fn left_of(folder: &Path, texts: &[&'static str]) -> Vec<&'static str> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files: Vec<Vec<u8>> = files.map(|path| std::fs::read(path).unwrap()).collect();
    let held = |text: &str| files.iter().any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()));
    texts.iter().copied().filter(|text| held(text)).collect()
}

const TEXTS: [&str; 5] = ["ana.ortega@example.org", "Ana Ortega", "her wedding", "noa-of-ana", "a present from mia"];
const PATH: &str = "/accounts/ana.ortega@example.org";

#[test]
fn an_account_is_erased_in_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.client(&server.key("flow-studio"));
    assert_eq!(client.put(PATH, r#"{"name": "Ana Ortega"}"#).status, 201);
    let grant =
        r#"{"credits": 50, "class": "promo", "expires_at": "2999-01-01T00:00:00Z", "reason": "a present from mia"}"#;
    assert_eq!(client.post(&format!("{PATH}/grants"), "1", grant).status, 201);
    let hold = r#"{"credits": 20, "hold": "job-7", "reference": "her wedding", "member": "noa-of-ana"}"#;
    assert_eq!(client.post(&format!("{PATH}/holds"), "2", hold).status, 201);

    let erase = ["erase", "--data", &place, "--studio", "flow-studio", TEXTS[0]];
    let unasked = run(&erase);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.stderr.contains("(Ana Ortega) of flow-studio: 3 entries, 50 credits left, 0 owed, 1 open holds"));
    assert_eq!(client.get(PATH).status, 200);

    let said = succeed(&[&erase[..], &["--yes", "--reason", "asked for on 1 March"]].concat());
    assert_eq!(said, "erased ana.ortega@example.org: it is erased~1 from now on\n");
    assert_eq!(left_of(folder.path(), &TEXTS), [""; 0]);
    assert_eq!(client.get(PATH).status, 404);
    let again = run(&[&erase[..], &["--yes"]].concat());
    assert_eq!(again.code, Some(1), "{again:?}");
    let held = client.get("/accounts/erased~1/holds/job-7");
    assert_eq!((held.status, held.body.get("reference")), (200, None), "{held:?}");
    assert_eq!(client.post("/accounts/erased~1/holds/job-7/settle", "3", "{}").status, 200);
    assert_eq!(client.get("/accounts/erased~1/balance").body["remaining"], 30);
    assert_eq!(client.put("/accounts/erased~9", "{}").status, 404, "no studio opens such an account");
    assert_eq!(client.put(PATH, "{}").status, 201, "the id is free for another");

    let exported = succeed(&["export", "entries", "--data", &place, "--form", "jsonl"]);
    assert!(exported.contains(r#""account":"erased~1""#) && exported.contains("asked for on 1 March"), "{exported}");
    assert!(TEXTS[1..].iter().all(|text| !exported.contains(text)), "{exported}");
    server.kill();
    let proved = succeed(&["verify", "--data", &place]);
    assert!(proved.contains("erased: 6 texts"), "{proved}");
}

#[test]
fn an_account_is_erased_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.client(&server.key("studiotwin"));
    assert_eq!(client.put(PATH, r#"{"name": "Ana Ortega"}"#).status, 201);
    server.kill();
    for (studio, account, words) in [
        ("studiotwin", "bob", "studiotwin has no account `bob`"),
        ("studiotwin", "a b", "`a b` is no account's id"),
        ("studio", TEXTS[0], "there is no studio `studio`"),
    ] {
        let refused = run(&["erase", "--data", &place, "--studio", studio, account, "--yes"]);
        assert!(refused.code == Some(1) && refused.stderr.contains(words), "{refused:?}");
    }
    let erase = ["erase", "--data", &place, "--studio", "studiotwin", TEXTS[0], "--yes"];
    let refused = run(&[&erase[..], &["--reason", " "]].concat());
    assert!(refused.code == Some(1) && refused.stderr.contains("the reason must be"), "{refused:?}");
    succeed(&erase);
    assert_eq!(left_of(folder.path(), &TEXTS), [""; 0]);
    succeed(&["verify", "--data", &place]);
}
