//! The clerk: the thread that keeps the documents, and what else is not one account's.
//!
//! Documents are changed by editions: a change lands only upon the edition that it was decided upon, so two servers cannot
//! publish the same version. Every second the edition is read again, with the database's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scrip_core::catalog::Catalog;
use scrip_core::id::{AccountId, ProviderRef, StudioNumber};
use scrip_core::order::Order;
use scrip_core::rejection::Rejection;
use scrip_core::term::Term;
use scrip_core::time::Time;
use tracing::{error, warn};

use super::queue::Work;
use super::{Joint, fetched};
use crate::clock::Clock;
use crate::engine::{Publication, PublishError, PublishOutcome, Refusal};
use crate::hub::{Known, Trouble};
use crate::import;
use crate::intake::Job;
use crate::publishing::{self, Expected};
use crate::recover;
use crate::sequencer::NOT_WRITTEN;
use crate::store::joint::Appended;
use crate::store::{Document, StoreError};

/// How often the documents are read again.
const PERIOD: Duration = Duration::from_secs(1);
/// How long they may be relied upon after a reading began.
const CURRENT: Duration = Duration::from_secs(5);
/// How long a reading may have taken that the clock is kept to.
const PROMPT: Duration = Duration::from_secs(1);
/// How long after it was written a version takes effect that replaces another. Longer than [`CURRENT`] by what a slow
/// commit may take.
const LEAD_MICROS: i64 = 10_000_000;
/// How often a change is decided again when other servers' changes come before it.
const TRIES: u32 = 50;

/// Until when the documents may be relied upon.
pub(super) struct Current {
    start: Instant,
    until_micros: AtomicU64,
}

impl Current {
    pub(super) fn from_now() -> Current {
        let current = Current { start: Instant::now(), until_micros: AtomicU64::new(0) };
        current.read_at(current.start);
        current
    }

    /// They were read by a reading that began then.
    fn read_at(&self, begun: Instant) {
        let until = begun.duration_since(self.start) + CURRENT;
        let micros = u64::try_from(until.as_micros()).expect("no server runs for that long");
        self.until_micros.fetch_max(micros, Ordering::AcqRel);
    }

    pub(super) fn holds(&self) -> bool {
        self.start.elapsed() < Duration::from_micros(self.until_micros.load(Ordering::Acquire))
    }
}

/// The clerk's thread.
pub(super) struct Clerk<'a> {
    joint: &'a Joint,
    next_reading: Instant,
}

/// What a change of documents comes to.
enum Change<T> {
    /// These are to be stored; then this is the answer.
    Store(Vec<Document>, T),
    /// Nothing is to be stored.
    Nothing(T),
}

