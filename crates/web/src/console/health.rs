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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::get;
    use axum::{Json, Router};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    /// The page, where the API answers this of the store.
    fn page(health: Value) -> String {
        let visit = json!({
            "studio": "Flow Studio", "by": "key_1", "role": "admin", "calls": [], "now": "2026-01-31T10:00:00Z",
        });
        let api = Router::new()
            .route("/v1/console-session", get(async || Json(visit)))
            .route("/v1/health", get(async || Json(health)));
        let pages = crate::pages(api, crate::Options::default());
        let asked = Request::get("/console/health").header("cookie", "scrip_console=cs_x").body(Body::empty()).unwrap();
        let answer = async { pages.oneshot(asked).await.unwrap().into_body().collect().await.unwrap().to_bytes() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        String::from_utf8(runtime.block_on(answer).to_vec()).unwrap()
    }

    #[test]
    fn a_store_that_takes_no_work_is_told_with_its_trouble() {
        let health = |ready: bool, trouble: Value| {
            json!({
                "at": "2026-01-31T10:00:00Z", "ready": ready, "trouble": trouble, "version": "0.1.0", "entries": 1_234, "behind": 7,
                "waiting": 3, "accounts_in_memory": 5, "accepted": 1_000, "refused": 20, "replayed": 1,
            })
        };
        let well = page(health(true, Value::Null));
        assert!(well.contains("The server takes work") && !well.contains("role=\"alert\""), "{well}");
        let ill = page(health(false, json!("the store refused the last write")));
        let words = "<p class=\"alert bad\" role=\"alert\">The server takes no work: the store refused the last write.";
        assert!(ill.contains(words) && !ill.contains("The server takes work"), "{ill}");
        for (of, number) in [("entries", "1,234"), ("behind", "7"), ("waiting", "3"), ("refused", "20")] {
            assert!(ill.contains(&format!("<dd data-n=\"{of}\">{number}</dd>")), "{of}: {ill}");
        }
    }
}
