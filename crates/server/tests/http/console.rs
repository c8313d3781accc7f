//! Signing in to the console: what a session stands for, when it ends, and how often it may be tried.

use axum::extract::ConnectInfo;
use axum::http::Request;
use http_body_util::BodyExt;
use scrip_engine::store::{KeyDocument, Role};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::keys;
use crate::world::{FLOW, World};

/// Signs in from an address; answers the status and the body.
pub(crate) async fn sign_in(world: &World, secret: &str, address: &str) -> (u16, Value) {
    let request = Request::post("/v1/console-sessions").header("authorization", format!("Bearer {secret}"));
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    let peer: std::net::SocketAddr = format!("{address}:4000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = world.routes.clone().oneshot(request).await.unwrap();
    let (status, body) = (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes());
    (status, serde_json::from_slice(&body).unwrap())
}

async fn token(world: &World, secret: &str) -> String {
    let (status, body) = sign_in(world, secret, "192.0.2.7").await;
    assert_eq!(status, 201, "{body}");
    body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_may_do_what_its_key_may_and_is_recorded_as_it() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let support = keys::make(&world, "support", Role::Support, false).await;
    let session = token(&world, &support).await;
    let visit = world.call("GET", "/v1/console-session").secret(&session).empty().await.json();
    assert_eq!((&visit["studio"], &visit["role"]), (&json!("Flow Studio"), &json!("support")));
    assert!(visit["calls"].as_array().unwrap().contains(&json!("POST /v1/accounts/{account}/grants")));
    // What was done to several accounts at one instant has no order of its own.
    world.at("2026-01-31T10:00:01Z").await;
    let grant = async |class: &str| {
        let body = json!({"credits": 5, "class": class, "reason": "a black frame"});
        world.call("POST", "/v1/accounts/ada/grants").secret(&session).once(class).json(body).await.status
    };
    assert_eq!((grant("make_good").await, grant("promo").await), (201, 403));
    let again = world.call("POST", "/v1/console-sessions").secret(&session).empty().await;
    assert_eq!(again.status, 403, "a session opens no other");
    let acts = world.get("/v1/audit").await.json()["acts"].clone();
    let shown: Vec<_> = acts.as_array().unwrap().iter().map(|act| (act["act"].clone(), act["by"].clone())).collect();
    // Of different accounts at one instant, either may be first.
    for act in ["grant", "signed_in"] {
        assert!(shown[..2].contains(&(json!(act), visit["by"].clone())), "{act}: {shown:?}");
    }
    // Keys that run jobs are no person's.
    let jobs = keys::make(&world, "jobs", Role::Jobs, false).await;
    assert_eq!(sign_in(&world, &jobs, "192.0.2.7").await.0, 403);
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_with_its_key() {
    let world = World::new().await;
    let secret = keys::make(&world, "finance", Role::Finance, false).await;
    let session = token(&world, &secret).await;
    let status = async |session: &str| world.call("GET", "/v1/accounts").secret(session).empty().await.status;
    world.at("2026-01-31T11:59:59Z").await;
    assert_eq!(status(&session).await, 200);
    world.at("2026-01-31T12:00:00Z").await;
    assert_eq!(status(&session).await, 401);
    let session = token(&world, &secret).await;
    assert_eq!(status(&session).await, 200);
    let stored = world.engine.keys().iter().find(|key| &*key.id == "finance").unwrap().clone();
    world.engine.put_key(KeyDocument { revoked_at: Some(stored.created_at), ..stored }).await.unwrap();
    assert_eq!(status(&session).await, 401);
    let admin = token(&world, FLOW).await;
    assert_eq!(status(&admin).await, 200);
    world.engine.renew_token_secret(scrip_core::id::StudioNumber(1)).await.unwrap();
    assert_eq!(status(&admin).await, 401, "renewing tokens ends sessions too");
}

#[tokio::test]
async fn wrong_keys_are_counted_by_address() {
    let world = World::new().await;
    for _ in 0..10 {
        assert_eq!(sign_in(&world, "sk_wrong", "192.0.2.1").await.0, 401);
    }
    for secret in ["sk_wrong", FLOW] {
        let (status, body) = sign_in(&world, secret, "192.0.2.1").await;
        assert_eq!((status, &body["code"], &body["retry_after"]), (429, &json!("rate_limited"), &json!(900)));
    }
    assert_eq!(sign_in(&world, FLOW, "192.0.2.2").await.0, 201, "another address");
    world.at("2026-01-31T10:14:59Z").await;
    assert_eq!(sign_in(&world, FLOW, "192.0.2.1").await.0, 429);
    world.at("2026-01-31T10:15:00Z").await;
    assert_eq!(sign_in(&world, FLOW, "192.0.2.1").await.0, 201);
}

/// Behind a proxy all share an address: whoever is wrong there keeps nobody out whose key cannot be guessed.
#[tokio::test]
async fn a_key_that_cannot_be_guessed_is_looked_at_though_its_address_waits() {
    let world = World::new().await;
    let mut unknown = keys::make(&world, "finance", Role::Finance, false).await;
    let known = unknown.clone();
    unknown.replace_range(3..7, if known[3..7] == *"0000" { "1111" } else { "0000" });
    let revoked = keys::make(&world, "revoked", Role::Finance, true).await;
    for _ in 0..10 {
        assert_eq!(sign_in(&world, "sk_wrong", "192.0.2.1").await.0, 401);
    }
    for (secret, status) in [(known.as_str(), 201), (FLOW, 429), (&unknown, 401), (&revoked, 401), ("sk_wrong", 429)] {
        assert_eq!(sign_in(&world, secret, "192.0.2.1").await.0, status, "{secret}");
    }
}

/// Whoever is at work in the console opens a customer's pages to look at them; a studio's own pages let the customer in.
#[tokio::test]
async fn what_operators_open_of_a_customers_only_reads_and_is_recorded() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let support = keys::make(&world, "support", Role::Support, false).await;
    let admin = keys::make(&world, "admin", Role::Admin, false).await;
    let session = token(&world, &admin).await;
    for (opener, whole) in [(&support, false), (&session, false), (&admin, true)] {
        let opened = world.call("POST", "/v1/accounts/ada/portal-sessions").secret(opener).header("host", "x");
        let opened = opened.json(json!({})).await.json()["token"].as_str().unwrap().to_owned();
        for (method, path, body, reads) in [
            ("GET", "/v1/accounts/ada/balance", Value::Null, true),
            ("POST", "/v1/quotes", json!({"account": "ada", "tool": "live-action", "measures": {"seconds": 1}}), true),
            ("POST", "/v1/accounts/ada/subscription/preview", json!({"plan": "lite"}), true),
            ("PUT", "/v1/accounts/ada", json!({"name": "Eve"}), false),
            ("POST", "/v1/accounts/ada/orders", json!({"plan": "lite"}), false),
            ("PUT", "/v1/accounts/ada/automatic-top-up", json!({"package": "x", "below": 1}), false),
            ("DELETE", "/v1/accounts/ada/subscription", Value::Null, false),
        ] {
            let call = world.call(method, path).secret(&opened).once("k");
            let reply = if body.is_null() { call.empty().await } else { call.json(body).await };
            assert_eq!(reply.status != 403, whole || reads, "{whole} {method} {path}: {}", reply.text());
        }
    }
    let acts = world.get("/v1/audit").await.json()["acts"].clone();
    let opened = acts.as_array().unwrap().iter().filter(|act| act["act"] == "portal_opened").count();
    assert_eq!(opened, 2);
}

/// What is opened by hand lasts for a quarter of an hour, and no longer than the session of who opened it; what a studio's own
/// program opens as long as was asked.
#[tokio::test]
async fn a_look_at_a_customers_pages_ends_with_who_opened_it() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let support = keys::make(&world, "support", Role::Support, false).await;
    let admin = keys::make(&world, "admin", Role::Admin, false).await;
    let session = token(&world, &admin).await;
    let until = async |opener: &str, body: Value| {
        let call = world.call("POST", "/v1/accounts/ada/portal-sessions").secret(opener).header("host", "x");
        call.json(body).await.json()["expires_at"].clone()
    };
    for (opener, body, ends) in [
        (&admin, json!({}), "2026-01-31T11:00:00Z"),
        (&admin, json!({"expires_in": 86_400}), "2026-02-01T10:00:00Z"),
        (&support, json!({}), "2026-01-31T10:15:00Z"),
        (&support, json!({"expires_in": 86_400}), "2026-01-31T10:15:00Z"),
        (&support, json!({"expires_in": 60}), "2026-01-31T10:01:00Z"),
        (&session, json!({"expires_in": 86_400}), "2026-01-31T10:15:00Z"),
    ] {
        assert_eq!(until(opener, body.clone()).await, json!(ends), "{body}");
    }
    world.at("2026-01-31T11:50:00Z").await;
    assert_eq!(until(&session, json!({})).await, json!("2026-01-31T12:00:00Z"), "the session's own end");
    assert_eq!(until(&support, json!({})).await, json!("2026-01-31T12:05:00Z"));
}

