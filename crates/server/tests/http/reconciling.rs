//! What the reconciler finds when nothing is delivered, while something is in its way: a store that takes nothing for a moment, a
//! clock that is wrong, a question that is refused, a payment that cannot be looked at.

use std::convert::Infallible;

use scrip_server::Reconciler;
use scrip_sim::faulty;
use scrip_stripe::{IntentStatus, NewRefund, OrderRef};
use scrip_till::Fault;
use serde_json::json;

use crate::payments::{START_S, Settings, Shop, new_session};
use crate::world::TWIN;

/// A paid order, all of it delivered; and its payment.
async fn paid(shop: &Shop) -> (String, String) {
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!(shop.state(&order).await, "paid");
    (order, shop.payment(&session).await)
}

async fn round_at(shop: &Shop, reconciler: &mut Reconciler, clock: &str) {
    shop.world.at(clock).await;
    reconciler.round(&shop.world.app).await;
}

#[tokio::test]
async fn what_the_store_refused_for_a_moment_is_looked_at_again() {
    let faults = faulty::Faults::default();
    let shop = Shop::on_faulty_store(faults.clone()).await;
    let (order, payment) = paid(&shop).await;
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    shop.till.move_clock(START_S + 30);
    shop.till.dispute(&payment).expect("it can be disputed");
    faults.arm(faulty::Fault::Refused);
    round_at(&shop, &mut reconciler, "2026-01-31T10:01:00Z").await;
    assert_eq!((faults.done(), shop.state(&order).await), (1, json!("paid")));
    round_at(&shop, &mut reconciler, "2026-01-31T10:02:00Z").await;
    assert_eq!(shop.state(&order).await, "disputed");
}

/// More than fits in one round, whose place the provider then does not know any more.
#[tokio::test]
async fn a_question_that_is_refused_begins_anew() {
    let mut shop = Shop::open().await;
    let (order, payment) = paid(&shop).await;
    shop.till.dispute(&payment).expect("it can be disputed");
    let other = Shop::open().await;
    for order in 0..300 {
        let of = OrderRef {
            studio: "flow-studio".to_owned(),
            account: "ana".to_owned(),
            order: format!("order_{order}"),
            number: None,
        };
        let session = other.provider.create_session(&new_session(of, 500)).await.expect("a page");
        other.pay(&session.id);
    }
    let mut reconciler = Reconciler::default();
    shop.restart_at(&other, Settings::default());
    reconciler.round(&shop.world.app).await;
    shop.restart(Settings::default());
    for clock in ["2026-01-31T10:00:30Z", "2026-01-31T10:01:30Z"] {
        assert_eq!(shop.state(&order).await, "paid");
        round_at(&shop, &mut reconciler, clock).await;
    }
    assert_eq!(shop.state(&order).await, "disputed");
}

/// Of two that are tried again, the first is still refused.
#[tokio::test]
async fn what_is_refused_for_good_keeps_nothing_behind_it_waiting() {
    let shop = Shop::open().await;
    // A page that names an order before there is one.
    let of = OrderRef {
        studio: "studiotwin".to_owned(),
        account: "cleo".to_owned(),
        order: "order_2".to_owned(),
        number: None,
    };
    let session = shop.provider.create_session(&new_session(of, 500)).await.expect("a page").id;
    shop.pay(&session);
    let kept = shop.till.take_deliveries().pop().expect("something was told");
    let body = String::from_utf8(kept.body.clone()).expect("JSON is text").replace(&session, "cs_test_gone");
    let gone = shop.till.sign_again(&scrip_till::Kept { body: body.into_bytes(), ..kept.clone() });
    assert_eq!(shop.send(&gone.signature, &gone.body).await.status, 503, "the provider does not know it");
    assert_eq!(shop.send(&kept.signature, &kept.body).await.status, 404, "there is no such order");
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    shop.fault(Some(Fault::Down));
    assert_eq!(shop.place("buy-1").await.status, 503, "it is placed without a page of its own");
    shop.fault(None);
    assert_eq!(shop.state("order_2").await, "pending");
    shop.till.move_clock(START_S + 3_600);
    round_at(&shop, &mut reconciler, "2026-01-31T11:00:00Z").await;
    assert_eq!((shop.state("order_2").await, shop.available().await), (json!("paid"), json!(100)));
}

