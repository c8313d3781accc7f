//! The sequencer: the thread that decides.
//!
//! It takes what has queued and, for each command in turn, recognises a repeat, applies what is
//! due, recalls what the command names, decides, applies and drafts the entries. While the
//! committer makes one batch durable, the next one grows here. Its accounts are therefore ahead of
//! the disk, and nobody else sees them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustc_hash::FxHashMap;
use scrip_core::account::Account;
use scrip_core::apply::apply;
use scrip_core::catalog::{Catalog, Catalogs, Published};
use scrip_core::command::{Binding, Command, Stamp};
use scrip_core::decide::{check_shape, decide};
use scrip_core::due;
use scrip_core::entry::{Entry, Event};
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, AccountNumber, HoldRef, OrderId, ProviderRef, StudioId, StudioNumber};
use scrip_core::journal;
use scrip_core::order::Order;
use scrip_core::rejection::Rejection;
use scrip_core::term::Term;
use scrip_core::time::Time;
use tokio::sync::oneshot;
use tracing::{error, info};

use crate::behind::{Urge, WriteBehind};
use crate::clock::Clock;
use crate::engine::{Outcome, Publication, PublishError, PublishOutcome, Refusal, Request, Shared};
use crate::intake::{Carried, Job, Next};
use crate::publishing::{self, Decided, Expected};
use crate::recall::{self, Trailed};
use crate::salt::Salts;
use crate::store::{
    Batch, Behind, Document, Erasure, KeyDocument, Note, Row, StoreError, StoredAccountRef, TokenSecret,
};
use crate::trail::Trail;
use crate::veils::Veils;

/// How long the sequencer waits for work before it writes behind what little there is.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same while texts are being erased.
const STEP_PAUSE: Duration = Duration::from_millis(20);

/// An account as the sequencer has it.
struct Seat {
    account: Arc<Account>,
    trail: Trail,
    /// When something falls due next.
    due_at: Option<Time>,
    /// Whether it differs from its row in the store.
    standing: Standing,
    /// Whether it was used since eviction last came by.
    used: bool,
    /// The draft that it is published with.
    drafted: u64,
}

impl Seat {
    fn past<'a>(&'a self, rows: &'a Rows<'_>) -> Trailed<'a> {
        Trailed { rows, last: self.account.seq, trail: &self.trail }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Its row is up to date as of this batch.
    Written { batch: u64 },
    /// It changed since.
    Changed,
}

/// A batch ready to be made durable, with everything that is to happen once it is.
pub(crate) struct Prepared {
    pub(crate) batch: Arc<Batch>,
    pub(crate) accounts: Vec<StoredAccountRef>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) news: Vec<News>,
}

/// An answer that waits for its batch.
pub(crate) enum Reply {
    Commands(oneshot::Sender<Vec<Carried>>, Vec<Carried>),
    Publish(oneshot::Sender<Result<PublishOutcome, PublishError>>, Result<PublishOutcome, PublishError>),
    Stored(oneshot::Sender<Result<(), Refusal>>),
    MoveClock(oneshot::Sender<Result<Time, Refusal>>, Result<Time, Refusal>),
    Hold(oneshot::Sender<Result<Option<Hold>, Refusal>>, Result<Option<Hold>, Refusal>),
    Order(oneshot::Sender<Result<Option<Order>, Refusal>>, Result<Option<Order>, Refusal>),
    OrderOfProvider(
        oneshot::Sender<Result<Option<(AccountId, Order)>, Refusal>>,
        Result<Option<(AccountId, Order)>, Refusal>,
    ),
}

impl Reply {
    /// Turns the answer into "unavailable".
    pub(crate) fn refuse(self, why: &'static str) {
        let refusal = Refusal::Unavailable(why);
        // A caller that has gone does not want to know.
        match self {
            Reply::Commands(reply, carried) => drop(reply.send(carried.iter().map(|_| Err(refusal.clone())).collect())),
            Reply::Publish(reply, _) => drop(reply.send(Err(PublishError::Unavailable(why)))),
            Reply::Stored(reply) => drop(reply.send(Err(refusal))),
            Reply::MoveClock(reply, _) => drop(reply.send(Err(refusal))),
            Reply::Hold(reply, _) => drop(reply.send(Err(refusal))),
            Reply::Order(reply, _) => drop(reply.send(Err(refusal))),
            Reply::OrderOfProvider(reply, _) => drop(reply.send(Err(refusal))),
        }
    }

