//! Random work: what the accounts of a world are asked, in realistic and in hostile proportions.
//!
//! It looks at the model to choose what is interesting now (a hold that is open, an instant just before a deadline) and writes
//! steps that need no chance to be run again. It must not know the engine.

use std::collections::{BTreeSet, VecDeque};

use scrip_core::hold::HoldState;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use crate::calendar::{DAY, SECOND};
use crate::faulty::Fault;
use crate::model::{Arrival, Cost, Instant, Job, LIMIT, LotBrought, PlanBrought, Usage, in_force};
use crate::prices::{Amount, CREDIT, Inputs, Policy, PriceList, Rate};
use crate::prng::Prng;
use crate::run::Run;
use crate::step::{Action, Pick, Request, Step};
use crate::world::ZONES;

/// The clock never goes beyond 2080-01-01, so that a century of refills does not eat the run.
const LAST: Instant = 3_471_292_800 * SECOND;

/// Makes the steps of a run, one after the other.
#[derive(Debug)]
pub struct Workload {
    prng: Prng,
    next: u32,
    /// What was begun and takes several steps.
    planned: VecDeque<Action>,
}

impl Workload {
    /// With this chance.
    pub fn new(prng: Prng) -> Workload {
        Workload { prng, next: 1, planned: VecDeque::new() }
    }

