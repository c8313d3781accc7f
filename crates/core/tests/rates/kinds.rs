//! A worked price for every kind of rate (R4), with its lines (R9).

use scrip_core::amount::Credits;
use scrip_core::rejection::Rejection;

use crate::{given, rate};

/// Each case: the measures, the price, and the lines joined by ` | `; or `!measure: what is expected`.
fn check(tool: &str, cases: &[(&str, &str, &str)]) {
    let rate = rate(tool);
    for (measures, credits, lines) in cases {
        let measures = given(measures);
        let (price, quote) = (rate.price(&measures), rate.quote(&measures));
        let shown = match (&price, &quote) {
            (Ok(price), Ok(quote)) => {
                assert_eq!(*price, quote.credits);
                assert_eq!(quote.lines.iter().map(|line| line.credits).sum::<Credits>(), quote.credits, "{quote:?}");
                let lines = quote.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" | ");
                (price.to_string(), lines)
            }
            (Err(Rejection::InvalidMeasure { measure, expected }), Err(error)) => {
                assert_eq!(price.as_ref().unwrap_err(), error);
                (format!("!{measure}"), expected.to_string())
            }
            (_, _) => panic!("{price:?} and {quote:?}"),
        };
        assert_eq!(shown, ((*credits).to_owned(), (*lines).to_owned()), "{measures:?}");
    }
}

#[test]
fn flat() {
    check(
        "rate.flat = 20",
        &[("", "20", "20 per run"), ("x=1", "!x", "no measures: the price is the same for every job")],
    );
    check("rate.flat = 0", &[("", "0", "0 per run")]);
    check("rate = { flat = 0.25, to = 2 }", &[("", "0.25", "0.25 per run")]);
    check("rate = { flat = 0.25 }", &[("", "0", "0.25 per run | 0.25 → 0, rounded to whole credits")]);
}

#[test]
fn per_unit() {
    check(
        "measures.seconds = { min = 0, max = 100, step = 1 }\nrate = { per = \"seconds\", credits = 20 }",
        &[
            ("seconds=10", "200", "10 s × 20 = 200"),
            ("seconds=10.4", "220", "10.4 s → 11 s × 20 = 220"),
            ("seconds=10.0000001", "220", "10.0000001 s → 11 s × 20 = 220"),
            ("seconds=0", "0", "0 s × 20 = 0"),
            ("seconds=100", "2000", "100 s × 20 = 2000"),
            ("seconds=100.1", "!seconds", "a number from 0 to 100"),
            ("seconds=-1", "!seconds", "a number from 0 to 100"),
            ("seconds=many", "!seconds", "a number from 0 to 100"),
            ("", "!seconds", "a number from 0 to 100"),
            ("seconds=1 frames=2", "!frames", "only seconds"),
        ],
    );
    check(
        "measures.tokens = { min = 0, max = 1e9, decimals = 0 }\nrate = { per = \"tokens\", credits = 0.0015 }",
        &[
            ("tokens=1000", "2", "1000 tokens × 0.0015 = 1.5 | 1.5 → 2, rounded to whole credits"),
            ("tokens=2000", "3", "2000 tokens × 0.0015 = 3"),
            ("tokens=0.5", "!tokens", "a whole number from 0 to 1000000000"),
        ],
    );
}

/// `step`, then `min_quantity`; both belong to a measure (R4).
#[test]
fn step_and_min_quantity() {
    check(
        "measures.seconds = { min = 0, max = 100, step = 5, min_quantity = 10 }\nrate = { per = \"seconds\", credits = 2 }",
        &[
            ("seconds=0", "20", "0 s → 10 s × 2 = 20"),
            ("seconds=10", "20", "10 s × 2 = 20"),
            ("seconds=10.1", "30", "10.1 s → 15 s × 2 = 30"),
        ],
    );
    check(
        "measures.seconds = { min = 0, max = 10, step = 0.25 }\nrate = { per = \"seconds\", credits = 4 }",
        &[("seconds=1.1", "5", "1.1 s → 1.25 s × 4 = 5")],
    );
    check(
        "measures.seconds = { min = 0, max = 10, step = \"exact\" }\nrate = { per = \"seconds\", credits = 4, round = \"exact\" }",
        &[
            ("seconds=1.125", "4.5", "1.125 s × 4 = 4.5"),
            ("seconds=1.0001", "!seconds", "a number from 0 to 10, with at most 3 decimals"),
        ],
    );
}

