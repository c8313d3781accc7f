//! Around every request: a line in the log, figures, the headers that all answers share, and a
//! fault caught.
//!
//! The line has the method, the route's template, the status and the time, and nothing a caller
//! wrote: no address, no key, no id, no body. So nothing can be smuggled into the log, and no person
//! stands in it.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::app::App;
use crate::cors;
use crate::problem::Refused;

/// Answers a request with all that goes around it.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let origin = cors::origin(&app, &request);
    let mut response = match cors::preflight(&app, &request) {
        Some(answer) => answer,
        None => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => Refused::bug("a handler panicked").into_response(),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Nothing here is to be kept: balances and prices change.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = origin {
        cors::allow(headers, origin);
    }
    let took = began.elapsed();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let status = response.status().as_u16();
    app.metrics().answered(method, route, status, took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(method, route, status, micros, "answered");
    response
}

/// A method's name, when it is one of HTTP's own: what a caller makes up is not repeated.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "this method",
    }
}
