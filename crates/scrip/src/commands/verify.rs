//! `scrip verify`: proving a store from its journal alone (R28, R29), at one snapshot, beside a running
//! server or without one.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use scrip_engine::seal::Seal;
use scrip_engine::store::Reader;
use scrip_engine::verify::{self, Options, Phase, Report, StudioReport, VerifyError};

use crate::args::VerifyArguments;
use crate::commands::seal;
use crate::failure::Failure;
use crate::place;
use crate::progress::{Progress, grouped};

/// Proves the store, and says what it holds; or names the first thing that does not hold.
pub(crate) fn run(arguments: &VerifyArguments) -> Result<(), Failure> {
    let since = arguments.since.as_deref().map(seal::read).transpose()?;
    let site = place::site(&arguments.place)?;
    let reader = place::reader(&site)?;
    let begun = Instant::now();
    let report = prove_since(&*reader, site.shown(), since.as_ref())?;
    print(&report, begun.elapsed());
    if let Some(seal) = since {
        let (entries, accounts) = (grouped(seal.entries()), grouped(seal.accounts()));
        println!("as sealed at {}: {entries} entries of {accounts} accounts, digest {}", seal.sealed_at, seal.digest());
    }
    Ok(())
}

/// Proves what `reader` reads, with its progress shown; a failure names `path`.
pub(crate) fn prove(reader: &dyn Reader, path: &Path) -> Result<Report, Failure> {
    prove_since(reader, path, None)
}

fn prove_since(reader: &dyn Reader, path: &Path, since: Option<&Seal>) -> Result<Report, Failure> {
    let mut shown = None;
    let how = Options { since, ..Options::default() };
    let report = verify::verify_with(reader, &how, &mut |now| show(&mut shown, now));
    if let Some((_, progress)) = shown {
        progress.finish();
    }
    report.map_err(|error| match error {
        VerifyError::Broken(broken) => Failure::No(format!("{}: does not hold: {broken}", path.display())),
        VerifyError::Store(error) => Failure::of_path(path, &error),
    })
}

/// A bar, or lines, for each phase.
fn show(shown: &mut Option<(Phase, Progress)>, now: verify::Progress) {
    if let Some((phase, progress)) = shown
        && *phase == now.phase
    {
        return progress.set(now.done);
    }
    if let Some((_, progress)) = shown.take() {
        progress.finish();
    }
    let progress = match now.phase {
        Phase::Structure => Progress::unmeasured("looking at the database's pages and indexes"),
        Phase::Entries => Progress::new("entries proved", now.of),
        Phase::Rows => Progress::new("accounts' rows compared", now.of),
        Phase::Terms => Progress::new("terms found", now.of),
    };
    *shown = Some((now.phase, progress));
}

fn print(report: &Report, took: Duration) {
    println!(
        "the journal holds: {} entries of {} accounts; written behind, and in agreement: {} rows, {} terms",
        grouped(report.extent.last),
        grouped(report.accounts),
        grouped(report.rows),
        grouped(report.terms),
    );
    if report.erased > 0 {
        println!("erased: {} texts", grouped(report.erased));
    }
    for (number, studio) in &report.studios {
        let name = studio.id.as_ref().map_or_else(|| format!("studio {}", number.0), ToString::to_string);
        println!("{name}: {} accounts, {} entries", grouped(studio.accounts), grouped(studio.entries));
        print_sums(studio);
    }
    // Not part of the answer: two equal stores get equal ones.
    let rate = u128::from(report.extent.last) * 1_000 / took.as_millis().max(1);
    let rate = grouped(u64::try_from(rate).expect("no more than the entries in a thousandth of a second"));
    eprintln!("proved in {:.1} s, {rate} entries a second", took.as_secs_f64());
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
