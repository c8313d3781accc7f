//! `scrip seal`: what a store holds, proved, in a small file to be kept where whoever can write the store cannot (R29).

use std::io::Write as _;
use std::path::Path;

use scrip_engine::clock::Clock;
use scrip_engine::seal::Seal;

use crate::args::SealArguments;
use crate::commands::verify;
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::place;
use crate::progress::grouped;

/// Seals the store, if it holds; otherwise there is no file.
pub(crate) fn run(arguments: &SealArguments) -> Result<(), Failure> {
    let (site, file) = (place::site(&arguments.place)?, &arguments.file);
    let folder = site.shown();
    // Before the work, so that a name that is taken is told at once.
    let made = NewFile::begin(file)?;
    let reader = place::reader(&site)?;
    let report = verify::prove(&*reader, folder)?;
    let seal = Seal::of(&report, Clock::system().now());
    write(made, &seal.to_text())?;
    let (entries, accounts) = (grouped(seal.entries()), grouped(seal.accounts()));
    println!("sealed {} in {}: {entries} entries of {accounts} accounts", folder.display(), file.display());
    println!("digest {}", seal.digest());
    println!("keep it where nobody who can write {} can change it", folder.display());
    Ok(())
}

/// Reads a seal.
pub(super) fn read(file: &Path) -> Result<Seal, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::of_path(file, &error))?;
    Seal::parse(&text).map_err(|problem| Failure::of_path(file, &problem))
}

/// The whole file or none.
fn write(mut file: NewFile, text: &str) -> Result<(), Failure> {
    let written = file.write_all(text.as_bytes()).and_then(|()| file.finish());
    written.map_err(|error| Failure::of_path(file.part(), &format!("{error}; nothing was sealed")))
}
