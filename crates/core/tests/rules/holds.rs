//! Holds: placing, extending, settling, releasing, expiring (R18–R23).

use crate::scenario::check;

/// R19, R23: remaining drops only when the job is paid.
#[test]
fn a_hold_sets_aside_and_a_settle_takes() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 30 for a
          - hold until 01-10 11:00 lot_2 [+30] = 100/70
        hold 40 for b
          - hold until 01-10 11:00 lot_2 [+40] = 100/30
        settle a 12.5
          - settle charge_5 lot_2 -12.5 [-30] = 87.5/47.5
        settle b
          - settle charge_6 lot_2 -40 [-40] = 47.5/47.5
        lots
          - lot_2 top_up 47.5 of 100 until never
        ",
    );
}

/// R18: short by how much, which packages, and when credits come.
#[test]
fn a_short_hold_takes_nothing() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+60] = 100/40
        hold 60 for b
          - refused: 40 of 60, short by 20, packages [small, large], resets never
        subscribe lite past_due
          - plan_change Started = 100/40
        hold 300 for b
          - refused: 40 of 300, short by 260, packages [large], resets never
        set active
          - plan_change StateChanged = 100/40
          - refill lot_6 +3000 = 3100/3040
        hold 4000 for b
          - refused: 3040 of 4000, short by 960, packages [large], resets 02-10 10:00
        hold 4240.000001 for b
          - refused: 3040 of 4240.000001, short by 1200.000001, packages [], resets 02-10 10:00
        hold 3040 for b
          - hold until 01-10 11:00 lot_6 [+3000] lot_2 [+40] = 3100/0
        ",
    );
}

/// R18: a hold's own id is taken for good, whether the hold has ended or not.
#[test]
fn a_name_is_used_once() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 100/90
        hold 10 for a
          - refused: HoldExists
        release a
          - release lot_2 [-10] = 100/100
        hold 10 for a
          - refused: HoldExists
        hold 10 for b 60s
          - hold until 01-10 10:01 lot_2 [+10] = 100/90
        at 2026-01-10 11:00
        hold 10 for b
          - 01-10 10:01: hold_expired lot_2 [-10] = 100/100
          - refused: HoldExists
        hold 10 for hold-c
          - hold until 01-10 12:00 lot_2 [+10] = 100/90
        ",
    );
}

/// Holds are found by our id and by the caller's; what is not there is not found.
#[test]
fn a_hold_is_named_by_either_id() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 100/90
        settle hold_3 4
          - settle charge_4 lot_2 -4 [-10] = 96/96
        settle hold_3
          - refused: hold settled
        release a
          - refused: hold settled
        extend a 60s
          - refused: hold settled
        release nobody
          - refused: HoldNotFound
        release hold_2
          - refused: HoldNotFound
        release hold_99
          - refused: HoldNotFound
        settle hold_3_1
          - refused: HoldNotFound
        ",
    );
}

/// R18: extended to now + the asked time, never earlier than it was, 1 s to 24 h.
#[test]
fn a_deadline_moves_only_forward() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 10 for a 7200s
          - hold until 01-10 12:00 lot_2 [+10] = 100/90
        extend a 60s
          - extend until 01-10 12:00 = 100/90
        extend a 86400s
          - extend until 01-11 10:00 = 100/90
        extend a 86401s
          - refused: invalid expires_in
        extend a 0s
          - refused: invalid expires_in
        hold 10 for b 0s
          - refused: invalid expires_in
        hold 10 for b 86401s
          - refused: invalid expires_in
        at 2026-01-11 09:59
        extend a 120s
          - extend until 01-11 10:01 = 100/90
        at 2026-01-11 10:00
        touch
        at 2026-01-11 10:01
        extend a 60s
          - hold_expired lot_2 [-10] = 100/100
          - refused: hold expired
        ",
    );
}

