//! Our client with localstripe, a stand-in for Stripe by others (GPL: run as a program of its own, nothing of it is in scrip).
//!
//! Every call of the client is made to it. What it has works; what it has not, or only in the shape of an API of years ago, is
//! refused or not readable, and is listed here call by call: it never passes for something else.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use scrip_stripe::{
    ApiBase, Client, Config, Currency, Delivery, Ending, Error, Event, EventError, EventKind, EventQuery, KeepMethod,
    Money, NewPayment, NewRefund, NewSession, OrderRef, Patience, Purchase, RefundStatus, SavedMethod, Secret,
    SessionQuery, SignatureError,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{installed, serve};

/// What its webhooks are signed with.
const WEBHOOK_SECRET: &str = "whsec_of_the_stand_in";
/// The version that its events say they are of.
const EVENT_VERSION: &str = "2017-08-15";

/// A running stand-in; ended when dropped.
struct StandIn {
    child: Child,
    url: String,
}

impl StandIn {
    fn start() -> StandIn {
        let port = TcpListener::bind("[::]:0").and_then(|taken| taken.local_addr()).expect("a free port").port();
        let mut child = Command::new(installed::python())
            .args(["-u", "-m", "localstripe.server", "--port", &port.to_string(), "--from-scratch"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let stand_in = StandIn { child, url: format!("http://127.0.0.1:{port}") };
        assert!(said.any(|line| line.contains("Running on")), "it ended before it listened");
        // It must go on being heard, or it ends.
        std::thread::spawn(move || said.for_each(drop));
        stand_in
    }

    fn curl(&self, path: &str, form: &[&str]) -> String {
        let url = format!("{}{path}", self.url);
        let pairs = form.iter().flat_map(|pair| ["-d", *pair]);
        let arguments: Vec<&str> = ["-sSf", "-u", "sk_test_12345:", &url].into_iter().chain(pairs).collect();
        installed::output("curl", &arguments)
    }

    /// Makes something by other means than our client's; its id.
    fn made(&self, path: &str, form: &[&str]) -> String {
        let answer: serde_json::Value = serde_json::from_str(&self.curl(path, form)).expect("JSON");
        answer["id"].as_str().expect("an id").to_owned()
    }

    fn make(&self, customer: &str) -> Made {
        let card = [
            "type=card",
            "card[number]=4242424242424242",
            "card[exp_month]=12",
            "card[exp_year]=2099",
            "card[cvc]=123",
        ];
        let method = self.made("/v1/payment_methods", &card);
        let of = format!("customer={customer}");
        self.made(&format!("/v1/payment_methods/{method}/attach"), &[&of]);
        let by = format!("payment_method={method}");
        let payment = ["amount=1999", "currency=eur", "confirm=true", "off_session=true", &of, &by];
        let payment = self.made("/v1/payment_intents", &payment);
        let set_up = self.made("/v1/setup_intents", &[&of]);
        let default = format!("invoice_settings[default_payment_method]={method}");
        self.made(&format!("/v1/customers/{customer}"), &[&default]);
        let product = format!("product={}", self.made("/v1/products", &["name=Pro", "type=service"]));
        self.made("/v1/plans", &["id=pro", "amount=2900", "currency=eur", "interval=month", &product]);
        let subscription = self.made("/v1/subscriptions", &[&of, "items[0][plan]=pro", "metadata[plan]=pro"]);
        Made { method, payment, set_up, subscription }
    }

    /// What it says of a member of something.
    fn said(&self, path: &str, member: &str) -> serde_json::Value {
        let answer: serde_json::Value = serde_json::from_str(&self.curl(path, &[])).expect("JSON");
        answer[member].clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What was made by other means than our client's.
struct Made {
    method: String,
    payment: String,
    set_up: String,
    subscription: String,
}

fn client(stand_in: &StandIn) -> Client {
    Client::new(Config {
        api_base: ApiBase::parse(&stand_in.url).expect("an address of this machine"),
        api_version: scrip_stripe::API_VERSION.to_owned(),
        key: Secret::api_key("sk_test_12345").expect("it looks like a key"),
        patience: Patience { backoff: Duration::from_millis(1), ..Patience::default() },
    })
}

fn order() -> OrderRef {
    OrderRef { studio: "flow-studio".to_owned(), account: "ana".to_owned(), order: "-".to_owned(), number: None }
}

fn euros(cents: i64) -> Money {
    Money { minor: cents, currency: Currency::parse("EUR").expect("a currency") }
}

/// What came of a call, in a word.
fn came_to<T>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Ok(_) => "works",
        Err(Error::Invalid { .. }) => "refused",
        Err(Error::Missing { .. }) => "not there",
        Err(Error::Rubbish { .. }) => "not readable",
        Err(Error::Unreachable { .. }) => "a fault of its own",
        Err(Error::Declined { .. }) => "declined",
        Err(Error::AuthenticationNeeded { .. } | Error::KeyRefused { .. } | Error::IdempotencyKeyReused { .. }) => {
            "something else"
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_works_with_localstripe() {
    let stand_in = tokio::task::spawn_blocking(StandIn::start).await.expect("it starts");
    let client = client(&stand_in);
    let customer = client.create_customer(&order(), "customer-ana").await.expect("one is made");
    assert_eq!(customer.metadata.get("account").map(String::as_str), Some("ana"));
    let id = customer.id.clone();
    let (made, stand_in) =
        tokio::task::spawn_blocking(move || (stand_in.make(&id), stand_in)).await.expect("it is made");
    let Made { method, payment, set_up, subscription } = made;

    let read = client.payment_intent(&payment).await.expect("it is known");
    assert_eq!((read.amount, read.currency.as_str()), (1_999, "eur"));
    let charge = read.latest_charge.as_ref().expect("it was charged").id().to_owned();
    assert_eq!(client.charge(&charge).await.expect("it is known").amount, 1_999);
    let saved = SavedMethod { customer: customer.id.clone(), method: method.clone() };
    assert_eq!(client.saved_method(&payment).await.expect("it is known"), Some(saved));
    assert_eq!(client.customer_of(&payment).await.expect("it is known"), Some(customer.id.clone()));
    assert_eq!(client.setup_intent(&set_up).await.expect("it is known").id, set_up);
    let refund = |cents: Option<i64>, key: &str| NewRefund {
        payment_intent: payment.clone(),
        amount: cents.map(euros),
        reason: None,
        idempotency_key: key.to_owned(),
    };
    let part = client.refund(&refund(Some(500), "r1")).await.expect("it is given back");
    assert_eq!((part.amount, part.status), (500, Some(RefundStatus::Succeeded)));
    assert_eq!(client.refund_by_id(&part.id).await.expect("it is known").amount, 500);
    let refunds = client.refunds_of(&payment).await.expect("they are listed");
    assert_eq!(refunds.data.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [500]);
    assert!(matches!(client.payment_intent("pi_none").await, Err(Error::Missing { .. })));
    assert!(matches!(client.cancel_payment(&payment).await, Err(Error::Invalid { .. })));

    let payment_off_session = NewPayment {
        order: order(),
        placed_at: 0,
        price: euros(1_999),
        name: "5,000 credits".to_owned(),
        customer: customer.id,
        payment_method: method,
    };
    let page = NewSession {
        order: order(),
        placed_at: 0,
        purchase: Purchase::Once { price: euros(1_999), name: "5,000 credits".to_owned(), keep_method: KeepMethod::No },
        success_url: "http://127.0.0.1:9/".to_owned(),
        cancel_url: "http://127.0.0.1:9/".to_owned(),
        customer: None,
        expires_at: None,
    };
    let ended = client.end_subscription(&subscription, Ending::AtTermEnd, "end").await;
    let path = format!("/v1/subscriptions/{subscription}");
    let (ends, stand_in) =
        tokio::task::spawn_blocking(move || (stand_in.said(&path, "cancel_at_period_end"), stand_in))
            .await
            .expect("it ends");
    assert_eq!(ends, true, "it was done, whatever it answered");
    let invoice = {
        let path = format!("/v1/subscriptions/{subscription}");
        let (invoice, _stand_in) =
            tokio::task::spawn_blocking(move || (stand_in.said(&path, "latest_invoice"), stand_in))
                .await
                .expect("it ends");
        let invoice = invoice.as_str().expect("there is one").to_owned();
        [
            ("a charge off session", came_to(client.pay_off_session(&payment_off_session).await)),
            ("a payment by its order", came_to(client.payment_for(&order(), 0..=i64::from(u32::MAX)).await)),
            ("a payment's truth", came_to(client.truth_of_payment(&payment).await)),
            ("disputes", came_to(client.disputes_of(&payment).await)),
            ("a page", came_to(client.create_session(&page).await)),
            ("pages", came_to(client.sessions(&SessionQuery::default()).await)),
            ("events", came_to(client.events(&EventQuery::default()).await)),
            ("a subscription", came_to(client.subscription(&subscription).await)),
            ("its end at the term's", came_to(ended)),
            ("its end now", came_to(client.stop_subscription(&subscription).await)),
            ("an invoice", came_to(client.invoice(&invoice).await)),
            ("paid invoices", came_to(client.paid_invoices(&subscription).await)),
            ("an invoice's payment", came_to(client.payment_of_invoice(&invoice).await)),
        ]
    };
    assert_eq!(
        invoice,
        [
            ("a charge off session", "refused"),
            ("a payment by its order", "refused"),
            ("a payment's truth", "not readable"),
            ("disputes", "not readable"),
            ("a page", "not readable"),
            ("pages", "not readable"),
            ("events", "refused"),
            ("a subscription", "not readable"),
            ("its end at the term's", "not readable"),
            ("its end now", "not readable"),
            ("an invoice", "works"),
            ("paid invoices", "a fault of its own"),
            ("an invoice's payment", "not readable"),
        ]
    );
}

/// Takes what is delivered; where, and what came: the header and the body.
async fn receiver() -> (String, UnboundedReceiver<(String, Bytes)>) {
    let (tell, told) = unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let signature = headers["stripe-signature"].to_str().expect("visible").to_owned();
        drop(tell.send((signature, body)));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/webhook", listener.local_addr().expect("it has one"));
    tokio::spawn(serve(listener, Router::new().route("/webhook", post(take))));
    (url, told)
}

/// Others sign as we read it, and what they tell is read.
#[tokio::test(flavor = "multi_thread")]
async fn what_localstripe_delivers_is_believed() {
    let (url, mut told) = receiver().await;
    let stand_in = tokio::task::spawn_blocking(StandIn::start).await.expect("it starts");
    let client = client(&stand_in);
    let (url, secret) = (format!("url={url}"), format!("secret={WEBHOOK_SECRET}"));
    let wanted = ["events[]=payment_intent.succeeded", "events[]=customer.subscription.deleted"];
    let stand_in = tokio::task::spawn_blocking(move || {
        stand_in.curl("/_config/webhooks/ours", &[&[url.as_str(), &secret], wanted.as_slice()].concat());
        stand_in
    });
    let stand_in = stand_in.await.expect("it is told");
    let customer = client.create_customer(&order(), "customer-ana").await.expect("one is made").id;
    let (made, _stand_in) =
        tokio::task::spawn_blocking(move || (stand_in.make(&customer), stand_in)).await.expect("it is made");
    // It is ended, though the answer is not readable.
    drop(client.stop_subscription(&made.subscription).await);
    let secrets = ["whsec_of_another", WEBHOOK_SECRET].map(|text| Secret::webhook(text).expect("it looks like one"));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let (signature, body) = told.recv().await.expect("more is told");
        let delivery = Delivery { signature: &signature, body: &body };
        let now = signature.strip_prefix("t=").and_then(|rest| rest.split(',').next()).expect("when it was signed");
        let now = now.parse().expect("seconds since 1970");
        let receive = |secrets, version| Event::receive(&delivery, secrets, now, version);
        assert_eq!(receive(&secrets[..1], EVENT_VERSION), Err(EventError::Signature(SignatureError::Wrong)));
        let expected = scrip_stripe::API_VERSION.to_owned();
        assert_eq!(receive(&secrets, scrip_stripe::API_VERSION), Err(EventError::OtherVersion { expected }));
        let event = receive(&secrets, EVENT_VERSION).expect("it is believed");
        seen.push((event.kind, event.subject.payment_intent.or(event.subject.subscription)));
    }
    // The subscription's first month was paid too.
    assert!(seen.contains(&(EventKind::PaymentSucceeded, Some(made.payment))), "{seen:?}");
    assert!(seen.contains(&(EventKind::SubscriptionDeleted, Some(made.subscription))), "{seen:?}");
}
