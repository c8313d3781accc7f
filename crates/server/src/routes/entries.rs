//! `…/entries` and `/uncollected`: the history, line by line.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use scrip_api::entry::{EntriesShown, EntryShown, csv};
use scrip_api::unfit::InvalidField;
use scrip_core::due;
use scrip_core::entry::{Entry, Kind};
use scrip_core::id::{AccountId, ChargeId, StudioNumber, ToolId};
use scrip_core::rejection::Rejection;
use scrip_engine::history::{HistoryPage, HistoryQuery, JournalPlace, JournalQuery};

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountEntriesParams, AccountParam, EntriesParams, UncollectedParams};
use crate::problem::Refused;
use crate::reply;
use crate::request::{AccountPath, Format, Query, accepted_format, cursor, journal_cursor};

/// Charges that are asked about at once, at the most.
const CHARGES_MAX: usize = 100;

/// The next page's cursor, where the body has no place for it.
const NEXT_AFTER: HeaderName = HeaderName::from_static("next-after");

/// An account's history, newest first; as CSV with `Accept: text/csv`.
#[utoipa::path(get, path = "/v1/accounts/{account}/entries", tag = "history", params(AccountParam, AccountEntriesParams),
    responses((status = 200, description = "A page of history",
        content((EntriesShown = "application/json"), (String = "text/csv")))))]
pub(super) async fn list(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Refused> {
    let format = accepted_format(&headers, &[Format::Json, Format::Csv])?;
    let charges = query.text("charge").map(|ids| charges(&ids)).transpose()?;
    let filter = Filter { charges: charges.unwrap_or_default(), ..Filter::read(query, Query::cursor)? };
    let page = of_account(&app, key.studio, &account, filter).await?;
    Ok(shown(format, page.entries.iter().map(EntryShown::of).collect(), page.next.map(cursor)))
}

/// The history of a whole studio, newest first. A page may hold fewer than asked for and still have a next.
#[utoipa::path(get, path = "/v1/entries", tag = "history", params(EntriesParams),
    responses((status = 200, description = "A page of history",
        content((EntriesShown = "application/json"), (String = "text/csv")))))]
pub(super) async fn list_all(
    State(app): State<App>,
    key: Authorised,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Refused> {
    let format = accepted_format(&headers, &[Format::Json, Format::Csv])?;
    let filter = Filter::read(query, Query::journal_cursor)?;
    of_studio(&app, key.studio, filter.journal(), format).await
}

/// Work that nobody paid for, over a whole studio: capped, settled late or written off.
#[utoipa::path(get, path = "/v1/uncollected", tag = "history", params(UncollectedParams),
    responses((status = 200, description = "A page of history",
        content((EntriesShown = "application/json"), (String = "text/csv")))))]
pub(super) async fn uncollected(
    State(app): State<App>,
    key: Authorised,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Refused> {
    let format = accepted_format(&headers, &[Format::Json, Format::Csv])?;
    let wanted = JournalQuery {
        before: query.journal_cursor()?,
        limit: query.limit()?,
        from: query.time("from")?,
        to: query.time("to")?,
        uncollected: true,
        ..JournalQuery::default()
    };
    query.finish()?;
    of_studio(&app, key.studio, wanted, format).await
}

/// Which entries.
struct Filter<P> {
    before: Option<P>,
    limit: usize,
    /// `None`: of all kinds; else of these.
    kinds: Option<Vec<Kind>>,
    tool: Option<ToolId>,
    /// Empty: whatever charge they are about. Of one account alone, because two accounts may have charges of the same id.
    charges: Vec<ChargeId>,
    from: Option<scrip_core::time::Time>,
    to: Option<scrip_core::time::Time>,
}

impl<P> Filter<P> {
    /// From a query whose page begins as `cursor` reads.
    fn read(
        mut query: Query,
        cursor: impl FnOnce(&mut Query) -> Result<Option<P>, InvalidField>,
    ) -> Result<Filter<P>, InvalidField> {
        let filter = Filter {
            before: cursor(&mut query)?,
            limit: query.limit()?,
            kinds: query.text("kind").map(|words| kinds(&words)).transpose()?,
            tool: query.read("tool", "a tool's name", |text| ToolId::parse(text).ok())?,
            charges: Vec::new(),
            from: query.time("from")?,
            to: query.time("to")?,
        };
        query.finish()?;
        Ok(filter)
    }
}

impl Filter<u64> {
    fn admits(&self, entry: &Entry) -> bool {
        let kind = entry.event.kind();
        self.before.is_none_or(|before| entry.seq < before)
            && self.kinds.as_ref().map_or(kind.is_shown(), |kinds| kinds.contains(&kind))
            && self.tool.as_ref().is_none_or(|tool| entry.tool() == Some(tool))
            && (self.charges.is_empty() || entry.charge().is_some_and(|charge| self.charges.contains(&charge)))
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }

    fn history(&self) -> HistoryQuery {
        HistoryQuery {
            before: self.before,
            limit: self.limit,
            kinds: self.kinds.clone().unwrap_or_default(),
            tool: self.tool.clone(),
            charges: self.charges.clone(),
            from: self.from,
            to: self.to,
        }
    }
}

impl Filter<JournalPlace> {
    fn journal(self) -> JournalQuery {
        JournalQuery {
            before: self.before,
            limit: self.limit,
            kinds: self.kinds.unwrap_or_default(),
            tool: self.tool,
            from: self.from,
            to: self.to,
            uncollected: false,
            by_hand: false,
        }
    }
}

/// Kinds by their words, separated by commas.
fn kinds(words: &str) -> Result<Vec<Kind>, InvalidField> {
    let mut kinds = Vec::new();
    for word in words.split(',') {
        match Kind::from_word(word).filter(|kind| kind.is_shown()) {
            Some(kind) => kinds.push(kind),
            None => {
                let known: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.is_shown()).map(Kind::word).collect();
                return Err(InvalidField::new("kind", format!("one or more of {}", known.join(", "))));
            }
        }
    }
    Ok(kinds)
}

