//! `scrip quote`: a price offline, by the same function as everywhere else (R3, R9).

use scrip_api::number::Amount;
use scrip_api::problem::Problem;
use scrip_api::quote::LineShown;
use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::quote::{self, Quote};
use scrip_core::rejection::Rejection;
use serde::Serialize;

use crate::args::QuoteArguments;
use crate::commands::catalog;
use crate::failure::Failure;

/// Prints the price and the lines that explain it.
pub(crate) fn run(arguments: &QuoteArguments) -> Result<(), Failure> {
    let catalog = catalog::read(&arguments.catalog)?;
    let measures = measures(&arguments.measures)?;
    let quote = quote::quote(&catalog, &arguments.tool, &measures).map_err(|rejection| {
        let tools: Vec<&str> = catalog.tools.iter().map(|tool| tool.id.as_str()).collect();
        no_price(rejection, &tools)
    })?;
    if arguments.json {
        print_json(&arguments.tool, &quote);
    } else {
        print_text(&quote);
    }
    Ok(())
}

/// Reads `name=value` arguments: a value that is a decimal number is one, any other is a word.
fn measures(arguments: &[String]) -> Result<Measures, Failure> {
    let mut measures = Measures::none();
    for argument in arguments {
        let Some((name, value)) = argument.split_once('=') else {
            return Err(Failure::Usage(format!("`{argument}` is not a measure: write it as name=value")));
        };
        let id = MeasureId::parse(name)
            .map_err(|error| Failure::Usage(format!("`{name}` is not the name of a measure: {error}")))?;
        let value = match Decimal::parse(value) {
            Ok(number) => MeasureValue::Number(number),
            Err(_) => MeasureValue::Word(value.into()),
        };
        if !measures.insert(id, value) {
            return Err(Failure::Usage(format!("the measure `{name}` is given twice")));
        }
    }
    Ok(measures)
}

/// Why there is no price, in the words of the API.
fn no_price(rejection: Rejection, tools: &[&str]) -> Failure {
    let unknown = matches!(rejection, Rejection::UnknownTool { .. });
    let Problem { code, detail, .. } = rejection.into();
    // The API's own words name an address to ask; here is the answer.
    let detail = if unknown { format!("There is no such tool. The catalog has {}.", tools.join(", ")) } else { detail };
    Failure::No(format!("{}: {detail}", code.word()))
}

fn print_text(quote: &Quote) {
    println!("{} credits", quote.credits);
    for line in &quote.lines {
        println!("  {}", line.text);
    }
}

/// The answer of `--json`, in the words of `POST /v1/quotes`; a file has no version.
#[derive(Serialize)]
struct QuoteObject<'a> {
    tool: &'a str,
    credits: Amount,
    lines: Vec<LineShown>,
}

fn print_json(tool: &str, quote: &Quote) {
    let lines = quote.lines.iter().map(|line| LineShown { text: line.text.clone(), credits: Amount(line.credits) });
    let object = QuoteObject { tool, credits: Amount(quote.credits), lines: lines.collect() };
    println!("{}", serde_json::to_string(&object).expect("texts and numbers"));
}
