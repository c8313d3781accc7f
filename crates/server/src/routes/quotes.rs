//! `/v1/quotes`: what a job would cost, line by line.

use axum::extract::State;
use axum::response::Response;
use scrip_api::quote::{QuoteAccountShown, QuoteRequest, QuoteShown};
use scrip_api::unfit::Unfit;
use scrip_core::rejection::Rejection;
use scrip_core::{quote, statement};

use crate::app::App;
use crate::auth::Authorised;
use crate::problem::Refused;
use crate::reply;
use crate::request::{Body, Query};

/// Prices a job; with an account, also whether and how that account could pay for it.
#[utoipa::path(post, path = "/v1/quotes", tag = "quotes", request_body = QuoteRequest,
    responses((status = 200, body = QuoteShown, description = "The price")))]
pub(super) async fn quote(
    State(app): State<App>,
    key: Authorised,
    query: Query,
    Body(request): Body<QuoteRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    let now = app.engine().now();
    // A missing account comes before what is wrong with the tool (R32).
    let account = match request.account()? {
        Some(id) => {
            key.must_own(&id)?;
            Some(app.account_at(key.studio, &id, now).await?)
        }
        None => None,
    };
    let published = match request.catalog_version {
        None => app.catalog(key.studio)?,
        Some(version) => app.catalog_that_was(key.studio, version)?,
    };
    let (tool, measures) = request.job().map_err(|unfit| match unfit {
        Unfit::Shape(invalid) => Refused::from(invalid),
        Unfit::Rule(rejection) => rejection.into(),
    })?;
    let priced = quote::quote(&published.catalog, tool.as_str(), &measures)?;
    let mut shown = QuoteShown::of(&tool, &priced, published.version);
    if let Some(account) = account {
        let found = published.catalog.tool(tool.as_str());
        let found = found.ok_or_else(|| Rejection::UnknownTool { tool: tool.as_str().into() })?;
        let part = statement::account_quote(&account, &app.engine().catalogs(), found, priced.credits, now);
        shown.account = Some(QuoteAccountShown::from(&part));
    }
    Ok(reply::ok(&shown))
}
