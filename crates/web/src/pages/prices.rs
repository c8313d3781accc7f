//! *Prices*: what each tool costs, by toolkit; formulas as tables; an estimator that shows its arithmetic; and what a plan's
//! credits buy.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::catalog::{ChoiceShown, MeasureShown, ToolShown};
use scrip_api::number::{Amount, Quantity};
use scrip_api::offer::{OffersShown, PlanOfferShown};
use scrip_api::problem::ProblemShown;
use scrip_api::quote::QuoteShown;
use scrip_core::measure::Decimal;
use serde_json::{Map, Value};

use crate::frame::{self, Frame, Place};
use crate::pages::Page;
use crate::trouble::Trouble;
use crate::typed;
use crate::visit::Visit;

/// Sizes that a formula's table shows, where a measure's bounds allow them: those of the seed.
const SIZES: [u32; 3] = [512, 1_024, 2_048];
/// What sizes are counted in.
const PIXELS: &str = "pixels";
/// Steps of heat.
const HEATS: usize = 6;
/// What a measure without a default begins with, where its bounds allow it.
const BEGINS_WITH: u32 = 10;

#[derive(Template)]
#[template(path = "prices.html")]
struct Prices {
    frame: Frame,
    toolkits: Vec<Toolkit>,
    tables: Vec<Table>,
    months: Vec<Month>,
    estimate: Option<Estimate>,
}

/// The part of the page that follows the estimator's fields.
#[derive(Template)]
#[template(path = "answer.html")]
struct Answer {
    frame: Frame,
    estimate: Estimate,
}

/// Tools that are listed together.
struct Toolkit {
    name: String,
    tools: Vec<ToolShown>,
}

/// A formula as a table: sizes down, choices across.
struct Table {
    /// The tool.
    tool: String,
    name: String,
    /// As the catalog writes it, in signs that people use.
    formula: String,
    across: String,
    choices: Vec<String>,
    rows: Vec<Row>,
}

/// One size.
struct Row {
    size: String,
    cells: Vec<Cell>,
}

/// One price.
struct Cell {
    credits: Amount,
    heat: usize,
}

/// What a month's credits buy: plans that bring the same stand together.
struct Month {
    plans: String,
    offer: PlanOfferShown,
}

/// A job that is being thought about.
struct Estimate {
    tool: ToolShown,
    fields: Vec<Field>,
    outcome: Outcome,
}

/// What an estimate comes to.
enum Outcome {
    Quoted(Box<QuoteShown>),
    Refused(String),
}

/// The form's own field, which says what the job is run with.
const TOOL: &str = "tool";

/// A measure as it stands in the form.
struct Field {
    measure: MeasureShown,
    value: String,
}

/// The page.
pub(super) async fn page(visit: Visit, Query(asked): Query<BTreeMap<String, String>>) -> Page {
    let frame = Frame::around(&visit, Place::Prices).await?;
    let offers: OffersShown = visit.get("/offers").await?;
    let mut tables = Vec::new();
    for tool in &frame.catalog.tools {
        tables.extend(table(&visit, &frame, tool).await?);
    }
    let estimate = match chosen(&frame, &asked) {
        Some(tool) => Some(estimate(&visit, &frame, tool, &asked).await?),
        None => None,
    };
    let toolkits = toolkits(&frame);
    Ok(frame::html(StatusCode::OK, &Prices { frame, toolkits, tables, months: months(offers.plans), estimate }))
}

/// The estimate alone, for a page that is open already.
pub(super) async fn answer(visit: Visit, Query(asked): Query<BTreeMap<String, String>>) -> Page {
    let frame = Frame::around(&visit, Place::Prices).await?;
    let tool = chosen(&frame, &asked).ok_or(Trouble::NoPage)?;
    let estimate = estimate(&visit, &frame, tool, &asked).await?;
    Ok(frame::html(StatusCode::OK, &Answer { frame, estimate }))
}

