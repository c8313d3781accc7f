//! One thread's share of the proof: the accounts of some buckets, each followed from its first entry to its last.
//!
//! It is sent every row of its buckets, in the journal's order, and needs no other thread to prove them. What it finds
//! carries its place, so that of all threads' findings the first is named, whoever was faster.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry as Place;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};

use rustc_hash::FxHashMap;
use scrip_core::account::{Account, Hash, Totals};
use scrip_core::bucket::Bucket;
use scrip_core::entry::{Entry, Event, TextField};
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::journal;

use super::index::TermSum;
use super::{Broken, Finding, FoundAt, Shared, StudioReport, VerifyError, broken_entry, broken_row};
use crate::follow::Followed;
use crate::seal::{BucketSeal, Sealed};
use crate::store::{Head, Row, StoreError, StoredAccount};
use crate::trail::Trail;

/// Rows compared between two signs of progress.
const TICK: u64 = 1_024;
/// Rows read at a time.
const ROWS: usize = 256;

/// What a thread is sent.
pub(super) enum Work {
    /// What accounts' rows say of their last entries: all of the share's, before the first entry.
    Heads(Vec<Head>),
    /// Entries, in the journal's order.
    Rows(Vec<Row>),
    /// All entries up to the mark have been sent.
    Mark,
}

/// What a thread has proved, or the first that it has found.
#[derive(Default)]
pub(super) struct Proved {
    pub(super) accounts: u64,
    pub(super) rows: u64,
    pub(super) erased: u64,
    pub(super) studios: BTreeMap<StudioNumber, StudioReport>,
    pub(super) terms: TermSum,
    pub(super) first_entry: Option<Hash>,
    pub(super) buckets: Sealed,
    /// Buckets as they stood when they had as many entries as in the seal.
    pub(super) as_sealed: Sealed,
    pub(super) finding: Option<Finding>,
}

/// The thread.
pub(super) struct Share<'a> {
    shared: &'a Shared<'a>,
    /// The entry after which each account's row was written.
    rows: FxHashMap<AccountNumber, u64>,
    parts: BTreeMap<Bucket, Part>,
    proved: Proved,
}

/// One bucket.
#[derive(Default)]
struct Part {
    entries: u64,
    /// Boxed: a table has room to spare, which should be small.
    seats: FxHashMap<AccountNumber, Box<Seat>>,
}

/// One account.
struct Seat {
    followed: Followed,
    /// As it stood when its row was written, if it has gone on since.
    at_row: Option<Box<Followed>>,
}