/// What was checked is published where it goes on from what it was compared with.
#[tokio::test]
async fn a_publication_does_not_overtake_another_unseen() {
    let world = World::new().await;
    let source = std::fs::read_to_string("../../catalogs/flow-studio.toml").unwrap();
    let with = |allowance: &str| source.replace("allowance = 3_000", &format!("allowance = {allowance}"));
    let publish = async |query: &str, text: String| {
        let call = world.call("POST", &format!("/v1/catalog{query}")).secret(FLOW);
        call.header("content-type", "application/toml").send(axum::body::Body::from(text)).await
    };
    assert_eq!(publish("?after=0", with("3_100")).await.json()["code"], json!("catalog_overtaken"));
    assert_eq!(publish("?after=1", with("3_200")).await.status, 201);
    for query in ["?after=1", "?after=1&dry_run=true"] {
        let refused = publish(query, with("3_300")).await;
        let body = refused.json();
        assert_eq!((refused.status, &body["code"]), (409, &json!("catalog_overtaken")), "{query}");
        assert_eq!(body["catalog_version"], json!(2));
    }
    // What was a version is left alone, and trying it says so.
    let tried = publish("?dry_run=true", source.clone()).await.json();
    assert_eq!((&tried["catalog_version"], &tried["changes"]), (&json!(1), &json!([])));
    assert_eq!(publish("?after=1", source.clone()).await.status, 200);
    assert_eq!(publish("?after=2", with("3_300")).await.status, 201);
}

