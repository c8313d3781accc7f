//! `/v1/payments/stripe/{studio}`: what the provider and its customers' browsers call. No key of ours: the provider signs, and
//! a browser names a page that only its customer knows. And `/v1/payments/deliveries`, where the studio sees what came of it.

use std::fmt;

use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use scrip_api::payment::{DeliveriesShown, DeliveryShown};
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::id::{ProviderRef, StudioNumber};
use scrip_core::time::Time;
use scrip_stripe::Delivery;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{DeliveriesParams, SessionParam, StudioParam};
use crate::payments::{self, Became, DeliveryRow, OPEN_MAX};
use crate::problem::Refused;
use crate::reply;
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
    let body = read(&headers, body, limits.webhook_body, limits.body_wait).await;
    let body = body.map_err(|refused| payments::unread(&app, number, at, refused))?;
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    let signature = signature.ok_or_else(|| payments::unsigned(&app, number, at))?;
    payments::receive(&app, number, at, &Delivery { signature, body: &body }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Where a customer comes back to after paying: its order is settled at once.
#[utoipa::path(get, path = "/v1/payments/stripe/{studio}/return", tag = "payments", params(StudioParam, SessionParam),
    responses((status = 200, description = "A page that says what came of it", body = String, content_type = "text/html"),
              (status = 303, description = "To the customer's pages where they came from those, or to the studio's own with `order` and `state`")))]
pub(super) async fn come_back(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Refused> {
    let session = query.read("session", "the provider's id of a page", |text| Some(text.to_owned()))?;
    query.finish()?;
    let session = session.ok_or_else(|| InvalidField::new("session", "the provider's id of a page"))?;
    let (number, at) = payments::account_named(&app, &studio).ok_or_else(no_payments_here)?;
    payments::back(&app, number, at, &session, &headers).await
}

/// Where a customer comes back to without paying.
#[utoipa::path(get, path = "/v1/payments/stripe/{studio}/cancelled", tag = "payments", params(StudioParam),
    responses((status = 200, description = "A page that says so", body = String, content_type = "text/html"),
              (status = 303, description = "To the customer's pages where they came from those")))]
pub(super) async fn go_away(
    State(app): State<App>,
    StudioPath(studio): StudioPath,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    payments::account_named(&app, &studio).ok_or_else(no_payments_here)?;
    Ok(payments::away(&app, &headers).await)
}

/// What the provider delivered and what became of it, newest first: of the last thousand since the server started, and of what is
/// open from before.
#[utoipa::path(get, path = "/v1/payments/deliveries", tag = "payments", params(DeliveriesParams),
    responses((status = 200, body = DeliveriesShown, description = "The deliveries")))]
pub(super) async fn deliveries(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    let state = query.read("state", "settled, left_alone, refused or open", |text| {
        ["settled", "left_alone", "refused", "open"].into_iter().find(|word| *word == text)
    })?;
    // Each row's order is looked up; all that is open can be shown.
    let limit = query.limit_to(OPEN_MAX)?;
    let after = query.read("after", "the next of the page before", Place::parse)?;
    query.finish()?;
    let rows = app.deliveries().rows(&app, key.studio);
    let rows: Vec<(Place, &DeliveryRow)> = Place::of_all(&rows)
        .into_iter()
        .zip(&rows)
        .filter(|(place, row)| {
            state.is_none_or(|state| shown_state(&row.became).0 == state)
                && after.is_none_or(|after| place.is_behind(after))
        })
        .collect();
    let mut deliveries = Vec::new();
    for (_, row) in rows.iter().take(limit) {
        deliveries.push(shown(&app, key.studio, row).await?);
    }
    let last = rows.get(..limit).filter(|_| rows.len() > limit).and_then(|page| page.last());
    let next = last.map(|(place, _)| place.to_string());
    let asked_until = app.deliveries().asked_until(&app, key.studio);
    let asked_until = asked_until.map(|seconds| Instant(Time::from_micros(seconds.saturating_mul(1_000_000))));
    Ok(reply::ok(&DeliveriesShown { deliveries, asked_until, next }))
}

/// A delivery's place in the list, newest first: its time, and how many of the same time stand before it. What is delivered anew goes to
/// the front; the others stay where they are.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    at: Time,
    nth: u32,
}

impl Place {
    fn of_all(rows: &[DeliveryRow]) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::with_capacity(rows.len());
        for row in rows {
            let nth = places.last().filter(|last| last.at == row.at).map_or(0, |last| last.nth + 1);
            places.push(Place { at: row.at, nth });
        }
        places
    }

    fn is_behind(self, other: Place) -> bool {
        self.at < other.at || (self.at == other.at && self.nth > other.nth)
    }

    fn parse(text: &str) -> Option<Place> {
        let (at, nth) = text.strip_prefix('d')?.split_once('-')?;
        let at = Time::from_micros(i64::from_str_radix(at, 16).ok()?);
        let place = Place { at, nth: u32::from_str_radix(nth, 16).ok()? };
        (place.to_string() == text).then_some(place)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{:x}-{:x}", self.at.micros(), self.nth)
    }
}

/// A delivery, with the order that is known by its page or payment now.
async fn shown(app: &App, studio: StudioNumber, row: &DeliveryRow) -> Result<DeliveryShown, Refused> {
    let reference = row.object.as_deref().and_then(|object| ProviderRef::parse(object).ok());
    let known = match reference {
        Some(reference) => app.engine().order_of_provider(studio, &reference).await?,
        None => None,
    };
    let (state, reason) = shown_state(&row.became);
    Ok(DeliveryShown {
        at: Instant(row.at),
        times: row.times,
        event: row.event.clone(),
        kind: row.kind.map(str::to_owned),
        object: row.object.clone(),
        state: state.to_owned(),
        reason: reason.map(str::to_owned),
        order: known.as_ref().map(|(_, order)| order.id.to_string()),
        account: known.map(|(account, _)| account.to_string()),
    })
}

/// The word for what became of a delivery, and why.
fn shown_state(became: &Became) -> (&'static str, Option<&str>) {
    match became {
        Became::Settled => ("settled", None),
        Became::LeftAlone => ("left_alone", None),
        Became::Refused(why) => ("refused", Some(why)),
        Became::Open(reason) => ("open", Some(reason)),
    }
}

fn no_payments_here() -> Refused {
    Refused::new(Code::NotFound, "There is no such studio here that takes payments through Stripe.")
}
