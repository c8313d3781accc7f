//! The server on a real socket: streams, slow and broken callers, shutdown, browsers.

use std::time::Duration;

use scrip_core::id::StudioNumber;
use scrip_engine::store::{KeyDocument, Role};
use scrip_server::{AllowedOrigins, Config, Limits, Listeners};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::{FLOW, TWIN, World};

/// A served world.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) address: std::net::SocketAddr,
    figures: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
}

pub(crate) async fn serve(config: Config) -> Served {
    let world = World::with(config).await;
    let (api, metrics) = (listener().await, listener().await);
    let (address, figures) = (api.local_addr().unwrap(), metrics.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { stopped.await.unwrap() };
    let listeners = Listeners { api, metrics: Some(metrics) };
    let ended = tokio::spawn(scrip_server::serve(listeners, world.app.clone(), axum::Router::new(), shutdown));
    Served { world, address, figures, stop, ended }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Served {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn exchange(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Reads until the text holds `count` events, and answers their data.
async fn events(stream: &mut TcpStream, text: &mut String, count: usize) -> Vec<Value> {
    loop {
        let found: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect();
        if found.len() >= count {
            return found;
        }
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer))
            .await
            .expect("an event in time")
            .unwrap();
        assert!(read > 0, "the stream ended: {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_stream_tells_every_change_and_what_falls_due() {
    let served = serve(Config::default()).await;
    let world = &served.world;
    world.account("ada", 100).await;
    world.account("bo", 100).await;
    let mut stream = served.connect().await;
    let request =
        format!("GET /v1/accounts/ada/balance/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {FLOW}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let first = events(&mut stream, &mut text, 1).await;
    assert!(text.contains("content-type: text/event-stream") && text.contains("event: balance"), "{text}");
    assert_eq!(first[0], world.get("/v1/accounts/ada/balance").await.json());

    // Another account's change is no event; this one's is.
    world.post("/v1/accounts/bo/charges", json!({"credits": 1})).await;
    world.post("/v1/accounts/ada/holds", json!({"credits": 40, "expires_in": 60})).await;
    let seen = events(&mut stream, &mut text, 2).await;
    assert_eq!((&seen[1]["held"], &seen[1]["available"]), (&json!(40), &json!(60)));

    // The hold's deadline comes with the clock; nobody touches the account.
    world.at("2026-01-31T10:01:00Z").await;
    let seen = events(&mut stream, &mut text, 3).await;
    assert_eq!((&seen[2]["held"], &seen[2]["at"]), (&json!(0), &json!("2026-01-31T10:01:00Z")));

    // Shutdown ends the stream and waits for nothing else.
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_stream_ends_with_its_key() {
    let served = serve(Config::default()).await;
    let world = &served.world;
    world.account("ada", 100).await;
    let secret = crate::keys::make(world, "page", Role::Read, false).await;
    let mut stream = served.connect().await;
    let request = format!(
        "GET /v1/accounts/ada/balance/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {secret}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    events(&mut stream, &mut text, 1).await;

    let stored = world.engine.keys().iter().find(|key| &*key.id == "page").unwrap().clone();
    world.engine.put_key(KeyDocument { revoked_at: Some(stored.created_at), ..stored }).await.unwrap();
    world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
    let mut rest = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut rest)).await;
    ended.expect("the stream ends").unwrap();
    assert!(!rest.contains("event: balance"), "{rest}");
}

/// The same for a customer's token, which ends by the clock, or when all of the studio's are ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_stream_ends_with_its_token() {
    for by_the_clock in [true, false] {
        let served = serve(Config::default()).await;
        let world = &served.world;
        world.account("ada", 100).await;
        let session = world.call("POST", "/v1/accounts/ada/portal-sessions").secret(FLOW).header("host", "x").empty();
        let token = session.await.json()["token"].as_str().unwrap().to_owned();
        let mut stream = served.connect().await;
        let request = format!(
            "GET /v1/accounts/ada/balance/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        events(&mut stream, &mut text, 1).await;
        world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
        let seen = events(&mut stream, &mut text, 2).await;
        assert_eq!(seen[1]["available"], json!(99));

        if by_the_clock {
            world.at("2026-01-31T11:00:00Z").await;
        } else {
            world.engine.renew_token_secret(StudioNumber(1)).await.unwrap();
            world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
        }
        let mut rest = String::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut rest)).await;
        ended.expect("the stream ends").unwrap();
        assert!(!rest.contains("event: balance"), "{rest}");
    }
}

/// The same for a session of the console.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_stream_ends_with_its_session() {
    let served = serve(Config::default()).await;
    let world = &served.world;
    world.account("ada", 100).await;
    let session = world.call("POST", "/v1/console-sessions").secret(FLOW).empty().await.json();
    let token = session["token"].as_str().unwrap();
    let mut stream = served.connect().await;
    let request = format!(
        "GET /v1/accounts/ada/balance/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    events(&mut stream, &mut String::new(), 1).await;
    world.engine.renew_token_secret(StudioNumber(1)).await.unwrap();
    world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
    let mut rest = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut rest)).await;
    ended.expect("the stream ends").unwrap();
    assert!(!rest.contains("event: balance"), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_was_begun_is_finished_at_shutdown() {
    let served = serve(Config::default()).await;
    served.world.account("ada", 100).await;
    let body = "{\"credits\": 7}";
    let head = format!(
        "POST /v1/accounts/ada/charges HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {FLOW}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = served.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server has taken the request once it answers another that came later.
    assert!(served.exchange("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.contains("200 OK"));
    served.stop.send(()).unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    served.ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nothing more is accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_broken_callers_are_let_go() {
    let wait = Duration::from_millis(50);
    let served =
        serve(Config { limits: Limits { body_wait: wait, head_wait: wait, ..Limits::default() }, ..Config::default() })
            .await;
    let slow_body = format!(
        "POST /v1/quotes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {FLOW}\r\ncontent-type: application/json\r\n\
         content-length: 10\r\n\r\n{{"
    );
    let answer = served.exchange(&slow_body).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"request_timeout\""), "{answer}");
    // A head that never ends, and bytes that are no HTTP: closed.
    for nonsense in ["GET /healthz HTTP/1.1\r\nhost:", "\u{1}\u{2}\u{3}\r\n\r\n"] {
        let answer = served.exchange(nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(served.exchange("GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ends_with("ready\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_can_be_bound_apart() {
    let served = serve(Config::default()).await;
    served.world.account("ada", 0).await;
    let ask = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(served.exchange(ask).await.starts_with("HTTP/1.1 404"));
    let mut stream = TcpStream::connect(served.figures).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut figures = String::new();
    stream.read_to_string(&mut figures).await.unwrap();
    for line in [
        "scrip_requests_total{method=\"PUT\",route=\"/v1/accounts/{account}\",status=\"201\"} 1",
        "scrip_commands_accepted_total 1",
        "scrip_ready 1",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    assert!(!figures.contains("ada"), "figures name nobody");
}

#[tokio::test]
async fn pages_may_call_only_from_listed_origins_and_only_their_studio() {
    let studio = scrip_core::id::StudioId::parse("flow-studio").unwrap();
    let cors = vec![AllowedOrigins { studio, origins: vec!["https://app.flow.example".into()] }];
    let world = World::with(Config { cors, ..Config::default() }).await;
    const ALLOWED: &str = "access-control-allow-origin";
    for (origin, secret, allowed) in [
        ("https://app.flow.example", FLOW, true),
        ("https://app.flow.example", TWIN, false),
        ("https://app.flow.example.evil", FLOW, false),
        ("null", FLOW, false),
    ] {
        let reply = world.call("GET", "/v1/accounts").secret(secret).header("origin", origin).empty().await;
        assert_eq!((reply.status, reply.header(ALLOWED)), (200, allowed.then_some(origin)), "{origin}");
    }
    let asks = |origin| {
        world.call("OPTIONS", "/v1/quotes").header("origin", origin).header("access-control-request-method", "POST")
    };
    let yes = asks("https://app.flow.example").empty().await;
    assert_eq!((yes.status, yes.header(ALLOWED)), (204, Some("https://app.flow.example")));
    assert_eq!(asks("https://evil.example").empty().await.header(ALLOWED), None);
}

#[tokio::test]
async fn a_stopped_engine_answers_that_a_retry_is_safe() {
    let world = World::new().await;
    world.account("ada", 10).await;
    world.engine.stop();
    let reply = world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
    assert_eq!((reply.status, &reply.json()["code"]), (503, &json!("unavailable")));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(world.call("GET", "/readyz").empty().await.status, 503);
    assert_eq!(world.call("GET", "/healthz").empty().await.status, 200);
    // What is in memory can still be read.
    assert_eq!(world.get("/v1/accounts/ada/balance").await.json()["available"], json!(10));
}
