//! Plans that renew by payment (R17a): paid through, grace, past due, and back; each payment is of an order.

use scrip_core::catalog::Price;
use scrip_core::plan::Renews;
use scrip_core::time::Time;

use crate::scenario::check_in;
use crate::world::{PLANS, World, catalog, published};

/// `lite` and `pro` cost money and renew by payment, within so many days; so does `lite-year`.
fn world(grace_days: u32) -> World {
    let mut catalog = catalog(&PLANS);
    for plan in &mut catalog.plans {
        plan.terms.renews = Renews::Payment { grace_days };
        plan.price = Some(Price { amount: 900, currency: "EUR".into() });
    }
    catalog.plans[5].price = None;
    World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH)
}

/// With a grace of three days.
#[track_caller]
pub(crate) fn check(scenario: &str) {
    check_in(world(3), scenario);
}

/// The first payment begins the plan; the next, a little late, finds the cycle refilled already and grants nothing more.
#[test]
fn a_plan_is_bought_and_paid_on() {
    check(
        "
        at 2026-01-31 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR as in_1
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        truth order_2 900EUR as in_1
        plan
          - lite 3000 active, term 01-31 10:00 to 02-28 10:00, cycle 01-31 10:00 to 02-28 10:00
        at 2026-03-01 10:00
        buy lite
          - 02-28 10:00: expiry lot_5 -3000 = 0/0
          - 02-28 10:00: refill lot_7 +3000 = 3000/3000
          - order Placed order_8 = 3000/3000
        truth order_8 900EUR
          - order Paid order_8 = 3000/3000
          - plan_change Paid = 3000/3000
        at 2026-03-04 10:00
        touch
        at 2026-03-31 10:00
        touch
          - expiry lot_7 -3000 = 0/0
          - refill lot_12 +3000 = 3000/3000
        ",
    );
}

/// Unpaid when the grace is over: past due, no refill, and what was granted lives to its expiry. A payment makes it active
/// again and grants the current cycle once; missed ones are not made up, and the grace was used.
#[test]
fn what_is_not_paid_is_past_due() {
    check(
        "
        at 2026-01-10 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_5 -3000 = 0/0
          - 02-10 10:00: refill lot_7 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        balance
          - 3000/3000, resets never
        at 2026-04-20 10:00
        buy lite
          - 03-10 10:00: expiry lot_7 -3000 = 0/0
          - order Placed order_10 = 0/0
        truth order_10 900EUR
          - order Paid order_10 = 0/0
          - plan_change Paid = 0/0
          - refill lot_13 +3000 = 3000/3000
        plan
          - lite 3000 active, term 04-10 10:00 to 05-10 10:00, cycle 04-10 10:00 to 05-10 10:00
        at 2026-05-13 10:00
        touch
          - 05-10 10:00: plan_change StateChanged = 3000/3000
          - 05-10 10:00: expiry lot_13 -3000 = 0/0
        ",
    );
}

/// What paying for a plan would do is known beforehand, however the present one stands, and is what it then does.
#[test]
fn what_a_payment_does_is_previewed() {
    check(
        "
        at 2026-01-10 10:00
        preview-paid lite
          - grants 3000, then 3000; lite 3000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        preview-paid pro
          - grants 9000, then 12000; pro 12000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        set paused
          - plan_change StateChanged = 3000/3000
        preview-paid pro
          - grants 0, then 3000; pro 12000 paused, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        set active
          - plan_change StateChanged = 3000/3000
        set past_due
          - plan_change StateChanged = 3000/3000
        preview-paid lite
          - grants 0, then 3000; lite 3000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        preview-paid pro
          - grants 9000, then 12000; pro 12000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        at 2026-04-20 10:00
        preview lite
          - from 04-20 10:00 grants 0 of 3000, then 0; lite 3000 past_due, term 04-10 10:00 to 05-10 10:00, cycle 04-10 10:00 to 05-10 10:00
        preview-paid lite
          - grants 3000, then 3000; lite 3000 active, term 04-10 10:00 to 05-10 10:00, cycle 04-10 10:00 to 05-10 10:00
        buy lite
          - 02-10 10:00: expiry lot_5 -3000 = 0/0
          - order Placed order_10 = 0/0
        truth order_10 900EUR
          - order Paid order_10 = 0/0
          - plan_change Paid = 0/0
          - refill lot_13 +3000 = 3000/3000
        ",
    );
}

