//! `scrip catalog check|diff|publish`: catalogs from files (R5–R7).

use std::path::Path;

use scrip_core::catalog::{self, Catalog, Format};

use crate::admin::{Ask, News, PublishedVersion, Tell};
use crate::args::Place;
use crate::failure::Failure;
use crate::place;

/// The text of a catalog file and how it is written: JSON where the name says so, else TOML.
pub(crate) fn source(file: &Path) -> Result<(String, Format), Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::of_path(file, &error))?;
    let json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    Ok((text, if json { Format::Json } else { Format::Toml }))
}

/// Reads and checks a catalog file; refused: `FILE:line:column: message`.
pub(crate) fn read(file: &Path) -> Result<Catalog, Failure> {
    let (text, format) = source(file)?;
    catalog::read(&text, format).map_err(|refused| refusal(file, &refused))
}

/// A refused catalog, in the form that editors turn into a link.
pub(crate) fn refusal(file: &Path, refused: &catalog::CatalogError) -> Failure {
    Failure::No(format!("{}:{}:{}: {}", file.display(), refused.line, refused.column, refused.message))
}

/// `scrip catalog check`.
pub(crate) fn check(file: &Path) -> Result<(), Failure> {
    let catalog = read(file)?;
    println!(
        "{}: {} is right: {}, {}, {}",
        file.display(),
        catalog.studio,
        counted(catalog.tools.len(), "tool"),
        counted(catalog.plans.len(), "plan"),
        counted(catalog.packages.len(), "package"),
    );
    Ok(())
}

/// `scrip catalog diff`. Two catalogs that price alike are no failure: it says so.
pub(crate) fn diff(old: &Path, new: &Path) -> Result<(), Failure> {
    let lines = catalog::diff(&read(old)?, &read(new)?);
    if lines.is_empty() {
        println!("no difference");
    }
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// `scrip catalog publish`. Content that was a version before is left alone (R7): fine when that version is in force or takes force
/// later, the answer no when another one is.
pub(crate) fn publish(place: &Place, file: &Path) -> Result<(), Failure> {
    let (source, format) = source(file)?;
    match place::ask(place, Ask::Publish { json: format == Format::Json, source })? {
        Tell::Published(version) => report(&version),
        Tell::CatalogRefused { line, column, message } => {
            Err(refusal(file, &catalog::CatalogError { line, column, message }))
        }
        other => Err(place::refusal(other)),
    }
}

/// How content that was a version before becomes one again: comments are none of it (R7).
const BRING_BACK: &str = "to bring it back give it another effective_from (one that has passed: at once)";

fn report(version: &PublishedVersion) -> Result<(), Failure> {
    let PublishedVersion { studio, version: number, effective, in_force, news, is_ahead, replaced_by, followed_by } =
        version;
    match (news, in_force, replaced_by) {
        (News::Published, Some(force), _) if force == number => println!("{studio}: version {number} is in force"),
        (News::Published, ..) => println!("{studio}: version {number} is published, in force from {effective}"),
        (News::Known, _, Some(by)) => {
            return Err(Failure::No(format!(
                "{studio}: this content is version {number}, which version {by} takes the place of from the same instant on: \
                 left alone; {BRING_BACK}"
            )));
        }
        (News::Known, ..) if *is_ahead => {
            println!("{studio}: this content is version {number} already, in force from {effective}: left alone");
        }
        (News::Known, Some(force), None) if force != number => {
            return Err(Failure::No(format!(
                "{studio}: this content was version {number} before, and version {force} is in force: left alone; {BRING_BACK}"
            )));
        }
        (News::Known, ..) => println!("{studio}: this content is version {number} already: left alone"),
    }
    for other in followed_by {
        let takes_back = if other.takes_back.is_empty() { "back nothing of what was compared" } else { "this back:" };
        println!(
            "{studio}: version {}, which is scheduled already, takes over on {} and takes {takes_back}",
            other.version, other.effective
        );
        other.takes_back.iter().for_each(|line| println!("  {line}"));
    }
    Ok(())
}

/// "1 tool", "2 tools".
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
