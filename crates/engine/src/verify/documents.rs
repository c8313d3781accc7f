//! What is stored besides accounts and entries: whether it can be used, and what entries say of it.
//!
//! Documents are in no chain. So this proves that each can be read and that none is missing, not that none was changed:
//! for catalogs a seal does that.

use std::collections::BTreeMap;

use scrip_core::catalog;
use scrip_core::hold::Priced;
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
        for document in reader.documents()? {
            match document {
                Document::Studio { number, id } => {
                    found.studios.insert(number, id);
                }
                Document::Catalog { studio, version, published_at, effective, format, source } => {
                    let named = || format!("catalog version {version} of studio {}", studio.0);
                    within_the_calendar(&[published_at, effective], named)?;
                    catalog::read(&source, format).map_err(|refused| unusable(format!("{}: {refused}", named())))?;
                    let sealed = SealedCatalog { published_at, effective, text: SealedCatalog::digest(&source) };
                    found.catalogs.insert((studio, version), sealed);
                }
                Document::Key(key) => {
                    let times: Vec<Time> = key.revoked_at.into_iter().chain([key.created_at]).collect();
                    within_the_calendar(&times, || format!("key {}", key.id))?;
                }
                Document::Clock { now } => within_the_calendar(&[now], || "the test clock".to_owned())?,
                // An import proves what it has filled before it is complete.
                Document::Import(_) => {}
            }
        }
        found.complete()?;
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

    /// Whether a studio has a name. Where no studio ever had one, none needs it: an engine can do without catalogs and
    /// keys, which are what names studios.
    pub(super) fn name(&self, studio: StudioNumber) -> bool {
        self.studios.is_empty() || self.studios.contains_key(&studio)
    }

    /// Whether a price of this studio's can have been made: by a version that is there, or by none where none was
    /// needed.
    pub(super) fn know(&self, studio: StudioNumber, priced: &Priced) -> bool {
        let unpriced = priced.catalog_version == 0 && priced.tool.is_none();
        unpriced || self.catalogs.contains_key(&(studio, priced.catalog_version))
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
