//! Seals (R29): how many entries and accounts each bucket had, and a digest of them, to be kept elsewhere.
//!
//! A journal whose end was cut off is sound, and so is one that was made anew from some point on, hashes and all. Only
//! something that its owner cannot reach says that there was another: a seal. It names no position, because a journal
//! may move to a store that counts otherwise: what was sealed of a bucket is its first entries, as many as the seal says,
//! in the order in which the store has them. `docs/seals.md` describes the file and how to recompute it by hand.
//!
//! A seal is text without secrets or names of people. It is not signed: whoever can change it can forge it.

mod text;

use std::collections::BTreeMap;
use std::fmt;

use scrip_core::account::Hash;
use scrip_core::bucket::Bucket;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use sha2::{Digest as _, Sha256};

use crate::store::Head;
use crate::verify::Report;

/// The version of the format that is written.
pub const FORMAT: u64 = 1;
/// Buckets, studios and catalog versions that a breach lists by number.
const LISTED: usize = 8;

/// Buckets that have entries.
pub type Sealed = BTreeMap<Bucket, BucketSeal>;

/// One bucket's count and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSeal {
    /// Its entries.
    pub entries: u64,
    /// Its accounts.
    pub accounts: u64,
    /// SHA-256 over its accounts, by number: the number and the last entry's seq (8 bytes each, big-endian), and the
    /// chain's value after it.
    pub digest: Hash,
}

impl BucketSeal {
    /// Of a bucket with so many entries, whose accounts stand at these.
    pub fn of(entries: u64, mut heads: Vec<Head>) -> BucketSeal {
        heads.sort_unstable_by_key(|head| head.account);
        let mut digest = Sha256::new();
        for head in &heads {
            digest.update(head.account.0.to_be_bytes());
            digest.update(head.seq.to_be_bytes());
            digest.update(head.head.0);
        }
        let accounts = u64::try_from(heads.len()).expect("a length fits 64 bits");
        BucketSeal { entries, accounts, digest: Hash(digest.finalize().into()) }
    }
}

/// One catalog version, which never changes (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedCatalog {
    /// When it was published.
    pub published_at: Time,
    /// From when it is in force.
    pub effective: Time,
    /// SHA-256 of its text.
    pub text: Hash,
}

impl SealedCatalog {
    /// SHA-256 of a catalog's text.
    pub fn digest(source: &str) -> Hash {
        Hash(Sha256::digest(source).into())
    }
}

/// What a store held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// When it was sealed.
    pub sealed_at: Time,
    /// The chain's value after the first entry of account 1, which tells stores apart; `None` for an empty one.
    pub store: Option<Hash>,
    /// Each studio's name.
    pub studios: BTreeMap<StudioNumber, StudioId>,
    /// Each catalog version.
    pub catalogs: BTreeMap<(StudioNumber, u32), SealedCatalog>,
    /// Each bucket that had entries.
    pub buckets: Sealed,
}

/// What a store holds that is compared with a seal.
pub(crate) struct Found<'a> {
    /// The chain's value after the first entry of account 1.
    pub(crate) first_entry: Option<Hash>,
    /// Its buckets.
    pub(crate) now: &'a Sealed,
    /// Its buckets as they stood when they had as many entries as were sealed.
    pub(crate) then: &'a Sealed,
    /// Its studios' names.
    pub(crate) studios: &'a BTreeMap<StudioNumber, StudioId>,
    /// Its catalog versions.
    pub(crate) catalogs: &'a BTreeMap<(StudioNumber, u32), SealedCatalog>,
}

impl Seal {
    /// Seals what was proved.
    pub fn of(report: &Report, sealed_at: Time) -> Seal {
        Seal {
            sealed_at,
            store: report.first_entry,
            studios: report.studios.iter().filter_map(|(number, studio)| Some((*number, studio.id.clone()?))).collect(),
            catalogs: report.catalogs.clone(),
            buckets: report.buckets.clone(),
        }
    }

    /// Entries in all.
    pub fn entries(&self) -> u64 {
        self.buckets.values().map(|bucket| bucket.entries).sum()
    }

