//! *Catalog*: the document, checked with line and column, compared with what is in force when it begins and with what is
//! scheduled after it, and then published or scheduled: what was checked, and nothing else.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use scrip_api::catalog::{PublishedShown, VersionShown, VersionsShown};
use scrip_api::code::Code;
use scrip_api::console::ConsoleVisitShown;
use scrip_api::problem::ProblemShown;
use scrip_api::time::Instant;

use super::Page;
use super::cells::{Cell, Table, Tone, Way, text};
use super::desk::{Denied, Desk, Sent};
use super::frame::{Frame, Room};
use super::words::escaped;
use crate::frame;
use crate::trouble::Trouble;

/// Lines that are shown before and after one that is refused.
const AROUND: usize = 2;

#[derive(Template)]
#[template(path = "console/catalog.html")]
struct CatalogPage {
    frame: Frame,
    source: String,
    format: &'static str,
    /// The version whose document is shown as it is; `None` for what was written here.
    shown: Option<Stands>,
    /// How each version stands.
    versions: Vec<Stands>,
    table: Table,
    outcome: Outcome,
    may_publish: bool,
}

/// A version, and where it stands now.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stands {
    version: u32,
    state: State,
    from: Instant,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InForce,
    /// It takes force within a minute: what was published at once, on a store that several servers share.
    Soon,
    /// It takes force later.
    Scheduled,
    /// Another took over from it.
    Superseded,
    /// It never is in force: this newer one begins at the same instant.
    Replaced {
        by: u32,
    },
}

/// How soon is at once, in microseconds.
const SOON: i64 = 60_000_000;

/// What came of the last press of a button.
enum Outcome {
    /// Nothing was pressed.
    None,
    /// It is refused, and where.
    Refused { why: String, lines: Vec<Numbered> },
    /// Others published meanwhile, or what it was compared with is in force no more.
    Overtaken(String),
    /// It holds; what would change, and the newest version then.
    Checked(PublishedShown, u32),
    /// It is published, or was a version already.
    Published(PublishedShown),
}

/// A line of the document.
#[derive(Debug, PartialEq, Eq)]
struct Numbered {
    number: usize,
    text: String,
    /// Where in it, as so many spaces and a mark; empty for the lines around.
    mark: String,
}

/// The document of the newest version, from which one goes on.
pub(super) async fn page(desk: Desk) -> Page {
    let versions: VersionsShown = desk.get("/catalog/versions").await?;
    match versions.versions.first() {
        Some(newest) => version(desk, Path(newest.catalog_version)).await,
        None => shown(&desk, (String::new(), "toml"), None, Outcome::None).await,
    }
}

/// The document of a version, to read it or to go on from it.
pub(super) async fn version(desk: Desk, Path(version): Path<u32>) -> Page {
    let found = desk.site.api.catalog_source(&desk.token, &format!("/catalog/versions/{version}")).await;
    shown(&desk, found.map_err(Denied)?, Some(version), Outcome::None).await
}

/// Checks or publishes what was written.
pub(super) async fn sent(sent: Sent) -> Page {
    let source = sent.raw("source").unwrap_or_default().replace("\r\n", "\n");
    let format = if sent.text("format") == Some("json") { "json" } else { "toml" };
    let publish = sent.text("do") == Some("publish");
    let source = match sent.text("from") {
        Some(from) if format == "toml" => in_force_from(&source, from),
        Some(_) | None => source,
    };
    // What was checked is published where it goes on from the version that it was compared with, and from no other.
    let number = |name| sent.text(name).and_then(|number| number.parse::<u32>().ok());
    let path = match (publish, number("after").zip(number("replaces")), sent.text("reason")) {
        (true, Some((after, replaces)), Some(reason)) => {
            format!("/catalog?after={after}&replaces={replaces}&reason={}", escaped(reason))
        }
        (true, ..) => return Err(Denied(Trouble::NotFromHere)),
        (false, ..) => "/catalog?dry_run=true".to_owned(),
    };
    // Before it is compared: what is published since is found out when this is.
    let versions: VersionsShown = sent.desk.get("/catalog/versions").await?;
    let newest = versions.versions.iter().map(|version| version.catalog_version).max().unwrap_or(0);
    let outcome = match sent.desk.site.api.send_catalog(&sent.desk.token, &path, format, &source).await {
        Ok(published) if publish => Outcome::Published(published),
        Ok(checked) => Outcome::Checked(checked, newest),
        Err(Trouble::Problem(problem)) if problem.code == Code::CatalogInvalid => refused(&problem, &source),
        Err(Trouble::Problem(problem)) if problem.code == Code::CatalogOvertaken => {
            Outcome::Overtaken(problem.detail.clone())
        }
        Err(trouble) => return Err(Denied(trouble)),
    };
    shown(&sent.desk, (source, format), None, outcome).await
}