impl<'a> Clerk<'a> {
    pub(super) fn new(joint: &'a Joint) -> Clerk<'a> {
        Clerk { joint, next_reading: Instant::now() + PERIOD }
    }

    /// Works until the engine stops.
    pub(super) fn run(mut self) {
        loop {
            let patience = self.next_reading.saturating_duration_since(Instant::now());
            match self.joint.clerk.take(16, patience) {
                Work::Some(jobs) => jobs.into_iter().for_each(|job| self.take(job)),
                Work::None => {}
                Work::Ended => return,
            }
            if Instant::now() >= self.next_reading {
                match self.read_again() {
                    Ok(()) => {
                        if self.joint.writes.are_refused() {
                            self.joint.writes.try_again(&self.joint.store);
                        }
                        self.joint.has_read();
                    }
                    Err(failure) => {
                        self.joint.hub.set_trouble(Trouble::Refused);
                        warn!(%failure, "the documents could not be read again");
                    }
                }
                self.next_reading = Instant::now() + PERIOD;
            }
        }
    }

    fn take(&mut self, job: Job) {
        // A caller that has gone does not want to know.
        match job {
            Job::Publish { publication, catalog, expected, reply } => {
                drop(reply.send(self.publish(&publication, &catalog, &expected)));
            }
            Job::PutKey { key, reply } => {
                let stored = self.change(|_| Ok(Change::Store(vec![Document::Key(key.clone())], ())));
                drop(reply.send(stored.map_err(unwritten)));
            }
            Job::PutTokenSecret { studio, secret, instead_of, reply } => {
                let stored = self.change(|hub| {
                    let known = hub.known(|known| known.token_secrets.get(&studio).copied());
                    let secret = Document::TokenSecret { studio, secret };
                    Ok(if known == instead_of { Change::Store(vec![secret], ()) } else { Change::Nothing(()) })
                });
                drop(reply.send(stored.map_err(unwritten)));
            }
            Job::PutNote { note, instead_of, reply } => {
                let stored = self.change(|hub| {
                    let known = hub.known(|known| known.notes.get(&(note.studio, note.name.clone())).cloned());
                    let note = Document::Note(note.clone());
                    Ok(if known == instead_of { Change::Store(vec![note], ()) } else { Change::Nothing(()) })
                });
                drop(reply.send(stored.map_err(unwritten)));
            }
            Job::MoveClock { now, reply } => drop(reply.send(self.move_clock(now))),
            Job::OrderOfProvider { studio, reference, reply } => {
                let found = self.order_of_provider(studio, &reference).map_err(|failure| {
                    error!(%failure, "an order could not be looked up");
                    Refusal::Unavailable("the store could not be read")
                });
                drop(reply.send(found));
            }
            Job::Commands { .. } | Job::Hold { .. } | Job::Order { .. } => {
                unreachable!("lanes do what is one account's")
            }
        }
    }

    /// Reads the documents, if there is another edition, and the time.
    fn read_again(&mut self) -> Result<(), StoreError> {
        let joint = self.joint;
        let begun = Instant::now();
        let (asked_at, known) = (Clock::system().now(), joint.edition.load(Ordering::Acquire));
        let edition = joint.store.documents(Some(known))?;
        // What was long under way says little of the present: the clock would be set ahead by as much.
        if begun.elapsed() <= PROMPT {
            joint.hub.options.clock.keep(edition.now, asked_at);
        }
        if let Some(documents) = edition.documents {
            let clock = Joint::test_clock(&documents);
            let documents = recover::sorted(documents)?;
            if documents.is_under_way() {
                // The database was empty when this server began: nothing is done before all is there.
                return Err(StoreError::Refused(import::UNDER_WAY.to_owned()));
            }
            joint.hub.know_all(Known::of(documents));
            joint.edition.store(edition.number, Ordering::Release);
            self.follow_test_clock(clock);
        }
        joint.current_until.read_at(begun);
        Ok(())
    }

    /// A test clock that another server moved moves here too.
    fn follow_test_clock(&self, stored: Option<Time>) {
        if let (Clock::Test(clock), Some(stored)) = (&self.joint.hub.options.clock, stored)
            && clock.fetch_max(stored.micros(), Ordering::AcqRel) < stored.micros()
        {
            self.joint.hub.clock_moves.send_replace(stored);
        }
    }

    /// Decides a change upon the documents as they are, and stores it; again where another came before it.
    fn change<T, E: From<StoreError>>(
        &mut self,
        mut decide: impl FnMut(&crate::hub::Hub) -> Result<Change<T>, E>,
    ) -> Result<T, E> {
        for _ in 0..TRIES {
            let (documents, answer) = match decide(&self.joint.hub)? {
                Change::Nothing(answer) => return Ok(answer),
                Change::Store(documents, answer) => (documents, answer),
            };
            let edition = self.joint.edition.load(Ordering::Acquire);
            let put = self.joint.store.put(edition, &documents);
            match put {
                Ok(Appended::Landed) => {
                    self.read_again()?;
                    return Ok(answer);
                }
                // What may have landed is found when it is decided again.
                Ok(Appended::Late) | Err(StoreError::Unknown(_)) => self.read_again()?,
                Err(failure @ (StoreError::Refused(_) | StoreError::Damaged(_))) => return Err(failure.into()),
            }
        }
        Err(StoreError::Refused("other servers change documents all the time".to_owned()).into())
    }

    fn publish(
        &mut self,
        publication: &Publication,
        catalog: &Arc<Catalog>,
        expected: &Expected,
    ) -> Result<PublishOutcome, PublishError> {
        let joint = self.joint;
        // What was written before nobody knew whether it landed.
        let mut written: Vec<(u32, Time)> = Vec::new();
        let changed = self.change(|hub| {
            let (studios, catalogs) = (hub.studio_numbers(), hub.catalogs());
            let decided = publishing::decide(&studios, &catalogs, catalog, expected, joint.moment_of_publication())?;
            Ok::<_, Unpublished>(match decided {
                publishing::Decided::Known(known) if written.contains(&(known.version, known.published_at)) => {
                    Change::Nothing(PublishOutcome::Published(known))
                }
                publishing::Decided::Known(known) => Change::Nothing(PublishOutcome::Known(known)),
                publishing::Decided::New { published, studio } => {
                    let studio = studio.map(|number| Document::Studio { number, id: catalog.studio.clone() });
                    let version = publishing::document(&published, publication);
                    written.push((published.version, published.published_at));
                    Change::Store(studio.into_iter().chain([version]).collect(), PublishOutcome::Published(published))
                }
            })
        });
        changed.map_err(|unpublished| match unpublished {
            Unpublished::Error(error) => error,
            Unpublished::Store(failure) => {
                error!(%failure, "a catalog was not published");
                PublishError::Unavailable(NOT_WRITTEN)
            }
        })
    }

    fn move_clock(&mut self, wanted: Time) -> Result<Time, Refusal> {
        let clock = self.joint.hub.options.clock.clone();
        let Clock::Test(instant) = &clock else {
            return Err(Refusal::Unavailable("this server runs on the machine's clock"));
        };
        let now = clock.now();
        if wanted < now {
            return Err(Refusal::Rejected(Rejection::ClockMovedBack { now }));
        }
        let moved = self.change(|_| {
            // Another server may have moved it on meanwhile.
            let store = Change::Store(vec![Document::Clock { now: wanted }], true);
            Ok(if wanted < clock.now() { Change::Nothing(false) } else { store })
        });
        if !moved.map_err(unwritten)? {
            return Err(Refusal::Rejected(Rejection::ClockMovedBack { now: clock.now() }));
        }
        instant.fetch_max(wanted.micros(), Ordering::AcqRel);
        self.joint.hub.clock_moves.send_replace(wanted);
        Ok(wanted)
    }

    /// The studio's order that a payment provider calls so, and whose it is.
    fn order_of_provider(
        &self,
        studio: StudioNumber,
        reference: &ProviderRef,
    ) -> Result<Option<(AccountId, Order)>, StoreError> {
        let Some(record) = self.joint.store.newest_of_any(Term::provider_ref(reference))? else { return Ok(None) };
        let entry = fetched::decoded(&record)?;
        let Some(order) = entry.event.order().filter(|order| order.references.contains(reference)) else {
            return Ok(None);
        };
        let account = self.joint.store.accounts_of(&[entry.account])?.pop().flatten();
        let found = account.filter(|account| account.studio == studio);
        Ok(found.map(|account| (account.id.clone(), order.clone())))
    }
}

impl Joint {
    /// When a catalog is published that is published now. On a test clock versions take effect at once.
    pub(crate) fn moment_of_publication(&self) -> publishing::Moment {
        let clock = &self.hub.options.clock;
        let lead = if matches!(clock, Clock::Test(_)) { 0 } else { LEAD_MICROS };
        publishing::Moment::with_lead(clock.now(), lead)
    }
}

/// Why a catalog was not published.
enum Unpublished {
    Error(PublishError),
    Store(StoreError),
}

impl From<StoreError> for Unpublished {
    fn from(failure: StoreError) -> Unpublished {
        Unpublished::Store(failure)
    }
}

impl From<PublishError> for Unpublished {
    fn from(error: PublishError) -> Unpublished {
        Unpublished::Error(error)
    }
}

fn unwritten(failure: StoreError) -> Refusal {
    error!(%failure, "a document was not written");
    Refusal::Unavailable(NOT_WRITTEN)
}
