//! A run: steps carried out on the engine and on the model side by side, and compared after each.
//!
//! The model is moved only by what the engine acknowledged, or by what the failing store says was written: so a command that
//! was acknowledged and is gone, or is there twice, shows at the very next look.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrip_core::answer::Answer;
use scrip_core::catalog::Format;
use scrip_core::command::Command;
use scrip_core::id::{Key, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Publication, PublishOutcome, Refusal};
use scrip_engine::history::HistoryQuery;
use scrip_engine::store::Store;
use scrip_engine::verify::verify;
use scrip_engine::{Engine, Options, engine};
use tokio::runtime::Runtime;

use crate::auditor;
use crate::faulty::{Fault, Faults, FaultyStore};
use crate::model::{Account, Ask, Instant, Moment, Reply, Version};
use crate::step::{Action, Request, Step};
use crate::translate::{Found, translate};
use crate::view::time;
use crate::world::World;

/// Opens the same store, again and again: as the engine left it.
pub type Disk = Box<dyn FnMut(Left) -> Box<dyn Store>>;

/// How the engine left its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// In order, or not yet touched.
    Orderly,
    /// As a dead process leaves it.
    Dead,
}

/// Engine and model disagree.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// After which step.
    pub step: u32,
    /// What each of them says.
    pub what: String,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps carried out.
    pub steps: u64,
    /// Commands that were accepted.
    pub accepted: u64,
    /// Commands that were rejected.
    pub rejected: u64,
    /// First answers given again.
    pub replayed: u64,
    /// Appends that failed by plan.
    pub faults: u64,
    /// Starts after a stop or a crash.
    pub restarts: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.steps += other.steps;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.replayed += other.replayed;
        self.faults += other.faults;
        self.restarts += other.restarts;
    }
}

/// What was asked in a step, so that it can be asked again.
#[derive(Clone, Debug)]
struct Asked {
    account: usize,
    key: Option<Key>,
    command: Command,
    ask: Ask,
    /// The engine's first answer, once seen.
    answer: Option<Answer>,
}

/// Engine and model side by side.
pub struct Run {
    world: World,
    disk: Disk,
    faults: Faults,
    clock: Clock,
    engine: Engine,
    runtime: Runtime,
    studios: Vec<StudioNumber>,
    models: Vec<Account>,
    versions: Vec<Vec<Version>>,
    asked: BTreeMap<u32, Asked>,
    found: Found,
    counts: Counts,
}

impl Run {
    /// The world at its beginning: every studio's first catalog is published.
    pub fn start(world: World, mut disk: Disk) -> Result<Run, Disagreement> {
        let clock = Clock::test(time(world.start));
        let faults = Faults::default();
        let engine = open(&world, disk(Left::Orderly), &faults, &clock);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O");
        let mut run = Run {
            disk,
            faults,
            clock,
            engine,
            runtime,
            studios: Vec::new(),
            models: vec![Account::default(); world.accounts.len()],
            versions: vec![Vec::new(); world.studios.len()],
            asked: BTreeMap::new(),
            found: Found::default(),
            counts: Counts::default(),
            world,
        };
        for studio in 0..run.world.studios.len() {
            run.publish(studio).map_err(|what| Disagreement { step: 0, what })?;
        }
        Ok(run)
    }

