//! Automatic top-up, and its brakes.

use scrip_core::catalog::Limit;
use scrip_core::tally::Per;
use scrip_core::time::Time;

use crate::scenario::{check, check_in};
use crate::world::{PLANS, World, catalog, published};

/// It closes the gap in one order, waits for it, and does not buy again before credits were up once more.
#[test]
fn it_buys_once_when_credits_run_low() {
    check(
        "
        at 2026-01-10 10:00
        grant 500 top_up
          - grant lot_2 +500 = 500/500
        top up with small below 100 to 250
          - automatic_top_up set = 500/500
        charge 390
          - charge charge_4 lot_2 -390 = 110/110
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+60] = 110/50
          - order Placed order_6 = 110/50
          - automatic_top_up ordered = 110/50
        charge 20
          - charge charge_8 lot_2 -20 = 90/30
        truth order_6 200EUR
          - top_up order_6 paid lot_9 +200 = 290/230
          - automatic_top_up paid = 290/230
          - automatic_top_up armed = 290/230
        charge 150
          - charge charge_12 lot_2 -30 lot_9 -120 = 140/80
          - order Placed order_13 = 140/80
          - automatic_top_up ordered = 140/80
        ",
    );
}

/// After a decline it waits, longer each time, and then it is off; switching it on takes off the brakes.
#[test]
fn it_backs_off_after_declines() {
    check(
        "
        at 2026-01-10 10:00
        top up with small below 10
          - automatic_top_up set = 0/0
          - order Placed order_3 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_3 failed
          - order Failed order_3 = 0/0
          - automatic_top_up declined until 01-10 11:00 = 0/0
        truth order_3 failed
        at 2026-01-10 11:00
        touch
          - order Placed order_7 = 0/0
          - automatic_top_up ordered = 0/0
        at 2026-01-11 11:00
        touch
          - order Expired order_7 = 0/0
          - automatic_top_up declined until 01-11 17:00 = 0/0
        at 2026-01-11 17:00
        touch
          - order Placed order_11 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_11 failed
          - order Failed order_11 = 0/0
          - automatic_top_up declined until 01-12 17:00 = 0/0
        at 2026-01-12 17:00
        touch
          - order Placed order_15 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_15 failed
          - order Failed order_15 = 0/0
          - automatic_top_up stopped = 0/0
        at 2026-02-12 17:00
        touch
        top up be on
          - automatic_top_up set = 0/0
          - order Placed order_20 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_20 100EUR
          - top_up order_20 paid lot_22 +100 = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        top up be on
        top up be off
          - automatic_top_up set = 100/100
        charge 95
          - charge charge_26 lot_22 -95 = 5/5
        ",
    );
}

/// So many in a day and in a month.
#[test]
fn it_keeps_to_its_limits() {
    check(
        "
        at 2026-01-30 10:00
        top up with small below 10 daily 1 monthly 2
          - automatic_top_up set = 0/0
          - order Placed order_3 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_3 100EUR
          - top_up order_3 paid lot_5 +100 = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        charge 100
          - charge charge_8 lot_5 -100 = 0/0
          - automatic_top_up waits until 01-31 00:00 = 0/0
        at 2026-01-31 00:00
        touch
          - order Placed order_10 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_10 100EUR
          - top_up order_10 paid lot_12 +100 = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        charge 100
          - charge charge_15 lot_12 -100 = 0/0
          - automatic_top_up waits until 02-01 00:00 = 0/0
        at 2026-02-01 00:00
        touch
          - order Placed order_17 = 0/0
          - automatic_top_up ordered = 0/0
        ",
    );
}

/// A debt widens the gap; what is asked for must be there.
#[test]
fn it_covers_a_debt_and_refuses_nonsense() {
    check(
        "
        at 2026-01-10 10:00
        top up below 10
          - refused: invalid package
        top up with small
          - refused: invalid below
        top up with nothing below 10
          - refused: PackageNotFound
        top up with small below 0
          - refused: invalid below
        top up with small below 10 daily 0
          - refused: invalid per_day
        grant 50 promo
          - grant lot_2 +50 = 50/50
        top up with small below 20 to 40
          - automatic_top_up set = 50/50
        hold 50 for a
          - hold until 01-10 11:00 lot_2 [+50] = 50/0
          - order Placed order_5 = 50/0
          - automatic_top_up ordered = 50/0
        truth order_5 failed
          - order Failed order_5 = 50/0
          - automatic_top_up declined until 01-10 11:00 = 50/0
        settle a 150 debt
          - settle charge_9 lot_2 -50 [-50] = 0/0
          - debt owes +100 = 0/0
        at 2026-01-10 11:00
        touch
          - order Placed order_11 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_11 200EUR
          - top_up order_11 paid lot_13 +200 = 200/200
          - debt_repaid lot_13 -100 owes -100 = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        ",
    );
}

