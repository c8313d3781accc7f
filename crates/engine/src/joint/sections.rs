//! What waits for lanes, in sections: one for each bucket. A lane that takes a section has it alone until it gives it back, so
//! one batch of an account is under way at a time, and no two batches of a server count in the same bucket.
//!
//! A batch costs the database much the same however little is in it. So what waits is taken together, and while a batch is
//! under way another begins only when enough waits for it, or when it takes long: it may wait for the network, or for somebody
//! else's lock, which is no reason to wait for it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use scrip_core::bucket::Bucket;

use super::queue::Task;

/// So many tasks are enough for a batch beside those under way: what it costs as a batch is less than what they cost.
const ENOUGH: usize = 32;
/// So many tasks are as good as any more: what a larger batch would save is little, and another lane can do the rest
/// meanwhile.
const PLENTY: usize = 512;
/// A batch that is under way for so long is not waited for.
const LONG: Duration = Duration::from_millis(10);

/// The sections of a server.
pub(super) struct Sections {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    sections: Vec<Section>,
    /// Those that no lane has and in which something waits, in the order in which they came to be so.
    ready: VecDeque<usize>,
    /// Tasks that wait in these.
    waiting: usize,
    /// Batches that lanes have taken, and when the last one was.
    under_way: usize,
    last_begun: Option<Instant>,
    /// A lane waits for as long as the last batch is waited for.
    is_watched: bool,
    closed: bool,
}

#[derive(Default)]
struct Section {
    waiting: VecDeque<Task>,
    is_taken: bool,
}

/// What a lane has taken: tasks, and the sections that are its own until it gives them back.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) tasks: Vec<Task>,
    pub(super) sections: Vec<usize>,
}

/// What a wait for work came to.
pub(super) enum Next {
    /// This.
    Batch(Batch),
    /// Nothing, for as long as was waited.
    Nothing,
    /// Nothing, and nothing will come.
    Over,
}

impl Default for Sections {
    fn default() -> Sections {
        Sections { state: Mutex::default(), changed: Condvar::new() }
    }
}

impl Default for State {
    fn default() -> State {
        State {
            sections: (0..Bucket::COUNT).map(|_| Section::default()).collect(),
            ready: VecDeque::new(),
            waiting: 0,
            under_way: 0,
            last_begun: None,
            is_watched: false,
            closed: false,
        }
    }
}

impl Sections {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere has already ended the engine; the sections themselves are always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, tasks: impl IntoIterator<Item = Task>) {
        self.change(|state| tasks.into_iter().for_each(|task| state.push(task)));
    }

    /// No more comes; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// What is to be done next; waits for it, with patience.
    pub(super) fn take(&self, limit: usize, patience: Duration) -> Next {
        let given_up = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if state.may_begin(now) {
                let batch = state.take(now, limit.min(PLENTY));
                // There may be more for another lane, or something for it to watch.
                self.wake_one(&state);
                return Next::Batch(batch);
            }
            if state.is_over() {
                return Next::Over;
            }
            let watches = state.is_to_be_watched();
            let until = state.last_begun.map(|begun| begun + LONG).filter(|_| watches).unwrap_or(given_up);
            let Some(wait) = until.min(given_up).checked_duration_since(now).filter(|wait| !wait.is_zero()) else {
                return Next::Nothing;
            };
            state.is_watched |= watches;
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            state.is_watched &= !watches;
        }
    }

    /// These are done with; the lane may keep others of its batch.
    pub(super) fn give_back(&self, sections: &[usize]) {
        self.change(|state| sections.iter().for_each(|section| state.give_back(*section)));
    }

    /// A batch is done with, and its sections were given back.
    pub(super) fn end_batch(&self) {
        self.change(|state| state.under_way -= 1);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        self.wake_one(&state);
    }

    fn wake_one(&self, state: &State) {
        if state.is_enough() || state.is_to_be_watched() {
            self.changed.notify_one();
        }
    }
}

impl State {
    fn push(&mut self, task: Task) {
        let (place, section) = (task.section, &mut self.sections[task.section]);
        section.waiting.push_back(task);
        if section.is_taken {
            return;
        }
        self.waiting += 1;
        if section.waiting.len() == 1 {
            self.ready.push_back(place);
        }
    }

    /// Whether what waits is worth a batch of its own.
    fn is_enough(&self) -> bool {
        self.waiting >= if self.under_way == 0 || self.closed { 1 } else { ENOUGH }
    }

    /// Whether something waits that is not enough yet, and nobody looks when the last batch has taken long.
    fn is_to_be_watched(&self) -> bool {
        self.waiting > 0 && !self.is_enough() && !self.is_watched
    }

    /// Whether a batch is to begin.
    fn may_begin(&self, now: Instant) -> bool {
        let is_long = self.last_begun.is_none_or(|begun| now >= begun + LONG);
        self.is_enough() || (self.waiting > 0 && is_long)
    }

    /// Whether nothing waits, and nothing will come but what a lane finds itself when it gives sections back.
    fn is_over(&self) -> bool {
        self.closed && self.ready.is_empty()
    }

