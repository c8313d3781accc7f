//! Catalogs that are refused, and the words with which they are (R5, R6).

use scrip_core::catalog::{Format, read};

use crate::catalog;

/// Lines count from the tool's own first line, which is the fifth of the document.
fn check(tool: &str, expected: &str) {
    let found = match catalog(tool) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{}:{}: {}", error.line - 4, error.column, error.message),
    };
    assert_eq!(found, expected, "{tool}");
}

const X: &str = "measures.x = { min = 0, max = 100, decimals = 0 }\n";

fn check_formula(formula: &str, expected: &str) {
    check(&format!("{X}rate.formula = \"{formula}\""), expected);
}

#[test]
fn unknown_names() {
    check_formula("2 + y", "2:21: \"y\" is not a measure or an earlier let name; known here: x");
    check_formula("2 + sqrt(x)", "2:21: there is no function \"sqrt\"; there are min, max, ceil, floor, round");
    check_formula("max", "2:17: max is a function: write max(…)");
    check(
        "rates.flat = 1",
        "1:1: \"rates\" is not known in the tool t; known are name, toolkit, project_type, hold_for, on_excess, measures, rate",
    );
    check(
        "rate = { flat = 1, minumum = 2 }",
        "1:20: \"minumum\" is not known in a rate; known are flat, per, credits, formula, let, multipliers, minimum, maximum, round, to, count, examples",
    );
    check("toolkit = \"none\"\nrate.flat = 1", "1:11: \"none\" is not declared in this catalog; declared: none");
    check(
        "measures.x = { min = 0, max = 1, unit = \"parsecs\" }\nrate.flat = 1",
        "1:41: \"parsecs\" is not a unit that is known: seconds, minutes, hours, frames, actions, images, videos, meshes, pages, words, characters, tokens, steps, requests, runs, variants, pixels, megapixels, kilobytes, megabytes, gigabytes, credits; another one is written { one = \"scene\", many = \"scenes\" }",
    );
}

#[test]
fn measures_without_bounds() {
    check(
        "measures.x = { min = 0 }\nrate.flat = 1",
        "1:14: the measure x has no max: every number is bounded by min and max, or lists allowed values",
    );
    check(
        "measures.x = { min = 2, max = 1 }\nrate.flat = 1",
        "1:14: no value lies between the min 2 and the max 1 of x",
    );
    check(
        "measures.x = { min = 0, max = 10, step = 3 }\nrate.flat = 1",
        "1:42: the step has at most the decimals, and divides the max, of x",
    );
    check("measures.x = { min = 0, max = inf }\nrate.flat = 1", "1:31: expected a decimal number, found inf");
    check(
        "measures.x = { min = 0, max = 1e12 }\nrate.flat = 1",
        "1:31: expected a number below 1000000000000 with at most 6 decimals",
    );
    check(
        "measures.x = { min = 0, max = 5, default = 6 }\nrate.flat = 1",
        "1:44: the default of x is not accepted: expected a number from 0 to 5, with at most 3 decimals",
    );
    check(
        "measures.x = { allowed = [1, \"a\"] }\nrate.flat = 1",
        "1:26: the allowed values are all numbers or all words",
    );
}

#[test]
fn prices_that_could_be_negative() {
    check_formula(
        "x - 10",
        "2:17: the price is negative for x = 0 because of `x - 10`; write max(0, x - 10) if that is meant",
    );
    check_formula(
        "50 + 2 * (x - 30)",
        "2:27: the price is negative for x = 0 because of `x - 30`; write max(0, x - 30) if that is meant",
    );
    check_formula(
        "if x > 40 then 1 else -x",
        "2:39: the price is negative for x = 1 because of `-x`; write max(0, -x) if that is meant",
    );
    check_formula(
        "if x < 100 then 1 else 0 - x",
        "2:40: the price is negative for x = 100 because of `0 - x`; write max(0, 0 - x) if that is meant",
    );
    check_formula(
        "if x <= 99 then 1 else 0 - x",
        "2:40: the price is negative for x = 100 because of `0 - x`; write max(0, 0 - x) if that is meant",
    );
    check_formula(
        "if x > 0 then 1 else x - 1",
        "2:38: the price is negative for x = 0 because of `x - 1`; write max(0, x - 1) if that is meant",
    );
    check_formula(
        "if x == 100 then 0 - x else 1",
        "2:34: the price is negative for x = 100 because of `0 - x`; write max(0, 0 - x) if that is meant",
    );
    check_formula("max(0, x - 10)", "accepted");
    check_formula("if x > 10 then x - 10 else 0", "accepted");
    check_formula("x * x - 10 * x + 26", "accepted");
}

