//! A request in two tongues: the engine's command and the model's question.
//!
//! Apart so that nothing else needs both. It must not change what is asked on the way.

use std::collections::BTreeMap;

use scrip_core::answer;
use scrip_core::command::{
    AfterExpiry, Cancellation, Command, Cost, Expected, Grant, Opening, OpeningLot, OpeningSubscription, PlaceCharge,
    PlaceHold, PutAccount, PutSubscription, ReleaseHold, SettleHold, Usage,
};
use scrip_core::hold::OnExcess;
use scrip_core::id::{ChargeId, HoldId, HoldName, HoldRef, LotId, MeasureId, PlanId, ProjectTypeId, ToolId};
use scrip_core::lot::Priority;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::time::Zone;

use crate::model::{self, Arrival, Ask, HoldAsked, Job, LotBrought};
use crate::prices::{Inputs, Policy};
use crate::step::{Pick, Request};
use crate::view::{credits, time};

/// What earlier steps made: the engine's id and the model's place of each, by account and step.
#[derive(Clone, Debug, Default)]
pub struct Found {
    holds: BTreeMap<(usize, u32), (HoldId, usize)>,
    charges: BTreeMap<(usize, u32), (ChargeId, usize)>,
}

impl Found {
    /// Learns from an answer what a step made in an account.
    pub fn learn(&mut self, account: usize, step: u32, told: &answer::Done, expected: &model::Done) {
        match (told, expected) {
            (answer::Done::HoldPlaced { hold, .. }, model::Done::Placed { hold: place }) => {
                self.holds.insert((account, step), (*hold, *place));
            }
            (answer::Done::HoldSettled { charge, .. }, model::Done::Settled { charge: place, .. })
            | (answer::Done::Charged { charge, .. }, model::Done::Charged { charge: place }) => {
                self.charges.insert((account, step), (*charge, *place));
            }
            _ => (),
        }
    }

    /// The hold that a step placed in an account.
    pub fn hold(&self, account: usize, step: u32) -> Option<(HoldId, usize)> {
        self.holds.get(&(account, step)).copied()
    }

    /// The step that placed an account's hold, if its answer was ever seen.
    pub fn step_of_hold(&self, account: usize, place: usize) -> Option<u32> {
        self.holds.iter().find(|((of, _), (_, found))| (*of, *found) == (account, place)).map(|((_, step), _)| *step)
    }

    /// The steps that charged an account, oldest first.
    pub fn steps_of_charges(&self, account: usize) -> Vec<u32> {
        self.charges.keys().filter(|(of, _)| *of == account).map(|(_, step)| *step).collect()
    }
}

/// Ids that are never made: what a request names whose step made nothing.
const NEVER: u64 = 999_999_999;

