//! What the provider delivered and what became of it, as the operator sees it; and what stays open is tried again.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use futures_util::StreamExt;
use scrip_engine::store::joint::memory::JointMemory;
use scrip_server::Reconciler;
use scrip_till::{Fault, Kept};
use serde_json::{Value, json};

use crate::payments::{START_S, Settings, Shop, WEBHOOK, new_session};
use crate::world::TWIN;

impl Shop {
    /// Rows as `kind object-prefix times state reason order account`, newest first.
    async fn told(&self, query: &str) -> Vec<String> {
        let path = format!("/v1/payments/deliveries{query}");
        let answer = self.world.call("GET", &path).secret(TWIN).empty().await.json();
        let word = |row: &Value, name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let rows = answer["deliveries"].as_array().expect("a list").iter();
        rows.map(|row| {
            let object = word(row, "object");
            let object = object.split('_').next().expect("a part");
            let words = ["state", "reason", "order", "account"].map(|name| word(row, name)).join(" ");
            format!("{} {object} {} {words}", word(row, "kind"), row["times"])
        })
        .collect()
    }

    /// Lets time pass for both.
    async fn pass_to(&self, clock: &str, seconds: i64) {
        self.world.at(clock).await;
        self.till.move_clock(START_S + seconds);
    }

    async fn grant(&self, credits: i64) {
        let grant = json!({"credits": credits, "class": "top_up", "reason": "test"});
        let call = self.world.call("POST", "/v1/accounts/cleo/grants").secret(TWIN).once("grant");
        let reply = call.json(grant).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }

    /// A page at the provider that names an order, made by somebody else.
    async fn page_that_names(&self, order: &str) -> String {
        let named = scrip_stripe::OrderRef {
            studio: "studiotwin".to_owned(),
            account: "cleo".to_owned(),
            order: order.to_owned(),
            number: None,
        };
        self.provider.create_session(&new_session(named, 500)).await.expect("a page").id
    }
}

#[tokio::test]
async fn what_was_delivered_is_shown_with_what_became_of_it() {
    let shop = Shop::open().await;
    assert_eq!(shop.told("").await, [""; 0]);
    let (_, session) = shop.order("buy-1").await;
    shop.pay(&session);
    let told = shop.till.take_deliveries();
    for kept in told.iter().chain(told.iter().filter(|kept| kept.kind == "payment_intent.succeeded")) {
        assert_eq!(shop.send(&kept.signature, &kept.body).await.status, 204);
    }
    for _ in 0..3 {
        assert_eq!(shop.send("t=1,v1=00", b"{}").await.status, 400);
    }
    let mut rows = shop.told("").await;
    rows.sort();
    assert_eq!(
        rows,
        [
            "- - 3 refused event_not_believed - -",
            "checkout.session.completed cs 1 settled - order_2 cleo",
            "payment_intent.succeeded pi 2 settled - order_2 cleo",
        ]
    );
    assert_eq!(shop.told("?state=refused").await.len(), 1);
    // Page by page, though all came at one time.
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let query = format!("?limit=1{after}");
        assert_eq!(shop.told(&query).await.len(), 1);
        paged.extend(shop.told(&query).await);
        let page = shop.world.call("GET", &format!("/v1/payments/deliveries{query}")).secret(TWIN).empty().await.json();
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    paged.sort();
    assert_eq!(paged, rows);
    let wrong = shop.world.call("GET", "/v1/payments/deliveries?after=d1").secret(TWIN).empty().await;
    assert_eq!(wrong.json()["field"], json!("after"));
    assert_eq!(shop.told("?state=open").await, [""; 0]);
    let refused = shop.world.call("GET", "/v1/payments/deliveries?state=lost").secret(TWIN).empty().await;
    assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("state")));
}

#[tokio::test]
async fn what_could_not_be_settled_outlives_a_restart_and_names_nobody() {
    let mut shop = Shop::open().await;
    let session = shop.page_that_names("order_99").await;
    shop.pay(&session);
    shop.fault(Some(Fault::Error));
    assert_eq!(shop.deliver().await, [204, 204, 503, 503], "two of them are of no interest");
    shop.fault(None);
    assert_eq!(shop.told("?state=open").await[0], "checkout.session.completed cs 1 open not_answered - -");
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    let open = shop.told("?state=open").await;
    assert!(open.iter().any(|row| row.ends_with("open unknown_order - -")), "{open:?}");
    let studio =
        shop.world.engine.studios().into_iter().find(|(_, id)| id.as_str() == "studiotwin").expect("it is there");
    let note = shop.world.engine.note(studio.0, "payments").expect("it is noted");
    assert!(note.contains("unknown_order") && !note.contains("cleo"), "{note}");

    shop.restart(Settings::default());
    let open = shop.told("").await;
    assert!(!open.is_empty() && open.iter().all(|row| row.ends_with(" 0 open unknown_order - -")), "{open:?}");
    // It is known how far the provider was asked: what happened before then is not asked for again.
    let asked = shop.world.call("GET", "/v1/payments/deliveries").secret(TWIN).empty().await.json();
    assert_eq!(asked["asked_until"], "2026-01-31T09:55:00Z");
    // After a month it is given up.
    shop.pass_to("2026-03-02T10:00:01Z", 30 * 86_400 + 1).await;
    reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    assert_eq!(shop.told("").await, [""; 0]);
}

