//! Fuzzing over HTTP: every call of the OpenAPI document, its address, headers and body changed; and what payment providers
//! deliver. Nothing panics, nothing is answered with a failure of the server's, every answer is as documented, and afterwards
//! the journal holds.
//!
//! `cargo xtask fuzz --target requests|webhooks` tries as many as you like. What a request finds depends on those before it: a
//! failure is found again from the first seed of its run.

use axum::body::Body;
use axum::http::Request;
use scrip_engine::store::Store;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::verify::verify;
use scrip_server::Config;
use scrip_sim::faulty::Faults;
use scrip_sim::fuzz::mutate::Material;
use scrip_sim::fuzz::{Target, Verdict, asked, corpus, fuzz};
use scrip_sim::prng::Prng;
use scrip_till::Kept;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::document::operations;
use crate::matrix::{ADA, Stage, working};
use crate::payments::{Shop, WEBHOOK};
use crate::world::{TWIN, World};

const WORDS: &[&str] = &[
    "\"credits\":",
    "\"tool\":",
    "\"measures\":",
    "\"hold\":",
    "\"reason\":",
    "\"expires_in\":",
    "\"key\":",
    "\"account\":",
    "\"op\":",
    "\"plan\":",
    "\"package\":",
    "\"class\":",
    "\"anchor\":",
    "null",
    "true",
    "{}",
    "[]",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "1e9",
    "-0",
    "0.0000001",
    "2026-02-31T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "ada",
    "bob",
    "nobody",
    "%00",
    "%ff",
    "%2f",
    "..",
    "//",
    "?",
    "&",
    "=",
    "after=",
    "limit=",
    "from=",
    "to=",
    "kind=",
    "dry_run=true",
    "c0",
    "c1",
    "cffffffffffffffff",
    "e1-1-1",
    "effffffffffffff-1-1",
    "hold_4",
    "lot_2",
    "charge_3",
    "order_5",
    "application/json",
    "text/csv",
    "application/toml",
    "; charset=utf-8",
    "gzip",
    "Bearer ",
    "\r\n",
    "\n",
    "\u{e9}",
    "*/*;q=0.5",
    "Europe/Zagreb",
    "live-action",
    "text-to-motion",
    "starter",
    "small",
    "subscription",
    "on_excess",
    "debt",
    "extend",
];

/// Values for the query parameters of the document, by name.
fn query(name: &str) -> &'static str {
    match name {
        "after" => "c5",
        "limit" => "3",
        "from" => "2026-01-31T00:00:00Z",
        "to" => "2026-02-28T00:00:00%2B01:00",
        "kind" => "charge,refund",
        "state" => "open",
        "search" => "ad",
        "by" => "tool,day",
        "charge" => "charge_3,charge_4",
        "tool" => "text-to-motion",
        "short_by" => "12.5",
        "dry_run" => "true",
        "session" => "cs_test_1",
        _ => "x",
    }
}

/// Requests, as text: a line with method and address, headers, an empty line, the body.
struct Requests {
    stage: Stage,
    runtime: Runtime,
    examples: Vec<Vec<u8>>,
}

impl Requests {
    fn new(store: MemoryStore) -> Requests {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = World::on(Box::new(store), Config::default());
        let stage = runtime.block_on(async { Stage::of(world.await).await });
        let mut examples = corpus::files("requests");
        for operation in runtime.block_on(operations(&stage.world)) {
            // An endless answer, and time that nobody gets back.
            if operation.path.ends_with("/stream") || operation.path == "/v1/test-clock" {
                continue;
            }
            let working = if operation.needs_key() { working(&operation.name()) } else { working("GET anything") };
            let mut lines = vec![format!("{} {}", operation.method, stage.address(&operation, ADA))];
            let parameters = operation.body["parameters"].as_array().cloned().unwrap_or_default();
            let names = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let pairs = names.map(|parameter| parameter["name"].as_str().unwrap());
            // A catalog that is published changes what all others find.
            let pairs: Vec<_> = pairs.map(|name| format!("{name}={}", query(name))).collect();
            if !pairs.is_empty() {
                lines[0] += &format!("?{}", pairs.join("&"));
            }
            lines.push(format!("authorization: Bearer {TWIN}"));
            lines.push(format!("idempotency-key: {}", operation.name().replace(' ', ":")));
            lines.push(format!("content-type: application/{}", if working.toml { "toml" } else { "json" }));
            lines.push("accept: */*".to_owned());
            examples.push(format!("{}\n\n{}", lines.join("\n"), working.body).into_bytes());
        }
        Requests { stage, runtime, examples }
    }
}

/// The request that a text is of, with its method and address.
fn request(input: &[u8]) -> Option<(String, String, Request<Body>)> {
    let split = input.windows(2).position(|two| two == b"\n\n").unwrap_or(input.len());
    let (head, body) = input.split_at(split);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let (method, address) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(address);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        request = request.header(name, value.trim());
    }
    let body = body.get(2..).unwrap_or_default().to_vec();
    Some((method.to_owned(), address.to_owned(), request.body(Body::from(body)).ok()?))
}

