//! Finding holds by state, of an account and of a studio.
//!
//! Open ones are in memory; ended ones are found through the entries that placed them. Apart from
//! the routes because it is a search with a bound, not a translation.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use scrip_core::account::Account;
use scrip_core::entry::{Entry, Event, Kind};
use scrip_core::hold::{Hold, HoldState};
use scrip_core::id::{AccountId, HoldId, HoldRef, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::history::{HistoryQuery, JournalPlace, JournalQuery};
use scrip_engine::store::joint::EntryPlace;

use crate::app::App;
use crate::problem::Refused;
use crate::request::PAGE_MAX;

/// Which holds.
pub(crate) struct Wanted<P> {
    /// Only those in this state; `None`: all.
    pub(crate) state: Option<HoldState>,
    /// Only those placed before this place of the journal searched.
    pub(crate) before: Option<P>,
    /// At most so many.
    pub(crate) limit: usize,
    /// The instant at which their states are meant.
    pub(crate) now: Time,
}

/// A page of holds.
pub(crate) struct Page<T, P> {
    /// In the order that was asked for.
    pub(crate) holds: Vec<T>,
    /// Where the next page begins.
    pub(crate) next: Option<P>,
}

/// Holds that one page looks at, at the most.
const LOOKS: usize = 2_000;

/// A hold whose deadline has come is expired, written or not (R16).
pub(crate) fn as_of(mut hold: Hold, now: Time) -> Hold {
    if hold.state == HoldState::Open && hold.expires_at <= now {
        hold.state = HoldState::Expired;
        hold.parts.clear();
    }
    hold
}

/// An account's holds.
pub(crate) async fn of_account(
    app: &App,
    studio: StudioNumber,
    id: &AccountId,
    wanted: &Wanted<u64>,
) -> Result<Page<Hold, u64>, Refused> {
    let account = app.stored_account(studio, id).await?;
    if wanted.state == Some(HoldState::Open) {
        return Ok(open_ones(&account, wanted));
    }
    let (mut holds, mut before, mut looked) = (Vec::new(), wanted.before, 0);
    while holds.len() < wanted.limit && looked < LOOKS {
        let query = HistoryQuery {
            before,
            limit: wanted.limit - holds.len(),
            kinds: vec![Kind::Hold],
            ..HistoryQuery::default()
        };
        let of = id.clone();
        let page = app.reading(move |engine| engine.history(studio, &of, &query)).await?;
        // Its id may have been erased since the page before.
        let page = page.ok_or(Rejection::AccountNotFound)?;
        looked += page.entries.len();
        let found = page.entries.iter().map(|entry| state_of(app, &account, entry, wanted.now));
        holds.extend(try_join_all(found).await?.into_iter().flatten().filter(|hold| admits(wanted, hold)));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(Page { holds, next: before })
}

/// Open holds need no journal.
fn open_ones(account: &Account, wanted: &Wanted<u64>) -> Page<Hold, u64> {
    let mut open: Vec<&Hold> = account
        .holds
        .iter()
        .filter(|hold| hold.expires_at > wanted.now && wanted.before.is_none_or(|before| hold.id.seq < before))
        .collect();
    open.sort_by_key(|hold| std::cmp::Reverse(hold.id));
    let more = open.len() > wanted.limit;
    open.truncate(wanted.limit);
    Page { next: open.last().filter(|_| more).map(|last| last.id.seq), holds: open.into_iter().cloned().collect() }
}

/// A studio's holds, each with its account.
pub(crate) async fn of_studio(
    app: &App,
    studio: StudioNumber,
    wanted: &Wanted<JournalPlace>,
) -> Result<Page<(AccountId, Hold), JournalPlace>, Refused> {
    let mut accounts: BTreeMap<AccountId, Arc<Account>> = BTreeMap::new();
    let (mut holds, mut before, mut looked) = (Vec::new(), wanted.before, 0);
    while holds.len() < wanted.limit && looked < LOOKS {
        let query = JournalQuery {
            before,
            limit: wanted.limit - holds.len(),
            kinds: vec![Kind::Hold],
            ..JournalQuery::default()
        };
        let page = app.reading(move |engine| engine.journal(studio, &query)).await?;
        // A page of the journal that found nothing has looked at its own full measure.
        looked += page.entries.len().max(LOOKS / 4);
        for (id, entry) in page.entries {
            let Some(id) = id else { continue };
            let account = match accounts.get(&id) {
                Some(account) => Arc::clone(account),
                None => app.stored_account(studio, &id).await?,
            };
            accounts.insert(id.clone(), Arc::clone(&account));
            if wanted.state == Some(HoldState::Open) && !is_open(&account, &entry) {
                continue;
            }
            if let Some(hold) = state_of(app, &account, &entry, wanted.now).await?
                && admits(wanted, &hold)
            {
                holds.push((id, hold));
            }
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(Page { holds, next: before })
}

/// The open holds of a studio that are stuck ([`Hold::is_stuck`]), the oldest first: as many as are asked for, of all that its accounts
/// have.
pub(crate) async fn stuck(
    app: &App,
    studio: StudioNumber,
    wanted: &Wanted<EntryPlace>,
) -> Result<Page<(AccountId, Hold), EntryPlace>, Refused> {
    let Wanted { before: begun, limit, now, .. } = *wanted;
    let begun = begun.map(|place| (place.at, place.account, place.seq));
    let found = app.surveying(studio, move |engine| {
        let (mut oldest, mut last, catalogs) = (BTreeMap::new(), None, engine.catalogs());
        loop {
            let page = engine.accounts_by_number(studio, None, last, PAGE_MAX)?;
            let Some(end) = page.last() else { return Ok(oldest) };
            last = Some(end.number);
            for account in &page {
                for hold in account.holds.iter().filter(|hold| hold.is_stuck(studio, &catalogs, now)) {
                    let place = (hold.placed_at, account.number, hold.id.seq);
                    if begun.is_none_or(|begun| begun < place) {
                        oldest.insert(place, (account.id.clone(), hold.clone()));
                    }
                    // One more than is asked for says that there are more.
                    if oldest.len() > limit + 1 {
                        oldest.pop_last();
                    }
                }
            }
        }
    });
    let mut oldest = found.await?;
    let more = if oldest.len() > limit { oldest.pop_last() } else { None };
    let next = more.and_then(|_| oldest.last_key_value()).map(|(place, _)| *place);
    let next = next.map(|(at, account, seq)| EntryPlace { at, account, seq });
    Ok(Page { holds: oldest.into_values().collect(), next })
}

fn admits<P>(wanted: &Wanted<P>, hold: &Hold) -> bool {
    wanted.state.is_none_or(|state| hold.state == state)
}

fn is_open(account: &Account, placed: &Entry) -> bool {
    account.holds.iter().any(|hold| hold.id == HoldId::first(placed.seq))
}

/// The hold that an entry placed, as it stands.
async fn state_of(app: &App, account: &Account, placed: &Entry, now: Time) -> Result<Option<Hold>, Refused> {
    let Event::HoldPlaced { hold } = &placed.event else { return Ok(None) };
    if let Some(open) = account.holds.iter().find(|open| open.id == hold.id) {
        return Ok(Some(as_of(open.clone(), now)));
    }
    let ended = app.engine().hold(account.studio, &account.id, &HoldRef::Id(hold.id)).await?;
    Ok(ended.map(|hold| as_of(hold, now)))
}
