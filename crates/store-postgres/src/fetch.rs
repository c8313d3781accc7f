//! Reading accounts, entries and terms, as many as are wanted, in one round trip.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrip_core::id::AccountNumber;
use scrip_engine::store::StoreError;
use scrip_engine::store::joint::{Found, FoundAccount, Wanted};
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
pub(crate) static ALL: [&Sql; 3] = [&ACCOUNTS, &ENTRIES, &TERMS];

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
    wanted: &'a [T],
    bucket: impl Fn(&T) -> i16,
    mut add: impl FnMut(&mut Part<'a>, &'a T),
) -> BTreeMap<i16, Part<'a>> {
    let mut parts: BTreeMap<i16, Part<'a>> = BTreeMap::new();
    for (ord, one) in wanted.iter().enumerate() {
        let bucket = bucket(one);
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

/// Reads what is wanted. Accounts are read first, so that they are not newer than the rest.
pub(crate) async fn fetch(line: &mut Line, wanted: &Wanted) -> Result<Result<Found, StoreError>, Error> {
    line.ready(&ALL).await?;
    let scope = line.scope();
    let accounts = parts(
        scope,
        &wanted.accounts,
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
    let entries = parts(
        scope,
        &wanted.entries,
        |(account, _)| bucket(*account),
        |part, (account, seq)| {
            part.accounts.push(big(account.0));
            part.seqs.push(big(*seq));
        },
    );
    let terms = parts(
        scope,
        &wanted.terms,
        |(account, _)| bucket(*account),
        |part, (account, term)| {
            part.terms.push(StoredTerm(*term));
            part.accounts.push(big(account.0));
        },
    );
    let values: Vec<(&'static Sql, Vec<&(dyn ToSql + Sync)>)> = accounts
        .iter()
        .map(|(at, p)| -> (&'static Sql, Vec<&(dyn ToSql + Sync)>) {
            (&ACCOUNTS, vec![at, &p.buckets, &p.studios, &p.ids, &p.accounts, &p.heads, &p.ords])
        })
        .chain(entries.iter().map(|(at, p)| -> (&'static Sql, Vec<&(dyn ToSql + Sync)>) {
            (&ENTRIES, vec![at, &p.buckets, &p.accounts, &p.seqs, &p.ords])
        }))
        .chain(terms.iter().map(|(at, p)| -> (&'static Sql, Vec<&(dyn ToSql + Sync)>) {
            (&TERMS, vec![at, &p.buckets, &p.terms, &p.accounts, &p.ords])
        }))
        .collect();
    let line: &Line = line;
    let mut answers = all(values.iter().map(|(sql, values)| line.rows(sql, values))).await.into_iter();
    let mut rows = |count: usize| -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for answer in answers.by_ref().take(count) {
            rows.extend(answer?);
        }
        Ok(rows)
    };
    let (accounts, entries, terms) = (rows(accounts.len())?, rows(entries.len())?, rows(terms.len())?);
    Ok(read(wanted, &accounts, &entries, &terms))
}

fn read(wanted: &Wanted, accounts: &[Row], entries: &[Row], terms: &[Row]) -> Result<Found, StoreError> {
    let mut found = Found {
        accounts: vec![FoundAccount::Missing; wanted.accounts.len()],
        entries: vec![None; wanted.entries.len()],
        terms: vec![None; wanted.terms.len()],
        ..Found::default()
    };
    for row in accounts {
        let unmoved: bool = get(row, 1)?;
        *placed(&mut found.accounts, row)? = match account_of(row, unmoved) {
            Ok(found) => found,
            Err(failure) => {
                error!(%failure, "an account cannot be read");
                FoundAccount::Unreadable
            }
        };
    }
    for (rows, places) in [(entries, &mut found.entries), (terms, &mut found.terms)] {
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
    Ok(found)
}

fn account_of(row: &Row, unmoved: bool) -> Result<FoundAccount, StoreError> {
    Ok(if unmoved { FoundAccount::Unmoved } else { FoundAccount::There(Arc::new(account(row, 2)?)) })
}

fn placed<'a, T>(all: &'a mut [T], row: &Row) -> Result<&'a mut T, StoreError> {
    let place = usize::try_from(get::<i32>(row, 0)?).ok();
    place.and_then(|place| all.get_mut(place)).ok_or_else(|| damaged("the database answered what was not asked"))
}
