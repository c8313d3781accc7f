//! Plans that the provider's own subscriptions pay for: begun at a page, renewed, unpaid, ended and changed, on either side.

mod drafts;

use std::collections::BTreeSet;
use std::sync::Arc;

use scrip_core::catalog::Format;
use scrip_engine::engine::Publication;
use scrip_server::Reconciler;
use scrip_stripe::{
    Currency, Ending, Interval, Money, NewRefund, NewSession, OrderRef, Purchase, Subscription, SubscriptionStatus,
};
use scrip_till::{DebitEnd, Deliver, Fault, Switches};
use serde_json::{Value, json};

use crate::payments::{START_S, Settings, Shop, money, new_session};
use crate::world::{Reply, TWIN};

const OK: &str = "4242424242424242";
const DECLINED_LATER: &str = "4000000000000341";
/// The turns of a subscription that began at the start of the tests, and seconds from there.
const SECOND: (&str, i64) = ("2026-02-28T10:00:00Z", 28 * 86_400);
const THIRD: (&str, i64) = ("2026-03-31T10:00:00Z", 59 * 86_400);

/// Plans that renew by payment.
fn catalog() -> String {
    let path = format!("{}/../../catalogs/studiotwin.toml", env!("CARGO_MANIFEST_DIR"));
    let catalog = std::fs::read_to_string(path).expect("it is shipped");
    catalog.replace("allowance =", "renews = \"payment\"\nallowance =")
}

/// A shop with plans that renew by payment, and an account on one of them.
struct Club {
    shop: Shop,
    reconciler: Reconciler,
    /// The page that was paid.
    session: String,
}

impl Club {
    async fn open() -> Club {
        let mut club = Club { shop: Shop::open().await, reconciler: Reconciler::default(), session: String::new() };
        club.publish(catalog()).await;
        club.round().await;
        club
    }

    async fn publish(&self, catalog: String) {
        let publication = Publication { format: Format::Toml, source: Arc::from(catalog) };
        self.shop.world.engine.publish(publication, None).await.expect("it is good");
    }

    async fn join(plan: &str, number: &str) -> Club {
        let mut club = Club::open().await;
        let (_, session) = club.shop.page_of(&club.order("join", plan).await);
        assert!(club.shop.till.pay(&session, number));
        club.session = session;
        club.deliver().await;
        club
    }

    async fn order(&self, key: &str, plan: &str) -> Reply {
        let call = self.shop.world.call("POST", "/v1/accounts/cleo/orders").secret(TWIN).once(key);
        call.json(json!({"plan": plan})).await
    }

    async fn deliver(&self) {
        for kept in self.shop.till.take_deliveries() {
            let reply = self.shop.send(&kept.signature, &kept.body).await;
            assert_eq!(reply.status, 204, "{}: {}", kept.kind, reply.text());
        }
    }

    /// The same, whatever is answered.
    async fn deliver_whatever_comes(&self) {
        self.shop.deliver().await;
    }

    async fn round(&mut self) {
        self.reconciler.round(&self.shop.world.app).await;
    }

    /// Moves both clocks.
    async fn at(&self, (time, seconds): (&str, i64)) {
        self.shop.world.at(time).await;
        self.shop.till.move_clock(START_S + seconds);
    }

    async fn get(&self, path: &str) -> Value {
        let path = format!("/v1/accounts/cleo/{path}");
        self.shop.world.call("GET", &path).secret(TWIN).empty().await.json()
    }

    async fn available(&self) -> Value {
        self.get("balance").await["available"].clone()
    }

    async fn refills(&self) -> usize {
        self.get("entries?kind=refill&limit=100").await["entries"].as_array().expect("a list").len()
    }

    async fn put(&self, body: Value) -> Reply {
        self.shop.world.call("PUT", "/v1/accounts/cleo/subscription").secret(TWIN).json(body).await
    }

    async fn cancel(&self) {
        let call = self.shop.world.call("DELETE", "/v1/accounts/cleo/subscription").secret(TWIN);
        assert_eq!(call.empty().await.status, 200);
    }

    /// What is open, for the operator, and of which order.
    async fn left_open(&self) -> BTreeSet<String> {
        let call = self.shop.world.call("GET", "/v1/payments/deliveries?state=open").secret(TWIN);
        let answer = call.empty().await.json();
        let rows = answer["deliveries"].as_array().expect("a list").iter();
        rows.map(|row| format!("{} {}", row["reason"], row["order"]).replace('"', "")).collect()
    }

