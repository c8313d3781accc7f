//! What every store that several servers share must do, as one suite of tests: [`check`] panics where a store does not.
//!
//! A store shows itself through a [`Subject`], which opens handles on the same contents, as servers do.

use std::sync::{Arc, Barrier};

use scrip_core::account::{Account, Hash, Totals};
use scrip_core::amount::Credits;
use scrip_core::bucket::Bucket;
use scrip_core::catalog::Format;
use scrip_core::entry::{Book, Entry, Event, Kind, LotChange, Posting, Text, TextField, Texts};
use scrip_core::hold::Priced;
use scrip_core::id::{AccountId, AccountNumber, LotId, StudioId, StudioNumber, ToolId};
use scrip_core::journal::{self, Record};
use scrip_core::lot::Class;
use scrip_core::measure::Measures;
use scrip_core::term::Term;
use scrip_core::time::Time;

use super::{
    Appended, Draft, EarlierTexts, EntryPlace, Filling, Found, FoundAccount, JointStore, StudioQuery, Wanted,
    WantedAccount,
};
use crate::store::{Document, Extent, KeyDocument, Reader, Role, StoreError, StoredAccount, indexed};

/// A store under test.
pub trait Subject {
    /// Another handle on the same store, as another server would have.
    fn open(&mut self) -> Arc<dyn JointStore>;
}

/// Runs the suite, each test on a new, empty store.
pub fn check<S: Subject>(mut new: impl FnMut() -> S) {
    empty_at_first(&mut new());
    what_has_landed_is_found(&mut new());
    an_unmoved_account_is_not_sent_again(&mut new());
    the_later_of_two_is_late(&mut new());
    an_account_that_comes_twice_lands_once(&mut new());
    another_history_is_not_gone_on_with(&mut new());
    a_late_draft_spoils_no_other(&mut new());
    an_id_is_opened_once(&mut new());
    a_large_batch_lands_whole(&mut new());
    terms_lead_to_the_newest(&mut new());
    what_must_be_new_is_looked_for(&mut new());
    an_erasure_leaves_no_text(&mut new());
    documents_go_by_editions(&mut new());
    a_studio_is_read_by_time(&mut new());
    a_snapshot_stands_still(&mut new());
    one_of_many_lands(&mut new());
}

/// Runs what imports ask of a store, each test on a new, empty one: [`check`] is what servers do.
pub fn check_filling<S: Subject>(mut new: impl FnMut() -> S) {
    a_journal_is_taken_in_in_its_order(&mut new());
    numbers_of_other_buckets_are_found_by_their_ids(&mut new());
    an_erased_number_of_another_bucket_frees_its_id(&mut new());
    what_an_import_sent_before_it_was_overtaken_does_not_land(&mut new());
}

/// An account of this id is opened, with an entry, under the `draw`-th number of its bucket: for stores' tests of their own.
pub fn opening(name: &str, draw: usize) -> Draft {
    Customer::new(name, draw).charges(1)
}

fn empty_at_first(subject: &mut impl Subject) {
    let store = subject.open();
    assert_eq!(store.documents(None).unwrap().documents, Some(Vec::new()));
    let found = look(store.as_ref(), "ana", None);
    assert!(matches!(found, FoundAccount::Missing));
    let nothing =
        Wanted { entries: vec![(AccountNumber(1), 1)], terms: vec![(AccountNumber(1), Term(1))], ..Wanted::default() };
    let found = store.fetch(&nothing).unwrap();
    assert_eq!((found.entries, found.terms), (vec![None], vec![None]));
    assert_eq!(store.entries(AccountNumber(1), u64::MAX, 10).unwrap(), []);
    assert_eq!(store.accounts(None, 10).unwrap(), []);
    assert_eq!(store.accounts_of(&[AccountNumber(1)]).unwrap(), [None]);
    assert_eq!(store.newest_of_any(Term(1)).unwrap(), None);
    assert_eq!(store.last_instant().unwrap(), None);
    assert!(store.append(&[]).is_empty());
    store.confirm(&[AccountNumber(1)]).unwrap();
    let reader = store.snapshot().unwrap();
    assert_eq!(reader.extent().unwrap(), Extent { mark: 0, last: 0, last_account: AccountNumber(0) });
    assert_eq!(reader.rows_from(0, 10).unwrap(), []);
    assert_eq!(reader.heads(None, 10).unwrap(), []);
    reader.sound().unwrap();
}

