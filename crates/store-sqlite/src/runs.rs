//! The index of terms: sorted runs that are written once and never changed.
//!
//! A run is a list of (term, position), sorted, cut into blocks of about a page. The writer makes a
//! run between two marks; upkeep merges runs into longer ones ([`crate::upkeep`]). A filter for each
//! run stays in memory, so that a term that was never seen costs no read.

use std::sync::{Arc, RwLock};

use rusqlite::{Connection, OptionalExtension};
use scrip_engine::store::StoreError;

use crate::filter::Filter;
use crate::schema::{BUILDING, DEAD, LIVE};
use crate::trouble::{damaged, refused};

/// What a run holds: the leading 64 bits of a term and an entry's position.
pub(crate) type Pair = (u64, u64);

/// Bytes of a block: one to a page.
const BLOCK_BYTES: usize = 3_900;
/// Bytes of a filter's image in one row.
pub(crate) const CHUNK_BYTES: usize = 256 * 1_024;

/// A complete run, as readers know it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) run: i64,
    pub(crate) terms: u64,
    /// Without one every lookup reads a block.
    pub(crate) filter: Option<Arc<Filter>>,
}

/// The complete runs, shared between the writer and the readers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(Arc<RwLock<Arc<Vec<Run>>>>);

/// The runs that may hold a term, as they were when they were asked for.
#[derive(Debug)]
pub(crate) struct Candidates {
    pub(crate) runs: Vec<i64>,
    among: Arc<Vec<Run>>,
}

impl Runs {
    pub(crate) fn new(runs: Vec<Run>) -> Runs {
        Runs(Arc::new(RwLock::new(Arc::new(runs))))
    }

    /// The runs of this moment.
    pub(crate) fn now(&self) -> Arc<Vec<Run>> {
        Arc::clone(&self.0.read().expect("no holder of the lock panics"))
    }

    /// `added` takes the place of `replaced`.
    pub(crate) fn replace(&self, replaced: &[i64], added: Run) {
        let mut runs = self.0.write().expect("no holder of the lock panics");
        let kept = runs.iter().filter(|run| !replaced.contains(&run.run)).cloned();
        *runs = Arc::new(kept.chain([added]).collect());
    }

    /// The runs that may hold a term.
    pub(crate) fn candidates(&self, key: u64) -> Candidates {
        let among = self.now();
        let may_hold = |run: &&Run| run.filter.as_ref().is_none_or(|filter| filter.may_contain(key));
        Candidates { runs: among.iter().filter(may_hold).map(|run| run.run).collect(), among }
    }

    /// Whether no run has been merged since: only then is what was read of the candidates all there is.
    pub(crate) fn still(&self, candidates: &Candidates) -> bool {
        Arc::ptr_eq(&candidates.among, &self.now())
    }
}

