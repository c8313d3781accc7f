//! The engine on a store that several servers share (decision 25).
//!
//! Work waits in sections, by the account's bucket; a few lanes take what waits. Each is one thread that fetches, decides,
//! appends and answers.
//! It is apart from the sequencer and the committer, which own their store and may decide ahead of it: here nothing is
//! answered from memory alone, and nothing is decided upon what another server may have overtaken.

mod clerk;
mod desk;
mod fetched;
mod lane;
mod queue;
mod reads;
mod sections;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use scrip_core::bucket::Bucket;
use scrip_core::command::Command;
use scrip_core::due;
use scrip_core::id::{AccountId, AccountNumber, Key, StudioNumber};
use tokio::sync::oneshot;
use tracing::warn;

use self::clerk::Clerk;
use self::lane::Memory;
use self::queue::{Answers, Queue, Task, What};
use self::sections::Sections;
use self::writes::Writes;
use crate::clock::Clock;
use crate::engine::{Options, Refusal, Request};
use crate::hub::{Hub, Known, Trouble};
use crate::import;
use crate::intake::Job;
use crate::recover;
use crate::salt::Salts;
use crate::store::joint::JointStore;
use crate::store::{Document, StoreError};

/// How often the sweeper looks.
const SWEEP_PERIOD: Duration = Duration::from_millis(250);

/// What the threads and handles of an engine on a shared store have in common.
pub(crate) struct Joint {
    pub(crate) hub: Hub,
    pub(crate) store: Arc<dyn JointStore>,
    sections: Sections,
    memory: Memory,
    clerk: Queue<Job>,
    /// Commands that wait, over all lanes.
    queued: AtomicUsize,
    /// The edition of the documents that are known, and until when they may be relied upon.
    edition: AtomicU64,
    current_until: clerk::Current,
    writes: Arc<Writes>,
    /// The last number drawn for an account, but for its chance.
    last_drawn: AtomicU64,
}

/// A thread's name and work.
pub(crate) type Thread = (String, Box<dyn FnOnce() + Send>);

impl Joint {
    /// Reads the documents; answers the threads that are to run.
    pub(crate) fn start(
        store: Arc<dyn JointStore>,
        mut options: Options,
    ) -> Result<(Arc<Joint>, Vec<Thread>), StoreError> {
        let current = clerk::Current::from_now();
        let edition = store.documents(None)?;
        let (number, now) = (edition.number, edition.now);
        let documents = recover::sorted(edition.whole()?)?;
        if documents.is_under_way() {
            return Err(StoreError::Refused(import::UNDER_WAY.to_owned()));
        }
        match &options.clock {
            Clock::Test(clock) => {
                let last = store.last_instant()?.into_iter().chain(documents.clock).max();
                last.map(|last| clock.fetch_max(last.micros(), Ordering::AcqRel));
            }
            // All servers live by the database's clock.
            Clock::System | Clock::Kept(_) => options.clock = Clock::kept(now),
        }
        let sweep_per_second = options.sweep_per_second;
        let lanes = options.lanes.max(1);
        let resident_limit = options.resident_limit;
        let joint = Arc::new(Joint {
            hub: Hub::new(options, Known::of(documents)),
            store,
            sections: Sections::default(),
            memory: Memory::new(resident_limit),
            clerk: Queue::default(),
            queued: AtomicUsize::new(0),
            edition: AtomicU64::new(number),
            current_until: current,
            writes: Arc::default(),
            last_drawn: AtomicU64::new(0),
        });
        let mut threads: Vec<Thread> = (0..lanes)
            .map(|lane| {
                let joint = Arc::clone(&joint);
                let run: Box<dyn FnOnce() + Send> = Box::new(move || lane::Lane::new(&joint).run());
                (format!("scrip-lane-{lane}"), run)
            })
            .collect();
        let clerk = Arc::clone(&joint);
        threads.push(("scrip-clerk".to_owned(), Box::new(move || Clerk::new(&clerk).run())));
        if sweep_per_second > 0 {
            let joint = Arc::clone(&joint);
            threads.push(("scrip-sweeper".to_owned(), Box::new(move || joint.sweep(sweep_per_second))));
        }
        Ok((joint, threads))
    }

    /// Queues a job with whoever does it, or refuses it: the queue is full, or the engine stops.
    pub(crate) fn push(&self, job: Job) -> Result<(), Refusal> {
        if self.hub.is_stopping() {
            return Err(Refusal::Unavailable("this server is stopping"));
        }
        match job {
            Job::Commands { requests, by, reply } => self.push_commands(requests, by.as_ref(), reply),
            Job::Hold { studio, account, hold, reply } => self.push_task(studio, account, What::Hold(hold, reply)),
            Job::Order { studio, account, order, reply } => self.push_task(studio, account, What::Order(order, reply)),
            Job::Publish { .. }
            | Job::PutKey { .. }
            | Job::PutTokenSecret { .. }
            | Job::PutNote { .. }
            | Job::MoveClock { .. }
            | Job::OrderOfProvider { .. } => {
                self.clerk.push(std::iter::once(job));
                Ok(())
            }
        }
    }

