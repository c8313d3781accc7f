//! Erasing texts (R29), so that none of the folder's files holds them any more.
//!
//! With its batch an erasure only replaces the account's row and is put on the list `erasing`; from then on no query
//! gives out the account's texts ([`crate::queries`]). The texts go in steps between later batches, along the account's
//! entries, newest first; then the write-ahead log is emptied, and the erasure taken off the list. A step is one
//! transaction that says where the next begins, so a crash costs nothing.
//!
//! SQLite leaves copies behind where it moves rows from page to page, so rows of the journal are never made shorter: a
//! text gives way to as many blanks. Rows of accounts do move. The erased account's neighbours, in their own order and
//! in that of their ids, are therefore taken out and put in again, which overwrites the pages that they were in.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, ToSql, params_from_iter};
use scrip_engine::record::account_to_json;
use scrip_engine::store::{Erasing, ErasingLeft, Erasure, StoreError};

use crate::append::SqliteStore;
use crate::trouble::{damaged, refused};

/// Entries that a step looks at.
const STEP: usize = 1_000;
/// Neighbours on each side that are written anew: more than share a page, or ever shared one, with an account.
const NEIGHBOURS: u64 = 250;

/// Whether deleted pages are overwritten too, or only what is deleted within a page. The first costs a write for each page
/// that merging frees, and is wanted where pages hold texts.
pub(crate) fn overwrite_pages(connection: &Connection, overwrite: bool) -> rusqlite::Result<()> {
    let how = if overwrite { "on" } else { "fast" };
    connection.pragma_update_and_check(None, "secure_delete", how, |_| Ok(()))
}

/// What stands in the place of an erased text: a JSON object of nothing, as long as what was there.
pub(crate) fn is_blank(texts: &str) -> bool {
    texts.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(|rest| rest.bytes().all(|b| b == b' '))
}

/// Begins an erasure, in the transaction that makes its entry durable.
pub(crate) fn begin(connection: &Connection, erasure: &Erasure) -> rusqlite::Result<()> {
    let account = &erasure.stored.account;
    let neighbours = take_neighbours(connection, account.number.0)?;
    connection
        .prepare_cached("INSERT INTO accounts (account, studio, id, seq, head, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((
            account.number.0,
            account.studio.0,
            account.id.as_str(),
            account.seq,
            &account.head.0[..],
            account_to_json(account, &erasure.stored.trail),
        ))?;
    let mut insert = connection.prepare_cached("INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for neighbour in neighbours {
        insert.execute(params_from_iter(neighbour))?;
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO erasing (account, position, next) VALUES (?1, ?2, ?2)")?
        .execute((account.number.0, erasure.position))?;
    Ok(())
}

/// Takes out the account's row, and those around it; answers those around it.
fn take_neighbours(connection: &Connection, account: u64) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut numbers = BTreeSet::new();
    let mut collect = |sql: &str, params: &[&dyn ToSql]| -> rusqlite::Result<()> {
        let mut found = connection.prepare_cached(sql)?;
        for number in found.query_map(params, |row| row.get::<_, u64>(0))? {
            numbers.insert(number?);
        }
        Ok(())
    };
    let (first, last) = (account.saturating_sub(NEIGHBOURS), account + NEIGHBOURS);
    collect("SELECT account FROM accounts WHERE account BETWEEN ?1 AND ?2", &[&first, &last])?;
    let own: Option<(u32, String)> = connection
        .prepare_cached("SELECT studio, id FROM accounts WHERE account = ?1")?
        .query_row((account,), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((studio, id)) = own {
        let params: [&dyn ToSql; 3] = [&studio, &id, &NEIGHBOURS];
        collect("SELECT account FROM accounts WHERE studio = ?1 AND id >= ?2 ORDER BY id LIMIT ?3", &params)?;
        collect("SELECT account FROM accounts WHERE studio = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3", &params)?;
    }
    let mut take = connection
        .prepare_cached("DELETE FROM accounts WHERE account = ?1 RETURNING account, studio, id, seq, head, state")?;
    let mut neighbours = Vec::new();
    for number in numbers {
        let row = take.query_row((number,), |row| (0..6).map(|column| row.get(column)).collect())?;
        if number != account {
            neighbours.push(row);
        }
    }
    Ok(neighbours)
}

/// Erasures that are not finished.
pub(crate) fn unfinished(connection: &Connection) -> Result<Vec<Erasing>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let left = if row.get::<_, u64>(1)? == 0 { ErasingLeft::Copies } else { ErasingLeft::Entries };
        Ok(Erasing { account: scrip_core::id::AccountNumber(row.get(0)?), left })
    };
    connection
        .prepare_cached("SELECT account, next FROM erasing ORDER BY account")
        .and_then(|mut all| all.query_map((), read)?.collect())
        .map_err(|error| refused(&error))
}

impl SqliteStore {
    /// Does a step of an erasure, where there is one; answers whether there was.
    pub(crate) fn erase_step(&mut self) -> Result<bool, StoreError> {
        let next = self
            .connection
            .prepare_cached("SELECT account, next FROM erasing ORDER BY next = 0, account LIMIT 1")
            .and_then(|mut first| first.query_row((), |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(|error| refused(&error))?;
        match next {
            None => Ok(false),
            Some((_, 0)) => self.erase_copies().map(|()| true),
            Some((account, next)) => {
                self.transact(|store| blank_texts(&store.connection, account, next))?;
                Ok(true)
            }
        }
    }

    /// Empties the write-ahead log, which holds pages as they were before. While a reader needs it, it stays, and so does the
    /// erasure on its list.
    fn erase_copies(&mut self) -> Result<(), StoreError> {
        if !self.checkpointer.empty(&self.connection).map_err(|error| refused(&error))? {
            return Ok(());
        }
        self.transact(|store| {
            store.connection.execute("DELETE FROM erasing WHERE next = 0", ()).map_err(|error| refused(&error))
        })?;
        Ok(())
    }
}

/// Blanks the texts of the account's next entries.
fn blank_texts(connection: &Connection, account: u64, next: u64) -> Result<(), StoreError> {
    let before: u64 = connection
        .query_row("SELECT position FROM erasing WHERE account = ?1", (account,), |row| row.get(0))
        .map_err(|error| refused(&error))?;
    let mut entry = connection
        .prepare_cached("SELECT prev FROM journal WHERE position = ?1 AND account = ?2")
        .map_err(|error| refused(&error))?;
    let mut blank = connection
        .prepare_cached(
            "UPDATE journal SET texts = '{' || printf('%*s', octet_length(texts) - 2, '') || '}'
             WHERE position = ?1 AND texts NOT NULL",
        )
        .map_err(|error| refused(&error))?;
    let mut next = next;
    for _ in 0..STEP {
        let prev = entry.query_row((next, account), |row| row.get(0)).optional().map_err(|error| refused(&error))?;
        let prev: u64 =
            prev.ok_or_else(|| damaged(format!("the entry at position {next} is not account {account}'s")))?;
        // The erasure's own entry keeps its reason.
        if next < before {
            blank.execute((next,)).map_err(|error| refused(&error))?;
        }
        next = prev;
        if next == 0 {
            break;
        }
    }
    connection
        .prepare_cached("UPDATE erasing SET next = ?2 WHERE account = ?1")
        .and_then(|mut update| update.execute((account, next)))
        .map_err(|error| refused(&error))?;
    Ok(())
}
