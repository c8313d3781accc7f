//! The simulation in the tests: the same seeds each time, several worlds for each of the runs.

use scrip_sim::run::{Counts, Disk};
use scrip_sim::simulate::{STEPS_PER_WORLD, memory, simulate, sqlite};

/// Runs the worlds of these seeds.
fn check(seeds: std::ops::Range<u64>, disk: fn() -> Disk) {
    let mut counts = Counts::default();
    for seed in seeds {
        match simulate(seed, STEPS_PER_WORLD, disk) {
            Ok(done) => counts += done,
            Err(failure) => panic!("{failure}"),
        }
    }
    // A run in which nothing happens proves nothing.
    assert!(counts.accepted * 4 > counts.steps, "few commands were accepted: {counts:?}");
    assert!(counts.faults > 0 && counts.restarts > 0 && counts.replayed > 0, "{counts:?}");
}

#[test]
fn engine_and_model_agree_in_the_first_worlds() {
    check(1..170, memory);
}

#[test]
fn engine_and_model_agree_in_the_second_worlds() {
    check(1_000..1_170, memory);
}

#[test]
fn engine_and_model_agree_in_the_third_worlds() {
    check(2_000..2_170, memory);
}

#[test]
fn engine_and_model_agree_on_sqlite() {
    check(3_000..3_010, sqlite);
}