/// The tool that is asked for, else the catalog's first.
fn chosen(frame: &Frame, asked: &BTreeMap<String, String>) -> Option<ToolShown> {
    let tools = &frame.catalog.tools;
    let named = asked.get(TOOL).and_then(|id| tools.iter().find(|tool| tool.tool == *id));
    named.or(tools.first()).cloned()
}

/// What each plan's credits buy, once where two plans bring the same.
fn months(offers: Vec<PlanOfferShown>) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for offer in offers.into_iter().filter(|offer| !offer.buys.is_empty()) {
        let same =
            |month: &&mut Month| month.offer.plan.allowance == offer.plan.allowance && month.offer.buys == offer.buys;
        match months.iter_mut().find(same) {
            Some(month) => month.plans = format!("{} · {}", month.plans, offer.plan.name),
            None => months.push(Month { plans: offer.plan.name.clone(), offer }),
        }
    }
    months
}

/// The tools by toolkit, in the catalog's order; those without one last.
fn toolkits(frame: &Frame) -> Vec<Toolkit> {
    let of = |id: Option<&str>| -> Vec<ToolShown> {
        frame.catalog.tools.iter().filter(|tool| tool.toolkit.as_deref() == id).cloned().collect()
    };
    let named = frame.catalog.toolkits.iter();
    let mut toolkits: Vec<Toolkit> =
        named.map(|toolkit| Toolkit { name: toolkit.name.clone(), tools: of(Some(&toolkit.id)) }).collect();
    let name = if toolkits.is_empty() { "Tools" } else { "Other tools" };
    toolkits.push(Toolkit { name: name.to_owned(), tools: of(None) });
    toolkits.retain(|toolkit| !toolkit.tools.is_empty());
    toolkits
}

/// The table of a tool that is priced by sizes and a choice; `None` for any other.
async fn table(visit: &Visit, frame: &Frame, tool: &ToolShown) -> Result<Option<Table>, Trouble> {
    let quantities: Vec<&MeasureShown> = tool.measures.iter().filter(|measure| measure.choices.is_none()).collect();
    let choices: Vec<&MeasureShown> = tool.measures.iter().filter(|measure| measure.choices.is_some()).collect();
    let sized = quantities.len() > 1 && quantities.iter().all(|quantity| quantity.unit.as_deref() == Some(PIXELS));
    let ([choice], true) = (choices.as_slice(), sized) else { return Ok(None) };
    let sizes: Vec<u32> = SIZES.into_iter().filter(|size| quantities.iter().all(|q| allows(q, *size))).collect();
    let values = choice.choices.clone().unwrap_or_default();
    let mut rows = Vec::new();
    for size in sizes {
        let mut cells = Vec::new();
        for value in &values {
            let mut measures = Map::new();
            for quantity in &quantities {
                measures.insert(quantity.measure.clone(), size.into());
            }
            measures.insert(choice.measure.clone(), json_of(value)?);
            match quote(visit, tool, measures).await {
                Ok(quote) => cells.push(Cell { credits: quote.credits, heat: 0 }),
                // One size that has no price makes no table.
                Err(Trouble::Problem(problem)) if problem.status < 500 => return Ok(None),
                Err(trouble) => return Err(trouble),
            }
        }
        rows.push(Row { size: vec![size.to_string(); quantities.len()].join(" × "), cells });
    }
    heat(&mut rows);
    let across = choice.unit.clone().unwrap_or_else(|| choice.measure.replace(['_', '-'], " "));
    let choices = values.iter().map(|value| shown(frame, value)).collect();
    let (tool, name, formula) = (tool.tool.clone(), tool.name.clone(), tool.rate.replace(" * ", " × "));
    Ok((!rows.is_empty()).then_some(Table { tool, name, formula, across, choices, rows }))
}

/// How warm each price is: by its rank among the prices of its table, since sizes grow by doubling.
fn heat(rows: &mut [Row]) {
    let prices: BTreeSet<i64> =
        rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.credits.0.millionths())).collect();
    for cell in rows.iter_mut().flat_map(|row| row.cells.iter_mut()) {
        let cheaper = prices.range(..cell.credits.0.millionths()).count();
        cell.heat = cheaper * (HEATS - 1) / (prices.len() - 1).max(1);
    }
}

