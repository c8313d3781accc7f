//! Working days, drawn by a seed: the same ones each time.
//!
//! Apart because chance is at home nowhere else in the demo. It draws which job when, never an amount.

use super::{Ending, Job, Moment, Short, What, days, moment};

/// The days of somebody's work.
pub(super) struct WorkingDays {
    /// What is drawn follows from it.
    pub(super) seed: u64,
    /// The first of them, in days before the present.
    pub(super) from: i64,
    /// The last of them.
    pub(super) to: i64,
    /// The most jobs on a day.
    pub(super) jobs_a_day: u64,
}

/// One job in so many fails.
const FAILS: u64 = 14;
/// One job in so many takes half an hour, the others minutes.
const LONG: u64 = 5;

impl WorkingDays {
    /// Jobs out of a few, on five days of seven, at any time of a working day.
    pub(super) fn of(self, jobs: &[Job]) -> Vec<Moment> {
        let mut chance = Chance(self.seed);
        let mut moments = Vec::new();
        for day in (self.to..=self.from).rev().filter(|day| day % 7 > 1) {
            for _ in 0..=chance.below(self.jobs_a_day) {
                let job = jobs[chance.place(jobs.len())];
                let ending = if chance.below(FAILS) == 0 { Ending::Fails("the render failed") } else { job.ending };
                let takes = if chance.below(LONG) == 0 { 31 } else { 4 + chance.minutes(9) };
                let job = Job { ending, takes, short: Short::Happens, ..job };
                moments.push(moment(days(day) - chance.minutes(9 * 60), What::Starts(job)));
            }
        }
        moments
    }
}

/// Numbers that look random and are not (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn place(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).expect("a handful of jobs");
        usize::try_from(self.below(bound)).expect("below a handful")
    }

    fn minutes(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).expect("minutes of a day")
    }
}
