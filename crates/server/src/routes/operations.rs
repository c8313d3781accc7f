//! What operators' machines read: the document, health, readiness, figures. No key is needed.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::problem::Refused;
use crate::reply;
use crate::routes;

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operations",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(super) async fn document() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let (_, document) = routes::documented();
        Bytes::from(document.to_json().expect("the document is JSON"))
    });
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], document.clone()).into_response()
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> Response {
    reply::typed(StatusCode::OK, "text/plain; charset=utf-8", b"ok\n".to_vec())
}

/// Whether commands are taken: for load balancers.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Commands are taken", body = String, content_type = "text/plain"),
              (status = 503, description = "Not now", body = scrip_api::problem::ProblemShown,
               content_type = "application/problem+json")))]
pub(super) async fn readyz(State(app): State<App>) -> Result<Response, Refused> {
    let vitals = app.engine().vitals();
    if *app.stopping().borrow() {
        return Err(Refused::unavailable("The server is stopping"));
    }
    match vitals.trouble {
        None if vitals.ready => Ok(reply::typed(StatusCode::OK, "text/plain; charset=utf-8", b"ready\n".to_vec())),
        trouble => Err(Refused::unavailable(trouble.unwrap_or("The engine takes no commands"))),
    }
}

/// Figures for Prometheus, in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "The figures", body = String,
        content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    reply::typed(StatusCode::OK, TYPE, app.metrics().text().into_bytes())
}