    /// The studio gives the money of a page back.
    async fn give_back(&self, page: &str) {
        self.give_back_untold(page).await;
        self.deliver().await;
    }

    /// The same, and nobody tells of it.
    async fn give_back_untold(&self, page: &str) {
        let payment_intent = self.shop.payment(page).await;
        let refund = NewRefund { payment_intent, amount: None, reason: None, idempotency_key: page.to_owned() };
        self.shop.provider.refund(&refund).await.expect("it is given back");
    }

    async fn theirs(&self) -> Subscription {
        let session = self.shop.provider.session(&self.session).await.expect("it is known");
        let id = session.subscription.expect("it began one");
        self.shop.provider.subscription(id.id()).await.expect("it is known")
    }

    /// What the subscription's paid invoices came to.
    async fn paid(&self) -> Vec<i64> {
        let invoices = self.shop.provider.paid_invoices(&self.theirs().await.id).await.expect("they are listed");
        invoices.iter().map(|invoice| invoice.amount_paid).collect()
    }
}

#[tokio::test]
async fn each_month_is_paid_and_refilled_once_however_it_is_told() {
    let mut club = Club::join("studio", OK).await;
    assert_eq!((club.available().await, club.refills().await), (json!(2500), 1));
    club.at(SECOND).await;
    let told = club.shop.till.take_deliveries();
    for kept in told.iter().rev().chain(&told) {
        let reply = club.shop.send(&kept.signature, &kept.body).await;
        assert_eq!(reply.status, 204, "{}: {}", kept.kind, reply.text());
    }
    club.round().await;
    assert_eq!((club.available().await, club.refills().await), (json!(2500), 2));
    let stands = club.get("subscription").await;
    assert_eq!((&stands["state"], &stands["paid_until"]), (&json!("active"), &json!(THIRD.0)));
    assert_eq!(club.paid().await, [4_000, 4_000]);
    let changes = club.get("entries?kind=billing").await["entries"].clone();
    assert_eq!((changes.as_array().map(Vec::len), &changes[0]["change"]), (Some(1), &json!("began")));
}

#[tokio::test]
async fn what_is_told_late_or_never_doubles_and_skips_nothing() {
    for by_webhook in [true, false] {
        let mut club = Club::join("studio", OK).await;
        // Two months go by, and nobody tells of either until days after the second.
        club.at(SECOND).await;
        let late = club.shop.till.take_deliveries();
        club.at(("2026-04-03T12:00:00Z", 62 * 86_400 + 7_200)).await;
        assert_eq!(club.get("subscription").await["state"], json!("past_due"));
        let later = club.shop.till.take_deliveries();
        if by_webhook {
            // Signed so long ago, they are not believed; the provider delivers them again with a new signature.
            drop((late, later));
            let id = club.theirs().await.id;
            club.shop.provider.end_subscription(&id, Ending::Not, "tell").await.expect("it is told");
            club.deliver().await;
        } else {
            club.reconciler = Reconciler::default();
            club.round().await;
        }
        let stands = club.get("subscription").await;
        assert_eq!((&stands["state"], &stands["paid_until"]), (&json!("active"), &json!("2026-04-30T10:00:00Z")));
        assert_eq!(club.paid().await.len(), 3);
        // The second month had been refilled in the grace, and the third is now.
        assert_eq!((club.available().await, club.refills().await), (json!(2500), 3), "{by_webhook}");
        club.at(("2026-04-30T10:00:00Z", 89 * 86_400)).await;
        club.deliver().await;
        assert_eq!(club.refills().await, 4);
    }
}

#[tokio::test]
async fn a_month_that_is_not_paid_is_past_due_and_then_the_end() {
    let mut club = Club::join("studio", DECLINED_LATER).await;
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!(club.get("subscription").await["state"], json!("active"), "in the grace");
    club.at(("2026-03-03T10:00:00Z", 31 * 86_400)).await;
    club.deliver().await;
    assert_eq!(club.get("subscription").await["state"], json!("past_due"));
    let refused = club.order("again", "studio").await;
    assert_eq!(refused.json()["code"], json!("plan_not_for_sale"), "the provider still tries");
    club.at(("2026-03-06T10:00:00Z", 34 * 86_400)).await;
    assert_eq!(club.theirs().await.status, SubscriptionStatus::Canceled);
    club.deliver().await;
    club.round().await;
    assert_eq!(club.refills().await, 2, "the grace's, and no more");
    assert_eq!(club.order("again", "studio").await.status, 201, "it can be ordered again");
}