/// The same where something waits for the end of the term: it waits on where the present term is paid, and not where a
/// payment begins another.
#[test]
fn what_waits_while_a_payment_is_late_is_previewed_too() {
    let late = "
        at 2026-01-10 10:00
        subscribe pro
          - plan_change Started = 0/0
          - refill lot_3 +12000 = 12000/12000
        at 2026-02-14 10:00
        touch
          - 02-10 10:00: expiry lot_3 -12000 = 0/0
          - 02-10 10:00: refill lot_5 +12000 = 12000/12000
          - 02-13 10:00: plan_change StateChanged = 12000/12000
        ";
    check(&format!(
        "{late}
        cancel
          - plan_change Scheduled = 12000/12000
        preview-paid pro
          - grants 0, then 12000; pro 12000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00, ends
        preview-paid lite
          - grants 0, then 12000; lite 3000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00
        preview pro
          - from 02-14 10:00 grants 0 of 12000, then 12000; pro 12000 past_due, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00
        buy pro
          - order Placed order_8 = 12000/12000
        truth order_8 900EUR
          - order Paid order_8 = 12000/12000
          - plan_change Paid = 12000/12000
        plan
          - pro 12000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00, ends
        "
    ));
    check(&format!(
        "{late}
        subscribe lite
          - plan_change Scheduled = 12000/12000
        preview-paid pro
          - grants 0, then 12000; pro 12000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00, next lite
        "
    ));
    // Past due by the studio's word, with the term paid: the payment is for the next, so there is one.
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set past_due
          - plan_change StateChanged = 3000/3000
        cancel
          - plan_change Scheduled = 3000/3000
        preview-paid lite
          - grants 0, then 3000; lite 3000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        ",
    );
}

/// What was looked at stands no more: another plan, another who pays, or, while nothing is refilled, another term, of which there
/// is no entry.
#[test]
fn what_was_looked_at_must_stand_still() {
    check(
        "
        at 2026-01-10 10:00
        look
        seen buy lite
          - order Placed order_2 = 0/0
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_4 +3000 = 3000/3000
        seen buy lite
          - refused: overtaken
        look
        seen buy pro
          - order Placed order_5 = 3000/3000
        subscribe pro
          - plan_change Changed = 3000/3000
          - refill lot_7 +9000 = 12000/12000
        seen buy pro
          - refused: overtaken
        seen buy lite
          - refused: overtaken
        ",
    );
    for state in ["paused", "past_due"] {
        check(&format!(
            "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set {state}
          - plan_change StateChanged = 3000/3000
        at 2026-02-10 09:59
        look
        at 2026-02-10 10:00
        touch
          - expiry lot_3 -3000 = 0/0
        seen cancel
          - refused: overtaken
        seen subscribe saver
          - refused: overtaken
        seen buy lite
          - refused: overtaken
        look
        seen cancel
          - plan_change Scheduled = 0/0
        "
        ));
    }
    check(
        "
        at 2026-01-31 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR as in_1
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        look
        billing order_2
          - billing began order_2 = 3000/3000
        seen cancel
          - refused: overtaken
        ",
    );
}

/// A plan that was paid elsewhere is paid to the end of its present term; past due there, its first
/// payment here is for that term.
#[test]
fn a_plan_that_comes_from_elsewhere_is_paid_for_its_term() {
    check(
        "
        on 2026-02-20 10:00
        arrive lite active from 2026-01-15 left 40
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +40 = 40/40
        at 2026-03-18 00:00
        touch
          - 03-15 00:00: expiry lot_3 -40 = 0/0
          - 03-15 00:00: refill lot_5 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        ",
    );
    check(
        "
        on 2026-02-20 10:00
        arrive lite past_due from 2026-01-15
          - account = 0/0
          - plan_change Started = 0/0
        buy lite
          - order Placed order_3 = 0/0
        truth order_3 900EUR
          - order Paid order_3 = 0/0
          - plan_change Paid = 0/0
          - refill lot_6 +3000 = 3000/3000
        at 2026-03-18 00:00
        touch
          - 03-15 00:00: expiry lot_6 -3000 = 0/0
          - 03-15 00:00: refill lot_8 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        ",
    );
    check(
        "
        on 2026-02-20 10:00
        arrive lite past_due from 2026-01-15 left 40
          - account = 0/0
          - plan_change Started = 0/0
          - refill lot_3 +40 = 40/40
          - plan_change StateChanged = 40/40
        buy lite
          - order Placed order_5 = 40/40
        truth order_5 900EUR
          - order Paid order_5 = 40/40
          - plan_change Paid = 40/40
        at 2026-03-18 00:00
        touch
          - 03-15 00:00: expiry lot_3 -40 = 0/0
          - 03-15 00:00: refill lot_9 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        ",
    );
}

