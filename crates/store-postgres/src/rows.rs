//! Rows as records, accounts and heads; what no scrip would have written is damaged.

use std::sync::Arc;

use scrip_core::account::{Account, Hash};
use scrip_core::amount::Credits;
use scrip_core::bucket::Bucket;
use scrip_core::entry::Kind;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::time::Time;
use scrip_engine::record::{Columns, account_from_json, account_to_json};
use scrip_engine::store::{Head, StoreError, StoredAccount};
use scrip_engine::trail::Trail;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::trouble::damaged;

/// The columns of an entry `e`, which [`record`] reads from the `first` on.
macro_rules! entry_columns {
    () => {
        "e.account, e.seq, e.at, e.kind, e.tool, e.credits, e.held, e.available_after, e.remaining_after, e.body, e.hash, \
         e.texts::text"
    };
}
pub(crate) use entry_columns;

/// The columns of an account `a`, which [`account`] reads from the `first` on.
macro_rules! account_columns {
    () => {
        "a.number, a.studio, a.id, a.seq, a.head, a.state::text"
    };
}
pub(crate) use account_columns;

/// A value of a row.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, place: usize) -> Result<T, StoreError> {
    row.try_get(place).map_err(|error| damaged(format!("a row that cannot be read: {error}")))
}

/// A number that is not negative.
pub(crate) fn whole(row: &Row, place: usize) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, place)?).map_err(|_| damaged("a row with a negative number"))
}

/// A number as the database has it.
pub(crate) fn big(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An account's bucket as the database has it.
pub(crate) fn bucket(account: AccountNumber) -> i16 {
    small(Bucket::of(account))
}

pub(crate) fn small(bucket: Bucket) -> i16 {
    i16::try_from(bucket.number()).expect("below 1,024")
}

/// The bucket in which an account of this id is looked for.
pub(crate) fn bucket_of_id(studio: StudioNumber, id: &AccountId) -> i16 {
    id.erased_number().map_or_else(|| small(Bucket::of_id(studio, id)), bucket)
}

pub(crate) fn studio_number(studio: StudioNumber) -> i32 {
    i32::try_from(studio.0).unwrap_or(i32::MAX)
}

/// The entry in the columns from `first` on.
pub(crate) fn record(row: &Row, first: usize) -> Result<Record, StoreError> {
    let (account, seq) = (AccountNumber(whole(row, first)?), whole(row, first + 1)?);
    let wrong = |what: &str| damaged(format!("entry {seq} of account {}: {what}", account.0));
    let kind = u8::try_from(get::<i16>(row, first + 3)?).ok().and_then(Kind::from_number);
    let tool = get::<Option<&str>>(row, first + 4)?.map(ToolId::parse).transpose();
    let credits = |place| get::<i64>(row, first + place).map(Credits::from_millionths);
    let hash: [u8; 32] =
        get::<&[u8]>(row, first + 10)?.try_into().map_err(|_| wrong("a chain value that is not of 32 bytes"))?;
    Ok(Record {
        account,
        seq,
        at: Time::from_micros(get(row, first + 2)?),
        kind: kind.ok_or_else(|| wrong("of no known kind"))?,
        tool: tool.map_err(|_| wrong("a tool that cannot be one"))?,
        credits: credits(5)?,
        held: credits(6)?,
        available_after: credits(7)?,
        remaining_after: credits(8)?,
        body: get(row, first + 9)?,
        hash: Hash(hash),
        texts: get::<Option<&str>>(row, first + 11)?.map(Box::from),
    })
}

/// The account in the columns from `first` on.
pub(crate) fn account(row: &Row, first: usize) -> Result<Account, StoreError> {
    let number = AccountNumber(whole(row, first)?);
    let wrong = |what: &str| damaged(format!("the row of account {}: {what}", number.0));
    let studio = u32::try_from(get::<i32>(row, first + 1)?).map_err(|_| wrong("a studio that cannot be one"))?;
    let id: &str = get(row, first + 2)?;
    let id = match AccountId::parse(id) {
        Ok(id) => id,
        Err(_) if AccountId::erased(number).as_str() == id => AccountId::erased(number),
        Err(_) => return Err(wrong("an id that cannot be one")),
    };
    let head: [u8; 32] =
        get::<&[u8]>(row, first + 4)?.try_into().map_err(|_| wrong("a chain value that is not of 32 bytes"))?;
    let columns = Columns { number, studio: StudioNumber(studio), id, seq: whole(row, first + 3)?, head: Hash(head) };
    let stored = account_from_json(columns, get(row, first + 5)?).map_err(|what| wrong(&what))?;
    if stored.trail != Trail::default() {
        return Err(wrong("a trail, which this store has none of"));
    }
    Ok(stored.account)
}

/// The account as the port of a store with one owner gives it.
pub(crate) fn stored(row: &Row, first: usize) -> Result<StoredAccount, StoreError> {
    Ok(StoredAccount { account: account(row, first)?, trail: Trail::default() })
}

pub(crate) fn head(row: &Row) -> Result<Head, StoreError> {
    let account = AccountNumber(whole(row, 0)?);
    let head: [u8; 32] = get::<&[u8]>(row, 2)?
        .try_into()
        .map_err(|_| damaged(format!("the row of account {}: a chain value that is not of 32 bytes", account.0)))?;
    Ok(Head { account, seq: whole(row, 1)?, head: Hash(head) })
}

/// The account's JSON object, without a trail.
pub(crate) fn state(account: &Arc<Account>) -> String {
    account_to_json(account, &Trail::default())
}
