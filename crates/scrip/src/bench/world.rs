//! The studio and the accounts under load, and the reckoning at the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::command::{
    Command, Cost, Expected, Grant, PlaceCharge, PlaceHold, PutAccount, PutSubscription, SettleHold, Usage,
};
use scrip_core::id::{AccountId, HoldId, HoldRef, Key, MeasureId, PlanId, StudioNumber, ToolId};
use scrip_core::lot::{Class, Priority};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_engine::Engine;
use scrip_engine::clock::Clock;
use scrip_engine::engine::{Outcome, Refusal, Request};
use scrip_engine::store::StoreError;

use crate::admin::{self, Ask, Asker, Tell};
use crate::bench::plan::BATCH;
use crate::bench::tally::Paid;
use crate::failure::Failure;
use crate::place::{self, Site};
use crate::shipped::STUDIOTWIN;

/// What every charge asks for: a price by formula, 18 credits.
pub(crate) const TOOL: &str = "text-to-material";

/// What each charge takes.
pub(crate) const PRICE: Credits = Credits::whole(18);

/// The measures of [`TOOL`].
const MEASURES: [(&str, i64); 3] = [("width", 1_024), ("height", 1_024), ("upscale", 2)];

/// Accounts read at a time when they are reckoned.
const PAGE: usize = 1_000;

/// In each account's promo lot, and again in its top-up.
const GRANTED: Credits = Credits::whole(1_000_000_000);

/// A running engine with accounts that have credits in two lots each.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) studio: StudioNumber,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) paid: Paid,
    /// A secret key of the studio.
    pub(crate) secret: String,
    /// What each account's plan gives it in each cycle; it is never spent, since the promo lot comes before it.
    allowance: Credits,
    /// How many keys were used: each command's is another.
    keys: AtomicU64,
    /// How many measurements there were.
    turns: AtomicU64,
}

impl World {
    /// Opens an empty store, publishes a catalog, and opens and fills the accounts.
    pub(crate) async fn make(site: &Site<'_>, accounts: u32) -> Result<Arc<World>, Failure> {
        World::make_on(place::start_at(site, Clock::system())?, accounts, None).await
    }

    /// The same on an engine that runs, with every account on a plan of the catalog, if one is named.
    pub(crate) async fn make_on(engine: Engine, accounts: u32, plan: Option<&str>) -> Result<Arc<World>, Failure> {
        let source = STUDIOTWIN.to_owned();
        let published = admin::carry_out(&engine, Asker::Start, Ask::Publish { json: false, source }).await;
        let Tell::Published(published) = published else { return Err(place::refusal(published)) };
        let created = Ask::CreateKey { studio: published.studio.clone(), role: "admin".to_owned(), reason: None };
        let secret = match admin::carry_out(&engine, Asker::Start, created).await {
            Tell::KeyCreated { secret, .. } => secret,
            other => return Err(place::refusal(other)),
        };
        let studio = engine.studios().first().map(|(number, _)| *number);
        let studio = studio.ok_or_else(|| Failure::Failed("the published studio is not there".to_owned()))?;
        let accounts: Vec<AccountId> =
            (0..accounts).map(|n| AccountId::parse(&format!("account-{n}")).expect("an account id")).collect();
        let paid = Paid::nothing(accounts.len());
        let plan = plan.map(|plan| PlanId::parse(plan).expect("a plan's name"));
        let catalog = engine.catalogs();
        let in_force = catalog.in_force(studio, engine.now());
        let terms = |plan: &PlanId| in_force.and_then(|published| published.catalog.plan(plan.as_str()));
        let allowance = plan.as_ref().map_or(Credits::ZERO, |plan| terms(plan).expect("a plan of it").terms.allowance);
        let world = Arc::new(World {
            engine,
            studio,
            accounts,
            paid,
            secret,
            allowance,
            keys: AtomicU64::new(0),
            turns: AtomicU64::new(0),
        });
        world.fill(plan.as_ref()).await?;
        Ok(world)
    }

    async fn fill(&self, plan: Option<&PlanId>) -> Result<(), Failure> {
        for some in self.accounts.chunks(usize::try_from(BATCH / 4).expect("small")) {
            let requests = some.iter().flat_map(|account| {
                let open = self.request(account, None, Command::PutAccount(PutAccount::default()));
                let grants = [(Class::Promo, Some(Priority(0))), (Class::TopUp, None)].map(|(class, priority)| {
                    let grant = Grant { credits: GRANTED, class, expires_at: None, priority, reason: "bench".into() };
                    self.request(account, Some(self.key()), Command::Grant(grant))
                });
                let subscribe = plan.map(|plan| {
                    let put = PutSubscription { plan: Some(plan.clone()), ..PutSubscription::default() };
                    self.request(account, None, Command::PutSubscription(put))
                });
                [open].into_iter().chain(grants).chain(subscribe)
            });
            for outcome in self.engine.submit_many(requests.collect()).await {
                accepted(outcome)?;
            }
        }
        Ok(())
    }

