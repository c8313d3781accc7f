//! The whole store at one instant, for proofs, exports and seals: on several connections that look at the same snapshot,
//! where the database hands its snapshots out.
//!
//! Entries are counted bucket by bucket: an entry's position is its place in its bucket and what the buckets before
//! it have. A place that is empty is a position that is empty. So it is known where each page begins before the one before it
//! was read: pages are read ahead, as many as there are connections.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as PlainMutex, PoisonError};

use scrip_core::bucket::Bucket;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::term::Term;
use scrip_engine::store::{Document, Erasing, Extent, Head, Reader, Row, StoreError, StoredAccount, indexed};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row as SqlRow};
use tracing::{debug, warn};

use crate::address::Statements;
use crate::line::{Line, Sql, Values};
use crate::params::StoredTerm;
use crate::pool::Pool;
use crate::rows::{
    account_columns, big, bucket, bucket_of_id, entry_columns, get, head, record, stored, studio_number, whole,
};
use crate::trouble::{damaged, refused};
use crate::{documents, ids, store};

static BUCKETS: Sql = Sql { text: "SELECT bucket, entries FROM scrip.buckets ORDER BY bucket", types: &[] };
static LAST_ACCOUNT: Sql = Sql { text: "SELECT coalesce(max(number), 0) FROM scrip.accounts", types: &[] };

static FROM: Sql = Sql {
    text: concat!(
        "SELECT e.bucket, e.place, ",
        entry_columns!(),
        " FROM scrip.entries e
         WHERE (e.bucket, e.place) >= ($1, $2) AND (e.bucket, e.place) < ($3, $4)
         ORDER BY e.bucket, e.place LIMIT $5"
    ),
    types: &[Type::INT2, Type::INT8, Type::INT2, Type::INT8, Type::INT8],
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
    text: "SELECT number FROM scrip.accounts WHERE bucket = $1 AND studio = $2 AND id = $3
           UNION ALL SELECT number FROM scrip.imported WHERE bucket = $1 AND studio = $2 AND id = $3",
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
/// The terms of a bucket, a page at a time.
static TERMS: Sql = Sql {
    text: "SELECT t.term, t.account, t.seq, e.place FROM scrip.terms t
           LEFT JOIN scrip.entries e ON e.bucket = t.bucket AND e.account = t.account AND e.seq = t.seq
           WHERE t.bucket = $1 AND (t.term, t.account, t.seq) > ($2, $3, $4)
           ORDER BY t.term, t.account, t.seq LIMIT $5",
    types: &[Type::INT2, Type::UUID, Type::INT8, Type::INT8, Type::INT8],
};
static EXPORT: Sql = Sql { text: "SELECT pg_export_snapshot()", types: &[] };

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Here much is read whole.
const READ_WHOLE: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on;
  SET LOCAL enable_mergejoin = on";

/// Terms read at a time.
const TERMS_PAGE: i64 = 10_000;
/// Pages of so many entries are read ahead: whoever asks for fewer looks at single ones.
const READ_AHEAD: usize = 256;

/// One instant of the store.
pub(crate) struct Snapshot {
    pool: Arc<Pool>,
    /// The first is the one whose snapshot it is.
    lines: Vec<Arc<Mutex<Line>>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    ahead: PlainMutex<VecDeque<Ahead>>,
    /// How many entries the buckets before each have; the last: how many there are.
    before: Arc<[u64]>,
    last_account: AccountNumber,
}

/// Which entries are read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Page {
    position: u64,
    /// Not of this bucket or a later one.
    end: i16,
    limit: usize,
}

/// A page that is being read.
struct Ahead {
    page: Page,
    rows: JoinHandle<Result<Vec<Row>, StoreError>>,
}

impl Snapshot {
    pub(crate) fn open(pool: &Arc<Pool>) -> Result<Snapshot, StoreError> {
        pool.block_on(async {
            let mut line = pool.line().await?;
            let exported = exported(pool, &mut line).await.map_err(|error| refused(&error))?;
            let read = async {
                line.run(READ_WHOLE).await?;
                Ok((line.ask(&BUCKETS, &[]).await?, line.ask(&LAST_ACCOUNT, &[]).await?))
            };
            let (buckets, last): (Vec<SqlRow>, Vec<SqlRow>) = read.await.map_err(|error: Error| refused(&error))?;
            let mut before = vec![0];
            for (row, expected) in buckets.iter().zip(0_i16..) {
                if get::<i16>(row, 0)? != expected {
                    return Err(damaged(format!("bucket {expected} is missing from table buckets")));
                }
                before.push(before.last().expect("it begins with one") + whole(row, 1)?);
            }
            let last_account = last.first().map_or(Ok(0), |row| whole(row, 0))?;
            let others = match &exported {
                Some(name) => others(pool, name).await,
                None => Vec::new(),
            };
            let lines = std::iter::once(line).chain(others).map(|line| Arc::new(Mutex::new(line))).collect();
            Ok(Snapshot {
                pool: Arc::clone(pool),
                lines,
                turn: AtomicUsize::new(0),
                ahead: PlainMutex::default(),
                before: before.into(),
                last_account: AccountNumber(last_account),
            })
        })
    }

