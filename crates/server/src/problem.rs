//! Refusals as responses.
//!
//! Whatever goes wrong in a handler becomes a [`Refused`] here and nowhere else, so that every error
//! has the same shape. It never repeats the text of an inner failure to a caller.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_api::problem::Problem;
use scrip_api::unfit::InvalidField;
use scrip_core::rejection::Rejection;
use scrip_engine::engine::Refusal;
use scrip_engine::store::StoreError;

/// A handler's refusal.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Box<Problem>);

impl Refused {
    /// A refusal without members of its own.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Refused {
        Problem::new(code, detail).into()
    }

    /// An answer of another kind than the command's: cannot happen.
    pub(crate) fn bug(what: &'static str) -> Refused {
        tracing::error!(what, "a fault in scrip itself");
        Refused::new(Code::Internal, "scrip has a fault; what was acknowledged is safe. Please report it.")
    }

    /// Not now.
    pub(crate) fn unavailable(why: &'static str) -> Refused {
        Refused::new(Code::Unavailable, format!("{why}. Nothing is lost: repeat the request with the same key."))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused(Box::new(problem))
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Refused {
        Problem::from(rejection).into()
    }
}

impl From<InvalidField> for Refused {
    fn from(invalid: InvalidField) -> Refused {
        Problem::from(invalid).into()
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::Unavailable(why) => Refused::unavailable(why),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        tracing::error!(%error, "the store could not be read");
        match error {
            StoreError::Refused(_) | StoreError::Unknown(_) => Refused::unavailable("The store could not be read"),
            StoreError::Damaged(_) => {
                Refused::new(Code::Internal, "Something stored cannot be read; run `scrip verify` to see what.")
            }
        }
    }
}

/// The body of a problem.
pub(crate) fn body(problem: &Problem) -> Vec<u8> {
    serde_json::to_vec(problem).expect("a problem is made of texts and numbers")
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = *self.0;
        let status = StatusCode::from_u16(problem.code.status()).expect("codes have real statuses");
        let mut response = (status, body(&problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match problem.code {
            Code::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scrip\""));
            }
            Code::RateLimited => {
                let wait = problem.data.get("retry_after").map(ToString::to_string);
                if let Some(wait) = wait.and_then(|wait| HeaderValue::from_str(&wait).ok()) {
                    headers.insert(header::RETRY_AFTER, wait);
                }
            }
            Code::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Code::RequestTimeout => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
