//! One account's tasks of a batch: decided in order, upon the account as it was read.
//!
//! It reads no store: where something of the past is lacking it says so and is asked again. Its answers are held back until
//! what they rest on is durable.

use std::sync::Arc;

use scrip_core::account::{Account, Hash};
use scrip_core::apply::apply;
use scrip_core::catalog::Catalogs;
use scrip_core::command::{Binding, Command, Stamp};
use scrip_core::decide::{check_shape, decide};
use scrip_core::due;
use scrip_core::entry::{Entry, Event};
use scrip_core::hold::Hold;
use scrip_core::id::{AccountId, AccountNumber, Key, StudioNumber};
use scrip_core::journal::{self, Record};
use scrip_core::order::Order;
use scrip_core::rejection::Rejection;
use scrip_core::term::Term;
use scrip_core::time::Time;

use super::fetched::{DraftedPast, Fetched, Lack};
use super::queue::{Task, What};
use crate::engine::{Outcome, Refusal};
use crate::intake::Carried;
use crate::recall::{self, Past};
use crate::store::joint::{Draft, EarlierTexts};

/// What all desks of a pass look at.
pub(super) struct Circumstances<'a> {
    pub(super) catalogs: &'a Catalogs,
    pub(super) now: Time,
    pub(super) fetched: &'a Fetched,
}

/// What comes from outside the rules, fresh for each command.
pub(super) trait Source {
    /// Chance for the salts of texts.
    fn salt(&mut self) -> [u8; 16];
    /// A number for the account, should it be opened.
    fn number(&mut self) -> AccountNumber;
}

/// An answer that is held back.
pub(super) enum Held {
    Carried(Carried),
    Hold(Result<Option<Hold>, Refusal>),
    Order(Result<Option<Order>, Refusal>),
}

/// An account and what is to be done with it.
pub(super) struct Desk {
    pub(super) studio: StudioNumber,
    pub(super) id: AccountId,
    /// Where its tasks waited.
    pub(super) section: usize,
    pub(super) tasks: Vec<Task>,
    /// The account as it was read, with the drafted entries applied; `None`: there is none of this id.
    pub(super) account: Option<Arc<Account>>,
    /// The account's last entry that is stored.
    pub(super) stored: u64,
    /// The chain's value after it.
    head: Hash,
    pub(super) drafted: Vec<Entry>,
    records: Vec<Record>,
    terms: Vec<(Term, u64)>,
    texts: EarlierTexts,
    /// Answers to the first tasks.
    pub(super) held: Vec<Held>,
    /// An answer rests on an entry of the past that a key or a term led to.
    replays: bool,
    /// Whether the account was read in this pass.
    pub(super) ground: Ground,
    /// Keys that were taken for new ones in this pass, without a look.
    unseen: Vec<Term>,
    /// Nothing is taken for granted: something of it was not as it was known, or nothing is appended that would show it.
    pub(super) careful: bool,
    /// The account was moved on by others since it was known here.
    pub(super) moved: bool,
    /// The account is stored, and cannot be read.
    pub(super) unreadable: bool,
    /// The entry that the last append followed of which nobody knows whether it has landed, or still will.
    pub(super) doubt: Option<u64>,
}

/// Where a desk's account comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// It was read in this pass.
    Read,
    /// It is as it was known; what is appended to it lands only if it still is.
    Known,
}

/// A command as it was asked for.
struct Asked {
    key: Option<Key>,
    command: Command,
    by: Option<Arc<str>>,
}

/// How far a desk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// All its tasks are decided, or as many as may be before an append.
    Decided,
    /// Something must be read first.
    Lacking(Lack),
}

impl Desk {
    pub(super) fn new(studio: StudioNumber, id: AccountId, section: usize) -> Desk {
        Desk {
            studio,
            id,
            section,
            tasks: Vec::new(),
            account: None,
            stored: 0,
            head: Hash::default(),
            drafted: Vec::new(),
            records: Vec::new(),
            terms: Vec::new(),
            texts: EarlierTexts::Kept,
            held: Vec::new(),
            replays: false,
            ground: Ground::Read,
            unseen: Vec::new(),
            careful: false,
            moved: false,
            unreadable: false,
            doubt: None,
        }
    }

    /// Whether its answers rest on what was not looked at in this pass: only an append can show that it is so.
    pub(super) fn takes_for_granted(&self) -> bool {
        self.ground == Ground::Known || !self.unseen.is_empty()
    }

    /// Whether all its tasks are commands: looks append nothing that would show what they rest on.
    pub(super) fn only_commands(&self) -> bool {
        self.tasks.iter().all(|task| matches!(task.what, What::Command { .. }))
    }

    /// Whether an append of unknown outcome may still land: its account stands where it would begin.
    pub(super) fn may_still_move(&self) -> bool {
        self.doubt.is_some_and(|follows| self.stored <= follows)
    }

    /// Begins anew upon the account as it was read; nothing was decided.
    pub(super) fn seat(&mut self, account: Option<Arc<Account>>) {
        self.stored = account.as_ref().map_or(0, |account| account.seq);
        self.head = account.as_ref().map_or(Hash::default(), |account| account.head);
        self.account = account;
        self.drafted.clear();
        self.records.clear();
        self.terms.clear();
        self.texts = EarlierTexts::Kept;
        self.held.clear();
        self.replays = false;
        self.unseen.clear();
        self.unreadable = false;
    }