/// Positions of a term in some runs, newest first.
pub(crate) fn positions(connection: &Connection, runs: &[i64], key: u64) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    let mut blocks = connection
        .prepare_cached(
            "SELECT first, data FROM term_blocks WHERE run = ?1 AND first <= ?2 ORDER BY first DESC, block DESC",
        )
        .map_err(|error| refused(&error))?;
    for run in runs {
        let mut rows = blocks.query((run, ordered(key))).map_err(|error| refused(&error))?;
        while let Some(row) = rows.next().map_err(|error| refused(&error))? {
            let first = unordered(row.get(0).map_err(|error| refused(&error))?);
            let data = row.get_ref(1).and_then(|data| Ok(data.as_blob()?)).map_err(|error| refused(&error))?;
            found.extend(read_block(first, data)?.into_iter().filter(|(term, _)| *term == key).map(|(_, at)| at));
            // A term's positions may begin in the block before, unless this one begins below the term.
            if first < key {
                break;
            }
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    Ok(found)
}

/// A key in SQLite's signed numbers, in the same order.
fn ordered(key: u64) -> i64 {
    (key ^ (1 << 63)).cast_signed()
}

fn unordered(stored: i64) -> u64 {
    stored.cast_unsigned() ^ (1 << 63)
}

/// Writes one run, block after block.
#[derive(Clone, Debug)]
pub(crate) struct RunWriter {
    pub(crate) run: i64,
    pub(crate) terms: u64,
    last: Option<Pair>,
    first: u64,
    block: Vec<u8>,
}

impl RunWriter {
    /// Begins a run.
    pub(crate) fn begin(connection: &Connection, run: i64) -> rusqlite::Result<RunWriter> {
        connection
            .prepare_cached("INSERT INTO term_runs (run, state, terms) VALUES (?1, ?2, 0)")?
            .execute((run, BUILDING))?;
        Ok(RunWriter { run, terms: 0, last: None, first: 0, block: Vec::with_capacity(BLOCK_BYTES + 32) })
    }

    /// Whether a pair may follow what was written.
    pub(crate) fn accepts(&self, pair: Pair) -> bool {
        self.last.is_none_or(|last| last < pair)
    }

    /// Adds a pair, which must be greater than the last.
    pub(crate) fn push(&mut self, connection: &Connection, pair: Pair) -> rusqlite::Result<()> {
        assert!(self.accepts(pair), "a run of terms is sorted");
        if self.block.len() >= BLOCK_BYTES {
            self.flush(connection)?;
        }
        let before = if self.block.is_empty() {
            self.first = pair.0;
            (pair.0, 0)
        } else {
            self.last.unwrap_or((pair.0, 0))
        };
        write_number(&mut self.block, pair.0 - before.0);
        write_number(&mut self.block, folded(pair.1, before.1));
        self.last = Some(pair);
        self.terms += 1;
        Ok(())
    }

    /// Writes the block under way.
    pub(crate) fn flush(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.block.is_empty() {
            connection.prepare_cached("INSERT INTO term_blocks (run, first, data) VALUES (?1, ?2, ?3)")?.execute((
                self.run,
                ordered(self.first),
                &self.block,
            ))?;
            self.block.clear();
        }
        Ok(())
    }

    /// The run is whole: it counts from the commit on. Its filter's image must have been written.
    pub(crate) fn complete(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.flush(connection)?;
        connection
            .prepare_cached("UPDATE term_runs SET state = ?2, terms = ?3 WHERE run = ?1")?
            .execute((self.run, LIVE, self.terms))?;
        Ok(())
    }
}

/// A run no longer counts; upkeep deletes its blocks in its own time.
pub(crate) fn discard(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE term_runs SET state = ?2 WHERE run = ?1")?.execute((run, DEAD))?;
    Ok(())
}

/// Stores a piece of a filter's image, the `chunk`-th; answers whether there is more.
pub(crate) fn write_chunk(connection: &Connection, run: i64, image: &[u8], chunk: usize) -> rusqlite::Result<bool> {
    let Some(piece) = image.chunks(CHUNK_BYTES).nth(chunk) else { return Ok(false) };
    connection
        .prepare_cached("INSERT INTO term_filters (run, chunk, data) VALUES (?1, ?2, ?3)")?
        .execute((run, chunk, piece))?;
    Ok((chunk + 1) * CHUNK_BYTES < image.len())
}

/// The complete runs of a database, with their filters.
pub(crate) fn load(connection: &Connection) -> Result<Vec<Run>, StoreError> {
    let mut runs = live(connection)?;
    for run in &mut runs {
        let mut chunks = connection
            .prepare_cached("SELECT data FROM term_filters WHERE run = ?1 ORDER BY chunk")
            .map_err(|error| refused(&error))?;
        let image = chunks
            .query_map((run.run,), |row| row.get::<_, Vec<u8>>(0))
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
            .map_err(|error| refused(&error))?
            .concat();
        let filter = Filter::from_image(&image).ok_or_else(|| damaged("a filter of the index of terms is damaged"))?;
        run.filter = Some(Arc::new(filter));
    }
    Ok(runs)
}

/// The complete runs of a database, without their filters.
pub(crate) fn live(connection: &Connection) -> Result<Vec<Run>, StoreError> {
    connection
        .prepare_cached("SELECT run, terms FROM term_runs WHERE state = ?1 ORDER BY run")
        .and_then(|mut runs| {
            runs.query_map((LIVE,), |row| Ok(Run { run: row.get(0)?, terms: row.get(1)?, filter: None }))?.collect()
        })
        .map_err(|error| refused(&error))
}

/// Reads a run from its start, block after block.
#[derive(Debug)]
pub(crate) struct Cursor {
    run: i64,
    after: Option<(i64, i64)>,
    pairs: std::vec::IntoIter<Pair>,
    next: Option<Pair>,
}

impl Cursor {
    /// At the start of a run.
    pub(crate) fn start(connection: &Connection, run: i64) -> Result<Cursor, StoreError> {
        let mut cursor = Cursor { run, after: None, pairs: Vec::new().into_iter(), next: None };
        cursor.advance(connection)?;
        Ok(cursor)
    }

    /// The pair that it stands at; `None` at the end.
    pub(crate) fn peek(&self) -> Option<Pair> {
        self.next
    }

    /// Moves on by one.
    pub(crate) fn advance(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.next = self.pairs.next();
        while self.next.is_none() {
            let (first, block) = self.after.unwrap_or((i64::MIN, 0));
            let found = connection
                .prepare_cached(
                    "SELECT first, block, data FROM term_blocks
                     WHERE run = ?1 AND (first, block) > (?2, ?3) ORDER BY first, block LIMIT 1",
                )
                .and_then(|mut next| {
                    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?));
                    next.query_row((self.run, first, block), read).optional()
                })
                .map_err(|error| refused(&error))?;
            let Some((first, block, data)) = found else { return Ok(()) };
            self.after = Some((first, block));
            self.pairs = read_block(unordered(first), &data)?.into_iter();
            self.next = self.pairs.next();
        }
        Ok(())
    }
}

