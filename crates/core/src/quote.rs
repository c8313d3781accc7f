//! Quotes: one function computes every price (R3, R9).

use crate::amount::Credits;
use crate::catalog::Catalog;
use crate::measure::Measures;
use crate::rejection::Rejection;

/// A price with the lines that explain it. The lines' credits sum exactly to the quote's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What the job costs.
    pub credits: Credits,
    /// How it comes about.
    pub lines: Vec<Line>,
}

/// One line of a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As in "10.4 s → 11 s × 20 = 220".
    pub text: String,
    /// What it adds.
    pub credits: Credits,
}

/// The price of a job, without its lines: what holds, charges, settles and seconds left use. No allocation.
pub fn price(catalog: &Catalog, tool: &str, measures: &Measures) -> Result<Credits, Rejection> {
    let tool_ = catalog.tool(tool).ok_or_else(|| Rejection::UnknownTool { tool: tool.into() })?;
    tool_.rate.price(measures)
}

/// The same price with its lines.
pub fn quote(catalog: &Catalog, tool: &str, measures: &Measures) -> Result<Quote, Rejection> {
    let tool_ = catalog.tool(tool).ok_or_else(|| Rejection::UnknownTool { tool: tool.into() })?;
    tool_.rate.quote(measures)
}

/// The longest quantity that is affordable (R10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The measure's quantity: seconds, actions, runs…
    pub quantity: crate::measure::Decimal,
    /// The unit's word for people: "seconds".
    pub unit: Box<str>,
    /// Whether the measure's bound, not the credits, stopped it.
    pub at_limit: bool,
}

/// What `available` credits buy of a tool (R10); `None` when a measure without a default stands in the way.
pub fn left(catalog: &Catalog, tool: &str, available: Credits) -> Option<Left> {
    catalog.tool(tool)?.rate.left(available)
}