    /// The connection whose turn it is.
    fn line(&self) -> Arc<Mutex<Line>> {
        Arc::clone(&self.lines[self.turn.fetch_add(1, Ordering::Relaxed) % self.lines.len()])
    }

    fn rows(&self, sql: &'static Sql, values: &Values<'_>) -> Result<Vec<SqlRow>, StoreError> {
        let line = self.line();
        let asked = self.pool.block_on(async { line.lock().await.ask(sql, values).await });
        asked.map_err(|error| refused(&error))
    }

    fn last(&self) -> u64 {
        self.before.last().copied().expect("it begins with one")
    }

    /// The page; and has those after it read meanwhile, if they will be asked for.
    fn page(&self, page: Page) -> Result<Vec<Row>, StoreError> {
        if page.limit < READ_AHEAD {
            return self.pool.block_on(read(self.line(), Arc::clone(&self.before), page));
        }
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.front().is_none_or(|first| first.page != page) {
            ahead.clear();
        }
        let mut next = ahead.back().map_or(page, |last| last.page.next());
        while ahead.len() < self.lines.len() && next.position <= self.last() {
            let rows = self.pool.spawn(read(self.line(), Arc::clone(&self.before), next));
            ahead.push_back(Ahead { page: next, rows });
            next = next.next();
        }
        let Some(first) = ahead.pop_front() else { return Ok(Vec::new()) };
        drop(ahead);
        self.pool.block_on(first.rows).unwrap_or_else(|error| Err(StoreError::Refused(error.to_string())))
    }

    /// Every account is found by its id.
    fn ids_lead_to_accounts(&self) -> Result<(), StoreError> {
        let line = self.line();
        self.pool.block_on(async { ids::lead_to_accounts(&mut *line.lock().await).await })
    }
}

/// Begins to look at an instant; the name under which others can look at it, if more connections are wanted and the database
/// hands it out. Behind a pooler none are: its connections are not to be used up.
async fn exported(pool: &Arc<Pool>, line: &mut Line) -> Result<Option<String>, Error> {
    line.run(BEGIN).await?;
    let address = pool.address();
    if address.readers < 2 || address.statements == Statements::Whole {
        return Ok(None);
    }
    let asked = line.ask(&EXPORT, &[]).await.map(|rows| rows.first().map(|row| row.get(0)));
    match asked {
        Ok(name) => Ok(name),
        Err(error) if error.as_db_error().is_none() => Err(error),
        Err(error) => {
            warn!(failure = %refused(&error), "one connection reads the whole store: the database hands its snapshot to no other");
            line.run("ROLLBACK").await?;
            line.run(BEGIN).await?;
            Ok(None)
        }
    }
}

/// Connections beside the first that look at the same instant.
async fn others(pool: &Arc<Pool>, name: &str) -> Vec<Line> {
    let mut others = Vec::new();
    // The name is the database's own, of digits and hyphens.
    let begin = format!("{BEGIN}; SET TRANSACTION SNAPSHOT '{name}'; {READ_WHOLE}");
    while others.len() + 1 < pool.address().readers {
        let begun = async {
            let line = pool.line().await?;
            line.run(&begin).await.map_err(|error| refused(&error))?;
            Ok::<Line, StoreError>(line)
        };
        match begun.await {
            Ok(line) => others.push(line),
            Err(failure) => {
                let connections = 1 + others.len();
                warn!(%failure, connections, wanted = pool.address().readers, "the whole store is read over fewer connections");
                break;
            }
        }
    }
    debug!(connections = 1 + others.len(), "the whole store is read at one instant");
    others
}

impl Page {
    fn next(self) -> Page {
        let more = u64::try_from(self.limit).expect("a length fits 64 bits");
        Page { position: self.position.saturating_add(more), ..self }
    }
}

/// The bucket and place of a position; beyond the last, the end.
fn place(before: &[u64], position: u64) -> (i16, i64) {
    let position = position.max(1);
    let bucket = before[1..].partition_point(|before| *before < position);
    let bucket = bucket.min(usize::from(Bucket::COUNT));
    (i16::try_from(bucket).expect("at most 1,024"), big(position - before[bucket]))
}