/// A change of plan may be made to hang on what was looked at: what was done meanwhile, by anybody, is not taken back unseen.
#[tokio::test]
async fn a_plan_is_changed_and_cancelled_as_it_was_looked_at() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let path = "/v1/accounts/ada/subscription";
    let preview = async |plan: &str| world.post(&format!("{path}/preview"), json!({"plan": plan})).await.json();
    let put = async |plan: &str, mark: &Value| world.put(path, json!({"plan": plan, "mark": mark})).await;
    let cancel = async |query: &str| world.call("DELETE", &format!("{path}{query}")).secret(FLOW).empty().await;
    let cancelling = async || world.post(&format!("{path}/preview"), json!({"cancel": true})).await.json();
    assert_eq!(cancelling().await["code"], json!("subscription_not_found"));
    for wrong in [json!({}), json!({"cancel": false}), json!({"plan": "lite", "cancel": true})] {
        assert_eq!(world.post(&format!("{path}/preview"), wrong).await.json()["field"], json!("plan"));
    }
    let first = preview("lite").await;
    assert_eq!(first["mark"], preview("pro").await["mark"], "of what stands, not of what is asked");
    assert_eq!(put("lite", &first["mark"]).await.status, 201);
    // Sent again, or by who looked before.
    let again = put("pro", &first["mark"]).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("subscription_overtaken")));
    let tried = cancelling().await;
    let ends = world.get(path).await.json()["term"]["end"].clone();
    assert_eq!((&tried["effective_at"], &tried["subscription"]["ends_at"]), (&ends, &ends));
    assert_eq!((&tried["grants"], &tried["balance"]["remaining"]), (&json!(0), &json!(3_000)));
    assert_eq!(world.get(path).await.json().get("ends_at"), None, "nothing was done");
    let mark = tried["mark"].as_str().unwrap();
    // What a job does is none of the plan's.
    world.post("/v1/accounts/ada/charges", json!({"credits": 30})).await;
    assert_eq!(cancel(&format!("?mark={mark}&reason=asked")).await.json()["ends_at"], ends);
    assert_eq!(cancel(&format!("?mark={mark}")).await.json()["code"], json!("subscription_overtaken"));
    assert_eq!(cancel("").await.status, 200, "who hangs it on nothing may repeat it");
    // Kept after all, as it was looked at; a refill is another state of things.
    let kept = preview("lite").await;
    world.at("2026-02-28T10:00:01Z").await;
    assert_eq!(put("lite", &kept["mark"]).await.json()["code"], json!("subscription_overtaken"));
    for wrong in ["", "x", "0"] {
        assert_eq!(put("lite", &json!(wrong)).await.json()["field"], json!("mark"), "{wrong}");
    }
}

