//! Automatic top-ups that are paid with a saved payment method while its owner is away, and every way it can go wrong.

use scrip_server::Reconciler;
use scrip_stripe::{NewPayment, OrderRef, Search};
use scrip_till::{DebitEnd, Fault};
use serde_json::{Value, json};

use crate::payments::{START_S, Shop, money};
use crate::world::{Reply, TWIN};

const OK: &str = "4242424242424242";
const DECLINED_LATER: &str = "4000000000000341";
const DEBIT: &str = "000123456789";
const AUTHENTICATION: &str = "4000002500003155";

/// A shop whose account has an automatic top-up below 50 credits, and has paid at a page with a card.
struct Topped {
    shop: Shop,
    reconciler: Reconciler,
    /// The order that was paid at the page, and its payment.
    first: (String, String),
}

impl Topped {
    async fn with_card(number: &str) -> Topped {
        let shop = Shop::open().await;
        let grant = json!({"credits": 50, "class": "top_up", "reason": "to begin with"});
        shop.world.call("POST", "/v1/accounts/cleo/grants").secret(TWIN).once("grant").json(grant).await;
        put(&shop, json!({"package": "small", "below": 50})).await;
        let first = saved_at_a_page(&shop, "first", number).await;
        let mut topped = Topped { shop, reconciler: Reconciler::default(), first };
        topped.spend("what-was-granted", 50).await;
        topped.round().await;
        topped
    }

    async fn round(&mut self) {
        self.reconciler.round(&self.shop.world.app).await;
    }

    /// A new reconciler, as after a restart: it knows of nothing.
    async fn round_after_a_restart(&mut self) {
        self.reconciler = Reconciler::default();
        self.round().await;
    }

