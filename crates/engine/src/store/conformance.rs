//! What every store must do, as one suite of tests: [`check`] panics where a store does not.
//!
//! A store shows itself through a [`Subject`]: how it is opened, and how it is found after a crash.
//! The suite knows nothing else of it.

use std::sync::Arc;

use scrip_core::account::{Account, Hash, Totals};
use scrip_core::amount::Credits;
use scrip_core::bucket::Bucket;
use scrip_core::catalog::Format;
use scrip_core::entry::{Book, Entry, Event, LotChange, Posting, Term, Text, TextField, Texts};
use scrip_core::hold::Priced;
use scrip_core::id::{AccountId, AccountNumber, LotId, StudioId, StudioNumber, ToolId};
use scrip_core::journal;
use scrip_core::lot::{Class, Lot, Priority};
use scrip_core::measure::Measures;
use scrip_core::time::{Time, Zone};

use super::{
    Batch, Behind, Document, Erasure, Extent, Head, ImportDocument, ImportState, KeyDocument, Note, Reader, Role, Row,
    Store, StoredAccount, StoredAccountRef, TokenSecret,
};
use crate::trail::Trail;

/// A store under test.
pub trait Subject {
    /// Opens what is there. The store given out before has been dropped, or lost in a crash.
    fn open(&mut self) -> Box<dyn Store>;

    /// What is opened next is what `kill -9` at this moment would leave. The store given out before is still
    /// alive, is not closed, and no longer matters.
    fn crash(&mut self);
}

/// Runs the suite, each test on a new, empty store.
pub fn check<S: Subject>(mut new: impl FnMut() -> S) {
    empty_at_first(&mut new());
    entries_come_back_in_order(&mut new());
    a_batch_of_nothing_changes_nothing(&mut new());
    a_large_batch_lands_whole(&mut new());
    what_was_appended_survives(&mut new());
    accounts_are_replaced(&mut new());
    terms_are_found_newest_first(&mut new());
    an_incomplete_run_is_not_seen(&mut new());
    a_run_can_begin_anew(&mut new());
    a_term_that_was_written_twice_is_shown_once(&mut new());
    terms_outlive_many_runs(&mut new());
    documents_are_replaced(&mut new());
    readers_see_what_has_returned(&mut new());
    an_erasure_holds_from_its_batch_on(&mut new());
}

fn empty_at_first(subject: &mut impl Subject) {
    for _ in 0..2 {
        let store = subject.open();
        let reader = store.reader();
        assert_eq!(reader.extent().unwrap(), Extent { mark: 0, last: 0, last_account: AccountNumber(0) });
        assert_eq!(reader.documents().unwrap(), []);
        assert_eq!(reader.rows_from(0, 10).unwrap(), []);
        assert_eq!(reader.rows_before(u64::MAX, 10).unwrap(), []);
        assert_eq!(reader.row(1).unwrap(), None);
        assert_eq!(reader.accounts(None, 10).unwrap(), []);
        assert_eq!(reader.account(AccountNumber(1)).unwrap(), None);
        assert_eq!(reader.account_number(StudioNumber(1), &account_id(1)).unwrap(), None);
        assert_eq!(reader.positions(term(1)).unwrap(), [0_u64; 0]);
        assert_eq!(reader.heads(None, 10).unwrap(), []);
        assert_eq!(reader.rows_of(0..Bucket::COUNT, 0, 10).unwrap(), []);
        assert_eq!(all_terms(reader.as_ref()), []);
        reader.sound().unwrap();
    }
}

fn entries_come_back_in_order(subject: &mut impl Subject) {
    let mut store = subject.open();
    let mut world = World::default();
    let rows = world.charges(10);
    append(store.as_mut(), &rows[..4]);
    append(store.as_mut(), &rows[4..]);
    let reader = store.reader();
    check_rows(reader.as_ref(), &rows);
}

