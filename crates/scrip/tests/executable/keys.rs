//! Keys: made at the first start, set from outside, made and revoked beside a running server.

use crate::support::{Server, run, succeed};

/// The one word of a `key STUDIO SECRET` line.
fn secret(printed: &str) -> String {
    printed.trim_end().rsplit(' ').next().expect("a secret").to_owned()
}

#[test]
fn the_first_start_makes_a_key_for_each_studio_and_shows_it_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &[]);
    let keys = [server.key("flow-studio"), server.key("studiotwin")];
    assert!(keys.iter().all(|key| key.starts_with("sk_")), "{keys:?}");
    server.stop();
    let again = Server::start(folder.path(), &[]);
    assert!(again.said.iter().all(|line| !line.starts_with("key ")), "{:?}", again.said);
    for key in keys {
        assert_eq!(again.client(&key).get("/catalog").status, 200);
    }
}

#[test]
fn keys_from_outside_replace_the_first_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(folder.path(), &["--keys", "flow-studio=sk_a,studiotwin=sk_b"]);
    assert!(server.said.iter().all(|line| !line.starts_with("key ")), "{:?}", server.said);
    assert_eq!(server.client("sk_a").get("/catalog").status, 200);
    assert_eq!(server.client("sk_c").get("/catalog").status, 401);
}

/// A mistyped studio must not leave everyone outside without a word.
#[test]
fn a_key_from_outside_for_no_studio_is_warned_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::start(folder.path(), &["--keys", "flowstudio=sk_a,studiotwin=sk_b"]);
    server.wait_for("there is no studio flowstudio yet");
    server.wait_for("studio flow-studio has no key");
    server.stop();
}

/// The same commands, beside a running server (through its socket) and without one.
#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().display().to_string();
    let server = Server::start(folder.path(), &["--keys", "flow-studio=sk_a"]);
    let beside = secret(&succeed(&["key", "create", "--data", &data, "--studio", "studiotwin", "--role", "read"]));
    assert_eq!(server.client(&beside).get("/catalog").status, 200);
    assert_eq!(server.client(&beside).post("/accounts/a/charges", "k", r#"{"credits":1}"#).status, 403);
    server.stop();

    let without = secret(&succeed(&["key", "create", "--data", &data, "--studio", "studiotwin"]));
    let listed = succeed(&["key", "list", "--data", &data, "--studio", "studiotwin"]);
    let rows: Vec<&str> = listed.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{listed}");
    assert!(rows[0].contains("read") && rows[1].contains("admin"), "{listed}");

    let server = Server::start(folder.path(), &["--keys", "flow-studio=sk_a"]);
    assert_eq!(server.client(&without).get("/catalog").status, 200);
    let id = rows[1].split_whitespace().next().expect("a key's id");
    succeed(&["key", "revoke", "--data", &data, id]);
    assert_eq!(server.client(&without).get("/catalog").status, 401);
    let again = run(&["key", "revoke", "--data", &data, id]);
    assert_eq!(again.code, Some(1), "{again:?}");
}

/// Beside a running server and without one: what was made before is ended, of this studio alone, and new ones are good.
#[test]
fn customers_tokens_are_ended() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().display().to_string();
    let keys = ["--keys", "flow-studio=sk_a,studiotwin=sk_b"];
    let token = |server: &Server, secret: &str| {
        let session = server.client(secret).post("/accounts/ada/portal-sessions", "portal", "{}").body;
        session["token"].as_str().expect("a token").to_owned()
    };
    let status = |server: &Server, token: &str| server.client(token).get("/accounts/ada/balance").status;
    let renew = || succeed(&["key", "renew-tokens", "--data", &data, "--studio", "flow-studio"]);

    let server = Server::start(folder.path(), &keys);
    for secret in ["sk_a", "sk_b"] {
        assert_eq!(server.client(secret).put("/accounts/ada", "{}").status, 201);
    }
    let (leaked, anothers) = (token(&server, "sk_a"), token(&server, "sk_b"));
    assert_eq!((status(&server, &leaked), status(&server, &anothers)), (200, 200));
    assert!(renew().contains("flow-studio"));
    assert_eq!((status(&server, &leaked), status(&server, &anothers)), (401, 200));
    let second = token(&server, "sk_a");
    assert_eq!(status(&server, &second), 200);
    server.stop();

    renew();
    let server = Server::start(folder.path(), &keys);
    let found = [&leaked, &second, &anothers].map(|token| status(&server, token));
    assert_eq!(found, [401, 401, 200]);
    server.stop();
}

#[test]
fn unknown_studios_and_keys_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().display().to_string();
    let _server = Server::start(folder.path(), &[]);
    for (arguments, says) in [
        (["key", "create", "--data", &data, "--studio", "acme"], "no studio `acme`; studios: flow-studio, studiotwin"),
        (["key", "list", "--data", &data, "--studio", "acme"], "no studio `acme`"),
        (["key", "renew-tokens", "--data", &data, "--studio", "acme"], "no studio `acme`"),
    ] {
        let ran = run(&arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(says), "{ran:?}");
    }
    let ran = run(&["key", "revoke", "--data", &data, "key_0"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("no key `key_0`"), "{ran:?}");
}
