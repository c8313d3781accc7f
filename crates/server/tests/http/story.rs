//! Conversations, each recorded whole: what a studio sends and what it gets.

use serde_json::{Value, json};

use crate::world::{FLOW, Reply, World};

/// A conversation as text.
struct Conversation<'a> {
    world: &'a World,
    text: String,
}

impl Conversation<'_> {
    /// Sends a request; `request` is its method and address.
    async fn say(&mut self, request: &str, body: Value) -> Reply {
        let (method, path) = request.split_once(' ').unwrap();
        let reply = match (method, body.is_null()) {
            ("PUT", _) => self.world.put(path, body.clone()).await,
            ("POST", _) => self.world.post(path, body.clone()).await,
            (_, true) => self.world.call(method, path).secret(FLOW).empty().await,
            (_, false) => panic!("{method} has no body"),
        };
        self.record(request, &if body.is_null() { String::new() } else { body.to_string() }, &reply);
        reply
    }

    fn record(&mut self, request: &str, body: &str, reply: &Reply) {
        let answer = match reply.header("content-type") {
            Some("application/json" | "application/problem+json") => {
                serde_json::to_string_pretty(&reply.json()).unwrap()
            }
            _ => reply.text(),
        };
        let replayed = reply.header("idempotency-replayed").map_or("", |_| " (replayed)");
        self.text.push_str(&format!("> {request} {body}\n< {}{replayed}\n{answer}\n\n", reply.status));
    }
}

fn begin(world: &World) -> Conversation<'_> {
    Conversation { world, text: String::new() }
}

#[tokio::test]
async fn a_job_from_quote_to_history() {
    let world = World::new().await;
    let mut talk = begin(&world);
    let ada = json!({"name": "Ada", "time_zone": "America/Los_Angeles", "project_types": ["live-action", "ai-mocap"]});
    talk.say("PUT /v1/accounts/ada", ada).await;
    talk.say("PUT /v1/accounts/ada", json!({"name": "Ada L."})).await;
    talk.say("PUT /v1/accounts/ada/subscription", json!({"plan": "lite"})).await;
    talk.say("GET /v1/accounts/ada/balance", Value::Null).await;
    let job = json!({"tool": "live-action", "measures": {"seconds": 10.4}});
    let quote = json!({"tool": "live-action", "measures": {"seconds": 10.4}, "account": "ada"});
    talk.say("POST /v1/quotes", quote).await;
    talk.say("POST /v1/quotes", job).await;
    let hold = json!({"tool": "live-action", "measures": {"seconds": 10.4}, "hold": "job-7", "reference": "shot 12",
        "member": "bo", "catalog_version": 1, "credits_expected": 220});
    talk.say("POST /v1/accounts/ada/holds", hold).await;
    talk.say("GET /v1/accounts/ada/holds/job-7", Value::Null).await;
    world.at("2026-01-31T10:30:00Z").await;
    talk.say("POST /v1/accounts/ada/holds/job-7/extend", json!({"expires_in": 7200})).await;
    talk.say("POST /v1/accounts/ada/holds/job-7/settle", json!({"measures": {"seconds": 9}})).await;
    talk.say("POST /v1/accounts/ada/charges/charge_7/refunds", json!({"credits": 4.5, "reason": "artefacts"})).await;
    talk.say("POST /v1/accounts/ada/holds", json!({"tool": "ai-mocap", "measures": {"seconds": 5}})).await;
    talk.say("POST /v1/accounts/ada/holds/hold_9/release", json!({"reason": "moderated"})).await;
    talk.say("POST /v1/accounts/ada/charges", json!({"credits": 0.5, "reference": "export"})).await;
    talk.say("GET /v1/accounts/ada/entries", Value::Null).await;
    talk.say("GET /v1/accounts/ada/usage?by=tool,day", Value::Null).await;
    talk.say("GET /v1/accounts/ada/balance?tool=live-action", Value::Null).await;
    insta::assert_snapshot!(talk.text);
}