#[tokio::test]
async fn a_month_that_is_paid_late_goes_on() {
    let mut club = Club::join("studio", DECLINED_LATER).await;
    club.at(SECOND).await;
    club.deliver().await;
    let first = club.shop.payment(&club.session).await;
    assert!(club.shop.till.change_card(&first, OK));
    club.at(("2026-03-03T10:00:00Z", 31 * 86_400)).await;
    club.deliver().await;
    club.round().await;
    let stands = club.get("subscription").await;
    assert_eq!((&stands["state"], &stands["paid_until"]), (&json!("active"), &json!(THIRD.0)));
    assert_eq!((club.available().await, club.refills().await), (json!(2500), 2));
}

#[tokio::test]
async fn an_end_that_is_asked_for_here_is_told_there_and_can_be_called_off() {
    let mut club = Club::join("studio", OK).await;
    for (ends, asked) in [(true, None), (false, Some("studio")), (true, None)] {
        match asked {
            None => club.cancel().await,
            Some(plan) => assert_eq!(club.put(json!({"plan": plan})).await.status, 200),
        }
        club.round().await;
        let theirs = club.theirs().await;
        assert_eq!((theirs.cancel_at_period_end, theirs.ending_known()), (ends, ends));
        club.deliver().await;
        assert_eq!(club.theirs().await.cancel_at_period_end, ends, "what it tells of it changes nothing");
    }
    club.at(SECOND).await;
    club.deliver().await;
    club.round().await;
    assert_eq!(club.get("subscription").await["code"], json!("subscription_not_found"));
    assert_eq!((club.theirs().await.status, club.paid().await.len()), (SubscriptionStatus::Canceled, 1));
    assert_eq!(club.available().await, json!(0));
}

#[tokio::test]
async fn an_end_that_is_asked_for_there_holds_here_and_can_be_called_off() {
    let mut club = Club::join("studio", OK).await;
    let id = club.theirs().await.id;
    for (ends, round) in [(true, "a"), (false, "b"), (true, "c")] {
        assert!(club.shop.till.end_at_period_end(&id, ends), "the customer does it at the provider's");
        club.deliver().await;
        let until = club.get("subscription").await["ends_at"].clone();
        assert_eq!(until, if ends { json!(SECOND.0) } else { Value::Null }, "{round}");
        club.round().await;
        assert_eq!(club.theirs().await.cancel_at_period_end, ends, "{round}");
    }
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!(club.get("subscription").await["code"], json!("subscription_not_found"));
}

#[tokio::test]
async fn a_larger_plan_is_paid_at_once_and_charged_from_the_next_month_on() {
    let mut club = Club::join("starter", OK).await;
    let page = club.order("up", "studio").await;
    let (order, session) = club.shop.page_of(&page);
    assert!(club.shop.till.pay(&session, OK));
    club.deliver().await;
    club.round().await;
    assert_eq!(club.available().await, json!(2500), "what was had of the smaller one, and the rest");
    assert_eq!(club.theirs().await.plan(), Some("studio"));
    assert_eq!(club.paid().await, [1_000], "the order paid for the rest of this month: {order}");
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!(club.paid().await, [1_000, 4_000]);
    assert_eq!((club.available().await, club.refills().await), (json!(2500), 3));
}

#[tokio::test]
async fn what_the_provider_charges_anyway_is_not_for_sale() {
    let mut club = Club::join("studio", OK).await;
    for plan in ["studio", "starter", "studio-yearly"] {
        assert_eq!(club.order(plan, plan).await.json()["code"], json!("plan_not_for_sale"), "{plan}");
    }
    assert_eq!(club.put(json!({"plan": "studio-yearly"})).await.json()["code"], json!("plan_not_for_sale"));
    // A smaller plan follows at the end of the month, at its own price.
    assert_eq!(club.put(json!({"plan": "starter"})).await.status, 200);
    club.round().await;
    assert_eq!(club.theirs().await.plan(), Some("starter"));
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!(club.paid().await, [4_000, 1_000]);
    assert_eq!(
        (club.available().await, club.get("subscription").await["plan"].clone()),
        (json!(500), json!("starter"))
    );
}