/// An order of a plan, too: its price and what it buys are as they were looked at.
#[tokio::test]
async fn a_plan_is_ordered_as_it_was_looked_at() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let (path, orders) = ("/v1/accounts/ada/subscription", "/v1/accounts/ada/orders");
    let order = async |key: &str, body: Value| world.call("POST", orders).secret(FLOW).once(key).json(body).await;
    let mark = world.post(&format!("{path}/preview"), json!({"plan": "lite"})).await.json()["mark"].clone();
    let placed = order("first", json!({"plan": "lite", "mark": mark})).await;
    assert_eq!(placed.status, 201, "{}", placed.text());
    world.put(path, json!({"plan": "lite"})).await;
    let refused = order("second", json!({"plan": "pro", "mark": mark})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("subscription_overtaken")));
    let again = order("first", json!({"plan": "lite", "mark": mark})).await;
    assert_eq!(
        (again.status, &again.json()["order"]),
        (201, &placed.json()["order"]),
        "a repeat is answered as it was"
    );
    for wrong in [json!({"plan": "pro", "mark": "x"}), json!({"package": "small", "mark": mark})] {
        assert_eq!(order("third", wrong).await.json()["field"], json!("mark"));
    }
    // Who hangs it on nothing may order what may be ordered.
    assert_eq!(order("fourth", json!({"plan": "pro"})).await.status, 201);
    // While nothing is refilled, terms pass without an entry, and the day that was looked at with them.
    world.put(path, json!({"state": "paused"})).await;
    let mark = world.post(&format!("{path}/preview"), json!({"cancel": true})).await.json()["mark"].clone();
    world.at("2026-02-28T10:00:01Z").await;
    let query = format!("{path}?mark={}", mark.as_str().unwrap());
    let cancelled = world.call("DELETE", &query).secret(FLOW).empty().await;
    assert_eq!(cancelled.json()["code"], json!("subscription_overtaken"));
}

/// Before its first cycle, a plan that is cancelled ends at once, and is answered as it was.
#[tokio::test]
async fn a_plan_that_has_not_begun_ends_at_once() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let path = "/v1/accounts/ada/subscription";
    world.put(path, json!({"plan": "lite", "anchor": "2026-03-01T00:00:00Z"})).await;
    let tried = world.post(&format!("{path}/preview"), json!({"cancel": true})).await.json();
    assert_eq!(tried["subscription"]["ends_at"], tried["effective_at"]);
    let ended = world.call("DELETE", path).secret(FLOW).empty().await;
    assert_eq!((ended.status, &ended.json()["ends_at"]), (200, &tried["effective_at"]), "{}", ended.text());
    assert_eq!(world.get(path).await.status, 404);
}

