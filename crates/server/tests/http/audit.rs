//! The audit trail: every act of an operator, with who, when and why, in order.

use scrip_core::entry::Act;
use scrip_core::id::StudioNumber;
use scrip_engine::engine::Deed;
use scrip_engine::store::Role;
use scrip_server::keys::{digest, public_id};
use serde_json::{Value, json};

use crate::keys;
use crate::world::{FLOW, TWIN, World};

/// Does something with a key.
async fn act(world: &World, secret: &str, once: &str, path: &str, body: Value) -> Value {
    let reply = world.call("POST", path).secret(secret).once(once).json(body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text());
    reply.json()
}

/// The trail's lines, in a few words each.
async fn trail(world: &World, address: &str) -> (Vec<String>, Value) {
    let page = world.get(address).await.json();
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |act: &Value| {
        let credits = act["credits"].to_string();
        [&act["by"], &act["act"], &act["account"], &act["reference"], &act["reason"]].map(word).join(" ")
            + " "
            + &credits
    };
    (page["acts"].as_array().unwrap().iter().map(line).collect(), page["next"].clone())
}

#[tokio::test]
async fn every_act_says_who_did_it_and_why() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let support = keys::make(&world, "support", Role::Support, false).await;
    let finance = keys::make(&world, "finance", Role::Finance, false).await;
    let (s, f, admin) = (public_id(&digest(&support)), public_id(&digest(&finance)), public_id(&digest(FLOW)));
    let grant = json!({"credits": 100, "class": "promo", "reason": "launch"});
    act(&world, &finance, "a", "/v1/accounts/ada/grants", grant.clone()).await;
    let charge = act(&world, FLOW, "b", "/v1/accounts/ada/charges", json!({"credits": 10})).await["charge"].clone();
    let refunds = format!("/v1/accounts/ada/charges/{}/refunds", charge.as_str().unwrap());
    act(&world, &support, "c", &refunds, json!({"credits": 4, "reason": "a black frame"})).await;
    act(&world, &finance, "d", "/v1/accounts/ada/lots/lot_2/revoke", json!({"credits": 1, "reason": "twice"})).await;
    // The same again, by another key: the first answer, and nothing new in the trail.
    act(&world, FLOW, "a", "/v1/accounts/ada/grants", grant).await;
    let portal = world.call("POST", "/v1/accounts/ada/portal-sessions").header("host", "x");
    assert_eq!(portal.secret(&support).json(json!({"expires_in": 60})).await.status, 201);
    let order = act(&world, &finance, "o", "/v1/accounts/ada/orders", json!({"plan": "lite"})).await["order"].clone();
    let order = format!("/v1/accounts/ada/orders/{}/mark-paid", order.as_str().unwrap());
    act(&world, &finance, "p", &order, json!({"reference": "invoice 17"})).await;
    world.put("/v1/accounts/ada/subscription", json!({"plan": "pro"})).await;
    world.engine.record(StudioNumber(1), "command line".into(), Deed::of(Act::KeyCreated, "key_1")).await.unwrap();
    // Of jobs nothing is in it, nor of settings.
    act(&world, FLOW, "e", "/v1/accounts/ada/holds", json!({"credits": 1, "hold": "job"})).await;
    act(&world, FLOW, "f", "/v1/accounts/ada/holds/job/settle", json!({})).await;
    world.put("/v1/accounts/ada", json!({"name": "Ada"})).await;
    let expected = [
        "command line key_created - key_1 - 0".to_owned(),
        format!("{admin} plan_change ada - - 0"),
        format!("{f} order ada invoice 17 - 0"),
        format!("{f} order ada - - 0"),
        format!("{s} portal_opened ada for 60 s - 0"),
        format!("{f} revoke ada - twice -1"),
        format!("{s} refund ada - a black frame 4"),
        format!("{f} grant ada - launch 100"),
    ];
    let (all, next) = trail(&world, "/v1/audit").await;
    assert_eq!((all.as_slice(), next), (&expected[..], Value::Null));
    // Page by page the same.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let (lines, next) = trail(&world, &format!("/v1/audit?limit=2{after}")).await;
        assert!(lines.len() <= 2);
        paged.extend(lines);
        let Some(next) = next.as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(paged, expected);
    // Another studio has its own.
    let elsewhere = world.call("GET", "/v1/audit").secret(TWIN).empty().await.json();
    assert_eq!(elsewhere["acts"], json!([]));
    // What customers are shown says nothing of who.
    assert!(!world.get("/v1/accounts/ada/entries").await.text().contains("key_"));
}

