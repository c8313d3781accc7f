//! Whatever is written down or said, no secret and nothing of a card is in it: what the server logs at its loudest, what it answers, what it
//! keeps, what is exported and backed up, and how its process was started. Not even when the provider repeats what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scrip_stripe::{NewRefund, SavedMethod};
use serde_json::{Value, json};

use crate::provider::{API_KEY, Ground, SECRET};
use crate::support::{Client, Server, ended, scrip, shipped, succeed};

const PAID: &str = "4242424242424242";
/// How often is asked for what must come: more than a minute on any machine.
const LOOKS_MAX: u32 = 200_000;
const DECLINED: &str = "4000000000000002";

/// Everything that was said or written, with where.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    /// An answer, as it came.
    fn answer(&mut self, client: &mut Client, method: &str, path: &str, body: &str) -> Value {
        let answer = match method {
            "GET" => client.get(path),
            "PUT" => client.put(path, body),
            _ => client.post(path, path, body),
        };
        self.add(format!("{method} {path}"), answer.body.to_string());
        answer.body
    }

    /// Every file of a folder.
    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_file() {
                self.add(path.display().to_string(), std::fs::read(&path).expect("it can be read"));
            }
        }
    }

    /// What others on the machine can see of a process.
    fn process(&mut self, server: &Server) {
        let path = format!("/proc/{}/cmdline", server.process());
        self.add(path.clone(), std::fs::read(path).expect("the process runs"));
    }

    fn hold_none_of(&self, secrets: &[&str]) {
        for (place, bytes) in &self.0 {
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|found| found == secret.as_bytes());
                assert!(!found, "{secret} is in {place}");
            }
        }
    }
}

#[test]
fn no_secret_and_no_card_is_said_or_kept() {
    let ground = Ground::new();
    let parent = tempfile::tempdir().expect("a temporary folder");
    let (folder, backup) = (parent.path().join("data"), parent.path().join("backup"));
    let catalog = parent.path().join("catalog.toml");
    let by_clock = std::fs::read_to_string(shipped("studiotwin")).expect("it is shipped");
    std::fs::write(&catalog, by_clock.replace("allowance =", "renews = \"payment\"\nallowance ="))
        .expect("there is room");
    let server = ground.serve_selling(&folder, "trace", &ground.till.url(), &catalog.display().to_string());
    let mut seen = Seen::default();
    seen.process(&server);
    let mut client = server.client(SECRET);
    seen.answer(&mut client, "PUT", "/accounts/cleo", "{}");
    for (key, number) in [("a", DECLINED), ("b", PAID), ("c", PAID)] {
        let order = client.post("/accounts/cleo/orders", key, r#"{"package":"small"}"#).body;
        let page = order["checkout_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a page").to_owned();
        ground.till.pay(&page, number);
        seen.add("an order", order.to_string());
        client.get(&format!("/payments/stripe/studiotwin/return?session={page}"));
    }
    let saved = pay_while_away(&ground, &mut client, &mut seen);
    begin_a_plan(&ground, &mut client, &mut seen);
    let token = client.post("/accounts/cleo/portal-sessions", "portal", "{}").body["token"].clone();
    let token = token.as_str().expect("a token").to_owned();
    let mut customer = server.client(&token);
    seen.answer(&mut customer, "GET", "/accounts/cleo/balance", "");
    // Wrong keys, deliveries that are not believed, and what cannot be read: each quotes something, but none of these.
    for secret in [API_KEY, &ground.webhook_secret, "sk_of_the_studiox"] {
        seen.answer(&mut server.client(secret), "GET", "/accounts", "");
    }
    for body in ["{}", "", "not json", r#"{"package":"small","secret":"x"}"#] {
        seen.answer(&mut client, "POST", "/payments/stripe/studiotwin/webhook", body);
        seen.answer(&mut client, "POST", "/accounts/cleo/orders", body);
    }
    for path in [
        "/accounts",
        "/accounts/cleo",
        "/accounts/cleo/balance",
        "/accounts/cleo/entries",
        "/accounts/cleo/orders",
        "/entries",
        "/usage",
        "/catalog",
        "/payments/deliveries",
    ] {
        seen.answer(&mut client, "GET", path, "");
    }
    let data = folder.display().to_string();
    succeed(&["backup", &backup.display().to_string(), "--data", &data]);
    seen.add("the backup", std::fs::read(&backup).expect("it was made"));
    seen.folder(&folder);
    seen.add("the figures", figures(&server.address));
    ground.till.switch(scrip_till::Switches::default());
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("TRACE"), "{status}");
    seen.add("the log", log);
    for what in ["accounts", "lots", "entries", "journal"] {
        seen.add(format!("scrip export {what}"), succeed(&["export", what, "--data", &data]));
    }
    let mut printing = scrip();
    ground.set(&mut printing, &ground.till.url());
    printing.args(["serve", "--print-config", "--data", &data]);
    let printed = ended(printing);
    seen.add("the settings", printed.stdout + &printed.stderr);
    seen.add("scrip verify", succeed(&["verify", "--data", &data]));
    seen.folder(parent.path());
    seen.folder(&folder);
    seen.hold_none_of(&[
        API_KEY,
        &ground.webhook_secret,
        SECRET,
        &token,
        PAID,
        DECLINED,
        &saved.customer,
        &saved.method,
    ]);
}