/// The totals are those of the accounts and of their histories, added up.
#[tokio::test]
async fn totals_are_what_accounts_have_and_books_what_moved() {
    let world = World::new().await;
    world.account("ada", 100).await;
    world.put("/v1/accounts/bob", json!({})).await;
    world.put("/v1/accounts/bob/subscription", json!({"plan": "lite"})).await;
    world.post("/v1/accounts/ada/charges", json!({"credits": 30})).await;
    world.post("/v1/accounts/bob/holds", json!({"credits": 40, "hold": "job"})).await;
    let totals = world.get("/v1/totals").await.json();
    let mut sums = [0, 0];
    for id in ["ada", "bob"] {
        let balance = world.get(&format!("/v1/accounts/{id}/balance")).await.json();
        sums[0] += balance["remaining"].as_i64().unwrap();
        sums[1] += balance["held"].as_i64().unwrap();
    }
    assert_eq!((totals["remaining"].as_i64(), totals["held"].as_i64()), (Some(sums[0]), Some(sums[1])));
    assert_eq!(
        (&totals["accounts"], &totals["paid"]["credits"], &totals["debt"]),
        (&json!(2), &json!(3_070), &json!(0))
    );
    assert_eq!((&totals["books"]["granted"], &totals["books"]["spent"]), (&json!(3_100), &json!(30)));
    let usage = world.get("/v1/usage").await.json();
    assert_eq!(usage["total"]["charged"], totals["books"]["spent"]);
    // A turn later bob's first cycle has expired, written or not (R16).
    world.post("/v1/accounts/bob/holds/job/release", json!({})).await;
    world.at("2026-02-28T10:00:00Z").await;
    let later = world.get("/v1/totals").await.json();
    assert_eq!(later["remaining"], json!(70 + 3_000));
}

/// Who adds accounts up page by page goes on after one that is erased meanwhile.
#[tokio::test]
async fn accounts_go_on_after_one_that_is_gone() {
    let world = World::new().await;
    world.account("ada", 1).await;
    world.account("bob", 2).await;
    let studio = scrip_core::id::StudioNumber(1);
    let first = world.engine.accounts_by_number(studio, None, None, 1).unwrap();
    let command = scrip_core::command::Command::EraseAccount { reason: None };
    let request = scrip_engine::engine::Request { studio, account: first[0].id.clone(), key: None, command };
    world.engine.submit(request).await.unwrap();
    let rest = world.engine.accounts_by_number(studio, None, Some(first[0].number), 10).unwrap();
    assert!(rest.iter().any(|account| account.id.as_str() == "bob"), "{rest:?}");
}

