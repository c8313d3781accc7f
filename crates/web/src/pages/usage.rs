//! *Usage*: the history with what was left after each line, each job with its receipt; what was used by tool and day; CSV.

use askama::Template;
use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::StreamExt;
use futures_util::stream::{self, try_unfold};
use http_body_util::BodyExt;
use scrip_api::code::Code;
use scrip_api::entry::{EntriesShown, EntryShown};
use scrip_api::usage::UsageRow;
use scrip_core::entry::Kind;
use scrip_core::time::Time;

use crate::days::{self, Used};
use crate::frame::{self, Frame, Place};
use crate::pages::Page;
use crate::receipt::Line;
use crate::trouble::Trouble;
use crate::visit::Visit;

/// Lines of a page.
const LINES: usize = 25;
/// The days that are drawn when nothing is said.
const DAYS: i64 = 30;
/// The most days that are drawn.
const DAYS_MAX: i64 = 370;
/// Lines of a file that are read at a time.
const FILE_LINES: usize = 1_000;

/// What is asked for.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub(super) struct Asked {
    show: Option<String>,
    tool: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    frame: Frame,
    lines: Vec<Line>,
    next: Option<String>,
    asked: Asked,
    /// None where more happened in these days than the API adds up.
    used: Option<Used>,
}

/// The page.
pub(super) async fn page(visit: Visit, Query(asked): Query<Asked>) -> Page {
    let frame = Frame::around(&visit, Place::Usage).await?;
    let filter = filter(&frame, &asked);
    let after = asked.after.as_deref().filter(|after| is_plain(after)).map(|after| format!("&after={after}"));
    let path = format!("/entries?limit={LINES}{filter}{}", after.unwrap_or_default());
    let (page, used) = tokio::try_join!(visit.get::<EntriesShown>(&path), used(&visit, &frame, &asked))?;
    let lines = visit.reader().lines(page.entries).await?;
    let shown = UsagePage { frame, lines, next: page.next, asked, used };
    Ok(frame::html(StatusCode::OK, &shown))
}

