//! What was made within a time, of all that the provider keeps for good: how what happened is found once the provider has
//! forgotten the events of it.

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::form::segment;
use crate::object::{Expandable, Metadata, Only, Page};
use crate::request::{Listed, OrderRef};

/// A kind of what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hosted payment pages.
    Sessions,
    /// Payments.
    Payments,
    /// Refunds.
    Refunds,
    /// Disputes.
    Disputes,
}

/// Something that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// The payment that it is of; `None`: of none yet, or it is one itself.
    pub payment_intent: Option<String>,
    /// The order that it names; refunds and disputes name none.
    pub order: Option<OrderRef>,
    /// Whether money may have moved: a page was gone through, a payment was made.
    pub done: bool,
}

/// Which to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeQuery {
    /// Of what kind.
    pub kind: Kind,
    /// Made when, in seconds since 1970.
    pub within_s: RangeInclusive<i64>,
    /// Older than this one.
    pub after: Option<String>,
}

/// As much of each kind as is read here.
#[derive(Deserialize)]
struct Thing {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    payment_intent: Option<Expandable<Only>>,
    #[serde(default)]
    metadata: Metadata,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Kind::Sessions => "/v1/checkout/sessions",
            Kind::Payments => "/v1/payment_intents",
            Kind::Refunds => "/v1/refunds",
            Kind::Disputes => "/v1/disputes",
        }
    }

    /// Whether money may have moved where something stands so.
    fn is_done(self, status: Option<&str>) -> bool {
        match self {
            Kind::Sessions => status == Some("complete"),
            Kind::Payments => matches!(status, Some("succeeded" | "processing")),
            Kind::Refunds | Kind::Disputes => true,
        }
    }
}

impl Client {
    /// What of a kind was made within a time, newest first.
    ///
    /// # Errors
    /// [`Error`]; nothing was changed by asking.
    pub async fn made(&self, query: &MadeQuery) -> Result<Listed<Made>, Error> {
        let (from, until) = (query.within_s.start(), query.within_s.end());
        let mut path = format!("{}?limit=100&created[gte]={from}&created[lte]={until}", query.kind.path());
        if let Some(after) = &query.after {
            path.push_str("&starting_after=");
            path.push_str(&segment(after));
        }
        let page: Page<Thing> = self.get(path).await?;
        let after = page.data.last().filter(|_| page.has_more).map(|thing| thing.id.clone());
        let made = |thing: Thing| Made {
            payment_intent: thing.payment_intent.as_ref().map(|payment| payment.id().to_owned()),
            order: OrderRef::of(&thing.metadata),
            done: query.kind.is_done(thing.status.as_deref()),
            id: thing.id,
        };
        Ok(Listed { items: page.data.into_iter().map(made).collect(), after })
    }
}
