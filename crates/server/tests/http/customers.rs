//! Customers with a token: what it opens, and that it opens nothing else.

use axum::body::Body;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, StudioNumber};
use scrip_engine::engine::Request;
use scrip_server::{AllowedOrigins, Config, Payments};
use serde_json::{Value, json};

use crate::document::operations;
use crate::world::{FLOW, TWIN, World};

/// What a token opens, written by hand from the contract: reads, quotes, orders, plan and settings.
const OPEN: &[&str] = &[
    "DELETE /v1/accounts/{account}/subscription",
    "GET /v1/accounts/{account}",
    "GET /v1/accounts/{account}/automatic-top-up",
    "GET /v1/accounts/{account}/balance",
    "GET /v1/accounts/{account}/balance/stream",
    "GET /v1/accounts/{account}/entries",
    "GET /v1/accounts/{account}/holds",
    "GET /v1/accounts/{account}/holds/{hold}",
    "GET /v1/accounts/{account}/offers",
    "GET /v1/accounts/{account}/orders",
    "GET /v1/accounts/{account}/orders/{order}",
    "GET /v1/accounts/{account}/subscription",
    "GET /v1/accounts/{account}/usage",
    "GET /v1/catalog",
    "GET /v1/packages",
    "GET /v1/portal-session",
    "POST /v1/accounts/{account}/orders",
    "POST /v1/accounts/{account}/orders/{order}/checkout",
    "POST /v1/accounts/{account}/subscription/preview",
    "POST /v1/quotes",
    "PUT /v1/accounts/{account}",
    "PUT /v1/accounts/{account}/automatic-top-up",
    "PUT /v1/accounts/{account}/subscription",
];

