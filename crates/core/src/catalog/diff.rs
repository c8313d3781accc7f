//! What differs between two catalogs, for people (R7).
//!
//! Apart because it only reports: prices are compared by asking the price function of both, at the
//! examples of both and, where these agree, at the ends of what is accepted. It never says "the
//! same" of what it did not compare.

use crate::amount::Credits;
use crate::catalog::{Catalog, Package, Plan, Price, Tool};
use crate::measure::{Decimal, MeasureValue, Measures};
use crate::plan::Renews;
use crate::rate::domain::{Declared, Values};

/// The most inputs of one tool at which prices are compared beside its examples.
const POINTS_MAX: usize = 64;
/// The most lines about those.
const LINES_MAX: usize = 5;

/// What differs between two catalogs, a line each ("Text to Material 1024²: 12 → 14", R7).
pub fn diff(old: &Catalog, new: &Catalog) -> Vec<String> {
    let mut lines = Vec::new();
    changed(&mut lines, "the studio's name", &old.studio_name, &new.studio_name);
    let seconds = |catalog: &Catalog| format!("{} s", catalog.honoured_for);
    changed(&mut lines, "a superseded version is honoured for", &seconds(old), &seconds(new));
    changed(&mut lines, "spent credits of a refunded order", old.claw_back.word(), new.claw_back.word());
    each(
        &mut lines,
        (&old.tools, &new.tools),
        |tool| (tool.id.as_str(), format!("{}: {}", tool.name, tool.rate.summary())),
        diff_tools,
    );
    each(
        &mut lines,
        (&old.plans, &new.plans),
        |plan| (plan.id.as_str(), format!("plan {}: {} credits a month", plan.name, plan.terms.allowance)),
        diff_plans,
    );
    each(
        &mut lines,
        (&old.packages, &new.packages),
        |package| (package.id.as_str(), format!("package {}: {} credits", package.name, package.credits)),
        diff_packages,
    );
    let group_names = |catalog: &Catalog| {
        let toolkits = catalog.toolkits.iter().map(|toolkit| format!("toolkit {}", toolkit.name));
        let types = catalog.project_types.iter().map(|group| format!("project type {}", group.name));
        toolkits.chain(types).collect::<Vec<String>>()
    };
    each(&mut lines, (&group_names(old), &group_names(new)), |name| (name, name.clone()), |_, _, _| ());
    lines
}

/// What was removed, what is new, and what changed of that which is in both; `described` gives its id and how it reads.
fn each<T>(
    lines: &mut Vec<String>,
    (old, new): (&[T], &[T]),
    described: impl for<'a> Fn(&'a T) -> (&'a str, String),
    differences: impl Fn(&mut Vec<String>, &T, &T),
) {
    let find = |among: &'_ [T], id: &str| among.iter().position(|other| described(other).0 == id);
    for item in old {
        let (id, text) = described(item);
        match find(new, id) {
            Some(place) => differences(lines, item, &new[place]),
            None => lines.push(format!("removed: {text}")),
        }
    }
    for item in new {
        let (id, text) = described(item);
        if find(old, id).is_none() {
            lines.push(format!("new: {text}"));
        }
    }
}

fn changed(lines: &mut Vec<String>, what: &str, old: &str, new: &str) {
    if old != new {
        lines.push(format!("{what}: {old} → {new}"));
    }
}

fn diff_tools(lines: &mut Vec<String>, old: &Tool, new: &Tool) {
    let name = &old.name;
    changed(lines, &format!("{name}, name"), &old.name, &new.name);
    let group = |name: Option<&str>| name.unwrap_or("none").to_owned();
    changed(lines, &format!("{name}, toolkit"), &group(old.toolkit.as_deref()), &group(new.toolkit.as_deref()));
    let project_type = |tool: &Tool| group(tool.project_type.as_ref().map(|id| id.as_str()));
    changed(lines, &format!("{name}, project type"), &project_type(old), &project_type(new));
    let hold_for = |tool: &Tool| format!("{} s", tool.hold_for);
    changed(lines, &format!("{name}, holds last"), &hold_for(old), &hold_for(new));
    changed(lines, &format!("{name}, on excess"), old.on_excess.word(), new.on_excess.word());
    lines.extend(diff_rates(old, new));
}

