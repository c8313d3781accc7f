//! Refills, roll-over, plan changes and cancellation (R14–R17).

use crate::scenario::check;

/// R14: a refill ends with its cycle.
#[test]
fn nothing_carries_over() {
    check(
        "
        at 2026-01-31 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        charge 1000
          - charge charge_4 lot_3 -1000 = 2000/2000
        at 2026-04-30 10:00
        touch
          - 02-28 10:00: expiry lot_3 -2000 = 0/0
          - 02-28 10:00: refill lot_6 +3000 = 3000/3000
          - 03-31 10:00: expiry lot_6 -3000 = 0/0
          - 03-31 10:00: refill lot_8 +3000 = 3000/3000
          - expiry lot_8 -3000 = 0/0
          - refill lot_10 +3000 = 3000/3000
        lots
          - lot_10 subscription 3000 of 3000 until 05-31 10:00
        ",
    );
}

/// R14.
#[test]
fn a_yearly_term_refills_monthly() {
    check(
        "
        at 2026-01-15 10:00
        subscribe lite-year
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        cancel
          - plan_change Scheduled = 3000/3000
        at 2026-03-20 10:00
        touch
          - 02-15 10:00: expiry lot_3 -3000 = 0/0
          - 02-15 10:00: refill lot_6 +3000 = 3000/3000
          - 03-15 10:00: expiry lot_6 -3000 = 0/0
          - 03-15 10:00: refill lot_8 +3000 = 3000/3000
        at 2027-01-15 10:00
        touch
          - 04-15 10:00: expiry lot_8 -3000 = 0/0
          - 04-15 10:00: refill lot_10 +3000 = 3000/3000
          - 05-15 10:00: expiry lot_10 -3000 = 0/0
          - 05-15 10:00: refill lot_12 +3000 = 3000/3000
          - 06-15 10:00: expiry lot_12 -3000 = 0/0
          - 06-15 10:00: refill lot_14 +3000 = 3000/3000
          - 07-15 10:00: expiry lot_14 -3000 = 0/0
          - 07-15 10:00: refill lot_16 +3000 = 3000/3000
          - 08-15 10:00: expiry lot_16 -3000 = 0/0
          - 08-15 10:00: refill lot_18 +3000 = 3000/3000
          - 09-15 10:00: expiry lot_18 -3000 = 0/0
          - 09-15 10:00: refill lot_20 +3000 = 3000/3000
          - 10-15 10:00: expiry lot_20 -3000 = 0/0
          - 10-15 10:00: refill lot_22 +3000 = 3000/3000
          - 11-15 10:00: expiry lot_22 -3000 = 0/0
          - 11-15 10:00: refill lot_24 +3000 = 3000/3000
          - 12-15 10:00: expiry lot_24 -3000 = 0/0
          - 12-15 10:00: refill lot_26 +3000 = 3000/3000
          - expiry lot_26 -3000 = 0/0
          - plan_change Ended = 0/0
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_30 +3000 = 3000/3000
        ",
    );
}

/// R14: what is unheld becomes one lot of the next cycle, and may roll again.
#[test]
fn roll_over_up_to_the_cap() {
    check(
        "
        at 2026-01-10 10:00
        subscribe saver
          - plan_change Started = 0/0
          - refill lot_3 +1000 = 1000/1000
        charge 200
          - charge charge_4 lot_3 -200 = 800/800
        hold 100 for a 86400s
          - hold until 01-11 10:00 lot_3 [+100] = 800/700
        at 2026-02-10 09:50
        hold 50 for b
          - 01-11 10:00: hold_expired lot_3 [-100] = 800/800
          - hold until 02-10 10:50 lot_3 [+50] = 800/750
        at 2026-02-10 10:00
        touch
          - roll_over lot_3 -750 lot_8 +750 = 800/750
          - refill lot_9 +1000 = 1800/1750
        lots
          - lot_3 subscription 50 of 1000 until 02-10 10:00
          - lot_8 subscription 750 of 750 until 03-10 10:00
          - lot_9 subscription 1000 of 1000 until 03-10 10:00
        release b
          - release lot_3 [-50] = 1800/1800
          - expiry lot_3 -50 = 1750/1750
        at 2026-03-10 10:00
        touch
          - roll_over lot_8 -750 lot_9 -750 lot_12 +1500 = 1750/1750
          - expiry lot_9 -250 = 1500/1500
          - refill lot_14 +1000 = 2500/2500
        lots
          - lot_12 subscription 1500 of 1500 until 04-10 10:00
          - lot_14 subscription 1000 of 1000 until 04-10 10:00
        at 2026-04-10 10:00
        touch
          - roll_over lot_12 -1500 lot_15 +1500 = 2500/2500
          - expiry lot_14 -1000 = 1500/1500
          - refill lot_17 +1000 = 2500/2500
        lots
          - lot_15 subscription 1500 of 1500 until 05-10 10:00
          - lot_17 subscription 1000 of 1000 until 05-10 10:00
        ",
    );
}

