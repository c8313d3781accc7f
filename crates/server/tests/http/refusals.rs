//! Bad input, and what it gets: status, code, and the field or datum at fault. Nothing is changed by any of it.

use axum::body::Body;
use serde_json::{Value, json};

use crate::world::{FLOW, Reply, World};

/// The status and code, and what the problem names.
fn outcome(reply: &Reply) -> String {
    if reply.status < 400 {
        return reply.status.to_string();
    }
    let body = reply.json();
    let about = ["field", "measure", "tool", "state", "refundable", "project_type"];
    let named = about.iter().find_map(|name| body.get(*name)).map(|value| match value {
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    });
    format!("{} {}{}", reply.status, body["code"].as_str().unwrap(), named.unwrap_or_default())
}

/// A world with an account `ada` of 100 credits that may run AI MoCap only, an open hold and a charge.
async fn world() -> World {
    let world = World::new().await;
    world.account("ada", 100).await;
    world.put("/v1/accounts/ada", json!({"project_types": ["ai-mocap"]})).await;
    world.post("/v1/accounts/ada/holds", json!({"credits": 10, "hold": "open"})).await;
    world.post("/v1/accounts/ada/charges", json!({"credits": 10})).await;
    world.post("/v1/accounts/ada/holds", json!({"credits": 1, "hold": "gone"})).await;
    world.post("/v1/accounts/ada/holds/gone/release", json!({})).await;
    world
}

/// Sends each body and compares; the account's history must not have moved.
async fn check(method: &str, cases: &[(&str, &str, &str)]) {
    let world = world().await;
    let before = world.get("/v1/accounts/ada/entries").await;
    for (place, (path, body, expected)) in cases.iter().enumerate() {
        let call = world.call(method, &format!("/v1{path}")).secret(FLOW).once(&format!("key-{place}"));
        let reply = if body.is_empty() { call.empty().await } else { call.raw(body).await };
        assert_eq!(outcome(&reply), *expected, "{method} {path} {body}\n{}", reply.text());
    }
    assert_eq!(world.get("/v1/accounts/ada/entries").await, before);
}

