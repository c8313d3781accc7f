//! The price of a hold or charge, and whether the account can pay it (R7, R18, R32).

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::{Catalogs, Published};
use crate::command::{Cost, Expected};
use crate::decide::{check_positive, invalid};
use crate::hold::{HOLD_FOR, OnExcess, Priced};
use crate::rejection::{Rejection, Shortage};
use crate::sale::packages_covering;
use crate::time::Time;

/// A price, and the tool's ways that a hold takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    /// What it costs.
    pub(super) credits: Credits,
    /// What it was made of.
    pub(super) priced: Priced,
    /// Seconds to a hold's deadline.
    pub(super) hold_for: u32,
    /// The policy for a price above the hold.
    pub(super) on_excess: OnExcess,
}

/// What is wrong with a cost whatever the account (400).
pub(super) fn check_shape(cost: &Cost) -> Result<(), Rejection> {
    match cost {
        Cost::Credits(credits) => check_positive(*credits),
        Cost::Tool { .. } => Ok(()),
    }
}

/// A quoted version is one of the studio's (400).
pub(super) fn check_published(account: &Account, catalogs: &Catalogs, expected: Expected) -> Result<(), Rejection> {
    match expected.catalog_version {
        Some(version) if catalogs.version(account.studio, version).is_none() => {
            Err(invalid("catalog_version", "a version that was published"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The price at the version in force, or at the quoted one while it is honoured (R7); checks the tool, its measures,
/// its project type, and that the price is the expected one, in this order (R32).
pub(super) fn price(
    account: &Account,
    catalogs: &Catalogs,
    cost: &Cost,
    expected: Expected,
    at: Time,
) -> Result<Price, Rejection> {
    let quoted = expected.catalog_version.filter(|version| catalogs.honoured(account.studio, *version, at));
    let published = match quoted {
        Some(version) => catalogs.version(account.studio, version),
        None => catalogs.in_force(account.studio, at),
    };
    let price = price_at(account, published.map(AsRef::as_ref), cost)?;
    let superseded = expected.catalog_version.is_some() && quoted.is_none();
    if superseded || expected.credits.is_some_and(|credits| credits != price.credits) {
        let catalog_version = price.priced.catalog_version;
        return Err(Rejection::PriceChanged { credits: price.credits, catalog_version });
    }
    Ok(price)
}

/// The price at a version. A stated amount needs no catalog: its version is then 0.
fn price_at(account: &Account, published: Option<&Published>, cost: &Cost) -> Result<Price, Rejection> {
    let (tool, measures) = match cost {
        Cost::Credits(credits) => {
            let catalog_version = published.map_or(0, |published| published.version);
            let priced = Priced { tool: None, measures: crate::measure::Measures::none(), catalog_version };
            return Ok(Price { credits: *credits, priced, hold_for: HOLD_FOR, on_excess: OnExcess::default() });
        }
        Cost::Tool { tool, measures } => (tool, measures),
    };
    let unknown = || Rejection::UnknownTool { tool: tool.as_str().into() };
    let published = published.ok_or_else(unknown)?;
    let offered = published.catalog.tool(tool.as_str()).ok_or_else(unknown)?;
    let credits = offered.rate.price(measures)?;
    if let Some(project_type) = &offered.project_type
        && !account.enabled(project_type)
    {
        return Err(Rejection::ProjectTypeNotEnabled { project_type: project_type.clone() });
    }
    let priced = Priced { tool: Some(tool.clone()), measures: measures.clone(), catalog_version: published.version };
    Ok(Price { credits, priced, hold_for: offered.hold_for, on_excess: offered.on_excess })
}

/// Whether the account may start something that costs `required`: first no debt, then enough available (R32).
pub(super) fn afford(account: &Account, catalogs: &Catalogs, required: Credits, at: Time) -> Result<(), Rejection> {
    let available = account.totals().available();
    if account.debt.is_zero() && required <= available {
        return Ok(());
    }
    let shortage = shortage(account, catalogs, required, at);
    if account.debt.is_zero() {
        Err(Rejection::InsufficientCredits(shortage))
    } else {
        Err(Rejection::DebtOutstanding { debt: account.debt, shortage })
    }
}

/// What is missing for something that costs `required`: a debt first, since new credits repay it first, then what the
/// available credits do not cover.
pub(crate) fn shortage(account: &Account, catalogs: &Catalogs, required: Credits, at: Time) -> Shortage {
    let available = account.totals().available();
    let short_by = account.debt + (required - available).or_zero();
    let catalog = catalogs.in_force(account.studio, at);
    Shortage {
        required,
        available,
        short_by,
        packages: catalog
            .map_or_else(Vec::new, |published| packages_covering(account, &published.catalog, short_by, at)),
        resets_at: account.subscription.as_ref().and_then(|subscription| subscription.refills_at()),
    }
}