/// Two pages were open before either was paid: the plan of the first goes on, and the other's money is open until it is
/// given back.
#[tokio::test]
async fn a_second_page_that_is_paid_as_well_buys_nothing() {
    for (plan, other) in [("studio", "studio"), ("studio", "studio-yearly"), ("studio-yearly", "studio")] {
        let mut club = Club::open().await;
        let (_, first) = club.shop.page_of(&club.order("first", plan).await);
        let (order, second) = club.shop.page_of(&club.order("second", other).await);
        let mut stopped = Vec::new();
        for page in [&first, &second] {
            assert!(club.shop.till.pay(page, OK));
            club.deliver().await;
            club.session.clone_from(page);
            let back = club.shop.back(page).await.text();
            assert_eq!(back.contains("Thank you"), *page == first, "{back}");
            stopped.push(club.theirs().await.status == SubscriptionStatus::Canceled);
        }
        club.session.clone_from(&first);
        club.round().await;
        assert_eq!(stopped, [false, true], "{plan}, {other}");
        let paid_twice = BTreeSet::from([format!("paid_twice {order}")]);
        assert_eq!(club.left_open().await, paid_twice);
        club.at(SECOND).await;
        club.deliver().await;
        club.round().await;
        let (paid_until, paid) = match plan {
            "studio" => (THIRD.0, vec![4_000, 4_000]),
            _ => ("2027-01-31T10:00:00Z", vec![40_000]),
        };
        let stands = club.get("subscription").await;
        assert_eq!((&stands["plan"], &stands["paid_until"]), (&json!(plan), &json!(paid_until)), "{other}");
        assert_eq!((club.paid().await, club.refills().await), (paid, 2), "{plan}, {other}");
        club.at(THIRD).await;
        club.deliver().await;
        club.round().await;
        assert_eq!((club.available().await, club.refills().await), (json!(2500), 3));
        club.shop.restart(Settings::default());
        assert_eq!(club.left_open().await, paid_twice, "until it is given back");
        club.give_back(&second).await;
        assert_eq!(club.left_open().await, BTreeSet::new());
        assert_eq!((club.available().await, club.refills().await), (json!(2500), 3));
    }
}

/// Two pages for a larger plan: the second one's payment would be for the month that the provider charges for anyway.
#[tokio::test]
async fn a_larger_plan_that_is_paid_twice_is_open_until_it_is_given_back() {
    let mut club = Club::join("starter", OK).await;
    let (_, first) = club.shop.page_of(&club.order("up", "studio").await);
    let (order, second) = club.shop.page_of(&club.order("again", "studio").await);
    for page in [&first, &second] {
        assert!(club.shop.till.pay(page, OK));
        club.deliver().await;
        club.round().await;
    }
    assert_eq!(club.left_open().await, BTreeSet::from([format!("paid_twice {order}")]));
    club.give_back(&second).await;
    assert_eq!((club.left_open().await, club.available().await), (BTreeSet::new(), json!(2500)));
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!((club.paid().await, club.refills().await), (vec![1_000, 4_000], 3));
}

#[tokio::test]
async fn a_plan_that_was_marked_paid_by_hand_is_not_charged_for_at_the_provider() {
    let mut club = Club::open().await;
    let (order, page) = club.shop.page_of(&club.order("join", "studio").await);
    // The provider is away, so the page stays open.
    club.shop.fault(Some(Fault::Down));
    let path = format!("/v1/accounts/cleo/orders/{order}/mark-paid");
    let call = club.shop.world.call("POST", &path).secret(TWIN).once("mark");
    assert_eq!(call.json(json!({"reference": "bank"})).await.status, 200);
    club.shop.fault(None);
    assert!(club.shop.till.pay(&page, OK));
    club.session.clone_from(&page);
    club.deliver().await;
    assert_eq!(club.theirs().await.status, SubscriptionStatus::Canceled);
    let paid_twice = BTreeSet::from([format!("paid_twice {order}")]);
    assert_eq!(club.left_open().await, paid_twice);
    club.deliver().await;
    club.at(("2026-01-31T12:00:00Z", 7_200)).await;
    club.round().await;
    assert_eq!(club.left_open().await, paid_twice, "whatever is told of it");
    club.give_back(&page).await;
    assert_eq!(club.left_open().await, BTreeSet::new());
    assert_eq!((club.available().await, club.paid().await), (json!(2500), vec![4_000]));
}

