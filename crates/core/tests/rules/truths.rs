//! Random histories of what a provider says of orders, against a naive model (R26, R27): each true thing told late,
//! twice, out of order or not at all, between jobs that spend the credits. However it is told, the credits come once.

use proptest::prelude::*;
use scrip_core::amount::Credits;
use scrip_core::catalog::Price;
use scrip_core::command::{
    AfterExpiry, Command, Cost, Expected, OrderItem, PlaceCharge, PlaceHold, PutAccount, ReleaseHold, SettleHold, Usage,
};
use scrip_core::hold::OnExcess;
use scrip_core::id::{HoldId, HoldRef, OrderId, PackageId, ProviderRef};
use scrip_core::order::{Dispute, DisputeState, OrderState, Truth, TruthOfPayment};
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
    Opened,
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
    Wait(i64),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let refunds = prop::collection::vec((1..=PRICE).prop_map(Happening::Refunded), 0..3);
    let dispute = prop_oneof![
        Just(vec![]),
        Just(vec![Happening::Opened]),
        Just(vec![Happening::Opened, Happening::Won]),
        Just(vec![Happening::Opened, Happening::Lost]),
    ];
    let failed = prop::option::of(Just(Happening::Failed));
    (failed, any::<bool>(), refunds, dispute).prop_map(|(failed, paid, refunds, dispute)| {
        let mut all: Vec<Happening> = failed.into_iter().collect();
        if paid {
            all.push(Happening::Paid);
            all.extend(refunds);
            all.extend(dispute);
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
        1 => (1_i64..50_000).prop_map(Step::Wait),
    ]
}

/// What the provider says after the first `count` happenings.
fn truth(happened: &[Happening], order: usize) -> Truth {
    let mut truth =
        Truth { payment: TruthOfPayment::Pending, refunded: 0, dispute: None, references: vec![reference(order)] };
    let disputed = |state| Some(Dispute { state, amount: PRICE });
    for happening in happened {
        match happening {
            Happening::Paid => truth.payment = TruthOfPayment::Paid(Price { amount: PRICE, currency: "EUR".into() }),
            Happening::Failed => truth.payment = TruthOfPayment::Failed,
            Happening::Refunded(more) => truth.refunded = (truth.refunded + more).min(PRICE),
            Happening::Opened => truth.dispute = disputed(DisputeState::Open),
            Happening::Won => truth.dispute = disputed(DisputeState::Won),
            Happening::Lost => truth.dispute = disputed(DisputeState::Lost),
        }
    }
    truth
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
            world.submit(&Command::PlaceOrder { item }).unwrap();
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
            Step::Wait(seconds) => self.world.now = self.world.now.plus_seconds(seconds),
        }
    }
}

/// What must be true of an order once its newest truth was told, whatever was told before: computed from what happened
/// alone. Returns what of the credits and the bonus must be gone again.
fn gone(happened: &[Happening]) -> (i64, i64) {
    let truth = truth(happened, 0);
    let lost = truth.dispute.is_some_and(|dispute| dispute.state == DisputeState::Lost);
    let money = if lost { PRICE } else { truth.refunded };
    (1_000 * money / PRICE, 200 * money / PRICE)
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
    let (mut bought, mut gone_again, mut owed) = (0, 0, Credits::ZERO);
    for entry in &history.world.entries {
        owed += entry.debt;
    }
    for happened in happened {
        if happened.iter().any(|happening| matches!(happening, Happening::Paid)) {
            let (credits, bonus) = gone(happened);
            bought += 1_200;
            gone_again += credits + bonus;
        }
    }
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
        Credits::whole(bought - gone_again) - spent,
        "bought {bought}, gone again {gone_again}, spent {spent}"
    );
    assert_eq!(owed, totals.debt);
    let frozen_orders = happened.iter().filter(|all| matches!(all.last(), Some(Happening::Opened))).count();
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
