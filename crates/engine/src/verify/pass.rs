//! Reading the journal once and handing each row to the thread whose bucket its account is in.
//!
//! The first pass sees every row, and so every gap. Where there are more accounts than may be in memory at once, each
//! pass has some of the buckets, and the later ones read no more than theirs.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, channel, sync_channel};

use scrip_core::bucket::Bucket;
use scrip_core::id::AccountNumber;

use super::share::{Proved, Share, Work};
use super::{Broken, Finding, FoundAt, PAGE, Phase, Progress, Shared, VerifyError};
use crate::store::{Reader, Row, StoreError};

/// Pages that wait for a thread.
const QUEUE: usize = 4;

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) buckets: Range<u16>,
    pub(super) threads: usize,
    /// Which it is, from 0, of how many.
    pub(super) number: u64,
    pub(super) of: u64,
}

/// The threads of a pass, from where they are fed.
struct Fed<'a, 'b> {
    pass: &'a Pass<'a>,
    queues: &'b [SyncSender<Work>],
    /// What is gathered for each.
    rows: Vec<Vec<Row>>,
}

/// A thread ended before its time: it knows why.
struct Ended;

impl Pass<'_> {
    /// Proves the accounts of the pass's buckets; the shares come in the order of the threads.
    pub(super) fn prove(&self, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Proved>, VerifyError> {
        std::thread::scope(|scope| {
            let (compared, ticks) = channel();
            let (mut queues, mut threads) = (Vec::new(), Vec::new());
            for _ in 0..self.threads {
                let (queue, sent) = sync_channel(QUEUE);
                let (share, compared) = (Share::new(self.shared), compared.clone());
                queues.push(queue);
                threads.push(scope.spawn(move || share.prove(&sent, &compared)));
            }
            drop(compared);
            let fed = self.feed(&queues, progress);
            drop(queues);
            let mut done = 0;
            for more in ticks {
                done += more;
                progress(Progress { phase: Phase::Rows, done, of: self.shared.extent.last_account.0.max(done) });
            }
            let mut shares = Vec::new();
            for thread in threads {
                shares.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
            }
            if let Some(finding) = fed? {
                shares.push(Proved { finding: Some(finding), ..Proved::default() });
            }
            Ok(shares)
        })
    }

    /// Sends everything; answers a place where the journal itself does not hold.
    fn feed(
        &self,
        queues: &[SyncSender<Work>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Finding>, VerifyError> {
        let mut fed = Fed { pass: self, queues, rows: (0..queues.len()).map(|_| Vec::new()).collect() };
        self.send_heads(&fed)?;
        let extent = self.shared.extent;
        let (mut next, mut marked) = (1, false);
        while next <= extent.last && next <= self.shared.broken_at.load(Ordering::Acquire) {
            progress(Progress {
                phase: Phase::Entries,
                done: self.number * extent.last + next - 1,
                of: self.of * extent.last,
            });
            let (page, mut finding) = self.page(next)?;
            // Later passes read only some of the rows, the first has seen that none is missing.
            if page.is_empty() && finding.is_none() && self.number > 0 {
                break;
            }
            for row in page {
                if self.number == 0 && row.position != next {
                    finding = Some(missing(next));
                    break;
                }
                if row.position > extent.mark && !marked {
                    marked = true;
                    if fed.mark().is_err() {
                        return Ok(None);
                    }
                }
                next = row.position + 1;
                fed.take(row);
            }
            if fed.flush().is_err() {
                return Ok(None);
            }
            if let Some(finding) = finding {
                self.shared.broken_at.fetch_min(next, Ordering::AcqRel);
                return Ok(Some(finding));
            }
        }
        if !marked && extent.mark <= extent.last {
            // An error says that a thread has ended, which says why itself.
            fed.mark().ok();
        }
        Ok(None)
    }

    /// The next rows; and what cannot be read right after them, or that there are none.
    fn page(&self, from: u64) -> Result<(Vec<Row>, Option<Finding>), StoreError> {
        let read = |from, limit| match self.number {
            0 => self.shared.reader.rows_from(from, limit),
            _ => self.shared.reader.rows_of(self.buckets.clone(), from, limit),
        };
        match read(from, PAGE) {
            Ok(rows) if rows.is_empty() && self.number == 0 => Ok((rows, Some(missing(from)))),
            Ok(rows) => Ok((rows, None)),
            // One by one, so that what lies before the damage is looked at first.
            Err(StoreError::Damaged(_)) => {
                let mut rows: Vec<Row> = Vec::new();
                loop {
                    let next = rows.last().map_or(from, |row| row.position + 1);
                    match read(next, 1) {
                        Ok(one) if one.is_empty() => return Ok((rows, None)),
                        Ok(one) => rows.extend(one),
                        Err(StoreError::Damaged(what)) => {
                            let finding = Finding { at: FoundAt::Entry(next), broken: Broken::Unreadable(what) };
                            return Ok((rows, Some(finding)));
                        }
                        Err(other) => return Err(other),
                    }
                }
            }
            Err(other) => Err(other),
        }
    }

    fn send_heads(&self, fed: &Fed<'_, '_>) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.shared.reader.heads(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.account);
            let mut heads: Vec<Vec<_>> = fed.queues.iter().map(|_| Vec::new()).collect();
            for head in page {
                if let Some(thread) = fed.thread_of(head.account) {
                    heads[thread].push(head);
                }
            }
            for (queue, heads) in fed.queues.iter().zip(heads) {
                if queue.send(Work::Heads(heads)).is_err() {
                    return Ok(());
                }
            }
        }
    }
}

impl Fed<'_, '_> {
    /// The thread of an account; `None` for one of another pass.
    fn thread_of(&self, account: AccountNumber) -> Option<usize> {
        let bucket = Bucket::of(account).number();
        self.pass.buckets.contains(&bucket).then(|| usize::from(bucket) % self.queues.len())
    }

    fn take(&mut self, row: Row) {
        if let Some(thread) = self.thread_of(row.record.account) {
            self.rows[thread].push(row);
        }
    }

    fn flush(&mut self) -> Result<(), Ended> {
        for (queue, rows) in self.queues.iter().zip(&mut self.rows) {
            if !rows.is_empty() {
                queue.send(Work::Rows(std::mem::take(rows))).map_err(|_| Ended)?;
            }
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Ended> {
        self.flush()?;
        self.queues.iter().try_for_each(|queue| queue.send(Work::Mark).map_err(|_| Ended))
    }
}

fn missing(position: u64) -> Finding {
    Finding { at: FoundAt::Entry(position), broken: Broken::Missing { position } }
}

/// The buckets of each pass, so that none has more accounts with rows than `at_once`, as evenly as they fall.
pub(super) fn plan(reader: &dyn Reader, at_once: u64) -> Result<Vec<Range<u16>>, StoreError> {
    let (mut accounts, mut after) = (0_u64, None);
    loop {
        let page = reader.heads(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.account);
        accounts += u64::try_from(page.len()).expect("a length fits 64 bits");
    }
    let count = u64::from(Bucket::COUNT);
    let passes = accounts.div_ceil(at_once.max(1)).clamp(1, count);
    let bound = |pass: u64| u16::try_from(pass * count / passes).expect("at most 1,024");
    Ok((0..passes).map(|pass| bound(pass)..bound(pass + 1)).collect())
}
