//! Random histories of payments: deliveries doubled, reordered, held back and lost, a provider that fails, handlers that die
//! between any two steps, a process that dies at or after any write and goes on from what is durable, customers who come back or do
//! not, money that goes back, an operator who is quicker than the provider, cards that are charged while nobody is there, plans that
//! the provider renews, accounts that are erased. In the end every paid order was credited once, every unpaid one never, every paid month
//! was granted, and no card was charged without an order or after it was switched off: either because the provider delivered until all was taken, or because the server asked.
//!
//! `SCRIP_HISTORIES=10000` runs more of them than the tests do, from number 1; `SCRIP_HISTORIES_FROM` begins elsewhere. `SCRIP_HISTORY=17`
//! runs and tells one. What happens follows from the history's number; what a dying handler had done by then does not quite, since
//! the network and the engine's threads have a part in it.

mod chance;
mod history;
mod months;
mod oracle;
mod scene;
mod topping_up;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::runtime::{Builder, Runtime};

pub(crate) use self::chance::for_steps;
use self::history::History;
use self::scene::{Furnished, Plans, Scene};

/// Histories that the tests run.
const HISTORIES: u64 = 300;
/// After so many a line says how far it is.
const TELL_EVERY: u64 = 1_000;

/// What went wrong in a history.
struct Wrong {
    number: u64,
    steps: u64,
    why: String,
    told: String,
}

#[test]
fn every_paid_order_is_credited_once_and_every_unpaid_one_never() {
    let furnished = runtime().block_on(Furnished::new());
    if let Some(number) = asked("SCRIP_HISTORY") {
        match run(&furnished, number, u64::MAX) {
            Ok(told) => println!("history {number}: {told}"),
            Err(wrong) => panic!("{}", wrong.shown()),
        }
        return;
    }
    let first = asked("SCRIP_HISTORIES_FROM").unwrap_or(1);
    let end = first + asked("SCRIP_HISTORIES").unwrap_or(HISTORIES);
    let (next, found, began) = (AtomicU64::new(first), Mutex::new(None), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| run_some(&furnished, &next, end, &found));
        }
    });
    if let Some(wrong) = found.into_inner().expect("nobody panics while telling") {
        panic!("{}", shortest(&furnished, wrong).shown());
    }
    println!("histories {first} to {}: all well, in {} s", end - 1, began.elapsed().as_secs());
}

fn run_some(furnished: &Furnished, next: &AtomicU64, end: u64, found: &Mutex<Option<Wrong>>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return;
        }
        if number.is_multiple_of(TELL_EVERY) {
            println!("history {number}");
        }
        if let Err(wrong) = run(furnished, number, u64::MAX) {
            next.store(end, Ordering::Relaxed);
            found.lock().expect("nobody panics while telling").get_or_insert(wrong);
        }
    }
}

/// The same history cut short as early as it still goes wrong.
fn shortest(furnished: &Furnished, wrong: Wrong) -> Wrong {
    (0..wrong.steps).find_map(|steps| run(furnished, wrong.number, steps).err()).unwrap_or(wrong)
}

/// Runs a history, or its first steps; answers what happened in it.
fn run(furnished: &Furnished, number: u64, steps_max: u64) -> Result<String, Wrong> {
    let (mut told, mut steps) = (String::new(), 0);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        runtime().block_on(async {
            let plans = if number.is_multiple_of(3) { Plans::RenewedByPayment } else { Plans::RenewedByClock };
            let mut history = History::begin(Scene::open(furnished.of(plans)).await, plans, number);
            let length = history.length().min(steps_max);
            while steps < length {
                steps += 1;
                history.step().await;
                told.clone_from(&history.told);
                if let Some(wrong) = history.wrong.take() {
                    return Err(wrong);
                }
            }
            let ended = history.end().await;
            told.clone_from(&history.told);
            ended?;
            if let Some(wrong) = history.wrong.take() {
                return Err(wrong);
            }
            oracle::wrong(&history).await.map_or(Ok(()), Err)
        })
    }));
    match ran {
        Ok(Ok(())) => Ok(told),
        Ok(Err(why)) => Err(Wrong { number, steps, why, told }),
        Err(_) => Err(Wrong { number, steps, why: "it panicked, see above".to_owned(), told }),
    }
}

impl Wrong {
    fn shown(&self) -> String {
        let Wrong { number, steps, why, told } = self;
        format!(
            "history {number}, after {steps} steps: {why}\nrun it alone with SCRIP_HISTORY={number}; it went so: {told}"
        )
    }
}

fn asked(name: &str) -> Option<u64> {
    let asked = std::env::var(name).ok()?;
    Some(asked.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}
