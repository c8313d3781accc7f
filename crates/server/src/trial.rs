//! What a command would do, without doing it: decided by the rules, on the account as it stands, and then forgotten.
//!
//! Apart from carrying out because nothing here may be written. What the command names of the past is read through the
//! history, from where it can have been on.

use scrip_core::account::Account;
use scrip_core::command::{Command, Stamp};
use scrip_core::decide::decide;
use scrip_core::entry::{Entry, Event, Kind};
use scrip_core::id::{AccountId, HoldRef, StudioNumber};
use scrip_core::recall::{self, Wanted};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::engine::Outcome;
use scrip_engine::history::HistoryQuery;

use crate::app::App;
use crate::held;
use crate::problem::Refused;
use crate::request::PAGE_MAX;

/// Whether a call is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It is: nothing is written, and its idempotency key is not bound.
    Yes,
    /// It is carried out.
    No,
}

/// What a command would come to now, or why it would be refused.
pub(crate) async fn of(app: &App, studio: StudioNumber, id: &AccountId, command: &Command) -> Result<Outcome, Refused> {
    let now = app.engine().now();
    let mut account = app.account_at(studio, id, now).await?;
    loop {
        let wanted = recall::wanted(&account, command);
        if wanted.is_empty() {
            break;
        }
        for one in wanted {
            recall_one(app, &mut account, one, now).await?;
        }
    }
    let stamp = Stamp { now, salt: [0; 16], binding: None, by: None };
    let decision = decide(&account, &app.engine().catalogs(), command, &stamp)?;
    Ok(Outcome { answer: decision.answer, replayed: false })
}

async fn recall_one(app: &App, account: &mut Account, wanted: Wanted, now: Time) -> Result<(), Refused> {
    let (studio, id) = (account.studio, account.id.clone());
    match wanted {
        Wanted::HoldByName(name) => {
            let found = app.engine().hold(studio, &id, &HoldRef::Name(name.clone())).await?;
            account.recalled.names.insert(name, found.map(|hold| hold.id));
        }
        Wanted::Hold(hold) => {
            let found = app.engine().hold(studio, &id, &HoldRef::Id(hold)).await?;
            account.recalled.holds.insert(hold, found.map(|hold| held::as_of(hold, now)));
        }
        Wanted::Order(order) => {
            let found = app.engine().order(studio, &id, order).await?;
            account.recalled.orders.insert(order, found);
        }
        Wanted::Charge(charge) => {
            let made = entry(app, account, charge.seq).await?.filter(|_| charge.index == 0);
            let refunds = move |entry: &Entry| match &entry.event {
                Event::Refunded(refunded) => refunded.charge == charge,
                _ => false,
            };
            let facts = match &made {
                Some(made) => {
                    let newest = newest(app, account, made.at, vec![Kind::Refund], refunds).await?;
                    recall::charge(made, newest.as_ref())
                }
                None => None,
            };
            account.recalled.charges.insert(charge, facts);
        }
        Wanted::Lot(lot) => {
            let made = entry(app, account, lot.seq).await?;
            let tells =
                move |entry: &Entry| entry.lots.iter().any(|change| change.lot == lot && change.unspent.is_some());
            let found = match &made {
                Some(made) => {
                    let newest = newest(app, account, made.at, Vec::new(), tells).await?;
                    recall::lot(made, newest.as_ref(), lot)
                }
                None => None,
            };
            account.recalled.lots.insert(lot, found);
        }
    }
    Ok(())
}

async fn entry(app: &App, account: &Account, seq: u64) -> Result<Option<Entry>, Refused> {
    let (studio, id) = (account.studio, account.id.clone());
    app.reading(move |engine| engine.entry(studio, &id, seq)).await
}

/// The newest entry since `from` that is meant.
async fn newest(
    app: &App,
    account: &Account,
    from: Time,
    kinds: Vec<Kind>,
    meant: impl Fn(&Entry) -> bool + Send + 'static,
) -> Result<Option<Entry>, Refused> {
    let (studio, id) = (account.studio, account.id.clone());
    let mut query = HistoryQuery { limit: PAGE_MAX, kinds, from: Some(from), ..HistoryQuery::default() };
    let found = app.reading(move |engine| {
        loop {
            // Its id may have been erased since the page before.
            let Some(page) = engine.history(studio, &id, &query)? else { return Ok(None) };
            if let Some(found) = page.entries.into_iter().find(&meant) {
                return Ok(Some(Some(found)));
            }
            query.before = page.next;
            if query.before.is_none() {
                return Ok(Some(None));
            }
        }
    });
    found.await?.ok_or_else(|| Rejection::AccountNotFound.into())
}