    /// Gives the answer.
    pub(crate) fn send(self) {
        match self {
            Reply::Commands(reply, carried) => drop(reply.send(carried)),
            Reply::Publish(reply, outcome) => drop(reply.send(outcome)),
            Reply::Stored(reply) => drop(reply.send(Ok(()))),
            Reply::MoveClock(reply, moved) => drop(reply.send(moved)),
            Reply::Hold(reply, hold) => drop(reply.send(hold)),
            Reply::Order(reply, order) => drop(reply.send(order)),
            Reply::OrderOfProvider(reply, order) => drop(reply.send(order)),
        }
    }
}

/// A document that becomes known with its batch.
pub(crate) enum News {
    Studio(StudioNumber, StudioId),
    Catalog(Arc<Published>, Publication),
    Key(KeyDocument),
    TokenSecret(StudioNumber, TokenSecret),
    Note(Note),
    Clock(Time),
}

/// What recovery found.
pub(crate) struct Opening {
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) studios: BTreeMap<StudioId, StudioNumber>,
    pub(crate) last_position: u64,
    pub(crate) last_account: u64,
    /// Accounts that changed since the mark.
    pub(crate) changed: Vec<StoredAccountRef>,
    pub(crate) behind: WriteBehind,
}

pub(crate) struct Sequencer {
    shared: Arc<Shared>,
    seats: FxHashMap<u64, Seat>,
    /// Seats in the order in which eviction looks at them.
    queue: VecDeque<u64>,
    /// Accounts that were opened and are not durable yet.
    opening: HashMap<(StudioNumber, AccountId), AccountNumber>,
    last_account: u64,
    catalogs: Arc<Catalogs>,
    studios: BTreeMap<StudioId, StudioNumber>,
    salts: Salts,
    pen: Pen,
    answers: Vec<Reply>,
    news: Vec<News>,
    weight: usize,
    durable: Durable,
}

/// What is known to be durable: where to go back to when a batch fails.
struct Durable {
    position: u64,
    account: u64,
    catalogs: Arc<Catalogs>,
    studios: BTreeMap<StudioId, StudioNumber>,
}

/// Writes entries into the draft.
struct Pen {
    draft: Batch,
    /// The accounts that the draft changes.
    touched: Vec<u64>,
    number: u64,
    position: u64,
    /// The batch that the committer has.
    committing: Option<Arc<Batch>>,
    /// Erasures of the draft and of the batch that the committer has.
    veils: Veils,
    behind: WriteBehind,
}

impl Pen {
    /// Drafts an entry that has been applied to the seat's account already.
    fn write(&mut self, seat: &mut Seat, entry: &Entry) {
        self.position += 1;
        let account = Arc::make_mut(&mut seat.account);
        let record = journal::encode(entry, account.head);
        account.head = record.hash;
        let links = seat.trail.push(entry.seq, self.position);
        self.behind.entry(journal::terms(entry), self.position);
        if seat.standing != Standing::Changed {
            seat.standing = Standing::Changed;
            self.behind.account(entry.account.0);
        }
        if seat.drafted != self.number {
            seat.drafted = self.number;
            self.touched.push(entry.account.0);
        }
        self.draft.rows.push(Row { position: self.position, links: Some(links), record });
    }

    /// Drafts the erasure of the account, whose entry has just been written.
    fn erase(&mut self, seat: &Seat) {
        let stored = StoredAccountRef { account: Arc::clone(&seat.account), trail: seat.trail.clone() };
        let account = stored.account.number;
        // What is not written yet is written without its texts.
        for row in self.draft.rows.iter_mut().filter(|row| row.record.account == account) {
            if row.position < self.position {
                row.record.texts = None;
            }
        }
        self.veils.draw(account, self.position);
        self.draft.erasures.push(Erasure { stored, position: self.position });
    }

