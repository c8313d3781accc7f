//! The data folder: which one, opening it, and asking whoever owns it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::store::joint::{Edition, JointStore as _};
use scrip_engine::store::{Document, ImportState, Reader, Store as _, StoreError};
use scrip_engine::{Engine, Options, import};
use scrip_store_postgres::{Address, Migrated, PostgresStore};
use scrip_store_sqlite::{OpenError, OpenMode, SqliteStore, open_reader};
use tokio::runtime::Runtime;

use crate::admin::{self, Ask, Asker, Tell};
use crate::args::Place;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::{control, running};

/// Where the data are.
#[derive(Clone)]
pub(crate) enum Site<'a> {
    /// In a folder, which one process owns at a time.
    Folder(&'a Path),
    /// In a database, which several servers share.
    Database(Box<Address>),
}

impl Site<'_> {
    /// As messages name it: a database's address may hold a password.
    pub(crate) fn shown(&self) -> &Path {
        match self {
            Site::Folder(folder) => folder,
            Site::Database(_) => Path::new("the database"),
        }
    }
}

/// Where the data are: the folder of the embedded store, unless another store is asked for.
pub(crate) fn site(place: &Place) -> Result<Site<'_>, Failure> {
    match place.store.as_deref() {
        None => Ok(Site::Folder(&place.data)),
        Some(address) if is_postgres(address) => {
            let address = Address::parse(address).map_err(|error| Failure::Usage(format!("--store: {error}")))?;
            Ok(Site::Database(Box::new(address)))
        }
        Some(_) => Err(Failure::Usage(
            "--store takes postgres://…; for the embedded store leave it out and name its folder with --data"
                .to_owned(),
        )),
    }
}

/// Reads the data as they stand now, beside whoever writes them.
pub(crate) fn reader(site: &Site<'_>) -> Result<Arc<dyn Reader>, Failure> {
    match site {
        Site::Folder(folder) => open_reader(folder).map_err(unopened),
        Site::Database(address) => {
            let store = PostgresStore::open_to_read(address).map_err(|error| Failure::of_path(site.shown(), &error))?;
            let reader = store.snapshot().map_err(|error| Failure::of_path(site.shown(), &error))?;
            let documents = reader.documents().map_err(|error| Failure::of_path(site.shown(), &error))?;
            let under_way = |document: &Document| matches!(document, Document::Import(import) if import.state == ImportState::UnderWay);
            if documents.iter().any(under_way) {
                return Err(Failure::of_path(site.shown(), &import::UNDER_WAY));
            }
            Ok(reader)
        }
    }
}

/// A database that is damaged where it is opened is an answer, like damage found later; anything else is no answer.
fn unopened(error: OpenError) -> Failure {
    let damaged = matches!(&error, OpenError::Database { error: StoreError::Damaged(_), .. });
    if damaged { Failure::No(error.to_string()) } else { Failure::Failed(error.to_string()) }
}

/// Makes the tables of a database, or makes them of this version.
pub(crate) fn migrate(place: &Place) -> Result<(), Failure> {
    match site(place)? {
        Site::Folder(_) => Err(Failure::Usage(
            "migrate is for a store in PostgreSQL: name it with --store postgres://…; the embedded store is made one of \
             this version when it is served"
                .to_owned(),
        )),
        site @ Site::Database(_) => {
            let Site::Database(address) = &site else { return Ok(()) };
            let Migrated { from, to } =
                PostgresStore::migrate_at(address).map_err(|error| Failure::of_path(site.shown(), &error))?;
            if from == to {
                println!("the tables are of version {to} already");
            } else {
                println!("the tables were of version {from}, and are of version {to} now");
            }
            Ok(())
        }
    }
}

/// The folder of the embedded store, for a copy of all of it; PostgreSQL has tools of its own for that.
pub(crate) fn folder_to_copy(place: &Place) -> Result<&Path, Failure> {
    match site(place)? {
        Site::Folder(folder) => Ok(folder),
        Site::Database(_) => Err(Failure::Failed(
            "a store in PostgreSQL is backed up and restored with PostgreSQL's own tools (pg_dump and pg_restore, or \
             pg_basebackup with archived logs); leave out --store (and SCRIP_STORE) for the embedded store in --data DIR"
                .to_owned(),
        )),
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
    let documents = store.reader().documents().map_err(|error| Failure::of_path(folder, &error))?;
    refuse_to_fall_behind(folder, &clock, &documents)?;
    start_on(store, folder, Options { clock, ..Options::default() })
}

/// The same wherever the data are. In a database its tables are made if they are not there.
pub(crate) fn start_at(site: &Site<'_>, clock: Clock) -> Result<Engine, Failure> {
    let address = match site {
        Site::Folder(folder) => return start(folder, clock),
        Site::Database(address) => address,
    };
    let unopened = |error: StoreError| Failure::of_path(site.shown(), &error);
    let store = PostgresStore::open(address).map_err(unopened)?;
    let documents = store.documents(None).and_then(Edition::whole).map_err(unopened)?;
    refuse_to_fall_behind(site.shown(), &clock, &documents)?;
    Engine::start_joint(Arc::new(store), Options { clock, ..Options::default() }).map_err(unopened)
}

fn refuse_to_fall_behind(path: &Path, clock: &Clock, documents: &[Document]) -> Result<(), Failure> {
    if let (Clock::System, Some(stands)) = (clock, test_clock_of(documents))
        && stands > clock.now()
    {
        return Err(Failure::of_path(
            path,
            &format!("its test clock stands at {stands}, ahead of this machine's: start it with --test-clock {stands}"),
        ));
    }
    Ok(())
}

/// Whoever answers for a folder while a longer piece of work asks again and again: the server that runs on it, or an
/// engine of our own on its store.
pub(crate) struct Attendant<'a> {
    site: Site<'a>,
    runtime: Runtime,
    own: Option<Engine>,
}

