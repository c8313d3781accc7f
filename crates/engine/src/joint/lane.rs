//! A lane: a thread that does what is to be done, a batch at a time.
//!
//! A pass reads, decides, appends and answers. What the append itself shows is not read before: that an account is as it was
//! known here, and that a key is new. Desks whose append came too late, or may have landed or not, are read and
//! decided again in the next pass, which settles both: the account's row decides who was first, and a key that has landed
//! is found.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxBuildHasher;
use scrip_core::account::Account;
use scrip_core::bucket::Bucket;
use scrip_core::entry::Entry;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use tracing::error;

use super::Joint;
use super::desk::{Circumstances, Desk, Ground, Held, Progress, Source};
use super::fetched::{Fetched, Lack};
use super::queue::{Task, What};
use super::sections::{Batch, Next};
use super::writes::Writes;
use crate::engine::{Committed, Refusal};
use crate::hub::Trouble;
use crate::salt::Salts;
use crate::sequencer::NOT_WRITTEN;
use crate::store::StoreError;
use crate::store::joint::{Appended, Draft, FoundAccount, WantedAccount};

/// How long a lane waits for work before it looks whether the engine has ended.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a batch is decided again, and for how long, before its callers are told to come back.
const PASSES: u32 = 200;
const STAMINA: Duration = Duration::from_secs(10);

/// Answered when other servers were first too often.
const CONTENDED: &str = "other servers are busy with this account; try again with the same key";
/// Answered when a write's outcome could not be settled.
const UNSETTLED: &str = "the database did not say whether it was written; try again with the same key";
/// Answered when the database could not be read.
const UNREADABLE: &str = "the store could not be read; try again with the same key";
/// Answered when something of the account is stored that cannot be read: it is damaged, or a newer version wrote it.
const DAMAGED: &str = "something of this account could not be read; see the server's log";
/// Answered when another server's catalog may be in force already.
pub(super) const NOT_CURRENT: &str =
    "the list of catalogs could not be read again in time; try again with the same key";

/// What an account is known by.
type Name = (StudioNumber, AccountId);

/// One lane's thread.
pub(super) struct Lane<'a> {
    joint: &'a Joint,
    standing: Standing,
    salts: Salts,
}

/// Accounts as they stood when they were last read or written, by section: only their heads are sent to see whether they have
/// moved. A section's are changed by the lane that has taken it.
pub(super) struct Memory {
    sections: Vec<Mutex<HashMap<Name, Known, FxBuildHasher>>>,
    /// How many a section remembers.
    limit: usize,
}

impl Memory {
    /// Nothing yet, and never more accounts than this, or one in each section.
    pub(super) fn new(limit: usize) -> Memory {
        let sections: Vec<_> = (0..Bucket::COUNT).map(|_| Mutex::default()).collect();
        Memory { limit: (limit / sections.len()).max(1), sections }
    }

    fn section(&self, section: usize) -> MutexGuard<'_, HashMap<Name, Known, FxBuildHasher>> {
        self.sections[section].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, desk: &Desk) -> Option<Known> {
        self.section(desk.section).get(&(desk.studio, desk.id.clone())).cloned()
    }

    fn forget(&self, desk: &Desk) {
        self.section(desk.section).remove(&(desk.studio, desk.id.clone()));
    }

    /// Remembers the desk's account as it stands.
    fn keep(&self, desk: &Desk, account: &Arc<Account>) {
        // An erased account is known by another id from now on, and it waits where its number says.
        self.forget(desk);
        let section = super::section_of(account.studio, &account.id);
        let mut section = self.section(section);
        if section.len() >= self.limit {
            // Forgotten accounts are merely sent again when they are needed.
            section.clear();
        }
        let known = Known { account: Arc::clone(account), moved: desk.moved };
        section.insert((account.studio, account.id.clone()), known);
    }
}

/// An account as it stood when it was last read or written.
#[derive(Clone)]
struct Known {
    account: Arc<Account>,
    /// Other servers had moved it on when it was last looked at: it is read before it is decided upon.
    moved: bool,
}