/// What moves no credits has a why, too, where it is said.
#[tokio::test]
async fn what_moves_no_credits_says_why_as_well() {
    let world = World::new().await;
    world.account("ada", 0).await;
    let admin = keys::make(&world, "admin", Role::Admin, false).await;
    let (a, boss) = (public_id(&digest(FLOW)), public_id(&digest(&admin)));
    let made = act(&world, FLOW, "", "/v1/keys", json!({"role": "support", "reason": "for Bo"})).await["key"].clone();
    let made = made.as_str().unwrap();
    let source = std::fs::read_to_string("../../catalogs/flow-studio.toml").unwrap();
    let source = source.replace("allowance = 3_000", "allowance = 3_100");
    let publish = async |query: &str| {
        let call = world.call("POST", &format!("/v1/catalog{query}")).secret(&admin);
        call.header("content-type", "application/toml").send(axum::body::Body::from(source.clone())).await
    };
    assert_eq!(publish("?after=1&reason=%20").await.json()["field"], json!("reason"));
    assert_eq!(publish("?after=1&reason=more%20for%20Lite").await.status, 201);
    let session = world.call("POST", "/v1/console-sessions").secret(&admin).empty().await.json()["token"].clone();
    let look = world.call("POST", "/v1/accounts/ada/portal-sessions").secret(session.as_str().unwrap());
    assert_eq!(look.header("host", "x").json(json!({"reason": "she sees no job"})).await.status, 201);
    world.put("/v1/accounts/ada/subscription", json!({"plan": "lite"})).await;
    let cancel = world.call("DELETE", "/v1/accounts/ada/subscription?reason=she%20asked").secret(FLOW);
    assert_eq!(cancel.empty().await.status, 200);
    let revoke =
        async |reason: &str| world.call("DELETE", &format!("/v1/keys/{made}{reason}")).secret(&admin).empty().await;
    assert_eq!(revoke(&format!("?reason={}", "x".repeat(1_001))).await.json()["field"], json!("reason"));
    let revoked = revoke("?reason=Bo%20has%20left").await.json();
    assert_eq!((&revoked["created_by"], &revoked["reason"]), (&json!(a), &json!("for Bo")));
    // Of different accounts at one instant, any may be first.
    let (mut all, _) = trail(&world, "/v1/audit").await;
    all.sort();
    let versions = world.get("/v1/catalog/versions").await.json()["versions"].clone();
    let digest = versions[0]["digest"].as_str().unwrap();
    let mut expected = [
        format!("{boss} key_revoked - {made} Bo has left 0"),
        format!("{a} plan_change ada - she asked 0"),
        format!("{a} plan_change ada - - 0"),
        format!("{boss} portal_opened ada for 900 s she sees no job 0"),
        format!("{boss} signed_in - console - 0"),
        format!("{boss} catalog_published - version 2, {digest} more for Lite 0"),
        format!("{a} key_created - {made} for Bo 0"),
    ];
    expected.sort();
    assert_eq!(all, expected);
    // The list of keys says by whom and for what each was made, where that is known.
    let keys = world.get("/v1/keys").await.json()["keys"].clone();
    let told = |key: &Value| (key["key"].clone(), key["created_by"].clone(), key["reason"].clone());
    let told: Vec<_> = keys.as_array().unwrap().iter().map(told).collect();
    assert!(told.contains(&(json!(made), json!(a), json!("for Bo"))), "{told:?}");
    assert!(told.contains(&(json!(a), Value::Null, Value::Null)), "{told:?}");
    // Customers are not shown who looked, nor why.
    assert!(!world.get("/v1/accounts/ada/entries").await.text().contains("she sees no job"));
}

/// The account in which a studio's own acts are recorded is nobody's: it cannot be found, read or given anything.
#[tokio::test]
async fn the_studios_own_account_is_no_customers() {
    let world = World::new().await;
    world.account("ada", 5).await;
    for _ in 0..2 {
        world.engine.record(StudioNumber(1), "command line".into(), Deed::of(Act::KeyRevoked, "key_1")).await.unwrap();
        let listed = world.get("/v1/accounts").await.json();
        assert_eq!(listed["accounts"].as_array().unwrap().len(), 1, "{listed}");
        for operation in crate::document::operations(&world).await {
            if !operation.path.contains("{account}") {
                continue;
            }
            for name in ["studio~", "studio%7E"] {
                let call = world.call(&operation.method, &operation.address(name)).secret(FLOW).once("key");
                let reply = call.header("host", "x").json(json!({})).await;
                assert!(matches!(reply.status, 400 | 404), "{}: {}", operation.name(), reply.text());
            }
        }
        let line =
            json!({"op": "grant", "key": "g", "account": "studio~", "credits": 1, "class": "promo", "reason": "x"});
        let batch = world.call("POST", "/v1/batch").secret(FLOW).json(line).await.json();
        assert_eq!(batch["code"], json!("account_not_found"));
        let quote = json!({"tool": "ai-mocap", "measures": {"seconds": 1}, "account": "studio~"});
        let quote = world.call("POST", "/v1/quotes").secret(FLOW).json(quote).await.json();
        assert_eq!(quote["code"], json!("account_not_found"));
    }
}
