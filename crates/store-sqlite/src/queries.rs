//! Reading: one function for each question of the port, on whatever connection is given.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow};
use scrip_core::account::Hash;
use scrip_core::amount::Credits;
use scrip_core::bucket::Bucket;
use scrip_core::entry::Kind;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::time::Time;
use scrip_engine::record::{Columns, account_from_json};
use scrip_engine::store::{Extent, Head, Row, StoreError, StoredAccount};
use scrip_engine::trail::Links;

use crate::erase;
use crate::trouble::{damaged, refused};

/// The journal's columns, in the order in which [`row_of`] reads them. Texts that are being erased are not there.
const JOURNAL: &str = "position, account, seq, at, kind, tool, credits, held, available_after, remaining_after, prev, jump, body, hash,
  iif(texts NOT NULL AND EXISTS (SELECT 1 FROM erasing WHERE erasing.account = journal.account AND erasing.position > journal.position),
    NULL, texts)";
/// The accounts' columns, in the order in which [`account_of`] reads them.
const ACCOUNT: &str = "account, studio, id, seq, head, state";

/// The mark and the last of everything.
pub(crate) fn extent(connection: &Connection) -> Result<Extent, StoreError> {
    connection
        .prepare_cached(
            "SELECT (SELECT value FROM meta WHERE name = 'mark'), (SELECT max(position) FROM journal),
               (SELECT max(account) FROM accounts)",
        )
        .and_then(|mut extent| {
            extent.query_row((), |row| {
                Ok(Extent {
                    mark: row.get(0)?,
                    last: row.get::<_, Option<u64>>(1)?.unwrap_or(0),
                    last_account: AccountNumber(row.get::<_, Option<u64>>(2)?.unwrap_or(0)),
                })
            })
        })
        .map_err(|error| refused(&error))
}

/// The rows of a query on the journal.
fn journal(connection: &Connection, tail: &str, params: impl Params) -> Result<Vec<Row>, StoreError> {
    let sql = format!("SELECT {JOURNAL} FROM journal {tail}");
    let mut statement = connection.prepare_cached(&sql).map_err(|error| refused(&error))?;
    let mut rows = statement.query(params).map_err(|error| refused(&error))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| refused(&error))? {
        found.push(row_of(row)?);
    }
    Ok(found)
}

/// A number of rows as SQLite counts them.
fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A position as SQLite holds it; beyond it there is nothing.
fn place_of(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn row(connection: &Connection, position: u64) -> Result<Option<Row>, StoreError> {
    Ok(journal(connection, "WHERE position = ?1", (place_of(position),))?.pop())
}

pub(crate) fn rows_from(connection: &Connection, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
    journal(connection, "WHERE position >= ?1 ORDER BY position LIMIT ?2", (place_of(position), limit_of(limit)))
}

pub(crate) fn rows_before(connection: &Connection, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
    journal(connection, "WHERE position < ?1 ORDER BY position DESC LIMIT ?2", (place_of(position), limit_of(limit)))
}

/// Rows whose accounts are in `buckets`; of the others only the number is read.
pub(crate) fn rows_of(
    connection: &Connection,
    buckets: &Range<u16>,
    position: u64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!("SELECT {JOURNAL} FROM journal WHERE position >= ?1 ORDER BY position");
    let mut statement = connection.prepare_cached(&sql).map_err(|error| refused(&error))?;
    let mut rows = statement.query((place_of(position),)).map_err(|error| refused(&error))?;
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(row) = rows.next().map_err(|error| refused(&error))? else { break };
        let other =
            row.get::<_, u64>(1).is_ok_and(|account| !buckets.contains(&Bucket::of(AccountNumber(account)).number()));
        if !other {
            found.push(row_of(row)?);
        }
    }
    Ok(found)
}

/// The entry of a row of the journal. Only its shape is looked at here; `decode` and `verify` look deeper.
fn row_of(row: &SqlRow<'_>) -> Result<Row, StoreError> {
    read_row(row).map_err(|error| refused(&error))?.map_err(|what| {
        // Named by whatever can still be read of it.
        let number = |column| row.get::<_, i64>(column).map_or_else(|_| "?".to_owned(), |number| number.to_string());
        damaged(format!("entry {} of account {}, at position {}: {what}", number(2), number(1), number(0)))
    })
}

