//! Steps: a simulated history as a list that can be kept, cut and run again.
//!
//! A step names what it needs by the step that made it, never by an id of the engine's, so dropping other steps changes
//! nothing about it. It must hold everything that a rerun needs: no chance is left once a step is written.

use std::collections::BTreeSet;
use std::fmt;

use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

use crate::faulty::Fault;
use crate::model::{Arrival, Instant, Job, Usage};
use crate::prices::{Amount, Policy};
use crate::view::time;

/// One step of a history.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its number, kept when others are dropped.
    pub id: u32,
    /// What happens.
    pub action: Action,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum Action {
    /// The clock moves to this instant, unless it is past it.
    MoveClock(Instant),
    /// An account is asked something; POSTs come with the key of their step.
    Ask {
        /// Which account of the world.
        account: usize,
        /// What.
        request: Request,
        /// What the store does meanwhile.
        fault: Option<Fault>,
    },
    /// The request of an earlier step again, with its key.
    Repeat {
        /// Which step.
        of: u32,
        /// What the store does meanwhile.
        fault: Option<Fault>,
    },
    /// Another request with the key of an earlier step.
    Reuse {
        /// Which step.
        of: u32,
        /// What.
        request: Request,
    },
    /// An account is asked, and the caller leaves before the answer.
    Abandon {
        /// Which account of the world.
        account: usize,
        /// What.
        request: Request,
    },
    /// Several at once, one submission; with keys as for steps of their own.
    Together {
        /// Step, account and request of each.
        requests: Vec<(u32, usize, Request)>,
        /// What the store does meanwhile.
        fault: Option<Fault>,
    },
    /// A studio publishes its next catalog.
    Publish {
        /// Which studio of the world.
        studio: usize,
    },
    /// The engine stops and starts again.
    Restart,
    /// The process dies and another opens what is left.
    Crash,
}

/// What an account is asked.
#[derive(Clone, Debug)]
pub enum Request {
    /// Opens the account or changes its settings.
    PutAccount {
        /// A display name.
        name: Option<String>,
        /// The zone.
        zone: Option<String>,
        /// The enabled project types.
        project_types: Option<BTreeSet<String>>,
    },
    /// Opens the account with what it had elsewhere.
    Arrive(Arrival),
    /// Subscribes or changes the subscription.
    PutSubscription {
        /// The plan.
        plan: Option<String>,
        /// The anchor.
        anchor: Option<Instant>,
        /// The state.
        state: Option<SubscriptionState>,
    },
    /// Cancels.
    Cancel,
    /// Sets aside.
    Hold {
        /// For what.
        job: Job,
        /// The caller's own id.
        name: Option<String>,
        /// Seconds to the deadline.
        expires_in: Option<u32>,
    },
    /// Moves a deadline.
    Extend {
        /// Which hold.
        hold: Pick,
        /// Seconds from now.
        expires_in: u32,
    },
    /// Charges a hold.
    Settle {
        /// Which hold.
        hold: Pick,
        /// What was used.
        usage: Usage,
        /// What to do above the hold.
        policy: Option<Policy>,
    },
    /// Frees a hold.
    Release {
        /// Which hold.
        hold: Pick,
        /// Whether what expires comes back.
        make_good: bool,
    },
    /// Takes at once.
    Charge {
        /// For what.
        job: Job,
    },
    /// Gives back.
    Refund {
        /// The charge that this step made.
        charge: u32,
        /// How much.
        credits: Option<Amount>,
    },
    /// Gives.
    Grant {
        /// How much.
        credits: Amount,
        /// Of what class.
        class: Class,
        /// Until when.
        expires_at: Option<Instant>,
        /// In what order.
        priority: Option<u8>,
    },
    /// Takes back.
    Revoke {
        /// The lot at this place of those shown.
        place: usize,
        /// At most how much.
        credits: Option<Amount>,
    },
    /// Forgives a debt.
    WriteOff {
        /// How much.
        credits: Option<Amount>,
    },
    /// Nothing but what is due.
    Touch,
}

/// How a request names a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// By the engine's id of the one that this step placed.
    Made(u32),
    /// By the caller's own id.
    Named(String),
}

impl Request {
    /// Whether it needs a key: PUT, DELETE and touches do not (R31).
    pub fn keyed(&self) -> bool {
        match self {
            Request::PutAccount { .. } | Request::PutSubscription { .. } | Request::Cancel | Request::Touch => false,
            // It needs none and binds none; that it comes with one lets it be repeated.
            Request::Arrive(_)
            | Request::Hold { .. }
            | Request::Extend { .. }
            | Request::Settle { .. }
            | Request::Release { .. }
            | Request::Charge { .. }
            | Request::Refund { .. }
            | Request::Grant { .. }
            | Request::Revoke { .. }
            | Request::WriteOff { .. } => true,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5}  ", self.id)?;
        match &self.action {
            Action::MoveClock(to) => write!(f, "at {}", time(*to)),
            Action::Ask { account, request, fault: None } => write!(f, "account {account}: {request:?}"),
            Action::Ask { account, request, fault: Some(fault) } => {
                write!(f, "account {account}: {request:?}, and the store fails: {fault:?}")
            }
            Action::Repeat { of, fault: None } => write!(f, "repeat step {of}"),
            Action::Repeat { of, fault: Some(fault) } => write!(f, "repeat step {of}, and the store fails: {fault:?}"),
            Action::Reuse { of, request } => write!(f, "with the key of step {of}: {request:?}"),
            Action::Abandon { account, request } => write!(f, "account {account}, without waiting: {request:?}"),
            Action::Together { requests, fault } => {
                let fails = fault.map_or_else(String::new, |fault| format!(", and the store fails: {fault:?}"));
                write!(f, "together{fails}:")?;
                requests
                    .iter()
                    .try_for_each(|(id, account, request)| write!(f, "\n         {id} account {account}: {request:?}"))
            }
            Action::Publish { studio } => write!(f, "studio {studio} publishes its next catalog"),
            Action::Restart => write!(f, "stop and start"),
            Action::Crash => write!(f, "die and start"),
        }
    }
}
