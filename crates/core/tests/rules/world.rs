//! One account with its journal: the smallest thing that does what an engine does, and proves
//! after each step what must hold of every step.

use std::sync::Arc;

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::answer::{self, Answer};
use scrip_core::apply::apply;
use scrip_core::catalog::{self, Catalog, Catalogs, Format, Package, Plan, Price, Published};
use scrip_core::command::{Binding, Command, Stamp};
use scrip_core::decide::decide;
use scrip_core::due::{apply_due, next_due};
use scrip_core::entry::{Entry, Term};
use scrip_core::id::{AccountId, AccountNumber, Key, PackageId, PlanId, StudioId, StudioNumber};
use scrip_core::journal;
use scrip_core::mark::Mark;
use scrip_core::order::ClawBack;
use scrip_core::plan::{PlanTerms, Renews};
use scrip_core::proof;
use scrip_core::recall::{self, Wanted, wanted};
use scrip_core::rejection::Rejection;
use scrip_core::term::terms;
use scrip_core::time::Time;

use crate::laws::Laws;

pub(crate) const STUDIO: StudioNumber = StudioNumber(1);
pub(crate) const ACCOUNT: AccountNumber = AccountNumber(7);

/// An account, its journal and the catalogs.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) account: Account,
    pub(crate) catalogs: Catalogs,
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Time,
    /// The subscription as it was looked at.
    pub(crate) looked_at: Option<Mark>,
    laws: Laws,
    /// Every command comes with a fresh key, so that every one that should bind a key does.
    commands: u64,
}

impl World {
    /// An account that does not exist yet.
    pub(crate) fn new(catalogs: Catalogs, now: Time) -> World {
        let account = Account::unopened(STUDIO, ACCOUNT, AccountId::parse("ada").unwrap());
        World { account, catalogs, entries: Vec::new(), now, looked_at: None, laws: Laws::default(), commands: 0 }
    }

    /// Looks at the subscription, without writing what is due (R16).
    pub(crate) fn look(&mut self) {
        let mut account = self.account.clone();
        apply_due(&mut account, &self.catalogs, self.now, [0; 16]);
        self.looked_at = Some(Mark::of(&account, &self.catalogs, self.now));
    }

    /// Applies what is due, then decides and applies a command, with all proofs; answers the entries it made.
    pub(crate) fn submit(&mut self, command: &Command) -> Result<Answer, Rejection> {
        self.touch();
        self.recall(command);
        self.commands += 1;
        let keyed = !matches!(
            command,
            Command::PutAccount(_)
                | Command::PutSubscription(_)
                | Command::CancelSubscription(_)
                | Command::SendOrder { .. }
                | Command::FulfilOrder { .. }
                | Command::PutTopUp(_)
                | Command::SaveMethod { .. }
                | Command::BeginBilling { .. }
                | Command::EndBilling { .. }
                | Command::RefuseMethod { .. }
                | Command::RecordAct { .. }
                | Command::Touch
        );
        let key = Key::parse(&format!("key-{}", self.commands)).unwrap();
        let binding = match command {
            Command::OpenAccount(_) => Some(Binding::of_opening(ACCOUNT, command)),
            command => keyed.then(|| Binding::of(ACCOUNT, &key, command)),
        };
        let stamp = Stamp { now: self.now, salt: [9; 16], binding, by: None };
        let decision = decide(&self.account, &self.catalogs, command, &stamp)?;
        if !decision.entries.is_empty() {
            assert_eq!(decision.answer, answer::of(&decision.entries), "an answer is made from the entries");
        }
        for entry in &decision.entries {
            self.accept(entry);
        }
        let bound = decision.entries.last().and_then(|entry| entry.bound);
        assert_eq!(bound.map(|bound| (bound.term, bound.content)), binding.map(|b| (b.term, b.content)));
        if let Some(bound) = bound {
            assert_eq!(usize::from(bound.back) + 1, decision.entries.len());
        }
        assert!(next_due(&self.account).is_none_or(|at| at > self.now), "a command leaves nothing due");
        self.account.recalled.clear();
        Ok(decision.answer)
    }

    /// Applies what is due.
    pub(crate) fn touch(&mut self) {
        let mut after = self.account.clone();
        let made = apply_due(&mut after, &self.catalogs, self.now, [8; 16]);
        for entry in &made {
            self.accept(entry);
        }
        assert_eq!(self.account, after, "applying the entries is what applying the due work did");
        assert!(next_due(&self.account).is_none_or(|at| at > self.now));
    }

    fn accept(&mut self, entry: &Entry) {
        assert_eq!(proof::follows(&self.account, entry), Ok(()), "{entry:?}");
        let record = journal::encode(entry, self.account.head);
        assert_eq!(journal::decode(&record).as_ref(), Ok(entry), "an entry is read back as it was written");
        let before = self.account.clone();
        apply(&mut self.account, entry);
        assert_eq!(self.account.totals(), entry.after);
        self.laws.watch(&before, entry, &self.account);
        assert!(self.account.lots.is_sorted_by_key(|lot| lot.spend_key()), "lots stand in spend order");
        self.entries.push(entry.clone());
    }