    /// The instant at which the clock stands.
    pub fn now(&self) -> Instant {
        self.clock.now().micros()
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What the model knows of an account, caught up to now.
    pub fn model(&mut self, account: usize) -> &Account {
        let now = self.now();
        let studio = self.world.accounts[account].studio;
        self.models[account].catch_up(now, &self.versions[studio]);
        &self.models[account]
    }

    /// The versions that a studio has published.
    pub fn versions(&self, studio: usize) -> &[Version] {
        &self.versions[studio]
    }

    /// Which account an earlier step asked with a key.
    pub fn keyed(&self, step: u32) -> Option<usize> {
        self.asked.get(&step).filter(|asked| asked.key.is_some()).map(|asked| asked.account)
    }

    /// Holds and charges by the steps that made them.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// Carries out a step and compares.
    pub fn step(&mut self, step: &Step) -> Result<(), Disagreement> {
        self.counts.steps += 1;
        let looked_at = self
            .carry_out(step)
            .and_then(|accounts| accounts.into_iter().try_for_each(|account| self.compare(account)));
        looked_at.map_err(|what| Disagreement { step: step.id, what })
    }

    /// Carries out a step; answers which accounts to look at.
    fn carry_out(&mut self, step: &Step) -> Result<Vec<usize>, String> {
        let everyone = || (0..self.world.accounts.len()).collect();
        match &step.action {
            Action::MoveClock(to) => {
                let everyone = everyone();
                self.move_clock(*to)?;
                Ok(everyone)
            }
            Action::Ask { account, request, fault } => {
                self.ask_anew(step.id, *account, request, *fault)?;
                Ok(vec![*account])
            }
            Action::Repeat { of, fault } => {
                let Some(asked) = self.asked.get(of).cloned() else { return Ok(Vec::new()) };
                self.submit(&[(*of, asked.clone())], *fault)?;
                Ok(vec![asked.account])
            }
            Action::Reuse { of, request } => {
                let Some(Asked { account, key: Some(key), .. }) = self.asked.get(of).cloned() else {
                    return Ok(Vec::new());
                };
                let mut asked = self.translated(step.id, account, request)?;
                asked.key = Some(key);
                self.submit(&[(step.id, asked)], None)?;
                Ok(vec![account])
            }
            Action::Abandon { account, request } => {
                self.abandon(step.id, *account, request)?;
                Ok(vec![*account])
            }
            Action::Together { requests, fault } => {
                let mut submission = Vec::new();
                for (id, account, request) in requests {
                    submission.push((*id, self.translated(*id, *account, request)?));
                }
                self.submit(&submission, *fault)?;
                Ok(everyone_in(&submission))
            }
            Action::Publish { studio } => {
                // A term that ends at the very instant of publication reads the new catalog, whoever looked before: so
                // that the model need not look twice, nothing is published at an instant at which it has looked.
                self.move_clock(self.now() + 1)?;
                self.publish(*studio)?;
                Ok(Vec::new())
            }
            Action::Restart => {
                let everyone = everyone();
                self.restart(Left::Orderly);
                Ok(everyone)
            }
            Action::Crash => {
                let everyone = everyone();
                self.faults.cut_off();
                self.restart(Left::Dead);
                Ok(everyone)
            }
        }
    }

    fn move_clock(&mut self, to: Instant) -> Result<(), String> {
        if to < self.now() {
            return Ok(());
        }
        let moved = self.runtime.block_on(self.engine.move_clock(time(to)));
        if moved == Ok(time(to)) { Ok(()) } else { Err(format!("the clock did not move to {}: {moved:?}", time(to))) }
    }

    fn publish(&mut self, studio: usize) -> Result<(), String> {
        let place = self.versions[studio].len();
        let Some(document) = self.world.studios[studio].catalogs.get(place).cloned() else { return Ok(()) };
        let publication = Publication { format: Format::Toml, source: Arc::from(document.text.as_str()) };
        let id = self.world.studios[studio].id.clone();
        let published = match self.runtime.block_on(self.engine.publish(publication, Some(id))) {
            Ok(PublishOutcome::Published(published)) => published,
            other => return Err(format!("a new catalog was not published: {other:?}")),
        };
        let version = u32::try_from(place + 1).expect("few catalogs");
        let effective = if place == 0 { 0 } else { self.now() };
        if (published.version, published.effective) != (version, time(effective)) {
            return Err(format!("published as {} from {}", published.version, published.effective));
        }
        if place == 0 {
            self.studios.push(published.studio);
        }
        self.versions[studio].push(Version { version, effective, prices: document.prices });
        Ok(())
    }

    fn restart(&mut self, left: Left) {
        self.engine.stop();
        self.counts.faults += self.faults.done();
        self.faults = Faults::default();
        self.engine = open(&self.world, self.disk.as_mut()(left), &self.faults, &self.clock);
        self.counts.restarts += 1;
    }

    /// A request as both sides take it, with the key of its step.
    fn translated(&mut self, step: u32, account: usize, request: &Request) -> Result<Asked, String> {
        let now = self.clock.now();
        let shown = self.account(account, now)?.map(|account| account.lots).unwrap_or_default();
        let model = &self.models[account];
        let lots = |place: usize| (shown.get(place).map(|lot| lot.id), model.shown().get(place).copied());
        let (command, ask) = translate(request, (account, &self.found), &lots);
        let key = request.keyed().then(|| Key::parse(&format!("step-{step}")).expect("a key"));
        Ok(Asked { account, key, command, ask, answer: None })
    }

    fn ask_anew(&mut self, step: u32, account: usize, request: &Request, fault: Option<Fault>) -> Result<(), String> {
        let asked = self.translated(step, account, request)?;
        self.submit(&[(step, asked)], fault)
    }

    /// Asks and does not wait. The touch that follows waits in the same queue, so afterwards it is known to be done.
    fn abandon(&mut self, step: u32, account: usize, request: &Request) -> Result<(), String> {
        let asked = self.translated(step, account, request)?;
        let wanted = self.engine_request(&asked);
        let touch = engine::Request { key: None, command: Command::Touch, ..wanted.clone() };
        let engine = self.engine.clone();
        self.runtime.block_on(async move {
            // One poll puts it in the queue; dropping it is what a broken connection does.
            let mut leaving = Box::pin(engine.submit(wanted));
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(leaving.as_mut().poll(context)));
            drop(polled.await);
            drop(leaving);
            drop(engine.submit(touch).await);
        });
        let key = asked.key.as_ref().map(|key| key.as_str().to_owned());
        self.expect(asked.account, key.as_deref(), &asked.ask);
        self.asked.insert(step, asked);
        Ok(())
    }

