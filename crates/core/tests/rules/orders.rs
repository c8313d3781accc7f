//! Orders: placed, paid, failed, disputed and refunded, in whatever order the provider says so (R13, R26, R27).

use scrip_core::amount::Credits;
use scrip_core::catalog::{Catalog, Limit};
use scrip_core::order::ClawBack;
use scrip_core::rejection::Rejection;
use scrip_core::tally::Per;
use scrip_core::time::Time;

use crate::scenario::{check, check_in, command};
use crate::world::{PLANS, World, catalog, published};

/// R26: the lots are made in the entry that marks the order paid, once, however often the provider says so.
#[test]
fn a_paid_order_is_credited_once() {
    check(
        "
        at 2026-01-10 10:00
        order large
          - order Placed order_2 = 0/0
        sent order_2 cs_1
          - order Sent order_2 = 0/0
        sent order_2 cs_1
        truth order_2 pending as cs_1
        truth order_2 1000EUR as cs_1 as pi_1
          - top_up order_2 paid lot_4 +1000 lot_4_1 +200 = 1200/1200
        truth order_2 1000EUR as cs_1 as pi_1
        truth order_2 pending
        truth order_2 failed
        truth order_2 expired as cs_1
        lots
          - lot_4_1 promo 200 of 200 until never
          - lot_4 top_up 1000 of 1000 until never
        mark order_2 invoice-1
          - refused: order paid
        ",
    );
}

/// R26: late, after it failed or expired, the money is credited all the same.
#[test]
fn money_that_comes_late_is_credited() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        order small
          - order Placed order_3 = 0/0
        truth order_3 failed
          - order Failed order_3 = 0/0
        truth order_3 expired
        at 2026-01-11 10:00
        touch
          - order Expired order_2 = 0/0
        truth order_2 expired
        at 2026-01-14 10:00
        truth order_2 100EUR
          - top_up order_2 paid lot_6 +100 = 100/100
        truth order_3 100EUR
          - top_up order_3 paid lot_7 +100 = 200/200
        ",
    );
}

/// A method that takes days: while the provider says that the money is on its way, the order waits for it, and again
/// where the clock gave it up before that was heard. Told again and again, that is written once a week.
#[test]
fn money_on_its_way_is_waited_for() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 processing
          - order Noted order_2 = 0/0
        truth order_2 processing
        at 2026-01-17 10:00
        truth order_2 processing
        truth order_2 pending
        at 2026-01-17 10:01
        truth order_2 processing as pi_1
          - order Noted order_2 = 0/0
        at 2026-01-31 10:00
        touch
        at 2026-02-01 10:00
        truth order_2 processing
          - 01-31 10:01: order Expired order_2 = 0/0
          - order Noted order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_7 +100 = 100/100
        truth order_2 processing
        order small
          - order Placed order_8 = 100/100
        truth order_8 failed
          - order Failed order_8 = 100/100
        truth order_8 processing
        ",
    );
}

/// What was paid is what the order costs, or nothing happens at all.
#[test]
fn another_amount_or_currency_credits_nothing() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 99EUR as cs_1
          - refused: 0.99 EUR for 1.00 EUR
        truth order_2 101EUR
          - refused: 1.01 EUR for 1.00 EUR
        truth order_2 100USD
          - refused: 1.00 USD for 1.00 EUR
        truth order_2 100EUR refunded -1
          - refused: invalid refunded
        truth order_9 100EUR
          - refused: OrderNotFound
        truth order_1 100EUR
          - refused: OrderNotFound
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        ",
    );
}

/// A payment outside a provider; what a provider says of the same order afterwards credits and takes nothing.
#[test]
fn an_operator_marks_an_order_paid() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        mark order_2
          - refused: invalid reference
        at 2026-01-20 10:00
        mark order_2 invoice-17
          - 01-11 10:00: order Expired order_2 = 0/0
          - top_up order_2 paid lot_4 +100 = 100/100
        truth order_2 100EUR refunded 100 lost 100
        ",
    );
}

