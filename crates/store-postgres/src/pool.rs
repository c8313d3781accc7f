//! Connections that wait to be used, and the runtime that drives them.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scrip_engine::store::StoreError;
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};
use tokio_postgres::Error;

use crate::address::Address;
use crate::line::Line;
use crate::trouble::refused;

/// How long a reading may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections kept when nobody uses them.
const KEPT: usize = 16;

/// The connections of one server.
pub(crate) struct Pool {
    address: Address,
    idle: Mutex<Vec<Line>>,
    /// Given up, not waited for, when the pool goes: it may go on a thread that must not wait.
    runtime: Option<Runtime>,
}

impl Pool {
    pub(crate) fn new(address: Address) -> Result<Pool, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("scrip-postgres")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Refused(format!("no threads for the database: {error}")))?;
        Ok(Pool { address, idle: Mutex::new(Vec::new()), runtime: Some(runtime) })
    }

    /// Runs something that waits for the database, on the caller's thread. A thread of a runtime's own lets others do its
    /// work meanwhile; a runtime of one thread has none.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("it is there until the pool goes");
        match Handle::try_current() {
            Ok(outer) if outer.runtime_flavor() == RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(|| runtime.block_on(work))
            }
            Ok(_) | Err(_) => runtime.block_on(work),
        }
    }

    /// A connection: one that waits, or a new one.
    pub(crate) async fn line(&self) -> Result<Line, StoreError> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(line) if line.is_open() => return Ok(line),
                Some(_) => {}
                None => break,
            }
        }
        Line::connect(&self.address).await.map_err(|error| refused(&error))
    }

    /// Takes back a connection that is in no transaction.
    pub(crate) fn take_back(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if line.is_open() && idle.len() < KEPT {
            idle.push(line);
        }
    }

    /// A reading on any connection, for a bounded time. A connection that has ended while it waited is replaced once.
    pub(crate) fn read<T>(&self, read: impl AsyncFn(&mut Line) -> Result<T, Error>) -> Result<T, StoreError> {
        let reading = async {
            let mut line = self.line().await?;
            let mut found = read(&mut line).await;
            if found.as_ref().is_err_and(|error| error.as_db_error().is_none()) {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                line = self.line().await?;
                found = read(&mut line).await;
            }
            let found = found.map_err(|error| refused(&error))?;
            self.take_back(line);
            Ok(found)
        };
        let late = || StoreError::Refused("the database does not answer in time".to_owned());
        self.block_on(async { tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| Err(late())) })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
