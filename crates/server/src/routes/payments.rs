//! `/v1/payments/stripe/{studio}`: what the provider and its customers' browsers call. No key of ours: the provider signs, and
//! a browser names a page that only its customer knows.

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_api::unfit::InvalidField;
use scrip_stripe::Delivery;

use crate::app::App;
use crate::openapi::{SessionParam, StudioParam};
use crate::payments;
use crate::problem::Refused;
use crate::request::{Query, StudioPath, read};

/// An event of the provider's, signed by it. Whatever it says, the provider is asked about what it names.
#[utoipa::path(post, path = "/v1/payments/stripe/{studio}/webhook", tag = "payments", params(StudioParam),
    request_body(content = serde_json::Value, description = "The event, with the header Stripe-Signature"),
    responses((status = 204, description = "Taken: it need not be delivered again")))]
pub(super) async fn webhook(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    query: Query,
    headers: HeaderMap,
    body: HttpBody,
) -> Result<Response, Refused> {
    query.finish()?;
    let (number, at) = payments::account_named(&app, &studio).ok_or_else(no_payments_here)?;
    let limits = &app.config().limits;
    let body = read(&headers, body, limits.webhook_body, limits.body_wait).await?;
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let signature = signature.ok_or_else(|| InvalidField::new("Stripe-Signature", "the provider's signature"))?;
    payments::receive(&app, number, at, &Delivery { signature, body: &body }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Where a customer comes back to after paying: its order is settled at once.
#[utoipa::path(get, path = "/v1/payments/stripe/{studio}/return", tag = "payments", params(StudioParam, SessionParam),
    responses((status = 200, description = "A page that says what came of it", body = String, content_type = "text/html"),
              (status = 303, description = "To the studio's own page, with `order` and `state`")))]
pub(super) async fn come_back(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let session = query.read("session", "the provider's id of a page", |text| Some(text.to_owned()))?;
    query.finish()?;
    let session = session.ok_or_else(|| InvalidField::new("session", "the provider's id of a page"))?;
    let (number, at) = payments::account_named(&app, &studio).ok_or_else(no_payments_here)?;
    payments::back(&app, number, at, &session).await
}

/// Where a customer comes back to without paying.
#[utoipa::path(get, path = "/v1/payments/stripe/{studio}/cancelled", tag = "payments", params(StudioParam),
    responses((status = 200, description = "A page that says so", body = String, content_type = "text/html")))]
pub(super) async fn go_away(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    payments::account_named(&app, &studio).ok_or_else(no_payments_here)?;
    Ok(payments::away())
}

fn no_payments_here() -> Refused {
    Refused::new(Code::NotFound, "There is no such studio here that takes payments through Stripe.")
}