/// What differs between the rates of a tool, a line each: none only where they read alike.
pub(super) fn diff_rates(old: &Tool, new: &Tool) -> Vec<String> {
    let mut lines = Vec::new();
    diff_measures(&mut lines, old, new);
    let settings = lines.len();
    diff_prices(&mut lines, old, new);
    let rewritten = old.rate.summary() != new.rate.summary()
        || old.rate.minimum() != new.rate.minimum()
        || old.rate.maximum() != new.rate.maximum()
        || old.rate.rounding() != new.rate.rounding();
    if lines.len() == settings && rewritten {
        let (name, old, new) = (&old.name, old.rate.summary(), new.rate.summary());
        lines.push(format!("{name}: the rate reads differently, the compared prices are the same: {old} → {new}"));
    }
    lines
}

fn diff_measures(lines: &mut Vec<String>, old: &Tool, new: &Tool) {
    let described = |measure: &Declared| {
        let default = match &measure.default {
            Some(value) => format!(", {} if not given", shown(value)),
            None => String::new(),
        };
        let step = match measure.values {
            Values::Quantity(quantity) => quantity.step.map(|step| format!(", in steps of {step}")),
            Values::Numbers(_) | Values::Words(_) => None,
        };
        format!("{}{}{default}", measure.expected(), step.unwrap_or_default())
    };
    let name = &old.name;
    each(
        lines,
        (old.rate.measures(), new.rate.measures()),
        |measure| (measure.id.as_str(), format!("{name}, {}: {}", measure.id, described(measure))),
        |lines, old, new| changed(lines, &format!("{name}, {}", old.id), &described(old), &described(new)),
    );
}

fn diff_prices(lines: &mut Vec<String>, old: &Tool, new: &Tool) {
    let mut compared: Vec<&Measures> = Vec::new();
    let mut found = Vec::new();
    for example in old.rate.examples().iter().chain(new.rate.examples()) {
        if !compared.contains(&&example.given) {
            compared.push(&example.given);
            found.extend(price_line(old, new, &example.given));
        }
    }
    if found.is_empty() {
        let points = points(old.rate.measures());
        found.extend(points.iter().filter_map(|point| price_line(old, new, point)).take(LINES_MAX));
    }
    lines.append(&mut found);
}

/// The line about one input that both accept at different prices.
fn price_line(old: &Tool, new: &Tool, given: &Measures) -> Option<String> {
    let (before, after): (Credits, Credits) = (old.rate.price(given).ok()?, new.rate.price(given).ok()?);
    (before != after).then(|| format!("{}{}: {before} → {after}", old.name, label(old, given)))
}

/// The input as a price list would say it: " 1024²", " 10.4 s", " quality high".
fn label(tool: &Tool, given: &Measures) -> String {
    let number = |name: &str| match given.get(name) {
        Some(MeasureValue::Number(value)) => Some(*value),
        Some(MeasureValue::Word(_)) | None => None,
    };
    let (width, height) = (number("width"), number("height"));
    let mut parts = match (width, height) {
        (Some(width), Some(height)) if width == height => vec![format!("{width}²")],
        (Some(width), Some(height)) => vec![format!("{width} × {height}")],
        (_, _) => Vec::new(),
    };
    let sized = !parts.is_empty();
    for measure in tool.rate.measures() {
        let name = measure.id.as_str();
        let Some(value) = given.get(name).filter(|_| !(sized && matches!(name, "width" | "height"))) else { continue };
        parts.push(match (value, &measure.unit) {
            (MeasureValue::Number(value), Some(unit)) => unit.shown_exactly(*value),
            (MeasureValue::Number(_), None) | (MeasureValue::Word(_), _) => format!("{name} {}", shown(value)),
        });
    }
    if parts.is_empty() { String::new() } else { format!(" {}", parts.join(", ")) }
}

fn shown(value: &MeasureValue) -> String {
    match value {
        MeasureValue::Number(value) => value.to_string(),
        MeasureValue::Word(word) => word.to_string(),
    }
}

