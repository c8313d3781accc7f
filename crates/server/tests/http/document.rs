//! The OpenAPI document against the router: what is documented is what answers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::World;

/// The contract's routes: this list is written by hand from it.
const ROUTES: &[&str] = &[
    "GET /healthz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /readyz",
    "GET /v1/accounts",
    "GET /v1/accounts/{account}",
    "PUT /v1/accounts/{account}",
    "GET /v1/accounts/{account}/automatic-top-up",
    "PUT /v1/accounts/{account}/automatic-top-up",
    "GET /v1/accounts/{account}/balance",
    "GET /v1/accounts/{account}/balance/stream",
    "POST /v1/accounts/{account}/charges",
    "POST /v1/accounts/{account}/charges/{charge}/refunds",
    "POST /v1/accounts/{account}/debt/write-off",
    "GET /v1/accounts/{account}/entries",
    "POST /v1/accounts/{account}/grants",
    "GET /v1/accounts/{account}/holds",
    "POST /v1/accounts/{account}/holds",
    "GET /v1/accounts/{account}/holds/{hold}",
    "POST /v1/accounts/{account}/holds/{hold}/extend",
    "POST /v1/accounts/{account}/holds/{hold}/release",
    "POST /v1/accounts/{account}/holds/{hold}/settle",
    "POST /v1/accounts/{account}/lots/{lot}/revoke",
    "GET /v1/accounts/{account}/offers",
    "GET /v1/accounts/{account}/orders",
    "POST /v1/accounts/{account}/orders",
    "GET /v1/accounts/{account}/orders/{order}",
    "POST /v1/accounts/{account}/orders/{order}/checkout",
    "POST /v1/accounts/{account}/orders/{order}/mark-paid",
    "POST /v1/accounts/{account}/portal-sessions",
    "DELETE /v1/accounts/{account}/subscription",
    "GET /v1/accounts/{account}/subscription",
    "PUT /v1/accounts/{account}/subscription",
    "POST /v1/accounts/{account}/subscription/preview",
    "GET /v1/accounts/{account}/usage",
    "GET /v1/audit",
    "GET /v1/console-session",
    "POST /v1/console-sessions",
    "GET /v1/health",
    "GET /v1/keys",
    "POST /v1/keys",
    "DELETE /v1/keys/{key}",
    "GET /v1/orders",
    "GET /v1/sign-in/{studio}",
    "GET /v1/sign-in/{studio}/return",
    "GET /v1/totals",
    "POST /v1/batch",
    "GET /v1/catalog",
    "POST /v1/catalog",
    "GET /v1/catalog/versions",
    "GET /v1/catalog/versions/{version}",
    "GET /v1/entries",
    "GET /v1/holds",
    "GET /v1/packages",
    "GET /v1/payments/deliveries",
    "GET /v1/payments/stripe/{studio}/cancelled",
    "GET /v1/payments/stripe/{studio}/return",
    "POST /v1/payments/stripe/{studio}/webhook",
    "GET /v1/portal-session",
    "POST /v1/quotes",
    "GET /v1/test-clock",
    "POST /v1/test-clock",
    "GET /v1/uncollected",
    "GET /v1/usage",
];

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl Operation {
    /// Its address with ids filled in.
    pub(crate) fn address(&self, account: &str) -> String {
        let path = self.path.replace("{account}", account).replace("{hold}", "job").replace("{lot}", "lot_2");
        path.replace("{charge}", "charge_4")
            .replace("{version}", "1")
            .replace("{order}", "order_3")
            .replace("{key}", "key_000000000000")
            .replace("{studio}", "studiotwin")
    }

    /// What payment providers and their customers' browsers call has none.
    pub(crate) fn needs_key(&self) -> bool {
        let signed = ["/v1/payments/stripe/", "/v1/sign-in/"];
        self.path.starts_with("/v1/") && !signed.iter().any(|signed| self.path.starts_with(signed))
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

async fn document(world: &World) -> Value {
    world.call("GET", "/openapi.json").empty().await.json()
}

pub(crate) async fn operations(world: &World) -> Vec<Operation> {
    let document = document(world).await;
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if ["get", "put", "post", "delete"].contains(&method.as_str()) {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    body: operation.clone(),
                });
            }
        }
    }
    operations
}

#[tokio::test]
async fn every_route_of_the_contract_is_documented_and_answers() {
    let world = World::new().await;
    let document = document(&world).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let operations = operations(&world).await;
    let documented: BTreeSet<_> = operations.iter().map(Operation::name).collect();
    assert_eq!(documented, ROUTES.iter().map(|route| (*route).to_owned()).collect());
    for operation in &operations {
        let reply = world.call(&operation.method, &operation.address("ada")).send(axum::body::Body::empty()).await;
        // No studio here takes payments: that is said by the route itself.
        let routed = reply.status < 400
            || ["takes payments", "sign in through a provider"].iter().any(|words| reply.text().contains(words))
            || !["not_found", "method_not_allowed"].contains(&reply.json()["code"].as_str().unwrap());
        assert!(routed, "{}: {}", operation.name(), reply.text());
    }
}

/// Every reference of the document leads somewhere, every operation says its ids, and every POST that changes an
/// account its key.
#[tokio::test]
async fn the_document_is_whole() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in references {
        assert!(!document.pointer(reference.trim_start_matches('#')).is_none_or(Value::is_null), "{reference}");
    }
    let keyless = [
        "/v1/quotes",
        "/v1/accounts/{account}/orders/{order}/checkout",
        "/v1/accounts/{account}/portal-sessions",
        "/v1/accounts/{account}/subscription/preview",
        "/v1/batch",
        "/v1/console-sessions",
        "/v1/keys",
        "/v1/catalog",
        "/v1/test-clock",
        "/v1/payments/stripe/{studio}/webhook",
    ];
    for operation in operations(&world).await {
        let parameters = operation.body["parameters"].as_array().cloned().unwrap_or_default();
        let named: BTreeSet<_> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap().to_owned()).collect();
        let in_path: BTreeSet<_> = operation
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(str::to_owned)
            .collect();
        assert_eq!(named, in_path, "{}", operation.name());
        let has_key = parameters.iter().any(|p| p["name"] == "Idempotency-Key" && p["required"] == true);
        let needs_key = operation.method == "POST" && !keyless.contains(&operation.path.as_str());
        assert_eq!(has_key, needs_key, "{}", operation.name());
        assert_eq!(operation.body["security"].is_array(), operation.needs_key(), "{}", operation.name());
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