/// The difference of two positions, folded so that small ones of either sign are short.
fn folded(to: u64, from: u64) -> u64 {
    let difference = to.wrapping_sub(from).cast_signed();
    (difference.cast_unsigned() << 1) ^ (difference >> 63).cast_unsigned()
}

fn unfolded(folded: u64, from: u64) -> u64 {
    let difference = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
    from.wrapping_add(difference.cast_unsigned())
}

fn write_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).expect("seven bits fit a byte") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits fit a byte"));
}

fn read_number(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The pairs of a block.
fn read_block(first: u64, mut data: &[u8]) -> Result<Vec<Pair>, StoreError> {
    let mut pairs = Vec::with_capacity(data.len() / 8);
    let mut last = (first, 0);
    while !data.is_empty() {
        let pair = read_number(&mut data)
            .zip(read_number(&mut data))
            .and_then(|(term, position)| Some((last.0.checked_add(term)?, unfolded(position, last.1))))
            .ok_or_else(|| damaged("a block of the index of terms is damaged"))?;
        pairs.push(pair);
        last = pair;
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_gives_back_what_was_written() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::schema::create(&mut connection).unwrap();
        // A term in many blocks' worth of positions, between others at both ends of the range.
        let mut pairs: Vec<Pair> = vec![(0, 9), (5, u64::MAX / 4)];
        pairs.extend((1..3_000).map(|n| (1 << 63, n * 1_000)));
        pairs.extend([(u64::MAX, 1), (u64::MAX, 2)]);
        let mut writer = RunWriter::begin(&connection, 1).unwrap();
        for pair in &pairs {
            writer.push(&connection, *pair).unwrap();
        }
        writer.complete(&connection).unwrap();

        let mut read = Vec::new();
        let mut cursor = Cursor::start(&connection, 1).unwrap();
        while let Some(pair) = cursor.peek() {
            read.push(pair);
            cursor.advance(&connection).unwrap();
        }
        assert_eq!(read, pairs);
        assert_eq!(live(&connection).unwrap().iter().map(|run| (run.run, run.terms)).collect::<Vec<_>>(), [(1, 3_003)]);

        let expected: Vec<u64> = (1..3_000).rev().map(|n| n * 1_000).collect();
        assert_eq!(positions(&connection, &[1], 1 << 63).unwrap(), expected);
        assert_eq!(positions(&connection, &[1], u64::MAX).unwrap(), [2, 1]);
        assert_eq!(positions(&connection, &[1], 0).unwrap(), [9]);
        assert_eq!(positions(&connection, &[1], 7).unwrap(), [0_u64; 0]);
        assert_eq!(positions(&connection, &[2], 0).unwrap(), [0_u64; 0]);
    }
}
