//! Deciding: which entries a command makes, or why not.
//!
//! Pure. A command is checked completely before the first entry is drafted, in the order of R32:
//! shape → account → object → its state → tool and measures → project type → price changed →
//! debt → credits → limits. What an account's past must tell has been recalled before
//! ([`crate::recall`]), and what is due has been applied ([`crate::due`]).

mod account;
mod billing;
mod charge;
mod grant;
mod hold;
mod opening;
mod order;
mod plan_payment;
mod price;
mod refund;
mod saved_method;
mod scribe;
mod settle;
mod subscription;
mod top_up;

use crate::account::Account;
use crate::amount::Credits;
use crate::answer::{Answer, Done, Put};
use crate::catalog::Catalogs;
use crate::command::{Command, Stamp};
use crate::entry::Entry;
use crate::id::PlanId;
use crate::mark::Mark;
use crate::rejection::Rejection;
use scribe::Scribe;

pub use crate::recall::{Wanted, wanted};
pub use opening::{OpeningFault, OpeningPart, opening_faults};
pub(crate) use order::plan_is_for_sale;
pub(crate) use price::shortage;
use price::{afford, price};

/// The outcome of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The entries it makes, in order; empty when everything stands as asked already.
    pub entries: Vec<Entry>,
    /// What the caller is told. Where there are entries, equal to [`crate::answer::of`] of them.
    pub answer: Answer,
}

/// Decides a command on an account to which everything due has been applied.
///
/// `account.seq == 0` is an account that does not exist: only [`Command::PutAccount`] and [`Command::OpenAccount`] are
/// accepted.
/// Every command that comes with a key makes at least one entry, so that there is one to bind the key (R31).
pub fn decide(account: &Account, catalogs: &Catalogs, command: &Command, stamp: &Stamp) -> Result<Decision, Rejection> {
    let mut scribe = Scribe::new(account, catalogs, stamp);
    scribe.by = stamp.by.as_deref().filter(|_| command.is_by_hand());
    check_shape(command)?;
    check_present(account, catalogs, command, scribe.at())?;
    let of_studio = account.id.is_of_studio() && !matches!(command, Command::RecordAct { .. } | Command::Touch);
    if of_studio || (account.seq == 0 && !command.opens(&account.id)) {
        return Err(Rejection::AccountNotFound);
    }
    let unchanged = match command {
        Command::PutAccount(put) => {
            account::put(&mut scribe, put)?;
            Done::Put(Put::Updated)
        }
        Command::PutSubscription(put) => {
            check_mark(&scribe, put.mark)?;
            scribe.why = put.reason.as_deref();
            subscription::put(&mut scribe, put)?;
            Done::Put(Put::Updated)
        }
        Command::CancelSubscription(cancellation) => {
            check_mark(&scribe, cancellation.mark)?;
            scribe.why = cancellation.reason.as_deref();
            subscription::cancel(&mut scribe)?;
            Done::Put(Put::Updated)
        }
        Command::OpenAccount(opening) => return opening::open(scribe, opening),
        Command::PutTopUp(put) => {
            top_up::put(&mut scribe, put)?;
            Done::Put(Put::Updated)
        }
        Command::SaveMethod { order } => {
            saved_method::save(&mut scribe, *order)?;
            Done::Put(Put::Updated)
        }
        Command::RefuseMethod { order, trouble } => {
            saved_method::refuse(&mut scribe, *order, *trouble);
            Done::Put(Put::Updated)
        }
        Command::BeginBilling { order } => {
            billing::begin(&mut scribe, *order)?;
            Done::Put(Put::Updated)
        }
        Command::EndBilling { order } => {
            billing::end(&mut scribe, *order);
            Done::Put(Put::Updated)
        }
        Command::EraseAccount { reason } => {
            account::erase(&mut scribe, reason.as_deref());
            Done::AccountErased { account: account.number }
        }
        Command::RecordAct { act, subject, reason } => {
            account::record(&mut scribe, *act, subject, reason.as_deref());
            Done::Recorded
        }
        Command::Touch => Done::Touched,
        Command::PlaceHold(place) => return hold::place(scribe, place),
        Command::ExtendHold { hold, expires_in } => return hold::extend(scribe, hold, *expires_in),
        Command::ReleaseHold(release) => return hold::release(scribe, release),
        Command::SettleHold(settle) => return settle::settle(scribe, settle),
        Command::Charge(charge) => return charge::charge(scribe, charge),
        Command::Refund { charge, credits, reason } => return refund::refund(scribe, *charge, *credits, reason),
        Command::Grant(grant) => return grant::grant(scribe, grant),
        Command::RevokeLot { lot, credits, reason } => return grant::revoke(scribe, *lot, *credits, reason),
        Command::WriteOffDebt { credits, reason } => return grant::write_off(scribe, *credits, reason),
        Command::PlaceOrder { item, mark } => {
            check_mark(&scribe, *mark)?;
            return order::place(scribe, item);
        }
        Command::SendOrder { order, reference } => return order::send(scribe, *order, reference),
        Command::FulfilOrder { order, truth } => return order::fulfil(scribe, *order, truth),
        Command::PayTerm(paid) => return billing::pay(scribe, paid),
        Command::MarkOrderPaid { order, reference } => return order::mark_paid(scribe, *order, reference),
    };
    Ok(scribe.finish_or(unchanged))
}

