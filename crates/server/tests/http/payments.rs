//! Buying credits through a payment provider: the whole way, and every way it can go wrong.

use std::time::Duration;

use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_engine::store::joint::memory::JointMemory;
use scrip_engine::store::memory::MemoryStore;
use scrip_server::{Config, Limits, Pace, Payments, Reconciler, StripeAccount};
use scrip_sim::faulty::{Faults, FaultyStore};
use scrip_stripe::{ApiBase, Client, OrderRef, Patience, Secret, SessionStatus};
use scrip_till::{Clock, DebitEnd, Deliver, Fault, Options, Switches, Till, Verdict};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::histories::for_steps;
use crate::world::{Reply, TWIN, World};

/// [`crate::world::START`] in seconds since 1970.
pub(crate) const START_S: i64 = 1_769_853_600;
pub(crate) const WEBHOOK: &str = "/v1/payments/stripe/studiotwin/webhook";

/// A server and the provider of one of its studios.
pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) till: Till,
    pub(crate) provider: Client,
    webhook_secret: String,
}

/// How the studio's account at the provider is set.
pub(crate) struct Settings {
    pub(crate) tries: u32,
    pub(crate) return_to: Option<&'static str>,
    pub(crate) api_version: &'static str,
    pub(crate) provider_wait: Duration,
    pub(crate) key: &'static str,
}

impl Default for Settings {
    fn default() -> Settings {
        let provider_wait = Duration::from_secs(30);
        let key = "sk_test_very_secret";
        Settings { tries: 3, return_to: None, api_version: scrip_till::API_VERSION, provider_wait, key }
    }
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        Shop::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Shop {
        Shop::on(settings, World::with).await
    }

    /// On a store in memory that fails as it is told.
    pub(crate) async fn on_faulty_store(faults: Faults) -> Shop {
        let store = FaultyStore::new(Box::new(MemoryStore::new()), faults);
        Shop::on(Settings::default(), |config| World::on(Box::new(store), config)).await
    }

    /// On a store that others serve too.
    pub(crate) async fn on_shared_store(store: &JointMemory) -> Shop {
        Shop::on(Settings::default(), async |config| World::beside(store, config).furnished().await).await
    }

    /// Another server on that store.
    pub(crate) fn another_server(&self, store: &JointMemory) -> World {
        World::beside(store, config(&self.till, &self.webhook_secret, &Settings::default()))
    }

    async fn on(settings: Settings, open: impl AsyncFnOnce(Config) -> World) -> Shop {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = Options {
            seed: 11,
            api_key: "sk_test_very_secret".to_owned(),
            business: "StudioTwin".to_owned(),
            clock: Clock::standing(START_S),
            debit_wait_s: 3_600,
            backoff: Duration::from_millis(1),
        };
        let till = Till::start(listener, options).expect("it has an address");
        till.switch(Switches { deliver: Deliver::Keep, ..Switches::default() });
        let webhook_secret = till.deliver_to("http://127.0.0.1:9/webhook");
        let world = open(config(&till, &webhook_secret, &settings)).await;
        let reply = world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let provider = client(&till, &Settings::default());
        Shop { world, till, provider, webhook_secret }
    }

    /// The server ends, and another one goes on with what the store has.
    pub(crate) fn restart(&mut self, settings: Settings) {
        let config = config(&self.till, &self.webhook_secret, &settings);
        self.world.again(config);
    }

    /// The same, but with the provider of another.
    pub(crate) fn restart_at(&mut self, other: &Shop, settings: Settings) {
        let config = config(&other.till, &other.webhook_secret, &settings);
        self.world.again(config);
    }

    /// The same, and the other studio's provider is one that takes connections and never answers. Rounds follow each other at once.
    pub(crate) fn restart_beside_one_that_hangs(&mut self, hangs: &Shop) {
        hangs.fault(Some(Fault::Slow(3_600_000)));
        let mut config = config(&self.till, &self.webhook_secret, &Settings::default());
        let patience = Patience { tries: 1, ..Patience::default() };
        let client = patient_client(&hangs.till, &Settings::default(), patience);
        let studio = scrip_core::id::StudioId::parse("flow-studio").expect("a studio's name");
        let webhook_secrets = vec![Secret::webhook(&hangs.webhook_secret).expect("it is one")];
        config.payments.stripe.insert(0, StripeAccount { studio, client, webhook_secrets, return_to: None });
        config.payments.pace.between_rounds = Duration::from_millis(1);
        self.world.again(config);
    }