#[tokio::test]
async fn charges_and_holds() {
    const DIGITS: &str = "{\"credits\": 1234567890123456789012345678901234567890}";
    check(
        "POST",
        &[
            ("/accounts/ada/charges", "{", "400 invalid_request body"),
            ("/accounts/ada/charges", "[]", "400 invalid_request body"),
            ("/accounts/ada/charges", "\"x\"", "400 invalid_request body"),
            ("/accounts/ada/charges", "{\"credits\": 1} {}", "400 invalid_request body"),
            ("/accounts/ada/charges", "", "400 invalid_request tool"),
            ("/accounts/ada/charges", "{}", "400 invalid_request tool"),
            ("/accounts/ada/charges", "{\"credits\": \"1\"}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": null}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": NaN}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": Infinity}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 0}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": -1}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 0.0000001}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 1e-7}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 01}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 1e400}", "422 amount_limit"),
            ("/accounts/ada/charges", DIGITS, "422 amount_limit"),
            ("/accounts/ada/charges", "{\"credits\": 8000000000}", "402 insufficient_credits"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"credits\": 1}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"colour\": 1}", "400 invalid_request colour"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"hold\": \"x\"}", "400 invalid_request hold"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"tool\": \"ai-mocap\"}", "400 invalid_request credits"),
            ("/accounts/ada/charges", "{\"measures\": {\"seconds\": 1}}", "400 invalid_request tool"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"reference\": \"\"}", "400 invalid_request reference"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"reference\": \"a\\nb\"}", "400 invalid_request reference"),
            ("/accounts/ada/charges", "{\"credits\": 1, \"member\": 7}", "400 invalid_request member"),
            (
                "/accounts/ada/charges",
                "{\"credits\": 1, \"catalog_version\": -1}",
                "400 invalid_request catalog_version",
            ),
            ("/accounts/ada/charges", "{\"tool\": \"live action\"}", "422 unknown_tool live action"),
            ("/accounts/ada/charges", "{\"tool\": \"nope\"}", "422 unknown_tool nope"),
            ("/accounts/ada/charges", "{\"tool\": \"ai-mocap\"}", "422 invalid_measure seconds"),
            ("/accounts/ada/charges", "{\"tool\": \"ai-mocap\", \"measures\": []}", "400 invalid_request measures"),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": \"ten\"}}",
                "422 invalid_measure seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": true}}",
                "422 invalid_measure seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": [[[1]]]}}",
                "422 invalid_measure seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": -1}}",
                "422 invalid_measure seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 1e30}}",
                "422 invalid_measure seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": NaN}}",
                "400 invalid_request measures.seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 1, \"Seconds!\": 1}}",
                "422 invalid_measure Seconds!",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 1, \"seconds\": 1}}",
                "400 invalid_request measures.seconds",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"live-action\", \"measures\": {\"seconds\": 1}}",
                "403 project_type_not_enabled live-action",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 1}, \"credits_expected\": 5}",
                "409 price_changed",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 1}, \"catalog_version\": 9}",
                "400 invalid_request catalog_version",
            ),
            (
                "/accounts/ada/charges",
                "{\"tool\": \"ai-mocap\", \"measures\": {\"seconds\": 9000}}",
                "402 insufficient_credits",
            ),
            ("/accounts/nobody/charges", "{\"credits\": 1}", "404 account_not_found"),
            // The account comes before the tool and its measures (R32).
            ("/accounts/nobody/charges", "{\"tool\": \"nope\"}", "404 account_not_found"),
            ("/accounts/nobody/charges", "{\"tool\": \"NOPE\", \"measures\": {\"X\": 1}}", "404 account_not_found"),
            ("/accounts/nobody/charges", DIGITS, "404 account_not_found"),
            ("/accounts/a%2Fb/charges", "{\"credits\": 1}", "400 invalid_request account"),
            ("/accounts/a%00b/charges", "{\"credits\": 1}", "400 invalid_request account"),
            ("/accounts/a%ffb/charges", "{\"credits\": 1}", "400 invalid_request path"),
            ("/accounts/a%20b/charges", "{\"credits\": 1}", "400 invalid_request account"),
            ("/accounts/ada/charges?verbose=1", "{\"credits\": 1}", "400 invalid_request verbose"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"hold\": \"open\"}", "409 hold_exists"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"hold\": \"gone\"}", "409 hold_exists"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"hold\": \"a/b\"}", "400 invalid_request hold"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"hold\": \"hold_3\"}", "400 invalid_request hold"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"expires_in\": 0}", "400 invalid_request expires_in"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"expires_in\": 86401}", "400 invalid_request expires_in"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"expires_in\": 1.5}", "400 invalid_request expires_in"),
            ("/accounts/ada/holds", "{\"credits\": 1, \"expires_in\": \"60\"}", "400 invalid_request expires_in"),
            ("/accounts/ada/holds/open/settle", "{\"credits\": 1, \"measures\": {}}", "400 invalid_request credits"),
            ("/accounts/ada/holds/open/settle", "{\"credits\": -1}", "400 invalid_request credits"),
            ("/accounts/ada/holds/open/settle", "{\"credits\": null}", "400 invalid_request credits"),
            ("/accounts/ada/holds/open/settle", "{\"on_excess\": \"steal\"}", "400 invalid_request on_excess"),
            (
                "/accounts/ada/holds/open/settle",
                "{\"credits\": 999, \"on_excess\": \"extend\"}",
                "402 insufficient_credits",
            ),
            ("/accounts/ada/holds/gone/settle", "{}", "409 hold_not_open released"),
            ("/accounts/ada/holds/gone/release", "{}", "409 hold_not_open released"),
            ("/accounts/ada/holds/gone/extend", "{\"expires_in\": 60}", "409 hold_not_open released"),
            ("/accounts/ada/holds/never/settle", "{}", "404 hold_not_found"),
            ("/accounts/ada/holds/hold_999/settle", "{}", "404 hold_not_found"),
            ("/accounts/ada/holds/hold_x/settle", "{}", "404 hold_not_found"),
            ("/accounts/ada/holds/hold_x/settle", "{\"credits\": -1}", "400 invalid_request credits"),
            ("/accounts/ada/holds/a%20b/settle", "{}", "400 invalid_request hold"),
            ("/accounts/nobody/holds/open/settle", "{}", "404 account_not_found"),
            ("/accounts/ada/holds/open/extend", "{}", "400 invalid_request expires_in"),
        ],
    )
    .await;
}

