//! The lines of an export: the shapes of the HTTP API, with what tells them apart over a whole store.
//!
//! Every field and column is described in `docs/export.md`.

use scrip_api::account::AccountShown;
use scrip_api::balance::LotShown;
use scrip_api::csv::CsvRow;
use scrip_api::entry::EntryShown;
use scrip_api::number::Amount;
use scrip_api::time::Instant;
use scrip_core::account::Account;
use scrip_core::entry::Entry;
use scrip_core::id::{AccountId, StudioId};
use scrip_core::lot::Lot;
use scrip_engine::store::Row;
use serde::Serialize;

/// A line: in JSON by its fields, in CSV by its columns.
pub(crate) trait Line: Serialize {
    /// The names of the columns, in the order of [`Line::csv`].
    const COLUMNS: &'static str;

    /// The line's cells.
    fn csv(&self) -> CsvRow;
}

/// An account.
#[derive(Serialize)]
pub(crate) struct AccountLine {
    studio: String,
    #[serde(flatten)]
    shown: AccountShown,
    /// Of its subscription: `active`, `past_due` or `paused`.
    state: Option<&'static str>,
    /// Of its subscription: the instant that all periods are counted from.
    anchor: Option<Instant>,
    frozen: Amount,
    debt: Amount,
    seq: u64,
    hash: String,
}

impl AccountLine {
    pub(crate) fn of(studio: &StudioId, account: &Account) -> AccountLine {
        let (subscription, totals) = (account.subscription.as_deref(), account.totals());
        AccountLine {
            studio: studio.to_string(),
            shown: AccountShown::from(account),
            state: subscription.map(|subscription| subscription.state.word()),
            anchor: subscription.map(|subscription| Instant(subscription.anchor)),
            frozen: Amount(totals.frozen),
            debt: Amount(totals.debt),
            seq: account.seq,
            hash: account.head.to_string(),
        }
    }
}

impl Line for AccountLine {
    const COLUMNS: &'static str = "studio,account,name,time_zone,project_types,opened_at,plan,state,anchor,remaining,\
                                   held,available,frozen,debt,seq,hash";

    fn csv(&self) -> CsvRow {
        let mut row = CsvRow::new();
        let shown = &self.shown;
        row.plain(&self.studio).text(Some(&shown.account)).text(shown.name.as_deref()).plain(&shown.time_zone);
        row.text(shown.project_types.as_ref().map(json).as_deref()).plain(shown.opened_at.0);
        row.plain_if_any(shown.plan.as_deref()).plain_if_any(self.state).plain_if_any(self.anchor.map(|at| at.0));
        row.plain(shown.balance.remaining.0).plain(shown.balance.held.0).plain(shown.balance.available.0);
        row.plain(self.frozen.0).plain(self.debt.0).plain(self.seq).plain(&self.hash);
        row
    }
}

/// A lot with something left.
#[derive(Serialize)]
pub(crate) struct LotLine {
    studio: String,
    account: String,
    #[serde(flatten)]
    shown: LotShown,
}

impl LotLine {
    pub(crate) fn of(studio: &StudioId, account: &Account, lot: &Lot) -> LotLine {
        LotLine { studio: studio.to_string(), account: account.id.to_string(), shown: LotShown::from(lot) }
    }
}

impl Line for LotLine {
    const COLUMNS: &'static str =
        "studio,account,lot,class,granted,remaining,held,frozen,priority,granted_at,expires_at";

    fn csv(&self) -> CsvRow {
        let mut row = CsvRow::new();
        let shown = &self.shown;
        row.plain(&self.studio).text(Some(&self.account)).plain(&shown.lot).plain(&shown.class);
        row.plain(shown.granted.0).plain(shown.remaining.0).plain(shown.held.0).plain(shown.frozen.0);
        row.plain(shown.priority).plain(shown.granted_at.0).plain_if_any(shown.expires_at.map(|at| at.0));
        row
    }
}

/// An entry.
#[derive(Serialize)]
pub(crate) struct EntryLine {
    position: u64,
    studio: String,
    seq: u64,
    #[serde(flatten)]
    shown: EntryShown,
    hash: String,
}

impl EntryLine {
    pub(crate) fn of(studio: &StudioId, account: &AccountId, row: &Row, entry: &Entry) -> EntryLine {
        EntryLine {
            position: row.position,
            studio: studio.to_string(),
            seq: entry.seq,
            shown: EntryShown { account: Some(account.to_string()), ..EntryShown::of(entry) },
            hash: row.record.hash.to_string(),
        }
    }
}

impl Line for EntryLine {
    const COLUMNS: &'static str = "position,studio,account,seq,entry,at,kind,tool,measures,catalog_version,reference,\
                                   member,reason,hold,refund,charge,plan,change,price,uncollected,debt,expires_at,\
                                   credits,held,lots,available_after,remaining_after,hash";

    fn csv(&self) -> CsvRow {
        let mut row = CsvRow::new();
        let shown = &self.shown;
        row.plain(self.position).plain(&self.studio).text(shown.account.as_deref()).plain(self.seq);
        row.plain(&shown.entry).plain(shown.at.0).plain(&shown.kind).plain_if_any(shown.tool.as_deref());
        row.text(shown.measures.as_ref().map(json).as_deref()).plain_if_any(shown.catalog_version);
        row.text(shown.reference.as_deref()).text(shown.member.as_deref()).text(shown.reason.as_deref());
        row.plain_if_any(shown.hold.as_deref()).plain_if_any(shown.refund.as_deref());
        row.plain_if_any(shown.charge.as_deref()).plain_if_any(shown.plan.as_deref());
        row.plain_if_any(shown.change.as_deref()).plain_if_any(shown.price.map(|price| price.0));
        row.plain_if_any(shown.uncollected.map(|credits| credits.0)).plain_if_any(shown.debt.map(|debt| debt.0));
        row.plain_if_any(shown.expires_at.map(|at| at.0)).plain(shown.credits.0).plain(shown.held.0);
        let lots = shown.lots.iter().map(|part| format!("{}:{}:{}", part.lot, part.credits.0, part.held.0));
        row.plain(lots.collect::<Vec<_>>().join(" "));
        row.plain(shown.available_after.0).plain(shown.remaining_after.0).plain(&self.hash);
        row
    }
}

/// A value with parts, in one cell.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers")
}
