//! Arbitrary orders, and one order as it is stored.

use proptest::prelude::*;

use super::{credits, opened, plan_terms, revived, seq, slug, time};
use crate::account::Totals;
use crate::amount::Credits;
use crate::catalog::Price;
use crate::entry::{Book, Entry, Event, LotChange, Posting};
use crate::id::{LotId, OrderId, PackageId, ProviderRef};
use crate::journal::order::CHANGES;
use crate::lot::{Class, Lot, NewLot, Priority, Sold};
use crate::order::{
    ClawBack, Dispute, DisputeState, Item, Order, Origin, Paid, PaidBy, PaidCycles, Payment, TakenBack,
};
use crate::saved_method::{SavedMethod, Trouble};
use crate::tally::Tally;
use crate::time::Time;
use crate::top_up::{AutomaticTopUp, Switch, TopUpChange};

/// Events about an order.
pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (prop::sample::select(CHANGES.to_vec()), order())
            .prop_map(|(change, order)| Event::OrderChanged { change, order }),
        (order(), tally()).prop_map(|(order, bought)| Event::OrderPaid { order, bought }),
        order().prop_map(|order| Event::LotsFrozen { order }),
        order().prop_map(|order| Event::LotsUnfrozen { order }),
        (order(), prop::collection::vec(revived(), 0..3), credits())
            .prop_map(|(order, revived, repaid_back)| Event::GivenBack { order, revived, repaid_back }),
        (prop::sample::select(TopUpChange::ALL.to_vec()), top_up())
            .prop_map(|(change, top_up)| Event::AutomaticTopUpChanged { change, top_up }),
        prop::option::of((seq(), any::<u16>()).prop_map(|(seq, index)| OrderId { seq, index }))
            .prop_map(|billing| Event::BillingChanged { billing }),
        saved_method().prop_map(|method| Event::SavedMethodChanged { method }),
        (order(), credits()).prop_map(|(order, uncollected)| Event::ClawedBack { order, uncollected }),
    ]
}

fn saved_method() -> impl Strategy<Value = SavedMethod> {
    let trouble = prop::option::of(prop::sample::select(Trouble::ALL.to_vec()));
    (seq(), any::<u16>(), trouble)
        .prop_map(|(seq, index, trouble)| SavedMethod { order: OrderId { seq, index }, trouble })
}

fn top_up() -> impl Strategy<Value = Box<AutomaticTopUp>> {
    let most = || prop::option::of(any::<u32>());
    let order = prop::option::of((seq(), any::<u16>()).prop_map(|(seq, index)| OrderId { seq, index }));
    let switch = prop::sample::select(vec![Switch::On, Switch::Off]);
    let settings = (slug(), credits(), credits(), most(), most(), switch);
    (settings, order, any::<bool>(), any::<u32>(), prop::option::of(time()), tally()).prop_map(
        |((package, below, up_to, per_day, per_month, switch), order, armed, declines, waits_until, placed)| {
            Box::new(AutomaticTopUp {
                package: PackageId::parse(&package).unwrap(),
                below,
                up_to,
                per_day,
                per_month,
                switch,
                order,
                armed,
                declines,
                waits_until,
                placed,
            })
        },
    )
}

fn tally() -> impl Strategy<Value = Tally> {
    (any::<u32>(), any::<u32>(), any::<u32>(), time()).prop_map(|(ever, month, day, last)| Tally {
        ever,
        month,
        day,
        last,
    })
}

fn order() -> impl Strategy<Value = Box<Order>> {
    let days = || prop::option::of(any::<u32>());
    let id = (seq(), prop_oneof![Just(0), any::<u16>()]).prop_map(|(seq, index)| OrderId { seq, index });
    let package = prop_oneof![
        slug().prop_map(|id| Item::Package(PackageId::parse(&id).unwrap())),
        plan_terms().prop_map(Item::Plan),
    ];
    let price = (any::<i64>(), "[A-Z]{3}").prop_map(|(amount, currency)| Price { amount, currency: currency.into() });
    let asked = (id, package, prop_oneof![Just(1), any::<u32>()], price, any::<u32>(), time(), time());
    let claw_back = prop::sample::select(ClawBack::ALL.to_vec());
    let reference = "[!-~]{1,20}".prop_map(|text| ProviderRef::parse(&text).unwrap());
    let paid = (seq(), time(), prop::sample::select(vec![PaidBy::Provider, PaidBy::Operator]))
        .prop_map(|(seq, at, by)| Payment::Paid(Paid { seq, at, by }));
    let received = time().prop_map(Payment::Received);
    let payment = prop_oneof![Just(Payment::Pending), Just(Payment::Failed), Just(Payment::Expired), received, paid];
    let states = vec![DisputeState::Inquiry, DisputeState::Open, DisputeState::Won, DisputeState::Lost];
    let dispute = (prop::sample::select(states), any::<i64>()).prop_map(|(state, amount)| Dispute { state, amount });
    let taken_back = || (credits(), credits()).prop_map(|(credits, bonus)| TakenBack { credits, bonus });
    let maybe = || prop_oneof![Just(TakenBack::default()), taken_back()];
    let pays = (time(), any::<u32>(), any::<u32>());
    let pays = pays.prop_map(|(anchor, first, until)| PaidCycles { anchor, first, until });
    let since_3 =
        (prop_oneof![Just(0), any::<i64>()], maybe(), maybe(), any::<bool>(), prop::option::weighted(0.2, pays));
    let happened = (
        prop::sample::select(vec![Origin::Asked, Origin::Automatic, Origin::Renewal]),
        prop::collection::vec(reference, 0..3),
        payment,
        prop_oneof![Just(0), any::<i64>()],
        prop::collection::vec(dispute, 0..4),
        taken_back(),
        since_3,
    );
    (asked, credits(), credits(), days(), days(), claw_back, happened).prop_map(
        |(
            (id, item, quantity, price, catalog_version, placed_at, expires_at),
            credits,
            bonus,
            expires_in_days,
            bonus_expires_in_days,
            claw_back,
            (origin, references, payment, refunded, disputes, taken_back, since_3),
        )| {
            let (refunds_failed, spent_back, gone_back, counted, pays) = since_3;
            Box::new(Order {
                id,
                item,
                quantity,
                origin,
                credits,
                bonus,
                expires_in_days,
                bonus_expires_in_days,
                price,
                catalog_version,
                claw_back,
                placed_at,
                expires_at,
                references,
                payment,
                refunded,
                refunds_failed,
                disputes,
                taken_back,
                spent_back,
                gone_back,
                counted,
                pays,
            })
        },
    )
}

