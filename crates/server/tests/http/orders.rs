//! Orders over HTTP: placed, marked paid, looked at, refused; and what a payment part does to them.

use scrip_core::catalog::Price;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, OrderId, ProviderRef, StudioNumber};
use scrip_core::order::{Dispute, DisputeState, OrderState, Truth, TruthOfPayment};
use scrip_core::rejection::Rejection;
use scrip_engine::engine::{Refusal, Request};
use serde_json::{Value, json};

use crate::world::{Reply, TWIN, World};

/// The number of `studiotwin`.
const STUDIO: StudioNumber = StudioNumber(2);

async fn get(world: &World, path: &str) -> Value {
    let reply = world.call("GET", path).secret(TWIN).empty().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn post(world: &World, path: &str, key: &str, body: Value) -> Reply {
    world.call("POST", path).secret(TWIN).once(key).json(body).await
}

async fn open(world: &World, account: &str) {
    let reply = world.call("PUT", &format!("/v1/accounts/{account}")).secret(TWIN).json(json!({})).await;
    assert_eq!(reply.status, 201);
}

async fn tell(world: &World, order: u64, truth: Truth) -> Result<(), Refusal> {
    let command = Command::FulfilOrder { order: OrderId::first(order), truth };
    let account = AccountId::parse("cleo").unwrap();
    world.engine.submit(Request { studio: STUDIO, account, key: None, command }).await.map(drop)
}

fn paid(cents: i64, refunded: i64, dispute: Option<DisputeState>) -> Truth {
    Truth {
        payment: TruthOfPayment::Paid(Price { amount: cents, currency: "USD".into() }),
        refunded,
        refunds_failed: 0,
        disputes: dispute.map(|state| Dispute { state, amount: cents }).into_iter().collect(),
        references: vec![ProviderRef::parse("cs_1").unwrap()],
        begins_billing: false,
    }
}

#[tokio::test]
async fn an_order_is_placed_and_marked_paid_once() {
    let world = World::new().await;
    open(&world, "cleo").await;
    let orders = "/v1/accounts/cleo/orders";
    let placed = post(&world, orders, "buy-1", json!({"package": "small"})).await;
    assert_eq!(placed.status, 201, "{}", placed.text());
    assert_eq!(placed.json()["state"], "pending");
    assert_eq!(placed.json()["checkout_url"], Value::Null);
    let again = post(&world, orders, "buy-1", json!({"package": "small"})).await;
    assert_eq!((again.body.clone(), again.header("idempotency-replayed")), (placed.body, Some("true")));

    let mark = format!("{orders}/order_2/mark-paid");
    let marked = post(&world, &mark, "paid-1", json!({"reference": "invoice 17"})).await;
    assert_eq!((marked.status, marked.json()["state"].clone()), (200, json!("paid")));
    let again = post(&world, &mark, "paid-1", json!({"reference": "invoice 17"})).await;
    assert_eq!((again.body.clone(), again.header("idempotency-replayed")), (marked.body, Some("true")));
    let other = post(&world, &mark, "paid-2", json!({"reference": "invoice 17"})).await;
    assert_eq!((other.status, other.json()["code"].clone()), (409, json!("order_not_pending")));
    let balance = get(&world, "/v1/accounts/cleo/balance").await;
    assert_eq!((balance["available"].clone(), balance["lots"][0]["class"].clone()), (json!(100), json!("top_up")));
    let entries = get(&world, "/v1/accounts/cleo/entries").await;
    let shown: Vec<_> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {} {} {}", entry["kind"], entry["order"], entry["change"], entry["reference"]))
        .collect();
    assert_eq!(shown, [r#""top_up" "order_2" null "invoice 17""#, r#""order" "order_2" "placed" null"#],);
}

#[tokio::test]
async fn orders_are_listed_by_state_and_expire_unseen() {
    let world = World::new().await;
    open(&world, "cleo").await;
    for (key, package) in [("a", "small"), ("b", "medium"), ("c", "large")] {
        post(&world, "/v1/accounts/cleo/orders", key, json!({"package": package})).await;
    }
    tell(&world, 3, Truth { payment: TruthOfPayment::Failed, ..paid(0, 0, None) }).await.unwrap();
    let states = |list: Value| -> Vec<String> {
        let orders = list["orders"].as_array().unwrap().clone();
        orders.iter().map(|order| format!("{} {}", order["order"], order["state"])).collect()
    };
    let all = get(&world, "/v1/accounts/cleo/orders").await;
    assert_eq!(states(all), [r#""order_4" "pending""#, r#""order_3" "failed""#, r#""order_2" "pending""#]);
    let pending = get(&world, "/v1/accounts/cleo/orders?state=pending&limit=1").await;
    let next = pending["next"].as_str().unwrap().to_owned();
    assert_eq!(states(pending), [r#""order_4" "pending""#]);
    let rest = get(&world, &format!("/v1/accounts/cleo/orders?state=pending&limit=1&after={next}")).await;
    assert_eq!(states(rest), [r#""order_2" "pending""#]);
    world.at("2026-02-01T10:00:00Z").await;
    assert_eq!(get(&world, "/v1/accounts/cleo/orders/order_4").await["state"], "expired");
    assert_eq!(get(&world, "/v1/accounts/cleo/orders?state=expired").await["orders"].as_array().unwrap().len(), 2);
}

/// What a payment part may rely on: the seam of docs/decisions/0016.
#[tokio::test]
async fn a_provider_is_told_of_and_tells_the_truth() {
    let world = World::new().await;
    open(&world, "cleo").await;
    post(&world, "/v1/accounts/cleo/orders", "a", json!({"package": "small"})).await;
    let (account, order) = (AccountId::parse("cleo").unwrap(), OrderId::first(2));
    let reference = ProviderRef::parse("cs_1").unwrap();
    assert_eq!(world.engine.order_of_provider(STUDIO, &reference).await, Ok(None));
    let command = Command::SendOrder { order, reference: reference.clone() };
    world.engine.submit(Request { studio: STUDIO, account: account.clone(), key: None, command }).await.unwrap();
    let (whose, found) = world.engine.order_of_provider(STUDIO, &reference).await.unwrap().unwrap();
    assert_eq!((whose.as_str(), found.id, found.state()), ("cleo", order, OrderState::Pending));
    assert_eq!(world.engine.order_of_provider(StudioNumber(1), &reference).await, Ok(None));

    let mismatch = tell(&world, 2, paid(499, 0, None)).await;
    assert!(matches!(mismatch, Err(Refusal::Rejected(Rejection::PaymentMismatch { .. }))), "{mismatch:?}");
    for _ in 0..2 {
        tell(&world, 2, paid(500, 0, None)).await.unwrap();
    }
    tell(&world, 2, paid(500, 0, Some(DisputeState::Open))).await.unwrap();
    let balance = get(&world, "/v1/accounts/cleo/balance").await;
    assert_eq!(
        (&balance["remaining"], &balance["frozen"], &balance["available"]),
        (&json!(100), &json!(100), &json!(0))
    );
    assert_eq!(balance["lots"][0]["frozen"], json!(100));
    assert_eq!(get(&world, "/v1/accounts/cleo/orders/order_2").await["state"], "disputed");
    tell(&world, 2, paid(500, 0, Some(DisputeState::Lost))).await.unwrap();
    assert_eq!(get(&world, "/v1/accounts/cleo/balance").await["remaining"], json!(0));
    let order = world.engine.order(STUDIO, &account, order).await.unwrap().unwrap();
    assert_eq!(order.state(), OrderState::Lost);
    let kinds = get(&world, "/v1/accounts/cleo/entries?kind=top_up,freeze,unfreeze,claw_back").await;
    let kinds: Vec<_> = kinds["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, [json!("claw_back"), json!("freeze"), json!("top_up")]);
    let frozen = get(&world, "/v1/accounts/cleo/entries?kind=top_up,freeze,claw_back").await;
    let frozen: Vec<_> = frozen["entries"].as_array().unwrap().iter().map(|entry| entry["frozen"].clone()).collect();
    assert_eq!(frozen, [json!(-100), json!(100), Value::Null]);
}

/// The payment of a plan's order begins the subscription.
#[tokio::test]
async fn a_plan_is_bought() {
    let world = World::new().await;
    open(&world, "cleo").await;
    let placed = post(&world, "/v1/accounts/cleo/orders", "a", json!({"plan": "studio"})).await.json();
    assert_eq!(
        (&placed["plan"], &placed["credits"], &placed["price"]["amount"], placed.get("package")),
        (&json!("studio"), &json!(2500), &json!(4000), None)
    );
    tell(&world, 2, paid(4_000, 0, None)).await.unwrap();
    let subscription = get(&world, "/v1/accounts/cleo/subscription").await;
    assert_eq!((&subscription["plan"], &subscription["state"]), (&json!("studio"), &json!("active")));
    assert_eq!(get(&world, "/v1/accounts/cleo/balance").await["available"], json!(2500));
    let order = get(&world, "/v1/accounts/cleo/orders/order_2").await;
    assert_eq!((&order["state"], &order["lots"]), (&json!("paid"), &json!([])));
}

/// An account that runs low orders by itself, and the order can be seen and paid.
#[tokio::test]
async fn an_account_tops_itself_up() {
    let world = World::new().await;
    open(&world, "cleo").await;
    let path = "/v1/accounts/cleo/automatic-top-up";
    let missing = world.call("GET", path).secret(TWIN).empty().await;
    assert_eq!((missing.status, missing.json()["code"].clone()), (404, json!("top_up_not_found")));
    let put = world.call("PUT", path).secret(TWIN).json(json!({"package": "small", "below": 50, "up_to": 150})).await;
    put.is(
        200,
        json!({"enabled": true, "package": "small", "below": 50, "up_to": 150, "per_day": null, "per_month": null,
            "order": "order_3", "declines": 0, "waits_until": null, "saved_method": null}),
    );
    let order = get(&world, "/v1/accounts/cleo/orders/order_3").await;
    assert_eq!((&order["automatic"], &order["quantity"], &order["credits"]), (&json!(true), &json!(2), &json!(200)));
    tell(&world, 3, paid(1_000, 0, None)).await.unwrap();
    assert_eq!(get(&world, "/v1/accounts/cleo/balance").await["available"], json!(200));
    let history = get(&world, "/v1/accounts/cleo/entries?kind=automatic_top_up").await;
    let changes: Vec<_> = history["entries"].as_array().unwrap().iter().map(|entry| entry["change"].clone()).collect();
    assert_eq!(changes, [json!("armed"), json!("paid"), json!("ordered"), json!("set")]);
    for (body, status, code) in [
        (json!({"package": "nothing"}), 404, "package_not_found"),
        (json!({"below": 0}), 400, "invalid_request"),
        (json!({"per_day": 0}), 400, "invalid_request"),
        (json!({"sometimes": true}), 400, "invalid_request"),
    ] {
        let reply = world.call("PUT", path).secret(TWIN).json(body.clone()).await;
        assert_eq!((reply.status, reply.json()["code"].clone()), (status, json!(code)), "{body}");
    }
}

#[tokio::test]
async fn orders_are_refused_in_the_documented_way() {
    let world = World::new().await;
    open(&world, "cleo").await;
    let orders = "/v1/accounts/cleo/orders";
    for (path, body, status, code) in [
        (orders, json!({"package": "nothing"}), 404, "package_not_found"),
        (orders, json!({"package": "No Such Package"}), 404, "package_not_found"),
        (orders, json!({"plan": "nothing"}), 404, "plan_not_found"),
        (orders, json!({}), 400, "invalid_request"),
        (orders, json!({"package": "small", "plan": "studio"}), 400, "invalid_request"),
        (orders, json!({"package": 1}), 400, "invalid_request"),
        (orders, json!({"package": "small", "price": 1}), 400, "invalid_request"),
        ("/v1/accounts/nobody/orders", json!({"package": "small"}), 404, "account_not_found"),
        ("/v1/accounts/cleo/orders/order_9/mark-paid", json!({"reference": "x"}), 404, "order_not_found"),
        ("/v1/accounts/cleo/orders/nope/mark-paid", json!({"reference": "x"}), 404, "order_not_found"),
        ("/v1/accounts/cleo/orders/order_9/mark-paid", json!({"reference": " "}), 400, "invalid_request"),
    ] {
        let reply = post(&world, path, "k", body.clone()).await;
        assert_eq!((reply.status, reply.json()["code"].clone()), (status, json!(code)), "{path} {body}");
    }
    let reply = world.call("GET", "/v1/accounts/cleo/orders/order_9").secret(TWIN).empty().await;
    assert_eq!(reply.json()["code"], "order_not_found");
}
