//! The reference page of the format: every example on it is a catalog that scrip accepts.

use scrip_core::catalog::{Format, read};

const PAGE: &str = include_str!("../../../../docs/catalog.md");

#[test]
fn every_example_is_accepted() {
    let blocks: Vec<&str> = PAGE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 11, "one for every kind of rate");
    for block in blocks {
        let whole = block.starts_with("studio = ");
        let text = if whole { block.to_owned() } else { format!("studio = \"s\"\nname = \"S\"\n{block}") };
        let catalog = read(&text, Format::Toml).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(whole || catalog.tools.iter().all(|tool| !tool.rate.examples().is_empty()), "no example\n{text}");
    }
}

#[test]
fn every_unit_is_named() {
    for unit in scrip_core::rate::unit::Unit::known() {
        assert!(PAGE.contains(unit), "{unit}");
    }
}
