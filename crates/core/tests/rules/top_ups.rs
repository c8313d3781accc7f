//! Automatic top-up, and its brakes.

use crate::scenario::check;

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
        charge 150
          - charge charge_11 lot_2 -30 lot_9 -120 = 140/80
        release a
          - release lot_2 [-60] = 140/140
        grant 200 top_up
          - grant lot_13 +200 = 340/340
          - automatic_top_up armed = 340/340
        charge 300
          - charge charge_15 lot_2 -60 lot_9 -80 lot_13 -160 = 40/40
          - order Placed order_16 = 40/40
          - automatic_top_up ordered = 40/40
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

/// So many in a day and in a month, in the account's zone.
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
