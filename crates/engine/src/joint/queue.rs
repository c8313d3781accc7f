//! What waits for a thread, and where the answers go.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scrip_core::command::Command;
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, HoldRef, Key, OrderId, StudioNumber};
use scrip_core::order::Order;
use tokio::sync::oneshot;

use crate::engine::Refusal;
use crate::intake::Carried;

/// A queue that one thread empties.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        let state = State { waiting: VecDeque::new(), closed: false };
        Queue { state: Mutex::new(state), changed: Condvar::new() }
    }
}

/// What a wait for work came to.
pub(super) enum Work<T> {
    /// This.
    Some(Vec<T>),
    /// Nothing, for as long as was waited.
    None,
    /// Nothing, and nothing will come.
    Ended,
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere has already ended the engine; the queue itself is always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, work: impl IntoIterator<Item = T>) {
        self.lock().waiting.extend(work);
        self.changed.notify_one();
    }

    /// Ends the queue; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// All that waits, at most `limit`; waits for it, with patience.
    pub(super) fn take(&self, limit: usize, patience: Duration) -> Work<T> {
        let idle = |state: &mut State<T>| state.waiting.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let count = state.waiting.len().min(limit);
        match (count, state.closed) {
            (0, true) => Work::Ended,
            (0, false) => Work::None,
            _ => Work::Some(state.waiting.drain(..count).collect()),
        }
    }
}

/// Something to do with one account.
pub(super) struct Task {
    pub(super) studio: StudioNumber,
    pub(super) account: AccountId,
    /// Where it waits: the number of its account's bucket.
    pub(super) section: usize,
    pub(super) what: What,
}

/// What.
pub(super) enum What {
    /// Carry out a command.
    Command { key: Option<Key>, command: Command, by: Option<Arc<str>>, answers: Arc<Answers>, place: usize },
    /// Look up a hold.
    Hold(HoldRef, oneshot::Sender<Result<Option<Hold>, Refusal>>),
    /// Look up an order.
    Order(OrderId, oneshot::Sender<Result<Option<Order>, Refusal>>),
}

/// The answers to commands that came together, which several lanes give.
pub(super) struct Answers(Mutex<Gathered>);

struct Gathered {
    carried: Vec<Option<Carried>>,
    left: usize,
    reply: Option<oneshot::Sender<Vec<Carried>>>,
}

impl Answers {
    pub(super) fn new(count: usize, reply: oneshot::Sender<Vec<Carried>>) -> Answers {
        Answers(Mutex::new(Gathered { carried: vec![None; count], left: count, reply: Some(reply) }))
    }

    /// One answer; with the last of them all are sent.
    pub(super) fn give(&self, place: usize, carried: Carried) {
        let mut gathered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = gathered.carried[place].replace(carried);
        assert!(before.is_none(), "a command is answered once");
        gathered.left -= 1;
        if gathered.left == 0 {
            let all = std::mem::take(&mut gathered.carried).into_iter().flatten().collect();
            // A caller that has gone does not want to know.
            gathered.reply.take().map(|reply| reply.send(all).ok());
        }
    }
}
