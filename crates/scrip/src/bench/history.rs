//! What a growing journal costs: charges at its beginning and at its end, memory, the disk, and opening it after `kill -9`.
//!
//! A child process charges until it is killed, once at a tenth of the entries and once at all of them, each in a folder of its own;
//! then the folder is opened, and what is in it reckoned.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrip_engine::clock::Clock;
use serde::{Deserialize, Serialize};

use crate::bench::engine_load::{self, Load};
use crate::bench::machine::{Used, size_of};
use crate::bench::plan::{Flight, Plan, Spread, Work};
use crate::bench::sheet::{Column, Sheet};
use crate::bench::world::{PRICE, World, spent};
use crate::bench::{Outcome, rounds};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::{self, Site};
use crate::progress::{Progress, grouped};
use crate::running;

/// Parts that all entries are charged in; each is a row.
const PARTS: u64 = 10;

/// How long the child charges between two looks at how far it came.
const STRIDE: Duration = Duration::from_millis(50);

/// How often the child says that it goes on before it is killed.
const GOES_ON: u32 = 5;

const COLUMNS: [Column; 9] = [
    Column::of("charges a second", "per_second"),
    Column::of("processor, ns a charge", "processor_ns"),
    Column::ratio("of the first part's", "processor_percent"),
    Column::of("written, bytes a charge", "written_bytes"),
    Column::of("memory, MiB", "memory_mib"),
    Column::of("memory at most, MiB", "memory_most_mib"),
    Column::of("at rest, bytes an entry", "at_rest_bytes"),
    Column::of("opened after kill -9, ms", "opened_ms"),
    Column::of("entries", "entries"),
];

/// What the child says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    /// The journal with its accounts in it, and no charge yet.
    Begun { entries: u64 },
    /// All charges up to here were made; of them so many since it last said so.
    Part { up_to: u64, charges: u64, nanos: u64, used: Used },
    /// All were, and it goes on: so many were answered by now.
    GoesOn { answered: u64 },
}

/// Measures in a folder.
pub(crate) fn measure(plan: &Plan, entries: u64, folder: &FreshFolder) -> Result<Outcome, Failure> {
    let mut sheet = Sheet::of(&COLUMNS);
    let mut round = 0;
    rounds(plan, &[entries / PARTS, entries], |entries| {
        round += 1;
        let within = folder.path().join(format!("journal-{round}"));
        grow(&mut sheet, plan.accounts, entries, &within)?;
        std::fs::remove_dir_all(&within).map_err(|error| Failure::of_path(&within, &error))
    })?;
    Ok(Outcome { sheet, charged: None })
}

/// One child's life, and what it left.
fn grow(sheet: &mut Sheet, accounts: u32, entries: u64, folder: &Path) -> Result<(), Failure> {
    let mut child = Killed::spawn(accounts, entries, folder)?;
    let said = BufReader::new(child.0.stdout.take().expect("it was piped"));
    let (mut begun, mut answered, mut goes_on, mut done) = (0, 0, 0, 0);
    let mut first = None;
    for line in said.lines() {
        // What is half a line was cut off by the kill.
        let Some(told) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
        match told {
            Told::Begun { entries } => begun = entries,
            Told::Part { up_to, charges, nanos, used } => {
                let processor = used.processor_us.map(|micros| micros * 1_000 / charges);
                first = first.or(processor);
                let ratio = processor.zip(first).and_then(|(now, first)| (now * 100).checked_div(first));
                done += charges;
                let subject = format!("to {} charges of {}", grouped(up_to), grouped(entries));
                let rate = charges * 1_000_000_000 / nanos.max(1);
                let written = used.written.map(|written| written / charges);
                let mib = |kib: u64| kib / 1_024;
                let memory = (used.memory_kib.map(mib), used.memory_most_kib.map(mib));
                sheet.add(
                    &subject,
                    &[Some(rate), processor, ratio, written, memory.0, memory.1, None, None, Some(begun + done)],
                );
            }
            Told::GoesOn { answered: by_now } => {
                (answered, goes_on) = (by_now, goes_on + 1);
                if goes_on == GOES_ON {
                    child.kill()?;
                }
            }
        }
    }
    if goes_on < GOES_ON {
        return Err(Failure::Failed("the process that charged ended by itself".to_owned()));
    }
    let opened = open(folder, begun, answered)?;
    let at_rest = size_of(folder)? / opened.entries;
    let subject = format!("after kill -9 at {} charges", grouped(entries));
    let took = u64::try_from(opened.took.as_millis()).unwrap_or(u64::MAX);
    sheet.add(&subject, &[None, None, None, None, None, None, Some(at_rest), Some(took), Some(opened.entries)]);
    Ok(())
}

