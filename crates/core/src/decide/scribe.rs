//! The scribe: writes the entries of one command, each on the account as the one before left it.
//!
//! It is apart so that the common case, one entry, never copies the account: the copy is made
//! when a second entry is written.

use crate::account::Account;
use crate::answer::{self, Answer, Done};
use crate::apply::apply;
use crate::catalog::Catalogs;
use crate::claw_back::follow_up;
use crate::command::Stamp;
use crate::consequence::{expiry, repayment};
use crate::decide::Decision;
use crate::draft::Draft;
use crate::entry::{Bound, Entry, Event, Kind, TextField, Texts};
use crate::time::Time;
use crate::top_up;

/// From so many entries on, a command does no more of what follows for orders: the account's next one that makes an entry goes on with it.
/// A key's binding counts a command's entries in one byte.
const FOLLOW_UPS_UNTIL: usize = 200;

/// Writes one command's entries.
pub(super) struct Scribe<'a> {
    /// The account before the command.
    pub(super) before: &'a Account,
    /// Every catalog version.
    pub(super) catalogs: &'a Catalogs,
    stamp: &'a Stamp,
    /// Who asks, if the entry that is what was asked for says so.
    pub(super) by: Option<&'a str>,
    /// Why, where the command says so and the entry that is what was asked for does not yet.
    pub(super) why: Option<&'a str>,
    /// The account with all but the last entry applied, from the second entry on.
    grown: Option<Box<Account>>,
    entries: Vec<Entry>,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(before: &'a Account, catalogs: &'a Catalogs, stamp: &'a Stamp) -> Scribe<'a> {
        Scribe { before, catalogs, stamp, by: None, why: None, grown: None, entries: Vec::new() }
    }

    /// When the command takes effect: the later of now and the account's last entry (R33).
    pub(super) fn at(&self) -> Time {
        self.stamp.now.max(self.before.last_at)
    }

    /// The sequence number of the entry that is written next.
    pub(super) fn next_seq(&self) -> u64 {
        self.before.seq + 1 + self.entries.len() as u64
    }

    /// The account with every entry written so far.
    pub(super) fn account(&mut self) -> &Account {
        if self.entries.is_empty() {
            return self.before;
        }
        let grown = self.grown.get_or_insert_with(|| Box::new(self.before.clone()));
        for entry in self.entries.iter().filter(|entry| entry.seq > grown.seq).collect::<Vec<_>>() {
            apply(grown, entry);
        }
        grown
    }

    /// Adds an entry.
    pub(super) fn write(&mut self, draft: Draft) {
        let at = self.at();
        let entry = draft.onto(self.account(), at);
        self.entries.push(entry);
    }

    /// Texts of an entry, with the command's salt (R29).
    pub(super) fn texts<const N: usize>(&self, texts: [(TextField, Option<&str>); N]) -> Texts {
        Texts::salted(self.stamp.salt, texts)
    }

    /// Writes the expiry of what was freed of lots that have come to their end (R22).
    pub(super) fn expire_freed(&mut self) {
        let at = self.at();
        if let Some(draft) = expiry(self.account(), at) {
            self.write(draft);
        }
    }

    /// Writes the repayment of a debt by the lots that the command made (R19).
    pub(super) fn repay(&mut self) {
        self.repay_from(self.before.seq);
    }

    /// The same by those of them that were made after the entry `seq`.
    pub(super) fn repay_from(&mut self, seq: u64) {
        if self.before.debt.is_positive()
            && let Some(draft) = repayment(self.account(), seq)
        {
            self.write(draft);
        }
    }

    /// Writes what follows for orders whose lots are frozen or to come back (R27).
    fn follow_up(&mut self) {
        if self.before.orders.is_empty() && !self.entries.iter().any(|entry| entry.event.order().is_some()) {
            return;
        }
        let at = self.at();
        while self.entries.len() < FOLLOW_UPS_UNTIL
            && let Some(draft) = follow_up(self.account(), at)
        {
            self.write(draft);
        }
    }

    /// Writes what the automatic top-up does about it.
    fn top_up(&mut self) {
        if self.before.top_up.is_none() && !self.entries.iter().any(is_top_up) {
            return;
        }
        let (at, catalogs) = (self.at(), self.catalogs);
        loop {
            let drafts = top_up::follow_up(self.account(), catalogs, at);
            if drafts.is_empty() {
                return;
            }
            drafts.into_iter().for_each(|draft| self.write(draft));
        }
    }

    /// Says on the entry that was asked for who asked, and why: on the first, but for what stands before an erasure or an act.
    fn sign(&mut self) {
        let texts = [(TextField::Reason, self.why), (TextField::By, self.by)];
        if self.why.is_none() && self.by.is_none() {
            return;
        }
        let asked = |entry: &Entry| matches!(entry.event, Event::AccountErased | Event::Acted { .. });
        let place = self.entries.iter().position(asked).unwrap_or(0);
        if let Some(entry) = self.entries.get_mut(place) {
            debug_assert!(Kind::BY_HAND.contains(&entry.event.kind()), "{:?} would not be found", entry.event);
            for (field, text) in texts {
                if let Some(text) = text {
                    entry.texts.add(self.stamp.salt, field, text);
                }
            }
        }
    }

    /// The decision of a command that has written at least one entry.
    pub(super) fn finish(mut self) -> Decision {
        self.follow_up();
        self.top_up();
        self.sign();
        let back = u8::try_from(self.entries.len() - 1).expect("a command makes few entries");
        let last = self.entries.last_mut().expect("a command with a key makes an entry");
        last.bound = self.stamp.binding.map(|binding| Bound { term: binding.term, content: binding.content, back });
        let answer = answer::of(&self.entries);
        Decision { entries: self.entries, answer }
    }

    /// The decision of a command that perhaps found everything as it asked for.
    pub(super) fn finish_or(self, unchanged: Done) -> Decision {
        if self.entries.is_empty() {
            let answer = Answer { at: self.at(), balance: self.before.totals(), done: unchanged };
            return Decision { entries: Vec::new(), answer };
        }
        self.finish()
    }
}

fn is_top_up(entry: &Entry) -> bool {
    matches!(entry.event, Event::AutomaticTopUpChanged { .. })
}