fn check_rows(reader: &dyn Reader, rows: &[Row]) {
    let last = u64::try_from(rows.len()).unwrap();
    assert_eq!(reader.extent().unwrap().last, last);
    for row in rows {
        assert_eq!(reader.row(row.position).unwrap().as_ref(), Some(row));
    }
    assert_eq!(reader.row(0).unwrap(), None);
    assert_eq!(reader.row(last + 1).unwrap(), None);
    assert_eq!(reader.rows_from(0, rows.len() + 1).unwrap(), rows);
    assert_eq!(reader.rows_from(3, 2).unwrap(), rows[2..4]);
    assert_eq!(reader.rows_from(last, 5).unwrap(), rows[rows.len() - 1..]);
    assert_eq!(reader.rows_from(last + 1, 5).unwrap(), []);
    let down = |from: usize, to: usize| rows[from..to].iter().rev().cloned().collect::<Vec<_>>();
    assert_eq!(reader.rows_before(u64::MAX, rows.len() + 1).unwrap(), down(0, rows.len()));
    assert_eq!(reader.rows_before(4, 2).unwrap(), down(1, 3));
    assert_eq!(reader.rows_before(2, 5).unwrap(), down(0, 1));
    assert_eq!(reader.rows_before(1, 5).unwrap(), []);
    assert_eq!(reader.rows_before(0, 5).unwrap(), []);
    // All are of one account.
    let bucket = Bucket::of(rows[0].record.account).number();
    assert_eq!(reader.rows_of(bucket..bucket + 1, 0, rows.len() + 1).unwrap(), rows);
    assert_eq!(reader.rows_of(0..Bucket::COUNT, 3, 2).unwrap(), rows[2..4]);
    assert_eq!(reader.rows_of(0..bucket, 1, 5).unwrap(), []);
    assert_eq!(reader.rows_of(bucket + 1..Bucket::COUNT, 1, 5).unwrap(), []);
}

fn a_batch_of_nothing_changes_nothing(subject: &mut impl Subject) {
    let mut store = subject.open();
    let rows = World::default().charges(5);
    store.append(&Batch::default()).unwrap();
    append(store.as_mut(), &rows);
    store.append(&Batch::default()).unwrap();
    check_rows(store.reader().as_ref(), &rows);
}

fn a_large_batch_lands_whole(subject: &mut impl Subject) {
    let mut store = subject.open();
    let rows = World::default().charges(20_000);
    append(store.as_mut(), &rows);
    assert_eq!(store.reader().extent().unwrap().last, 20_000);
    subject.crash();
    let store = subject.open();
    let reader = store.reader();
    let mut from = 1;
    for chunk in rows.chunks(6_000) {
        let read = reader.rows_from(from, 6_000).unwrap();
        assert!(read == chunk, "rows from {from}");
        from += 6_000;
    }
}

fn what_was_appended_survives(subject: &mut impl Subject) {
    let mut world = World::default();
    let mut rows = Vec::new();
    for round in 1..=6_u64 {
        let mut store = subject.open();
        let fresh = world.charges(5);
        store
            .append(&Batch {
                rows: fresh.clone(),
                documents: vec![Document::Clock { now: Time::from_micros(1) }],
                behind: Behind { accounts: vec![world.account(round)], terms: vec![(round, round)], mark: Some(round) },
                ..Batch::default()
            })
            .unwrap();
        rows.extend(fresh);
        // Every other time without closing.
        if round % 2 == 0 {
            subject.crash();
        }
        drop(store);
        let store = subject.open();
        let reader = store.reader();
        check_rows(reader.as_ref(), &rows);
        assert_eq!(reader.extent().unwrap().mark, round);
        assert_eq!(reader.extent().unwrap().last_account, AccountNumber(round));
        assert_eq!(reader.documents().unwrap(), [Document::Clock { now: Time::from_micros(1) }]);
        for earlier in 1..=round {
            assert_eq!(reader.account(AccountNumber(earlier)).unwrap(), Some(stored(&world.account(earlier))));
            assert_eq!(reader.positions(term(earlier)).unwrap(), [earlier]);
        }
    }
}

