//! `scrip import --opening`: a studio's customers with what they had elsewhere, from a file.
//!
//! The file is read twice: once to check all of it, and again, when nothing is wrong, to carry it out, some hundred
//! accounts at a time. Each account is opened in one command, whole or not at all, and an opening that was carried out is
//! known again for good: so an import that was stopped is simply run again. What the fields mean is in `docs/import.md`.

mod accounts;
mod arrival;
pub(crate) mod carry_out;
mod csv;
#[cfg(test)]
mod fuzzing;
mod lines;
mod mistakes;
mod row;
mod sums;
pub(crate) mod wire;

use std::fs::{File, Metadata};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use scrip_core::time::Time;

use self::accounts::Accounts;
use self::arrival::Arrival;
use self::mistakes::Mistakes;
use self::sums::Sums;
use self::wire::{ByClass, OpeningWire, PartWire, Verdict, Written};
use crate::admin::{Ask, Tell};
use crate::args::{ImportArguments, OpeningForm};
use crate::failure::Failure;
use crate::place::{self, Attendant};
use crate::progress::{Progress, grouped};

/// Accounts and lots that are checked, or brought in, at a time.
const CHUNK: usize = 1_000;

/// Imports a file, or says what is wrong with it.
pub(crate) fn run(arguments: &ImportArguments, file: &Path) -> Result<(), Failure> {
    let attendant = Attendant::reach(&arguments.place)?;
    let imported = Import::begin(arguments, file, &attendant).and_then(|mut import| import.run(arguments));
    // Closed in good order first: what was written is written behind.
    attendant.leave()?;
    imported
}

/// An import at work.
struct Import<'a> {
    path: &'a Path,
    file: File,
    found: Metadata,
    form: OpeningForm,
    attendant: &'a Attendant<'a>,
    studio: String,
    /// The time where the accounts will be.
    now: Time,
    /// The instant that the file tells of.
    as_of: AsOf,
    stopped: Arc<AtomicBool>,
}

/// What checking a file came to.
#[derive(Default)]
struct Checked {
    sums: Sums,
    new: u64,
    there: u64,
}

