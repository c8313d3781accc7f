//! Plans that a provider's subscription pays for (R17, R17a): each of its payments buys one term, whatever else is asked for
//! beside it.

use crate::paid_plans::check;

/// A provider's subscription pays term by term. What it has paid is counted from its begin: told late, in the wrong order
/// or all at once, it is the same.
#[test]
fn a_subscription_of_the_providers_pays_for_each_term() {
    check(
        "
        at 2026-01-31 10:00
        buy lite
          - order Placed order_2 = 0/0
        billing order_2
        truth order_2 900EUR as sub_1
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        billing order_2
          - billing began order_2 = 3000/3000
        billing order_2
        buy lite
          - refused: PlanNotForSale
        at 2026-02-28 12:00
        invoice in_2 of order_2 for 2 months
          - 02-28 10:00: expiry lot_5 -3000 = 0/0
          - 02-28 10:00: refill lot_8 +3000 = 3000/3000
          - order Paid order_9 = 3000/3000
          - plan_change Paid = 3000/3000
        at 2026-04-04 10:00
        touch
          - 03-31 10:00: expiry lot_8 -3000 = 0/0
          - 03-31 10:00: refill lot_12 +3000 = 3000/3000
          - 04-03 10:00: plan_change StateChanged = 3000/3000
        at 2026-05-02 10:00
        invoice in_4 of order_2 for 4 months
          - 04-30 10:00: expiry lot_12 -3000 = 0/0
          - order Paid order_15 = 0/0
          - plan_change Paid = 0/0
          - refill lot_17 +3000 = 3000/3000
        invoice in_3 of order_2 for 3 months
          - order Paid order_18 = 3000/3000
        plan
          - lite 3000 active, term 04-30 10:00 to 05-31 10:00, cycle 04-30 10:00 to 05-31 10:00
        cancel
          - plan_change Scheduled = 3000/3000
        billing of order_9 over
        billing of order_2 over
          - billing ended = 3000/3000
        at 2026-06-01 10:00
        touch
          - 05-31 10:00: expiry lot_17 -3000 = 0/0
          - 05-31 10:00: plan_change Ended = 0/0
        invoice in_6 of order_2 for 6 months
          - order Paid order_23 = 0/0
        ",
    );
}

/// A plan that a provider's subscription pays for, told of two days after its begin there; and the first of March, when its
/// second month has begun there, but not here.
const BILLED: &str = "
        at 2026-02-02 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR as sub_1 begins billing
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
          - billing began order_2 = 3000/3000
        ";
const SECOND_MONTH: &str = "
        at 2026-03-01 10:00
        invoice in_2 of order_2 for 2 months
          - order Paid order_7 = 3000/3000
          - plan_change Paid = 3000/3000
        ";

#[track_caller]
fn check_billed(before: &str, scenario: &str) {
    check(&format!("{BILLED}{before}{scenario}"));
}

/// R17: an end takes effect once what was paid for is had, whether it was paid before the end was asked for or after; called
/// off, all is as before.
#[test]
fn an_end_comes_after_what_the_provider_was_paid_for() {
    let ended = "
        plan
          - lite 3000 active, term 02-02 10:00 to 04-02 10:00, cycle 02-02 10:00 to 03-02 10:00, ends
        at 2026-04-03 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_11 +3000 = 3000/3000
          - 04-02 10:00: expiry lot_11 -3000 = 0/0
          - 04-02 10:00: plan_change Ended = 0/0
        ";
    check_billed(
        SECOND_MONTH,
        &format!(
            "
        cancel
          - plan_change Scheduled = 3000/3000
        {ended}"
        ),
    );
    check_billed(
        "
        at 2026-03-01 10:00
        cancel
          - plan_change Scheduled = 3000/3000
        plan
          - lite 3000 active, term 02-02 10:00 to 03-02 10:00, cycle 02-02 10:00 to 03-02 10:00, ends
        invoice in_2 of order_2 for 2 months
          - order Paid order_8 = 3000/3000
          - plan_change Paid = 3000/3000
        ",
        ended,
    );
    check_billed(
        SECOND_MONTH,
        "
        cancel
          - plan_change Scheduled = 3000/3000
        subscribe lite
          - plan_change Unscheduled = 3000/3000
        plan
          - lite 3000 active, term 02-02 10:00 to 03-02 10:00, cycle 02-02 10:00 to 03-02 10:00
        at 2026-04-06 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_12 +3000 = 3000/3000
          - 04-02 10:00: expiry lot_12 -3000 = 0/0
          - 04-02 10:00: refill lot_14 +3000 = 3000/3000
          - 04-05 10:00: plan_change StateChanged = 3000/3000
        ",
    );
}