/// R18, R21: at the instant itself it is expired, and its credits are free.
#[test]
fn at_its_deadline_a_hold_is_expired() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 80 for a
          - hold until 01-10 11:00 lot_2 [+80] = 100/20
        hold 30 for b
          - refused: 20 of 30, short by 10, packages [small, large], resets never
        at 2026-01-10 11:00
        hold 30 for b
          - hold_expired lot_2 [-80] = 100/100
          - hold until 01-10 12:00 lot_2 [+30] = 100/70
        release a
          - refused: hold expired
        extend a 60s
          - refused: hold expired
        at 2026-01-10 12:30
        touch
          - 01-10 12:00: hold_expired lot_2 [-30] = 100/100
        ",
    );
}

/// R19: what was used comes from the held lots in spend order, the rest is freed.
#[test]
fn a_settle_frees_the_rest_in_spend_order() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 top_up
          - grant lot_2 +10 = 10/10
        grant 20 promo until 2026-02-01
          - grant lot_3 +20 = 30/30
        grant 30 promo until 2026-03-01
          - grant lot_4 +30 = 60/60
        hold 55 for a
          - hold until 01-10 11:00 lot_3 [+20] lot_4 [+30] lot_2 [+5] = 60/5
        settle a 25
          - settle charge_6 lot_3 -20 [-20] lot_4 -5 [-30] lot_2 [-5] = 35/35
        settle a 1
          - refused: hold settled
        hold 30 for b
          - hold until 01-10 11:00 lot_4 [+25] lot_2 [+5] = 35/5
        settle b 0
          - settle charge_8 lot_4 [-25] lot_2 [-5] = 35/35
        lots
          - lot_4 promo 25 of 30 until 03-01 00:00
          - lot_2 top_up 10 of 10 until never
        ",
    );
}

/// R19: the difference is uncollected, and owed by nobody.
#[test]
fn a_price_above_the_hold_is_capped() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 30 for a
          - hold until 01-10 11:00 lot_2 [+30] = 100/70
        settle a 45
          - settle charge_4 lot_2 -30 [-30] = 70/70
        charge 70
          - charge charge_5 lot_2 -70 = 0/0
        charge 1
          - refused: 0 of 1, short by 1, packages [small, large], resets never
        refund charge_4 31
          - refused: refundable 30
        refund charge_4
          - refund lot_2 +30 = 30/30
        ",
    );
}

/// R19: the rest from available; short, it is refused and the hold unchanged.
#[test]
fn a_price_above_the_hold_extends_it() {
    check(
        "
        at 2026-01-10 10:00
        grant 50 promo until 2026-02-01
          - grant lot_2 +50 = 50/50
        grant 50 top_up
          - grant lot_3 +50 = 100/100
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+50] lot_3 [+10] = 100/40
        settle a 101 extend
          - refused: 40 of 41, short by 1, packages [small, large], resets never
        settle a 100.000001 extend
          - refused: 40 of 40.000001, short by 0.000001, packages [small, large], resets never
        settle a 100 extend
          - settle charge_5 lot_2 -50 [-50] lot_3 -50 [-10] = 0/0
        refund charge_5 45
          - refund lot_3 +45 = 45/45
        ",
    );
}

/// R19: available first, the rest is owed; a debt blocks holds and charges; every new lot repays it.
#[test]
fn a_price_above_the_hold_becomes_a_debt() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+60] = 100/40
        settle a 130 debt
          - settle charge_4 lot_2 -100 [-60] = 0/0
          - debt owes +30 = 0/0
        hold 1 for b
          - refused: owes 30, short by 31
        charge 5
          - refused: owes 30, short by 35
        grant 10 promo
          - grant lot_6 +10 = 10/10
          - debt_repaid lot_6 -10 owes -10 = 0/0
        charge 5
          - refused: owes 20, short by 25
        grant 50 top_up
          - grant lot_8 +50 = 50/50
          - debt_repaid lot_8 -20 owes -20 = 30/30
        charge 5
          - charge charge_10 lot_8 -5 = 25/25
        ",
    );
}

