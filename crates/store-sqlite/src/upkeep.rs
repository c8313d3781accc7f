//! Upkeep: merging runs of terms, deleting what was merged, and bounding the write-ahead log.
//!
//! Done in small steps between batches, paid for by what was appended: a busy store works off its
//! merging a little with each batch, and never has more than a few runs of each size.

use std::sync::Arc;

use rusqlite::Connection;
use scrip_engine::store::StoreError;

use crate::append::SqliteStore;
use crate::filter::Filter;
use crate::runs::{self, Cursor, Run, RunWriter};
use crate::schema::DEAD;
use crate::trouble::{damaged, refused};

/// Runs of about one size that are merged into one.
const FAN_IN: usize = 4;
/// Runs below so many terms are of the smallest size.
const SMALLEST: u64 = 4_096;
/// Terms that a step moves at the most.
const STEP: u64 = 8_192;
/// Terms' worth of work that an appended entry pays for: more than merging ever asks of it.
const PER_ENTRY: u64 = 8;
/// What a call of upkeep pays for by itself.
const PER_CALL: u64 = 512;
/// Blocks of merged runs that a step deletes, and what that costs.
const DELETED: u64 = 64;
const PER_DELETION: u64 = 2_048;

/// Merging, as far as it has come.
#[derive(Debug)]
pub(crate) struct Merger {
    merge: Option<Merge>,
    earned: u64,
    /// There may be runs that no longer count and are not deleted yet.
    dead: bool,
}

impl Default for Merger {
    /// After opening, when an earlier process may have left something to delete.
    fn default() -> Merger {
        Merger { merge: None, earned: 0, dead: true }
    }
}

/// Several runs on their way to being one.
#[derive(Debug)]
struct Merge {
    inputs: Vec<i64>,
    cursors: Vec<Cursor>,
    /// Terms still to be moved.
    left: u64,
    output: RunWriter,
    filter: Filter,
    /// Once all terms are written: the filter's image and how many pieces of it are stored.
    image: Option<(Vec<u8>, usize)>,
}

impl Merger {
    /// Entries were appended: they pay for work.
    pub(crate) fn earn(&mut self, entries: usize) {
        let entries = u64::try_from(entries).expect("a length fits 64 bits");
        self.earned = self.earned.saturating_add(entries.saturating_mul(PER_ENTRY)).min(16 * STEP);
    }

    /// A run no longer counts.
    pub(crate) fn discarded(&mut self) {
        self.dead = true;
    }

    /// Whether so much work can be paid for; then it is.
    fn pay(&mut self, cost: u64) -> bool {
        match self.earned.checked_sub(cost) {
            Some(left) => {
                self.earned = left;
                true
            }
            None => false,
        }
    }
}

impl Merge {
    fn begin(connection: &Connection, inputs: &[Run], run: i64) -> Result<Merge, StoreError> {
        let keys = usize::try_from(terms(inputs)).map_err(|_| damaged("a run of terms is impossibly long"))?;
        let output = RunWriter::begin(connection, run).map_err(|error| refused(&error))?;
        Ok(Merge {
            inputs: inputs.iter().map(|run| run.run).collect(),
            cursors: inputs.iter().map(|run| Cursor::start(connection, run.run)).collect::<Result<_, _>>()?,
            left: terms(inputs),
            output,
            filter: Filter::for_keys(keys),
            image: None,
        })
    }

    /// What the next step costs.
    fn cost(&self) -> u64 {
        if self.image.is_some() { PER_CALL } else { self.left.min(STEP) }
    }

    /// Moves terms from the inputs to the output; answers whether all have been.
    fn move_terms(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        for _ in 0..STEP {
            let Some((place, pair)) = least(&self.cursors) else {
                self.image = Some((self.filter.image(), 0));
                return Ok(true);
            };
            self.cursors[place].advance(connection)?;
            self.left = self.left.saturating_sub(1);
            // The same pair twice: an entry that was indexed again after a crash.
            if self.output.accepts(pair) {
                self.output.push(connection, pair).map_err(|error| refused(&error))?;
                self.filter.insert(pair.0);
            }
        }
        Ok(false)
    }

