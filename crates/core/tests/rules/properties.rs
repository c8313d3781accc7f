//! Properties: long random histories, each step of which obeys every law, and whose journal alone
//! leads to the account.

use proptest::prelude::*;
use scrip_core::amount::Credits;
use scrip_core::command::{
    AfterExpiry, Cancellation, Command, Cost, Expected, Grant, Opening, OpeningLot, OpeningSubscription, PlaceCharge,
    PlaceHold, PutAccount, PutSubscription, ReleaseHold, SettleHold, Usage,
};
use scrip_core::hold::OnExcess;
use scrip_core::id::{ChargeId, HoldId, HoldRef, LotId, PlanId};
use scrip_core::lot::{Class, Priority};
use scrip_core::plan::SubscriptionState;
use scrip_core::time::{Time, Zone};

use crate::world::{PLANS, World, catalog, published};

/// One step of a history: time passes, then something is asked. Ids are drawn as places in the history, so that most
/// name something.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Ask(Command),
    Settle(u64, Usage, Option<OnExcess>),
    Release(u64, AfterExpiry),
    Extend(u64, u32),
    Refund(u64, Option<Credits>),
    Revoke(u64, u16, Option<Credits>),
}

fn credits() -> impl Strategy<Value = Credits> {
    prop_oneof![
        (1..400_i64).prop_map(Credits::whole),
        (1..5_000_000_i64).prop_map(Credits::from_millionths),
        (1..6_000_i64).prop_map(Credits::whole),
    ]
}

/// The instant at which every history begins.
const START: i64 = 1_767_225_600;

/// A customer who was served elsewhere: a plan in the middle of a cycle, and lots of which some was used.
fn opening() -> impl Strategy<Value = Opening> {
    let states = vec![SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused];
    let plan = proptest::sample::select(PLANS.to_vec());
    let left = proptest::option::weighted(0.8, 0..=100_i64);
    let subscription = (plan, 1_760_000_000..START, proptest::sample::select(states), left);
    let subscription = subscription.prop_map(|((plan, allowance, _, _), anchor, state, left)| OpeningSubscription {
        plan: PlanId::parse(plan).unwrap(),
        anchor: Time::EPOCH.plus_seconds(anchor),
        state,
        // What is left of an active plan is always said.
        remaining: left
            .or((state == SubscriptionState::Active).then_some(0))
            .map(|hundredths| Credits::from_millionths(allowance * 10_000 * hundredths)),
        as_of: None,
    });
    // Of any priority that a top-up may have too.
    let grant = any_grant().prop_map(|grant| Grant { priority: grant.priority.max(Some(Priority(10))), ..grant });
    let lot = (grant, credits()).prop_map(|(grant, used)| OpeningLot { granted: grant.credits + used, grant });
    (proptest::option::weighted(0.8, subscription), proptest::collection::vec(lot, 0..4))
        .prop_map(|(subscription, lots)| Opening { settings: PutAccount::default(), subscription, lots })
}

fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![0..120_i64, 0..7_200_i64, 0..86_400_i64, 86_400..5_000_000_i64]
}

fn subscribe() -> impl Strategy<Value = Command> {
    let plan = proptest::option::weighted(0.8, proptest::sample::select(PLANS.map(|plan| plan.0).to_vec()));
    let state = proptest::option::weighted(
        0.4,
        proptest::sample::select(vec![
            SubscriptionState::Active,
            SubscriptionState::PastDue,
            SubscriptionState::Paused,
        ]),
    );
    let anchor = proptest::option::weighted(0.1, 1_760_000_000..1_790_000_000_i64);
    (plan, state, anchor).prop_map(|(plan, state, anchor)| {
        Command::PutSubscription(PutSubscription {
            plan: plan.map(|plan| PlanId::parse(plan).unwrap()),
            anchor: anchor.map(|seconds| Time::EPOCH.plus_seconds(seconds)),
            state,
            ..PutSubscription::default()
        })
    })
}

fn grant() -> impl Strategy<Value = Command> {
    any_grant().prop_map(Command::Grant)
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let class = proptest::sample::select(vec![Class::Promo, Class::MakeGood, Class::TopUp]);
    let expires = proptest::option::of(1_768_000_000..1_800_000_000_i64);
    (credits(), class, expires, proptest::option::of(5..30_u8)).prop_map(|(credits, class, expires, priority)| Grant {
        credits,
        class,
        expires_at: expires.map(|seconds| Time::EPOCH.plus_seconds(seconds)),
        priority: priority.map(Priority),
        reason: "why".into(),
    })
}

fn hold() -> impl Strategy<Value = Command> {
    (credits(), proptest::option::of(1..90_000_u32)).prop_map(|(credits, expires_in)| {
        Command::PlaceHold(PlaceHold {
            cost: Cost::Credits(credits),
            name: None,
            reference: Some("job".into()),
            member: Some("ada".into()),
            expires_in,
            expected: Expected::default(),
        })
    })
}

