//! A studio's entries over all accounts, newest first.
//!
//! Nothing lists them in this order: entries lie on the disk about as they were made, and an index of a few bytes for each
//! stretch says from when to when it reaches. So they are read in windows of time that widen backwards until there are
//! enough: charging costs nothing for it, and the newest entries are found in the first windows.

use scrip_core::id::AccountId;
use scrip_core::journal::Record;
use scrip_core::time::Time;
use scrip_engine::store::StoreError;
use scrip_engine::store::joint::{EntryPlace, StudioQuery};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use crate::line::{Line, Sql};
use crate::rows::{big, entry_columns, get, record, studio_number};
use crate::trouble::damaged;

static LAST: Sql = Sql { text: "SELECT coalesce(max(last_at), 0) FROM scrip.buckets", types: &[] };

static WINDOW: Sql = Sql {
    text: concat!(
        "SELECT a.id, ",
        entry_columns!(),
        " FROM scrip.entries e JOIN scrip.accounts a ON a.bucket = e.bucket AND a.number = e.account
         WHERE e.studio = $1 AND e.at >= $2 AND e.at <= $3 AND (e.at, e.account, e.seq) < ($4, $5, $6)
           AND e.kind = ANY ($7::smallint[]) AND ($8::text IS NULL OR e.tool = $8)
         ORDER BY e.at DESC, e.account DESC, e.seq DESC LIMIT $9"
    ),
    types: &[
        Type::INT4,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT2_ARRAY,
        Type::TEXT,
        Type::INT8,
    ],
};

/// The first window, and how much longer each is than the one after it, in microseconds.
const FIRST_WINDOW: i64 = 1_000_000;
const WIDENED: i64 = 8;

/// The latest time of any entry; 0 for none.
pub(crate) async fn last_at(line: &mut Line) -> Result<i64, Error> {
    Ok(line.ask(&LAST, &[]).await?.first().map_or(0, |row| row.get(0)))
}

/// The rows of a page.
pub(crate) async fn entries(line: &mut Line, query: &StudioQuery<'_>) -> Result<Vec<Row>, Error> {
    let everything = EntryPlace { at: Time::MAX, account: scrip_core::id::AccountNumber(u64::MAX), seq: u64::MAX };
    let before = query.before.unwrap_or(everything);
    let kinds: Vec<i16> = query.kinds.iter().map(|kind| i16::from(kind.number())).collect();
    let tool = query.tool.map(|tool| tool.as_str());
    let (at, account, seq) = (before.at.micros(), big(before.account.0), big(before.seq));
    let from = query.from.map_or(0, Time::micros);
    let mut to = last_at(line).await?.min(at);
    if let Some(end) = query.to {
        to = to.min(end.micros() - 1);
    }
    let (mut found, mut window) = (Vec::new(), FIRST_WINDOW);
    while found.len() < query.limit && to >= from {
        let since = (to - window).max(from);
        let limit = big(u64::try_from(query.limit - found.len()).expect("a length fits 64 bits"));
        let studio = studio_number(query.studio);
        let rows = line.ask(&WINDOW, &[&studio, &since, &to, &at, &account, &seq, &kinds, &tool, &limit]).await?;
        found.extend(rows);
        to = since - 1;
        window = window.saturating_mul(WIDENED);
    }
    Ok(found)
}

/// A row as its account's id and record.
pub(crate) fn named(row: &Row) -> Result<(AccountId, Record), StoreError> {
    let record = record(row, 1)?;
    let id: &str = get(row, 0)?;
    let erased = AccountId::erased(record.account);
    let id = if erased.as_str() == id { Ok(erased) } else { AccountId::parse(id) };
    let wrong = |_| damaged(format!("the row of account {}: an id that cannot be one", record.account.0));
    Ok((id.map_err(wrong)?, record))
}