/// A payment that comes after the grace, in the cycle that the grace had refilled, grants nothing twice.
#[test]
fn a_late_payment_doubles_nothing() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-02-20 10:00
        buy lite
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - 02-13 10:00: plan_change StateChanged = 3000/3000
          - order Placed order_7 = 3000/3000
        truth order_7 900EUR
          - order Paid order_7 = 3000/3000
          - plan_change Paid = 3000/3000
        truth order_7 900EUR
        at 2026-03-10 10:00
        touch
          - expiry lot_5 -3000 = 0/0
          - refill lot_11 +3000 = 3000/3000
        ",
    );
}

/// Without grace, the turn itself makes it past due.
#[test]
fn without_grace_the_turn_refills_nothing() {
    check_in(
        world(0),
        "
        at 2026-01-10 10:00
        subscribe saver
          - plan_change Started = 0/0
          - refill lot_3 +1000 = 1000/1000
        at 2026-02-10 10:00
        touch
          - plan_change StateChanged = 1000/1000
          - expiry lot_3 -1000 = 0/0
        ",
    );
}

/// R17a: a customer's own upgrade grants when it is paid; a smaller plan that is paid waits for the end of the term.
#[test]
fn an_upgrade_grants_when_it_is_paid() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        buy pro
          - order Placed order_4 = 3000/3000
        at 2026-01-10 12:00
        truth order_4 900EUR
          - order Paid order_4 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_7 +9000 = 12000/12000
        buy lite
          - order Placed order_8 = 12000/12000
        truth order_8 900EUR
          - order Paid order_8 = 12000/12000
          - plan_change Paid = 12000/12000
        plan
          - pro 12000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00, next lite
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_3 -3000 lot_7 -9000 = 0/0
          - 02-10 10:00: plan_change TookEffect = 0/0
          - 02-10 10:00: refill lot_13 +3000 = 3000/3000
        ",
    );
}

/// A year that is paid for refills monthly, and its grace begins with the next year.
#[test]
fn a_year_is_paid_at_once() {
    check(
        "
        at 2026-01-10 10:00
        buy lite-year
          - order Placed order_2 = 0/0
        mark order_2 invoice-3
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        at 2026-02-20 10:00
        touch
          - 02-10 10:00: expiry lot_5 -3000 = 0/0
          - 02-10 10:00: refill lot_7 +3000 = 3000/3000
        plan
          - lite-year 3000 active, term 01-10 10:00 to 2027-01-10 10:00, cycle 02-10 10:00 to 03-10 10:00
        ",
    );
}

/// The studio's own word that a subscription is active stands for the payment; a plan without a price is not sold.
#[test]
fn the_studio_may_say_that_it_is_paid() {
    check(
        "
        at 2026-01-10 10:00
        buy keeper
          - refused: PlanNotForSale
        buy nothing
          - refused: PlanNotFound
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-02-14 10:00
        set active
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - 02-13 10:00: plan_change StateChanged = 3000/3000
          - plan_change StateChanged = 3000/3000
        at 2026-03-10 10:00
        touch
          - expiry lot_5 -3000 = 0/0
          - refill lot_9 +3000 = 3000/3000
        ",
    );
}