/// What was used in the days that are drawn.
async fn used(visit: &Visit, frame: &Frame, asked: &Asked) -> Result<Option<Used>, Trouble> {
    let days = days::Asked {
        api: &visit.site.api,
        token: &visit.token,
        of: format!("/accounts/{}/usage", visit.account),
        period: drawn(frame, asked),
        wording: &frame.wording,
    };
    match days.read(|tool| frame.tool(tool).to_owned()).await {
        Ok(used) => Ok(Some(used)),
        // The days were chosen here, so what it does not like of them is only how much happened.
        Err(trouble) if trouble.is(Code::InvalidRequest) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// The same lines as a file. Each page of them is read when the one before has been sent, so that a file of any length takes
/// no more room than one page. The first is read before anything is answered: what is refused is still a page that says so.
pub(super) async fn file(visit: Visit, Query(asked): Query<Asked>) -> Page {
    let frame = Frame::around(&visit, Place::Usage).await?;
    let filter = filter(&frame, &asked);
    let (first, next) = lines_of_file(&visit, &filter, "").await?;
    let rest = try_unfold((visit, filter, next), |(visit, filter, next)| async move {
        let Some(after) = next else { return Ok(None) };
        let read = lines_of_file(&visit, &filter, &format!("&after={after}")).await;
        // The file ends in the middle, which the browser notices: it is not whole.
        let (text, next) = read.map_err(|_| std::io::Error::other("the lines that follow could not be read"))?;
        // The names of the columns stand at the beginning alone.
        let lines = text.split_once('\n').map_or("", |(_, lines)| lines).to_owned();
        Ok(Some((lines, (visit, filter, next))))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"credits.csv\"")),
    ];
    let text = stream::once(async { Ok::<_, std::io::Error>(first) }).chain(rest);
    Ok((headers, Body::from_stream(text)).into_response())
}

/// A page of a file's lines, and where the next one begins.
async fn lines_of_file(visit: &Visit, filter: &str, after: &str) -> Result<(String, Option<String>), Trouble> {
    let page = visit.raw(&format!("/entries?limit={FILE_LINES}{filter}{after}"), "text/csv").await?;
    let next = page.headers().get("next-after").and_then(|next| next.to_str().ok()).map(str::to_owned);
    let body = page.into_body().collect().await.map_err(|_| Trouble::Fault)?.to_bytes();
    Ok((String::from_utf8(body.to_vec()).map_err(|_| Trouble::Fault)?, next))
}

/// The API's parameters for what is asked. What cannot be read is not asked for.
fn filter(frame: &Frame, asked: &Asked) -> String {
    let kinds = match asked.show.as_deref() {
        Some("jobs") => "&kind=settle,charge,refund,debt,uncollected",
        Some("credits") => {
            "&kind=refill,grant,top_up,roll_over,expiry,revoke,claw_back,give_back,freeze,unfreeze,debt_repaid"
        }
        Some("orders") => {
            "&kind=order,top_up,automatic_top_up,saved_method,billing,claw_back,give_back,freeze,unfreeze"
        }
        _ => "",
    };
    let tool = asked.tool.as_ref().filter(|tool| frame.catalog.tools.iter().any(|known| known.tool == **tool));
    let tool = tool.map(|tool| format!("&tool={tool}")).unwrap_or_default();
    let from = frame.wording.midnight(asked.from.as_deref(), 0).map(|at| format!("&from={at}")).unwrap_or_default();
    let to = frame.wording.midnight(asked.to.as_deref(), 1).map(|at| format!("&to={at}")).unwrap_or_default();
    format!("{kinds}{tool}{from}{to}")
}

fn is_plain(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The days that are drawn: those asked for, else the last thirty, whole.
fn drawn(frame: &Frame, asked: &Asked) -> (Time, Time) {
    let end = frame.wording.midnight_after(&frame.balance.at);
    let to = frame.wording.midnight(asked.to.as_deref(), 1).map_or(end, |to| to.min(end));
    let from = frame.wording.midnight(asked.from.as_deref(), 0).filter(|from| *from < to);
    let from = from.unwrap_or_else(|| frame.wording.days_before(to, DAYS));
    (from.max(frame.wording.days_before(to, DAYS_MAX)), to)
}

/// What a line is about, in words.
fn what(frame: &Frame, entry: &EntryShown) -> String {
    let tool = entry.tool.as_deref().map(|tool| frame.tool(tool));
    let plan = entry.plan.as_deref().map(|plan| frame.plan(plan));
    let about = |what: &str, about: Option<&str>| match about {
        Some(about) => format!("{what}: {about}"),
        None => what.to_owned(),
    };
    let bought = entry.package.as_deref().map(|package| frame.package(package));
    let Some(kind) = Kind::from_word(&entry.kind) else { return entry.kind.replace('_', " ") };
    match kind {
        Kind::Settle | Kind::Charge => tool.unwrap_or("Job").to_owned(),
        Kind::Hold | Kind::Extend | Kind::Release | Kind::HoldExpired => about(word(kind), tool),
        Kind::Refund | Kind::Debt | Kind::Uncollected => about(word(kind), tool),
        Kind::Refill | Kind::PlanChange => about(word(kind), plan),
        Kind::TopUp => about(word(kind), bought),
        Kind::Order | Kind::ClawBack | Kind::GiveBack | Kind::Freeze | Kind::Unfreeze => {
            about(word(kind), bought.or(plan))
        }
        Kind::Account
        | Kind::RollOver
        | Kind::Expiry
        | Kind::Grant
        | Kind::Revoke
        | Kind::DebtRepaid
        | Kind::Erasure
        | Kind::AutomaticTopUp
        | Kind::SavedMethod
        | Kind::Billing
        | Kind::Act => word(kind).to_owned(),
    }
}

/// What a kind of entry is to a customer.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Settle | Kind::Charge => "Job",
        Kind::Hold => "Held",
        Kind::Extend => "Held longer",
        Kind::Release => "Freed",
        Kind::HoldExpired => "Freed after its deadline",
        Kind::Refund => "Refund",
        Kind::Refill => "Plan’s credits",
        Kind::PlanChange => "Plan changed",
        Kind::RollOver => "Rolled over",
        Kind::Expiry => "Expired",
        Kind::Grant => "Given",
        Kind::Revoke => "Taken back",
        Kind::TopUp => "Bought",
        Kind::Order => "Order",
        Kind::ClawBack => "Taken back with its money",
        Kind::GiveBack => "Given back with its money",
        Kind::Freeze => "Frozen while its payment is disputed",
        Kind::Unfreeze => "Free again after a dispute",
        Kind::Debt => "Owed",
        Kind::DebtRepaid => "Debt repaid",
        Kind::Uncollected => "Not charged",
        Kind::AutomaticTopUp => "Automatic top-up",
        Kind::SavedMethod => "Saved card",
        Kind::Billing => "Way of paying for the plan",
        // In no history that is shown.
        Kind::Account => "Account",
        Kind::Erasure => "Erased",
        Kind::Act => "Done by the studio",
    }
}

