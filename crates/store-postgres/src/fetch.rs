//! Reading accounts, entries and terms, as many as are wanted, in one round trip, or two.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrip_core::id::AccountNumber;
use scrip_engine::store::StoreError;
use scrip_engine::store::joint::{Found, FoundAccount, Wanted, WantedAccount};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};
use tracing::error;

use crate::address::Scope;
use crate::line::{Line, Sql, all};
use crate::params::StoredTerm;
use crate::rows::{account, big, bucket, bucket_of_id, entry_columns, get, record, studio_number, whole};
use crate::trouble::damaged;

static ACCOUNTS: Sql = Sql {
    text: concat!(
        "SELECT i.ord, a.number = i.number AND a.head = i.head, ",
        "a.number, a.studio, a.id, a.seq, a.head, ",
        "CASE WHEN a.number = i.number AND a.head = i.head THEN NULL ELSE a.state::text END
         FROM unnest($2::smallint[], $3::integer[], $4::text[], $5::bigint[], $6::bytea[], $7::integer[])
           AS i(bucket, studio, id, number, head, ord)
         JOIN scrip.accounts a
           ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.studio = i.studio AND a.id = i.id"
    ),
    types: &[
        Type::INT2,
        Type::INT2_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::INT4_ARRAY,
    ],
};

/// Accounts that are known, and are of another bucket than their ids.
static NUMBERED: Sql = Sql {
    text: concat!(
        "SELECT i.ord, a.head = i.head, a.number, a.studio, a.id, a.seq, a.head, ",
        "CASE WHEN a.head = i.head THEN NULL ELSE a.state::text END
         FROM unnest($2::smallint[], $3::bigint[], $4::integer[], $5::text[], $6::bytea[], $7::integer[])
           AS i(bucket, number, studio, id, head, ord)
         JOIN scrip.accounts a ON a.bucket {at} $1 AND a.bucket = i.bucket AND a.number = i.number
           AND a.studio = i.studio AND a.id = i.id"
    ),
    types: &[
        Type::INT2,
        Type::INT2_ARRAY,
        Type::INT8_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
        Type::INT4_ARRAY,
    ],
};

/// The numbers of accounts that are of other buckets than their ids.
static ELSEWHERE: Sql = Sql {
    text: "SELECT i.ord, m.number
           FROM unnest($2::smallint[], $3::integer[], $4::text[], $5::integer[]) AS i(bucket, studio, id, ord)
           JOIN scrip.imported m
             ON m.bucket {at} $1 AND m.bucket = i.bucket AND m.studio = i.studio AND m.id = i.id",
    types: &[Type::INT2, Type::INT2_ARRAY, Type::INT4_ARRAY, Type::TEXT_ARRAY, Type::INT4_ARRAY],
};

static ENTRIES: Sql = Sql {
    text: concat!(
        "SELECT i.ord, ",
        entry_columns!(),
        " FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::integer[]) AS i(bucket, account, seq, ord)
         JOIN scrip.entries e
           ON e.bucket {at} $1 AND e.bucket = i.bucket AND e.account = i.account AND e.seq = i.seq"
    ),
    types: &[Type::INT2, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT4_ARRAY],
};

/// `OFFSET 0` keeps the entries of an account out of the search for the one that is wanted.
static TERMS: Sql = Sql {
    text: concat!(
        "SELECT i.ord, ",
        entry_columns!(),
        " FROM (
           SELECT i.ord, i.bucket, i.account, (
             SELECT t.seq FROM scrip.terms t
             WHERE t.bucket {at} $1 AND t.bucket = i.bucket AND t.term = i.term AND t.account = i.account
             ORDER BY t.seq DESC LIMIT 1) AS seq
           FROM unnest($2::smallint[], $3::uuid[], $4::bigint[], $5::integer[]) AS i(bucket, term, account, ord)
           OFFSET 0) AS i
         JOIN scrip.entries e
           ON e.bucket {at} $1 AND e.bucket = i.bucket AND e.account = i.account AND e.seq = i.seq"
    ),
    types: &[Type::INT2, Type::INT2_ARRAY, Type::UUID_ARRAY, Type::INT8_ARRAY, Type::INT4_ARRAY],
};

/// Statements that a reading may use.
pub(crate) static ALL: [&Sql; 5] = [&ACCOUNTS, &NUMBERED, &ELSEWHERE, &ENTRIES, &TERMS];

/// How often accounts are looked for: where they were known to be, by their ids, where these lead, and by their ids again.
const LOOKS: usize = 4;

