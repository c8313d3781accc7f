//! Webhooks: an envelope, and which of the provider's objects it is about.
//!
//! Only the envelope and the names of objects are read. What an event says of a payment is not used: it may be days old
//! by the time it comes, so the provider is asked again.

use serde::Deserialize;
use serde_json::Value;

use crate::request::OrderRef;
use crate::secret::Secret;
use crate::signature::{self, SignatureError};

/// Something that happened at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`; the same in every delivery.
    pub id: String,
    /// When, in seconds since 1970.
    pub created: i64,
    /// What.
    pub kind: EventKind,
    /// To which object.
    pub subject: Subject,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `checkout.session.completed`
    SessionCompleted,
    /// `checkout.session.async_payment_succeeded`
    SessionPaymentSucceeded,
    /// `checkout.session.async_payment_failed`
    SessionPaymentFailed,
    /// `checkout.session.expired`
    SessionExpired,
    /// `payment_intent.succeeded`
    PaymentSucceeded,
    /// `payment_intent.payment_failed`
    PaymentFailed,
    /// `charge.refunded`
    ChargeRefunded,
    /// `refund.created`, `refund.updated`, `refund.failed`
    RefundChanged,
    /// `charge.dispute.created`
    DisputeCreated,
    /// `charge.dispute.updated`: also when an inquiry becomes a dispute.
    DisputeUpdated,
    /// `charge.dispute.closed`
    DisputeClosed,
    /// `invoice.paid`
    InvoicePaid,
    /// `invoice.payment_failed`
    InvoicePaymentFailed,
    /// `customer.subscription.updated`
    SubscriptionUpdated,
    /// `customer.subscription.deleted`
    SubscriptionDeleted,
    /// Anything else: acknowledged and left alone.
    Other,
}

/// The object that an event is about, and what can be learnt of its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The kind of object, as in `checkout.session`.
    pub object: String,
    /// Its id.
    pub id: String,
    /// The payment it is, or belongs to.
    pub payment_intent: Option<String>,
    /// The subscription it is, or belongs to.
    pub subscription: Option<String>,
    /// The order that we attached; refunds and disputes have none, their payment has.
    pub order: Option<OrderRef>,
}

/// Why a delivery is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not believed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is no event.
    #[error("the body is not an event")]
    Unreadable,
    /// It is of another version of the API than ours.
    #[error("the event is of another API version: set the webhook endpoint's version to {expected}")]
    OtherVersion {
        /// Ours.
        expected: String,
    },
}

/// A delivery as it came.
pub struct Delivery<'a> {
    /// The header `Stripe-Signature`.
    pub signature: &'a str,
    /// The body's very bytes.
    pub body: &'a [u8],
}

impl Event {
    /// Reads a delivery: believed only with a signature by one of `secrets` and of about `now` (seconds since 1970), and
    /// only in the version `api_version`.
    ///
    /// # Errors
    /// [`EventError`]; the signature first, so that nothing unsigned is ever parsed.
    pub fn receive(
        delivery: &Delivery<'_>,
        secrets: &[Secret],
        now: i64,
        api_version: &str,
    ) -> Result<Event, EventError> {
        signature::check(delivery.signature, delivery.body, secrets, now)?;
        let envelope = Envelope::of(serde_json::from_slice(delivery.body).map_err(|_| EventError::Unreadable)?)?;
        if envelope.api_version.as_deref() != Some(api_version) {
            return Err(EventError::OtherVersion { expected: api_version.to_owned() });
        }
        Event::of(envelope)
    }

    /// Reads an event that was fetched. It is in the version of the provider's account, which is another setting than
    /// that of the calls; only names of objects are read of it, which are the same in all.
    pub(crate) fn fetched(value: Value) -> Result<Event, EventError> {
        Event::of(Envelope::of(value)?)
    }

    fn of(envelope: Envelope) -> Result<Event, EventError> {
        let subject = Subject::of(&envelope.data.object).ok_or(EventError::Unreadable)?;
        let kind = EventKind::of(&envelope.r#type);
        // There is nothing to ask the provider about: each try of such a delivery would end in the same failure.
        if kind != EventKind::Other && subject.id.is_empty() {
            return Err(EventError::Unreadable);
        }
        Ok(Event { id: envelope.id, created: envelope.created, kind, subject })
    }
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    object: String,
    api_version: Option<String>,
    created: i64,
    r#type: String,
    data: Data,
}

impl Envelope {
    fn of(value: Value) -> Result<Envelope, EventError> {
        let envelope: Envelope = serde_json::from_value(value).map_err(|_| EventError::Unreadable)?;
        if envelope.object == "event" { Ok(envelope) } else { Err(EventError::Unreadable) }
    }
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

/// Every kind that is known, by the provider's name.
const KINDS: [(&str, EventKind); 17] = [
    ("checkout.session.completed", EventKind::SessionCompleted),
    ("checkout.session.async_payment_succeeded", EventKind::SessionPaymentSucceeded),
    ("checkout.session.async_payment_failed", EventKind::SessionPaymentFailed),
    ("checkout.session.expired", EventKind::SessionExpired),
    ("payment_intent.succeeded", EventKind::PaymentSucceeded),
    ("payment_intent.payment_failed", EventKind::PaymentFailed),
    ("charge.refunded", EventKind::ChargeRefunded),
    ("refund.created", EventKind::RefundChanged),
    ("refund.updated", EventKind::RefundChanged),
    ("refund.failed", EventKind::RefundChanged),
    ("charge.dispute.created", EventKind::DisputeCreated),
    ("charge.dispute.updated", EventKind::DisputeUpdated),
    ("charge.dispute.closed", EventKind::DisputeClosed),
    ("invoice.paid", EventKind::InvoicePaid),
    ("invoice.payment_failed", EventKind::InvoicePaymentFailed),
    ("customer.subscription.updated", EventKind::SubscriptionUpdated),
    ("customer.subscription.deleted", EventKind::SubscriptionDeleted),
];

impl EventKind {
    /// The provider's names of all kinds that are known: what a webhook endpoint is to be sent.
    pub fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().map(|(name, _)| *name)
    }

