//! Money of orders that goes back, is fought over, and comes back again (R19, R24, R27).

use scrip_core::order::ClawBack;
use scrip_core::time::Time;

use crate::scenario::{check, check_in};
use crate::world::{PLANS, World, catalog, published};

/// Small packages last ten days, large ones thirty, their bonus seven; spent credits are owed or written off.
fn world(claw_back: ClawBack) -> World {
    let mut catalog = catalog(&PLANS);
    catalog.claw_back = claw_back;
    catalog.packages[0].expires_in_days = Some(10);
    catalog.packages[1].expires_in_days = Some(30);
    catalog.packages[1].bonus_expires_in_days = Some(7);
    World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH)
}

/// R27: of what is missing, only what was spent is owed. What an operator revoked is simply gone.
#[test]
fn what_was_revoked_is_not_owed() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 30
          - charge charge_4 lot_3 -30 = 70/70
        revoke lot_3 50
          - revoke lot_3 -50 = 20/20
        truth order_2 100EUR refunded 100
          - claw_back order_2 refunded lot_3 -20 owes +30 = 0/0
        ",
    );
}

/// A part of the money: what is left is taken first, then what was revoked counts, and only the rest is owed. What was
/// counted once is not counted again.
#[test]
fn a_part_of_the_money_is_met_by_what_is_left_then_by_what_is_gone() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 50
          - charge charge_4 lot_3 -50 = 50/50
        revoke lot_3 40
          - revoke lot_3 -40 = 10/10
        truth order_2 100EUR refunded 20
          - claw_back order_2 paid lot_3 -10 = 0/0
        truth order_2 100EUR refunded 40
          - claw_back order_2 paid = 0/0
        truth order_2 100EUR refunded 70
          - claw_back order_2 paid owes +20 = 0/0
        truth order_2 100EUR refunded 70
        truth order_2 100EUR refunded 100
          - claw_back order_2 refunded owes +30 = 0/0
        ",
    );
}

/// What expired is not owed, nor is it forgotten when the lot is gone; what was spent before is.
#[test]
fn what_expired_is_not_owed_and_what_was_spent_is() {
    check_in(
        world(ClawBack::Debt),
        "
        at 2026-01-10 10:00
        order large
          - order Placed order_2 = 0/0
        truth order_2 1000EUR
          - top_up order_2 paid lot_3 +1000 lot_3_1 +200 = 1200/1200
        charge 50
          - charge charge_4 lot_3_1 -50 = 1150/1150
        at 2026-01-20 10:00
        charge 400
          - 01-17 10:00: expiry lot_3_1 -150 = 1000/1000
          - charge charge_6 lot_3 -400 = 600/600
        at 2026-03-01 10:00
        truth order_2 1000EUR lost 500
          - 02-09 10:00: expiry lot_3 -600 = 0/0
          - claw_back order_2 lost = 0/0
        truth order_2 1000EUR refunded 500 lost 500
          - claw_back order_2 lost owes +450 = 0/0
        ",
    );
}

/// The same by the other policy: only what was spent is written off.
#[test]
fn only_what_was_spent_is_written_off() {
    check_in(
        world(ClawBack::WriteOff),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 30
          - charge charge_4 lot_3 -30 = 70/70
        revoke lot_3 20
          - revoke lot_3 -20 = 50/50
        at 2026-01-21 10:00
        truth order_2 100EUR refunded 100
          - 01-20 10:00: expiry lot_3 -50 = 0/0
          - claw_back order_2 refunded uncollected 30 = 0/0
        ",
    );
}

/// What a hold has is waited for, also beyond the lot's end: what it spends is owed, what it frees comes back.
#[test]
fn a_hold_over_the_end_of_a_lot_is_waited_for() {
    check_in(
        world(ClawBack::Debt),
        "
        at 2026-01-20 09:30
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        at 2026-01-30 09:00
        hold 40 for a
          - hold until 01-30 10:00 lot_3 [+40] = 100/60
        at 2026-01-30 09:45
        truth order_2 100EUR refunded 90
          - 01-30 09:30: expiry lot_3 -60 = 40/0
          - claw_back order_2 paid = 40/0
        settle a 25
          - settle charge_7 lot_3 -25 [-40] = 15/15
          - expiry lot_3 -15 = 0/0
          - claw_back order_2 paid owes +15 = 0/0
        ",
    );
}

/// R19, R24: what is refunded of a job that such credits paid for comes off the debt that their order left; only what is
/// above that returns to the lot.
#[test]
fn a_refund_repays_the_debt_of_its_order_first() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 80
          - charge charge_4 lot_3 -80 = 20/20
        truth order_2 100EUR refunded 70
          - claw_back order_2 paid lot_3 -20 owes +50 = 0/0
        refund charge_4 30
          - refund lot_3 owes -30 = 0/0
          - order Noted order_2 = 0/0
        refund charge_4
          - refund lot_3 +30 owes -20 = 30/30
          - order Noted order_2 = 30/30
        truth order_2 100EUR refunded 100
          - claw_back order_2 refunded lot_3 -30 = 0/0
        ",
    );
}

