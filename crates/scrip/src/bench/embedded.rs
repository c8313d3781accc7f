//! Measuring the embedded store, the engine on it and the HTTP API, beside the limits of what lies underneath.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scrip_server::{App, Config, Listeners};
use tokio::runtime::Runtime;

use crate::bench::engine_load;
use crate::bench::http_load::{self, Peer};
use crate::bench::limits::{self, BareStore};
use crate::bench::machine::open_files;
use crate::bench::plan::{Flight, Plan, Spread, Subject, Work};
use crate::bench::tally::Rate;
use crate::bench::world::World;
use crate::bench::{Measured, all_rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::Site;
use crate::progress::grouped;
use crate::running;

/// Bytes of a charge's answer that the empty handler sends instead.
const ANSWER_LEN: usize = 230;

/// Measures everything in a folder.
pub(crate) fn measure(plan: &Plan, folder: &FreshFolder) -> Result<Measured, Failure> {
    // Callers and servers on threads of their own, as they are in life.
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let mut bench = Bench::set_up(plan, folder, &server)?;
    let figures = all_rounds(plan, within_open_files(Subject::embedded()), |subject| {
        Ok(bench.measure_one(subject, plan.duration, &callers)?.per_second())
    })?;
    let charged = bench.world.reckon()?;
    server.block_on(running::stop(bench.world.engine.clone()))?;
    Ok(Measured { figures, charged, database: None })
}

/// Everything that is measured, running.
struct Bench {
    world: Arc<World>,
    bare: BareStore,
    api: SocketAddr,
    empty: SocketAddr,
}

impl Bench {
    fn set_up(plan: &Plan, folder: &FreshFolder, server: &Runtime) -> Result<Bench, Failure> {
        eprintln!("opening {} accounts", grouped(u64::from(plan.accounts)));
        server.block_on(async {
            let world = World::make(&Site::Folder(&folder.path().join("engine")), plan.accounts).await?;
            // Real charges, so that the bare store appends what the engine would.
            let (work, flight, spread) = (Work::Charge, Flight::Batches, Spread::All);
            let load = engine_load::Load { work, flight, spread, lasts: Duration::from_millis(100) };
            engine_load::measure(&world, load).await?;
            let reader = world.engine.reader().map_err(|error| Failure::Failed(error.to_string()))?;
            let bare = BareStore::open(&folder.path().join("bare"), &*reader)?;
            let api = serve(&world).await?;
            let empty = limits::empty_handler(" ".repeat(ANSWER_LEN)).await?;
            Ok(Bench { world, bare, api, empty })
        })
    }

    fn measure_one(&mut self, subject: Subject, lasts: Duration, callers: &Runtime) -> Result<Rate, Failure> {
        match subject {
            Subject::BareStore(flight) => self.bare.measure(flight, lasts),
            Subject::Quote(formula) => Ok(limits::quotes(formula, lasts)),
            Subject::Engine(work, flight, spread) => {
                let load = engine_load::Load { work, flight, spread, lasts };
                callers.block_on(engine_load::measure(&self.world, load))
            }
            Subject::EmptyHandler(connections) => {
                let load = http_load::Load { peer: Peer::Empty, address: self.empty, connections, lasts };
                callers.block_on(http_load::measure(&self.world, load))
            }
            Subject::Http(work, connections) => {
                let load = http_load::Load { peer: Peer::Api(work), address: self.api, connections, lasts };
                callers.block_on(http_load::measure(&self.world, load))
            }
            Subject::HttpBatch(connections) => {
                let load = http_load::Load { peer: Peer::Batch, address: self.api, connections, lasts };
                callers.block_on(http_load::measure(&self.world, load))
            }
            Subject::Hand(_) | Subject::Shared(..) => unreachable!("{subject} is of a database"),
        }
    }
}

/// What this process may open enough connections for: each has two ends in it.
fn within_open_files(subjects: Vec<Subject>) -> Vec<Subject> {
    const BESIDES: u64 = 200;
    let files = open_files().unwrap_or(u64::MAX);
    let fits = |subject: &Subject| u64::from(subject.connections()) * 2 + BESIDES <= files;
    let (fit, rest): (Vec<Subject>, Vec<Subject>) = subjects.into_iter().partition(fits);
    if let Some(most) = rest.iter().map(|subject| subject.connections()).max() {
        eprintln!(
            "left out: {most} connections; this process may open {files} files: raise that first, as by `ulimit -n 4096`"
        );
    }
    fit
}

/// Serves the API of a world; where.
pub(crate) async fn serve(world: &World) -> Result<SocketAddr, Failure> {
    let api = running::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = api.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
    let app = App::new(world.engine.clone(), Config::default());
    let listeners = Listeners { api, metrics: None };
    tokio::spawn(scrip_server::serve(listeners, app, axum::Router::new(), std::future::pending()));
    Ok(address)
}
