//! Moving the write-ahead log into the database, off the commit path.
//!
//! A thread with a connection of its own does the work while batches go on. When little is left that
//! it has not moved, the writer moves the rest between two batches, and the log starts again at its
//! beginning: so it stays bounded under any load, and the writer never waits for more than a rest.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use scrip_engine::store::StoreError;

use crate::trouble::refused;

/// Pages in the log from which on it is moved: 16 MiB.
const START: u32 = 4_096;
/// Pages that the writer moves itself without a second round of the thread: 4 MiB.
const REST: u32 = 1_024;
/// Pages in the log from which on the writer moves whatever is left: 64 MiB.
const LIMIT: u32 = 16_384;

/// How long emptying the log may hold up the writer.
const EMPTYING: Duration = Duration::from_millis(20);
/// How often emptying is left out after it did not succeed.
const LEAVE_OUT: u32 = 50;

thread_local! {
    /// Pages in the log after this thread's last commit.
    static PAGES: Cell<u32> = const { Cell::new(0) };
}

/// The thread and what is known of the log.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    orders: Option<SyncSender<()>>,
    reports: Receiver<rusqlite::Result<u32>>,
    thread: Option<JoinHandle<()>>,
    /// The thread is at work.
    busy: bool,
    /// Pages that were moved by the thread's last round, counted from the log's beginning.
    moved: Option<u32>,
    /// After the log could not be emptied: how often that is not tried, so that commits are not held up again and again.
    attempts_to_leave_out: u32,
}

impl Checkpointer {
    /// Starts the thread, which works on `own`, and watches the writer's commits.
    pub(crate) fn start(writer: &Connection, own: Connection) -> Checkpointer {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        let (orders, ordered) = sync_channel(1);
        let (report, reports) = sync_channel(1);
        let work = move || {
            while ordered.recv().is_ok() {
                if report.send(checkpoint(&own)).is_err() {
                    break;
                }
            }
        };
        // Without a thread the writer moves the log itself, at its limit.
        let thread = std::thread::Builder::new().name("scrip-checkpoint".to_owned()).spawn(work).ok();
        Checkpointer { orders: Some(orders), reports, thread, busy: false, moved: None, attempts_to_leave_out: 0 }
    }

    /// Has the log moved when it has grown; called between batches, on the writer's thread.
    pub(crate) fn keep_up(&mut self, writer: &Connection) -> Result<(), StoreError> {
        if self.busy {
            match self.reports.try_recv() {
                Ok(round) => {
                    self.busy = false;
                    self.moved = Some(round.map_err(|error| refused(&error))?);
                }
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => self.busy = false,
            }
        }
        let pages = PAGES.get();
        if pages < START {
            self.moved = None;
            return Ok(());
        }
        let rest = pages.saturating_sub(self.moved.unwrap_or(0));
        if self.moved.is_some() && (rest <= REST || pages >= LIMIT) || self.thread.is_none() && pages >= LIMIT {
            checkpoint(writer).map_err(|error| refused(&error))?;
            self.moved = None;
            PAGES.set(0);
        } else {
            self.busy = self.orders.as_ref().is_some_and(|orders| orders.try_send(()).is_ok());
        }
        Ok(())
    }
}

impl Checkpointer {
    /// Moves everything into the database and leaves no byte in the log; answers whether that could be done. It waits for
    /// readers that come and go, and not for one that stays with an earlier state.
    pub(crate) fn empty(&mut self, writer: &Connection) -> rusqlite::Result<bool> {
        if self.attempts_to_leave_out > 0 {
            self.attempts_to_leave_out -= 1;
            return Ok(false);
        }
        writer.busy_timeout(EMPTYING)?;
        let emptied = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| Ok(row.get::<_, i64>(0)? == 0));
        writer.busy_timeout(crate::folder::PATIENCE)?;
        let emptied = emptied?;
        if emptied {
            self.moved = None;
            PAGES.set(0);
        } else {
            self.attempts_to_leave_out = LEAVE_OUT;
        }
        Ok(emptied)
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // The thread ends when nobody can order any more; what it panicked with has been printed.
            let _ = thread.join();
        }
    }
}

/// Moves what no reader needs to stay, without waiting for anyone; answers how many pages have been moved.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<u32> {
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| Ok(u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0)))
}