/// What the provider told came two days late: its months begin two days before ours.
#[tokio::test]
async fn a_month_that_was_paid_before_ours_began_is_had_before_the_end() {
    let mut club = Club::open().await;
    let (_, page) = club.shop.page_of(&club.order("join", "studio").await);
    assert!(club.shop.till.pay(&page, OK));
    club.session.clone_from(&page);
    club.at(("2026-02-02T10:00:00Z", 2 * 86_400)).await;
    club.deliver().await;
    club.at(("2026-03-01T10:00:00Z", 29 * 86_400)).await;
    club.deliver().await;
    assert_eq!((club.paid().await.len(), club.refills().await), (2, 1));
    club.cancel().await;
    assert_eq!(club.get("subscription").await["ends_at"], json!("2026-04-02T10:00:00Z"));
    club.round().await;
    club.at(("2026-03-06T10:00:00Z", 34 * 86_400)).await;
    assert_eq!(
        (club.available().await, club.get("subscription").await["state"].clone()),
        (json!(2500), json!("active"))
    );
    club.at(("2026-04-02T10:00:00Z", 61 * 86_400)).await;
    club.deliver().await;
    club.round().await;
    assert_eq!(club.get("subscription").await["code"], json!("subscription_not_found"));
    assert_eq!((club.theirs().await.status, club.paid().await.len()), (SubscriptionStatus::Canceled, 2));
}

/// The end could not be told in time, and the studio has put another plan since: the old subscription does not pay for it.
#[tokio::test]
async fn what_paid_for_a_plan_that_has_ended_pays_for_no_other() {
    let mut club = Club::join("studio", OK).await;
    club.shop.fault(Some(Fault::Down));
    club.cancel().await;
    club.round().await;
    club.at(SECOND).await;
    assert_eq!(club.put(json!({"plan": "starter"})).await.status, 201);
    club.shop.fault(None);
    club.deliver().await;
    club.at(("2026-02-28T10:10:00Z", 28 * 86_400 + 600)).await;
    club.round().await;
    assert_eq!(club.theirs().await.status, SubscriptionStatus::Canceled);
    club.deliver().await;
    let stands = club.get("subscription").await;
    assert_eq!((&stands["plan"], &stands["ends_at"]), (&json!("starter"), &Value::Null));
    // The month that it charged for meanwhile is to be given back.
    assert_eq!((club.paid().await.len(), club.shop.counted("term_without_plan").await), (2, 1));
    let open = club.left_open().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open.iter().all(|open| open.starts_with("term_without_plan order_")), "{open:?}");
    club.shop.restart(Settings::default());
    assert_eq!(club.left_open().await, open, "whatever becomes of the server");
    club.at(("2026-04-10T10:00:00Z", 69 * 86_400)).await;
    club.round().await;
    assert_eq!(club.left_open().await, BTreeSet::new(), "as long as anything is remembered");
    club.at(("2026-04-11T10:00:00Z", 70 * 86_400)).await;
    assert_eq!(club.order("on", "starter").await.status, 201, "it is paid by order");
}

/// A plan whose terms became others is charged for as before: a year's price is none for a month.
#[tokio::test]
async fn a_plan_of_other_terms_changes_no_price_at_the_provider() {
    let mut club = Club::join("studio", OK).await;
    let yearly = catalog().replace("price = \"40.00 USD\"", "term = \"year\"\nprice = \"480.00 USD\"");
    club.publish(yearly).await;
    for turn in [SECOND, THIRD] {
        club.at(turn).await;
        club.deliver().await;
        club.round().await;
    }
    assert_eq!((club.paid().await, club.refills().await), (vec![4_000, 4_000, 4_000], 3));
    assert!(club.shop.counted("plan_of_other_terms").await > 0);
}