/// A trial answers what the act then answers, and leaves no trace: not an entry, not a bound key.
#[tokio::test]
async fn an_act_that_is_tried_does_nothing_and_tells_what_it_would_do() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let charge = |body: Value| world.post("/v1/accounts/ada/charges", body);
    charge(json!({"credits": 30})).await;
    let lot = json!({"credits": 20, "class": "promo", "reason": "x", "expires_at": "2026-01-31T20:00:00Z"});
    world.post("/v1/accounts/ada/grants", lot).await;
    charge(json!({"credits": 20})).await;
    world.post("/v1/accounts/ada/holds", json!({"credits": 10, "hold": "job", "expires_in": 80_000})).await;
    world.post("/v1/accounts/ada/orders", json!({"plan": "lite"})).await;
    // The promo lot that paid the second charge has expired, and nobody has touched the account since (R16).
    world.at("2026-01-31T21:00:00Z").await;
    let kinds = ["charge_3", "charge_5", "hold_6", "order_7"];
    let ids = world.get("/v1/accounts/ada/entries?limit=100").await.text();
    assert!(kinds.iter().all(|id| ids.contains(id)), "{ids}");
    for (path, body) in [
        ("grants", json!({"credits": 5, "class": "promo", "reason": "x"})),
        ("charges/charge_3/refunds", json!({"credits": 10, "reason": "x"})),
        ("charges/charge_3/refunds", json!({"reason": "the rest"})),
        ("charges/charge_5/refunds", json!({"reason": "x"})),
        ("lots/lot_2/revoke", json!({"credits": 1, "reason": "x"})),
        ("holds/job/release", json!({"reason": "x"})),
        ("debt/write-off", json!({"reason": "x"})),
        ("orders/order_7/mark-paid", json!({"reference": "invoice 7"})),
    ] {
        let path = format!("/v1/accounts/ada/{path}");
        let before = (world.get("/v1/entries").await, world.get("/v1/accounts/ada/balance").await);
        let call =
            |query: &str| world.call("POST", &format!("{path}{query}")).secret(FLOW).once(&path).json(body.clone());
        let tried = call("?dry_run=true").await;
        assert_eq!((world.get("/v1/entries").await, world.get("/v1/accounts/ada/balance").await), before, "{path}");
        let once = format!("{path} {body}").replace(|letter: char| !letter.is_ascii_graphic(), "-");
        let done =
            world.call("POST", &format!("{path}?dry_run=false")).secret(FLOW).once(&once).json(body.clone()).await;
        assert_eq!((tried.status, tried.json()), (done.status, done.json()), "{path} {body}");
        assert!(tried.status < 300, "{path}: {}", tried.text());
    }
    for (path, body, code) in [
        ("charges/charge_3/refunds", json!({"credits": 1, "reason": "x"}), "refund_exceeds_charge"),
        ("charges/charge_9/refunds", json!({"reason": "x"}), "charge_not_found"),
        ("holds/job/release", json!({"reason": "x"}), "hold_not_open"),
        ("orders/order_7/mark-paid", json!({"reference": "again"}), "order_not_pending"),
        ("grants", json!({"credits": 0, "class": "promo", "reason": "x"}), "invalid_request"),
    ] {
        let tried = world.post(&format!("/v1/accounts/ada/{path}?dry_run=true"), body).await;
        assert_eq!(tried.json()["code"], code, "{path}: {}", tried.text());
    }
    let wrong = world
        .post("/v1/accounts/ada/grants?dry_run=perhaps", json!({"credits": 1, "class": "promo", "reason": "x"}))
        .await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("dry_run")));
}