    /// A row that is not durable yet.
    fn row(&self, position: u64) -> Option<Row> {
        let within = |rows: &[Row]| {
            let first = rows.first()?.position;
            rows.get(usize::try_from(position.checked_sub(first)?).ok()?).cloned()
        };
        within(&self.draft.rows).or_else(|| within(&self.committing.as_ref()?.rows))
    }
}

impl Sequencer {
    pub(crate) fn new(shared: Arc<Shared>, opening: Opening) -> Sequencer {
        let mut sequencer = Sequencer {
            seats: FxHashMap::default(),
            queue: VecDeque::new(),
            opening: HashMap::new(),
            last_account: opening.last_account,
            salts: Salts::default(),
            pen: Pen {
                draft: Batch::default(),
                touched: Vec::new(),
                number: 1,
                position: opening.last_position,
                committing: None,
                veils: Veils::default(),
                behind: opening.behind,
            },
            answers: Vec::new(),
            news: Vec::new(),
            weight: 0,
            durable: Durable {
                position: opening.last_position,
                account: opening.last_account,
                catalogs: Arc::clone(&opening.catalogs),
                studios: opening.studios.clone(),
            },
            catalogs: opening.catalogs,
            studios: opening.studios,
            shared,
        };
        for stored in opening.changed {
            sequencer.pen.behind.account(stored.account.number.0);
            sequencer.sit(stored, Standing::Changed);
        }
        sequencer
    }