/// Two servers on one store: each is told of something that nobody else hears of.
#[tokio::test]
async fn what_each_of_several_servers_found_is_open_at_all_of_them() {
    let store = JointMemory::new();
    let mut shop = Shop::on_shared_store(&store).await;
    let mut other = shop.another_server(&store);
    let known_to_nobody = |number| {
        json!({"object": "payment_intent", "id": format!("pi_{number}"),
            "metadata": {"studio": "studiotwin", "account": "cleo", "order": "order_2"}})
    };
    for number in 0..2 {
        assert_eq!(shop.told("").await, [""; 0]);
        let payment = known_to_nobody(number);
        assert_eq!(shop.deliver_made_up(number, "payment_intent.succeeded", payment).await, 503);
        std::mem::swap(&mut shop.world, &mut other);
    }
    Reconciler::default().round(&shop.world.app).await;
    std::mem::swap(&mut shop.world, &mut other);
    Reconciler::default().round(&shop.world.app).await;
    assert_eq!(shop.told("?state=open").await.len(), 2);
    shop.restart(Settings::default());
    assert_eq!(shop.told("?state=open").await.len(), 2);
    // The first one hears of it within a second.
    std::mem::swap(&mut shop.world, &mut other);
    while shop.told("?state=open").await.len() < 2 {
        tokio::task::yield_now().await;
    }
}

/// More than an account may have: nothing is credited, until there is room.
#[tokio::test]
async fn a_payment_that_finds_no_room_is_credited_once_there_is_some() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.grant(7_999_999_950).await;
    shop.pay(&session);
    assert_eq!(shop.deliver().await, [204; 4]);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("received"), json!(7_999_999_950_u64)));
    assert!(shop.told("?state=open").await[0].ends_with("open no_room order_2 cleo"));
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    assert_eq!(shop.state(&order).await, json!("received"));
    let charge = shop.world.call("POST", "/v1/accounts/cleo/charges").secret(TWIN).once("job");
    assert_eq!(charge.json(json!({"credits": 50})).await.status, 201);
    shop.pass_to("2026-01-31T11:00:00Z", 3_600).await;
    reconciler.round(&shop.world.app).await;
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(8_000_000_000_u64)));
    assert_eq!(shop.told("?state=open").await, [""; 0]);
}

#[tokio::test]
async fn the_page_of_an_order_that_is_marked_paid_is_closed() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    let mark = async |order: &str| {
        let path = format!("/v1/accounts/cleo/orders/{order}/mark-paid");
        shop.world.call("POST", &path).secret(TWIN).once("mark").json(json!({"reference": "bank"})).await
    };
    assert_eq!(mark(&order).await.status, 200);
    assert!(!shop.till.pay(&session, "4242424242424242"), "it can be paid no more");
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));

    // The provider is away: the page stays open, and what comes by it is shown.
    let (order, session) = shop.order("buy-2").await;
    shop.fault(Some(Fault::Down));
    let path = format!("/v1/accounts/cleo/orders/{order}/mark-paid");
    let call = shop.world.call("POST", &path).secret(TWIN).once("mark-2");
    assert_eq!(call.json(json!({"reference": "bank"})).await.status, 200);
    shop.fault(None);
    shop.pay(&session);
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(200)));
    let open = shop.told("?state=open").await;
    assert!(open.iter().all(|row| row.contains("open paid_twice") && row.ends_with(" cleo")), "{open:?}");
    assert!(!open.is_empty());
    // The studio gives it back: then nothing is open any more, and the credits stay.
    let session = shop.provider.session(&session).await.expect("it answers");
    let refund = scrip_stripe::NewRefund {
        payment_intent: session.payment_intent.expect("it is paid").id().to_owned(),
        amount: None,
        reason: None,
        idempotency_key: "r".to_owned(),
    };
    shop.provider.refund(&refund).await.expect("it is given back");
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.told("?state=open").await, shop.available().await), (Vec::new(), json!(200)));
}