async fn quote(visit: &Visit, tool: &ToolShown, measures: Map<String, Value>) -> Result<QuoteShown, Trouble> {
    let mut job = Map::new();
    job.insert("tool".to_owned(), Value::String(tool.tool.clone()));
    job.insert("measures".to_owned(), Value::Object(measures));
    job.insert("account".to_owned(), Value::String(visit.account.clone()));
    visit.quote(Value::Object(job)).await
}

/// What the job that is asked for would cost this account.
async fn estimate(
    visit: &Visit,
    frame: &Frame,
    tool: ToolShown,
    asked: &BTreeMap<String, String>,
) -> Result<Estimate, Trouble> {
    let (mut fields, mut measures, mut misread) = (Vec::new(), Map::new(), None);
    for measure in &tool.measures {
        let begins = begins_with(measure);
        let given = asked.get(named(measure)).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let value = given.unwrap_or_else(|| begins.clone());
        let field = Field { measure: measure.clone(), value };
        // What the page wrote itself is no doubt read as it was meant.
        match if field.value == begins { Ok(value_of(measure, &begins)) } else { field.typed() } {
            Ok(value) => drop(measures.insert(measure.measure.clone(), value)),
            Err(words) => misread = misread.or(Some(words)),
        }
        fields.push(field);
    }
    let outcome = match misread {
        Some(words) => Outcome::Refused(words),
        None => match quote(visit, &tool, measures).await {
            Ok(quote) => Outcome::Quoted(Box::new(quote)),
            Err(Trouble::Problem(problem)) if problem.status < 500 => {
                Outcome::Refused(refused(frame, &fields, &problem))
            }
            Err(trouble) => return Err(trouble),
        },
    };
    Ok(Estimate { tool, fields, outcome })
}

/// Why a price is refused, by the name that the field has.
fn refused(frame: &Frame, fields: &[Field], problem: &ProblemShown) -> String {
    let field = fields.iter().find(|field| problem.measure.as_deref() == Some(&field.measure.measure));
    match (field, &problem.expected) {
        (Some(field), Some(expected)) => format!("{}: {expected}.", field.label()),
        _ => format!("{} cannot price that.", frame.catalog.name),
    }
}

/// What the form calls a measure: by its name, but for the one name that the form has itself. No measure has a dash in its name.
fn named(measure: &MeasureShown) -> &str {
    if measure.measure == TOOL { "measure-tool" } else { &measure.measure }
}

/// Whether a size lies within a measure's bounds.
fn allows(measure: &MeasureShown, size: u32) -> bool {
    let least = measure.min.is_none_or(|Quantity(min)| min.mantissa() <= at_scale_of(min, size));
    least && measure.max.is_none_or(|Quantity(max)| at_scale_of(max, size) <= max.mantissa())
}

/// A whole number in the parts that a decimal counts.
fn at_scale_of(decimal: Decimal, size: u32) -> i128 {
    i128::from(size) * 10_i128.pow(u32::from(decimal.scale()))
}

/// What a measure stands at before anything is chosen.
fn begins_with(measure: &MeasureShown) -> String {
    if let Some(default) = measure.default.as_ref().or_else(|| measure.choices.as_ref()?.first()) {
        return plain(default);
    }
    let among = [BEGINS_WITH, 1_024, 1].into_iter().find(|size| allows(measure, *size));
    let sized = if measure.unit.as_deref() == Some(PIXELS) && allows(measure, 1_024) { Some(1_024) } else { among };
    sized.map(|size| size.to_string()).or_else(|| Some(measure.min?.0.to_string())).unwrap_or_default()
}