/// Inputs at the ends of what is accepted: every combination, up to [`POINTS_MAX`].
fn points(measures: &[Declared]) -> Vec<Measures> {
    let mut points = vec![Measures::none()];
    for measure in measures {
        let values: Vec<MeasureValue> = match &measure.values {
            Values::Quantity(quantity) => {
                let ends = [quantity.min, Decimal::whole(1), quantity.max];
                ends.into_iter().map(MeasureValue::Number).collect()
            }
            Values::Numbers(allowed) => allowed.iter().copied().map(MeasureValue::Number).collect(),
            Values::Words(allowed) => allowed.iter().map(|word| MeasureValue::Word((&**word).into())).collect(),
        };
        let with = |point: &Measures| {
            let point = point.clone();
            let values = values.iter().filter(|value| measure.seen(Some(value)).is_ok());
            values
                .filter_map(move |value| {
                    let mut point = point.clone();
                    point.insert(measure.id.clone(), value.clone()).then_some(point)
                })
                .collect::<Vec<_>>()
        };
        points = points.iter().flat_map(with).take(POINTS_MAX).collect();
    }
    points
}

fn diff_plans(lines: &mut Vec<String>, old: &Plan, new: &Plan) {
    let what = |detail: &str| format!("plan {}, {detail}", old.name);
    changed(lines, &what("name"), &old.name, &new.name);
    let allowance = |plan: &Plan| plan.terms.allowance.to_string();
    changed(lines, &what("credits a month"), &allowance(old), &allowance(new));
    let months = |plan: &Plan| plan.terms.term_months.to_string();
    changed(lines, &what("months of a term"), &months(old), &months(new));
    let cap = |plan: &Plan| plan.terms.roll_over_cap.map_or_else(|| "nothing".to_owned(), |cap| cap.to_string());
    changed(lines, &what("rolls over at most"), &cap(old), &cap(new));
    changed(lines, &what("price"), &price(old.price.as_ref()), &price(new.price.as_ref()));
    let renews = |plan: &Plan| match plan.terms.renews {
        Renews::Clock => "clock".to_owned(),
        Renews::Payment { grace_days } => format!("payment, within {grace_days} days"),
    };
    changed(lines, &what("renews by"), &renews(old), &renews(new));
}

fn diff_packages(lines: &mut Vec<String>, old: &Package, new: &Package) {
    let what = |detail: &str| format!("package {}, {detail}", old.name);
    changed(lines, &what("name"), &old.name, &new.name);
    changed(lines, &what("credits"), &old.credits.to_string(), &new.credits.to_string());
    changed(lines, &what("bonus"), &old.bonus.to_string(), &new.bonus.to_string());
    let days = |package: &Package| package.expires_in_days.map_or_else(|| "never".to_owned(), |days| days.to_string());
    changed(lines, &what("days until it expires"), &days(old), &days(new));
    let bonus_days =
        |package: &Package| package.bonus_expires_in_days.map_or_else(|| "never".to_owned(), |days| days.to_string());
    changed(lines, &what("days until its bonus expires"), &bonus_days(old), &bonus_days(new));
    let needs = |package: &Package| if package.needs_plan { "a plan" } else { "nothing" }.to_owned();
    changed(lines, &what("needs"), &needs(old), &needs(new));
    let limit = |package: &Package| {
        package.limit.map_or_else(|| "none".to_owned(), |limit| format!("{} {}", limit.count, limit.per.word()))
    };
    changed(lines, &what("limit per account"), &limit(old), &limit(new));
    let moment = |at: Option<crate::time::Time>| at.map_or_else(|| "not said".to_owned(), |at| at.to_string());
    changed(lines, &what("for sale from"), &moment(old.from), &moment(new.from));
    changed(lines, &what("for sale until"), &moment(old.until), &moment(new.until));
    changed(lines, &what("price"), &price(Some(&old.price)), &price(Some(&new.price)));
}

fn price(price: Option<&Price>) -> String {
    price.map_or_else(|| "none".to_owned(), Price::to_string)
}
