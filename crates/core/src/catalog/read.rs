//! A whole catalog, read from its document (R5–R7).
//!
//! Apart because it is the list of what a catalog consists of. It refuses a document whole: there
//! is no catalog with a hole in it.

use std::collections::BTreeSet;

use crate::amount::Credits;
use crate::catalog::digest::digest;
use crate::catalog::document::{self, Entry, Item, Source};
use crate::catalog::fields::{self, Fields};
use crate::catalog::{Catalog, CatalogError, Format, Limit, Package, Plan, ProjectType, Tool, Toolkit, money, rates};
use crate::hold::{HOLD_FOR, OnExcess};
use crate::id::{InvalidId, PackageId, PlanId, ProjectTypeId, StudioId, ToolId};
use crate::measure::Decimal;
use crate::order::ClawBack;
use crate::plan::{PlanTerms, Renews};
use crate::rate::prove::Effort;
use crate::tally::Per;
use crate::time::Time;

/// A superseded version is honoured for so many seconds unless the catalog says otherwise (R7).
const HONOURED_FOR: u32 = 900;
/// Days for which a plan that renews by payment waits for it, unless it says otherwise (R17a).
const GRACE_DAYS: u32 = 3;
/// A day in seconds: the most for both.
const DAY: u32 = 86_400;

/// Reads and checks a document: names, bounds, prices over all allowed inputs (R5), and runs its examples (R6).
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub fn read(source: &str, format: Format) -> Result<Catalog, CatalogError> {
    let source = Source(source);
    let document = document::parse(source, format)?;
    let fields = Fields::of(
        source,
        &document,
        "a catalog",
        &[
            "studio",
            "name",
            "effective_from",
            "honoured_for",
            "claw_back",
            "toolkits",
            "project_types",
            "tools",
            "plans",
            "packages",
        ],
    )?;
    let studio = fields.required("studio")?;
    let studio = id(source, &studio.item, StudioId::parse)?;
    let studio_name = fields.name()?;
    let effective_from = match fields.optional("effective_from") {
        Some(entry) => Some(time(source, &entry.item, "effective_from")?),
        None => None,
    };
    let honoured_for = fields.optional_whole("honoured_for", 0..=DAY)?.unwrap_or(HONOURED_FOR);
    let claw_back = match fields.optional("claw_back") {
        Some(entry) => claw_back(source, &entry.item)?,
        None => ClawBack::default(),
    };
    let toolkits = named(&fields, "toolkits", toolkit)?;
    let project_types = named(&fields, "project_types", project_type)?;
    let groups = Groups { toolkits: &toolkits, project_types: &project_types };
    let mut effort = Effort::for_one_catalog();
    let tools = named(&fields, "tools", |source, entry| tool(source, entry, &groups, &mut effort))?;
    let plans = named(&fields, "plans", plan)?;
    let mut packages = named(&fields, "packages", package)?;
    packages.sort_by_key(|package| package.credits + package.bonus);
    if tools.is_empty() {
        return Err(fields.error_here("a catalog has at least one tool, as in [tools.text-to-image]"));
    }
    let digest = digest(&document);
    Ok(Catalog {
        studio,
        studio_name,
        effective_from,
        honoured_for,
        claw_back,
        toolkits,
        project_types,
        tools,
        plans,
        packages,
        digest,
    })
}

fn named<T>(
    fields: &Fields<'_>,
    key: &'static str,
    read: impl FnMut(Source<'_>, &Entry) -> Result<T, CatalogError>,
) -> Result<Vec<T>, CatalogError> {
    let source = fields.source;
    match fields.optional(key) {
        Some(entry) => {
            let mut read = read;
            fields::named(source, &entry.item, key)?.iter().map(|entry| read(source, entry)).collect()
        }
        None => Ok(Vec::new()),
    }
}

fn id<T>(source: Source<'_>, item: &Item, parse: fn(&str) -> Result<T, InvalidId>) -> Result<T, CatalogError> {
    let text = fields::text(source, item, "an id")?;
    parse(text).map_err(|error| source.error(item.at.start, format!("{text:?} is not an id: expected {error}")))
}

fn key<T>(source: Source<'_>, entry: &Entry, parse: fn(&str) -> Result<T, InvalidId>) -> Result<T, CatalogError> {
    let invalid = |error| source.error(entry.key_at.start, format!("{:?} is not an id: expected {error}", entry.key));
    parse(&entry.key).map_err(invalid)
}

fn time(source: Source<'_>, item: &Item, what: &str) -> Result<Time, CatalogError> {
    let text = fields::text(source, item, what)?;
    Time::parse(text).map_err(|error| source.error(item.at.start, format!("{text:?} is {error}")))
}

fn toolkit(source: Source<'_>, entry: &Entry) -> Result<Toolkit, CatalogError> {
    let id = key(source, entry, ToolId::parse)?;
    let fields = Fields::of(source, &entry.item, format!("the toolkit {id}"), &["name"])?;
    let name = fields.name()?;
    Ok(Toolkit { id: id.as_str().into(), name })
}

fn project_type(source: Source<'_>, entry: &Entry) -> Result<ProjectType, CatalogError> {
    let id = key(source, entry, ProjectTypeId::parse)?;
    let fields = Fields::of(source, &entry.item, format!("the project type {id}"), &["name"])?;
    let name = fields.name()?;
    Ok(ProjectType { id, name })
}

/// What a tool can belong to.
struct Groups<'a> {
    toolkits: &'a [Toolkit],
    project_types: &'a [ProjectType],
}