#[tokio::test]
async fn refunds_grants_and_plans() {
    check(
        "POST",
        &[
            ("/accounts/ada/charges/charge_5/refunds", "{}", "400 invalid_request reason"),
            ("/accounts/ada/charges/charge_5/refunds", "{\"reason\": \" \"}", "400 invalid_request reason"),
            (
                "/accounts/ada/charges/charge_5/refunds",
                "{\"reason\": \"x\", \"credits\": 0}",
                "400 invalid_request credits",
            ),
            (
                "/accounts/ada/charges/charge_5/refunds",
                "{\"reason\": \"x\", \"credits\": 10.5}",
                "409 refund_exceeds_charge 10",
            ),
            ("/accounts/ada/charges/charge_999/refunds", "{\"reason\": \"x\"}", "404 charge_not_found"),
            ("/accounts/ada/charges/charge_1/refunds", "{\"reason\": \"x\"}", "404 charge_not_found"),
            ("/accounts/ada/charges/nope/refunds", "{\"reason\": \"x\"}", "404 charge_not_found"),
            ("/accounts/ada/charges/a%2Fb/refunds", "{\"reason\": \"x\"}", "400 invalid_request charge"),
            ("/accounts/nobody/charges/nope/refunds", "{\"reason\": \"x\"}", "404 account_not_found"),
            ("/accounts/ada/grants", "{\"credits\": 5, \"class\": \"promo\"}", "400 invalid_request reason"),
            (
                "/accounts/ada/grants",
                "{\"credits\": 5, \"class\": \"subscription\", \"reason\": \"x\"}",
                "400 invalid_request class",
            ),
            (
                "/accounts/ada/grants",
                "{\"credits\": 5, \"class\": \"promo\", \"reason\": \"x\", \"expires_at\": \"2026-01-31T10:00:00Z\"}",
                "400 invalid_request expires_at",
            ),
            (
                "/accounts/ada/grants",
                "{\"credits\": 5, \"class\": \"promo\", \"reason\": \"x\", \"expires_at\": \"tomorrow\"}",
                "400 invalid_request expires_at",
            ),
            (
                "/accounts/ada/grants",
                "{\"credits\": 5, \"class\": \"top_up\", \"reason\": \"x\", \"priority\": 9}",
                "400 invalid_request priority",
            ),
            (
                "/accounts/ada/grants",
                "{\"credits\": 5, \"class\": \"top_up\", \"reason\": \"x\", \"priority\": 256}",
                "400 invalid_request priority",
            ),
            (
                "/accounts/ada/grants",
                "{\"credits\": 8000000000, \"class\": \"promo\", \"reason\": \"x\"}",
                "422 amount_limit",
            ),
            ("/accounts/ada/lots/lot_999/revoke", "{\"reason\": \"x\"}", "404 lot_not_found"),
            ("/accounts/ada/lots/nope/revoke", "{\"reason\": \"x\"}", "404 lot_not_found"),
            ("/accounts/ada/lots/lot_2/revoke", "{}", "400 invalid_request reason"),
            ("/accounts/ada/debt/write-off", "{}", "400 invalid_request reason"),
            ("/accounts/ada/subscription/preview", "{}", "400 invalid_request plan"),
            ("/accounts/ada/subscription/preview", "{\"plan\": \"gold\"}", "404 plan_not_found"),
            ("/accounts/ada/subscription/preview", "{\"plan\": \"No Plan\"}", "404 plan_not_found"),
            ("/accounts/nobody/subscription/preview", "{\"plan\": \"No Plan\"}", "404 account_not_found"),
            ("/quotes", "{}", "400 invalid_request tool"),
            ("/quotes", "{\"tool\": \"nope\"}", "422 unknown_tool nope"),
            ("/quotes", "{\"tool\": \"nope\", \"account\": \"a b\"}", "400 invalid_request account"),
            ("/quotes", "{\"tool\": \"nope\", \"account\": \"nobody\"}", "404 account_not_found"),
            ("/test-clock", "{\"now\": \"2026-01-31T09:59:59Z\"}", "409 clock_moved_back"),
            ("/test-clock", "{\"now\": \"2026-01-31\"}", "400 invalid_request now"),
            ("/test-clock", "{\"now\": 0}", "400 invalid_request now"),
        ],
    )
    .await;
    check(
        "PUT",
        &[
            ("/accounts/ada", "{\"time_zone\": \"Mars/Olympus\"}", "400 invalid_request time_zone"),
            ("/accounts/ada", "{\"name\": null}", "400 invalid_request name"),
            (
                "/accounts/ada",
                "{\"project_types\": [\"live-action\", \"Live Action\"]}",
                "400 invalid_request project_types[1]",
            ),
            ("/accounts/ada", "{\"plan\": \"lite\"}", "400 invalid_request plan"),
            ("/accounts/a%2Fb", "{}", "400 invalid_request account"),
            ("/accounts/ada/subscription", "{\"plan\": \"gold\"}", "404 plan_not_found"),
            ("/accounts/ada/subscription", "{\"plan\": \"lite\", \"state\": \"ended\"}", "400 invalid_request state"),
            ("/accounts/ada/subscription", "{\"plan\": \"lite\", \"anchor\": \"soon\"}", "400 invalid_request anchor"),
            ("/accounts/nobody/subscription", "{\"plan\": \"lite\"}", "404 account_not_found"),
        ],
    )
    .await;
    check(
        "GET",
        &[
            ("/accounts/nobody", "", "404 account_not_found"),
            ("/accounts/nobody/balance", "", "404 account_not_found"),
            ("/accounts/nobody/balance/stream", "", "404 account_not_found"),
            ("/accounts/nobody/holds", "", "404 account_not_found"),
            ("/accounts/nobody/holds/x", "", "404 account_not_found"),
            ("/accounts/nobody/entries", "", "404 account_not_found"),
            ("/accounts/nobody/entries?kind=top_up", "", "404 account_not_found"),
            ("/accounts/nobody/usage", "", "404 account_not_found"),
            ("/accounts/ada/balance?tool=nope", "", "422 unknown_tool nope"),
            ("/accounts/ada/subscription", "", "404 subscription_not_found"),
            ("/accounts/ada/holds/never", "", "404 hold_not_found"),
            ("/accounts/ada/entries?limit=0", "", "400 invalid_request limit"),
            ("/accounts/ada/entries?limit=1001", "", "400 invalid_request limit"),
            ("/accounts/ada/entries?limit=1&limit=1", "", "400 invalid_request limit"),
            ("/accounts/ada/entries?after=5", "", "400 invalid_request after"),
            ("/accounts/ada/entries?kind=account", "", "400 invalid_request kind"),
            ("/accounts/ada/entries?charge=4", "", "400 invalid_request charge"),
            ("/accounts/ada/entries?charge=charge_4,", "", "400 invalid_request charge"),
            ("/accounts/nobody/entries?charge=charge_4", "", "404 account_not_found"),
            // Another account may have a charge of the same id.
            ("/entries?charge=charge_4", "", "400 invalid_request charge"),
            ("/accounts/ada/entries?from=yesterday", "", "400 invalid_request from"),
            ("/accounts/ada/entries?colour=red", "", "400 invalid_request colour"),
            ("/accounts/ada/holds?state=lost", "", "400 invalid_request state"),
            ("/accounts/ada/usage?by=colour", "", "400 invalid_request by"),
            ("/catalog/versions/0", "", "400 invalid_request version"),
            ("/catalog/versions/2", "", "404 catalog_version_not_found"),
            ("/nothing", "", "404 not_found"),
            ("/accounts/ada/invoices", "", "404 not_found"),
        ],
    )
    .await;
    let none = [
        ("/accounts/ada/subscription", "", "404 subscription_not_found"),
        ("/keys/key_000000000000", "", "404 key_not_found"),
    ];
    check("DELETE", &none).await;
    check("PATCH", &[("/accounts/ada", "{}", "405 method_not_allowed")]).await;
}

