//! Our client with localstripe, a stand-in for Stripe by others (GPL: run as a program of its own, nothing of it is in scrip).
//!
//! It has no hosted pages and no disputes, so there is no truth of a payment to be had from it; what it has, works.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use scrip_stripe::{
    ApiBase, Client, Config, Currency, Error, Money, NewRefund, OrderRef, Patience, RefundStatus, Secret,
};

use crate::installed;

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

    /// A payment that was made by other means than our client's.
    fn paid(&self, customer: &str) -> String {
        let curl = |path: &str, form: &[&str]| {
            let url = format!("{}{path}", self.url);
            let pairs = form.iter().flat_map(|pair| ["-d", *pair]);
            let arguments: Vec<&str> = ["-sSf", "-u", "sk_test_12345:", &url].into_iter().chain(pairs).collect();
            let answer = installed::output("curl", &arguments);
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            answer["id"].as_str().expect("an id").to_owned()
        };
        let card = [
            "type=card",
            "card[number]=4242424242424242",
            "card[exp_month]=12",
            "card[exp_year]=2099",
            "card[cvc]=123",
        ];
        let method = curl("/v1/payment_methods", &card);
        curl(&format!("/v1/payment_methods/{method}/attach"), &[&format!("customer={customer}")]);
        let (customer, method) = (format!("customer={customer}"), format!("payment_method={method}"));
        let paid = ["amount=1999", "currency=eur", "confirm=true", "off_session=true", &customer, &method];
        curl("/v1/payment_intents", &paid)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_works_with_localstripe() {
    let stand_in = tokio::task::spawn_blocking(StandIn::start).await.expect("it starts");
    let client = Client::new(Config {
        api_base: ApiBase::parse(&stand_in.url).expect("an address of this machine"),
        api_version: scrip_stripe::API_VERSION.to_owned(),
        key: Secret::api_key("sk_test_12345").expect("it looks like a key"),
        patience: Patience { backoff: Duration::from_millis(1), ..Patience::default() },
    });
    let order =
        OrderRef { studio: "flow-studio".to_owned(), account: "ana".to_owned(), order: "-".to_owned(), number: None };
    let customer = client.create_customer(&order, "customer-ana").await.expect("one is made");
    assert_eq!(customer.metadata.get("account").map(String::as_str), Some("ana"));

    let payment = tokio::task::spawn_blocking(move || (stand_in.paid(&customer.id), stand_in)).await.expect("it ends");
    let (payment, _stand_in) = payment;
    let read = client.payment_intent(&payment).await.expect("it is known");
    assert_eq!((read.amount, read.currency.as_str()), (1_999, "eur"));
    let refund = |cents: Option<i64>, key: &str| NewRefund {
        payment_intent: payment.clone(),
        amount: cents.map(|minor| Money { minor, currency: Currency::parse("EUR").expect("a currency") }),
        reason: None,
        idempotency_key: key.to_owned(),
    };
    let part = client.refund(&refund(Some(500), "r1")).await.expect("it is given back");
    assert_eq!((part.amount, part.status), (500, Some(RefundStatus::Succeeded)));
    assert_eq!(client.refund_by_id(&part.id).await.expect("it is known").amount, 500);
    let truth = client.truth_of_payment(&payment).await;
    assert!(matches!(truth, Err(Error::Rubbish { .. })), "it says nothing of disputes: {truth:?}");
    assert!(matches!(client.payment_intent("pi_none").await, Err(Error::Missing { .. })));
    assert!(matches!(client.session("cs_test_none").await, Err(Error::Missing { .. } | Error::Rubbish { .. })));
    assert!(matches!(client.cancel_payment(&payment).await, Err(Error::Invalid { .. })));
}
