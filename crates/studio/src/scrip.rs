//! How the studio calls scrip: its secret key, one key for each thing that it does, and another try when no answer came.
//!
//! It knows no meaning of what it sends. An answer of any status is handed on: what a refusal says is for the page.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The most that is read of an answer.
const ANSWER_LEN_MAX: usize = 1024 * 1024;
/// How long one try may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How often it is tried, and how long it waits after the first failure; doubled each time.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Scrip, for one studio.
#[derive(Clone)]
pub(crate) struct Scrip {
    connections: Client<HttpConnector, Full<Bytes>>,
    address: String,
    secret_key: String,
}

/// What scrip answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Amounts keep their digits: nothing here goes through a double.
    pub(crate) body: Value,
}

/// No answer came, however often it was asked.
#[derive(Debug)]
pub(crate) struct NoAnswer(pub(crate) String);

impl Scrip {
    pub(crate) fn new(address: &str, secret_key: String) -> Scrip {
        let connections = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Scrip { connections, address: address.to_owned(), secret_key }
    }

    /// Reads something.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.call(&Method::GET, path, None, None).await
    }

    /// Asks something that changes nothing: a quote.
    pub(crate) async fn ask(&self, path: &str, body: &Value) -> Result<Answer, NoAnswer> {
        self.call(&Method::POST, path, None, Some(body)).await
    }

    /// Has something done, once: however often it is sent, the key says that it is the same.
    pub(crate) async fn act(&self, path: &str, idempotency_key: &str, body: &Value) -> Result<Answer, NoAnswer> {
        self.call(&Method::POST, path, Some(idempotency_key), Some(body)).await
    }

    /// Sends a request until an answer comes that is not "try again" (503).
    async fn call(
        &self,
        method: &Method,
        path: &str,
        idempotency_key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, NoAnswer> {
        let mut wait = FIRST_WAIT;
        for try_number in 1.. {
            let tried = tokio::time::timeout(ANSWER_WAIT, self.exchange(method, path, idempotency_key, body)).await;
            let why = match tried {
                Ok(Ok(answer)) if answer.status != StatusCode::SERVICE_UNAVAILABLE => return Ok(answer),
                Ok(Ok(_)) => "it is busy".to_owned(),
                Ok(Err(problem)) => problem,
                Err(_) => "it did not answer in time".to_owned(),
            };
            if try_number == TRIES {
                return Err(NoAnswer(why));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        unreachable!("the last try returns")
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        idempotency_key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/v1{path}", self.address))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret_key));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
        let response = self.connections.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), ANSWER_LEN_MAX).collect().await;
        let bytes = bytes.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes).map_err(|error| format!("its answer cannot be read: {error}"))?;
        Ok(Answer { status, body })
    }
}