/// What paying for a plan would do now; `None` where the account cannot order it, or the catalog in force lacks it.
pub(crate) fn pay_for_plan(account: &Account, catalogs: &Catalogs, plan: &PlanId, stamp: &Stamp) -> Option<Decision> {
    let scribe = Scribe::new(account, catalogs, stamp);
    let catalog = catalogs.in_force(account.studio, scribe.at())?;
    order::plan_paid(scribe, catalog.catalog.plan(plan.as_str())?)
}

/// The seconds that a hold may last from now (R18).
const HOLD_FOR: std::ops::RangeInclusive<u32> = 1..=86_400;

/// What is wrong with a request whatever the account and whenever it comes (400): looked at before a repeat is
/// recognised (R32).
pub fn check_shape(command: &Command) -> Result<(), Rejection> {
    match command {
        Command::PlaceHold(place) => {
            price::check_shape(&place.cost)?;
            place.expires_in.map_or(Ok(()), check_expires_in)
        }
        Command::Charge(charge) => price::check_shape(&charge.cost),
        Command::ExtendHold { expires_in, .. } => check_expires_in(*expires_in),
        Command::SettleHold(settle) => settle::check_shape(&settle.usage),
        Command::OpenAccount(opening) => opening::check_shape(opening),
        Command::Grant(grant) => grant::check_shape(grant),
        Command::Refund { credits, reason, .. }
        | Command::RevokeLot { credits, reason, .. }
        | Command::WriteOffDebt { credits, reason } => {
            credits.map_or(Ok(()), check_positive)?;
            check_reason(reason)
        }
        Command::MarkOrderPaid { reference, .. } => order::check_reference(reference),
        Command::PutTopUp(put) => top_up::check_shape(put),
        Command::PayTerm(paid) => billing::check_shape(paid),
        Command::FulfilOrder { truth, .. } => order::check_truth(truth),
        Command::EraseAccount { reason } | Command::RecordAct { reason, .. } => {
            reason.as_deref().map_or(Ok(()), check_reason)
        }
        Command::PutAccount(_)
        | Command::PutSubscription(_)
        | Command::CancelSubscription(_)
        | Command::ReleaseHold(_)
        | Command::PlaceOrder { .. }
        | Command::SendOrder { .. }
        | Command::SaveMethod { .. }
        | Command::RefuseMethod { .. }
        | Command::BeginBilling { .. }
        | Command::EndBilling { .. }
        | Command::Touch => Ok(()),
    }
}

/// What is wrong with a request here and now, whatever the account (400): a repeat of one that was accepted is not
/// looked at again.
fn check_present(
    account: &Account,
    catalogs: &Catalogs,
    command: &Command,
    at: crate::time::Time,
) -> Result<(), Rejection> {
    match command {
        Command::PlaceHold(place) => price::check_published(account, catalogs, place.expected),
        Command::Charge(charge) => price::check_published(account, catalogs, charge.expected),
        Command::Grant(grant) => grant::check_ahead(grant, at),
        Command::OpenAccount(opening) => opening::check_present(account, catalogs, opening, at),
        Command::ExtendHold { .. }
        | Command::SettleHold(_)
        | Command::Refund { .. }
        | Command::RevokeLot { .. }
        | Command::WriteOffDebt { .. }
        | Command::PutAccount(_)
        | Command::PutSubscription(_)
        | Command::CancelSubscription(_)
        | Command::ReleaseHold(_)
        | Command::PlaceOrder { .. }
        | Command::SendOrder { .. }
        | Command::FulfilOrder { .. }
        | Command::MarkOrderPaid { .. }
        | Command::PutTopUp(_)
        | Command::SaveMethod { .. }
        | Command::RefuseMethod { .. }
        | Command::BeginBilling { .. }
        | Command::EndBilling { .. }
        | Command::PayTerm(_)
        | Command::EraseAccount { .. }
        | Command::RecordAct { .. }
        | Command::Touch => Ok(()),
    }
}

/// What was looked at stands still, where the command hangs on that.
fn check_mark(scribe: &Scribe<'_>, mark: Option<Mark>) -> Result<(), Rejection> {
    match mark {
        Some(mark) if mark != Mark::of(scribe.before, scribe.catalogs, scribe.at()) => {
            Err(Rejection::SubscriptionOvertaken)
        }
        Some(_) | None => Ok(()),
    }
}

/// A field that cannot be accepted, and what would be.
fn invalid(field: &'static str, expected: impl Into<Box<str>>) -> Rejection {
    Rejection::InvalidRequest { field, expected: expected.into() }
}

fn check_expires_in(seconds: u32) -> Result<(), Rejection> {
    if HOLD_FOR.contains(&seconds) { Ok(()) } else { Err(invalid("expires_in", "1 to 86400 seconds")) }
}

fn check_positive(credits: Credits) -> Result<(), Rejection> {
    if !credits.is_positive() {
        return Err(invalid("credits", "more than zero"));
    }
    if credits.within_limit() { Ok(()) } else { Err(Rejection::AmountLimit) }
}

fn check_reason(reason: &str) -> Result<(), Rejection> {
    if reason.trim().is_empty() { Err(invalid("reason", "a text that says why")) } else { Ok(()) }
}
