//! Quotes: a price with the lines that explain it.

use scrip_core::id::{AccountId, ToolId};
use scrip_core::measure::Measures;
use scrip_core::quote::Quote;
use scrip_core::statement::AccountQuote;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::{PartShown, parts};
use crate::charge::tool_id;
use crate::measure::MeasuresAsked;
use crate::number::Amount;
use crate::present::present;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// A job to price.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// The tool.
    pub tool: String,
    /// Its measures.
    #[serde(default)]
    pub measures: MeasuresAsked,
    /// For whom; absent: the price alone.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub account: Option<String>,
    /// Price it by this version, which is or was in force; absent: by the one that is. What explains the price of a job that
    /// has run; what a new job costs is the version in force's.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub catalog_version: Option<u32>,
}

impl QuoteRequest {
    /// For whom, if for anyone.
    pub fn account(&self) -> Result<Option<AccountId>, InvalidField> {
        let parse = |id: &String| AccountId::parse(id).map_err(|error| InvalidField::new("account", error.expected));
        self.account.as_ref().map(parse).transpose()
    }

    /// The job.
    pub fn job(self) -> Result<(ToolId, Measures), Unfit> {
        Ok((tool_id(&self.tool)?, self.measures.measures()?))
    }
}

/// A price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteShown {
    /// The tool.
    pub tool: String,
    /// What the job costs.
    pub credits: Amount,
    /// How it comes about; the lines' credits sum exactly to the price.
    pub lines: Vec<LineShown>,
    /// The catalog version that priced it.
    pub catalog_version: u32,
    /// What it means for the account that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<QuoteAccountShown>,
}

/// One line of a quote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineShown {
    /// As in `10.4 s → 11 s × 20 = 220`.
    pub text: String,
    /// What it adds.
    pub credits: Amount,
}

/// What a price means for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteAccountShown {
    /// Whether the account may run the tool.
    pub enabled: bool,
    /// What it could spend.
    pub available: Amount,
    /// Whether a hold would be accepted.
    pub affordable: bool,
    /// What is missing, a debt included; 0 when affordable.
    pub short_by: Amount,
    /// When credits come next; null without a plan.
    pub resets_at: Option<Instant>,
    /// Which lots would pay; empty when not affordable.
    pub from: Vec<PartShown>,
    /// The packages that would cover what is missing, smallest first.
    pub packages: Vec<String>,
}

impl QuoteShown {
    /// A price without an account.
    pub fn of(tool: &ToolId, quote: &Quote, catalog_version: u32) -> QuoteShown {
        let line =
            |line: &scrip_core::quote::Line| LineShown { text: line.text.clone(), credits: Amount(line.credits) };
        QuoteShown {
            tool: tool.to_string(),
            credits: Amount(quote.credits),
            lines: quote.lines.iter().map(line).collect(),
            catalog_version,
            account: None,
        }
    }
}

impl From<&AccountQuote> for QuoteAccountShown {
    fn from(quote: &AccountQuote) -> QuoteAccountShown {
        QuoteAccountShown {
            enabled: quote.enabled,
            available: Amount(quote.available),
            affordable: quote.affordable,
            short_by: Amount(quote.short_by),
            resets_at: quote.resets_at.map(Instant),
            from: parts(&quote.from),
            packages: quote.packages.iter().map(ToString::to_string).collect(),
        }
    }
}