fn charge() -> impl Strategy<Value = Command> {
    credits().prop_map(|credits| {
        Command::Charge(PlaceCharge {
            cost: Cost::Credits(credits),
            reference: Some("job".into()),
            member: None,
            expected: Expected::default(),
        })
    })
}

fn settle() -> impl Strategy<Value = Step> {
    let usage = prop_oneof![Just(Usage::Held), Just(Usage::Credits(Credits::ZERO)), credits().prop_map(Usage::Credits)];
    let policy = proptest::option::of(proptest::sample::select(vec![OnExcess::Cap, OnExcess::Extend, OnExcess::Debt]));
    (any::<u64>(), usage, policy).prop_map(|(which, usage, policy)| Step::Settle(which, usage, policy))
}

fn step() -> impl Strategy<Value = Step> {
    let some_credits = || proptest::option::of(credits());
    prop_oneof![
        6 => wait().prop_map(Step::Wait),
        3 => grant().prop_map(Step::Ask),
        3 => subscribe().prop_map(Step::Ask),
        6 => hold().prop_map(Step::Ask),
        3 => charge().prop_map(Step::Ask),
        6 => settle(),
        2 => (any::<u64>(), any::<bool>()).prop_map(|(which, good)| {
            Step::Release(which, if good { AfterExpiry::MakeGood } else { AfterExpiry::Expire })
        }),
        1 => (any::<u64>(), 1..90_000_u32).prop_map(|(which, seconds)| Step::Extend(which, seconds)),
        3 => (any::<u64>(), some_credits()).prop_map(|(which, credits)| Step::Refund(which, credits)),
        1 => (any::<u64>(), 0..2_u16, some_credits()).prop_map(|(which, index, credits)| Step::Revoke(which, index, credits)),
        1 => some_credits().prop_map(|credits| Step::Ask(Command::WriteOffDebt { credits, reason: "why".into() })),
        1 => Just(Step::Ask(Command::CancelSubscription(Cancellation::default()))),
        1 => Just(Step::Ask(Command::Touch)),
    ]
}

fn run(world: &mut World, step: Step) {
    let seqs = world.account.seq + 1;
    let command = match step {
        Step::Wait(seconds) => {
            world.now = world.now.plus_seconds(seconds);
            return;
        }
        Step::Ask(command) => command,
        Step::Settle(which, usage, on_excess) => {
            Command::SettleHold(SettleHold { hold: hold_ref(world, which), usage, on_excess })
        }
        Step::Release(which, after_expiry) => {
            Command::ReleaseHold(ReleaseHold { hold: hold_ref(world, which), reason: None, after_expiry })
        }
        Step::Extend(which, expires_in) => Command::ExtendHold { hold: hold_ref(world, which), expires_in },
        Step::Refund(which, credits) => {
            let charges: Vec<u64> =
                world.entries.iter().filter(|entry| entry.taken().count() > 0).map(|e| e.seq).collect();
            let charge = ChargeId::first(pick(&charges, which).unwrap_or(which % seqs));
            Command::Refund { charge, credits, reason: "why".into() }
        }
        Step::Revoke(which, index, credits) => {
            Command::RevokeLot { lot: LotId { seq: which % seqs, index }, credits, reason: "why".into() }
        }
    };
    // A refusal is an answer too: what matters is that nothing was broken by it.
    let before = world.account.clone();
    if world.submit(&command).is_err() {
        world.touch();
        assert!(world.account.seq >= before.seq);
    }
}

/// Mostly a hold that is open, else any that ever was.
fn hold_ref(world: &World, which: u64) -> HoldRef {
    let open: Vec<u64> = world.account.holds.iter().map(|hold| hold.id.seq).collect();
    let every: Vec<u64> =
        world.entries.iter().filter(|entry| entry.held().is_positive()).map(|entry| entry.seq).collect();
    let seq = if which.is_multiple_of(4) { pick(&every, which / 4) } else { pick(&open, which / 4) };
    HoldRef::Id(HoldId::first(seq.unwrap_or(which % (world.account.seq + 1))))
}

fn pick(from: &[u64], which: u64) -> Option<u64> {
    let count = u64::try_from(from.len()).unwrap();
    let place = which.checked_rem(count)?;
    Some(from[usize::try_from(place).unwrap()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn every_history_obeys_the_laws(
        zone in proptest::sample::select(vec!["UTC", "America/Los_Angeles", "Asia/Kathmandu"]),
        opening in proptest::option::of(opening()),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH.plus_seconds(START));
        let settings = PutAccount { zone: Some(Zone::parse(zone).unwrap()), ..PutAccount::default() };
        let open = match opening {
            Some(opening) => Command::OpenAccount(Box::new(Opening { settings, ..opening })),
            None => Command::PutAccount(settings),
        };
        world.submit(&open).unwrap();
        for step in steps {
            run(&mut world, step);
        }
        let mut live = world.account.clone();
        live.recalled.clear();
        prop_assert_eq!(world.replayed(), live, "replay is what lived");
    }
}