    /// Orders the small package; the order's id and the page's.
    pub(crate) async fn order(&self, key: &str) -> (String, String) {
        self.page_of(&self.place(key).await)
    }

    /// The order's id and the page's, of the answer to an order.
    pub(crate) fn page_of(&self, reply: &Reply) -> (String, String) {
        assert_eq!(reply.status, 201, "{}", reply.text());
        let body = reply.json();
        let url = body["checkout_url"].as_str().expect("a page to pay at");
        let session = url.strip_prefix(&format!("{}/pay/", self.till.url())).expect("the provider's page");
        (body["order"].as_str().expect("an id").to_owned(), session.to_owned())
    }

    pub(crate) async fn place(&self, key: &str) -> Reply {
        let call = self.world.call("POST", "/v1/accounts/cleo/orders").secret(TWIN).once(key);
        call.json(json!({"package": "small"})).await
    }

    /// Erases an account; answers what it is called from then on.
    pub(crate) async fn erase(&self, account: &str) -> AccountId {
        let engine = &self.world.engine;
        let (studio, account, stored) = self.stored(account);
        let command = scrip_core::command::Command::EraseAccount { reason: None };
        let request = scrip_engine::engine::Request { studio, account, key: None, command };
        engine.submit(request).await.expect("it is erased");
        AccountId::erased(stored)
    }

    /// The number of an account, by which the provider knows it: another on each kind of store.
    pub(crate) fn number(&self, account: &str) -> u64 {
        self.stored(account).2.0
    }

    fn stored(&self, account: &str) -> (StudioNumber, AccountId, AccountNumber) {
        let engine = &self.world.engine;
        let studios = engine.studios();
        let (studio, _) = studios.iter().find(|(_, id)| id.as_str() == "studiotwin").expect("it is served");
        let account = AccountId::parse(account).expect("an id");
        let stored = engine.account(*studio, &account).expect("readable").expect("it is there");
        (*studio, account, stored.number)
    }

    /// Notes a page of the provider's that an order is paid at.
    pub(crate) async fn sent(&self, order: &str, page: &str) {
        let engine = &self.world.engine;
        let studios = engine.studios();
        let (studio, _) = studios.iter().find(|(_, id)| id.as_str() == "studiotwin").expect("it is served");
        let order = scrip_core::id::OrderId::parse(order).expect("an order's id");
        let reference = scrip_core::id::ProviderRef::parse(page).expect("a page's id");
        let command = scrip_core::command::Command::SendOrder { order, reference };
        let account = AccountId::parse("cleo").expect("an id");
        let request = scrip_engine::engine::Request { studio: *studio, account, key: None, command };
        engine.submit(request).await.expect("it is noted");
    }

    /// The small package costs nothing from now on.
    async fn free(&self) {
        let path = format!("{}/../../catalogs/studiotwin.toml", env!("CARGO_MANIFEST_DIR"));
        let catalog = std::fs::read_to_string(path).expect("it is shipped");
        let (before, small) = catalog.split_once("[packages.small]").expect("it has one");
        let (price, rest) = small.split_once("USD\"").expect("it has a price");
        let (name, _) = price.rsplit_once("price = \"").expect("it has a price");
        let source = format!("{before}[packages.small]{name}price = \"0.00 USD\"{rest}");
        let format = scrip_core::catalog::Format::Toml;
        let publication = scrip_engine::engine::Publication { format, source: source.into() };
        self.world.engine.publish(publication, None).await.expect("it is good");
    }

    pub(crate) fn pay(&self, session: &str) {
        assert!(self.till.pay(session, "4242424242424242"), "it can be paid");
    }

    pub(crate) async fn state(&self, order: &str) -> Value {
        let path = format!("/v1/accounts/cleo/orders/{order}");
        self.world.call("GET", &path).secret(TWIN).empty().await.json()["state"].clone()
    }

    pub(crate) async fn available(&self) -> Value {
        let reply = self.world.call("GET", "/v1/accounts/cleo/balance").secret(TWIN).empty().await;
        reply.json()["available"].clone()
    }

    /// Delivers what the provider has told since, in its order; the answers' statuses.
    pub(crate) async fn deliver(&self) -> Vec<u16> {
        let mut statuses = Vec::new();
        for kept in self.till.take_deliveries() {
            statuses.push(self.send(&kept.signature, &kept.body).await.status);
        }
        statuses
    }