    /// A charge of an account.
    pub(crate) fn charge(&self, account: usize) -> Request {
        let charge =
            PlaceCharge { cost: cost(), reference: Some("job".into()), member: None, expected: Expected::default() };
        self.request(&self.accounts[account], Some(self.key()), Command::Charge(charge))
    }

    /// A hold on an account.
    pub(crate) fn hold(&self, account: usize) -> Request {
        let hold = PlaceHold {
            cost: cost(),
            name: None,
            reference: Some("job".into()),
            member: None,
            expires_in: None,
            expected: Expected::default(),
        };
        self.request(&self.accounts[account], Some(self.key()), Command::PlaceHold(hold))
    }

    /// The settle of all that a hold holds.
    pub(crate) fn settle(&self, account: usize, hold: HoldId) -> Request {
        let settle = SettleHold { hold: HoldRef::Id(hold), usage: Usage::Held, on_excess: None };
        self.request(&self.accounts[account], Some(self.key()), Command::SettleHold(settle))
    }

    /// How many measurements there were before this one.
    pub(crate) fn next_turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// A key that was not used before.
    pub(crate) fn key(&self) -> Key {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        Key::parse(&format!("bench-{number}")).expect("visible characters")
    }

    fn request(&self, account: &AccountId, key: Option<Key>, command: Command) -> Request {
        Request { studio: self.studio, account: account.clone(), key, command }
    }

    /// Compares every account with what its callers were told it paid; the first that differs fails the run.
    pub(crate) fn reckon(&self) -> Result<Credits, Failure> {
        let unreadable = |error: StoreError| Failure::Failed(format!("the accounts cannot be read: {error}"));
        let mut places: HashMap<&AccountId, usize> = self.accounts.iter().zip(0..).collect();
        let (mut total, mut after) = (Credits::ZERO, None);
        while !places.is_empty() {
            let page = self.engine.accounts_by_number(self.studio, None, after, PAGE).map_err(unreadable)?;
            let Some(last) = page.last() else {
                return Err(Failure::No(format!("mismatch: {} accounts are gone", places.len())));
            };
            after = Some(last.number);
            for account in &page {
                if let Some(place) = places.remove(&account.id) {
                    self.reckon_one(account, self.paid.of(place))?;
                    total += self.paid.of(place);
                }
            }
        }
        Ok(total)
    }

    fn reckon_one(&self, account: &Account, paid: Credits) -> Result<(), Failure> {
        let (totals, expected) = (account.totals(), GRANTED + GRANTED + self.allowance - paid);
        if totals.remaining == expected && totals.held.is_zero() && totals.debt.is_zero() {
            return Ok(());
        }
        Err(Failure::No(format!(
            "mismatch: {} should have {expected} credits remaining and none held, and has {} and {}",
            account.id, totals.remaining, totals.held
        )))
    }
}

/// What all accounts of a bench's store have spent, in millionths.
pub(crate) fn spent(engine: &Engine) -> Result<i128, Failure> {
    let unreadable = |error: StoreError| Failure::Failed(format!("the accounts cannot be read: {error}"));
    let mut spent = 0;
    for (studio, _) in engine.studios() {
        let mut after = None;
        loop {
            let page = engine.accounts_by_number(studio, None, after, PAGE).map_err(unreadable)?;
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            for account in &page {
                spent += i128::from((GRANTED + GRANTED - account.totals().remaining).millionths());
            }
        }
    }
    Ok(spent)
}

fn cost() -> Cost {
    Cost::Tool { tool: ToolId::parse(TOOL).expect("a tool's name"), measures: measures_of(&MEASURES) }
}

/// Measures that are whole numbers.
pub(crate) fn measures_of(numbers: &[(&str, i64)]) -> Measures {
    let mut measures = Measures::none();
    for (name, value) in numbers {
        let name = MeasureId::parse(name).expect("a measure's name");
        assert!(measures.insert(name, MeasureValue::Number(Decimal::whole(*value))), "measures differ");
    }
    measures
}

/// The JSON of the same, for a quote.
pub(crate) fn quoted_json() -> String {
    let measures: Vec<String> = MEASURES.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("\"tool\":\"{TOOL}\",\"measures\":{{{}}}", measures.join(","))
}

/// The same for a charge or a hold.
pub(crate) fn cost_json() -> String {
    format!("{},\"reference\":\"job\"", quoted_json())
}

/// The outcome, or the end of the run: nothing that the bench asks is to be refused.
pub(crate) fn accepted(outcome: Result<Outcome, Refusal>) -> Result<Outcome, Failure> {
    outcome.map_err(|refusal| Failure::No(format!("a command of the bench was refused: {refusal:?}")))
}