/// A token of an account of the studio whose secret this is.
async fn token(world: &World, secret: &str, account: &str, body: Value) -> String {
    let path = format!("/v1/accounts/{account}/portal-sessions");
    let reply = world.call("POST", &path).secret(secret).header("host", "scrip.example:7171").json(body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["token"].as_str().unwrap().to_owned()
}

async fn code(world: &World, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let call = world.call(method, path).secret(token).once("once");
    let reply = if body.is_null() { call.empty().await } else { call.json(body).await };
    (reply.status, reply.json()["code"].clone())
}

/// What it opens by the contract, by the document and by what the server answers is the same. What a wrong one gets stands in
/// [`crate::matrix`].
#[tokio::test]
async fn a_token_opens_what_the_contract_lists() {
    let world = World::new().await;
    world.account("ada", 1).await;
    let own = token(&world, FLOW, "ada", json!({})).await;
    let before = world.get("/v1/entries").await;
    let mut open = Vec::new();
    for operation in operations(&world).await.iter().filter(|operation| operation.needs_key()) {
        let name = operation.name();
        // A stream has no end: it is asked for a tool that there is not.
        let tool = if operation.path.ends_with("/stream") { "?tool=none" } else { "" };
        let call =
            world.call(&operation.method, &format!("{}{tool}", operation.address("ada"))).secret(&own).once("key");
        // A body that nobody can read: nothing is done where the token opens the route.
        let reply = call.header("content-type", "text/plain").send(Body::from("?")).await;
        let takes = operation.body["security"].as_array().unwrap().iter().any(|one| one["customer_token"].is_array());
        assert!(reply.status != 401 && (reply.status != 403) == takes, "{name}: {}", reply.text());
        if takes {
            open.push(name);
        }
    }
    assert_eq!(
        open.into_iter().collect::<std::collections::BTreeSet<_>>(),
        OPEN.iter().map(|name| (*name).to_owned()).collect()
    );
    assert_eq!(world.get("/v1/entries").await, before);
}

#[tokio::test]
async fn a_customer_quotes_orders_and_edits() {
    let world = World::new().await;
    world.account("ada", 100).await;
    world.account("bob", 100).await;
    let token = token(&world, FLOW, "ada", json!({})).await;
    let ask = async |method: &str, path: &str, body: Value| code(&world, &token, method, path, body).await;
    let job = |account: &str| json!({"tool": "ai-mocap", "measures": {"seconds": 5}, "account": account});
    assert_eq!(ask("POST", "/v1/quotes", job("ada")).await.0, 200);
    assert_eq!(ask("POST", "/v1/quotes", job("bob")).await, (403, json!("forbidden")));
    assert_eq!(ask("GET", "/v1/accounts/ada/balance?tool=ai-mocap", Value::Null).await.0, 200);
    let settings = json!({"name": "Ada L.", "time_zone": "Europe/Zagreb", "project_types": ["ai-mocap"]});
    assert_eq!(ask("PUT", "/v1/accounts/ada", settings).await.0, 200);
    assert_eq!(ask("POST", "/v1/accounts/ada/orders", json!({"package": "small"})).await.1, json!("package_not_found"));
    let session = world.call("GET", "/v1/portal-session").secret(&token).empty().await;
    session.is(
        200,
        json!({"studio": "flow-studio", "account": "ada", "expires_at": "2026-01-31T11:00:00Z", "only_reads": false}),
    );
    assert_eq!(code(&world, FLOW, "GET", "/v1/portal-session", Value::Null).await, (400, json!("invalid_request")));
    // The studio's document is not for its customers: it may hold what is not for them.
    let catalog = world.call("GET", "/v1/catalog").secret(&token).empty().await.json();
    assert_eq!(
        (&catalog["name"], &catalog["source"], &catalog["format"]),
        (&json!("Flow Studio"), &Value::Null, &Value::Null)
    );
    let document = world.call("GET", "/v1/catalog").secret(&token).header("accept", "application/toml").empty().await;
    assert_eq!(document.status, 406);
}

/// R9: what covers a shortage is what the refusal of the job would name, and each offer says what it would buy (R10).
#[tokio::test]
async fn offers_say_what_they_buy_and_what_they_cover() {
    let world = World::new().await;
    world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await;
    let offers = async |query: &str| {
        let reply = world.call("GET", &format!("/v1/accounts/cleo/offers{query}")).secret(TWIN).empty().await;
        (reply.status, reply.json())
    };
    let (_, plain) = offers("").await;
    let large = &plain["packages"][2];
    assert_eq!(
        (&large["package"]["package"], &large["not_for_sale"], &large["covers"]),
        (&json!("large"), &Value::Null, &Value::Null)
    );
    // 2,000 credits and a bonus of 200, at 5 for an action.
    assert_eq!((&large["buys"][0]["tool"], &large["buys"][0]["quantity"]), (&json!("text-to-motion"), &json!(440)));
    assert_eq!(
        (&plain["plans"][1]["plan"]["plan"], &plain["plans"][1]["buys"][0]["quantity"]),
        (&json!("studio"), &json!(500))
    );
    let on_sale =
        |offers: &Value| offers["plans"].as_array().unwrap().iter().map(|offer| offer["for_sale"].clone()).collect();
    let plans: Vec<Value> = on_sale(&plain);
    assert!(plans.iter().all(|plan| *plan == json!(true)), "{plans:?}");
    // The clock renews the larger one: neither it nor the smaller one is paid for.
    world.call("PUT", "/v1/accounts/cleo/subscription").secret(TWIN).json(json!({"plan": "studio"})).await;
    let plans: Vec<Value> = on_sale(&offers("").await.1);
    assert!(plans.iter().all(|plan| *plan == json!(false)), "{plans:?}");
    world.call("PUT", "/v1/accounts/cleo/subscription").secret(TWIN).json(json!({"state": "past_due"})).await;
    let plans: Vec<Value> = on_sale(&offers("").await.1);
    assert!(plans.iter().all(|plan| *plan == json!(true)), "{plans:?}");
    let (_, short) = offers("?short_by=500.5").await;
    let covers: Vec<&Value> = short["packages"].as_array().unwrap().iter().map(|offer| &offer["covers"]).collect();
    assert_eq!(covers, [&json!(false), &json!(false), &json!(true)]);
    for wrong in ["?short_by=0", "?short_by=-1", "?short_by=x", "?colour=red"] {
        assert_eq!(offers(wrong).await.0, 400, "{wrong}");
    }
}

/// R31: keys are guessable, and whoever takes the studio's would have its job cost nothing.
#[tokio::test]
async fn a_customers_keys_bind_none_of_the_studios() {
    let world = World::new().await;
    let post = async |secret: &str, path: &str, once: &str, body: Value| {
        world.call("POST", &format!("/v1/accounts/cleo{path}")).secret(secret).once(once).json(body).await
    };
    assert_eq!(world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await.status, 201);
    assert_eq!(post(TWIN, "/grants", "g", json!({"credits": 50, "class": "top_up", "reason": "r"})).await.status, 201);
    let job = json!({"tool": "text-to-motion", "measures": {"actions": 1}, "hold": "job-7"});
    assert_eq!(post(TWIN, "/holds", "job-7-hold", job).await.status, 201);
    let token = token(&world, TWIN, "cleo", json!({})).await;
    let small = json!({"package": "small"});
    let placed = post(&token, "/orders", "job-7-settle", small.clone()).await;
    assert_eq!(placed.status, 201, "{}", placed.text());
    let settled = post(TWIN, "/holds/job-7/settle", "job-7-settle", json!({})).await;
    assert_eq!((settled.status, &settled.json()["charged"]), (200, &json!(5)), "{}", settled.text());

    let again = post(&token, "/orders", "job-7-settle", small.clone()).await;
    assert_eq!((again.body, again.headers["idempotency-replayed"].as_bytes()), (placed.body.clone(), &b"true"[..]));
    let other = post(&token, "/orders", "job-7-settle", json!({"package": "large"})).await;
    assert_eq!(other.json()["code"], "idempotency_key_reused");
    let taken = post(&token, "/orders", "job-7-hold", small.clone()).await;
    assert_eq!((taken.status, taken.header("idempotency-replayed")), (201, None), "the studio's key is another");
    assert_eq!(post(&token, "/orders", &"k".repeat(128), small).await.status, 201);
}

/// R17a: what begins at once is paid for.
#[tokio::test]
async fn a_customer_changes_the_plan_downwards_and_pays_upwards() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let token = token(&world, FLOW, "ada", json!({})).await;
    let path = "/v1/accounts/ada/subscription";
    let put = async |body: Value| code(&world, &token, "PUT", path, body).await;
    let unpaid = (402, json!("plan_needs_payment"));
    assert_eq!(put(json!({"plan": "lite"})).await, unpaid);
    world.put(path, json!({"plan": "lite"})).await;
    assert_eq!(put(json!({"plan": "pro"})).await, unpaid);
    for (field, value) in [("state", "active"), ("anchor", "2026-01-31T10:00:00Z")] {
        assert_eq!(put(json!({"plan": "lite", field: value})).await, (403, json!("forbidden")), "{field}");
    }
    world.put(path, json!({"plan": "pro"})).await;
    let entries = world.get("/v1/accounts/ada/entries").await;
    assert_eq!(put(json!({"plan": "lite"})).await.0, 200);
    assert_eq!(world.get(path).await.json()["next_plan"], json!("lite"));
    assert_eq!(put(json!({"plan": "pro"})).await.0, 200);
    assert_eq!(world.get(path).await.json()["next_plan"], Value::Null);
    assert_eq!(code(&world, &token, "DELETE", path, Value::Null).await.0, 200);
    assert!(world.get(path).await.json()["ends_at"].is_string());
    let moved = |reply: crate::world::Reply| {
        let entries = reply.json()["entries"].as_array().unwrap().clone();
        entries.into_iter().filter(|entry| entry["kind"] == "refill").count()
    };
    assert_eq!(moved(world.get("/v1/accounts/ada/entries").await), moved(entries), "nothing was granted");
}

