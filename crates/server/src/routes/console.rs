//! `/v1/console-sessions`, `/v1/console-session`, `/v1/totals`: signing in to the console, and its first page's figures.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::console::{
    BooksShown, ClassTotalShown, ConsoleSessionShown, ConsoleVisitShown, HealthShown, PaidShown, TotalsOfStudioShown,
};
use scrip_api::number::WideAmount;
use scrip_api::problem::Problem;
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::account::Account;
use scrip_core::amount::Total;
use scrip_core::catalog::Catalogs;
use scrip_core::due;
use scrip_core::entry::{Act, Book, Kind};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_core::unspent::Unspent;
use scrip_engine::Engine;
use scrip_engine::engine::Deed;
use scrip_engine::history::JournalQuery;
use scrip_engine::store::StoreError;

use crate::app::App;
use crate::auth::{Authorised, bearer};
use crate::console_token::{self, Claims, Who};
use crate::keys;
use crate::openapi::TotalsParams;
use crate::problem::Refused;
use crate::reply;
use crate::request::{PAGE_MAX, Query};
use crate::rights;

/// The period of the books when nothing is said, in seconds: thirty days.
const PERIOD_S: i64 = 30 * 86_400;
/// Entries that one answer adds up at the most.
const ENTRIES_MAX: usize = 500_000;

/// Signs in to the console with a secret key: a token that stands for it for two hours, ends with it, and is good for what its
/// role may call. It is recorded in the audit trail. From an address from which ten keys were wrong, none is looked at
/// for a quarter of an hour but those of the form that scrip makes, which nobody guesses.
#[utoipa::path(post, path = "/v1/console-sessions", tag = "console",
    responses((status = 201, body = ConsoleSessionShown, description = "The session")))]
pub(super) async fn open(State(app): State<App>, query: Query, request: Request) -> Result<Response, Refused> {
    query.finish()?;
    let now = app.engine().now();
    let (mut parts, _) = request.into_parts();
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let guessable = !bearer(&parts.headers).is_ok_and(keys::is_as_made);
    if let Some(wait) = address.filter(|_| guessable).and_then(|address| app.sign_ins().wait(address, now)) {
        return Err(too_often(wait));
    }
    let key = match Authorised::from_request_parts(&mut parts, &app).await {
        Ok(key) => key,
        Err(refused) => {
            count(&app, address, &refused, now);
            return Err(refused);
        }
    };
    let digest = key.key_itself()?;
    let expires_at = ends(now);
    let secret = app.engine().token_secret_made(key.studio).await?;
    app.engine().record(key.studio, key.by(), Deed::of(Act::SignedIn, "console")).await?;
    let claims = Claims { studio: key.studio, who: Who::Key(console_token::mark(&digest, &secret)), expires_at };
    let token = console_token::issue(&claims, &secret);
    Ok(reply::json(StatusCode::CREATED, &ConsoleSessionShown { token, expires_at: Instant(expires_at) }))
}

/// When a session ends that begins now: a whole second.
pub(super) fn ends(now: Time) -> Time {
    Time::from_micros(now.plus_seconds(console_token::LASTS_S).micros().div_euclid(1_000_000) * 1_000_000)
}

/// A wrong key counts; a right one that may not sign in is no guess.
fn count(app: &App, address: Option<IpAddr>, refused: &Refused, now: Time) {
    if let Some(address) = address.filter(|_| refused.0.code == Code::Unauthorized) {
        app.sign_ins().failed(address, now);
    }
}

fn too_often(wait: i64) -> Refused {
    let detail = format!("Too many wrong keys came from this address; try again in {wait} seconds.");
    Problem::new(Code::RateLimited, detail).with("retry_after", wait).into()
}

/// Whose session this is, and what its key may call.
#[utoipa::path(get, path = "/v1/console-session", tag = "console",
    responses((status = 200, body = ConsoleVisitShown, description = "The session")))]
pub(super) async fn who(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let role = key.role().ok_or_else(|| Refused::bug("a customer in the console"))?;
    let studio = app.engine().studios().into_iter().find(|(number, _)| *number == key.studio);
    let (_, studio) = studio.ok_or_else(|| Refused::bug("a key of a studio that there is not"))?;
    let catalogs = app.engine().catalogs();
    let named =
        catalogs.in_force(key.studio, app.engine().now()).map(|published| published.catalog.studio_name.to_string());
    Ok(reply::ok(&ConsoleVisitShown {
        studio: named.unwrap_or_else(|| studio.to_string()),
        by: key.by().to_string(),
        role: role.name().to_owned(),
        calls: rights::calls(role),
        now: Instant(app.engine().now()),
    }))
}

/// How the server and its store are: whether they take work, and how much waits.
#[utoipa::path(get, path = "/v1/health", tag = "console",
    responses((status = 200, body = HealthShown, description = "How they are")))]
pub(super) async fn health(State(app): State<App>, _key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let vitals = app.engine().vitals();
    let stopping = app.stopping().borrow().then_some("The server is stopping");
    let trouble = vitals.trouble.or(stopping);
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(reply::ok(&HealthShown {
        at: Instant(app.engine().now()),
        ready: vitals.ready && trouble.is_none(),
        trouble: trouble.map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        entries: vitals.entries,
        behind: vitals.entries.saturating_sub(vitals.mark),
        waiting: count(vitals.queued),
        accounts_in_memory: count(vitals.resident),
        accepted: vitals.accepted,
        refused: vitals.rejected,
        replayed: vitals.replayed,
    }))
}