/// R22: a hold does not carry an earlier cycle's credits into the roll-over, even when its deadline is the turn.
#[test]
fn what_is_freed_of_an_earlier_cycle_does_not_roll_over() {
    check(
        "
        at 2026-01-10 10:00
        subscribe saver
          - plan_change Started = 0/0
          - refill lot_3 +1000 = 1000/1000
        cancel
          - plan_change Scheduled = 1000/1000
        at 2026-02-10 09:00
        hold 400 for a 86400s
          - hold until 02-11 09:00 lot_3 [+400] = 1000/600
        at 2026-02-10 10:30
        subscribe saver from 2026-01-11_09:00
          - 02-10 10:00: expiry lot_3 -600 = 400/0
          - 02-10 10:00: plan_change Ended = 400/0
          - plan_change Started = 400/0
          - refill lot_9 +1000 = 1400/1000
        at 2026-02-11 09:00
        touch
          - hold_expired lot_3 [-400] = 1400/1400
          - roll_over lot_9 -1000 lot_11 +1000 = 1400/1400
          - expiry lot_3 -400 = 1000/1000
          - refill lot_13 +1000 = 2000/2000
        ",
    );
}

/// R14: not when it ends; not while it is not active. The cap is that of the old terms.
#[test]
fn nothing_rolls_into_a_plan_that_is_not_there() {
    check(
        "
        at 2026-01-10 10:00
        subscribe saver
          - plan_change Started = 0/0
          - refill lot_3 +1000 = 1000/1000
        cancel
          - plan_change Scheduled = 1000/1000
        at 2026-02-10 10:00
        touch
          - expiry lot_3 -1000 = 0/0
          - plan_change Ended = 0/0
        subscribe saver
          - plan_change Started = 0/0
          - refill lot_8 +1000 = 1000/1000
        set paused
          - plan_change StateChanged = 1000/1000
        at 2026-03-10 10:00
        touch
          - expiry lot_8 -1000 = 0/0
        set active
          - plan_change StateChanged = 0/0
          - refill lot_12 +1000 = 1000/1000
        subscribe lite-year
          - plan_change Changed = 1000/1000
          - refill lot_14 +2000 = 3000/3000
        at 2026-04-10 10:00
        touch
          - expiry lot_12 -1000 lot_14 -2000 = 0/0
          - refill lot_16 +3000 = 3000/3000
        lots
          - lot_16 subscription 3000 of 3000 until 05-10 10:00
        at 2026-05-10 10:00
        touch
          - expiry lot_16 -3000 = 0/0
          - refill lot_18 +3000 = 3000/3000
        ",
    );
}

/// R17: at once, against the highest allowance reached in the cycle; the anchor stays.
#[test]
fn an_upgrade_adds_the_difference() {
    check(
        "
        at 2026-01-31 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        charge 500
          - charge charge_4 lot_3 -500 = 2500/2500
        at 2026-02-10 10:00
        subscribe pro
          - plan_change Changed = 2500/2500
          - refill lot_6 +9000 = 11500/11500
        subscribe lite
          - plan_change Scheduled = 11500/11500
        subscribe lite
        at 2026-02-28 10:00
        touch
          - expiry lot_3 -2500 lot_6 -9000 = 0/0
          - plan_change TookEffect = 0/0
          - refill lot_10 +3000 = 3000/3000
        subscribe pro
          - plan_change Changed = 3000/3000
          - refill lot_12 +9000 = 12000/12000
        at 2026-03-31 10:00
        touch
          - expiry lot_10 -3000 lot_12 -9000 = 0/0
          - refill lot_14 +12000 = 12000/12000
        ",
    );
}