/// A request as the engine and as the model take it. `lots`: the engine's and the model's lot at a place of those shown.
pub fn translate(
    request: &Request,
    (account, found): (usize, &Found),
    lots: &dyn Fn(usize) -> (Option<LotId>, Option<usize>),
) -> (Command, Ask) {
    let hold = |pick: &Pick| match pick {
        Pick::Made(step) => match found.hold(account, *step) {
            Some((id, place)) => (HoldRef::Id(id), HoldAsked::Made(Some(place))),
            None => (HoldRef::Id(HoldId::first(NEVER)), HoldAsked::Made(None)),
        },
        Pick::Named(name) => (HoldRef::Name(HoldName::parse(name).expect("a name")), HoldAsked::Named(name.clone())),
    };
    match request {
        Request::PutAccount { name, zone, project_types } => {
            let types = |types: &std::collections::BTreeSet<String>| {
                types.iter().map(|one| ProjectTypeId::parse(one).expect("a project type")).collect()
            };
            let command = Command::PutAccount(PutAccount {
                name: name.as_deref().map(Box::from),
                zone: zone.as_deref().map(|zone| Zone::parse(zone).expect("a zone")),
                project_types: project_types.as_ref().map(types),
            });
            let (name, zone, project_types) = (name.clone(), zone.clone(), project_types.clone());
            (command, Ask::PutAccount { name, zone, project_types })
        }
        Request::Arrive(arrival) => (Command::OpenAccount(Box::new(opening(arrival))), Ask::Arrive(arrival.clone())),
        Request::PutSubscription { plan, anchor, state } => {
            let command = Command::PutSubscription(PutSubscription {
                plan: plan.as_deref().map(|plan| PlanId::parse(plan).expect("a plan")),
                anchor: anchor.map(time),
                state: *state,
                ..PutSubscription::default()
            });
            (command, Ask::PutSubscription { plan: plan.clone(), anchor: *anchor, state: *state })
        }
        Request::Cancel => (Command::CancelSubscription(Cancellation::default()), Ask::Cancel),
        Request::Hold { job, name, expires_in } => {
            let command = Command::PlaceHold(PlaceHold {
                cost: cost(&job.cost),
                name: name.as_deref().map(|name| HoldName::parse(name).expect("a name")),
                reference: job.reference.as_deref().map(Box::from),
                member: None,
                expires_in: *expires_in,
                expected: expected(job),
            });
            (command, Ask::Hold { job: job.clone(), name: name.clone(), expires_in: expires_in.map(i64::from) })
        }
        Request::Extend { hold: pick, expires_in } => {
            let (hold, place) = hold(pick);
            let ask = Ask::Extend { hold: place, expires_in: i64::from(*expires_in) };
            (Command::ExtendHold { hold, expires_in: *expires_in }, ask)
        }
        Request::Settle { hold: pick, usage, policy } => {
            let (hold, place) = hold(pick);
            let used = match usage {
                model::Usage::Held => Usage::Held,
                model::Usage::Measures(inputs) => Usage::Measures(measures(inputs)),
                model::Usage::Credits(amount) => Usage::Credits(credits(*amount)),
            };
            let on_excess = policy.map(|policy| match policy {
                Policy::Cap => OnExcess::Cap,
                Policy::Extend => OnExcess::Extend,
                Policy::Debt => OnExcess::Debt,
            });
            let command = Command::SettleHold(SettleHold { hold, usage: used, on_excess });
            (command, Ask::Settle { hold: place, usage: usage.clone(), policy: *policy })
        }
        Request::Release { hold: pick, make_good } => {
            let (hold, place) = hold(pick);
            let after_expiry = if *make_good { AfterExpiry::MakeGood } else { AfterExpiry::Expire };
            let command = Command::ReleaseHold(ReleaseHold { hold, reason: None, after_expiry });
            (command, Ask::Release { hold: place, make_good: *make_good })
        }
        Request::Charge { job } => {
            let command = Command::Charge(PlaceCharge {
                cost: cost(&job.cost),
                reference: job.reference.as_deref().map(Box::from),
                member: None,
                expected: expected(job),
            });
            (command, Ask::Charge { job: job.clone() })
        }
        Request::Refund { charge, credits: asked } => {
            let (id, place) = match found.charges.get(&(account, *charge)) {
                Some((id, place)) => (*id, Some(*place)),
                None => (ChargeId::first(NEVER), None),
            };
            let command = Command::Refund { charge: id, credits: asked.map(credits), reason: "it went wrong".into() };
            (command, Ask::Refund { charge: place, credits: *asked })
        }
        Request::Grant { credits: given, class, expires_at, priority } => {
            let command = Command::Grant(Grant {
                credits: credits(*given),
                class: *class,
                expires_at: expires_at.map(time),
                priority: priority.map(Priority),
                reason: "a gift".into(),
            });
            let (class, expires_at, priority) = (*class, *expires_at, *priority);
            (command, Ask::Grant { credits: *given, class, expires_at, priority })
        }
        Request::Revoke { place, credits: asked } => {
            let (id, lot) = lots(*place);
            let command = Command::RevokeLot {
                lot: id.unwrap_or(LotId::first(NEVER)),
                credits: asked.map(credits),
                reason: "a mistake".into(),
            };
            (command, Ask::Revoke { lot, credits: *asked })
        }
        Request::WriteOff { credits: asked } => {
            let command = Command::WriteOffDebt { credits: asked.map(credits), reason: "let it be".into() };
            (command, Ask::WriteOff { credits: *asked })
        }
        Request::Touch => (Command::Touch, Ask::Touch),
    }
}

fn opening(arrival: &Arrival) -> Opening {
    let zone = arrival.zone.as_deref().map(|zone| Zone::parse(zone).expect("a zone"));
    let lot = |lot: &LotBrought| OpeningLot {
        grant: Grant {
            credits: credits(lot.remaining),
            class: lot.class,
            expires_at: lot.expires_at.map(time),
            priority: None,
            reason: "from elsewhere".into(),
        },
        granted: credits(lot.granted),
    };
    Opening {
        settings: PutAccount { zone, ..PutAccount::default() },
        subscription: arrival.plan.as_ref().map(|brought| OpeningSubscription {
            plan: PlanId::parse(&brought.plan).expect("a plan"),
            anchor: time(brought.anchor),
            state: brought.state,
            remaining: brought.remaining.map(credits),
            as_of: None,
        }),
        lots: arrival.lots.iter().map(lot).collect(),
    }
}

fn cost(cost: &model::Cost) -> Cost {
    match cost {
        model::Cost::Tool(tool, inputs) => {
            Cost::Tool { tool: ToolId::parse(tool).expect("a tool's name"), measures: measures(inputs) }
        }
        model::Cost::Credits(amount) => Cost::Credits(credits(*amount)),
    }
}

fn expected(job: &Job) -> Expected {
    Expected { catalog_version: job.version, credits: job.expected.map(credits) }
}

fn measures(inputs: &Inputs) -> Measures {
    let mut measures = Measures::none();
    for (name, thousandths) in inputs {
        let value = MeasureValue::Number(Decimal::new(i128::from(*thousandths), 3));
        let fresh = measures.insert(MeasureId::parse(name).expect("a measure's name"), value);
        assert!(fresh, "a request gives each measure once");
    }
    measures
}
