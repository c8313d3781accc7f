//! A seal's text: JSON in one spelling, a line for each studio, catalog version and bucket, its own digest last.

use std::fmt::Write as _;

use scrip_core::account::Hash;
use scrip_core::bucket::Bucket;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{BucketSeal, FORMAT, Seal, SealedCatalog};

pub(super) fn write(seal: &Seal) -> String {
    let mut out = contents(seal);
    let digest = digest(&out);
    writeln!(out, "  \"digest\": \"{digest}\"\n}}").expect("writing to a string cannot fail");
    out
}

/// The digest of what stands before it.
pub(super) fn digest(contents: &str) -> Hash {
    Hash(Sha256::digest(contents).into())
}

/// Everything before the digest.
pub(super) fn contents(seal: &Seal) -> String {
    let store = seal.store.map_or_else(|| "null".to_owned(), |hash| format!("\"{hash}\""));
    let mut out = format!(
        "{{\n  \"scrip_seal\": {FORMAT},\n  \"sealed_at\": \"{}\",\n  \"store\": {store},\n  \"entries\": {},\n  \"accounts\": {},\n",
        seal.sealed_at,
        seal.entries(),
        seal.accounts(),
    );
    let studios = seal.studios.iter().map(|(number, id)| format!("{{\"studio\": {}, \"id\": \"{id}\"}}", number.0));
    list(&mut out, "studios", studios);
    let catalogs = seal.catalogs.iter().map(|((studio, version), catalog)| {
        let SealedCatalog { published_at, effective, text } = catalog;
        format!(
            "{{\"studio\": {}, \"version\": {version}, \"published_at\": \"{published_at}\", \"effective\": \"{effective}\", \"text\": \"{text}\"}}",
            studio.0
        )
    });
    list(&mut out, "catalogs", catalogs);
    let buckets = seal.buckets.iter().map(|(bucket, sealed)| {
        let BucketSeal { entries, accounts, digest } = sealed;
        format!(
            "{{\"bucket\": {}, \"entries\": {entries}, \"accounts\": {accounts}, \"digest\": \"{digest}\"}}",
            bucket.number()
        )
    });
    list(&mut out, "buckets", buckets);
    out
}

fn list(out: &mut String, name: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("\n    {item}")).collect();
    let end = if items.is_empty() { "" } else { "\n  " };
    writeln!(out, "  \"{name}\": [{}{end}],", items.join(",")).expect("writing to a string cannot fail");
}

/// What tells versions apart, read first.
#[derive(Deserialize)]
struct Version {
    scrip_seal: u64,
}

#[derive(Deserialize)]
struct Written {
    sealed_at: String,
    store: Option<String>,
    studios: Vec<WrittenStudio>,
    catalogs: Vec<WrittenCatalog>,
    buckets: Vec<WrittenBucket>,
}

#[derive(Deserialize)]
struct WrittenStudio {
    studio: u32,
    id: String,
}

#[derive(Deserialize)]
struct WrittenCatalog {
    studio: u32,
    version: u32,
    published_at: String,
    effective: String,
    text: String,
}

#[derive(Deserialize)]
struct WrittenBucket {
    bucket: u16,
    entries: u64,
    accounts: u64,
    digest: String,
}

pub(super) fn parse(text: &str) -> Result<Seal, String> {
    let version: Version = serde_json::from_str(text).map_err(|_| "it is no seal, or is cut short".to_owned())?;
    if version.scrip_seal > FORMAT {
        let found = version.scrip_seal;
        return Err(format!("a newer scrip wrote it (format {found}; this one knows format {FORMAT})"));
    }
    let damaged = || "it is not as it was written: its contents do not match its digest".to_owned();
    let seal = serde_json::from_str(text).ok().and_then(|written| read(&written)).ok_or_else(damaged)?;
    if write(&seal) == text { Ok(seal) } else { Err(damaged()) }
}

fn read(written: &Written) -> Option<Seal> {
    let time = |text: &str| Time::parse(text).ok();
    let mut seal = Seal {
        sealed_at: time(&written.sealed_at)?,
        store: match &written.store {
            Some(store) => Some(hash(store)?),
            None => None,
        },
        studios: Default::default(),
        catalogs: Default::default(),
        buckets: Default::default(),
    };
    for studio in &written.studios {
        seal.studios.insert(StudioNumber(studio.studio), StudioId::parse(&studio.id).ok()?);
    }
    for catalog in &written.catalogs {
        let sealed = SealedCatalog {
            published_at: time(&catalog.published_at)?,
            effective: time(&catalog.effective)?,
            text: hash(&catalog.text)?,
        };
        seal.catalogs.insert((StudioNumber(catalog.studio), catalog.version), sealed);
    }
    for bucket in &written.buckets {
        let WrittenBucket { entries, accounts, .. } = *bucket;
        let sealed = BucketSeal { entries, accounts, digest: hash(&bucket.digest)? };
        seal.buckets.insert(Bucket::from_number(bucket.bucket)?, sealed);
    }
    Some(seal)
}

/// A chain value of its 64 hexadecimal digits.
fn hash(digits: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&digits[place..place + 2], 16).ok()?;
    }
    Some(Hash(hash))
}
