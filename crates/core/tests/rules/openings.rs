//! Openings: customers who were served elsewhere, and come with what they had there.

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, Opening, OpeningLot, PutAccount};
use scrip_core::decide::{OpeningPart, opening_faults};
use scrip_core::id::ProjectTypeId;
use scrip_core::lot::Class;
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;

use crate::scenario::{check, command};
use crate::world::{PLANS, World, catalog, published};

/// R14, R15: the opening subscription lot is this cycle's refill, and the next turn refills as always. Top-ups stay (R13).
#[test]
fn a_part_used_cycle_goes_on() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite active from 2025-10-31 left 1200, 500 of 800 top_up, 100 of 100 promo until 2026-03-01
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +1200 = 1200/1200
          - grant lot_4 +500 = 1700/1700
          - grant lot_5 +100 = 1800/1800
        lots
          - lot_3 subscription 1200 of 3000 until 02-28 00:00
          - lot_5 promo 100 of 100 until 03-01 00:00
          - lot_4 top_up 500 of 800 until never
        plan
          - lite 3000 active, term 01-31 00:00 to 02-28 00:00, cycle 01-31 00:00 to 02-28 00:00
        charge 1300
          - charge charge_6 lot_3 -1200 lot_5 -100 = 500/500
        at 2026-03-31 00:00
        touch
          - 02-28 00:00: refill lot_7 +3000 = 3500/3500
          - expiry lot_7 -3000 = 500/500
          - refill lot_9 +3000 = 3500/3500
        ",
    );
}

/// R17: what the cycle has had is its whole allowance, used or not: an upgrade adds the difference.
#[test]
fn an_upgrade_adds_what_exceeds_the_allowance() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite active from 2026-02-15 left 0
          - account = 0/0
          - plan_change Started = 0/0
          - refill = 0/0
        subscribe pro
          - plan_change Changed = 0/0
          - refill lot_5 +9000 = 9000/9000
        ",
    );
}

/// R15: months are counted in the account's zone, and a yearly term in years from the anchor.
#[test]
fn a_past_anchor_is_counted_in_the_zone() {
    check(
        "
        on 2026-03-31 08:00
        arrive in America/Los_Angeles, lite-year active from 2024-10-31_04:00 left 3000
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        plan
          - lite-year 3000 active, term 2025-10-31 04:00 to 10-31 04:00, cycle 03-31 04:00 to 05-01 04:00
        ",
    );
}

/// R17a: a cycle that had its refill elsewhere is not granted again by becoming active; one that had none is.
#[test]
fn a_late_payer_gets_the_cycle_once() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite past_due from 2026-01-15 left 40
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +40 = 40/40
          - plan_change StateChanged = 40/40
        set active
          - plan_change StateChanged = 40/40
        at 2026-03-15 00:00
        touch
          - expiry lot_3 -40 = 0/0
          - refill lot_7 +3000 = 3000/3000
        ",
    );
    check(
        "
        on 2026-02-20 10:00
        arrive lite paused from 2026-01-15, 7 of 7 make_good
          - account = 0/0
          - plan_change Started = 0/0
          - grant lot_3 +7 = 7/7
        set active
          - plan_change StateChanged = 7/7
          - refill lot_5 +3000 = 3007/3007
        ",
    );
}

/// R15: a future anchor starts then.
#[test]
fn a_future_anchor_starts_then() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite active from 2026-03-01
          - account = 0/0
          - plan_change Started = 0/0
        at 2026-03-01 00:00
        touch
          - refill lot_3 +3000 = 3000/3000
        ",
    );
}

/// R14: only what is left rolls over, up to the cap.
#[test]
fn what_is_left_rolls_over() {
    check(
        "
        on 2026-02-20 10:00
        arrive keeper active from 2026-02-01 left 300
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +300 = 300/300
        at 2026-03-01 00:00
        touch
          - roll_over lot_3 -250 lot_4 +250 = 300/300
          - expiry lot_3 -50 = 250/250
          - refill lot_6 +5000 = 5250/5250
        ",
    );
}