#[tokio::test]
async fn keys_are_listed_made_and_revoked() {
    let world = World::new().await;
    let made = world.call("POST", "/v1/keys").secret(FLOW).json(json!({"role": "support"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let (key, secret) = (made.json()["key"].clone(), made.json()["secret"].as_str().unwrap().to_owned());
    let listed = world.get("/v1/keys").await.json();
    let rows = listed["keys"].as_array().unwrap();
    assert_eq!((&rows[0]["key"], &rows[0]["role"]), (&key, &json!("support")));
    assert!(secret.ends_with(rows[0]["hint"].as_str().unwrap()) && !listed.to_string().contains(&secret), "{listed}");
    // The one that is set from outside has no beginning here.
    assert_eq!((&rows[1]["role"], &rows[1]["created_at"]), (&json!("admin"), &Value::Null));
    assert_eq!(rows.len(), 2, "no other studio's: {listed}");
    let status = async |secret: &str| world.call("GET", "/v1/accounts").secret(secret).empty().await.status;
    assert_eq!(status(&secret).await, 200);
    let session = token(&world, FLOW).await;
    let by_session = world.call("POST", "/v1/keys").secret(&session).json(json!({"role": "read"})).await;
    assert_eq!(by_session.status, 403, "a session makes nothing that outlives it");
    let path = format!("/v1/keys/{}", key.as_str().unwrap());
    assert_eq!(world.call("DELETE", &path).secret(crate::world::TWIN).empty().await.status, 404, "another studio's");
    let revoked = world.call("DELETE", &path).secret(&session).empty().await;
    assert_eq!((revoked.status, status(&secret).await), (200, 401));
    let again = world.call("DELETE", &path).secret(FLOW).empty().await;
    assert_eq!(again.json(), revoked.json(), "revoked once");
    let wrong = world.call("POST", "/v1/keys").secret(FLOW).json(json!({"role": "boss"})).await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("role")));
    let acts = world.get("/v1/audit").await.json()["acts"].clone();
    let of_key: Vec<_> = acts.as_array().unwrap().iter().filter(|act| act["reference"] == key).collect();
    assert_eq!(of_key.iter().map(|act| &act["act"]).collect::<Vec<_>>(), ["key_revoked", "key_created"]);
}

#[tokio::test]
async fn orders_are_listed_over_the_studio_as_they_stand() {
    let world = World::new().await;
    for id in ["ada", "bob"] {
        world.account(id, 0).await;
        let placed = world.post(&format!("/v1/accounts/{id}/orders"), json!({"plan": "lite"})).await;
        assert_eq!(placed.status, 201, "{}", placed.text());
    }
    let paid = world.post("/v1/accounts/ada/orders/order_2/mark-paid", json!({"reference": "invoice 7"})).await;
    assert_eq!(paid.status, 200, "{}", paid.text());
    let listed = async |query: &str| {
        let orders = world.get(&format!("/v1/orders{query}")).await.json()["orders"].clone();
        let row =
            |order: &Value| format!("{} {}", order["account"].as_str().unwrap(), order["state"].as_str().unwrap());
        orders.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, ["bob pending", "ada paid"]);
    assert_eq!(listed("?state=paid").await, ["ada paid"]);
    let first = world.get("/v1/orders?limit=1").await.json();
    assert_eq!(first["orders"][0]["account"], "bob");
    assert_eq!(listed(&format!("?limit=1&after={}", first["next"].as_str().unwrap())).await, ["ada paid"]);
    world.at("2026-02-02T10:00:00Z").await;
    assert_eq!(listed("").await, ["bob expired", "ada paid"], "written or not");
    let own = world.get("/v1/accounts/ada/orders").await.json()["orders"][0].clone();
    assert_eq!(world.get("/v1/orders?state=paid").await.json()["orders"][0], own);
}

#[tokio::test]
async fn why_a_plan_was_changed_stands_beside_it() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let path = "/v1/accounts/ada/subscription";
    let put = world.put(path, json!({"plan": "lite", "reason": "agreed at the fair"})).await;
    assert_eq!(put.status, 201, "{}", put.text());
    let act = world.get("/v1/audit").await.json()["acts"][0].clone();
    assert_eq!((&act["act"], &act["reason"]), (&json!("plan_change"), &json!("agreed at the fair")));
    let entries = world.get("/v1/accounts/ada/entries?kind=plan_change").await.json();
    assert_eq!(entries["entries"][0]["reason"], "agreed at the fair");
    // Why is no part of what is put: what stands already is left alone.
    let before = world.get("/v1/entries").await;
    assert_eq!(world.put(path, json!({"plan": "lite", "reason": "again"})).await.status, 200);
    assert_eq!(world.get("/v1/entries").await, before);
    let session = world.post("/v1/accounts/ada/portal-sessions", json!({})).await.json();
    let customer = session["token"].as_str().unwrap();
    let asked = world.call("PUT", path).secret(customer).json(json!({"plan": "lite", "reason": "I like it"})).await;
    assert_eq!((asked.status, &asked.json()["code"]), (403, &json!("forbidden")));
}

#[tokio::test]
async fn health_is_the_engines_own() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let health = world.get("/v1/health").await.json();
    let vitals = world.engine.vitals();
    assert_eq!((&health["ready"], &health["trouble"]), (&json!(true), &Value::Null));
    assert_eq!(health["entries"], json!(vitals.entries));
    assert_eq!(health["accepted"], json!(vitals.accepted));
    world.engine.stop();
    let stopped = world.get("/v1/health").await.json();
    assert_eq!(stopped["ready"], json!(false));
    assert!(stopped["trouble"].is_string(), "{stopped}");
}
