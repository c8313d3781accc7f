//! Statements: what is shown of an account, without changing it (R9, R10, R16, R17).
//!
//! Every function takes an account to which all that is due at `at` has been applied
//! ([`crate::due::apply_due`] on a copy); nothing here writes. It is apart from deciding so that
//! what a page shows and what a command does come from the same functions and never from copies
//! of them.

use crate::account::{Account, Totals};
use crate::amount::Credits;
use crate::apply::apply;
use crate::catalog::{Catalog, Catalogs, Package, Plan, Published, Tool};
use crate::command::{Command, Stamp};
use crate::decide::{decide, pay_for_plan, plan_is_for_sale, shortage};
use crate::entry::{Entry, Event};
use crate::hold::LotPart;
use crate::id::{PackageId, PlanId, ProjectTypeId, ToolId};
use crate::lot::Lot;
use crate::mark::Mark;
use crate::plan::{NextPlan, Subscription, SubscriptionState};
use crate::quote::{self, Left};
use crate::rejection::Rejection;
use crate::sale::{self, NotForSale};
use crate::spend;
use crate::time::Time;

/// What an account has, and what that is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// As of when.
    pub at: Time,
    /// Remaining, held, frozen and owed.
    pub totals: Totals,
    /// Lots with something left, in spend order.
    pub lots: Vec<Lot>,
    /// When credits come next by themselves; `None` where none are to come.
    pub resets_at: Option<Time>,
    /// The longest quantity of each tool that could be run, in the catalog's order.
    pub left: Vec<ToolLeft>,
}

/// What is left in the unit of one tool (R10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolLeft {
    /// The tool.
    pub tool: ToolId,
    /// Its name for people.
    pub name: Box<str>,
    /// Its project type; `None` for a tool without one.
    pub project_type: Option<ProjectTypeId>,
    /// How much of it.
    pub left: Left,
}

/// The balance, with what is left per tool of the enabled project types, or of one tool alone.
///
/// # Errors
/// `unknown_tool` when `tool` is not in the catalog in force.
pub fn balance(account: &Account, catalogs: &Catalogs, tool: Option<&str>, at: Time) -> Result<Balance, Rejection> {
    let catalog = catalogs.in_force(account.studio, at).map(|published| &*published.catalog);
    let tools = match (catalog, tool) {
        (None, None) => &[][..],
        (Some(catalog), None) => catalog.tools.as_slice(),
        (catalog, Some(name)) => {
            let found = catalog.and_then(|catalog| catalog.tool(name));
            std::slice::from_ref(found.ok_or_else(|| Rejection::UnknownTool { tool: name.into() })?)
        }
    };
    let left = tools.iter().filter_map(|tool| tool_left(account, catalog?, tool)).collect();
    let resets_at = account.subscription.as_ref().and_then(|subscription| subscription.refills_at());
    Ok(Balance { at, totals: account.totals(), lots: account.lots.clone(), resets_at, left })
}

/// `None` for a tool whose project type is not enabled, or whose rate has no longest quantity.
fn tool_left(account: &Account, catalog: &Catalog, tool: &Tool) -> Option<ToolLeft> {
    if !enabled(account, tool) {
        return None;
    }
    let available = if account.debt.is_positive() { Credits::ZERO } else { account.totals().available() };
    let mut tool = bought(catalog, tool, available)?;
    if account.debt.is_positive() {
        // Under a debt nothing runs, not even what would cost nothing (R10).
        tool.left.quantity = crate::measure::Decimal::whole(0);
        tool.left.at_limit = false;
    }
    Some(tool)
}

/// What an account can buy, and what that would buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    /// The packages, smallest first.
    pub packages: Vec<Offer>,
    /// The plans, in the document's order.
    pub plans: Vec<PlanOffer>,
    /// The catalog version in force.
    pub catalog_version: u32,
}