fn accounts_are_replaced(subject: &mut impl Subject) {
    let mut store = subject.open();
    let mut world = World::default();
    let first = [world.account(1), world.account(2), world.account(5)];
    behind(store.as_mut(), Behind { accounts: first.to_vec(), ..Behind::default() });
    world.grow(2);
    let second = [world.account(2), world.account(9)];
    behind(store.as_mut(), Behind { accounts: second.to_vec(), ..Behind::default() });
    subject.crash();
    let store = subject.open();
    let reader = store.reader();
    let all: Vec<StoredAccount> = [&first[0], &second[0], &first[2], &second[1]].map(stored).to_vec();
    assert_eq!(reader.accounts(None, 10).unwrap(), all);
    assert_eq!(reader.accounts(None, 2).unwrap(), all[..2]);
    assert_eq!(reader.accounts(Some(AccountNumber(2)), 10).unwrap(), all[2..]);
    assert_eq!(reader.accounts(Some(AccountNumber(9)), 10).unwrap(), []);
    let head = |stored: &StoredAccount| Head {
        account: stored.account.number,
        seq: stored.account.seq,
        head: stored.account.head,
    };
    let heads: Vec<Head> = all.iter().map(head).collect();
    assert_eq!(reader.heads(None, 10).unwrap(), heads);
    assert_eq!(reader.heads(Some(AccountNumber(1)), 2).unwrap(), heads[1..3]);
    assert_eq!(reader.heads(Some(AccountNumber(9)), 10).unwrap(), []);
    reader.sound().unwrap();
    for account in &all {
        let account = &account.account;
        assert_eq!(reader.account_number(account.studio, &account.id).unwrap(), Some(account.number));
        assert_eq!(reader.account_number(StudioNumber(77), &account.id).unwrap(), None);
    }
    assert_eq!(reader.extent().unwrap().last_account, AccountNumber(9));
}

fn terms_are_found_newest_first(subject: &mut impl Subject) {
    let mut store = subject.open();
    // Terms at both ends of the range, one that many entries carry, and pieces that divide it.
    let mut run = vec![(0, 3), (0, 8), (4, 1)];
    run.extend((1..2_000).map(|n| (1 << 63, n)));
    run.extend([(u64::MAX, 2), (u64::MAX, 9)]);
    for piece in run.chunks(700) {
        behind(store.as_mut(), Behind { terms: piece.to_vec(), ..Behind::default() });
    }
    behind(store.as_mut(), Behind { mark: Some(2_000), ..Behind::default() });
    behind(
        store.as_mut(),
        Behind { terms: vec![(0, 2_001), (1 << 63, 2_002)], mark: Some(2_002), ..Behind::default() },
    );
    let many: Vec<u64> = std::iter::once(2_002).chain((1..2_000).rev()).collect();
    for _ in 0..2 {
        let reader = store.reader();
        assert_eq!(reader.positions(term(0)).unwrap(), [2_001, 8, 3]);
        assert_eq!(reader.positions(term(4)).unwrap(), [1]);
        assert_eq!(reader.positions(term(1 << 63)).unwrap(), many);
        assert_eq!(reader.positions(term(u64::MAX)).unwrap(), [9, 2]);
        assert_eq!(reader.positions(term(5)).unwrap(), [0_u64; 0]);
        subject.crash();
        store = subject.open();
    }
}

fn an_incomplete_run_is_not_seen(subject: &mut impl Subject) {
    let mut store = subject.open();
    behind(store.as_mut(), Behind { terms: vec![(1, 1), (2, 2)], ..Behind::default() });
    assert_eq!(store.reader().positions(term(1)).unwrap(), [0_u64; 0]);
    assert_eq!(all_terms(store.reader().as_ref()), []);
    subject.crash();
    let mut store = subject.open();
    assert_eq!(store.reader().positions(term(1)).unwrap(), [0_u64; 0]);
    behind(store.as_mut(), Behind { terms: vec![(1, 1)], ..Behind::default() });
    behind(store.as_mut(), Behind { terms: vec![(2, 2), (3, 3)], mark: Some(3), ..Behind::default() });
    for key in 1..=3 {
        assert_eq!(store.reader().positions(term(key)).unwrap(), [key]);
    }
}

fn a_run_can_begin_anew(subject: &mut impl Subject) {
    let mut store = subject.open();
    behind(store.as_mut(), Behind { terms: vec![(1, 1), (5, 5)], ..Behind::default() });
    behind(store.as_mut(), Behind { terms: vec![(1, 1), (2, 2)], ..Behind::default() });
    behind(store.as_mut(), Behind { terms: vec![(5, 5)], mark: Some(5), ..Behind::default() });
    for key in [1, 2, 5] {
        assert_eq!(store.reader().positions(term(key)).unwrap(), [key]);
    }
}