/// R19: new credits repay a debt at once.
#[test]
fn a_paid_order_repays_a_debt() {
    check(
        "
        at 2026-01-10 10:00
        grant 10 promo
          - grant lot_2 +10 = 10/10
        hold 10 for a
          - hold until 01-10 11:00 lot_2 [+10] = 10/0
        settle a 40 debt
          - settle charge_4 lot_2 -10 [-10] = 0/0
          - debt owes +30 = 0/0
        order small
          - order Placed order_6 = 0/0
        truth order_6 100EUR
          - top_up order_6 paid lot_7 +100 = 100/100
          - debt_repaid lot_7 -30 owes -30 = 70/70
        ",
    );
}

/// R27: that share of credits and of bonus, rounded down; what was spent is owed. The provider states the total.
#[test]
fn money_back_takes_its_share_of_credits_and_bonus() {
    check(
        "
        at 2026-01-10 10:00
        order large
          - order Placed order_2 = 0/0
        truth order_2 1000EUR
          - top_up order_2 paid lot_3 +1000 lot_3_1 +200 = 1200/1200
        truth order_2 1000EUR refunded 333
          - claw_back order_2 paid lot_3 -333 lot_3_1 -66 = 801/801
        truth order_2 1000EUR refunded 333
        truth order_2 1000EUR refunded 100
        charge 134
          - charge charge_5 lot_3_1 -134 = 667/667
        truth order_2 1000EUR refunded 500
          - claw_back order_2 paid lot_3 -167 owes +34 = 500/500
        truth order_2 1000EUR refunded 1000
          - claw_back order_2 refunded lot_3 -500 owes +100 = 0/0
        truth order_2 1000EUR refunded 1000
        ",
    );
}

/// Less than a whole credit is not taken, but it is noted.
#[test]
fn small_change_is_noted() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        truth order_2 100EUR refunded 1
          - claw_back order_2 paid lot_3 -1 = 99/99
        truth order_2 100EUR refunded 1 as re_1
          - order Noted order_2 = 99/99
        ",
    );
}

/// R26, R27: everything at once, the first time that anything is heard of the order.
#[test]
fn a_refund_told_with_the_payment() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR refunded 60
          - top_up order_2 paid lot_3 +100 = 100/100
          - claw_back order_2 paid lot_3 -60 = 40/40
        order small
          - order Placed order_5 = 40/40
        truth order_5 100EUR open 100
          - top_up order_5 paid lot_6 +100 = 140/140
          - freeze order_5 disputed lot_6 <+100> = 140/40
        ",
    );
}

/// R27: an opened dispute freezes what is unheld, holds live on, and what they free is frozen as well.
#[test]
fn a_dispute_freezes_and_a_won_one_frees() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        hold 30 for a
          - hold until 01-10 11:00 lot_3 [+30] = 100/70
        hold 20 for b
          - hold until 01-10 11:00 lot_3 [+20] = 100/50
        truth order_2 100EUR open 100
          - freeze order_2 disputed lot_3 <+50> = 100/0
        truth order_2 100EUR open 100
        charge 1
          - refused: 0 of 1, short by 1, packages [small, large], resets never
        settle a 10
          - settle charge_7 lot_3 -10 [-30] = 90/20
          - freeze order_2 disputed lot_3 <+20> = 90/0
        at 2026-01-10 11:00
        touch
          - hold_expired lot_3 [-20] = 90/20
          - freeze order_2 disputed lot_3 <+20> = 90/0
        truth order_2 100EUR won 100
          - unfreeze order_2 won lot_3 <-90> = 90/90
        truth order_2 100EUR open 100
        truth order_2 100EUR won 100
        ",
    );
}

/// R27: a lost dispute takes what is left, waits for what a hold has, and what that spends is owed.
#[test]
fn a_lost_dispute_takes_what_is_left() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 20
          - charge charge_4 lot_3 -20 = 80/80
        hold 30 for a
          - hold until 01-10 11:00 lot_3 [+30] = 80/50
        truth order_2 100EUR open 100
          - freeze order_2 disputed lot_3 <+50> = 80/0
        truth order_2 100EUR lost 100
          - claw_back order_2 lost lot_3 -50 <-50> owes +20 = 30/0
        truth order_2 100EUR won 100
        settle a 10
          - settle charge_8 lot_3 -10 [-30] = 20/20
          - claw_back order_2 lost lot_3 -20 owes +10 = 0/0
        ",
    );
}