    pub(crate) async fn send(&self, signature: &str, body: &[u8]) -> Reply {
        let call = self.world.call("POST", WEBHOOK).header("stripe-signature", signature);
        call.raw(std::str::from_utf8(body).expect("JSON is text")).await
    }

    pub(crate) async fn back(&self, session: &str) -> Reply {
        let path = format!("/v1/payments/stripe/studiotwin/return?session={session}");
        self.world.call("GET", &path).empty().await
    }

    /// A figure of `/metrics`.
    pub(crate) async fn counted(&self, what: &str) -> u64 {
        let text = self.world.call("GET", "/metrics").empty().await.text();
        let line =
            text.lines().find_map(|line| line.strip_prefix(&format!("scrip_payments_total{{what=\"{what}\"}} ")));
        line.map_or(0, |count| count.parse().expect("a number"))
    }

    /// The payment of a page.
    pub(crate) async fn payment(&self, session: &str) -> String {
        let truth = self.provider.truth_of_session(session).await.expect("it is known");
        truth.payment_intent.expect("it was tried")
    }
}

/// An earlier version asked for the page with another body, and was not answered before the update. What it made is known by the
/// order that it names.
#[tokio::test]
async fn a_page_that_was_being_made_across_an_update_is_made_anew() {
    let named = || OrderRef {
        studio: "studiotwin".to_owned(),
        account: "cleo".to_owned(),
        order: "order_2".to_owned(),
        number: None,
    };
    for asked_again in [true, false] {
        let shop = Shop::open().await;
        shop.fault(Some(Fault::Down));
        assert_eq!(shop.place("buy-1").await.status, 503);
        shop.fault(None);
        let earlier = shop.provider.create_session(&new_session(named(), 500)).await.expect("a page").id;
        let key = format!("studiotwin/cleo/order_2/{}/session", START_S * 1_000_000);
        shop.provider.create_customer(&named(), &key).await.expect("the key is taken");
        let page = if asked_again { shop.order("buy-1").await.1 } else { earlier.clone() };
        assert_eq!(page != earlier, asked_again);
        shop.pay(&page);
        assert!(shop.deliver().await.iter().all(|status| *status == 204));
        assert_eq!((shop.state("order_2").await, shop.available().await), (json!("paid"), json!(100)));
    }
}

/// Two requests make a page of one order, of other terms, each before the other has noted its own: who asked is shown the one
/// that was noted first, and the other is closed.
#[tokio::test]
async fn one_page_alone_is_shown_of_an_order() {
    let mut second_closed = 0;
    for steps in 0.. {
        let shop = Shop::open().await;
        shop.fault(Some(Fault::Down));
        assert_eq!(shop.place("buy-1").await.status, 503);
        shop.fault(None);
        let number = Some(shop.number("cleo"));
        let (studio, account, order) = ("studiotwin".to_owned(), "cleo".to_owned(), "order_2".to_owned());
        let named = OrderRef { studio, account, order, number };
        let other = shop.provider.create_session(&new_session(named, 500)).await.expect("a page").id;
        let mut asking = std::pin::pin!(shop.place("buy-1"));
        if for_steps(steps, asking.as_mut()).await.is_some() {
            break;
        }
        shop.sent("order_2", &other).await;
        let (_, shown) = shop.page_of(&asking.await);
        let pages = shop.provider.sessions(&scrip_stripe::SessionQuery::default()).await.expect("it answers").data;
        let open: Vec<_> = pages.iter().filter(|page| page.status == SessionStatus::Open).collect();
        if shown == other {
            assert_eq!((open.len(), &*open[0].id), (1, &*other), "after {steps} steps");
            second_closed += usize::from(pages.len() == 2);
        }
        // That the other page has ended says nothing of the order.
        assert!(shop.deliver().await.iter().all(|status| *status == 204));
        assert_eq!(
            (shop.state("order_2").await, shop.page_of(&shop.place("buy-1").await).1),
            (json!("pending"), shown.clone())
        );
        shop.pay(&shown);
        assert!(shop.deliver().await.iter().all(|status| *status == 204));
        assert_eq!((shop.state("order_2").await, shop.available().await), (json!("paid"), json!(100)));
    }
    assert!(second_closed > 0, "two pages were made");
}

