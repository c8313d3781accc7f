//! Random histories of payments: deliveries doubled, reordered, held back and lost, a provider that fails, handlers that die
//! between any two steps, customers who come back or do not. In the end every paid order was credited once, and every unpaid
//! one never.
//!
//! `SCRIP_HISTORIES=10000` runs more of them than the tests do. What happens follows from the history's number; what a
//! dying handler had done by then does not quite, since the network has a part in it.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use scrip_core::time::Time;
use scrip_server::Reconciler;
use scrip_till::{DebitEnd, Deliver, Fault, Kept, Switches, Verdict};
use serde_json::json;

use crate::payments::Shop;
use crate::world::TWIN;

/// Histories that the tests run.
const HISTORIES: u64 = 60;

/// Numbers by lot that follow from a seed (splitmix64).
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<T: Copy>(&mut self, among: &[T]) -> T {
        let place = self.below(u64::try_from(among.len()).expect("a few"));
        among[usize::try_from(place).expect("a few")]
    }
}

/// Lets something run for so many steps, then lets it die.
async fn for_steps(steps: u64, running: impl Future) {
    let mut running = pin!(running);
    let mut left = steps;
    std::future::poll_fn(|context| {
        if left == 0 || running.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

/// One purchase and what happened to it.
struct History<'a> {
    shop: &'a Shop,
    lot: Lot,
    account: String,
    order: String,
    session: String,
    /// Deliveries that are somewhere on their way.
    on_the_way: Vec<Kept>,
}

impl History<'_> {
    async fn begin(shop: &Shop, number: u64) -> History<'_> {
        shop.till.switch(Switches { deliver: Deliver::Keep, ..Switches::default() });
        let account = format!("history-{number}");
        let world = &shop.world;
        world.call("PUT", &format!("/v1/accounts/{account}")).secret(TWIN).json(json!({})).await;
        let path = format!("/v1/accounts/{account}/orders");
        let placed = world.call("POST", &path).secret(TWIN).once("buy").json(json!({"package": "small"})).await;
        let (order, session) = shop.page_of(&placed);
        History { shop, lot: Lot(number), account, order, session, on_the_way: Vec::new() }
    }

    /// Something happens.
    async fn step(&mut self, reconciler: &mut Reconciler) {
        self.on_the_way.extend(self.shop.till.take_deliveries());
        match self.lot.below(10) {
            0 | 1 => {
                let numbers =
                    ["4242424242424242", "4000000000000002", "000123456789", "000111111113", "4000000000000259"];
                self.shop.till.pay(&self.session, self.lot.one_of(&numbers));
            }
            2..=4 => self.deliver().await,
            5 => {
                let steps = self.lot.below(40);
                for_steps(steps, self.shop.back(&self.session)).await;
            }
            6 => {
                let faults =
                    [None, None, None, Some(Fault::Down), Some(Fault::Error), Some(Fault::Rubbish), Some(Fault::Busy)];
                let fault = self.lot.one_of(&faults);
                self.shop.till.switch(Switches { fault, deliver: Deliver::Keep, ..Switches::default() });
            }
            7 => {
                let steps = self.lot.below(60);
                for_steps(steps, reconciler.round(&self.shop.world.app)).await;
                if self.lot.below(4) == 0 {
                    *reconciler = Reconciler::default();
                }
            }
            8 => self.money().await,
            _ => self.on_the_way.truncate(self.on_the_way.len() / 2),
        }
    }

    /// One of the deliveries on their way arrives, perhaps not for the last time; its handler may die.
    async fn deliver(&mut self) {
        let Some(last) = u64::try_from(self.on_the_way.len()).ok().and_then(|len| len.checked_sub(1)) else { return };
        let place = usize::try_from(self.lot.below(last + 1)).expect("a few");
        let kept = match self.lot.below(3) {
            0 => self.on_the_way[place].clone(),
            _ => self.on_the_way.swap_remove(place),
        };
        let steps = self.lot.one_of(&[1, 3, 6, 10, 1_000_000]);
        for_steps(steps, self.shop.send(&kept.signature, &kept.body)).await;
    }

    /// A bank debit ends, a bank wants its money back or decides, or the studio gives some back.
    async fn money(&mut self) {
        self.be_well();
        let truth = self.shop.provider.truth_of_session(&self.session).await.expect("it answers");
        let Some(payment) = truth.payment_intent else { return };
        match self.lot.below(4) {
            0 => {
                let end = self.lot.one_of(&[DebitEnd::Arrives, DebitEnd::Fails]);
                self.shop.till.end_debit(&payment, end);
            }
            1 => drop(self.shop.till.dispute(&payment)),
            2 => {
                let disputes = self.shop.provider.disputes_of(&payment).await.expect("it answers");
                for dispute in disputes.data {
                    self.shop.till.close_dispute(&dispute.id, self.lot.one_of(&[Verdict::Won, Verdict::Lost]));
                }
            }
            _ => {
                let refund = scrip_stripe::NewRefund {
                    payment_intent: payment,
                    amount: Some(crate::payments::money(125)),
                    reason: None,
                    idempotency_key: format!("{}-{}", self.account, self.lot.below(2)),
                };
                // What is not paid, or disputed, cannot be given back.
                self.shop.provider.refund(&refund).await.ok();
            }
        }
    }

    /// The provider answers again.
    fn be_well(&self) {
        self.shop.till.switch(Switches { deliver: Deliver::Keep, ..Switches::default() });
    }

    /// How many credits the provider's truth leaves, and whether the order was ever paid.
    async fn expected(&self) -> (i64, bool) {
        use scrip_stripe::{DisputeTruth, PaymentState};
        let truth = self.shop.provider.truth_of_session(&self.session).await.expect("it answers");
        let refunded = truth.amounts.map_or(0, |amounts| amounts.refunded.minor);
        match (truth.state, truth.dispute) {
            (PaymentState::Paid, DisputeTruth::None | DisputeTruth::Won(_)) => (100 - refunded / 5, true),
            (PaymentState::Paid, DisputeTruth::Open(_) | DisputeTruth::Lost(_)) => (0, true),
            (PaymentState::Open | PaymentState::Processing | PaymentState::Failed | PaymentState::Expired, _) => {
                (0, false)
            }
        }
    }

    async fn check(&self) {
        let (available, paid) = self.expected().await;
        let world = &self.shop.world;
        let path = format!("/v1/accounts/{}", self.account);
        let balance = world.call("GET", &format!("{path}/balance")).secret(TWIN).empty().await.json();
        let what = format!("{} {}: {balance}", self.account, self.order);
        assert_eq!((&balance["available"], &balance["debt"]), (&json!(available), &json!(0)), "{what}");
        let credited = world.call("GET", &format!("{path}/entries?kind=top_up")).secret(TWIN).empty().await.json();
        assert_eq!(credited["entries"].as_array().map(Vec::len), Some(usize::from(paid)), "{what}");
    }
}

