//! Asking the API, in this process, as the customer.
//!
//! The only way from a page to a number. What is refused comes back as the problem that any caller would get.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use scrip_api::catalog::CatalogShown;
use scrip_api::code::Code;
use scrip_api::problem::ProblemShown;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::trouble::Trouble;

/// The API's routes.
#[derive(Clone)]
pub(crate) struct Api(Router);

/// A request to the API.
pub(crate) struct Ask<'a> {
    /// `GET`, `PUT`, `POST` or `DELETE`.
    pub(crate) method: &'static str,
    /// Below `/v1`, with its query.
    pub(crate) path: String,
    /// The customer's token.
    pub(crate) token: &'a str,
    /// What makes a POST happen once.
    pub(crate) once: Option<&'a str>,
    /// The body, if any.
    pub(crate) body: Option<Value>,
    /// What is accepted.
    pub(crate) accept: &'static str,
}

/// An answer to what happens once.
pub(crate) struct Answered<T> {
    pub(crate) body: T,
    /// Whether it was done before, and this is the answer from then.
    pub(crate) replayed: bool,
}

impl Api {
    pub(crate) fn new(routes: Router) -> Api {
        Api(routes)
    }

    /// The answer's body, read.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T, Trouble> {
        read(&whole(self.send(ask).await?).await?)
    }

    /// The same, and whether it is the first answer to its key again.
    pub(crate) async fn ask_once<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<Answered<T>, Trouble> {
        let response = self.send(ask).await?;
        let replayed = response.headers().contains_key("idempotency-replayed");
        Ok(Answered { body: read(&whole(response).await?)?, replayed })
    }

    /// The answer as it comes; anything but success is the trouble that it tells of.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Response, Trouble> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(format!("/v1{}", ask.path))
            .header(header::AUTHORIZATION, format!("Bearer {}", ask.token))
            .header(header::ACCEPT, ask.accept);
        if let Some(once) = ask.once {
            request = request.header("idempotency-key", once);
        }
        let body = match &ask.body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        // What a browser wrote can be no header or address: then it is no token of ours either.
        self.call(request.body(body).map_err(|_| Trouble::Ended)?).await
    }

    /// Signs in to the console with a key, on behalf of whoever is at the other end of the connection.
    pub(crate) async fn sign_in<T: DeserializeOwned>(
        &self,
        key: &str,
        peer: Option<ConnectInfo<SocketAddr>>,
    ) -> Result<T, Trouble> {
        let request = Request::builder().method("POST").uri("/v1/console-sessions");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        let mut request = request.body(Body::empty()).map_err(|_| Trouble::Ended)?;
        peer.map(|peer| request.extensions_mut().insert(peer));
        read(&whole(self.call(request).await?).await?)
    }

    /// The document of a catalog version as it was written, and its format. `at`: `/catalog`, or a version's address.
    pub(crate) async fn catalog_source(&self, token: &str, at: &str) -> Result<(String, &'static str), Trouble> {
        for (media_type, format) in [("application/toml", "toml"), ("application/json", "json")] {
            let path = at.to_owned();
            let ask = Ask { method: "GET", path, token, once: None, body: None, accept: media_type };
            match self.send(ask).await {
                Ok(response) if format == "toml" => {
                    return String::from_utf8(whole(response).await?)
                        .map(|text| (text, format))
                        .map_err(|_| Trouble::Fault);
                }
                Ok(response) => {
                    let shown: CatalogShown = read(&whole(response).await?)?;
                    return Ok((shown.source.unwrap_or_default(), format));
                }
                Err(trouble) if trouble.is(Code::NotAcceptable) => {}
                Err(trouble) => return Err(trouble),
            }
        }
        Err(Trouble::Fault)
    }

    /// Checks or publishes a catalog's document.
    pub(crate) async fn send_catalog<T: DeserializeOwned>(
        &self,
        token: &str,
        path: &str,
        format: &str,
        source: &str,
    ) -> Result<T, Trouble> {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, format!("application/{format}"))
            .body(Body::from(source.to_owned()));
        read(&whole(self.call(request.map_err(|_| Trouble::Ended)?).await?).await?)
    }

    async fn call(&self, request: Request<Body>) -> Result<Response, Trouble> {
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status().is_success() {
            return Ok(response);
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(Trouble::Ended);
        }
        let body = whole(response).await?;
        let problem: ProblemShown = serde_json::from_slice(&body).map_err(|_| Trouble::Fault)?;
        Err(Trouble::Problem(Box::new(problem)))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::error!(%error, "an answer of the API is not of its shape");
        Trouble::Fault
    })
}

async fn whole(response: Response) -> Result<Vec<u8>, Trouble> {
    let collected = response.into_body().collect().await.map_err(|_| Trouble::Fault)?;
    Ok(collected.to_bytes().to_vec())
}