/// At most one term ahead can be paid, and an upgrade takes nothing of it along: twelve cheap payments are not a year of
/// the best plan.
#[test]
fn one_term_ahead_and_no_more() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        buy lite
          - order Placed order_4 = 3000/3000
        buy lite
          - order Placed order_5 = 3000/3000
        truth order_4 900EUR
          - order Paid order_4 = 3000/3000
          - plan_change Paid = 3000/3000
        buy lite
          - refused: PlanNotForSale
        buy saver
          - refused: PlanNotForSale
        truth order_5 900EUR
          - order Paid order_5 = 3000/3000
        buy pro
          - order Placed order_9 = 3000/3000
        truth order_9 900EUR
          - order Paid order_9 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_12 +9000 = 12000/12000
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_3 -3000 lot_12 -9000 = 0/0
          - 02-10 10:00: refill lot_14 +12000 = 12000/12000
          - plan_change StateChanged = 12000/12000
        ",
    );
}

/// What would buy nothing is not marked paid by hand: whoever does that would think that it did.
#[test]
fn what_would_buy_nothing_is_not_marked_paid() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        buy lite
          - order Placed order_4 = 3000/3000
        buy lite
          - order Placed order_5 = 3000/3000
        mark order_4 invoice-4
          - order Paid order_4 = 3000/3000
          - plan_change Paid = 3000/3000
        mark order_5 invoice-5
          - refused: PlanNotForSale
        ",
    );
}

/// A change that was paid for and is called off takes its payment with it: a cheap term does not pay for a dear one.
#[test]
fn calling_a_change_off_calls_its_payment_off() {
    let paid_change = "
        at 2026-01-10 10:00
        subscribe pro
          - plan_change Started = 0/0
          - refill lot_3 +12000 = 12000/12000
        buy lite
          - order Placed order_4 = 12000/12000
        truth order_4 900EUR
          - order Paid order_4 = 12000/12000
          - plan_change Paid = 12000/12000
        ";
    let past_due_on_pro = "
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_3 -12000 = 0/0
          - 02-10 10:00: refill lot_LOT +12000 = 12000/12000
          - plan_change StateChanged = 12000/12000
        ";
    let called_off = "
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        ";
    let cancelled = "
        cancel
          - plan_change Scheduled = 12000/12000
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        ";
    check(&format!("{paid_change}{called_off}{}", past_due_on_pro.replace("LOT", "9")));
    check(&format!("{paid_change}{cancelled}{}", past_due_on_pro.replace("LOT", "10")));
}

/// Paying every second cycle does not give every cycle: what the grace gave and nobody paid for is given once, until a
/// term is paid in time again.
#[test]
fn unpaid_grace_is_given_once() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-03-10 10:00
        buy lite
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - 02-13 10:00: plan_change StateChanged = 3000/3000
          - expiry lot_5 -3000 = 0/0
          - order Placed order_8 = 0/0
        truth order_8 900EUR
          - order Paid order_8 = 0/0
          - plan_change Paid = 0/0
          - refill lot_11 +3000 = 3000/3000
        at 2026-05-10 10:00
        buy lite
          - 04-10 10:00: plan_change StateChanged = 3000/3000
          - 04-10 10:00: expiry lot_11 -3000 = 0/0
          - order Placed order_14 = 0/0
        truth order_14 900EUR
          - order Paid order_14 = 0/0
          - plan_change Paid = 0/0
          - refill lot_17 +3000 = 3000/3000
        at 2026-06-10 11:00
        buy lite
          - 06-10 10:00: plan_change StateChanged = 3000/3000
          - 06-10 10:00: expiry lot_17 -3000 = 0/0
          - order Placed order_20 = 0/0
        truth order_20 900EUR
          - order Paid order_20 = 0/0
          - plan_change Paid = 0/0
          - refill lot_23 +3000 = 3000/3000
        at 2026-07-10 10:00
        touch
          - expiry lot_23 -3000 = 0/0
          - refill lot_25 +3000 = 3000/3000
        ",
    );
}

