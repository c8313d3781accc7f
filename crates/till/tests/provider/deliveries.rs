//! Webhooks over the wire: signed, sent again until they are taken, and misbehaving on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use scrip_stripe::{Delivery, Event, EventError, Patience, Secret, SignatureError};
use scrip_till::{Deliver, Switches};
use tokio::net::TcpListener;

use crate::world::{BEGIN, World, euros};

/// A receiver: what came, and how many deliveries it refuses first.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    came: Vec<(String, Vec<u8>)>,
    refuse: u32,
}

impl Receiver {
    /// Starts one that refuses so many; answers it with its address.
    async fn start(refuse: u32) -> (Receiver, String) {
        let receiver = Receiver(Arc::new(Mutex::new(Received { refuse, ..Received::default() })));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}/webhook", listener.local_addr().expect("it has one"));
        let inner = receiver.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move { inner.take(&headers, &body) };
        let routes = Router::new().route("/webhook", post(take));
        tokio::spawn(async move { axum_serve(listener, routes).await });
        (receiver, address)
    }

    fn take(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let mut received = self.0.lock().expect("nobody panics here");
        if received.refuse > 0 {
            received.refuse -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let signature = headers["stripe-signature"].to_str().expect("visible").to_owned();
        received.came.push((signature, body.to_vec()));
        StatusCode::OK
    }

    fn came(&self) -> Vec<(String, Vec<u8>)> {
        self.0.lock().expect("nobody panics here").came.clone()
    }
}

/// Serves without the parts of axum that are not compiled in.
async fn axum_serve(listener: TcpListener, routes: Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service),
        );
    }
}

/// Pays one order while deliveries go to a receiver; how often each event came.
async fn counts(switches: Switches, refuse: u32) -> BTreeMap<String, usize> {
    let (receiver, address) = Receiver::start(refuse).await;
    let world = World::delivering_to(&address, Patience::default()).await;
    let session = world.session("order_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    // Only what follows is looked at.
    world.till.take_deliveries();
    world.till.switch(Switches { deliver: Deliver::Send, ..switches });
    let payment = world.truth(&session).await.payment_intent.expect("there is one");
    let refunded = scrip_stripe::NewRefund {
        payment_intent: payment,
        amount: None,
        reason: None,
        idempotency_key: "r".to_owned(),
    };
    world.client.refund(&refunded).await.expect("it is given back");
    world.till.quiet().await;
    let mut counts = BTreeMap::new();
    for (signature, body) in receiver.came() {
        let delivery = Delivery { signature: &signature, body: &body };
        let event = Event::receive(&delivery, std::slice::from_ref(&world.secret), BEGIN, scrip_till::API_VERSION)
            .expect("believed");
        *counts.entry(format!("{:?}", event.kind)).or_insert(0) += 1;
    }
    counts
}

fn each(times: usize) -> BTreeMap<String, usize> {
    [("ChargeRefunded".to_owned(), times), ("RefundChanged".to_owned(), times)].into()
}

#[tokio::test]
async fn each_event_comes_once_when_all_is_well() {
    assert_eq!(counts(Switches::default(), 0).await, each(1));
}

#[tokio::test]
async fn what_is_refused_is_sent_again() {
    assert_eq!(counts(Switches::default(), 5).await, each(1));
}

#[tokio::test]
async fn switches_double_delay_and_lose() {
    assert_eq!(counts(Switches { copies: 2, ..Switches::default() }, 0).await, each(2));
    assert_eq!(counts(Switches { delay_ms: 20, shuffle_ms: 20, ..Switches::default() }, 0).await, each(1));
    assert_eq!(counts(Switches { lost_per_cent: 100, ..Switches::default() }, 0).await, BTreeMap::new());
}

/// The events of a payment and its refunds, in the order in which they would be sent.
async fn order(shuffle_ms: u64) -> Vec<String> {
    let world = World::new().await;
    world.till.switch(Switches { deliver: Deliver::Keep, shuffle_ms, ..Switches::default() });
    let session = world.session("order_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let payment_intent = world.truth(&session).await.payment_intent.expect("there is one");
    for number in 0..4 {
        let refund = scrip_stripe::NewRefund {
            payment_intent: payment_intent.clone(),
            amount: Some(euros(100)),
            reason: None,
            idempotency_key: format!("r-{number}"),
        };
        world.client.refund(&refund).await.expect("it is given back");
    }
    world.till.take_deliveries().into_iter().map(|kept| kept.event).collect()
}

#[tokio::test]
async fn the_switch_that_reorders_does() {
    let told = order(0).await;
    let mut shuffled = order(3_600_000).await;
    assert_ne!(shuffled, told);
    let mut sorted = told.clone();
    shuffled.sort();
    sorted.sort();
    assert_eq!(shuffled, sorted, "the same seed tells the same, each once");
}

#[tokio::test]
async fn a_delivery_is_believed_only_as_it_was_sent() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let kept = world.till.take_deliveries().pop().expect("something was told");
    let receive = |signature: &str, body: &[u8], secret: &Secret, now: i64, version: &str| {
        Event::receive(&Delivery { signature, body }, std::slice::from_ref(secret), now, version).map(|event| event.id)
    };
    let ours = scrip_till::API_VERSION;
    assert_eq!(receive(&kept.signature, &kept.body, &world.secret, BEGIN, ours), Ok(kept.event.clone()));
    let mut changed = kept.body.clone();
    changed[10] ^= 1;
    let wrong = Err(EventError::Signature(SignatureError::Wrong));
    assert_eq!(receive(&kept.signature, &changed, &world.secret, BEGIN, ours), wrong);
    let other = Secret::webhook("whsec_of_another_studio").expect("it looks like one");
    assert_eq!(receive(&kept.signature, &kept.body, &other, BEGIN, ours), wrong);
    let old = Err(EventError::Signature(SignatureError::OutOfTime));
    assert_eq!(receive(&kept.signature, &kept.body, &world.secret, BEGIN + 301, ours), old);
    let expected = "2020-08-27".to_owned();
    assert_eq!(
        receive(&kept.signature, &kept.body, &world.secret, BEGIN, &expected),
        Err(EventError::OtherVersion { expected: expected.clone() })
    );
}