    fn engine_request(&self, asked: &Asked) -> engine::Request {
        let customer = &self.world.accounts[asked.account];
        engine::Request {
            studio: self.studios[customer.studio],
            account: customer.id.clone(),
            key: asked.key.clone(),
            command: asked.command.clone(),
        }
    }

    /// What the model says to a request; it is moved by it.
    fn expect(&mut self, account: usize, key: Option<&str>, ask: &Ask) -> Reply {
        let studio = self.world.accounts[account].studio;
        let moment = Moment { now: self.clock.now().micros(), versions: &self.versions[studio] };
        self.models[account].ask(key, ask, moment)
    }

    /// Submits requests at once and lays each answer beside the model's.
    fn submit(&mut self, submission: &[(u32, Asked)], fault: Option<Fault>) -> Result<(), String> {
        let requests = submission.iter().map(|(_, asked)| self.engine_request(asked)).collect();
        if let Some(fault) = fault {
            self.faults.arm(fault);
        }
        let outcomes = self.engine.submit_many_blocking(requests);
        let happened = fault.filter(|_| self.faults.disarm());
        if outcomes.len() != submission.len() {
            return Err(format!("{} answers to {} requests", outcomes.len(), submission.len()));
        }
        if let Some(fault) = happened {
            return self.after_fault(fault, submission, &outcomes);
        }
        for ((step, asked), outcome) in submission.iter().zip(outcomes) {
            let key = asked.key.as_ref().map(|key| key.as_str().to_owned());
            let expected = self.expect(asked.account, key.as_deref(), &asked.ask);
            self.lay_beside(*step, asked, &expected, outcome)?;
        }
        Ok(())
    }

    /// The append failed: nobody may have been told that anything was done, and what was written is written.
    fn after_fault(
        &mut self,
        fault: Fault,
        submission: &[(u32, Asked)],
        outcomes: &[Result<Outcome, Refusal>],
    ) -> Result<(), String> {
        if let Some(told) = outcomes.iter().find(|outcome| !matches!(outcome, Err(Refusal::Unavailable(_)))) {
            return Err(format!("the store failed ({fault:?}) and a caller was told {told:?}"));
        }
        if fault == Fault::DoubtKept {
            for (_, asked) in submission {
                let key = asked.key.as_ref().map(|key| key.as_str().to_owned());
                self.expect(asked.account, key.as_deref(), &asked.ask);
            }
        }
        for (step, asked) in submission {
            self.asked.entry(*step).or_insert_with(|| asked.clone());
        }
        if fault != Fault::Refused {
            let (_, asked) = submission.first().expect("a submission is not empty");
            let touch = engine::Request { key: None, command: Command::Touch, ..self.engine_request(asked) };
            let after = self.engine.submit_many_blocking(vec![touch]);
            if !matches!(after.as_slice(), [Err(Refusal::Unavailable(_))]) {
                return Err(format!("the engine went on after a write of unknown outcome: {after:?}"));
            }
            self.restart(Left::Dead);
        }
        Ok(())
    }

    fn lay_beside(
        &mut self,
        step: u32,
        asked: &Asked,
        expected: &Reply,
        outcome: Result<Outcome, Refusal>,
    ) -> Result<(), String> {
        let model = &self.models[asked.account];
        let wanted = match expected {
            Reply::Done(answer) => format!("done: {}", model.describe(answer)),
            Reply::Again(answer) => format!("again: {}", model.describe(answer)),
            Reply::No(code) => format!("no: {code}"),
        };
        let got = match &outcome {
            Ok(Outcome { answer, replayed: false }) => format!("done: {}", auditor::told(answer)),
            Ok(Outcome { answer, replayed: true }) => format!("again: {}", auditor::told(answer)),
            Err(Refusal::Rejected(rejection)) => format!("no: {}", auditor::refused(rejection)),
            Err(Refusal::Unavailable(why)) => format!("unavailable: {why}"),
        };
        if wanted != got {
            return Err(format!("the model answers\n    {wanted}\nthe engine answers\n    {got}"));
        }
        let known = self.asked.entry(step).or_insert_with(|| asked.clone());
        match (expected, outcome) {
            (Reply::Done(done) | Reply::Again(done), Ok(Outcome { answer, replayed })) => {
                if let Some(first) = known.answer.as_ref().filter(|first| **first != answer) {
                    return Err(format!("the first answer was\n    {first:?}\nand now it is\n    {answer:?}"));
                }
                self.found.learn(asked.account, step, &answer.done, &done.done);
                known.answer = Some(answer);
                let count = if replayed { &mut self.counts.replayed } else { &mut self.counts.accepted };
                *count += 1;
            }
            _ => self.counts.rejected += 1,
        }
        Ok(())
    }