    /// Stores the next piece of the filter's image; answers whether there is more.
    fn store_image(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let Some((image, stored)) = &mut self.image else { return Ok(true) };
        let more = runs::write_chunk(connection, self.output.run, image, *stored)?;
        *stored += 1;
        Ok(more)
    }

    /// The output counts from the commit on, and the inputs no longer.
    fn complete(&mut self, connection: &Connection) -> rusqlite::Result<Run> {
        self.output.complete(connection)?;
        for run in &self.inputs {
            runs::discard(connection, *run)?;
        }
        let filter = Some(Arc::new(self.filter.clone()));
        Ok(Run { run: self.output.run, terms: self.output.terms, filter })
    }
}

/// Terms of some runs in all.
fn terms(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.terms).sum()
}

impl SqliteStore {
    /// One bounded piece of upkeep; answers whether there is more.
    pub(crate) fn keep_up(&mut self) -> Result<bool, StoreError> {
        self.checkpointer.keep_up(&self.connection)?;
        if self.erase_step()? {
            return Ok(true);
        }
        self.merger.earned = self.merger.earned.saturating_add(PER_CALL);
        let inputs = match &self.merger.merge {
            Some(_) => Vec::new(),
            None => match due(&self.runs.now()) {
                Some(inputs) => inputs,
                None => return self.delete_merged(),
            },
        };
        let cost = self.merger.merge.as_ref().map_or_else(|| terms(&inputs).min(STEP), Merge::cost);
        if !self.merger.pay(cost) {
            return Ok(false);
        }
        match self.transact(|store| store.step(&inputs)) {
            Ok(None) => {}
            Ok(Some(run)) => {
                if let Some(merge) = self.merger.merge.take() {
                    self.runs.replace(&merge.inputs, run);
                    self.merger.discarded();
                }
            }
            Err(failure) => {
                // What the step had in memory is ahead of the tables: this merge is begun anew.
                if let Some(merge) = self.merger.merge.take() {
                    self.merger.discarded();
                    self.transact(|store| {
                        runs::discard(&store.connection, merge.output.run).map_err(|error| refused(&error))
                    })?;
                }
                return Err(failure);
            }
        }
        Ok(true)
    }

    /// A step of the merge under way, or the first one of a merge of `inputs`; answers the run when it is whole.
    fn step(&mut self, inputs: &[Run]) -> Result<Option<Run>, StoreError> {
        let connection = &self.connection;
        let merge = match &mut self.merger.merge {
            Some(merge) => merge,
            none => {
                let run = self.next_run;
                self.next_run += 1;
                none.insert(Merge::begin(connection, inputs, run)?)
            }
        };
        if merge.image.is_none() && !merge.move_terms(connection)? {
            return Ok(None);
        }
        if merge.store_image(connection).map_err(|error| refused(&error))? {
            return Ok(None);
        }
        merge.complete(connection).map(Some).map_err(|error| refused(&error))
    }

    /// Deletes some of what no longer counts; answers whether there is more.
    fn delete_merged(&mut self) -> Result<bool, StoreError> {
        if !self.merger.dead {
            return Ok(false);
        }
        let find = "SELECT run FROM term_runs WHERE state = ?1 ORDER BY run LIMIT 1";
        let dead: Option<i64> = self
            .connection
            .prepare_cached(find)
            .and_then(|mut dead| dead.query_map((DEAD,), |row| row.get(0))?.next().transpose())
            .map_err(|error| refused(&error))?;
        let Some(run) = dead else {
            self.merger.dead = false;
            return Ok(false);
        };
        if !self.merger.pay(PER_DELETION) {
            return Ok(false);
        }
        self.transact(|store| delete_some(&store.connection, run).map_err(|error| refused(&error)))?;
        Ok(true)
    }
}

fn delete_some(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    let deleted = connection
        .prepare_cached(
            "DELETE FROM term_blocks WHERE block IN (SELECT block FROM term_blocks WHERE run = ?1 LIMIT ?2)",
        )?
        .execute((run, DELETED))?;
    if deleted == 0 {
        connection.prepare_cached("DELETE FROM term_filters WHERE run = ?1")?.execute((run,))?;
        connection.prepare_cached("DELETE FROM term_runs WHERE run = ?1")?.execute((run,))?;
    }
    Ok(())
}

