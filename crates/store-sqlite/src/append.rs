//! The writer: makes batches durable, one transaction each.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode};
use scrip_engine::record::account_to_json;
use scrip_engine::store::{Batch, Behind, Reader, Row, Store, StoreError, StoredAccountRef};

use crate::checkpoint::{self, Checkpointer};
use crate::filter::Filter;
use crate::folder::{Folder, OpenError, OpenMode};
use crate::read::Beside;
use crate::runs::{self, Pair, Run, RunWriter, Runs};
use crate::trouble::{commit_known_void, refused};
use crate::upkeep::Merger;
use crate::{documents, erase, queries};

/// The only writer of a data folder. Dropping it closes the store; nothing is lost if that never happens.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) connection: Connection,
    pub(crate) runs: Runs,
    pub(crate) merger: Merger,
    pub(crate) checkpointer: Checkpointer,
    pub(crate) next_run: i64,
    /// The journal's last position.
    last: u64,
    building: Option<Building>,
    /// After a commit of unknown outcome nothing more is written.
    lost: bool,
    reader: Arc<Beside>,
    // Last: the lock is let go when everything else is closed.
    _folder: Folder,
}

/// The run of terms that grows between two marks.
#[derive(Debug)]
struct Building {
    writer: RunWriter,
    keys: Vec<u64>,
}

/// What to put back when an append fails.
#[derive(Debug)]
struct Before {
    next_run: i64,
    /// The writer as it was and how many keys it had; the keys themselves only grow.
    standing: Option<(RunWriter, usize)>,
    /// The run that the batch replaced, as it was.
    replaced: Option<Building>,
}

impl SqliteStore {
    /// Opens a data folder for writing. Refuses, without changing anything, a folder that is in use, is not a
    /// scrip's, was written by a newer one or cannot be written.
    pub fn open(dir: &Path, mode: OpenMode) -> Result<SqliteStore, OpenError> {
        let folder = Folder::open(dir, mode)?;
        let connection = folder.writer().map_err(|error| folder.trouble(&error))?;
        move_log(&connection).map_err(|error| folder.trouble(&error))?;
        let next_run = discard_incomplete(&connection).map_err(|error| folder.trouble(&error))?;
        let runs = Runs::new(runs::load(&connection).map_err(|error| folder.refusal(error))?);
        let last = queries::extent(&connection).map_err(|error| folder.refusal(error))?.last;
        let checkpoints = folder.writer().map_err(|error| folder.trouble(&error))?;
        Ok(SqliteStore {
            checkpointer: Checkpointer::start(&connection, checkpoints),
            reader: Arc::new(Beside::new(folder.database(), runs.clone())),
            merger: Merger::default(),
            building: None,
            lost: false,
            _folder: folder,
            connection,
            runs,
            next_run,
            last,
        })
    }