impl<'a> Share<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Share<'a> {
        Share { shared, rows: FxHashMap::default(), parts: BTreeMap::new(), proved: Proved::default() }
    }

    /// Proves what is sent, then the rows of the accounts; tells `compared` how many of these it has done.
    pub(super) fn prove(mut self, sent: &Receiver<Work>, compared: &Sender<u64>) -> Result<Proved, StoreError> {
        for work in sent {
            match work {
                Work::Heads(heads) => self.rows.extend(heads.iter().map(|head| (head.account, head.seq))),
                Work::Rows(rows) => rows.iter().try_for_each(|row| self.row(row))?,
                Work::Mark => self.rows_reach_the_mark(),
            }
        }
        self.gone_texts_were_erased();
        if self.proved.finding.is_none() && self.shared.broken_at.load(Ordering::Acquire) == u64::MAX {
            self.unborne_row()?;
        }
        if self.proved.finding.is_none() && self.shared.broken_at.load(Ordering::Acquire) == u64::MAX {
            self.compare_rows(compared)?;
        }
        self.sum_up();
        Ok(self.proved)
    }

    /// An entry, unless something before it does not hold.
    fn row(&mut self, row: &Row) -> Result<(), StoreError> {
        if row.position > self.shared.broken_at.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.entry(row) {
            Ok(()) => Ok(()),
            Err(VerifyError::Broken(broken)) => {
                self.shared.broken_at.fetch_min(row.position, Ordering::AcqRel);
                self.found(FoundAt::Entry(row.position), broken);
                Ok(())
            }
            Err(VerifyError::Store(error)) => Err(error),
        }
    }

    fn entry(&mut self, row: &Row) -> Result<(), VerifyError> {
        let number = row.record.account;
        let bucket = Bucket::of(number);
        let part = self.parts.entry(bucket).or_default();
        let seat = match part.seats.entry(number) {
            Place::Occupied(seat) => seat.into_mut(),
            Place::Vacant(seat) => {
                let followed = first(self.shared, row)?;
                self.proved.studios.entry(followed.account.studio).or_default().accounts += 1;
                seat.insert(Box::new(Seat { followed, at_row: None }))
            }
        };
        if self.rows.get(&number) == Some(&seat.followed.account.seq) {
            seat.at_row = Some(Box::new(seat.followed.clone()));
        }
        let followed = &mut seat.followed;
        let entry = followed.follow(row).map_err(|what| broken_entry(row, Some(&followed.account.id), what))?;
        let studio = followed.account.studio;
        if !self.shared.documents.know(studio, &entry) {
            let what = "the catalog version that it names is missing";
            return Err(broken_entry(row, Some(&followed.account.id), what));
        }
        part.entries += 1;
        if self.shared.sealed_entries(bucket) == Some(part.entries) {
            self.proved.as_sealed.insert(bucket, part.seal());
        }
        self.tally(row, &entry, studio);
        Ok(())
    }

    fn tally(&mut self, row: &Row, entry: &Entry, studio: StudioNumber) {
        if row.position <= self.shared.extent.mark {
            self.proved.terms.entry(entry, row.position);
        }
        let studio = self.proved.studios.entry(studio).or_default();
        studio.entries += 1;
        for posting in &entry.books {
            *studio.books.entry(posting.book).or_default() += posting.credits;
        }
        let erased = entry.texts.fields.iter().filter(|text| text.text.is_none()).count();
        self.proved.erased += u64::try_from(erased).expect("an entry has few texts");
        if (entry.account, entry.seq) == (AccountNumber(1), 1) {
            self.proved.first_entry = Some(row.record.hash);
        }
    }

    /// Up to the mark accounts have been written behind: a row that knows less would be believed after a restart.
    fn rows_reach_the_mark(&mut self) {
        let row = |seat: &Seat| self.rows.get(&seat.followed.account.number).copied();
        let behind = |seat: &&Seat| row(seat).is_none_or(|seq| seq < seat.followed.account.seq);
        let seats = self.parts.values().flat_map(|part| part.seats.values().map(Box::as_ref));
        let Some(seat) = seats.filter(behind).min_by_key(|seat| seat.followed.account.number) else { return };
        let Account { number: account, id, seq, .. } = &seat.followed.account;
        let broken = match row(seat) {
            Some(seq) => Broken::Account {
                account: *account,
                id: id.clone(),
                seq,
                what: "a later entry lies before the mark, and it does not know of it",
            },
            None => Broken::Entry {
                account: *account,
                id: Some(id.clone()),
                seq: *seq,
                position: seat.followed.trail.last(),
                what: format!("it lies before the mark, but there is no row of account {}", account.0),
            },
        };
        self.found(FoundAt::Mark(*account), broken);
    }

    /// A text goes by an erasure alone, which is on record after it.
    fn gone_texts_were_erased(&mut self) {
        let seats = self.parts.values().flat_map(|part| part.seats.values());
        let gone = seats.filter_map(|seat| Some((seat.followed.first_gone?, &seat.followed.account)));
        let Some((first, account)) = gone.min_by_key(|(gone, _)| gone.position) else { return };
        let broken = Broken::Entry {
            account: account.number,
            id: Some(account.id.clone()),
            seq: first.seq,
            position: first.position,
            what: "a text of it is gone, and no erasure of its account is on record after it (`scrip erase` makes one)"
                .to_owned(),
        };
        self.found(FoundAt::Gone(first.position), broken);
    }

    /// A row that knows of an entry that the journal does not have.
    fn unborne_row(&mut self) -> Result<(), StoreError> {
        let known = |number: &AccountNumber| {
            let part = self.parts.get(&Bucket::of(*number));
            part.and_then(|part| part.seats.get(number)).map_or(0, |seat| seat.followed.account.seq)
        };
        let unborne = self.rows.iter().filter(|(number, seq)| **seq > known(number)).map(|(number, _)| *number).min();
        let Some(number) = unborne else { return Ok(()) };
        let broken = match self.stored(number)? {
            Ok(stored) => Broken::Account {
                account: number,
                id: stored.account.id,
                seq: stored.account.seq,
                what: "the journal has no such entry",
            },
            Err(unreadable) => unreadable,
        };
        self.found(FoundAt::Unborne(number), broken);
        Ok(())
    }

    /// Compares each row with its account, in order, up to the first that differs.
    fn compare_rows(&mut self, compared: &Sender<u64>) -> Result<(), StoreError> {
        let seats = self.parts.values().flat_map(|part| part.seats.keys());
        let mut numbers: Vec<AccountNumber> = seats.filter(|number| self.rows.contains_key(number)).copied().collect();
        numbers.sort_unstable();
        for page in numbers.chunks(ROWS) {
            for (number, stored) in page.iter().zip(self.stored_page(page)?) {
                let seat = &self.parts[&Bucket::of(*number)].seats[number];
                let followed = seat.at_row.as_deref().unwrap_or(&seat.followed);
                let differs = match stored {
                    Ok(stored) => {
                        (!followed.is(stored)).then(|| broken_row(&followed.account, "it is not what its entries make"))
                    }
                    Err(unreadable) => Some(unreadable),
                };
                if let Some(broken) = differs {
                    self.found(FoundAt::Row(*number), broken);
                    return Ok(());
                }
                self.proved.rows += 1;
                if self.proved.rows.is_multiple_of(TICK) {
                    // Nobody has to listen.
                    compared.send(TICK).ok();
                }
            }
        }
        Ok(())
    }

    /// The accounts' rows, which are there: read at once, or one by one where one of them cannot be read.
    fn stored_page(&self, numbers: &[AccountNumber]) -> Result<Vec<Result<StoredAccount, Broken>>, StoreError> {
        match self.shared.reader.accounts_of(numbers) {
            Ok(stored) => stored.into_iter().map(|stored| stored.map(Ok).ok_or_else(changed)).collect(),
            Err(StoreError::Damaged(_)) => numbers.iter().map(|number| self.stored(*number)).collect(),
            Err(other) => Err(other),
        }
    }

    /// An account's row, which is there: its head was read. Or what makes it unreadable.
    fn stored(&self, number: AccountNumber) -> Result<Result<StoredAccount, Broken>, StoreError> {
        match self.shared.reader.account(number) {
            Ok(Some(stored)) => Ok(Ok(stored)),
            Ok(None) => Err(changed()),
            Err(StoreError::Damaged(what)) => Ok(Err(Broken::Unreadable(what))),
            Err(other) => Err(other),
        }
    }

    /// Keeps the first finding.
    fn found(&mut self, at: FoundAt, broken: Broken) {
        let finding = Finding { at, broken };
        if self.proved.finding.as_ref().is_none_or(|earlier| finding.at < earlier.at) {
            self.proved.finding = Some(finding);
        }
    }

    fn sum_up(&mut self) {
        for (bucket, part) in &self.parts {
            self.proved.accounts += u64::try_from(part.seats.len()).expect("a length fits 64 bits");
            self.proved.buckets.insert(*bucket, part.seal());
            for followed in part.seats.values().map(|seat| &seat.followed) {
                let studio = self.proved.studios.entry(followed.account.studio).or_default();
                let Totals { remaining: _, held, frozen, debt } = followed.account.totals();
                studio.held += held;
                studio.frozen += frozen;
                studio.debt += debt;
                for lot in &followed.account.lots {
                    *studio.remaining.entry(lot.class).or_default() += lot.remaining;
                }
            }
        }
    }
}