    async fn spend(&self, key: &str, credits: i64) {
        let call = self.shop.world.call("POST", "/v1/accounts/cleo/charges").secret(TWIN).once(key);
        let reply = call.json(json!({"credits": credits})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }

    async fn at(&self, time: &str, seconds: i64) {
        self.shop.world.at(time).await;
        self.shop.till.move_clock(START_S + seconds);
    }

    async fn top_up(&self) -> Value {
        let call = self.shop.world.call("GET", "/v1/accounts/cleo/automatic-top-up").secret(TWIN);
        call.empty().await.json()
    }

    /// What the automatic top-up did, newest first.
    async fn told(&self) -> Vec<String> {
        let path = "/v1/accounts/cleo/entries?limit=100";
        let entries = self.shop.world.call("GET", path).secret(TWIN).empty().await.json()["entries"].clone();
        let entries = entries.as_array().expect("a list").iter();
        let wanted = entries.filter(|entry| {
            matches!(entry["kind"].as_str(), Some("automatic_top_up" | "saved_method" | "top_up" | "order"))
        });
        wanted.map(|entry| format!("{} {}", entry["kind"], entry["change"]).replace('"', "")).collect()
    }

    /// The order that it waits for.
    async fn waits_for(&self) -> OrderRef {
        let order = self.top_up().await["order"].as_str().expect("it waits for one").to_owned();
        let number = Some(self.shop.number("cleo"));
        OrderRef { studio: "studiotwin".to_owned(), account: "cleo".to_owned(), order, number }
    }

    /// The provider takes the money for the order that waits, and nobody hears its answer.
    async fn charged_unheard(&self) {
        let saved = self.shop.provider.saved_method(&self.first.1).await.expect("known").expect("saved");
        let asked = NewPayment {
            order: self.waits_for().await,
            placed_at: START_S * 1_000_000,
            price: money(500),
            name: "Automatic top-up: 100 credits (small)".to_owned(),
            customer: saved.customer,
            payment_method: saved.method,
        };
        self.shop.provider.pay_off_session(&asked).await.expect("it is paid");
    }

    /// How often money came at the provider since the last look.
    fn paid(&self) -> usize {
        let told = self.shop.till.take_deliveries();
        told.iter().filter(|kept| kept.kind == "payment_intent.succeeded").count()
    }
}

async fn put(shop: &Shop, body: Value) -> Reply {
    shop.world.call("PUT", "/v1/accounts/cleo/automatic-top-up").secret(TWIN).json(body).await
}

/// Pays an order at its page with a card: the order and the payment.
async fn saved_at_a_page(shop: &Shop, key: &str, number: &str) -> (String, String) {
    let (order, session) = shop.order(key).await;
    assert!(shop.till.pay(&session, number) || shop.till.approve(&session), "it can be paid");
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    let payment = shop.payment(&session).await;
    (order, payment)
}

#[tokio::test]
async fn a_saved_card_pays_once_when_credits_run_low() {
    let mut topped = Topped::with_card(OK).await;
    let saved = topped.top_up().await["saved_method"].clone();
    assert_eq!(saved, json!({"state": "usable", "order": topped.first.0}));
    topped.spend("low", 60).await;
    assert_eq!(topped.shop.available().await, json!(40));
    topped.round().await;
    assert_eq!(topped.shop.available().await, json!(140), "{:?}", topped.told().await);
    // Whatever is told of it, doubled and in the wrong order, and after a restart.
    let told = topped.shop.till.take_deliveries();
    assert_eq!(told.iter().filter(|kept| kept.kind == "payment_intent.succeeded").count(), 1);
    for kept in told.iter().rev().chain(&told) {
        let reply = topped.shop.send(&kept.signature, &kept.body).await;
        assert_eq!(reply.status, 204, "{}: {}", kept.kind, reply.text());
    }
    topped.round_after_a_restart().await;
    assert_eq!((topped.shop.available().await, topped.paid()), (json!(140), 0));
    assert_eq!(
        topped.told().await[..5],
        ["automatic_top_up armed", "automatic_top_up paid", "top_up null", "order sent", "automatic_top_up ordered"]
    );
    assert_eq!(topped.shop.counted("charged").await, 1);
}

#[tokio::test]
async fn a_card_is_saved_only_for_an_account_that_tops_up_by_itself() {
    let shop = Shop::open().await;
    saved_at_a_page(&shop, "before", OK).await;
    let mut topped = Topped { shop, reconciler: Reconciler::default(), first: Default::default() };
    topped.round().await;
    put(&topped.shop, json!({"package": "small", "below": 500})).await;
    // There is nothing to charge: it says so at once, whatever the provider does, and tries again later.
    topped.shop.fault(Some(Fault::Down));
    topped.round().await;
    topped.shop.fault(None);
    let stands = topped.top_up().await;
    assert_eq!((&stands["saved_method"], &stands["declines"]), (&Value::Null, &json!(1)));
    assert_eq!(topped.shop.counted("no_saved_method").await, 1);
    assert_eq!(topped.told().await[..2], ["automatic_top_up declined", "order failed"]);
    // A page that is paid saves the card, and it is charged for the rest.
    saved_at_a_page(&topped.shop, "page", OK).await;
    topped.round_after_a_restart().await;
    assert_eq!(topped.top_up().await["declines"], json!(0), "{:?}", topped.told().await);
    assert_eq!(topped.shop.available().await, json!(500), "200 at pages, and 300 by itself");
}

#[tokio::test]
async fn a_bank_that_says_no_makes_it_wait_and_says_why() {
    for (number, why) in [(DECLINED_LATER, "declined"), (AUTHENTICATION, "authentication_needed")] {
        let mut topped = Topped::with_card(number).await;
        topped.spend("low", 60).await;
        topped.round().await;
        let stands = topped.top_up().await;
        assert_eq!(stands["saved_method"]["state"], json!(why));
        assert_eq!((&stands["declines"], &stands["waits_until"]), (&json!(1), &json!("2026-01-31T11:00:00Z")));
        assert_eq!((&stands["enabled"], topped.shop.available().await), (&json!(true), json!(40)));
        // What the provider tells of it, and asking again, changes nothing.
        assert!(topped.shop.deliver().await.iter().all(|status| *status == 204));
        topped.round_after_a_restart().await;
        assert_eq!(topped.top_up().await, stands);
        // The customer pays at a page with another card: that is the one from now on.
        let (order, _) = saved_at_a_page(&topped.shop, "page", OK).await;
        assert_eq!(topped.top_up().await["saved_method"], json!({"state": "usable", "order": order}));
        topped.spend("low-again", 100).await;
        topped.round().await;
        assert_eq!(topped.shop.available().await, json!(140), "{:?}", topped.told().await);
    }
}

#[tokio::test]
async fn a_bank_that_says_yes_again_is_no_trouble_any_more() {
    let mut topped = Topped::with_card(DECLINED_LATER).await;
    topped.spend("low", 60).await;
    topped.round().await;
    assert_eq!(topped.top_up().await["saved_method"]["state"], json!("declined"));
    assert!(topped.shop.till.change_card(&topped.first.1, OK));
    topped.at("2026-01-31T11:00:00Z", 3_600).await;
    topped.spend("touch", 1).await;
    topped.round().await;
    assert_eq!(topped.top_up().await["saved_method"]["state"], json!("usable"));
    assert_eq!(topped.shop.available().await, json!(139));
}

#[tokio::test]
async fn a_card_that_is_no_more_stops_it() {
    for (removed, why) in [(false, "expired"), (true, "removed")] {
        let mut topped = Topped::with_card(OK).await;
        let payment = &topped.first.1;
        assert!(if removed { topped.shop.till.remove_card(payment) } else { topped.shop.till.expire_card(payment) });
        topped.spend("low", 60).await;
        topped.round().await;
        let stands = topped.top_up().await;
        assert_eq!((&stands["enabled"], &stands["saved_method"]["state"]), (&json!(false), &json!(why)));
        assert_eq!(stands["order"], Value::Null);
        let told = topped.told().await;
        let stopped = told.iter().position(|line| line == "automatic_top_up stopped").expect("it says so");
        assert_eq!(told[stopped + 1], format!("saved_method {why}"));
        // Turned on again, it does not ask the provider: there is nothing to ask for.
        topped.paid();
        put(&topped.shop, json!({"enabled": true})).await;
        topped.round().await;
        assert_eq!((topped.paid(), topped.shop.counted("no_saved_method").await), (0, 1));
        assert_eq!(topped.shop.available().await, json!(40));
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_again_and_paid_once() {
    for fault in [Fault::Down, Fault::Error, Fault::Rubbish, Fault::OtherObject, Fault::DoneThenBroken, Fault::Busy] {
        let mut topped = Topped::with_card(OK).await;
        topped.shop.till.take_deliveries();
        topped.spend("low", 60).await;
        topped.shop.fault(Some(fault));
        topped.round().await;
        assert_eq!(topped.shop.available().await, json!(40), "{fault:?}");
        assert!(topped.top_up().await["order"].is_string(), "{fault:?}: it waits for its order");
        topped.shop.fault(None);
        topped.at("2026-01-31T10:01:00Z", 60).await;
        topped.round_after_a_restart().await;
        assert_eq!(topped.shop.available().await, json!(140), "{fault:?}: {:?}", topped.told().await);
        assert_eq!(topped.paid(), 1, "{fault:?}");
        assert_eq!(topped.top_up().await["declines"], json!(0), "{fault:?}");
    }
}

/// The server dies between asking for the money and noting that it asked.
#[tokio::test]
async fn a_payment_that_was_not_noted_is_found() {
    for by_webhook in [true, false] {
        let mut topped = Topped::with_card(OK).await;
        topped.shop.till.take_deliveries();
        topped.spend("low", 60).await;
        topped.charged_unheard().await;
        if by_webhook {
            assert!(topped.shop.deliver().await.iter().all(|status| *status == 204));
        }
        topped.round_after_a_restart().await;
        assert_eq!(topped.shop.available().await, json!(140), "{by_webhook}: {:?}", topped.told().await);
        assert_eq!(topped.paid(), usize::from(!by_webhook), "once in all");
    }
}

/// Between two tries another card is saved, of a customer made anew or not: the first try counts.
#[tokio::test]
async fn another_card_between_two_tries_is_not_charged_as_well() {
    for deleted in [false, true] {
        let mut topped = Topped::with_card(OK).await;
        topped.spend("low", 60).await;
        topped.charged_unheard().await;
        if deleted {
            assert!(topped.shop.till.delete_customer(&topped.first.1));
        }
        let (_, page) = topped.shop.order("other").await;
        topped.shop.pay(&page);
        // Nobody delivers anything.
        topped.paid();
        topped.shop.back(&page).await;
        topped.round().await;
        assert_eq!(topped.shop.available().await, json!(240), "{deleted}: {:?}", topped.told().await);
        assert_eq!(topped.paid(), 0, "{deleted}: the first try, and the page");
    }
}

/// Whoever turns it off while its order waits for a provider that is down is not charged; what was charged before counts.
#[tokio::test]
async fn what_is_turned_off_while_the_provider_is_away_is_not_charged() {
    for (disputed, charged) in [(false, false), (false, true), (true, false)] {
        let mut topped = Topped::with_card(OK).await;
        topped.spend("low", 60).await;
        if charged {
            topped.charged_unheard().await;
        }
        topped.shop.fault(Some(Fault::Down));
        topped.round().await;
        topped.shop.fault(None);
        topped.paid();
        if disputed {
            assert!(topped.shop.till.dispute(&topped.first.1).is_some());
            assert!(topped.shop.deliver().await.iter().all(|status| *status == 204));
        } else {
            put(&topped.shop, json!({"enabled": false})).await;
        }
        topped.at("2026-01-31T10:01:00Z", 60).await;
        topped.round_after_a_restart().await;
        let stands = topped.top_up().await;
        assert_eq!((&stands["enabled"], &stands["order"], topped.paid()), (&json!(false), &Value::Null, 0));
        let available = topped.shop.available().await;
        assert_eq!(
            available,
            json!(if disputed {
                0
            } else if charged {
                140
            } else {
                40
            }),
            "{:?}",
            topped.told().await
        );
        let called_off = topped.shop.counted("charge_called_off").await;
        assert_eq!((called_off, topped.shop.counted("charged").await), (u64::from(!charged), u64::from(charged)));
    }
}

/// The provider knows a key for a day: an order that could not be charged until shortly before is not charged any more.
#[tokio::test]
async fn a_provider_that_is_away_for_a_day_charges_nothing_afterwards() {
    for charged in [false, true] {
        let mut topped = Topped::with_card(OK).await;
        topped.spend("low", 60).await;
        if charged {
            topped.charged_unheard().await;
        }
        topped.shop.fault(Some(Fault::Down));
        topped.round().await;
        topped.shop.fault(None);
        topped.paid();
        topped.at("2026-02-01T09:00:00Z", 23 * 3_600).await;
        topped.round_after_a_restart().await;
        let stands = topped.top_up().await;
        assert_eq!((&stands["order"], &stands["declines"]), (&Value::Null, &json!(i32::from(!charged))));
        assert_eq!((topped.shop.available().await, topped.paid()), (json!(if charged { 140 } else { 40 }), 0));
    }
}

/// The key was used for something else, of which no payment came: the order fails, and the next one is paid.
#[tokio::test]
async fn a_key_that_is_of_no_use_any_more_blocks_nothing() {
    let mut topped = Topped::with_card(OK).await;
    topped.spend("low", 60).await;
    let order = topped.waits_for().await;
    let key = format!("studiotwin/cleo/{}/{}/payment", order.order, START_S * 1_000_000);
    topped.shop.provider.create_customer(&order, &key).await.expect("it is made");
    topped.round().await;
    let stands = topped.top_up().await;
    assert_eq!((&stands["order"], &stands["declines"]), (&Value::Null, &json!(1)));
    assert_eq!(topped.told().await[..2], ["automatic_top_up declined", "order failed"]);
    topped.at("2026-01-31T11:00:00Z", 3_600).await;
    topped.spend("touch", 1).await;
    topped.round().await;
    assert_eq!((topped.shop.available().await, topped.paid()), (json!(139), 1));
}

#[tokio::test]
async fn a_charge_is_counted_once_however_often_it_is_looked_at() {
    let mut topped = Topped::with_card(OK).await;
    assert!(topped.shop.till.change_card(&topped.first.1, DEBIT));
    topped.spend("low", 60).await;
    for (clock, seconds) in
        [("2026-01-31T10:01:00Z", 60), ("2026-01-31T10:10:00Z", 600), ("2026-01-31T10:30:00Z", 1_800)]
    {
        topped.at(clock, seconds).await;
        topped.round_after_a_restart().await;
        assert_eq!(topped.shop.counted("charged").await, 1, "{clock}");
    }
    let order = topped.waits_for().await;
    let found = topped.shop.provider.payment_for(&order, START_S..=START_S + 60).await.expect("it answers");
    let Search::Found(payment) = found else { panic!("it was made: {found:?}") };
    assert!(topped.shop.till.end_debit(&payment.id, DebitEnd::Arrives));
    topped.shop.deliver().await;
    assert_eq!((topped.shop.available().await, topped.shop.counted("charged").await), (json!(140), 1));
}

/// A debit is on its way, or the answer to a charge was lost: whoever paid at a page now would pay twice.
#[tokio::test]
async fn what_is_charged_by_itself_has_no_page() {
    let mut topped = Topped::with_card(OK).await;
    assert!(topped.shop.till.change_card(&topped.first.1, DEBIT));
    topped.spend("low", 60).await;
    for _ in 0..2 {
        let path = format!("/v1/accounts/cleo/orders/{}/checkout", topped.waits_for().await.order);
        let order = topped.shop.world.call("POST", &path).secret(TWIN).empty().await;
        let said = order.json();
        assert_eq!((order.status, &said["state"], &said["checkout_url"]), (200, &json!("pending"), &Value::Null));
        topped.round().await;
    }
}

/// What the provider's people deleted is made anew by the next page, and charged from then on.
#[tokio::test]
async fn a_customer_who_was_deleted_at_the_provider_pays_at_a_page_again() {
    let mut topped = Topped::with_card(OK).await;
    assert!(topped.shop.till.delete_customer(&topped.first.1));
    topped.spend("low", 60).await;
    topped.round().await;
    assert_eq!(topped.top_up().await["saved_method"]["state"], json!("removed"));
    put(&topped.shop, json!({"enabled": true})).await;
    let (order, _) = saved_at_a_page(&topped.shop, "page", OK).await;
    assert_eq!(topped.top_up().await["saved_method"], json!({"state": "usable", "order": order}));
    topped.spend("low-again", 100).await;
    topped.round().await;
    assert_eq!(topped.shop.available().await, json!(140), "{:?}", topped.told().await);
}

#[tokio::test]
async fn what_is_told_late_brings_no_old_card_back() {
    let topped = Topped::with_card(OK).await;
    let (second, _) = saved_at_a_page(&topped.shop, "second", OK).await;
    assert!(topped.shop.till.dispute(&topped.first.1).is_some());
    assert!(topped.shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!(topped.top_up().await["saved_method"]["order"], json!(second));
}

/// Somebody else has the id by now, with an order of the same number: what was charged is not theirs.
#[tokio::test]
async fn what_was_charged_before_an_erasure_finds_its_order() {
    for by_webhook in [true, false] {
        let mut topped = Topped::with_card(OK).await;
        topped.shop.till.take_deliveries();
        topped.spend("low", 60).await;
        topped.charged_unheard().await;
        let erased = topped.shop.erase("cleo").await;
        let opened = topped.shop.world.call("PUT", "/v1/accounts/cleo").secret(TWIN).json(json!({})).await;
        assert_eq!(opened.status, 201, "{}", opened.text());
        if by_webhook {
            assert!(topped.shop.deliver().await.iter().all(|status| *status == 204));
        }
        topped.round_after_a_restart().await;
        let path = format!("/v1/accounts/{erased}/balance");
        let balance = topped.shop.world.call("GET", &path).secret(TWIN).empty().await.json();
        assert_eq!((&balance["available"], topped.shop.available().await), (&json!(140), json!(0)), "{by_webhook}");
    }
}

#[tokio::test]
async fn an_erased_account_is_charged_no_more_and_saves_nothing() {
    let mut topped = Topped::with_card(OK).await;
    let (_, session) = topped.shop.order("unpaid").await;
    topped.spend("low", 60).await;
    topped.shop.till.take_deliveries();
    let erased = topped.shop.erase("cleo").await;
    topped.round_after_a_restart().await;
    topped.shop.pay(&session);
    topped.shop.deliver().await;
    let path = format!("/v1/accounts/{erased}/automatic-top-up");
    let stands = topped.shop.world.call("GET", &path).secret(TWIN).empty().await.json();
    assert_eq!((&stands["enabled"], &stands["saved_method"]), (&json!(false), &Value::Null));
    let path = format!("/v1/accounts/{erased}/balance");
    let balance = topped.shop.world.call("GET", &path).secret(TWIN).empty().await.json();
    assert_eq!(balance["available"], json!(140), "40 were left, and 100 were bought at the page");
}
