//! What differs between two versions, as people read it (R7).

use scrip_core::catalog::{Format, diff, read};

const STUDIOTWIN: &str = include_str!("../../../../catalogs/studiotwin.toml");

fn check(changes: &[(&str, &str)], expected: &[&str]) {
    let mut text = STUDIOTWIN.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (old, new) = (read(STUDIOTWIN, Format::Toml).unwrap(), read(&text, Format::Toml).unwrap());
    assert_eq!(diff(&old, &new), expected);
}

#[test]
fn nothing_differs_from_itself() {
    check(&[], &[]);
}

#[test]
fn prices_are_compared_at_the_examples() {
    check(
        &[
            ("upscale = { allowed = [1, 2, 4] }", "upscale = { allowed = [1, 2, 4], default = 1 }"),
            ("\"2 + 10 * megapixels", "\"4 + 10 * megapixels"),
            ("height = 512, upscale = 1 }, credits = 5 }", "height = 512, upscale = 1 }, credits = 7 }"),
            ("height = 512, upscale = 2 }, credits = 6 }", "height = 512, upscale = 2 }, credits = 8 }"),
            ("height = 512, upscale = 4 }, credits = 8 }", "height = 512, upscale = 4 }, credits = 10 }"),
            ("upscale = 1 }, credits = 12 }", "upscale = 1 }, credits = 14 }"),
            ("upscale = 2 }, credits = 18 }", "upscale = 2 }, credits = 20 }"),
            ("upscale = 4 }, credits = 24 }", "upscale = 4 }, credits = 26 }"),
            ("    { given = { width = 2048, height = 2048, upscale = 1 }, credits = 42 },\n", ""),
            ("    { given = { width = 2048, height = 2048, upscale = 2 }, credits = 66 },\n", ""),
            ("    { given = { width = 2048, height = 2048, upscale = 4 }, credits = 90 },\n", ""),
        ],
        &[
            "Text to Material, upscale: one of 1, 2, 4 → one of 1, 2, 4, 1 if not given",
            "Text to Material 512², upscale 1: 5 → 7",
            "Text to Material 512², upscale 2: 6 → 8",
            "Text to Material 512², upscale 4: 8 → 10",
            "Text to Material 1024², upscale 1: 12 → 14",
            "Text to Material 1024², upscale 2: 18 → 20",
            "Text to Material 1024², upscale 4: 24 → 26",
            "Text to Material 2048², upscale 1: 42 → 44",
            "Text to Material 2048², upscale 2: 66 → 68",
            "Text to Material 2048², upscale 4: 90 → 92",
            "Image to Material, upscale: one of 1, 2, 4 → one of 1, 2, 4, 1 if not given",
        ],
    );
}

#[test]
fn a_price_that_differs_away_from_the_examples_is_found() {
    check(
        &[(
            "rate.per = \"actions\"\nrate.credits = 5",
            "rate.formula = \"if actions > 3 then 4 * actions else 5 * actions\"",
        )],
        &["Text to Motion 1000 actions: 5000 → 4000"],
    );
    check(
        &[("rate.per = \"actions\"\nrate.credits = 5", "rate.formula = \"5 * actions\"")],
        &[
            "Text to Motion: the rate reads differently, the compared prices are the same: 5 credits per action → 5 * actions, rounded to whole credits",
        ],
    );
}

#[test]
fn tools_plans_and_packages() {
    check(
        &[
            ("[tools.motion-edit]\nname = \"Motion Edit\"", "[tools.motion-cut]\nname = \"Motion Cut\""),
            ("rate.flat = 80\nrate.examples = [{ credits = 80 }]", "on_excess = \"debt\"\nrate.flat = 75"),
            ("allowance = 500\nprice = \"10.00 USD\"", "allowance = 600\nroll_over_cap = 100"),
            ("bonus = 200\n", "bonus = 250\nexpires_in_days = 90\n"),
            ("[packages.small]\nname = \"100 credits\"\ncredits = 100\nprice = \"5.00 USD\"\n", ""),
        ],
        &[
            "removed: Motion Edit: 5 credits",
            "Environment Map to World, on excess: cap → debt",
            "Environment Map to World: 80 → 75",
            "new: Motion Cut: 5 credits",
            "plan Starter, credits a month: 500 → 600",
            "plan Starter, rolls over at most: nothing → 100",
            "plan Starter, price: 10.00 USD → none",
            "removed: package 100 credits: 100 credits",
            "package 2,000 credits and 200 more, bonus: 200 → 250",
            "package 2,000 credits and 200 more, days until it expires: never → 90",
            "package 2,000 credits and 200 more, days until its bonus expires: never → 90",
        ],
    );
}
