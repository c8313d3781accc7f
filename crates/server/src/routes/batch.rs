//! `/v1/batch`: JSON Lines in, JSON Lines out, each line standing or falling alone.
//!
//! All lines go to the engine together and in order, so that a batch costs one wait for the disk.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::batch::{BatchLine, Operation, Ordered};
use scrip_api::charge::{ChargeShown, RefundShown};
use scrip_api::code::Code;
use scrip_api::grant::GrantShown;
use scrip_api::hold::{HoldPlacedShown, HoldReleasedShown, HoldSettledShown};
use scrip_api::problem::Problem;
use scrip_core::answer::Answer;
use scrip_core::command::Command as Asked;
use scrip_core::id::StudioNumber;
use scrip_core::lot::Class;
use scrip_engine::engine::{Outcome, Refusal, Request as Command};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::Authorised;
use crate::problem::Refused;
use crate::reply;
use crate::request::{Query, media_type, parse, read};
use crate::rights::Extent;

/// Lines of one batch at the most.
const LINES_MAX: usize = 20_000;
/// Bodies above this many bytes are read apart from the async threads.
const APART_FROM: usize = 64 * 1024;
/// What the lines may be sent as.
const MEDIA_TYPES: [&str; 4] =
    ["application/x-ndjson", "application/jsonl", "application/json-lines", "application/json"];

/// Carries out many commands: a line each, answered in the same order. A key may send the lines whose own calls it may make.
#[utoipa::path(post, path = "/v1/batch", tag = "batch",
    request_body(content_type = "application/x-ndjson", content = BatchLine, description = "One object per line"),
    responses((status = 200, content_type = "application/x-ndjson", body = String,
        description = "One object per line: `status`, `key`, `replayed`, and the answer or problem of the line's route")))]
pub(super) async fn carry_out(
    State(app): State<App>,
    key: Authorised,
    query: Query,
    request: Request,
) -> Result<Response, Refused> {
    query.finish()?;
    let limits = &app.config().limits;
    let (parts, body) = request.into_parts();
    media_type(&parts.headers, &MEDIA_TYPES)?;
    let body = read(&parts.headers, body, limits.batch_body, limits.body_wait).await?;
    let (studio, by, large) = (key.studio, key.by(), body.len() > APART_FROM);
    let lines = apart_if(large, move || lines(&body, &key)).await??;
    let outcomes = outcomes(&app, studio, by, &lines).await;
    let written = apart_if(large, move || written(&lines, outcomes)).await?;
    Ok(reply::typed(StatusCode::OK, "application/x-ndjson", written))
}

/// Runs long work apart from the async threads.
async fn apart_if<T: Send + 'static>(large: bool, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    if !large {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|_| Refused::bug("a batch ended without an answer"))
}

/// A line as it was read.
enum Line {
    /// A command, or what the rules would say to it once its account was found.
    Ready(Ordered),
    /// No command.
    Refused {
        /// Its key, if that much could be read.
        key: Option<String>,
        /// Why.
        problem: Problem,
    },
}

fn lines(body: &[u8], key: &Authorised) -> Result<Vec<Line>, Refused> {
    let filled = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<_> = filled.map(|text| line(text, key)).take(LINES_MAX + 1).collect();
    if lines.len() > LINES_MAX {
        let detail = format!("A batch has at most {LINES_MAX} lines; send the rest in another.");
        return Err(Problem::new(Code::TooLarge, detail).with("limit", LINES_MAX).into());
    }
    Ok(lines)
}

fn line(text: &[u8], key: &Authorised) -> Line {
    let read = parse::<BatchLine>(text).and_then(BatchLine::ordered);
    match read {
        Ok(ordered) if may(key, &ordered) => Line::Ready(ordered),
        Ok(ordered) => Line::Refused {
            key: Some(ordered.key.to_string()),
            problem: Problem::new(Code::Forbidden, "This key's role does not do this; docs/roles.md says which do."),
        },
        Err(invalid) => Line::Refused { key: key_of(text), problem: invalid.into() },
    }
}

/// Whether a key may do what a line says: as on the line's own route.
fn may(key: &Authorised, ordered: &Ordered) -> bool {
    let path = match ordered.op {
        Operation::Hold => "/v1/accounts/{account}/holds",
        Operation::Settle => "/v1/accounts/{account}/holds/{hold}/settle",
        Operation::Release => "/v1/accounts/{account}/holds/{hold}/release",
        Operation::Charge => "/v1/accounts/{account}/charges",
        Operation::Grant => "/v1/accounts/{account}/grants",
        Operation::Refund => "/v1/accounts/{account}/charges/{charge}/refunds",
    };
    match key.may("POST", path) {
        Some(Extent::Whole) => true,
        Some(Extent::Part(_)) => !matches!(&ordered.command, Ok(Asked::Grant(grant)) if grant.class != Class::MakeGood),
        None => false,
    }
}