/// A payment for the term that runs, late or not, leaves what waits for its end; a smaller plan that is paid in a term
/// that is not begins at once, and has no grace for what the larger one gave.
#[test]
fn a_late_payment_leaves_what_waits() {
    check(
        "
        at 2026-01-10 10:00
        subscribe pro
          - plan_change Started = 0/0
          - refill lot_3 +12000 = 12000/12000
        at 2026-02-10 11:00
        subscribe lite
          - 02-10 10:00: expiry lot_3 -12000 = 0/0
          - 02-10 10:00: refill lot_5 +12000 = 12000/12000
          - plan_change Scheduled = 12000/12000
        buy pro
          - order Placed order_7 = 12000/12000
        truth order_7 900EUR
          - order Paid order_7 = 12000/12000
          - plan_change Paid = 12000/12000
        plan
          - pro 12000 active, term 02-10 10:00 to 03-10 10:00, cycle 02-10 10:00 to 03-10 10:00, next lite
        subscribe pro
          - plan_change Unscheduled = 12000/12000
        at 2026-03-10 11:00
        buy lite
          - 03-10 10:00: expiry lot_5 -12000 = 0/0
          - 03-10 10:00: refill lot_12 +12000 = 12000/12000
          - order Placed order_13 = 12000/12000
        truth order_13 900EUR
          - order Paid order_13 = 12000/12000
          - plan_change Paid = 12000/12000
        plan
          - lite 3000 active, term 03-10 10:00 to 04-10 10:00, cycle 03-10 10:00 to 04-10 10:00
        at 2026-04-10 10:00
        touch
          - plan_change StateChanged = 12000/12000
          - expiry lot_12 -12000 = 0/0
        ",
    );
}

/// The studio's word counts in the grace too; and what the clock renews waits for no payment.
#[test]
fn active_in_the_grace_is_a_payment() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set active
        at 2026-02-11 10:00
        set active
          - 02-10 10:00: expiry lot_3 -3000 = 0/0
          - 02-10 10:00: refill lot_5 +3000 = 3000/3000
          - plan_change Paid = 3000/3000
        set active
        at 2026-02-13 10:00
        touch
        ",
    );
    let mut catalog = catalog(&PLANS);
    for plan in &mut catalog.plans {
        plan.price = Some(Price { amount: 900, currency: "EUR".into() });
    }
    check_in(
        World::new(published(vec![(Time::EPOCH, catalog)]), Time::EPOCH),
        "
        at 2026-01-10 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        buy lite
          - refused: PlanNotForSale
        buy saver
          - refused: PlanNotForSale
        buy pro
          - order Placed order_4 = 3000/3000
        ",
    );
}

/// A plan that is new and past due is not paid: the first payment is for the present cycle, and not for one ahead.
#[test]
fn a_new_plan_that_is_past_due_is_not_paid() {
    check(
        "
        at 2026-01-10 10:00
        subscribe lite past_due
          - plan_change Started = 0/0
        buy lite
          - order Placed order_3 = 0/0
        truth order_3 900EUR
          - order Paid order_3 = 0/0
          - plan_change Paid = 0/0
          - refill lot_6 +3000 = 3000/3000
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_6 -3000 = 0/0
          - 02-10 10:00: refill lot_8 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        ",
    );
}

/// R27: all the money of the present term is gone. It is past due at once, and what is left of the refill is taken back; what
/// was spent is owed by nobody. Paid again, the cycle grants again what was taken.
#[test]
fn money_back_of_a_plan_takes_the_refill_that_is_left() {
    check(
        "
        at 2026-01-10 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        charge 1000
          - charge charge_6 lot_5 -1000 = 2000/2000
        hold 300 for a
          - hold until 01-10 11:00 lot_5 [+300] = 2000/1700
        truth order_2 900EUR refunded 400
          - order Noted order_2 = 2000/1700
        truth order_2 900EUR refunded 900
          - claw_back order_2 refunded lot_5 -1700 = 300/0
          - plan_change Unpaid = 300/0
        truth order_2 900EUR refunded 900
        plan
          - lite 3000 past_due, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00
        release a
          - release lot_5 [-300] = 300/300
        buy lite
          - order Placed order_12 = 300/300
        truth order_12 900EUR
          - order Paid order_12 = 300/300
          - plan_change Paid = 300/300
          - refill lot_15 +1700 = 2000/2000
        at 2026-02-13 10:00
        touch
          - 02-10 10:00: expiry lot_5 -300 lot_15 -1700 = 0/0
          - 02-10 10:00: refill lot_17 +3000 = 3000/3000
          - plan_change StateChanged = 3000/3000
        ",
    );
}

