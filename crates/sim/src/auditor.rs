//! The auditor's eyes: what the engine shows, written through [`crate::view`] so that it can be laid beside the model.
//!
//! It reads answers, rejections, accounts and history as any caller would. It must not decide anything.

use std::collections::BTreeMap;

use scrip_core::account::{Account, Totals};
use scrip_core::answer::{Answer, Done, Put};
use scrip_core::catalog::Catalogs;
use scrip_core::entry::{Entry, Kind};
use scrip_core::hold::LotPart;
use scrip_core::plan::NextPlan;
use scrip_core::rejection::{Rejection, Shortage};
use scrip_core::statement::{self, SubscriptionView};
use scrip_core::time::Time;

use crate::model::Moved;
use crate::prices::Amount;
use crate::view::{self, HoldSeen, LotSeen, SubscriptionSeen, Sums, amount, time_or_none};

/// The whole visible state of an account, a line each, as [`crate::model::Account::seen`] writes it.
pub fn seen(account: Option<&Account>, catalogs: &Catalogs, now: Time) -> Vec<String> {
    let Some(account) = account else { return vec!["no account".to_owned()] };
    let types = account.project_types.as_ref().map_or_else(
        || "all".to_owned(),
        |types| format!("{:?}", types.iter().map(|one| one.as_str()).collect::<std::collections::BTreeSet<_>>()),
    );
    let name = account.name.as_deref();
    let mut lines = vec![format!("account {name:?} in {} with {types}", account.zone)];
    lines.extend(account.lots.iter().map(|lot| {
        let seen = LotSeen {
            class: lot.class,
            priority: lot.priority.0,
            granted_at: lot.granted_at.micros(),
            expires_at: lot.expires_at.map(Time::micros),
            granted: amount(lot.granted),
            remaining: amount(lot.remaining),
            held: amount(lot.held),
        };
        seen.to_string()
    }));
    lines.extend(account.holds.iter().map(|hold| {
        let place = |part: &LotPart| account.lots.iter().position(|lot| lot.id == part.lot).unwrap_or(usize::MAX);
        let seen = HoldSeen {
            name: hold.name.as_ref().map(|name| name.as_str().to_owned()),
            tool: hold.priced.tool.as_ref().map(|tool| tool.as_str().to_owned()),
            credits: amount(hold.credits),
            expires_at: hold.expires_at.micros(),
            version: hold.priced.catalog_version,
            parts: hold.parts.iter().map(|part| (place(part), amount(part.credits))).collect(),
        };
        seen.to_string()
    }));
    lines.extend(statement::subscription(account, catalogs, now).into_iter().map(|view| shown(view).to_string()));
    let resets_at = account.subscription.as_ref().and_then(|subscription| subscription.refills_at()).map(Time::micros);
    lines.push(format!("{}; next reset {}", sums(account.totals()), time_or_none(resets_at)));
    lines
}

fn shown(view: SubscriptionView) -> SubscriptionSeen {
    SubscriptionSeen {
        plan: view.plan.as_str().to_owned(),
        allowance: amount(view.allowance),
        state: view.state.word(),
        anchor: view.anchor.micros(),
        term: (view.term.start.micros(), view.term.end.micros()),
        cycle: (view.cycle.start.micros(), view.cycle.end.micros()),
        next: view.next.as_ref().map(|next| match next {
            NextPlan::Change(terms) => terms.plan.as_str().to_owned(),
            NextPlan::Cancel => "cancel".to_owned(),
        }),
    }
}

fn sums(totals: Totals) -> Sums {
    Sums { remaining: amount(totals.remaining), held: amount(totals.held), debt: amount(totals.debt) }
}

/// An answer as [`crate::model::Account::describe`] writes it.
pub fn told(answer: &Answer) -> String {
    let parts = |parts: &[LotPart]| view::parts(parts.iter().map(|part| (part.class, amount(part.credits))));
    let done = match &answer.done {
        Done::Put(Put::Created) => view::CREATED.to_owned(),
        Done::Put(Put::Updated) => view::UPDATED.to_owned(),
        Done::HoldPlaced { credits, expires_at, catalog_version, from, .. } => {
            view::placed(amount(*credits), expires_at.micros(), *catalog_version, &parts(from))
        }
        Done::HoldExtended { expires_at, .. } => view::extended(expires_at.micros()),
        Done::HoldSettled { charged, freed, uncollected, debt, .. } => {
            view::settled(amount(*charged), amount(*freed), amount(*uncollected), amount(*debt))
        }
        Done::HoldReleased { freed, .. } => view::released(amount(*freed)),
        Done::Charged { from, .. } => view::charged(&parts(from)),
        Done::Refunded { credits, to, .. } => view::refunded(amount(*credits), &parts(to)),
        Done::Granted { .. } => view::GRANTED.to_owned(),
        Done::Revoked { credits, .. } => view::revoked(amount(*credits)),
        Done::DebtWrittenOff { credits } => view::written_off(amount(*credits)),
        Done::AccountErased { .. } => view::ERASED.to_owned(),
        Done::Ordered { order, .. } => format!("ordered {}", order.state().word()),
        // Recording an act moves nothing.
        Done::Recorded | Done::Touched => view::TOUCHED.to_owned(),
    };
    format!("{done}; {}", sums(answer.balance))
}