#[tokio::test]
async fn plans_are_previewed_changed_and_cancelled() {
    let world = World::new().await;
    let mut talk = begin(&world);
    world.account("bo", 0).await;
    talk.say("GET /v1/accounts/bo/subscription", Value::Null).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"plan": "lite", "anchor": "2026-01-31T00:00:00Z"})).await;
    talk.say("POST /v1/accounts/bo/subscription/preview", json!({"plan": "pro"})).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"plan": "pro"})).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"plan": "lite"})).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"anchor": "2026-01-30T00:00:00Z"})).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"state": "paused"})).await;
    talk.say("PUT /v1/accounts/bo/subscription", json!({"state": "active"})).await;
    talk.say("DELETE /v1/accounts/bo/subscription", Value::Null).await;
    world.at("2026-03-01T00:00:00Z").await;
    talk.say("GET /v1/accounts/bo/subscription", Value::Null).await;
    // What is due and not yet written is shown all the same.
    talk.say("GET /v1/accounts/bo/entries?limit=2", Value::Null).await;
    insta::assert_snapshot!(talk.text);
}

#[tokio::test]
async fn operators_give_take_back_and_forgive() {
    let world = World::new().await;
    let mut talk = begin(&world);
    world.account("cy", 0).await;
    let promo = json!({"credits": 100, "class": "promo", "expires_at": "2026-03-01T00:00:00Z", "reason": "welcome"});
    talk.say("POST /v1/accounts/cy/grants", promo).await;
    talk.say("POST /v1/accounts/cy/lots/lot_2/revoke", json!({"credits": 30, "reason": "mistake"})).await;
    talk.say("POST /v1/accounts/cy/holds", json!({"credits": 70, "hold": "big"})).await;
    let more = json!({"credits": 100, "on_excess": "debt"});
    talk.say("POST /v1/accounts/cy/holds/big/settle", more).await;
    talk.say("POST /v1/accounts/cy/charges", json!({"credits": 1})).await;
    talk.say("GET /v1/accounts/cy/balance?tool=clean-plate", Value::Null).await;
    talk.say("POST /v1/accounts/cy/debt/write-off", json!({"credits": 10, "reason": "goodwill"})).await;
    talk.say("POST /v1/accounts/cy/debt/write-off", json!({"reason": "goodwill"})).await;
    talk.say("GET /v1/uncollected", Value::Null).await;
    talk.say("GET /v1/usage?by=day", Value::Null).await;
    insta::assert_snapshot!(talk.text);
}

#[tokio::test]
async fn a_late_job_is_settled_and_listed() {
    let world = World::new().await;
    let mut talk = begin(&world);
    world.account("di", 50).await;
    world.post("/v1/accounts/di/holds", json!({"credits": 40, "hold": "late", "expires_in": 60})).await;
    world.post("/v1/accounts/di/holds", json!({"credits": 10, "hold": "running", "expires_in": 86400})).await;
    world.at("2026-01-31T10:01:00Z").await;
    talk.say("GET /v1/accounts/di/holds/late", Value::Null).await;
    talk.say("GET /v1/accounts/di/holds?state=open", Value::Null).await;
    talk.say("GET /v1/accounts/di/holds?state=expired", Value::Null).await;
    talk.say("POST /v1/accounts/di/holds/late/release", json!({})).await;
    talk.say("POST /v1/accounts/di/charges", json!({"credits": 15})).await;
    talk.say("POST /v1/accounts/di/holds/late/settle", json!({})).await;
    talk.say("GET /v1/holds?state=settled", Value::Null).await;
    talk.say("GET /v1/holds?state=open", Value::Null).await;
    talk.say("GET /v1/entries?kind=uncollected,hold_expired", Value::Null).await;
    insta::assert_snapshot!(talk.text);
}