impl<'a> Attendant<'a> {
    /// Finds the server, or opens the store, which must be there.
    pub(crate) fn reach(place: &'a Place) -> Result<Attendant<'a>, Failure> {
        let site = site(place)?;
        let runtime = running::runtime()?;
        let own = if let Site::Folder(folder) = &site
            && control::answers(folder)?
        {
            None
        } else {
            // Work that goes through many accounts once: few are kept in memory, and written behind soon.
            let options =
                Options { resident_limit: 20_000, mark_every: 50_000, sweep_per_second: 0, ..Options::default() };
            let _within = runtime.enter();
            Some(start_own(&site, OpenMode::Existing, options)?)
        };
        Ok(Attendant { site, runtime, own })
    }

    /// Asks.
    pub(crate) fn ask(&self, ask: Ask) -> Result<Tell, Failure> {
        match &self.own {
            Some(engine) => Ok(self.runtime.block_on(admin::carry_out(engine, Asker::Person, ask))),
            None => {
                let folder = self.site.shown();
                let told = control::ask(folder, &ask)?;
                told.ok_or_else(|| Failure::of_path(folder, &"the server that ran here has stopped"))
            }
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
    let site = site(place)?;
    if let Site::Folder(folder) = &site
        && let Some(tell) = control::ask(folder, &ask)?
    {
        return Ok(tell);
    }
    // The first catalog may be published before the first start; a mistyped folder must not be answered from a new,
    // empty store.
    let mode = if matches!(ask, Ask::Publish { .. }) { OpenMode::Create } else { OpenMode::Existing };
    running::runtime()?.block_on(async {
        let engine = start_own(&site, mode, Options { sweep_per_second: 0, ..Options::default() })?;
        let tell = admin::carry_out(&engine, Asker::Person, ask).await;
        running::stop(engine).await?;
        Ok(tell)
    })
}

/// An engine for an operator's command, on the store's test clock where that stands ahead of the machine's.
fn start_own(site: &Site<'_>, mode: OpenMode, options: Options) -> Result<Engine, Failure> {
    match site {
        Site::Folder(folder) => {
            let store = open(folder, mode)?;
            let documents = store.reader().documents().map_err(|error| Failure::of_path(folder, &error))?;
            let clock = clock(ahead(&documents));
            start_on(store, folder, Options { clock, ..options })
        }
        Site::Database(address) => {
            let unopened = |error: StoreError| Failure::of_path(site.shown(), &error);
            let store = match mode {
                OpenMode::Create => PostgresStore::open(address),
                OpenMode::Existing => PostgresStore::open_existing(address),
            };
            let store = store.map_err(unopened)?;
            let documents = store.documents(None).and_then(Edition::whole).map_err(unopened)?;
            let clock = clock(ahead(&documents));
            Engine::start_joint(Arc::new(store), Options { clock, ..options }).map_err(unopened)
        }
    }
}

/// Where a test clock stands, if it is ahead of the machine's.
fn ahead(documents: &[Document]) -> Option<Time> {
    test_clock_of(documents).filter(|stands| *stands > Clock::system().now())
}

/// Opens the store of a folder; the error names the folder itself.
pub(crate) fn open(folder: &Path, mode: OpenMode) -> Result<SqliteStore, Failure> {
    SqliteStore::open(folder, mode).map_err(|error| Failure::Failed(error.to_string()))
}

fn start_on(store: SqliteStore, folder: &Path, options: Options) -> Result<Engine, Failure> {
    Engine::start(Box::new(store), options).map_err(|error| Failure::of_path(folder, &error))
}

/// Where the store's test clock stands, if it ever had one.
fn test_clock_of(documents: &[Document]) -> Option<Time> {
    documents.iter().find_map(|document| match document {
        Document::Clock { now } => Some(*now),
        Document::Studio { .. }
        | Document::Catalog { .. }
        | Document::Key(_)
        | Document::Import(_)
        | Document::TokenSecret { .. }
        | Document::Note(_) => None,
    })
}

/// An answer that says no, as a failure.
pub(crate) fn refusal(tell: Tell) -> Failure {
    match tell {
        Tell::No { message } => Failure::No(message),
        Tell::Failed { message } => Failure::Failed(message),
        other => Failure::Failed(format!("an unexpected answer: {other:?}")),
    }
}
