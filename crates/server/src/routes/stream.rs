//! `…/balance/stream`: the balance as server-sent events, whenever it changes.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use scrip_api::balance::BalanceShown;
use scrip_core::due;
use scrip_core::id::AccountId;
use scrip_core::time::Time;
use tokio::sync::watch;

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{AccountParam, BalanceParams};
use crate::problem::Refused;
use crate::request::{AccountPath, Query};
use crate::routes::balance;

/// How often a stream with nothing to say shows that it lives, and looks whether its key still holds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The longest sleep until something falls due: later ones are looked at again.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// The balance now and again whenever it changes or something falls due: `event: balance`, the object as `data`.
#[utoipa::path(get, path = "/v1/accounts/{account}/balance/stream", tag = "balance",
    params(AccountParam, BalanceParams),
    responses((status = 200, content_type = "text/event-stream", body = String, description = "Events without end")))]
pub(super) async fn open(
    State(app): State<App>,
    key: Authorised,
    AccountPath(account): AccountPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let tool = query.text("tool");
    query.finish()?;
    let number = app.stored_account(key.studio, &account).await?.number;
    let changed = app.watchers().watch(app.engine(), number);
    let watched = Watched {
        changed,
        moved: app.engine().clock_moves(),
        stopping: app.stopping().subscribe(),
        app,
        key,
        account,
        tool,
        last: None,
        due: None,
    };
    // The first look tells what is wrong (an unknown tool) before the stream begins.
    let mut watched = watched;
    let first = watched.look().await?;
    let events = events(watched, first);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// A balance that is being watched.
struct Watched {
    app: App,
    key: Authorised,
    account: AccountId,
    tool: Option<String>,
    changed: watch::Receiver<()>,
    moved: watch::Receiver<Time>,
    stopping: watch::Receiver<bool>,
    /// What was said last.
    last: Option<BalanceShown>,
    /// When something falls due next.
    due: Option<Time>,
}

impl Watched {
    /// The balance, if it differs from what was said last in anything but its instant.
    async fn look(&mut self) -> Result<Option<BalanceShown>, Refused> {
        let now = self.app.engine().now();
        let (account, balance) =
            balance::at(&self.app, self.key.studio, &self.account, self.tool.as_deref(), now).await?;
        self.due = due::next_due(&account);
        let same = self.last.as_ref().is_some_and(|last| BalanceShown { at: balance.at, ..last.clone() } == balance);
        if same {
            return Ok(None);
        }
        self.last = Some(balance.clone());
        Ok(Some(balance))
    }

    /// Waits until a look may find something new; false when the server stops.
    async fn wait(&mut self) -> bool {
        if *self.stopping.borrow() {
            return false;
        }
        tokio::select! {
            changed = self.changed.changed() => changed.is_ok(),
            moved = self.moved.changed() => moved.is_ok(),
            () = sleep_until(&self.app, self.due) => true,
            () = tokio::time::sleep(KEEP_ALIVE) => true,
            _ = self.stopping.changed() => false,
        }
    }
}

/// Sleeps until an instant of the machine's clock. A test clock moves by itself alone: that wakes us otherwise.
async fn sleep_until(app: &App, due: Option<Time>) {
    let Some(due) = due.filter(|_| !app.engine().has_test_clock()) else { return std::future::pending().await };
    let micros = u64::try_from(due.micros() - app.engine().now().micros()).unwrap_or(0);
    // A millisecond more, so that the instant has come when we look.
    tokio::time::sleep(Duration::from_micros(micros.saturating_add(1_000)).min(SLEEP_MAX)).await;
}

/// What was found first, then whatever is new, until the server stops, the key or token holds no more or the account cannot be read.
fn events(watched: Watched, first: Option<BalanceShown>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((watched, first), |(mut watched, mut found)| async move {
        loop {
            if let Some(balance) = found.take() {
                let event = Event::default().event("balance").json_data(&balance).ok()?;
                return Some((Ok(event), (watched, None)));
            }
            if !watched.wait().await || !watched.key.holds(&watched.app).await {
                return None;
            }
            found = watched.look().await.ok()?;
        }
    })
}
