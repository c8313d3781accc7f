//! What each role of a key may call: by hand here, in the document, in `docs/roles.md`, and in what the server answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::body::Body;
use scrip_engine::store::Role;
use serde_json::{Value, json};

use crate::document::{Operation, operations};
use crate::keys;
use crate::world::World;

/// Calls that are neither a GET nor for `admin` alone, and who may make them beside it; `~`: a part. By hand, from what
/// each role is for; a new call that is not here is for `admin` alone, or this test fails.
const OPEN: &[(&str, &str)] = &[
    ("POST /v1/accounts/{account}/charges", "jobs"),
    ("POST /v1/accounts/{account}/charges/{charge}/refunds", "jobs support"),
    ("POST /v1/accounts/{account}/debt/write-off", "finance"),
    ("POST /v1/accounts/{account}/grants", "~support finance"),
    ("POST /v1/accounts/{account}/holds", "jobs"),
    ("POST /v1/accounts/{account}/holds/{hold}/extend", "jobs"),
    ("POST /v1/accounts/{account}/holds/{hold}/release", "jobs support"),
    ("POST /v1/accounts/{account}/holds/{hold}/settle", "jobs"),
    ("POST /v1/accounts/{account}/lots/{lot}/revoke", "finance"),
    ("POST /v1/accounts/{account}/orders", "finance"),
    ("POST /v1/accounts/{account}/orders/{order}/checkout", "finance"),
    ("POST /v1/accounts/{account}/orders/{order}/mark-paid", "finance"),
    ("POST /v1/accounts/{account}/portal-sessions", "support"),
    ("POST /v1/accounts/{account}/subscription/preview", "read jobs support finance"),
    ("POST /v1/batch", "~jobs ~support ~finance"),
    ("POST /v1/console-sessions", "read support finance"),
    ("POST /v1/catalog", "~read ~jobs ~support ~finance"),
    ("POST /v1/quotes", "read jobs support finance"),
];

/// GETs that not everyone with a key may make.
const CLOSED_READS: &[(&str, &str)] = &[
    ("GET /v1/audit", "read finance"),
    ("GET /v1/console-session", "read support finance"),
    ("GET /v1/health", "read support finance"),
    ("GET /v1/keys", ""),
    ("GET /v1/totals", "read support finance"),
];

