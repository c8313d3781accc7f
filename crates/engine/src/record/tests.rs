//! Round trips over arbitrary accounts, and one account as it is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use scrip_core::account::{Account, Hash, Recalled};
use scrip_core::amount::Credits;
use scrip_core::catalog::Price;
use scrip_core::hold::{Hold, HoldState, LotPart, OnExcess, Priced};
use scrip_core::id::{
    AccountId, AccountNumber, HoldId, HoldName, LotId, MeasureId, OrderId, PackageId, PlanId, ProjectTypeId,
    ProviderRef, StudioNumber, ToolId,
};
use scrip_core::lot::{Class, Lot, Priority, Sold};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::order::{
    ClawBack, Dispute, DisputeState, Item, Order, Origin, Paid, PaidBy, PaidCycles, Payment, TakenBack,
};
use scrip_core::plan::{NextPlan, PlanTerms, Reached, Renews, Subscription, SubscriptionState};
use scrip_core::saved_method::{SavedMethod, Trouble};
use scrip_core::tally::Tally;
use scrip_core::time::{Time, Zone};
use scrip_core::top_up::{AutomaticTopUp, Switch};

use super::*;

fn credits() -> impl Strategy<Value = Credits> {
    prop_oneof![
        (0_i64..10_000).prop_map(Credits::whole),
        (0..=Credits::MAX.millionths()).prop_map(Credits::from_millionths),
    ]
}

fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        (0_i64..2_000_000_000).prop_map(|seconds| Time::from_micros(seconds * 1_000_000)),
        (0..=Time::MAX.micros()).prop_map(Time::from_micros),
    ]
}

fn lot_id() -> impl Strategy<Value = LotId> {
    (any::<u64>(), prop_oneof![Just(0), any::<u16>()]).prop_map(|(seq, index)| LotId { seq, index })
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn lot() -> impl Strategy<Value = Lot> {
    let amounts = (
        credits(),
        credits(),
        prop_oneof![Just(Credits::ZERO), credits()],
        prop_oneof![Just(Credits::ZERO), credits()],
    );
    let sold = (any::<u64>(), credits()).prop_map(|(seq, unspent)| Sold { order: OrderId::first(seq), unspent });
    (lot_id(), class(), any::<u8>(), time(), prop::option::of(time()), amounts, prop::option::weighted(0.2, sold))
        .prop_map(|(id, class, priority, granted_at, expires_at, (granted, remaining, held, frozen), sold)| Lot {
            id,
            class,
            priority: Priority(priority),
            granted_at,
            expires_at,
            granted,
            remaining,
            held,
            frozen,
            sold,
        })
}

fn slug() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,12}"
}

fn zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec!["UTC", "America/Los_Angeles"]).prop_map(|name| Zone::parse(name).unwrap())
}

fn renews() -> impl Strategy<Value = Renews> {
    prop_oneof![Just(Renews::Clock), any::<u32>().prop_map(|grace_days| Renews::Payment { grace_days })]
}

fn terms() -> impl Strategy<Value = PlanTerms> {
    (slug(), credits(), any::<u32>(), prop::option::of(credits()), renews()).prop_map(
        |(plan, allowance, term_months, roll_over_cap, renews)| PlanTerms {
            plan: PlanId::parse(&plan).unwrap(),
            allowance,
            term_months,
            roll_over_cap,
            renews,
        },
    )
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let state =
        prop::sample::select(vec![SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused]);
    let reached = (any::<u32>(), credits()).prop_map(|(cycle, allowance)| Reached { cycle, allowance });
    let next = prop_oneof![Just(NextPlan::Cancel), terms().prop_map(NextPlan::Change)];
    let options =
        (prop::option::of(reached), prop::option::of(next), prop::option::of(time()), prop::option::of(any::<u32>()));
    (terms(), state, time(), zone(), any::<u32>(), options).prop_map(
        |(terms, state, anchor, zone, term_start, (reached, next, turns_at, paid_until))| Subscription {
            terms,
            state,
            anchor,
            zone,
            term_start,
            reached,
            next,
            paid_until,
            turns_at,
        },
    )
}

fn measures() -> impl Strategy<Value = Measures> {
    let number = (-999_999_999_999_999_i128..=999_999_999_999_999, 0_u8..=18)
        .prop_map(|(mantissa, scale)| MeasureValue::Number(Decimal::new(mantissa, scale)));
    let word = any::<String>().prop_map(|word| MeasureValue::Word(word.into()));
    prop::collection::btree_map("[a-z][a-z_0-9]{0,9}", prop_oneof![number, word], 0..3).prop_map(|map| {
        let mut measures = Measures::none();
        for (name, value) in map {
            assert!(measures.insert(MeasureId::parse(&name).unwrap(), value));
        }
        measures
    })
}