/// One part of what is wanted, of one bucket or of any, in columns.
#[derive(Default)]
struct Part<'a> {
    buckets: Vec<i16>,
    studios: Vec<i32>,
    ids: Vec<&'a str>,
    accounts: Vec<i64>,
    seqs: Vec<i64>,
    heads: Vec<&'a [u8]>,
    terms: Vec<StoredTerm>,
    ords: Vec<i32>,
}

impl Part<'_> {
    fn place(&mut self, bucket: i16, ord: usize) {
        self.buckets.push(bucket);
        self.ords.push(i32::try_from(ord).expect("a batch has few places"));
    }
}

/// Divides what is wanted as the scope says; the key is `$1`.
fn parts<'a, T>(
    scope: Scope,
    wanted: impl IntoIterator<Item = (usize, T)>,
    bucket: impl Fn(&T) -> i16,
    mut add: impl FnMut(&mut Part<'a>, T),
) -> BTreeMap<i16, Part<'a>> {
    let mut parts: BTreeMap<i16, Part<'a>> = BTreeMap::new();
    for (ord, one) in wanted {
        let bucket = bucket(&one);
        let key = match scope {
            Scope::AnyBucket => 0,
            Scope::OneBucket => bucket,
        };
        let part = parts.entry(key).or_default();
        part.place(bucket, ord);
        add(part, one);
    }
    parts
}