    /// Commits what `write` writes, all of it or none.
    pub(crate) fn transact<T>(
        &mut self,
        write: impl FnOnce(&mut SqliteStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.lost {
            let why = "an earlier write ended in an unknown state: the store must be opened anew";
            return Err(StoreError::Refused(why.to_owned()));
        }
        self.run("BEGIN IMMEDIATE").map_err(|error| refused(&error))?;
        let written = match write(self) {
            Ok(written) => written,
            Err(failure) => return Err(self.roll_back(failure)),
        };
        match self.run("COMMIT") {
            Ok(()) => Ok(written),
            Err(error) if commit_known_void(&error) => Err(self.roll_back(refused(&error))),
            Err(error) => {
                self.lost = true;
                Err(StoreError::Unknown(format!("the commit failed ({error})")))
            }
        }
    }

    fn roll_back(&mut self, failure: StoreError) -> StoreError {
        // Some failures have rolled the transaction back already.
        if !self.connection.is_autocommit() && self.run("ROLLBACK").is_err() {
            self.lost = true;
        }
        failure
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.raw_execute().map(|_| ())
    }

    fn write(&mut self, batch: &Batch, before: &mut Before) -> rusqlite::Result<Option<Run>> {
        write_rows(&self.connection, &batch.rows)?;
        for document in &batch.documents {
            documents::write(&self.connection, document)?;
        }
        let texts = !batch.erasures.is_empty() || !batch.behind.accounts.is_empty();
        if texts {
            erase::overwrite_pages(&self.connection, true)?;
        }
        for erasure in &batch.erasures {
            erase::begin(&self.connection, erasure)?;
        }
        let completed = self.write_behind(&batch.behind, before);
        if texts {
            erase::overwrite_pages(&self.connection, false)?;
        }
        completed
    }

    /// Answers the run that the batch completes, for readers to see once it is committed.
    fn write_behind(&mut self, behind: &Behind, before: &mut Before) -> rusqlite::Result<Option<Run>> {
        write_accounts(&self.connection, &behind.accounts)?;
        self.write_terms(&behind.terms, before)?;
        let Some(mark) = behind.mark else { return Ok(None) };
        self.connection.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'mark'")?.execute((mark,))?;
        let Some(building) = &mut self.building else { return Ok(None) };
        let mut filter = Filter::for_keys(building.keys.len());
        building.keys.iter().for_each(|key| filter.insert(*key));
        let (run, image) = (building.writer.run, filter.image());
        let mut chunk = 0;
        while runs::write_chunk(&self.connection, run, &image, chunk)? {
            chunk += 1;
        }
        building.writer.complete(&self.connection)?;
        Ok(Some(Run { run, terms: building.writer.terms, filter: Some(Arc::new(filter)) }))
    }

    fn write_terms(&mut self, piece: &[Pair], before: &mut Before) -> rusqlite::Result<()> {
        let Some(first) = piece.first() else { return Ok(()) };
        let connection = &self.connection;
        // A piece that does not go on where the last one ended begins the run anew.
        if let Some(standing) = self.building.take_if(|building| !building.writer.accepts(*first)) {
            runs::discard(connection, standing.writer.run)?;
            self.merger.discarded();
            before.replaced = Some(standing);
        }
        let building = match &mut self.building {
            Some(building) => building,
            none => {
                let writer = RunWriter::begin(connection, self.next_run)?;
                self.next_run += 1;
                none.insert(Building { writer, keys: Vec::new() })
            }
        };
        for pair in piece {
            building.writer.push(connection, *pair)?;
            building.keys.push(pair.0);
        }
        Ok(())
    }

    fn before(&self) -> Before {
        let standing = self.building.as_ref().map(|building| (building.writer.clone(), building.keys.len()));
        Before { next_run: self.next_run, standing, replaced: None }
    }

    /// The batch did not happen: its terms did not come.
    fn put_back(&mut self, before: Before) {
        self.next_run = before.next_run;
        if before.replaced.is_some() {
            self.building = before.replaced;
        }
        self.building = self.building.take().zip(before.standing).map(|(mut building, (writer, keys))| {
            building.keys.truncate(keys);
            Building { writer, keys: building.keys }
        });
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.reader.close_idle();
    }
}

impl Store for SqliteStore {
    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader) as Arc<dyn Reader>
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        for (row, position) in batch.rows.iter().zip(self.last + 1..) {
            assert_eq!(row.position, position, "positions have no gaps");
        }
        let mut before = self.before();
        let written = self.transact(|store| store.write(batch, &mut before).map_err(|error| refused(&error)));
        match written {
            Ok(completed) => {
                if let Some(run) = completed {
                    self.building = None;
                    self.runs.replace(&[], run);
                }
                self.last = batch.rows.last().map_or(self.last, |row| row.position);
                self.merger.earn(batch.rows.len());
                Ok(())
            }
            Err(failure) => {
                self.put_back(before);
                Err(failure)
            }
        }
    }

    fn upkeep(&mut self) -> Result<bool, StoreError> {
        self.keep_up()
    }
}

/// Moves what an earlier process left in the log into the database. A flush that failed may have left commits in the
/// machine's memory that no later flush writes; moved, they are written anew. Without room on the disk the log stays.
fn move_log(connection: &Connection) -> rusqlite::Result<()> {
    match checkpoint::checkpoint(connection) {
        Err(error) if error.sqlite_error_code() != Some(ErrorCode::DiskFull) => Err(error),
        _ => Ok(()),
    }
}

