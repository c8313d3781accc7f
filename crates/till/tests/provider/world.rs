//! A provider on a free port with a clock that stands still, and a client of it.

use std::time::Duration;

use scrip_stripe::{
    ApiBase, Client, Config, Currency, Delivery, Event, KeepMethod, Money, NewSession, OrderRef, Patience,
    PaymentState, PaymentTruth, Purchase, Secret, Session,
};
use scrip_till::{Clock, Deliver, Options, Switches, Till};
use tokio::net::TcpListener;

/// When the clock stands at first: 21 September 2026.
pub(crate) const BEGIN: i64 = 1_789_996_800;

pub(crate) struct World {
    pub(crate) till: Till,
    pub(crate) client: Client,
    pub(crate) secret: Secret,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(Patience { backoff: Duration::from_millis(1), ..Patience::default() }).await
    }

    pub(crate) async fn with(patience: Patience) -> World {
        // Deliveries are kept for the test: nobody serves this address.
        World::delivering_to("http://127.0.0.1:9/webhook", patience).await
    }

    pub(crate) async fn delivering_to(webhook: &str, patience: Patience) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = Options {
            seed: 7,
            api_key: "sk_test_studio".to_owned(),
            business: "Flow Studio".to_owned(),
            clock: Clock::standing(BEGIN),
            debit_wait_s: 3_600,
            backoff: Duration::from_millis(1),
        };
        let till = Till::start(listener, options).expect("it has an address");
        till.switch(Switches { deliver: Deliver::Keep, ..Switches::default() });
        let secret = Secret::webhook(&till.deliver_to(webhook)).expect("it is one");
        let client = client(&till, "sk_test_studio", patience);
        World { till, client, secret }
    }

    /// A page for an order of 19.99 euros.
    pub(crate) async fn session(&self, order: &str) -> Session {
        self.client.create_session(&new_session(order)).await.expect("a page is made")
    }

    /// The events that were told since the last look, believed and read.
    pub(crate) fn events(&self) -> Vec<Event> {
        let kept = self.till.take_deliveries().into_iter();
        kept.map(|kept| {
            let delivery = Delivery { signature: &kept.signature, body: &kept.body };
            let secrets = std::slice::from_ref(&self.secret);
            Event::receive(&delivery, secrets, BEGIN, self.client.api_version()).expect("it is believed")
        })
        .collect()
    }

    /// The names of the events that were told since the last look.
    pub(crate) fn told(&self) -> Vec<&'static str> {
        self.till.take_deliveries().into_iter().map(|kept| kept.kind).collect()
    }

    pub(crate) async fn truth(&self, session: &Session) -> PaymentTruth {
        self.client.truth_of_session(&session.id).await.expect("the provider answers")
    }

    pub(crate) async fn state(&self, session: &Session) -> PaymentState {
        self.truth(session).await.state
    }
}

pub(crate) fn client(till: &Till, key: &str, patience: Patience) -> Client {
    Client::new(Config {
        api_base: ApiBase::parse(&till.url()).expect("an address of this machine"),
        api_version: scrip_till::API_VERSION.to_owned(),
        key: Secret::api_key(key).expect("it looks like a key"),
        patience,
    })
}

pub(crate) fn order(order: &str) -> OrderRef {
    OrderRef { studio: "flow-studio".to_owned(), account: "ana".to_owned(), order: order.to_owned(), number: None }
}

pub(crate) fn euros(cents: i64) -> Money {
    Money { minor: cents, currency: Currency::parse("EUR").expect("a currency") }
}

pub(crate) fn new_session(of: &str) -> NewSession {
    NewSession {
        placed_at: 0,
        order: order(of),
        purchase: Purchase::Once {
            price: euros(1_999),
            name: "5,000 credits".to_owned(),
            keep_method: KeepMethod::ForLater,
        },
        success_url: "http://127.0.0.1:9/back?session={CHECKOUT_SESSION_ID}".to_owned(),
        cancel_url: "http://127.0.0.1:9/away".to_owned(),
        customer: None,
        expires_at: None,
    }
}
