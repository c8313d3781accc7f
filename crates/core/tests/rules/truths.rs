//! Random histories of what a provider says of orders, against a naive model (R26, R27): each true thing told late,
//! twice, out of order or not at all, between jobs that spend the credits. However it is told, the credits come once.

use std::collections::BTreeMap;

use proptest::prelude::*;
use scrip_core::amount::Credits;
use scrip_core::catalog::Price;
use scrip_core::command::{
    AfterExpiry, Command, Cost, Expected, OrderItem, PlaceCharge, PlaceHold, PutAccount, ReleaseHold, SettleHold, Usage,
};
use scrip_core::entry::{Entry, Event};
use scrip_core::hold::OnExcess;
use scrip_core::id::{ChargeId, HoldId, HoldRef, LotId, OrderId, PackageId, ProviderRef};
use scrip_core::order::{Dispute, DisputeState, Order, OrderState, TakenBack, Truth, TruthOfPayment};
use scrip_core::time::Time;

use crate::world::{ACCOUNT, PLANS, World, catalog, published};

/// The orders of a history.
const ORDERS: usize = 2;
/// What each costs, in cents: of 1,000 credits and 200 more.
const PRICE: i64 = 1_000;

/// What happened at the provider, in the order in which it did.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Paid,
    Failed,
    Refunded(i64),
    /// The newest refund that did not fail yet does.
    RefundFailed,
    /// A dispute about so much is opened.
    Opened(i64),
    /// A bank asks about so much, and no more as yet.
    Asked(i64),
    /// The oldest inquiry becomes a dispute.
    Escalated,
    /// The newest dispute ends.
    Won,
    Lost,
}

/// One step of a history.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Tells of an order as it was after so many of its happenings; how many is taken modulo what there are.
    Tell {
        order: usize,
        after: usize,
    },
    Charge(i64),
    Hold(i64),
    Settle(i64),
    Release,
    /// Gives so much of the newest charge back.
    Refund(i64),
    /// Revokes so much of an order's credits.
    Revoke(usize, i64),
    Wait(i64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let money = prop_oneof![
        3 => (1..=PRICE).prop_map(Happening::Refunded),
        2 => Just(Happening::RefundFailed),
        2 => (1..=PRICE).prop_map(Happening::Opened),
        1 => (1..=PRICE).prop_map(Happening::Asked),
        1 => Just(Happening::Escalated),
        1 => Just(Happening::Won),
        1 => Just(Happening::Lost),
    ];
    let failed = prop::option::of(Just(Happening::Failed));
    (failed, any::<bool>(), prop::collection::vec(money, 0..7)).prop_map(|(failed, paid, money)| {
        let mut all: Vec<Happening> = failed.into_iter().collect();
        if paid {
            all.push(Happening::Paid);
            all.extend(money);
        }
        all
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..ORDERS, any::<usize>()).prop_map(|(order, after)| Step::Tell { order, after }),
        1 => (1_i64..700).prop_map(Step::Charge),
        1 => (1_i64..700).prop_map(Step::Hold),
        1 => (0_i64..700).prop_map(Step::Settle),
        1 => Just(Step::Release),
        1 => (1_i64..700).prop_map(Step::Refund),
        1 => (0..ORDERS, 1_i64..700).prop_map(|(order, credits)| Step::Revoke(order, credits)),
        1 => (1_i64..50_000).prop_map(Step::Wait),
    ]
}

/// What the provider says after the first `count` happenings.
fn truth(happened: &[Happening], order: usize) -> Truth {
    let payment = TruthOfPayment::Pending;
    let references = vec![reference(order)];
    let mut truth =
        Truth { payment, refunded: 0, refunds_failed: 0, disputes: Vec::new(), references, begins_billing: false };
    let mut refunds: Vec<i64> = Vec::new();
    for happening in happened {
        match happening {
            Happening::Paid => truth.payment = TruthOfPayment::Paid(Price { amount: PRICE, currency: "EUR".into() }),
            Happening::Failed => truth.payment = TruthOfPayment::Failed,
            Happening::Refunded(more) => {
                // No provider gives back more than it has.
                let more = (*more).min(PRICE - refunds.iter().sum::<i64>());
                truth.refunded += more;
                refunds.push(more);
            }
            Happening::RefundFailed => truth.refunds_failed += refunds.pop().unwrap_or(0),
            Happening::Opened(amount) => {
                truth.disputes.push(Dispute { state: DisputeState::Open, amount: *amount });
            }
            Happening::Asked(amount) => {
                truth.disputes.push(Dispute { state: DisputeState::Inquiry, amount: *amount });
            }
            Happening::Escalated => {
                let mut all = truth.disputes.iter_mut();
                if let Some(inquiry) = all.find(|dispute| dispute.state == DisputeState::Inquiry) {
                    inquiry.state = DisputeState::Open;
                }
            }
            Happening::Won => close(&mut truth, DisputeState::Won),
            Happening::Lost => close(&mut truth, DisputeState::Lost),
        }
    }
    truth
}

