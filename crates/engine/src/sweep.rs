//! The sweeper: makes what is due visible for accounts that nobody touches (R16).
//!
//! Nothing depends on it: whoever touches an account applies what is due. It walks the accounts at
//! a bounded rate and touches those that have something due.

use std::sync::Arc;
use std::time::Duration;

use scrip_core::command::Command;
use scrip_core::due;
use scrip_core::id::AccountNumber;
use tokio::sync::oneshot;
use tracing::warn;

use crate::engine::{Request, Shared};
use crate::intake::Job;
use crate::store::StoreError;

/// How often it looks.
const PERIOD: Duration = Duration::from_millis(250);

/// Walks until the engine stops.
pub(crate) fn run(shared: &Shared, per_second: u32) {
    let share = usize::try_from(per_second.div_ceil(4)).unwrap_or(usize::MAX).max(1);
    let mut after = None;
    while !shared.stopped_within(PERIOD) {
        if shared.is_lost() {
            continue;
        }
        match look(shared, after, share) {
            Ok(next) => after = next,
            Err(failure) => warn!(%failure, "the sweeper could not read the accounts"),
        }
    }
}

/// Touches what is due among the next accounts; answers where to go on, `None` from the start.
fn look(shared: &Shared, after: Option<AccountNumber>, share: usize) -> Result<Option<AccountNumber>, StoreError> {
    let now = shared.options.clock.now();
    let rows = shared.reader.accounts(after, share)?;
    let last = rows.last().map(|row| row.account.number);
    let mut requests = Vec::new();
    for row in rows {
        let account = match shared.residents.get(row.account.number) {
            Some(resident) => resident.account,
            None => Arc::new(row.account),
        };
        if due::next_due(&account).is_some_and(|at| at <= now) {
            let (studio, id) = (account.studio, account.id.clone());
            requests.push(Request { studio, account: id, key: None, command: Command::Touch });
        }
    }
    if !requests.is_empty() {
        let (reply, done) = oneshot::channel();
        // A full queue has better things to do; the next round comes by again.
        if shared.intake.push(Job::Commands { requests, by: None, reply }).is_ok() {
            drop(done.blocking_recv());
        }
    }
    Ok(last)
}