/// What all accounts of the studio have, now, and what moved in its books since `from` (thirty days ago when absent).
#[utoipa::path(get, path = "/v1/totals", tag = "console", params(TotalsParams),
    responses((status = 200, body = TotalsOfStudioShown, description = "The totals")))]
pub(super) async fn totals(State(app): State<App>, key: Authorised, mut query: Query) -> Result<Response, Refused> {
    let from = query.time("from")?;
    query.finish()?;
    let (studio, now) = (key.studio, app.engine().now());
    let from = from.unwrap_or_else(|| now.plus_seconds(-PERIOD_S));
    let read = app.surveying(studio, move |engine| {
        let (mut sums, catalogs) = (Sums::default(), engine.catalogs());
        let mut after = None;
        loop {
            let page = engine.accounts_by_number(studio, None, after, PAGE_MAX)?;
            let Some(last) = page.last() else { break };
            after = Some(last.number);
            page.iter().for_each(|account| sums.add(&catalogs, account, now));
        }
        let books = sums.books(engine, studio, from)?;
        Ok((sums, books))
    });
    let (sums, books) = read.await?;
    let books =
        books.ok_or_else(|| InvalidField::new("from", format!("a period with at most {ENTRIES_MAX} entries")))?;
    Ok(reply::ok(&sums.shown(now, from, books)))
}

/// What accounts have, as it is added up.
#[derive(Default)]
struct Sums {
    accounts: u64,
    remaining: Total,
    held: Total,
    frozen: Total,
    debt: Total,
    top_ups: Total,
    plans: Total,
    stuck_holds: u64,
    classes: [Total; 4],
}

/// The classes, in the order in which they are shown.
const CLASSES: [Class; 4] = [Class::Subscription, Class::Promo, Class::TopUp, Class::MakeGood];

impl Sums {
    /// Adds an account, with all that is due applied (R16).
    fn add(&mut self, catalogs: &Catalogs, account: &Account, now: Time) {
        if due::next_due(account).is_some_and(|at| at <= now) {
            let mut account = account.clone();
            due::apply_due(&mut account, catalogs, now, [0; 16]);
            self.add_present(catalogs, &account, now);
        } else {
            self.add_present(catalogs, account, now);
        }
    }

    fn add_present(&mut self, catalogs: &Catalogs, account: &Account, now: Time) {
        let unspent = Unspent::of(account, catalogs, now);
        self.top_ups += unspent.top_ups;
        self.plans += unspent.plans;
        let stuck = account.holds.iter().filter(|hold| hold.is_stuck(account.studio, catalogs, now));
        self.stuck_holds += u64::try_from(stuck.count()).unwrap_or(u64::MAX);
        let totals = account.totals();
        self.accounts += 1;
        self.remaining += totals.remaining;
        self.held += totals.held;
        self.frozen += totals.frozen;
        self.debt += totals.debt;
        for lot in &account.lots {
            for (class, sum) in CLASSES.into_iter().zip(&mut self.classes) {
                if class == lot.class {
                    *sum += lot.remaining;
                }
            }
        }
    }

    /// What moved in the books since an instant; `None` where that is too much to add up at once.
    fn books(
        &self,
        engine: &Engine,
        studio: scrip_core::id::StudioNumber,
        from: Time,
    ) -> Result<Option<Vec<(Book, Total)>>, StoreError> {
        let mut sums: Vec<(Book, Total)> = Book::ALL.into_iter().map(|book| (book, Total::ZERO)).collect();
        let kinds = Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Hold | Kind::Extend | Kind::HoldExpired));
        let mut query =
            JournalQuery { limit: PAGE_MAX, kinds: kinds.collect(), from: Some(from), ..JournalQuery::default() };
        let mut entries = 0;
        loop {
            let page = engine.journal(studio, &query)?;
            entries += page.entries.len();
            if entries > ENTRIES_MAX {
                return Ok(None);
            }
            for posting in page.entries.iter().flat_map(|(_, entry)| &entry.books) {
                for (_, sum) in sums.iter_mut().filter(|(book, _)| *book == posting.book) {
                    *sum += posting.credits;
                }
            }
            if page.next.is_none() {
                return Ok(Some(sums));
            }
            query.before = page.next;
        }
    }

    fn shown(&self, at: Time, from: Time, books: Vec<(Book, Total)>) -> TotalsOfStudioShown {
        let book = |wanted: Book| books.iter().find(|(book, _)| *book == wanted).map_or(Total::ZERO, |(_, sum)| *sum);
        // These books count downwards: what lots gain, they lose.
        let less = |wanted: Book| WideAmount(Total::from_millionths(-book(wanted).millionths()));
        let classes = CLASSES.into_iter().zip(&self.classes);
        TotalsOfStudioShown {
            at: Instant(at),
            accounts: self.accounts,
            remaining: WideAmount(self.remaining),
            held: WideAmount(self.held),
            frozen: WideAmount(self.frozen),
            debt: WideAmount(self.debt),
            paid: PaidShown {
                credits: WideAmount(self.top_ups + self.plans),
                top_ups: WideAmount(self.top_ups),
                plans: WideAmount(self.plans),
            },
            stuck_holds: self.stuck_holds,
            classes: classes
                .map(|(class, sum)| ClassTotalShown { class: class.word().to_owned(), remaining: WideAmount(*sum) })
                .collect(),
            from: Instant(from),
            books: BooksShown {
                granted: less(Book::Issued),
                sold: less(Book::Sold),
                spent: WideAmount(book(Book::Spent)),
                expired: WideAmount(book(Book::Expired)),
                refunded: less(Book::Refunded),
                uncollected: less(Book::Uncollected),
            },
        }
    }
}