fn position(before: &[u64], bucket: i16, place: u64) -> Result<u64, StoreError> {
    let before = usize::try_from(bucket).ok().and_then(|bucket| before.get(bucket));
    before.map(|before| before + place).ok_or_else(|| damaged("an entry of a bucket that is none"))
}

/// A row of an entry, with its bucket and place before it.
fn row_of(before: &[u64], row: &SqlRow) -> Result<Row, StoreError> {
    let (stored_in, place) = (get::<i16>(row, 0)?, whole(row, 1)?);
    let record = record(row, 2)?;
    if stored_in != bucket(record.account) {
        return Err(damaged(format!("entry {} of account {} is in another bucket", record.seq, record.account.0)));
    }
    Ok(Row { position: position(before, stored_in, place)?, links: None, record })
}

/// Reads the entries of a page. Where places are empty there are fewer: it reaches no further than if they were not.
async fn read(line: Arc<Mutex<Line>>, before: Arc<[u64]>, page: Page) -> Result<Vec<Row>, StoreError> {
    let (bucket, from) = place(&before, page.position);
    let (last, to) = place(&before, page.next().position).min((page.end, 0));
    let asked = line.lock().await.ask(&FROM, &[&bucket, &from, &last, &to, &limited(page.limit)]).await;
    asked.map_err(|error| refused(&error))?.iter().map(|row| row_of(&before, row)).collect()
}

/// Reads the terms of one bucket after another, of those that nobody has begun, and hands them over with their positions.
async fn read_terms(
    line: Arc<Mutex<Line>>,
    before: Arc<[u64]>,
    next: Arc<AtomicU16>,
    pairs: mpsc::Sender<Result<Vec<(u64, u64)>, StoreError>>,
) {
    let mut line = line.lock().await;
    loop {
        let bucket = next.fetch_add(1, Ordering::Relaxed);
        if bucket >= Bucket::COUNT {
            return;
        }
        let mut after = Some((StoredTerm(Term(0)), -1_i64, -1_i64));
        let mut last = None;
        while let Some(from) = after {
            let page = terms_page(&mut line, end_of(bucket), from).await;
            let read = page.and_then(|rows| {
                after = match rows.last() {
                    Some(row) if limited(rows.len()) == TERMS_PAGE => Some((get(row, 0)?, get(row, 1)?, get(row, 2)?)),
                    _ => None,
                };
                shown(&before, end_of(bucket), &rows, &mut last)
            });
            let failed = read.is_err();
            // Nobody listens any more: then there was a failure elsewhere.
            if pairs.send(read).await.is_err() || failed {
                return;
            }
        }
    }
}

async fn terms_page(
    line: &mut Line,
    bucket: i16,
    (term, account, seq): (StoredTerm, i64, i64),
) -> Result<Vec<SqlRow>, StoreError> {
    let asked = line.ask(&TERMS, &[&bucket, &term, &account, &seq, &TERMS_PAGE]).await;
    asked.map_err(|error| refused(&error))
}

/// What is shown of a page of terms: those that are alike in it, in an entry that has both, once.
fn shown(
    before: &[u64],
    bucket: i16,
    rows: &[SqlRow],
    last: &mut Option<(u64, u64)>,
) -> Result<Vec<(u64, u64)>, StoreError> {
    let mut pairs = Vec::with_capacity(rows.len());
    for row in rows {
        let StoredTerm(term) = get(row, 0)?;
        if get::<Option<i64>>(row, 3)?.is_none() {
            return Err(damaged("a term leads to an entry that is not there"));
        }
        let pair = (indexed(term), position(before, bucket, whole(row, 3)?)?);
        if *last != Some(pair) {
            pairs.push(pair);
            *last = Some(pair);
        }
    }
    Ok(pairs)
}

fn limited(limit: usize) -> i64 {
    big(u64::try_from(limit).expect("a length fits 64 bits"))
}

fn end_of(buckets: u16) -> i16 {
    i16::try_from(buckets).expect("at most 1,024")
}

impl Reader for Snapshot {
    fn documents(&self) -> Result<Vec<Document>, StoreError> {
        let line = self.line();
        self.pool.block_on(async { documents::all(&mut *line.lock().await).await })
    }

    fn extent(&self) -> Result<Extent, StoreError> {
        Ok(Extent { mark: self.last(), last: self.last(), last_account: self.last_account })
    }

