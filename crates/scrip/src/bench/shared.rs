//! Measuring on a database: the engine and hand-written SQL take turns on the same server.

use std::sync::Arc;
use std::time::Duration;

use scrip_store_postgres::Address;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::args::BenchArguments;
use crate::bench::engine_load::{self, Load};
use crate::bench::hand::ByHand;
use crate::bench::own::OwnServer;
use crate::bench::plan::{Plan, Subject, Work};
use crate::bench::world::World;
use crate::bench::{Measured, all_rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::Site;
use crate::progress::grouped;
use crate::running;

/// What is asked of the server, so that a figure says on what it was measured.
const SETTINGS: [&str; 6] =
    ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"];

/// The database that is measured on.
pub(crate) enum Database {
    /// One that was named.
    Named(String),
    /// One of our own, in a folder that goes after it.
    Own { server: OwnServer, _folder: FreshFolder },
}

impl Database {
    /// The one that is asked for, if one is.
    pub(crate) fn of(arguments: &BenchArguments) -> Result<Option<Database>, Failure> {
        if let Some(address) = &arguments.store {
            return Ok(Some(Database::Named(address.clone())));
        }
        if !arguments.postgres {
            return Ok(None);
        }
        let folder = FreshFolder::make(arguments.data.as_deref(), "bench")?;
        let server = OwnServer::start(folder.path())?;
        Ok(Some(Database::Own { server, _folder: folder }))
    }

    fn address(&self) -> String {
        match self {
            Database::Named(address) => address.clone(),
            Database::Own { server, .. } => server.address(),
        }
    }
}

/// Measures everything on a database.
pub(crate) fn measure(plan: &Plan, database: &Database) -> Result<Measured, Failure> {
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let mut bench = Bench::set_up(plan, &database.address(), &server)?;
    let figures = all_rounds(plan, Subject::shared(), |subject| bench.measure_one(subject, plan.duration, &callers))?;
    bench.by_hand.reckon()?;
    let charged = bench.world.reckon()?;
    server.block_on(running::stop(bench.world.engine.clone()))?;
    Ok(Measured { figures, charged, database: Some(bench.settings) })
}

struct Bench {
    world: Arc<World>,
    by_hand: ByHand,
    settings: Value,
}

impl Bench {
    fn set_up(plan: &Plan, address: &str, server: &Runtime) -> Result<Bench, Failure> {
        let parsed = Address::parse(address).map_err(|error| Failure::Usage(format!("--store: {error}")))?;
        eprintln!("opening {} accounts, twice", grouped(u64::from(plan.accounts)));
        let by_hand = ByHand::make(address, plan.accounts)?;
        let world = server.block_on(World::make(&Site::Database(Box::new(parsed)), plan.accounts))?;
        // As PostgreSQL does by itself a minute later.
        by_hand.ask("VACUUM ANALYZE")?;
        by_hand.ask("CHECKPOINT")?;
        let settings = settings(&by_hand)?;
        Ok(Bench { world, by_hand, settings })
    }

    fn measure_one(&mut self, subject: Subject, lasts: Duration, callers: &Runtime) -> Result<u64, Failure> {
        match subject {
            Subject::Hand(hand) => self.by_hand.measure(hand, lasts),
            Subject::Shared(flight, spread) => {
                let load = Load { work: Work::Charge, flight, spread, lasts };
                Ok(callers.block_on(engine_load::measure(&self.world, load))?.per_second())
            }
            Subject::Quote(_)
            | Subject::BareStore(_)
            | Subject::Engine(..)
            | Subject::EmptyHandler(_)
            | Subject::Http(..)
            | Subject::HttpBatch(_) => unreachable!("{subject} is of the embedded store"),
        }
    }
}

fn settings(by_hand: &ByHand) -> Result<Value, Failure> {
    let mut settings = json!({});
    for name in SETTINGS {
        settings[name] = by_hand.ask(&format!("SHOW {name}"))?.trim().into();
    }
    Ok(settings)
}
