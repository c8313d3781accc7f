//! Appending drafts: one transaction, sent at once, in which the accounts' rows decide whose entries are added.
//!
//! Accounts are moved on, each only from the entry that its draft follows, by its number and its hash, and only where no
//! entry of it carries a key that must be new; others are opened; both are marked with the batch. The buckets count the
//! entries of the accounts so marked, and the entries and their terms are added. A draft that came too late finds its
//! account unmarked, and nothing of it is added.
//!
//! There is one order in which every transaction locks rows, an import's too: first the accounts that it moves on, by bucket
//! and number; then its buckets, by number; then what it opens. So no two wait for each other. Buckets are locked by the
//! statement that counts; before it where accounts are opened, since two servers may draw numbers for the same ids in opposite
//! orders. An id that is there is looked for first: inserting upon it would wait for whoever moves its account on, who may
//! want the bucket. Where a connection plans as it likes, rows are locked by statements of their own, which have an order.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::Either;
use scrip_core::account::Account;
use scrip_core::journal::Record;
use scrip_core::term::Term;
use scrip_engine::store::StoreError;
use scrip_engine::store::joint::{Appended, Draft, EarlierTexts, Filling};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use crate::address::Scope;
use crate::line::{Line, LineState, Order, Sql, all};
use crate::params::StoredTerm;
use crate::rows::{big, bucket, bucket_of_id, get, state, studio_number};
use crate::trouble::{Failed, failed, failed_commit, is_read_only, refused, unanswered, unknown, unwaited};

static LOCK: Sql = Sql {
    text: "SELECT b.bucket FROM scrip.buckets b
           WHERE b.bucket {at} $1 AND b.bucket = ANY ($2::smallint[]) ORDER BY b.bucket FOR UPDATE",
    types: &[Type::INT2, Type::INT2_ARRAY],
};

static LOCK_ACCOUNTS: Sql = Sql {
    text: "SELECT a.number FROM scrip.accounts a
           WHERE a.bucket {at} $1 AND a.bucket = ANY ($2::smallint[]) AND a.number = ANY ($3::bigint[])
           ORDER BY a.bucket, a.number FOR UPDATE",
    types: &[Type::INT2, Type::INT2_ARRAY, Type::INT8_ARRAY],
};

static OPEN: Sql = Sql {
    text: "INSERT INTO scrip.accounts (bucket, number, studio, id, seq, head, state, batch, added)
           SELECT i.bucket, i.number, i.studio, i.id, i.seq, i.head, i.state::json, $2, i.added
           FROM unnest($3::smallint[], $4::bigint[], $5::integer[], $6::text[], $7::bigint[], $8::bytea[], $9::text[],
                       $10::integer[]) AS i(bucket, number, studio, id, seq, head, state, added)
           JOIN scrip.buckets b ON b.bucket {at} $1 AND b.bucket = i.bucket
           WHERE NOT EXISTS (SELECT FROM scrip.imported m
             WHERE m.bucket {at} $1 AND m.bucket = i.bucket AND m.studio = i.studio AND m.id = i.id)
             AND NOT EXISTS (SELECT FROM scrip.accounts a
             WHERE a.bucket {at} $1 AND a.bucket = i.bucket AND a.studio = i.studio AND a.id = i.id)
           ORDER BY i.bucket, i.number
           ON CONFLICT DO NOTHING
           RETURNING number",
    types: &[
        Type::INT2,
        Type::INT8,
        Type::INT2_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
    ],
};

static MOVE_ON: Sql = Sql {
    text: "UPDATE scrip.accounts a
           SET seq = i.seq, head = i.head, state = i.state::json, batch = $2, added = i.added
           FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::integer[],
                       $10::bytea[])
             AS i(bucket, number, follows, seq, head, state, added, before)
           WHERE a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.number AND a.seq = i.follows
             AND a.head = i.before
             AND a.number <> ALL (ARRAY(
               SELECT t.account
               FROM unnest($11::smallint[], $12::uuid[], $13::bigint[]) AS k(bucket, term, account)
               JOIN scrip.terms t
                 ON t.bucket {at} $1 AND t.bucket = k.bucket AND t.term = k.term AND t.account = k.account))
           RETURNING a.number",
    types: &[
        Type::INT2,
        Type::INT8,
        Type::INT2_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::BYTEA_ARRAY,
        Type::INT2_ARRAY,
        Type::UUID_ARRAY,
        Type::INT8_ARRAY,
    ],
};

