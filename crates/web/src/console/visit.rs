//! Seeing what a customer sees: their own pages, for a quarter of an hour, to look at and nothing else. It is asked for with a reason,
//! and recorded.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use scrip_api::account::AccountShown;
use scrip_api::portal::PortalSessionShown;
use scrip_core::id::AccountId;
use serde_json::json;

use super::Page;
use super::account::account_id;
use super::desk::{Denied, Desk, Sent};
use super::frame::{Frame, Room};
use crate::frame;
use crate::trouble::Trouble;

/// The call that lets an operator see a customer's own pages.
pub(super) const CALL: &str = "POST /v1/accounts/{account}/portal-sessions";
/// How long it lasts, in seconds.
const LASTS_S: u32 = 900;

#[derive(Template)]
#[template(path = "console/visit.html")]
struct VisitPage {
    frame: Frame,
    account: AccountShown,
    fault: Option<String>,
}

/// Asks why.
pub(super) async fn ask(desk: Desk, Path(id): Path<String>) -> Page {
    let id = account_id(&id)?;
    if !desk.may(CALL) {
        return Err(Denied::not_yours());
    }
    shown(&desk, &id, None).await
}

async fn shown(desk: &Desk, id: &AccountId, fault: Option<String>) -> Page {
    let account: AccountShown = desk.get(&format!("/accounts/{id}")).await?;
    let page = VisitPage { frame: Frame::around(desk, Room::Accounts), account, fault };
    Ok(frame::html(StatusCode::OK, &page))
}

/// Opens them.
pub(super) async fn open(Path(id): Path<String>, sent: Sent) -> Page {
    let id = account_id(&id)?;
    if !sent.desk.may(CALL) {
        return Err(Denied::not_yours());
    }
    let Some(reason) = sent.text("reason") else {
        return shown(&sent.desk, &id, Some("Say why: the reason is kept with what you do.".to_owned())).await;
    };
    let body = json!({"expires_in": LASTS_S, "reason": reason});
    let asked = sent.desk.send("POST", format!("/accounts/{id}/portal-sessions"), None, body).await;
    let session: PortalSessionShown = match asked {
        Err(Denied(Trouble::Problem(problem))) if problem.status == 400 => {
            return shown(&sent.desk, &id, Some(problem.detail.clone())).await;
        }
        asked => asked?,
    };
    let to = HeaderValue::from_str(&format!("/portal/{}", session.token)).map_err(|_| Denied(Trouble::Fault))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

impl VisitPage {
    fn name(&self) -> &str {
        self.account.name.as_deref().unwrap_or(&self.account.account)
    }
}