/// R15: what was left of a cycle that has ended since is not taken for what is left of the present one, be it that the
/// turn comes between a look and the deed.
#[test]
fn a_cycle_that_has_turned_since_is_refused() {
    check(
        "
        on 2026-02-15 00:00
        arrive lite active from 2025-10-15 left 40 on 2026-02-14_23:59
          - refused: invalid subscription_remaining
        arrive lite past_due from 2025-10-15 left 0 on 2026-01-31
          - refused: invalid subscription_remaining
        arrive lite active from 2026-02-15 left 3000 on 2026-02-14
          - refused: invalid subscription_remaining
        arrive lite active from 2025-10-15 left 40 on 2026-02-15
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +40 = 40/40
        ",
    );
}

/// An account comes once, and all of it or nothing.
#[test]
fn what_cannot_come_is_refused() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite active from 2026-01-15 left 3000.000001
          - refused: invalid subscription_remaining
        arrive lite active from 2026-01-15 left -1
          - refused: invalid subscription_remaining
        arrive lite active from 2026-01-15
          - refused: invalid subscription_remaining
        arrive lite active from 2026-03-15 left 1
          - refused: invalid subscription_remaining
        arrive silver active from 2026-01-15 left 1
          - refused: PlanNotFound
        arrive 5 of 4 top_up
          - refused: invalid granted
        arrive 0 of 4 top_up
          - refused: invalid credits
        arrive 4 of 4 subscription
          - refused: invalid class
        arrive 4 of 4 top_up priority 9
          - refused: invalid priority
        arrive 4 of 4 promo until 2026-02-20_10:00
          - refused: invalid expires_at
        arrive 8000000000 of 8000000000 top_up, 0.000001 of 1 promo
          - refused: AmountLimit
        arrive 4 of 4 top_up
          - account = 0/0
          - grant lot_2 +4 = 4/4
        arrive 4 of 4 top_up
          - refused: invalid account
        ",
    );
}

/// An importer is told everything that is wrong at once, and where.
#[test]
fn all_faults_are_told() {
    let world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    let said = "arrive silver active from 2026-01-15 left -2, 5 of 4 top_up, 4 of 4 promo until 2026-02-20";
    let Command::OpenAccount(mut opening) = command(&said.split(' ').collect::<Vec<_>>()) else { unreachable!() };
    opening.settings.project_types = Some([ProjectTypeId::parse("sculpting").unwrap()].into());
    let now = "2026-02-20T10:00:00Z".parse().unwrap();
    let faults = opening_faults(&world.account, &world.catalogs, &opening, now);
    let told: Vec<_> = faults
        .iter()
        .map(|fault| match &fault.rejection {
            Rejection::InvalidRequest { field, .. } => (fault.part, *field),
            Rejection::PlanNotFound => (fault.part, "plan"),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        (OpeningPart::Subscription, "subscription_remaining"),
        (OpeningPart::Lot(0), "granted"),
        (OpeningPart::Account, "project_types"),
        (OpeningPart::Subscription, "plan"),
        (OpeningPart::Lot(1), "expires_at"),
    ];
    assert_eq!(told, expected);
}

/// A key remembers at most 255 entries of its command: the largest opening fits.
#[test]
fn the_largest_opening_is_one_command() {
    let lot = OpeningLot {
        grant: Grant {
            credits: Credits::whole(1),
            class: Class::TopUp,
            expires_at: None,
            priority: None,
            reason: "bought elsewhere".into(),
        },
        granted: Credits::whole(2),
    };
    let arrival = "arrive lite paused from 1970-01-01 left 1".split(' ').collect::<Vec<_>>();
    let Command::OpenAccount(mut opening) = command(&arrival) else { unreachable!() };
    opening.lots = vec![lot; Opening::LOTS_MAX];
    opening.settings = PutAccount { name: Some("Ada".into()), ..PutAccount::default() };
    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    world.submit(&Command::OpenAccount(opening.clone())).unwrap();
    assert_eq!(world.entries.len(), Opening::ENTRIES_MAX);
    assert_eq!(world.account.totals().remaining, Credits::whole(201));

    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    opening.lots.push(opening.lots[0].clone());
    let refused = world.submit(&Command::OpenAccount(opening));
    assert!(matches!(refused, Err(Rejection::InvalidRequest { field: "lots", .. })), "{refused:?}");
}