    fn push_commands(
        &self,
        requests: Vec<Request>,
        by: Option<&Arc<str>>,
        reply: oneshot::Sender<Vec<crate::intake::Carried>>,
    ) -> Result<(), Refusal> {
        self.admit(requests.len())?;
        let answers = Arc::new(Answers::new(requests.len(), reply));
        let task = |(place, request)| {
            let Request { studio, account, key, command } = request;
            let key = key.or_else(|| once(&command));
            let answers = Arc::clone(&answers);
            let section = section_of(studio, &account);
            Task { studio, account, section, what: What::Command { key, command, by: by.cloned(), answers, place } }
        };
        // All at once: what came together is done together.
        let tasks: Vec<Task> = requests.into_iter().enumerate().map(task).collect();
        self.sections.push(tasks);
        Ok(())
    }

    fn push_task(&self, studio: StudioNumber, account: AccountId, what: What) -> Result<(), Refusal> {
        self.admit(1)?;
        let section = section_of(studio, &account);
        self.sections.push([Task { studio, account, section, what }]);
        Ok(())
    }

    fn admit(&self, more: usize) -> Result<(), Refusal> {
        let before = self.queued.fetch_add(more, Ordering::AcqRel);
        if before > 0 && before + more > self.hub.options.queue_limit {
            self.queued.fetch_sub(more, Ordering::AcqRel);
            return Err(Refusal::Unavailable("too much is waiting already; try again shortly"));
        }
        Ok(())
    }

    /// Commands that wait.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    /// Lets the threads finish what waits, and end.
    pub(crate) fn stop(&self) {
        self.sections.close();
        self.clerk.close();
    }

    /// What stands in the way, now that the store could be read.
    fn has_read(&self) {
        self.hub.set_trouble(if self.writes.are_refused() { Trouble::Refused } else { Trouble::None });
    }

    /// Whether the catalogs that are known can be relied upon: another server's newer version would be known here before
    /// it takes effect. On a test clock versions take effect at once, whoever knows them.
    pub(crate) fn is_current(&self) -> bool {
        matches!(self.hub.options.clock, Clock::Test(_)) || self.current_until.holds()
    }

    /// A number for an account that is opened here: it rises with time, and falls into the bucket of the account's id.
    ///
    /// 45 bits count steps of 64 microseconds since 2026, 18 bits are chance: some 256 numbers of each bucket in each step.
    /// Two servers that draw the same one find out when they append.
    fn draw_number(&self, studio: StudioNumber, id: &AccountId, chance: [u8; 16]) -> AccountNumber {
        const EPOCH: i64 = 1_767_225_600_000_000;
        let step = u64::try_from((Clock::system().now().micros() - EPOCH).max(0) / 64).expect("not negative");
        let drawn = self.last_drawn.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(step.max(last + 1)));
        let step = drawn.map_or(step, |last| step.max(last + 1)) & ((1 << 45) - 1);
        let bucket = Bucket::of_id(studio, id);
        let chance = u64::from_le_bytes(chance[..8].try_into().expect("8 bytes of 16"));
        let low = 0..1_u64 << 18;
        let mut candidates = low.clone().map(|more| AccountNumber(step << 18 | (chance.wrapping_add(more) % low.end)));
        candidates.find(|number| Bucket::of(*number) == bucket).expect("each bucket has its share of 262,144 numbers")
    }

    /// Touches accounts with something due, at a bounded rate, until the engine stops; no rule depends on it (R16).
    fn sweep(&self, per_second: u32) {
        let share = usize::try_from(per_second.div_ceil(4)).expect("a small number").max(1);
        let mut after = None;
        while !self.hub.stopped_within(SWEEP_PERIOD) {
            match self.sweep_some(after, share) {
                Ok(next) => after = next,
                Err(failure) => warn!(%failure, "the sweeper could not read the accounts"),
            }
        }
    }

    fn sweep_some(&self, after: Option<AccountNumber>, share: usize) -> Result<Option<AccountNumber>, StoreError> {
        let now = self.hub.options.clock.now();
        let accounts = self.store.accounts(after, share)?;
        let last = accounts.last().map(|account| account.number);
        let due = accounts.into_iter().filter(|account| due::next_due(account).is_some_and(|at| at <= now));
        let touch = |account: scrip_core::account::Account| Request {
            studio: account.studio,
            account: account.id,
            key: None,
            command: Command::Touch,
        };
        let requests: Vec<Request> = due.map(touch).collect();
        if !requests.is_empty() {
            let (reply, done) = oneshot::channel();
            // A full queue has better things to do; the next round comes by again.
            if self.push(Job::Commands { requests, by: None, reply }).is_ok() {
                drop(done.blocking_recv());
            }
        }
        Ok(last)
    }

    /// Where the test clock stands, if the store has one.
    pub(crate) fn test_clock(documents: &[Document]) -> Option<scrip_core::time::Time> {
        documents.iter().find_map(|document| match document {
            Document::Clock { now } => Some(*now),
            _ => None,
        })
    }
}

/// Where an account's work waits: one section for each bucket, so that one batch of an account is under way.
fn section_of(studio: StudioNumber, id: &AccountId) -> usize {
    let bucket = id.erased_number().map_or_else(|| Bucket::of_id(studio, id), Bucket::of);
    usize::from(bucket.number())
}

/// A key of its own for what is written each time it is asked for, so that it is written once where the first append of it
/// may have landed or not.
fn once(command: &Command) -> Option<Key> {
    let Command::RecordAct { .. } = command else { return None };
    let chance = u128::from_be_bytes(Salts::default().next());
    Some(Key::parse(&format!("act-{chance:032x}")).expect("of the right alphabet"))
}