/// Accounts that are looked for, each with its place among those that are wanted.
#[derive(Default)]
struct Looks<'a> {
    /// In the buckets of their ids.
    by_id: Vec<(usize, &'a WantedAccount)>,
    /// Among the ids whose accounts are elsewhere.
    elsewhere: Vec<(usize, &'a WantedAccount)>,
    /// By numbers of other buckets.
    by_number: Vec<(usize, (&'a WantedAccount, AccountNumber))>,
}

impl<'a> Looks<'a> {
    /// Where accounts are looked for at first. Only an import makes accounts of other buckets than their ids, before anything else
    /// is there: one that is known to be of its id's bucket is nowhere else.
    fn first(wanted: &'a [WantedAccount]) -> Looks<'a> {
        let mut looks = Looks::default();
        for (ord, one) in wanted.iter().enumerate() {
            match &one.known {
                Some((number, _)) if bucket(*number) != bucket_of_id(one.studio, &one.id) => {
                    looks.by_number.push((ord, (one, *number)));
                }
                Some(_) => looks.by_id.push((ord, one)),
                None => {
                    looks.by_id.push((ord, one));
                    looks.elsewhere.push((ord, one));
                }
            }
        }
        looks
    }

    /// Where those are looked for that were not found: an id leads elsewhere; an account is not known by its id any more.
    fn then(&self, found: &[FoundAccount], numbers: &[Row]) -> Result<Looks<'a>, StoreError> {
        let missing = |ord: usize| matches!(found[ord], FoundAccount::Missing);
        let mut looks = Looks::default();
        for (ord, (one, _)) in self.by_number.iter().filter(|(ord, _)| missing(*ord)) {
            looks.by_id.push((*ord, one));
            looks.elsewhere.push((*ord, one));
        }
        let wanted: BTreeMap<usize, &'a WantedAccount> = self.elsewhere.iter().copied().collect();
        for row in numbers {
            let ord = usize::try_from(get::<i32>(row, 0)?).ok();
            let found = ord.and_then(|ord| Some((ord, *wanted.get(&ord)?)));
            let (ord, one) = found.ok_or_else(|| damaged("the database answered what was not asked"))?;
            if missing(ord) {
                looks.by_number.push((ord, (one, AccountNumber(whole(row, 1)?))));
            }
        }
        Ok(looks)
    }

    fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.elsewhere.is_empty() && self.by_number.is_empty()
    }
}

/// Reads what is wanted, in one round trip, or two where accounts that were imported are not known yet.
pub(crate) async fn fetch(line: &mut Line, wanted: &Wanted) -> Result<Result<Found, StoreError>, Error> {
    line.ready(&ALL).await?;
    let line: &Line = line;
    let mut found = Found { accounts: vec![FoundAccount::Missing; wanted.accounts.len()], ..Found::default() };
    let mut looks = Looks::first(&wanted.accounts);
    for _ in 0..LOOKS {
        let answers = look(line, &looks, wanted).await?;
        let then = read(&mut found, wanted, &answers).and_then(|()| looks.then(&found.accounts, &answers.numbers));
        match then {
            Ok(then) if then.is_empty() => break,
            Ok(then) => looks = then,
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(found))
}

/// What a round trip answered.
struct Answers {
    accounts: Vec<Row>,
    numbers: Vec<Row>,
    entries: Vec<Row>,
    terms: Vec<Row>,
}

/// One round trip. Accounts are read first, so that they are not newer than the rest.
async fn look(line: &Line, looks: &Looks<'_>, wanted: &Wanted) -> Result<Answers, Error> {
    let scope = line.scope();
    let by_id = parts(
        scope,
        looks.by_id.iter().copied(),
        |one| bucket_of_id(one.studio, &one.id),
        |part, one| {
            let (number, head) =
                one.known.as_ref().map_or((-1, &[][..]), |(number, head)| (big(number.0), &head.0[..]));
            part.studios.push(studio_number(one.studio));
            part.ids.push(one.id.as_str());
            part.accounts.push(number);
            part.heads.push(head);
        },
    );
    let by_number = parts(
        scope,
        looks.by_number.iter().copied(),
        |(_, number)| bucket(*number),
        |part, (one, number)| {
            part.accounts.push(big(number.0));
            part.studios.push(studio_number(one.studio));
            part.ids.push(one.id.as_str());
            part.heads.push(one.known.as_ref().map_or(&[][..], |(_, head)| &head.0[..]));
        },
    );
    let elsewhere = parts(
        scope,
        looks.elsewhere.iter().copied(),
        |one| bucket_of_id(one.studio, &one.id),
        |part, one| {
            part.studios.push(studio_number(one.studio));
            part.ids.push(one.id.as_str());
        },
    );
    let entries = parts(
        scope,
        wanted.entries.iter().enumerate(),
        |(account, _)| bucket(*account),
        |part, (account, seq)| {
            part.accounts.push(big(account.0));
            part.seqs.push(big(*seq));
        },
    );
    let terms = parts(
        scope,
        wanted.terms.iter().enumerate(),
        |(account, _)| bucket(*account),
        |part, (account, term)| {
            part.terms.push(StoredTerm(*term));
            part.accounts.push(big(account.0));
        },
    );
    let mut said: Vec<(&'static Sql, Vec<&(dyn ToSql + Sync)>)> = Vec::new();
    for (at, p) in &by_id {
        said.push((&ACCOUNTS, vec![at, &p.buckets, &p.studios, &p.ids, &p.accounts, &p.heads, &p.ords]));
    }
    for (at, p) in &by_number {
        said.push((&NUMBERED, vec![at, &p.buckets, &p.accounts, &p.studios, &p.ids, &p.heads, &p.ords]));
    }
    for (at, p) in &elsewhere {
        said.push((&ELSEWHERE, vec![at, &p.buckets, &p.studios, &p.ids, &p.ords]));
    }
    for (at, p) in &entries {
        said.push((&ENTRIES, vec![at, &p.buckets, &p.accounts, &p.seqs, &p.ords]));
    }
    for (at, p) in &terms {
        said.push((&TERMS, vec![at, &p.buckets, &p.terms, &p.accounts, &p.ords]));
    }
    let mut answers = all(said.iter().map(|(sql, values)| line.rows(sql, values))).await.into_iter();
    let mut rows = |count: usize| -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for answer in answers.by_ref().take(count) {
            rows.extend(answer?);
        }
        Ok(rows)
    };
    Ok(Answers {
        accounts: rows(by_id.len() + by_number.len())?,
        numbers: rows(elsewhere.len())?,
        entries: rows(entries.len())?,
        terms: rows(terms.len())?,
    })
}

/// Puts in its place what was answered; entries and terms anew, so that they are not older than the accounts.
fn read(found: &mut Found, wanted: &Wanted, answers: &Answers) -> Result<(), StoreError> {
    for row in &answers.accounts {
        let unmoved: bool = get(row, 1)?;
        *placed(&mut found.accounts, row)? = match account_of(row, unmoved) {
            Ok(found) => found,
            Err(failure) => {
                error!(%failure, "an account cannot be read");
                FoundAccount::Unreadable
            }
        };
    }
    found.entries = vec![None; wanted.entries.len()];
    found.terms = vec![None; wanted.terms.len()];
    for (rows, places) in [(&answers.entries, &mut found.entries), (&answers.terms, &mut found.terms)] {
        for row in rows {
            match record(row, 1) {
                Ok(record) => *placed(places, row)? = Some(record),
                Err(failure) => {
                    error!(%failure, "an entry cannot be read");
                    found.unreadable.insert(AccountNumber(whole(row, 1)?));
                }
            }
        }
    }
    Ok(())
}

fn account_of(row: &Row, unmoved: bool) -> Result<FoundAccount, StoreError> {
    Ok(if unmoved { FoundAccount::Unmoved } else { FoundAccount::There(Arc::new(account(row, 2)?)) })
}

fn placed<'a, T>(all: &'a mut [T], row: &Row) -> Result<&'a mut T, StoreError> {
    let place = usize::try_from(get::<i32>(row, 0)?).ok();
    place.and_then(|place| all.get_mut(place)).ok_or_else(|| damaged("the database answered what was not asked"))
}
