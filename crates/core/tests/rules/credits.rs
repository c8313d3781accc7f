//! Grants, revokes, refunds and spend order (R1, R11–R13, R24, R25).

use crate::scenario::check;

/// R11: priority, soonest expiry, class, oldest.
#[test]
fn spent_in_order() {
    check(
        "
        at 2026-01-10 10:00
        grant 1 top_up until 2026-01-12
          - grant lot_2 +1 = 1/1
        grant 2 top_up
          - grant lot_3 +2 = 3/3
        grant 3 make_good until 2026-02-10_10:00
          - grant lot_4 +3 = 6/6
        grant 4 promo until 2026-02-10_10:00
          - grant lot_5 +4 = 10/10
        subscribe saver
          - plan_change Started = 10/10
          - refill lot_7 +1000 = 1010/1010
        grant 5 promo until 2026-01-20
          - grant lot_8 +5 = 1015/1015
        grant 6 promo
          - grant lot_9 +6 = 1021/1021
        grant 7 promo priority 3
          - grant lot_10 +7 = 1028/1028
        grant 8 promo priority 30
          - grant lot_11 +8 = 1036/1036
        lots
          - lot_10 promo 7 of 7 until never
          - lot_8 promo 5 of 5 until 01-20 00:00
          - lot_5 promo 4 of 4 until 02-10 10:00
          - lot_4 make_good 3 of 3 until 02-10 10:00
          - lot_7 subscription 1000 of 1000 until 02-10 10:00
          - lot_9 promo 6 of 6 until never
          - lot_2 top_up 1 of 1 until 01-12 00:00
          - lot_3 top_up 2 of 2 until never
          - lot_11 promo 8 of 8 until never
        charge 20
          - charge charge_12 lot_10 -7 lot_8 -5 lot_5 -4 lot_4 -3 lot_7 -1 = 1016/1016
        charge 1016
          - charge charge_13 lot_7 -999 lot_9 -6 lot_2 -1 lot_3 -2 lot_11 -8 = 0/0
        ",
    );
}

/// R13: through renewals, plan changes and cancellation.
#[test]
fn top_ups_stay() {
    check(
        "
        at 2026-01-10 10:00
        grant 40 top_up
          - grant lot_2 +40 = 40/40
        subscribe pro
          - plan_change Started = 40/40
          - refill lot_4 +12000 = 12040/12040
        subscribe lite
          - plan_change Scheduled = 12040/12040
        cancel
          - plan_change Scheduled = 12040/12040
        at 2027-01-10 10:00
        touch
          - 02-10 10:00: expiry lot_4 -12000 = 40/40
          - 02-10 10:00: plan_change Ended = 40/40
        lots
          - lot_2 top_up 40 of 40 until never
        ",
    );
}

/// R25: an expiry that is not ahead, a refill's class, a top-up before the subscription, nothing at all.
#[test]
fn a_grant_is_refused() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo until 2026-01-10_10:00
          - refused: invalid expires_at
        grant 10 promo until 2026-01-10_09:59
          - refused: invalid expires_at
        grant 10 promo until 2026-01-10_10:01
          - grant lot_2 +10 = 10/10
        grant 10 subscription
          - refused: invalid class
        grant 10 top_up priority 9
          - refused: invalid priority
        grant 10 top_up priority 10
          - grant lot_3 +10 = 20/20
        grant 0 promo
          - refused: invalid credits
        grant -1 promo
          - refused: invalid credits
        ",
    );
}

/// R1: 8,000,000,000 credits.
#[test]
fn no_account_exceeds_the_limit() {
    check(
        "
        at 2026-01-10 10:00
        grant 8000000000 top_up
          - grant lot_2 +8000000000 = 8000000000/8000000000
        grant 0.000001 promo
          - refused: AmountLimit
        charge 1
          - charge charge_3 lot_2 -1 = 7999999999/7999999999
        grant 1 promo
          - grant lot_4 +1 = 8000000000/8000000000
        subscribe lite
          - plan_change Started = 8000000000/8000000000
          - refill = 8000000000/8000000000
        lots
          - lot_4 promo 1 of 1 until never
          - lot_2 top_up 7999999999 of 8000000000 until never
        ",
    );
}