fn tool(source: Source<'_>, entry: &Entry, groups: &Groups<'_>, effort: &mut Effort) -> Result<Tool, CatalogError> {
    let id = key(source, entry, ToolId::parse)?;
    let fields = Fields::of(
        source,
        &entry.item,
        format!("the tool {id}"),
        &["name", "toolkit", "project_type", "hold_for", "on_excess", "measures", "rate"],
    )?;
    let name = fields.name()?;
    let toolkit = match fields.optional("toolkit") {
        Some(entry) => Some(one_of(source, &entry.item, groups.toolkits.iter().map(|toolkit| &*toolkit.id))?.into()),
        None => None,
    };
    let project_type = match fields.optional("project_type") {
        Some(entry) => {
            let known = groups.project_types.iter().map(|group| group.id.as_str());
            let found = one_of(source, &entry.item, known)?;
            groups.project_types.iter().find(|group| group.id.as_str() == found).map(|group| group.id.clone())
        }
        None => None,
    };
    let hold_for = fields.optional_whole("hold_for", 1..=DAY)?.unwrap_or(HOLD_FOR);
    let on_excess = match fields.optional("on_excess") {
        Some(entry) => on_excess(source, &entry.item)?,
        None => OnExcess::Cap,
    };
    let measures = match fields.optional("measures") {
        Some(entry) => super::measures::read(source, &entry.item)?,
        None => Vec::new(),
    };
    let rate = fields.required("rate")?;
    let rate = rates::read(source, &rate.item, measures, effort)?;
    Ok(Tool { id, name, toolkit, project_type, hold_for, on_excess, rate })
}

fn one_of<'a>(
    source: Source<'_>,
    item: &'a Item,
    known: impl Iterator<Item = &'a str>,
) -> Result<&'a str, CatalogError> {
    let wanted = fields::text(source, item, "a name")?;
    let known: BTreeSet<&str> = known.collect();
    match known.contains(wanted) {
        true => Ok(wanted),
        false => {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            Err(source.error(item.at.start, format!("{wanted:?} is not declared in this catalog; declared: {known}")))
        }
    }
}

fn on_excess(source: Source<'_>, item: &Item) -> Result<OnExcess, CatalogError> {
    let word = fields::text(source, item, "on_excess")?;
    OnExcess::from_word(word).ok_or_else(|| {
        source.error(item.at.start, format!("expected cap, extend or debt for on_excess, found {word:?}"))
    })
}

fn plan(source: Source<'_>, entry: &Entry) -> Result<Plan, CatalogError> {
    let id = key(source, entry, PlanId::parse)?;
    let fields = Fields::of(
        source,
        &entry.item,
        format!("the plan {id}"),
        &["name", "allowance", "term", "roll_over_cap", "price", "renews", "grace_days"],
    )?;
    let name = fields.name()?;
    let allowance = fields.optional_credits("allowance")?;
    let allowance = allowance.ok_or_else(|| fields.error_here(format!("the plan {id} has no allowance")))?;
    if allowance.is_zero() {
        return Err(fields.error_here(format!("the allowance of {id} is above 0 credits a month")));
    }
    let term_months = match fields.optional("term") {
        Some(entry) => term(source, &entry.item)?,
        None => 1,
    };
    let roll_over_cap = fields.optional_credits("roll_over_cap")?.filter(|cap| !cap.is_zero());
    let price = fields.optional("price").map(|entry| money::read(source, &entry.item)).transpose()?;
    let renews = renews(&fields)?;
    let terms = PlanTerms { plan: id.clone(), allowance, term_months, roll_over_cap, renews };
    Ok(Plan { id, name, terms, price })
}