/// Erased, nobody is charged any more: also where the provider is away at that moment, and the server ends then.
#[tokio::test]
async fn an_erased_account_is_not_charged_any_more() {
    for restarted in [false, true] {
        let mut club = Club::join("studio", OK).await;
        club.round().await;
        club.shop.fault(Some(Fault::Down));
        let erased = club.shop.erase("cleo").await;
        club.round().await;
        if restarted {
            club.shop.restart(Settings::default());
            club.reconciler = Reconciler::default();
        }
        assert_eq!(club.shop.world.call("GET", "/v1/accounts/cleo").secret(TWIN).empty().await.status, 404);
        club.shop.fault(None);
        club.at(("2026-01-31T10:10:00Z", 600)).await;
        club.round().await;
        assert_eq!(club.theirs().await.status, SubscriptionStatus::Canceled, "{restarted}");
        club.deliver().await;
        club.at(SECOND).await;
        club.deliver().await;
        assert_eq!(club.paid().await, [4_000]);
        let path = format!("/v1/accounts/{erased}/subscription");
        let stands = club.shop.world.call("GET", &path).secret(TWIN).empty().await.json();
        assert_eq!(stands["code"], json!("subscription_not_found"), "{stands}");
    }
}

/// What is known of the customer may change between two tries to make a page: a method was saved meanwhile, or its owner
/// was deleted at the provider.
#[tokio::test]
async fn a_page_is_made_whoever_the_customer_is_by_now() {
    let mut club = Club::open().await;
    let top_up = json!({"package": "small", "below": 1});
    let put = club.shop.world.call("PUT", "/v1/accounts/cleo/automatic-top-up").secret(TWIN).json(top_up).await;
    assert_eq!(put.status, 200, "{}", put.text());
    let pay_at_a_page = async |club: &Club, key| {
        let (_, session) = club.shop.order(key).await;
        assert!(club.shop.till.pay(&session, OK));
        club.deliver().await;
        club.shop.payment(&session).await
    };
    club.shop.fault(Some(Fault::DoneThenBroken));
    assert_eq!(club.order("join", "studio").await.status, 503);
    club.shop.fault(None);
    let first = pay_at_a_page(&club, "first").await;
    assert_eq!(club.order("join", "studio").await.status, 201, "for the customer of the first payment");
    club.shop.fault(Some(Fault::DoneThenBroken));
    assert_eq!(club.order("again", "studio").await.status, 503);
    club.shop.fault(None);
    assert!(club.shop.till.delete_customer(&first));
    let page = club.order("later", "studio").await;
    let (_, session) = club.shop.page_of(&page);
    assert!(club.shop.till.pay(&session, OK));
    club.deliver().await;
    club.round().await;
    assert_eq!(club.get("subscription").await["plan"], json!("studio"));
}

/// The money of a larger plan's order goes back: what it added is gone, what the subscription has paid for is had.
#[tokio::test]
async fn money_back_of_a_larger_plan_leaves_the_month_that_was_paid() {
    let mut club = Club::join("starter", OK).await;
    let (_, page) = club.shop.page_of(&club.order("up", "studio").await);
    assert!(club.shop.till.pay(&page, OK));
    club.deliver().await;
    assert_eq!(club.available().await, json!(2500));
    club.give_back(&page).await;
    let stands = club.get("subscription").await;
    assert_eq!((club.available().await, &stands["state"]), (json!(500), &json!("active")));
    club.round().await;
    club.at(SECOND).await;
    club.deliver().await;
    assert_eq!((club.paid().await, club.available().await), (vec![1_000, 4_000], json!(2500)));
}

/// A subscription whose first payment was of another amount than the order's, or failed while the provider went on: it is
/// ended, and open for as long as its money is there.
#[tokio::test]
async fn a_subscription_whose_first_payment_never_counts_is_ended() {
    let mut club = Club::open().await;
    // An order whose page takes another price.
    club.shop.fault(Some(Fault::Down));
    assert_eq!(club.order("join", "studio").await.status, 503);
    club.shop.fault(None);
    let order = OrderRef { studio: "studiotwin".into(), account: "cleo".into(), order: "order_2".into(), number: None };
    let price = Money { minor: 4_400, currency: Currency::parse("USD").expect("one") };
    let page = NewSession {
        order,
        placed_at: 0,
        purchase: Purchase::Recurring { price, name: "studio".into(), every: Interval::Month, plan: "studio".into() },
        success_url: "https://studio.example/".into(),
        cancel_url: "https://studio.example/".into(),
        customer: None,
        expires_at: None,
    };
    club.session = club.shop.provider.create_session(&page).await.expect("it is made").id;
    club.shop.sent("order_2", &club.session).await;
    assert!(club.shop.till.pay(&club.session, OK));
    club.deliver_whatever_comes().await;
    let ended = club.theirs().await;
    assert_eq!(ended.status, SubscriptionStatus::Canceled);
    let of_both = ["payment_mismatch order_2", "subscription_without_plan null"].map(str::to_owned);
    assert_eq!(club.left_open().await, BTreeSet::from(of_both));
    assert_eq!((club.shop.state("order_2").await, club.available().await), (json!("pending"), json!(0)));
    club.at(("2026-05-31T10:00:00Z", 120 * 86_400)).await;
    club.round().await;
    club.shop.restart(Settings::default());
    let of_its_money = BTreeSet::from(["subscription_without_plan null".to_owned()]);
    assert_eq!(club.left_open().await, of_its_money, "until it is given back");
    club.give_back_untold(&club.session).await;
    club.at(("2026-05-31T12:00:00Z", 120 * 86_400 + 7_200)).await;
    club.round().await;
    assert_eq!((club.left_open().await, club.available().await), (BTreeSet::new(), json!(0)));
}

