//! Erasing an account's texts (R29), and telling beforehand what that would erase.

use std::time::Duration;

use scrip_core::account::Account;
use scrip_core::answer::Done;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_engine::Engine;
use scrip_engine::engine::{Refusal, Request};
use scrip_engine::store::{ErasingLeft, StoreError};

use super::{COMMAND_LINE, Tell, ToErase, studio_number};

/// The longest reason, in characters.
const REASON_MAX: usize = 500;
/// How often it is looked how far an erasure has come.
const LOOK: Duration = Duration::from_millis(20);
/// How many looks a reader is waited for that keeps the write-ahead log from being emptied.
const LOOKS_FOR_COPIES: u32 = 250;

/// What an erasure would erase.
pub(super) fn preview(engine: &Engine, studio: &str, account: &str) -> Result<Tell, Tell> {
    let number = studio_number(engine, studio)?;
    let id = account_id(account)?;
    let found = engine.account(number, &id).map_err(unread)?.ok_or_else(|| no_account(studio, account))?;
    let Account { name, seq, holds, subscription, .. } = &*found;
    let totals = found.totals();
    Ok(Tell::ToErase(Box::new(ToErase {
        account: account.to_owned(),
        studio: studio.to_owned(),
        name: name.as_ref().map(ToString::to_string),
        entries: *seq,
        open_holds: holds.len(),
        remaining: totals.remaining.to_string(),
        debt: totals.debt.to_string(),
        plan: subscription.as_ref().map(|subscription| subscription.terms.plan.to_string()),
    })))
}

/// Erases, and waits until no file of the store holds the texts any more, or only a reader is in the way of that.
pub(super) async fn erase(engine: &Engine, studio: &str, account: &str, reason: Option<String>) -> Result<Tell, Tell> {
    let number = studio_number(engine, studio)?;
    let reason = reason.map(checked_reason).transpose()?;
    let erased = submit(engine, number, account_id(account)?, Command::EraseAccount { reason }).await;
    let erased = erased.map_err(|refusal| match refusal {
        Refusal::Rejected(Rejection::AccountNotFound) => no_account(studio, account),
        Refusal::Rejected(rejection) => Tell::No { message: format!("{account} was not erased: {rejection:?}") },
        Refusal::Unavailable(why) => Tell::Failed { message: format!("{account} was not erased: {why}") },
    })?;
    let copies = wait(engine, erased).await?;
    Ok(Tell::Erased { account: AccountId::erased(erased).to_string(), copies })
}

async fn submit(
    engine: &Engine,
    studio: StudioNumber,
    account: AccountId,
    command: Command,
) -> Result<AccountNumber, Refusal> {
    let outcome = engine.submit_by(COMMAND_LINE.into(), Request { studio, account, key: None, command }).await?;
    match outcome.answer.done {
        Done::AccountErased { account } => Ok(account),
        other => unreachable!("an erasure is answered with an erasure, not {other:?}"),
    }
}

/// Whether copies are left that a reader holds on to.
async fn wait(engine: &Engine, account: AccountNumber) -> Result<bool, Tell> {
    let mut looks = 0;
    loop {
        match engine.erasing(account).map_err(unread)? {
            None => return Ok(false),
            Some(ErasingLeft::Copies) if looks == LOOKS_FOR_COPIES => return Ok(true),
            Some(ErasingLeft::Copies) => looks += 1,
            Some(ErasingLeft::Entries) => {}
        }
        if let Some(trouble) = engine.vitals().trouble {
            let message = format!(
                "nobody is shown the texts of {} any more, but removing them is held up: {trouble}; it goes on by itself",
                AccountId::erased(account)
            );
            return Err(Tell::Failed { message });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn account_id(text: &str) -> Result<AccountId, Tell> {
    AccountId::parse(text)
        .map_err(|error| Tell::No { message: format!("`{text}` is no account's id: expected {error}") })
}

fn checked_reason(reason: String) -> Result<Box<str>, Tell> {
    let right =
        !reason.trim().is_empty() && reason.chars().count() <= REASON_MAX && !reason.chars().any(char::is_control);
    if right {
        Ok(reason.into())
    } else {
        let message =
            format!("the reason must be 1 to {REASON_MAX} characters that are not all blank, none a control character");
        Err(Tell::No { message })
    }
}

fn no_account(studio: &str, account: &str) -> Tell {
    Tell::No { message: format!("{studio} has no account `{account}` (once erased, an account has another id)") }
}

fn unread(error: StoreError) -> Tell {
    Tell::Failed { message: format!("the store could not be read: {error}") }
}