/// A measure's value for a request: its digits as they were written, or a word.
fn value_of(measure: &MeasureShown, text: &str) -> Value {
    let is_word =
        measure.choices.iter().flatten().any(|choice| matches!(choice, ChoiceShown::Word(word) if word == text));
    match text.parse::<serde_json::Number>() {
        Ok(number) if !is_word => Value::Number(number),
        Ok(_) | Err(_) => Value::String(text.to_owned()),
    }
}

fn json_of(choice: &ChoiceShown) -> Result<Value, Trouble> {
    serde_json::to_value(choice).map_err(|_| Trouble::Fault)
}

fn plain(choice: &ChoiceShown) -> String {
    match choice {
        ChoiceShown::Number(number) => number.0.to_string(),
        ChoiceShown::Word(word) => word.clone(),
    }
}

fn shown(frame: &Frame, choice: &ChoiceShown) -> String {
    match choice {
        ChoiceShown::Number(number) => frame.wording.number(number),
        ChoiceShown::Word(word) => word.clone(),
    }
}

impl Prices {
    /// Whether a tool's price is a formula that stands as a table below.
    fn has_table(&self, tool: &ToolShown) -> bool {
        self.tables.iter().any(|table| table.tool == tool.tool)
    }

    /// What a month's credits buy of a tool; empty where that depends on more than how often it runs.
    fn bought(&self, month: &Month, tool: &ToolShown) -> String {
        let left = month.offer.buys.iter().find(|left| left.tool == tool.tool);
        left.map(|left| self.frame.wording.quantity(&left.quantity, &left.unit)).unwrap_or_default()
    }

    /// The tools of which months buy something that can be counted.
    fn counted(&self) -> Vec<&ToolShown> {
        let is_counted = |tool: &&ToolShown| self.months.iter().any(|month| !self.bought(month, tool).is_empty());
        self.frame.catalog.tools.iter().filter(is_counted).collect()
    }
}

impl Estimate {
    fn quote(&self) -> Option<&QuoteShown> {
        match &self.outcome {
            Outcome::Quoted(quote) => Some(quote),
            Outcome::Refused(_) => None,
        }
    }

    fn refusal(&self) -> &str {
        match &self.outcome {
            Outcome::Quoted(_) => "",
            Outcome::Refused(words) => words,
        }
    }
}

impl Field {
    fn label(&self) -> String {
        let words = self.measure.measure.replace(['_', '-'], " ");
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        let name = format!("{first}{}", letters.as_str());
        match self.measure.unit.as_deref().filter(|unit| *unit != self.measure.measure) {
            Some(unit) => format!("{name} ({unit})"),
            None => name,
        }
    }

    /// What somebody typed or chose, for a request; or what is wrong with it.
    fn typed(&self) -> Result<Value, String> {
        match self.measure.choices {
            Some(_) => Ok(value_of(&self.measure, &self.value)),
            None => typed::number_within(&self.label(), &self.value, |whole| {
                u32::try_from(whole).is_ok_and(|size| allows(&self.measure, size))
            })
            .map(Value::Number),
        }
    }

    /// What the form calls it.
    fn name(&self) -> &str {
        named(&self.measure)
    }

    fn choices(&self) -> Vec<String> {
        self.measure.choices.iter().flatten().map(plain).collect()
    }

    fn is(&self, choice: &str) -> bool {
        self.value == choice
    }

    fn bound(&self, which: &str) -> String {
        let bound = if which == "min" { &self.measure.min } else { &self.measure.max };
        bound.map(|Quantity(bound)| bound.to_string()).unwrap_or_default()
    }

    /// The finest part that is accepted.
    fn step(&self) -> &'static str {
        match self.measure.decimals {
            Some(0) | None if self.measure.step.is_none() => "1",
            _ => "any",
        }
    }

    /// The slider's end: a range of all that is accepted would be of no use.
    fn slides_to(&self) -> String {
        let far = if self.measure.unit.as_deref() == Some(PIXELS) { 4_096 } else { 120 };
        if allows(&self.measure, far) { far.to_string() } else { self.bound("max") }
    }
}