fn what_has_landed_is_found(subject: &mut impl Subject) {
    let (store, other) = (subject.open(), subject.open());
    let mut ana = Customer::new("ana", 1);
    let mut all = Vec::new();
    for count in [1, 3, 2] {
        let draft = ana.charges(count);
        assert!(matches!(look(other.as_ref(), "ana", None), FoundAccount::Missing) || draft.follows > 0);
        land(store.as_ref(), std::slice::from_ref(&draft));
        all.extend(draft.records);
        for store in [&store, &other] {
            let found = there(look(store.as_ref(), "ana", None));
            assert_eq!(*found, *draft.account);
            assert_eq!(store.accounts_of(&[ana.number]).unwrap(), [Some(Account::clone(&draft.account))]);
            assert_eq!(store.accounts(None, 10).unwrap(), [Account::clone(&draft.account)]);
            let mut newest_first = all.clone();
            newest_first.reverse();
            assert_eq!(store.entries(ana.number, u64::MAX, 100).unwrap(), newest_first);
            let last = u64::try_from(all.len()).unwrap();
            assert_eq!(store.entries(ana.number, last, 1).unwrap(), newest_first.get(1..2).unwrap_or_default());
            let wanted = (0..=last + 1).map(|seq| (ana.number, seq)).collect();
            let found = store.fetch(&Wanted { entries: wanted, ..Wanted::default() }).unwrap().entries;
            let expected: Vec<Option<Record>> =
                std::iter::once(None).chain(all.iter().cloned().map(Some)).chain([None]).collect();
            assert_eq!(found, expected);
            assert_eq!(store.last_instant().unwrap(), all.last().map(|record| record.at));
        }
    }
    assert_eq!(store.accounts(Some(ana.number), 10).unwrap(), []);
    // Of the same id in another studio there is none.
    let accounts = vec![WantedAccount { studio: StudioNumber(2), id: id("ana"), known: None }];
    let found = store.fetch(&Wanted { accounts, ..Wanted::default() }).unwrap();
    assert!(matches!(found.accounts[..], [FoundAccount::Missing]));
}

fn an_unmoved_account_is_not_sent_again(subject: &mut impl Subject) {
    let store = subject.open();
    let (mut ana, mut bo) = (Customer::new("ana", 1), Customer::new("bo", 2));
    let opening = ana.charges(2);
    let (first, second) = (opening.records[0].hash, opening.records[1].hash);
    land(store.as_ref(), &[opening, bo.charges(1)]);
    assert!(matches!(look(store.as_ref(), "ana", Some((ana.number, second))), FoundAccount::Unmoved));
    assert_eq!(there(look(store.as_ref(), "ana", Some((ana.number, first)))).seq, 2);
    // Known as another account: an id can come to be another's.
    assert_eq!(there(look(store.as_ref(), "bo", Some((ana.number, first)))).number, bo.number);
    // In the order in which they were wanted, the same one twice.
    let wanted = |name: &str, known| WantedAccount { studio: StudioNumber(1), id: id(name), known };
    let accounts =
        vec![wanted("cy", None), wanted("bo", None), wanted("ana", Some((ana.number, second))), wanted("bo", None)];
    let Found { accounts, .. } = store.fetch(&Wanted { accounts, ..Wanted::default() }).unwrap();
    assert!(matches!(
        &accounts[..],
        [FoundAccount::Missing, FoundAccount::There(_), FoundAccount::Unmoved, FoundAccount::There(_)]
    ));
}

fn the_later_of_two_is_late(subject: &mut impl Subject) {
    let (one, two) = (subject.open(), subject.open());
    let mut ana = Customer::new("ana", 1);
    land(one.as_ref(), &[ana.charges(2)]);
    let mut elsewhere = ana.clone();
    let (first, second) = (ana.charges(2), elsewhere.charges(1));
    land(one.as_ref(), std::slice::from_ref(&first));
    for _ in 0..2 {
        assert_eq!(outcomes(two.append(std::slice::from_ref(&second))), [Appended::Late]);
    }
    assert_eq!(*there(look(two.as_ref(), "ana", None)), *first.account);
    assert_eq!(two.entries(ana.number, u64::MAX, 10).unwrap().len(), 4);
    for (term, _) in &second.terms {
        let terms = vec![(ana.number, *term)];
        let found = two.fetch(&Wanted { terms, ..Wanted::default() }).unwrap().terms;
        // Both charged with the same keys: what is found is the one that landed.
        assert_eq!(found, [Some(first.records[0].clone())]);
    }
}

/// Who knows an account by an id that it has no more may ask for it beside who knows the new one.
fn an_account_that_comes_twice_lands_once(subject: &mut impl Subject) {
    let store = subject.open();
    let (mut ana, mut innocent) = (Customer::new("ana", 1), Customer::new("bo", 1));
    land(store.as_ref(), &[ana.charges(2), innocent.charges(1)]);
    let mut stale = ana.clone();
    land(store.as_ref(), &[ana.charges(1)]);
    let drafts = [stale.charges(2), ana.charges(1), innocent.charges(1)];
    assert_eq!(outcomes(store.append(&drafts)), [Appended::Late, Appended::Landed, Appended::Landed]);
    assert_eq!(*there(look(store.as_ref(), "ana", None)), *drafts[1].account);
    assert_eq!(store.entries(ana.number, u64::MAX, 10).unwrap().len(), 4);
    holds_together(store.as_ref());
}

/// An entry was lost with a server of the database, and another one written in its place: who saw the lost one has seen as many.
fn another_history_is_not_gone_on_with(subject: &mut impl Subject) {
    let (one, two) = (subject.open(), subject.open());
    let mut ana = Customer::new("ana", 1);
    let real = ana.charges(2);
    land(one.as_ref(), std::slice::from_ref(&real));
    let lost = Hash([7; 32]);
    let mut elsewhere = ana.clone();
    elsewhere.account.head = lost;
    let found = look(two.as_ref(), "ana", Some((ana.number, lost)));
    assert_eq!(*there(found), *real.account);
    assert_eq!(outcomes(two.append(&[elsewhere.charges(1)])), [Appended::Late]);
    assert_eq!(*there(look(two.as_ref(), "ana", None)), *real.account);
    land(two.as_ref(), &[ana.charges(1)]);
    holds_together(two.as_ref());
}

