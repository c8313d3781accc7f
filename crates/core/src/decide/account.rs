//! Opening an account and changing its settings.

use std::collections::BTreeSet;

use crate::account::Account;
use crate::catalog::Catalogs;
use crate::command::PutAccount;
use crate::decide::invalid;
use crate::decide::scribe::Scribe;
use crate::draft::Draft;
use crate::entry::{Act, Event, TextField};
use crate::id::ProjectTypeId;
use crate::rejection::Rejection;
use crate::time::{Time, Zone};
use crate::top_up;

/// Puts the settings as asked; absent ones stay. Makes nothing when they stand so already.
pub(super) fn put(scribe: &mut Scribe<'_>, put: &PutAccount) -> Result<(), Rejection> {
    let account = scribe.before;
    if let Some(types) = &put.project_types {
        check_project_types(scribe.before, scribe.catalogs, types, scribe.at())?;
    }
    let project_types = put.project_types.as_ref().or(account.project_types.as_deref());
    let project_types = project_types.map(|types| types.iter().cloned().collect::<Vec<_>>());
    if account.seq == 0 {
        open(scribe, put);
        return Ok(());
    }
    let name = put.name.as_deref().filter(|name| account.name.as_deref() != Some(name));
    let zone = put.zone.clone().filter(|zone| *zone != account.zone);
    let types_changed = put.project_types.as_ref().is_some_and(|types| account.project_types.as_deref() != Some(types));
    if name.is_some() || zone.is_some() || types_changed {
        let texts = scribe.texts([(TextField::Name, name)]);
        let zone = zone.unwrap_or_else(|| account.zone.clone());
        scribe.write(Draft::new(Event::AccountChanged { zone, project_types }).texts(texts));
    }
    Ok(())
}

/// Opens the account with these settings, which have been checked.
pub(super) fn open(scribe: &mut Scribe<'_>, settings: &PutAccount) {
    let account = scribe.before;
    let texts =
        scribe.texts([(TextField::AccountId, Some(account.id.as_str())), (TextField::Name, settings.name.as_deref())]);
    let zone = settings.zone.clone().unwrap_or_else(Zone::utc);
    let project_types = settings.project_types.as_ref().map(|types| types.iter().cloned().collect());
    let event = Event::AccountOpened { studio: account.studio, zone, project_types };
    scribe.write(Draft::new(event).texts(texts));
}

/// Records that the account's texts are erased: whatever it says, the entry is made.
pub(super) fn erase(scribe: &mut Scribe<'_>, reason: Option<&str>) {
    // First, so that the erasure is the account's last entry: that is how it is known when asked for again.
    if let Some(stop) = top_up::stop(scribe.before) {
        scribe.write(stop);
    }
    let texts = scribe.texts([(TextField::Reason, reason)]);
    scribe.write(Draft::new(Event::AccountErased).texts(texts));
}

/// Records what an operator does; opens the studio's own account first where it is not there yet.
pub(super) fn record(scribe: &mut Scribe<'_>, act: Act, subject: &str, reason: Option<&str>) {
    if scribe.before.seq == 0 {
        open(scribe, &PutAccount::default());
    }
    let texts = scribe.texts([(TextField::Reference, Some(subject)), (TextField::Reason, reason)]);
    scribe.write(Draft::new(Event::Acted { act }).texts(texts));
}

/// Every project type is one of the catalog in force, or one that the account has already (R8).
pub(super) fn check_project_types(
    account: &Account,
    catalogs: &Catalogs,
    types: &BTreeSet<ProjectTypeId>,
    at: Time,
) -> Result<(), Rejection> {
    let catalog = catalogs.in_force(account.studio, at);
    let offered = catalog.map_or(&[][..], |published| published.catalog.project_types.as_slice());
    let has = account.project_types.as_deref();
    let known = |wanted: &ProjectTypeId| {
        offered.iter().any(|offered| offered.id == *wanted) || has.is_some_and(|has| has.contains(wanted))
    };
    if types.iter().all(known) {
        return Ok(());
    }
    let names: Vec<_> = offered.iter().map(|offered| offered.id.as_str()).collect();
    Err(invalid("project_types", format!("project types of the catalog: {}", names.join(", "))))
}
