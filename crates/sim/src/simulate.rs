//! Simulating: a seed's whole run, and, when it fails, the shortest history that still does.

use std::fmt;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use scrip_engine::store::memory::MemoryStore;
use scrip_store_sqlite::{OpenMode, SqliteStore};

use crate::prng::Prng;
use crate::run::{Counts, Disagreement, Disk, Left, Run};
use crate::step::Step;
use crate::workload::Workload;
use crate::world::World;

/// Steps of one world; a longer simulation is many worlds.
pub const STEPS_PER_WORLD: u64 = 400;

/// A run that failed, cut down to what matters.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the world.
    pub seed: u64,
    /// How many steps the run had when it failed.
    pub steps: usize,
    /// The world.
    pub world: World,
    /// The steps that are left.
    pub short: Vec<Step>,
    /// What they end in.
    pub disagreement: Disagreement,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let studios: Vec<&str> = self.world.studios.iter().map(|studio| studio.id.as_str()).collect();
        writeln!(f, "seed {}: engine and model disagree after {} steps, and after these:", self.seed, self.steps)?;
        writeln!(f, "       studios {studios:?}, from {}", crate::view::time(self.world.start))?;
        for (place, account) in self.world.accounts.iter().enumerate() {
            writeln!(f, "       account {place} is {} of studio {}", account.id, account.studio)?;
        }
        self.short.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        write!(f, "step {}: {}", self.disagreement.step, self.disagreement.what)
    }
}

/// Runs a world of a seed for this many steps, on new disks of this kind.
pub fn simulate(seed: u64, steps: u64, disk: impl Fn() -> Disk) -> Result<Counts, Box<Failure>> {
    name_seed_in_panics(seed);
    let mut prng = Prng::new(seed);
    let world = World::new(&mut prng);
    let mut workload = Workload::new(prng);
    let mut done = Vec::new();
    let outcome = Run::start(world.clone(), disk()).and_then(|mut run| {
        for _ in 0..steps {
            let step = workload.step(&mut run);
            done.push(step);
            run.step(done.last().expect("pushed just now"))?;
        }
        run.finish()
    });
    outcome.map_err(|disagreement| {
        let failure = Failure { seed, steps: done.len(), world, short: done, disagreement };
        Box::new(shrink(failure, disk))
    })
}

/// A fault inside the engine ends the process, for half an engine must not answer: then at least the seed is told. Where
/// tests run side by side it is one of those that ran.
fn name_seed_in_panics(seed: u64) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    static HOOK: Once = Once::new();
    LAST.store(seed, Ordering::Relaxed);
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            eprintln!("while simulating seed {}", LAST.load(Ordering::Relaxed));
            before(panic);
        }));
    });
}

/// A disk in memory, on which a dead process leaves exactly what it had appended.
pub fn memory() -> Disk {
    let mut store = MemoryStore::new();
    Box::new(move |left| {
        if left == Left::Dead {
            store = store.crashed();
        }
        Box::new(store.clone())
    })
}

/// A folder with an SQLite store; opened again, it is as any process would find it.
pub fn sqlite() -> Disk {
    let folder = tempfile::tempdir().expect("a folder for the store");
    Box::new(move |_| {
        Box::new(SqliteStore::open(folder.path(), OpenMode::Create).expect("a store in a folder of our own"))
    })
}

fn rerun(world: &World, steps: &[Step], disk: Disk) -> Option<Disagreement> {
    let outcome = Run::start(world.clone(), disk).and_then(|mut run| {
        steps.iter().try_for_each(|step| run.step(step))?;
        run.finish()
    });
    outcome.err()
}

/// Drops steps while what is left still fails (A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing
/// input", 2002).
fn shrink(mut failure: Failure, disk: impl Fn() -> Disk) -> Failure {
    let mut piece = failure.steps.div_ceil(2).max(1);
    loop {
        let mut dropped = false;
        let mut start = 0;
        while start < failure.short.len() {
            let end = (start + piece).min(failure.short.len());
            let rest = [&failure.short[..start], &failure.short[end..]].concat();
            match rerun(&failure.world, &rest, disk()) {
                Some(disagreement) => {
                    (failure.short, failure.disagreement) = (rest, disagreement);
                    dropped = true;
                }
                None => start = end,
            }
        }
        if piece == 1 && !dropped {
            return failure;
        }
        piece = piece.div_ceil(2).max(1);
    }
}