    /// Decides until the engine stops.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        loop {
            let patience = if shared.is_erasing() { STEP_PAUSE } else { PATIENCE };
            match shared.intake.next(self.weight, shared.options.batch_limit, patience) {
                Next::Jobs(jobs) => jobs.into_iter().for_each(|job| self.take(job)),
                Next::HandOver => self.hand_over(Urge::WhenDue),
                Next::Idle => self.idle(),
                Next::Failed => self.go_back(),
                Next::Stop => break,
            }
        }
        while !self.shared.is_lost() && self.pen.behind.pending() {
            self.hand_over(Urge::Now);
            if !self.shared.intake.settle() {
                break;
            }
        }
        self.shared.intake.finish();
    }

    /// Nothing to do: what has changed is written behind, so that the tables are true, and erasures go on: the
    /// committer does a step of them after each batch, an empty one too.
    fn idle(&mut self) {
        if (self.pen.behind.pending() || self.shared.is_erasing()) && !self.shared.is_lost() {
            self.hand_over(Urge::Now);
        }
    }

    fn take(&mut self, job: Job) {
        let now = self.shared.options.clock.now();
        match job {
            Job::Commands { requests, by, reply } => {
                self.weight += requests.len();
                let carried = requests.into_iter().map(|request| self.carry_out(&request, by.as_ref(), now)).collect();
                self.answers.push(Reply::Commands(reply, carried));
            }
            Job::Publish { publication, catalog, expected, reply } => {
                self.weight += 1;
                let outcome = self.publish(publication, catalog, &expected, now);
                self.answers.push(Reply::Publish(reply, outcome));
            }
            Job::PutKey { key, reply } => {
                self.weight += 1;
                self.pen.draft.documents.push(Document::Key(key.clone()));
                self.news.push(News::Key(key));
                self.answers.push(Reply::Stored(reply));
            }
            // Nobody else writes to this store: what is replaced, here and of a note, is still there.
            Job::PutTokenSecret { studio, secret, instead_of: _, reply } => {
                self.weight += 1;
                self.pen.draft.documents.push(Document::TokenSecret { studio, secret });
                self.news.push(News::TokenSecret(studio, secret));
                self.answers.push(Reply::Stored(reply));
            }
            Job::PutNote { note, instead_of: _, reply } => {
                self.weight += 1;
                self.pen.draft.documents.push(Document::Note(note.clone()));
                self.news.push(News::Note(note));
                self.answers.push(Reply::Stored(reply));
            }
            Job::MoveClock { now: wanted, reply } => {
                self.weight += 1;
                let moved = self.move_clock(wanted);
                self.answers.push(Reply::MoveClock(reply, moved));
            }
            Job::Hold { studio, account, hold, reply } => {
                self.weight += 1;
                let found = self.hold(studio, &account, &hold);
                self.answers.push(Reply::Hold(reply, found));
            }
            Job::Order { studio, account, order, reply } => {
                self.weight += 1;
                let found = self.order(studio, &account, order);
                self.answers.push(Reply::Order(reply, found));
            }
            Job::OrderOfProvider { studio, reference, reply } => {
                self.weight += 1;
                let found = self.order_of_provider(studio, &reference);
                self.answers.push(Reply::OrderOfProvider(reply, found));
            }
        }
    }

    fn carry_out(&mut self, request: &Request, by: Option<&Arc<str>>, now: Time) -> Carried {
        if self.shared.is_lost() {
            return Err(Refusal::Unavailable(LOST));
        }
        let carried = self.decide(request, by, now);
        if let Err(Refusal::Unavailable(why)) = &carried {
            error!(why, "a command could not be decided");
        }
        carried
    }

    fn decide(&mut self, request: &Request, by: Option<&Arc<str>>, now: Time) -> Carried {
        check_shape(&request.command).map_err(Refusal::Rejected)?;
        let found = self.find(request.studio, &request.account)?;
        let number = match (found, &request.command) {
            (Some(number), _) => number,
            (None, command) if command.opens(&request.account) => return self.open(request, by, now),
            (None, _) => return Err(Refusal::Rejected(Rejection::AccountNotFound)),
        };
        let binding = binding(number, request);
        if let Some(binding) = binding
            && let Some(first) = self.recognise(binding)?
        {
            return first;
        }
        if matches!(request.command, Command::EraseAccount { .. })
            && let Some(before) = self.last_erasure(number)?
        {
            return Ok(before);
        }
        self.apply_due(number, now);
        let stamp = Stamp { now, salt: self.salts.next(), binding, by: by.cloned() };
        let recalled = self.recall(number, &request.command);
        let seat = self.seats.get_mut(&number.0).expect("found above");
        let decided = match recalled {
            Ok(()) => decide(&seat.account, &self.catalogs, &request.command, &stamp).map_err(Refusal::Rejected),
            Err(failure) => Err(unreadable(&failure)),
        };
        if let Ok(decision) = &decided {
            for entry in &decision.entries {
                apply(Arc::make_mut(&mut seat.account), entry);
                self.pen.write(seat, entry);
            }
            if !decision.entries.is_empty() {
                seat.due_at = due::next_due(&seat.account);
            }
            if matches!(request.command, Command::EraseAccount { .. }) {
                self.pen.erase(seat);
            }
        }
        if seat.account.recalled != Default::default() {
            Arc::make_mut(&mut seat.account).recalled.clear();
        }
        decided.map(|decision| Outcome { answer: decision.answer, replayed: false })
    }

    /// The answer of the account's erasure, if nothing has happened since: there is nothing to erase again.
    fn last_erasure(&self, number: AccountNumber) -> Result<Option<Outcome>, Refusal> {
        let seat = &self.seats[&number.0];
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        let last = recall::entry(&rows, seat.account.seq, &seat.trail, seat.account.seq);
        let last = last.map_err(|failure| unreadable(&failure))?.filter(|last| last.event == Event::AccountErased);
        Ok(last.map(|last| Outcome { answer: scrip_core::answer::of(&[last]), replayed: true }))
    }

    /// Opens an account.
    fn open(&mut self, request: &Request, by: Option<&Arc<str>>, now: Time) -> Carried {
        let number = AccountNumber(self.last_account + 1);
        let unopened = Account::unopened(request.studio, number, request.account.clone());
        let binding = binding(number, request);
        let stamp = Stamp { now, salt: self.salts.next(), binding, by: by.cloned() };
        let decision = decide(&unopened, &self.catalogs, &request.command, &stamp).map_err(Refusal::Rejected)?;
        self.last_account = number.0;
        self.opening.insert((request.studio, request.account.clone()), number);
        let stored = StoredAccountRef { account: Arc::new(unopened), trail: Trail::default() };
        self.sit(stored, Standing::Written { batch: 0 });
        let seat = self.seats.get_mut(&number.0).expect("seated above");
        for entry in &decision.entries {
            apply(Arc::make_mut(&mut seat.account), entry);
            self.pen.write(seat, entry);
        }
        seat.due_at = due::next_due(&seat.account);
        Ok(Outcome { answer: decision.answer, replayed: false })
    }

    /// Applies what is due; it stays applied even if the command at hand is then rejected (R16).
    fn apply_due(&mut self, number: AccountNumber, now: Time) {
        let seat = self.seats.get_mut(&number.0).expect("found before");
        if seat.due_at.is_none_or(|at| at > now) {
            return;
        }
        let entries = due::apply_due(Arc::make_mut(&mut seat.account), &self.catalogs, now, self.salts.next());
        for entry in &entries {
            self.pen.write(seat, entry);
        }
        seat.due_at = due::next_due(&seat.account);
    }

    /// The account's number, with the account seated.
    fn find(&mut self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, Refusal> {
        // First what is not durable yet: what readers are shown under an id may have been erased since.
        let opened = if self.opening.is_empty() { None } else { self.opening.get(&(studio, id.clone())).copied() };
        let known = opened.or_else(|| id.erased_number()).or_else(|| self.shared.residents.number(studio, id));
        let number = match known {
            Some(number) => Some(number),
            None => self.shared.reader.account_number(studio, id).map_err(|failure| unreadable(&failure))?,
        };
        let Some(number) = number else { return Ok(None) };
        let named_so = |account: &Account| account.studio == studio && account.id == *id;
        if let Some(seat) = self.seats.get_mut(&number.0) {
            seat.used = true;
            return Ok(named_so(&seat.account).then_some(number));
        }
        let stored = self.shared.reader.account(number).map_err(|failure| unreadable(&failure))?;
        let Some(stored) = stored.filter(|stored| named_so(&stored.account)) else { return Ok(None) };
        let stored = StoredAccountRef { account: Arc::new(stored.account), trail: stored.trail };
        self.shared.residents.publish(&stored);
        self.sit(stored, Standing::Written { batch: 0 });
        Ok(Some(number))
    }

    fn sit(&mut self, stored: StoredAccountRef, standing: Standing) {
        let number = stored.account.number.0;
        let due_at = due::next_due(&stored.account);
        self.queue.push_back(number);
        self.seats.insert(
            number,
            Seat { account: stored.account, trail: stored.trail, due_at, standing, used: true, drafted: 0 },
        );
    }

    /// The first answer again, if the key is bound (R31).
    fn recognise(&mut self, binding: Binding) -> Result<Option<Carried>, Refusal> {
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        let binds = |entry: &Entry| entry.bound.is_some_and(|bound| bound.term == binding.term);
        let found = recall::search(&rows, binding.term, binds).map_err(|failure| unreadable(&failure))?;
        let Some(entries) = found else { return Ok(None) };
        let same = entries.last().and_then(|entry| entry.bound).is_some_and(|bound| bound.content == binding.content);
        if !same {
            return Ok(Some(Err(Refusal::Rejected(Rejection::IdempotencyKeyReused))));
        }
        Ok(Some(Ok(Outcome { answer: scrip_core::answer::of(&entries), replayed: true })))
    }

    /// A hold, open or ended: the index of terms since the mark is here alone.
    fn hold(&mut self, studio: StudioNumber, account: &AccountId, hold: &HoldRef) -> Result<Option<Hold>, Refusal> {
        let Some(number) = self.find(studio, account)? else { return Ok(None) };
        let seat = &self.seats[&number.0];
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        recall::hold(&seat.past(&rows), &seat.account, hold).map_err(|failure| unreadable(&failure))
    }

    /// An order, open or over.
    fn order(&mut self, studio: StudioNumber, account: &AccountId, order: OrderId) -> Result<Option<Order>, Refusal> {
        let Some(number) = self.find(studio, account)? else { return Ok(None) };
        let seat = &self.seats[&number.0];
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        recall::order(&seat.past(&rows), &seat.account, order).map_err(|failure| unreadable(&failure))
    }

    /// The studio's order that a payment provider calls so, and whose it is.
    fn order_of_provider(
        &mut self,
        studio: StudioNumber,
        reference: &ProviderRef,
    ) -> Result<Option<(AccountId, Order)>, Refusal> {
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        let entry = recall::of_provider(&rows, reference).map_err(|failure| unreadable(&failure))?;
        let Some(entry) = entry else { return Ok(None) };
        let account = match self.seats.get(&entry.account.0) {
            Some(seat) => Some(Arc::clone(&seat.account)),
            None => self.shared.by_number(entry.account).map_err(|failure| unreadable(&failure))?,
        };
        let found = account.filter(|account| account.studio == studio);
        Ok(found.and_then(|account| Some((account.id.clone(), entry.event.order()?.clone()))))
    }

    /// Fetches what the command names that is not in the account's present state.
    fn recall(&mut self, number: AccountNumber, command: &Command) -> Result<(), StoreError> {
        let seat = self.seats.get_mut(&number.0).expect("found before");
        let rows = Rows { pen: &self.pen, shared: &self.shared };
        let past = Trailed { rows: &rows, last: seat.account.seq, trail: &seat.trail };
        recall::recall(&past, &mut seat.account, command)
    }

    fn publish(
        &mut self,
        publication: Publication,
        catalog: Arc<Catalog>,
        expected: &Expected,
        now: Time,
    ) -> Result<PublishOutcome, PublishError> {
        let moment = publishing::Moment::with_lead(now, 0);
        let decided = publishing::decide(&self.studios, &self.catalogs, &catalog, expected, moment)?;
        let (published, studio) = match decided {
            Decided::Known(known) => return Ok(PublishOutcome::Known(known)),
            Decided::New { published, studio } => (published, studio),
        };
        if let Some(number) = studio {
            let id = catalog.studio.clone();
            self.studios.insert(id.clone(), number);
            self.pen.draft.documents.push(Document::Studio { number, id: id.clone() });
            self.news.push(News::Studio(number, id));
        }
        Arc::make_mut(&mut self.catalogs).add(Arc::clone(&published));
        self.pen.draft.documents.push(publishing::document(&published, &publication));
        self.news.push(News::Catalog(Arc::clone(&published), publication));
        Ok(PublishOutcome::Published(published))
    }

    fn move_clock(&mut self, wanted: Time) -> Result<Time, Refusal> {
        let Clock::Test(clock) = &self.shared.options.clock else {
            return Err(Refusal::Unavailable("this server runs on the machine's clock"));
        };
        let now = self.shared.options.clock.now();
        if wanted < now {
            return Err(Refusal::Rejected(Rejection::ClockMovedBack { now }));
        }
        // The clock moves with the decision, so that what is decided next is decided at the new instant; it is
        // announced with the batch. Should the batch fail, the clock merely stands ahead of the store.
        clock.store(wanted.micros(), Ordering::Release);
        self.pen.draft.documents.push(Document::Clock { now: wanted });
        self.news.push(News::Clock(wanted));
        Ok(wanted)
    }

    /// Gives the draft to the committer, with a share of what is written behind.
    fn hand_over(&mut self, urge: Urge) {
        // The committer is free: the batch before is durable.
        self.pen.committing = None;
        self.pen.veils.hand_over();
        self.pen.behind.landed();
        self.durable = Durable {
            position: self.shared.counters.entries.load(Ordering::Acquire),
            account: self.last_account_durable(),
            catalogs: self.shared.catalogs(),
            studios: self.shared.studio_numbers(),
        };
        self.pen.behind.freeze(self.pen.position, urge);
        let share = self.pen.behind.share(self.pen.draft.rows.len(), urge);
        let number = self.pen.number;
        let mut written = Vec::with_capacity(share.accounts.len());
        for account in share.accounts {
            // After a batch failed an account can be on two lists: the later one finds its row written, and it may
            // have left memory since.
            let Some(seat) = self.seats.get_mut(&account) else { continue };
            if seat.standing != Standing::Changed {
                continue;
            }
            seat.standing = Standing::Written { batch: number };
            written.push(StoredAccountRef { account: Arc::clone(&seat.account), trail: seat.trail.clone() });
        }
        self.pen.draft.behind = Behind { accounts: written, terms: share.terms, mark: share.mark };
        let accounts = self
            .pen
            .touched
            .drain(..)
            .map(|number| {
                let seat = &self.seats[&number];
                StoredAccountRef { account: Arc::clone(&seat.account), trail: seat.trail.clone() }
            })
            .collect();
        let batch = Arc::new(std::mem::take(&mut self.pen.draft));
        self.pen.committing = Some(Arc::clone(&batch));
        self.pen.number += 1;
        self.weight = 0;
        self.shared.intake.hand_over(Prepared {
            batch,
            accounts,
            replies: std::mem::take(&mut self.answers),
            news: std::mem::take(&mut self.news),
        });
        self.evict();
    }

    /// The last account whose opening is durable. Openings that are not are still in [`Self::opening`].
    fn last_account_durable(&mut self) -> u64 {
        let residents = &self.shared.residents;
        self.opening.retain(|(studio, id), number| residents.number(*studio, id) != Some(*number));
        self.opening.values().map(|number| number.0 - 1).min().unwrap_or(self.last_account)
    }

    /// Forgets accounts that are written and have not been used for long, until few enough are left.
    fn evict(&mut self) {
        let limit = self.shared.options.resident_limit;
        // Each round looks at a bounded number of seats; accounts that cannot go now are looked at again later.
        let mut looks = (2 * self.seats.len().saturating_sub(limit)).min(16_384);
        while self.seats.len() > limit && looks > 0 {
            looks -= 1;
            let Some(number) = self.queue.pop_front() else { return };
            let Some(seat) = self.seats.get_mut(&number) else { continue };
            // The batch before this one is durable, the one just handed over is not.
            let durable = self.pen.number - 2;
            let goes = !seat.used && matches!(seat.standing, Standing::Written { batch } if batch <= durable);
            if goes {
                self.seats.remove(&number);
                self.shared.residents.evict(AccountNumber(number));
            } else {
                seat.used = false;
                self.queue.push_back(number);
            }
        }
    }

    /// A batch failed: whatever was decided since what is durable is void. Its callers are told to try again, and
    /// deciding starts again from the durable state.
    fn go_back(&mut self) {
        for reply in std::mem::take(&mut self.answers) {
            reply.refuse(NOT_WRITTEN);
        }
        self.news.clear();
        self.weight = 0;
        self.pen.draft = Batch::default();
        self.pen.touched.clear();
        self.pen.committing = None;
        self.pen.veils = Veils::default();
        self.pen.position = self.durable.position;
        self.pen.behind.void_after(self.durable.position);
        self.catalogs = Arc::clone(&self.durable.catalogs);
        self.studios = self.durable.studios.clone();
        self.last_account = self.durable.account;
        self.opening.clear();
        self.seats.clear();
        self.queue.clear();
        let residents = Arc::clone(&self.shared.residents);
        for stored in residents.numbers().into_iter().filter_map(|number| residents.get(number)) {
            // Which rows are up to date is not known any more: write them all.
            self.pen.behind.account(stored.account.number.0);
            self.sit(stored, Standing::Changed);
        }
        info!(position = self.durable.position, "deciding again from what is durable");
    }
}