    /// The next step, after what has happened so far.
    pub fn step(&mut self, run: &mut Run) -> Step {
        let id = self.number();
        let action = self.action(run);
        Step { id, action }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn action(&mut self, run: &mut Run) -> Action {
        let account = self.prng.index(run.world().accounts.len());
        if !self.planned.is_empty() {
            let asks = self.prng.one_in(20).then(|| self.ask(run, account));
            return asks.or_else(|| self.planned.pop_front()).expect("something is planned");
        }
        match self.prng.below(1_000) {
            0..180 => Action::MoveClock(self.instant(run, account)),
            180..260 => match self.earlier(run) {
                Some(of) => Action::Repeat { of, fault: self.fault() },
                None => self.ask(run, account),
            },
            260..275 => match self.earlier(run) {
                Some(of) => {
                    let account = run.keyed(of).expect("only what has a key is picked");
                    let request = self.keyed_request(run, account);
                    Action::Reuse { of, request }
                }
                None => self.ask(run, account),
            },
            275..290 => Action::Abandon { account, request: self.request(run, account) },
            290..320 => {
                let count = 2 + self.prng.index(6);
                let requests = (0..count).map(|_| self.one_of_many(run)).collect();
                let fault = if self.prng.one_in(10) { self.some_fault() } else { None };
                Action::Together { requests, fault }
            }
            320..324 => Action::Publish { studio: self.prng.index(run.world().studios.len()) },
            324..328 => Action::Restart,
            328..334 => Action::Crash,
            334..338 => {
                self.keep_alive(run, account);
                self.ask(run, account)
            }
            _ => self.ask(run, account),
        }
    }

    /// A job that runs for weeks: its hold is extended day after day, up to a deadline at the very turn of a cycle (R22).
    fn keep_alive(&mut self, run: &mut Run, account: usize) {
        let now = run.now();
        let model = run.model(account);
        let Some(turn) =
            model.subscription.as_ref().map(|s| [s.boundary(s.next_cycle()), s.boundary(s.next_cycle() + 1)])
        else {
            return;
        };
        let credits = model.available() / 3;
        if credits == 0 {
            return;
        }
        let turn = *self.prng.pick(&turn);
        let name = format!("long-{}", self.next);
        let cost = Cost::Credits(credits);
        let job = Job { cost, reference: None, version: None, expected: None };
        let place = Request::Hold { job, name: Some(name.clone()), expires_in: Some(86_400) };
        self.planned.push_back(Action::Ask { account, request: place, fault: None });
        let extend = |expires_in| {
            let request = Request::Extend { hold: Pick::Named(name.clone()), expires_in };
            Action::Ask { account, request, fault: None }
        };
        // A day between visit and deadline, and a little less between visits.
        let apart = DAY - 60 * SECOND;
        for left in (1..=(turn - now) / apart).rev() {
            self.planned.push_back(Action::MoveClock(turn - left * apart));
            self.planned.push_back(extend(if left == 1 { 86_340 } else { 86_400 }));
        }
        self.planned.push_back(Action::MoveClock(turn));
    }

    fn ask(&mut self, run: &mut Run, account: usize) -> Action {
        Action::Ask { account, request: self.request(run, account), fault: self.fault() }
    }

    fn one_of_many(&mut self, run: &mut Run) -> (u32, usize, Request) {
        let id = self.number();
        let account = self.prng.index(run.world().accounts.len());
        (id, account, self.request(run, account))
    }

    fn fault(&mut self) -> Option<Fault> {
        let fault = self.some_fault();
        fault.filter(|_| self.prng.one_in(80))
    }

    fn some_fault(&mut self) -> Option<Fault> {
        Some(*self.prng.pick(&[Fault::Refused, Fault::DoubtLost, Fault::DoubtKept, Fault::DoubtLost, Fault::DoubtKept]))
    }

    /// An earlier step that came with a key; mostly a late one.
    fn earlier(&mut self, run: &Run) -> Option<u32> {
        let back = if self.prng.one_in(4) { u64::from(self.next) } else { 12 };
        let back = u32::try_from(1 + self.prng.below(back)).expect("steps are counted in 32 bits");
        let of = self.next.checked_sub(back)?;
        run.keyed(of).map(|_| of)
    }

    /// Where the clock goes: mostly a little on, often to the very edge of something, sometimes far.
    fn instant(&mut self, run: &mut Run, account: usize) -> Instant {
        let now = run.now();
        let edge = run.model(account).next_due();
        let forward = match self.prng.below(20) {
            0..7 => self.prng.between(0, 900 * SECOND),
            7..9 => self.prng.between(1, 36) * 3_600 * SECOND,
            9..10 => self.prng.between(1, 40) * DAY,
            10 if self.prng.one_in(6) => self.prng.between(40, 800) * DAY,
            _ => {
                let off = *self.prng.pick(&[-SECOND, -1, 0, 0, 0, 1, SECOND]);
                edge.map_or(SECOND, |edge| edge + off - now)
            }
        };
        (now + forward.max(0)).min(LAST.max(now))
    }

    fn keyed_request(&mut self, run: &mut Run, account: usize) -> Request {
        loop {
            let request = self.request(run, account);
            if request.keyed() {
                return request;
            }
        }
    }

    fn request(&mut self, run: &mut Run, account: usize) -> Request {
        if !run.model(account).opened && !self.prng.one_in(10) {
            return if self.prng.one_in(3) { self.arrive(run, account) } else { self.put_account(run, account) };
        }
        if run.model(account).subscription.is_none() && self.prng.one_in(6) {
            return self.put_subscription(run, account);
        }
        match self.prng.below(1_000) {
            0..250 => Request::Hold { job: self.job(run, account), name: self.name(), expires_in: self.expires_in() },
            250..290 => Request::Extend { hold: self.hold(run, account), expires_in: self.extension() },
            290..470 => {
                let hold = self.hold(run, account);
                let usage = self.usage(run, account, &hold);
                Request::Settle { hold, usage, policy: self.policy() }
            }
            470..550 => Request::Release { hold: self.hold(run, account), make_good: self.prng.one_in(3) },
            550..690 => Request::Charge { job: self.job(run, account) },
            690..780 => self.refund(run, account),
            780..850 => self.grant(run),
            850..875 => Request::Revoke { place: self.prng.index(4), credits: self.maybe_amount() },
            875..890 => Request::WriteOff { credits: self.maybe_amount() },
            890..955 => self.put_subscription(run, account),
            955..970 => Request::Cancel,
            970..982 => self.put_account(run, account),
            982..985 => self.arrive(run, account),
            _ => Request::Touch,
        }
    }

    fn put_account(&mut self, run: &Run, account: usize) -> Request {
        let prices = self.latest(run, account);
        let types: BTreeSet<String> =
            prices.tools.iter().filter_map(|tool| tool.project_type).map(str::to_owned).collect();
        let some = types.into_iter().filter(|_| !self.prng.one_in(3)).collect();
        Request::PutAccount {
            name: self.prng.one_in(3).then(|| format!("Studio {}", self.prng.below(3))),
            zone: (!self.prng.one_in(3)).then(|| (*self.prng.pick(&ZONES)).to_owned()),
            project_types: self.prng.one_in(4).then_some(some),
        }
    }

    /// A customer from elsewhere; what it brings is mostly right.
    fn arrive(&mut self, run: &Run, account: usize) -> Request {
        let now = run.now();
        let plans = self.latest(run, account).plans;
        let plan = (!self.prng.one_in(5)).then(|| {
            let plan = self.prng.pick(&plans).clone();
            let past = (now - self.prng.between(0, 90) * DAY - self.prng.between(0, DAY)).max(0);
            let anchor = if self.prng.one_in(8) { now + self.prng.between(0, 2) * DAY } else { past };
            let remaining = match self.prng.below(8) {
                0 => None,
                1 => Some(0),
                2 => Some(plan.allowance),
                3 if self.prng.one_in(3) => Some(*self.prng.pick(&[-1, plan.allowance + 1])),
                _ => Some(plan.allowance * Amount::from(self.prng.between(0, 1_000)) / 1_000),
            };
            let states = [SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused];
            let state = if self.prng.one_in(2) { SubscriptionState::Active } else { *self.prng.pick(&states) };
            let named = if self.prng.one_in(20) { "no-such-plan".to_owned() } else { plan.id.to_owned() };
            PlanBrought { plan: named, anchor, state, remaining }
        });
        let lots = (0..self.prng.index(4)).map(|_| self.lot_brought(now)).collect();
        let zone = (!self.prng.one_in(3)).then(|| (*self.prng.pick(&ZONES)).to_owned());
        Request::Arrive(Arrival { zone, plan, lots })
    }

    fn lot_brought(&mut self, now: Instant) -> LotBrought {
        let remaining = self.amount();
        let used = *self.prng.pick(&[0, 0, 1, CREDIT]);
        let wrong = self.prng.one_in(40);
        LotBrought {
            class: *self.prng.pick(&[Class::Promo, Class::MakeGood, Class::TopUp]),
            remaining,
            granted: if wrong { remaining - 1 } else { remaining + used },
            expires_at: match self.prng.below(12) {
                0 => Some(now),
                1..5 => Some(now + self.prng.between(1, 60) * DAY),
                _ => None,
            },
        }
    }

    fn put_subscription(&mut self, run: &mut Run, account: usize) -> Request {
        let now = run.now();
        let plans: Vec<String> = self.latest(run, account).plans.iter().map(|plan| plan.id.to_owned()).collect();
        let standing = run.model(account).subscription.as_ref().map(|subscription| subscription.anchor);
        let plan = match self.prng.below(20) {
            0 => Some("no-such-plan".to_owned()),
            1 | 2 => None,
            _ => Some(self.prng.pick(&plans).clone()),
        };
        let past = now - self.prng.between(0, 90) * DAY - self.prng.between(0, DAY);
        let anchor = match (standing, self.prng.below(8)) {
            (Some(anchor), 0) => Some(anchor),
            (_, 1) | (None, 2..4) => Some(past.max(0)),
            (None, 4) => Some(now + self.prng.between(0, 20) * DAY + self.prng.between(0, 5)),
            _ => None,
        };
        let state = match self.prng.below(8) {
            0 => Some(SubscriptionState::PastDue),
            1 => Some(SubscriptionState::Paused),
            2 | 3 => Some(SubscriptionState::Active),
            _ => None,
        };
        Request::PutSubscription { plan, anchor, state }
    }

    fn latest(&self, run: &Run, account: usize) -> PriceList {
        let versions = run.versions(run.world().accounts[account].studio);
        in_force(versions, run.now()).prices.clone()
    }

    fn job(&mut self, run: &mut Run, account: usize) -> Job {
        let prices = self.latest(run, account);
        let available = run.model(account).available();
        let tool = self.prng.pick(&prices.tools).clone();
        let cost = match self.prng.below(40) {
            0 => Cost::Tool("no-such-tool".to_owned(), Vec::new()),
            1 => Cost::Credits(*self.prng.pick(&[0, -1, -CREDIT])),
            // To the last millionth of what there is, and one more.
            2 => Cost::Credits(available),
            3 => Cost::Credits((available + 1).min(LIMIT)),
            4..16 => Cost::Credits(self.amount()),
            _ => Cost::Tool(tool.id.to_owned(), self.inputs(&tool.rate)),
        };
        let latest = u32::try_from(run.versions(run.world().accounts[account].studio).len()).expect("few versions");
        let price = match &cost {
            Cost::Tool(tool, inputs) => prices.tool(tool).and_then(|tool| tool.rate.price(inputs).ok()),
            Cost::Credits(credits) => Some(*credits),
        };
        Job {
            cost,
            reference: self.prng.one_in(3).then(|| format!("job-{}", self.prng.below(4))),
            version: match self.prng.below(8) {
                0 => Some(latest),
                1 => Some(1 + u32::try_from(self.prng.below(u64::from(latest) + 1)).expect("few versions")),
                _ => None,
            },
            expected: match self.prng.below(8) {
                0 | 1 => price,
                2 if self.prng.one_in(3) => Some(self.amount()),
                _ => None,
            },
        }
    }

    /// Measures for a rate; now and then something is wrong with one of them.
    fn inputs(&mut self, rate: &Rate) -> Inputs {
        let mut inputs: Inputs = match rate {
            Rate::Flat(_) => Vec::new(),
            Rate::PerUnit { measure, bounds, parts, .. } => {
                let whole = self.prng.between(bounds.0, bounds.1.min(bounds.0 + 40)) * 1_000;
                let part = if *parts == crate::prices::Parts::CountWhole { self.prng.between(0, 999) } else { 0 };
                let part = if self.prng.one_in(2) { 0 } else { part };
                vec![(*measure, (whole + part).min(bounds.1 * 1_000))]
            }
            Rate::Material { .. } => {
                let side = |prng: &mut Prng| match prng.below(4) {
                    0 => prng.between(1, 4_096) * 1_000,
                    _ => *prng.pick(&[512, 600, 1_024, 2_048]) * 1_000,
                };
                let upscale = *self.prng.pick(&[1_000, 2_000, 4_000]);
                vec![("width", side(&mut self.prng)), ("height", side(&mut self.prng)), ("upscale", upscale)]
            }
        };
        if self.prng.one_in(25) {
            match self.prng.below(3) {
                0 => inputs.push(("banana", 1_000)),
                1 if !inputs.is_empty() => drop(inputs.pop()),
                _ => {
                    let wrong = *self.prng.pick(&[-1_000, 999_999_999_000]);
                    inputs.iter_mut().take(1).for_each(|(_, value)| *value = wrong);
                }
            }
        }
        inputs
    }

    fn amount(&mut self) -> Amount {
        *self.prng.pick(&[
            1,
            CREDIT / 2,
            CREDIT,
            3 * CREDIT,
            7_250_000,
            20 * CREDIT,
            75 * CREDIT,
            333_333_333,
            500 * CREDIT,
        ])
    }

    fn maybe_amount(&mut self) -> Option<Amount> {
        (!self.prng.one_in(3)).then(|| self.amount())
    }

    fn name(&mut self) -> Option<String> {
        self.prng.one_in(4).then(|| format!("job-{}", self.prng.below(12)))
    }

    fn expires_in(&mut self) -> Option<u32> {
        self.prng.one_in(2).then(|| self.extension())
    }

    fn extension(&mut self) -> u32 {
        *self.prng.pick(&[1, 10, 60, 600, 3_600, 7_200, 86_400, 86_400, 0, 86_401])
    }

    /// A hold of this account: mostly an open one, often an ended one, sometimes nobody's.
    fn hold(&mut self, run: &mut Run, account: usize) -> Pick {
        let model = run.model(account);
        let wanted = match self.prng.below(10) {
            0..7 => HoldState::Open,
            7..9 => HoldState::Expired,
            _ => HoldState::Settled,
        };
        let suitable: Vec<usize> = (0..model.holds.len()).filter(|hold| model.holds[*hold].state == wanted).collect();
        if suitable.is_empty() {
            return Pick::Named(format!("job-{}", self.prng.below(12)));
        }
        // The youngest few: an old history would else be asked about for ever.
        let recent = &suitable[suitable.len().saturating_sub(6)..];
        let place = *self.prng.pick(recent);
        let own = model.holds[place].name.clone();
        let step = run.found().step_of_hold(account, place);
        match (own, step) {
            (Some(own), _) if self.prng.one_in(2) => Pick::Named(own),
            (_, Some(step)) => Pick::Made(step),
            (Some(own), None) => Pick::Named(own),
            (None, None) => Pick::Made(0),
        }
    }

    fn usage(&mut self, run: &mut Run, account: usize, hold: &Pick) -> Usage {
        let place = match hold {
            Pick::Named(name) => run.model(account).hold_named(name),
            Pick::Made(step) => run.found().hold(account, *step).map(|(_, place)| place),
        };
        let Some(hold) = place.map(|place| run.model(account).holds[place].clone()) else { return Usage::Held };
        let versions = run.versions(run.world().accounts[account].studio);
        let priced = versions.iter().find(|version| version.version == hold.version);
        let rate = priced.and_then(|version| version.prices.tool(hold.tool.as_deref()?)).map(|tool| tool.rate.clone());
        match (rate, self.prng.below(10)) {
            (Some(rate), 0..4) => Usage::Measures(self.inputs(&rate)),
            (_, 4) => Usage::Credits(self.amount()),
            (_, 5) => Usage::Credits(0),
            (_, 6) => Usage::Credits((hold.credits - self.amount()).max(0)),
            (_, 7) => Usage::Credits((hold.credits + self.amount()).min(LIMIT)),
            (_, 8) => Usage::Credits(hold.credits / 3),
            (None, 0) => Usage::Measures(vec![("seconds", 1_000)]),
            (_, _) => Usage::Held,
        }
    }

    fn policy(&mut self) -> Option<Policy> {
        self.prng.one_in(2).then(|| *self.prng.pick(&[Policy::Cap, Policy::Extend, Policy::Debt]))
    }

    fn refund(&mut self, run: &mut Run, account: usize) -> Request {
        let of = run.found().steps_of_charges(account);
        let recent = &of[of.len().saturating_sub(6)..];
        let charge = if recent.is_empty() { 0 } else { *self.prng.pick(recent) };
        Request::Refund { charge, credits: self.maybe_amount() }
    }

    fn grant(&mut self, run: &Run) -> Request {
        let now = run.now();
        let class = match self.prng.below(20) {
            0 => Class::Subscription,
            1..7 => Class::Promo,
            7..12 => Class::MakeGood,
            _ => Class::TopUp,
        };
        let huge = *self.prng.pick(&[8_000_000_000 * CREDIT, 7_999_990_000 * CREDIT, 4_000_000_000 * CREDIT]);
        let credits = if self.prng.one_in(60) { huge } else { self.amount() * Amount::from(self.prng.between(1, 5)) };
        Request::Grant {
            credits: if self.prng.one_in(40) { 0 } else { credits },
            class,
            expires_at: match self.prng.below(6) {
                0 => Some((now + *self.prng.pick(&[-1, 0, 1])).max(0)),
                1 => Some(now + self.prng.between(1, 60) * DAY),
                2 => Some(now + self.prng.between(1, 7_200) * SECOND),
                _ => None,
            },
            priority: self.prng.one_in(4).then(|| *self.prng.pick(&[0, 5, 10, 15, 20, 30])),
        }
    }
}