/// The key of a line that could not be read otherwise.
fn key_of(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Keyed {
        key: String,
    }
    serde_json::from_slice::<Keyed>(text).ok().map(|keyed| keyed.key)
}

/// What became of each line that was a command, in order.
async fn outcomes(app: &App, studio: StudioNumber, by: Arc<str>, lines: &[Line]) -> Vec<Result<Outcome, Problem>> {
    let commands = lines.iter().filter_map(|line| match line {
        Line::Ready(Ordered { account, key, command: Ok(command), .. }) => {
            Some(Command { studio, account: account.clone(), key: Some(key.clone()), command: command.clone() })
        }
        Line::Ready(_) | Line::Refused { .. } => None,
    });
    let mut carried_out = app.engine().submit_many_by(by, commands.collect()).await.into_iter();
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        outcomes.push(match line {
            Line::Refused { problem, .. } => Err(problem.clone()),
            Line::Ready(Ordered { account, command: Err(rejection), .. }) => {
                // The account comes first in the order of refusals.
                Err(match app.stored_account(studio, account).await {
                    Ok(_) => rejection.clone().into(),
                    Err(refused) => *refused.0,
                })
            }
            Line::Ready(Ordered { command: Ok(_), .. }) => match carried_out.next() {
                Some(Ok(outcome)) => Ok(outcome),
                Some(Err(refusal)) => Err(*Refused::from(refusal).0),
                None => Err(*Refused::from(Refusal::Unavailable("The engine has stopped")).0),
            },
        });
    }
    outcomes
}

/// The answers, a line each.
fn written(lines: &[Line], outcomes: Vec<Result<Outcome, Problem>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(lines.len() * 256);
    for (line, outcome) in lines.iter().zip(outcomes) {
        let key = match line {
            Line::Ready(ordered) => Some(ordered.key.as_str()),
            Line::Refused { key, .. } => key.as_deref(),
        };
        let answered = match (line, &outcome) {
            (Line::Ready(ordered), Ok(outcome)) => answer(ordered, &outcome.answer),
            _ => None,
        };
        match (outcome, answered) {
            (Ok(outcome), Some((status, body))) => {
                write_line(&mut out, &Head { status: status.as_u16(), key, replayed: outcome.replayed }, &body);
            }
            (Ok(_), None) => {
                let problem = *Refused::bug("an answer of another kind than its command").0;
                write_problem(&mut out, key, &problem);
            }
            (Err(problem), _) => write_problem(&mut out, key, &problem),
        }
    }
    out
}

/// The answer's body, as the operation's route gives it, and its status.
fn answer(ordered: &Ordered, answer: &Answer) -> Option<(StatusCode, Vec<u8>)> {
    let (created, ok) = (StatusCode::CREATED, StatusCode::OK);
    let hold = ordered.hold.as_ref();
    match ordered.op {
        Operation::Hold => Some((created, json(&HoldPlacedShown::of(answer, ordered.account.as_str())?))),
        Operation::Settle => Some((ok, json(&HoldSettledShown::of(answer, hold?)?))),
        Operation::Release => Some((ok, json(&HoldReleasedShown::of(answer, hold?)?))),
        Operation::Charge => Some((created, json(&ChargeShown::of(answer)?))),
        Operation::Grant => Some((created, json(&GrantShown::of(answer)?))),
        Operation::Refund => Some((created, json(&RefundShown::of(answer)?))),
    }
}

/// What begins every line.
#[derive(Serialize)]
struct Head<'a> {
    status: u16,
    key: Option<&'a str>,
    replayed: bool,
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("answers are made of texts and numbers")
}

/// A problem's own status is the line's.
fn write_problem(out: &mut Vec<u8>, key: Option<&str>, problem: &Problem) {
    #[derive(Serialize)]
    struct Head<'a> {
        key: Option<&'a str>,
        replayed: bool,
    }
    write_line(out, &Head { key, replayed: false }, &json(problem));
}

/// One object of two: the members of `head`, then those of `body`.
fn write_line(out: &mut Vec<u8>, head: &impl Serialize, body: &[u8]) {
    let head = json(head);
    out.extend_from_slice(&head[..head.len() - 1]);
    out.push(b',');
    out.extend_from_slice(&body[1..]);
    out.push(b'\n');
}