/// The provider says that an order of 1,000 credits and 200 more is paid.
pub(super) fn paid() -> Entry {
    let at = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let order = Order {
        id: OrderId::first(2),
        item: Item::Package(PackageId::parse("large").unwrap()),
        quantity: 1,
        origin: Origin::Asked,
        credits: Credits::whole(1_000),
        bonus: Credits::whole(200),
        expires_in_days: None,
        bonus_expires_in_days: Some(30),
        price: Price { amount: 1_999, currency: "EUR".into() },
        catalog_version: 3,
        claw_back: ClawBack::Debt,
        placed_at: at,
        expires_at: at.plus_seconds(86_400),
        references: vec![ProviderRef::parse("cs_1").unwrap()],
        payment: Payment::Paid(Paid { seq: 3, at, by: PaidBy::Provider }),
        refunded: 0,
        refunds_failed: 0,
        disputes: Vec::new(),
        taken_back: TakenBack::default(),
        spent_back: TakenBack::default(),
        gone_back: TakenBack::default(),
        counted: false,
        pays: None,
    };
    let parts = [(0, Class::TopUp, 20, None, 1_000), (1, Class::Promo, 10, Some(at.plus_seconds(30 * 86_400)), 200)];
    let makes = parts.map(|(_, class, priority, expires_at, granted)| NewLot {
        class,
        priority: Priority(priority),
        expires_at,
        granted: Credits::whole(granted),
    });
    let lots = parts.map(|(index, class, _, _, granted)| LotChange {
        lot: LotId { seq: 3, index },
        class,
        remaining: Credits::whole(granted),
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        unspent: None,
    });
    Entry {
        event: Event::OrderPaid { order: Box::new(order), bought: Tally { ever: 1, month: 1, day: 1, last: at } },
        seq: 3,
        at,
        makes: makes.to_vec(),
        lots: lots.to_vec(),
        books: vec![Posting { book: Book::Sold, credits: Credits::whole(-1_200) }],
        after: Totals { remaining: Credits::whole(1_200), ..Totals::default() },
        ..opened()
    }
}

/// A refund of all of that order failed: of what it took, 700 credits return to a lot that had nothing left, 300 that were
/// spent are owed no more, and so is the bonus, which has expired, in a make-good lot.
pub(super) fn given_back() -> Entry {
    let paid = paid();
    let at = paid.at.plus_seconds(40 * 86_400);
    let Event::OrderPaid { order, .. } = paid.event else { unreachable!("the event of a paid order") };
    let price = order.price.amount;
    let dispute = |state| Dispute { state, amount: price };
    let order = Box::new(Order {
        refunded: price,
        refunds_failed: price,
        disputes: vec![dispute(DisputeState::Won), dispute(DisputeState::Open)],
        counted: true,
        ..*order
    });
    let sold = |unspent| Some(Sold { order: order.id, unspent: Credits::whole(unspent) });
    let lot = Lot {
        id: LotId::first(3),
        class: Class::TopUp,
        priority: Priority(20),
        granted_at: paid.at,
        expires_at: None,
        granted: Credits::whole(1_000),
        remaining: Credits::ZERO,
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        sold: sold(700),
    };
    let change = |lot, class, credits, unspent: Option<i64>| LotChange {
        lot,
        class,
        remaining: Credits::whole(credits),
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        unspent: unspent.map(Credits::whole),
    };
    let made = NewLot {
        class: Class::MakeGood,
        priority: Priority(10),
        expires_at: Some(at.plus_seconds(30 * 86_400)),
        granted: Credits::whole(200),
    };
    Entry {
        event: Event::GivenBack { order, revived: vec![lot], repaid_back: Credits::ZERO },
        seq: 9,
        at,
        makes: vec![made],
        lots: vec![
            change(LotId::first(3), Class::TopUp, 700, Some(0)),
            change(LotId { seq: 3, index: 1 }, Class::Promo, 0, Some(0)),
            change(LotId::first(9), Class::MakeGood, 200, None),
        ],
        debt: Credits::whole(-300),
        books: vec![Posting { book: Book::Sold, credits: Credits::whole(-1_200) }],
        after: Totals { remaining: Credits::whole(900), ..Totals::default() },
        ..opened()
    }
}
