//! The whole store at one instant, on one connection: for proofs, exports and seals.
//!
//! Entries are counted bucket by bucket: an entry's position is its place in its bucket and what the buckets before
//! it have. A place that is empty is a position that is empty.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use scrip_core::bucket::Bucket;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::term::Term;
use scrip_engine::store::{Document, Erasing, Extent, Head, Reader, Row, StoreError, StoredAccount, indexed};
use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::Type;

use crate::documents;
use crate::line::{Line, Sql, Values};
use crate::params::StoredTerm;
use crate::pool::Pool;
use crate::rows::{
    account_columns, big, bucket, bucket_of_id, entry_columns, get, head, record, stored, studio_number, whole,
};
use crate::trouble::{damaged, refused};

static BUCKETS: Sql = Sql { text: "SELECT bucket, entries FROM scrip.buckets ORDER BY bucket", types: &[] };
static LAST_ACCOUNT: Sql = Sql { text: "SELECT coalesce(max(number), 0) FROM scrip.accounts", types: &[] };

static FROM: Sql = Sql {
    text: concat!(
        "SELECT e.bucket, e.place, ",
        entry_columns!(),
        " FROM scrip.entries e
         WHERE (e.bucket, e.place) >= ($1, $2) AND e.bucket < $3 ORDER BY e.bucket, e.place LIMIT $4"
    ),
    types: &[Type::INT2, Type::INT8, Type::INT2, Type::INT8],
};
static BEFORE: Sql = Sql {
    text: concat!(
        "SELECT e.bucket, e.place, ",
        entry_columns!(),
        " FROM scrip.entries e
         WHERE (e.bucket, e.place) < ($1, $2) ORDER BY e.bucket DESC, e.place DESC LIMIT $3"
    ),
    types: &[Type::INT2, Type::INT8, Type::INT8],
};
static ACCOUNTS: Sql = Sql {
    text: concat!(
        "SELECT ",
        account_columns!(),
        " FROM scrip.accounts a WHERE a.number > $1 ORDER BY a.number LIMIT $2"
    ),
    types: &[Type::INT8, Type::INT8],
};
static ACCOUNT: Sql = Sql {
    text: concat!("SELECT ", account_columns!(), " FROM scrip.accounts a WHERE a.bucket = $1 AND a.number = $2"),
    types: &[Type::INT2, Type::INT8],
};
static NUMBER: Sql = Sql {
    text: "SELECT number FROM scrip.accounts WHERE bucket = $1 AND studio = $2 AND id = $3",
    types: &[Type::INT2, Type::INT4, Type::TEXT],
};
static HEADS: Sql = Sql {
    text: "SELECT number, seq, head FROM scrip.accounts WHERE number > $1 ORDER BY number LIMIT $2",
    types: &[Type::INT8, Type::INT8],
};
static MISPLACED: Sql = Sql {
    text: "SELECT (SELECT count(*) FROM scrip.buckets),
                  (SELECT count(*) FROM scrip.entries e LEFT JOIN scrip.accounts a
                     ON a.bucket = e.bucket AND a.number = e.account WHERE a.studio IS DISTINCT FROM e.studio)",
    types: &[],
};
static OF_TERM: Sql = Sql {
    text: "SELECT e.bucket, e.place FROM scrip.terms t
           JOIN scrip.entries e ON e.bucket = t.bucket AND e.account = t.account AND e.seq = t.seq
           WHERE t.term BETWEEN $1 AND $2 ORDER BY e.bucket DESC, e.place DESC",
    types: &[Type::UUID, Type::UUID],
};
static NEXT_TERMS: Sql = Sql { text: "FETCH 10000 FROM scrip_terms", types: &[] };
const OPEN_TERMS: &str = "DECLARE scrip_terms CURSOR FOR
  SELECT t.term, e.bucket, e.place FROM scrip.terms t
  LEFT JOIN scrip.entries e ON e.bucket = t.bucket AND e.account = t.account AND e.seq = t.seq
  ORDER BY t.term, e.bucket, e.place";

/// Here much is read whole.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on;
  SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on";

/// One instant of the store.
pub(crate) struct Snapshot {
    pool: Arc<Pool>,
    line: Mutex<Line>,
    /// How many entries the buckets before each have; the last: how many there are.
    before: Vec<u64>,
    last_account: AccountNumber,
}

impl Snapshot {
    pub(crate) fn open(pool: &Arc<Pool>) -> Result<Snapshot, StoreError> {
        pool.block_on(async {
            let mut line = pool.line().await?;
            let read = async {
                line.run(BEGIN).await?;
                Ok((line.ask(&BUCKETS, &[]).await?, line.ask(&LAST_ACCOUNT, &[]).await?))
            };
            let (buckets, last): (Vec<SqlRow>, Vec<SqlRow>) =
                read.await.map_err(|error: tokio_postgres::Error| refused(&error))?;
            let mut before = vec![0];
            for (row, expected) in buckets.iter().zip(0_i16..) {
                if get::<i16>(row, 0)? != expected {
                    return Err(damaged(format!("bucket {expected} is missing from table buckets")));
                }
                before.push(before.last().expect("it begins with one") + whole(row, 1)?);
            }
            let last_account = last.first().map_or(Ok(0), |row| whole(row, 0))?;
            let last_account = AccountNumber(last_account);
            Ok(Snapshot { pool: Arc::clone(pool), line: Mutex::new(line), before, last_account })
        })
    }