impl Shop {
    /// Delivers an event that nobody told; the answer's status.
    async fn deliver_made_up(&self, number: usize, kind: &str, object: Value) -> u16 {
        let body = json!({"id": format!("evt_made_up_{number}"), "object": "event", "created": START_S, "type": kind,
            "api_version": scrip_till::API_VERSION, "data": {"object": object}});
        let url = "http://127.0.0.1:9/webhook".to_owned();
        let (event, body) = (String::new(), body.to_string().into_bytes());
        let kept = Kept { event, kind: "", url, signature: String::new(), body };
        let signed = self.till.sign_again(&kept);
        self.send(&signed.signature, &signed.body).await.status
    }
}

/// Megabytes, from whoever finds the address: no more is read than is allowed, and what was delivered is not pushed out.
#[tokio::test]
async fn a_flood_of_large_bodies_is_one_row() {
    let shop = Shop::open().await;
    let (_, session) = shop.order("buy-1").await;
    shop.pay(&session);
    assert_eq!(shop.deliver().await, [204; 4]);
    let read = Arc::new(AtomicUsize::new(0));
    let piece = Bytes::from(vec![b' '; 10_000]);
    for declared in [true, false] {
        let count = Arc::clone(&read);
        let pieces = futures_util::stream::iter(0..2_000).map({
            let piece = piece.clone();
            move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(piece.clone())
            }
        });
        let call = shop.world.call("POST", WEBHOOK).header("stripe-signature", "t=1,v1=00");
        let call = if declared { call.header("content-length", "20000000") } else { call };
        let reply = call.send(axum::body::Body::from_stream(pieces)).await;
        assert_eq!((reply.status, reply.json()["limit"].clone()), (413, json!(524_288)));
        assert_eq!(read.load(Ordering::Relaxed), if declared { 0 } else { 53 }, "of 2,000 pieces");
    }
    for _ in 0..1_000 {
        let call = shop.world.call("POST", WEBHOOK).header("content-length", "5000000");
        assert_eq!(call.empty().await.status, 413);
    }
    let mut rows = shop.told("").await;
    rows.sort();
    assert_eq!(
        rows,
        [
            "- - 1002 refused event_too_large - -",
            "checkout.session.completed cs 1 settled - order_2 cleo",
            "payment_intent.succeeded pi 1 settled - order_2 cleo",
        ]
    );
    assert_eq!(shop.counted("event_too_large").await, 1_002);
}

#[tokio::test]
async fn the_last_thousand_deliveries_are_kept() {
    let shop = Shop::open().await;
    let (_, session) = shop.order("buy-1").await;
    shop.pay(&session);
    // Two of what the provider tells of a payment are of interest.
    assert_eq!(shop.deliver().await, [204; 4]);
    for number in 0..1_000 {
        // Of no payment: there is nothing to look at.
        let refund = json!({"object": "refund", "id": format!("re_{number}")});
        assert_eq!(shop.deliver_made_up(number, "refund.created", refund).await, 204);
        let left = shop.told("?state=settled").await.len();
        assert_eq!(
            left,
            if number < 998 {
                2
            } else if number == 998 {
                1
            } else {
                0
            },
            "{number}"
        );
    }
    assert_eq!(shop.told("?limit=200").await.len(), 200);
    let refused = shop.world.call("GET", "/v1/payments/deliveries?limit=201").secret(TWIN).empty().await;
    assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("limit")));
}

/// More is open than is remembered: what the provider refuses makes room for what has money in it.
#[tokio::test]
async fn two_hundred_are_open_at_the_most() {
    let mut shop = Shop::open().await;
    let session = shop.page_that_names("order_99").await;
    shop.pay(&session);
    shop.deliver().await;
    for number in 0..205 {
        let payment = json!({"object": "payment_intent", "id": format!("pi_{number}"),
            "metadata": {"studio": "studiotwin", "account": "cleo", "order": "order_2"}});
        assert_eq!(shop.deliver_made_up(number, "payment_intent.succeeded", payment).await, 503);
    }
    let studios = shop.world.engine.studios();
    let (studio, _) = studios.iter().find(|(_, id)| id.as_str() == "studiotwin").expect("it is served");
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    let note = shop.world.engine.note(*studio, "payments").expect("it is noted");
    let note: Value = serde_json::from_str(&note).expect("it is JSON");
    assert_eq!(note["open"].as_array().map(Vec::len), Some(200));
    shop.restart(Settings::default());
    let open = shop.told("?state=open&limit=200").await;
    assert_eq!(open.len(), 200);
    assert!(open.iter().any(|row| row.contains("unknown_order")), "it came first, and there is money in it");
    assert!(open.iter().any(|row| row.contains("provider_refuses")));
}