static RENAME: Sql = Sql {
    text: "UPDATE scrip.accounts a SET id = i.id
           FROM unnest($3::smallint[], $4::bigint[], $5::text[]) AS i(bucket, number, id)
           WHERE a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.number AND a.batch = $2",
    types: &[Type::INT2, Type::INT8, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::TEXT_ARRAY],
};

/// The one statement that names two buckets: that of an erased account's number, and that of the id by which it was found.
static FORGET: Sql = Sql {
    text: "DELETE FROM scrip.imported m
           WHERE m.bucket = $1 AND m.studio = $2 AND m.id = $3 AND m.number = $4
             AND EXISTS (SELECT FROM scrip.accounts a WHERE a.bucket = $5 AND a.number = $4 AND a.batch = $6)",
    types: &[Type::INT2, Type::INT4, Type::TEXT, Type::INT8, Type::INT2, Type::INT8],
};

static ERASE: Sql = Sql {
    text: "UPDATE scrip.entries e SET texts = NULL
           FROM unnest($3::smallint[], $4::bigint[]) AS i(bucket, number)
           JOIN scrip.accounts a ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.number AND a.batch = $2
           WHERE e.bucket {at} $1 AND e.bucket = i.bucket AND e.account = i.number AND e.texts IS NOT NULL",
    types: &[Type::INT2, Type::INT8, Type::INT2_ARRAY, Type::INT8_ARRAY],
};

static ADD: Sql = Sql {
    text: "INSERT INTO scrip.entries (bucket, account, seq, place, studio, at, kind, tool, credits, held, available_after,
                                      remaining_after, body, hash, texts)
           SELECT i.bucket, i.account, i.seq,
                  b.entries - count(*) OVER (PARTITION BY i.bucket) + row_number() OVER (PARTITION BY i.bucket ORDER BY i.ord),
                  a.studio, i.at, i.kind, i.tool, i.credits, i.held, i.available_after, i.remaining_after, i.body, i.hash, i.texts::json
           FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[], $8::text[], $9::bigint[],
                       $10::bigint[], $11::bigint[], $12::bigint[], $13::bytea[], $14::bytea[], $15::text[])
             WITH ORDINALITY AS i(bucket, account, seq, at, kind, tool, credits, held, available_after, remaining_after,
                                  body, hash, texts, ord)
           JOIN scrip.accounts a ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.account AND a.batch = $2
           JOIN scrip.buckets b ON b.bucket {at} $1 AND b.bucket = i.bucket",
    types: &[
        Type::INT2,
        Type::INT8,
        Type::INT2_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT2_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
    ],
};

static NAME: Sql = Sql {
    text: "INSERT INTO scrip.terms (bucket, term, account, seq)
           SELECT i.bucket, i.term, i.account, i.seq
           FROM unnest($3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[]) AS i(bucket, term, account, seq)
           JOIN scrip.accounts a ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.account AND a.batch = $2",
    types: &[Type::INT2, Type::INT8, Type::INT2_ARRAY, Type::UUID_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY],
};

static COUNT: Sql = Sql {
    text: "UPDATE scrip.buckets b SET entries = b.entries + s.added, last_at = greatest(b.last_at, s.at)
           FROM (SELECT a.bucket, sum(a.added)::bigint AS added, max(i.at) AS at
                 FROM unnest($3::smallint[], $4::bigint[], $5::bigint[]) AS i(bucket, number, at)
                 JOIN scrip.accounts a
                   ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.number AND a.batch = $2
                 GROUP BY a.bucket ORDER BY a.bucket) s
           WHERE b.bucket {at} $1 AND b.bucket = s.bucket",
    types: &[Type::INT2, Type::INT8, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY],
};

static CONFIRM: Sql = Sql {
    text: "UPDATE scrip.buckets b SET entries = b.entries WHERE b.bucket {at} $1 AND b.bucket = ANY ($2::smallint[])",
    types: &[Type::INT2, Type::INT2_ARRAY],
};

