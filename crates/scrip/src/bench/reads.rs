//! How long reads over HTTP take, while nothing is written and while charges are made as fast as they go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bench::embedded::serve;
use crate::bench::engine_load::{self, Load};
use crate::bench::holds::join;
use crate::bench::http_load::Connection;
use crate::bench::plan::{Flight, Plan, Spread, Work};
use crate::bench::sheet::{Column, Sheet};
use crate::bench::tally::{Latencies, Stretch};
use crate::bench::world::World;
use crate::bench::{Outcome, rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::Site;
use crate::running;

/// Who reads, each in turn with a pause: they are to see how long an answer takes, not to take all of the machine.
const READERS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(2);

/// What is written meanwhile.
const CHARGES: Flight = Flight::Clients(256);

const COLUMNS: [Column; 5] = [
    Column::of("reads", "reads"),
    Column::of("p50, µs", "p50_us"),
    Column::of("p99, µs", "p99_us"),
    Column::of("p99.9, µs", "p999_us"),
    Column::of("charges a second", "charges_per_second"),
];

/// What is read.
#[derive(Clone, Copy, Debug)]
enum Read {
    Balance,
    Quote,
    Entries,
}

/// What goes on beside.
#[derive(Clone, Copy, Debug)]
enum Beside {
    Nothing,
    Charges,
}

/// Measures on a store in a folder.
pub(crate) fn measure(plan: &Plan, folder: &FreshFolder) -> Result<Outcome, Failure> {
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let (world, api) = server.block_on(async {
        let world = World::make(&Site::Folder(folder.path()), plan.accounts).await?;
        // Some history, so that there is something to list.
        let load = Load { work: Work::Charge, flight: CHARGES, spread: Spread::All, lasts: plan.duration };
        engine_load::measure(&world, load).await?;
        let api = serve(&world).await?;
        Ok::<_, Failure>((world, api))
    })?;
    let mut sheet = Sheet::of(&COLUMNS);
    let reads = [Read::Balance, Read::Quote, Read::Entries];
    let all: Vec<(Read, Beside)> =
        reads.iter().flat_map(|read| [Beside::Nothing, Beside::Charges].map(|beside| (*read, beside))).collect();
    rounds(plan, &all, |(kind, beside)| {
        let load = Load { work: Work::Charge, flight: CHARGES, spread: Spread::All, lasts: plan.duration };
        let (mut latencies, rate) = match beside {
            Beside::Nothing => (callers.block_on(read(&world, api, kind, plan.duration))?, None),
            Beside::Charges => callers.block_on(async {
                let (read, rate) =
                    tokio::join!(read(&world, api, kind, plan.duration), engine_load::measure(&world, load));
                Ok::<_, Failure>((read?, Some(rate?.per_second())))
            })?,
        };
        let within = [500, 990, 999].map(|permille| latencies.within(permille));
        sheet.add(&subject(kind, beside), &[Some(latencies.count()), within[0], within[1], within[2], rate]);
        Ok(())
    })?;
    let charged = world.reckon()?;
    server.block_on(running::stop(world.engine.clone()))?;
    Ok(Outcome { sheet, charged: Some(charged) })
}

fn subject(read: Read, beside: Beside) -> String {
    let read = match read {
        Read::Balance => "balance",
        Read::Quote => "quote",
        Read::Entries => "the newest 50 entries",
    };
    match beside {
        Beside::Nothing => format!("{read}, idle"),
        Beside::Charges => format!("{read}, beside charges"),
    }
}

async fn read(world: &Arc<World>, api: SocketAddr, kind: Read, lasts: Duration) -> Result<Latencies, Failure> {
    let connections = Connection::open_all(api, READERS).await?;
    let stretch = Arc::new(Stretch::begin(lasts));
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let (world, stretch) = (Arc::clone(world), Arc::clone(&stretch));
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            while !stretch.is_over() {
                let place = connection.any_account(&world);
                let account = world.accounts[place].clone();
                let asked = Instant::now();
                match kind {
                    Read::Balance => connection.get(&world, format!("/v1/accounts/{account}/balance")).await?,
                    Read::Quote => connection.quote(&world).await?,
                    Read::Entries => connection.get(&world, format!("/v1/accounts/{account}/entries?limit=50")).await?,
                };
                latencies.add(asked.elapsed());
                tokio::time::sleep(PAUSE).await;
            }
            Ok::<Latencies, Failure>(latencies)
        });
    }
    join(tasks).await
}