/// R17: no sequence of changes yields more in a cycle than the best plan held in it.
#[test]
fn changing_to_and_fro_yields_no_more() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        subscribe pro
          - plan_change Changed = 3000/3000
          - refill lot_5 +9000 = 12000/12000
        subscribe lite
          - plan_change Scheduled = 12000/12000
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        set paused
          - plan_change StateChanged = 12000/12000
        subscribe pro-year
          - plan_change Scheduled = 12000/12000
        set active
          - plan_change StateChanged = 12000/12000
        cancel
          - plan_change Scheduled = 12000/12000
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        subscribe pro-year
          - plan_change Scheduled = 12000/12000
        at 2026-02-10 10:00
        touch
          - expiry lot_3 -3000 lot_5 -9000 = 0/0
          - plan_change TookEffect = 0/0
          - refill lot_16 +12000 = 12000/12000
        ",
    );
}

/// R17.
#[test]
fn asking_for_the_present_plan_calls_off_what_waits() {
    check(
        "
        at 2026-01-10 10:00
        subscribe pro
          - plan_change Started = 0/0
          - refill lot_3 +12000 = 12000/12000
        subscribe lite
          - plan_change Scheduled = 12000/12000
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        cancel
          - plan_change Scheduled = 12000/12000
        cancel
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        subscribe pro
        at 2026-02-10 10:00
        touch
          - expiry lot_3 -12000 = 0/0
          - refill lot_9 +12000 = 12000/12000
        ",
    );
}

/// R17: the new term starts with the current cycle.
#[test]
fn an_upgrade_that_changes_the_term() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-03-20 10:00
        subscribe pro-year
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - 03-10 10:00: expiry lot_5 -3000 = 0/0
          - 03-10 10:00: refill lot_7 +3000 = 3000/3000
          - plan_change Changed = 3000/3000
          - refill lot_9 +9000 = 12000/12000
        cancel
          - plan_change Scheduled = 12000/12000
        at 2027-03-09 10:00
        touch
          - 04-10 10:00: expiry lot_7 -3000 lot_9 -9000 = 0/0
          - 04-10 10:00: refill lot_12 +12000 = 12000/12000
          - 05-10 10:00: expiry lot_12 -12000 = 0/0
          - 05-10 10:00: refill lot_14 +12000 = 12000/12000
          - 06-10 10:00: expiry lot_14 -12000 = 0/0
          - 06-10 10:00: refill lot_16 +12000 = 12000/12000
          - 07-10 10:00: expiry lot_16 -12000 = 0/0
          - 07-10 10:00: refill lot_18 +12000 = 12000/12000
          - 08-10 10:00: expiry lot_18 -12000 = 0/0
          - 08-10 10:00: refill lot_20 +12000 = 12000/12000
          - 09-10 10:00: expiry lot_20 -12000 = 0/0
          - 09-10 10:00: refill lot_22 +12000 = 12000/12000
          - 10-10 10:00: expiry lot_22 -12000 = 0/0
          - 10-10 10:00: refill lot_24 +12000 = 12000/12000
          - 11-10 10:00: expiry lot_24 -12000 = 0/0
          - 11-10 10:00: refill lot_26 +12000 = 12000/12000
          - 12-10 10:00: expiry lot_26 -12000 = 0/0
          - 12-10 10:00: refill lot_28 +12000 = 12000/12000
          - 2027-01-10 10:00: expiry lot_28 -12000 = 0/0
          - 2027-01-10 10:00: refill lot_30 +12000 = 12000/12000
          - 2027-02-10 10:00: expiry lot_30 -12000 = 0/0
          - 2027-02-10 10:00: refill lot_32 +12000 = 12000/12000
        at 2027-03-10 10:00
        touch
          - expiry lot_32 -12000 = 0/0
          - plan_change Ended = 0/0
        ",
    );
}

