//! One request over HTTP and its answer, with bounds on time and size. It knows no meaning of either.

use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::config::Config;
use crate::error::{Outcome, RequestId};

/// The most that is read of an answer: a page of a hundred events is well below.
const ANSWER_LEN_MAX: usize = 4 * 1024 * 1024;

/// A request of ours.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query, as in `/v1/refunds?limit=10`.
    pub(crate) path: String,
    /// The form that is sent; empty for reads.
    pub(crate) body: String,
    /// For what changes something.
    pub(crate) idempotency_key: Option<String>,
}

/// An answer of any status.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) request: RequestId,
    /// The provider's own word on whether to try again.
    pub(crate) should_retry: Option<ShouldRetry>,
    /// How long it wants us to wait.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// The header `Stripe-Should-Retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShouldRetry {
    Yes,
    No,
}

/// No answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) what: &'static str,
    pub(crate) outcome: Outcome,
}

/// Connections to the provider.
#[derive(Clone)]
pub(crate) struct Transport {
    connections: Connections<HttpsConnector<HttpConnector>, Full<Bytes>>,
    answer_wait: Duration,
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Transport {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.patience.connect_wait));
        // Plain HTTP is possible only where `ApiBase` let it through: to this machine.
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        let connections = Connections::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(tls.wrap_connector(tcp));
        Transport { connections, answer_wait: config.patience.answer_wait }
    }

    /// Sends one request and reads its answer, within the wait for answers.
    pub(crate) async fn send(&self, config: &Config, call: &Call) -> Result<Reply, Lost> {
        let request = request(config, call)?;
        match tokio::time::timeout(self.answer_wait, self.exchange(request, config.key.expose())).await {
            Ok(done) => done,
            Err(_) => Err(Lost { what: "no answer in time", outcome: Outcome::Unknown }),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, key: &str) -> Result<Reply, Lost> {
        let response = self.connections.request(request).await.map_err(|error| match error.is_connect() {
            true => Lost { what: "no connection", outcome: Outcome::NotDone },
            false => Lost { what: "the connection broke off", outcome: Outcome::Unknown },
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_LEN_MAX).collect().await.map_err(|error| {
            let what = if error.is::<LengthLimitError>() { "an answer too large" } else { "the answer broke off" };
            Lost { what, outcome: Outcome::Unknown }
        })?;
        Ok(Reply {
            status: head.status,
            request: RequestId(
                text(&head.headers, "request-id").filter(|id| plain(id) && !id.contains(key)).map(str::to_owned),
            ),
            should_retry: text(&head.headers, "stripe-should-retry").and_then(should_retry),
            retry_after: text(&head.headers, "retry-after")
                .and_then(|value| value.parse().ok())
                .map(Duration::from_secs),
            body: body.to_bytes(),
        })
    }
}

fn request(config: &Config, call: &Call) -> Result<Request<Full<Bytes>>, Lost> {
    let mut request = Request::builder()
        .method(call.method.clone())
        .uri(format!("{}{}", config.api_base.as_str(), call.path))
        .header(header::AUTHORIZATION, format!("Bearer {}", config.key.expose()))
        .header(header::USER_AGENT, concat!("scrip/", env!("CARGO_PKG_VERSION")))
        .header("stripe-version", &config.api_version);
    if let Some(key) = &call.idempotency_key {
        request = request.header("idempotency-key", key);
    }
    if call.method == Method::POST {
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    request
        .body(Full::from(call.body.clone()))
        .map_err(|_| Lost { what: "the request cannot be written as HTTP", outcome: Outcome::NotDone })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a foreign id may stand in a log: it looks like one, and no part of it like the number of a card.
pub(crate) fn plain(id: &str) -> bool {
    let like_an_id = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let like_a_card = id.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() >= 12);
    !id.is_empty() && id.len() <= 255 && id.bytes().all(like_an_id) && !like_a_card
}

fn should_retry(value: &str) -> Option<ShouldRetry> {
    match value {
        "true" => Some(ShouldRetry::Yes),
        "false" => Some(ShouldRetry::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_id_may_stand_in_a_log() {
        for id in ["req_abc123", "card_declined", "pi_1", "2026-10-28.endive"] {
            assert!(plain(id), "{id}");
        }
        for id in ["", "a b", "a\nb", "<b>", "4242424242424242", "x4242424242424242y"] {
            assert!(!plain(id), "{id}");
        }
    }
}