#[test]
fn formulas() {
    check(
        "measures.width = { min = 1, max = 9000, decimals = 0, unit = \"px\" }
         measures.height = { min = 1, max = 9000, decimals = 0, unit = \"px\" }
         measures.upscale = { allowed = [1, 2, 4], default = 1 }
         [tools.t.rate]
         let.megapixels = { formula = \"width * height / 1048576\", unit = \"MP\" }
         formula = \"2 + 10 * megapixels + (if upscale > 1 then 3 * megapixels * upscale else 0)\"",
        &[
            ("width=2048 height=2048 upscale=2", "66", "2 + 10 × 4 MP + 3 × 4 MP × 2 = 66"),
            ("width=1024 height=1024", "12", "2 + 10 × 1 MP = 12"),
            (
                "width=600 height=600 upscale=1",
                "5",
                "2 + 10 × 0.343323 MP ≈ 5.433228 | 5.433228 → 5, rounded to whole credits",
            ),
            ("width=1024 height=1024 upscale=3", "!upscale", "one of 1, 2, 4"),
            ("width=1024.5 height=1024", "!width", "a whole number from 1 to 9000"),
        ],
    );
    check(
        "measures.a = { min = 0, max = 10, decimals = 0 }
         measures.b = { min = 1, max = 10, decimals = 0 }
         measures.quality = { allowed = [\"draft\", \"final\"] }
         rate.formula = \"(a - 1) * -b + 100 - (if quality == 'final' and not a > 5 or b >= 9 then min(a, b) else max(a, b, 3) / 3)\"",
        &[
            ("a=3 b=4 quality=final", "89", "(3 − 1) × (−4) + 100 − min(3, 4) = 89"),
            ("a=6 b=2 quality=final", "88", "(6 − 1) × (−2) + 100 − max(max(6, 2), 3) ÷ 3 = 88"),
            ("a=1 b=1 quality=best", "!quality", "one of \"draft\", \"final\""),
            ("a=1 b=1 quality=1", "!quality", "one of \"draft\", \"final\""),
        ],
    );
}

/// A formula may round inside where the rate names no rounding; the price is then exact.
#[test]
fn formulas_that_round_inside() {
    check(
        "measures.seconds = { min = 0, max = 1000 }\nrate.formula = \"ceil(seconds / 60) * 2.5\"",
        &[
            ("seconds=60", "2.5", "ceil(60 s ÷ 60) × 2.5 = 2.5"),
            ("seconds=60.001", "5", "ceil(60.001 s ÷ 60) × 2.5 = 5"),
        ],
    );
    check(
        "measures.x = { min = 0, max = 10 }\nrate.formula = \"round(x / 3, 2) + floor(x) + ceil(x, 1)\"",
        &[("x=1.25", "2.72", "round(1.25 ÷ 3, 2) + floor(1.25) + ceil(1.25, 1) = 2.72")],
    );
}

#[test]
fn roundings() {
    let tool =
        |round: &str| format!("measures.x = {{ min = 0, max = 10 }}\nrate = {{ per = \"x\", credits = 1, {round} }}");
    for (round, half, odd_half, third) in [
        ("minimum = 0", "1", "2", "1"),
        ("round = \"half_away\"", "1", "2", "1"),
        ("round = \"half_even\"", "0", "2", "1"),
        ("round = \"ceil\"", "1", "2", "2"),
        ("round = \"floor\"", "0", "1", "1"),
        ("round = \"exact\"", "0.5", "1.5", "1.333"),
        ("to = 1", "0.5", "1.5", "1.3"),
        ("round = \"ceil\", to = 2", "0.5", "1.5", "1.34"),
    ] {
        let rate = rate(&tool(round));
        for (x, expected) in [("x=0.5", half), ("x=1.5", odd_half), ("x=1.333", third)] {
            assert_eq!(rate.price(&given(x)).unwrap().to_string(), expected, "{round} {x}");
        }
    }
}

/// A customer reads the very price of a token, however small.
#[test]
fn small_numbers_are_shown_whole() {
    check(
        "measures.tokens = { min = 0, max = 1_000_000_000, decimals = 0 }
         measures.model = { allowed = [\"small\", \"large\"] }
         [tools.t.rate]
         let.each = { by = [\"model\"], rows = [[\"small\", 0.0000025], [\"large\", 0.000000000001]] }
         let.first = { graduated = \"tokens\", bands = [{ up_to = 10, credits = 0.0000015 }, { credits = 0 }] }
         formula = \"tokens * each + first + tokens * 0.0000005\"
         multipliers = [{ name = \"Tax\", times = 1.0000001 }]
         round = \"ceil\"",
        &[(
            "tokens=10 model=small",
            "1",
            "10 tokens × 0.0000025 + 10 tokens × 0.0000015 + 10 tokens × 0.0000005 = 0.000045 | \
             Tax: × 1.0000001 ≈ 0.000045 | 0.000045 → 1, rounded up to whole credits",
        )],
    );
}

#[test]
fn tables() {
    check(
        "measures.quality = { allowed = [\"draft\", \"final\"] }
         measures.length = { allowed = [5, 10], unit = \"s\" }
         [tools.t.rate]
         let.base = { by = [\"quality\", \"length\"], rows = [
             [\"draft\", 5, 3], [\"draft\", 10, 5], [\"final\", 5, 8], [\"final\", 10, 14.5]] }
         let.extra = { by = [\"quality\"], rows = [[\"final\", 1]], otherwise = 0 }
         formula = \"base + extra\"
         round = \"exact\"",
        &[
            ("quality=draft length=5", "3", "3 + 0 = 3"),
            ("quality=final length=10", "15.5", "14.5 + 1 = 15.5"),
            ("quality=final length=7", "!length", "one of 5, 10"),
        ],
    );
}

#[test]
fn tiers() {
    let bands = "bands = [{ up_to = 10, credits = 5 }, { up_to = 100, credits = 4, plus = 3 }, { credits = 3 }]";
    let tool = |kind: &str| {
        format!(
            "measures.images = {{ min = 0, max = 1000, decimals = 0 }}\n[tools.t.rate]\nlet.price = {{ {kind} = \"images\", {bands} }}\nformula = \"price\""
        )
    };
    check(
        &tool("graduated"),
        &[
            ("images=0", "0", "0 images × 5 = 0"),
            ("images=10", "50", "10 images × 5 = 50"),
            ("images=11", "57", "10 images × 5 + 1 image × 4 + 3 = 57"),
            ("images=150", "563", "10 images × 5 + 90 images × 4 + 3 + 50 images × 3 = 563"),
        ],
    );
    check(
        &tool("volume"),
        &[
            ("images=10", "50", "10 images × 5 = 50"),
            ("images=11", "47", "11 images × 4 + 3 = 47"),
            ("images=100", "403", "100 images × 4 + 3 = 403"),
            ("images=101", "303", "101 images × 3 = 303"),
        ],
    );
}

/// Multipliers as written, then minimum and maximum, then the one rounding (R4).
#[test]
fn multipliers_and_limits() {
    check(
        "measures.seconds = { min = 0, max = 1000, step = 1 }
         measures.speed = { allowed = [\"normal\", \"rush\"], default = \"normal\" }
         [tools.t.rate]
         per = \"seconds\"
         credits = 3
         minimum = 10
         maximum = 1000.5
         multipliers = [
             { name = \"Rush\", times = 1.5, when = \"speed == 'rush'\" },
             { name = \"Long\", times = \"1 - 0.1\", when = \"seconds > 100\" },
         ]",
        &[
            ("seconds=20", "60", "20 s × 3 = 60"),
            ("seconds=21 speed=rush", "95", "21 s × 3 = 63 | Rush: × 1.5 = 94.5 | 94.5 → 95, rounded to whole credits"),
            ("seconds=200 speed=rush", "810", "200 s × 3 = 600 | Rush: × 1.5 = 900 | Long: × 0.9 = 810"),
            ("seconds=1", "10", "1 s × 3 = 3 | at least 10"),
            (
                "seconds=1000",
                "1001",
                "1000 s × 3 = 3000 | Long: × 0.9 = 2700 | at most 1000.5 | 1000.5 → 1001, rounded to whole credits",
            ),
        ],
    );
}

/// Only the branch that holds is computed, so a guard against zero is a proof.
#[test]
fn guarded_division() {
    check(
        "measures.a = { min = 0, max = 100000, decimals = 0 }
         measures.b = { min = 0, max = 100000, decimals = 0 }
         rate.formula = \"if b > 0 and a / b > 2 then a / b else 1\"",
        &[("a=10 b=0", "1", "1 = 1"), ("a=10 b=4", "3", "10 ÷ 4 = 2.5 | 2.5 → 3, rounded to whole credits")],
    );
}
