//! Opening: the accounts as the journal left them.
//!
//! Rows written behind are true as of their own last entry; the entries since the mark are applied
//! on top. The journal is the truth: a row is never believed to be newer than it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use scrip_core::account::Account;
use scrip_core::apply::apply;
use scrip_core::catalog::{self, Catalogs, Published};
use scrip_core::entry::{Entry, Event, TextField};
use scrip_core::id::AccountId;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::journal;
use scrip_core::time::Time;

use crate::behind::WriteBehind;
use crate::engine::Publication;
use crate::sequencer::Opening;
use crate::store::{
    Document, Extent, ImportDocument, ImportState, KeyDocument, Note, Reader, Row, StoreError, StoredAccount,
    StoredAccountRef, TokenSecret,
};

/// Rows read at a time.
const PAGE: usize = 10_000;

/// What the store holds besides accounts and entries.
#[derive(Default)]
pub(crate) struct Documents {
    pub(crate) studios: BTreeMap<StudioId, StudioNumber>,
    pub(crate) catalogs: Catalogs,
    pub(crate) sources: Vec<((StudioNumber, u32), Publication)>,
    pub(crate) keys: Vec<KeyDocument>,
    pub(crate) clock: Option<Time>,
    pub(crate) import: Option<ImportDocument>,
    pub(crate) token_secrets: BTreeMap<StudioNumber, TokenSecret>,
    pub(crate) notes: Vec<Note>,
}

impl Documents {
    /// Whether an import has begun that has not ended.
    pub(crate) fn is_under_way(&self) -> bool {
        self.import.as_ref().is_some_and(|import| import.state == ImportState::UnderWay)
    }
}

/// Reads and checks the documents.
pub(crate) fn documents(reader: &dyn Reader) -> Result<Documents, StoreError> {
    sorted(reader.documents()?)
}

/// Checks documents that were read.
pub(crate) fn sorted(documents: Vec<Document>) -> Result<Documents, StoreError> {
    let mut found = Documents::default();
    for document in documents {
        match document {
            Document::Studio { number, id } => {
                found.studios.insert(id, number);
            }
            Document::Catalog { studio, version, published_at, effective, format, source } => {
                let catalog = catalog::read(&source, format).map_err(|e| {
                    StoreError::Damaged(format!("catalog version {version} of studio {}: {e}", studio.0))
                })?;
                let catalog = Arc::new(catalog);
                found.catalogs.add(Arc::new(Published { studio, version, published_at, effective, catalog }));
                found.sources.push(((studio, version), Publication { format, source }));
            }
            Document::Key(key) => found.keys.push(key),
            Document::Clock { now } => found.clock = Some(now),
            Document::Import(import) => found.import = Some(import),
            Document::TokenSecret { studio, secret } => {
                found.token_secrets.insert(studio, secret);
            }
            Document::Note(note) => found.notes.push(note),
        }
    }
    Ok(found)
}

/// Replays the entries since the mark.
pub(crate) fn replay(reader: &dyn Reader, documents: &Documents, mark_every: u64) -> Result<Opening, StoreError> {
    let extent = reader.extent()?;
    let mut behind = WriteBehind::new(mark_every);
    let mut last_account = extent.last_account.0;
    let accounts = changed_since_mark(reader, extent, &mut |entry, position| {
        behind.entry(journal::terms(entry), position);
        last_account = last_account.max(entry.account.0);
    })?;
    let mut changed: Vec<StoredAccountRef> = accounts
        .into_values()
        .map(|stored| StoredAccountRef { account: Arc::new(stored.account), trail: stored.trail })
        .collect();
    changed.sort_unstable_by_key(|stored| stored.account.number);
    Ok(Opening {
        catalogs: Arc::new(documents.catalogs.clone()),
        studios: documents.studios.clone(),
        last_position: extent.last,
        last_account,
        changed,
        behind,
    })
}

/// The accounts that changed since the mark, as their last entries left them; `see` is shown each of those entries
/// with its position.
pub(crate) fn changed_since_mark(
    reader: &dyn Reader,
    extent: Extent,
    see: &mut dyn FnMut(&Entry, u64),
) -> Result<FxHashMap<u64, StoredAccount>, StoreError> {
    if extent.mark > extent.last {
        let Extent { mark, last, .. } = extent;
        return Err(StoreError::Damaged(format!("the mark is at position {mark}, but the last entry is at {last}")));
    }
    let mut accounts: FxHashMap<u64, StoredAccount> = FxHashMap::default();
    let mut next = extent.mark + 1;
    while next <= extent.last {
        let rows = reader.rows_from(next, PAGE)?;
        let Some(last) = rows.last() else { return Err(missing_from(next)) };
        let following = last.position + 1;
        for row in rows {
            let entry = journal::decode(&row.record).map_err(|e| StoreError::Damaged(e.to_string()))?;
            see(&entry, row.position);
            let stored = match accounts.entry(entry.account.0) {
                std::collections::hash_map::Entry::Occupied(seat) => seat.into_mut(),
                std::collections::hash_map::Entry::Vacant(seat) => seat.insert(base(reader, &entry)?),
            };
            replay_one(stored, &entry, &row)?;
        }
        next = following;
    }
    Ok(accounts)
}

/// A journal that ends before its end.
pub(crate) fn missing_from(position: u64) -> StoreError {
    StoreError::Damaged(format!("entries from position {position} on are missing"))
}

/// The account's row, or the account before its first entry.
fn base(reader: &dyn Reader, entry: &Entry) -> Result<StoredAccount, StoreError> {
    if let Some(stored) = reader.account(entry.account)? {
        return Ok(stored);
    }
    unopened(entry).map_err(StoreError::Damaged)
}

/// The account before its first entry.
pub(crate) fn unopened(first: &Entry) -> Result<StoredAccount, String> {
    let Event::AccountOpened { studio, .. } = &first.event else {
        return Err(format!("account {} is missing", first.account.0));
    };
    let id = match first.texts.get(TextField::AccountId) {
        Some(id) => {
            AccountId::parse(id).map_err(|_| format!("the id of account {} is no account's id", first.account.0))?
        }
        // Its texts were erased, as a later entry says.
        None => AccountId::erased(first.account),
    };
    let account = Account::unopened(*studio, first.account, id);
    Ok(StoredAccount { account, trail: Default::default() })
}

fn replay_one(stored: &mut StoredAccount, entry: &Entry, row: &Row) -> Result<(), StoreError> {
    if entry.seq <= stored.account.seq {
        return Ok(());
    }
    if entry.seq != stored.account.seq + 1 {
        return Err(StoreError::Damaged(format!(
            "account {}: entry {} follows entry {}",
            entry.account.0, entry.seq, stored.account.seq
        )));
    }
    apply(&mut stored.account, entry);
    stored.account.head = row.record.hash;
    if row.links.is_some() {
        stored.trail.push(entry.seq, row.position);
    }
    Ok(())
}

/// The latest instant in the store: where a test clock may begin at the earliest (R33).
pub(crate) fn last_instant(reader: &dyn Reader, clock: Option<Time>) -> Result<Time, StoreError> {
    let mut last = clock.unwrap_or(Time::EPOCH);
    let mut next = 1;
    loop {
        let rows = reader.rows_from(next, PAGE)?;
        let Some(end) = rows.last() else { return Ok(last) };
        next = end.position + 1;
        last = rows.iter().map(|row| row.record.at).fold(last, Time::max);
    }
}