#[tokio::test]
async fn headers_and_sizes() {
    let world = world().await;
    let path = "/v1/accounts/ada/charges";
    let post = || world.call("POST", path).secret(FLOW);
    let body = "{\"credits\": 1}";
    for (reply, expected) in [
        (post().raw(body).await, "400 idempotency_key_required"),
        (post().once("").raw(body).await, "400 idempotency_key_required"),
        (post().once(&"k".repeat(129)).raw(body).await, "400 invalid_request Idempotency-Key"),
        (post().once("a b").raw(body).await, "400 invalid_request Idempotency-Key"),
        (post().once("a").once("b").raw(body).await, "400 invalid_request Idempotency-Key"),
        (post().once("a").header("content-type", "text/plain").raw(body).await, "415 unsupported_media_type"),
        (
            post().once("a").header("content-type", "application/json; charset=latin1").raw(body).await,
            "415 unsupported_media_type",
        ),
        (post().once("a").header("content-type", "application/json; charset=UTF-8").raw(body).await, "201"),
        (post().once("b").send(Body::from(body)).await, "415 unsupported_media_type"),
        (post().once("b").header("content-encoding", "gzip").raw(body).await, "415 unsupported_media_type"),
        (post().once("b").raw(&" ".repeat(64 * 1024 + 1)).await, "413 too_large"),
        (post().once("b").header("content-length", "99999999").raw(body).await, "413 too_large"),
        (world.call("POST", "/v1/batch").secret(FLOW).raw(&"\n{}".repeat(20_001)).await, "413 too_large"),
        (world.call("POST", "/v1/catalog").secret(FLOW).raw("{}").await, "422 catalog_invalid"),
        (
            world.call("GET", "/v1/accounts/ada/entries").secret(FLOW).header("accept", "image/png").empty().await,
            "406 not_acceptable",
        ),
    ] {
        assert_eq!(outcome(&reply), expected, "{}", reply.text());
    }
    let refused = world.call("DELETE", path).secret(FLOW).empty().await;
    assert_eq!((outcome(&refused).as_str(), refused.header("allow")), ("405 method_not_allowed", Some("POST")));
    let fine = world.get("/v1/accounts/ada/balance").await;
    assert_eq!(fine.header("cache-control"), Some("no-store"));
    assert_eq!(fine.header("x-content-type-options"), Some("nosniff"));
}

