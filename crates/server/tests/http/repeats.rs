//! Repeats and races: what a key promises, and what a hold promises, when everything comes at once.

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::world::{FLOW, Reply, World};

async fn send(world: &World, path: &str, key: &str, body: &str) -> Reply {
    world.call("POST", path).secret(FLOW).once(key).raw(body).await
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_byte_for_byte() {
    let world = World::new().await;
    world.account("ada", 1_000).await;
    for (place, (path, body)) in [
        ("/v1/accounts/ada/holds", "{\"credits\": 25, \"hold\": \"a\"}"),
        ("/v1/accounts/ada/holds", "{\"tool\": \"clean-plate\", \"measures\": {\"seconds\": 2.5}, \"hold\": \"b\"}"),
        ("/v1/accounts/ada/holds/a/extend", "{\"expires_in\": 7200}"),
        ("/v1/accounts/ada/holds/a/settle", "{\"credits\": 30, \"on_excess\": \"extend\"}"),
        ("/v1/accounts/ada/holds/b/release", "{\"reason\": \"cancelled\"}"),
        ("/v1/accounts/ada/charges", "{\"credits\": 4.5}"),
        ("/v1/accounts/ada/charges/charge_8/refunds", "{\"credits\": 1, \"reason\": \"x\"}"),
        ("/v1/accounts/ada/grants", "{\"credits\": 7, \"class\": \"promo\", \"reason\": \"x\"}"),
        ("/v1/accounts/ada/lots/lot_17/revoke", "{\"reason\": \"x\"}"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{place}");
        let first = send(&world, path, &key, body).await;
        assert!((200..300).contains(&first.status), "{path}: {}", first.text());
        assert_eq!(first.header("idempotency-replayed"), None);
        // Much happens in between, and the clock moves on.
        world.post("/v1/accounts/ada/charges", json!({"credits": 1})).await;
        let again = send(&world, path, &key, body).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!((again.status, again.text()), (first.status, first.text()), "{path}");
    }
}

#[tokio::test]
async fn the_content_is_what_was_asked_not_how_it_was_spelt() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let path = "/v1/accounts/ada/charges";
    let first = send(&world, path, "k", "{\"credits\": 25, \"reference\": \"a\"}").await;
    let again = send(&world, path, "k", " {\"reference\":\"\\u0061\",\n\"credits\":2.50e1}").await;
    assert_eq!((again.text(), again.header("idempotency-replayed")), (first.text(), Some("true")));
    for (path, body) in [
        (path, "{\"credits\": 26, \"reference\": \"a\"}"),
        ("/v1/accounts/ada/holds", "{\"credits\": 25, \"reference\": \"a\"}"),
    ] {
        let other = send(&world, path, "k", body).await;
        assert_eq!((other.status, &other.json()["code"]), (422, &json!("idempotency_key_reused")), "{body}");
    }
    // Another account's keys are its own.
    world.account("bo", 100).await;
    assert_eq!(send(&world, "/v1/accounts/bo/charges", "k", "{\"credits\": 1}").await.status, 201);
}

#[tokio::test]
async fn a_refusal_binds_nothing() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let path = "/v1/accounts/ada/charges";
    assert_eq!(send(&world, path, "k", "{\"credits\": 5}").await.status, 402);
    world.post("/v1/accounts/ada/grants", json!({"credits": 5, "class": "promo", "reason": "x"})).await;
    let accepted = send(&world, path, "k", "{\"credits\": 5}").await;
    assert_eq!((accepted.status, accepted.header("idempotency-replayed")), (201, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_sent_fifty_times_at_once_charges_once() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let sent = (0..50).map(|_| send(&world, "/v1/accounts/ada/charges", "same", "{\"credits\": 7}"));
    let replies = join_all(sent).await;
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == replies[0].body));
    assert_eq!(replies.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count(), 1);
    assert_eq!(world.get("/v1/accounts/ada/balance").await.json()["available"], json!(93));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_holds_of_75_on_500_credits_six_succeed() {
    let world = World::new().await;
    world.account("ada", 500).await;
    let world = &world;
    let sent = (0..20)
        .map(|n| async move { send(world, "/v1/accounts/ada/holds", &format!("k{n}"), "{\"credits\": 75}").await });
    let replies = join_all(sent).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 6);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        let body = refused.json();
        let shortage =
            ["code", "required", "available", "short_by", "packages", "resets_at"].map(|name| body[name].clone());
        let expected = [json!("insufficient_credits"), json!(75), json!(50), json!(25), json!([]), Value::Null];
        assert_eq!((refused.status, shortage), (402, expected));
    }
    let balance = world.get("/v1/accounts/ada/balance").await.json();
    assert_eq!(
        (&balance["remaining"], &balance["held"], &balance["available"]),
        (&json!(500), &json!(450), &json!(50))
    );
}

/// A caller that hangs up once its command was taken loses nothing: its key tells.
#[tokio::test]
async fn a_caller_that_hangs_up_loses_nothing() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let path = "/v1/accounts/ada/charges";
    // Polled once, which hands the command to the engine, and dropped, answered or not.
    drop(send(&world, path, "k", "{\"credits\": 5}").now_or_never());
    let again = send(&world, path, "k", "{\"credits\": 5}").await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(world.get("/v1/accounts/ada/balance").await.json()["available"], json!(95));
}
