//! One request over HTTPS and its answer, with bounds on time and size.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The most that is read of an answer.
const ANSWER_LEN_MAX: usize = 512 * 1024;
/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Connections to a provider.
#[derive(Clone)]
pub(crate) struct Transport(Connections<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// A form that is sent, and how we say who we are.
pub(crate) struct Form {
    pub(crate) body: String,
    pub(crate) authorization: Option<String>,
}

impl Transport {
    pub(crate) fn new() -> Transport {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(Duration::from_secs(5)));
        // Plain HTTP is possible only where `is_safe` let it through: to this machine.
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        Transport(Connections::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls.wrap_connector(tcp)))
    }

    /// Reads something.
    pub(crate) async fn get(&self, url: &str) -> Result<(StatusCode, Bytes), &'static str> {
        self.send(Request::get(url), Bytes::new()).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, url: &str, form: Form) -> Result<(StatusCode, Bytes), &'static str> {
        let mut request = Request::builder().method(Method::POST).uri(url);
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = form.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request, form.body.into()).await
    }

    async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), &'static str> {
        let request = request
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("scrip/", env!("CARGO_PKG_VERSION")))
            .body(Full::from(body))
            .map_err(|_| "the request cannot be written as HTTP")?;
        let exchange = async {
            let response = self.0.request(request).await.map_err(|_| "no connection")?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_LEN_MAX).collect().await.map_err(|_| "the answer broke off")?;
            Ok((head.status, body.to_bytes()))
        };
        tokio::time::timeout(ANSWER_WAIT, exchange).await.unwrap_or(Err("no answer in time"))
    }
}