/// Whether the card is to be saved was changed between two tries to make a page: there are two, and the customer was shown one.
#[tokio::test]
async fn a_page_that_nobody_was_shown_ends_and_is_nothing_to_look_at() {
    let shop = Shop::open().await;
    let (order, page) = shop.order("buy-1").await;
    let session = shop.provider.session(&page).await.expect("it is known");
    let named = OrderRef::of(&session.metadata).expect("it names its order");
    let unseen = shop.provider.create_session(&new_session(named, 500)).await.expect("a page").id;
    shop.provider.expire_session(&unseen).await.expect("it is open");
    assert_eq!((shop.deliver().await, shop.counted("unknown_order").await), (vec![204], 0));
    assert_eq!(shop.state(&order).await, "pending");
    shop.pay(&page);
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
}

#[tokio::test]
async fn an_order_is_paid_and_credited_once_however_often_it_is_told() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    assert_eq!(shop.order("buy-1").await, (order.clone(), session.clone()), "asked again: the same order and page");
    assert_eq!(shop.back(&session).await.status, 200);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("pending"), json!(0)));
    shop.pay(&session);
    let told = shop.till.take_deliveries();
    for kept in told.iter().rev().chain(&told) {
        let reply = shop.send(&kept.signature, &kept.body).await;
        assert_eq!(reply.status, 204, "{}: {}", kept.kind, reply.text());
        assert_eq!(shop.available().await, json!(100), "{}", kept.kind);
    }
    let page = shop.back(&session).await;
    assert!(page.text().contains("100 credits are in your account."), "{}", page.text());
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    // What is paid is not offered again.
    assert_eq!(shop.place("buy-1").await.json()["checkout_url"], Value::Null);
}

#[tokio::test]
async fn the_page_that_customers_come_back_to_needs_no_webhook() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    for _ in 0..2 {
        assert!(shop.back(&session).await.text().contains("Thank you"));
    }
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    assert_eq!(shop.back("cs_test_guessed").await.status, 404);
    assert_eq!(shop.back("order_2").await.status, 404);
    let away = shop.world.call("GET", "/v1/payments/stripe/studiotwin/cancelled").empty().await;
    assert!(away.text().contains("Nothing was paid"));
}

#[tokio::test]
async fn a_studio_has_a_page_of_its_own() {
    let shop =
        Shop::with(Settings { return_to: Some("https://studio.example/credits?tab=buy"), ..Settings::default() }).await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    let back = shop.back(&session).await;
    let expected = format!("https://studio.example/credits?tab=buy&order={order}&state=paid");
    assert_eq!((back.status, back.header("location")), (303, Some(expected.as_str())));
}

#[tokio::test]
async fn a_term_of_a_plan_is_paid_like_a_package() {
    let shop = Shop::open().await;
    let call = shop.world.call("POST", "/v1/accounts/cleo/orders").secret(TWIN).once("plan-1");
    let (order, session) = shop.page_of(&call.json(json!({"plan": "studio"})).await);
    shop.pay(&session);
    assert!(shop.back(&session).await.text().contains("Your plan is paid."));
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(2500)));
}

#[tokio::test]
async fn money_that_comes_later_is_credited_later() {
    let shop = Shop::open().await;
    for (key, number, end, state, available) in
        [("a", "000123456789", DebitEnd::Arrives, "paid", 100), ("b", "000111111113", DebitEnd::Fails, "failed", 100)]
    {
        let (order, session) = shop.order(key).await;
        assert!(shop.till.pay(&session, number));
        assert!(shop.back(&session).await.text().contains("on its way"));
        shop.deliver().await;
        assert_eq!(shop.state(&order).await, "pending");
        assert!(shop.till.end_debit(&shop.payment(&session).await, end));
        assert!(shop.deliver().await.iter().all(|status| *status == 204));
        assert_eq!((shop.state(&order).await, shop.available().await), (json!(state), json!(available)));
    }
}

#[tokio::test]
async fn what_goes_back_takes_credits_back() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    shop.deliver().await;
    let payment = shop.payment(&session).await;
    let refund = scrip_stripe::NewRefund {
        payment_intent: payment.clone(),
        amount: Some(scrip_stripe::Money { minor: 125, currency: scrip_stripe::Currency::parse("USD").expect("one") }),
        reason: None,
        idempotency_key: "r1".to_owned(),
    };
    shop.provider.refund(&refund).await.expect("it is given back");
    assert_eq!(shop.deliver().await, [204, 204]);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(75)));
    let dispute = shop.till.dispute(&payment).expect("it can be disputed");
    assert_eq!(shop.deliver().await, [204]);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("disputed"), json!(0)));
    assert!(shop.till.close_dispute(&dispute, Verdict::Won));
    assert_eq!(shop.deliver().await, [204]);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("won"), json!(75)));
}