fn read_row(row: &SqlRow<'_>) -> rusqlite::Result<Result<Row, String>> {
    match shape_row(row) {
        Ok(row) => Ok(row.map_err(str::to_owned)),
        Err(error) if error.sqlite_error().is_some() => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn shape_row(row: &SqlRow<'_>) -> rusqlite::Result<Result<Row, &'static str>> {
    let Some(kind) = Kind::from_number(row.get(4)?) else { return Ok(Err("its kind is none that is known here")) };
    let tool = match row.get_ref(5)?.as_str_or_null()?.map(ToolId::parse).transpose() {
        Ok(tool) => tool,
        Err(_) => return Ok(Err("its tool is no tool's id")),
    };
    let amount = |column| row.get(column).map(Credits::from_millionths);
    let record = Record {
        account: AccountNumber(row.get(1)?),
        seq: row.get(2)?,
        at: Time::from_micros(row.get(3)?),
        kind,
        tool,
        credits: amount(6)?,
        held: amount(7)?,
        available_after: amount(8)?,
        remaining_after: amount(9)?,
        body: row.get(12)?,
        hash: Hash(row.get(13)?),
        texts: row.get_ref(14)?.as_str_or_null()?.filter(|texts| !erase::is_blank(texts)).map(Box::from),
    };
    let links = Some(Links { prev: row.get(10)?, jump: row.get(11)? });
    Ok(Ok(Row { position: row.get(0)?, links, record }))
}

/// The accounts of a query.
fn accounts_of(connection: &Connection, tail: &str, params: impl Params) -> Result<Vec<Unread>, StoreError> {
    let sql = format!("SELECT {ACCOUNT} FROM accounts {tail}");
    let mut statement = connection.prepare_cached(&sql).map_err(|error| refused(&error))?;
    let mut rows = statement.query(params).map_err(|error| refused(&error))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| refused(&error))? {
        found.push(Unread::of(row)?);
    }
    Ok(found)
}

/// An account's row as it came from the database: it is read without one.
#[derive(Debug)]
pub(crate) struct Unread {
    columns: Columns,
    state: String,
}

impl Unread {
    fn of(row: &SqlRow<'_>) -> Result<Unread, StoreError> {
        let number: u64 = row.get(0).map_err(|error| refused(&error))?;
        let wrong = |what: &dyn std::fmt::Display| wrong_row(number, what);
        let text = |column: usize| row.get::<_, String>(column).map_err(|error| wrong(&error));
        let columns = Columns {
            number: AccountNumber(number),
            studio: StudioNumber(row.get(1).map_err(|error| wrong(&error))?),
            id: AccountId::parse(&text(2)?).map_err(|error| wrong(&error))?,
            seq: row.get(3).map_err(|error| wrong(&error))?,
            head: Hash(row.get(4).map_err(|error| wrong(&error))?),
        };
        Ok(Unread { columns, state: text(5)? })
    }

    /// The account.
    pub(crate) fn read(self) -> Result<StoredAccount, StoreError> {
        let number = self.columns.number.0;
        account_from_json(self.columns, &self.state).map_err(|problem| wrong_row(number, &problem))
    }
}

fn wrong_row(number: u64, what: &dyn std::fmt::Display) -> StoreError {
    damaged(format!("the row of account {number}: {what}"))
}

/// What rows say of their accounts' last entries.
pub(crate) fn heads(
    connection: &Connection,
    after: Option<AccountNumber>,
    limit: usize,
) -> Result<Vec<Head>, StoreError> {
    let after = after.map_or(-1, |after| place_of(after.0));
    let mut heads = connection
        .prepare_cached("SELECT account, seq, head FROM accounts WHERE account > ?1 ORDER BY account LIMIT ?2")
        .map_err(|error| refused(&error))?;
    let mut rows = heads.query((after, limit_of(limit))).map_err(|error| refused(&error))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| refused(&error))? {
        let number: u64 = row.get(0).map_err(|error| refused(&error))?;
        let head = row.get(1).and_then(|seq| Ok((seq, Hash(row.get(2)?))));
        let (seq, head) = head.map_err(|error| wrong_row(number, &error))?;
        found.push(Head { account: AccountNumber(number), seq, head });
    }
    Ok(found)
}

pub(crate) fn account(connection: &Connection, number: AccountNumber) -> Result<Option<Unread>, StoreError> {
    Ok(accounts_of(connection, "WHERE account = ?1", (place_of(number.0),))?.pop())
}

pub(crate) fn accounts(
    connection: &Connection,
    after: Option<AccountNumber>,
    limit: usize,
) -> Result<Vec<Unread>, StoreError> {
    let after = after.map_or(-1, |after| place_of(after.0));
    accounts_of(connection, "WHERE account > ?1 ORDER BY account LIMIT ?2", (after, limit_of(limit)))
}

pub(crate) fn account_number(
    connection: &Connection,
    studio: StudioNumber,
    id: &AccountId,
) -> Result<Option<AccountNumber>, StoreError> {
    connection
        .prepare_cached("SELECT account FROM accounts WHERE studio = ?1 AND id = ?2")
        .and_then(|mut number| number.query_row((studio.0, id.as_str()), |row| row.get(0)).optional())
        .map(|number| number.map(AccountNumber))
        .map_err(|error| refused(&error))
}
