//! One connection, and statements that are sent together.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use scrip_engine::store::StoreError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, NoTls, Row, SimpleQueryMessage, Socket, Statement,
};

use crate::address::{Address, Scope, Statements};
use crate::trouble::{refused, silent};

/// A statement, and the types of its parameters.
#[derive(Debug)]
pub(crate) struct Sql {
    /// Its text; `{at}` stands for how a bucket is compared with `$1`.
    pub(crate) text: &'static str,
    pub(crate) types: &'static [Type],
}

/// The values of a statement's parameters.
pub(crate) type Values<'a> = [&'a (dyn ToSql + Sync)];

/// Every statement of ours finds its rows by an index, in the order in which it is written, however many it is given. So one
/// plan serves for all of a connection's life, but only once the tables are large: what is as good as any other on small
/// ones is slow on what they become.
/// A reading that nobody waits for any more ends by itself; what writes, proves or migrates lifts that.
const PLANS: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
  SET statement_timeout = '65s';
  SET join_collapse_limit = 1; SELECT set_config('plan_cache_mode', CASE WHEN
    (SELECT reltuples FROM pg_class WHERE oid = to_regclass('scrip.entries')) > 100000 THEN 'force_generic_plan'
    ELSE 'force_custom_plan' END, false)";

/// How long a connection is used that plans each statement once: its plans are of the tables as they were.
const AGE: Duration = Duration::from_secs(60);
/// How long one is used that plans a statement each time: the tables may have become large.
const AGE_PLANNING: Duration = Duration::from_secs(5);

/// A connection to the database.
pub(crate) struct Line {
    client: Client,
    host: usize,
    patience: Duration,
    /// What a transaction sets so that its commit is durable when it is answered, if the defaults are not so.
    durably: &'static str,
    /// Until when it is used.
    fresh_until: Instant,
    scope: Scope,
    statements: Statements,
    /// By text: the one that is sent, and, once it was prepared, what the database calls it.
    prepared: HashMap<&'static str, (String, Option<Statement>)>,
    /// The server warned that a commit was not waited for by its standby.
    unwaited: Arc<AtomicBool>,
}

impl Line {
    /// Connects to the host of an address that is the `host`-th, by its own address.
    pub(crate) async fn connect(address: &Address, host: usize, at: &Config) -> Result<Line, Error> {
        let unwaited = Arc::new(AtomicBool::new(false));
        // A socket's address says that nothing is to be encrypted.
        let tls = address.tls.as_ref().filter(|_| at.get_ssl_mode() != SslMode::Disable);
        let client = match tls {
            None => {
                let (client, connection) = at.connect(NoTls).await?;
                tokio::spawn(drive(connection, Arc::clone(&unwaited)));
                client
            }
            Some(tls) => {
                let (client, connection) = at.connect(tls.clone()).await?;
                tokio::spawn(drive(connection, Arc::clone(&unwaited)));
                client
            }
        };
        let (scope, statements) = (address.scope, address.statements);
        let keeps_plans = statements == Statements::Whole || keeps_plans(&client).await?;
        let fresh_until = Instant::now() + if keeps_plans { AGE } else { AGE_PLANNING };
        let durably = if is_lax(&client).await? { "; SET LOCAL synchronous_commit = on" } else { "" };
        Ok(Line {
            client,
            host,
            patience: address.patience,
            durably,
            fresh_until,
            scope,
            statements,
            prepared: HashMap::new(),
            unwaited,
        })
    }

    /// Which of the address's hosts it leads to.
    pub(crate) fn host(&self) -> usize {
        self.host
    }

    /// What one transaction may touch.
    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether rows are changed in the order in which a statement is given them.
    pub(crate) fn order(&self) -> Order {
        match self.statements {
            Statements::Prepared => Order::AsGiven,
            Statements::Whole => Order::Any,
        }
    }

