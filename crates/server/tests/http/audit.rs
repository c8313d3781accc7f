//! The audit trail: every act of an operator, with who, when and why, in order.

use scrip_core::entry::Act;
use scrip_core::id::StudioNumber;
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
    world.engine.record(StudioNumber(1), "command line".into(), Act::KeyCreated, "key_1").await.unwrap();
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

/// The account in which a studio's own acts are recorded is nobody's: it cannot be found, read or given anything.
#[tokio::test]
async fn the_studios_own_account_is_no_customers() {
    let world = World::new().await;
    world.account("ada", 5).await;
    for _ in 0..2 {
        world.engine.record(StudioNumber(1), "command line".into(), Act::KeyRevoked, "key_1").await.unwrap();
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
