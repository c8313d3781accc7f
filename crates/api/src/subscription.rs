//! Subscriptions: as they are put, previewed and shown.

use scrip_core::command::{Asker, Cancellation, Command, PutSubscription};
use scrip_core::id::PlanId;
use scrip_core::mark::Mark;
use scrip_core::plan::{NextPlan, SubscriptionState};
use scrip_core::rejection::Rejection;
use scrip_core::statement::{Period, Preview, SubscriptionView, WhenPaid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::TotalsShown;
use crate::number::Amount;
use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// A subscription to put; absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// The plan; needed where there is no subscription yet.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plan: Option<String>,
    /// The instant that all periods are counted from; absent: now. It never changes afterwards.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub anchor: Option<Instant>,
    /// `active`, `past_due` or `paused`; absent: active at first.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<String>,
    /// Why: kept with the entry, and shown in the audit trail. The studio's own to give.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 1000)]
    pub reason: Option<String>,
    /// The `mark` of a preview: the change is made only while the subscription stands as it was looked at
    /// (`subscription_overtaken` otherwise).
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub mark: Option<String>,
}

impl SubscriptionRequest {
    /// The command, as this one asks it.
    pub fn command(self, asker: Asker) -> Result<PutSubscription, Unfit> {
        let state = self.state.map(|word| {
            SubscriptionState::from_word(&word).ok_or_else(|| InvalidField::new("state", "active, past_due or paused"))
        });
        Ok(PutSubscription {
            state: state.transpose()?,
            anchor: self.anchor.map(|anchor| anchor.0),
            plan: self.plan.as_deref().map(plan_id).transpose()?,
            asker,
            reason: text::reason_if_any(self.reason)?,
            mark: self.mark.as_deref().map(mark).transpose()?,
        })
    }
}

/// What a subscription was looked at with.
pub fn mark(text: &str) -> Result<Mark, InvalidField> {
    Mark::parse(text).ok_or_else(|| InvalidField::new("mark", "the mark of a preview"))
}

/// The plan of that name, or `plan_not_found`: a name that no plan can have is one that no plan has.
fn plan_id(plan: &str) -> Result<PlanId, Rejection> {
    PlanId::parse(plan).map_err(|_| Rejection::PlanNotFound)
}

/// A change of plan, or cancelling, to look at without doing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRequest {
    /// The plan to be put on.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plan: Option<String>,
    /// `true`, in place of a plan: the subscription is cancelled.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cancel: Option<bool>,
}

impl PreviewRequest {
    /// What is looked at.
    pub fn command(&self) -> Result<Command, Unfit> {
        match (&self.plan, self.cancel.unwrap_or(false)) {
            (Some(plan), false) => {
                let plan = Some(plan_id(plan)?);
                Ok(Command::PutSubscription(PutSubscription { plan, ..PutSubscription::default() }))
            }
            (None, true) => Ok(Command::CancelSubscription(Cancellation::default())),
            (Some(_), true) | (None, false) => {
                Err(InvalidField::new("plan", "a plan, or \"cancel\": true without one").into())
            }
        }
    }
}

/// A half-open period: `end` is the first instant after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeriodShown {
    /// Its first instant.
    pub start: Instant,
    /// The first instant after it.
    pub end: Instant,
}

/// A subscription as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionShown {
    /// The plan.
    pub plan: String,
    /// `active`, `past_due` or `paused`.
    pub state: String,
    /// The instant that all periods are counted from.
    pub anchor: Instant,
    /// What was paid for: a month or a year.
    pub term: PeriodShown,
    /// The refill period.
    pub cycle: PeriodShown,
    /// The plan that follows at the term's end, if another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_plan: Option<String>,
    /// Until when it is paid for, where the plan renews by payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Instant>,
    /// When the subscription ends, if it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,
}

/// What a change of plan, or cancelling, would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewShown {
    /// Stands for the subscription as it was looked at: given back with the change, that is made only while it stands so still.
    pub mark: String,
    /// When it would take effect.
    pub effective_at: Instant,
    /// What it would grant at that instant, beyond what comes anyway.
    pub grants: Amount,
    /// The plan's credits per cycle.
    pub allowance: Amount,
    /// The subscription as it would stand right after asking.
    pub subscription: SubscriptionShown,
    /// The totals right after asking.
    pub balance: TotalsShown,
    /// What paying for a term of it would do now; absent where the account cannot order it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_paid: Option<WhenPaidShown>,
}

/// What paying for a term of a plan would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhenPaidShown {
    /// What it would grant at once.
    pub grants: Amount,
    /// The subscription as it would stand right after the payment.
    pub subscription: SubscriptionShown,
    /// The totals right after the payment.
    pub balance: TotalsShown,
}

impl From<Period> for PeriodShown {
    fn from(period: Period) -> PeriodShown {
        PeriodShown { start: Instant(period.start), end: Instant(period.end) }
    }
}

impl From<&SubscriptionView> for SubscriptionShown {
    fn from(view: &SubscriptionView) -> SubscriptionShown {
        let (next_plan, ends_at) = match &view.next {
            None => (None, None),
            Some(NextPlan::Change(terms)) => (Some(terms.plan.to_string()), None),
            Some(NextPlan::Cancel) => (None, Some(Instant(view.term.end))),
        };
        SubscriptionShown {
            plan: view.plan.to_string(),
            state: view.state.word().to_owned(),
            anchor: Instant(view.anchor),
            term: view.term.into(),
            cycle: view.cycle.into(),
            next_plan,
            paid_until: view.paid_until.map(Instant),
            ends_at,
        }
    }
}

impl WhenPaidShown {
    /// What a payment would do; `None` where it would leave no subscription, which paying for a plan never does.
    fn of(paid: &WhenPaid) -> Option<WhenPaidShown> {
        Some(WhenPaidShown {
            grants: Amount(paid.grants),
            subscription: paid.subscription.as_ref()?.into(),
            balance: paid.totals.into(),
        })
    }
}

impl PreviewShown {
    /// What a change would do; `None` where it would leave no subscription, as cancelling does before the first cycle.
    pub fn of(preview: &Preview) -> Option<PreviewShown> {
        Some(PreviewShown {
            mark: preview.mark.to_string(),
            effective_at: Instant(preview.effective_at),
            grants: Amount(preview.grants),
            allowance: Amount(preview.allowance),
            subscription: preview.subscription.as_ref()?.into(),
            balance: preview.totals.into(),
            when_paid: preview.when_paid.as_ref().and_then(WhenPaidShown::of),
        })
    }
}
