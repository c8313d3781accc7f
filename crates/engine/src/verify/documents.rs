//! What is stored besides accounts and entries: whether it can be used, and what entries say of it.
//!
//! Documents are in no chain. So this proves that each can be read, that none is missing and that studios and their
//! catalogs agree, not that none was changed: for studios and catalogs a seal does that.

use std::collections::BTreeMap;

use scrip_core::catalog;
use scrip_core::entry::Entry;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;

use super::{Broken, VerifyError};
use crate::seal::SealedCatalog;
use crate::store::{Document, Reader};

/// Studios and catalog versions.
pub(super) struct Documents {
    pub(super) studios: BTreeMap<StudioNumber, StudioId>,
    pub(super) catalogs: BTreeMap<(StudioNumber, u32), SealedCatalog>,
}

impl Documents {
    /// Reads them all, and proves what can be proved of each.
    pub(super) fn read(reader: &dyn Reader) -> Result<Documents, VerifyError> {
        let mut found = Documents { studios: BTreeMap::new(), catalogs: BTreeMap::new() };
        let mut owners = Vec::new();
        for document in reader.documents()? {
            match document {
                Document::Studio { number, id } => {
                    found.studios.insert(number, id);
                }
                Document::Catalog { studio, version, published_at, effective, format, source } => {
                    let named = || format!("catalog version {version} of studio {}", studio.0);
                    within_the_calendar(&[published_at, effective], named)?;
                    let read = catalog::read(&source, format);
                    let read = read.map_err(|refused| unusable(format!("{}: {refused}", named())))?;
                    owners.push((studio, version, read.studio));
                    let sealed = SealedCatalog { published_at, effective, text: SealedCatalog::digest(&source) };
                    found.catalogs.insert((studio, version), sealed);
                }
                Document::Key(key) => {
                    let times: Vec<Time> = key.revoked_at.into_iter().chain([key.created_at]).collect();
                    within_the_calendar(&times, || format!("key {}", key.id))?;
                }
                Document::Clock { now } => within_the_calendar(&[now], || "the test clock".to_owned())?,
                // An import proves what it has filled before it is complete; any 256 bits are a secret; what a note says
                // is for whoever wrote it.
                Document::Import(_) | Document::TokenSecret { .. } | Document::Note(_) => {}
            }
        }
        found.complete()?;
        found.owned_by(&owners)?;
        Ok(found)
    }

    /// Every studio of a catalog has a name, and its versions have no gap.
    fn complete(&self) -> Result<(), VerifyError> {
        let mut before = None;
        for (studio, version) in self.catalogs.keys() {
            let expected = match before {
                Some((same, last)) if same == studio => last + 1,
                _ => 1,
            };
            if *version != expected {
                return Err(unusable(format!("catalog version {expected} of studio {} is missing", studio.0)));
            }
            if !self.studios.contains_key(studio) {
                return Err(unusable(format!("studio {} has catalogs, but no name", studio.0)));
            }
            before = Some((studio, *version));
        }
        Ok(())
    }

    /// Each catalog says whose it is: who is given another's name is given the other's customers.
    fn owned_by(&self, owners: &[(StudioNumber, u32, StudioId)]) -> Result<(), VerifyError> {
        let name = |studio| &self.studios[studio];
        match owners.iter().find(|(studio, _, owner)| name(studio) != owner) {
            None => Ok(()),
            Some((studio, version, owner)) => Err(unusable(format!(
                "catalog version {version} of studio {} is {owner}'s, but table studios calls that studio {}",
                studio.0,
                name(studio)
            ))),
        }
    }

    /// Whether a studio has a name. Where no studio ever had one, none needs it: an engine can do without catalogs and
    /// keys, which are what names studios.
    pub(super) fn name(&self, studio: StudioNumber) -> bool {
        self.studios.is_empty() || self.studios.contains_key(&studio)
    }

    /// Whether an entry of this studio's can have been made: by a version that is there, or by none where none was
    /// needed.
    pub(super) fn know(&self, studio: StudioNumber, entry: &Entry) -> bool {
        let there = |version| self.catalogs.contains_key(&(studio, version));
        let priced = entry
            .priced()
            .is_none_or(|priced| priced.catalog_version == 0 && priced.tool.is_none() || there(priced.catalog_version));
        let ordered = entry.event.order().is_none_or(|order| there(order.catalog_version));
        priced && ordered
    }
}

fn within_the_calendar(times: &[Time], named: impl Fn() -> String) -> Result<(), VerifyError> {
    if times.iter().all(|time| (Time::EPOCH..=Time::MAX).contains(time)) {
        Ok(())
    } else {
        Err(unusable(format!("{}: a time out of range", named())))
    }
}

fn unusable(what: String) -> VerifyError {
    VerifyError::Broken(Broken::Unreadable(what))
}