/// A rejection as the model writes it: its code and data, without texts for people.
pub fn refused(rejection: &Rejection) -> String {
    let shortage = |shortage: &Shortage| {
        let Shortage { required, available, short_by, packages, resets_at } = shortage;
        let packages: Vec<&str> = packages.iter().map(|package| package.as_str()).collect();
        let (packages, resets_at) = (packages.join(" "), time_or_none(resets_at.map(Time::micros)));
        format!("required {required} available {available} short_by {short_by} [{packages}] resets_at {resets_at}")
    };
    match rejection {
        Rejection::InsufficientCredits(short) => format!("insufficient_credits {}", shortage(short)),
        Rejection::DebtOutstanding { debt, shortage: short } => format!("debt_outstanding {debt} {}", shortage(short)),
        Rejection::UnknownTool { tool } => format!("unknown_tool {tool}"),
        Rejection::InvalidMeasure { measure, .. } => format!("invalid_measure {measure}"),
        Rejection::InvalidRequest { field, .. } => format!("invalid_request {field}"),
        Rejection::AccountNotFound => "account_not_found".to_owned(),
        Rejection::HoldNotFound => "hold_not_found".to_owned(),
        Rejection::ChargeNotFound => "charge_not_found".to_owned(),
        Rejection::LotNotFound => "lot_not_found".to_owned(),
        Rejection::PlanNotFound => "plan_not_found".to_owned(),
        Rejection::SubscriptionNotFound => "subscription_not_found".to_owned(),
        Rejection::OrderNotFound => "order_not_found".to_owned(),
        Rejection::PackageNotFound => "package_not_found".to_owned(),
        Rejection::PackageNotAvailable { why } => format!("package_not_available {}", why.word()),
        Rejection::PlanNotForSale => "plan_not_for_sale".to_owned(),
        Rejection::PlanNeedsPayment => "plan_needs_payment".to_owned(),
        Rejection::TooManyPendingOrders { limit } => format!("too_many_pending_orders {limit}"),
        Rejection::OrderNotPending { state } => format!("order_not_pending {}", state.word()),
        Rejection::PaymentMismatch { expected, paid } => format!("payment_mismatch {expected} {paid}"),
        Rejection::HoldNotOpen { state } => format!("hold_not_open {}", state.word()),
        Rejection::HoldExists => "hold_exists".to_owned(),
        Rejection::RefundExceedsCharge { refundable } => format!("refund_exceeds_charge {refundable}"),
        Rejection::AnchorFixed { anchor } => format!("anchor_fixed {anchor}"),
        Rejection::SubscriptionOvertaken => "subscription_overtaken".to_owned(),
        Rejection::ClockMovedBack { now } => format!("clock_moved_back {now}"),
        Rejection::PriceChanged { credits, catalog_version } => format!("price_changed {credits} {catalog_version}"),
        Rejection::ProjectTypeNotEnabled { project_type } => format!("project_type_not_enabled {project_type}"),
        Rejection::AmountLimit => "amount_limit".to_owned(),
        Rejection::IdempotencyKeyReused => "idempotency_key_reused".to_owned(),
    }
}

/// What an instant and a kind moved: of what is left, and of what is set aside.
pub type Movements = BTreeMap<(i64, &'static str), (Amount, Amount)>;

/// What the engine's history says was moved, by instant and kind.
pub fn movements<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Movements {
    let moved = entries.into_iter().map(|entry| Moved {
        at: entry.at.micros(),
        kind: entry.event.kind(),
        credits: amount(entry.credits()),
        held: amount(entry.held()),
    });
    summed(moved)
}

/// Movements by instant and kind; what moved nothing is left out.
pub fn summed(moved: impl IntoIterator<Item = Moved>) -> Movements {
    let mut movements = Movements::new();
    for Moved { at, kind, credits, held } in moved {
        let sum = movements.entry((at, Kind::word(kind))).or_default();
        sum.0 += credits;
        sum.1 += held;
    }
    movements.retain(|_, moved| *moved != (0, 0));
    movements
}
