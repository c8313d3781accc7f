//! What an operator can do to an account: which call of the API does it, what is to be said with it, and its body.

use scrip_api::number::Amount;
use scrip_core::amount::Credits;
use scrip_core::id::AccountId;
use serde_json::{Map, Value};

use crate::typed;
use crate::wording::Wording;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Give credits.
    Grant,
    /// Give credits of a charge back.
    Refund,
    /// Take credits of a lot back.
    Revoke,
    /// Forgive a debt.
    WriteOff,
    /// Free a hold.
    Release,
    /// Put the account on a plan.
    Plan,
    /// End its plan with the term.
    CancelPlan,
    /// Go on with its plan after all.
    KeepPlan,
    /// Say that an order was paid outside a provider.
    MarkPaid,
}

impl Act {
    /// Every one.
    pub(crate) const ALL: [Act; 9] = [
        Act::Grant,
        Act::Refund,
        Act::Revoke,
        Act::WriteOff,
        Act::Release,
        Act::Plan,
        Act::CancelPlan,
        Act::KeepPlan,
        Act::MarkPaid,
    ];

    /// The word in addresses.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Act::Grant => "grant",
            Act::Refund => "refund",
            Act::Revoke => "revoke",
            Act::WriteOff => "write-off",
            Act::Release => "release",
            Act::Plan => "plan",
            Act::CancelPlan => "cancel-plan",
            Act::KeepPlan => "keep-plan",
            Act::MarkPaid => "mark-paid",
        }
    }

    /// The call of the API that does it.
    pub(crate) const fn call(self) -> &'static str {
        match self {
            Act::Grant => "POST /v1/accounts/{account}/grants",
            Act::Refund => "POST /v1/accounts/{account}/charges/{charge}/refunds",
            Act::Revoke => "POST /v1/accounts/{account}/lots/{lot}/revoke",
            Act::WriteOff => "POST /v1/accounts/{account}/debt/write-off",
            Act::Release => "POST /v1/accounts/{account}/holds/{hold}/release",
            Act::Plan | Act::KeepPlan => "PUT /v1/accounts/{account}/subscription",
            Act::CancelPlan => "DELETE /v1/accounts/{account}/subscription",
            Act::MarkPaid => "POST /v1/accounts/{account}/orders/{order}/mark-paid",
        }
    }

    /// Its address below `/v1`.
    pub(crate) fn path(self, id: &AccountId, of: &str) -> String {
        match self {
            Act::Grant => format!("/accounts/{id}/grants"),
            Act::Refund => format!("/accounts/{id}/charges/{of}/refunds"),
            Act::Revoke => format!("/accounts/{id}/lots/{of}/revoke"),
            Act::WriteOff => format!("/accounts/{id}/debt/write-off"),
            Act::Release => format!("/accounts/{id}/holds/{of}/release"),
            Act::Plan | Act::CancelPlan | Act::KeepPlan => format!("/accounts/{id}/subscription"),
            Act::MarkPaid => format!("/accounts/{id}/orders/{of}/mark-paid"),
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Act::Grant => "Grant credits",
            Act::Refund => "Refund a charge",
            Act::Revoke => "Revoke credits",
            Act::WriteOff => "Write off the debt",
            Act::Release => "Release a hold",
            Act::Plan => "Change the plan",
            Act::CancelPlan => "Cancel the plan",
            Act::KeepPlan => "Keep the plan",
            Act::MarkPaid => "Mark an order as paid",
        }
    }

    /// The same where it is known what it is done to.
    pub(crate) const fn doing(self) -> &'static str {
        match self {
            Act::Refund => "Refund the charge",
            Act::Release => "Release the hold",
            Act::MarkPaid => "Mark the order as paid",
            Act::Grant | Act::Revoke | Act::WriteOff | Act::Plan | Act::CancelPlan | Act::KeepPlan => self.title(),
        }
    }

    /// The same on a button or a link.
    pub(crate) const fn short(self) -> &'static str {
        match self {
            Act::Grant => "Grant",
            Act::Refund => "Refund",
            Act::Revoke => "Revoke",
            Act::WriteOff => "Write off",
            Act::Release => "Release",
            Act::Plan => "Change plan",
            Act::CancelPlan => "Cancel plan",
            Act::KeepPlan => "Keep plan",
            Act::MarkPaid => "Mark paid",
        }
    }

    /// Whether an amount may be given.
    pub(crate) const fn takes_credits(self) -> bool {
        matches!(self, Act::Grant | Act::Refund | Act::Revoke | Act::WriteOff)
    }

    /// Whether it is done to the plan: then it hangs on what the preview saw of it.
    pub(crate) const fn is_of_plan(self) -> bool {
        matches!(self, Act::Plan | Act::CancelPlan | Act::KeepPlan)
    }

    /// Whether it is done to something of the account: a charge, a lot, a hold, an order.
    pub(crate) const fn takes_object(self) -> bool {
        matches!(self, Act::Refund | Act::Revoke | Act::Release | Act::MarkPaid)
    }

    /// What is asked for besides: why, or for a payment what shows it.
    pub(crate) const fn asks(self) -> &'static str {
        match self {
            Act::MarkPaid => "Reference of the payment",
            _ => "Reason",
        }
    }
}