#[tokio::test]
async fn catalogs_are_tried_published_and_read() {
    let world = World::new().await;
    let mut talk = begin(&world);
    let source = world.call("GET", "/v1/catalog").secret(FLOW).header("accept", "application/toml").empty().await;
    assert_eq!(source.header("content-type"), Some("application/toml"));
    let source = source.text();
    let dearer = [
        ("rate.credits = 20", "rate.credits = 25"),
        ("{ seconds = 1 }, credits = 20", "{ seconds = 1 }, credits = 25"),
        ("{ seconds = 150 }, credits = 3_000", "{ seconds = 150 }, credits = 3_750"),
        ("{ seconds = 600 }, credits = 12_000", "{ seconds = 600 }, credits = 15_000"),
    ];
    let dearer = dearer.iter().fold(source.clone(), |text, (old, new)| text.replace(old, new));
    assert_ne!(source, dearer);
    for (path, body) in [
        ("/v1/catalog?dry_run=true", dearer.as_str()),
        ("/v1/catalog", dearer.as_str()),
        ("/v1/catalog", dearer.as_str()),
        ("/v1/catalog", source.as_str()),
        ("/v1/catalog", "studio = 7"),
        ("/v1/catalog", &source.replace("studio = \"flow-studio\"", "studio = \"studiotwin\"")),
    ] {
        let reply = world.call("POST", path).secret(FLOW).header("content-type", "application/toml").raw(body).await;
        talk.record(&format!("POST {path}"), "…", &reply);
    }
    talk.say("GET /v1/catalog/versions", Value::Null).await;
    talk.say("GET /v1/catalog/versions/7", Value::Null).await;
    talk.say("POST /v1/quotes", json!({"tool": "live-action", "measures": {"seconds": 1}})).await;
    world.account("ed", 100).await;
    // The superseded version is honoured for a while, and named by its price otherwise.
    let quoted =
        json!({"tool": "live-action", "measures": {"seconds": 1}, "catalog_version": 1, "credits_expected": 20});
    talk.say("POST /v1/accounts/ed/charges", quoted.clone()).await;
    world.at("2026-01-31T10:15:00Z").await;
    talk.say("POST /v1/accounts/ed/charges", quoted).await;
    talk.say("GET /v1/packages", Value::Null).await;
    let mut catalog = world.get("/v1/catalog").await.json();
    assert_eq!(catalog["source"].take(), json!(dearer));
    let shown: scrip_api::catalog::CatalogShown = {
        catalog["source"] = json!("…");
        serde_json::from_slice(&serde_json::to_vec(&catalog).unwrap()).unwrap()
    };
    talk.text.push_str(&serde_json::to_string_pretty(&shown).unwrap());
    insta::assert_snapshot!(talk.text);
}

#[tokio::test]
async fn a_batch_answers_line_by_line() {
    let world = World::new().await;
    world.account("fay", 100).await;
    let lines = r#"
{"op": "hold", "key": "b1", "account": "fay", "credits": 60, "hold": "job-1"}
{"op": "hold", "key": "b2", "account": "fay", "credits": 60, "hold": "job-2"}
{"op": "settle", "key": "b3", "account": "fay", "hold": "job-1", "credits": 50}
{"op": "charge", "key": "b4", "account": "fay", "tool": "clean-plate", "measures": {"seconds": 2.5}}
{"op": "refund", "key": "b5", "account": "fay", "charge": "charge_5", "reason": "late"}
{"op": "grant", "key": "b6", "account": "fay", "credits": 5, "class": "promo", "reason": "sorry"}
{"op": "release", "key": "b7", "account": "fay", "hold": "job-2"}
{"op": "charge", "key": "b8", "account": "nobody", "credits": 1}
{"op": "charge", "key": "b9", "account": "fay", "credits": 1, "class": "promo"}
{"op": "charge", "key": "b10", "account": "fay", "credits": "1"}
{"op": "dance", "key": "b11"}
{"op": "charge", "account": "fay"}
nonsense
{"op": "charge", "key": "b12", "account": "fay", "tool": "No Such Tool"}
{"op": "hold", "key": "b1", "account": "fay", "credits": 60.0, "hold": "job-1"}
{"op": "hold", "key": "b1", "account": "fay", "credits": 61, "hold": "job-1"}
"#;
    let reply =
        world.call("POST", "/v1/batch").secret(FLOW).header("content-type", "application/x-ndjson").raw(lines).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")));
    insta::assert_snapshot!(reply.text());
}

#[tokio::test]
async fn history_is_paged_filtered_and_given_as_csv() {
    let world = World::new().await;
    world.account("gil", 100).await;
    for reference in ["plain", "a,b", "=1+1"] {
        world.post("/v1/accounts/gil/charges", json!({"credits": 1.5, "reference": reference})).await;
    }
    world.post("/v1/accounts/gil/charges", json!({"tool": "clean-plate", "measures": {"seconds": 1}})).await;
    let csv = world.call("GET", "/v1/accounts/gil/entries?limit=4").secret(FLOW).header("accept", "text/csv");
    let csv = csv.empty().await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert!(csv.header("next-after").is_some());
    insta::assert_snapshot!(csv.text());

    let all = world.get("/v1/accounts/gil/entries").await.json();
    let all: Vec<_> = all["entries"].as_array().unwrap().clone();
    assert_eq!(all.len(), 5);
    for (path, limit) in [("/v1/accounts/gil/entries", 1), ("/v1/accounts/gil/entries", 2), ("/v1/entries", 3)] {
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("{path}?limit={limit}{after}")).await.json();
            paged.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        let whole: Vec<_> = all.iter().map(|entry| entry["entry"].clone()).collect();
        assert_eq!(paged, whole, "{path} {limit}");
    }
    for (filter, count) in [
        ("kind=charge", 4),
        ("kind=grant", 1),
        ("kind=grant,charge", 5),
        ("kind=top_up", 0),
        ("tool=clean-plate", 1),
        ("from=2026-01-31T10:00:00Z", 5),
        ("from=2026-01-31T11:00:00%2B01:00", 5),
        ("to=2026-01-31T10:00:00Z", 0),
    ] {
        let found = world.get(&format!("/v1/accounts/gil/entries?{filter}")).await.json();
        assert_eq!(found["entries"].as_array().unwrap().len(), count, "{filter}");
    }
}