/// Runs that were never completed do not count; answers the first number that no run has.
fn discard_incomplete(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .execute("UPDATE term_runs SET state = ?2 WHERE state = ?1", (crate::schema::BUILDING, crate::schema::DEAD))?;
    connection.query_row("SELECT coalesce(max(run), 0) + 1 FROM term_runs", (), |row| row.get(0))
}

fn write_rows(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO journal (position, account, seq, at, kind, tool, credits, held, available_after, remaining_after,
           prev, jump, body, hash, texts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for row in rows {
        let record = &row.record;
        insert.raw_bind_parameter(1, row.position)?;
        insert.raw_bind_parameter(2, record.account.0)?;
        insert.raw_bind_parameter(3, record.seq)?;
        insert.raw_bind_parameter(4, record.at.micros())?;
        insert.raw_bind_parameter(5, record.kind.number())?;
        insert.raw_bind_parameter(6, record.tool.as_ref().map(|tool| tool.as_str()))?;
        insert.raw_bind_parameter(7, record.credits.millionths())?;
        insert.raw_bind_parameter(8, record.held.millionths())?;
        insert.raw_bind_parameter(9, record.available_after.millionths())?;
        insert.raw_bind_parameter(10, record.remaining_after.millionths())?;
        let links = row.links.expect("in a journal with one owner each entry leads to those before");
        insert.raw_bind_parameter(11, links.prev)?;
        insert.raw_bind_parameter(12, links.jump)?;
        insert.raw_bind_parameter(13, record.body.as_slice())?;
        insert.raw_bind_parameter(14, &record.hash.0[..])?;
        insert.raw_bind_parameter(15, record.texts.as_deref())?;
        insert.raw_execute()?;
    }
    Ok(())
}

/// A row's studio and id never change but by an erasure, so that its place in the index by id is written once.
fn write_accounts(connection: &Connection, accounts: &[StoredAccountRef]) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO accounts (account, studio, id, seq, head, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, head = excluded.head, state = excluded.state",
    )?;
    for stored in accounts {
        let account = &stored.account;
        upsert.raw_bind_parameter(1, account.number.0)?;
        upsert.raw_bind_parameter(2, account.studio.0)?;
        upsert.raw_bind_parameter(3, account.id.as_str())?;
        upsert.raw_bind_parameter(4, account.seq)?;
        upsert.raw_bind_parameter(5, &account.head.0[..])?;
        upsert.raw_bind_parameter(6, account_to_json(account, &stored.trail))?;
        upsert.raw_execute()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use scrip_core::time::Time;
    use scrip_engine::store::Document;

    use super::*;

    /// A document large enough to need pages of its own.
    fn catalog(version: u32) -> Document {
        Document::Catalog {
            studio: scrip_core::id::StudioNumber(1),
            version,
            published_at: Time::EPOCH,
            effective: Time::EPOCH,
            format: scrip_core::catalog::Format::Toml,
            source: "x".repeat(100_000).into(),
        }
    }

    #[test]
    fn a_full_disk_refuses_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path(), OpenMode::Create).unwrap();
        let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = |store: &SqliteStore, pages: i64| {
            store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        limit(&store, pages + 30);
        let batch = |version| Batch {
            documents: vec![catalog(version)],
            behind: Behind { terms: vec![(u64::from(version), 1)], mark: Some(1), ..Behind::default() },
            ..Batch::default()
        };
        store.append(&batch(1)).unwrap();
        for _ in 0..2 {
            let refused = store.append(&batch(2)).unwrap_err();
            assert!(matches!(&refused, StoreError::Refused(words) if words.contains("disk is full")), "{refused:?}");
            assert_eq!(store.reader().documents().unwrap(), [catalog(1)]);
        }
        limit(&store, 1_000_000);
        store.append(&batch(2)).unwrap();
        drop(store);
        let store = SqliteStore::open(folder.path(), OpenMode::Existing).unwrap();
        assert_eq!(store.reader().documents().unwrap(), [catalog(1), catalog(2)]);
    }
}
