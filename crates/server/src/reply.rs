//! Answers as responses.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_engine::engine::Outcome;
use serde::Serialize;

use crate::problem::Refused;

/// Says that an answer is the first one again.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("answers are made of texts and numbers");
    typed(status, "application/json", body)
}

/// A JSON answer with status 200.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// An answer of another type.
pub(crate) fn typed(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The answer to a command, made of its outcome alone: a replay has the same bytes. `body` is `None` when the answer
/// is not of the command's kind, which cannot be.
pub(crate) fn carried_out<T: Serialize>(
    status: StatusCode,
    outcome: &Outcome,
    body: Option<T>,
) -> Result<Response, Refused> {
    let body = body.ok_or_else(|| Refused::bug("an answer of another kind than its command"))?;
    let mut response = json(status, &body);
    if outcome.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