/// The dispute's end is heard of before its beginning; a part of the money leaves the rest free.
#[test]
fn a_dispute_that_is_closed_before_it_is_opened() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        truth order_2 100EUR won 100
          - order Noted order_2 = 100/100
        truth order_2 100EUR open 100
        order small
          - order Placed order_5 = 100/100
        truth order_5 100EUR open 40
          - top_up order_5 paid lot_6 +100 = 200/200
          - freeze order_5 disputed lot_6 <+100> = 200/100
        truth order_5 100EUR lost 40
          - claw_back order_5 lost lot_6 -40 <-100> = 160/160
        ",
    );
}

/// Money is given back while the bank still asks: the rest stays frozen.
#[test]
fn a_refund_during_a_dispute() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR open 100
          - top_up order_2 paid lot_3 +100 = 100/100
          - freeze order_2 disputed lot_3 <+100> = 100/0
        truth order_2 100EUR refunded 30 open 100
          - claw_back order_2 disputed lot_3 -30 <-30> = 70/0
        truth order_2 100EUR refunded 30 won 100
          - unfreeze order_2 won lot_3 <-70> = 70/70
        ",
    );
}

/// R22, R27: what a hold frees of a lot that is to come back, comes back.
#[test]
fn what_a_hold_frees_comes_back() {
    check(
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        hold 100 for a
          - hold until 01-10 11:00 lot_3 [+100] = 100/0
        truth order_2 100EUR refunded 50
          - order Noted order_2 = 100/0
        release a
          - release lot_3 [-100] = 100/100
          - claw_back order_2 paid lot_3 -50 = 50/50
        ",
    );
}

fn with(change: impl FnOnce(&mut Catalog)) -> World {
    let mut catalog = catalog(&PLANS);
    change(&mut catalog);
    World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH)
}

/// R27: by policy, nobody owes what was spent.
#[test]
fn spent_credits_are_written_off_by_policy() {
    check_in(
        with(|catalog| catalog.claw_back = ClawBack::WriteOff),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR
          - top_up order_2 paid lot_3 +100 = 100/100
        charge 70
          - charge charge_4 lot_3 -70 = 30/30
        truth order_2 100EUR lost 100
          - claw_back order_2 lost uncollected 70 lot_3 -30 = 0/0
        ",
    );
}

/// R13: a package's own expiry counts from the payment; what ended by itself is owed by nobody.
#[test]
fn credits_and_bonus_expire_as_the_package_says() {
    check_in(
        with(|catalog| {
            catalog.packages[1].expires_in_days = Some(30);
            catalog.packages[1].bonus_expires_in_days = Some(7);
        }),
        "
        at 2026-01-10 10:00
        order large
          - order Placed order_2 = 0/0
        at 2026-01-10 12:00
        truth order_2 1000EUR
          - top_up order_2 paid lot_3 +1000 lot_3_1 +200 = 1200/1200
        lots
          - lot_3_1 promo 200 of 200 until 01-17 12:00
          - lot_3 top_up 1000 of 1000 until 02-09 12:00
        charge 10
          - charge charge_4 lot_3_1 -10 = 1190/1190
        at 2026-01-20 10:00
        truth order_2 1000EUR refunded 1000
          - 01-17 12:00: expiry lot_3_1 -190 = 1000/1000
          - claw_back order_2 refunded lot_3 -1000 owes +10 = 0/0
        ",
    );
}