/// After a crash entries are indexed again.
fn a_term_that_was_written_twice_is_shown_once(subject: &mut impl Subject) {
    let mut store = subject.open();
    behind(store.as_mut(), Behind { terms: vec![(1, 1), (2, 2)], mark: Some(2), ..Behind::default() });
    behind(store.as_mut(), Behind { terms: vec![(2, 2), (2, 3)], mark: Some(3), ..Behind::default() });
    assert_eq!(all_terms(store.reader().as_ref()), [(1, 1), (2, 2), (2, 3)]);
    subject.crash();
    assert_eq!(all_terms(subject.open().reader().as_ref()), [(1, 1), (2, 2), (2, 3)]);
}

/// Many runs of many sizes, with upkeep between them: never a term that is not found.
fn terms_outlive_many_runs(subject: &mut impl Subject) {
    let mut store = subject.open();
    let mut position = 0;
    let mut all: Vec<(u64, u64)> = Vec::new();
    for run in 0..40_u64 {
        let mut pairs: Vec<(u64, u64)> = (0..if run % 10 == 0 { 3_000 } else { 20 })
            .map(|_| {
                position += 1;
                (spread(position % 3_500), position)
            })
            .collect();
        pairs.sort_unstable();
        all.extend(&pairs);
        behind(store.as_mut(), Behind { terms: pairs, mark: Some(position), ..Behind::default() });
        for _ in 0..6 {
            store.upkeep().unwrap();
        }
        if run % 13 == 12 {
            subject.crash();
            store = subject.open();
        }
    }
    let found = |store: &dyn Store| {
        let reader = store.reader();
        for n in 0..3_500 {
            let key = spread(n);
            let mut expected: Vec<u64> = all.iter().filter(|(term, _)| *term == key).map(|(_, at)| *at).collect();
            expected.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(reader.positions(term(key)).unwrap(), expected, "term {n}");
        }
        let mut every = all.clone();
        every.sort_unstable();
        assert!(all_terms(reader.as_ref()) == every, "every term once, in order");
    };
    found(store.as_ref());
    for _ in 0..500 {
        store.upkeep().unwrap();
    }
    found(store.as_ref());
    subject.crash();
    found(subject.open().as_ref());
}

fn documents_are_replaced(subject: &mut impl Subject) {
    let time = Time::from_micros;
    let studio = |number, id: &str| Document::Studio { number: StudioNumber(number), id: StudioId::parse(id).unwrap() };
    let catalog = |studio, version, source: &str| Document::Catalog {
        studio: StudioNumber(studio),
        version,
        published_at: time(5),
        effective: time(6),
        format: if version == 1 { Format::Toml } else { Format::Json },
        source: Arc::from(source),
    };
    let key = |id: &str, revoked_at| {
        Document::Key(KeyDocument {
            id: id.into(),
            studio: StudioNumber(1),
            role: Role::Jobs,
            digest: [9; 32],
            hint: "abcd".into(),
            created_at: time(7),
            revoked_at,
        })
    };
    let import = |state| Document::Import(ImportDocument { origin: [3; 32], state });
    let secret = |studio, byte| Document::TokenSecret { studio: StudioNumber(studio), secret: TokenSecret([byte; 32]) };
    let note = |studio, name: &str, text: &str| {
        Document::Note(Note { studio: StudioNumber(studio), name: name.into(), text: text.into() })
    };
    let mut store = subject.open();
    let first = vec![
        key("key_b", None),
        studio(2, "second"),
        studio(1, "first"),
        catalog(1, 2, "{}"),
        catalog(1, 1, "a = 1"),
        key("key_a", None),
        import(ImportState::UnderWay),
        secret(2, 1),
        secret(1, 2),
        note(1, "b", "one"),
        note(2, "a", "two"),
        note(1, "a", ""),
        Document::Clock { now: time(1) },
    ];
    store.append(&Batch { documents: first, ..Batch::default() }).unwrap();
    let second = vec![
        key("key_b", Some(time(8))),
        Document::Clock { now: time(2) },
        import(ImportState::Complete),
        secret(2, 3),
        note(1, "b", "three"),
        Document::Clock { now: time(3) },
    ];
    store.append(&Batch { documents: second, ..Batch::default() }).unwrap();
    subject.crash();
    let expected = [
        studio(1, "first"),
        studio(2, "second"),
        catalog(1, 1, "a = 1"),
        catalog(1, 2, "{}"),
        key("key_a", None),
        key("key_b", Some(time(8))),
        Document::Clock { now: time(3) },
        import(ImportState::Complete),
        secret(1, 2),
        secret(2, 3),
        note(1, "a", ""),
        note(1, "b", "three"),
        note(2, "a", "two"),
    ];
    assert_eq!(subject.open().reader().documents().unwrap(), expected);
}