/// A plan's `renews`, and its `grace_days` where it renews by payment. Less than a month, so that no cycle begins in the
/// grace of the one before.
fn renews(fields: &Fields<'_>) -> Result<Renews, CatalogError> {
    let word = fields.optional_text("renews")?.unwrap_or("clock");
    match word {
        "clock" => {
            fields.refuse(&["grace_days"], "the plan renews by clock")?;
            Ok(Renews::Clock)
        }
        "payment" => {
            Ok(Renews::Payment { grace_days: fields.optional_whole("grace_days", 0..=27)?.unwrap_or(GRACE_DAYS) })
        }
        other => {
            let at = fields.required("renews")?.item.at.start;
            Err(fields.source.error(at, format!("expected clock or payment for renews, found {other:?}")))
        }
    }
}

fn term(source: Source<'_>, item: &Item) -> Result<u32, CatalogError> {
    match fields::text(source, item, "term")? {
        "month" => Ok(1),
        "year" => Ok(12),
        other => Err(source.error(item.at.start, format!("expected month or year for term, found {other:?}"))),
    }
}

fn package(source: Source<'_>, entry: &Entry) -> Result<Package, CatalogError> {
    let id = key(source, entry, PackageId::parse)?;
    let fields = Fields::of(
        source,
        &entry.item,
        format!("the package {id}"),
        &[
            "name",
            "credits",
            "bonus",
            "expires_in_days",
            "bonus_expires_in_days",
            "price",
            "needs_plan",
            "limit",
            "limit_per",
            "from",
            "until",
        ],
    )?;
    let name = fields.name()?;
    let credits = fields.optional_credits("credits")?;
    let credits = credits.filter(|credits| credits.is_positive());
    let credits = credits.ok_or_else(|| fields.error_here(format!("the package {id} has credits above 0")))?;
    let bonus = fields.optional_credits("bonus")?.unwrap_or(Credits::ZERO);
    if !(credits + bonus).within_limit() {
        return Err(fields.error_here("credits and bonus together are at most 8000000000"));
    }
    let expires_in_days = fields.optional_whole("expires_in_days", 1..=36_500)?;
    let bonus_expires_in_days = match fields.optional_whole("bonus_expires_in_days", 1..=36_500)? {
        Some(_) if bonus.is_zero() => fields.refuse(&["bonus_expires_in_days"], "there is no bonus").map(|()| None)?,
        Some(days) => Some(days),
        None => expires_in_days,
    };
    let price = fields.required("price")?;
    let price = money::read(source, &price.item)?;
    let needs_plan = match fields.optional("needs_plan") {
        Some(entry) => fields::truth(source, &entry.item, "needs_plan")?,
        None => false,
    };
    let limit = limit(&fields)?;
    let moment = |key| fields.optional(key).map(|entry| time(source, &entry.item, key)).transpose();
    let (from, until) = (moment("from")?, moment("until")?);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        return Err(fields.error_here(format!("the package {id} is for sale from {from} until {until}, so never")));
    }
    Ok(Package {
        id,
        name,
        credits,
        bonus,
        expires_in_days,
        bonus_expires_in_days,
        price,
        needs_plan,
        limit,
        from,
        until,
    })
}

/// How often one account can buy a package: `limit`, and `limit_per` if not once and for all.
fn limit(fields: &Fields<'_>) -> Result<Option<Limit>, CatalogError> {
    let Some(count) = fields.optional_whole("limit", 1..=1_000_000)? else {
        fields.refuse(&["limit_per"], "there is no limit")?;
        return Ok(None);
    };
    let per = match fields.optional("limit_per") {
        None => Per::Ever,
        Some(entry) => {
            let word = fields::text(fields.source, &entry.item, "limit_per")?;
            Per::from_word(word).ok_or_else(|| {
                let message = format!("expected ever, month or day for limit_per, found {word:?}");
                fields.source.error(entry.item.at.start, message)
            })?
        }
    };
    Ok(Some(Limit { count, per }))
}

fn claw_back(source: Source<'_>, item: &Item) -> Result<ClawBack, CatalogError> {
    let word = fields::text(source, item, "claw_back")?;
    let unknown = || source.error(item.at.start, format!("expected debt or write_off for claw_back, found {word:?}"));
    ClawBack::from_word(word).ok_or_else(unknown)
}

/// Whether two numbers of a document are the same is decided by value: 3000 is 3000.0.
pub(super) fn canonical_number(written: &str) -> String {
    Decimal::parse(written).map_or_else(|_| written.to_owned(), |value| value.to_string())
}
