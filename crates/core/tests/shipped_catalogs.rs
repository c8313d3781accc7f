//! The shipped catalogs against the documents they come from: every number of the seeds, read from
//! the documents themselves.

use scrip_core::amount::Credits;
use scrip_core::catalog::{Catalog, Format, read};
use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::quote::{left, price, quote};

const FLOW_STUDIO: &str = include_str!("../../../catalogs/flow-studio.toml");
const STUDIOTWIN: &str = include_str!("../../../catalogs/studiotwin.toml");
const FLOW_STUDIO_SEED: &str = include_str!("../../../tests/seeds/flow-studio-credits-system.txt");
const STUDIOTWIN_SEED: &str = include_str!("../../../tests/seeds/studiotwin-how-credits-work.txt");

fn flow_studio() -> Catalog {
    read(FLOW_STUDIO, Format::Toml).expect("the shipped catalog is in order")
}

fn studiotwin() -> Catalog {
    read(STUDIOTWIN, Format::Toml).expect("the shipped catalog is in order")
}

fn measures(given: &[(&str, &str)]) -> Measures {
    let mut measures = Measures::none();
    for (name, value) in given {
        let value = MeasureValue::Number(Decimal::parse(value).unwrap());
        assert!(measures.insert(MeasureId::parse(name).unwrap(), value));
    }
    measures
}

fn whole(text: &str) -> i64 {
    text.replace(',', "").parse().unwrap_or_else(|_| panic!("{text:?} is not a number of the seed"))
}

/// The lines of a document between two others.
fn between<'a>(document: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let inside = document.lines().map(str::trim).skip_while(|line| !line.starts_with(from)).skip(1);
    let lines: Vec<&str> = inside.take_while(|line| !line.starts_with(to)).collect();
    assert!(!lines.is_empty(), "the document has nothing between {from:?} and {to:?}");
    lines
}

/// The tool that a name of the Flow Studio document means.
fn flow_studio_tools(name: &str) -> &'static [&'static str] {
    match name {
        "Live Action" | "Live Action (Easy or Advanced)" => &["live-action"],
        "AI MoCap" | "AI MoCap only" => &["ai-mocap"],
        "Animation / Video to 3D Scene" => &["animation"],
        "Wonder Tools Clean Plate" => &["clean-plate"],
        "Wonder Tools Camera Track" => &["camera-track"],
        "Wonder Tools Clean Plate & Camera Track" => &["clean-plate", "camera-track"],
        other => panic!("the document names an unknown tool: {other:?}"),
    }
}

#[test]
fn flow_studio_prices_are_those_of_its_document() {
    let catalog = flow_studio();
    let mut seen = 0;
    for line in FLOW_STUDIO_SEED.lines().filter_map(|line| line.trim().strip_prefix("• 1 second of ")) {
        let (name, credits) = line.split_once(": ").unwrap();
        let credits = whole(credits.strip_suffix(" credits").unwrap());
        for tool in flow_studio_tools(name) {
            assert_eq!(price(&catalog, tool, &measures(&[("seconds", "1")])), Ok(Credits::whole(credits)), "{tool}");
            seen += 1;
        }
    }
    assert_eq!(seen, 5);
}

