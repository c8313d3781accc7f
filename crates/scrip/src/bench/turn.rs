//! What it does to charges when all accounts' cycles end at one instant.

use std::sync::Arc;
use std::time::Instant;

use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use tokio::task::JoinSet;

use crate::bench::engine_load::charge;
use crate::bench::holds::join;
use crate::bench::plan::Plan;
use crate::bench::sheet::{Column, Sheet};
use crate::bench::tally::{Draws, Latencies, Stretch};
use crate::bench::world::World;
use crate::bench::{Outcome, rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::{place, running};

/// Callers that charge, one charge each at a time.
const CALLERS: u32 = 64;

/// The plan that every account is put on, at the first of these instants; its cycles end at the others.
const PLAN: &str = "starter";
const MONTHS: [&str; 7] = [
    "2027-01-01T00:00:00Z",
    "2027-02-01T00:00:00Z",
    "2027-03-01T00:00:00Z",
    "2027-04-01T00:00:00Z",
    "2027-05-01T00:00:00Z",
    "2027-06-01T00:00:00Z",
    "2027-07-01T00:00:00Z",
];

const COLUMNS: [Column; 4] = [
    Column::of("charges a second", "per_second"),
    Column::of("p50, µs", "p50_us"),
    Column::of("p99, µs", "p99_us"),
    Column::of("p99.9, µs", "p999_us"),
];

/// Before the turn or at it.
#[derive(Clone, Copy, Debug)]
enum When {
    Before,
    At,
}

/// Measures on a store in a folder: each round is one month's turn.
pub(crate) fn measure(plan: &Plan, folder: &FreshFolder) -> Result<Outcome, Failure> {
    let turns = u32::try_from(MONTHS.len() - 1).expect("a few");
    if plan.rounds > turns {
        return Err(Failure::Usage(format!("--rounds: {turns} months' turns at the most")));
    }
    let (server, callers) = (running::runtime()?, running::runtime()?);
    let world = server.block_on(async {
        let engine = place::start(folder.path(), Clock::test(month(0)))?;
        World::make_on(engine, plan.accounts, Some(PLAN)).await
    })?;
    let (mut sheet, mut turn) = (Sheet::of(&COLUMNS), 0);
    rounds(plan, &[When::Before, When::At], |when| {
        let (subject, to) = match when {
            When::Before => ("a minute before", month(turn + 1).plus_seconds(-60)),
            When::At => ("at the turn", month(turn + 1)),
        };
        let stretch = Arc::new(Stretch::begin(plan.duration));
        let mut latencies = callers.block_on(async {
            let moved = world.engine.clone();
            let (moved, latencies) = tokio::join!(async move { moved.move_clock(to).await }, load(&world, &stretch));
            moved.map_err(|refusal| Failure::Failed(format!("the clock could not be moved: {refusal:?}")))?;
            latencies
        })?;
        let within = [500, 990, 999].map(|permille| latencies.within(permille));
        sheet.add(subject, &[Some(stretch.end().per_second()), within[0], within[1], within[2]]);
        if let When::At = when {
            turn += 1;
        }
        Ok(())
    })?;
    let charged = world.reckon()?;
    server.block_on(running::stop(world.engine.clone()))?;
    Ok(Outcome { sheet, charged: Some(charged) })
}

fn month(number: usize) -> Time {
    Time::parse(MONTHS[number]).expect("a time")
}

async fn load(world: &Arc<World>, stretch: &Arc<Stretch>) -> Result<Latencies, Failure> {
    let mut tasks = JoinSet::new();
    for number in 0..CALLERS {
        let (world, stretch) = (Arc::clone(world), Arc::clone(stretch));
        tasks.spawn(async move {
            let (mut latencies, mut draws) = (Latencies::default(), Draws::new(u64::from(number) + 1));
            while !stretch.is_over() {
                let place = draws.below(world.accounts.len());
                let asked = Instant::now();
                charge(&world, &[place]).await?;
                latencies.add(asked.elapsed());
                stretch.count(1);
            }
            Ok::<Latencies, Failure>(latencies)
        });
    }
    join(tasks).await
}