    fn account(&self, number: AccountNumber) -> Result<Option<StoredAccount>, StoreError> {
        let rows = self.rows(&ACCOUNT, &[&bucket(number), &big(number.0)])?;
        rows.first().map(|row| stored(row, 0)).transpose()
    }

    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<StoredAccount>>, StoreError> {
        let line = self.line();
        let rows = self.pool.block_on(async { store::numbered(&mut *line.lock().await, numbers).await });
        let rows = rows.map_err(|error| refused(&error))?;
        rows.iter().map(|row| row.as_ref().map(|row| stored(row, 1)).transpose()).collect()
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
        let found = self.page(Page { position, end: end_of(Bucket::COUNT), limit: 1 })?;
        Ok(found.into_iter().next().filter(|row| row.position == position))
    }

    fn rows_from(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.page(Page { position: position.max(1), end: end_of(Bucket::COUNT), limit })
    }

    fn rows_before(&self, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        if position <= 1 {
            return Ok(Vec::new());
        }
        let (bucket, place) = place(&self.before, position.min(self.last() + 1));
        let rows = self.rows(&BEFORE, &[&bucket, &place, &limited(limit)])?;
        rows.iter().map(|row| row_of(&self.before, row)).collect()
    }

    fn positions(&self, term: Term) -> Result<Vec<u64>, StoreError> {
        let leading = u128::from(indexed(term)) << 64;
        let (first, last) = (StoredTerm(Term(leading)), StoredTerm(Term(leading | u128::from(u64::MAX))));
        let rows = self.rows(&OF_TERM, &[&first, &last])?;
        rows.iter().map(|row| position(&self.before, get(row, 0)?, whole(row, 1)?)).collect()
    }

    fn heads(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Head>, StoreError> {
        let after = after.map_or(-1, |after| big(after.0));
        self.rows(&HEADS, &[&after, &limited(limit)])?.iter().map(head).collect()
    }

    fn rows_of(&self, buckets: Range<u16>, position: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
        let first = self.before[usize::from(buckets.start)] + 1;
        self.page(Page { position: position.max(first), end: end_of(buckets.end), limit })
    }

    fn terms(&self, see: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        let next = Arc::new(AtomicU16::new(0));
        let (pairs, mut read) = mpsc::channel(self.lines.len());
        for line in &self.lines {
            let (line, before, next) = (Arc::clone(line), Arc::clone(&self.before), Arc::clone(&next));
            drop(self.pool.spawn(read_terms(line, before, next, pairs.clone())));
        }
        drop(pairs);
        while let Some(pairs) = self.pool.block_on(read.recv()) {
            pairs?.into_iter().for_each(|(term, position)| see(term, position));
        }
        Ok(())
    }

    fn sound(&self) -> Result<(), StoreError> {
        let rows = self.rows(&MISPLACED, &[])?;
        let row = rows.first().ok_or_else(|| damaged("a count without an answer"))?;
        if whole(row, 0)? != u64::from(Bucket::COUNT) {
            return Err(damaged("table buckets has not its 1,024 rows"));
        }
        match whole(row, 1)? {
            0 => self.ids_lead_to_accounts(),
            more => Err(damaged(format!("{more} entries are of another studio than their account, or of no account"))),
        }
    }

    /// Always finished: what is erased is gone from the tables at once.
    fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        Ok(Vec::new())
    }
}

#[cfg(all(test, feature = "harness"))]
mod tests {
    use super::*;
    use crate::{Address, PostgresStore, harness};

    /// How many connections look at the store, all of which can be read from.
    fn check(address: &Address, connections: usize) {
        drop(PostgresStore::open(address).expect("a database that answers"));
        let pool = Arc::new(Pool::new(address.clone()).expect("threads"));
        let snapshot = Snapshot::open(&pool).expect("a snapshot");
        assert_eq!(snapshot.lines.len(), connections);
        for _ in 0..connections {
            assert_eq!(snapshot.rows_from(1, 10).expect("a page"), []);
            assert_eq!(snapshot.heads(None, 10).expect("a page"), []);
        }
    }

    #[test]
    fn as_many_connections_read_as_the_address_says() {
        for (parameters, connections) in
            [("", 4), ("readers=1", 1), ("readers=2", 2), ("readers=7", 7), ("statements=whole", 1)]
        {
            let address = format!("{}&{parameters}", harness::database_address());
            check(&Address::parse(&address).expect("an address"), connections);
        }
    }

    #[test]
    fn one_reads_where_the_database_hands_no_snapshot_out() {
        let address = harness::database();
        harness::run(
            &address,
            "CREATE ROLE alone LOGIN;
             REVOKE EXECUTE ON FUNCTION pg_export_snapshot() FROM PUBLIC",
        );
        drop(PostgresStore::open(&address).expect("a database that answers"));
        harness::run(
            &address,
            "GRANT USAGE ON SCHEMA scrip TO alone; GRANT SELECT ON ALL TABLES IN SCHEMA scrip TO alone",
        );
        check(&harness::as_user(&address, "alone"), 1);
    }
}
