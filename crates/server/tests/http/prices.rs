//! Every number of the two documents, read from them, over HTTP: the rate cards, the material tables, the plans in
//! seconds, and how credits are spent and reset.

use serde_json::{Value, json};

use crate::world::{FLOW, TWIN, World};

const FLOW_STUDIO: &str = include_str!("../../../../tests/seeds/flow-studio-credits-system.txt");
const STUDIOTWIN: &str = include_str!("../../../../tests/seeds/studiotwin-how-credits-work.txt");

async fn price(world: &World, secret: &str, tool: &str, measures: Value) -> Value {
    let quote = json!({"tool": tool, "measures": measures});
    let quote = world.call("POST", "/v1/quotes").secret(secret).json(quote).await.json();
    let lines: Vec<_> = quote["lines"].as_array().unwrap_or_else(|| panic!("{tool}: {quote}")).clone();
    let sum: f64 = lines.iter().map(|line| line["credits"].as_f64().unwrap()).sum();
    assert_eq!(sum, quote["credits"].as_f64().unwrap(), "{tool}: the lines add up");
    quote["credits"].clone()
}

/// The tools that a name of the Flow Studio document means.
fn flow_studio_tools(name: &str) -> &'static [&'static str] {
    match name {
        "Live Action" | "Live Action (Easy or Advanced)" => &["live-action"],
        "AI MoCap" | "AI MoCap only" => &["ai-mocap"],
        "Animation / Video to 3D Scene" => &["animation"],
        "Wonder Tools Clean Plate" => &["clean-plate"],
        "Wonder Tools Camera Track" => &["camera-track"],
        "Wonder Tools Clean Plate & Camera Track" => &["clean-plate", "camera-track"],
        other => panic!("the document names an unknown tool: {other:?}"),
    }
}

fn whole(text: &str) -> i64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text:?} is not a number of the document"))
}

/// The items of the Flow Studio document's lists.
fn items() -> impl Iterator<Item = &'static str> {
    FLOW_STUDIO.lines().filter_map(|line| line.trim().strip_prefix("• "))
}