#[test]
fn prices_that_could_not_be_computed() {
    check_formula("1 / x", "2:17: the divisor `x` is zero for x = 0; write max(1, x) or a conditional");
    check_formula(
        "1 / max(x - 50, 50 - x)",
        "2:17: the divisor `max(x - 50, 50 - x)` is zero for x = 50; write max(1, max(x - 50, 50 - x)) or a conditional",
    );
    check_formula("1 / (x * x + 1)", "accepted");
    check_formula(
        "x * 1000000 * 1000000",
        "2:17: the price is more than 8000000000 credits for x = 1: `x * 1000000 * 1000000`; set a maximum",
    );
    check(
        &format!("{X}rate = {{ formula = \"x / 3\", round = \"exact\" }}"),
        "2:21: the price is finer than a millionth of a credit for x = 1: `x / 3`; let the rate name a rounding",
    );
    check(
        &format!("{X}rate = {{ formula = \"ceil(x / 3) * 1.5\", round = \"ceil\" }}"),
        "2:21: a formula may round inside only where the rate names no rounding: leave out round, or let the rate alone round",
    );
    let deep = format!("{}x{}", "(".repeat(90), ")".repeat(90));
    check_formula(&deep, "2:58: nested more than 40 deep; name parts of it with let");
    let powers = vec!["x"; 30].join(" * ");
    check(
        &format!("{X}rate = {{ formula = \"min(1, {powers})\", maximum = 5 }}"),
        &format!("2:28: `{powers}` is beyond what is computed exactly for x = 19; narrow the bounds of its measures"),
    );
}

#[test]
fn kinds_are_checked() {
    check_formula("x > 1", "2:17: expected a number, found a condition");
    check_formula("if x then 1 else 2", "2:20: expected a condition such as upscale > 1, found a value");
    check_formula("x == 'a'", "2:17: expected a number, found a condition");
    check_formula("if x == 'a' then 1 else 2", "2:25: \"x\" is a number; compare it with a number");
    let words = "measures.q = { allowed = [\"a\", \"b\"] }\n";
    check(
        &format!("{words}rate.formula = \"q + 1\""),
        "2:17: \"q\" is a word; it can only be compared, as in q == 'a'",
    );
    check(
        &format!("{words}rate.formula = \"if q == 'c' then 1 else 2\""),
        "2:25: \"c\" is never a value of \"q\": one of \"a\", \"b\"",
    );
    check(
        &format!("{words}rate.formula = \"if q < 'b' then 1 else 2\""),
        "2:20: words have no order; compare them with == or !=",
    );
    check_formula("round(x, 7)", "2:26: expected a whole number of decimals from 0 to 6");
    check(
        &format!("{X}rate.let.x = \"1\"\nrate.formula = \"x\""),
        "2:10: \"x\" is already a name in this rate; choose another",
    );
    check(
        &format!("{X}rate.let.max = \"1\"\nrate.formula = \"x\""),
        "2:10: \"max\" is a word of the language; choose another name",
    );
}

