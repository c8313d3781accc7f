//! Catalogs as documents, as a store keeps them: those of the scenarios are partly made without one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use scrip_core::catalog::{Catalog, Package, Plan, Price};
use scrip_core::plan::Renews;
use scrip_core::tally::Per;

use crate::rules;

/// The documents that were read, by what tells their catalogs from others.
static READ: Mutex<BTreeMap<[u8; 32], String>> = Mutex::new(BTreeMap::new());

/// The catalog of a document.
pub(crate) fn read(source: &str) -> Catalog {
    let catalog = rules::read(source);
    READ.lock().unwrap_or_else(PoisonError::into_inner).insert(catalog.digest, source.to_owned());
    catalog
}

/// The document of a catalog: the one that it was read from, or one of its plans and packages.
pub(crate) fn of(catalog: &Catalog) -> String {
    if let Some(source) = READ.lock().unwrap_or_else(PoisonError::into_inner).get(&catalog.digest) {
        return source.clone();
    }
    let mut source = format!(
        "studio = \"{}\"\nname = \"{}\"\nclaw_back = \"{}\"\nhonoured_for = {}\n\
         # A catalog has at least one tool.\n[tools.none]\nname = \"None\"\nrate.flat = 1\n",
        catalog.studio,
        catalog.studio_name,
        catalog.claw_back.word(),
        catalog.honoured_for
    );
    catalog.plans.iter().for_each(|plan| source += &of_plan(plan));
    catalog.packages.iter().for_each(|package| source += &of_package(package));
    let again = rules::read(&source);
    assert_eq!((&again.plans, again.claw_back), (&catalog.plans, catalog.claw_back));
    assert_eq!(sold(&again), sold(catalog));
    source
}

/// The packages in the order in which a document's are, and without what means nothing.
fn sold(catalog: &Catalog) -> Vec<Package> {
    let mut packages = catalog.packages.clone();
    packages.sort_by_key(|package| package.credits + package.bonus);
    for package in packages.iter_mut().filter(|package| package.bonus.is_zero()) {
        package.bonus_expires_in_days = None;
    }
    packages
}

fn of_plan(plan: &Plan) -> String {
    let terms = &plan.terms;
    let mut lines = format!("[plans.{}]\nname = \"{}\"\nallowance = {}\n", plan.id, plan.name, terms.allowance);
    if terms.term_months == 12 {
        lines += "term = \"year\"\n";
    }
    if let Some(cap) = terms.roll_over_cap {
        lines += &format!("roll_over_cap = {cap}\n");
    }
    if let Renews::Payment { grace_days } = terms.renews {
        lines += &format!("renews = \"payment\"\ngrace_days = {grace_days}\n");
    }
    if let Some(price) = &plan.price {
        lines += &of_price(price);
    }
    lines
}

fn of_package(package: &Package) -> String {
    let mut lines = format!(
        "[packages.{}]\nname = \"{}\"\ncredits = {}\nneeds_plan = {}\n",
        package.id, package.name, package.credits, package.needs_plan
    );
    lines += &of_price(&package.price);
    if !package.bonus.is_zero() {
        lines += &format!("bonus = {}\n", package.bonus);
    }
    let numbers =
        [("expires_in_days", package.expires_in_days), ("bonus_expires_in_days", package.bonus_expires_in_days)];
    for (name, days) in numbers {
        // Without a bonus there is nothing of it that expires.
        if let Some(days) = days.filter(|_| name == "expires_in_days" || !package.bonus.is_zero()) {
            lines += &format!("{name} = {days}\n");
        }
    }
    if let Some(limit) = package.limit {
        lines += &format!("limit = {}\n", limit.count);
        if limit.per != Per::Ever {
            lines += &format!("limit_per = \"{}\"\n", limit.per.word());
        }
    }
    for (name, time) in [("from", package.from), ("until", package.until)] {
        if let Some(time) = time {
            lines += &format!("{name} = \"{time}\"\n");
        }
    }
    lines
}

/// Of a currency of two decimals, as those of the scenarios are.
fn of_price(price: &Price) -> String {
    format!("price = \"{}.{:02} {}\"\n", price.amount / 100, price.amount % 100, price.currency)
}
