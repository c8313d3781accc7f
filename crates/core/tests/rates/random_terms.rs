//! Random terms around a price: step, min_quantity, tiers, multipliers, minimum, maximum and the
//! rounding, against the order of work written out plainly (R4).

use proptest::prelude::*;
use scrip_core::amount::Credits;
use scrip_core::measure::Decimal;

use crate::{given, rate};

/// All numbers in thousandths; factors in tenths.
#[derive(Clone, Debug)]
struct Terms {
    step: Option<i128>,
    /// In steps, or in thousandths without one.
    min_quantity: Option<i128>,
    bands: Vec<Band>,
    kind: &'static str,
    factors: Vec<(i128, Option<i128>)>,
    minimum: Option<i128>,
    maximum: Option<i128>,
    rounding: (&'static str, u32),
}

/// How wide, what a unit in it costs, and what it adds once.
type Band = (i128, i128, i128);

const MAX: i128 = 60_000;

fn shown(value: i128, places: u32) -> String {
    Decimal::new(value, u8::try_from(places).unwrap()).to_string()
}

impl Terms {
    fn tool(&self) -> String {
        let step = self.step.map_or(String::new(), |step| format!(", step = {}", shown(step, 3)));
        let grid = self.step.unwrap_or(1);
        let least =
            self.min_quantity.map_or(String::new(), |least| format!(", min_quantity = {}", shown(least * grid, 3)));
        let mut end = 0;
        let last = self.bands.len() - 1;
        let band = |(place, (width, credits, plus)): (usize, &Band)| {
            end += width;
            let end = if place == last { String::new() } else { format!("up_to = {}, ", shown(end, 3)) };
            format!("{{ {end}credits = {}, plus = {} }}", shown(*credits, 3), shown(*plus, 3))
        };
        let bands: Vec<String> = self.bands.iter().enumerate().map(band).collect();
        let factor = |(times, from): &(i128, Option<i128>)| {
            let when = from.map_or(String::new(), |from| format!(", when = \"x >= {}\"", shown(from, 3)));
            format!("{{ name = \"F\", times = {}{when} }}", shown(*times, 1))
        };
        let factors: Vec<String> = self.factors.iter().map(factor).collect();
        let limit = |name: &str, value: Option<i128>| {
            value.map_or(String::new(), |value| format!("{name} = {}\n", shown(value, 3)))
        };
        format!(
            "measures.x = {{ min = 0, max = {}{step}{least} }}
             [tools.t.rate]
             let.price = {{ {} = \"x\", bands = [{}] }}
             formula = \"price\"
             multipliers = [{}]
             {}{}
             round = \"{}\"
             to = {}",
            shown(MAX, 3),
            self.kind,
            bands.join(", "),
            factors.join(", "),
            limit("minimum", self.minimum),
            limit("maximum", self.maximum),
            self.rounding.0,
            self.rounding.1,
        )
    }

    /// What the formula sees of a given quantity.
    fn seen(&self, given: i128) -> i128 {
        let grid = self.step.unwrap_or(1);
        let stepped = (given + grid - 1) / grid * grid;
        self.min_quantity.map_or(stepped, |least| stepped.max(least * grid))
    }

    /// In millionths.
    fn price(&self, given: i128) -> i128 {
        let x = self.seen(given);
        // In thousandths of thousandths; then, with every factor, a digit more.
        let (mut total, mut scale) = (self.body(x), 1_000_000);
        for (times, from) in &self.factors {
            if from.is_none_or(|from| x >= from) {
                (total, scale) = (total * times, scale * 10);
            }
        }
        if let Some(minimum) = self.minimum {
            total = total.max(minimum * scale / 1_000);
        }
        if let Some(maximum) = self.maximum {
            total = total.min(maximum * scale / 1_000);
        }
        // Nothing is negative here, so down is towards nothing.
        let unit = scale / 10_i128.pow(self.rounding.1);
        let (below, rest) = (total / unit, total % unit);
        let up = match self.rounding.0 {
            "ceil" => rest > 0,
            "floor" => false,
            "half_away" => 2 * rest >= unit,
            "half_even" => 2 * rest > unit || 2 * rest == unit && below % 2 == 1,
            other => panic!("no rounding {other}"),
        };
        (below + i128::from(up)) * 1_000_000 / 10_i128.pow(self.rounding.1)
    }

    fn body(&self, x: i128) -> i128 {
        let (mut start, mut total) = (0, 0);
        let last = self.bands.len() - 1;
        for (place, (width, credits, plus)) in self.bands.iter().enumerate() {
            let end = if place == last { MAX.max(start) } else { start + width };
            let first = place == 0;
            match self.kind {
                "volume" if (x > start || first) && x <= end => return x * credits + plus * 1_000,
                "graduated" if x > start || first => total += (x.min(end) - start) * credits + plus * 1_000,
                _ => (),
            }
            start = end;
        }
        total
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let bands =
        proptest::collection::vec((1_i128..20_000, 0_i128..5_000, prop_oneof![Just(0_i128), 0..3_000_i128]), 1..5);
    let factors = proptest::collection::vec((0_i128..30, proptest::option::of(0_i128..60_000)), 0..4);
    let rounding = (prop_oneof![Just("half_away"), Just("half_even"), Just("ceil"), Just("floor")], 0_u32..4);
    let step = proptest::option::of(prop_oneof![Just(1_000_i128), Just(500), Just(250), Just(5_000), Just(1)]);
    (
        (step, proptest::option::of(1_i128..12)),
        bands,
        prop_oneof![Just("graduated"), Just("volume")],
        factors,
        (proptest::option::of(0_i128..50_000), proptest::option::of(0_i128..90_000)),
        rounding,
    )
        .prop_map(|((step, min_quantity), bands, kind, factors, (minimum, maximum), rounding)| Terms {
            step,
            min_quantity,
            bands,
            kind,
            factors,
            minimum,
            maximum,
            rounding,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn prices_follow_the_order_of_work(terms in terms(), quantities in proptest::collection::vec(0_i128..=MAX, 8), credits in 0_i64..200) {
        let rate = rate(&terms.tool());
        let starts = terms.bands.iter().map(|band| band.0).chain([0, MAX]);
        for quantity in quantities.into_iter().chain(starts) {
            let measures = given(&format!("x={}", shown(quantity, 3)));
            let quote = rate.quote(&measures).unwrap();
            prop_assert_eq!(i128::from(quote.credits.millionths()), terms.price(quantity), "{} in {}", quantity, terms.tool());
            prop_assert_eq!(rate.price(&measures).unwrap(), quote.credits);
            prop_assert_eq!(quote.lines.iter().map(|line| line.credits).sum::<Credits>(), quote.credits);
        }
        left_is_the_longest(&terms, &rate, Credits::whole(credits));
    }
}

/// What is left, against the plain price of every quantity of the grid.
fn left_is_the_longest(terms: &Terms, rate: &scrip_core::rate::Rate, available: Credits) {
    let grid = terms.step.unwrap_or(1);
    let first = terms.min_quantity.map_or(0, |least| least * grid);
    let affordable = |x: &i128| terms.price(*x) <= i128::from(available.millionths());
    let all = (0..).map(|place| first + place * grid).take_while(|x| *x <= MAX);
    let longest = all.take_while(affordable).last();
    let left = rate.left(available).unwrap();
    assert_eq!(left.quantity.to_string(), shown(longest.unwrap_or(0), 3), "{available} in {}", terms.tool());
    assert_eq!(left.at_limit, longest == Some(MAX), "{available} in {}", terms.tool());
}