#[test]
fn flow_studio_plans_buy_the_seconds_of_its_document() {
    let catalog = flow_studio();
    let (mut plan, mut seen) = (None, 0);
    for line in FLOW_STUDIO_SEED.lines().filter_map(|line| line.trim().strip_prefix("• ")) {
        if let Some((name, rest)) = line.split_once(" users get ") {
            let allowance = whole(rest.split_once(" Credits").unwrap().0);
            let found = catalog.plan(&name.to_lowercase()).unwrap();
            assert_eq!((&*found.name, found.terms.allowance), (name, Credits::whole(allowance)));
            assert_eq!((found.terms.term_months, found.terms.roll_over_cap), (1, None));
            plan = Some(found);
            continue;
        }
        let Some((plan, (quantity, name))) =
            plan.zip(line.split_once(" seconds of ").or(line.split_once(" Second of ")))
        else {
            continue;
        };
        for tool in flow_studio_tools(name) {
            let left = left(&catalog, tool, plan.terms.allowance).unwrap();
            assert_eq!(left.quantity, Decimal::whole(whole(quantity)), "{tool}");
            assert_eq!((&*left.unit, left.at_limit), ("seconds", false), "{tool}");
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

#[test]
fn studiotwin_prices_are_those_of_its_document() {
    let catalog = studiotwin();
    let lines = between(STUDIOTWIN_SEED, "Credit Cost by Tool per Toolkit", "Text to Material Formula");
    let (mut toolkit, mut seen) = ("", 0);
    for line in lines {
        if line.ends_with("Toolkit") {
            toolkit = line;
            continue;
        }
        // The name and its cell are run together: "Motion Edit5 credits".
        let Some(tool) = catalog.tools.iter().filter(|tool| line.starts_with(&*tool.name)).max_by_key(|t| t.name.len())
        else {
            assert!(line.is_empty() || line == "ToolCredits", "an unknown tool: {line:?}");
            continue;
        };
        let listed = catalog.toolkits.iter().find(|other| Some(&other.id) == tool.toolkit.as_ref()).unwrap();
        assert_eq!(&*listed.name, toolkit);
        seen += 1;
        let cell = &line[tool.name.len()..];
        let (given, credits) = match cell.split_once(" credits").unwrap_or((cell, "a formula")) {
            (credits, "") => (measures(&[]), whole(credits)),
            (credits, " per action") => (measures(&[("actions", "1")]), whole(credits)),
            (formula, _) => {
                assert_eq!(formula, format!("Check {} Formula", tool.name));
                continue;
            }
        };
        assert_eq!(tool.rate.price(&given), Ok(Credits::whole(credits)), "{}", tool.name);
    }
    assert_eq!(seen, 11);
    assert_eq!(catalog.tools.len(), 11);
}

/// One table of the document: its rows are run together, as in `512 x 512568` for 5, 6 and 8. The prices of a row,
/// written one after the other, are what follows the row's label.
fn check_material_table(tool: &str, heading: &str, until: &str) {
    let catalog = studiotwin();
    let mut cells = 0;
    for line in between(STUDIOTWIN_SEED, heading, until) {
        let Some(side) = ["512", "1024", "2048"].into_iter().find(|side| line.starts_with(&format!("{side} x {side}")))
        else {
            continue;
        };
        let prices = ["1", "2", "4"].map(|upscale| {
            let given = measures(&[("width", side), ("height", side), ("upscale", upscale)]);
            let quote = quote(&catalog, tool, &given).unwrap();
            assert_eq!(quote.lines.iter().map(|line| line.credits).sum::<Credits>(), quote.credits);
            quote.credits
        });
        assert!(prices.is_sorted(), "{prices:?}");
        assert_eq!(line.strip_prefix(&format!("{side} x {side}")), Some(&*prices.map(|p| p.to_string()).concat()));
        cells += prices.len();
    }
    assert_eq!(cells, 9);
}

#[test]
fn material_formulas_give_the_eighteen_cells() {
    check_material_table("text-to-material", "Text to Material Formula", "Image to Material Formula");
    check_material_table("image-to-material", "Image to Material Formula", "Credit Types");
}

/// Which cells only the right rounding gets (R2).
#[test]
fn material_prices_are_rounded_half_away_from_zero() {
    let catalog = studiotwin();
    for (tool, side, upscale, credits) in [
        ("text-to-material", "512", "1", 5),   // 4.5
        ("image-to-material", "512", "4", 19), // 18.5
        ("text-to-material", "600", "1", 5),   // 5.433…
    ] {
        let given = measures(&[("width", side), ("height", side), ("upscale", upscale)]);
        assert_eq!(price(&catalog, tool, &given), Ok(Credits::whole(credits)), "{tool} {side} {upscale}");
    }
}

#[test]
fn quotes_read_as_in_the_rules() {
    for (catalog, tool, given, lines) in [
        (flow_studio(), "live-action", &[("seconds", "10.4")][..], &["10.4 s → 11 s × 20 = 220"][..]),
        (flow_studio(), "ai-mocap", &[("seconds", "10")], &["10 s × 4 = 40"]),
        (studiotwin(), "text-to-motion", &[("actions", "3")], &["3 actions × 5 = 15"]),
        (studiotwin(), "motion-edit", &[], &["5 per run"]),
        (
            studiotwin(),
            "text-to-material",
            &[("width", "2048"), ("height", "2048"), ("upscale", "2")],
            &["2 + 10 × 4 MP + 3 × 4 MP × 2 = 66"],
        ),
        (
            studiotwin(),
            "text-to-material",
            &[("width", "512"), ("height", "512"), ("upscale", "1")],
            &["2 + 10 × 0.25 MP = 4.5", "4.5 → 5, rounded to whole credits"],
        ),
    ] {
        let quote = quote(&catalog, tool, &measures(given)).unwrap();
        assert_eq!(quote.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), lines);
        assert_eq!(quote.lines.iter().map(|line| line.credits).sum::<Credits>(), quote.credits);
    }
}
