//! The port fulfilled: each call on a connection of the pool.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber};
use scrip_core::journal::Record;
use scrip_core::term::Term;
use scrip_core::time::Time;
use scrip_engine::store::joint::{Appended, Asker, Draft, Edition, Filling, Found, JointStore, StudioQuery, Wanted};
use scrip_engine::store::{Document, Reader, StoreError};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};
use tracing::error;

use crate::address::Address;
use crate::line::{Line, Sql};
use crate::params::StoredTerm;
use crate::pool::Pool;
use crate::rows::{account, account_columns, big, bucket, entry_columns, get, record};
use crate::schema::{self, Migrated};
use crate::snapshot::Snapshot;
use crate::{append, documents, fetch, studio};

pub(crate) static HISTORY: Sql = Sql {
    text: concat!(
        "SELECT ",
        entry_columns!(),
        " FROM scrip.entries e WHERE e.bucket = $1 AND e.account = $2 AND e.seq < $3 ORDER BY e.seq DESC LIMIT $4"
    ),
    types: &[Type::INT2, Type::INT8, Type::INT8, Type::INT8],
};

/// Of each term no more is looked at than is asked for in all.
pub(crate) static CARRYING: Sql = Sql {
    text: concat!(
        "SELECT ",
        entry_columns!(),
        " FROM (SELECT DISTINCT t.seq FROM unnest($3::uuid[]) AS k(term) CROSS JOIN LATERAL (
             SELECT t.seq FROM scrip.terms t
             WHERE t.bucket = $1 AND t.account = $2 AND t.term = k.term AND t.seq < $4 ORDER BY t.seq DESC LIMIT $5) t
           ORDER BY t.seq DESC LIMIT $5) t
         JOIN scrip.entries e ON e.bucket = $1 AND e.account = $2 AND e.seq = t.seq ORDER BY e.seq DESC"
    ),
    types: &[Type::INT2, Type::INT8, Type::UUID_ARRAY, Type::INT8, Type::INT8],
};

static ACCOUNTS: Sql = Sql {
    text: concat!(
        "SELECT ",
        account_columns!(),
        " FROM scrip.accounts a WHERE a.number > $1 ORDER BY a.number LIMIT $2"
    ),
    types: &[Type::INT8, Type::INT8],
};

/// Accounts by number, of any buckets.
static NUMBERED: Sql = Sql {
    text: concat!(
        "SELECT i.ord, ",
        account_columns!(),
        " FROM unnest($1::smallint[], $2::bigint[], $3::integer[]) AS i(bucket, number, ord)
         JOIN scrip.accounts a ON a.bucket = i.bucket AND a.number = i.number"
    ),
    types: &[Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT4_ARRAY],
};

/// A term of no account's may be in any bucket: each of them is asked.
static OF_ANY: Sql = Sql {
    text: concat!(
        "SELECT ",
        entry_columns!(),
        " FROM scrip.buckets b JOIN scrip.terms t ON t.bucket = b.bucket AND t.term = $1
         JOIN scrip.entries e ON e.bucket = t.bucket AND e.account = t.account AND e.seq = t.seq
         ORDER BY e.seq DESC LIMIT 1"
    ),
    types: &[Type::UUID],
};

/// How long a search through many accounts may take.
const SEARCH: Duration = Duration::from_secs(60);

/// The store in PostgreSQL.
pub struct PostgresStore {
    pool: Arc<Pool>,
}

impl PostgresStore {
    /// Opens the database, and makes its tables, or makes them of this version, if that is needed.
    pub fn open(address: &Address) -> Result<PostgresStore, StoreError> {
        let store = PostgresStore::connect(address)?;
        let version = store.pool.block_on(async {
            let mut line = store.pool.line().await?;
            schema::encoding_fits(&mut line).await?;
            schema::version(&mut line).await
        })?;
        if version.0 < schema::VERSION {
            store.migrate(&str::to_owned)?;
        }
        store.checked()
    }