/// A refund that fails later puts all of it back.
#[test]
fn a_refund_of_a_plan_that_failed_is_undone() {
    check(
        "
        at 2026-01-10 10:00
        buy lite-year
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        at 2026-03-20 10:00
        truth order_2 900EUR lost 900
          - 02-10 10:00: expiry lot_5 -3000 = 0/0
          - 02-10 10:00: refill lot_7 +3000 = 3000/3000
          - 03-10 10:00: expiry lot_7 -3000 = 0/0
          - 03-10 10:00: refill lot_9 +3000 = 3000/3000
          - claw_back order_2 lost lot_9 -3000 = 0/0
          - plan_change Unpaid = 0/0
        at 2026-05-20 10:00
        touch
        buy lite
          - order Placed order_12 = 0/0
        truth order_12 900EUR refunded 900
          - order Paid order_12 = 0/0
          - plan_change Paid = 0/0
          - refill lot_15 +3000 = 3000/3000
          - claw_back order_12 refunded lot_15 -3000 = 0/0
          - plan_change Unpaid = 0/0
        truth order_12 900EUR refunded 900 failing 900
          - order Noted order_12 = 0/0
          - plan_change Paid = 0/0
          - refill lot_20 +3000 = 3000/3000
        truth order_12 900EUR refunded 900
        ",
    );
}

/// The money of a term ahead, of a term that is over, and of a plan that was left for another: nothing that was granted is
/// taken.
#[test]
fn money_back_of_another_term_takes_nothing() {
    check(
        "
        at 2026-01-10 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        buy lite
          - order Placed order_6 = 3000/3000
        truth order_6 900EUR
          - order Paid order_6 = 3000/3000
          - plan_change Paid = 3000/3000
        truth order_6 900EUR refunded 900
          - order Noted order_6 = 3000/3000
          - plan_change Unpaid = 3000/3000
        buy pro
          - order Placed order_11 = 3000/3000
        truth order_11 900EUR
          - order Paid order_11 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_14 +9000 = 12000/12000
        truth order_2 900EUR refunded 900
          - order Noted order_2 = 12000/12000
        at 2026-02-11 10:00
        truth order_11 900EUR refunded 900
          - 02-10 10:00: expiry lot_5 -3000 lot_14 -9000 = 0/0
          - 02-10 10:00: refill lot_17 +12000 = 12000/12000
          - order Noted order_11 = 12000/12000
        ",
    );
}

/// A plan that was left for a larger one, and waits to follow it again: what had paid for it is no payment of what stands.
#[test]
fn money_back_of_a_plan_that_waits_again_takes_nothing_of_what_stands() {
    check(
        "
        at 2026-01-10 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        buy pro
          - order Placed order_6 = 3000/3000
        truth order_6 900EUR
          - order Paid order_6 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_9 +9000 = 12000/12000
        subscribe lite
          - plan_change Scheduled = 12000/12000
        truth order_2 900EUR refunded 900
          - order Noted order_2 = 12000/12000
        plan
          - pro 12000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00, next lite
        ",
    );
}

/// A year that was left for a larger plan, and another year of the same plan after that: the first one's money is not the
/// second one's, neither while that waits nor when it has begun.
#[test]
fn money_back_of_a_year_that_was_left_takes_nothing_of_the_next_one() {
    for after in [
        "
        truth order_2 900EUR refunded 900
          - order Noted order_2 = 12000/12000
        plan
          - pro 12000 active, term 01-10 10:00 to 02-10 10:00, cycle 01-10 10:00 to 02-10 10:00, next lite-year
        ",
        "
        at 2026-02-11 10:00
        truth order_2 900EUR refunded 900
          - 02-10 10:00: expiry lot_5 -3000 lot_9 -9000 = 0/0
          - 02-10 10:00: plan_change TookEffect = 0/0
          - 02-10 10:00: refill lot_15 +3000 = 3000/3000
          - order Noted order_2 = 3000/3000
        ",
    ] {
        let years = "
        at 2026-01-10 10:00
        buy lite-year
          - order Placed order_2 = 0/0
        truth order_2 900EUR
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        buy pro
          - order Placed order_6 = 3000/3000
        truth order_6 900EUR
          - order Paid order_6 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_9 +9000 = 12000/12000
        buy lite-year
          - order Placed order_10 = 12000/12000
        truth order_10 900EUR
          - order Paid order_10 = 12000/12000
          - plan_change Paid = 12000/12000
        ";
        check(&format!("{years}{after}"));
    }
}
