//! `scrip bench`: charges per second on this machine, beside the limits of what lies underneath,
//! measured in the same run and by the same load generator. Every run ends by checking the amounts.

mod embedded;
mod engine_load;
mod hand;
mod history;
mod holds;
mod http_load;
mod limits;
mod machine;
mod own;
mod plan;
mod reads;
mod report;
mod shared;
mod sheet;
mod tally;
mod turn;
mod world;

use std::time::Duration;

use clap::ValueEnum as _;
use scrip_core::amount::Credits;
use serde_json::Value;

use crate::args::{BenchArguments, What};
use crate::bench::plan::{Plan, Subject};
use crate::bench::report::Figures;
use crate::bench::shared::Database;
use crate::bench::sheet::Sheet;
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

/// The same of one that has several figures a row.
struct Outcome {
    sheet: Sheet,
    /// All that the engine charged, where every account was reckoned at the end.
    charged: Option<Credits>,
}

/// Measures what is asked for and prints what came of it.
pub(crate) fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let plan = Plan {
        accounts: arguments.accounts,
        duration: Duration::from_secs(u64::from(arguments.seconds)),
        rounds: arguments.rounds,
    };
    if arguments.what != What::Rates && (arguments.postgres || arguments.store.is_some()) {
        return Err(Failure::Usage("on PostgreSQL only rates are measured".to_owned()));
    }
    let folder = || FreshFolder::make(arguments.data.as_deref(), "bench");
    let outcome = match arguments.what {
        What::Rates => return rates(arguments, &plan),
        What::History if arguments.until_killed => {
            return history::charge_until_killed(plan.accounts, arguments.entries, &folder()?);
        }
        What::Holds => holds::measure(&plan, &folder()?)?,
        What::Reads => reads::measure(&plan, &folder()?)?,
        What::History => history::measure(&plan, arguments.entries, &folder()?)?,
        What::Turn => turn::measure(&plan, &folder()?)?,
    };
    if arguments.json {
        let what = arguments.what.to_possible_value().expect("none is hidden");
        println!("{}", plan.json(what.get_name(), outcome.sheet.json()));
    } else {
        println!("{}", outcome.sheet.table());
        print_end(&plan, outcome.charged);
    }
    Ok(())
}

fn rates(arguments: &BenchArguments, plan: &Plan) -> Result<(), Failure> {
    let measured = match Database::of(arguments)? {
        Some(database) => shared::measure(plan, &database)?,
        None => embedded::measure(plan, &FreshFolder::make(arguments.data.as_deref(), "bench")?)?,
    };
    if arguments.json {
        println!("{}", measured.figures.json(plan, measured.database.as_ref()));
    } else {
        println!("{}", measured.figures.table());
        print_end(plan, Some(measured.charged));
        if let Some(database) = measured.database {
            println!("PostgreSQL: {database}");
        }
    }
    Ok(())
}

/// How much was measured, and that the amounts are right.
fn print_end(plan: &Plan, charged: Option<Credits>) {
    let reckoned = match charged {
        Some(charged) => format!("every account reckoned: {charged} credits charged, 0 mismatches"),
        None => "what was answered is there after each kill -9, and all amounts are those of the entries: 0 mismatches"
            .to_owned(),
    };
    let (accounts, rounds, seconds) = (grouped(u64::from(plan.accounts)), plan.rounds, plan.duration.as_secs());
    println!("{accounts} accounts, {rounds} rounds of {seconds} s; {reckoned}");
}

/// Rounds over all subjects, so that a slow minute of the machine strikes them all.
fn rounds<S: Copy>(
    plan: &Plan,
    subjects: &[S],
    mut measure: impl FnMut(S) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let total = u64::from(plan.rounds) * u64::try_from(subjects.len()).expect("a few");
    let mut progress = Progress::new("measurements", total);
    for done in 0..total {
        let place = usize::try_from(done).expect("a few") % subjects.len();
        measure(subjects[place])?;
        progress.set(done + 1);
    }
    progress.finish();
    Ok(())
}

/// The same where each has one figure; `measure` answers what is done in a second.
fn all_rounds(
    plan: &Plan,
    subjects: Vec<Subject>,
    mut measure: impl FnMut(Subject) -> Result<u64, Failure>,
) -> Result<Figures, Failure> {
    let mut figures = Figures::of(subjects.clone());
    rounds(plan, &subjects, |subject| {
        figures.add(subject, measure(subject)?);
        Ok(())
    })?;
    Ok(figures)
}
