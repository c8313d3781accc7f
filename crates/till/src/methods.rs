//! The ways to pay that the page offers: test numbers, each with its outcome. No other number is taken, so that nobody's
//! real card is ever typed in here.

use crate::error::CardRefusal;

/// A way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    /// The number.
    pub(crate) number: &'static str,
    /// What the page says of it.
    pub(crate) says: &'static str,
    /// Card or bank debit.
    pub(crate) kind: Kind,
    /// What becomes of a payment while its owner is there.
    pub(crate) present: Outcome,
    /// And while its owner is away.
    pub(crate) away: Outcome,
}

/// Kinds of payment methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Card,
    BankDebit,
}

/// What becomes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The money is there.
    Paid,
    /// The money is there, and the bank disputes it at once.
    PaidAndDisputed,
    /// The bank says no.
    Declined(CardRefusal),
    /// The bank wants to see its customer.
    Authentication,
    /// The money comes later.
    ArrivesLater,
    /// It is known later that the money does not come.
    FailsLater,
}

const DECLINED: CardRefusal =
    CardRefusal { code: "card_declined", decline_code: Some("generic_decline"), message: "Your card was declined." };
const NO_FUNDS: CardRefusal = CardRefusal {
    code: "card_declined",
    decline_code: Some("insufficient_funds"),
    message: "Your card has insufficient funds.",
};
/// A payment away from its owner that the bank wants authenticated.
pub(crate) const AUTHENTICATION_REQUIRED: CardRefusal = CardRefusal {
    code: "authentication_required",
    decline_code: Some("authentication_required"),
    message: "Your card was declined. This transaction requires authentication.",
};
/// A card that is no longer valid.
pub(crate) const EXPIRED: CardRefusal =
    CardRefusal { code: "expired_card", decline_code: Some("expired_card"), message: "Your card has expired." };
/// The customer failed, or gave up, to authenticate.
pub(crate) const AUTHENTICATION_FAILED: CardRefusal = CardRefusal {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "The payment could not be authenticated.",
};
/// A bank debit that came back.
pub(crate) const DEBIT_FAILED: CardRefusal =
    CardRefusal { code: "debit_not_authorized", decline_code: None, message: "The bank did not make the payment." };

const fn card(number: &'static str, says: &'static str, present: Outcome, away: Outcome) -> Method {
    Method { number, says, kind: Kind::Card, present, away }
}

/// All of them, the ordinary one first.
pub(crate) const METHODS: &[Method] = &[
    card("4242424242424242", "is paid", Outcome::Paid, Outcome::Paid),
    card("4000000000000002", "is declined", Outcome::Declined(DECLINED), Outcome::Declined(DECLINED)),
    card("4000000000009995", "is declined: no funds", Outcome::Declined(NO_FUNDS), Outcome::Declined(NO_FUNDS)),
    card("4000002500003155", "asks for authentication", Outcome::Authentication, Outcome::Authentication),
    card("4000000000000341", "is paid now, declined when charged later", Outcome::Paid, Outcome::Declined(DECLINED)),
    card("4000000000000259", "is paid, then disputed", Outcome::PaidAndDisputed, Outcome::PaidAndDisputed),
    Method {
        number: "000123456789",
        says: "arrives a little later",
        kind: Kind::BankDebit,
        present: Outcome::ArrivesLater,
        away: Outcome::ArrivesLater,
    },
    Method {
        number: "000111111113",
        says: "fails a little later",
        kind: Kind::BankDebit,
        present: Outcome::FailsLater,
        away: Outcome::FailsLater,
    },
];

/// The one with a number, blanks aside, or with one of the provider's own names for it.
pub(crate) fn find(text: &str) -> Option<&'static Method> {
    let number = match text {
        "pm_card_visa" => "4242424242424242",
        "pm_card_visa_chargeDeclined" => "4000000000000002",
        "pm_card_visa_chargeDeclinedInsufficientFunds" => "4000000000009995",
        "pm_card_authenticationRequired" => "4000002500003155",
        "pm_card_chargeCustomerFail" => "4000000000000341",
        "pm_card_createDispute" => "4000000000000259",
        other => other,
    };
    let digits: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    METHODS.iter().find(|method| method.number == digits)
}

impl Method {
    /// Its last four digits.
    pub(crate) fn last_four(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }
}
