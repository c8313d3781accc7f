//! What the studio's page is told when something cannot be done.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::scrip::{Answer, NoAnswer};

/// Why not.
pub(crate) enum Problem {
    /// There is no such studio, account or job here.
    NotFound,
    /// The page asked for something that makes no sense.
    Unreadable(&'static str),
    /// Scrip said no: its own words, with its code and data.
    Refused(StatusCode, Value),
    /// Scrip did not answer.
    NoAnswer(String),
}

impl From<NoAnswer> for Problem {
    fn from(NoAnswer(why): NoAnswer) -> Problem {
        Problem::NoAnswer(why)
    }
}

impl Answer {
    /// What was asked for, or scrip's refusal.
    pub(crate) fn accepted(self) -> Result<Value, Problem> {
        if self.status.is_success() { Ok(self.body) } else { Err(Problem::Refused(self.status, self.body)) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Problem::NotFound => {
                (StatusCode::NOT_FOUND, json!({"code": "not_found", "detail": "There is no such thing here."}))
            }
            Problem::Unreadable(what) => (StatusCode::BAD_REQUEST, json!({"code": "invalid_request", "detail": what})),
            // The studio's own key was refused: nothing that its customer could mend.
            Problem::Refused(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, body)
                if body["code"] != "project_type_not_enabled" =>
            {
                tracing::warn!(code = %body["code"], "scrip refuses the studio's key");
                (
                    StatusCode::BAD_GATEWAY,
                    json!({"code": "unavailable", "detail": "Credits cannot be reached at the moment."}),
                )
            }
            Problem::Refused(status, body) => (status, body),
            Problem::NoAnswer(why) => {
                tracing::warn!(why, "scrip does not answer");
                (
                    StatusCode::BAD_GATEWAY,
                    json!({"code": "unavailable", "detail": "Credits cannot be reached at the moment."}),
                )
            }
        };
        (status, Json(body)).into_response()
    }
}