/// Ends the newest dispute, if it is open.
fn close(truth: &mut Truth, state: DisputeState) {
    if let Some(newest) = truth.disputes.last_mut().filter(|newest| newest.state == DisputeState::Open) {
        newest.state = state;
    }
}

fn reference(order: usize) -> ProviderRef {
    ProviderRef::parse(&format!("cs_{order}")).unwrap()
}

/// An account with the orders of a history.
struct History {
    world: World,
    orders: Vec<OrderId>,
    holds: Vec<HoldId>,
    /// How many happenings the rules have heard of, of each order: what is older changes nothing.
    heard: Vec<usize>,
}

impl History {
    fn new() -> History {
        let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
        world.submit(&Command::PutAccount(PutAccount::default())).unwrap();
        let mut orders = Vec::new();
        for _ in 0..ORDERS {
            orders.push(OrderId::first(world.account.seq + 1));
            let item = OrderItem::Package(PackageId::parse("large").unwrap());
            world.submit(&Command::PlaceOrder { item, mark: None }).unwrap();
        }
        History { world, orders, holds: Vec::new(), heard: vec![0; ORDERS] }
    }

    fn tell(&mut self, order: usize, happened: &[Happening]) {
        let entries = self.world.entries.len();
        let truth = truth(happened, order);
        let command = Command::FulfilOrder { order: self.orders[order], truth };
        self.world.submit(&command).expect("the truth is never refused");
        let due = self.world.entries.len();
        self.world.submit(&command).unwrap();
        assert_eq!(self.world.entries.len(), due, "told twice, it changes nothing");
        self.heard[order] = self.heard[order].max(happened.len());
        assert!(self.world.entries.len() >= entries);
    }

    /// An order as its newest entry says that it stands.
    fn order(&self, order: usize) -> Order {
        let id = self.orders[order];
        let about = self.world.entries.iter().rev().filter_map(|entry| entry.event.order());
        { about }.find(|order| order.id == id).expect("it was placed").clone()
    }

    fn take(&mut self, step: Step, happened: &[Vec<Happening>]) {
        match step {
            Step::Tell { order, after } => {
                let after = after % (happened[order].len() + 1);
                self.tell(order, &happened[order][..after]);
            }
            Step::Charge(credits) => drop(self.world.submit(&Command::Charge(PlaceCharge {
                cost: Cost::Credits(Credits::whole(credits)),
                reference: None,
                member: None,
                expected: Expected::default(),
            }))),
            Step::Hold(credits) => {
                let hold = PlaceHold {
                    cost: Cost::Credits(Credits::whole(credits)),
                    name: None,
                    reference: None,
                    member: None,
                    expires_in: Some(86_400),
                    expected: Expected::default(),
                };
                if self.world.submit(&Command::PlaceHold(hold)).is_ok() {
                    self.holds.push(HoldId::first(self.world.account.seq));
                }
            }
            Step::Settle(credits) => {
                let Some(hold) = self.holds.pop() else { return };
                let usage = Usage::Credits(Credits::whole(credits));
                let on_excess = Some(OnExcess::Cap);
                drop(self.world.submit(&Command::SettleHold(SettleHold { hold: HoldRef::Id(hold), usage, on_excess })));
            }
            Step::Release => {
                let Some(hold) = self.holds.pop() else { return };
                let after_expiry = AfterExpiry::Expire;
                let release = ReleaseHold { hold: HoldRef::Id(hold), reason: None, after_expiry };
                drop(self.world.submit(&Command::ReleaseHold(release)));
            }
            Step::Refund(credits) => {
                let mut charges = self
                    .world
                    .entries
                    .iter()
                    .filter(|entry| matches!(&entry.event, Event::Charged { .. } | Event::HoldSettled(_)));
                let Some(charge) = charges.next_back().map(|entry| ChargeId::first(entry.seq)) else { return };
                let credits = Some(Credits::whole(credits));
                drop(self.world.submit(&Command::Refund { charge, credits, reason: "why".into() }));
            }
            Step::Revoke(order, credits) => {
                let Some(lot) = self.order(order).lots().first().map(|made| made.lot) else { return };
                let credits = Some(Credits::whole(credits));
                drop(self.world.submit(&Command::RevokeLot { lot, credits, reason: "why".into() }));
            }
            Step::Wait(seconds) => self.world.now = self.world.now.plus_seconds(seconds),
        }
    }
}

