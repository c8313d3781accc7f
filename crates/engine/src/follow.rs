//! An account followed entry by entry, believing nothing: what `verify` and an import ask of each row before they
//! take it in.
//!
//! It is apart from [`crate::recover`], which believes the journal that it reads. It must never read a store, and never
//! take in a row of which anything does not hold.

use std::collections::BTreeMap;

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::apply::apply;
use scrip_core::entry::{Entry, Event};
use scrip_core::id::LotId;
use scrip_core::{journal, proof};

use crate::store::{Row, StoredAccount};
use crate::trail::Trail;

/// An account as its entries so far make it.
#[derive(Clone)]
pub(crate) struct Followed {
    pub(crate) account: Account,
    pub(crate) trail: Trail,
    /// Texts are gone and no erasure has followed yet that would have erased them: a row cannot be held to them.
    pub(crate) erased: bool,
    /// The first such entry.
    pub(crate) first_gone: Option<Gone>,
}

/// An entry whose texts are gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) seq: u64,
    pub(crate) position: u64,
}

impl Followed {
    /// An account from where it stands on.
    pub(crate) fn of(stored: StoredAccount) -> Followed {
        Followed { account: stored.account, trail: stored.trail, erased: false, first_gone: None }
    }

    /// Proves that the row is the account's next, and takes it in; or says what does not hold, and then is of no more use.
    pub(crate) fn follow(&mut self, row: &Row) -> Result<Entry, String> {
        if journal::chain(&row.record, self.account.head) != row.record.hash {
            return Err("it is not what was written, or does not follow the entry before it".to_owned());
        }
        if row.record.seq != self.account.seq + 1 {
            return Err(proof::Broken::OutOfSequence.to_string());
        }
        if let Some(links) = row.links
            && self.trail.push(row.record.seq, row.position) != links
        {
            return Err("it does not point to the entries before it".to_owned());
        }
        let entry = journal::decode(&row.record).map_err(|damaged| damaged.problem.to_owned())?;
        if entry.seq > 1 && matches!(entry.event, Event::AccountOpened { .. }) {
            return Err("its account was opened before".to_owned());
        }
        proof::follows(&self.account, &entry).map_err(|problem| problem.to_string())?;
        if !lots_stay_in_bounds(&self.account, &entry) {
            return Err("its changes together leave a lot below zero or above what it was made with".to_owned());
        }
        apply(&mut self.account, &entry);
        self.account.recalled.clear();
        self.account.head = row.record.hash;
        if entry.event == Event::AccountErased {
            self.erased = false;
            self.first_gone = None;
        }
        if entry.texts.fields.iter().any(|text| text.text.is_none()) {
            self.erased = true;
            self.first_gone.get_or_insert(Gone { seq: entry.seq, position: row.position });
        }
        Ok(entry)
    }

    /// Whether the account's row is what its entries make.
    pub(crate) fn is(&self, mut stored: StoredAccount) -> bool {
        if self.erased {
            stored.account.id = self.account.id.clone();
            stored.account.name.clone_from(&self.account.name);
            for (theirs, ours) in stored.account.holds.iter_mut().zip(&self.account.holds) {
                theirs.reference.clone_from(&ours.reference);
                theirs.member.clone_from(&ours.member);
            }
        }
        stored.account == self.account && stored.trail == self.trail
    }
}

/// Whether every lot is within its bounds after all changes of an entry, which may name a lot more than once.
fn lots_stay_in_bounds(account: &Account, entry: &Entry) -> bool {
    let mut after: BTreeMap<LotId, (Credits, Credits)> = BTreeMap::new();
    for change in &entry.lots {
        let (remaining, aside) = after.entry(change.lot).or_insert_with(|| {
            account.lot(change.lot).map_or((Credits::ZERO, Credits::ZERO), |lot| (lot.remaining, lot.held + lot.frozen))
        });
        *remaining += change.remaining;
        *aside += change.held + change.frozen;
    }
    after.values().all(|(remaining, aside)| !aside.is_negative() && aside <= remaining)
}