#[tokio::test]
async fn a_refund_that_fails_gives_its_credits_back_and_a_second_dispute_counts() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    shop.deliver().await;
    let payment = shop.payment(&session).await;
    let refund = scrip_stripe::NewRefund {
        payment_intent: payment.clone(),
        amount: Some(scrip_stripe::Money { minor: 125, currency: scrip_stripe::Currency::parse("USD").expect("one") }),
        reason: None,
        idempotency_key: "r1".to_owned(),
    };
    let refund = shop.provider.refund(&refund).await.expect("it is given back");
    assert_eq!(shop.deliver().await, [204, 204]);
    assert_eq!(shop.available().await, json!(75));
    assert!(shop.till.fail_refund(&refund.id));
    assert_eq!(shop.deliver().await, [204, 204]);
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    for (verdict, available) in [(Verdict::Won, 100), (Verdict::Lost, 0)] {
        let dispute = shop.till.dispute(&payment).expect("it can be disputed");
        assert_eq!(shop.deliver().await, [204]);
        assert_eq!((shop.state(&order).await, shop.available().await), (json!("disputed"), json!(0)));
        assert!(shop.till.close_dispute(&dispute, verdict));
        assert_eq!(shop.deliver().await, [204]);
        assert_eq!(shop.available().await, json!(available));
    }
    assert_eq!(shop.state(&order).await, json!("lost"));
}

/// A payment names its account as it was called then; the order is found all the same, and no other account's is taken
/// for it.
#[tokio::test]
async fn money_that_goes_back_after_an_erasure_finds_its_order() {
    let shop = Shop::open().await;
    let (_, session) = shop.order("buy-1").await;
    shop.pay(&session);
    shop.deliver().await;
    let erased = shop.erase("cleo").await;
    let reply = shop.world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await;
    assert_eq!(reply.status, 201, "the id is free again");
    let later = scrip_core::time::Time::parse("2026-01-31T10:00:01Z").expect("a time");
    shop.world.engine.move_clock(later).await.expect("it stands still");
    let (order, _) = shop.order("buy-1").await;
    let dispute = shop.till.dispute(&shop.payment(&session).await).expect("it can be disputed");
    assert!(shop.till.close_dispute(&dispute, Verdict::Lost));
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!(shop.counted("unknown_order").await, 0);
    let path = format!("/v1/accounts/{erased}/balance");
    let erased = shop.world.call("GET", &path).secret(TWIN).empty().await.json();
    assert_eq!((&erased["remaining"], &erased["debt"]), (&json!(0), &json!(0)));
    assert_eq!(shop.state(&order).await, json!("pending"), "the new account's order is another");
}