#[tokio::test]
async fn a_session_says_where_and_until_when() {
    let payments = Payments { public_url: "https://credits.example".into(), ..Payments::default() };
    let told = World::with(Config { payments, ..Config::default() }).await;
    let world = World::new().await;
    for (world, host, base) in [
        (&told, "scrip.example:7171", Some("https://credits.example")),
        (&told, "127.0.0.1:7171", Some("https://credits.example")),
        (&world, "127.0.0.1:7171", Some("http://127.0.0.1:7171")),
        // A browser would say the token in plain text, to whoever is on the way.
        (&world, "scrip.example:7171", None),
        (&world, "a/b", None),
    ] {
        let put = world.call("PUT", "/v1/accounts/ada").secret(FLOW).json(json!({})).await;
        assert!(put.status < 300, "{}", put.text());
        let open = |body| {
            let call = world.call("POST", "/v1/accounts/ada/portal-sessions").secret(FLOW);
            call.header("host", host).json(body)
        };
        let hour = open(json!({})).await;
        let token = hour.json()["token"].as_str().unwrap().to_owned();
        let url = base.map(|base| format!("{base}/portal/{token}"));
        hour.is(201, json!({"url": url, "token": token, "expires_at": "2026-01-31T11:00:00Z"}));
        assert_eq!(open(json!({"expires_in": 86_400})).await.json()["expires_at"], json!("2026-02-01T10:00:00Z"));
        for wrong in [0, 86_401] {
            let refused = open(json!({"expires_in": wrong})).await;
            assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("expires_in")), "{wrong}");
        }
        let path = "/v1/accounts/nobody/portal-sessions";
        let nobody = world.call("POST", path).secret(FLOW).header("host", "x").json(json!({})).await;
        assert_eq!(nobody.json()["code"], json!("account_not_found"));
    }
}