/// The runs to merge next: the smallest size of which there are enough.
fn due(runs: &[Run]) -> Option<Vec<Run>> {
    let mut sizes: std::collections::BTreeMap<u32, Vec<Run>> = std::collections::BTreeMap::new();
    for run in runs {
        sizes.entry(size(run.terms)).or_default().push(run.clone());
    }
    sizes.into_values().find(|runs| runs.len() >= FAN_IN)
}

/// Sizes grow fourfold.
fn size(terms: u64) -> u32 {
    (terms / SMALLEST).max(1).ilog(4)
}

/// The cursor that stands at the least pair.
fn least(cursors: &[Cursor]) -> Option<(usize, runs::Pair)> {
    cursors.iter().enumerate().filter_map(|(place, cursor)| Some((place, cursor.peek()?))).min_by_key(|(_, pair)| *pair)
}

#[cfg(test)]
mod tests {
    use scrip_core::entry::Term;
    use scrip_engine::store::{Batch, Behind, Reader, Store};

    use super::*;
    use crate::{OpenMode, SqliteStore};

    /// Keys as digests are: spread over all 64 bits.
    fn key(n: u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32)
    }

    fn check_found(reader: &dyn Reader, terms: u64) {
        for n in (1..=terms).step_by(997) {
            assert_eq!(reader.positions(Term(u128::from(key(n)) << 64)).unwrap(), [n], "term {n}");
        }
    }

    fn count(store: &SqliteStore, sql: &str) -> u64 {
        store.connection.query_row(sql, (), |row| row.get(0)).unwrap()
    }

    /// A merge of many steps whose filter needs several rows: nothing is lost meanwhile, and what was merged goes.
    #[test]
    fn long_runs_are_merged_in_steps() {
        const RUN: u64 = 60_000;
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(folder.path(), OpenMode::Create).unwrap();
        store.connection.pragma_update(None, "synchronous", "OFF").unwrap();
        for run in 0..4 {
            let mut terms: Vec<_> = (run * RUN + 1..=(run + 1) * RUN).map(|n| (key(n), n)).collect();
            terms.sort_unstable();
            let behind = Behind { terms, mark: Some((run + 1) * RUN), ..Behind::default() };
            store.append(&Batch { behind, ..Batch::default() }).unwrap();
        }
        let mut steps = 0;
        loop {
            // Paid for as if entries had been appended.
            store.merger.earn(2_048);
            if !store.upkeep().unwrap() {
                break;
            }
            steps += 1;
            if steps % 8 == 0 {
                check_found(store.reader().as_ref(), 4 * RUN);
            }
        }
        assert!(steps > 30, "{steps}");
        assert_eq!(count(&store, "SELECT count(*) FROM term_runs"), 1);
        assert_eq!(count(&store, "SELECT count(DISTINCT run) FROM term_blocks"), 1);
        assert_eq!(count(&store, "SELECT count(*) FROM term_filters"), 2);
        drop(store);
        let store = SqliteStore::open(folder.path(), OpenMode::Existing).unwrap();
        check_found(store.reader().as_ref(), 4 * RUN);
    }

    #[test]
    fn four_of_a_size_are_merged_the_smallest_first() {
        let run = |run, terms| Run { run, terms, filter: None };
        let chosen = |runs: &[Run]| due(runs).map(|runs| runs.iter().map(|run| run.run).collect::<Vec<_>>());
        let runs = [run(1, 300_000), run(2, 1), run(3, 5_000), run(4, 290_000), run(5, 4_000), run(6, 270_000)];
        assert_eq!(chosen(&runs), None);
        assert_eq!(chosen(&[&runs[..], &[run(7, 16_000)]].concat()), Some(vec![2, 3, 5, 7]));
        assert_eq!(chosen(&[&runs[..], &[run(7, 1_000_000)]].concat()), Some(vec![1, 4, 6, 7]));
    }
}