#[tokio::test]
async fn only_the_providers_own_word_of_now_and_of_our_version_is_taken() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    let kept = shop.till.take_deliveries().pop().expect("something was told");
    let (body, signature) = (kept.body.as_slice(), kept.signature.as_str());
    let refused = async |signature: &str, body: &[u8], status: u16| {
        let reply = shop.send(signature, body).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(shop.state(&order).await, "pending");
    };
    refused("", body, 400).await;
    refused("t=1,v1=00", body, 400).await;
    refused(&signature.replace("v1=", "v0="), body, 400).await;
    let mut changed = body.to_vec();
    changed.push(b' ');
    refused(signature, &changed, 400).await;
    for megabytes in [1, 20] {
        refused(signature, &vec![b' '; megabytes * 1_000_000], 413).await;
    }
    let unsigned = shop.world.call("POST", WEBHOOK).raw("{}").await;
    assert_eq!((unsigned.status, unsigned.json()["field"].clone()), (400, json!("Stripe-Signature")));
    let elsewhere = shop.world.call("POST", "/v1/payments/stripe/flow-studio/webhook");
    assert_eq!(elsewhere.header("stripe-signature", signature).raw("{}").await.status, 404);
    shop.world.at("2026-01-31T10:05:01Z").await;
    refused(signature, body, 400).await;
    assert_eq!(shop.counted("event_out_of_time").await, 1);
    assert_eq!(shop.counted("event_not_believed").await, 5);
    assert_eq!(shop.counted("event_too_large").await, 2);
    // With a new signature all is well.
    shop.till.move_clock(START_S + 301);
    assert!(shop.till.dispute(&shop.payment(&session).await).is_some());
    assert_eq!(shop.deliver().await, [204]);
    assert_eq!(shop.state(&order).await, "disputed");
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone_and_what_should_be_is_shown() {
    let shop = Shop::open().await;
    for (studio, order, status, figure) in [
        ("flow-studio", "order_2", 204, "event_left_alone"),
        ("studiotwin", "order_99", 404, "unknown_order"),
        ("studiotwin", "99", 404, "unknown_order"),
    ] {
        let before = shop.counted(figure).await;
        let named = scrip_stripe::OrderRef {
            studio: studio.to_owned(),
            account: "cleo".to_owned(),
            order: order.to_owned(),
            number: None,
        };
        let session = shop.provider.create_session(&new_session(named, 500)).await.expect("a page");
        shop.pay(&session.id);
        let last = shop.till.take_deliveries().pop().expect("something was told");
        assert_eq!(last.kind, "checkout.session.completed");
        assert_eq!(shop.send(&last.signature, &last.body).await.status, status, "{studio} {order}");
        assert_eq!(shop.counted(figure).await, before + 1, "{studio} {order}");
    }
    assert_eq!(shop.available().await, json!(0));
}

#[tokio::test]
async fn an_event_of_another_version_is_shown_and_its_order_settled_all_the_same() {
    let shop = Shop::with(Settings { api_version: "2020-08-27", ..Settings::default() }).await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    let statuses = shop.deliver().await;
    assert!(statuses.iter().all(|status| *status == 400), "{statuses:?}");
    assert_eq!(shop.counted("event_of_other_version").await, u64::try_from(statuses.len()).expect("a few"));
    assert_eq!(shop.available().await, json!(0));
    Reconciler::default().round(&shop.world.app).await;
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
}

/// Somebody takes another price for the order at the provider.
#[tokio::test]
async fn another_amount_than_the_orders_credits_nothing() {
    let shop = Shop::open().await;
    // An order without a page of its own: the provider was down.
    shop.fault(Some(Fault::Down));
    assert_eq!(shop.place("buy-1").await.status, 503);
    shop.fault(None);
    let order = |order: &str| scrip_stripe::OrderRef {
        studio: "studiotwin".to_owned(),
        account: "cleo".to_owned(),
        order: order.to_owned(),
        number: None,
    };
    let customer = shop.provider.create_customer(&order("-"), "c").await.expect("one is made").id;
    let payment = |of: &str, price: scrip_stripe::Money| scrip_stripe::NewPayment {
        order: order(of),
        placed_at: 0,
        price,
        name: "credits".to_owned(),
        customer: customer.clone(),
        payment_method: "pm_card_visa".to_owned(),
    };
    // Another order of the kind, since each has one payment of its own.
    shop.fault(Some(Fault::Down));
    assert_eq!(shop.place("buy-1b").await.status, 503);
    shop.fault(None);
    let euros = scrip_stripe::Money { minor: 500, currency: scrip_stripe::Currency::parse("EUR").expect("a currency") };
    for (of, wrong, count) in [("order_2", money(499), 1), ("order_3", euros, 2)] {
        shop.provider.pay_off_session(&payment(of, wrong)).await.expect("it is paid");
        let last = shop.till.take_deliveries().pop().expect("something was told");
        let refused = shop.send(&last.signature, &last.body).await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (409, json!("payment_mismatch")));
        assert_eq!((shop.state(of).await, shop.available().await), (json!("pending"), json!(0)));
        assert_eq!(shop.counted("payment_mismatch").await, count);
    }

    // An order with a page is what its page says: a payment beside it counts for nothing.
    let (second, _) = shop.order("buy-2").await;
    shop.provider.pay_off_session(&payment(&second, money(500))).await.expect("it is paid");
    let last = shop.till.take_deliveries().pop().expect("something was told");
    assert_eq!(shop.send(&last.signature, &last.body).await.status, 204);
    assert_eq!((shop.state(&second).await, shop.available().await), (json!("pending"), json!(0)));
}