/// What of the credits and the bonus must be gone again once the newest truth was told, whatever was told before:
/// computed from what happened alone.
fn gone(happened: &[Happening]) -> (i64, i64) {
    let truth = truth(happened, 0);
    let lost = truth.disputes.iter().filter(|dispute| dispute.state == DisputeState::Lost);
    let lost: i64 = lost.map(|dispute| dispute.amount).sum();
    let money = (truth.refunded - truth.refunds_failed + lost).min(PRICE);
    (1_000 * money / PRICE, 200 * money / PRICE)
}

/// What jobs and debts took of a lot and no refund gave back, and what was revoked of it: counted anew from the entries.
fn spent_and_revoked(entries: &[Entry], lot: LotId) -> (Credits, Credits) {
    let (mut spent, mut revoked) = (Credits::ZERO, Credits::ZERO);
    let mut refunded: BTreeMap<ChargeId, Credits> = BTreeMap::new();
    for entry in entries {
        let taken: Credits = entry.taken().filter(|part| part.lot == lot).map(|part| part.credits).sum();
        match &entry.event {
            Event::Charged { .. } | Event::HoldSettled(_) | Event::DebtRepaid => spent += taken,
            Event::Revoked { .. } => revoked += taken,
            Event::Refunded(refund) => {
                let back = refund.refunded.iter().filter(|part| part.lot == lot).map(|part| part.credits).sum();
                refunded.insert(refund.charge, back);
            }
            _ => {}
        }
    }
    (spent - refunded.into_values().sum(), revoked)
}

fn check(happened: &[Vec<Happening>], steps: &[Step]) {
    let mut history = History::new();
    for step in steps {
        history.take(*step, happened);
    }
    // In the end everything is heard of once, and every job is over.
    for (order, happened) in happened.iter().enumerate() {
        history.tell(order, happened);
    }
    while !history.holds.is_empty() {
        history.take(Step::Release, happened);
    }
    let account = &history.world.account;
    let (mut bought, mut gone_again) = (0, 0);
    let (mut owed, mut counted_as_gone) = (Credits::ZERO, Credits::ZERO);
    for entry in &history.world.entries {
        owed += entry.debt;
    }
    for (order, happened) in happened.iter().enumerate() {
        if happened.iter().any(|happening| matches!(happening, Happening::Paid)) {
            let (credits, bonus) = gone(happened);
            bought += 1_200;
            gone_again += credits + bonus;
            let order = history.order(order);
            let all = TakenBack { credits: Credits::whole(credits), bonus: Credits::whole(bonus) };
            assert_eq!(order.taken_back, all, "each share is settled, once");
            for made in order.lots() {
                let (spent, revoked) = spent_and_revoked(&history.world.entries, made.lot);
                assert!(order.spent_back.of(made.part) <= spent, "nothing is owed but what was spent");
                assert!(order.gone_back.of(made.part) <= revoked, "nothing is gone but what was revoked");
            }
            counted_as_gone += order.gone_back.credits + order.gone_back.bonus;
        }
    }
    // Spent in jobs, less what was given back; and revoked.
    let spent: Credits = history
        .world
        .entries
        .iter()
        .filter(|entry| entry.event.order().is_none())
        .map(|entry| -entry.credits() + entry.debt)
        .sum();
    let totals = account.totals();
    assert_eq!(
        totals.remaining - totals.debt,
        Credits::whole(bought - gone_again) - spent + counted_as_gone,
        "bought {bought}, gone again {gone_again}, spent {spent}"
    );
    assert_eq!(owed, totals.debt);
    let open = |dispute: &Dispute| dispute.state == DisputeState::Open;
    let frozen_orders = happened.iter().filter(|all| truth(all, 0).disputes.iter().any(open)).count();
    let disputed = account.orders.iter().filter(|order| order.state() == OrderState::Disputed).count();
    assert_eq!(disputed, frozen_orders);
    assert_eq!(account.orders.iter().filter(|order| !order.is_open()).count(), 0);
    for lot in &account.lots {
        let order = account.orders.iter().find(|order| order.lots().iter().any(|made| made.lot == lot.id));
        let frozen = order.is_some_and(|order| order.is_disputed());
        assert_eq!(lot.frozen, if frozen { lot.remaining } else { Credits::ZERO }, "{lot:?}");
    }
    assert_eq!(history.world.account.number, ACCOUNT);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]
    #[test]
    fn however_it_is_told_the_credits_come_once(
        happened in prop::collection::vec(happenings(), ORDERS),
        steps in prop::collection::vec(step(), 0..16),
    ) {
        check(&happened, &steps);
    }
}