    /// Accounts in all.
    pub fn accounts(&self) -> u64 {
        self.buckets.values().map(|bucket| bucket.accounts).sum()
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// The digest that ends the file: one line that stands for all of it.
    pub fn digest(&self) -> Hash {
        text::digest(&text::contents(self))
    }

    /// Reads a file's text; only what [`Seal::to_text`] would have written.
    pub fn parse(text: &str) -> Result<Seal, String> {
        text::parse(text)
    }

    /// What is not as it was sealed, if anything.
    pub(crate) fn breach(&self, found: &Found<'_>) -> Option<Breach> {
        let Some(store) = self.store else {
            // Nothing was sealed but studios and catalogs.
            return self.contents_breach(found);
        };
        match found.first_entry {
            Some(first) if first == store => self.contents_breach(found),
            Some(_) => Some(Breach { other_store: true, ..Breach::default() }),
            None => Some(Breach { missing: self.entries(), sealed: self.entries(), ..Breach::default() }),
        }
    }

    fn contents_breach(&self, found: &Found<'_>) -> Option<Breach> {
        let mut breach = Breach { sealed: self.entries(), ..Breach::default() };
        for (bucket, sealed) in &self.buckets {
            let there = found.now.get(bucket).map_or(0, |now| now.entries);
            if there < sealed.entries {
                breach.missing += sealed.entries - there;
                breach.short.push(*bucket);
            } else if found.then.get(bucket) != Some(sealed) {
                breach.changed.push(*bucket);
            }
        }
        let renamed = self.studios.iter().filter(|(number, sealed)| found.studios.get(number) != Some(sealed));
        breach.studios = renamed.map(|(number, _)| *number).collect();
        let changed = self.catalogs.iter().filter(|(version, sealed)| found.catalogs.get(version) != Some(sealed));
        breach.catalogs = changed.map(|(version, _)| *version).collect();
        (breach != Breach { sealed: breach.sealed, ..Breach::default() }).then_some(breach)
    }
}

/// What is not as it was sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breach {
    /// It is not the store that was sealed.
    pub other_store: bool,
    /// Buckets whose first entries, as many as were sealed, are others.
    pub changed: Vec<Bucket>,
    /// Sealed entries that are not there.
    pub missing: u64,
    /// Buckets that have fewer entries than were sealed.
    pub short: Vec<Bucket>,
    /// Entries that were sealed in all.
    pub sealed: u64,
    /// Studios that have another name, or are missing.
    pub studios: Vec<StudioNumber>,
    /// Catalog versions that are others, or missing.
    pub catalogs: Vec<(StudioNumber, u32)>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.other_store {
            parts.push("the seal is of another store: the first entry is not the one that was sealed".to_owned());
        }
        if !self.changed.is_empty() {
            let buckets = listed(&self.changed, |bucket| bucket.number().to_string());
            parts.push(format!("entries that were sealed have been replaced by others, in bucket {buckets}"));
        }
        if self.missing > 0 {
            parts.push(format!(
                "{} of {} sealed entries are missing: the journal's end was cut off, or this is a copy from before the seal",
                self.missing, self.sealed
            ));
        }
        if !self.short.is_empty() {
            let buckets = listed(&self.short, |bucket| bucket.number().to_string());
            parts.push(format!("they are missing from bucket {buckets}"));
        }
        if !self.studios.is_empty() {
            let studios = listed(&self.studios, |studio| studio.0.to_string());
            parts.push(format!("the name that was sealed is another, or missing, of studio {studios}"));
        }
        if !self.catalogs.is_empty() {
            let versions = listed(&self.catalogs, |(studio, version)| format!("{version} of studio {}", studio.0));
            parts.push(format!("what was sealed of the catalogs is not there, in version {versions}"));
        }
        f.write_str(&parts.join("; "))
    }
}

/// "17, 40 and 3 more".
fn listed<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let shown: Vec<String> = items.iter().take(LISTED).map(show).collect();
    match items.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