fn hold() -> impl Strategy<Value = Hold> {
    let part = (lot_id(), class(), credits()).prop_map(|(lot, class, credits)| LotPart { lot, class, credits });
    let names = (
        prop::option::of("[A-Z][A-Za-z0-9._:@-]{0,20}"),
        prop::option::of(slug()),
        prop::option::of(any::<String>()),
        prop::option::of(any::<String>()),
    );
    let policy = prop::sample::select(vec![OnExcess::Cap, OnExcess::Extend, OnExcess::Debt]);
    let amounts = (credits(), prop::collection::vec(part, 0..3));
    (any::<u64>(), names, measures(), any::<u32>(), amounts, time(), time(), policy).prop_map(
        |(
            seq,
            (name, tool, reference, member),
            measures,
            catalog_version,
            (credits, parts),
            placed_at,
            expires_at,
            on_excess,
        )| {
            Hold {
                id: HoldId::first(seq),
                name: name.map(|name| HoldName::parse(&name).unwrap()),
                priced: Priced { tool: tool.map(|tool| ToolId::parse(&tool).unwrap()), measures, catalog_version },
                credits,
                parts,
                placed_at,
                expires_at,
                on_excess,
                reference: reference.map(Box::from),
                member: member.map(Box::from),
                state: HoldState::Open,
            }
        },
    )
}

fn order() -> impl Strategy<Value = Order> {
    let days = || prop::option::of(any::<u32>());
    let reference = "[!-~]{1,20}".prop_map(|text| ProviderRef::parse(&text).unwrap());
    let paid = (any::<u64>(), time(), prop::sample::select(vec![PaidBy::Provider, PaidBy::Operator]))
        .prop_map(|(seq, at, by)| Payment::Paid(Paid { seq, at, by }));
    let received = time().prop_map(Payment::Received);
    let payment = prop_oneof![Just(Payment::Pending), Just(Payment::Failed), Just(Payment::Expired), received, paid];
    let states = vec![DisputeState::Inquiry, DisputeState::Open, DisputeState::Won, DisputeState::Lost];
    let dispute = (prop::sample::select(states), any::<i64>()).prop_map(|(state, amount)| Dispute { state, amount });
    let taken_back = || (credits(), credits()).prop_map(|(credits, bonus)| TakenBack { credits, bonus });
    let maybe = || prop_oneof![3 => Just(TakenBack::default()), 1 => taken_back()];
    let pays = (time(), any::<u32>(), any::<u32>());
    let pays = pays.prop_map(|(anchor, first, until)| PaidCycles { anchor, first, until });
    let since_3 = (
        prop_oneof![Just(0), any::<i64>()],
        maybe(),
        maybe(),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, pays),
    );
    let money = (prop_oneof![Just(0), any::<i64>()], prop::collection::vec(dispute, 0..3), taken_back(), since_3);
    let item = (slug(), prop::option::of(terms()));
    let bought = (item, prop_oneof![Just(1), any::<u32>()], credits(), credits(), days(), days());
    let asked = (any::<u64>(), any::<i64>(), any::<u32>(), time(), time());
    let claw_back = prop::sample::select(ClawBack::ALL.to_vec());
    (asked, bought, claw_back, prop::collection::vec(reference, 0..3), payment, money).prop_map(
        |(
            (seq, amount, catalog_version, placed_at, expires_at),
            ((package, plan), quantity, credits, bonus, expires_in_days, bonus_expires_in_days),
            claw_back,
            references,
            payment,
            (refunded, disputes, taken_back, (refunds_failed, spent_back, gone_back, counted, pays)),
        )| Order {
            id: OrderId::first(seq),
            item: match plan {
                Some(terms) => Item::Plan(terms),
                None => Item::Package(PackageId::parse(&package).unwrap()),
            },
            quantity,
            origin: match quantity {
                1 => Origin::Asked,
                2 => Origin::Renewal,
                _ => Origin::Automatic,
            },
            credits,
            bonus,
            expires_in_days,
            bonus_expires_in_days,
            price: Price { amount, currency: "EUR".into() },
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
        },
    )
}