/// Whether a text may be an id that scrip makes, as in `charge_4`.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The fields of an act, as they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) of: String,
    pub(crate) credits: String,
    pub(crate) class: String,
    /// A grant's last day; empty: it never ends.
    pub(crate) last_day: String,
    pub(crate) plan: String,
    /// A release's credits whose lots have ended come back.
    pub(crate) make_good: String,
    /// The reason, or the reference of a payment.
    pub(crate) reason: String,
}

impl Fields {
    /// What is to be mended before the API is asked.
    pub(crate) fn fault(&self, act: Act) -> Option<String> {
        if act.takes_credits()
            && !self.credits.is_empty()
            && let Err(fault) = typed::number("Credits", &self.credits)
        {
            return Some(fault);
        }
        self.missing(act).map(str::to_owned)
    }

    /// What is not said, or is not to be had.
    fn missing(&self, act: Act) -> Option<&'static str> {
        let credits = Credits::parse(&self.credits);
        if self.reason.is_empty() {
            return Some(match act {
                Act::MarkPaid => "Say what shows the payment: an invoice, a transfer.",
                _ => "Say why: the reason is kept with what you do.",
            });
        }
        if act == Act::Grant && !credits.as_ref().is_ok_and(|credits| credits.is_positive()) {
            return Some("Say how many credits, more than zero, as in 25 or 4.5.");
        }
        if act.takes_credits() && !self.credits.is_empty() && !credits.is_ok_and(|credits| credits.is_positive()) {
            return Some("Say how many credits, more than zero, or leave it empty for all.");
        }
        if act == Act::Grant && !self.last_day.is_empty() && self.ends().is_none() {
            return Some("Say the last day as a date, as in 2026-12-31, or leave it empty.");
        }
        if act.takes_object() && !is_id(&self.of) {
            return Some("It is not said what this is done to; choose it on the account’s page.");
        }
        (act == Act::Plan && self.plan.is_empty()).then_some("Choose a plan.")
    }

    /// When a grant ends: with its last day, in UTC.
    fn ends(&self) -> Option<String> {
        let day: jiff::civil::Date = self.last_day.parse().ok()?;
        Some(format!("{}T00:00:00Z", day.tomorrow().ok()?))
    }

    /// The body of the call.
    pub(crate) fn body(&self, act: Act) -> Value {
        let mut body = Map::new();
        if act.takes_credits()
            && let Ok(credits) = Credits::parse(&self.credits)
            && let Ok(number) = serde_json::from_str::<Value>(&credits.to_string())
        {
            body.insert("credits".to_owned(), number);
        }
        let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
        put(if act == Act::MarkPaid { "reference" } else { "reason" }, self.reason.clone().into());
        match act {
            Act::Grant => {
                put("class", self.class.clone().into());
                if let Some(ends) = self.ends() {
                    put("expires_at", ends.into());
                }
            }
            Act::Plan | Act::KeepPlan => put("plan", self.plan.clone().into()),
            Act::Release if !self.make_good.is_empty() => put("make_good", true.into()),
            Act::Release | Act::Refund | Act::Revoke | Act::WriteOff | Act::CancelPlan | Act::MarkPaid => {}
        }
        Value::Object(body)
    }

    /// The amount that was asked for.
    pub(crate) fn amount(&self, wording: &Wording) -> Option<String> {
        Credits::parse(&self.credits).ok().map(|credits| wording.amount(&Amount(credits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(credits: &str, of: &str, reason: &str) -> Fields {
        Fields { credits: credits.to_owned(), of: of.to_owned(), reason: reason.to_owned(), ..Fields::default() }
    }

    #[test]
    fn a_form_is_held_back_until_it_says_what_and_why() {
        let ending = |last_day: &str| Fields { last_day: last_day.to_owned(), ..fields("25", "", "launch") };
        for (act, given, fit) in [
            (Act::Grant, fields("25", "", "launch"), true),
            (Act::Grant, fields("4.5", "", "launch"), true),
            (Act::Grant, fields("", "", "launch"), false),
            (Act::Grant, fields("-1", "", "launch"), false),
            (Act::Grant, fields("0", "", "launch"), false),
            (Act::Grant, fields("many", "", "launch"), false),
            (Act::Grant, fields("1.500", "", "launch"), false),
            (Act::Grant, fields("1.5", "", "launch"), true),
            (Act::Grant, fields("1,500", "", "launch"), false),
            (Act::Refund, fields("1.500", "charge_4", "black frames"), false),
            (Act::Grant, fields("25", "", ""), false),
            (Act::Grant, ending("2026-12-31"), true),
            (Act::Grant, ending("2026-02-30"), false),
            (Act::Grant, ending("soon"), false),
            (Act::Refund, fields("", "charge_4", "black frames"), true),
            (Act::Refund, fields("2", "charge_4", "black frames"), true),
            (Act::Refund, fields("", "", "black frames"), false),
            (Act::Refund, fields("", "../grants", "black frames"), false),
            (Act::Revoke, fields("x", "lot_2", "twice"), false),
            (Act::Release, fields("", "hold_3", "stuck"), true),
            (Act::Release, fields("", "hold_3", ""), false),
            (Act::Plan, fields("", "", "asked for"), false),
            (Act::CancelPlan, fields("", "", "asked for"), true),
            (Act::CancelPlan, fields("", "", ""), false),
            (Act::MarkPaid, fields("", "order_3", "invoice 7"), true),
            (Act::MarkPaid, fields("", "order_3", ""), false),
        ] {
            assert_eq!(given.fault(act).is_none(), fit, "{act:?} {given:?}");
        }
    }

    #[test]
    fn a_body_says_what_was_filled_in_and_nothing_else() {
        let fields = Fields {
            credits: "4.50".to_owned(),
            class: "promo".to_owned(),
            plan: "pro".to_owned(),
            reason: "launch".to_owned(),
            of: "lot_2".to_owned(),
            last_day: "2026-12-31".to_owned(),
            make_good: "on".to_owned(),
        };
        for (act, body) in [
            (Act::Grant, r#"{"class":"promo","credits":4.5,"expires_at":"2027-01-01T00:00:00Z","reason":"launch"}"#),
            (Act::Revoke, r#"{"credits":4.5,"reason":"launch"}"#),
            (Act::Release, r#"{"make_good":true,"reason":"launch"}"#),
            (Act::Plan, r#"{"plan":"pro","reason":"launch"}"#),
            (Act::MarkPaid, r#"{"reference":"launch"}"#),
        ] {
            assert_eq!(fields.body(act).to_string(), body, "{act:?}");
        }
    }
}