fn a_late_draft_spoils_no_other(subject: &mut impl Subject) {
    let store = subject.open();
    // Some of them in one bucket, to be told apart within one transaction.
    let mut customers: Vec<Customer> = (0..12).map(|n| Customer::new(&format!("customer-{n}"), n % 4)).collect();
    let opened: Vec<Draft> = customers.iter_mut().map(|customer| customer.charges(2)).collect();
    land(store.as_ref(), &opened);
    let mut late = customers.clone();
    let first: Vec<Draft> = customers.iter_mut().step_by(3).map(|customer| customer.charges(1)).collect();
    land(store.as_ref(), &first);
    let drafts: Vec<Draft> = late.iter_mut().map(|customer| customer.charges(2)).collect();
    let expected: Vec<Appended> = (0..12).map(|n| if n % 3 == 0 { Appended::Late } else { Appended::Landed }).collect();
    assert_eq!(outcomes(store.append(&drafts)), expected);
    for (n, (customer, draft)) in customers.iter().zip(&drafts).enumerate() {
        let count = store.entries(customer.number, u64::MAX, 10).unwrap().len();
        assert_eq!(count, if n % 3 == 0 { 3 } else { 4 }, "customer {n}");
        let found = there(look(store.as_ref(), &format!("customer-{n}"), None));
        assert_eq!(*found == *draft.account, n % 3 != 0, "customer {n}");
    }
    holds_together(store.as_ref());
}

fn an_id_is_opened_once(subject: &mut impl Subject) {
    let (one, two) = (subject.open(), subject.open());
    let (mut ana, mut other) = (Customer::new("ana", 1), Customer::new("ana", 2));
    land(one.as_ref(), &[ana.charges(1)]);
    assert_eq!(outcomes(two.append(&[other.charges(1)])), [Appended::Late]);
    // Nor is a number drawn twice.
    let mut same_number = Customer { id: id("bo"), ..Customer::new("bo", 1) };
    same_number.account = Account { number: ana.number, ..same_number.account };
    same_number.number = ana.number;
    assert_eq!(outcomes(two.append(&[same_number.charges(1)])), [Appended::Late]);
    assert_eq!(there(look(two.as_ref(), "ana", None)).number, ana.number);
    assert_eq!(two.accounts_of(&[other.number, ana.number]).unwrap()[0], None);
    assert_eq!(two.entries(other.number, u64::MAX, 9).unwrap(), []);
    assert!(matches!(look(two.as_ref(), "bo", None), FoundAccount::Missing));
}

fn a_large_batch_lands_whole(subject: &mut impl Subject) {
    let store = subject.open();
    let mut customers: Vec<Customer> = (0..400).map(|n| Customer::new(&format!("customer-{n}"), n)).collect();
    for count in [1, 5] {
        let drafts: Vec<Draft> = customers.iter_mut().map(|customer| customer.charges(count)).collect();
        land(store.as_ref(), &drafts);
    }
    assert_eq!(store.snapshot().unwrap().extent().unwrap().last, 2_400);
    let numbers: Vec<AccountNumber> = store.accounts(None, 1_000).unwrap().iter().map(|one| one.number).collect();
    assert_eq!(numbers.len(), 400);
    assert!(numbers.is_sorted(), "by number");
    holds_together(store.as_ref());
}

fn terms_lead_to_the_newest(subject: &mut impl Subject) {
    let store = subject.open();
    let (mut ana, mut bo) = (Customer::new("ana", 1), Customer::new("bo", 2));
    let shared = Term(u128::MAX);
    let (mut first, mut second, mut others) = (ana.charges(2), ana.charges(2), bo.charges(1));
    first.terms.extend([(shared, 1), (shared, 2)]);
    land(store.as_ref(), std::slice::from_ref(&first));
    let newest = |account| {
        let wanted = Wanted { terms: vec![(account, shared)], ..Wanted::default() };
        store.fetch(&wanted).unwrap().terms.remove(0)
    };
    assert_eq!(newest(ana.number), Some(first.records[1].clone()));
    assert_eq!(newest(bo.number), None);
    second.terms.push((shared, 3));
    others.terms.push((shared, 1));
    land(store.as_ref(), &[second.clone(), others.clone()]);
    assert_eq!(newest(ana.number), Some(second.records[0].clone()));
    assert_eq!(newest(bo.number), Some(others.records[0].clone()));
    // All of them, each once, and no other account's.
    let other = second.terms[1].0;
    for (terms, before, limit, expected) in [
        (vec![shared], u64::MAX, 10, vec![3, 2, 1]),
        (vec![shared, other, shared], u64::MAX, 10, vec![4, 3, 2, 1]),
        (vec![shared], 3, 10, vec![2, 1]),
        (vec![shared, other], u64::MAX, 2, vec![4, 3]),
        (vec![Term(7)], u64::MAX, 10, vec![]),
        (vec![], u64::MAX, 10, vec![]),
    ] {
        let found = store.carrying(ana.number, &terms, before, limit).unwrap();
        assert_eq!(found.iter().map(|record| record.seq).collect::<Vec<_>>(), expected, "{terms:?} before {before}");
        let all: Vec<&Record> = first.records.iter().chain(&second.records).collect();
        assert!(found.iter().all(|record| all.contains(&record)));
    }
    let of_any = store.newest_of_any(Term(7)).unwrap();
    assert_eq!(of_any, None);
    assert_eq!(store.newest_of_any(second.terms[1].0).unwrap(), Some(second.records[1].clone()));
}