#[test]
fn tables_and_tiers_are_complete() {
    let words = "measures.q = { allowed = [\"a\", \"b\"] }\n";
    check(
        &format!("{words}rate.let.p = {{ by = [\"q\"], rows = [[\"a\", 1]] }}\nrate.formula = \"p\""),
        "2:14: the table has no row for q b",
    );
    check(
        &format!("{words}rate.let.p = {{ by = [\"q\"], rows = [[\"a\", 1], [\"a\", 2]] }}\nrate.formula = \"p\""),
        "2:46: this combination has a row already",
    );
    check(
        &format!("{words}rate.let.p = {{ by = [\"q\"], rows = [[\"c\", 1]] }}\nrate.formula = \"p\""),
        "2:37: q is never this: expected one of \"a\", \"b\"",
    );
    check(
        &format!("{X}rate.let.p = {{ by = [\"x\"], rows = [[1, 1]] }}\nrate.formula = \"p\""),
        "2:22: a table is looked up by listed values; give x allowed = […], or use tiers",
    );
    check(
        &format!("{X}rate.let.p = {{ volume = \"x\", bands = [{{ up_to = 5, credits = 1 }}] }}\nrate.formula = \"p\""),
        "2:39: every band but the last ends with up_to; the last has none and takes all the rest",
    );
    check(
        &format!("{X}rate.let.p = {{ volume = \"x - 5\", bands = [{{ credits = 1 }}] }}\nrate.formula = \"p\""),
        "2:26: tiers are of a quantity that is negative for x = 0: `x - 5`; use max(0, x - 5)",
    );
}

/// A band's part begins where the one before ended, with the digits of both.
#[test]
fn bands_that_are_finer_than_a_millionth() {
    let bands = |credits: &str| {
        format!(
            "{X}[tools.t.rate]\nlet.p = {{ graduated = \"x\", bands = [{{ up_to = 0.001, credits = 0 }}, {{ up_to = 1, \
             credits = {credits} }}, {{ credits = 0 }}] }}\nformula = \"p\"\nround = \"exact\""
        )
    };
    check(&bands("0.001"), "accepted");
    check(
        &bands("0.0001"),
        "4:12: the price is finer than a millionth of a credit for x = 1: `p`; let the rate name a rounding",
    );
}

/// Each makes the price a step deeper.
#[test]
fn too_many_multipliers() {
    let many = |count| {
        format!("rate = {{ flat = 1, multipliers = [{}] }}", vec!["{ name = \"m\", times = 1 }"; count].join(", "))
    };
    check(&many(50), "accepted");
    check(&many(51), "1:34: a rate has at most 50 multipliers");
}

#[test]
fn fields_that_mean_nothing_are_not_ignored() {
    check("rate = { flat = 1, credits = 2 }", "1:20: credits means nothing in a rate: it goes with per");
    check(
        "measures.x = { allowed = [1], max = 2 }\nrate.flat = 1",
        "1:31: max means nothing in the measure x: its values are listed",
    );
    check(
        &format!("{X}rate.let.p = {{ formula = \"x\", rows = [] }}\nrate.formula = \"p\""),
        "2:31: rows means nothing in the let name p: it is a formula",
    );
}

/// A part that can be negative for some inputs, where the whole never is.
#[test]
fn a_doubtful_part_does_not_condemn_the_whole() {
    let y = "measures.y = { min = 0, max = 100, decimals = 0 }\n";
    check(&format!("{X}{y}rate.formula = \"(x - 10) + y * y - y + 20\""), "accepted");
    check(
        &format!("{X}{y}rate.formula = \"(x - 10) + y * y - y\""),
        "3:18: the price is negative for x = 0, y = 0 because of `x - 10`; write max(0, x - 10) if that is meant",
    );
}

/// A message quotes what is wrong, but not a megabyte of it.
#[test]
fn long_texts_are_cut_in_messages() {
    let error = catalog(&format!("rate.flat = 0.{}1", "0".repeat(500_000))).unwrap_err();
    assert_eq!(error.message.chars().count(), 2_001);
    assert!(error.message.starts_with("expected a number for flat, found 0.000"), "{error}");
}