/// Readers in other threads see an append as soon as it has returned, and never half of a batch.
fn readers_see_what_has_returned(subject: &mut impl Subject) {
    const BATCHES: u64 = 60;
    const SIZE: usize = 5;
    let mut store = subject.open();
    let (reader, rows) = (store.reader(), World::default().charges(60 * SIZE));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = Arc::clone(&reader);
            scope.spawn(move || {
                let mut last = 0;
                while last < BATCHES * u64::try_from(SIZE).unwrap() {
                    let seen = reader.extent().unwrap().last;
                    assert!(seen >= last && seen.is_multiple_of(u64::try_from(SIZE).unwrap()), "{last} {seen}");
                    last = seen;
                }
            });
        }
        for (batch, number) in rows.chunks(SIZE).zip(1..) {
            append(store.as_mut(), batch);
            assert_eq!(reader.extent().unwrap().last, number * u64::try_from(SIZE).unwrap());
        }
    });
}

/// Every term of the index with its position.
fn all_terms(reader: &dyn Reader) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    reader.terms(&mut |term, position| found.push((term, position))).unwrap();
    found
}

fn an_erasure_holds_from_its_batch_on(subject: &mut impl Subject) {
    let mut store = subject.open();
    let mut world = World::default();
    let mut rows = world.charges(5_000);
    append(store.as_mut(), &rows);
    behind(
        store.as_mut(),
        Behind { accounts: (1..=9).map(|number| world.account(number)).collect(), ..Behind::default() },
    );
    assert_eq!(store.reader().erasing().unwrap(), []);

    // Of account 3, and the text of the erasure's own entry stays.
    let own = world.charges(1);
    let stored_as = world.erased(3);
    let erasure = Erasure { stored: stored_as.clone(), position: own[0].position };
    store.append(&Batch { rows: own.clone(), erasures: vec![erasure], ..Batch::default() }).unwrap();
    rows.iter_mut().for_each(|row| row.record.texts = None);
    rows.extend(own);
    let check_erased = |reader: &dyn Reader, rows: &[Row]| {
        check_rows(reader, rows);
        assert_eq!(reader.account(AccountNumber(3)).unwrap(), Some(stored(&stored_as)));
        assert_eq!(reader.account_number(StudioNumber(1), &account_id(3)).unwrap(), None);
        assert_eq!(reader.account_number(StudioNumber(1), &stored_as.account.id).unwrap(), Some(AccountNumber(3)));
        for other in [1, 2, 4, 9] {
            assert_eq!(reader.account(AccountNumber(other)).unwrap(), Some(stored(&world.account(other))));
            assert_eq!(reader.account_number(StudioNumber(1), &account_id(other)).unwrap(), Some(AccountNumber(other)));
        }
    };
    check_erased(store.reader().as_ref(), &rows);
    subject.crash();
    let mut store = subject.open();
    check_erased(store.reader().as_ref(), &rows);
    // Some of it, a crash, and the rest. Another account may have the old id meanwhile.
    store.upkeep().unwrap();
    subject.crash();
    let mut store = subject.open();
    check_erased(store.reader().as_ref(), &rows);
    let heir = world.named(10, account_id(3));
    behind(store.as_mut(), Behind { accounts: vec![heir.clone()], ..Behind::default() });
    for _ in 0..1_000 {
        if store.reader().erasing().unwrap().is_empty() {
            break;
        }
        store.upkeep().unwrap();
    }
    assert_eq!(store.reader().erasing().unwrap(), []);
    drop(store);
    let reader = subject.open().reader();
    check_rows(reader.as_ref(), &rows);
    assert_eq!(reader.account(AccountNumber(10)).unwrap(), Some(stored(&heir)));
    assert_eq!(reader.account_number(StudioNumber(1), &account_id(3)).unwrap(), Some(AccountNumber(10)));
}

fn append(store: &mut dyn Store, rows: &[Row]) {
    store.append(&Batch { rows: rows.to_vec(), ..Batch::default() }).unwrap();
}

fn behind(store: &mut dyn Store, behind: Behind) {
    store.append(&Batch { behind, ..Batch::default() }).unwrap();
}