/// What was repaid in the meantime comes back as make-good; what was written off was paid by nobody.
#[test]
fn a_refund_after_the_debt_was_repaid_or_written_off() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 100
          - charge charge_4 lot_3 -100 = 0/0
        truth order_2 100EUR lost 100
          - claw_back order_2 lost owes +100 = 0/0
        grant 60 promo
          - grant lot_6 +60 = 60/60
          - debt_repaid lot_6 -60 owes -60 = 0/0
        forgive 30
          - uncollected 30 owes -30 = 0/0
        refund charge_4
          - refund lot_3 lot_9 +60 owes -10 = 60/60
          - order Noted order_2 = 60/60
        ",
    );
    check_in(
        world(ClawBack::WriteOff),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 100
          - charge charge_4 lot_3 -100 = 0/0
        truth order_2 100EUR refunded 40
          - claw_back order_2 paid uncollected 40 = 0/0
        refund charge_4
          - refund lot_3 +60 = 60/60
          - order Noted order_2 = 60/60
        ",
    );
}

/// A refund that fails later is undone: the credits return, the debt that it made goes. Told twice, or out of order, that
/// happens once.
#[test]
fn a_refund_that_failed_is_undone() {
    check(
        "
        at 2026-01-10 10:00
        order large
          - order Placed order_2 = 0/0
        truth order_2 1000EUR
          - top_up order_2 paid lot_3 +1000 lot_3_1 +200 = 1200/1200
        charge 500
          - charge charge_4 lot_3_1 -200 lot_3 -300 = 700/700
        truth order_2 1000EUR refunded 1000
          - claw_back order_2 refunded lot_3 -700 owes +500 = 0/0
        truth order_2 1000EUR refunded 1000 failing 600
          - give_back order_2 paid lot_3 +300 owes -420 = 300/300
        truth order_2 1000EUR refunded 1000
        truth order_2 1000EUR refunded 1000 failing 600
        truth order_2 1000EUR refunded 1000 failing 1000
          - give_back order_2 paid lot_3 +400 owes -80 = 700/700
        truth order_2 1000EUR refunded 1000 failing 600
        truth order_2 1000EUR
        truth order_2 1000EUR refunded 2000 failing 1000
          - claw_back order_2 refunded lot_3 -700 owes +500 = 0/0
        ",
    );
}

/// Heard of at last when it has failed already, a refund never was.
#[test]
fn a_refund_that_failed_before_it_was_heard_of() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR refunded 100 failing 100
          - top_up order_2 paid lot_3 +100 = 100/100
          - order Noted order_2 = 100/100
        truth order_2 100EUR refunded 100
        ",
    );
}

/// Where the debt was repaid or the lot has ended, what comes back is make-good; what was written off is collected again.
#[test]
fn what_cannot_return_is_made_good() {
    check_in(
        world(ClawBack::Debt),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 60
          - charge charge_4 lot_3 -60 = 40/40
        truth order_2 100EUR refunded 100
          - claw_back order_2 refunded lot_3 -40 owes +60 = 0/0
        grant 50 promo
          - grant lot_6 +50 = 50/50
          - debt_repaid lot_6 -50 owes -50 = 0/0
        forgive 4
          - uncollected 4 owes -4 = 0/0
        at 2026-01-21 10:00
        truth order_2 100EUR refunded 100 failing 100
          - give_back order_2 paid lot_3 lot_9 +90 owes -6 = 90/90
        lots
          - lot_9 make_good 90 of 90 until 02-20 10:00
        truth order_2 100EUR refunded 200 failing 100
          - claw_back order_2 refunded owes +100 = 90/90
        ",
    );
    check_in(
        world(ClawBack::WriteOff),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 60
          - charge charge_4 lot_3 -60 = 40/40
        truth order_2 100EUR refunded 100
          - claw_back order_2 refunded uncollected 60 lot_3 -40 = 0/0
        truth order_2 100EUR refunded 100 failing 100
          - give_back order_2 paid lot_3 +40 = 40/40
        ",
    );
}