    /// What an engine does before deciding.
    fn recall(&mut self, command: &Command) {
        for _ in 0..8 {
            let wanted = wanted(&self.account, command);
            if wanted.is_empty() {
                return;
            }
            for wanted in wanted {
                self.fetch(wanted);
            }
        }
        panic!("recalling never ends: {command:?}");
    }

    fn fetch(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::HoldByName(name) => {
                let placed = self.newest(Term::hold_name(ACCOUNT, &name)).and_then(recall::placed_hold);
                let id = placed.map(|hold| hold.id);
                self.account.recalled.names.insert(name, id);
            }
            Wanted::Hold(id) => {
                let end = self.newest(Term::hold_end(ACCOUNT, id));
                let hold = recall::hold(self.entry(id.seq), end);
                self.account.recalled.holds.insert(id, hold);
            }
            Wanted::Charge(id) => {
                let refund = self.newest(Term::refund_of(ACCOUNT, id));
                let charge = recall::charge(self.entry(id.seq), refund);
                self.account.recalled.charges.insert(id, charge);
            }
            Wanted::Lot(id) => {
                let told = self.newest(Term::unspent_of(ACCOUNT, id));
                let lot = recall::lot(self.entry(id.seq), told, id);
                self.account.recalled.lots.insert(id, lot);
            }
            Wanted::Order(id) => {
                let order = recall::order(self.newest(Term::order(ACCOUNT, id)), id);
                self.account.recalled.orders.insert(id, order);
            }
        }
    }

    fn entry(&self, seq: u64) -> &Entry {
        &self.entries[usize::try_from(seq).unwrap() - 1]
    }

    fn newest(&self, term: Term) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| terms(entry).any(|one| one == term))
    }

    /// The account that the journal alone leads to.
    pub(crate) fn replayed(&self) -> Account {
        let mut account = Account::unopened(STUDIO, ACCOUNT, self.account.id.clone());
        for entry in &self.entries {
            apply(&mut account, entry);
            account.recalled.clear();
        }
        account
    }
}

/// A plan: name, allowance a month, months in a term, roll-over cap.
pub(crate) type PlanRow = (&'static str, i64, u32, Option<i64>);

/// The plans and packages of most scenarios.
pub(crate) const PLANS: [PlanRow; 6] = [
    ("lite", 3_000, 1, None),
    ("pro", 12_000, 1, None),
    ("lite-year", 3_000, 12, None),
    ("pro-year", 12_000, 12, None),
    ("saver", 1_000, 1, Some(1_500)),
    ("keeper", 5_000, 1, Some(250)),
];

/// A catalog without tools.
pub(crate) fn catalog(plans: &[PlanRow]) -> Catalog {
    let plan = |(name, allowance, term_months, cap): &PlanRow| Plan {
        id: PlanId::parse(name).unwrap(),
        name: (*name).into(),
        terms: PlanTerms {
            plan: PlanId::parse(name).unwrap(),
            allowance: Credits::whole(*allowance),
            term_months: *term_months,
            roll_over_cap: cap.map(Credits::whole),
            renews: Renews::Clock,
        },
        price: None,
    };
    let package = |(name, credits, bonus): (&str, i64, i64)| Package {
        id: PackageId::parse(name).unwrap(),
        name: name.into(),
        credits: Credits::whole(credits),
        bonus: Credits::whole(bonus),
        expires_in_days: None,
        bonus_expires_in_days: None,
        price: Price { amount: credits, currency: "EUR".into() },
        needs_plan: false,
        limit: None,
        from: None,
        until: None,
    };
    Catalog {
        studio: StudioId::parse("studio").unwrap(),
        studio_name: "Studio".into(),
        digest: [0; 32],
        effective_from: None,
        honoured_for: 900,
        claw_back: ClawBack::Debt,
        toolkits: Vec::new(),
        project_types: Vec::new(),
        tools: Vec::new(),
        plans: plans.iter().map(plan).collect(),
        packages: vec![package(("small", 100, 0)), package(("large", 1_000, 200))],
    }
}

/// The catalog of a document.
pub(crate) fn read(source: &str) -> Catalog {
    catalog::read(source, Format::Toml).unwrap()
}

/// The catalogs of a studio: each in force from its time.
pub(crate) fn published(versions: Vec<(Time, Catalog)>) -> Catalogs {
    let mut catalogs = Catalogs::default();
    for (version, (effective, catalog)) in (1..).zip(versions) {
        let published =
            Published { studio: STUDIO, version, published_at: effective, effective, catalog: Arc::new(catalog) };
        catalogs.add(Arc::new(published));
    }
    catalogs
}
