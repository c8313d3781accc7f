//! How long a durable hold takes over HTTP, by how many ask at once: each on an account of its own, or all on one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bench::embedded::serve;
use crate::bench::http_load::Connection;
use crate::bench::plan::{Plan, Spread};
use crate::bench::sheet::{Column, Sheet};
use crate::bench::tally::{Latencies, Rate, Stretch};
use crate::bench::world::World;
use crate::bench::{Outcome, rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::Site;
use crate::running;

/// How many ask at once: those of the one published benchmark of holds in the field.
const CLIENTS: [u32; 4] = [1, 10, 50, 200];

const COLUMNS: [Column; 4] = [
    Column::of("holds a second", "per_second"),
    Column::of("p50, µs", "p50_us"),
    Column::of("p99, µs", "p99_us"),
    Column::of("p99.9, µs", "p999_us"),
];

/// Measures on a store in a folder.
pub(crate) fn measure(plan: &Plan, folder: &FreshFolder) -> Result<Outcome, Failure> {
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let (world, api) = server.block_on(async {
        let world = World::make(&Site::Folder(folder.path()), plan.accounts).await?;
        let api = serve(&world).await?;
        Ok::<_, Failure>((world, api))
    })?;
    let mut sheet = Sheet::of(&COLUMNS);
    let all: Vec<(Spread, u32)> =
        [Spread::All, Spread::Hot].iter().flat_map(|spread| CLIENTS.map(|clients| (*spread, clients))).collect();
    rounds(plan, &all, |(spread, clients)| {
        let (rate, mut latencies) = callers.block_on(hold(&world, api, (spread, clients), plan.duration))?;
        let within = [500, 990, 999].map(|permille| latencies.within(permille));
        sheet.add(&subject(spread, clients), &[Some(rate.per_second()), within[0], within[1], within[2]]);
        Ok(())
    })?;
    let charged = world.reckon()?;
    server.block_on(running::stop(world.engine.clone()))?;
    Ok(Outcome { sheet, charged: Some(charged) })
}

fn subject(spread: Spread, clients: u32) -> String {
    let clients = if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") };
    match spread {
        Spread::All => format!("{clients}, an account each"),
        Spread::Hot => format!("{clients}, one account"),
    }
}

/// Callers that hold and release, in turn; the holds' times. Releases are not timed, but take their part of the rate.
async fn hold(
    world: &Arc<World>,
    api: SocketAddr,
    (spread, clients): (Spread, u32),
    lasts: Duration,
) -> Result<(Rate, Latencies), Failure> {
    let connections = Connection::open_all(api, clients).await?;
    let stretch = Arc::new(Stretch::begin(lasts));
    let mut tasks = JoinSet::new();
    for (number, mut connection) in (0..).zip(connections) {
        let (world, stretch) = (Arc::clone(world), Arc::clone(&stretch));
        let place = match spread {
            Spread::All => number % world.accounts.len(),
            Spread::Hot => 0,
        };
        tasks.spawn(async move {
            let mut latencies = Latencies::default();
            while !stretch.is_over() {
                let asked = Instant::now();
                let hold = connection.hold(&world, place).await?;
                latencies.add(asked.elapsed());
                stretch.count(1);
                connection.end(&world, place, &hold, "release").await?;
            }
            Ok::<Latencies, Failure>(latencies)
        });
    }
    let latencies = join(tasks).await?;
    Ok((stretch.end(), latencies))
}

/// All callers' times.
pub(crate) async fn join(mut tasks: JoinSet<Result<Latencies, Failure>>) -> Result<Latencies, Failure> {
    let mut all = Latencies::default();
    while let Some(ended) = tasks.join_next().await {
        all.join(ended.map_err(|error| Failure::Failed(format!("a caller of the bench died: {error}")))??);
    }
    Ok(all)
}