fn what_must_be_new_is_looked_for(subject: &mut impl Subject) {
    let store = subject.open();
    let mut customers: Vec<Customer> = (0..6).map(|n| Customer::new(&format!("customer-{n}"), n % 2)).collect();
    let first: Vec<Draft> = customers.iter_mut().map(|customer| customer.charges(2)).collect();
    land(store.as_ref(), &first);
    let mut late = customers.clone();
    let mut drafts: Vec<Draft> = customers.iter_mut().map(|customer| customer.charges(1)).collect();
    let seen = |n: usize| first[n].terms[0].0;
    // It is another account's, or nobody's.
    drafts[1].unseen = vec![seen(0)];
    drafts[2].unseen = vec![Term(8), Term(9)];
    // It is the account's own, last or first of several; what the draft itself carries is not meant.
    drafts[0].unseen = vec![Term(9), seen(0)];
    drafts[3].unseen = vec![seen(3), Term(9)];
    drafts[4].unseen = vec![drafts[4].terms[0].0];
    let expected =
        [Appended::Late, Appended::Landed, Appended::Landed, Appended::Late, Appended::Landed, Appended::Landed];
    assert_eq!(outcomes(store.append(&drafts)), expected);
    // Nothing of them was added, and nothing stands in the way of what is right.
    land(store.as_ref(), &[late[0].charges(1), late[3].charges(1)]);
    holds_together(store.as_ref());
}