#[tokio::test]
async fn every_paid_order_is_credited_once_and_every_unpaid_one_never() {
    let asked = std::env::var("SCRIP_HISTORIES").ok();
    let histories: u64 = asked.map_or(HISTORIES, |asked| asked.parse().expect("SCRIP_HISTORIES is a number"));
    let mut number = 0;
    while number < histories {
        let shop = Shop::open().await;
        let mut reconciler = Reconciler::default();
        for hour in 1..=HISTORIES.min(histories - number) {
            number += 1;
            let mut history = History::begin(&shop, number).await;
            for _ in 0..history.lot.below(25) + 3 {
                history.step(&mut reconciler).await;
            }
            // What is still on its way is lost for good. The provider is well again, and some time passes.
            history.be_well();
            shop.till.take_deliveries();
            for minutes in [0, 10] {
                pass_to(&shop, hour * 60 + minutes).await;
                reconciler.round(&shop.world.app).await;
            }
            history.check().await;
        }
    }
}

/// Moves both clocks to so many minutes after the begin.
async fn pass_to(shop: &Shop, minutes: u64) {
    let begin = Time::parse(crate::world::START).expect("an instant");
    let now = begin.plus_seconds(i64::try_from(minutes).expect("a few") * 60);
    shop.world.at(&now.to_string()).await;
    shop.till.move_clock(now.micros() / 1_000_000);
}