/// R16, R19: at the turn, after the refill.
#[test]
fn a_debt_is_repaid_by_a_refill() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        hold 3000 for a
          - hold until 01-10 11:00 lot_3 [+3000] = 3000/0
        settle a 3100 debt
          - settle charge_5 lot_3 -3000 [-3000] = 0/0
          - debt owes +100 = 0/0
        at 2026-02-10 10:00
        touch
          - refill lot_7 +3000 = 3000/3000
          - debt_repaid lot_7 -100 owes -100 = 2900/2900
        hold 2901 for b
          - refused: 2900 of 2901, short by 1, packages [small, large], resets 03-10 10:00
        hold 2900 for b
          - hold until 02-10 11:00 lot_7 [+2900] = 2900/0
        ",
    );
}

/// R19: all of it, or a part; with nothing owed nothing is forgiven.
#[test]
fn a_debt_is_forgiven() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 top_up
          - grant lot_2 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 10/0
        settle a 40 debt
          - settle charge_4 lot_2 -10 [-10] = 0/0
          - debt owes +30 = 0/0
        forgive 10
          - uncollected 10 owes -10 = 0/0
        hold 5 for b
          - refused: owes 20, short by 25
        forgive
          - uncollected 20 owes -20 = 0/0
        forgive
          - uncollected 0 = 0/0
        ",
    );
}

/// R19: work that was begun can be settled while something is owed.
#[test]
fn a_debt_does_not_stand_in_the_way_of_settling() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 20 for a
          - hold until 01-10 11:00 lot_2 [+20] = 100/80
        hold 20 for b
          - hold until 01-10 11:00 lot_2 [+20] = 100/60
        hold 40 for c
          - hold until 01-10 11:00 lot_2 [+40] = 100/20
        settle a 70 debt
          - settle charge_6 lot_2 -40 [-20] = 60/0
          - debt owes +30 = 60/0
        release b
          - release lot_2 [-20] = 60/20
        settle c 70 extend
          - refused: 20 of 30, short by 40, packages [small, large], resets never
        settle c 50 extend
          - settle charge_9 lot_2 -50 [-40] = 10/10
        ",
    );
}

/// R21: what is available then; the rest is uncollected; once.
#[test]
fn a_late_settle_takes_what_is_there() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+60] = 100/40
        at 2026-01-10 11:00
        charge 70
          - hold_expired lot_2 [-60] = 100/100
          - charge charge_5 lot_2 -70 = 30/30
        settle a
          - settle charge_6 late lot_2 -30 = 0/0
          - uncollected 30 = 0/0
        settle a
          - refused: hold settled
        refund charge_6 31
          - refused: refundable 30
        refund charge_6
          - refund lot_2 +30 = 30/30
        ",
    );
}

/// R21: capped at what was held; or more; or the rest as a debt.
#[test]
fn a_late_settle_by_policy() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 20 for a
          - hold until 01-10 11:00 lot_2 [+20] = 100/80
        hold 20 for b
          - hold until 01-10 11:00 lot_2 [+20] = 100/60
        hold 20 for c
          - hold until 01-10 11:00 lot_2 [+20] = 100/40
        at 2026-01-10 11:00
        settle a 25
          - hold_expired lot_2 [-20] = 100/60
          - hold_expired lot_2 [-20] = 100/80
          - hold_expired lot_2 [-20] = 100/100
          - settle charge_9 late lot_2 -20 = 80/80
          - uncollected 5 = 80/80
        settle b 30 extend
          - settle charge_11 late lot_2 -30 = 50/50
        settle c 80 debt
          - settle charge_12 late lot_2 -50 = 0/0
          - debt owes +30 = 0/0
        ",
    );
}

