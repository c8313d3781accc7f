//! Scenarios by rule.

use crate::scenario::check;

#[test]
fn a_month_of_everything() {
    check(
        "
        at 2026-01-31 10:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        grant 100 top_up
          - grant lot_4 +100 = 3100/3100
        hold 30 for job-7
          - hold until 01-31 11:00 lot_3 [+30] = 3100/3070
        settle job-7 20
          - settle charge_6 lot_3 -20 [-30] = 3080/3080
        settle job-7 20
          - refused: hold settled
        charge 3000
          - charge charge_7 lot_3 -2980 lot_4 -20 = 80/80
        charge 100
          - refused: 80 of 100, short by 20, packages [small, large], resets 02-28 10:00
        refund charge_7
          - refund lot_4 +20 lot_3 +2980 = 3080/3080
        refund charge_7
          - refused: refundable 0
        at 2026-03-01 10:00
        touch
          - 02-28 10:00: expiry lot_3 -2980 = 100/100
          - 02-28 10:00: refill lot_10 +3000 = 3100/3100
        refund charge_5
          - refused: ChargeNotFound
        lots
          - lot_10 subscription 3000 of 3000 until 03-31 10:00
          - lot_4 top_up 100 of 100 until never
        ",
    );
}