/// The document with the instant from which it is in force: `2026-03-01T00:00`, as a browser writes it, in UTC.
fn in_force_from(source: &str, from: &str) -> String {
    let time = format!("{}Z", if from.len() == 16 { format!("{from}:00") } else { from.to_owned() });
    let setting = format!("effective_from = {time}");
    let mut lines: Vec<&str> = source.lines().collect();
    let head = lines.iter().position(|line| line.starts_with('[')).unwrap_or(lines.len());
    match lines[..head].iter().position(|line| line.trim_start().starts_with("effective_from")) {
        Some(place) => lines[place] = &setting,
        None => {
            let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
            let place = lines[..head].iter().rposition(said).map_or(0, |last| last + 1);
            lines.insert(place, &setting);
        }
    }
    lines.join("\n") + "\n"
}

/// Why it is refused, and the lines around.
fn refused(problem: &ProblemShown, source: &str) -> Outcome {
    Outcome::Refused { why: problem.detail.clone(), lines: lines_around(source, problem.line, problem.column) }
}

fn lines_around(source: &str, line: Option<u32>, column: Option<u32>) -> Vec<Numbered> {
    let number = |count: Option<u32>| count.and_then(|count| usize::try_from(count).ok());
    let (Some(line), Some(column)) = (number(line), number(column)) else { return Vec::new() };
    let numbered = source.lines().enumerate().map(|(place, text)| (place + 1, text));
    let around = numbered.filter(|(number, _)| number.abs_diff(line) <= AROUND);
    around
        .map(|(number, text)| {
            let mark =
                if number == line { format!("{}^", " ".repeat(column.saturating_sub(1))) } else { String::new() };
            Numbered { number, text: text.to_owned(), mark }
        })
        .collect()
}