/// A make-good lot is a new lot: it repays what else is owed (R19). What is given back during a dispute is frozen.
#[test]
fn what_is_given_back_repays_and_is_frozen() {
    check_in(
        world(ClawBack::Debt),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR refunded 100
          - top_up order_2 paid lot_3 +100 = 100/100
          - claw_back order_2 refunded lot_3 -100 = 0/0
        grant 10 promo
          - grant lot_5 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_5 [+10] = 10/0
        settle a 40 debt
          - settle charge_7 lot_5 -10 [-10] = 0/0
          - debt owes +30 = 0/0
        at 2026-01-21 10:00
        truth order_2 100EUR refunded 100 failing 100
          - give_back order_2 paid lot_3 lot_9 +100 = 100/100
          - debt_repaid lot_9 -30 owes -30 = 70/70
        order small
          - order Placed order_11 = 70/70
        truth order_11 100EUR refunded 100
          - top_up order_11 paid lot_12 +100 = 170/170
          - claw_back order_11 refunded lot_12 -100 = 70/70
        truth order_11 100EUR refunded 100 failing 100 open 100
          - give_back order_11 disputed lot_12 +100 = 170/170
          - freeze order_11 disputed lot_12 <+100> = 170/70
        ",
    );
}

/// Several disputes of one payment, one after another: each is counted once, and a won one says nothing of the next.
#[test]
fn disputes_one_after_another() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR open 60
          - top_up order_2 paid lot_3 +100 = 100/100
          - freeze order_2 disputed lot_3 <+100> = 100/0
        truth order_2 100EUR won 60
          - unfreeze order_2 won lot_3 <-100> = 100/100
        truth order_2 100EUR won 60 open 40
          - freeze order_2 disputed lot_3 <+100> = 100/0
        truth order_2 100EUR open 60
        truth order_2 100EUR won 60 lost 40 open 30
          - claw_back order_2 disputed lot_3 -40 <-40> = 60/0
        truth order_2 100EUR won 60 open 40
        truth order_2 100EUR won 60 lost 40 lost 30
          - claw_back order_2 lost lot_3 -30 <-60> = 30/30
        truth order_2 100EUR won 60 lost 40 lost 30 lost 90
          - claw_back order_2 lost lot_3 -30 = 0/0
        truth order_2 100EUR won 60 lost 40 lost 30 lost 90
        ",
    );
}

/// Earlier versions heard of no inquiries: of what they kept, each dispute is found at the place that it is told at now. None
/// stays frozen, and none is lost twice.
#[test]
fn disputes_that_were_kept_without_the_inquiries_before_them() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR open 60
          - top_up order_2 paid lot_3 +100 = 100/100
          - freeze order_2 disputed lot_3 <+100> = 100/0
        truth order_2 100EUR asked 20 won 60
          - unfreeze order_2 won lot_3 <-100> = 100/100
        truth order_2 100EUR asked 20 won 60
        order small
          - order Placed order_6 = 100/100
        truth order_6 100EUR lost 60
          - top_up order_6 paid lot_7 +100 = 200/200
          - claw_back order_6 lost lot_7 -60 = 140/140
        truth order_6 100EUR asked 30 lost 60
          - order Noted order_6 = 140/140
        truth order_6 100EUR open 30 lost 60
          - freeze order_6 disputed lot_7 <+40> = 140/100
        truth order_6 100EUR asked 30 lost 60
        truth order_6 100EUR lost 30 lost 60
          - claw_back order_6 lost lot_7 -30 <-40> = 110/110
        ",
    );
}

/// Money is given back during a dispute and before one that is lost: never more than the order in total.
#[test]
fn refunds_and_disputes_add_up_to_the_order_at_most() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 10
          - charge charge_4 lot_3 -10 = 90/90
        truth order_2 100EUR refunded 30
          - claw_back order_2 paid lot_3 -30 = 60/60
        truth order_2 100EUR refunded 30 open 100
          - freeze order_2 disputed lot_3 <+60> = 60/0
        truth order_2 100EUR refunded 50 open 100
          - claw_back order_2 disputed lot_3 -20 <-20> = 40/0
        truth order_2 100EUR refunded 50 lost 100
          - claw_back order_2 lost lot_3 -40 <-40> owes +10 = 0/0
        truth order_2 100EUR refunded 50 failing 50 lost 100
          - order Noted order_2 = 0/0
        ",
    );
}

/// R1: a payment whose credits do not fit is kept in view, and credited when there is room and the provider is asked again.
#[test]
fn a_payment_that_does_not_fit_is_not_lost() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        grant 8000000000 promo
          - grant lot_3 +8000000000 = 8000000000/8000000000
        truth order_2 100EUR
          - order Noted order_2 = 8000000000/8000000000
        truth order_2 100EUR
        truth order_2 100EUR as pi_1
          - order Noted order_2 = 8000000000/8000000000
        mark order_2 invoice-1
          - refused: order received
        at 2026-02-10 10:00
        touch
        truth order_2 failed
        charge 99.5
          - charge charge_6 lot_3 -99.5 = 7999999900.5/7999999900.5
        truth order_2 100EUR
        charge 0.5
          - charge charge_7 lot_3 -0.5 = 7999999900/7999999900
        truth order_2 100EUR refunded 40
          - top_up order_2 paid lot_8 +100 = 8000000000/8000000000
          - claw_back order_2 paid lot_8 -40 = 7999999960/7999999960
        ",
    );
}