/// R14: at the very instant it has come to its end.
#[test]
fn a_lot_expires() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo until 2026-01-10_11:00
          - grant lot_2 +10 = 10/10
        grant 20 promo until 2026-01-10_11:00
          - grant lot_3 +20 = 30/30
        grant 5 promo until 2026-01-10_12:00
          - grant lot_4 +5 = 35/35
        at 2026-01-10 10:59
        charge 3
          - charge charge_5 lot_2 -3 = 32/32
        at 2026-01-10 11:00
        charge 3
          - expiry lot_2 -7 lot_3 -20 = 5/5
          - charge charge_7 lot_4 -3 = 2/2
        charge 3
          - refused: 2 of 3, short by 1, packages [small, large], resets never
        ",
    );
}

/// R25.
#[test]
fn a_revoke_takes_what_is_unheld() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo
          - grant lot_2 +10 = 10/10
        hold 4 for a
          - hold until 01-10 11:00 lot_2 [+4] = 10/6
        revoke lot_2 1
          - revoke lot_2 -1 = 9/5
        revoke lot_2
          - revoke lot_2 -5 = 4/0
        revoke lot_2
          - revoke = 4/0
        settle a
          - settle charge_7 lot_2 -4 [-4] = 0/0
        revoke lot_2
          - revoke = 0/0
        revoke lot_3
          - refused: LotNotFound
        revoke lot_2_1
          - refused: LotNotFound
        revoke lot_2 0
          - refused: invalid credits
        ",
    );
}

/// R24: last taken first, at most what was charged, over any number of refunds.
#[test]
fn a_refund_returns_to_the_lots_that_paid() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo until 2026-02-01
          - grant lot_2 +10 = 10/10
        grant 20 promo
          - grant lot_3 +20 = 30/30
        grant 30 top_up
          - grant lot_4 +30 = 60/60
        charge 45
          - charge charge_5 lot_2 -10 lot_3 -20 lot_4 -15 = 15/15
        refund charge_5 20
          - refund lot_4 +15 lot_3 +5 = 35/35
        refund charge_5 20
          - refund lot_3 +15 lot_2 +5 = 55/55
        refund charge_5 5.000001
          - refused: refundable 5
        refund charge_5
          - refund lot_2 +5 = 60/60
        refund charge_5
          - refused: refundable 0
        refund charge_5 0
          - refused: invalid credits
        refund charge_4
          - refused: ChargeNotFound
        refund charge_77
          - refused: ChargeNotFound
        ",
    );
}

/// R24: a part whose lot has expired comes back until the end of the current cycle.
#[test]
fn a_refund_after_expiry_makes_good() {
    check(
        "
        at 2026-01-31 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        grant 10 top_up
          - grant lot_4 +10 = 3010/3010
        charge 3005
          - charge charge_5 lot_3 -3000 lot_4 -5 = 5/5
        at 2026-02-28 10:00
        refund charge_5 1005
          - refill lot_6 +3000 = 3005/3005
          - refund lot_4 +5 lot_7 +1000 = 4010/4010
        lots
          - lot_7 make_good 1000 of 1000 until 03-31 10:00
          - lot_6 subscription 3000 of 3000 until 03-31 10:00
          - lot_4 top_up 10 of 10 until never
        refund charge_5
          - refund lot_8 +2000 = 6010/6010
        lots
          - lot_7 make_good 1000 of 1000 until 03-31 10:00
          - lot_8 make_good 2000 of 2000 until 03-31 10:00
          - lot_6 subscription 3000 of 3000 until 03-31 10:00
          - lot_4 top_up 10 of 10 until never
        ",
    );
}

/// R24.
#[test]
fn a_refund_without_a_cycle_makes_good_for_thirty_days() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo until 2026-01-11
          - grant lot_2 +10 = 10/10
        charge 10
          - charge charge_3 lot_2 -10 = 0/0
        at 2026-01-12 10:00
        refund charge_3
          - refund lot_4 +10 = 10/10
        lots
          - lot_4 make_good 10 of 10 until 02-11 10:00
        ",
    );
}

