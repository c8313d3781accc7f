//! Every number of the seeds, over HTTP: both rate cards, the material tables, the plans in seconds.

use serde_json::{Value, json};

use crate::world::{FLOW, TWIN, World};

async fn price(world: &World, secret: &str, tool: &str, measures: Value) -> Value {
    let quote = json!({"tool": tool, "measures": measures});
    let quote = world.call("POST", "/v1/quotes").secret(secret).json(quote).await.json();
    let lines: Vec<_> = quote["lines"].as_array().unwrap_or_else(|| panic!("{tool}: {quote}")).clone();
    let sum: f64 = lines.iter().map(|line| line["credits"].as_f64().unwrap()).sum();
    assert_eq!(sum, quote["credits"].as_f64().unwrap(), "{tool}: the lines add up");
    quote["credits"].clone()
}

#[tokio::test]
async fn both_rate_cards() {
    let world = World::new().await;
    for (secret, tool, measures, credits) in [
        (FLOW, "live-action", json!({"seconds": 1}), 20),
        (FLOW, "ai-mocap", json!({"seconds": 1}), 4),
        (FLOW, "animation", json!({"seconds": 1}), 20),
        (FLOW, "clean-plate", json!({"seconds": 1}), 4),
        (FLOW, "camera-track", json!({"seconds": 1}), 4),
        (FLOW, "live-action", json!({"seconds": 10.4}), 220),
        (TWIN, "text-to-motion", json!({"actions": 3}), 15),
        (TWIN, "motion-edit", json!({}), 5),
        (TWIN, "motion-stitch", json!({}), 5),
        (TWIN, "trajectory-control", json!({}), 5),
        (TWIN, "text-to-environment-map", json!({}), 20),
        (TWIN, "image-to-environment-map", json!({}), 25),
        (TWIN, "environment-map-to-world", json!({}), 80),
        (TWIN, "image-to-3d-mesh", json!({}), 25),
        (TWIN, "texture-to-material", json!({}), 20),
        (TWIN, "text-to-material", json!({"width": 600, "height": 600, "upscale": 1}), 5),
    ] {
        assert_eq!(price(&world, secret, tool, measures).await, json!(credits), "{tool}");
    }
}

#[tokio::test]
async fn the_material_tables() {
    let world = World::new().await;
    for (tool, side, row) in [
        ("text-to-material", 512, [5, 6, 8]),
        ("text-to-material", 1024, [12, 18, 24]),
        ("text-to-material", 2048, [42, 66, 90]),
        ("image-to-material", 512, [16, 17, 19]),
        ("image-to-material", 1024, [23, 29, 35]),
        ("image-to-material", 2048, [53, 77, 101]),
    ] {
        for (upscale, credits) in [1, 2, 4].into_iter().zip(row) {
            let measures = json!({"width": side, "height": side, "upscale": upscale});
            assert_eq!(price(&world, TWIN, tool, measures).await, json!(credits), "{tool} {side} {upscale}x");
        }
    }
}

#[tokio::test]
async fn the_plans_in_seconds() {
    let world = World::new().await;
    for (plan, allowance, seconds) in
        [("lite", 3_000, [150, 750, 150, 750, 750]), ("pro", 12_000, [600, 3_000, 600, 3_000, 3_000])]
    {
        let account = format!("/v1/accounts/{plan}");
        world.account(plan, 0).await;
        world.put(&format!("{account}/subscription"), json!({"plan": plan})).await;
        let balance = world.get(&format!("{account}/balance")).await.json();
        assert_eq!(balance["available"], json!(allowance));
        let left: Vec<_> = balance["left"].as_array().unwrap().iter().map(|left| left["quantity"].clone()).collect();
        assert_eq!(left, seconds.map(|seconds| json!(seconds)), "{plan}");
        // The number shown always runs, and one more second never does.
        for (tool, seconds) in
            ["live-action", "ai-mocap", "animation", "clean-plate", "camera-track"].iter().zip(seconds)
        {
            let more = json!({"tool": tool, "measures": {"seconds": seconds + 1}});
            assert_eq!(world.post(&format!("{account}/holds"), more).await.status, 402);
            let all = json!({"tool": tool, "measures": {"seconds": seconds}, "hold": tool});
            assert_eq!(world.post(&format!("{account}/holds"), all).await.status, 201);
            assert_eq!(world.post(&format!("{account}/holds/{tool}/release"), json!({})).await.status, 200);
        }
    }
}

#[tokio::test]
async fn subscription_credits_go_first_reset_and_leave_top_ups_alone() {
    let world = World::new().await;
    world.account("ada", 500).await;
    world.put("/v1/accounts/ada/subscription", json!({"plan": "lite"})).await;
    let charged = world.post("/v1/accounts/ada/charges", json!({"credits": 2_900})).await.json();
    assert_eq!(charged["from"], json!([{"lot": "lot_4", "class": "subscription", "credits": 2_900}]));
    let charged = world.post("/v1/accounts/ada/charges", json!({"credits": 150})).await.json();
    assert_eq!(
        charged["from"],
        json!([{"lot": "lot_4", "class": "subscription", "credits": 100}, {"lot": "lot_2", "class": "top_up", "credits": 50}])
    );
    // Jan 31 → Feb 28 → Mar 31 → Apr 30.
    for turn in ["2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z", "2026-04-30T10:00:00Z"] {
        assert_eq!(world.get("/v1/accounts/ada/balance").await.json()["resets_at"], json!(turn));
        world.at(turn).await;
        let balance = world.get("/v1/accounts/ada/balance").await.json();
        let lots: Vec<_> = balance["lots"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lot| (lot["class"].clone(), lot["remaining"].clone()))
            .collect();
        assert_eq!(lots, [(json!("subscription"), json!(3_000)), (json!("top_up"), json!(450))], "{turn}");
    }
}