async fn shown(desk: &Desk, (source, format): (String, &'static str), version: Option<u32>, outcome: Outcome) -> Page {
    let versions: VersionsShown = desk.get("/catalog/versions").await?;
    // The time after what was asked for: what has just been published is not ahead.
    let visit: ConsoleVisitShown = desk.get("/console-session").await?;
    let mut frame = Frame::around(desk, Room::Catalog);
    frame.now = visit.now;
    let all = &versions.versions;
    let stands: Vec<Stands> = all.iter().map(|version| Stands::of(version, all, frame.now)).collect();
    let rows = all.iter().zip(&stands).map(|(version, stands)| row(&frame, version, stands)).collect();
    let columns = vec![text("Version"), text("Published"), text("In force from"), text("State"), text("")];
    let table =
        Table { name: "Versions", columns, rows, empty: "No version was published yet.".to_owned(), next: None };
    let may_publish = desk.visit.role == "admin";
    let shown = stands.iter().copied().find(|stands| Some(stands.version) == version);
    let page = CatalogPage { frame, source, format, shown, versions: stands, table, outcome, may_publish };
    Ok(frame::html(StatusCode::OK, &page))
}

fn row(frame: &Frame, version: &VersionShown, stands: &Stands) -> Vec<Cell> {
    let (state, tone) = match stands.state {
        State::InForce => ("in_force", Tone::Good),
        State::Soon => ("in_force_within_a_minute", Tone::Good),
        State::Scheduled => ("scheduled", Tone::Warn),
        State::Superseded => ("superseded", Tone::Quiet),
        State::Replaced { .. } => ("replaced", Tone::Quiet),
    };
    let read = Way {
        href: format!("/console/catalog/{}", version.catalog_version),
        said: "Read",
        to: format!("version {}", version.catalog_version),
    };
    vec![
        Cell::count(frame, "version", version.catalog_version),
        Cell::instant(frame, &version.published_at, ""),
        // The first is in force for all that was before.
        match version.effective_from.0.micros() {
            0 => Cell::text("always"),
            _ => Cell::instant(frame, &version.effective_from, ""),
        },
        Cell::tag(state, tone),
        Cell::Acts(vec![read]),
    ]
}

impl Stands {
    fn of(version: &VersionShown, all: &[VersionShown], now: Instant) -> Stands {
        let (number, from) = (version.catalog_version, version.effective_from);
        let newer = all.iter().filter(|other| other.effective_from == from && other.catalog_version > number);
        let newest = newer.map(|other| other.catalog_version).max();
        let state = match (version.in_force, newest) {
            (true, _) => State::InForce,
            (false, Some(by)) => State::Replaced { by },
            (false, None) if is_ahead(from, now) => State::Scheduled,
            (false, None) if from.0 > now.0 => State::Soon,
            (false, None) => State::Superseded,
        };
        Stands { version: number, state, from }
    }
}

/// Whether an instant is further ahead than what is published at once may take.
fn is_ahead(from: Instant, now: Instant) -> bool {
    from.0.micros().saturating_sub(now.0.micros()) > SOON
}

impl CatalogPage {
    fn is_ahead(&self, published: &PublishedShown) -> bool {
        published.effective_from.is_some_and(|from| is_ahead(from, self.frame.now))
    }

    /// The other versions that are scheduled, in the order in which they take force.
    fn scheduled(&self, but: &Stands) -> Vec<&Stands> {
        let others = self.versions.iter().filter(|stands| *stands != but);
        let to_come = |stands: &&Stands| matches!(stands.state, State::Soon | State::Scheduled);
        let mut scheduled: Vec<&Stands> = others.filter(to_come).collect();
        scheduled.sort_by_key(|stands| (stands.from.0, stands.version));
        scheduled
    }

    /// Whether it is in force, and nothing else is to come.
    fn is_the_only_one(&self, stands: &Stands) -> bool {
        stands.state == State::InForce && self.scheduled(stands).is_empty()
    }

    /// Where a version stands.
    fn standing(&self, version: &u32) -> Option<&Stands> {
        self.versions.iter().find(|stands| stands.version == *version)
    }

    /// How the examples came out.
    fn examples(&self, published: &PublishedShown) -> String {
        match published.examples {
            0 => "Its rates carry no examples.".to_owned(),
            1 => "Its one example comes out as written.".to_owned(),
            count => format!("All of its {count} examples come out as written."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_put_where_the_document_has_its_own() {
        let from = "2026-03-01T00:00";
        for (source, expected) in [
            (
                "studio = \"a\"\n\n# tools\n[[tools]]\nid = \"x\"\n",
                "studio = \"a\"\neffective_from = 2026-03-01T00:00:00Z\n\n# tools\n[[tools]]\nid = \"x\"\n",
            ),
            (
                "effective_from = 2026-01-01T00:00:00Z\nstudio = \"a\"\n",
                "effective_from = 2026-03-01T00:00:00Z\nstudio = \"a\"\n",
            ),
            ("", "effective_from = 2026-03-01T00:00:00Z\n"),
        ] {
            assert_eq!(in_force_from(source, from), expected);
        }
    }

    /// What the list and the editor say of versions, each with the second from which it is in force, when it is the second 100.
    #[test]
    fn a_version_stands_where_the_rules_have_it() {
        let at = |second: i64| Instant(scrip_core::time::Time::from_micros(second * 1_000_000));
        let effective = [(1, 0), (2, 50), (3, 110), (4, 160), (5, 161), (6, 161)];
        let all: Vec<VersionShown> = effective
            .iter()
            .map(|(version, from)| VersionShown {
                catalog_version: *version,
                published_at: at(0),
                effective_from: at(*from),
                in_force: *version == 2,
                digest: String::new(),
            })
            .collect();
        let states: Vec<State> = all.iter().map(|version| Stands::of(version, &all, at(100)).state).collect();
        let expected =
            [State::Superseded, State::InForce, State::Soon, State::Soon, State::Replaced { by: 6 }, State::Scheduled];
        assert_eq!(states, expected);
    }

    #[test]
    fn the_lines_around_a_mistake_are_shown() {
        let lines = lines_around("a\nbc\nd\ne\nf", Some(2), Some(2));
        let shown: Vec<_> = lines.iter().map(|line| format!("{} {} {}", line.number, line.text, line.mark)).collect();
        assert_eq!(shown, ["1 a ", "2 bc  ^", "3 d ", "4 e "]);
        assert_eq!(lines_around("a", None, None), []);
    }
}
