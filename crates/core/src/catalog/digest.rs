//! What a catalog says, as a digest: equal for equal content, whatever its notation (R7).
//!
//! Comments, spacing, the way a number is written, TOML or JSON, and the order of fields change
//! nothing. The order of what is listed for people (tools, plans, packages…) and of `let` names
//! does. Apart because it must never change: published versions are compared by it.

use sha2::{Digest as _, Sha256};

use crate::catalog::document::{Entry, Item, Value};

/// Tables whose order means something.
const ORDERED: [&str; 7] = ["toolkits", "project_types", "tools", "plans", "packages", "measures", "let"];

/// The digest of a document's content: SHA-256.
pub(super) fn digest(document: &Item) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"scrip catalog 1");
    add(&mut hash, document, "");
    hash.finalize().into()
}

/// Each value begins with its kind and its length, so that no two trees read alike.
fn add(hash: &mut Sha256, item: &Item, key: &str) {
    match &item.value {
        Value::Text(text) => add_text(hash, b't', text),
        Value::Number(written) => add_text(hash, b'n', &super::read::canonical_number(written)),
        Value::Truth(truth) => hash.update(if *truth { b"y" } else { b"f" }),
        Value::Nothing => hash.update(b"0"),
        Value::List(items) => {
            add_count(hash, b'l', items.len());
            items.iter().for_each(|item| add(hash, item, ""));
        }
        Value::Table(entries) => {
            add_count(hash, b'm', entries.len());
            let mut entries: Vec<&Entry> = entries.iter().collect();
            if !ORDERED.contains(&key) {
                entries.sort_by(|a, b| a.key.cmp(&b.key));
            }
            for entry in entries {
                add_text(hash, b'k', &entry.key);
                add(hash, &entry.item, &entry.key);
            }
        }
    }
}

fn add_text(hash: &mut Sha256, kind: u8, text: &str) {
    add_count(hash, kind, text.len());
    hash.update(text.as_bytes());
}

fn add_count(hash: &mut Sha256, kind: u8, count: usize) {
    hash.update([kind]);
    hash.update(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
}