/// Answered when a batch could not be written.
pub(crate) const NOT_WRITTEN: &str = "the store could not write; nothing was changed, try again with the same key";
/// Answered after a write of unknown outcome.
pub(crate) const LOST: &str =
    "a write ended in an unknown state; restart this server, then try again with the same key";

/// What a request is bound to: its key, or, for an opening, its account.
fn binding(number: AccountNumber, request: &Request) -> Option<Binding> {
    match (&request.command, &request.key) {
        (opening @ Command::OpenAccount(_), _) => Some(Binding::of_opening(number, opening)),
        (command, key) => key.as_ref().map(|key| Binding::of(number, key, command)),
    }
}

fn unreadable(failure: &StoreError) -> Refusal {
    error!(%failure, "the store could not be read");
    Refusal::Unavailable("the store could not be read")
}

/// Rows by position: drafted, being committed, or durable.
struct Rows<'a> {
    pen: &'a Pen,
    shared: &'a Shared,
}

impl recall::Rows for Rows<'_> {
    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        let row = match self.pen.row(position) {
            Some(row) => Some(row),
            None => self.shared.reader.row(position)?,
        };
        Ok(row.map(|row| self.pen.veils.over(row)))
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        let mut positions = self.pen.behind.positions(term);
        positions.extend(self.shared.reader.positions(term)?);
        Ok(positions)
    }
}
