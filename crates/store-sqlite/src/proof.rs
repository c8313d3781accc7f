//! Proving what the store keeps so as to find things: the database's own structure, and the index of terms.
//!
//! It is apart from reading, which believes the index. It knows nothing of the journal, which the engine compares with
//! what is shown here; it needs a snapshot, keeps no more than a block and a piece of a filter of each run in memory,
//! and writes nothing.

use rusqlite::{Connection, OptionalExtension};
use scrip_core::entry::Kind;
use scrip_engine::store::StoreError;

use crate::filter::{self, BLOCK_BYTES};
use crate::runs::{self, CHUNK_BYTES, Cursor, Pair, Run};
use crate::trouble::{damaged, refused};

/// Every page, every index against its table, and a word for each kind of entry that occurs.
pub(crate) fn structure(connection: &Connection) -> Result<(), StoreError> {
    let found: String =
        connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0)).map_err(|error| refused(&error))?;
    if found != "ok" {
        return Err(damaged(format!("the database is damaged ({found})")));
    }
    let mut kinds = connection.prepare("SELECT kind, word FROM kinds").map_err(|error| refused(&error))?;
    let kinds = kinds
        .query_map((), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(|error| refused(&error))?;
    let known = |(number, word): &(i64, String)| {
        Kind::ALL.iter().any(|kind| i64::from(kind.number()) == *number && kind.word() == word)
    };
    if let Some((number, word)) = kinds.iter().find(|kind| !known(kind)) {
        return Err(damaged(format!("table kinds calls kind {number} {word}, which is none of scrip's")));
    }
    let mut nameless = connection
        .prepare("SELECT DISTINCT kind FROM journal WHERE kind NOT IN (SELECT kind FROM kinds) ORDER BY kind")
        .map_err(|error| refused(&error))?;
    let nameless = nameless
        .query_map((), |row| row.get::<_, i64>(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(|error| refused(&error))?;
    // A kind that is none of scrip's is for the proof of its entry to name.
    match Kind::ALL.iter().find(|kind| nameless.contains(&i64::from(kind.number()))) {
        Some(kind) => {
            Err(damaged(format!("table kinds has no word for kind {}, which is {}", kind.number(), kind.word())))
        }
        None => Ok(()),
    }
}

/// Shows every pair of the complete runs, in order and each once, and proves each run: its order, its count, its filter.
pub(crate) fn terms(connection: &Connection, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
    let runs = runs::live(connection)?;
    let mut runs = runs.into_iter().map(|run| RunProof::begin(connection, run)).collect::<Result<Vec<_>, _>>()?;
    let mut last = None;
    while let Some(place) = least(&runs) {
        let pair = runs[place].take(connection)?;
        if last != Some(pair) {
            see(pair.0, pair.1);
        }
        last = Some(pair);
    }
    runs.into_iter().try_for_each(|run| run.finish(connection))
}

/// The run that stands at the least pair.
fn least(runs: &[RunProof]) -> Option<usize> {
    let standing = runs.iter().enumerate().filter_map(|(place, run)| Some((run.cursor.peek()?, place)));
    standing.min().map(|(_, place)| place)
}

/// One run, proved as it is read.
struct RunProof {
    run: Run,
    cursor: Cursor,
    last: Option<Pair>,
    seen: u64,
    filter: FilterProof,
}

impl RunProof {
    fn begin(connection: &Connection, run: Run) -> Result<RunProof, StoreError> {
        Ok(RunProof {
            cursor: Cursor::start(connection, run.run)?,
            filter: FilterProof::begin(connection, run.run)?,
            last: None,
            seen: 0,
            run,
        })
    }

    /// The pair that it stands at, which it passes.
    fn take(&mut self, connection: &Connection) -> Result<Pair, StoreError> {
        let pair = self.cursor.peek().expect("it stands at a pair");
        if self.last.is_some_and(|last| last >= pair) {
            return Err(broken(self.run.run, "its terms are out of order"));
        }
        self.filter.member(connection, pair.0)?;
        self.last = Some(pair);
        self.seen += 1;
        self.cursor.advance(connection)?;
        Ok(pair)
    }

    fn finish(self, connection: &Connection) -> Result<(), StoreError> {
        let Run { run, terms, .. } = self.run;
        if self.seen != terms {
            return Err(broken(run, &format!("it holds {} terms and says {terms}", self.seen)));
        }
        self.filter.finish(connection)
    }
}

/// A run's filter, made anew block after block (terms come in the order of their blocks) and compared with its image.
struct FilterProof {
    run: i64,
    blocks: u64,
    /// The block that is being made.
    at: u64,
    block: filter::Block,
    /// The piece of the image that was read last, and which it is.
    piece: Vec<u8>,
    chunk: Option<u64>,
}

impl FilterProof {
    fn begin(connection: &Connection, run: i64) -> Result<FilterProof, StoreError> {
        let (chunks, last, bytes): (u64, Option<u64>, Option<u64>) = connection
            .prepare_cached("SELECT count(*), max(chunk), sum(length(data)) FROM term_filters WHERE run = ?1")
            .and_then(|mut image| image.query_row((run,), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
            .map_err(|error| refused(&error))?;
        let (block, bytes) = (bytes_of(BLOCK_BYTES), bytes.unwrap_or(0));
        let whole = bytes > 0 && bytes.is_multiple_of(block) && bytes.div_ceil(bytes_of(CHUNK_BYTES)) == chunks;
        if !whole || last != Some(chunks - 1) {
            return Err(broken(run, "its filter is not whole"));
        }
        let blocks = bytes / block;
        Ok(FilterProof { run, blocks, at: 0, block: filter::Block::default(), piece: Vec::new(), chunk: None })
    }

    /// The next member.
    fn member(&mut self, connection: &Connection, key: u64) -> Result<(), StoreError> {
        let place = filter::place(key, self.blocks);
        while self.at < place {
            self.compare(connection)?;
        }
        filter::set(&mut self.block, key);
        Ok(())
    }

    /// Compares the block that was made with the stored one, and begins the next.
    fn compare(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let first = self.at * bytes_of(BLOCK_BYTES);
        let chunk = first / bytes_of(CHUNK_BYTES);
        if self.chunk != Some(chunk) {
            self.piece = self.read(connection, chunk)?;
            self.chunk = Some(chunk);
        }
        let place = usize::try_from(first % bytes_of(CHUNK_BYTES)).expect("within a piece");
        let stored = self.piece.get(place..place + BLOCK_BYTES);
        if stored != Some(&filter::bytes(&self.block)[..]) {
            return Err(broken(self.run, "its filter is not the one of its terms"));
        }
        self.block = filter::Block::default();
        self.at += 1;
        Ok(())
    }

    fn read(&self, connection: &Connection, chunk: u64) -> Result<Vec<u8>, StoreError> {
        connection
            .prepare_cached("SELECT data FROM term_filters WHERE run = ?1 AND chunk = ?2")
            .and_then(|mut piece| piece.query_row((self.run, chunk), |row| row.get(0)).optional())
            .map_err(|error| refused(&error))?
            .ok_or_else(|| broken(self.run, "its filter is not whole"))
    }

    fn finish(mut self, connection: &Connection) -> Result<(), StoreError> {
        while self.at < self.blocks {
            self.compare(connection)?;
        }
        Ok(())
    }
}

fn bytes_of(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a small number")
}

fn broken(run: i64, what: &str) -> StoreError {
    damaged(format!("run {run} of the index of terms: {what}"))
}