/// A package, for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The package.
    pub package: Package,
    /// Why the account cannot buy it now; `None`: it can.
    pub not_for_sale: Option<NotForSale>,
    /// Whether it would cover what is missing; `None` where nothing is said to be.
    pub covers: Option<bool>,
    /// What its credits, bonus included, would buy of each tool that the account may run (R10).
    pub buys: Vec<ToolLeft>,
}

/// A plan, for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOffer {
    /// The plan.
    pub plan: Plan,
    /// Whether the account can order it now (R17a).
    pub for_sale: bool,
    /// What the credits of a cycle would buy of each tool that the account may run (R10).
    pub buys: Vec<ToolLeft>,
}

/// What the account can buy of the catalog that is in force, one of all; `short_by`: what is missing, if anything is known to
/// be.
pub fn offers(
    account: &Account,
    (catalogs, published): (&Catalogs, &Published),
    short_by: Option<Credits>,
    at: Time,
) -> Offers {
    let catalog = &*published.catalog;
    let buys = |credits: Credits| -> Vec<ToolLeft> {
        let enabled = catalog.tools.iter().filter(|tool| enabled(account, tool));
        enabled.filter_map(|tool| bought(catalog, tool, credits)).collect()
    };
    let offer = |package: &Package| Offer {
        not_for_sale: sale::check(account, package, at).err(),
        covers: short_by.map(|short_by| sale::covers(package, short_by)),
        buys: buys(package.credits + package.bonus),
        package: package.clone(),
    };
    let plan_offer = |plan: &Plan| PlanOffer {
        for_sale: plan_is_for_sale(account, catalogs, plan, at),
        buys: buys(plan.terms.allowance),
        plan: plan.clone(),
    };
    Offers {
        packages: catalog.packages.iter().map(offer).collect(),
        plans: catalog.plans.iter().map(plan_offer).collect(),
        catalog_version: published.version,
    }
}

/// What so many credits buy of a tool; `None` where its rate has no longest quantity.
fn bought(catalog: &Catalog, tool: &Tool, credits: Credits) -> Option<ToolLeft> {
    let left = quote::left(catalog, tool.id.as_str(), credits)?;
    Some(ToolLeft { tool: tool.id.clone(), name: tool.name.clone(), project_type: tool.project_type.clone(), left })
}

fn enabled(account: &Account, tool: &Tool) -> bool {
    tool.project_type.as_ref().is_none_or(|project_type| account.enabled(project_type))
}

/// What a quote says of an account (R9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountQuote {
    /// Whether it may run the tool: its project type is enabled.
    pub enabled: bool,
    /// What could be spent.
    pub available: Credits,
    /// Whether a hold of this price would be granted, as far as credits go: no debt, and enough available.
    pub affordable: bool,
    /// What is missing, a debt included; zero when affordable.
    pub short_by: Credits,
    /// When credits come next by themselves.
    pub resets_at: Option<Time>,
    /// Which lots would pay; empty when it is not affordable.
    pub from: Vec<LotPart>,
    /// The packages that would cover what is missing.
    pub packages: Vec<PackageId>,
}

/// The account's part of a quote of `credits` for a tool.
pub fn account_quote(account: &Account, catalogs: &Catalogs, tool: &Tool, credits: Credits, at: Time) -> AccountQuote {
    let shortage = shortage(account, catalogs, credits, at);
    let affordable = shortage.short_by.is_zero();
    AccountQuote {
        enabled: enabled(account, tool),
        available: shortage.available,
        affordable,
        short_by: shortage.short_by,
        resets_at: shortage.resets_at,
        from: if affordable { spend::take(&account.lots, credits) } else { Vec::new() },
        packages: if affordable { Vec::new() } else { shortage.packages },
    }
}

/// A half-open period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first instant of it.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
}

/// A subscription as it stands. Before a future anchor, term and cycle are the first ones to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionView {
    /// The plan.
    pub plan: PlanId,
    /// Granted at the start of each cycle.
    pub allowance: Credits,
    /// Whether refills happen.
    pub state: SubscriptionState,
    /// What all periods are counted from.
    pub anchor: Time,
    /// What was paid for.
    pub term: Period,
    /// The present refill period.
    pub cycle: Period,
    /// What waits for the end of the term.
    pub next: Option<NextPlan>,
    /// Until when it is paid for, where the plan renews by payment (R17a).
    pub paid_until: Option<Time>,
}

