//! What a database does with charges that are written by hand in SQL: the limit that the engine is held against on it.
//!
//! It is sent by PostgreSQL's own load generator, on the same server, between the engine's turns. It does less than a charge
//! must: no price, no lots, no chain, no answer to a repeated key.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::plan::{CLIENTS, Hand, Spread};
use crate::failure::Failure;

/// What each account begins with, in millionths of a credit.
const GRANTED: &str = "1000000000000000";

const TABLES: &str = include_str!("hand/tables.sql");
const ONE: &str = include_str!("hand/one.sql");
const SET: &str = include_str!("hand/set.sql");
const WRONG: &str = include_str!("hand/wrong.sql");

/// The hand-written ledger in a database, and the programs that work it.
pub(crate) struct ByHand {
    /// The database's address, as PostgreSQL's programs read it.
    address: String,
    programs: PathBuf,
    accounts: u32,
    /// Charges that pgbench said were committed.
    charged: u64,
}

impl ByHand {
    /// Makes its tables, in a database that has neither them nor scrip's.
    pub(crate) fn make(address: &str, accounts: u32) -> Result<ByHand, Failure> {
        let by_hand = ByHand { address: plain(address), programs: programs("pgbench")?, accounts, charged: 0 };
        if by_hand.ask("SELECT coalesce(to_regnamespace('scrip'), to_regnamespace('by_hand')) IS NULL")?.trim() != "t" {
            return Err(Failure::Failed(
                "the database has tables of scrip, or of a bench, already: name an empty one, to be dropped afterwards"
                    .to_owned(),
            ));
        }
        by_hand.ask(TABLES)?;
        Ok(by_hand)
    }

    /// Charges for a stretch of time; answers whole charges in a second.
    pub(crate) fn measure(&mut self, hand: Hand, lasts: Duration) -> Result<u64, Failure> {
        let (script, among) = match hand {
            Hand::One(Spread::All) => (ONE, self.accounts),
            Hand::One(Spread::Hot) => (ONE, 1),
            Hand::Set => (SET, self.accounts),
        };
        let mut pgbench = self.program("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--file=/dev/stdin"]);
        pgbench.arg(format!("--client={CLIENTS}")).arg(format!("--time={}", lasts.as_secs()));
        pgbench.arg(format!("--define=accounts={among}")).arg(&self.address);
        let told = fed(pgbench, script)?;
        let unreadable = || Failure::Failed(format!("pgbench said something that cannot be read:\n{told}"));
        let failed = number_after(&told, "number of failed transactions: ").ok_or_else(unreadable)?;
        if failed > 0 {
            return Err(Failure::No(format!("{failed} of the hand-written transactions failed:\n{told}")));
        }
        let done = number_after(&told, "number of transactions actually processed: ").ok_or_else(unreadable)?;
        self.charged += done * u64::from(hand.charges());
        if done == 0 {
            // It names no rate then.
            return Ok(0);
        }
        let per_second = number_after(&told, "tps = ").ok_or_else(unreadable)?;
        Ok(per_second * u64::from(hand.charges()))
    }

    /// Compares every account with its entries, and the entries with what pgbench said; the first that differs fails the run.
    pub(crate) fn reckon(&self) -> Result<(), Failure> {
        let told = self.ask(WRONG)?;
        if told.trim() == format!("0|{}", self.charged) {
            Ok(())
        } else {
            Err(Failure::No(format!(
                "mismatch: by hand there should be no wrong account and {} entries (0|{}), and there are {told}",
                self.charged, self.charged
            )))
        }
    }

    /// What statements answer: a row on each line, its values divided by `|`.
    pub(crate) fn ask(&self, statements: &str) -> Result<String, Failure> {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--file=-"]);
        psql.arg(format!("--set=accounts={}", self.accounts)).arg(format!("--set=credits={GRANTED}"));
        psql.arg(&self.address);
        fed(psql, statements)
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }
}

/// Runs a program with this on its standard input; answers what it says.
fn fed(mut command: Command, input: &str) -> Result<String, Failure> {
    let name = Path::new(command.get_program()).display().to_string();
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{name}: {error}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().map_err(|error| failed(&error))?;
    let mut stdin = running.stdin.take().expect("it was piped");
    // What a program that has given up does not read is no failure of ours: it says itself why.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let ended = running.wait_with_output().map_err(|error| failed(&error))?;
    if ended.status.success() {
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    } else {
        Err(failed(&String::from_utf8_lossy(&ended.stderr).trim()))
    }
}

/// The whole number that follows the last of these words.
fn number_after(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(words)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

/// The address without the parameters that only scrip knows.
fn plain(address: &str) -> String {
    let Some((base, parameters)) = address.split_once('?') else { return address.to_owned() };
    let ours = |parameter: &&str| {
        !["transactions=", "statements=", "patience=", "readers="].iter().any(|own| parameter.starts_with(own))
    };
    let theirs: Vec<&str> = parameters.split('&').filter(ours).collect();
    if theirs.is_empty() { base.to_owned() } else { format!("{base}?{}", theirs.join("&")) }
}

/// The folder that has this program of PostgreSQL's: where Debian keeps the newest version, or in the search path.
pub(crate) fn programs(name: &str) -> Result<PathBuf, Failure> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path()).collect();
    versions.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = versions.into_iter().map(|folder| folder.join("bin")).chain(std::env::split_paths(&path));
    let found = folders.into_iter().find(|folder| folder.join(name).is_file());
    found.ok_or_else(|| Failure::Failed(format!("`{name}` is needed: Debian's package postgresql has it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_only_scrip_knows() {
        for (given, plainly) in [
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://u@h/d?patience=60", "postgres://u@h/d"),
            (
                "postgres://u@h/d?transactions=bucket&sslmode=disable&statements=whole",
                "postgres://u@h/d?sslmode=disable",
            ),
        ] {
            assert_eq!(plain(given), plainly);
        }
    }

    #[test]
    fn pgbench_is_read() {
        let told = "number of transactions actually processed: 31204\nnumber of failed transactions: 0 (0.000%)\n\
                    latency average = 12.303 ms\ntps = 5201.834299 (without initial connection time)\n";
        for (words, number) in [
            ("number of transactions actually processed: ", Some(31_204)),
            ("number of failed transactions: ", Some(0)),
            ("tps = ", Some(5_201)),
            ("latency = ", None),
        ] {
            assert_eq!(number_after(told, words), number, "{words}");
        }
    }
}