/// Ours is an hour ahead of the provider's.
#[tokio::test]
async fn a_clock_that_is_fast_hides_nothing() {
    let shop = Shop::open().await;
    let (order, payment) = paid(&shop).await;
    let mut reconciler = Reconciler::default();
    round_at(&shop, &mut reconciler, "2026-01-31T11:00:00Z").await;
    shop.till.move_clock(START_S + 30);
    shop.till.dispute(&payment).expect("it can be disputed");
    round_at(&shop, &mut reconciler, "2026-01-31T11:01:30Z").await;
    assert_eq!(shop.state(&order).await, "disputed");
}

/// What else the studio sells through its account at the provider.
#[tokio::test]
async fn what_is_not_ours_leaves_no_row_when_it_is_found() {
    let shop = Shop::open().await;
    let of = OrderRef {
        studio: "flow-studio".to_owned(),
        account: "ana".to_owned(),
        order: "order_1".to_owned(),
        number: None,
    };
    let session = shop.provider.create_session(&new_session(of, 500)).await.expect("a page");
    shop.pay(&session.id);
    let refund = NewRefund {
        payment_intent: shop.payment(&session.id).await,
        amount: None,
        reason: None,
        idempotency_key: "r".to_owned(),
    };
    shop.provider.refund(&refund).await.expect("it is given back");
    Reconciler::default().round(&shop.world.app).await;
    let answer = shop.world.call("GET", "/v1/payments/deliveries").secret(TWIN).empty().await.json();
    assert_eq!(answer["deliveries"], json!([]));
    assert_ne!(answer["asked_until"], json!(null));
}

/// Another studio's provider takes the question and does not answer.
#[tokio::test]
async fn a_provider_that_hangs_holds_up_no_other_studio() {
    let mut shop = Shop::open().await;
    let orders = [shop.order("buy-1").await, shop.order("buy-2").await];
    let other = Shop::open().await;
    shop.restart_beside_one_that_hangs(&other);
    let app = shop.world.app.clone();
    // Each is paid in a later round than the one before it.
    let each_is_found = async {
        for ((order, session), clock) in orders.iter().zip(["2026-01-31T10:01:00Z", "2026-01-31T10:02:00Z"]) {
            shop.pay(session);
            shop.world.at(clock).await;
            while shop.state(order).await != "paid" {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::select! {
        never = Reconciler::default().go_round(&app) => { let _: Infallible = never; }
        () = each_is_found => {}
    }
    assert_eq!(shop.counted("provider_failed").await, 0, "the other one was not waited for");
}

/// Away for longer than the provider remembers what happened: what was paid and what was given back meanwhile is found among
/// what was made.
#[tokio::test]
async fn what_the_provider_remembers_no_more_is_found_all_the_same() {
    let mut shop = Shop::open().await;
    let (first, payment) = paid(&shop).await;
    let (second, page) = shop.order("buy-2").await;
    assert!(shop.till.pay(&page, "000123456789"));
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    Reconciler::default().round(&shop.world.app).await;
    assert_eq!((shop.state(&second).await, shop.available().await), (json!("pending"), json!(100)));
    // The debit's money comes within these days.
    shop.till.move_clock(START_S + 3 * 86_400);
    let debit = shop.provider.payment_intent(&shop.payment(&page).await).await.expect("it is known");
    assert_eq!(debit.status, IntentStatus::Succeeded);
    let refund = NewRefund { payment_intent: payment, amount: None, reason: None, idempotency_key: "back".to_owned() };
    shop.provider.refund(&refund).await.expect("it is given back");
    shop.till.take_deliveries();

    shop.world.at("2026-03-20T10:00:00Z").await;
    shop.till.move_clock(START_S + 48 * 86_400);
    shop.restart(Settings::default());
    Reconciler::default().round(&shop.world.app).await;
    let states = (shop.state(&first).await, shop.state(&second).await);
    assert_eq!((states, shop.available().await), ((json!("refunded"), json!("paid")), json!(100)));
}
