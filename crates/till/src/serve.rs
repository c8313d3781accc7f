//! HTTP: the API with its keys, replays and faults; the pages; the desk.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::calls::{self, Asked};
use crate::error::ApiError;
use crate::params::Params;
use crate::replay::{self, Kept};
use crate::switches::Fault;
use crate::till::Desk;
use crate::{desk, page};

/// The most that is read of a body.
const BODY_LEN_MAX: usize = 64 * 1024;

/// A connection that is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a switch asks for this connection to be closed")]
pub(crate) struct Closed;

type Body = UnsyncBoxBody<Bytes, Closed>;
pub(crate) type Reply = Response<Body>;

/// Accepts connections for ever.
pub(crate) async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let answer = |request| answer(Arc::clone(&desk), request);
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer));
            // A peer that breaks off is its own affair, and so is what a switch asked for.
            connection.await.ok();
        });
    }
}

/// Lets happen what falls due while nobody asks.
pub(crate) async fn pass_time(desk: Arc<Desk>) {
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        desk.change(|_| ());
    }
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Reply, Closed> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or("").to_owned();
    let Ok(body) = Limited::new(body, BODY_LEN_MAX).collect().await else {
        return Ok(text(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large.\n"));
    };
    let Ok(body) = String::from_utf8(body.to_bytes().to_vec()) else {
        return Ok(refusal(&ApiError::invalid("the body is not UTF-8")));
    };
    let came = Came { method: head.method.as_str(), path: &path, query: &query, headers: &head.headers, body: &body };
    if path.starts_with("/v1/") {
        api(&desk, &came).await
    } else if path.starts_with("/pay/") {
        Ok(page::answer(&desk, &came))
    } else {
        Ok(desk::answer(&desk, &came))
    }
}

/// A request that came whole.
pub(crate) struct Came<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a str,
}

impl Came<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it carries the key of the API.
    pub(crate) fn has_key(&self, desk: &Desk) -> bool {
        self.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) == Some(&desk.api_key)
    }
}

/// Something else than what was asked for.
fn other_object() -> Reply {
    json(StatusCode::OK, &serde_json::json!({"object": "balance"}))
}

/// A call of the API, and what a switch makes of it.
async fn api(desk: &Desk, came: &Came<'_>) -> Result<Reply, Closed> {
    let fault = desk.switches().next_fault();
    match fault {
        Some(Fault::Down) => return Err(Closed),
        Some(Fault::Error) => return Ok(refusal(&ApiError::fault(500, "api_error", None))),
        Some(Fault::Busy) => return Ok(refusal(&ApiError::fault(429, "invalid_request_error", Some("rate_limit")))),
        Some(Fault::Conflict) => {
            return Ok(refusal(&ApiError::fault(409, "idempotency_error", Some("idempotency_key_in_use"))));
        }
        Some(Fault::Rubbish) => return Ok(text(StatusCode::OK, "<html>It works!</html>\n")),
        Some(Fault::OtherObject) => return Ok(other_object()),
        Some(Fault::DoneThenSilent | Fault::DoneThenBroken | Fault::Slow(_)) | None => {}
    }
    if desk.switches().unreadable.as_deref().is_some_and(|id| came.path.ends_with(id)) {
        return Ok(other_object());
    }
    let reply = once(desk, came);
    match fault {
        Some(Fault::DoneThenSilent) => {
            drop(reply);
            pending().await
        }
        Some(Fault::DoneThenBroken) => Ok(broken()),
        Some(Fault::Slow(ms)) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(reply)
        }
        Some(Fault::Down | Fault::Error | Fault::Busy | Fault::Conflict | Fault::Rubbish | Fault::OtherObject)
        | None => Ok(reply),
    }
}

/// A call, carried out once for each idempotency key.
fn once(desk: &Desk, came: &Came<'_>) -> Reply {
    if !came.has_key(desk) {
        return refusal(&ApiError::unauthorized());
    }
    let key = came.header("idempotency-key").filter(|_| came.method == "POST");
    let call = replay::digest(came.method, came.path, came.body);
    let mut replays = desk.replays.lock().expect("nobody panics while replays are looked at");
    if let Some(key) = key {
        match replays.find(key, call) {
            Ok(Some(kept)) => {
                let mut reply = json(status(kept.status), &kept.body);
                reply.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
                return reply;
            }
            Ok(None) => {}
            Err(reused) => return refusal(&reused),
        }
    }
    let answer = match carry_out(desk, came) {
        Ok(body) => Kept { status: 200, body },
        Err(error) => Kept { status: error.status(), body: error.shown() },
    };
    let reply = json(status(answer.status), &answer.body);
    // What could not be read was never begun, and binds no key.
    if let Some(key) = key.filter(|_| !matches!(answer.status, 400 | 404)) {
        replays.keep(key.to_owned(), call, answer);
    }
    reply
}

fn carry_out(desk: &Desk, came: &Came<'_>) -> Result<Value, ApiError> {
    let params = Params::parse(came.query, came.body)?;
    desk.change(|book| calls::carry_out(book, Asked { method: came.method, path: came.path, params }))
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("statuses here are real")
}

fn refusal(error: &ApiError) -> Reply {
    json(status(error.status()), &error.shown())
}

/// An answer of the API.
pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
    let mut reply = typed(status, "application/json", body.to_string());
    reply.headers_mut().insert("request-id", HeaderValue::from_static("req_test"));
    reply.headers_mut().insert("stripe-version", HeaderValue::from_static(crate::API_VERSION));
    reply
}

/// An answer in words.
pub(crate) fn text(status: StatusCode, words: &str) -> Reply {
    typed(status, "text/plain; charset=utf-8", words.to_owned())
}

/// An answer of any type.
pub(crate) fn typed(status: StatusCode, media_type: &'static str, body: String) -> Reply {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut reply = Response::new(body);
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// To another page.
pub(crate) fn go_to(address: &str) -> Reply {
    match HeaderValue::from_str(address) {
        Ok(address) => {
            let mut reply = text(StatusCode::SEE_OTHER, "");
            reply.headers_mut().insert(header::LOCATION, address);
            reply
        }
        Err(_) => text(StatusCode::BAD_REQUEST, "The address to go back to cannot be written in a header.\n"),
    }
}

/// An answer that breaks off in its middle.
fn broken() -> Reply {
    let frames = [Ok(Frame::data(Bytes::from_static(b"{\"id\": \"cs_"))), Err(Closed)];
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync();
    let mut reply = Response::new(body);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