    fn account(&self, account: usize, now: Time) -> Result<Option<scrip_core::account::Account>, String> {
        let customer = &self.world.accounts[account];
        let studio = self.studios[customer.studio];
        self.engine.account_at(studio, &customer.id, now).map_err(|failure| failure.to_string())
    }

    /// Lays the visible state of an account beside the model's.
    fn compare(&mut self, account: usize) -> Result<(), String> {
        let now = self.clock.now();
        let shown = auditor::seen(self.account(account, now)?.as_ref(), &self.engine.catalogs(), now);
        let expected = self.model(account).seen();
        if shown == expected {
            return Ok(());
        }
        let lines = |lines: &[String]| lines.iter().map(|line| format!("\n    {line}")).collect::<String>();
        Err(format!("account {account}: the model sees{}\nthe engine shows{}", lines(&expected), lines(&shown)))
    }

    /// The end of a run: everything due is written, the histories say what the models say, and the journal adds up.
    pub fn finish(mut self) -> Result<Counts, Disagreement> {
        let audited = self.audit();
        self.engine.stop();
        self.counts.faults += self.faults.done();
        let stored = self.disk.as_mut()(Left::Orderly);
        let proved = verify(stored.reader().as_ref(), &mut |_| ()).map(drop).map_err(|broken| broken.to_string());
        audited.and(proved).map(|()| self.counts).map_err(|what| Disagreement { step: u32::MAX, what })
    }

    fn audit(&mut self) -> Result<(), String> {
        for account in 0..self.world.accounts.len() {
            if !self.model(account).opened {
                continue;
            }
            let touch = Asked { account, key: None, command: Command::Touch, ask: Ask::Touch, answer: None };
            self.submit(&[(u32::MAX, touch)], None)?;
            self.asked.remove(&u32::MAX);
            self.compare(account)?;
            self.compare_history(account)?;
        }
        Ok(())
    }

    fn compare_history(&mut self, account: usize) -> Result<(), String> {
        let customer = self.world.accounts[account].clone();
        let studio = self.studios[customer.studio];
        let mut query = HistoryQuery { limit: 50, ..HistoryQuery::default() };
        let mut entries = Vec::new();
        loop {
            let page = self.engine.history(studio, &customer.id, &query).map_err(|failure| failure.to_string())?;
            let Some(page) = page else { return Err("the history of an account is gone".to_owned()) };
            entries.extend(page.entries);
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let shown = auditor::movements(&entries);
        let expected = auditor::summed(self.models[account].moved.iter().copied());
        if shown == expected {
            return Ok(());
        }
        let differs: Vec<String> =
            shown
                .iter()
                .filter(|(place, moved)| expected.get(*place) != Some(moved))
                .map(|(place, moved)| format!("\n    the engine's history has {} {} {moved:?}", time(place.0), place.1))
                .chain(expected.iter().filter(|(place, moved)| shown.get(*place) != Some(moved)).map(
                    |(place, moved)| format!("\n    the model's history has {} {} {moved:?}", time(place.0), place.1),
                ))
                .collect();
        Err(format!("account {account}: the histories differ{}", differs.concat()))
    }
}

fn everyone_in(submission: &[(u32, Asked)]) -> Vec<usize> {
    let mut accounts: Vec<usize> = submission.iter().map(|(_, asked)| asked.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

fn open(world: &World, disk: Box<dyn Store>, faults: &Faults, clock: &Clock) -> Engine {
    let options = Options {
        clock: clock.clone(),
        mark_every: world.mark_every,
        resident_limit: world.resident_limit,
        // The sweeper runs by the machine's clock: it would make runs differ.
        sweep_per_second: 0,
        ..Options::default()
    };
    let store = FaultyStore::new(disk, faults.clone());
    Engine::start(Box::new(store), options).expect("a store that lost nothing it promised can be opened")
}