/// A frozen lot does not expire; once free again it does, at once.
#[test]
fn a_frozen_lot_expires_when_it_is_free() {
    check_in(
        with(|catalog| catalog.packages[0].expires_in_days = Some(1)),
        "
        at 2026-01-10 10:00
        order small
          - order Placed order_2 = 0/0
        truth order_2 100EUR open 100
          - top_up order_2 paid lot_3 +100 = 100/100
          - freeze order_2 disputed lot_3 <+100> = 100/0
        at 2026-01-12 10:00
        touch
        truth order_2 100EUR won 100
          - unfreeze order_2 won lot_3 <-100> = 100/100
          - expiry lot_3 -100 = 0/0
        ",
    );
}

/// What cannot be bought is neither sold nor suggested.
#[test]
fn packages_that_are_not_for_this_account_now() {
    check_in(
        with(|catalog| {
            catalog.packages[0].limit = Some(Limit { count: 1, per: Per::Day });
            catalog.packages[1].needs_plan = true;
            catalog.packages[1].until = Some("2026-02-01T00:00:00Z".parse().unwrap());
        }),
        "
        at 2026-01-10 10:00
        order nothing
          - refused: PackageNotFound
        order large
          - refused: needs_plan
        charge 10
          - refused: 0 of 10, short by 10, packages [small], resets never
        order small
          - order Placed order_2 = 0/0
        order small
          - refused: limit
        charge 10
          - refused: 0 of 10, short by 10, packages [], resets never
        truth order_2 failed
          - order Failed order_2 = 0/0
        order small
          - order Placed order_4 = 0/0
        truth order_4 100EUR
          - top_up order_4 paid lot_5 +100 = 100/100
        at 2026-01-10 23:59
        order small
          - refused: limit
        at 2026-01-11 00:00
        order small
          - order Placed order_6 = 100/100
        subscribe lite
          - plan_change Started = 100/100
          - refill lot_8 +3000 = 3100/3100
        order large
          - order Placed order_9 = 3100/3100
        set paused
          - plan_change StateChanged = 3100/3100
        order large
          - refused: needs_plan
        at 2026-02-01 00:00
        order large
          - 01-12 00:00: order Expired order_6 = 3100/3100
          - 01-12 00:00: order Expired order_9 = 3100/3100
          - refused: dates
        ",
    );
}

/// R1: no account grows beyond the limit, not by an order either.
#[test]
fn an_order_that_would_not_fit_is_not_placed() {
    check_in(
        with(|catalog| catalog.packages[0].credits = Credits::MAX),
        "
        at 2026-01-10 10:00
        grant 1 promo
          - grant lot_2 +1 = 1/1
        order small
          - refused: AmountLimit
        ",
    );
}

/// However many orders one command has consequences for: what is too much for one is done by the next.
#[test]
fn hundreds_of_disputes_follow_one_release() {
    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    let orders = 300;
    let run = |world: &mut World, line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        world.submit(&command(&words)).unwrap();
    };
    run(&mut world, "live in UTC");
    let ids: Vec<u64> = (0..orders)
        .map(|_| {
            run(&mut world, "order small");
            let id = world.account.seq;
            run(&mut world, &format!("truth order_{id} 100EUR"));
            id
        })
        .collect();
    run(&mut world, &format!("hold {} for a", orders * 100));
    for id in ids {
        run(&mut world, &format!("truth order_{id} 100EUR open 100"));
    }
    run(&mut world, "release a");
    assert!(world.account.totals().available().is_positive());
    run(&mut world, "grant 1 promo");
    assert_eq!(world.account.totals().available(), Credits::whole(1));
}

/// Orders that wait are a part of the account's state, and anybody with a token can place them: at most a hundred.
#[test]
fn at_most_a_hundred_orders_wait() {
    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    let mut run = |line: &str| world.submit(&command(&line.split(' ').collect::<Vec<_>>()));
    run("live in UTC").unwrap();
    for _ in 0..100 {
        run("order small").unwrap();
    }
    assert_eq!(run("order small"), Err(Rejection::TooManyPendingOrders { limit: 100 }));
    run("truth order_2 failed").unwrap();
    run("order small").unwrap();
    assert_eq!(run("order large"), Err(Rejection::TooManyPendingOrders { limit: 100 }));
}
