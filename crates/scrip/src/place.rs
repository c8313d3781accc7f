//! The data folder: which one, opening it, and asking whoever owns it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::store::{Document, Store};
use scrip_engine::{Engine, Options};
use scrip_store_sqlite::{OpenMode, SqliteStore};
use tokio::runtime::Runtime;

use crate::admin::{self, Ask, Asker, Tell};
use crate::args::Place;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::{control, running};

/// The folder of the embedded store, unless another store is asked for.
pub(crate) fn folder(place: &Place) -> Result<&Path, Failure> {
    match place.store.as_deref() {
        None => Ok(&place.data),
        Some(address) if is_postgres(address) => Err(Failure::Failed(
            "the PostgreSQL store is not in this version; leave out --store (and SCRIP_STORE) to use the \
                 embedded store in --data DIR"
                .to_owned(),
        )),
        Some(_) => Err(Failure::Usage(
            "--store takes postgres://…; for the embedded store leave it out and name its folder with --data"
                .to_owned(),
        )),
    }
}

/// The folder of the embedded store, for a copy of all of it; PostgreSQL has tools of its own for that.
pub(crate) fn folder_to_copy(place: &Place) -> Result<&Path, Failure> {
    match place.store.as_deref() {
        Some(address) if is_postgres(address) => Err(Failure::Failed(
            "a store in PostgreSQL is backed up and restored with PostgreSQL's own tools (pg_dump and pg_restore, or \
             pg_basebackup with archived logs); leave out --store (and SCRIP_STORE) for the embedded store in --data DIR"
                .to_owned(),
        )),
        Some(_) | None => folder(place),
    }
}

fn is_postgres(address: &str) -> bool {
    address.starts_with("postgres://") || address.starts_with("postgresql://")
}

/// The clock that a server runs on.
pub(crate) fn clock(test_clock: Option<Time>) -> Clock {
    test_clock.map_or_else(Clock::system, Clock::test)
}

/// Opens the store of a folder, making it where there is none, and starts the engine on it.
///
/// A store whose test clock stands ahead of the machine's is refused on the machine's clock: the times of its entries
/// never go back (R33), so its deadlines and cycles would stand still until the world has caught up.
pub(crate) fn start(folder: &Path, clock: Clock) -> Result<Engine, Failure> {
    let store = open(folder, OpenMode::Create)?;
    if let (Clock::System, Some(stands)) = (&clock, test_clock_of(&store, folder)?)
        && stands > clock.now()
    {
        return Err(Failure::of_path(
            folder,
            &format!("its test clock stands at {stands}, ahead of this machine's: start it with --test-clock {stands}"),
        ));
    }
    start_on(store, folder, Options { clock, ..Options::default() })
}

/// Whoever answers for a folder while a longer piece of work asks again and again: the server that runs on it, or an
/// engine of our own on its store.
pub(crate) struct Attendant<'a> {
    folder: &'a Path,
    runtime: Runtime,
    own: Option<Engine>,
}

impl<'a> Attendant<'a> {
    /// Finds the server, or opens the store, which must be there.
    pub(crate) fn reach(place: &'a Place) -> Result<Attendant<'a>, Failure> {
        let folder = folder(place)?;
        let runtime = running::runtime()?;
        let own = if control::answers(folder)? {
            None
        } else {
            // Work that goes through many accounts once: few are kept in memory, and written behind soon.
            let options =
                Options { resident_limit: 20_000, mark_every: 50_000, sweep_per_second: 0, ..Options::default() };
            let _within = runtime.enter();
            Some(start_own(folder, OpenMode::Existing, options)?)
        };
        Ok(Attendant { folder, runtime, own })
    }

    /// Asks.
    pub(crate) fn ask(&self, ask: Ask) -> Result<Tell, Failure> {
        match &self.own {
            Some(engine) => Ok(self.runtime.block_on(admin::carry_out(engine, Asker::Person, ask))),
            None => control::ask(self.folder, &ask)?
                .ok_or_else(|| Failure::of_path(self.folder, &"the server that ran here has stopped")),
        }
    }

    /// From now on a Ctrl-C does not end the process but is noted, to be looked at between two questions; a second one
    /// ends it.
    pub(crate) fn watch(&self) -> Result<Arc<AtomicBool>, Failure> {
        let _within = self.runtime.enter();
        let signals = Signals::watch()?;
        let noted = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&noted);
        self.runtime.spawn(async move {
            signals.first().await;
            note.store(true, Ordering::Release);
        });
        Ok(noted)
    }

    /// Closes the store in good order, if it was opened here.
    pub(crate) fn leave(self) -> Result<(), Failure> {
        match self.own {
            Some(engine) => self.runtime.block_on(running::stop(engine)),
            None => Ok(()),
        }
    }
}

/// Asks the server that runs on the folder, or the store itself when none does.
pub(crate) fn ask(place: &Place, ask: Ask) -> Result<Tell, Failure> {
    let folder = folder(place)?;
    if let Some(tell) = control::ask(folder, &ask)? {
        return Ok(tell);
    }
    // The first catalog may be published before the first start; a mistyped folder must not be answered from a new,
    // empty store.
    let mode = if matches!(ask, Ask::Publish { .. }) { OpenMode::Create } else { OpenMode::Existing };
    running::runtime()?.block_on(async {
        let engine = start_own(folder, mode, Options::default())?;
        let tell = admin::carry_out(&engine, Asker::Person, ask).await;
        running::stop(engine).await?;
        Ok(tell)
    })
}

/// An engine for an operator's command, on the store's test clock where that stands ahead of the machine's.
fn start_own(folder: &Path, mode: OpenMode, options: Options) -> Result<Engine, Failure> {
    let store = open(folder, mode)?;
    let ahead = test_clock_of(&store, folder)?.filter(|stands| *stands > Clock::system().now());
    start_on(store, folder, Options { clock: clock(ahead), ..options })
}

/// Opens the store of a folder; the error names the folder itself.
pub(crate) fn open(folder: &Path, mode: OpenMode) -> Result<SqliteStore, Failure> {
    SqliteStore::open(folder, mode).map_err(|error| Failure::Failed(error.to_string()))
}

fn start_on(store: SqliteStore, folder: &Path, options: Options) -> Result<Engine, Failure> {
    Engine::start(Box::new(store), options).map_err(|error| Failure::of_path(folder, &error))
}

/// Where the store's test clock stands, if it ever had one.
fn test_clock_of(store: &SqliteStore, folder: &Path) -> Result<Option<Time>, Failure> {
    let documents = store.reader().documents().map_err(|error| Failure::of_path(folder, &error))?;
    Ok(documents.into_iter().find_map(|document| match document {
        Document::Clock { now } => Some(now),
        Document::Studio { .. }
        | Document::Catalog { .. }
        | Document::Key(_)
        | Document::Import(_)
        | Document::TokenSecret { .. }
        | Document::Note(_) => None,
    }))
}

/// An answer that says no, as a failure.
pub(crate) fn refusal(tell: Tell) -> Failure {
    match tell {
        Tell::No { message } => Failure::No(message),
        Tell::Failed { message } => Failure::Failed(message),
        other => Failure::Failed(format!("an unexpected answer: {other:?}")),
    }
}