impl Part {
    fn seal(&self) -> BucketSeal {
        let head = |seat: &Seat| {
            let Account { number, seq, head, .. } = seat.followed.account;
            Head { account: number, seq, head }
        };
        BucketSeal::of(self.entries, self.seats.values().map(|seat| head(seat)).collect())
    }
}

fn changed() -> StoreError {
    StoreError::Refused("the store changed while it was read".to_owned())
}

/// The account of a first entry.
fn first(shared: &Shared<'_>, row: &Row) -> Result<Followed, VerifyError> {
    let broken = |what: &str| broken_entry(row, None, what);
    let entry = journal::decode(&row.record).map_err(|damaged| broken(damaged.problem))?;
    let Event::AccountOpened { studio, .. } = &entry.event else {
        return Err(broken("its account was never opened"));
    };
    if !shared.documents.name(*studio) {
        return Err(broken("it is of a studio that has no name"));
    }
    let (id, erased) = match entry.texts.get(TextField::AccountId) {
        Some(id) => (AccountId::parse(id).map_err(|_| broken("the account's id is no account's id"))?, false),
        // The id was erased; the row, if there is one, says by what it is known now.
        None => match shared.reader.account(entry.account)? {
            Some(stored) => (stored.account.id, true),
            None => (AccountId::erased(entry.account), true),
        },
    };
    let account = Account::unopened(*studio, entry.account, id);
    Ok(Followed { erased, ..Followed::of(StoredAccount { account, trail: Trail::default() }) })
}
