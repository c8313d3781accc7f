//! Usage: totals for charts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::number::WideAmount;
use crate::time::Instant;

/// Totals of what was used in a half-open period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageShown {
    /// Its first instant; null: from the beginning.
    pub from: Option<Instant>,
    /// The first instant after it; null: until now.
    pub to: Option<Instant>,
    /// The zone in which its days are counted: the account's; UTC for a whole studio.
    pub time_zone: String,
    /// A row for each tool, day, or tool and day with anything in it, by day and then by tool.
    pub rows: Vec<UsageRow>,
    /// The sum of the rows.
    pub total: UsageTotals,
}

/// One row of usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageRow {
    /// The day, as in `2026-01-31`; only when asked for by day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// The tool; only when asked for by tool. Null for amounts that were stated without a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Option<String>>,
    /// Charges made, by settling a hold or at once.
    pub charges: u64,
    /// What lots paid for them.
    pub charged: WideAmount,
    /// What was recorded as debt for them.
    pub debt: WideAmount,
    /// What nobody paid.
    pub uncollected: WideAmount,
    /// What was given back, on the day it was given back.
    pub refunded: WideAmount,
    /// charged + debt − refunded.
    pub credits: WideAmount,
}

impl UsageRow {
    /// A row of these totals.
    pub fn of(day: Option<String>, tool: Option<Option<String>>, totals: UsageTotals) -> UsageRow {
        let UsageTotals { charges, charged, debt, uncollected, refunded, credits } = totals;
        UsageRow { day, tool, charges, charged, debt, uncollected, refunded, credits }
    }
}

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageTotals {
    /// Charges made, by settling a hold or at once.
    pub charges: u64,
    /// What lots paid for them.
    pub charged: WideAmount,
    /// What was recorded as debt for them.
    pub debt: WideAmount,
    /// What nobody paid.
    pub uncollected: WideAmount,
    /// What was given back, on the day it was given back.
    pub refunded: WideAmount,
    /// charged + debt − refunded.
    pub credits: WideAmount,
}