/// How often accounts of a lane were found as they were known, of late.
#[derive(Default)]
struct Standing {
    /// Those that were not, in 1,024, each look counting for 1 in 64 of what is seen.
    moved: u32,
}

impl Standing {
    fn saw(&mut self, moved: bool) {
        self.moved = self.moved - self.moved.div_ceil(64) + if moved { 16 } else { 0 };
    }

    /// Whether to rely on it costs less than to read: an append in vain is dearer than a reading.
    fn is_good(&self) -> bool {
        self.moved < 128
    }
}

/// Why a pass was given up, with nothing appended.
enum Stopped {
    /// The store could not be read.
    Unreadable(StoreError),
    /// Another server's catalog may be in force already.
    NotCurrent,
}

impl From<StoreError> for Stopped {
    fn from(failure: StoreError) -> Stopped {
        Stopped::Unreadable(failure)
    }
}

/// What became of a desk in a pass.
enum Fate {
    /// Its answers stand.
    Stands,
    /// It must be read and decided again.
    Again,
    /// Nothing of it is appended that would show that it is as it was known: it is read, and decided again.
    Unproven,
    /// Its callers are told this.
    Refused(&'static str),
}

impl<'a> Lane<'a> {
    pub(super) fn new(joint: &'a Joint) -> Lane<'a> {
        Lane { joint, standing: Standing::default(), salts: Salts::default() }
    }

    /// Works until the engine stops.
    pub(super) fn run(mut self) {
        let limit = self.joint.hub.options.batch_limit;
        loop {
            match self.joint.sections.take(limit, PATIENCE) {
                Next::Batch(Batch { tasks, mut sections }) => {
                    self.joint.queued.fetch_sub(tasks.len(), Ordering::AcqRel);
                    self.carry_out(tasks, &mut sections);
                    self.joint.sections.give_back(&sections);
                    self.joint.sections.end_batch();
                }
                Next::Nothing => {}
                Next::Over => return,
            }
        }
    }

    /// Gives back the sections of which nothing is left to do, and leaves the others.
    fn carry_out(&mut self, tasks: Vec<Task>, sections: &mut Vec<usize>) {
        let (mut desks, begun) = (seated(tasks), Instant::now());
        for _ in 0..PASSES {
            if desks.is_empty() {
                return;
            }
            if !self.joint.is_current() {
                return self.refuse_all(desks, NOT_CURRENT);
            }
            if begun.elapsed() > STAMINA {
                break;
            }
            match self.pass(&mut desks) {
                Ok(()) => self.give_back(&desks, sections),
                Err(Stopped::NotCurrent) => return self.refuse_all(desks, NOT_CURRENT),
                Err(Stopped::Unreadable(failure)) => {
                    error!(%failure, "a batch could not be read");
                    self.joint.hub.set_trouble(Trouble::Refused);
                    return self.refuse_all(desks, UNREADABLE);
                }
            }
        }
        self.refuse_all(desks, CONTENDED);
    }

    /// Gives back the sections of no desk.
    fn give_back(&self, desks: &[Desk], sections: &mut Vec<usize>) {
        let kept: BTreeSet<usize> = desks.iter().map(|desk| desk.section).collect();
        let (kept, done) = sections.iter().partition(|section| kept.contains(section));
        *sections = kept;
        self.joint.sections.give_back(&Vec::from_iter(done));
    }

    /// Reads, decides, appends and answers; leaves the desks that must be decided again, or have more to do.
    fn pass(&mut self, desks: &mut Vec<Desk>) -> Result<(), Stopped> {
        let mut fetched = Fetched::default();
        self.read(desks, &mut fetched)?;
        let overtaken = self.decide(desks, &mut fetched)?;
        let mut fates = self.append(desks, &overtaken, &fetched);
        self.confirm(desks, &mut fates);
        let mut left = Vec::new();
        for (mut desk, fate) in std::mem::take(desks).into_iter().zip(fates) {
            match fate {
                Fate::Stands => self.answer(&mut desk),
                Fate::Refused(why) => self.refuse(&mut desk, why),
                Fate::Again => {
                    self.joint.memory.forget(&desk);
                    desk.careful = true;
                }
                Fate::Unproven => desk.careful = true,
            }
            if !desk.tasks.is_empty() {
                left.push(desk);
            }
        }
        *desks = left;
        self.joint.has_read();
        Ok(())
    }

    /// Reads every desk's account, and what its tasks need of the past.
    fn read(&mut self, desks: &mut [Desk], fetched: &mut Fetched) -> Result<(), StoreError> {
        // What the accounts would need if they had not moved is read with them.
        let mut wanted = Vec::with_capacity(desks.len());
        let mut lacks = Vec::new();
        for desk in desks.iter_mut() {
            let known = self.joint.memory.get(desk);
            desk.seat(known.as_ref().map(|known| Arc::clone(&known.account)));
            desk.careful |= !desk.only_commands();
            lacks.extend(desk.lacks(fetched));
            let relied_on =
                known.as_ref().is_some_and(|known| !known.moved) && !desk.careful && self.standing.is_good();
            desk.ground = if relied_on { Ground::Known } else { Ground::Read };
            if desk.ground == Ground::Read {
                let known = known.as_ref().map(|known| (known.account.number, known.account.head));
                wanted.push(WantedAccount { studio: desk.studio, id: desk.id.clone(), known });
            }
        }
        let were_known: Vec<bool> = wanted.iter().map(|wanted| wanted.known.is_some()).collect();
        let found = fetched.fetch(self.joint.store.as_ref(), wanted, &lacks)?;
        let read = desks.iter_mut().filter(|desk| desk.ground == Ground::Read);
        for ((desk, found), was_known) in read.zip(found).zip(were_known) {
            if was_known {
                desk.moved = !matches!(found, FoundAccount::Unmoved);
                self.standing.saw(desk.moved);
            }
            match found {
                FoundAccount::Missing => desk.seat(None),
                FoundAccount::Unmoved => {}
                FoundAccount::There(account) => desk.seat(Some(account)),
                FoundAccount::Unreadable => {
                    desk.seat(None);
                    desk.unreadable = true;
                }
            }
        }
        // A name leads to a hold, a hold to its end: a few rounds, however large the batch.
        loop {
            let lacks: Vec<Lack> = desks.iter().flat_map(|desk| desk.lacks(fetched)).collect();
            if lacks.iter().all(|lack| *lack == Lack::Account) {
                return Ok(());
            }
            fetched.fetch(self.joint.store.as_ref(), Vec::new(), &lacks)?;
        }
    }

    /// Decides all desks; answers for each whether it was overtaken.
    fn decide(&mut self, desks: &mut [Desk], fetched: &mut Fetched) -> Result<Vec<bool>, Stopped> {
        let joint = self.joint;
        let mut overtaken = vec![false; desks.len()];
        loop {
            // In this order: what can be relied upon after the instant could be at the instant.
            let (catalogs, now) = (joint.hub.catalogs(), joint.hub.options.clock.now());
            if !joint.is_current() {
                return Err(Stopped::NotCurrent);
            }
            let at = Circumstances { catalogs: &catalogs, now, fetched };
            let mut lacks = Vec::new();
            for (desk, overtaken) in desks.iter_mut().zip(&mut overtaken).filter(|(_, overtaken)| !**overtaken) {
                if desk.is_unreadable(at.fetched) {
                    continue;
                }
                let (studio, id) = (desk.studio, desk.id.clone());
                let mut fresh = Drawn { joint, salts: &mut self.salts, studio, id };
                match desk.decide(&at, &mut fresh) {
                    Progress::Decided => {}
                    Progress::Lacking(Lack::Account) => *overtaken = true,
                    Progress::Lacking(lack) => lacks.push(lack),
                }
            }
            if lacks.is_empty() {
                return Ok(overtaken);
            }
            fetched.fetch(joint.store.as_ref(), Vec::new(), &lacks)?;
        }
    }

    /// Appends what was drafted.
    fn append(&mut self, desks: &mut [Desk], overtaken: &[bool], fetched: &Fetched) -> Vec<Fate> {
        let draft = |(desk, overtaken): (&Desk, &bool)| {
            if *overtaken || desk.is_unreadable(fetched) { None } else { desk.draft() }
        };
        let drafts: Vec<Option<Draft>> = desks.iter().zip(overtaken).map(draft).collect();
        let drafting: Vec<bool> = drafts.iter().map(Option::is_some).collect();
        let drafts: Vec<Draft> = drafts.into_iter().flatten().collect();
        let mut outcomes = if drafts.is_empty() { Vec::new() } else { self.joint.store.append(&drafts) }.into_iter();
        let mut fates = Vec::with_capacity(desks.len());
        for ((desk, overtaken), drafting) in desks.iter_mut().zip(overtaken).zip(drafting) {
            fates.push(match (overtaken, drafting) {
                (true, _) => Fate::Again,
                (false, true) => {
                    let outcome = outcomes.next();
                    if desk.ground == Ground::Known {
                        desk.moved = matches!(outcome, Some(Ok(Appended::Late)));
                        self.standing.saw(desk.moved);
                    }
                    appended(desk, outcome, &self.joint.writes)
                }
                (false, false) if desk.is_unreadable(fetched) => Fate::Refused(DAMAGED),
                // What may still land upon this account would make these answers wrong.
                (false, false) if desk.may_still_move() => Fate::Refused(UNSETTLED),
                (false, false) if desk.takes_for_granted() => Fate::Unproven,
                (false, false) => Fate::Stands,
            });
        }
        fates
    }

    /// Confirms what callers are told that stands, where nothing was written with it.
    fn confirm(&self, desks: &[Desk], fates: &mut [Fate]) {
        let unconfirmed = |desk: &Desk, fate: &Fate| desk.rests_on_what_was_read() && matches!(fate, Fate::Stands);
        let found = desks.iter().zip(fates.iter()).filter(|(desk, fate)| unconfirmed(desk, fate));
        let accounts: Vec<AccountNumber> =
            found.filter_map(|(desk, _)| desk.account.as_ref().map(|account| account.number)).collect();
        if accounts.is_empty() {
            return;
        }
        if let Err(failure) = self.joint.store.confirm(&accounts) {
            error!(%failure, "first answers could not be confirmed");
            for (desk, fate) in desks.iter().zip(fates) {
                if unconfirmed(desk, fate) {
                    *fate = Fate::Refused(UNSETTLED);
                }
            }
        }
    }

    /// The desk's answers rest on what is durable: gives them.
    fn answer(&mut self, desk: &mut Desk) {
        self.publish(desk);
        let count = desk.held.len();
        for (task, held) in desk.tasks.drain(..count).zip(desk.held.drain(..)) {
            // Callers that have gone do not want to know.
            match (task.what, held) {
                (What::Command { answers, place, .. }, Held::Carried(carried)) => {
                    self.joint.hub.count(&carried);
                    answers.give(place, carried);
                }
                (What::Hold(_, reply), Held::Hold(found)) => drop(reply.send(found)),
                (What::Order(_, reply), Held::Order(found)) => drop(reply.send(found)),
                (What::Command { .. } | What::Hold(..) | What::Order(..), _) => {
                    unreachable!("a task is answered as it was asked")
                }
            }
        }
    }

    /// The account and its new entries are durable: they are remembered, and told.
    fn publish(&mut self, desk: &mut Desk) {
        let Some(account) = &desk.account else { return };
        self.joint.memory.keep(desk, account);
        if desk.drafted.is_empty() {
            return;
        }
        let hub = &self.joint.hub;
        let count = u64::try_from(desk.drafted.len()).expect("a length fits 64 bits");
        hub.counters.entries.fetch_add(count, Ordering::AcqRel);
        hub.counters.batches.fetch_add(1, Ordering::Relaxed);
        if hub.feed.receiver_count() > 0 {
            let entries: Vec<(StudioNumber, Entry)> =
                std::mem::take(&mut desk.drafted).into_iter().map(|entry| (desk.studio, entry)).collect();
            // Nobody listening any more is no failure.
            drop(hub.feed.send(Arc::new(Committed { entries, accounts: vec![Arc::clone(account)] })));
        }
    }

    fn refuse_all(&mut self, desks: Vec<Desk>, why: &'static str) {
        desks.into_iter().for_each(|mut desk| self.refuse(&mut desk, why));
    }

    /// Tells a desk's callers that they are to come back, and why: above all, that something of theirs may have landed.
    fn refuse(&mut self, desk: &mut Desk, why: &'static str) {
        let why = if desk.doubt.is_some() { UNSETTLED } else { why };
        self.joint.memory.forget(desk);
        desk.tasks.drain(..).for_each(|task| refuse(task, why));
    }
}

/// What an append's outcome means for its desk.
fn appended(desk: &mut Desk, outcome: Option<Result<Appended, StoreError>>, writes: &Writes) -> Fate {
    match outcome {
        Some(Ok(Appended::Landed)) => {
            // Whatever of an earlier try might have landed follows the same entry, and cannot any more.
            desk.doubt = None;
            writes.landed();
            Fate::Stands
        }
        Some(Ok(Appended::Late)) => Fate::Again,
        Some(Err(StoreError::Unknown(why))) => {
            error!(why, "an append ended in an unknown state; it is decided again");
            desk.doubt = Some(desk.stored);
            writes.failed();
            Fate::Again
        }
        Some(Err(failure @ (StoreError::Refused(_) | StoreError::Damaged(_)))) => {
            error!(%failure, "an append was refused");
            writes.failed();
            Fate::Refused(NOT_WRITTEN)
        }
        None => Fate::Refused(NOT_WRITTEN),
    }
}

/// What is drawn for the commands of one account.
struct Drawn<'a> {
    joint: &'a Joint,
    salts: &'a mut Salts,
    studio: StudioNumber,
    id: AccountId,
}

impl Source for Drawn<'_> {
    fn salt(&mut self) -> [u8; 16] {
        self.salts.next()
    }

