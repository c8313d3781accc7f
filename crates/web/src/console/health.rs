//! *Health*: whether the server and its store take work, and how much waits.

use askama::Template;
use axum::http::StatusCode;
use scrip_api::console::HealthShown;

use super::Page;
use super::desk::Desk;
use super::frame::{Frame, Room};
use crate::frame;

#[derive(Template)]
#[template(path = "console/health.html")]
struct Health {
    frame: Frame,
    health: HealthShown,
}

/// The page.
pub(super) async fn page(desk: Desk) -> Page {
    let health: HealthShown = desk.get("/health").await?;
    Ok(frame::html(StatusCode::OK, &Health { frame: Frame::around(&desk, Room::Health), health }))
}

impl Health {
    fn count(&self, count: &u64) -> String {
        self.frame.wording.count(*count)
    }
}
