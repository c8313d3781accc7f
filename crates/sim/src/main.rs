//! `scrip-sim --seed N --steps M`: a simulation as long as you like; `scrip-sim fuzz …`: fuzzing. A failure is cut down and printed.

mod progress;

use std::process::ExitCode;
use std::time::Instant;

use progress::Progress;
use scrip_sim::fuzz::{Tally, Target, catalogs::Catalogs, fuzz, rates::Rates, records::Records};
use scrip_sim::run::{Counts, Disk};
use scrip_sim::simulate::{STEPS_PER_WORLD, memory, simulate, sqlite};

const USAGE: &str = "usage: scrip-sim [--seed N] [--steps M] [--store memory|sqlite]
  --seed N   the first world's seed (default 1); the next worlds have the seeds after it
  --steps M  how many steps in all (default 100000), in worlds of 400 steps each
  --store S  what the engine writes to (default memory)
usage: scrip-sim fuzz --target rates|catalogs|records [--seed N] [--count M]
  --seed N   the first input's seed (default 1); the next inputs have the seeds after it
  --count M  how many inputs (default 100000)";

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

/// The target, the first seed and how many.
fn fuzz_arguments(mut given: impl Iterator<Item = String>) -> Option<(Box<dyn Target>, u64, u64)> {
    let (mut target, mut seed, mut count): (Option<Box<dyn Target>>, _, _) = (None, 1, 100_000);
    while let Some(name) = given.next() {
        let value = given.next()?;
        match (name.as_str(), value.as_str()) {
            ("--target", "rates") => target = Some(Box::new(Rates::new())),
            ("--target", "catalogs") => target = Some(Box::new(Catalogs::new())),
            ("--target", "records") => target = Some(Box::new(Records::new())),
            ("--seed", value) => seed = value.parse().ok()?,
            ("--count", value) => count = value.parse().ok()?,
            _ => return None,
        }
    }
    Some((target?, seed, count))
}

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1).peekable();
    let done = if given.next_if(|first| first == "fuzz").is_some() {
        fuzz_arguments(given).map(|(target, seed, count)| run_fuzz(&*target, seed, count))
    } else {
        arguments(given).map(|arguments| run_worlds(&arguments))
    };
    done.unwrap_or_else(|| {
        eprintln!("{USAGE}");
        ExitCode::from(2)
    })
}

fn run_fuzz(target: &dyn Target, seed: u64, count: u64) -> ExitCode {
    let (began, mut progress) = (Instant::now(), Progress::new("inputs", count));
    // A panic is caught, cut down and told once.
    std::panic::set_hook(Box::new(|_| ()));
    let done = fuzz(target, seed, count, &mut |tried| progress.set(tried));
    progress.end();
    match done {
        Ok(Tally { tried, taken }) => {
            println!("{}: seeds {seed}..{}: {tried} inputs, {taken} of them valid", target.name(), seed + tried);
            println!("{:.1} s; nothing was wrong", began.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::from(1)
        }
    }
}

fn run_worlds(Arguments { seed, steps, disk }: &Arguments) -> ExitCode {
    let (began, mut counts, mut world) = (Instant::now(), Counts::default(), *seed);
    let mut progress = Progress::new("steps", *steps);
    while counts.steps < *steps {
        match simulate(world, STEPS_PER_WORLD.min(steps - counts.steps), disk) {
            Ok(done) => counts += done,
            Err(failure) => {
                progress.end();
                println!("{failure}");
                return ExitCode::from(1);
            }
        }
        world += 1;
        progress.set(counts.steps);
    }
    progress.end();
    let Counts { steps, accepted, rejected, replayed, faults, restarts } = counts;
    println!("seeds {seed}..{world}: {steps} steps, {accepted} accepted, {rejected} rejected, {replayed} replayed");
    println!("{faults} faults, {restarts} restarts, {:.1} s; engine and model agree", began.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
