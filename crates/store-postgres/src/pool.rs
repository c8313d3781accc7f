//! Connections that wait to be used, and the runtime that drives them.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use scrip_engine::store::StoreError;
use scrip_engine::store::joint::Asker;
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Config, Error};

use crate::address::Address;
use crate::line::{Line, LineState};
use crate::trouble::refused;

/// How many connections to one host may be in the middle of a write. One that the database leaves without an answer keeps its
/// place, so that a standby that is away cannot use up all connections; a host that took its place has places of its own.
const WRITERS: usize = 16;
/// How many connections read for callers and for whoever goes round the accounts. Lanes and the clerk do not wait for these.
const READERS: usize = 8;
/// Connections kept when nobody uses them.
const KEPT: usize = 16;
/// How long one of several hosts may take to let a connection in.
const ADMISSION: Duration = Duration::from_secs(3);

/// One of the address's hosts.
struct Host {
    config: Config,
    writers: Arc<Semaphore>,
}

/// The connections of one server.
pub(crate) struct Pool {
    address: Address,
    idle: Mutex<Vec<Line>>,
    hosts: Vec<Host>,
    /// The host that let the last connection in: it is asked first.
    first: AtomicUsize,
    readers: Semaphore,
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
        let host = |config| Host { config, writers: Arc::new(Semaphore::new(WRITERS)) };
        Ok(Pool {
            hosts: address.hosts().into_iter().map(host).collect(),
            first: AtomicUsize::new(0),
            readers: Semaphore::new(READERS),
            address,
            idle: Mutex::new(Vec::new()),
            runtime: Some(runtime),
        })
    }

    /// Runs something that waits for the database, on the caller's thread. A thread of a runtime's own lets others do its
    /// work meanwhile; a runtime of one thread has none.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("it is there until the pool goes");
        match Handle::try_current() {
            Ok(outer) if outer.runtime_flavor() == RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(|| runtime.block_on(work))
            }
            Ok(_) => {
                let _within = runtime.enter();
                park_on(work)
            }
            Err(_) => runtime.block_on(work),
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
        self.connect().await
    }

    /// A new connection, to the first host that takes writes: each has its share of the time.
    async fn connect(&self) -> Result<Line, StoreError> {
        let count = self.hosts.len();
        let share = match u32::try_from(count) {
            Ok(more @ 2..) => (self.address.patience / more).min(ADMISSION),
            _ => self.address.patience,
        };
        let (first, mut failure) = (self.first.load(Ordering::Acquire), late());
        for host in (first..first + count).map(|place| place % count) {
            match timeout(share, Line::connect(&self.address, host, &self.hosts[host].config)).await {
                Ok(Ok(line)) => {
                    if self.first.swap(host, Ordering::AcqRel) != host {
                        self.forget();
                    }
                    return Ok(line);
                }
                Ok(Err(error)) => failure = refused(&error),
                Err(_) => failure = late(),
            }
        }
        Err(failure)
    }

    /// Closes what waits to be used: a server of the database has gone, or says nothing any more.
    fn forget(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A write on any connection: `write` answers what became of it, and of the connection. Nothing is ever cancelled: a
    /// commit that is told to stop waiting for its standby would be there, and could be lost.
    pub(crate) async fn write<T>(&self, write: impl AsyncFnOnce(&mut Line) -> (T, LineState)) -> Result<T, StoreError> {
        let mut line = self.line().await?;
        let places = Arc::clone(&self.hosts[line.host()].writers);
        let Ok(place) = timeout(self.address.patience, places.acquire_owned()).await else {
            self.take_back(line);
            return Err(late());
        };
        let place = place.expect("it is never closed");
        let (written, state) = write(&mut line).await;
        match state {
            LineState::Idle => self.take_back(line),
            LineState::Broken => self.forget(),
            LineState::Unanswered => {
                self.forget();
                drop(tokio::spawn(outwait(line, place)));
            }
        }
        Ok(written)
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Runs something that waits for the database while its caller does something else.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.as_ref().expect("it is there until the pool goes").spawn(work)
    }

    /// How long the database may take.
    pub(crate) fn patience(&self) -> Duration {
        self.address.patience
    }

    /// Takes back a connection that is in no transaction, unless it leads to a host that another has taken the place of.
    pub(crate) fn take_back(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let leads_on = line.is_open() && line.host() == self.first.load(Ordering::Acquire);
        if leads_on && !line.is_old() && idle.len() < KEPT {
            idle.push(line);
        }
    }

    /// A reading on any connection. A connection that has ended while it waited is replaced once.
    pub(crate) fn read<T>(
        &self,
        asker: Asker,
        patience: Duration,
        read: impl AsyncFn(&mut Line) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let reading = async {
            let _place = match asker {
                Asker::Threads => None,
                Asker::Callers => Some(self.readers.acquire().await.expect("it is never closed")),
            };
            let mut line = self.line().await?;
            let mut found = read(&mut line).await;
            if found.as_ref().is_err_and(|error| error.as_db_error().is_none()) {
                self.forget();
                line = self.line().await?;
                found = read(&mut line).await;
            }
            let found = found.map_err(|error| refused(&error))?;
            self.take_back(line);
            Ok(found)
        };
        self.block_on(async {
            timeout(patience, reading).await.unwrap_or_else(|_| {
                self.forget();
                Err(late())
            })
        })
    }
}

/// Runs something on a thread that runs a runtime of its own already; ours does what is waited for.
fn park_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Unpark>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    // What the other runtime allows one task at a time is not for what is waited for here.
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// Waits until the database has answered what was sent, for as long as it takes.
async fn outwait(line: Line, _place: OwnedSemaphorePermit) {
    // Answers come in order. Whatever this one is: the connection is not used again.
    drop(line.run("ROLLBACK").await);
}

fn late() -> StoreError {
    StoreError::Refused("the database does not answer in time".to_owned())
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.forget();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