/// A card is saved at a page, charged while its owner is away, and the money given back; what the provider calls the card and its
/// owner.
fn pay_while_away(ground: &Ground, client: &mut Client, seen: &mut Seen) -> SavedMethod {
    seen.answer(client, "PUT", "/accounts/dora", "{}");
    client.post("/accounts/dora/grants", "grant", r#"{"credits":100,"class":"top_up","reason":"to begin with"}"#);
    seen.answer(client, "PUT", "/accounts/dora/automatic-top-up", r#"{"package":"small","below":50}"#);
    let page = paid_at_a_page(ground, client, "/accounts/dora/orders", r#"{"package":"small"}"#);
    let first = ground.ask(async |provider| provider.session(&page).await).payment_intent.expect("it was paid");
    let saved = ground.ask(async |provider| provider.saved_method(first.id()).await).expect("it was saved");
    wait_for(client, "/accounts/dora/balance", |balance| balance["available"] == 200);
    client.post("/accounts/dora/charges", "job", r#"{"credits":160}"#);
    wait_for(client, "/accounts/dora/balance", |balance| balance["available"] == 140);
    let tried = ground.till.tried_away().pop().expect("a card was charged");
    let order = format!("/accounts/dora/orders/{}", tried.metadata["order"]);
    let payment_intent = tried.payment_intent;
    let refund = NewRefund { payment_intent, amount: None, reason: None, idempotency_key: "back".to_owned() };
    ground.ask(async |provider| provider.refund(&refund).await);
    wait_for(client, &order, |order| order["state"] == "refunded");
    for path in [order.as_str(), "/accounts/dora/orders", "/accounts/dora/automatic-top-up", "/accounts/dora/entries"] {
        seen.answer(client, "GET", path, "");
    }
    saved
}

/// A plan that the provider's own subscription renews.
fn begin_a_plan(ground: &Ground, client: &mut Client, seen: &mut Seen) {
    seen.answer(client, "PUT", "/accounts/eve", "{}");
    paid_at_a_page(ground, client, "/accounts/eve/orders", r#"{"plan":"studio"}"#);
    wait_for(client, "/accounts/eve/entries?kind=billing", |found| found["entries"][0]["change"] == "began");
    for path in ["/accounts/eve/subscription", "/accounts/eve/orders", "/accounts/eve/entries"] {
        seen.answer(client, "GET", path, "");
    }
}

fn paid_at_a_page(ground: &Ground, client: &mut Client, path: &str, body: &str) -> String {
    let order = client.post(path, "page", body).body;
    let page = order["checkout_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a page").to_owned();
    assert!(ground.till.pay(&page, PAID), "{order}");
    client.get(&format!("/payments/stripe/studiotwin/return?session={page}"));
    page
}

/// Asks until it is so: what happens by itself happens soon.
fn wait_for(client: &mut Client, path: &str, is_so: impl Fn(&Value) -> bool) {
    let mut last = Value::Null;
    for _ in 0..LOOKS_MAX {
        last = client.get(path).body;
        if is_so(&last) {
            return;
        }
    }
    panic!("{path}: {last}");
}

fn figures(address: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("it is sent");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).expect("it answers");
    assert!(text.windows(14).any(|found| found == b"scrip_payments"), "{}", String::from_utf8_lossy(&text));
    text
}

/// A provider that answers with what it was sent: the key, and a card besides.
struct Echo {
    url: String,
    /// Which of its answers it gives now.
    kind: Arc<AtomicUsize>,
}

impl Echo {
    /// Answers that it has.
    const KINDS: usize = 7;

    fn start() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let kind = Arc::new(AtomicUsize::new(0));
        let now = Arc::clone(&kind);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let now = Arc::clone(&now);
                // A client that breaks off is its own affair.
                std::thread::spawn(move || Echo::converse(&stream, &now).ok());
            }
        });
        Echo { url, kind }
    }

    fn converse(stream: &TcpStream, kind: &AtomicUsize) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let said = format!("{head}{} card {PAID}", String::from_utf8_lossy(&body));
        let (status, answer) = Echo::answer(kind.load(Ordering::Relaxed), &said);
        let answer = answer.to_string();
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\nrequest-id: {API_KEY}\r\n\r\n{answer}",
            answer.len()
        )
    }

    fn answer(kind: usize, said: &str) -> (u16, Value) {
        let refusal =
            |kind: &str, code: &str| json!({"error": {"type": kind, "code": code, "message": said, "param": said}});
        match kind {
            0 => (400, refusal("invalid_request_error", API_KEY)),
            1 => (
                402,
                json!({"error": {"type": "card_error", "code": "card_declined", "decline_code": PAID, "message": said}}),
            ),
            2 => (401, refusal("invalid_request_error", "api_key_expired")),
            3 => (500, refusal("api_error", API_KEY)),
            4 => (400, refusal("invalid_request_error", PAID)),
            5 => (
                200,
                json!({"id": format!("cs_{API_KEY}"), "object": "checkout.session", "mode": "payment", "status": "open",
                "payment_status": "unpaid", "expires_at": 1, "url": said, "metadata": {}}),
            ),
            _ => (200, json!({"object": said})),
        }
    }
}

#[test]
fn a_provider_that_repeats_the_key_is_not_repeated() {
    let (ground, echo) = (Ground::new(), Echo::start());
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("data");
    let server = ground.serve_with(&folder, "trace", &echo.url);
    let mut seen = Seen::default();
    let mut client = server.client(SECRET);
    client.put("/accounts/cleo", "{}");
    for kind in 0..Echo::KINDS {
        echo.kind.store(kind, Ordering::Relaxed);
        let answer = client.post("/accounts/cleo/orders", &format!("buy-{kind}"), r#"{"package":"small"}"#);
        assert_eq!(answer.status, 503, "{kind}: {answer:?}");
        seen.add(format!("the answer to kind {kind}"), answer.body.to_string());
    }
    for path in ["/accounts/cleo/orders", "/entries", "/payments/deliveries"] {
        seen.answer(&mut client, "GET", path, "");
    }
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("no page to pay an order at"), "{status}: {log}");
    seen.add("the log", log);
    seen.folder(&folder);
    seen.hold_none_of(&[API_KEY, PAID, SECRET]);
}
