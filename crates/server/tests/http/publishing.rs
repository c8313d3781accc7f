//! Publishing a catalog beside versions that are scheduled already, and that whoever publishes stands in the trail.

use axum::body::Body;
use scrip_engine::store::memory::MemoryStore;
use scrip_server::Config;
use scrip_sim::faulty::{Faults, FaultyStore};
use serde_json::{Value, json};

use crate::world::{FLOW, Reply, World};

/// The shipped catalog with these credits of the Lite plan, the studio under this name, and from when it is in force.
fn document(allowance: &str, name: &str, from: Option<&str>) -> String {
    let source = std::fs::read_to_string("../../catalogs/flow-studio.toml").unwrap();
    let source = source.replace("allowance = 3_000", &format!("allowance = {allowance}"));
    let source = source.replacen("\"Flow Studio\"", &format!("\"{name}\""), 1);
    from.map_or(source.clone(), |from| format!("effective_from = {from}\n{source}"))
}

async fn publish(world: &World, query: &str, text: String) -> Reply {
    let call = world.call("POST", &format!("/v1/catalog{query}")).secret(FLOW);
    call.header("content-type", "application/toml").send(Body::from(text)).await
}

const MARCH: &str = "2026-03-01T00:00:00Z";

/// It is compared with what is in force when it begins, and says what is scheduled after it and what that takes back; tried and
/// done alike.
#[tokio::test]
async fn a_version_is_compared_with_what_is_scheduled() {
    let world = World::new().await;
    let first = publish(&world, "", document("3_500", "Flow Studio", Some(MARCH))).await.json();
    assert_eq!((&first["replaces"], first.get("followed_by")), (&json!(1), None), "{first}");
    let renamed = "the studio's name: Flow Studio → Flow";
    let more = "plan Lite, credits a month: 3000 → 3500";
    let less = "plan Lite, credits a month: 3500 → 3000";
    for (from, replaces, changes, followed_by) in [
        // At once, and the one of March takes the name back.
        (
            None,
            json!(1),
            json!([renamed]),
            json!([{"catalog_version": 2, "effective_from": MARCH, "takes_back": ["the studio's name: Flow → Flow Studio"]}]),
        ),
        // After it: the credits that were raised meanwhile fall again.
        (Some("2026-03-15T00:00:00Z"), json!(2), json!([renamed, less]), Value::Null),
    ] {
        let text = document("3_000", "Flow", from);
        let tried = publish(&world, "?dry_run=true", text.clone()).await.json();
        let said =
            |answer: &Value| (answer["replaces"].clone(), answer["changes"].clone(), answer["followed_by"].clone());
        assert_eq!(said(&tried), (replaces.clone(), changes, followed_by), "{tried}");
        // Published in the place of another version than it was compared with, it is refused.
        for (other, status) in [(7, 409), (replaces.as_u64().unwrap(), 201)] {
            let done = publish(&world, &format!("?replaces={other}"), text.clone()).await;
            let answer = done.json();
            assert_eq!(done.status, status, "{answer}");
            if status == 409 {
                assert_eq!((&answer["code"], &answer["catalog_version"]), (&json!("catalog_overtaken"), &replaces));
            } else {
                assert_eq!(said(&answer), said(&tried));
            }
        }
    }
    assert_eq!(first["changes"], json!([more]));
    // What takes force after something was looked at is found out, though nobody published.
    world.at("2026-03-01T00:00:00Z").await;
    let late = publish(&world, "?after=4&replaces=3", document("3_100", "Flow", None)).await;
    assert_eq!((late.status, &late.json()["catalog_version"]), (409, &json!(2)));
}

/// Of a publication that could not be recorded, nothing is in force; of one that is in force, one line is in the trail.
#[tokio::test]
async fn no_version_is_in_force_that_nobody_published() {
    let faults = Faults::default();
    let store = FaultyStore::new(Box::new(MemoryStore::new()), faults.clone());
    let world = World::on(Box::new(store), Config::default()).await;
    let versions = async || world.get("/v1/catalog/versions").await.json()["versions"].as_array().map(Vec::len);
    faults.fill();
    let text = document("3_100", "Flow Studio", None);
    assert_eq!(publish(&world, "?reason=more", text.clone()).await.status, 503);
    assert_eq!(versions().await, Some(1), "what cannot be recorded is not done");
    faults.make_room();
    assert_eq!(publish(&world, "?reason=more", text.clone()).await.status, 201);
    // What changes nothing is not recorded: known, refused, tried, or overtaken.
    assert_eq!(publish(&world, "?reason=again", text).await.status, 200);
    for (query, status) in [("?dry_run=true", 200), ("?after=1", 409), ("?replaces=1", 409)] {
        assert_eq!(publish(&world, query, document("3_200", "Flow Studio", None)).await.status, status, "{query}");
    }
    assert_eq!(publish(&world, "", "studio = 1".to_owned()).await.status, 422);
    let acts = world.get("/v1/audit").await.json()["acts"].clone();
    let told: Vec<_> = acts.as_array().unwrap().iter().map(|act| (&act["act"], &act["reference"])).collect();
    // The digest says whose document became the version, where two were recorded for one number.
    let versions = world.get("/v1/catalog/versions").await.json()["versions"].clone();
    let digests: Vec<_> =
        versions.as_array().unwrap().iter().map(|version| version["digest"].as_str().unwrap()).collect();
    assert!(digests[0] != digests[1] && digests.iter().all(|digest| digest.len() == 12), "{versions}");
    let reference = json!(format!("version 2, {}", digests[0]));
    assert_eq!(told, [(&json!("catalog_published"), &reference)], "{acts}");
}

/// Of two versions that begin at the same instant the newer counts: the other takes nothing back, and whoever brings it again is told.
#[tokio::test]
async fn a_version_that_never_begins_is_told_so() {
    let world = World::new().await;
    for credits in ["3_500", "3_200"] {
        assert_eq!(publish(&world, "", document(credits, "Flow Studio", Some(MARCH))).await.status, 201);
    }
    let warned = async |query: &str, credits: &str| {
        let known = publish(&world, query, document(credits, "Flow Studio", Some(MARCH))).await;
        assert_eq!((known.status, &known.json()["published"]), (200, &json!(false)), "{}", known.text());
        known.json()["warnings"].to_string()
    };
    for query in ["", "?dry_run=true"] {
        let warning = warned(query, "3_500").await;
        assert!(warning.contains("version 2 is never in force: version 3 takes its place"), "{warning}");
        assert_eq!(warned(query, "3_200").await, "null", "it is in force from March on");
    }
    let tried = publish(&world, "?dry_run=true", document("3_000", "Flow", None)).await.json();
    let followed_by: Vec<_> =
        tried["followed_by"].as_array().unwrap().iter().map(|other| &other["catalog_version"]).collect();
    assert_eq!(followed_by, [&json!(3)], "{tried}");
}