impl<'a> Import<'a> {
    fn begin(arguments: &ImportArguments, path: &'a Path, attendant: &'a Attendant<'a>) -> Result<Import<'a>, Failure> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (found, file) = opened.map_err(|error| Failure::of_path(path, &error))?;
        if !found.is_file() {
            return Err(Failure::of_path(path, &"is read twice, so it must be a file"));
        }
        let studio = arguments.studio.clone().expect("--opening is not accepted without --studio");
        let now = match attendant.ask(Ask::StudioTime { studio: studio.clone() })? {
            Tell::Time { now } => time(&now)?,
            other => return Err(place::refusal(other)),
        };
        let as_of = AsOf::of(arguments, path, &found)?;
        if as_of.at > now {
            return Err(Failure::No(format!(
                "{as_of}: this is ahead of {now}, the time here; --as-of says an earlier one"
            )));
        }
        let by_name = if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl")) {
            OpeningForm::Jsonl
        } else {
            OpeningForm::Csv
        };
        let form = arguments.form.unwrap_or(by_name);
        let stopped = attendant.watch()?;
        Ok(Import { path, file, found, form, attendant, studio, now, as_of, stopped })
    }

    fn run(&mut self, arguments: &ImportArguments) -> Result<(), Failure> {
        let checked = self.check()?;
        let Checked { sums, new, there } = &checked;
        println!("{}: {} accounts of {}", self.path.display(), grouped(sums.accounts), self.studio);
        println!("  {}", self.as_of);
        println!("{sums}");
        println!("{} are new, {} are there already", grouped(*new), grouped(*there));
        if arguments.dry_run {
            println!("a dry run: nothing was written");
            return Ok(());
        }
        self.carry_out(&checked)
    }

    /// The accounts from the file's beginning.
    fn accounts(&self) -> Result<Accounts, Failure> {
        let again = || {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = again().map_err(|error: std::io::Error| Failure::of_path(self.path, &error))?;
        Ok(Accounts::new(file, self.form))
    }

    /// Reads the whole file and has every opening judged; nothing is written.
    fn check(&self) -> Result<Checked, Failure> {
        let (mut accounts, mut mistakes) = (self.accounts()?, Mistakes::default());
        let (mut checked, mut chunk) = (Checked::default(), Vec::new());
        let mut progress = Progress::new("KiB checked", self.found.len().div_ceil(1_024));
        loop {
            let more = self.fill(&mut accounts, &mut chunk, &mut mistakes)?;
            self.judge(&chunk, &mut checked, &mut mistakes)?;
            chunk.clear();
            progress.set(accounts.bytes().div_ceil(1_024));
            if more == More::No {
                break;
            }
            if self.stopped.load(Ordering::Acquire) {
                return Err(Failure::Failed("stopped: nothing was written".to_owned()));
            }
        }
        progress.finish();
        if mistakes.count() == 0 && checked.sums.accounts == 0 {
            mistakes.add(1, "there is no account in the file");
        }
        if mistakes.count() > 0 {
            return Err(mistakes.tell(self.path, "nothing was written"));
        }
        Ok(checked)
    }

    /// Reads on until a chunk of accounts is full.
    fn fill(
        &self,
        accounts: &mut Accounts,
        chunk: &mut Vec<Arrival>,
        mistakes: &mut Mistakes,
    ) -> Result<More, Failure> {
        let mut weight = 0;
        while weight < CHUNK {
            let rows = accounts.next(mistakes).map_err(|error| Failure::of_path(self.path, &error))?;
            match rows {
                Some(rows) => {
                    weight += 1 + rows.len();
                    chunk.extend(Arrival::of(rows, self.now, mistakes));
                }
                None => return Ok(More::No),
            }
        }
        Ok(More::Yes)
    }

    fn judge(&self, chunk: &[Arrival], checked: &mut Checked, mistakes: &mut Mistakes) -> Result<(), Failure> {
        if chunk.is_empty() {
            return Ok(());
        }
        let (studio, as_of, openings) = self.asked(chunk);
        let verdicts = match self.attendant.ask(Ask::CheckOpenings { studio, as_of, openings })? {
            Tell::OpeningsChecked { verdicts } if verdicts.len() == chunk.len() => verdicts,
            other => return Err(place::refusal(other)),
        };
        for (arrival, verdict) in chunk.iter().zip(&verdicts) {
            match verdict {
                Verdict::New => checked.new += 1,
                Verdict::There => checked.there += 1,
                Verdict::Taken { .. } | Verdict::Faulty { .. } => {
                    object(arrival, verdict, mistakes);
                    continue;
                }
            }
            checked.sums.add(&arrival.opening);
        }
        Ok(())
    }

    fn asked(&self, chunk: &[Arrival]) -> (String, String, Vec<OpeningWire>) {
        let openings = chunk.iter().map(|arrival| OpeningWire::of(&arrival.account, &arrival.opening)).collect();
        (self.studio.clone(), self.as_of.at.to_string(), openings)
    }

    /// Opens the accounts, and compares what the store then says of them with what the file said.
    fn carry_out(&self, checked: &Checked) -> Result<(), Failure> {
        let (mut accounts, mut mistakes) = (self.accounts()?, Mistakes::default());
        let (mut done, mut sums, mut brought) = (Written::default(), Sums::default(), ByClass::new());
        let mut progress = Progress::new("accounts", checked.sums.accounts);
        loop {
            let mut chunk = Vec::new();
            let more = self.fill(&mut accounts, &mut chunk, &mut mistakes)?;
            if mistakes.count() > 0 || self.has_changed()? {
                return Err(self.broken_off(&done, "the file was changed while it was read"));
            }
            if self.stopped.load(Ordering::Acquire) {
                return Err(self.broken_off(&done, "stopped"));
            }
            let written = self.open(&chunk).map_err(|failure| self.broken_off(&done, &failure.to_string()))?;
            chunk.iter().for_each(|arrival| sums.add(&arrival.opening));
            done.opened += written.opened;
            done.there += written.there;
            for (place, verdict) in &written.refused {
                let Some(arrival) = chunk.get(*place) else { continue };
                object(arrival, verdict, &mut mistakes);
            }
            let more_brought = wire::read_sums(&written.brought);
            sums::add(&mut brought, more_brought.ok_or_else(|| Failure::Failed("unreadable sums".to_owned()))?);
            progress.set(sums.accounts);
            if mistakes.count() > 0 {
                let outcome = format!("{} accounts were opened; correct these and run it again", grouped(done.opened));
                return Err(mistakes.tell(self.path, &outcome));
            }
            if more == More::No {
                break;
            }
        }
        progress.finish();
        println!("opened {} accounts; {} were there already", grouped(done.opened), grouped(done.there));
        if sums != checked.sums || brought != sums.credits {
            return Err(Failure::No(format!(
                "the store has {} of these accounts, and the file says {}: run scrip verify, and tell us",
                sums::listed(&brought),
                sums::listed(&checked.sums.credits)
            )));
        }
        println!("  in the store: {}: as in the file", sums::listed(&brought));
        Ok(())
    }

    fn open(&self, chunk: &[Arrival]) -> Result<Written, Failure> {
        if chunk.is_empty() {
            return Ok(Written::default());
        }
        let (studio, as_of, openings) = self.asked(chunk);
        match self.attendant.ask(Ask::OpenAccounts { studio, as_of, openings })? {
            Tell::AccountsOpened(written) => Ok(written),
            other => Err(place::refusal(other)),
        }
    }

    /// Whether somebody wrote to the file since it was opened.
    fn has_changed(&self) -> Result<bool, Failure> {
        let now = self.file.metadata().and_then(|now| Ok((now.len(), now.modified()?)));
        let then = self.found.modified().map(|modified| (self.found.len(), modified));
        let same = now.and_then(|now| Ok(now == then?)).map_err(|error| Failure::of_path(self.path, &error))?;
        Ok(!same)
    }

    fn broken_off(&self, done: &Written, why: &str) -> Failure {
        let opened = grouped(done.opened);
        Failure::Failed(format!(
            "{}: {why}; {opened} accounts were opened, each of them whole: run it again for the rest",
            self.path.display()
        ))
    }
}