#[tokio::test]
async fn a_subscription_that_goes_on_unpaid_is_ended_and_its_money_is_to_be_given_back() {
    let mut club = Club::open().await;
    let (order, page) = club.shop.page_of(&club.order("join", "studio").await);
    assert!(club.shop.till.pay(&page, "000123456789"));
    club.session.clone_from(&page);
    club.deliver().await;
    let first = club.shop.payment(&page).await;
    assert!(club.shop.till.end_debit(&first, DebitEnd::Fails));
    club.deliver().await;
    assert_eq!(club.shop.state(&order).await, json!("failed"));
    // Nobody tells that it goes on, until its second month is paid.
    let id = club.theirs().await.id;
    assert!(club.shop.till.go_on_unpaid(&id));
    drop(club.shop.till.take_deliveries());
    club.at(("2026-02-28T12:00:00Z", SECOND.1 + 7_200)).await;
    club.deliver_whatever_comes().await;
    assert_eq!((club.theirs().await.status, club.paid().await), (SubscriptionStatus::Canceled, vec![4_000]));
    let open = BTreeSet::from([format!("subscription_without_plan {order}")]);
    assert_eq!(club.left_open().await, open);
    // Who opens the page once more sees that its order failed: that says nothing of the second month.
    club.shop.back(&page).await;
    assert_eq!(club.left_open().await, open);
    club.at(("2026-05-31T10:00:00Z", 120 * 86_400)).await;
    club.round().await;
    assert_eq!((club.left_open().await, club.available().await), (open, json!(0)), "until it is given back");
    let invoices = club.shop.provider.paid_invoices(&id).await.expect("they are listed");
    let payment = club.shop.provider.payment_of_invoice(&invoices[0].id).await.expect("it is known");
    let payment_intent = payment.expect("it was paid");
    let refund = NewRefund { payment_intent, amount: None, reason: None, idempotency_key: "back".to_owned() };
    club.shop.provider.refund(&refund).await.expect("it is given back");
    club.at(("2026-05-31T12:00:00Z", 120 * 86_400 + 7_200)).await;
    club.round().await;
    assert_eq!(club.left_open().await, BTreeSet::new());
}

/// In a store that was restored orders are counted anew: a subscription of before names an order that did not begin it, and is
/// neither taken for that order's nor hidden behind it.
#[tokio::test]
async fn a_subscription_that_names_an_order_of_something_else_is_told() {
    let club = Club::open().await;
    let (order, page) = club.shop.order("buy").await;
    let session = club.shop.provider.session(&page).await.expect("it is known");
    let named = OrderRef::of(&session.metadata).expect("it names its order");
    let purchase = Purchase::Recurring {
        price: money(4_000),
        name: "Studio".to_owned(),
        every: Interval::Month,
        plan: "studio".to_owned(),
    };
    let before = NewSession { purchase, ..new_session(named, 4_000) };
    let before = club.shop.provider.create_session(&before).await.expect("a page").id;
    assert!(club.shop.till.pay(&before, OK));
    for paid in [false, true] {
        if paid {
            club.shop.pay(&page);
        }
        club.deliver_whatever_comes().await;
        let began = club.shop.provider.session(&before).await.expect("it is known").subscription.expect("it began one");
        assert!(club.shop.till.end_at_period_end(began.id(), !paid));
        club.deliver_whatever_comes().await;
        let call = club.shop.world.call("GET", "/v1/payments/deliveries?state=open").secret(TWIN);
        let open = call.empty().await.json()["deliveries"].clone();
        let mut open = open.as_array().expect("a list").iter().map(|row| (&row["object"], &row["reason"]));
        assert!(open.any(|row| row == (&json!(began.id()), &json!("unknown_order"))), "paid: {paid}");
        let stands = club.shop.provider.subscription(began.id()).await.expect("it is known").status;
        assert_eq!(
            (stands, club.shop.state(&order).await),
            (SubscriptionStatus::Active, json!(if paid { "paid" } else { "pending" }))
        );
    }
}