/// The subscription, if the account has one.
pub fn subscription(account: &Account, catalogs: &Catalogs, at: Time) -> Option<SubscriptionView> {
    let subscription = account.subscription.as_deref()?;
    let cycle = subscription.cycle_at(at).unwrap_or(0);
    let current = subscription.clone().in_term_of(cycle, account.studio, catalogs);
    Some(SubscriptionView {
        plan: current.terms.plan.clone(),
        allowance: current.terms.allowance,
        state: current.state,
        anchor: current.anchor,
        term: period(&current, current.term_start.min(cycle), current.term_end()),
        cycle: period(&current, cycle, cycle + 1),
        paid_until: current.paid_until.map(|unpaid| current.starts(unpaid)),
        next: current.next,
    })
}

fn period(subscription: &Subscription, start: u32, end: u32) -> Period {
    Period { start: subscription.starts(start), end: subscription.starts(end) }
}

/// What a change of the subscription would do (R17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it was looked at with: a change may be made to hang on its being so still.
    pub mark: Mark,
    /// When it would take effect: now, or the end of the term.
    pub effective_at: Time,
    /// What would be granted at once.
    pub grants: Credits,
    /// What a cycle of the plan brings.
    pub allowance: Credits,
    /// The subscription as it would stand right after asking; `None` where it would end at once.
    pub subscription: Option<SubscriptionView>,
    /// What the account would have right after asking.
    pub totals: Totals,
    /// What paying for a term of the plan would do now (R17a); `None` where the account cannot order it.
    pub when_paid: Option<WhenPaid>,
}

/// What paying for a plan would do (R17a): with a lapsed or a paused plan not what putting it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhenPaid {
    /// What would be granted at once.
    pub grants: Credits,
    /// The subscription as it would stand right after the payment.
    pub subscription: Option<SubscriptionView>,
    /// What the account would have right after the payment.
    pub totals: Totals,
}

/// What changing the subscription, or cancelling it, would do, and what paying for the plan that is asked for: decided for real, on
/// copies.
///
/// # Errors
/// What the change itself would be refused with.
pub fn preview(account: &Account, catalogs: &Catalogs, asked: &Command, at: Time) -> Result<Preview, Rejection> {
    let stamp = Stamp { now: at, salt: [0; 16], binding: None, by: None };
    let decision = decide(account, catalogs, asked, &stamp)?;
    let (after, grants) = tried(account, &decision.entries);
    let view = subscription(&after, catalogs, at);
    let (effective_at, allowance) = match (&view, view.as_ref().and_then(|view| view.next.as_ref())) {
        (Some(view), Some(NextPlan::Change(terms))) => (view.term.end, terms.allowance),
        (Some(view), Some(NextPlan::Cancel)) => (view.term.end, view.allowance),
        (Some(view), None) => (at.max(view.term.start), view.allowance),
        (None, _) => (at, Credits::ZERO),
    };
    let plan = if let Command::PutSubscription(put) = asked { put.plan.as_ref() } else { None };
    let when_paid = plan.and_then(|plan| pay_for_plan(account, catalogs, plan, &stamp)).map(|decision| {
        let (after, grants) = tried(account, &decision.entries);
        WhenPaid { grants, subscription: subscription(&after, catalogs, at), totals: after.totals() }
    });
    let mark = Mark::of(account, catalogs, at);
    Ok(Preview { mark, effective_at, grants, allowance, subscription: view, totals: after.totals(), when_paid })
}

/// A copy of the account after some entries, and what they refilled.
fn tried(account: &Account, entries: &[Entry]) -> (Account, Credits) {
    let mut after = account.clone();
    let mut grants = Credits::ZERO;
    for entry in entries {
        apply(&mut after, entry);
        if matches!(entry.event, Event::Refilled { .. }) {
            grants += entry.credits();
        }
    }
    (after, grants)
}
