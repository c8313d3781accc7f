//! `scrip verify`: proving a store from its journal alone (R28, R29), at one snapshot, beside a running
//! server or without one.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use scrip_engine::store::{Reader, StoreError};
use scrip_engine::verify::{self, Report, StudioReport, VerifyError};
use scrip_store_sqlite::{OpenError, open_reader};

use crate::args::VerifyArguments;
use crate::failure::Failure;
use crate::place;
use crate::progress::{Progress, grouped};

/// Proves the store, and says what it holds; or names the first thing that does not hold.
pub(crate) fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    let folder = place::folder(&arguments.place)?;
    let reader = open_reader(folder).map_err(unopened)?;
    print(&prove(&*reader, folder)?);
    Ok(())
}

/// Proves what `reader` reads, with its progress shown; a failure names `path`.
pub(crate) fn prove(reader: &dyn Reader, path: &Path) -> Result<Report, Failure> {
    let total = reader.extent().map_err(|error| Failure::of_path(path, &error))?.last;
    let mut progress = Progress::new("entries", total);
    let report = verify::verify(reader, &mut |now| progress.set(now.done));
    progress.finish();
    report.map_err(|error| match error {
        VerifyError::Broken(broken) => Failure::No(format!("{}: does not hold: {broken}", path.display())),
        VerifyError::Store(error) => Failure::of_path(path, &error),
    })
}

/// A database that is damaged where it is opened is an answer, like damage found later; anything else is no answer.
fn unopened(error: OpenError) -> Failure {
    let damaged = matches!(&error, OpenError::Database { error: StoreError::Damaged(_), .. });
    if damaged { Failure::No(error.to_string()) } else { Failure::Failed(error.to_string()) }
}

fn print(report: &Report) {
    println!(
        "the journal holds: {} entries of {} accounts; {} rows written behind agree with it",
        grouped(report.extent.last),
        grouped(report.accounts),
        grouped(report.rows),
    );
    for (number, studio) in &report.studios {
        let name = studio.id.as_ref().map_or_else(|| format!("studio {}", number.0), ToString::to_string);
        println!("{name}: {} accounts, {} entries", grouped(studio.accounts), grouped(studio.entries));
        print_sums(studio);
    }
}

fn print_sums(studio: &StudioReport) {
    let remaining = listed(studio.remaining.iter().map(|(class, total)| (class.word(), *total)).collect());
    println!("  remaining: {remaining}; held: {}, owed: {}", studio.held, studio.debt);
    println!("  books: {}", listed(studio.books.iter().map(|(book, total)| (book.word(), *total)).collect()));
}

/// "promo 5, top_up 100", or "nothing".
fn listed<T: Display>(totals: BTreeMap<&str, T>) -> String {
    if totals.is_empty() {
        return "nothing".to_owned();
    }
    let parts: Vec<String> = totals.into_iter().map(|(word, total)| format!("{word} {total}")).collect();
    parts.join(", ")
}
