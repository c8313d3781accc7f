//! `/v1/audit`: what was done by hand, by whom and why.

use axum::extract::State;
use axum::response::Response;
use scrip_api::audit::{ActShown, AuditShown};
use scrip_core::entry::Kind;
use scrip_engine::history::JournalQuery;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::AuditParams;
use crate::problem::Refused;
use crate::reply;
use crate::request::{Query, journal_cursor};

/// What operators, and customers with a token, did by hand, newest first: grants, refunds, revokes, write-offs, releases,
/// orders, plans, erasures, and what moves no credits (keys, catalogs, sign-ins, customers let in).
#[utoipa::path(get, path = "/v1/audit", tag = "history", params(AuditParams),
    responses((status = 200, body = AuditShown, description = "A page of the audit trail")))]
pub(super) async fn list(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    let wanted = JournalQuery {
        before: query.journal_cursor()?,
        limit: query.limit()?,
        from: query.time("from")?,
        to: query.time("to")?,
        kinds: Kind::BY_HAND.to_vec(),
        by_hand: true,
        ..JournalQuery::default()
    };
    query.finish()?;
    let page = app.reading(move |engine| engine.journal(key.studio, &wanted)).await?;
    let acts = page.entries.iter().map(|(account, entry)| ActShown::of(account.as_ref(), entry)).collect();
    Ok(reply::ok(&AuditShown { acts, next: page.next.map(journal_cursor) }))
}