/// What cannot be read of one thing keeps nothing else from being found.
#[tokio::test]
async fn a_subscription_that_cannot_be_read_keeps_nothing_else_waiting() {
    let mut club = Club::join("studio", OK).await;
    let id = club.theirs().await.id;
    let (order, package) = club.shop.order("buy").await;
    club.shop.pay(&package);
    club.deliver().await;
    assert_eq!(club.available().await, json!(2_600));
    assert!(club.shop.till.end_at_period_end(&id, true));
    club.give_back_untold(&package).await;
    let unreadable = Some(id);
    club.shop.till.switch(Switches { unreadable, deliver: Deliver::Keep, ..Switches::default() });
    for minute in 10..40 {
        club.at((&format!("2026-01-31T10:{minute}:00Z"), minute * 60)).await;
        club.round().await;
    }
    assert_eq!((club.shop.state(&order).await, club.available().await), (json!("refunded"), json!(2_500)));
    let open = club.left_open().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open.iter().all(|open| open.starts_with("not_readable")), "{open:?}");
    club.shop.fault(None);
    club.at(("2026-01-31T12:00:00Z", 7_200)).await;
    club.round().await;
    assert_eq!(club.left_open().await, BTreeSet::new());
    assert_eq!(club.get("subscription").await["ends_at"], json!(SECOND.0));
}

/// The end is called off at the provider's before anything else happened here: both are told, each under its own key.
#[tokio::test]
async fn an_end_that_was_asked_for_here_can_be_called_off_there() {
    let mut club = Club::join("studio", OK).await;
    club.cancel().await;
    club.round().await;
    club.deliver().await;
    let id = club.theirs().await.id;
    assert!(club.shop.till.end_at_period_end(&id, false));
    club.deliver().await;
    let theirs = club.theirs().await;
    assert_eq!((theirs.cancel_at_period_end, theirs.ending_known()), (false, false));
    assert_eq!(club.get("subscription").await["ends_at"], Value::Null);
    assert_eq!(club.left_open().await, BTreeSet::new());
}

/// A term that an operator marked paid is not paid at the provider: nothing is open of it.
#[tokio::test]
async fn what_buys_nothing_cannot_be_marked_paid() {
    let club = Club::open().await;
    assert_eq!(club.put(json!({"plan": "studio"})).await.status, 201);
    let mut orders = Vec::new();
    for key in ["first", "second"] {
        orders.push(club.shop.page_of(&club.order(key, "studio").await).0);
    }
    for (order, status) in orders.iter().zip([200, 409]) {
        let path = format!("/v1/accounts/cleo/orders/{order}/mark-paid");
        let call = club.shop.world.call("POST", &path).secret(TWIN).once(order);
        let reply = call.json(json!({"reference": "bank"})).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        club.deliver().await;
        assert_eq!(club.left_open().await, BTreeSet::new());
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_again() {
    for fault in [Fault::Down, Fault::Error, Fault::Rubbish, Fault::OtherObject, Fault::DoneThenBroken, Fault::Busy] {
        let mut club = Club::join("studio", OK).await;
        club.at(SECOND).await;
        let told = club.shop.till.take_deliveries();
        club.shop.fault(Some(fault));
        let last = told.last().expect("something was told");
        assert_eq!(club.shop.send(&last.signature, &last.body).await.status, 503, "{fault:?}");
        club.shop.world.call("DELETE", "/v1/accounts/cleo/subscription").secret(TWIN).empty().await;
        club.round().await;
        club.shop.fault(None);
        club.at(("2026-02-28T10:10:00Z", 28 * 86_400 + 600)).await;
        club.round().await;
        let stands = club.get("subscription").await;
        assert_eq!(stands["paid_until"], json!(THIRD.0), "{fault:?}: {stands}");
        assert!(club.theirs().await.cancel_at_period_end, "{fault:?}");
        assert_eq!(club.refills().await, 2, "{fault:?}");
    }
}