    fn take(&mut self, now: Instant, limit: usize) -> Batch {
        let mut batch = Batch::default();
        while batch.tasks.len() < limit
            && let Some(place) = self.ready.pop_front()
        {
            let section = &mut self.sections[place];
            section.is_taken = true;
            self.waiting -= section.waiting.len();
            let count = section.waiting.len().min(limit - batch.tasks.len());
            batch.tasks.extend(section.waiting.drain(..count));
            batch.sections.push(place);
        }
        self.under_way += 1;
        self.last_begun = Some(now);
        batch
    }

    fn give_back(&mut self, place: usize) {
        let section = &mut self.sections[place];
        section.is_taken = false;
        if !section.waiting.is_empty() {
            self.waiting += section.waiting.len();
            self.ready.push_back(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use scrip_core::id::{AccountId, HoldRef, StudioNumber};
    use tokio::sync::oneshot;

    use super::super::queue::What;
    use super::*;

    fn push(state: &mut State, counts: &[(usize, usize)]) {
        for (section, count) in counts {
            for _ in 0..*count {
                let hold = HoldRef::parse("h").expect("a hold's id");
                let what = What::Hold(hold, oneshot::channel().0);
                let account = AccountId::parse("a").expect("an account's id");
                state.push(Task { studio: StudioNumber(1), account, section: *section, what });
            }
        }
    }

    /// The sections of the batch that a lane begins now, if it does, and how many tasks are in it.
    fn check(state: &mut State, now: Instant, expected: Option<(&[usize], usize)>) {
        let batch = state.may_begin(now).then(|| state.take(now, 100));
        assert_eq!(batch.as_ref().map(|batch| (&batch.sections[..], batch.tasks.len())), expected);
    }

    #[test]
    fn what_waits_is_taken_together() {
        let (mut state, now) = (State::default(), Instant::now());
        check(&mut state, now, None);
        push(&mut state, &[(7, 1), (3, 2), (7, 1)]);
        check(&mut state, now, Some((&[7, 3], 4)));
    }

    #[test]
    fn another_batch_begins_when_there_is_enough_for_it() {
        let (mut state, now) = (State::default(), Instant::now());
        push(&mut state, &[(1, 1)]);
        check(&mut state, now, Some((&[1], 1)));
        push(&mut state, &[(2, ENOUGH - 1)]);
        check(&mut state, now, None);
        // What waits for a section that is taken is no reason.
        push(&mut state, &[(1, ENOUGH)]);
        check(&mut state, now, None);
        push(&mut state, &[(3, 1)]);
        check(&mut state, now, Some((&[2, 3], ENOUGH)));
    }

    #[test]
    fn a_batch_that_takes_long_is_not_waited_for() {
        let (mut state, now) = (State::default(), Instant::now());
        push(&mut state, &[(1, 1)]);
        check(&mut state, now, Some((&[1], 1)));
        push(&mut state, &[(1, 1), (2, 1)]);
        check(&mut state, now + LONG / 2, None);
        check(&mut state, now + LONG, Some((&[2], 1)));
        check(&mut state, now + 2 * LONG, None);
    }

    #[test]
    fn a_section_is_one_lanes_until_it_is_given_back() {
        let (mut state, now) = (State::default(), Instant::now());
        push(&mut state, &[(1, 1), (2, 1)]);
        check(&mut state, now, Some((&[1, 2], 2)));
        push(&mut state, &[(1, 1), (2, 1)]);
        state.give_back(2);
        // Its batch is still under way.
        check(&mut state, now, None);
        state.under_way -= 1;
        check(&mut state, now, Some((&[2], 1)));
        state.give_back(1);
        state.under_way -= 1;
        check(&mut state, now, Some((&[1], 1)));
    }

    #[test]
    fn a_batch_has_a_limit() {
        let (mut state, now) = (State::default(), Instant::now());
        push(&mut state, &[(1, 60), (2, 60), (3, 60)]);
        check(&mut state, now, Some((&[1, 2], 100)));
        // What is left of a section that was taken in part waits for its lane.
        check(&mut state, now, Some((&[3], 60)));
        state.give_back(2);
        state.under_way -= 2;
        check(&mut state, now, Some((&[2], 20)));
    }

    #[test]
    fn what_waits_is_done_before_the_end() {
        let sections = Sections::default();
        let mut waiting = State::default();
        push(&mut waiting, &[(1, 1), (2, 1)]);
        let mut tasks = waiting.take(Instant::now(), 100).tasks.into_iter();
        sections.push(tasks.by_ref().take(1));
        assert!(matches!(sections.take(100, Duration::ZERO), Next::Batch(batch) if batch.sections == [1]));
        sections.push(tasks);
        sections.close();
        assert!(matches!(sections.take(100, Duration::ZERO), Next::Batch(batch) if batch.sections == [2]));
        assert!(matches!(sections.take(100, Duration::ZERO), Next::Over));
    }
}