#[tokio::test]
async fn a_provider_that_fails_loses_nothing() {
    let shop = Shop::with(Settings { tries: 2, ..Settings::default() }).await;
    // No page can be made: the order is placed, and the same request asks for the page again.
    shop.fault(Some(Fault::Down));
    let refused = shop.place("buy-1").await;
    assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("unavailable")));
    shop.fault(None);
    let (order, session) = shop.order("buy-1").await;
    assert_eq!(order, "order_2");
    shop.pay(&session);
    for fault in [Fault::Down, Fault::Error, Fault::Rubbish, Fault::OtherObject, Fault::DoneThenBroken, Fault::Busy] {
        shop.fault(Some(fault));
        let last = shop.till.take_deliveries().pop();
        if let Some(last) = last {
            assert_eq!(shop.send(&last.signature, &last.body).await.status, 503, "{fault:?}");
        }
        let page = shop.back(&session).await;
        assert!(page.text().contains("on its way"), "{fault:?}: {}", page.text());
        assert_eq!(shop.available().await, json!(0), "{fault:?}");
    }
    // Nobody tells any more; the reconciler asks, and after a while it gets an answer.
    let mut reconciler = Reconciler::default();
    shop.world.at("2026-01-31T10:00:20Z").await;
    reconciler.round(&shop.world.app).await;
    assert_eq!(shop.state(&order).await, "pending");
    shop.fault(None);
    reconciler.round(&shop.world.app).await;
    assert_eq!(shop.state(&order).await, "pending", "it is left alone for a while");
    shop.world.at("2026-01-31T10:01:00Z").await;
    reconciler.round(&shop.world.app).await;
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    assert!(shop.counted("provider_failed").await > 0);
}

/// Nothing counts as looked at while the provider does not accept the key.
#[tokio::test]
async fn a_key_that_was_revoked_loses_nothing() {
    let mut shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    shop.restart(Settings { key: "sk_test_of_yesterday", ..Settings::default() });
    let last = shop.till.take_deliveries().pop().expect("something was told");
    assert_eq!(shop.send(&last.signature, &last.body).await.status, 503);
    Reconciler::default().round(&shop.world.app).await;
    assert_eq!(shop.state(&order).await, "pending");
    shop.restart(Settings::default());
    Reconciler::default().round(&shop.world.app).await;
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
}

/// A package that costs nothing, and a page of another account at the provider.
#[tokio::test]
async fn what_the_provider_will_never_take_is_said_and_can_be_paid_outside() {
    let mut shop = Shop::open().await;
    let (sent, _) = shop.order("buy-1").await;
    shop.free().await;
    let refused = |reply: &Reply| {
        let body = reply.json();
        assert_eq!((reply.status, &body["code"]), (409, &json!("payment_not_possible")), "{body}");
        body["order"].as_str().expect("an id").to_owned()
    };
    let free = refused(&shop.place("buy-2").await);
    assert_eq!(refused(&shop.place("buy-2").await), free);
    assert_eq!((shop.state(&free).await, shop.counted("no_page").await), (json!("pending"), 2));
    let path = format!("/v1/accounts/cleo/orders/{free}/mark-paid");
    let call = shop.world.call("POST", &path).secret(TWIN).once("mark");
    assert_eq!(call.json(json!({"reference": "a gift"})).await.status, 200);
    assert_eq!(shop.available().await, json!(100));
    let other = Shop::open().await;
    shop.restart_at(&other, Settings::default());
    let path = format!("/v1/accounts/cleo/orders/{sent}/checkout");
    assert_eq!(refused(&shop.world.call("POST", &path).secret(TWIN).empty().await), sent);
}

/// It takes too long, or does what it was asked to and says nothing: nobody waits for it, and nothing is done twice.
#[tokio::test]
async fn a_provider_that_does_not_answer_in_time_loses_nothing() {
    for fault in [Fault::Slow(3_600_000), Fault::DoneThenSilent] {
        let impatient = || Settings { provider_wait: Duration::from_millis(50), ..Settings::default() };
        let mut shop = Shop::with(impatient()).await;
        shop.fault(Some(fault));
        let refused = shop.place("buy-1").await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (503, json!("unavailable")), "{fault:?}");
        shop.fault(None);
        // The page that was made and not answered is the one that is given now.
        shop.restart(Settings::default());
        let (order, session) = shop.order("buy-1").await;
        let pages = shop.provider.sessions(&scrip_stripe::SessionQuery::default()).await.expect("it answers");
        assert_eq!((order.as_str(), pages.data.len()), ("order_2", 1), "{fault:?}");
        shop.pay(&session);

        shop.restart(impatient());
        shop.fault(Some(fault));
        let last = shop.till.take_deliveries().pop().expect("something was told");
        assert_eq!(shop.send(&last.signature, &last.body).await.status, 503, "{fault:?}");
        assert!(shop.back(&session).await.text().contains("on its way"), "{fault:?}");
        assert_eq!((shop.state(&order).await, shop.available().await), (json!("pending"), json!(0)), "{fault:?}");
        shop.fault(None);
        shop.restart(Settings::default());
        assert_eq!(shop.send(&last.signature, &last.body).await.status, 204, "{fault:?}");
        assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)), "{fault:?}");
    }
}