/// The instant that a file tells of. It is the same whenever the file is imported: with the present instead, an import
/// that is taken up again in a later cycle would take what was left of the one before for its own.
struct AsOf {
    at: Time,
    /// Whether it was said; else it is the file's own.
    said: bool,
}

impl AsOf {
    fn of(arguments: &ImportArguments, path: &Path, found: &Metadata) -> Result<AsOf, Failure> {
        if let Some(at) = arguments.as_of {
            return Ok(AsOf { at, said: true });
        }
        let written = found.modified().map_err(|error| Failure::of_path(path, &error))?;
        let micros = written.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_micros()).ok());
        let unusable = || Failure::of_path(path, &"when it was last written cannot be told: say --as-of");
        Ok(AsOf { at: Time::from_micros(micros.ok_or_else(unusable)?), said: false })
    }
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = if self.said { "" } else { ", when the file was last written" };
        write!(f, "as of {}{how}", self.at)
    }
}

/// Whether the file goes on.
#[derive(PartialEq, Eq)]
enum More {
    Yes,
    No,
}

/// Adds what stands in the way of an opening to the mistakes.
fn object(arrival: &Arrival, verdict: &Verdict, mistakes: &mut Mistakes) {
    match verdict {
        Verdict::New | Verdict::There => {}
        Verdict::Taken { how } => {
            mistakes.add_in(arrival.line(), "account", &format!("`{}` {how}", arrival.account));
        }
        Verdict::Faulty { faults } => {
            for fault in faults {
                let (line, field) = arrival.place(part(fault.part), &fault.field);
                mistakes.add_in(line, &field, &fault.problem);
            }
        }
    }
}

fn part(part: PartWire) -> scrip_core::decide::OpeningPart {
    use scrip_core::decide::OpeningPart;
    match part {
        PartWire::Account => OpeningPart::Account,
        PartWire::Subscription => OpeningPart::Subscription,
        PartWire::Lot(place) => OpeningPart::Lot(place),
    }
}

fn time(text: &str) -> Result<Time, Failure> {
    Time::parse(text).map_err(|error| Failure::Failed(format!("the server's time, {text}, is {error}")))
}
