//! Words of the API as an operator reads them, and texts as parts of addresses.

use std::fmt::Write as _;

use scrip_api::catalog::CatalogShown;
use scrip_api::entry::EntryShown;

pub(crate) use crate::wording::class_name as class;

/// A word of the API for people: `claw_back` as `Claw back`.
pub(crate) fn spoken(word: &str) -> String {
    let mut letters = word.replace(['_', '.'], " ");
    if let Some(first) = letters.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    letters
}

/// A text as it may stand in a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    out
}

/// The catalog's names for people, or else its ids.
pub(crate) struct Names(pub(crate) Option<CatalogShown>);

impl Names {
    /// A tool's.
    pub(crate) fn tool<'a>(&'a self, id: &'a str) -> &'a str {
        let tools = self.0.iter().flat_map(|catalog| &catalog.tools);
        tools.into_iter().find(|tool| tool.tool == id).map_or(id, |tool| &tool.name)
    }

    /// A plan's.
    pub(crate) fn plan<'a>(&'a self, id: &'a str) -> &'a str {
        let plans = self.0.iter().flat_map(|catalog| &catalog.plans);
        plans.into_iter().find(|plan| plan.plan == id).map_or(id, |plan| &plan.name)
    }

    /// A package's.
    pub(crate) fn package<'a>(&'a self, id: &'a str) -> &'a str {
        let packages = self.0.iter().flat_map(|catalog| &catalog.packages);
        packages.into_iter().find(|package| package.package == id).map_or(id, |package| &package.name)
    }

    /// What an order buys.
    pub(crate) fn bought<'a>(&'a self, package: Option<&'a str>, plan: Option<&'a str>) -> &'a str {
        package.map(|package| self.package(package)).or_else(|| plan.map(|plan| self.plan(plan))).unwrap_or_default()
    }

    /// What a line of a history is about.
    pub(crate) fn what(&self, entry: &EntryShown) -> String {
        let tool = entry.tool.as_deref().map(|tool| self.tool(tool));
        let plan = entry.plan.as_deref().map(|plan| self.plan(plan));
        let bought = Some(self.bought(entry.package.as_deref(), entry.plan.as_deref())).filter(|name| !name.is_empty());
        let with = |what: &str, of: Option<&str>| match of {
            Some(of) => format!("{what}: {of}"),
            None => what.to_owned(),
        };
        let change = entry.change.as_deref().unwrap_or_default().replace('_', " ");
        match entry.kind.as_str() {
            "settle" | "charge" => tool.unwrap_or("Charge").to_owned(),
            "hold" => with("Held", tool),
            "extend" => with("Held longer", tool),
            "release" => with("Released", tool),
            "hold_expired" => with("Hold expired", tool),
            "refund" => with("Refund", tool),
            "refill" => with("Refill", plan),
            "plan_change" => with(&format!("Plan {change}"), plan),
            "top_up" => with("Paid", bought),
            "order" => with(&format!("Order {change}"), bought),
            "uncollected" => with("Uncollected", tool),
            other => with(&spoken(other), tool),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_queries() {
        assert_eq!(spoken("claw_back"), "Claw back");
        assert_eq!(spoken(""), "");
        assert_eq!(spoken("über"), "über");
        assert_eq!(escaped("a&b=ü c"), "a%26b%3D%C3%BC%20c");
    }
}
