//! The studio's addresses: its pages, and what their script asks. Everything about an account goes through its own backend;
//! only the balance comes from scrip straight to the browser, with a customer token.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Shared;
use crate::jobs::{Asked, Job, Whose};
use crate::pages;
use crate::problem::Problem;
use crate::scrip::Scrip;

type App = State<Arc<Shared>>;
/// A body of JSON: no other site's page can send one unasked, so none can act in a customer's name.
type Body<T> = Result<Json<T>, JsonRejection>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/studio.css", get(|| async { pages::asset("text/css", include_str!("../assets/studio.css")) }))
        .route("/project.js", get(|| async { pages::asset("text/javascript", include_str!("../assets/project.js")) }))
        .route("/{studio}/{account}", get(project))
        .route("/{studio}/{account}/about", get(about))
        .route("/{studio}/{account}/credits-token", post(credits_token))
        .route("/{studio}/{account}/credits", get(credits))
        .route("/{studio}/{account}/quote", post(quote))
        .route("/{studio}/{account}/jobs", get(jobs).post(start))
        .route("/{studio}/{account}/jobs/{job}/cancel", post(cancel))
        .with_state(shared)
}

/// The accounts to choose from. A real studio has a sign-in here.
async fn index(State(shared): App) -> Result<Response, Problem> {
    let mut studios = Vec::new();
    for (studio, scrip) in &shared.studios {
        let name = scrip.get("/catalog").await?.accepted()?;
        let accounts = scrip.get("/accounts?limit=100").await?.accepted()?;
        studios.push((studio.clone(), name, accounts));
    }
    Ok(pages::index(&studios))
}

async fn project(State(shared): App, Path(whose): Path<Whose>) -> Result<Response, Problem> {
    scrip_of(&shared, &whose)?;
    Ok(pages::project(&shared.scrip_address, &whose))
}

/// What the project page shows besides its jobs: whose it is, and which tools there are.
async fn about(State(shared): App, Path(whose): Path<Whose>) -> Result<Json<Value>, Problem> {
    let scrip = scrip_of(&shared, &whose)?;
    let account = scrip.get(&format!("/accounts/{}", whose.1)).await?.accepted()?;
    let catalog = scrip.get("/catalog").await?.accepted()?;
    Ok(Json(json!({
        "studio": catalog["name"],
        "name": account["name"],
        "project_types": account["project_types"],
        "tools": catalog["tools"],
        "toolkits": catalog["toolkits"],
        "packages": catalog["packages"],
    })))
}

/// A customer token for the balance element: made here, with the secret key, for this one account.
async fn credits_token(
    State(shared): App,
    Path(whose): Path<Whose>,
    _json: Json<Value>,
) -> Result<Json<Value>, Problem> {
    let session = portal_session(scrip_of(&shared, &whose)?, &whose).await?;
    Ok(Json(json!({"token": session["token"], "expires_at": session["expires_at"]})))
}

/// What is missing for a job, and which page of the studio the customer is on.
#[derive(Deserialize)]
struct Leaving {
    short_by: Option<String>,
    back: Option<String>,
}

/// Off to scrip's pages of this account: to Buy Credits, where credits are missing. They lead back to where the customer was.
async fn credits(
    State(shared): App,
    Path(whose): Path<Whose>,
    Query(leaving): Query<Leaving>,
) -> Result<Response, Problem> {
    let session = portal_session(scrip_of(&shared, &whose)?, &whose).await?;
    let url = session["url"].as_str().unwrap_or_default();
    let mut wishes = Vec::new();
    if let Some(credits) = leaving.short_by {
        wishes.extend([("page", "buy-credits".to_owned()), ("short_by", credits)]);
    }
    // Scrip leads back only to origins that it knows.
    wishes.extend(leaving.back.map(|back| ("back", back)));
    let query: Vec<String> = wishes.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let location = HeaderValue::from_str(&format!("{url}?{}", query.join("&")));
    let headers = [
        (header::LOCATION, location.map_err(|_| Problem::NotFound)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// A text as part of a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => encoded.push(char::from(byte)),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    tool: String,
    measures: Value,
}

async fn quote(State(shared): App, Path(whose): Path<Whose>, chosen: Body<Chosen>) -> Result<Json<Value>, Problem> {
    let scrip = scrip_of(&shared, &whose)?;
    let Json(chosen) = chosen.map_err(|_| Problem::Unreadable("a tool and measures"))?;
    let asked = json!({"tool": chosen.tool, "measures": chosen.measures, "account": whose.1});
    Ok(Json(scrip.ask("/quotes", &asked).await?.accepted()?))
}

async fn jobs(State(shared): App, Path(whose): Path<Whose>) -> Result<Json<Vec<Job>>, Problem> {
    scrip_of(&shared, &whose)?;
    Ok(Json(shared.jobs.of(&whose)))
}

async fn start(
    State(shared): App,
    Path(whose): Path<Whose>,
    asked: Body<Asked>,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let scrip = scrip_of(&shared, &whose)?.clone();
    let Json(asked) = asked.map_err(|_| Problem::Unreadable("a job: tool, measures, price and ending"))?;
    Ok((StatusCode::CREATED, Json(shared.jobs.start(&scrip, whose, asked).await?)))
}

async fn cancel(
    State(shared): App,
    Path((studio, account, job)): Path<(String, String, String)>,
    _json: Json<Value>,
) -> Result<StatusCode, Problem> {
    let whose = (studio, account);
    scrip_of(&shared, &whose)?;
    shared.jobs.cancel(&whose, &job)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Scrip, as the studio calls it; an account's name is only ever put into an address when it is one.
fn scrip_of<'a>(shared: &'a Shared, (studio, account): &Whose) -> Result<&'a Scrip, Problem> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
    let named = !account.is_empty() && account.bytes().all(is_name) && account.bytes().any(|byte| byte != b'.');
    shared.studios.get(studio).filter(|_| named).ok_or(Problem::NotFound)
}

async fn portal_session(scrip: &Scrip, whose: &Whose) -> Result<Value, Problem> {
    let path = format!("/accounts/{}/portal-sessions", whose.1);
    scrip.ask(&path, &json!({})).await?.accepted()
}