/// Charges by their ids, separated by commas.
fn charges(ids: &str) -> Result<Vec<ChargeId>, InvalidField> {
    let expected =
        || InvalidField::new("charge", format!("at most {CHARGES_MAX} ids of charges, as in charge_4,charge_9"));
    let mut charges = ids.split(',').map(ChargeId::parse).collect::<Option<Vec<_>>>().ok_or_else(expected)?;
    charges.sort_unstable();
    charges.dedup();
    if charges.len() > CHARGES_MAX { Err(expected()) } else { Ok(charges) }
}

/// An account's page: what is due and not yet written comes first, as it will be written (R16).
async fn of_account(
    app: &App,
    studio: StudioNumber,
    id: &AccountId,
    filter: Filter<u64>,
) -> Result<HistoryPage, Refused> {
    let (id, now) = (id.clone(), app.engine().now());
    let page = app.reading(move |engine| {
        let Some(stored) = engine.account(studio, &id)? else { return Ok(None) };
        let mut page = HistoryPage::default();
        let mut query = filter.history();
        if due::next_due(&stored).is_some_and(|at| at <= now) {
            let mut account = scrip_core::account::Account::clone(&stored);
            let due = due::apply_due(&mut account, &engine.catalogs(), now, [0; 16]);
            page.entries = due.into_iter().rev().filter(|entry| filter.admits(entry)).collect();
            if page.entries.len() > query.limit {
                page.entries.truncate(query.limit);
                page.next = page.entries.last().map(|entry| entry.seq);
                return Ok(Some(page));
            }
            query.limit -= page.entries.len();
        }
        // What is written meanwhile belongs to the next reading.
        query.before = Some(filter.before.unwrap_or(u64::MAX).min(stored.seq + 1));
        if query.limit == 0 {
            page.next = query.before;
            return Ok(Some(page));
        }
        // Its id may have been erased since a moment ago.
        let Some(written) = engine.history(studio, &id, &query)? else { return Ok(None) };
        page.entries.extend(written.entries);
        page.next = written.next;
        Ok(Some(page))
    });
    page.await?.ok_or_else(|| Rejection::AccountNotFound.into())
}

async fn of_studio(app: &App, studio: StudioNumber, query: JournalQuery, format: Format) -> Result<Response, Refused> {
    let page = app.reading(move |engine| engine.journal(studio, &query)).await?;
    let entries = page.entries.iter().map(|(account, entry)| EntryShown {
        account: account.as_ref().map(ToString::to_string),
        ..EntryShown::of(entry)
    });
    Ok(shown(format, entries.collect(), page.next.map(journal_cursor)))
}

fn shown(format: Format, entries: Vec<EntryShown>, next: Option<String>) -> Response {
    if format != Format::Csv {
        return reply::ok(&EntriesShown { entries, next });
    }
    let mut response = reply::typed(StatusCode::OK, "text/csv; charset=utf-8; header=present", csv(&entries).into());
    if let Some(next) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        response.headers_mut().insert(NEXT_AFTER, next);
    }
    response
}