/// Ids of another bucket than their accounts' numbers, for an import alone.
static REMEMBER: Sql = Sql {
    text: "INSERT INTO scrip.imported (bucket, studio, id, number)
           SELECT i.bucket, i.studio, i.id, i.number
           FROM unnest($2::smallint[], $3::integer[], $4::text[], $5::bigint[]) AS i(bucket, studio, id, number)
           WHERE i.bucket {at} $1
           ON CONFLICT DO NOTHING",
    types: &[Type::INT2, Type::INT2_ARRAY, Type::INT4_ARRAY, Type::TEXT_ARRAY, Type::INT8_ARRAY],
};

/// The documents' edition, while an import is under way that has seen it: who moves it on waits for this, and then nothing
/// more of that import lands.
static EDITION: Sql =
    Sql { text: "SELECT number FROM scrip.edition WHERE number = $1 FOR SHARE", types: &[Type::INT8] };

/// What an append may send.
static ALL: [&Sql; 10] = [&LOCK, &LOCK_ACCOUNTS, &OPEN, &MOVE_ON, &RENAME, &FORGET, &ERASE, &ADD, &NAME, &COUNT];

/// Every statement that servers write with in tables of accounts, but for the erasure of an account that was imported.
#[cfg(all(test, feature = "harness"))]
pub(crate) fn statements() -> impl Iterator<Item = &'static Sql> {
    ALL.into_iter().filter(|sql| sql.text != FORGET.text).chain([&CONFIRM])
}

/// How many transactions of a bucket each are sent at once: so that a batch needs few round trips, and none of them long.
const AT_ONCE: usize = 64;

/// How often a transaction that the database gave up is sent again.
pub(crate) const TRIES: u32 = 5;

/// Drafts that become durable together, and where they stand among all.
struct Group<'a> {
    /// What buckets are compared with.
    at: i16,
    drafts: Vec<(usize, &'a Draft)>,
}

/// Appends drafts in as few transactions as the scope allows; one answer for each draft, and what becomes of the connection.
pub(crate) async fn append(line: &mut Line, drafts: &[Draft]) -> (Vec<Result<Appended, StoreError>>, LineState) {
    let mut outcomes: Vec<Result<Appended, StoreError>> = Vec::new();
    outcomes.resize_with(drafts.len(), || Err(StoreError::Refused("it was not sent".to_owned())));
    if let Err(failure) = line.ready_to_write(&ALL).await {
        outcomes.fill(Err(failure));
        return (outcomes, LineState::Broken);
    }
    for place in overtaken(drafts) {
        outcomes[place] = Ok(Appended::Late);
    }
    for groups in grouped(line.scope(), drafts).chunks(AT_ONCE) {
        let columns: Vec<Columns<'_>> = groups.iter().map(|group| Columns::of(&group.drafts)).collect();
        let order = line.order();
        let transactions: Vec<Vec<Said<'_>>> =
            columns.iter().zip(groups).map(|(columns, group)| columns.statements(&group.at, order)).collect();
        let (answers, state) = all_committed(line, &transactions).await;
        for (((group, columns), statements), answers) in groups.iter().zip(&columns).zip(&transactions).zip(answers) {
            let appended = answers.and_then(|answers| columns.landed(statements, &answers));
            for (n, (place, _)) in group.drafts.iter().enumerate() {
                outcomes[*place] = appended.as_ref().map(|appended| appended[n]).map_err(Clone::clone);
            }
        }
        if state != LineState::Idle {
            return (outcomes, state);
        }
    }
    (outcomes, LineState::Idle)
}

/// Takes in a part of a journal, however long it takes; and what becomes of the connection.
pub(crate) async fn fill(line: &mut Line, filling: &Filling) -> (Result<Appended, StoreError>, LineState) {
    for statements in [&ALL[..], &[&EDITION, &REMEMBER]] {
        if let Err(failure) = line.ready_to_write(statements).await {
            return (Err(failure), LineState::Broken);
        }
    }
    let import = Writer::Import { edition: big(filling.edition) };
    match remember(line, &filling.drafts, import).await {
        (Ok(Appended::Landed), _) => {}
        (remembered, state) => return (remembered, state),
    }
    for group in grouped(line.scope(), &filling.drafts) {
        let columns = Columns::in_order(&group.drafts, &filling.order);
        let (appended, state) = columns.send(line, group.at, import).await;
        match appended {
            Ok(appended) if appended.contains(&Appended::Late) => return (Ok(Appended::Late), state),
            Ok(_) => {}
            Err(failure) => return (Err(failure), state),
        }
    }
    (Ok(Appended::Landed), LineState::Idle)
}

