//! Servers that share a database: whatever one of them acknowledged, all of them know, whoever is killed.

use scrip_store_postgres::harness;
use serde_json::json;

use crate::support::{Post, Server, run, scrip, shipped, succeed};

const KEYS: &str = "studiotwin=sk_shared";
const SECRET: &str = "sk_shared";

fn serve(store: &str, more: &[&str]) -> Server {
    let mut command = scrip();
    command.args(["serve", "--store", store, "--listen", "127.0.0.1:0", "--log", "error"]).args(more);
    Server::spawn(command)
}

fn charge(key: usize) -> Post {
    Post {
        path: format!("/accounts/a{}/charges", key % 2),
        key: format!("job-{key}"),
        body: r#"{"tool":"text-to-motion","measures":{"actions":1}}"#.to_owned(),
    }
}

#[test]
fn what_one_server_acknowledged_all_of_them_know() {
    let store = harness::database_address();
    let (catalog, other) = (shipped("studiotwin"), shipped("flow-studio"));
    let one = serve(&store, &["--keys", KEYS, "--catalog", &catalog]);
    let two = serve(&store, &["--keys", KEYS]);
    let mut clients = [one.client(SECRET), two.client(SECRET)];
    for account in ["a0", "a1"] {
        assert_eq!(clients[0].put(&format!("/accounts/{account}"), "{}").status, 201);
        let grant = json!({"credits": 10_000, "class": "top_up", "reason": "test"}).to_string();
        assert_eq!(clients[1].post(&format!("/accounts/{account}/grants"), "fill", &grant).status, 201);
    }
    // In turn at one and the other, each key at both; then one is killed in the middle of a burst.
    for key in 0..40 {
        let first = clients[key % 2].try_post(&charge(key)).expect("it answers");
        let again = clients[(key + 1) % 2].try_post(&charge(key)).expect("it answers");
        assert_eq!((first.status, again.status), (201, 201), "{first:?} {again:?}");
        assert_eq!(first.body, again.body, "the first answer again");
    }
    let (mut doomed, told) = (one.client(SECRET), std::sync::mpsc::channel());
    let burst = std::thread::spawn(move || {
        for key in 40..10_000 {
            match doomed.try_post(&charge(key)) {
                Ok(answer) if answer.status == 201 => drop(told.0.send(key)),
                Ok(answer) => panic!("{answer:?}"),
                Err(_) => return key,
            }
        }
        panic!("the server was not killed");
    });
    told.1.iter().take(60).last().expect("it charges");
    one.kill();
    let open = burst.join().expect("the burst ends with the server");
    // Acknowledged or in doubt: the other server says the same of each key, and charges it once.
    let mut survivor = two.client(SECRET);
    for key in 40..=open {
        assert_eq!(survivor.try_post(&charge(key)).expect("it answers").status, 201);
    }
    for (account, charged) in [("a0", open / 2 + 1), ("a1", open.div_ceil(2))] {
        let balance = survivor.get(&format!("/accounts/{account}/balance"));
        assert_eq!(balance.body["remaining"], json!(10_000 - 5 * charged), "{account} after {open}: {balance:?}");
    }
    // An operator's commands go to the database themselves, beside the server.
    assert!(succeed(&["catalog", "publish", "--store", &store, &other]).contains("flow-studio"));
    let listed = succeed(&["key", "create", "--store", &store, "--studio", "flow-studio"]);
    assert!(listed.starts_with("key flow-studio sk_"), "{listed}");
    // The third account is the studio's own, of what its operators did.
    let proved = succeed(&["verify", "--store", &store]);
    assert!(proved.contains("of 3 accounts"), "{proved}");
    let exported = succeed(&["export", "lots", "--store", &store]);
    assert_eq!(exported.lines().count(), 3, "{exported}");
    two.stop();
    assert!(succeed(&["migrate", "--store", &store]).contains("already"));
}

#[test]
fn a_database_that_is_not_there_is_said_to_be() {
    let nowhere = "postgres://scrip:secret-word@%2Fnowhere-at-all/scrip";
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"], &["migrate"]] {
        let ran = run(&[command, &["--store", nowhere]].concat());
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.stderr.contains("the database does not answer"), "{ran:?}");
        assert!(!ran.stderr.contains("secret-word"), "{ran:?}");
    }
    let ran = run(&["serve", "--store", "postgres://x/y?transactions=all"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