fn an_erasure_leaves_no_text(subject: &mut impl Subject) {
    let store = subject.open();
    let (mut ana, mut bo) = (Customer::new("ana", 1), Customer::new("bo", 1));
    land(store.as_ref(), &[ana.charges(3), bo.charges(1)]);
    let mut erasure = ana.charges(1);
    ana.erase_with(&mut erasure);
    land(store.as_ref(), &[erasure]);
    let texts = |account| {
        let entries = store.entries(account, u64::MAX, 10).unwrap();
        entries.iter().map(|record| record.texts.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(texts(ana.number), [true, false, false, false]);
    assert_eq!(texts(bo.number), [true]);
    assert!(matches!(look(store.as_ref(), "ana", None), FoundAccount::Missing));
    assert_eq!(there(look(store.as_ref(), ana.id.as_str(), None)).number, ana.number);
    // Nobody who was not erased is found as if.
    assert!(matches!(look(store.as_ref(), AccountId::erased(bo.number).as_str(), None), FoundAccount::Missing));
    // The id is free, and the account goes on.
    let mut heir = Customer::new("ana", 3);
    land(store.as_ref(), &[heir.charges(1), ana.charges(1)]);
    assert_eq!(there(look(store.as_ref(), "ana", None)).number, heir.number);
    let last = store.snapshot().unwrap();
    assert_eq!(last.erasing().unwrap(), []);
    assert_eq!(last.account_number(StudioNumber(1), &id("ana")).unwrap(), Some(heir.number));
}

fn documents_go_by_editions(subject: &mut impl Subject) {
    let (one, two) = (subject.open(), subject.open());
    let studio = Document::Studio { number: StudioNumber(1), id: StudioId::parse("first").unwrap() };
    let catalog = Document::Catalog {
        studio: StudioNumber(1),
        version: 1,
        published_at: Time::from_micros(5),
        effective: Time::from_micros(6),
        format: Format::Toml,
        source: Arc::from("a = 1"),
    };
    let key = |revoked_at| {
        Document::Key(KeyDocument {
            id: "key_a".into(),
            studio: StudioNumber(1),
            role: Role::Jobs,
            digest: [9; 32],
            hint: "abcd".into(),
            created_at: Time::from_micros(7),
            revoked_at,
        })
    };
    let clock = Document::Clock { now: Time::from_micros(8) };
    let empty = one.documents(None).unwrap();
    assert!(empty.now > Time::parse("2026-01-01T00:00:00Z").unwrap(), "a clock that goes");
    assert_eq!(one.put(empty.number, &[studio.clone(), catalog.clone()]).unwrap(), Appended::Landed);
    assert_eq!(two.put(empty.number, &[key(None)]).unwrap(), Appended::Late);
    let second = two.documents(Some(empty.number)).unwrap();
    assert_eq!(second.documents, Some(vec![studio.clone(), catalog.clone()]));
    assert_eq!(two.documents(Some(second.number)).unwrap().documents, None);
    assert_eq!(two.put(second.number, &[clock.clone(), key(None)]).unwrap(), Appended::Landed);
    let third = one.documents(Some(second.number)).unwrap();
    assert_eq!(third.documents, Some(vec![studio.clone(), catalog.clone(), key(None), clock.clone()]));
    let revoked = key(Some(Time::from_micros(9)));
    assert_eq!(one.put(third.number, std::slice::from_ref(&revoked)).unwrap(), Appended::Landed);
    assert_eq!(two.snapshot().unwrap().documents().unwrap(), [studio, catalog, revoked, clock]);
}

fn a_studio_is_read_by_time(subject: &mut impl Subject) {
    let store = subject.open();
    let mut all = Vec::new();
    for (n, studio) in [(0_u64, 1), (1, 1), (2, 2), (3, 1)] {
        let mut customer = Customer::of(studio, &format!("customer-{n}"), usize::try_from(n).unwrap());
        let draft = customer.charges(40);
        all.extend(draft.records.iter().cloned().map(|record| (studio, customer.id.clone(), record)));
        land(store.as_ref(), &[draft]);
    }
    all.retain(|(studio, _, _)| *studio == 1);
    all.sort_by_key(|(_, _, record)| std::cmp::Reverse(EntryPlace::of(record)));
    let expected: Vec<(AccountId, Record)> = all.into_iter().map(|(_, id, record)| (id, record)).collect();
    let query = StudioQuery {
        studio: StudioNumber(1),
        before: None,
        limit: 1_000,
        kinds: &[Kind::Charge],
        tool: None,
        from: None,
        to: None,
    };
    let read = |query: StudioQuery<'_>| store.studio_entries(&query).unwrap();
    assert_eq!(read(query), expected);
    // Page by page.
    let (mut paged, mut before) = (Vec::new(), None);
    loop {
        let page = read(StudioQuery { before, limit: 7, ..query });
        let Some((_, last)) = page.last() else { break };
        before = Some(EntryPlace::of(last));
        paged.extend(page);
    }
    assert_eq!(paged, expected);
    let (from, to) = (expected[70].1.at, expected[20].1.at);
    let within: Vec<_> = expected.iter().filter(|(_, record)| from <= record.at && record.at < to).cloned().collect();
    assert_eq!(read(StudioQuery { from: Some(from), to: Some(to), ..query }), within);
    let (tool, other) = (ToolId::parse("live-action").unwrap(), ToolId::parse("other").unwrap());
    assert_eq!(read(StudioQuery { tool: Some(&tool), ..query }).len(), 120);
    assert_eq!(read(StudioQuery { tool: Some(&other), ..query }), []);
    assert_eq!(read(StudioQuery { kinds: &[Kind::Refill], ..query }), []);
    assert_eq!(read(StudioQuery { studio: StudioNumber(3), ..query }), []);
}

fn a_snapshot_stands_still(subject: &mut impl Subject) {
    let store = subject.open();
    let mut customers: Vec<Customer> = (0..9).map(|n| Customer::new(&format!("customer-{n}"), n)).collect();
    let mut drafted = Vec::new();
    for _ in 0..3 {
        let drafts: Vec<Draft> = customers.iter_mut().map(|customer| customer.charges(3)).collect();
        land(store.as_ref(), &drafts);
        drafted.extend(drafts);
    }
    let before = store.snapshot().unwrap();
    let rows = before.rows_from(1, 1_000).unwrap();
    land(store.as_ref(), &customers.iter_mut().map(|customer| customer.charges(1)).collect::<Vec<_>>());
    assert_eq!(before.extent().unwrap().last, 81);
    assert_eq!(before.rows_from(1, 1_000).unwrap(), rows);
    holds_together(store.as_ref());
    // What a bucket had first it has first later.
    let after = store.snapshot().unwrap();
    assert_eq!(after.extent().unwrap().last, 90);
    for bucket in 0..Bucket::COUNT {
        let of = |reader: &dyn Reader| {
            let rows = reader.rows_of(bucket..bucket + 1, 0, 1_000).unwrap();
            rows.into_iter().map(|row| row.record).collect::<Vec<_>>()
        };
        let (then, now) = (of(before.as_ref()), of(after.as_ref()));
        assert_eq!(now[..then.len()], then);
    }
}

/// Many servers append to one account at once: each time one lands, and in the end as many entries as landings.
fn one_of_many_lands(subject: &mut impl Subject) {
    const SERVERS: usize = 6;
    const ROUNDS: usize = 15;
    let mut ana = Customer::new("ana", 1);
    land(subject.open().as_ref(), &[ana.charges(1)]);
    let stores: Vec<Arc<dyn JointStore>> = (0..SERVERS).map(|_| subject.open()).collect();
    let at_once = Barrier::new(SERVERS);
    let work = |store: &dyn JointStore, mut own: Customer| {
        let mut landed = 0;
        for _ in 0..ROUNDS {
            let account = there(look(store, "ana", None));
            own.account = Account::clone(&account);
            at_once.wait();
            landed += usize::from(outcomes(store.append(&[own.charges(2)])) == [Appended::Landed]);
        }
        landed
    };
    let landed: usize = std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = stores
            .iter()
            .map(|store| {
                let own = ana.clone();
                scope.spawn(move || work(store.as_ref(), own))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no server panics")).sum()
    });
    assert!((ROUNDS..=SERVERS * ROUNDS).contains(&landed), "{landed}");
    let seq = there(look(stores[0].as_ref(), "ana", None)).seq;
    assert_eq!(seq, u64::try_from(1 + 2 * landed).unwrap());
    holds_together(stores[0].as_ref());
}

/// Everything that a snapshot says agrees: rows without a gap, by bucket, each account's chain up to its head, every term.
fn holds_together(store: &dyn JointStore) {
    let reader = store.snapshot().unwrap();
    let extent = reader.extent().unwrap();
    assert_eq!(extent.mark, extent.last, "nothing is written behind");
    let rows = reader.rows_from(1, 100_000).unwrap();
    assert_eq!(rows.len(), usize::try_from(extent.last).unwrap());
    assert!(rows.iter().zip(1..).all(|(row, position)| row.position == position && row.links.is_none()));
    assert!(rows.is_sorted_by_key(|row| Bucket::of(row.record.account)));
    for row in rows.iter().step_by(7) {
        assert_eq!(reader.row(row.position).unwrap().as_ref(), Some(row));
    }
    let (limit, from) = (rows.len().min(5), rows.len() / 2);
    let position = u64::try_from(from + 1).unwrap();
    assert_eq!(reader.rows_from(position, limit).unwrap(), rows[from..rows.len().min(from + limit)]);
    let mut down = rows[from.saturating_sub(limit)..from].to_vec();
    down.reverse();
    assert_eq!(reader.rows_before(position, limit).unwrap(), down);
    let mut terms: Vec<(u64, u64)> = Vec::new();
    reader.terms(&mut |term, position| terms.push((term, position))).unwrap();
    terms.sort_unstable();
    let mut expected: Vec<(u64, u64)> = Vec::new();
    for row in &rows {
        let entry = journal::decode(&row.record).unwrap();
        expected.extend(journal::terms(&entry).map(|term| (indexed(term), row.position)));
    }
    expected.sort_unstable();
    assert_eq!(terms, expected);
    if let Some((_, position)) = expected.first() {
        let entry = journal::decode(&reader.row(*position).unwrap().unwrap().record).unwrap();
        let term = journal::terms(&entry).next().unwrap();
        assert!(reader.positions(term).unwrap().contains(position));
    }
    let heads = reader.heads(None, 100_000).unwrap();
    let accounts = reader.accounts(None, 100_000).unwrap();
    assert_eq!(heads.len(), accounts.len());
    assert_eq!(extent.last_account, accounts.last().map_or(AccountNumber(0), |stored| stored.account.number));
    for (head, stored) in heads.iter().zip(&accounts) {
        assert_eq!(
            (head.account, head.seq, head.head),
            (stored.account.number, stored.account.seq, stored.account.head)
        );
        assert_eq!(reader.account(head.account).unwrap().as_ref(), Some(stored));
        assert_eq!(reader.account_number(stored.account.studio, &stored.account.id).unwrap(), Some(head.account));
        let own: Vec<&Record> =
            rows.iter().map(|row| &row.record).filter(|record| record.account == head.account).collect();
        assert!(own.iter().zip(1..).all(|(record, seq)| record.seq == seq));
        assert_eq!(own.last().map(|record| record.hash), Some(head.head));
    }
    let mut numbers: Vec<AccountNumber> = accounts.iter().map(|stored| stored.account.number).rev().collect();
    let mut expected: Vec<Option<StoredAccount>> = accounts.into_iter().map(Some).rev().collect();
    numbers.insert(numbers.len() / 2, AccountNumber(3));
    expected.insert(expected.len() / 2, None);
    assert_eq!(reader.accounts_of(&numbers).unwrap(), expected);
    reader.sound().unwrap();
}

/// Entries take their places in the order in which they are given, accounts' among each other's; what is there is not taken in
/// again.
fn a_journal_is_taken_in_in_its_order(subject: &mut impl Subject) {
    let store = subject.open();
    // Several accounts of a bucket.
    let mut customers: Vec<Customer> = (0..12).map(|n| Customer::numbered(&format!("c-{n}"), n % 4, n / 4)).collect();
    let mut given = Vec::new();
    for (seed, counts) in [[2, 1, 3, 1], [1, 4, 1, 2]].into_iter().enumerate() {
        let drafts: Vec<Draft> =
            customers.iter_mut().enumerate().map(|(n, customer)| customer.charges(counts[n % 4])).collect();
        let filling = shuffled(store.as_ref(), drafts, seed);
        let mut next = vec![0; filling.drafts.len()];
        for draft in &filling.order {
            given.push(filling.drafts[*draft].records[next[*draft]].clone());
            next[*draft] += 1;
        }
        assert_eq!(store.fill(&filling).unwrap(), Appended::Landed);
        assert_eq!(store.fill(&filling).unwrap(), Appended::Late);
        given.sort_by_key(|record| Bucket::of(record.account));
        let rows = store.snapshot().unwrap().rows_from(1, 1_000).unwrap();
        assert_eq!(rows.into_iter().map(|row| row.record).collect::<Vec<_>>(), given);
        holds_together(store.as_ref());
    }
}

/// Accounts of a store with one owner are numbered 1, 2, 3, …: their ids are of other buckets.
fn numbers_of_other_buckets_are_found_by_their_ids(subject: &mut impl Subject) {
    let (store, other) = (subject.open(), subject.open());
    let (mut ana, mut bo, mut cy) =
        (Customer::numbered("ana", 0, 0), Customer::numbered("bo", 1, 0), Customer::new("cy", 0));
    let drafts = vec![ana.charges(2), bo.charges(1), cy.charges(1)];
    let (first, last) = (drafts[0].records[0].hash, drafts[0].records[1].hash);
    assert_eq!(store.fill(&shuffled(store.as_ref(), drafts, 3)).unwrap(), Appended::Landed);
    for store in [&store, &other] {
        for (customer, name) in [(&ana, "ana"), (&bo, "bo"), (&cy, "cy")] {
            assert_eq!(*there(look(store.as_ref(), name, None)), customer.account, "{name}");
        }
        assert!(matches!(look(store.as_ref(), "ana", Some((ana.number, last))), FoundAccount::Unmoved));
        assert_eq!(there(look(store.as_ref(), "ana", Some((ana.number, first)))).seq, 2);
        assert_eq!(there(look(store.as_ref(), "bo", Some((ana.number, last)))).number, bo.number);
        let known = Some((AccountNumber(77), first));
        assert!(matches!(look(store.as_ref(), "nobody", known), FoundAccount::Missing));
    }
    // What is read with an account that is found elsewhere is no older than it.
    let accounts = vec![WantedAccount { studio: StudioNumber(1), id: id("ana"), known: None }];
    let found = other.fetch(&Wanted { accounts, entries: vec![(ana.number, 2)], ..Wanted::default() }).unwrap();
    assert_eq!(found.entries[0].as_ref().map(|record| record.hash), Some(last));
    // They go on as any other; their ids are taken; new accounts are opened beside them.
    let (mut heir, mut new) = (Customer::new("ana", 0), Customer::new("dan", 0));
    assert_eq!(outcomes(other.append(&[heir.charges(1), new.charges(1)])), [Appended::Late, Appended::Landed]);
    land(store.as_ref(), &[ana.charges(3), bo.charges(2)]);
    assert_eq!(there(look(other.as_ref(), "ana", Some((ana.number, last)))).seq, 5);
    let (found, seq) = (store.entries(ana.number, u64::MAX, 9).unwrap(), ana.account.seq);
    assert_eq!((found.len(), seq), (5, 5));
    holds_together(other.as_ref());
}

fn an_erased_number_of_another_bucket_frees_its_id(subject: &mut impl Subject) {
    let store = subject.open();
    let (mut ana, mut bo) = (Customer::numbered("ana", 0, 0), Customer::numbered("bo", 1, 0));
    let filling = shuffled(store.as_ref(), vec![ana.charges(2), bo.charges(1)], 1);
    assert_eq!(store.fill(&filling).unwrap(), Appended::Landed);
    let known = Some((ana.number, ana.account.head));
    // An erasure that comes too late erases nothing.
    let mut late = ana.clone();
    let mut erasure = late.charges(1);
    late.erase_with(&mut erasure);
    land(store.as_ref(), &[ana.charges(1)]);
    assert_eq!(outcomes(store.append(&[erasure])), [Appended::Late]);
    assert_eq!(there(look(store.as_ref(), "ana", None)).seq, 3);
    let mut erasure = ana.charges(1);
    ana.erase_with(&mut erasure);
    land(store.as_ref(), &[erasure]);
    for known in [None, known] {
        assert!(matches!(look(store.as_ref(), "ana", known), FoundAccount::Missing));
    }
    assert_eq!(there(look(store.as_ref(), ana.id.as_str(), None)).number, ana.number);
    let mut heir = Customer::new("ana", 0);
    land(store.as_ref(), &[heir.charges(1), ana.charges(1)]);
    for known in [None, known] {
        assert_eq!(there(look(store.as_ref(), "ana", known)).number, heir.number);
    }
    assert_eq!(there(look(store.as_ref(), "bo", None)).number, bo.number);
    holds_together(store.as_ref());
}

/// Who moves the edition on knows that nothing more comes of an import that has seen an earlier one.
fn what_an_import_sent_before_it_was_overtaken_does_not_land(subject: &mut impl Subject) {
    let store = subject.open();
    // Of another bucket than its id, too.
    let (mut ana, mut bo) = (Customer::new("ana", 0), Customer::numbered("bo", 1, 0));
    let sent = shuffled(store.as_ref(), vec![ana.charges(1), bo.charges(1)], 1);
    assert_eq!(store.put(sent.edition, &[]).unwrap(), Appended::Landed);
    assert_eq!(store.fill(&sent).unwrap(), Appended::Late);
    for name in ["ana", "bo"] {
        assert!(matches!(look(store.as_ref(), name, None), FoundAccount::Missing), "{name}");
    }
    assert_eq!(store.snapshot().unwrap().extent().unwrap().last, 0);
    let edition = store.documents(None).unwrap().number;
    assert_eq!(store.fill(&Filling { edition, ..sent }).unwrap(), Appended::Landed);
    assert_eq!(there(look(store.as_ref(), "bo", None)).seq, 1);
    holds_together(store.as_ref());
}

/// The drafts' entries, mixed; each account's in their order.
fn shuffled(store: &dyn JointStore, drafts: Vec<Draft>, seed: usize) -> Filling {
    let mut order: Vec<usize> =
        drafts.iter().enumerate().flat_map(|(place, draft)| draft.records.iter().map(move |_| place)).collect();
    let count = order.len();
    (0..count).for_each(|place| order.swap(place, (place * 7 + seed * 5 + 3) % count));
    Filling { edition: store.documents(None).unwrap().number, drafts, order }
}

fn id(name: &str) -> AccountId {
    match name.strip_prefix("erased~") {
        Some(number) => AccountId::erased(AccountNumber(number.parse().expect("a number"))),
        None => AccountId::parse(name).expect("of the right alphabet"),
    }
}

fn look(store: &dyn JointStore, name: &str, known: Option<(AccountNumber, Hash)>) -> FoundAccount {
    let accounts = vec![WantedAccount { studio: StudioNumber(1), id: id(name), known }];
    store.fetch(&Wanted { accounts, ..Wanted::default() }).unwrap().accounts.remove(0)
}

fn there(found: FoundAccount) -> Arc<Account> {
    match found {
        FoundAccount::There(account) => account,
        other => panic!("expected the account, found {other:?}"),
    }
}

fn outcomes(appended: Vec<Result<Appended, StoreError>>) -> Vec<Appended> {
    appended.into_iter().map(|one| one.expect("the store works")).collect()
}

fn land(store: &dyn JointStore, drafts: &[Draft]) {
    let appended = outcomes(store.append(drafts));
    assert!(appended.len() == drafts.len() && appended.iter().all(|one| *one == Appended::Landed), "{appended:?}");
}

/// Makes an account's entries; only their shape is right, their amounts mean nothing.
#[derive(Clone)]
struct Customer {
    number: AccountNumber,
    id: AccountId,
    account: Account,
}

impl Customer {
    fn new(name: &str, draw: usize) -> Customer {
        Customer::of(1, name, draw)
    }

    /// An account with the `draw`-th number of its id's bucket.
    fn of(studio: u32, name: &str, draw: usize) -> Customer {
        let (studio, id) = (StudioNumber(studio), id(name));
        let bucket = Bucket::of_id(studio, &id);
        let mut numbers = (1 << 40..).map(AccountNumber).filter(|number| Bucket::of(*number) == bucket);
        let number = numbers.nth(draw).expect("endlessly many");
        Customer { number, id: id.clone(), account: Account::unopened(studio, number, id) }
    }

    /// An account with the `draw`-th number of one of two other buckets than its id's.
    fn numbered(name: &str, place: usize, draw: usize) -> Customer {
        let (studio, id) = (StudioNumber(1), id(name));
        let bucket = |number: &AccountNumber| usize::from(Bucket::of(*number).number());
        let elsewhere = if Bucket::of_id(studio, &id).number() < 512 { 512 + place } else { place };
        let number = (1..).map(AccountNumber).filter(|number| bucket(number) == elsewhere).nth(draw);
        let number = number.expect("endlessly many");
        Customer { number, id: id.clone(), account: Account::unopened(studio, number, id) }
    }

    /// Makes the last draft one that erases the account's texts.
    fn erase_with(&mut self, draft: &mut Draft) {
        draft.texts = EarlierTexts::Erased { id: self.id.clone() };
        self.id = AccountId::erased(self.number);
        draft.account = Arc::new(Account { id: self.id.clone(), ..Account::clone(&draft.account) });
        self.account = Account::clone(&draft.account);
    }

    /// A draft of charges, each with a text and a key.
    fn charges(&mut self, count: usize) -> Draft {
        let (follows, before) = (self.account.seq, self.account.head);
        let entries: Vec<Entry> = (0..count).map(|_| self.charge()).collect();
        let mut records = Vec::new();
        for entry in &entries {
            let record = journal::encode(entry, self.account.head);
            self.account.head = record.hash;
            records.push(record);
        }
        let terms = entries.iter().flat_map(|entry| journal::terms(entry).map(|term| (term, entry.seq))).collect();
        let account = Arc::new(self.account.clone());
        Draft { account, follows, before, records, terms, unseen: Vec::new(), texts: EarlierTexts::Kept }
    }

    fn charge(&mut self) -> Entry {
        self.account.seq += 1;
        let seq = self.account.seq;
        let spread = i64::try_from((seq * 7_919 + self.number.0) % 997).expect("below 997");
        let at = Time::from_micros(1_767_225_600_000_000 + i64::try_from(seq).expect("few") * 1_000 + spread);
        self.account.last_at = at;
        let credits = Credits::whole(i64::try_from(seq % 50 + 1).expect("below 51"));
        let change = LotChange {
            lot: LotId::first(1),
            class: Class::TopUp,
            remaining: -credits,
            held: Credits::ZERO,
            frozen: Credits::ZERO,
            unspent: None,
        };
        let (salt, reference) = ([7; 16], format!("job \"{seq}\" \u{e9}"));
        let priced = Priced {
            tool: Some(ToolId::parse("live-action").expect("a tool's id")),
            measures: Measures::none(),
            catalog_version: 1,
        };
        let term = Term(u128::from(self.number.0) << 64 | u128::from(seq));
        Entry {
            account: self.number,
            seq,
            at,
            event: Event::Charged { priced, credits },
            makes: Vec::new(),
            lots: vec![change],
            debt: Credits::ZERO,
            books: vec![Posting { book: Book::Spent, credits }],
            after: Totals { remaining: Credits::whole(1_000_000), ..Totals::default() },
            bound: Some(scrip_core::entry::Bound { term, content: u64::MAX - seq, back: 0 }),
            texts: Texts {
                salt: Some(salt),
                fields: vec![Text {
                    field: TextField::Reference,
                    digest: Text::digest(&salt, TextField::Reference, &reference),
                    text: Some(reference.into_boxed_str()),
                }],
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::joint::memory::JointMemory;

    struct Memory(JointMemory);

    impl Subject for Memory {
        fn open(&mut self) -> Arc<dyn JointStore> {
            Arc::new(self.0.clone())
        }
    }

    #[test]
    fn the_shared_store_in_memory_conforms() {
        check(|| Memory(JointMemory::new()));
        check_filling(|| Memory(JointMemory::new()));
    }
}