    /// Opens a database whose tables are there only to read it: one that follows another, too, where it alone is named. Of
    /// several hosts it is the one that takes writes: the others may be behind.
    pub fn open_to_read(address: &Address) -> Result<PostgresStore, StoreError> {
        let mut address = address.clone();
        if address.hosts().len() == 1 {
            address.config.target_session_attrs(TargetSessionAttrs::Any);
        }
        PostgresStore::open_existing(&address)
    }

    /// Opens a database whose tables are there.
    pub fn open_existing(address: &Address) -> Result<PostgresStore, StoreError> {
        PostgresStore::connect(address)?.checked()
    }

    /// Makes the tables, or makes them of this version.
    pub fn migrate_at(address: &Address) -> Result<Migrated, StoreError> {
        PostgresStore::connect(address)?.migrate(&str::to_owned)
    }

    /// The same, with tables that a test wants otherwise.
    #[cfg(feature = "harness")]
    pub(crate) fn migrate_as(
        address: &Address,
        shape: &(dyn Fn(&str) -> String + Sync),
    ) -> Result<Migrated, StoreError> {
        PostgresStore::connect(address)?.migrate(shape)
    }

    fn connect(address: &Address) -> Result<PostgresStore, StoreError> {
        Ok(PostgresStore { pool: Arc::new(Pool::new(address.clone())?) })
    }

    fn checked(self) -> Result<PostgresStore, StoreError> {
        let pool = &self.pool;
        let version = pool.block_on(async {
            let mut line = pool.line().await?;
            schema::encoding_fits(&mut line).await?;
            let version = schema::version(&mut line).await?;
            pool.take_back(line);
            Ok::<_, StoreError>(version)
        })?;
        schema::fits(version)?;
        Ok(self)
    }

    fn migrate(&self, shape: &(dyn Fn(&str) -> String + Sync)) -> Result<Migrated, StoreError> {
        // Its connection is not used again: a migration that failed leaves a transaction open.
        self.pool.block_on(async { schema::migrate(&mut self.pool.line().await?, shape).await })
    }

    fn rows(&self, sql: &'static Sql, values: &crate::line::Values<'_>) -> Result<Vec<Row>, StoreError> {
        self.pool.read(Asker::Callers, self.pool.patience(), async |line: &mut Line| line.ask(sql, values).await)
    }
}

/// The account of a row, or word of it in the log: one that cannot be read keeps nobody from the others.
fn readable(row: &Row) -> Option<Account> {
    account(row, 0).inspect_err(|failure| error!(%failure, "an account cannot be read")).ok()
}

/// The rows of accounts by number, in the order of the numbers.
pub(crate) async fn numbered(line: &mut Line, numbers: &[AccountNumber]) -> Result<Vec<Option<Row>>, Error> {
    let buckets: Vec<i16> = numbers.iter().map(|number| bucket(*number)).collect();
    let stored: Vec<i64> = numbers.iter().map(|number| big(number.0)).collect();
    let ords: Vec<i32> = (0..).take(numbers.len()).collect();
    let mut rows: Vec<Option<Row>> = Vec::new();
    rows.resize_with(numbers.len(), || None);
    for row in line.ask(&NUMBERED, &[&buckets, &stored, &ords]).await? {
        let ord: i32 = row.get(0);
        rows[usize::try_from(ord).expect("one of those that were asked")] = Some(row);
    }
    Ok(rows)
}

fn limited(limit: usize) -> i64 {
    big(u64::try_from(limit).expect("a length fits 64 bits"))
}

impl JointStore for PostgresStore {
    fn documents(&self, known: Option<u64>) -> Result<Edition, StoreError> {
        self.pool.read(Asker::Threads, self.pool.patience(), async |line: &mut Line| {
            Ok(documents::edition(line, known).await)
        })?
    }