#[test]
fn examples_that_fail() {
    check("rate = { flat = 4, examples = [{ credits = 5 }] }", "1:44: this example fails: expected 5 credits, got 4");
    check(
        &format!("{X}rate = {{ per = \"x\", credits = 1, examples = [{{ given = {{ x = 101 }}, credits = 101 }}] }}"),
        "2:46: this example is refused: x is a whole number from 0 to 100",
    );
}

#[test]
fn documents_that_are_not_read() {
    for (format, text, expected) in [
        (Format::Toml, "studio = \"s\"\nstudio = \"t\"", "line 2, column 1: not TOML: duplicate key"),
        (
            Format::Toml,
            "studio = ",
            "line 1, column 10: not TOML: string values must be quoted, expected literal string",
        ),
        (Format::Toml, "", "line 1, column 1: a catalog has no studio"),
        (
            Format::Toml,
            "studio = \"A B\"",
            "line 1, column 10: \"A B\" is not an id: expected lower-case letters, digits and dashes, starting with a letter, at most 64",
        ),
        (
            Format::Toml,
            "studio = \"s\"\nname = \"S\"",
            "line 1, column 1: a catalog has at least one tool, as in [tools.text-to-image]",
        ),
        (Format::Json, "[]", "line 1, column 1: expected a table for a catalog, found a list"),
        (
            Format::Json,
            "{\"studio\": \"s\", \"name\": null}",
            "line 1, column 25: expected a text for name, found null",
        ),
    ] {
        assert_eq!(read(text, format).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn plans_packages_and_times() {
    let check = |more: &str, expected: &str| {
        let text = format!("studio = \"s\"\nname = \"S\"\n{more}\n[tools.t]\nname = \"T\"\nrate.flat = 1\n");
        let found = read(&text, Format::Toml).map_or_else(|error| error.to_string(), |_| "accepted".to_owned());
        assert_eq!(found, expected, "{more}");
    };
    check("effective_from = 2026-12-01T00:00:00Z", "accepted");
    check(
        "effective_from = 2026-12-01",
        "line 3, column 18: \"2026-12-01\" is not an RFC 3339 time with an offset, such as 2026-01-31T10:00:00Z",
    );
    check("honoured_for = 90000", "line 3, column 16: expected a whole number from 0 to 86400 for honoured_for");
    check("plans.p = { name = \"P\" }", "line 3, column 11: the plan p has no allowance");
    check(
        "plans.p = { name = \"P\", allowance = 1.0000001 }",
        "line 3, column 37: expected credits for allowance: from 0 to 8000000000, at most 6 decimals; found 1.0000001",
    );
    check(
        "plans.p = { name = \"P\", allowance = 5, term = \"week\" }",
        "line 3, column 47: expected month or year for term, found \"week\"",
    );
    check("packages.p = { name = \"P\", credits = 5 }", "line 3, column 14: the package p has no price");
    check(
        "packages.p = { name = \"P\", credits = 5, price = \"1.999 EUR\" }",
        "line 3, column 49: EUR has 2 decimals, found 1.999",
    );
    check(
        "packages.p = { name = \"P\", credits = 5, price = \"2 EUR\", expires_in_days = 0 }",
        "line 3, column 76: expected a whole number from 1 to 36500 for expires_in_days",
    );
}

/// Depth and length are errors, never a crash.
#[test]
fn hostile_documents_end() {
    let header = "studio = \"s\"\nname = \"S\"\n";
    for text in [
        format!("{header}a = {}", "[".repeat(100_000)),
        format!("{header}a = {}", "{a=".repeat(50_000)),
        format!("{header}{}a = 1", "a.".repeat(50_000)),
        format!("{header}[{}a]", "a.".repeat(50_000)),
        "a".repeat(2 << 20),
    ] {
        assert!(read(&text, Format::Toml).is_err());
    }
    for text in ["[".repeat(500_000), "{\"a\":".repeat(150_000), "\"".repeat(3)] {
        assert!(read(&text, Format::Json).is_err());
    }
    let conditions = format!("if {} then 1 else 2", vec!["x > 1"; 200].join(" and "));
    check_formula(&conditions, "2:20: more than 100 steps deep; name parts of it with let");
}