    /// Whether nothing can be decided here, since something that is stored cannot be read.
    pub(super) fn is_unreadable(&self, fetched: &Fetched) -> bool {
        self.unreadable || self.account.as_ref().is_some_and(|account| fetched.is_unreadable(account.number))
    }

    /// Whether a caller is told that something stands of which nothing is appended here: a first answer again, or that all is as
    /// was asked already. What was read may come from a commit that can still be lost.
    pub(super) fn rests_on_what_was_read(&self) -> bool {
        let accepted = |held: &Held| matches!(held, Held::Carried(Ok(_)));
        self.drafted.is_empty() && (self.replays || self.held.iter().any(accepted))
    }

    /// Everything that any of the tasks is known to need of the past, as the account stands.
    pub(super) fn lacks(&self, fetched: &Fetched) -> Vec<Lack> {
        let Some(account) = &self.account else { return Vec::new() };
        if self.is_unreadable(fetched) {
            return Vec::new();
        }
        let past = self.past(account.number, fetched);
        let mut lacks = Vec::new();
        for task in &self.tasks {
            let lack = match &task.what {
                What::Command { key, command, .. } => {
                    if self.careful
                        && let Some(Binding { term, .. }) = binding(account.number, key.as_ref(), command)
                    {
                        lacks.extend(past.newest(term, &|_| true).err());
                    }
                    if matches!(command, Command::EraseAccount { .. }) {
                        lacks.extend(past.entry(account.seq).err());
                    }
                    recall::recall(&past, &mut Arc::clone(account), command).err()
                }
                What::Hold(hold, _) => recall::hold(&past, account, hold).err(),
                What::Order(order, _) => recall::order(&past, account, *order).err(),
            };
            lacks.extend(lack);
        }
        lacks
    }

    /// Decides the tasks that are not decided yet.
    pub(super) fn decide(&mut self, at: &Circumstances<'_>, fresh: &mut dyn Source) -> Progress {
        while self.held.len() < self.tasks.len() && self.texts == EarlierTexts::Kept {
            match self.decide_next(at, fresh) {
                Ok(held) => self.held.push(held),
                Err(lack) => return Progress::Lacking(lack),
            }
        }
        Progress::Decided
    }

    /// What is to be appended, if anything.
    pub(super) fn draft(&self) -> Option<Draft> {
        let account = self.account.as_ref().filter(|_| !self.records.is_empty())?;
        Some(Draft {
            account: Arc::clone(account),
            follows: self.stored,
            before: self.head,
            records: self.records.clone(),
            terms: self.terms.clone(),
            unseen: self.unseen.clone(),
            texts: self.texts.clone(),
        })
    }

    fn past<'a>(&'a self, account: AccountNumber, fetched: &'a Fetched) -> DraftedPast<'a> {
        DraftedPast { fetched, account, stored: self.stored, drafted: &self.drafted }
    }

    fn decide_next(&mut self, at: &Circumstances<'_>, fresh: &mut dyn Source) -> Result<Held, Lack> {
        let task = &self.tasks[self.held.len()];
        match &task.what {
            What::Command { key, command, by, .. } => {
                let asked = Asked { key: key.clone(), command: command.clone(), by: by.clone() };
                Ok(Held::Carried(self.command(&asked, at, fresh)?))
            }
            What::Hold(hold, _) => {
                let Some(account) = &self.account else { return Ok(Held::Hold(Ok(None))) };
                let hold = recall::hold(&self.past(account.number, at.fetched), account, hold)?;
                Ok(Held::Hold(Ok(hold)))
            }
            What::Order(order, _) => {
                let Some(account) = &self.account else { return Ok(Held::Order(Ok(None))) };
                let order = recall::order(&self.past(account.number, at.fetched), account, *order)?;
                Ok(Held::Order(Ok(order)))
            }
        }
    }

    /// The rules' order of a command: shape, replay, account, what is due, what it names, and then the decision (R32).
    fn command(&mut self, asked: &Asked, at: &Circumstances<'_>, fresh: &mut dyn Source) -> Result<Carried, Lack> {
        let (key, command) = (asked.key.as_ref(), &asked.command);
        if let Err(rejection) = check_shape(command) {
            return Ok(Err(Refusal::Rejected(rejection)));
        }
        let Some(account) = &self.account else {
            if command.opens(&self.id) {
                return Ok(self.open(asked, at, fresh));
            }
            return Ok(Err(Refusal::Rejected(Rejection::AccountNotFound)));
        };
        let number = account.number;
        let binding = binding(number, key, command);
        if let Some(binding) = binding
            && let Some(first) = self.recognise(number, binding, at.fetched)?
        {
            return Ok(first);
        }
        if matches!(command, Command::EraseAccount { .. })
            && let Some(before) = self.last_erasure(number, at.fetched)?
        {
            return Ok(Ok(before));
        }
        self.apply_due(at, fresh);
        let stamp = Stamp { now: at.now, salt: fresh.salt(), binding, by: asked.by.clone() };
        // Taken out and put back: what is held once is changed without being copied.
        let mut account = self.account.take().expect("it is there, as above");
        let recalled = recall::recall(&self.past(number, at.fetched), &mut account, command);
        let decided = recalled.map(|()| decide(&account, at.catalogs, command, &stamp));
        if let Ok(Ok(decision)) = &decided {
            decision.entries.iter().for_each(|entry| apply(Arc::make_mut(&mut account), entry));
        }
        if account.recalled != Default::default() {
            Arc::make_mut(&mut account).recalled.clear();
        }
        self.account = Some(account);
        let decision = match decided? {
            Ok(decision) => decision,
            Err(rejection) => return Ok(Err(Refusal::Rejected(rejection))),
        };
        self.write(decision.entries);
        if matches!(command, Command::EraseAccount { .. }) {
            self.erase();
        }
        Ok(Ok(Outcome { answer: decision.answer, replayed: false }))
    }

