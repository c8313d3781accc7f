//! `scrip bench`: charges per second on this machine, beside the limits of what lies underneath,
//! measured in the same run and by the same load generator. Every run ends by checking the amounts.

mod embedded;
mod engine_load;
mod hand;
mod http_load;
mod limits;
mod own;
mod plan;
mod report;
mod shared;
mod tally;
mod world;

use std::time::Duration;

use scrip_core::amount::Credits;
use serde_json::Value;

use crate::args::BenchArguments;
use crate::bench::plan::{Plan, Subject};
use crate::bench::report::Figures;
use crate::bench::shared::Database;
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::progress::{Progress, grouped};

/// What came of a run whose amounts are all right.
struct Measured {
    figures: Figures,
    /// All that the engine charged.
    charged: Credits,
    /// The database, and how it is set.
    database: Option<Value>,
}

/// Measures everything and prints what came of it.
pub(crate) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let plan = Plan {
        accounts: arguments.accounts,
        duration: Duration::from_secs(u64::from(arguments.seconds)),
        rounds: arguments.rounds,
    };
    let measured = match Database::of(arguments)? {
        Some(database) => shared::measure(&plan, &database)?,
        None => embedded::measure(&plan, &FreshFolder::make(arguments.data.as_deref(), "bench")?)?,
    };
    if arguments.json {
        println!("{}", measured.figures.json(&plan, measured.database.as_ref()));
    } else {
        println!("{}", measured.figures.table());
        println!(
            "{} accounts, {} rounds of {} s; every account reckoned: {} credits charged, 0 mismatches",
            grouped(u64::from(plan.accounts)),
            plan.rounds,
            plan.duration.as_secs(),
            measured.charged,
        );
        if let Some(database) = measured.database {
            println!("PostgreSQL: {database}");
        }
    }
    Ok(())
}

/// Rounds over all subjects, so that a slow minute of the machine strikes them all; `measure` answers what is done in a
/// second.
fn all_rounds(
    plan: &Plan,
    subjects: Vec<Subject>,
    mut measure: impl FnMut(Subject) -> Result<u64, Failure>,
) -> Result<Figures, Failure> {
    let total = u64::from(plan.rounds) * u64::try_from(subjects.len()).expect("a few");
    let mut progress = Progress::new("measurements", total);
    let mut figures = Figures::of(subjects.clone());
    let mut done = 0;
    for _ in 0..plan.rounds {
        for subject in &subjects {
            figures.add(*subject, measure(*subject)?);
            done += 1;
            progress.set(done);
        }
    }
    progress.finish();
    Ok(figures)
}
