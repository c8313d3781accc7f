//! `kill -9` and SIGTERM under load: nothing that was acknowledged is lost, nothing is done twice.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Client, Post, Seeded, Server, succeed};

const STUDIO: &str = "studiotwin";
const SECRET: &str = "sk_crash";
const KEYS: &str = "studiotwin=sk_crash";
const ACCOUNTS: u64 = 3;
const CALLERS: u64 = 6;
const GRANTED: u64 = 1_000_000_000;
/// What `text-to-motion` of one action costs.
const PRICE: u64 = 5;

/// What a caller did before its server went away.
struct Told {
    acknowledged: Vec<(Post, Answer)>,
    /// Sent, never answered: done or not, the next server knows.
    open: Option<Post>,
}

fn start(folder: &Path) -> Server {
    Server::start(folder, &["--keys", KEYS, "--log", "warn"])
}

fn open_accounts(server: &Server) {
    let mut client = server.client(SECRET);
    for account in 0..ACCOUNTS {
        assert_eq!(client.put(&format!("/accounts/a{account}"), "{}").status, 201);
        let grant = json!({"credits": GRANTED, "class": "top_up", "reason": "test"}).to_string();
        assert_eq!(client.post(&format!("/accounts/a{account}/grants"), "fill", &grant).status, 201);
    }
}

/// Charges until the connection breaks; says so on the channel at each acknowledgement.
fn charge_until_broken(mut client: Client, caller: u64, keys: &AtomicU64, told: &mpsc::Sender<()>) -> Told {
    let mut done = Told { acknowledged: Vec::new(), open: None };
    loop {
        let post = Post {
            path: format!("/accounts/a{}/charges", caller % ACCOUNTS),
            key: format!("job-{}", keys.fetch_add(1, Ordering::Relaxed)),
            body: r#"{"tool":"text-to-motion","measures":{"actions":1}}"#.to_owned(),
        };
        match client.try_post(&post) {
            Ok(answer) if answer.status == 201 => {
                done.acknowledged.push((post, answer));
                // Nobody listens any more once enough were acknowledged.
                told.send(()).ok();
            }
            Ok(answer) => panic!("{post:?} was answered {answer:?}"),
            Err(_) => {
                done.open = Some(post);
                return done;
            }
        }
    }
}

/// Runs callers until so many charges were acknowledged, then does away with the server.
fn load(server: Server, keys: &Arc<AtomicU64>, until: u64, end: impl FnOnce(Server)) -> Vec<Told> {
    let (told, acknowledged) = mpsc::channel();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (client, keys, told) = (server.client(SECRET), Arc::clone(keys), told.clone());
            std::thread::spawn(move || charge_until_broken(client, caller, &keys, &told))
        })
        .collect();
    for _ in 0..until {
        acknowledged.recv().expect("callers are at work");
    }
    end(server);
    callers.into_iter().map(|caller| caller.join().expect("a caller ends well")).collect()
}

/// Asks again for everything: what was acknowledged is answered the same, what was open is done once.
fn ask_again(server: &Server, told: &[Told]) {
    let mut client = server.client(SECRET);
    for told in told {
        for (post, first) in &told.acknowledged {
            let again = client.try_post(post).expect("the server answers");
            assert!(again.replayed, "{post:?} was acknowledged and is not known: {again:?}");
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{post:?}");
        }
        if let Some(post) = &told.open {
            let answer = client.try_post(post).expect("the server answers");
            assert_eq!(answer.status, 201, "{post:?}: {answer:?}");
        }
    }
}

/// What all accounts have left.
fn remaining(server: &Server) -> u64 {
    let mut client = server.client(SECRET);
    let accounts = (0..ACCOUNTS).map(|account| {
        let balance = client.get(&format!("/accounts/a{account}/balance"));
        balance.body["remaining"].as_u64().expect("whole credits")
    });
    accounts.sum()
}

/// How many rounds, and from which seed their moments are: a few, or as `cargo xtask crash` says.
fn asked() -> (u64, u64) {
    let told = |name: &str, otherwise: u64| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => otherwise,
    };
    (told("SCRIP_CRASH_ROUNDS", 12), told("SCRIP_CRASH_SEED", 1))
}

#[test]
fn killed_under_load_it_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = Arc::new(AtomicU64::new(0));
    let (rounds, seed) = asked();
    let mut moments = Seeded(seed);
    let mut server = start(folder.path());
    open_accounts(&server);
    let mut acknowledged = 0;
    for round in 1..=rounds {
        // After so many charges, from the first one on.
        let until = 1 + moments.below(Duration::from_micros(400)).as_micros();
        let told = load(server, &keys, u64::try_from(until).expect("some hundred"), Server::kill);
        server = start(folder.path());
        ask_again(&server, &told);
        let paid = keys.load(Ordering::Relaxed) * PRICE;
        assert_eq!(remaining(&server), ACCOUNTS * GRANTED - paid, "round {round} of seed {seed}: {STUDIO}");
        acknowledged += told.iter().map(|told| told.acknowledged.len()).sum::<usize>();
        if round % 50 == 0 {
            println!("{round} of {rounds} rounds: {acknowledged} acknowledged charges, each there once");
        }
    }
    server.stop();
    succeed(&["verify", "--data", &folder.path().display().to_string()]);
    println!("seed {seed}: {rounds} rounds, {acknowledged} acknowledged charges, each there once; verify holds");
}

#[test]
fn asked_to_stop_it_finishes_what_it_accepted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = Arc::new(AtomicU64::new(0));
    let server = start(folder.path());
    open_accounts(&server);
    let told = load(server, &keys, 200, Server::stop);
    let server = start(folder.path());
    ask_again(&server, &told);
    assert_eq!(remaining(&server), ACCOUNTS * GRANTED - keys.load(Ordering::Relaxed) * PRICE);
}

/// A request that never comes to its end holds up a graceful stop; a second Ctrl-C does not wait for it.
#[test]
fn a_second_ctrl_c_stops_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = start(folder.path());
    let mut open = std::net::TcpStream::connect(&server.address).expect("the server accepts");
    let half = "POST /v1/accounts/a0/charges HTTP/1.1\r\nhost: scrip\r\nauthorization: Bearer sk_crash\r\n\
                content-type: application/json\r\nidempotency-key: k\r\ncontent-length: 100\r\n\r\n{";
    open.write_all(half.as_bytes()).expect("it is sent");
    // A whole exchange on another connection: by then the server has the half one.
    server.client(SECRET).get("/catalog");
    server.interrupt();
    server.wait_for("stopping");
    server.interrupt();
    let (status, errors) = server.wait();
    assert_eq!(status.code(), Some(130), "{errors}");
}