    fn rows(&self, sql: &'static Sql, values: &Values<'_>) -> Result<Vec<SqlRow>, StoreError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.pool.block_on(line.ask(sql, values)).map_err(|error| refused(&error))
    }

    fn last(&self) -> u64 {
        self.before.last().copied().expect("it begins with one")
    }

    /// The bucket and place of a position; beyond the last, the end.
    fn place(&self, position: u64) -> (i16, i64) {
        let position = position.max(1);
        let bucket = self.before[1..].partition_point(|before| *before < position);
        let bucket = bucket.min(usize::from(Bucket::COUNT));
        (i16::try_from(bucket).expect("at most 1,024"), big(position - self.before[bucket]))
    }

    fn position(&self, bucket: i16, place: u64) -> Result<u64, StoreError> {
        let before = usize::try_from(bucket).ok().and_then(|bucket| self.before.get(bucket));
        before.map(|before| before + place).ok_or_else(|| damaged("an entry of a bucket that is none"))
    }

    /// A row of an entry, with its bucket and place before it.
    fn row_of(&self, row: &SqlRow) -> Result<Row, StoreError> {
        let (stored_in, place) = (get::<i16>(row, 0)?, whole(row, 1)?);
        let record = record(row, 2)?;
        if stored_in != bucket(record.account) {
            return Err(damaged(format!("entry {} of account {} is in another bucket", record.seq, record.account.0)));
        }
        Ok(Row { position: self.position(stored_in, place)?, links: None, record })
    }

    fn from(&self, position: u64, end: i16, limit: usize) -> Result<Vec<Row>, StoreError> {
        let (bucket, place) = self.place(position);
        let rows = self.rows(&FROM, &[&bucket, &place, &end, &limited(limit)])?;
        rows.iter().map(|row| self.row_of(row)).collect()
    }
}

fn limited(limit: usize) -> i64 {
    big(u64::try_from(limit).expect("a length fits 64 bits"))
}

fn end_of(buckets: u16) -> i16 {
    i16::try_from(buckets).expect("at most 1,024")
}

impl Reader for Snapshot {
    fn documents(&self) -> Result<Vec<Document>, StoreError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.pool.block_on(documents::all(&mut line))
    }

    fn extent(&self) -> Result<Extent, StoreError> {
        Ok(Extent { mark: self.last(), last: self.last(), last_account: self.last_account })
    }

    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError> {
        let rows = self.rows(&ACCOUNT, &[&bucket(number), &big(number.0)])?;
        rows.first().map(|row| stored(row, 0)).transpose()
    }

    fn account_number(&self, studio: StudioNumber, id: &AccountId) -> Result<Option<AccountNumber>, StoreError> {
        let rows = self.rows(&NUMBER, &[&bucket_of_id(studio, id), &studio_number(studio), &id.as_str()])?;
        rows.first().map(|row| whole(row, 0).map(AccountNumber)).transpose()
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<StoredAccount>, StoreError> {
        let after = after.map_or(-1, |after| big(after.0));
        self.rows(&ACCOUNTS, &[&after, &limited(limit)])?.iter().map(|row| stored(row, 0)).collect()
    }

    fn row(&self, position: u64) -> Result<Option<Row>, StoreError> {
        if position == 0 || position > self.last() {
            return Ok(None);
        }
        let found = self.from(position, end_of(Bucket::COUNT), 1)?;
        Ok(found.into_iter().next().filter(|row| row.position == position))
    }

    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.from(position, end_of(Bucket::COUNT), limit)
    }

    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        if position <= 1 {
            return Ok(Vec::new());
        }
        let (bucket, place) = self.place(position.min(self.last() + 1));
        let rows = self.rows(&BEFORE, &[&bucket, &place, &limited(limit)])?;
        rows.iter().map(|row| self.row_of(row)).collect()
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        let leading = u128::from(indexed(term)) << 64;
        let (first, last) = (StoredTerm(Term(leading)), StoredTerm(Term(leading | u128::from(u64::MAX))));
        let rows = self.rows(&OF_TERM, &[&first, &last])?;
        rows.iter().map(|row| self.position(get(row, 0)?, whole(row, 1)?)).collect()
    }

    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError> {
        let after = after.map_or(-1, |after| big(after.0));
        self.rows(&HEADS, &[&after, &limited(limit)])?.iter().map(head).collect()
    }

    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let first = self.before[usize::from(buckets.start)] + 1;
        self.from(position.max(first), end_of(buckets.end), limit)
    }

    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        self.pool.block_on(line.run(OPEN_TERMS)).map_err(|error| refused(&error))?;
        let mut last = None;
        loop {
            let rows = self.pool.block_on(line.ask(&NEXT_TERMS, &[])).map_err(|error| refused(&error))?;
            if rows.is_empty() {
                return self.pool.block_on(line.run("CLOSE scrip_terms")).map_err(|error| refused(&error));
            }
            for row in rows {
                let StoredTerm(term) = get(&row, 0)?;
                let Some(bucket) = get::<Option<i16>>(&row, 1)? else {
                    return Err(damaged("a term leads to an entry that is not there"));
                };
                let pair = (indexed(term), self.position(bucket, whole(&row, 2)?)?);
                // Terms that are alike in what is shown of them, in an entry that has both, are shown once.
                if last != Some(pair) {
                    see(pair.0, pair.1);
                    last = Some(pair);
                }
            }
        }
    }

    fn sound(&self) -> Result<(), StoreError> {
        let rows = self.rows(&MISPLACED, &[])?;
        let row = rows.first().ok_or_else(|| damaged("a count without an answer"))?;
        if whole(row, 0)? != u64::from(Bucket::COUNT) {
            return Err(damaged("table buckets has not its 1,024 rows"));
        }
        match whole(row, 1)? {
            0 => Ok(()),
            more => Err(damaged(format!("{more} entries are of another studio than their account, or of no account"))),
        }
    }

    /// Always finished: what is erased is gone from the tables at once.
    fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        Ok(Vec::new())
    }
}
