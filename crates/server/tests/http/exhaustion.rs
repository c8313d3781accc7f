//! Callers who want too much: of each call of the OpenAPI document too large, too deep, too many; and connections that say
//! nothing. What they get is small and quick, and the others are served.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use scrip_server::{Config, Limits};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::document::{Operation, operations};
use crate::listening::serve;
use crate::world::{FLOW, Reply, World};

/// The calls that take a body.
async fn with_bodies(world: &World) -> Vec<Operation> {
    let mut operations = operations(world).await;
    operations.retain(|operation| operation.body["requestBody"].is_object() && operation.needs_key());
    assert!(operations.len() > 15, "{}", operations.len());
    operations
}

async fn send(world: &World, operation: &Operation, media_type: &str, body: impl Into<Body>) -> Reply {
    let call = world.call(&operation.method, &operation.address("ada")).secret(FLOW).once("key");
    call.header("content-type", media_type).send(body.into()).await
}

/// A body that says how large it is, and one that only turns out to be, are refused before more is read than the limit.
#[tokio::test]
async fn no_call_reads_more_than_its_limit() {
    let world = World::new().await;
    world.account("ada", 10).await;
    for operation in with_bodies(&world).await {
        let (limit, media_type) = match operation.path.as_str() {
            "/v1/batch" => (8 << 20, "application/x-ndjson"),
            "/v1/catalog" => (1 << 20, "application/toml"),
            _ => (64 << 10, "application/json"),
        };
        let said = send(&world, &operation, media_type, vec![b' '; limit + 1]).await;
        let piece = Bytes::from(vec![b' '; 4_096]);
        let pieces = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
        let found = send(&world, &operation, media_type, Body::from_stream(pieces)).await;
        for reply in [said, found] {
            assert_eq!((reply.status, &reply.json()["limit"]), (413, &json!(limit)), "{}", operation.name());
        }
    }
}