/// R17: refills go on until then.
#[test]
fn a_downgrade_waits_for_the_year() {
    check(
        "
        at 2026-01-10 10:00
        subscribe pro-year
          - plan_change Started = 0/0
          - refill lot_3 +12000 = 12000/12000
        at 2026-11-20 10:00
        subscribe lite
          - 02-10 10:00: expiry lot_3 -12000 = 0/0
          - 02-10 10:00: refill lot_5 +12000 = 12000/12000
          - 03-10 10:00: expiry lot_5 -12000 = 0/0
          - 03-10 10:00: refill lot_7 +12000 = 12000/12000
          - 04-10 10:00: expiry lot_7 -12000 = 0/0
          - 04-10 10:00: refill lot_9 +12000 = 12000/12000
          - 05-10 10:00: expiry lot_9 -12000 = 0/0
          - 05-10 10:00: refill lot_11 +12000 = 12000/12000
          - 06-10 10:00: expiry lot_11 -12000 = 0/0
          - 06-10 10:00: refill lot_13 +12000 = 12000/12000
          - 07-10 10:00: expiry lot_13 -12000 = 0/0
          - 07-10 10:00: refill lot_15 +12000 = 12000/12000
          - 08-10 10:00: expiry lot_15 -12000 = 0/0
          - 08-10 10:00: refill lot_17 +12000 = 12000/12000
          - 09-10 10:00: expiry lot_17 -12000 = 0/0
          - 09-10 10:00: refill lot_19 +12000 = 12000/12000
          - 10-10 10:00: expiry lot_19 -12000 = 0/0
          - 10-10 10:00: refill lot_21 +12000 = 12000/12000
          - 11-10 10:00: expiry lot_21 -12000 = 0/0
          - 11-10 10:00: refill lot_23 +12000 = 12000/12000
          - plan_change Scheduled = 12000/12000
        at 2027-02-11 10:00
        touch
          - 12-10 10:00: expiry lot_23 -12000 = 0/0
          - 12-10 10:00: refill lot_26 +12000 = 12000/12000
          - 2027-01-10 10:00: expiry lot_26 -12000 = 0/0
          - 2027-01-10 10:00: plan_change TookEffect = 0/0
          - 2027-01-10 10:00: refill lot_29 +3000 = 3000/3000
          - 2027-02-10 10:00: expiry lot_29 -3000 = 0/0
          - 2027-02-10 10:00: refill lot_31 +3000 = 3000/3000
        ",
    );
}

/// R17: what was granted lives to its expiry; active again grants the current cycle once.
#[test]
fn past_due_refills_nothing() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-02-09 10:00
        set past_due
          - plan_change StateChanged = 3000/3000
        at 2026-04-20 10:00
        touch
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
        charge 1
          - refused: 0 of 1, short by 1, packages [small, large], resets never
        set active
          - plan_change StateChanged = 0/0
          - refill lot_7 +3000 = 3000/3000
        set past_due
          - plan_change StateChanged = 3000/3000
        set active
          - plan_change StateChanged = 3000/3000
        at 2026-05-10 10:00
        touch
          - expiry lot_7 -3000 = 0/0
          - refill lot_11 +3000 = 3000/3000
        ",
    );
}

/// R17, R17a: becoming active grants what the cycle has not had.
#[test]
fn an_upgrade_while_not_active_grants_nothing() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set paused
          - plan_change StateChanged = 3000/3000
        subscribe pro
          - plan_change Changed = 3000/3000
        set active
          - plan_change StateChanged = 3000/3000
          - refill lot_7 +9000 = 12000/12000
        at 2026-01-20 10:00
        set past_due
          - plan_change StateChanged = 12000/12000
        at 2026-02-20 10:00
        subscribe lite
          - 02-10 10:00: expiry lot_3 -3000 lot_7 -9000 = 0/0
          - plan_change Scheduled = 0/0
        at 2026-03-20 10:00
        set active
          - 03-10 10:00: plan_change TookEffect = 0/0
          - plan_change StateChanged = 0/0
          - refill lot_13 +3000 = 3000/3000
        ",
    );
}