/// What made a charge, what it left owed, and its refunds, however much lies between.
#[tokio::test]
async fn what_became_of_a_charge_is_found_by_it() {
    let world = World::new().await;
    for account in ["ida", "jon"] {
        world.account(account, 100).await;
    }
    let charge = async |account: &str| {
        let made = world.post(&format!("/v1/accounts/{account}/charges"), json!({"credits": 10})).await.json();
        made["charge"].as_str().unwrap().to_owned()
    };
    let refund = async |account: &str, charge: &str, credits: u32| {
        let path = format!("/v1/accounts/{account}/charges/{charge}/refunds");
        assert_eq!(world.post(&path, json!({"credits": credits, "reason": "x"})).await.status, 201);
    };
    let (first, second, other) = (charge("ida").await, charge("ida").await, charge("jon").await);
    assert_eq!(first, other, "the first charge of each");
    refund("ida", &first, 1).await;
    refund("ida", &second, 2).await;
    refund("jon", &other, 7).await;
    refund("ida", &first, 3).await;
    world.post("/v1/accounts/ida/holds", json!({"credits": 80, "hold": "large"})).await;
    let settled = json!({"credits": 90, "on_excess": "debt"});
    let settled = world.post("/v1/accounts/ida/holds/large/settle", settled).await.json();
    let owed = settled["charge"].as_str().unwrap().to_owned();
    refund("ida", &second, 4).await;
    for (filter, expected) in [
        (format!("charge={first}"), "refund 3, refund 1, charge -10"),
        (format!("charge={second}"), "refund 4, refund 2, charge -10"),
        (format!("charge={owed}"), "debt 0, settle -86"),
        (format!("charge={owed},{first}"), "debt 0, settle -86, refund 3, refund 1, charge -10"),
        (format!("charge={second},{first},{second}&kind=refund"), "refund 4, refund 3, refund 2, refund 1"),
        (format!("charge={first}&kind=charge"), "charge -10"),
        (format!("charge={first}&kind=grant"), ""),
        (format!("charge={first}&tool=live-action"), ""),
        (format!("charge={first}&to=2026-01-31T10:00:00Z"), ""),
        ("charge=charge_1,charge_9999".to_owned(), ""),
    ] {
        for limit in [1, 2, 50] {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/v1/accounts/ida/entries?limit={limit}&{filter}{after}");
                let page = world.get(&path).await.json();
                let entries = page["entries"].as_array().unwrap();
                assert!(entries.len() <= limit, "{path}");
                found.extend(
                    entries.iter().map(|entry| format!("{} {}", entry["kind"].as_str().unwrap(), entry["credits"])),
                );
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={next}");
            }
            assert_eq!(found.join(", "), expected, "{filter} by {limit}");
        }
    }
}

#[tokio::test]
async fn accounts_are_listed_in_the_order_of_their_opening() {
    let world = World::new().await;
    for id in ["zoe", "amy", "team:7@eu"] {
        world.account(id, 0).await;
    }
    world.put("/v1/accounts/amy", json!({"name": "Amélie Zola"})).await;
    for (query, ids) in [
        ("", "zoe amy team:7@eu"),
        ("?limit=2", "zoe amy"),
        ("?after=amy", "team:7@eu"),
        ("?search=ZO", "zoe amy"),
        ("?search=nobody", ""),
    ] {
        let page = world.get(&format!("/v1/accounts{query}")).await.json();
        let found: Vec<_> =
            page["accounts"].as_array().unwrap().iter().map(|account| account["account"].as_str().unwrap()).collect();
        assert_eq!(found.join(" "), ids, "{query}");
        assert_eq!(page["next"].as_str(), (query == "?limit=2").then_some("amy"), "{query}");
    }
    world.get("/v1/accounts/team%3A7%40eu").await.is(200, world.get("/v1/accounts/team:7@eu").await.json());
}
