//! Which web pages may call: only origins that a studio lists, and only with that studio's keys and its customers' tokens.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::auth;
use crate::customer_token;
use crate::keys;

/// The answer to a browser's question before the real request; `None` when this is not one, or not for us to answer.
pub(crate) fn preflight(app: &App, request: &Request) -> Option<Response> {
    let asks =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = listed_origin(app, request)?;
    if !asks {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type, idempotency-key"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow(headers, origin);
    Some(response)
}

/// The request's origin, when its answer may be read there. A question before the real request has no key yet, and
/// neither has a request that will be refused for it: there any studio's list counts.
pub(crate) fn origin(app: &App, request: &Request) -> Option<HeaderValue> {
    let origin = listed_origin(app, request)?;
    let secret = auth::bearer(request.headers()).ok();
    let holder = secret.and_then(|secret| {
        // What a token claims will do: one that is forged is refused anyway.
        let customer = customer_token::read(secret).map(|presented| presented.studio());
        customer.or_else(|| keys::holder(secret, &app.config().keys, app.engine()).map(|(studio, _)| studio))
    });
    let Some(number) = holder else { return Some(origin) };
    let (_, studio) = app.engine().studios().into_iter().find(|(other, _)| *other == number)?;
    let listed = app.config().cors.iter().any(|allowed| {
        allowed.studio == studio && allowed.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
    });
    listed.then_some(origin)
}

/// Lets the page of this origin read an answer.
pub(crate) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("idempotency-replayed, next-after, retry-after"),
    );
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The request's origin, when any studio lists it.
fn listed_origin(app: &App, request: &Request) -> Option<HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let mut listed = app.config().cors.iter().flat_map(|allowed| &allowed.origins);
    listed.any(|listed| listed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}
