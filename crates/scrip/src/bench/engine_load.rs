//! Load on the engine's handle: callers that wait for their answers, and callers that hand over batches.

use std::sync::Arc;
use std::time::Duration;

use scrip_core::amount::Credits;
use scrip_core::answer::Done;
use scrip_core::id::HoldId;
use scrip_engine::engine::Outcome;
use tokio::task::JoinSet;

use crate::bench::plan::{Flight, Spread, Work};
use crate::bench::tally::{Draws, Rate, Stretch};
use crate::bench::world::{World, accepted};
use crate::failure::Failure;

/// Load on the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) work: Work,
    pub(crate) flight: Flight,
    pub(crate) spread: Spread,
    pub(crate) lasts: Duration,
}

/// Does work for a stretch of time.
pub(crate) async fn measure(world: &Arc<World>, load: Load) -> Result<Rate, Failure> {
    let stretch = Arc::new(Stretch::begin(load.lasts));
    let turn = world.next_turn();
    let mut tasks = JoinSet::new();
    for number in 0..load.flight.callers() {
        let (world, stretch) = (Arc::clone(world), Arc::clone(&stretch));
        tasks.spawn(async move { call(&world, &stretch, Caller { turn, number, load }).await });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|error| Failure::Failed(format!("a caller of the bench died: {error}")))??;
    }
    Ok(stretch.end())
}

/// One of the callers.
struct Caller {
    turn: u64,
    number: u32,
    load: Load,
}

async fn call(world: &World, stretch: &Stretch, caller: Caller) -> Result<(), Failure> {
    // Other accounts in each turn: those of the last one are warm.
    let mut draws = Draws::new((caller.turn << 32) + u64::from(caller.number) + 1);
    let among = match caller.load.spread {
        Spread::All => world.accounts.len(),
        Spread::Hot => 1,
    };
    while !stretch.is_over() {
        let places: Vec<usize> = (0..caller.load.flight.each()).map(|_| draws.below(among)).collect();
        let done = match caller.load.work {
            Work::Charge => charge(world, &places).await?,
            Work::Pair => pair(world, &places).await?,
        };
        stretch.count(done);
    }
    Ok(())
}

/// Charges accounts, all at once; how many that were.
pub(crate) async fn charge(world: &World, places: &[usize]) -> Result<u64, Failure> {
    let mut done = 0;
    let requests = places.iter().map(|place| world.charge(*place)).collect();
    for (place, outcome) in places.iter().zip(world.engine.submit_many(requests).await) {
        world.paid.add(*place, charged(&accepted(outcome)?)?);
        done += 1;
    }
    Ok(done)
}

async fn pair(world: &World, places: &[usize]) -> Result<u64, Failure> {
    let holds = places.iter().map(|place| world.hold(*place)).collect();
    let mut settles = Vec::with_capacity(places.len());
    for (place, outcome) in places.iter().zip(world.engine.submit_many(holds).await) {
        settles.push(world.settle(*place, held(&accepted(outcome)?)?));
    }
    let mut done = 0;
    for (place, outcome) in places.iter().zip(world.engine.submit_many(settles).await) {
        world.paid.add(*place, charged(&accepted(outcome)?)?);
        done += 1;
    }
    Ok(done)
}

fn held(outcome: &Outcome) -> Result<HoldId, Failure> {
    match &outcome.answer.done {
        Done::HoldPlaced { hold, .. } => Ok(*hold),
        other => Err(Failure::No(format!("a hold was answered with {other:?}"))),
    }
}

fn charged(outcome: &Outcome) -> Result<Credits, Failure> {
    match &outcome.answer.done {
        Done::Charged { credits, .. } => Ok(*credits),
        Done::HoldSettled { charged, .. } => Ok(*charged),
        other => Err(Failure::No(format!("a charge was answered with {other:?}"))),
    }
}
