//! A refusal with the menu around it: whoever has a session goes on from there.

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::desk::{Desk, Told};
use super::frame::Frame;
use crate::frame;
use crate::visit::Site;

#[derive(Template)]
#[template(path = "console/refused.html")]
struct Refused {
    frame: Frame,
    title: &'static str,
    words: String,
}

/// Puts the menu around what was refused, where the session can still be read.
pub(super) async fn furnished(State(site): State<Site>, request: Request, next: Next) -> Response {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.headers = request.headers().clone();
    let mut response = next.run(request).await;
    let Some(Told { status, title, words }) = response.extensions_mut().remove::<Told>() else { return response };
    match Desk::from_request_parts(&mut parts, &site).await {
        Ok(desk) => frame::html(status, &Refused { frame: Frame::elsewhere(&desk), title, words }),
        Err(_) => response,
    }
}