    fn number(&mut self) -> AccountNumber {
        self.joint.draw_number(self.studio, &self.id, self.salts.next())
    }
}

/// A desk for each account, each with its tasks in their order.
fn seated(tasks: Vec<Task>) -> Vec<Desk> {
    let mut places: HashMap<Name, usize, FxBuildHasher> = HashMap::default();
    let mut desks: Vec<Desk> = Vec::new();
    for task in tasks {
        let place = *places.entry((task.studio, task.account.clone())).or_insert_with(|| {
            desks.push(Desk::new(task.studio, task.account.clone(), task.section));
            desks.len() - 1
        });
        desks[place].tasks.push(task);
    }
    desks
}

fn refuse(task: Task, why: &'static str) {
    let refusal = Refusal::Unavailable(why);
    match task.what {
        What::Command { answers, place, .. } => answers.give(place, Err(refusal)),
        What::Hold(_, reply) => drop(reply.send(Err(refusal))),
        What::Order(_, reply) => drop(reply.send(Err(refusal))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a lane relies on what it knows after it has often seen one in `of` accounts moved.
    fn check(of: usize, relied_on: bool) {
        let mut standing = Standing::default();
        (0..1_000).for_each(|look| standing.saw(look % of == 0));
        assert_eq!(standing.is_good(), relied_on, "one in {of}");
        (0..300).for_each(|_| standing.saw(false));
        assert!(standing.is_good(), "whatever was before: nothing has moved for long");
    }

    #[test]
    fn accounts_are_relied_on_while_most_stand() {
        for (of, relied_on) in [(1, false), (2, false), (4, false), (30, true), (1_000, true)] {
            check(of, relied_on);
        }
    }
}