/// A token is good before its end and not at it, also after an account of the same id took the place of an erased one.
#[tokio::test]
async fn a_token_ends() {
    let world = World::new().await;
    world.account("ada", 5).await;
    let token = token(&world, FLOW, "ada", json!({"expires_in": 86_400})).await;
    let balance = async || code(&world, &token, "GET", "/v1/accounts/ada/balance", Value::Null).await.0;
    world.at("2026-02-01T09:59:59Z").await;
    assert_eq!(balance().await, 200);
    let erase = Request {
        studio: StudioNumber(1),
        account: AccountId::parse("ada").unwrap(),
        key: None,
        command: Command::EraseAccount { reason: None },
    };
    world.engine.submit(erase).await.unwrap();
    assert_eq!(balance().await, 401, "nobody has this id");
    world.account("ada", 7).await;
    assert_eq!(balance().await, 401, "another has it now");
    let token = self::token(&world, FLOW, "ada", json!({"expires_in": 1})).await;
    assert_eq!(code(&world, &token, "GET", "/v1/accounts/ada/balance", Value::Null).await.0, 200);
    world.at("2026-02-01T10:00:00Z").await;
    assert_eq!(
        code(&world, &token, "GET", "/v1/accounts/ada/balance", Value::Null).await,
        (401, json!("unauthorized"))
    );
}

#[tokio::test]
async fn a_page_reads_with_a_token_from_its_studios_origins() {
    let studio = scrip_core::id::StudioId::parse("flow-studio").unwrap();
    let cors = vec![AllowedOrigins { studio, origins: vec!["https://app.flow.example".into()] }];
    let world = World::with(Config { cors, ..Config::default() }).await;
    world.account("ada", 5).await;
    world.call("PUT", "/v1/accounts/ada").secret(TWIN).json(json!({})).await;
    for (secret, allowed) in [(FLOW, true), (TWIN, false)] {
        let token = token(&world, secret, "ada", json!({})).await;
        let call = world.call("GET", "/v1/accounts/ada/balance").secret(&token);
        let reply = call.header("origin", "https://app.flow.example").empty().await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("access-control-allow-origin").is_some(), allowed);
    }
}
