//! What credits buy (R10), against trying every quantity.

use scrip_core::amount::Credits;
use scrip_core::measure::Decimal;
use scrip_core::rate::Rate;

use crate::{given, rate};

/// Each case: available credits, and `quantity unit` with `!` when the bound stopped it; or `-`.
fn check(tool: &str, cases: &[(&str, &str)]) {
    let rate = rate(tool);
    for (available, expected) in cases {
        let shown = match rate.left(available.parse().unwrap()) {
            Some(left) => format!("{} {}{}", left.quantity, left.unit, if left.at_limit { "!" } else { "" }),
            None => "-".to_owned(),
        };
        assert_eq!(shown, *expected, "{tool} with {available}");
    }
}

#[test]
fn a_measure_is_counted_up_to_its_bound() {
    check(
        "measures.seconds = { min = 0, max = 900, step = 1 }\nrate = { per = \"seconds\", credits = 20 }",
        &[
            ("3000", "150 seconds"),
            ("3019.999999", "150 seconds"),
            ("19", "0 seconds"),
            ("0", "0 seconds"),
            ("-5", "0 seconds"),
            ("18000", "900 seconds!"),
            ("8000000000", "900 seconds!"),
        ],
    );
    check(
        "measures.tokens = { min = 1, max = 10, decimals = 0 }\nrate = { per = \"tokens\", credits = 0.4 }",
        &[("0", "1 tokens"), ("1", "3 tokens"), ("4", "10 tokens!")],
    );
    check(
        "measures.seconds = { min = 0, max = 10, step = 0.25 }\nrate = { per = \"seconds\", credits = 1, round = \"exact\" }",
        &[("1.9", "1.75 seconds")],
    );
}

#[test]
fn others_take_their_defaults_and_without_them_nothing_is_said() {
    let tool = |default: &str, count: &str| {
        format!(
            "measures.seconds = {{ min = 0, max = 900, step = 1 }}
             measures.quality = {{ allowed = [\"draft\", \"final\"]{default} }}
             [tools.t.rate]
             let.each = {{ by = [\"quality\"], rows = [[\"draft\", 2], [\"final\", 5]] }}
             formula = \"each * seconds\"
             {count}"
        )
    };
    check(&tool(", default = \"final\"", ""), &[("100", "20 seconds")]);
    check(&tool(", default = \"draft\"", "count = \"seconds\""), &[("100", "50 seconds")]);
    check(&tool("", ""), &[("100", "-")]);
    check(&tool("", "count = \"seconds\""), &[("100", "-")]);
}

#[test]
fn without_a_measure_runs_are_counted() {
    check("rate.flat = 5", &[("24", "4 runs"), ("4", "0 runs"), ("-5", "0 runs")]);
    check("rate.flat = 0", &[("24", "-")]);
}

/// Rates whose price also falls: the first quantity that is not affordable ends the count.
#[test]
fn every_smaller_quantity_is_affordable_too() {
    check(
        "measures.images = { min = 0, max = 1000, decimals = 0 }
         [tools.t.rate]
         let.price = { volume = \"images\", bands = [{ up_to = 10, credits = 5 }, { credits = 2 }] }
         formula = \"price\"",
        &[("49", "9 images"), ("50", "25 images"), ("2000", "1000 images!")],
    );
}

fn all_prices(rate: &Rate, name: &str, places: &[String]) -> Vec<Credits> {
    places.iter().map(|value| rate.price(&given(&format!("{name}={value}"))).unwrap()).collect()
}

/// Tries every quantity of the grid.
fn longest(prices: &[Credits], available: Credits) -> Option<usize> {
    prices.iter().position(|price| *price > available).unwrap_or(prices.len()).checked_sub(1)
}

#[test]
fn the_search_agrees_with_trying_everything() {
    let whole: Vec<String> = (0..=300).map(|x| x.to_string()).collect();
    let fine: Vec<String> = (0..=300).map(|x| Decimal::new(x, 1).to_string()).collect();
    let in_steps: Vec<String> = (0..=60).map(|x| (x * 5).to_string()).collect();
    let grids =
        [("decimals = 0, max = 300", whole), ("decimals = 1, max = 30", fine), ("step = 5, max = 300", in_steps)];
    for formula in [
        "3 * x",
        "x / 7",
        "x * x / 50",
        "100 - x / 3",
        "1000 + -3 * x",
        "-3 * (0 - x)",
        "(0 - 2) * (x - 300)",
        "max(0, 40 - x) + max(0, x - 60)",
        "(x - 20) * (x - 20) / 10",
        "4 * (x - floor(x / 10))",
        "20 + x - 5 * floor(x / 5)",
        "if x > 20 then 3 * x else if x > 10 then 100 else 5 * x",
        "if x == 13 then 1000 else x",
        "if not (x < 5 or x > 12) and x != 7 then 50 else min(x, 30)",
        "1000 / (x + 1)",
        "abc",
        "volume",
        "graduated + volume / 2",
        "round(x * 0.7, 1) * 1.5",
        "7",
        "0",
    ] {
        for (grid, places) in &grids {
            let tool = format!(
                "measures.x = {{ min = 0, {grid} }}
                 [tools.t.rate]
                 let.volume = {{ volume = \"x\", bands = [{{ up_to = 7, credits = 5, plus = 1 }}, {{ up_to = 23.5, credits = 4 }}, {{ credits = 1.3, plus = 20 }}] }}
                 let.graduated = {{ graduated = \"x\", bands = [{{ up_to = 7, credits = 5 }}, {{ up_to = 23.5, credits = 4, plus = 9 }}, {{ credits = 0 }}] }}
                 let.abc = \"max(volume, graduated) - min(volume, graduated)\"
                 formula = \"{formula}\""
            );
            let rate = rate(&tool);
            let prices = all_prices(&rate, "x", places);
            for available in (0..=1300).step_by(7).map(Credits::whole).chain(prices.iter().copied()) {
                let left = rate.left(available).unwrap();
                let expected = longest(&prices, available);
                let quantity = expected.map_or(Decimal::whole(0), |place| Decimal::parse(&places[place]).unwrap());
                assert_eq!(left.quantity, quantity, "{formula} on {grid} with {available}");
                assert_eq!(left.at_limit, expected == Some(prices.len() - 1), "{formula} on {grid} with {available}");
            }
        }
    }
}

/// A price that never falls although its parts do: the pieces are joined, and a day of seconds is no problem.
#[test]
fn buy_nine_and_get_one() {
    check(
        "measures.seconds = { min = 0, max = 86400, step = 1 }\nrate.formula = \"4 * (seconds - floor(seconds / 10))\"",
        &[("36", "10 seconds"), ("72", "20 seconds"), ("1000000", "86400 seconds!")],
    );
}
