//! Into a store with one owner: entries first, rows of accounts and terms behind them, up to the mark.
//!
//! Positions are counted anew, in the order in which entries are given.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use scrip_core::id::{AccountNumber, StudioNumber};
use scrip_core::journal::{self, Record};

use super::{ANOTHER, Begun, Found, Import, ImportError, Pace, found, refuse_late_erasure, unopened};
use crate::behind::{Urge, WriteBehind};
use crate::follow::Followed;
use crate::recover;
use crate::store::{
    Batch, Behind, Document, ImportDocument, ImportState, Reader, Row, Store, StoreError, StoredAccountRef,
};

/// Rows compared at a time.
const PAGE: usize = 4_096;

/// An import under way.
struct OwnedImport {
    store: Box<dyn Store>,
    reader: Arc<dyn Reader>,
    origin: [u8; 32],
    pace: Pace,
    /// Entries that were durable when it began: given again, they are compared.
    durable: u64,
    /// Entries given so far.
    position: u64,
    /// Rows to compare with, in order.
    known: std::vec::IntoIter<Row>,
    studios: BTreeSet<StudioNumber>,
    /// The greatest number of an account so far, and when the present part began.
    last_account: AccountNumber,
    earlier_accounts: AccountNumber,
    seats: FxHashMap<u64, Seat>,
    behind: WriteBehind,
    draft: Batch,
}

/// An account in memory.
struct Seat {
    followed: Followed,
    standing: Standing,
}

/// Whether an account differs from its row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Written,
    Changed,
}

/// Begins, or goes on.
pub(super) fn begin(store: Box<dyn Store>, origin: [u8; 32], pace: Pace) -> Result<Begun, ImportError> {
    let reader = store.reader();
    let extent = reader.extent()?;
    let found = found(reader.documents()?, extent.last, origin)?;
    if found == Found::Everything {
        return Ok(Begun::Complete);
    }
    let opening = recover::replay(reader.as_ref(), &recover::documents(reader.as_ref())?, pace.mark_every)?;
    let mut import = OwnedImport {
        store,
        reader,
        origin,
        pace,
        durable: extent.last,
        position: 0,
        known: Vec::new().into_iter(),
        studios: BTreeSet::new(),
        last_account: AccountNumber(0),
        earlier_accounts: AccountNumber(0),
        seats: FxHashMap::default(),
        behind: opening.behind,
        draft: Batch::default(),
    };
    for StoredAccountRef { account, trail } in opening.changed {
        let number = account.number.0;
        import.behind.account(number);
        let followed = Followed::of(crate::store::StoredAccount { account: Arc::unwrap_or_clone(account), trail });
        import.seats.insert(number, Seat { followed, standing: Standing::Changed });
    }
    if found == Found::Nothing {
        import.draft.documents.push(import.document(ImportState::UnderWay));
    }
    Ok(Begun::Import(Box::new(import)))
}

impl Import for OwnedImport {
    fn part_begins(&mut self) -> Result<(), ImportError> {
        self.earlier_accounts = self.last_account;
        Ok(())
    }

    fn document_given(&mut self, document: Document) {
        if let Document::Studio { number, .. } = &document {
            self.studios.insert(*number);
        }
        self.draft.documents.push(document);
    }

    fn entry_given(&mut self, record: Record) -> Result<(), ImportError> {
        self.position += 1;
        self.last_account = self.last_account.max(record.account);
        if self.position <= self.durable {
            return self.compare(&record);
        }
        let (account, seq) = (record.account, record.seq);
        let wrong = |what| ImportError::Entry { account, seq, what, later: 0 };
        if !self.seats.contains_key(&account.0) {
            let seat = self.seat(&record)?;
            self.seats.insert(account.0, seat);
        }
        let seat = self.seats.get_mut(&account.0).expect("it was just put there");
        let links = seat.followed.trail.links(record.seq);
        let row = Row { position: self.position, links: Some(links), record };
        let entry = seat.followed.follow(&row).map_err(wrong)?;
        refuse_late_erasure(&entry, self.earlier_accounts).map_err(wrong)?;
        self.behind.entry(journal::terms(&entry), self.position);
        if seat.standing != Standing::Changed {
            seat.standing = Standing::Changed;
            self.behind.account(entry.account.0);
        }
        self.draft.rows.push(row);
        if self.draft.rows.len() >= self.pace.batch {
            self.append(Urge::WhenDue)?;
        }
        Ok(())
    }

    /// Nothing: each is looked at when it is given.
    fn look(&mut self) -> Result<(), ImportError> {
        Ok(())
    }

    fn all_given(&mut self) -> Result<(), ImportError> {
        if self.position < self.durable {
            return Err(ImportError::Short { given: self.position, durable: self.durable });
        }
        self.append(Urge::Now)?;
        while self.behind.pending() {
            self.append(Urge::Now)?;
        }
        // All of them are written; the proof needs the room.
        self.seats = FxHashMap::default();
        Ok(())
    }

    fn reader(&self) -> Result<Arc<dyn Reader>, StoreError> {
        Ok(Arc::clone(&self.reader))
    }

    fn complete(mut self: Box<Self>) -> Result<(), ImportError> {
        let documents = vec![self.document(ImportState::Complete)];
        Ok(self.store.append(&Batch { documents, ..Batch::default() })?)
    }
}

impl OwnedImport {
    fn document(&self, state: ImportState) -> Document {
        Document::Import(ImportDocument { origin: self.origin, state })
    }

    fn compare(&mut self, record: &Record) -> Result<(), ImportError> {
        let known = match self.known.next() {
            Some(row) => row,
            None => {
                self.known = self.reader.rows_from(self.position, PAGE)?.into_iter();
                self.known.next().ok_or_else(|| recover::missing_from(self.position))?
            }
        };
        if known.record == *record {
            return Ok(());
        }
        Err(ImportError::Entry { account: record.account, seq: record.seq, what: ANOTHER.to_owned(), later: 0 })
    }

    /// The account of an entry, as its row has it or before its first entry.
    fn seat(&self, record: &Record) -> Result<Seat, ImportError> {
        let followed = match self.reader.account(record.account)? {
            Some(stored) => Followed::of(stored),
            None => unopened(record, &self.studios).map_err(|what| {
                let Record { account, seq, .. } = *record;
                ImportError::Entry { account, seq, what, later: 0 }
            })?,
        };
        Ok(Seat { followed, standing: Standing::Written })
    }

    /// Makes the draft durable, with a share of what is written behind.
    fn append(&mut self, urge: Urge) -> Result<(), StoreError> {
        self.behind.freeze(self.position, urge);
        let share = self.behind.share(self.draft.rows.len(), urge);
        let mut accounts = Vec::with_capacity(share.accounts.len());
        for number in share.accounts {
            let Some(seat) = self.seats.get_mut(&number) else { continue };
            if seat.standing == Standing::Changed {
                seat.standing = Standing::Written;
                let account = Arc::new(seat.followed.account.clone());
                accounts.push(StoredAccountRef { account, trail: seat.followed.trail.clone() });
            }
        }
        self.draft.behind = Behind { accounts, terms: share.terms, mark: share.mark };
        self.store.append(&self.draft)?;
        self.draft = Batch::default();
        self.behind.landed();
        self.store.upkeep()?;
        if self.seats.len() > self.pace.seats {
            self.seats.retain(|_, seat| seat.standing == Standing::Changed);
        }
        Ok(())
    }
}
