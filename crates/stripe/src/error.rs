//! What can go wrong with a call, as far as the caller must act differently.
//!
//! Never holds a text of the provider's own: those may repeat what was sent. Codes, parameters and the provider's
//! request id are enough to look it up there.

use std::fmt;

/// Why a call was not answered as hoped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bank said no.
    #[error("the payment was declined: {code}{}{request}", .decline_code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Declined {
        /// The provider's code, as in `card_declined`.
        code: String,
        /// The bank's reason, as in `insufficient_funds`, where it gave one.
        decline_code: Option<String>,
        /// The payment that was tried, where one was made.
        payment_intent: Option<String>,
        /// The provider's id of the request.
        request: RequestId,
    },
    /// The bank wants to see its customer, who is not there.
    #[error("the customer must authenticate the payment{request}")]
    AuthenticationNeeded {
        /// The payment that waits, where one was made.
        payment_intent: Option<String>,
        /// The provider's id of the request.
        request: RequestId,
    },
    /// The provider knows nothing by that name.
    #[error("the provider does not know what was asked for{}{request}", shown_param(.param.as_deref()))]
    Missing {
        /// The parameter that names it.
        param: Option<String>,
        /// The provider's id of the request.
        request: RequestId,
    },
    /// The provider cannot do what was asked, and never will.
    #[error("the provider refuses the request: status {status}, code {}{}{request}", .code.as_deref().unwrap_or("none"), shown_param(.param.as_deref()))]
    Invalid {
        /// The HTTP status.
        status: u16,
        /// The provider's code.
        code: Option<String>,
        /// The parameter that is wrong.
        param: Option<String>,
        /// The provider's id of the request.
        request: RequestId,
    },
    /// The key is wrong, revoked, or lacks a right.
    #[error("the provider does not accept the key (status {status}): check it in the provider's dashboard{request}")]
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// The provider's id of the request.
        request: RequestId,
    },
    /// The same idempotency key was used before for something else.
    #[error("the idempotency key was used for another request{request}")]
    IdempotencyKeyReused {
        /// The provider's id of the request.
        request: RequestId,
    },
    /// No answer that counts, after all tries.
    #[error("the provider could not be asked ({what}); {outcome}")]
    Unreachable {
        /// What happened at the last try.
        what: &'static str,
        /// Whether something may have been done all the same.
        outcome: Outcome,
    },
    /// An answer that is not in the provider's language.
    #[error("the provider answered what cannot be read ({what}); {outcome}{request}")]
    Rubbish {
        /// What about it.
        what: &'static str,
        /// Whether something may have been done all the same.
        outcome: Outcome,
        /// The provider's id of the request.
        request: RequestId,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Error::Unreachable { .. } | Error::Rubbish { .. } => true,
            Error::Declined { .. }
            | Error::AuthenticationNeeded { .. }
            | Error::Missing { .. }
            | Error::Invalid { .. }
            | Error::KeyRefused { .. }
            | Error::IdempotencyKeyReused { .. } => false,
        }
    }
}

/// What is known of a call that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It never reached the provider.
    NotDone,
    /// It may have been done: repeat it with the same idempotency key, or read what it was about.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::NotDone => "nothing was done",
            Outcome::Unknown => "whether it was done is unknown: repeat it with the same key",
        })
    }
}

/// The provider's own id of a request, to find it in its dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestId(pub Option<String>);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(id) => write!(f, " [{id}]"),
            None => Ok(()),
        }
    }
}

fn shown_param(param: Option<&str>) -> String {
    param.map(|param| format!(", parameter {param}")).unwrap_or_default()
}