/// Money that goes back, or that is disputed, must not lead to the next purchase: it is off until it is put on again.
#[test]
fn money_back_turns_it_off() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        top up with small below 50
          - automatic_top_up set = 100/100
        truth order_2 100EUR open 100
          - freeze order_2 disputed lot_3 <+100> = 100/0
          - automatic_top_up stopped = 100/0
        truth order_2 100EUR won 100
          - unfreeze order_2 won lot_3 <-100> = 100/100
        top up be on
          - automatic_top_up set = 100/100
        truth order_2 100EUR won 100 refunded 60
          - claw_back order_2 won lot_3 -60 = 40/40
          - automatic_top_up stopped = 40/40
        at 2026-03-10 10:00
        touch
        top up be on
          - automatic_top_up set = 40/40
          - order Placed order_12 = 40/40
          - automatic_top_up ordered = 40/40
        ",
    );
}

/// Nobody is charged any more who asked for the texts to be erased.
#[test]
fn an_erasure_turns_it_off() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 promo
          - grant lot_2 +100 = 100/100
        top up with small below 50
          - automatic_top_up set = 100/100
        erase
          - automatic_top_up stopped = 100/100
          - erasure = 100/100
        charge 100
          - charge charge_6 lot_2 -100 = 0/0
        ",
    );
}

/// A package's limit counts packages, not orders: of an automatic order each, and also while it waits for its money.
#[test]
fn it_keeps_to_a_limit_of_its_package() {
    let mut catalog = catalog(&PLANS);
    catalog.packages[0].limit = Some(Limit { count: 3, per: Per::Ever });
    check_in(
        World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH),
        "
        at 2026-01-10 10:00
        top up with small below 150 to 1000
          - automatic_top_up set = 0/0
          - order Placed order_3 = 0/0
          - automatic_top_up ordered = 0/0
        order small
          - refused: limit
        truth order_3 300EUR
          - top_up order_3 paid lot_5 +300 = 300/300
          - automatic_top_up paid = 300/300
          - automatic_top_up armed = 300/300
        order small
          - refused: limit
        charge 300
          - charge charge_8 lot_5 -300 = 0/0
          - automatic_top_up waits = 0/0
        at 2026-01-20 10:00
        touch
        grant 1 promo
          - grant lot_10 +1 = 1/1
        ",
    );
}

/// One order is at most a hundred packages; what that cannot reach is refused, and a debt beyond it leaves it unarmed.
#[test]
fn it_buys_at_most_a_hundred() {
    check(
        "
        at 2026-01-10 10:00
        top up with small below 10001
          - refused: invalid up_to
        top up with small below 10 to 10001
          - refused: invalid up_to
        grant 100 promo
          - grant lot_2 +100 = 100/100
        top up with small below 10 to 10000
          - automatic_top_up set = 100/100
        top up to 10001
          - refused: invalid up_to
        ",
    );
}

/// It acts in the present: nothing is bought in a past that nobody saw, and nothing counts as declined there.
#[test]
fn it_buys_nothing_in_the_past() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 promo until 2026-01-11
          - grant lot_2 +100 = 100/100
        top up with small below 50
          - automatic_top_up set = 100/100
        at 2026-06-10 10:00
        touch
          - 01-11 00:00: expiry lot_2 -100 = 0/0
          - order Placed order_5 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_5 failed
          - order Failed order_5 = 0/0
          - automatic_top_up declined until 06-10 11:00 = 0/0
        at 2026-08-10 10:00
        touch
          - order Placed order_9 = 0/0
          - automatic_top_up ordered = 0/0
        ",
    );
}