/// However deep a body is nested, it is refused, and nobody's stack ends: whole, and within each member that a body has.
#[tokio::test]
async fn no_body_is_too_deep_to_be_refused() {
    let world = World::new().await;
    world.account("ada", 10).await;
    let document = world.call("GET", "/openapi.json").empty().await.json();
    let arrays = format!("{}{}", "[".repeat(15_000), "]".repeat(15_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    for operation in with_bodies(&world).await {
        let (_, content) = operation.body["requestBody"]["content"].as_object().unwrap().iter().next().unwrap();
        let schema = content["schema"]["$ref"].as_str().and_then(|at| document.pointer(at.trim_start_matches('#')));
        let members = schema.and_then(|schema| schema["properties"].as_object());
        let members = members.into_iter().flatten().map(|(name, _)| name.clone());
        for deep in [&arrays, &objects] {
            let inside = members.clone().map(|name| format!("{{\"{name}\":{deep}}}"));
            for body in std::iter::once(deep.clone()).chain(inside) {
                let shown = &body[..20];
                let reply = send(&world, &operation, "application/json", body.clone()).await;
                // A batch is refused line by line.
                let (status, problem) = if operation.path == "/v1/batch" && reply.status == 200 {
                    (reply.json()["status"].as_u64().unwrap(), reply.json())
                } else {
                    (u64::from(reply.status), reply.json())
                };
                assert!((400..500).contains(&status), "{} {shown}: {problem}", operation.name());
            }
        }
    }
}

#[tokio::test]
async fn a_batch_has_an_end() {
    let world = World::new().await;
    world.account("ada", 10).await;
    let batch = async |body: String| {
        let call = world.call("POST", "/v1/batch").secret(FLOW).header("content-type", "application/x-ndjson");
        call.send(Body::from(body)).await
    };
    // The most lines that fit, each refused: the answer is no larger than what was allowed to be asked.
    let most = batch("{}\n".repeat(20_000)).await;
    assert_eq!((most.status, most.body.iter().filter(|byte| **byte == b'\n').count()), (200, 20_000));
    assert!(most.body.len() < 8 << 20, "{}", most.body.len());
    let many = batch("{}\n".repeat(20_001)).await;
    assert_eq!((many.status, &many.json()["limit"]), (413, &json!(20_000)));
    let blank = batch("\n".repeat((8 << 20) - 1)).await;
    assert_eq!((blank.status, blank.body.len()), (200, 0));
    // What is long in a line makes no answer that is longer.
    let mut long = String::new();
    for name in ["op", "key", "account", "hold", "x"] {
        writeln!(long, "{{\"{name}\":\"{}\"}}", "y".repeat(100_000)).unwrap();
    }
    let asked = long.len();
    let long = batch(long).await;
    assert!(long.status == 200 && long.body.len() < asked, "{}", long.body.len());
}

/// A page of a million rows is nobody's; the most that is documented is given.
#[tokio::test]
async fn no_page_is_larger_than_documented() {
    let world = World::new().await;
    world.account("ada", 10).await;
    let mut paged = 0;
    for operation in operations(&world).await {
        let parameters = operation.body["parameters"].as_array().cloned().unwrap_or_default();
        let Some(limit) = parameters.iter().find(|parameter| parameter["name"] == "limit") else { continue };
        paged += 1;
        let most = limit["schema"]["maximum"].as_u64().expect("a limit has a maximum");
        let ask = async |limit: &str| {
            let address = format!("{}?limit={limit}", operation.address("ada"));
            world.call("GET", &address).secret(FLOW).empty().await
        };
        assert_eq!(ask(&most.to_string()).await.status, 200, "{}", operation.name());
        for wrong in [&(most + 1).to_string(), "1000000", "18446744073709551616", "0", "-1", "1e3", "", "1&limit=2"] {
            let reply = ask(wrong).await;
            assert_eq!((reply.status, &reply.json()["field"]), (400, &json!("limit")), "{} {wrong}", operation.name());
        }
    }
    assert!(paged > 8, "{paged}");
}

/// What a caller writes into an address, a query or a header ends no line of an answer.
#[tokio::test]
async fn nothing_of_a_request_becomes_a_header() {
    let world = World::new().await;
    let inject = "x%0d%0aset-cookie:%20a=b%0d%0a%0d%0a%3Cscript%3E";
    for operation in operations(&world).await {
        let mut path = operation.path.clone();
        while let Some((start, end)) = path.find('{').zip(path.find('}')) {
            path.replace_range(start..=end, inject);
        }
        let queries = operation.body["parameters"].as_array().into_iter().flatten();
        let queries = queries.filter(|parameter| parameter["in"] == "query").map(|parameter| parameter["name"].clone());
        let queries = queries.chain([json!(inject)]);
        let addresses = queries.map(|name| format!("{path}?{}={inject}", name.as_str().unwrap()));
        for address in addresses.chain([path.clone()]) {
            // A stream of an account that there is not ends at once, too.
            let call = world.call(&operation.method, &address).secret(FLOW).once("key").header("host", "x/y\"z");
            let call = call.header("origin", "https://x\"; y").header("accept", "text/csv\";x, */*;q=0.1");
            let reply = call.header("access-control-request-method", "X").empty().await;
            let said = format!("{:?}", reply.headers);
            assert!(!said.contains("set-cookie") && !said.contains("script"), "{} {address}: {said}", operation.name());
            let kind = reply.header("content-type").unwrap_or_default().to_owned();
            let html = kind.starts_with("text/html");
            assert!(!html || !reply.text().contains("<script>"), "{} {address}: {}", operation.name(), reply.text());
        }
    }
}

/// More connections than there are places, none of which says a word, or all of it: they are let go, and who has something to say
/// is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_keep_nobody_out() {
    let wait = Duration::from_millis(200);
    let limits = Limits { connections: 100, head_wait: wait, body_wait: wait, ..Limits::default() };
    let served = serve(Config { limits, ..Config::default() }).await;
    served.world.account("ada", 10).await;
    let charge = format!(
        "POST /v1/accounts/ada/charges HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {FLOW}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\n"
    );
    let slow_body = format!("{charge}content-length: 60000\r\n\r\n{{");
    let mut idle = Vec::new();
    for place in 0..300 {
        let mut connection = served.connect().await;
        let words = ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: x\r\nx-header: ", &slow_body][place % 4];
        connection.write_all(words.as_bytes()).await.unwrap();
        idle.push(connection);
    }
    let answer =
        served.exchange(&format!("{charge}content-length: 13\r\nconnection: close\r\n\r\n{{\"credits\":1}}")).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // Every one of them is let go in the end, and the slow bodies are told.
    let (mut told, mut slow) = (0, 0);
    for (place, mut connection) in idle.into_iter().enumerate() {
        let mut answer = String::new();
        // A connection that is broken off is let go, too.
        connection.read_to_string(&mut answer).await.ok();
        slow += u32::from(place % 4 == 3);
        told += u32::from(answer.contains("request_timeout"));
    }
    assert_eq!(told, slow);
    let balance = served.world.get("/v1/accounts/ada/balance").await.json();
    assert_eq!(balance["available"], json!(9), "what came in part was not done in part");
}