    fn open(&mut self, asked: &Asked, at: &Circumstances<'_>, fresh: &mut dyn Source) -> Carried {
        let (number, command) = (fresh.number(), &asked.command);
        let mut account = Account::unopened(self.studio, number, self.id.clone());
        let binding = binding(number, asked.key.as_ref(), command);
        let stamp = Stamp { now: at.now, salt: fresh.salt(), binding, by: asked.by.clone() };
        let decision = decide(&account, at.catalogs, command, &stamp).map_err(Refusal::Rejected)?;
        decision.entries.iter().for_each(|entry| apply(&mut account, entry));
        self.account = Some(Arc::new(account));
        self.write(decision.entries);
        Ok(Outcome { answer: decision.answer, replayed: false })
    }

    /// The first answer again, if the key is bound (R31).
    fn recognise(
        &mut self,
        account: AccountNumber,
        binding: Binding,
        fetched: &Fetched,
    ) -> Result<Option<Carried>, Lack> {
        let binds = |entry: &Entry| entry.bound.is_some_and(|bound| bound.term == binding.term);
        let newest = match self.past(account, fetched).newest(binding.term, &binds) {
            // Hardly any key was seen before: the append looks.
            Err(Lack::Term(..)) if !self.careful => {
                self.unseen.push(binding.term);
                None
            }
            looked => looked?,
        };
        let Some(last) = newest else { return Ok(None) };
        let Some(bound) = last.bound else { return Ok(None) };
        let past = self.past(account, fetched);
        let mut entries = Vec::new();
        for seq in last.seq - u64::from(bound.back)..last.seq {
            entries.extend(past.entry(seq)?);
        }
        entries.push(last);
        self.replays = true;
        if bound.content != binding.content {
            return Ok(Some(Err(Refusal::Rejected(Rejection::IdempotencyKeyReused))));
        }
        Ok(Some(Ok(Outcome { answer: scrip_core::answer::of(&entries), replayed: true })))
    }

    /// The answer of the account's erasure, if nothing has happened since: there is nothing to erase again.
    fn last_erasure(&self, number: AccountNumber, fetched: &Fetched) -> Result<Option<Outcome>, Lack> {
        let last = self.stored + u64::try_from(self.drafted.len()).expect("a length fits 64 bits");
        let last = self.past(number, fetched).entry(last)?.filter(|last| last.event == Event::AccountErased);
        Ok(last.map(|last| Outcome { answer: scrip_core::answer::of(&[last]), replayed: true }))
    }

    /// Applies what is due; it stays applied even if the command at hand is then rejected (R16).
    fn apply_due(&mut self, at: &Circumstances<'_>, fresh: &mut dyn Source) {
        let Some(account) = &mut self.account else { return };
        if due::next_due(account).is_some_and(|due| due <= at.now) {
            let entries = due::apply_due(Arc::make_mut(account), at.catalogs, at.now, fresh.salt());
            self.write(entries);
        }
    }

    /// Drafts entries that have been applied to the account.
    fn write(&mut self, entries: Vec<Entry>) {
        let account = Arc::make_mut(self.account.as_mut().expect("entries are of an account"));
        for entry in entries {
            let record = journal::encode(&entry, account.head);
            account.head = record.hash;
            self.terms.extend(journal::terms(&entry).map(|term| (term, entry.seq)));
            self.records.push(record);
            self.drafted.push(entry);
        }
    }

    /// The last entry is an erasure: what is not written yet is written without its texts. Nothing more is decided upon the
    /// texts that were read.
    fn erase(&mut self) {
        self.texts = EarlierTexts::Erased { id: self.id.clone() };
        let earlier = self.records.len().saturating_sub(1);
        self.records[..earlier].iter_mut().for_each(|record| record.texts = None);
    }
}

/// What a command is bound to: its key, or, for an opening, its account.
fn binding(number: AccountNumber, key: Option<&Key>, command: &Command) -> Option<Binding> {
    match command {
        Command::OpenAccount(_) => Some(Binding::of_opening(number, command)),
        _ => key.map(|key| Binding::of(number, key, command)),
    }
}