/// Has the accounts that are opened found by their ids, where their numbers are of other buckets. Before they are there: so
/// that none is there without.
async fn remember(line: &Line, drafts: &[Draft], import: Writer) -> (Result<Appended, StoreError>, LineState) {
    let opened = drafts.iter().filter(|draft| draft.follows == 0).map(|draft| draft.account.as_ref());
    let mut moved: BTreeMap<i16, Vec<(i16, &Account)>> = BTreeMap::new();
    for account in opened {
        let found_in = bucket_of_id(account.studio, &account.id);
        if found_in != bucket(account.number) {
            let at = match line.scope() {
                Scope::AnyBucket => 0,
                Scope::OneBucket => found_in,
            };
            moved.entry(at).or_default().push((found_in, account));
        }
    }
    for (at, mut accounts) in moved {
        accounts.sort_unstable_by_key(|(bucket, account)| (*bucket, account.studio, account.id.clone()));
        let buckets: Vec<i16> = accounts.iter().map(|(bucket, _)| *bucket).collect();
        let studios: Vec<i32> = accounts.iter().map(|(_, account)| studio_number(account.studio)).collect();
        let ids: Vec<&str> = accounts.iter().map(|(_, account)| account.id.as_str()).collect();
        let numbers: Vec<i64> = accounts.iter().map(|(_, account)| big(account.number.0)).collect();
        let values: Vec<&(dyn ToSql + Sync)> = vec![&at, &buckets, &studios, &ids, &numbers];
        match committed(line, &[(&REMEMBER, values)], import).await {
            (Ok(Some(_)), _) => {}
            (Ok(None), state) => return (Ok(Appended::Late), state),
            (Err(failure), state) => return (Err(failure), state),
        }
    }
    (Ok(Appended::Landed), LineState::Idle)
}

/// Drafts beside which another one follows a later entry of their account. An account has two ids to those who do not know yet
/// that it was erased; the statements find an account by its number alone, and would take both for landed.
fn overtaken(drafts: &[Draft]) -> impl Iterator<Item = usize> + '_ {
    in_order(drafts).into_iter().filter_map(|(place, last)| (!last).then_some(place))
}

/// The places of all drafts by bucket and number, and whether each is the last of its account.
fn in_order(drafts: &[Draft]) -> Vec<(usize, bool)> {
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    order.sort_by_key(|place| {
        let draft = &drafts[*place];
        (bucket(draft.account.number), draft.account.number, draft.follows)
    });
    let number = |place: &usize| drafts[*place].account.number;
    let is_last = |n: usize| order.get(n + 1).is_none_or(|next| number(next) != number(&order[n]));
    order.iter().enumerate().map(|(n, place)| (*place, is_last(n))).collect()
}

/// The drafts of each transaction, by bucket and number: of an account the last.
fn grouped(scope: Scope, drafts: &[Draft]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<i16, Group<'_>> = BTreeMap::new();
    for (place, _) in in_order(drafts).into_iter().filter(|(_, last)| *last) {
        let draft = &drafts[place];
        let at = match scope {
            Scope::AnyBucket => 0,
            Scope::OneBucket => bucket(draft.account.number),
        };
        groups.entry(at).or_insert_with(|| Group { at, drafts: Vec::new() }).drafts.push((place, draft));
    }
    groups.into_values().collect()
}

/// A committed write in each of the accounts' buckets; and what becomes of the connection.
pub(crate) async fn confirm(line: &mut Line, buckets: &BTreeSet<i16>) -> (Result<(), StoreError>, LineState) {
    if let Err(failure) = line.ready_to_write(&[&LOCK, &CONFIRM]).await {
        return (Err(failure), LineState::Broken);
    }
    let wanted: Vec<(i16, Vec<i16>)> = match line.scope() {
        Scope::AnyBucket => vec![(0, buckets.iter().copied().collect())],
        Scope::OneBucket => buckets.iter().map(|bucket| (*bucket, vec![*bucket])).collect(),
    };
    for wanted in wanted.chunks(AT_ONCE) {
        let transactions: Vec<Vec<Said<'_>>> = wanted.iter().map(confirmation).collect();
        let (done, state) = all_committed(line, &transactions).await;
        if let Some(Err(failure)) = done.into_iter().find(Result::is_err) {
            return (Err(failure), state);
        }
    }
    (Ok(()), LineState::Idle)
}

