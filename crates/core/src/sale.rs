//! What is for sale, and to whom.
//!
//! Apart because a quote, a refusal for want of credits and an order must agree on it: what is
//! offered can be bought.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::{Catalog, Package};
use crate::id::PackageId;
use crate::order::Item;
use crate::plan::SubscriptionState;
use crate::time::Time;

/// Why an account cannot buy a package that is in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotForSale {
    /// Not yet, or no longer.
    Dates,
    /// Only to accounts on an active plan.
    NeedsPlan,
    /// The account has bought it, or is about to, as often as it may.
    Limit,
}

impl NotForSale {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            NotForSale::Dates => "dates",
            NotForSale::NeedsPlan => "needs_plan",
            NotForSale::Limit => "limit",
        }
    }
}

/// Whether a package is for sale at all at an instant.
pub fn on_sale(package: &Package, at: Time) -> bool {
    package.from.is_none_or(|from| from <= at) && package.until.is_none_or(|until| at < until)
}

/// Whether an account can buy a package. Orders that wait for their money count as bought.
pub fn check(account: &Account, package: &Package, at: Time) -> Result<(), NotForSale> {
    if !on_sale(package, at) {
        return Err(NotForSale::Dates);
    }
    let subscription = account.subscription.as_deref();
    if package.needs_plan && subscription.is_none_or(|held| held.state != SubscriptionState::Active) {
        return Err(NotForSale::NeedsPlan);
    }
    if left(account, package, at).is_none_or(|left| left > 0) { Ok(()) } else { Err(NotForSale::Limit) }
}

/// How many of a package its limit leaves to the account; `None` where it has no limit. Each of an order's quantity
/// counts, and orders that wait for their money count as bought.
pub(crate) fn left(account: &Account, package: &Package, at: Time) -> Option<u32> {
    let limit = package.limit?;
    let bought = account.bought.get(&package.id).map_or(0, |tally| tally.count(limit.per, at));
    let waits = account
        .orders
        .iter()
        .filter(|order| order.waits() && matches!(&order.item, Item::Package(id) if *id == package.id));
    let taken = waits.fold(bought, |taken, order| taken.saturating_add(order.quantity));
    Some(limit.count.saturating_sub(taken))
}

/// Whether a package's credits, bonus included, are at least what is missing.
pub(crate) fn covers(package: &Package, short_by: Credits) -> bool {
    package.credits + package.bonus >= short_by
}

/// The packages that would each cover `short_by` and that the account can buy, smallest first (R9, R18).
pub(crate) fn packages_covering(account: &Account, catalog: &Catalog, short_by: Credits, at: Time) -> Vec<PackageId> {
    let covering = catalog.packages.iter().filter(|package| covers(package, short_by));
    let packages = covering.filter(|package| check(account, package, at).is_ok());
    packages.map(|package| package.id.clone()).collect()
}