/// Who may make a call, from the lists above.
fn expected(operation: &Operation) -> BTreeSet<String> {
    let name = operation.name();
    let listed = |list: &[(&str, &'static str)]| list.iter().find(|(other, _)| *other == name).map(|(_, roles)| *roles);
    let roles = match (listed(OPEN), listed(CLOSED_READS)) {
        (Some(roles), _) | (None, Some(roles)) => roles,
        (None, None) if operation.method == "GET" => "read jobs support finance",
        (None, None) => "",
    };
    roles.split_whitespace().chain(["admin"]).map(str::to_owned).collect()
}

/// Who may make a call, as the document says.
fn documented(operation: &Operation) -> BTreeSet<String> {
    let whole = operation.body["x-roles"].as_array().expect("every call says its roles");
    let mut roles: BTreeSet<_> = whole.iter().map(|role| role.as_str().unwrap().to_owned()).collect();
    if let Some(parts) = operation.body["x-roles-in-part"].as_object() {
        roles.extend(parts.keys().map(|role| format!("~{role}")));
    }
    roles
}

#[tokio::test]
async fn every_call_with_every_role() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let mut secrets = BTreeMap::new();
    for role in Role::ALL {
        secrets.insert(role.name(), keys::make(&world, role.name(), role, false).await);
    }
    let before = world.get("/v1/entries").await;
    for operation in operations(&world).await.iter().filter(|operation| operation.needs_key()) {
        let name = operation.name();
        let expected = expected(operation);
        assert_eq!(documented(operation), expected, "{name}");
        for (role, secret) in &secrets {
            // A stream has no end: it is asked for a tool that there is not.
            let tool = if operation.path.ends_with("/stream") { "?tool=none" } else { "" };
            let call = world.call(&operation.method, &format!("{}{tool}", operation.address("ada")));
            // A body that nobody can read: nothing is done where the role may make the call.
            let call = call.secret(secret).once("key").header("content-type", "text/plain");
            let reply = call.send(Body::from("?")).await;
            let may = expected.contains(*role) || expected.contains(&format!("~{role}"));
            // Without a body that says it is only tried, nothing of a publication is open.
            let all_closed = name == "POST /v1/catalog" && *role != "admin";
            assert_eq!(reply.status == 403, !may || all_closed, "{name} {role}: {}", reply.text());
        }
    }
    assert_eq!(world.get("/v1/entries").await, before);
}

#[tokio::test]
async fn what_may_be_done_in_part_goes_no_further() {
    let world = World::new().await;
    world.account("ada", 100).await;
    let charge = world.post("/v1/accounts/ada/charges", json!({"credits": 10})).await.json()["charge"].clone();
    let toml = std::fs::read_to_string(format!("{}/../../catalogs/flow-studio.toml", env!("CARGO_MANIFEST_DIR")));
    let toml = toml.unwrap();
    let mut once = 0;
    for (role, gives, makes_good, refunds, charges) in [
        (Role::Read, 403, 403, 403, 403),
        (Role::Jobs, 403, 403, 201, 201),
        (Role::Support, 403, 201, 201, 403),
        (Role::Finance, 201, 201, 403, 403),
        (Role::Admin, 201, 201, 201, 201),
    ] {
        let secret = keys::make(&world, role.name(), role, false).await;
        let why = "a render that failed";
        for (op, path, body, status) in [
            ("grant", "grants".to_owned(), json!({"credits": 1, "class": "promo", "reason": why}), gives),
            ("grant", "grants".to_owned(), json!({"credits": 1, "class": "make_good", "reason": why}), makes_good),
            (
                "refund",
                format!("charges/{}/refunds", charge.as_str().unwrap()),
                json!({"credits": 1, "reason": why}),
                refunds,
            ),
            ("charge", "charges".to_owned(), json!({"credits": 1}), charges),
        ] {
            once += 1;
            let call =
                world.call("POST", &format!("/v1/accounts/ada/{path}")).secret(&secret).once(&format!("a{once}"));
            assert_eq!(call.json(body.clone()).await.status, status, "{role:?} {path} {body}");
            let mut line = body;
            line["op"] = json!(op);
            line["key"] = json!(format!("b{once}"));
            line["account"] = json!("ada");
            if op == "refund" {
                line["charge"] = charge.clone();
            }
            let batch = world.call("POST", "/v1/batch").secret(&secret).json(line).await;
            let (answered, line_status) = (batch.status, batch.json()["status"].clone());
            let refused_whole = (403, json!(403));
            let wanted = if role == Role::Read { refused_whole } else { (200, json!(status)) };
            assert_eq!((answered, line_status), wanted, "{role:?} {op}");
        }
        for (address, status) in [
            ("/v1/catalog?dry_run=true", 200),
            ("/v1/catalog", if role == Role::Admin { 200 } else { 403 }),
            ("/v1/catalog?dry_run=false", if role == Role::Admin { 200 } else { 403 }),
        ] {
            let call = world.call("POST", address).secret(&secret).header("content-type", "application/toml");
            assert_eq!(call.raw(&toml).await.status, status, "{role:?} {address}");
        }
    }
}

/// `docs/roles.md` ends with the table of the document. `UPDATE_DOCS=1` writes it.
#[tokio::test]
async fn the_page_says_what_the_document_says() {
    let world = World::new().await;
    let path = format!("{}/../../docs/roles.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).expect("docs/roles.md is there");
    let head = "| call |";
    let (text, _) = page.split_once(head).expect("the page has a table");
    let mut operations = operations(&world).await;
    operations.retain(Operation::needs_key);
    operations.sort_by_key(|operation| (operation.path.clone(), operation.method.clone()));
    let mut new = text.to_owned();
    let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
    writeln!(new, "{head} {} |", names.join(" | ")).unwrap();
    writeln!(new, "| --- |{}", " --- |".repeat(names.len())).unwrap();
    for operation in &operations {
        let marks: Vec<_> = Role::ALL.iter().map(|role| mark(operation, role.name())).collect();
        writeln!(new, "| `{}` | {} |", operation.name(), marks.join(" | ")).unwrap();
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &new).unwrap();
    }
    assert_eq!(page, new, "docs/roles.md differs: run this test once with UPDATE_DOCS=1");
}

/// What a role may do, as a cell of the table.
fn mark(operation: &Operation, role: &str) -> String {
    let whole = operation.body["x-roles"].as_array().is_some_and(|roles| roles.contains(&json!(role)));
    match (whole, &operation.body["x-roles-in-part"][role]) {
        (true, _) => "yes".to_owned(),
        (false, Value::String(part)) => part.clone(),
        (false, _) => String::new(),
    }
}