fn stored(account: &StoredAccountRef) -> StoredAccount {
    StoredAccount { account: Account::clone(&account.account), trail: account.trail.clone() }
}

/// A term that is indexed by this key.
fn term(key: u64) -> Term {
    Term(u128::from(key) << 64 | 0x5555)
}

/// Keys as digests are: spread over all 64 bits.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32)
}

fn account_id(number: u64) -> AccountId {
    AccountId::parse(&format!("account-{number}")).expect("of the right alphabet")
}

/// Makes accounts and entries to store; only their shape is right, their amounts mean nothing.
#[derive(Default)]
struct World {
    entries: u64,
    trail: Trail,
    head: Hash,
    grown: u64,
}

impl World {
    /// Charges of one account, each with a text.
    fn charges(&mut self, count: usize) -> Vec<Row> {
        (0..count).map(|_| self.charge()).collect()
    }

    fn charge(&mut self) -> Row {
        self.entries += 1;
        let seq = self.entries;
        let links = self.trail.push(seq, seq);
        let credits = Credits::whole(i64::try_from(seq % 50).expect("below 50"));
        let change = LotChange {
            lot: LotId::first(1),
            class: Class::TopUp,
            remaining: -credits,
            held: Credits::ZERO,
            frozen: Credits::ZERO,
            unspent: None,
        };
        let (salt, reference) = ([7; 16], format!("job \"{seq}\""));
        let entry = Entry {
            account: AccountNumber(3),
            seq,
            at: Time::from_micros(1_767_225_600_000_000 + i64::try_from(seq).expect("a small number")),
            event: Event::Charged {
                priced: Priced {
                    tool: Some(ToolId::parse("live-action").expect("a tool's id")),
                    measures: Measures::none(),
                    catalog_version: 1,
                },
                credits,
            },
            makes: Vec::new(),
            lots: vec![change],
            debt: Credits::ZERO,
            books: vec![Posting { book: Book::Spent, credits }],
            after: Totals { remaining: Credits::whole(1_000_000), ..Totals::default() },
            bound: None,
            texts: Texts {
                salt: Some(salt),
                fields: vec![Text {
                    field: TextField::Reference,
                    digest: Text::digest(&salt, TextField::Reference, &reference),
                    text: Some(reference.into_boxed_str()),
                }],
            },
        };
        let record = journal::encode(&entry, self.head);
        self.head = record.hash;
        Row { position: seq, links: Some(links), record }
    }

    /// Accounts made from now on have more in them.
    fn grow(&mut self, seq: u64) {
        self.grown += seq;
    }

    fn account(&self, number: u64) -> StoredAccountRef {
        self.named(number, account_id(number))
    }

    /// The account as its erasure leaves it.
    fn erased(&self, number: u64) -> StoredAccountRef {
        let stored = self.named(number, AccountId::erased(AccountNumber(number)));
        let account = Account { name: None, ..Account::clone(&stored.account) };
        StoredAccountRef { account: Arc::new(account), ..stored }
    }

    fn named(&self, number: u64, id: AccountId) -> StoredAccountRef {
        let lot = Lot {
            id: LotId::first(2),
            class: Class::Promo,
            priority: Priority(10),
            granted_at: Time::from_micros(3),
            expires_at: None,
            granted: Credits::whole(100),
            remaining: Credits::from_millionths(62_500_001),
            held: Credits::ZERO,
            frozen: Credits::ZERO,
            sold: None,
        };
        let account = Account {
            name: Some(Arc::from("A \"name\"")),
            zone: Zone::parse("Asia/Kathmandu").expect("a zone"),
            seq: number + self.grown,
            head: Hash([u8::try_from(number).expect("a small number"); 32]),
            lots: vec![lot],
            ..Account::unopened(StudioNumber(1), AccountNumber(number), id)
        };
        StoredAccountRef { account: Arc::new(account), trail: Trail::from_positions(vec![1, number + 7]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    struct Memory(MemoryStore);

    impl Subject for Memory {
        fn open(&mut self) -> Box<dyn Store> {
            // What a closed store leaves is what a crash leaves.
            self.crash();
            Box::new(self.0.clone())
        }

        fn crash(&mut self) {
            self.0 = self.0.crashed();
        }
    }

    #[test]
    fn the_store_in_memory_conforms() {
        check(|| Memory(MemoryStore::new()));
    }
}
