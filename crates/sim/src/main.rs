//! `scrip-sim --seed N --steps M`: a simulation as long as you like; a failure is cut down and printed.

use std::process::ExitCode;
use std::time::Instant;

use scrip_sim::run::{Counts, Disk};
use scrip_sim::simulate::{STEPS_PER_WORLD, memory, simulate, sqlite};

const USAGE: &str = "usage: scrip-sim [--seed N] [--steps M] [--store memory|sqlite]
  --seed N   the first world's seed (default 1); the next worlds have the seeds after it
  --steps M  how many steps in all (default 100000), in worlds of 400 steps each
  --store S  what the engine writes to (default memory)";

struct Arguments {
    seed: u64,
    steps: u64,
    disk: fn() -> Disk,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments { seed: 1, steps: 100_000, disk: memory };
    while let Some(name) = given.next() {
        let value = given.next()?;
        match (name.as_str(), value.as_str()) {
            ("--seed", value) => arguments.seed = value.parse().ok()?,
            ("--steps", value) => arguments.steps = value.parse().ok()?,
            ("--store", "memory") => arguments.disk = memory,
            ("--store", "sqlite") => arguments.disk = sqlite,
            _ => return None,
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let Some(Arguments { seed, steps, disk }) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (began, mut counts, mut world) = (Instant::now(), Counts::default(), seed);
    let mut said = began;
    while counts.steps < steps {
        match simulate(world, STEPS_PER_WORLD.min(steps - counts.steps), disk) {
            Ok(done) => counts += done,
            Err(failure) => {
                println!("{failure}");
                return ExitCode::from(1);
            }
        }
        world += 1;
        if said.elapsed().as_secs() >= 5 {
            said = Instant::now();
            eprintln!("{} of {steps} steps, {} worlds", counts.steps, world - seed);
        }
    }
    let Counts { steps, accepted, rejected, replayed, faults, restarts } = counts;
    println!("seeds {seed}..{world}: {steps} steps, {accepted} accepted, {rejected} rejected, {replayed} replayed");
    println!("{faults} faults, {restarts} restarts, {:.1} s; engine and model agree", began.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