    /// Waits for the answer to something that was sent, as long as callers wait; `None`: it has not come.
    pub(crate) async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.patience, answer).await.ok()
    }

    /// Begins a transaction that writes. Locks are not waited for longer than callers wait: what holds them (a commit that
    /// waits for a standby that is gone) may hold them for hours. Whatever the role or the database have for their defaults:
    /// a commit is neither ended while it waits, nor told of before it is durable.
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        let (patience, durably) = (self.patience.as_secs(), self.durably);
        self.run(&format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; \
             SET LOCAL lock_timeout = '{patience}s'{durably}"
        ))
        .await
    }

    /// Makes statements ready that write, in the time that callers wait.
    pub(crate) async fn ready_to_write(&mut self, wanted: &[&'static Sql]) -> Result<(), StoreError> {
        let patience = self.patience;
        let ready = tokio::time::timeout(patience, self.ready(wanted)).await;
        ready.map_err(|_| silent())?.map_err(|error| refused(&error))
    }

    /// Ends a transaction of which nothing is to last.
    pub(crate) async fn rolled_back(&self) -> LineState {
        match self.in_time(self.run("ROLLBACK")).await {
            Some(Ok(())) => LineState::Idle,
            Some(Err(_)) | None => LineState::Broken,
        }
    }

    /// How long callers wait.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// Makes statements ready, all at once those that are not yet.
    pub(crate) async fn ready(&mut self, wanted: &[&'static Sql]) -> Result<(), Error> {
        let missing: Vec<&'static Sql> =
            wanted.iter().filter(|sql| !self.prepared.contains_key(sql.text)).copied().collect();
        let texts: Vec<String> = missing.iter().map(|sql| self.text(sql)).collect();
        let mut prepared: Vec<Option<Statement>> = Vec::new();
        match self.statements {
            Statements::Whole => prepared.resize_with(missing.len(), || None),
            Statements::Prepared => {
                let client = &self.client;
                let preparing = missing.iter().zip(&texts).map(|(sql, text)| client.prepare_typed(text, sql.types));
                for statement in all(preparing).await {
                    prepared.push(Some(statement?));
                }
            }
        }
        for ((sql, text), statement) in missing.into_iter().zip(texts).zip(prepared) {
            self.prepared.insert(sql.text, (text, statement));
        }
        Ok(())
    }

    fn text(&self, sql: &Sql) -> String {
        let at = match self.scope {
            // Every bucket is at least 0.
            Scope::AnyBucket => ">=",
            Scope::OneBucket => "=",
        };
        sql.text.replace("{at}", at)
    }

    /// Sends a statement, which must be ready; it goes out when the future is first polled.
    pub(crate) async fn rows(&self, sql: &'static Sql, values: &Values<'_>) -> Result<Vec<Row>, Error> {
        let (text, statement) = self.prepared.get(sql.text).expect("statements are made ready first");
        match statement {
            Some(statement) => self.client.query(statement, values).await,
            None => {
                let typed: Vec<(&(dyn ToSql + Sync), Type)> =
                    values.iter().copied().zip(sql.types.iter().cloned()).collect();
                self.client.query_typed(text, &typed).await
            }
        }
    }

    /// The same for one statement alone.
    pub(crate) async fn ask(&mut self, sql: &'static Sql, values: &Values<'_>) -> Result<Vec<Row>, Error> {
        self.ready(&[sql]).await?;
        self.rows(sql, values).await
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&self, text: &str) -> Result<(), Error> {
        self.client.batch_execute(text).await
    }

    /// Whether it can be used again.
    pub(crate) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Whether it has been used for long enough.
    pub(crate) fn is_old(&self) -> bool {
        Instant::now() > self.fresh_until
    }

    /// Whether the server warned since this was last asked that a commit was not waited for by its standby.
    pub(crate) fn was_unwaited(&self) -> bool {
        self.unwaited.swap(false, Ordering::AcqRel)
    }
}

/// Moves what goes over a connection, until it ends; notes the server's warning that a commit was not waited for.
async fn drive<T: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<Socket, T>, unwaited: Arc<AtomicBool>) {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) if notice.code().code() == "01000" => {
                unwaited.store(true, Ordering::Release);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "a connection to the database has ended");
                return;
            }
        }
    }
}

/// Sets how statements are planned; answers whether each is planned once.
async fn keeps_plans(client: &Client) -> Result<bool, Error> {
    let told = client.simple_query(PLANS).await?;
    Ok(told.iter().any(|told| matches!(told, SimpleQueryMessage::Row(row) if row.get(0) == Some("force_generic_plan"))))
}

/// Whether a commit would be answered before it is on the disk.
async fn is_lax(client: &Client) -> Result<bool, Error> {
    let told = client.simple_query("SHOW synchronous_commit").await?;
    Ok(told.iter().any(|told| matches!(told, SimpleQueryMessage::Row(row) if row.get(0) == Some("off"))))
}

/// In which order a statement changes the rows that it is given: what two transactions change in different orders, each may
/// wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In this one: the connection plans as its settings say.
    AsGiven,
    /// In any: a pooler's connections plan as they like.
    Any,
}

/// What has become of a connection on which something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineState {
    /// It is in no transaction.
    Idle,
    /// It is of no further use.
    Broken,
    /// The database has not answered yet.
    Unanswered,
}

/// Waits for all, having begun them in their order: statements on one connection go out together, in this order.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Result<Pin<Box<F>>, F::Output>> =
        futures.into_iter().map(|future| Ok(Box::pin(future))).collect();
    poll_fn(|context| {
        let mut pending = false;
        for slot in &mut waiting {
            if let Ok(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *slot = Err(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    waiting.into_iter().filter_map(Result::err).collect()
}