/// R17: a cancellation ends a subscription that is past due, too.
#[test]
fn what_waits_takes_place_while_not_active() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set past_due
          - plan_change StateChanged = 3000/3000
        at 2026-03-15 10:00
        cancel
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - plan_change Scheduled = 0/0
        at 2026-04-10 10:00
        touch
          - plan_change Ended = 0/0
        set active
          - refused: invalid plan
        cancel
          - refused: SubscriptionNotFound
        ",
    );
}

/// R15.
#[test]
fn a_past_anchor_grants_the_current_cycle_once() {
    check(
        "
        at 2026-03-20 10:00
        subscribe lite from 2025-01-31_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        lots
          - lot_3 subscription 3000 of 3000 until 03-31 10:00
        at 2026-03-31 10:00
        touch
          - expiry lot_3 -3000 = 0/0
          - refill lot_5 +3000 = 3000/3000
        ",
    );
}

/// R15: until then changes take effect at once, and nothing is granted.
#[test]
fn a_future_anchor_starts_then() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite from 2026-02-01_00:00
          - plan_change Started = 0/0
        charge 1
          - refused: 0 of 1, short by 1, packages [small, large], resets 02-01 00:00
        subscribe pro
          - plan_change Changed = 0/0
        subscribe lite
          - plan_change Changed = 0/0
        at 2026-02-01 00:00
        touch
          - refill lot_5 +3000 = 3000/3000
        at 2026-03-01 00:00
        touch
          - expiry lot_5 -3000 = 0/0
          - refill lot_7 +3000 = 3000/3000
        ",
    );
}

/// R17: cancelled before it began, nothing remains.
#[test]
fn a_future_start_is_called_off() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite from 2026-02-01_00:00
          - plan_change Started = 0/0
        cancel
          - plan_change Ended = 0/0
        at 2026-02-02 00:00
        touch
        cancel
          - refused: SubscriptionNotFound
        ",
    );
}

/// R15: a later PUT with another anchor is refused; the same one is not.
#[test]
fn the_anchor_is_fixed() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        anchor 2026-01-10_10:00
        anchor 2026-01-11_10:00
          - refused: anchor fixed at 01-10 10:00
        subscribe nothing from 2026-01-11_10:00
          - refused: PlanNotFound
        subscribe nothing
          - refused: PlanNotFound
        ",
    );
}

/// R15: a new zone of the account changes the cycle only from the next subscription on.
#[test]
fn the_zone_is_pinned() {
    check(
        "
        open in America/Los_Angeles
        at 2026-03-01 10:00
        subscribe lite from 2026-02-10_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        live in Asia/Kathmandu
          - account = 3000/3000
        at 2026-03-20 10:00
        touch
          - 03-10 09:00: expiry lot_3 -3000 = 0/0
          - 03-10 09:00: refill lot_6 +3000 = 3000/3000
        cancel
          - plan_change Scheduled = 3000/3000
        at 2026-05-01 10:00
        subscribe lite from 2026-02-10_10:00
          - 04-10 09:00: expiry lot_6 -3000 = 0/0
          - 04-10 09:00: plan_change Ended = 0/0
          - plan_change Started = 0/0
          - refill lot_11 +3000 = 3000/3000
        at 2026-06-01 10:00
        touch
          - 05-10 10:00: expiry lot_11 -3000 = 0/0
          - 05-10 10:00: refill lot_13 +3000 = 3000/3000
        ",
    );
}

/// A plan is needed to begin, and a subscription to cancel.
#[test]
fn no_subscription_no_change() {
    check(
        "
        at 2026-01-10 10:00
        set active
          - refused: invalid plan
        cancel
          - refused: SubscriptionNotFound
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        ",
    );
}

