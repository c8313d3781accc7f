//! `scrip demo`: its accounts are what it says they are, and its lines work when they are pasted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Server, scrip, succeed};

fn demo(arguments: &[&str]) -> Server {
    let mut command = scrip();
    command.args(["demo", "--listen", "127.0.0.1:0"]).args(arguments);
    Server::spawn(command)
}

/// The printed lines are run by a shell, in order, as a reader would.
#[test]
fn the_printed_lines_work_when_pasted() {
    let server = demo(&[]);
    let lines: Vec<&String> = server.said.iter().filter(|line| line.starts_with("curl ")).collect();
    let answers: Vec<Value> = lines.iter().map(|line| paste(line)).collect();
    let [quote, balance, hold, settle, entries, top_up, order] = answers.as_slice() else { panic!("{lines:?}") };
    assert_eq!(quote["credits"], json!(220));
    assert_eq!(quote["account"]["affordable"], json!(true), "{quote}");
    assert_eq!(balance["available"], json!(3000), "{balance}");
    let live_action =
        balance["left"].as_array().and_then(|left| left.iter().find(|left| left["tool"] == "live-action"));
    assert_eq!(live_action.map(|left| &left["quantity"]), Some(&json!(150)), "{balance}");
    assert_eq!((&hold["state"], &hold["credits"]), (&json!("open"), &json!(220)), "{hold}");
    assert_eq!((&settle["charged"], &settle["freed"]), (&json!(160), &json!(60)), "{settle}");
    let kinds: Vec<&str> =
        entries["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["kind"].as_str()).collect();
    assert_eq!(kinds[..4], ["settle", "hold", "refill", "plan_change"], "{entries}");
    assert!(kinds.contains(&"expiry") && kinds.contains(&"release"), "an earlier month: {entries}");
    assert_eq!((&top_up["enabled"], &top_up["saved_method"]), (&json!(true), &Value::Null), "{top_up}");
    assert_eq!((&order["state"], &order["price"]["amount"]), (&json!("pending"), &json!(2000)), "{order}");
    // Pasted again, the settle answers the same and takes nothing.
    assert_eq!(paste(lines[3]), *settle);
    assert_eq!(paste(lines[1])["remaining"], json!(2840));
    server.stop();
}

fn paste(line: &str) -> Value {
    let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{line}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// The whole way of a purchase, as its customer goes it: order, page, card, and the credits are there.
#[test]
fn credits_are_bought_with_no_account_anywhere() {
    let server = demo(&[]);
    let mut client = server.client(&server.key("studiotwin"));
    for (key, number, says, available) in [
        ("declined", "4000000000000002", "Your card was declined", json!(5)),
        ("paid", "4242424242424242", "500 credits are in your account.", json!(505)),
        ("asked", "4000002500003155", "The bank asks", json!(505)),
    ] {
        let order = client.post("/accounts/otto/orders", key, r#"{"package":"medium"}"#).body;
        let page = order["checkout_url"].as_str().unwrap_or_else(|| panic!("a page to pay at: {order}")).to_owned();
        assert!(curl(&[&page]).contains("20.00 USD"));
        let after = curl(&["--location", "--data", &format!("number={number}"), &page]);
        assert!(after.contains(says), "{number}: {after}");
        assert_eq!(client.get("/accounts/otto/balance").body["available"], available, "{number}");
        if key == "asked" {
            let approved = curl(&["--location", "--data", "answer=approve", &format!("{page}/challenge")]);
            assert!(approved.contains("500 credits are in your account."), "{approved}");
        }
    }
    assert_eq!(client.get("/accounts/otto/balance").body["available"], json!(1005));
    server.stop();
}

/// A card that was saved at a page pays by itself when credits run low.
#[test]
fn credits_are_bought_by_themselves() {
    let server = demo(&[]);
    let mut client = server.client(&server.key("studiotwin"));
    client.put("/accounts/otto/automatic-top-up", r#"{"package":"small","below":50}"#);
    let order = client.post("/accounts/otto/orders", "first", r#"{"package":"small"}"#).body;
    let page = order["checkout_url"].as_str().expect("a page to pay at");
    assert!(curl(&[page]).contains("is saved"), "the customer is told");
    curl(&["--location", "--data", "number=4242424242424242", page]);
    client.post("/accounts/otto/charges", "low", r#"{"credits":100}"#);
    let key = format!("Authorization: Bearer {}", server.key("studiotwin"));
    let balances = format!("http://{}/v1/accounts/otto/balance/stream", server.address);
    let mut told = Command::new("curl");
    told.args(["--silent", "--no-buffer", "--header", &key, &balances]).stdout(std::process::Stdio::piped());
    let mut told = told.spawn().expect("curl");
    let lines = BufReader::new(told.stdout.take().expect("it is read")).lines().map_while(Result::ok);
    assert!(lines.into_iter().any(|line| line.contains(r#""available":105"#)), "what was bought is told");
    told.kill().expect("it goes on for ever");
    told.wait().expect("it has ended");
    server.stop();
}

/// Whatever is written down or said, nothing that opens anything and nothing of a card is in it.
#[test]
fn no_secret_and_no_card_is_kept_or_logged() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let named = parent.path().join("demo").display().to_string();
    let server = demo(&["--data", &named, "--log", "debug"]);
    let mut client = server.client(&server.key("studiotwin"));
    for (key, number) in [("a", "4000000000000002"), ("b", "4242424242424242")] {
        let order = client.post("/accounts/otto/orders", key, r#"{"package":"small"}"#).body;
        let page = order["checkout_url"].as_str().expect("a page to pay at");
        curl(&["--location", "--data", &format!("number={number}"), page]);
    }
    let webhook = format!("http://{}/v1/payments/stripe/studiotwin/webhook", server.address);
    assert!(curl(&["--header", "Stripe-Signature: t=1,v1=00", "--data", "{}", &webhook]).contains("invalid_request"));
    let secret_key = server.key("studiotwin");
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("answered"), "{status}: {log}");
    let mut all = vec![("log".to_owned(), log.into_bytes())];
    for what in ["accounts", "lots", "entries"] {
        all.push((what.to_owned(), succeed(&["export", what, "--data", &named]).into_bytes()));
    }
    for file in std::fs::read_dir(&named).expect("it is kept") {
        let path = file.expect("it can be listed").path();
        all.push((path.display().to_string(), std::fs::read(&path).expect("it can be read")));
    }
    for (name, bytes) in all {
        for secret in ["sk_test_of", "whsec_", "42424242", "4000000000000002", secret_key.as_str()] {
            assert!(!bytes.windows(secret.len()).any(|found| found == secret.as_bytes()), "{secret} is in {name}");
        }
    }
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output().expect("curl");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a page is text")
}

#[test]
fn its_accounts_are_what_it_says_they_are() {
    let server = demo(&[]);
    for (studio, account, field, value) in [
        ("flow-studio", "ana", "remaining", json!(3000)),
        ("flow-studio", "bruno", "available", json!(60)),
        ("flow-studio", "north-pictures", "held", json!(4080)),
        ("flow-studio", "pavel", "available", json!(0)),
        ("flow-studio", "dora", "debt", json!(40)),
        ("studiotwin", "otto", "available", json!(5)),
        ("studiotwin", "tile-works", "held", json!(78)),
        ("studiotwin", "paula", "remaining", json!(480)),
    ] {
        let balance = server.client(&server.key(studio)).get(&format!("/accounts/{account}/balance"));
        assert_eq!(balance.body[field], value, "{account}: {}", balance.body);
    }
    let mut client = server.client(&server.key("flow-studio"));
    assert_eq!(client.get("/accounts/pavel/subscription").body["state"], "past_due");
    for (kind, lines) in [("refund", 1..=1), ("hold_expired", 1..=1), ("settle", 60..=300), ("refill", 3..=3)] {
        let found = client.get(&format!("/accounts/mia/entries?limit=1000&kind={kind}")).body;
        let found = found["entries"].as_array().expect("entries").len();
        assert!(lines.contains(&found), "{found} {kind}");
    }
    let expired = server.client(&server.key("studiotwin")).get("/accounts/yuki/entries?limit=1000&kind=expiry").body;
    assert!(expired.to_string().contains("promo"), "{expired}");
    let top_up = client.get("/accounts/mia/balance").body["lots"]
        .as_array()
        .and_then(|lots| lots.iter().find(|lot| lot["class"] == "top_up").cloned());
    assert_eq!(top_up.map(|lot| lot["remaining"].clone()), Some(json!(5000)));
    server.stop();
}

#[test]
fn a_temporary_folder_is_removed_and_a_named_one_is_kept_and_verifies() {
    let server = demo(&[]);
    let said = server.said.join("\n");
    let folder =
        said.split("data in ").nth(1).and_then(|rest| rest.split(' ').next()).expect("it says where").to_owned();
    assert!(Path::new(&folder).is_dir());
    server.stop();
    assert!(!Path::new(&folder).exists());

    let parent = tempfile::tempdir().expect("a temporary folder");
    let named = parent.path().join("demo").display().to_string();
    let server = demo(&["--data", &named]);
    // Beside the running server, and again without it.
    succeed(&["verify", "--data", &named]);
    server.stop();
    succeed(&["verify", "--data", &named]);
}
