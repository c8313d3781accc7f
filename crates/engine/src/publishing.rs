//! Which version a catalog becomes (R7).
//!
//! It is apart because every engine decides it alike, whatever store it runs on. It writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrip_core::catalog::{Catalog, Catalogs, Published};
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;

use crate::engine::{Publication, PublishError};
use crate::store::Document;

/// When a catalog is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Now.
    pub(crate) now: Time,
    /// The earliest instant from which it may replace another version: no version is in force before every server knows of
    /// it, or quotes of the one before would not be honoured.
    pub(crate) replaces_from: Time,
}

impl Moment {
    /// Now, where a version replaces another so many microseconds later at the earliest.
    pub(crate) fn with_lead(now: Time, lead_micros: i64) -> Moment {
        Moment { now, replaces_from: Time::from_micros(now.micros() + lead_micros) }
    }
}

/// What whoever publishes takes to be so.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Theirs is this studio.
    pub studio: Option<StudioId>,
    /// Its newest version is this one; 0: it has none.
    pub newest: Option<u32>,
    /// What is published takes over from this version; 0: from none.
    pub replaces: Option<u32>,
}

/// What a publication comes to.
pub(crate) enum Decided {
    /// The content was a version of the studio before: left alone.
    Known(Arc<Published>),
    /// A new version.
    New {
        /// It.
        published: Arc<Published>,
        /// The studio's number, if this creates it.
        studio: Option<StudioNumber>,
    },
}

/// Decides which version the catalog is. The first of a studio creates it, and is in force at once, at any clock.
pub(crate) fn decide(
    studios: &BTreeMap<StudioId, StudioNumber>,
    catalogs: &Catalogs,
    catalog: &Arc<Catalog>,
    expected: &Expected,
    moment: Moment,
) -> Result<Decided, PublishError> {
    if let Some(expected) = &expected.studio
        && *expected != catalog.studio
    {
        return Err(PublishError::OtherStudio { expected: expected.clone(), found: catalog.studio.clone() });
    }
    let known = studios.get(&catalog.studio).copied();
    let studio = known.unwrap_or_else(|| {
        let last = studios.values().map(|studio| studio.0).max().unwrap_or(0);
        StudioNumber(last + 1)
    });
    let versions = catalogs.of(studio);
    if let Some(known) = versions.iter().find(|published| published.catalog.digest == catalog.digest) {
        return Ok(Decided::Known(Arc::clone(known)));
    }
    let last = versions.iter().map(|published| published.version).max().unwrap_or(0);
    if expected.newest.is_some_and(|newest| newest != last) {
        return Err(PublishError::Overtaken { newest: last });
    }
    let effective = catalogs.effective(studio, catalog, moment.replaces_from);
    let replaced = catalogs.in_force(studio, effective).map_or(0, |before| before.version);
    if expected.replaces.is_some_and(|replaces| replaces != replaced) {
        return Err(PublishError::Replaced { by: replaced });
    }
    let catalog = Arc::clone(catalog);
    let published = Arc::new(Published { studio, version: last + 1, published_at: moment.now, effective, catalog });
    Ok(Decided::New { published, studio: known.is_none().then_some(studio) })
}

/// The version as it is stored.
pub(crate) fn document(published: &Published, publication: &Publication) -> Document {
    Document::Catalog {
        studio: published.studio,
        version: published.version,
        published_at: published.published_at,
        effective: published.effective,
        format: publication.format,
        source: Arc::clone(&publication.source),
    }
}
