//! The rate language and the catalog format: what is accepted and at which price, what is refused
//! and where, what is left, what differs, what comes after what.

mod differences;
mod kinds;
mod notation;
mod quantities_left;
mod random;
mod random_terms;
mod reference_page;
mod refusals;
mod succession;

use scrip_core::catalog::{Catalog, CatalogError, Format, read};
use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::rate::Rate;

/// A catalog with one tool, `t`; `tool` is what stands in its table.
fn source(tool: &str) -> String {
    format!("studio = \"s\"\nname = \"S\"\n[tools.t]\nname = \"T\"\n{tool}\n")
}

fn catalog(tool: &str) -> Result<Catalog, CatalogError> {
    read(&source(tool), Format::Toml)
}

/// The rate of the one tool.
fn rate(tool: &str) -> Rate {
    match catalog(tool) {
        Ok(catalog) => catalog.tools[0].rate.clone(),
        Err(error) => panic!("{error}\n{}", source(tool)),
    }
}

/// Measures as in `seconds=10.4 quality=high`.
fn given(text: &str) -> Measures {
    let mut measures = Measures::none();
    for part in text.split_whitespace() {
        let (name, value) = part.split_once('=').expect("name=value");
        let value = match Decimal::parse(value) {
            Ok(number) => MeasureValue::Number(number),
            Err(_) => MeasureValue::Word(value.into()),
        };
        assert!(measures.insert(MeasureId::parse(name).unwrap(), value), "{name} is given twice");
    }
    measures
}