/// A write that changes nothing in these buckets.
fn confirmation((at, buckets): &(i16, Vec<i16>)) -> Vec<Said<'_>> {
    vec![(&LOCK, vec![at, buckets]), (&CONFIRM, vec![at, buckets])]
}

/// The columns of a group's statements.
#[derive(Default)]
struct Columns<'a> {
    batch: i64,
    numbers: Vec<i64>,
    buckets: Vec<i16>,
    locked: Vec<i16>,
    last_at: Vec<i64>,
    opened: Accounts<'a>,
    moved: Accounts<'a>,
    erased: Accounts<'a>,
    forgotten: Vec<Forgotten<'a>>,
    entries: Entries<'a>,
    terms: Terms,
    unseen: Unseen,
}

/// An account that was imported and is erased: the id by which it was found.
struct Forgotten<'a> {
    found_in: i16,
    studio: i32,
    id: &'a str,
    number: i64,
    bucket: i16,
}

#[derive(Default)]
struct Accounts<'a> {
    buckets: Vec<i16>,
    numbers: Vec<i64>,
    studios: Vec<i32>,
    ids: Vec<&'a str>,
    follows: Vec<i64>,
    before: Vec<&'a [u8]>,
    seqs: Vec<i64>,
    heads: Vec<&'a [u8]>,
    states: Vec<String>,
    added: Vec<i32>,
}

#[derive(Default)]
struct Entries<'a> {
    buckets: Vec<i16>,
    accounts: Vec<i64>,
    seqs: Vec<i64>,
    at: Vec<i64>,
    kinds: Vec<i16>,
    tools: Vec<Option<&'a str>>,
    credits: Vec<i64>,
    held: Vec<i64>,
    available: Vec<i64>,
    remaining: Vec<i64>,
    bodies: Vec<&'a [u8]>,
    hashes: Vec<&'a [u8]>,
    texts: Vec<Option<&'a str>>,
}

#[derive(Default)]
struct Terms {
    buckets: Vec<i16>,
    terms: Vec<StoredTerm>,
    accounts: Vec<i64>,
    seqs: Vec<i64>,
}