/// A larger plan takes nothing of what the provider was paid for, and a smaller one comes after it.
#[test]
fn a_change_leaves_what_the_provider_was_paid_for() {
    check_billed(
        SECOND_MONTH,
        "
        buy pro
          - order Placed order_9 = 3000/3000
        truth order_9 900EUR
          - order Paid order_9 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_12 +9000 = 12000/12000
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 lot_12 -9000 = 0/0
          - 03-02 10:00: refill lot_14 +12000 = 12000/12000
        ",
    );
    check_billed(
        SECOND_MONTH,
        "
        subscribe pro
          - plan_change Changed = 3000/3000
          - refill lot_10 +9000 = 12000/12000
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 lot_10 -9000 = 0/0
          - 03-02 10:00: refill lot_12 +12000 = 12000/12000
        ",
    );
    check_billed(
        SECOND_MONTH,
        "
        subscribe saver
          - plan_change Scheduled = 3000/3000
        at 2026-04-03 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_11 +3000 = 3000/3000
          - 04-02 10:00: expiry lot_11 -3000 = 0/0
          - 04-02 10:00: plan_change TookEffect = 0/0
          - 04-02 10:00: refill lot_14 +1000 = 1000/1000
        ",
    );
}

/// R27: the money of a larger plan's order is gone. What the order added is taken back, and nothing of what the provider's
/// subscription was paid for, neither of this month nor of one that is paid ahead; a refund that fails gives it again.
#[test]
fn money_back_of_a_larger_plan_leaves_what_the_provider_was_paid_for() {
    let third_month = "
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_REFILL +12000 = 12000/12000
        ";
    check_billed(
        SECOND_MONTH,
        &format!(
            "
        buy pro
          - order Placed order_9 = 3000/3000
        truth order_9 900EUR
          - order Paid order_9 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_12 +9000 = 12000/12000
        truth order_9 900EUR refunded 900
          - claw_back order_9 refunded lot_12 -9000 = 3000/3000
        truth order_9 900EUR refunded 900
        plan
          - pro 12000 active, term 02-02 10:00 to 03-02 10:00, cycle 02-02 10:00 to 03-02 10:00
        {}",
            third_month.replace("REFILL", "15")
        ),
    );
    check_billed(
        "",
        "
        buy pro
          - order Placed order_7 = 3000/3000
        truth order_7 900EUR
          - order Paid order_7 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_10 +9000 = 12000/12000
        charge 5000
          - charge charge_11 lot_5 -3000 lot_10 -2000 = 7000/7000
        hold 300 for a
          - hold until 02-02 11:00 lot_10 [+300] = 7000/6700
        truth order_7 900EUR lost 900
          - claw_back order_7 lost lot_10 -6700 = 300/0
        release a
          - release lot_10 [-300] = 300/300
        touch
        ",
    );
    check_billed(
        "",
        "
        buy pro
          - order Placed order_7 = 3000/3000
        truth order_7 900EUR
          - order Paid order_7 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_10 +9000 = 12000/12000
        charge 4000
          - charge charge_11 lot_5 -3000 lot_10 -1000 = 8000/8000
        truth order_7 900EUR refunded 900
          - claw_back order_7 refunded lot_10 -8000 = 0/0
        truth order_7 900EUR refunded 900 failing 900
          - order Noted order_7 = 0/0
          - plan_change Paid = 0/0
          - refill lot_15 +8000 = 8000/8000
        at 2026-03-01 10:00
        invoice in_2 of order_2 for 2 months
          - order Paid order_16 = 8000/8000
          - plan_change Paid = 8000/8000
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_15 -8000 = 0/0
          - 03-02 10:00: refill lot_19 +12000 = 12000/12000
        ",
    );
}

/// R27: the money of the first month is gone after the second one was paid: this month's refill is taken back, the next is had.
#[test]
fn money_back_of_the_first_month_leaves_the_second() {
    check_billed(
        SECOND_MONTH,
        "
        truth order_2 900EUR refunded 900
          - claw_back order_2 refunded lot_5 -3000 = 0/0
        touch
        truth order_2 900EUR refunded 900 failing 900
          - order Noted order_2 = 0/0
          - plan_change Paid = 0/0
          - refill lot_12 +3000 = 3000/3000
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_12 -3000 = 0/0
          - 03-02 10:00: refill lot_14 +3000 = 3000/3000
        ",
    );
}

