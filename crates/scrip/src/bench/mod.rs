//! `scrip bench`: charges per second on this machine, beside the limits of what lies underneath,
//! measured in the same run and by the same load generator. Every run ends by checking the amounts.

mod engine_load;
mod http_load;
mod limits;
mod plan;
mod report;
mod tally;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use scrip_server::{App, Config, Listeners};

use crate::args::BenchArguments;
use crate::bench::http_load::{Load, Peer};
use crate::bench::limits::BareStore;
use crate::bench::plan::{Flight, Plan, Subject, Work};
use crate::bench::report::Figures;
use crate::bench::tally::Rate;
use crate::bench::world::World;
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::progress::{Progress, grouped};
use crate::running;

/// Bytes of a charge's answer that the empty handler sends instead.
const ANSWER_LEN: usize = 230;

/// Measures everything and prints what came of it.
pub(crate) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let plan = Plan {
        accounts: arguments.accounts,
        duration: Duration::from_secs(u64::from(arguments.seconds)),
        rounds: arguments.rounds,
    };
    let folder = FreshFolder::make(arguments.data.as_deref(), "bench")?;
    // Callers and servers on threads of their own, as they are in life.
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let mut bench = Bench::set_up(&plan, &folder, &server)?;
    let figures = bench.measure(&plan, &callers)?;
    let charged = bench.world.reckon()?;
    if arguments.json {
        println!("{}", figures.json(&plan));
    } else {
        println!("{}", figures.table());
        println!(
            "{} accounts, {} rounds of {} s; every account reckoned: {charged} credits charged, 0 mismatches",
            grouped(u64::from(plan.accounts)),
            plan.rounds,
            plan.duration.as_secs(),
        );
    }
    let engine = bench.world.engine.clone();
    server.block_on(running::stop(engine))
}

/// Everything that is measured, running.
struct Bench {
    world: Arc<World>,
    bare: BareStore,
    api: SocketAddr,
    empty: SocketAddr,
}

impl Bench {
    fn set_up(plan: &Plan, folder: &FreshFolder, server: &tokio::runtime::Runtime) -> Result<Bench, Failure> {
        eprintln!("opening {} accounts", grouped(u64::from(plan.accounts)));
        server.block_on(async {
            let world = World::make(&folder.path().join("engine"), plan.accounts).await?;
            // Real charges, so that the bare store appends what the engine would.
            engine_load::measure(&world, Work::Charge, Flight::Batches, Duration::from_millis(100)).await?;
            let reader = world.engine.reader().map_err(|error| Failure::Failed(error.to_string()))?;
            let bare = BareStore::open(&folder.path().join("bare"), &*reader)?;
            let api = running::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
            let address = api.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
            let app = App::new(world.engine.clone(), Config::default());
            let listeners = Listeners { api, metrics: None };
            tokio::spawn(scrip_server::serve(listeners, app, axum::Router::new(), std::future::pending()));
            let empty = limits::empty_handler(" ".repeat(ANSWER_LEN)).await?;
            Ok(Bench { world, bare, api: address, empty })
        })
    }

    /// Rounds over all subjects, so that a slow minute of the machine strikes them all.
    fn measure(&mut self, plan: &Plan, callers: &tokio::runtime::Runtime) -> Result<Figures, Failure> {
        let subjects = Subject::all();
        let total = u64::from(plan.rounds) * u64::try_from(subjects.len()).expect("a few");
        let mut progress = Progress::new("measurements", total);
        let mut figures = Figures::default();
        let mut done = 0;
        for _ in 0..plan.rounds {
            for subject in &subjects {
                let rate = self.measure_one(*subject, plan.duration, callers)?;
                figures.add(*subject, rate.per_second());
                done += 1;
                progress.set(done);
            }
        }
        progress.finish();
        Ok(figures)
    }

    fn measure_one(
        &mut self,
        subject: Subject,
        lasts: Duration,
        callers: &tokio::runtime::Runtime,
    ) -> Result<Rate, Failure> {
        match subject {
            Subject::BareStore(flight) => self.bare.measure(flight, lasts),
            Subject::Engine(work, flight) => callers.block_on(engine_load::measure(&self.world, work, flight, lasts)),
            Subject::EmptyHandler(connections) => {
                let load = Load { peer: Peer::Empty, address: self.empty, connections, lasts };
                callers.block_on(http_load::measure(&self.world, load))
            }
            Subject::Http(work, connections) => {
                let load = Load { peer: Peer::Api(work), address: self.api, connections, lasts };
                callers.block_on(http_load::measure(&self.world, load))
            }
        }
    }
}