struct Opened {
    took: Duration,
    entries: u64,
}

/// Opens what a killed process left: all that was answered is there, and the amounts are those of the entries.
fn open(folder: &Path, begun: u64, answered: u64) -> Result<Opened, Failure> {
    let runtime = running::runtime()?;
    runtime.block_on(async {
        let from = Instant::now();
        let engine = place::start(folder, Clock::system())?;
        let took = from.elapsed();
        let entries = engine.vitals().entries;
        let (charged, spent) = (entries - begun, spent(&engine)?);
        let by_entries = i128::from(charged) * i128::from(PRICE.millionths());
        running::stop(engine).await?;
        if charged < answered || spent != by_entries {
            return Err(Failure::No(format!(
                "mismatch: {answered} charges were answered, {charged} are in the journal, and accounts have spent {spent} millionths"
            )));
        }
        Ok(Opened { took, entries })
    })
}

/// A process that charges, and is killed at the latest when this goes.
struct Killed(Child);

impl Killed {
    fn spawn(accounts: u32, entries: u64, folder: &Path) -> Result<Killed, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("a process that charges: {error}"));
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["bench", "history", "--until-killed", "--data"]).arg(folder);
        command.args(["--accounts", &accounts.to_string(), "--entries", &entries.to_string()]);
        Ok(Killed(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?))
    }

    /// As `kill -9` does.
    fn kill(&mut self) -> Result<(), Failure> {
        self.0.kill().map_err(|error| Failure::Failed(format!("a process could not be killed: {error}")))
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        if self.0.kill().and_then(|()| self.0.wait()).is_err() {
            eprintln!("the process that charged could not be waited for");
        }
    }
}

/// The child: charges so many, says what each part took, and goes on until it is killed.
pub(crate) fn charge_until_killed(accounts: u32, entries: u64, folder: &FreshFolder) -> Result<(), Failure> {
    let runtime = running::runtime()?;
    runtime.block_on(async {
        let world = World::make(&Site::Folder(folder.path()), accounts).await?;
        let begun = world.engine.vitals().entries;
        tell(&Told::Begun { entries: begun })?;
        let mut progress = Progress::new("charges", entries);
        let mut done = 0;
        for part in 1..=PARTS {
            let (from, before, began) = (Instant::now(), Used::by_now(), done);
            let up_to = entries * part / PARTS;
            while done < up_to {
                done += charge(&world).await?;
                progress.set(done.min(entries));
            }
            let nanos = u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX);
            // A stride may have gone beyond a whole part.
            if done > began {
                tell(&Told::Part { up_to, charges: done - began, nanos, used: Used::by_now().since(&before) })?;
            }
        }
        progress.finish();
        loop {
            done += charge(&world).await?;
            tell(&Told::GoesOn { answered: done })?;
        }
    })
}

/// Charges for a stride; how many were answered.
async fn charge(world: &Arc<World>) -> Result<u64, Failure> {
    let load = Load { work: Work::Charge, flight: Flight::Batches, spread: Spread::All, lasts: STRIDE };
    Ok(engine_load::measure(world, load).await?.done())
}

fn tell(told: &Told) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("standard output: {error}"));
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, told).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(failed)
}