/// R20: a release frees all, once.
#[test]
fn a_release_after_expiry_is_refused() {
    check(
        "
        at 2026-01-10 10:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        hold 60 for a
          - hold until 01-10 11:00 lot_2 [+60] = 100/40
        release a
          - release lot_2 [-60] = 100/100
        release a
          - refused: hold released
        settle a
          - refused: hold released
        ",
    );
}

/// R22: the job is paid by the old cycle's credits; what is freed of them expires at once.
#[test]
fn held_credits_survive_the_reset() {
    check(
        "
        at 2026-01-31 09:30
        subscribe lite from 2025-12-31_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        hold 500 for a
          - hold until 01-31 10:30 lot_3 [+500] = 3000/2500
        at 2026-01-31 10:10
        touch
          - 01-31 10:00: expiry lot_3 -2500 = 500/0
          - 01-31 10:00: refill lot_6 +3000 = 3500/3000
        lots
          - lot_3 subscription 500 of 3000 until 01-31 10:00
          - lot_6 subscription 3000 of 3000 until 02-28 10:00
        settle a 200
          - settle charge_7 lot_3 -200 [-500] = 3300/3300
          - expiry lot_3 -300 = 3000/3000
        lots
          - lot_6 subscription 3000 of 3000 until 02-28 10:00
        ",
    );
}

/// R21, R22: freed at its deadline and expired in the same instant.
#[test]
fn a_hold_that_expires_after_the_reset() {
    check(
        "
        at 2026-01-31 09:30
        subscribe lite from 2025-12-31_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        hold 500 for a
          - hold until 01-31 10:30 lot_3 [+500] = 3000/2500
        at 2026-02-01 00:00
        touch
          - 01-31 10:00: expiry lot_3 -2500 = 500/0
          - 01-31 10:00: refill lot_6 +3000 = 3500/3000
          - 01-31 10:30: hold_expired lot_3 [-500] = 3500/3500
          - 01-31 10:30: expiry lot_3 -500 = 3000/3000
        settle a
          - settle charge_9 late lot_6 -500 = 2500/2500
        ",
    );
}

/// R22: what a release frees of an expired lot expires, or comes back until the cycle's end.
#[test]
fn a_release_makes_good() {
    check(
        "
        at 2026-01-31 09:30
        subscribe lite from 2025-12-31_10:00
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        grant 50 top_up
          - grant lot_4 +50 = 3050/3050
        hold 100 for a
          - hold until 01-31 10:30 lot_3 [+100] = 3050/2950
        hold 200 for b
          - hold until 01-31 10:30 lot_3 [+200] = 3050/2750
        hold 2720 for c
          - hold until 01-31 10:30 lot_3 [+2700] lot_4 [+20] = 3050/30
        at 2026-01-31 10:10
        release a
          - 01-31 10:00: refill lot_8 +3000 = 6050/3030
          - release lot_3 [-100] = 6050/3130
          - expiry lot_3 -100 = 5950/3030
        release b make_good
          - release lot_3 -200 [-200] lot_11 +200 = 5950/3230
        release c make_good
          - release lot_3 -2700 [-2700] lot_4 [-20] lot_12 +2700 = 5950/5950
        lots
          - lot_11 make_good 200 of 200 until 02-28 10:00
          - lot_12 make_good 2700 of 2700 until 02-28 10:00
          - lot_8 subscription 3000 of 3000 until 02-28 10:00
          - lot_4 top_up 50 of 50 until never
        ",
    );
}

/// R24: thirty days where there is no cycle.
#[test]
fn a_release_makes_good_without_a_cycle() {
    check(
        "
        at 2026-01-10 10:00
        grant 50 promo until 2026-01-10_10:30
          - grant lot_2 +50 = 50/50
        hold 50 for a
          - hold until 01-10 11:00 lot_2 [+50] = 50/0
        at 2026-01-10 10:45
        release a make_good
          - release lot_2 -50 [-50] lot_4 +50 = 50/50
        lots
          - lot_4 make_good 50 of 50 until 02-09 10:45
        ",
    );
}
