//! `scrip export`: accounts, lots and entries as CSV or JSON Lines, at one snapshot, beside a running server or
//! without one.
//!
//! It walks the store page by page and keeps no more than a page, the accounts that changed since the mark, and some
//! names. What is written is described column by column in `docs/export.md`.

mod lines;
pub(crate) mod output;

use std::collections::BTreeMap;
use std::path::Path;

use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber, StudioId, StudioNumber};
use scrip_engine::snapshot::Snapshot;
use scrip_engine::store::{Reader, StoreError};

use crate::args::{ExportArguments, ExportForm, Exported};
use crate::export::lines::{AccountLine, EntryLine, Line, LotLine};
use crate::export::output::{Output, Stop};
use crate::failure::Failure;
use crate::moving;
use crate::place::{self, Site};
use crate::progress::{Progress, grouped};

/// Accounts or entries read at a time.
const PAGE: usize = 1_024;
/// Accounts whose names are remembered while entries are written; past it they are read anew.
const NAMES_MAX: usize = 100_000;

/// Writes what was asked for; a reader that goes away (`scrip export … | head`) ends it quietly.
pub(crate) fn run(arguments: &ExportArguments) -> Result<(), Failure> {
    match export(arguments) {
        Ok(()) | Err(Stop::ReaderGone) => Ok(()),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

fn export(arguments: &ExportArguments) -> Result<(), Stop> {
    let form = form(arguments)?;
    let site = place::site(&arguments.place)?;
    if matches!(site, Site::Database(_)) && arguments.from_position.is_some() {
        let what = "--from-position: a store that several servers share has no order of all entries; export it whole";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let folder = site.shown();
    let reader = place::reader(&site)?;
    let output = Output::new(arguments.output.as_deref(), form)?;
    let studio = arguments.studio.as_deref();
    let walk = |output| Walk::begin(&*reader, folder, studio, output);
    match arguments.what {
        Exported::Accounts => {
            walk(output)?.accounts::<AccountLine>("accounts", |studio, account| vec![AccountLine::of(studio, account)])
        }
        Exported::Lots => walk(output)?.accounts::<LotLine>("accounts", |studio, account| {
            account.lots.iter().map(|lot| LotLine::of(studio, account, lot)).collect()
        }),
        Exported::Entries => walk(output)?.entries(arguments.from_position),
        Exported::Journal => moving::export::run(&*reader, folder, arguments.from_position, output),
    }
}

/// The form that is written, where what was asked for goes together.
fn form(arguments: &ExportArguments) -> Result<ExportForm, Failure> {
    let usage = |what: &str| Err(Failure::Usage(what.to_owned()));
    match (arguments.what, arguments.form) {
        (Exported::Accounts | Exported::Lots, _) if arguments.from_position.is_some() => {
            usage("--from-position is for entries and the journal: accounts and lots have no position")
        }
        (Exported::Journal, _) if arguments.studio.is_some() => {
            usage("the journal is exported whole, with all studios: leave out --studio")
        }
        (Exported::Journal, Some(ExportForm::Csv)) => usage("the journal is exported as JSON Lines: leave out --form"),
        (Exported::Journal, Some(ExportForm::Jsonl) | None) => Ok(ExportForm::Jsonl),
        (Exported::Accounts | Exported::Lots | Exported::Entries, form) => Ok(form.unwrap_or(ExportForm::Csv)),
    }
}

/// A store that cannot be read; one that is damaged is for `verify` to explain.
pub(crate) fn unreadable(folder: &Path, error: &StoreError) -> Failure {
    match error {
        StoreError::Damaged(what) => Failure::of_path(folder, &format!("{what}; run scrip verify")),
        StoreError::Refused(_) | StoreError::Unknown(_) => Failure::of_path(folder, error),
    }
}

/// The studios that are exported.
struct Scope {
    studios: BTreeMap<StudioNumber, StudioId>,
    only: Option<StudioNumber>,
}

impl Scope {
    fn new(snapshot: &Snapshot<'_>, folder: &Path, only: Option<&str>) -> Result<Scope, Failure> {
        let studios = snapshot.studios().map_err(|error| unreadable(folder, &error))?;
        let Some(name) = only else { return Ok(Scope { studios, only: None }) };
        match studios.iter().find(|(_, id)| id.as_str() == name).map(|(number, _)| *number) {
            Some(number) => Ok(Scope { studios, only: Some(number) }),
            None => {
                let known: Vec<&str> = studios.values().map(StudioId::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(Failure::No(format!("there is no studio `{name}`; studios: {known}")))
            }
        }
    }

    /// The studio's name, if it is exported.
    fn name(&self, number: StudioNumber) -> Result<Option<&StudioId>, StoreError> {
        if self.only.is_some_and(|only| only != number) {
            return Ok(None);
        }
        let unknown = || StoreError::Damaged(format!("studio {} is missing, though it has accounts", number.0));
        self.studios.get(&number).map(Some).ok_or_else(unknown)
    }
}

/// One pass over the store.
struct Walk<'a> {
    snapshot: Snapshot<'a>,
    folder: &'a Path,
    scope: Scope,
    output: Output,
}

impl<'a> Walk<'a> {
    fn begin(
        reader: &'a dyn Reader,
        folder: &'a Path,
        studio: Option<&str>,
        output: Output,
    ) -> Result<Walk<'a>, Failure> {
        let snapshot = Snapshot::open(reader).map_err(|error| unreadable(folder, &error))?;
        let scope = Scope::new(&snapshot, folder, studio)?;
        Ok(Walk { snapshot, folder, scope, output })
    }

    /// The accounts in the order of their numbers, each as the lines that `lines_of` makes of it.
    fn accounts<L: Line>(mut self, what: &str, lines_of: impl Fn(&StudioId, &Account) -> Vec<L>) -> Result<(), Stop> {
        self.output.header::<L>()?;
        let mut progress = Progress::new(what, self.snapshot.last_account().0);
        let mut after = AccountNumber(0);
        loop {
            let page = self.snapshot.accounts(after, PAGE).map_err(|error| unreadable(self.folder, &error))?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for account in &page {
                let studio = self.scope.name(account.studio).map_err(|error| unreadable(self.folder, &error))?;
                let Some(studio) = studio else { continue };
                for line in lines_of(studio, account) {
                    self.output.line(&line)?;
                }
            }
            progress.set(after.0);
        }
        progress.finish();
        self.finish()
    }

    /// The entries in the journal's order, from the first or after a position.
    fn entries(mut self, from: Option<u64>) -> Result<(), Stop> {
        let (mut after, last) = (from.unwrap_or(0), self.snapshot.last_position());
        if after > last {
            let message = format!("there is no position {after} to go on from: the journal ends at position {last}");
            return Err(Failure::No(message).into());
        }
        // What goes on is added to what is there, header and all.
        if from.is_none() {
            self.output.header::<EntryLine>()?;
        }
        let mut progress = Progress::new("entries", last - after);
        let begun_after = after;
        let mut names = BTreeMap::new();
        loop {
            let page = self.snapshot.entries(after, PAGE).map_err(|error| unreadable(self.folder, &error))?;
            let Some((end, _)) = page.last() else { break };
            after = end.position;
            for (row, entry) in &page {
                let owner = owner(&self.snapshot, &mut names, entry.account);
                let (studio, account) = owner.map_err(|error| unreadable(self.folder, &error))?;
                let studio = self.scope.name(studio).map_err(|error| unreadable(self.folder, &error))?;
                let Some(studio) = studio else { continue };
                self.output.line(&EntryLine::of(studio, &account, row, entry))?;
            }
            progress.set(after - begun_after);
        }
        progress.finish();
        self.finish()
    }

    fn finish(self) -> Result<(), Stop> {
        let (last, written) = (self.snapshot.last_position(), self.output.finish()?);
        eprintln!("{} lines written; the journal's last position was {last}", grouped(written));
        Ok(())
    }
}

/// Whose an account is, and the studio's own id of it.
type Owner = (StudioNumber, AccountId);

fn owner(
    snapshot: &Snapshot<'_>,
    names: &mut BTreeMap<AccountNumber, Owner>,
    number: AccountNumber,
) -> Result<Owner, StoreError> {
    if let Some(owner) = names.get(&number) {
        return Ok(owner.clone());
    }
    let account = snapshot.account(number)?;
    if names.len() >= NAMES_MAX {
        names.clear();
    }
    let owner = (account.studio, account.id);
    names.insert(number, owner.clone());
    Ok(owner)
}