    fn put(&self, edition: u64, documents: &[Document]) -> Result<Appended, StoreError> {
        let written = self
            .pool
            .block_on(self.pool.write(async |line: &mut Line| documents::written(line, edition, documents).await));
        written?
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        self.pool.read(wanted.asker, self.pool.patience(), async |line: &mut Line| fetch::fetch(line, wanted).await)?
    }

    fn append(&self, drafts: &[Draft]) -> Vec<Result<Appended, StoreError>> {
        if drafts.is_empty() {
            return Vec::new();
        }
        let appended = self.pool.write(async |line: &mut Line| append::append(line, drafts).await);
        match self.pool.block_on(appended) {
            Ok(outcomes) => outcomes,
            Err(failure) => drafts.iter().map(|_| Err(failure.clone())).collect(),
        }
    }

    fn fill(&self, filling: &Filling) -> Result<Appended, StoreError> {
        let filled = self.pool.write(async |line: &mut Line| append::fill(line, filling).await);
        self.pool.block_on(filled)?
    }

    fn confirm(&self, accounts: &[AccountNumber]) -> Result<(), StoreError> {
        let buckets: BTreeSet<i16> = accounts.iter().map(|account| bucket(*account)).collect();
        let confirmed = self.pool.write(async |line: &mut Line| append::confirm(line, &buckets).await);
        self.pool.block_on(confirmed)?
    }

    fn entries(&self, account: AccountNumber, before: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let values: &crate::line::Values<'_> = &[&bucket(account), &big(account.0), &big(before), &limited(limit)];
        self.rows(&HISTORY, values)?.iter().map(|row| record(row, 0)).collect()
    }

    fn carrying(
        &self,
        account: AccountNumber,
        terms: &[Term],
        before: u64,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let terms: Vec<StoredTerm> = terms.iter().copied().map(StoredTerm).collect();
        let (before, limit) = (big(before), limited(limit));
        let values: &crate::line::Values<'_> = &[&bucket(account), &big(account.0), &terms, &before, &limit];
        self.rows(&CARRYING, values)?.iter().map(|row| record(row, 0)).collect()
    }

    fn studio_entries(&self, query: &StudioQuery<'_>) -> Result<Vec<(AccountId, Record)>, StoreError> {
        let rows =
            self.pool.read(Asker::Callers, SEARCH, async |line: &mut Line| studio::entries(line, query).await)?;
        rows.iter().map(studio::named).collect()
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Account>, StoreError> {
        let mut after = after.map_or(-1, |after| big(after.0));
        loop {
            let rows = self.rows(&ACCOUNTS, &[&after, &limited(limit)])?;
            let readable: Vec<Account> = rows.iter().filter_map(readable).collect();
            match rows.last() {
                // Nothing but rows to be stepped over: there may be more behind them.
                Some(last) if readable.is_empty() => after = get(last, 0)?,
                _ => return Ok(readable),
            }
        }
    }

    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<Account>>, StoreError> {
        let read = async |line: &mut Line| numbered(line, numbers).await;
        let rows = self.pool.read(Asker::Callers, self.pool.patience(), read)?;
        rows.iter().map(|row| row.as_ref().map(|row| account(row, 1)).transpose()).collect()
    }

    fn newest_of_any(&self, term: Term) -> Result<Option<Record>, StoreError> {
        let rows = self.rows(&OF_ANY, &[&StoredTerm(term)])?;
        rows.first().map(|row| record(row, 0)).transpose()
    }

    fn last_instant(&self) -> Result<Option<Time>, StoreError> {
        let last = self.pool.read(Asker::Callers, SEARCH, async |line: &mut Line| studio::last_at(line).await)?;
        Ok((last > 0).then_some(Time::from_micros(last)))
    }

    fn snapshot(&self) -> Result<Arc<dyn Reader>, StoreError> {
        Ok(Arc::new(Snapshot::open(&self.pool)?))
    }
}