#[tokio::test]
async fn flow_studio_prices_are_those_of_its_document() {
    let world = World::new().await;
    let mut seen = 0;
    for (name, credits) in items().filter_map(|item| item.strip_prefix("1 second of ")?.split_once(": ")) {
        let credits = whole(credits.strip_suffix(" credits").unwrap());
        for tool in flow_studio_tools(name) {
            assert_eq!(price(&world, FLOW, tool, json!({"seconds": 1})).await, json!(credits), "{tool}");
            assert_eq!(price(&world, FLOW, tool, json!({"seconds": 10.4})).await, json!(credits * 11), "{tool}");
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}

#[tokio::test]
async fn studiotwin_prices_are_those_of_its_document() {
    let world = World::new().await;
    let catalog = world.call("GET", "/v1/catalog").secret(TWIN).empty().await.json();
    let tools = catalog["tools"].as_array().unwrap();
    let mut seen = 0;
    for tool in tools {
        // The name and its cell are run together: "Motion Edit5 credits".
        let (id, name) = (tool["tool"].as_str().unwrap(), tool["name"].as_str().unwrap());
        let cell = STUDIOTWIN.lines().find_map(|line| line.strip_prefix(name).filter(|cell| cell.contains("credits")));
        let Some((credits, per)) = cell.and_then(|cell| cell.split_once(" credits")) else { continue };
        let measures = if per == " per action" { json!({"actions": 1}) } else { json!({}) };
        assert_eq!(price(&world, TWIN, id, measures).await, json!(whole(credits)), "{name}");
        seen += 1;
    }
    // Two of the eleven are priced by formula.
    assert_eq!((seen, tools.len()), (9, 11));
}

/// The rows of a table are run together, as in `512 x 512568` for 5, 6 and 8.
#[tokio::test]
async fn material_prices_are_those_of_the_tables() {
    let world = World::new().await;
    let (_, tables) = STUDIOTWIN.split_once("\nText to Material Formula").unwrap();
    let (text, rest) = tables.split_once("\nImage to Material Formula").unwrap();
    let mut cells = 0;
    for (tool, table) in [("text-to-material", text), ("image-to-material", rest)] {
        for side in [512, 1024, 2048] {
            let label = format!("{side} x {side}");
            let row = table.lines().find_map(|line| line.strip_prefix(&label)).expect("a row");
            let mut prices = String::new();
            for upscale in [1, 2, 4] {
                let measures = json!({"width": side, "height": side, "upscale": upscale});
                prices.push_str(&price(&world, TWIN, tool, measures).await.to_string());
                cells += 1;
            }
            assert_eq!(prices, row, "{tool} {label}");
        }
    }
    assert_eq!(cells, 18);
}

#[tokio::test]
async fn plans_buy_the_seconds_of_the_document() {
    let world = World::new().await;
    let (mut account, mut seen) = (None, 0);
    for item in items() {
        if let Some((name, rest)) = item.split_once(" users get ") {
            let (plan, allowance) = (name.to_lowercase(), whole(rest.split_once(" Credits").unwrap().0));
            world.account(&plan, 0).await;
            let path = format!("/v1/accounts/{plan}");
            assert_eq!(world.put(&format!("{path}/subscription"), json!({"plan": plan})).await.status, 201);
            assert_eq!(world.get(&format!("{path}/balance")).await.json()["available"], json!(allowance));
            account = Some(path);
            continue;
        }
        let Some((path, (seconds, name))) =
            account.as_ref().zip(item.split_once(" seconds of ").or(item.split_once(" Second of ")))
        else {
            continue;
        };
        for tool in flow_studio_tools(name) {
            check_left(&world, path, tool, whole(seconds)).await;
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

/// So many seconds are left of a tool: they run, and one more does not (R10).
async fn check_left(world: &World, path: &str, tool: &str, seconds: i64) {
    let balance = world.get(&format!("{path}/balance?tool={tool}")).await.json();
    assert_eq!(balance["left"][0]["quantity"], json!(seconds), "{path} {tool}");
    let more = json!({"tool": tool, "measures": {"seconds": seconds + 1}});
    assert_eq!(world.post(&format!("{path}/holds"), more).await.status, 402);
    let all = json!({"tool": tool, "measures": {"seconds": seconds}, "hold": tool});
    assert_eq!(world.post(&format!("{path}/holds"), all).await.status, 201);
    assert_eq!(world.post(&format!("{path}/holds/{tool}/release"), json!({})).await.status, 200);
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

/// What a job has cost is explained by the prices of its day, also once they have changed; prices to come are not told.
#[tokio::test]
async fn a_quote_can_be_at_the_prices_of_its_day() {
    let world = World::new().await;
    let dearer = include_str!("../../../../catalogs/studiotwin.toml")
        .replace("rate.flat = 80", "rate.flat = 81")
        .replace("credits = 80 }", "credits = 81 }");
    let later = format!("effective_from = 2027-01-01T00:00:00Z\n{}", dearer.replace("81", "82"));
    for source in [&dearer, &later] {
        let publish = world.call("POST", "/v1/catalog").secret(TWIN).header("content-type", "application/toml");
        let reply = publish.raw(source).await;
        assert_eq!(reply.status, 201, "{}", reply.json());
    }
    let tool = "environment-map-to-world";
    for (version, expected) in [(None, json!(81)), (Some(1), json!(80)), (Some(2), json!(81))] {
        let mut quote = json!({"tool": tool});
        if let Some(version) = version {
            quote["catalog_version"] = json!(version);
        }
        let reply = world.call("POST", "/v1/quotes").secret(TWIN).json(quote).await.json();
        assert_eq!(reply["credits"], expected, "{version:?}: {reply}");
        assert_eq!(reply["catalog_version"], json!(version.unwrap_or(2)));
    }
    for version in [0, 3, 4] {
        let quote = json!({"tool": tool, "catalog_version": version});
        let reply = world.call("POST", "/v1/quotes").secret(TWIN).json(quote).await;
        assert_eq!((reply.status, &reply.json()["field"]), (400, &json!("catalog_version")), "{version}");
    }
}
