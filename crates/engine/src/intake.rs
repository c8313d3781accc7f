//! The queue in front of the sequencer, and the hand-over behind it.
//!
//! One lock and one condition cover both, because the sequencer waits for either: for work, or for
//! the committer to be free. There is no timer in between: a batch is whatever was decided while
//! the batch before it was being made durable.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrip_core::catalog::Catalog;
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, HoldRef, OrderId, ProviderRef, StudioNumber};
use scrip_core::order::Order;
use scrip_core::time::Time;
use tokio::sync::oneshot;

use crate::engine::{Outcome, Publication, PublishError, PublishOutcome, Refusal, Request};
use crate::publishing::Expected;
use crate::sequencer::Prepared;
use crate::store::{KeyDocument, Note, TokenSecret};

/// What came of one command.
pub(crate) type Carried = Result<Outcome, Refusal>;

/// Work for the sequencer, with the way back.
pub(crate) enum Job {
    /// Commands, answered together and in order; `by`: who asks, to be recorded.
    Commands { requests: Vec<Request>, by: Option<Arc<str>>, reply: oneshot::Sender<Vec<Carried>> },
    /// A checked catalog to publish.
    Publish {
        publication: Publication,
        catalog: Arc<Catalog>,
        expected: Expected,
        reply: oneshot::Sender<Result<PublishOutcome, PublishError>>,
    },
    /// A key to store.
    PutKey { key: KeyDocument, reply: oneshot::Sender<Result<(), Refusal>> },
    /// A studio's secret to store.
    PutTokenSecret {
        studio: StudioNumber,
        secret: TokenSecret,
        /// The one that it replaces.
        instead_of: Option<TokenSecret>,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A note to store.
    PutNote {
        note: Note,
        /// What it replaces.
        instead_of: Option<Arc<str>>,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A test clock to move.
    MoveClock { now: Time, reply: oneshot::Sender<Result<Time, Refusal>> },
    /// A hold to look up, ended ones included.
    Hold {
        studio: StudioNumber,
        account: AccountId,
        hold: HoldRef,
        reply: oneshot::Sender<Result<Option<Hold>, Refusal>>,
    },
    /// An order to look up, ones that are over included.
    Order {
        studio: StudioNumber,
        account: AccountId,
        order: OrderId,
        reply: oneshot::Sender<Result<Option<Order>, Refusal>>,
    },
    /// An order to look up by what a payment provider calls it.
    OrderOfProvider {
        studio: StudioNumber,
        reference: ProviderRef,
        reply: oneshot::Sender<Result<Option<(AccountId, Order)>, Refusal>>,
    },
}

impl Job {
    /// How much of the queue it takes up.
    fn weight(&self) -> usize {
        match self {
            Job::Commands { requests, .. } => requests.len(),
            Job::Publish { .. }
            | Job::PutKey { .. }
            | Job::PutTokenSecret { .. }
            | Job::PutNote { .. }
            | Job::MoveClock { .. }
            | Job::Hold { .. }
            | Job::Order { .. }
            | Job::OrderOfProvider { .. } => 1,
        }
    }
}

/// What the sequencer does next.
pub(crate) enum Next {
    /// Decide these.
    Jobs(Vec<Job>),
    /// Hand the draft to the committer, which is free.
    HandOver,
    /// Nothing to do for a while: time for what is written behind.
    Idle,
    /// A batch failed: everything decided since is void.
    Failed,
    /// No more work will come, and the committer is free.
    Stop,
}

struct State {
    jobs: VecDeque<Job>,
    queued: usize,
    stopping: bool,
    /// A batch that waits for the committer, or is with it.
    handed: Option<Prepared>,
    committing: bool,
    failed: bool,
    finished: bool,
}

/// The queue and the hand-over.
pub(crate) struct Intake {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

impl Intake {
    pub(crate) fn new(limit: usize) -> Intake {
        let state = State {
            jobs: VecDeque::new(),
            queued: 0,
            stopping: false,
            handed: None,
            committing: false,
            failed: false,
            finished: false,
        };
        Intake { state: Mutex::new(state), changed: Condvar::new(), limit }
    }

    /// A panic elsewhere has already ended the engine; the queue itself is always whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job, or hands it back: the queue is full, or the engine stops.
    pub(crate) fn push(&self, job: Job) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.stopping {
            return Err(Refusal::Unavailable("this server is stopping"));
        }
        let weight = job.weight();
        if state.queued > 0 && state.queued + weight > self.limit {
            return Err(Refusal::Unavailable("too much is waiting already; try again shortly"));
        }
        state.queued += weight;
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Commands that wait.
    pub(crate) fn queued(&self) -> usize {
        self.lock().queued
    }

    /// Waits for what the sequencer is to do next. `drafted`: commands in the draft so far, of at most `limit`;
    /// `patience`: how long to wait before [`Next::Idle`].
    pub(crate) fn next(&self, drafted: usize, limit: usize, patience: Duration) -> Next {
        let mut state = self.lock();
        loop {
            if state.failed && !state.committing {
                state.failed = false;
                return Next::Failed;
            }
            let free = !state.committing && !state.failed;
            // A free committer first: the disk is never idle while something waits for it.
            if drafted > 0 && free {
                return Next::HandOver;
            }
            if drafted < limit && !state.jobs.is_empty() {
                return Next::Jobs(take(&mut state, limit - drafted));
            }
            if drafted == 0 && state.stopping && free {
                return Next::Stop;
            }
            if drafted > 0 {
                state = self.wait(state);
                continue;
            }
            let (guard, timeout) = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if timeout.timed_out() && state.jobs.is_empty() && !state.committing && !state.failed && !state.stopping {
                return Next::Idle;
            }
        }
    }

    /// Gives a batch to the committer, which must be free.
    pub(crate) fn hand_over(&self, prepared: Prepared) {
        let mut state = self.lock();
        debug_assert!(!state.committing);
        state.committing = true;
        state.handed = Some(prepared);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until the committer is free; `false` when its batch failed (to be taken note of by [`Intake::next`]).
    pub(crate) fn settle(&self) -> bool {
        let mut state = self.lock();
        while state.committing {
            state = self.wait(state);
        }
        !state.failed
    }

    /// The committer's side: waits for a batch; `None` when there will be no more.
    pub(crate) fn receive(&self) -> Option<Prepared> {
        let mut state = self.lock();
        loop {
            if let Some(prepared) = state.handed.take() {
                return Some(prepared);
            }
            if state.finished {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// The committer is done with its batch.
    pub(crate) fn committed(&self, landed: Landed) {
        let mut state = self.lock();
        state.committing = false;
        state.failed = matches!(landed, Landed::Failed);
        drop(state);
        self.changed.notify_all();
    }

    /// Takes no more jobs; those that wait are still done.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    /// The sequencer has ended: the committer may.
    pub(crate) fn finish(&self) {
        self.lock().finished = true;
        self.changed.notify_all();
    }
}

/// Whether a batch became durable.
pub(crate) enum Landed {
    /// It did.
    Durable,
    /// It did not, or nobody knows.
    Failed,
}

/// Jobs worth up to `room` commands; always at least one.
fn take(state: &mut State, room: usize) -> Vec<Job> {
    let mut taken = Vec::new();
    let mut weight = 0;
    while let Some(job) = state.jobs.front() {
        let next = job.weight();
        if !taken.is_empty() && weight + next > room {
            break;
        }
        weight += next;
        taken.extend(state.jobs.pop_front());
    }
    state.queued -= weight;
    taken
}