    /// The provider's name of it; `other` for all that are not known.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("other", |(name, _)| *name)
    }

    fn of(name: &str) -> EventKind {
        let known = KINDS.iter().find(|(known, _)| *known == name);
        known.map_or(EventKind::Other, |(_, kind)| *kind)
    }
}

impl Subject {
    fn of(object: &Value) -> Option<Subject> {
        let kind = object["object"].as_str()?;
        // A balance, for one, has no id; such events are none of ours, but they are events.
        let id = object["id"].as_str().filter(|id| is_id(id)).unwrap_or("");
        let its_own = |wanted: &str| (kind == wanted).then(|| id.to_owned());
        let of_invoice = &object["parent"]["subscription_details"];
        let metadata = [&object["metadata"], &of_invoice["metadata"]];
        Some(Subject {
            payment_intent: its_own("payment_intent").or_else(|| named(&object["payment_intent"])),
            subscription: its_own("subscription")
                .or_else(|| named(&object["subscription"]))
                .or_else(|| named(&of_invoice["subscription"])),
            order: metadata.into_iter().find_map(order),
            object: kind.to_owned(),
            id: id.to_owned(),
        })
    }
}

/// An id, given by itself or with the whole object.
fn named(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).filter(|id| is_id(id)).map(str::to_owned)
}

/// Whether a text is what the provider calls an object: it becomes a part of an address.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn order(metadata: &Value) -> Option<OrderRef> {
    let field = |name: &str| metadata[name].as_str().map(str::to_owned);
    let number = field("number").and_then(|number| number.parse().ok());
    Some(OrderRef { studio: field("studio")?, account: field("account")?, order: field("order")?, number })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, object: &Value) -> Value {
        json!({"id": "evt_1", "object": "event", "api_version": "v", "created": 7, "livemode": false,
            "type": kind, "data": {"object": object}})
    }

    #[test]
    fn an_event_says_where_to_look() {
        let ours = json!({"studio": "flow-studio", "account": "ana", "order": "order_7"});
        for (kind, object, payment_intent, subscription, has_order) in [
            (
                "checkout.session.completed",
                json!({"object": "checkout.session", "id": "cs_1", "metadata": ours,
                "payment_intent": "pi_1", "subscription": null}),
                Some("pi_1"),
                None,
                true,
            ),
            (
                "payment_intent.succeeded",
                json!({"object": "payment_intent", "id": "pi_1", "metadata": ours}),
                Some("pi_1"),
                None,
                true,
            ),
            (
                "charge.dispute.created",
                json!({"object": "dispute", "id": "du_1", "payment_intent": "pi_1",
                "metadata": {}}),
                Some("pi_1"),
                None,
                false,
            ),
            (
                "invoice.paid",
                json!({"object": "invoice", "id": "in_1", "parent": {"subscription_details":
                {"subscription": "sub_1", "metadata": ours}}}),
                None,
                Some("sub_1"),
                true,
            ),
            (
                "customer.subscription.deleted",
                json!({"object": "subscription", "id": "sub_1", "metadata": ours}),
                None,
                Some("sub_1"),
                true,
            ),
            (
                "refund.updated",
                json!({"object": "refund", "id": "re_1", "payment_intent": {"id": "pi_2"}}),
                Some("pi_2"),
                None,
                false,
            ),
        ] {
            let read = Event::fetched(event(kind, &object)).unwrap();
            assert_ne!(read.kind, EventKind::Other, "{kind}");
            assert_eq!(read.subject.payment_intent.as_deref(), payment_intent, "{kind}");
            assert_eq!(read.subject.subscription.as_deref(), subscription, "{kind}");
            assert_eq!(read.subject.order.is_some(), has_order, "{kind}");
        }
        let other = event("balance.available", &json!({"object": "balance"}));
        assert_eq!(Event::fetched(other).unwrap().kind, EventKind::Other);
    }

    #[test]
    fn what_is_no_event_of_ours_is_refused() {
        let good = event("invoice.paid", &json!({"object": "invoice", "id": "in_1"}));
        assert!(Event::fetched(good.clone()).is_ok());
        for field in ["id", "object", "type", "created", "data"] {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(field);
            assert_eq!(Event::fetched(without), Err(EventError::Unreadable), "{field}");
        }
        for id in [json!(null), json!(7), json!(""), json!("in_1/void"), json!("in 1")] {
            let about_nothing = |kind| Event::fetched(event(kind, &json!({"object": "invoice", "id": id})));
            assert_eq!(about_nothing("invoice.paid"), Err(EventError::Unreadable), "{id}");
            assert!(about_nothing("invoice.sent").is_ok(), "{id}: what is not ours is left alone");
        }
        for value in [json!(null), json!([]), json!("evt_1"), json!({"data": {"object": 1}})] {
            assert_eq!(Event::fetched(value.clone()), Err(EventError::Unreadable), "{value}");
        }
    }

    #[test]
    fn nothing_unsigned_is_parsed() {
        let deep = "[".repeat(100_000);
        for body in [deep.as_bytes(), b"", b"\xff\xfe", b"{}"] {
            let delivery = Delivery { signature: "t=1,v1=00", body };
            let secrets = [Secret::webhook("whsec_test_secret").unwrap()];
            let refused = Event::receive(&delivery, &secrets, 1, "v");
            assert_eq!(refused, Err(EventError::Signature(SignatureError::Wrong)));
        }
    }
}