fn top_up() -> impl Strategy<Value = Box<AutomaticTopUp>> {
    let most = || prop::option::of(any::<u32>());
    let settings = (slug(), credits(), credits(), most(), most(), prop::sample::select(vec![Switch::On, Switch::Off]));
    let order = prop::option::of(any::<u64>().prop_map(OrderId::first));
    (settings, order, any::<bool>(), 0_u32..9, prop::option::of(time()), bought()).prop_map(
        |((package, below, up_to, per_day, per_month, switch), order, armed, declines, waits_until, (_, placed))| {
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

fn saved_method() -> impl Strategy<Value = SavedMethod> {
    let trouble = prop::option::of(prop::sample::select(Trouble::ALL.to_vec()));
    (any::<u64>(), trouble).prop_map(|(seq, trouble)| SavedMethod { order: OrderId::first(seq), trouble })
}

fn bought() -> impl Strategy<Value = (PackageId, Tally)> {
    (slug(), any::<u32>(), any::<u32>(), any::<u32>(), time()).prop_map(|(package, ever, month, day, last)| {
        (PackageId::parse(&package).unwrap(), Tally { ever, month, day, last })
    })
}

fn account() -> impl Strategy<Value = Account> {
    let project_types = prop::option::of(prop::collection::btree_set(slug(), 0..3));
    let settings = (prop::option::of(any::<String>()), zone(), project_types, time());
    let state = (
        prop::option::of(subscription()),
        prop::collection::vec(lot(), 0..4),
        prop::collection::vec(hold(), 0..3),
        prop_oneof![Just(Credits::ZERO), credits()],
        prop_oneof![Just(Credits::ZERO), credits()],
        prop::collection::vec(order(), 0..3),
        prop::collection::btree_map(slug(), bought(), 0..3),
        (
            prop::option::of(top_up()),
            prop::option::of(saved_method()),
            prop::option::of(any::<u64>().prop_map(OrderId::first)),
        ),
    );
    (any::<u64>(), settings, any::<u64>(), time(), any::<[u8; 32]>(), state).prop_map(
        |(
            number,
            (name, zone, project_types, opened_at),
            seq,
            last_at,
            head,
            (subscription, lots, holds, debt, repaid, orders, bought, (top_up, saved_method, billing)),
        )| {
            let project_types = project_types.map(|types| {
                Arc::new(types.iter().map(|id| ProjectTypeId::parse(id).unwrap()).collect::<BTreeSet<_>>())
            });
            Account {
                number: AccountNumber(number),
                studio: StudioNumber(1),
                id: AccountId::parse("acme").unwrap(),
                name: name.map(Arc::from),
                zone,
                project_types,
                opened_at,
                seq,
                last_at,
                head: Hash(head),
                subscription: subscription.map(Arc::new),
                lots,
                holds,
                debt,
                repaid,
                orders,
                top_up,
                saved_method,
                billing,
                bought: bought.into_values().collect(),
                recalled: Recalled::default(),
            }
        },
    )
}

fn columns(account: &Account) -> Columns {
    Columns {
        number: account.number,
        studio: account.studio,
        id: account.id.clone(),
        seq: account.seq,
        head: account.head,
    }
}

proptest! {
    #[test]
    fn an_account_comes_back_from_its_row(account in account(), positions in prop::collection::vec(any::<u64>(), 0..5)) {
        let trail = Trail::from_positions(positions);
        let json = account_to_json(&account, &trail);
        let stored = account_from_json(columns(&account), &json).unwrap();
        prop_assert_eq!(stored, StoredAccount { account, trail });
    }

    #[test]
    fn a_changed_row_is_refused_or_another_account(account in account(), place in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let trail = Trail::from_positions(vec![1, 2]);
        let json = account_to_json(&account, &trail);
        let mut bytes = json.clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(stored) = account_from_json(columns(&account), &changed) {
            prop_assert_eq!(changed == json, stored == StoredAccount { account, trail });
        }
    }
}

/// The shape in `docs/store.md`.
#[test]
fn an_account_reads_well() {
    let time = |text| Time::parse(text).unwrap();
    let account = Account {
        zone: Zone::parse("America/Los_Angeles").unwrap(),
        opened_at: time("2026-01-01T00:00:00Z"),
        last_at: time("2026-01-31T10:00:00.25Z"),
        seq: 9,
        lots: vec![Lot {
            id: LotId::first(2),
            class: Class::TopUp,
            priority: Priority(20),
            granted_at: time("2026-01-01T00:00:00Z"),
            expires_at: None,
            granted: Credits::whole(100),
            remaining: "62.5".parse().unwrap(),
            held: Credits::whole(10),
            frozen: Credits::ZERO,
            sold: None,
        }],
        ..Account::unopened(StudioNumber(1), AccountNumber(7), AccountId::parse("acme").unwrap())
    };
    let json = account_to_json(&account, &Trail::from_positions(vec![3, 12]));
    assert_eq!(
        json,
        r#"{"v":1,"zone":"America/Los_Angeles","opened":1767225600,"last":1769853600.25,"lots":[["lot_2","top_up",20,1767225600,null,100,62.5,10]],"trail":[3,12]}"#
    );
}
