//! `/v1/test-clock`: only on a server that was started with one (R33).

use axum::extract::State;
use axum::response::Response;
use scrip_api::clock::TestClock;
use scrip_api::code::Code;
use scrip_api::time::Instant;

use crate::app::App;
use crate::auth::Authorised;
use crate::problem::Refused;
use crate::reply;
use crate::request::{Body, Query};

/// Where the test clock stands.
#[utoipa::path(get, path = "/v1/test-clock", tag = "test clock",
    responses((status = 200, body = TestClock, description = "The clock")))]
pub(super) async fn get(State(app): State<App>, _key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    there_is_one(&app)?;
    Ok(reply::ok(&TestClock { now: Instant(app.engine().now()) }))
}

/// Moves the test clock, for every studio of this server. Idempotent by content: it needs no key.
#[utoipa::path(post, path = "/v1/test-clock", tag = "test clock", request_body = TestClock,
    responses((status = 200, body = TestClock, description = "The clock, moved")))]
pub(super) async fn set(
    State(app): State<App>,
    _key: Authorised,
    query: Query,
    Body(request): Body<TestClock>,
) -> Result<Response, Refused> {
    query.finish()?;
    there_is_one(&app)?;
    let now = app.engine().move_clock(request.now.0).await?;
    Ok(reply::ok(&TestClock { now: Instant(now) }))
}

fn there_is_one(app: &App) -> Result<(), Refused> {
    if app.engine().has_test_clock() {
        return Ok(());
    }
    Err(Refused::new(Code::NotFound, "This server runs on the machine's clock; start it with --test-clock TIME."))
}