/// R16: hold deadlines, roll-over, lot expiry, plan change, refill, debt repayment.
#[test]
fn all_at_one_instant() {
    check(
        "
        at 2026-01-10 10:00
        subscribe keeper
          - plan_change Started = 0/0
          - refill lot_3 +5000 = 5000/5000
        grant 10 promo until 2026-02-10_10:00
          - grant lot_4 +10 = 5010/5010
        at 2026-02-10 09:00
        subscribe lite
          - plan_change Scheduled = 5010/5010
        hold 310 for a
          - hold until 02-10 10:00 lot_4 [+10] lot_3 [+300] = 5010/4700
        hold 5 for b 60s
          - hold until 02-10 09:01 lot_3 [+5] = 5010/4695
        charge 4690
          - charge charge_8 lot_3 -4690 = 320/5
        settle b 55 debt
          - settle charge_9 lot_3 -10 [-5] = 310/0
          - debt owes +45 = 310/0
        charge 1
          - refused: owes 45, short by 46
        at 2026-02-10 10:00
        touch
          - hold_expired lot_4 [-10] lot_3 [-300] = 310/310
          - roll_over lot_3 -250 lot_12 +250 = 310/310
          - expiry lot_4 -10 lot_3 -50 = 250/250
          - plan_change TookEffect = 250/250
          - refill lot_15 +3000 = 3250/3250
          - debt_repaid lot_12 -45 owes -45 = 3205/3205
        lots
          - lot_12 subscription 205 of 250 until 03-10 10:00
          - lot_15 subscription 3000 of 3000 until 03-10 10:00
        ",
    );
}

/// R14, R17: a cancelled year refills until it ends, and says so; the term was counted from the past anchor.
#[test]
fn a_cancelled_year_refills_until_it_ends() {
    check(
        "
        at 2026-08-20 10:00
        subscribe lite-year from 2025-01-15_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        plan
          - lite-year 3000 active, term 01-15 10:00 to 2027-01-15 10:00, cycle 08-15 10:00 to 09-15 10:00
        cancel
          - plan_change Scheduled = 3000/3000
        plan
          - lite-year 3000 active, term 01-15 10:00 to 2027-01-15 10:00, cycle 08-15 10:00 to 09-15 10:00, ends
        charge 4000
          - refused: 3000 of 4000, short by 1000, packages [large], resets 09-15 10:00
        at 2026-12-20 10:00
        touch
          - 09-15 10:00: expiry lot_3 -3000 = 0/0
          - 09-15 10:00: refill lot_6 +3000 = 3000/3000
          - 10-15 10:00: expiry lot_6 -3000 = 0/0
          - 10-15 10:00: refill lot_8 +3000 = 3000/3000
          - 11-15 10:00: expiry lot_8 -3000 = 0/0
          - 11-15 10:00: refill lot_10 +3000 = 3000/3000
          - 12-15 10:00: expiry lot_10 -3000 = 0/0
          - 12-15 10:00: refill lot_12 +3000 = 3000/3000
        charge 4000
          - refused: 3000 of 4000, short by 1000, packages [large], resets never
        at 2027-01-15 10:00
        touch
          - expiry lot_12 -3000 = 0/0
          - plan_change Ended = 0/0
        ",
    );
}

/// R17: from a year to a month: the month begins with the current cycle.
#[test]
fn an_upgrade_from_a_year_to_a_month() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite-year
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-02-20 10:00
        subscribe pro
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - plan_change Changed = 3000/3000
          - refill lot_7 +9000 = 12000/12000
        plan
          - pro 12000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00
        cancel
          - plan_change Scheduled = 12000/12000
        at 2026-03-10 10:00
        touch
          - expiry lot_5 -3000 lot_7 -9000 = 0/0
          - plan_change Ended = 0/0
        ",
    );
}

/// R17a: a customer's own choice begins nothing; what waits for the end of the term, and calling that off, is free to choose.
#[test]
fn what_a_customer_chooses_begins_when_it_is_paid() {
    check(
        "
        at 2026-01-10 10:00
        choose lite
          - refused: PlanNeedsPayment
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        choose pro
          - refused: PlanNeedsPayment
        subscribe pro
          - plan_change Changed = 3000/3000
          - refill lot_5 +9000 = 12000/12000
        choose lite
          - plan_change Scheduled = 12000/12000
        choose pro
          - plan_change Unscheduled = 12000/12000
        choose nothing-of-ours
          - refused: PlanNotFound
        ",
    );
}