/// Terms that an account must not carry yet.
#[derive(Default)]
struct Unseen {
    buckets: Vec<i16>,
    terms: Vec<StoredTerm>,
    accounts: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(drafts: &[(usize, &'a Draft)]) -> Columns<'a> {
        let mut columns = Columns::of_accounts(drafts);
        for record in drafts.iter().flat_map(|(_, draft)| &draft.records) {
            columns.entries.add(record);
        }
        columns
    }

    /// With the entries in the order of the whole, of which these drafts are some.
    fn in_order(drafts: &[(usize, &'a Draft)], order: &[usize]) -> Columns<'a> {
        let mut columns = Columns::of_accounts(drafts);
        let mut records: BTreeMap<usize, std::slice::Iter<'a, Record>> =
            drafts.iter().map(|(place, draft)| (*place, draft.records.iter())).collect();
        for place in order {
            if let Some(record) = records.get_mut(place).and_then(Iterator::next) {
                columns.entries.add(record);
            }
        }
        columns
    }

    /// All but the entries.
    fn of_accounts(drafts: &[(usize, &'a Draft)]) -> Columns<'a> {
        let mut columns = Columns { batch: chance(), ..Columns::default() };
        for (_, draft) in drafts {
            columns.add(draft);
        }
        columns.locked = columns.buckets.clone();
        columns.locked.dedup();
        columns
    }

    fn add(&mut self, draft: &'a Draft) {
        let account = &draft.account;
        let (at, number) = (bucket(account.number), big(account.number.0));
        self.buckets.push(at);
        self.numbers.push(number);
        self.last_at.push(draft.records.last().map_or(0, |record| record.at.micros()));
        if draft.follows == 0 { &mut self.opened } else { &mut self.moved }.add(at, draft);
        if let EarlierTexts::Erased { id } = &draft.texts {
            self.erased.add(at, draft);
            let (found_in, studio) = (bucket_of_id(account.studio, id), studio_number(account.studio));
            if found_in != at {
                self.forgotten.push(Forgotten { found_in, studio, id: id.as_str(), number, bucket: at });
            }
        }
        for term in &draft.unseen {
            self.unseen.buckets.push(at);
            self.unseen.terms.push(StoredTerm(*term));
            self.unseen.accounts.push(big(draft.account.number.0));
        }
        // An entry may carry a term twice; the table has it once.
        let terms: BTreeSet<(Term, u64)> = draft.terms.iter().copied().collect();
        for (term, seq) in terms {
            self.terms.buckets.push(at);
            self.terms.terms.push(StoredTerm(term));
            self.terms.accounts.push(number);
            self.terms.seqs.push(big(seq));
        }
    }

    /// Sends the transaction whole, and says of each draft whether it landed; and what becomes of the connection.
    async fn send(&self, line: &Line, at: i16, writer: Writer) -> (Result<Vec<Appended>, StoreError>, LineState) {
        let statements = self.statements(&at, line.order());
        let (answers, state) = committed(line, &statements, writer).await;
        let appended = answers.and_then(|answers| match answers {
            Some(answers) => self.landed(&statements, &answers),
            None => Ok(vec![Appended::Late; self.numbers.len()]),
        });
        (appended, state)
    }

    fn statements<'b>(&'b self, at: &'b i16, order: Order) -> Vec<Said<'b>> {
        let (batch, opened, moved, erased) = (&self.batch, &self.opened, &self.moved, &self.erased);
        let (entries, terms, unseen) = (&self.entries, &self.terms, &self.unseen);
        let mut statements: Vec<Said<'b>> = Vec::new();
        if !moved.numbers.is_empty() {
            if order == Order::Any {
                statements.push((&LOCK_ACCOUNTS, vec![at, &moved.buckets, &moved.numbers]));
            }
            let values: Vec<&(dyn ToSql + Sync)> = vec![
                at,
                batch,
                &moved.buckets,
                &moved.numbers,
                &moved.follows,
                &moved.seqs,
                &moved.heads,
                &moved.states,
                &moved.added,
                &moved.before,
                &unseen.buckets,
                &unseen.terms,
                &unseen.accounts,
            ];
            statements.push((&MOVE_ON, values));
        }
        if order == Order::Any || !opened.numbers.is_empty() {
            statements.push((&LOCK, vec![at, &self.locked]));
        }
        if !opened.numbers.is_empty() {
            let values: Vec<&(dyn ToSql + Sync)> = vec![
                at,
                batch,
                &opened.buckets,
                &opened.numbers,
                &opened.studios,
                &opened.ids,
                &opened.seqs,
                &opened.heads,
                &opened.states,
                &opened.added,
            ];
            statements.push((&OPEN, values));
        }
        // Before the new entries are there: theirs are the texts that stay.
        if !erased.numbers.is_empty() {
            statements.push((&ERASE, vec![at, batch, &erased.buckets, &erased.numbers]));
            statements.push((&RENAME, vec![at, batch, &erased.buckets, &erased.numbers, &erased.ids]));
        }
        for Forgotten { found_in, studio, id, number, bucket } in &self.forgotten {
            statements.push((&FORGET, vec![found_in, studio, id, number, bucket, batch]));
        }
        statements.push((&COUNT, vec![at, batch, &self.buckets, &self.numbers, &self.last_at]));
        let values: Vec<&(dyn ToSql + Sync)> = vec![
            at,
            batch,
            &entries.buckets,
            &entries.accounts,
            &entries.seqs,
            &entries.at,
            &entries.kinds,
            &entries.tools,
            &entries.credits,
            &entries.held,
            &entries.available,
            &entries.remaining,
            &entries.bodies,
            &entries.hashes,
            &entries.texts,
        ];
        statements.push((&ADD, values));
        if !terms.terms.is_empty() {
            statements.push((&NAME, vec![at, batch, &terms.buckets, &terms.terms, &terms.accounts, &terms.seqs]));
        }
        statements
    }

    fn landed(&self, statements: &[Said<'_>], answers: &[Vec<Row>]) -> Result<Vec<Appended>, StoreError> {
        let mut won = BTreeSet::new();
        for ((sql, _), rows) in statements.iter().zip(answers) {
            if sql.text == OPEN.text || sql.text == MOVE_ON.text {
                for row in rows {
                    won.insert(get::<i64>(row, 0)?);
                }
            }
        }
        let outcome = |number| if won.contains(number) { Appended::Landed } else { Appended::Late };
        Ok(self.numbers.iter().map(outcome).collect())
    }
}

impl<'a> Entries<'a> {
    fn add(&mut self, record: &'a Record) {
        self.buckets.push(bucket(record.account));
        self.accounts.push(big(record.account.0));
        self.seqs.push(big(record.seq));
        self.at.push(record.at.micros());
        self.kinds.push(i16::from(record.kind.number()));
        self.tools.push(record.tool.as_ref().map(|tool| tool.as_str()));
        self.credits.push(record.credits.millionths());
        self.held.push(record.held.millionths());
        self.available.push(record.available_after.millionths());
        self.remaining.push(record.remaining_after.millionths());
        self.bodies.push(&record.body);
        self.hashes.push(&record.hash.0);
        self.texts.push(record.texts.as_deref());
    }
}

impl<'a> Accounts<'a> {
    fn add(&mut self, at: i16, draft: &'a Draft) {
        let account = &draft.account;
        self.buckets.push(at);
        self.numbers.push(big(account.number.0));
        self.studios.push(studio_number(account.studio));
        self.ids.push(account.id.as_str());
        self.follows.push(big(draft.follows));
        self.before.push(&draft.before.0);
        self.seqs.push(big(account.seq));
        self.heads.push(&account.head.0);
        self.states.push(state(account));
        self.added.push(i32::try_from(draft.records.len()).expect("a batch has few entries"));
    }
}

/// A statement and the values of its parameters.
type Said<'a> = (&'static Sql, Vec<&'a (dyn ToSql + Sync)>);

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// A server: answers are waited for as long as callers wait.
    Server,
    /// An import that has seen this edition of the documents: for as long as it takes.
    Import { edition: i64 },
}

/// Carries out a transaction until it is committed and known to last, or why not; and what becomes of the connection. What
/// the database gives up for others' sake is sent again. `None`: the import was overtaken, and nothing was sent.
async fn committed(
    line: &Line,
    statements: &[Said<'_>],
    writer: Writer,
) -> (Result<Option<Vec<Vec<Row>>>, StoreError>, LineState) {
    let mut tries = 0;
    loop {
        tries += 1;
        // A warning of an earlier commit is no word about this one.
        line.was_unwaited();
        let answered = match &writer {
            Writer::Server => line.in_time(transaction(line, statements)).await.map(|answers| answers.map(Some)),
            Writer::Import { edition } => Some(imported(line, statements, edition).await),
        };
        let stopped = match answered {
            None => return (Err(unanswered()), LineState::Unanswered),
            Some(Ok(_)) if line.was_unwaited() => return (Err(unwaited()), LineState::Idle),
            Some(Ok(None)) => return (Ok(None), line.rolled_back().await),
            Some(Ok(answers)) => return (Ok(answers), LineState::Idle),
            Some(Err(stopped)) => stopped,
        };
        let (failed, error) = stopped.read();
        if failed == Failed::Lost {
            return (Err(unknown(error)), LineState::Broken);
        }
        if is_read_only(error) {
            return (Err(refused(error)), LineState::Broken);
        }
        let state = line.rolled_back().await;
        if failed == Failed::RolledBack || tries == TRIES || state != LineState::Idle {
            return (Err(refused(error)), state);
        }
    }
}

/// Carries out transactions that are each of a bucket of its own, all sent at once; what the database gives up for others' sake
/// is sent again, one after the other. What became of each, and of the connection.
async fn all_committed(
    line: &Line,
    transactions: &[Vec<Said<'_>>],
) -> (Vec<Result<Vec<Vec<Row>>, StoreError>>, LineState) {
    let count = transactions.len();
    // A warning of an earlier commit is no word about these.
    line.was_unwaited();
    let sent = all(transactions.iter().map(|statements| transaction(line, statements)));
    let Some(answered) = line.in_time(sent).await else {
        return ((0..count).map(|_| Err(unanswered())).collect(), LineState::Unanswered);
    };
    let is_unwaited = line.was_unwaited();
    let mut state = LineState::Idle;
    let (mut outcomes, mut again) = (Vec::with_capacity(count), Vec::new());
    for (place, answers) in answered.into_iter().enumerate() {
        outcomes.push(match answers {
            Ok(_) if is_unwaited => Err(unwaited()),
            Ok(answers) => Ok(answers),
            Err(stopped) => {
                let (failed, error) = stopped.read();
                match failed {
                    Failed::Lost => state = LineState::Broken,
                    Failed::TryAgain => again.push(place),
                    Failed::RolledBack if is_read_only(error) => state = LineState::Broken,
                    Failed::RolledBack => {}
                }
                Err(if failed == Failed::Lost { unknown(error) } else { refused(error) })
            }
        });
    }
    if state == LineState::Idle && outcomes.iter().any(Result::is_err) {
        state = line.rolled_back().await;
    }
    for place in again {
        if state == LineState::Idle {
            let (answers, then) = committed(line, &transactions[place], Writer::Server).await;
            outcomes[place] = answers.map(|answers| answers.expect("no import overtakes a server"));
            state = then;
        }
    }
    (outcomes, state)
}

/// What a transaction failed at.
enum Stopped {
    /// At a statement before its commit.
    Before(Error),
    /// At its beginning, and what came behind it was carried out: each statement by itself.
    Unbegun(Error),
    /// At its commit.
    AtCommit(Error),
}

impl Stopped {
    /// What it means, and the database's error.
    fn read(&self) -> (Failed, &Error) {
        match self {
            Stopped::Before(error) => (failed(error), error),
            Stopped::Unbegun(error) => (Failed::Lost, error),
            Stopped::AtCommit(error) => (failed_commit(error), error),
        }
    }
}

/// The same for an import, once it is known that it was not overtaken, and cannot be before it has committed.
async fn imported(line: &Line, statements: &[Said<'_>], edition: &i64) -> Result<Option<Vec<Vec<Row>>>, Stopped> {
    line.begin().await.map_err(Stopped::Before)?;
    if line.rows(&EDITION, &[edition]).await.map_err(Stopped::Before)?.is_empty() {
        return Ok(None);
    }
    let middle = statements.iter().map(|(sql, values)| Either::Left(line.rows(sql, values)));
    let answers = all(middle.chain([Either::Right(commit(line))])).await;
    Ok(Some(said(answers)?))
}

/// Sends `BEGIN`, the statements and `COMMIT` at once; answers what each statement answered. The first error of a statement
/// is the transaction's: what follows it fails for that alone, and its `COMMIT` rolls back.
async fn transaction(line: &Line, statements: &[Said<'_>]) -> Result<Vec<Vec<Row>>, Stopped> {
    let begin = std::iter::once(Either::Left(async { line.begin().await.map(|()| Vec::new()) }));
    let middle = statements.iter().map(|(sql, values)| Either::Right(Either::Left(line.rows(sql, values))));
    let answers = all(begin.chain(middle).chain([Either::Right(Either::Right(commit(line)))])).await;
    began(answers)
}

/// The same of a transaction whose beginning was sent with it. Where that alone failed, as when somebody cancels it, the database
/// was in no transaction, and took each statement for one: what landed is found out as after any commit without an answer.
fn began(mut answers: Vec<Result<Vec<Row>, Error>>) -> Result<Vec<Vec<Row>>, Stopped> {
    let begun = answers.remove(0);
    let middle = answers.len() - 1;
    match begun {
        Ok(_) => said(answers),
        Err(error) if answers.iter().take(middle).any(Result::is_ok) => Err(Stopped::Unbegun(error)),
        Err(error) => Err(Stopped::Before(error)),
    }
}

async fn commit(line: &Line) -> Result<Vec<Row>, Error> {
    line.run("COMMIT").await.map(|()| Vec::new())
}

/// What the statements of a transaction answered, but for its commit, which is the last; or what it stopped at.
fn said(answers: Vec<Result<Vec<Row>, Error>>) -> Result<Vec<Vec<Row>>, Stopped> {
    let last = answers.len() - 1;
    let mut rows = Vec::with_capacity(answers.len());
    for (place, answer) in answers.into_iter().enumerate() {
        rows.push(answer.map_err(if place == last { Stopped::AtCommit } else { Stopped::Before })?);
    }
    rows.pop();
    Ok(rows)
}

/// What tells this batch from all others.
pub(crate) fn chance() -> i64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};

    static SENT: AtomicU64 = AtomicU64::new(0);
    // Of this process's own keys and its count: no two of a process are alike, and two processes' hardly ever.
    i64::from_ne_bytes(RandomState::new().hash_one(SENT.fetch_add(1, Ordering::Relaxed)).to_ne_bytes())
}