/// The order of refusals (R32), from the last to the first: each request is wrong in all that follows.
#[tokio::test]
async fn refusals_come_in_their_documented_order() {
    let world = world().await;
    world.post("/v1/accounts/ada/holds/open/settle", json!({"credits": 200, "on_excess": "debt"})).await;
    let unaffordable = json!({"tool": "ai-mocap", "measures": {"seconds": 80000}});
    let stale = json!({"tool": "ai-mocap", "measures": {"seconds": 80000}, "credits_expected": 1});
    let not_enabled = json!({"tool": "live-action", "measures": {"seconds": 80000}, "credits_expected": 1});
    let unpriced = json!({"tool": "live-action", "measures": {"seconds": -1}, "credits_expected": 1});
    let taken = json!({"tool": "live-action", "measures": {"seconds": -1}, "credits_expected": 1, "hold": "gone"});
    let shapeless = json!({"tool": "live-action", "measures": 7, "hold": "gone"});
    for (account, body, expected) in [
        ("ada", unaffordable, "402 debt_outstanding"),
        ("ada", stale, "409 price_changed"),
        ("ada", not_enabled, "403 project_type_not_enabled live-action"),
        ("ada", unpriced, "422 invalid_measure seconds"),
        ("ada", taken.clone(), "409 hold_exists"),
        ("nobody", taken, "404 account_not_found"),
        ("nobody", shapeless, "400 invalid_request measures"),
    ] {
        let reply = world.post(&format!("/v1/accounts/{account}/holds"), body.clone()).await;
        assert_eq!(outcome(&reply), expected, "{body}");
    }
}