impl Target for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        let mut input = prng.pick(&self.examples).clone();
        let split = input.windows(2).position(|two| two == b"\n\n").map_or(input.len(), |at| at + 2);
        let material = Material { examples: &self.examples, words: WORDS };
        // Mostly the body, where there is one: what is wrong in the head is seen first.
        if split < input.len() && !prng.one_in(4) {
            let mut body = input.split_off(split);
            material.mutate(prng, &mut body);
            input.extend(body);
        } else {
            material.mutate(prng, &mut input);
        }
        // Without it a repeat would be all that is tried.
        let once = format!("\nidempotency-key: {}-", prng.below(1 << 20));
        let text = String::from_utf8_lossy(&input).replacen("\nidempotency-key: ", &once, 1);
        text.into_bytes()
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((method, address, request)) = request(input) else { return Ok(Verdict::Refused) };
        let path = request.uri().path();
        if path.ends_with("/stream") || path == "/v1/test-clock" {
            return Ok(Verdict::Refused);
        }
        let reply = self.runtime.block_on(self.stage.world.answer(request));
        if reply.status >= 500 {
            return Err(format!("{method} {address}: {} {}", reply.status, String::from_utf8_lossy(&reply.body)));
        }
        // The head has no body to compare.
        if method != "HEAD" && method != "OPTIONS" {
            self.stage.world.assert_documented(&method, &address, &reply);
        }
        Ok(if reply.status < 400 { Verdict::Taken } else { Verdict::Refused })
    }
}

#[test]
fn no_request_breaks_the_server() {
    let (seed, count) = asked(3_000);
    let store = MemoryStore::new();
    let target = Requests::new(store.clone());
    for example in &target.examples {
        assert!(target.run(example).is_ok(), "{}", example.escape_ascii());
    }
    match fuzz(&target, seed, count, &mut |_| ()) {
        Ok(tally) => {
            println!("requests: seeds {seed}..{}: {tally:?}", seed + count);
            assert!(tally.taken * 20 >= count, "few were valid: {tally:?}");
        }
        Err(failure) => panic!("{failure}"),
    }
    target.stage.world.engine.stop();
    let report = verify(&*store.reader(), &mut |_| ()).expect("the journal holds");
    println!("requests: {report:?}");
}

/// Deliveries of the test provider, changed and signed again.
struct Deliveries {
    shop: Shop,
    runtime: Runtime,
    /// One of them, to be signed with another body.
    kept: Kept,
    examples: Vec<Vec<u8>>,
}

impl Deliveries {
    fn new() -> Deliveries {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (shop, told) = runtime.block_on(async {
            // In memory: what is tried is the reading, not the store.
            let shop = Shop::on_faulty_store(Faults::default()).await;
            for place in 0..3 {
                let (_, session) = shop.order(&format!("buy-{place}")).await;
                shop.pay(&session);
                let payment = shop.payment(&session).await;
                if place == 0 {
                    shop.till.dispute(&payment).expect("it is paid");
                }
            }
            let told = shop.till.take_deliveries();
            for kept in &told {
                assert!(shop.send(&kept.signature, &kept.body).await.status < 300);
            }
            (shop, told)
        });
        let mut examples = corpus::files("webhooks");
        examples.extend(told.iter().map(|kept| kept.body.clone()));
        let kept = told.into_iter().next().expect("something was told");
        Deliveries { shop, runtime, kept, examples }
    }
}

impl Target for Deliveries {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        let input = Material { examples: &self.examples, words: WORDS }.mutated(prng);
        String::from_utf8_lossy(&input).into_owned().into_bytes()
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
        let signed = self.shop.till.sign_again(&Kept { body: input.to_vec(), ..self.kept.clone() });
        let reply = self.runtime.block_on(async {
            let call = self.shop.world.call("POST", WEBHOOK).header("stripe-signature", &signed.signature);
            call.raw(text).await
        });
        match reply.status {
            // It asks the provider, who never says more than the truth.
            200..300 => Ok(Verdict::Taken),
            400..500 => Ok(Verdict::Refused),
            _ => Err(format!("{} {}", reply.status, reply.text())),
        }
    }
}

#[test]
fn no_delivery_breaks_the_server() {
    let (seed, count) = asked(400);
    let target = Deliveries::new();
    let balance = || target.runtime.block_on(target.shop.available());
    let before = balance();
    match fuzz(&target, seed, count, &mut |_| ()) {
        Ok(tally) => {
            println!("webhooks: seeds {seed}..{}: {tally:?}", seed + count);
            assert!(tally.taken * 20 >= count, "few were valid: {tally:?}");
        }
        Err(failure) => panic!("{failure}"),
    }
    assert_eq!(balance(), before, "a delivery says where to look, and moves nothing of its own");
    assert_ne!(before, json!(0));
}