/// What a smaller plan's price has paid for is had on that plan, unless the studio gives more.
#[test]
fn a_change_that_the_provider_was_paid_for_is_not_called_off_by_a_customer() {
    let paid_change = "
        at 2026-02-20 10:00
        choose saver
          - plan_change Scheduled = 3000/3000
        at 2026-03-01 10:00
        invoice in_2 of order_2 for 2 months
          - order Paid order_8 = 3000/3000
          - plan_change Paid = 3000/3000
        choose lite
          - refused: PlanNeedsPayment
        choose pro
          - refused: PlanNeedsPayment
        choose saver
        ";
    check_billed(
        paid_change,
        "
        cancel
          - plan_change Scheduled = 3000/3000
        choose lite
          - refused: PlanNeedsPayment
        at 2026-04-03 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_12 +1000 = 1000/1000
          - 04-02 10:00: expiry lot_12 -1000 = 0/0
          - 04-02 10:00: plan_change Ended = 0/0
        ",
    );
    check_billed(
        paid_change,
        "
        subscribe lite
          - plan_change Unscheduled = 3000/3000
        at 2026-03-06 10:00
        touch
          - 03-02 10:00: expiry lot_5 -3000 = 0/0
          - 03-02 10:00: refill lot_12 +3000 = 3000/3000
        ",
    );
}

/// Pages that were open before the first was paid: what is paid at another buys nothing, and each invoice buys its term.
#[test]
fn beside_the_providers_subscription_a_second_page_buys_nothing() {
    for (plan, other) in [("lite", "lite"), ("lite", "lite-year"), ("lite-year", "lite"), ("pro", "lite")] {
        let allowed = if plan == "pro" { "12000" } else { "3000" };
        let months = if plan == "lite-year" { "24" } else { "2" };
        check(
            &"
        at 2026-01-31 10:00
        buy PLAN
          - order Placed order_2 = 0/0
        buy OTHER
          - order Placed order_3 = 0/0
        truth order_2 900EUR as sub_1 begins billing
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_6 +ALLOWED = ALLOWED/ALLOWED
          - billing began order_2 = ALLOWED/ALLOWED
        mark order_3 invoice-3
          - refused: PlanNotForSale
        truth order_3 900EUR as sub_2 begins billing
          - order Paid order_3 = ALLOWED/ALLOWED
        truth order_3 900EUR as sub_2 begins billing
        invoice in_2 of order_2 for MONTHS months
          - order Paid order_9 = ALLOWED/ALLOWED
          - plan_change Paid = ALLOWED/ALLOWED
        truth order_3 900EUR refunded 900
          - order Noted order_3 = ALLOWED/ALLOWED
        "
            .replace("PLAN", plan)
            .replace("OTHER", other)
            .replace("ALLOWED", allowed)
            .replace("MONTHS", months),
        );
    }
}

/// What paid for a plan that has ended does not pay for the one that followed.
#[test]
fn a_plan_that_followed_is_not_the_providers() {
    check_billed(
        "
        cancel
          - plan_change Scheduled = 3000/3000
        at 2026-03-02 10:00
        subscribe lite
          - expiry lot_5 -3000 = 0/0
          - plan_change Ended = 0/0
          - plan_change Started = 0/0
          - refill lot_11 +3000 = 3000/3000
        ",
        "
        buy lite
          - order Placed order_12 = 3000/3000
        truth order_12 900EUR
          - order Paid order_12 = 3000/3000
          - plan_change Paid = 3000/3000
        subscribe lite-year
          - plan_change Scheduled = 3000/3000
        ",
    );
}

/// Beside a provider's subscription only a larger plan can be ordered, in a month that is paid: anything else would be paid
/// twice.
#[test]
fn a_larger_plan_is_ordered_beside_the_providers_subscription() {
    check(
        "
        at 2026-01-31 10:00
        buy lite
          - order Placed order_2 = 0/0
        truth order_2 900EUR as sub_1
          - order Paid order_2 = 0/0
          - plan_change Started = 0/0
          - refill lot_5 +3000 = 3000/3000
        billing order_2
          - billing began order_2 = 3000/3000
        buy lite-year
          - refused: PlanNotForSale
        subscribe lite-year
          - refused: PlanNotForSale
        buy pro
          - order Placed order_7 = 3000/3000
        truth order_7 900EUR
          - order Paid order_7 = 3000/3000
          - plan_change Paid = 3000/3000
          - refill lot_10 +9000 = 12000/12000
        billing order_7
        at 2026-02-28 11:00
        buy pro
          - 02-28 10:00: expiry lot_5 -3000 lot_10 -9000 = 0/0
          - 02-28 10:00: refill lot_12 +12000 = 12000/12000
          - refused: PlanNotForSale
        invoice in_2 of order_2 for 2 months
          - order Paid order_13 = 12000/12000
          - plan_change Paid = 12000/12000
        ",
    );
}