/// The newest order's method counts, however late an older one is told of; one that is no more stops the buying, and one
/// that works again is no trouble any more.
#[test]
fn it_knows_how_the_saved_method_stands() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        saved order_2
        refused order_2 declined
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        saved order_2
          - saved_method order_2 usable = 100/100
        saved order_2
        order small
          - order Placed order_5 = 100/100
        truth order_5 100EUR
          - top_up order_5 paid lot_6 +100 = 200/200
        saved order_5
          - saved_method order_5 usable = 200/200
        saved order_2
        refused order_2 removed
        top up with small below 50
          - automatic_top_up set = 200/200
        charge 200
          - charge charge_9 lot_3 -100 lot_6 -100 = 0/0
          - order Placed order_10 = 0/0
          - automatic_top_up ordered = 0/0
        refused order_5 declined
          - saved_method order_5 declined = 0/0
        refused order_5 declined
        truth order_10 failed
          - order Failed order_10 = 0/0
          - automatic_top_up declined until 01-10 11:00 = 0/0
        at 2026-01-10 11:00
        touch
          - order Placed order_15 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_15 100EUR
          - top_up order_15 paid lot_17 +100 = 100/100
          - saved_method order_5 usable = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        refused order_5 expired
          - saved_method order_5 expired = 100/100
          - automatic_top_up stopped = 100/100
        saved order_99
          - refused: OrderNotFound
        erase
          - erasure = 100/100
        saved order_15
        refused order_5 removed
        ",
    );
}

/// Another payment method is a new beginning: nobody waits for a bank that said no to the one before.
#[test]
fn another_method_takes_the_brakes_off() {
    check(
        "
        at 2026-01-10 10:00
        top up with small below 150
          - automatic_top_up set = 0/0
          - order Placed order_3 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_3 failed
          - order Failed order_3 = 0/0
          - automatic_top_up declined until 01-10 11:00 = 0/0
        order small
          - order Placed order_7 = 0/0
        truth order_7 100EUR
          - top_up order_7 paid lot_8 +100 = 100/100
        saved order_7
          - saved_method order_7 usable = 100/100
          - automatic_top_up armed = 100/100
          - order Placed order_11 = 100/100
          - automatic_top_up ordered = 100/100
        ",
    );
}

/// Days and months are those of UTC: whoever moves around the world begins no new ones.
#[test]
fn another_zone_is_no_other_day() {
    check(
        "
        at 2026-01-30 10:00
        top up with small below 10 daily 1
          - automatic_top_up set = 0/0
          - order Placed order_3 = 0/0
          - automatic_top_up ordered = 0/0
        truth order_3 100EUR
          - top_up order_3 paid lot_5 +100 = 100/100
          - automatic_top_up paid = 100/100
          - automatic_top_up armed = 100/100
        live in Pacific/Kiritimati
          - account = 100/100
        charge 100
          - charge charge_9 lot_5 -100 = 0/0
          - automatic_top_up waits until 01-31 00:00 = 0/0
        live in Pacific/Pago_Pago
          - account = 0/0
        at 2026-01-30 12:00
        touch
        top up daily any
          - automatic_top_up set = 0/0
          - order Placed order_13 = 0/0
          - automatic_top_up ordered = 0/0
        ",
    );
}

/// A package that cannot be bought now is waited for, which is said once; one that is sold no more turns it off.
#[test]
fn it_waits_for_its_package() {
    let mut catalog = catalog(&PLANS);
    catalog.packages[0].needs_plan = true;
    catalog.packages[1].from = Some("2026-02-01T00:00:00Z".parse().unwrap());
    catalog.packages[1].until = Some("2026-03-01T00:00:00Z".parse().unwrap());
    check_in(
        World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH),
        "
        at 2026-01-10 10:00
        top up with small below 50
          - automatic_top_up set = 0/0
          - automatic_top_up waits = 0/0
        at 2026-01-12 10:00
        touch
        grant 1 promo
          - grant lot_4 +1 = 1/1
        subscribe lite past_due
          - plan_change Started = 1/1
        top up with large
          - automatic_top_up set = 1/1
          - automatic_top_up waits until 02-01 00:00 = 1/1
        at 2026-02-01 00:00
        touch
          - order Placed order_8 = 1/1
          - automatic_top_up ordered = 1/1
        at 2026-03-02 10:00
        touch
          - 02-02 00:00: order Expired order_8 = 1/1
          - automatic_top_up declined until 03-02 11:00 = 1/1
        at 2026-03-02 11:00
        touch
          - automatic_top_up stopped until 03-02 11:00 = 1/1
        ",
    );
}