#[tokio::test]
async fn the_reconciler_finds_what_was_never_delivered() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    shop.till.take_deliveries();
    // One that begins anew, as after a restart, finds the order in its account; and what happens, in the provider's list.
    let mut reconciler = Reconciler::default();
    reconciler.round(&shop.world.app).await;
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    let dispute = shop.till.dispute(&shop.payment(&session).await).expect("it can be disputed");
    for (now, seconds) in [("2026-01-31T10:01:00Z", 60), ("2026-01-31T10:02:00Z", 120)] {
        shop.world.at(now).await;
        reconciler.round(&shop.world.app).await;
        assert_eq!(shop.state(&order).await, if seconds == 60 { "disputed" } else { "lost" });
        shop.till.move_clock(START_S + seconds);
        assert_eq!(shop.till.close_dispute(&dispute, Verdict::Lost), seconds == 60);
    }
    assert_eq!(shop.available().await, json!(0));
}

#[tokio::test]
async fn a_studio_without_a_provider_sells_by_hand() {
    let world = World::new().await;
    world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await;
    let order = world.call("POST", "/v1/accounts/cleo/orders").secret(TWIN).once("a").json(json!({"package": "small"}));
    assert_eq!(order.await.json()["checkout_url"], Value::Null);
    assert_eq!(world.call("POST", WEBHOOK).raw("{}").await.status, 404);
}

impl Shop {
    pub(crate) fn fault(&self, fault: Option<Fault>) {
        self.till.switch(Switches { fault, deliver: Deliver::Keep, ..Switches::default() });
    }
}

fn config(till: &Till, webhook_secret: &str, settings: &Settings) -> Config {
    let account = StripeAccount {
        studio: scrip_core::id::StudioId::parse("studiotwin").expect("a studio's name"),
        client: client(till, settings),
        webhook_secrets: vec![Secret::webhook(webhook_secret).expect("it is one")],
        return_to: settings.return_to.map(str::to_owned),
    };
    let public_url = "http://credits.example".to_owned();
    let payments = Payments { stripe: vec![account], public_url, pace: Pace::default() };
    let limits = Limits { provider_wait: settings.provider_wait, ..Limits::default() };
    Config { payments, limits, ..Config::default() }
}

fn client(till: &Till, settings: &Settings) -> Client {
    let patience = Patience { backoff: Duration::from_millis(1), tries: settings.tries, ..Patience::default() };
    patient_client(till, settings, patience)
}

fn patient_client(till: &Till, settings: &Settings, patience: Patience) -> Client {
    Client::new(scrip_stripe::Config {
        api_base: ApiBase::parse(&till.url()).expect("an address of this machine"),
        api_version: settings.api_version.to_owned(),
        key: Secret::api_key(settings.key).expect("it looks like a key"),
        patience,
    })
}

pub(crate) fn money(cents: i64) -> scrip_stripe::Money {
    scrip_stripe::Money { minor: cents, currency: scrip_stripe::Currency::parse("USD").expect("a currency") }
}

fn purchase(cents: i64) -> scrip_stripe::Purchase {
    scrip_stripe::Purchase::Once {
        price: money(cents),
        name: "credits".to_owned(),
        keep_method: scrip_stripe::KeepMethod::No,
    }
}

pub(crate) fn new_session(order: scrip_stripe::OrderRef, cents: i64) -> scrip_stripe::NewSession {
    scrip_stripe::NewSession {
        placed_at: 0,
        order,
        purchase: purchase(cents),
        success_url: "http://127.0.0.1:9/".to_owned(),
        cancel_url: "http://127.0.0.1:9/".to_owned(),
        customer: None,
        expires_at: None,
    }
}