/// R24: the charge's debt part comes first, off what is owed.
#[test]
fn a_refund_takes_the_debt_first() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 top_up
          - grant lot_2 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 10/0
        settle a 30 debt
          - settle charge_4 lot_2 -10 [-10] = 0/0
          - debt owes +20 = 0/0
        refund charge_4 5
          - refund owes -5 = 0/0
        refund charge_4 20
          - refund lot_2 +5 owes -15 = 5/5
        refund charge_4
          - refund lot_2 +5 = 10/10
        charge 1
          - charge charge_9 lot_2 -1 = 9/9
        ",
    );
}

/// R24: what is owed no more comes back as credits.
#[test]
fn a_refund_of_a_repaid_debt_makes_good() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 top_up
          - grant lot_2 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 10/0
        settle a 30 debt
          - settle charge_4 lot_2 -10 [-10] = 0/0
          - debt owes +20 = 0/0
        grant 15 top_up
          - grant lot_6 +15 = 15/15
          - debt_repaid lot_6 -15 owes -15 = 0/0
        refund charge_4 12
          - refund lot_8 +7 owes -5 = 7/7
        refund charge_4
          - refund lot_2 +10 lot_9 +8 = 25/25
        lots
          - lot_8 make_good 7 of 7 until 02-09 10:00
          - lot_9 make_good 8 of 8 until 02-09 10:00
          - lot_2 top_up 10 of 10 until never
        ",
    );
}

/// R24: what was written off was never paid, so there is nothing of it to give back.
#[test]
fn a_refund_returns_nothing_that_was_written_off() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 top_up
          - grant lot_2 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 10/0
        settle a 30 debt
          - settle charge_4 lot_2 -10 [-10] = 0/0
          - debt owes +20 = 0/0
        grant 5 top_up
          - grant lot_6 +5 = 5/5
          - debt_repaid lot_6 -5 owes -5 = 0/0
        forgive
          - uncollected 15 owes -15 = 0/0
        refund charge_4 16
          - refused: refundable 15
        refund charge_4
          - refund lot_2 +10 lot_9 +5 = 15/15
        refund charge_4
          - refused: refundable 0
        ",
    );
}

/// R19: a make-good lot is a new lot.
#[test]
fn a_refund_repays_another_debt() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo until 2026-01-11
          - grant lot_2 +10 = 10/10
        charge 10
          - charge charge_3 lot_2 -10 = 0/0
        at 2026-01-12 10:00
        grant 5 top_up
          - grant lot_4 +5 = 5/5
        hold 5 for a
          - hold until 01-12 11:00 lot_4 [+5] = 5/0
        settle a 12 debt
          - settle charge_6 lot_4 -5 [-5] = 0/0
          - debt owes +7 = 0/0
        refund charge_3
          - refund lot_8 +10 = 10/10
          - debt_repaid lot_8 -7 owes -7 = 3/3
        lots
          - lot_8 make_good 3 of 10 until 02-11 10:00
        ",
    );
}

/// R1: a refund does not take an account beyond the limit.
#[test]
fn no_refund_exceeds_the_limit() {
    check(
        "
        at 2026-01-10 10:00
        grant 8000000000 top_up
          - grant lot_2 +8000000000 = 8000000000/8000000000
        charge 1
          - charge charge_3 lot_2 -1 = 7999999999/7999999999
        grant 1 promo
          - grant lot_4 +1 = 8000000000/8000000000
        refund charge_3
          - refused: AmountLimit
        ",
    );
}

/// R1, R19: what is owed has a limit, too.
#[test]
fn no_debt_exceeds_the_limit() {
    check(
        "
        at 2026-01-10 10:00
        grant 2 top_up
          - grant lot_2 +2 = 2/2
        hold 1 for a
          - hold until 01-10 11:00 lot_2 [+1] = 2/1
        hold 1 for b
          - hold until 01-10 11:00 lot_2 [+1] = 2/0
        settle a 8000000000 debt
          - settle charge_5 lot_2 -1 [-1] = 1/0
          - debt owes +7999999999 = 1/0
        settle b 3 debt
          - refused: AmountLimit
        settle b 2 debt
          - settle charge_7 lot_2 -1 [-1] = 0/0
          - debt owes +1 = 0/0
        ",
    );
}