impl UsagePage {
    fn is_shown(&self, show: &str) -> bool {
        self.asked.show.as_deref().unwrap_or("all") == show
    }

    fn is_tool(&self, tool: &str) -> bool {
        self.asked.tool.as_deref() == Some(tool)
    }

    fn date(&self, name: &str) -> &str {
        let text = if name == "from" { &self.asked.from } else { &self.asked.to };
        text.as_deref().filter(|text| self.frame.wording.midnight(Some(text), 0).is_some()).unwrap_or_default()
    }

    /// The filters as an address's query.
    fn query(&self) -> String {
        let fields = [
            ("show", &self.asked.show),
            ("tool", &self.asked.tool),
            ("from", &self.asked.from),
            ("to", &self.asked.to),
        ];
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let given =
            fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref().filter(|text| plain(text))?)));
        given.map(|(name, value)| format!("{name}={value}&")).collect()
    }

    /// What a line moves that leaves what remains as it is: `+25 held`.
    fn instead(&self, line: &Line) -> Option<String> {
        let (entry, wording) = (&line.entry, &self.frame.wording);
        if !entry.credits.0.is_zero() {
            return None;
        }
        match (entry.kind.as_str(), entry.frozen, entry.debt, entry.uncollected) {
            ("hold" | "release" | "hold_expired" | "extend", ..) => {
                Some(format!("{} held", wording.signed(&entry.held)))
            }
            (_, Some(frozen), ..) => Some(format!("{} frozen", wording.signed(&frozen))),
            (_, None, Some(debt), _) => Some(format!("{} owed", wording.signed(&debt))),
            ("uncollected", None, None, Some(uncollected)) => {
                Some(format!("{} not charged", wording.amount(&uncollected)))
            }
            (_, None, None, _) => None,
        }
    }

    /// What a line is about.
    fn what(&self, line: &Line) -> String {
        what(&self.frame, &line.entry)
    }

    /// A tool's name for people.
    fn tool<'a>(&'a self, row: &'a UsageRow) -> &'a str {
        days::tool_of(row).map_or(days::NO_TOOL, |tool| self.frame.tool(tool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_has_words_for_people() {
        let mut words: Vec<&str> = Kind::ALL.into_iter().filter(|kind| kind.is_shown()).map(word).collect();
        assert!(words.iter().all(|word| !word.contains('_')), "{words:?}");
        words.sort_unstable();
        words.dedup();
        // A settle and a charge are both jobs.
        assert_eq!(words.len() + 1, Kind::ALL.into_iter().filter(|kind| kind.is_shown()).count(), "{words:?}");
    }
}
