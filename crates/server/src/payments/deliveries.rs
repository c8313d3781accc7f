//! What payment providers delivered and what became of it: for the operator to see, and for the reconciler to try again.
//!
//! The newest deliveries are in memory, a bounded number for each studio. What could not be settled, and up to when the provider
//! was asked what happened, is noted in the store too (a note of the studio, see `scrip_engine::store::Note`): of that
//! nothing may be forgotten in a restart. What was settled is in the journal anyway. No account's id is noted here: whose an
//! order is, is looked up when somebody asks, so that an erasure leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrip_core::id::StudioNumber;
use scrip_core::time::Time;
use scrip_engine::engine::Refusal;
use scrip_engine::store::Note;
use scrip_stripe::Event;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::payments::Look;
use crate::payments::settle::{PROVIDER_REFUSES, until_given_back};

/// Deliveries kept for each studio.
const KEPT: usize = 1_000;
/// What could not be settled and is remembered, for each studio.
pub(crate) const OPEN_MAX: usize = 200;
/// For how long it is tried again, in seconds: as long as the provider remembers what happened. Money that bought nothing
/// here is open until it is given back.
pub(crate) const OPEN_FOR_S: i64 = 30 * 86_400;
/// Between two tries, in seconds.
const TRY_EVERY_S: i64 = 3_600;
/// How much later than what is noted the provider must have been asked until, to be noted again, in seconds.
const NOTE_EVERY_S: i64 = 600;
/// How far the last look at all that had happened is noted behind, in seconds, where nothing happened: a day.
const LOOKED_EVERY_S: i64 = 86_400;
/// The note's name.
const NOTE: &str = "payments";

/// What was delivered, and what is open. One per server.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<BTreeMap<StudioNumber, Studio>>);

#[derive(Default)]
struct Studio {
    /// Oldest first.
    rows: VecDeque<Row>,
    noted: Noted,
    /// What the store has.
    stored: Noted,
    /// What was told in the log since the start, of which object: once is enough.
    told: BTreeSet<(String, &'static str)>,
}

/// What is noted in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    /// What happened before then was looked at, in seconds since 1970.
    asked_until_s: Option<i64>,
    /// When all that had happened was last looked at, by the server's clock, in seconds since 1970; absent in notes of before.
    looked_s: Option<i64>,
    /// What could not be settled, oldest first.
    open: Vec<Open>,
}

/// Something that could not be settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    /// The provider's id of the page or the payment.
    object: String,
    reason: String,
    since_s: i64,
    tried_s: i64,
}

impl Open {
    /// It is open for another reason now; whether that is new. That the provider does not answer about money that is to be
    /// given back is no reason of its own: it would be forgotten, and the money is there still.
    fn is_now(&mut self, reason: &str) -> News {
        let stays = until_given_back(&self.reason) && reason == PROVIDER_REFUSES;
        if self.reason == reason || stays {
            return News::Known;
        }
        self.reason = reason.to_owned();
        News::New
    }
}

/// What the provider told, or what was found by asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The last time.
    pub(crate) at: Time,
    /// How often it was delivered; 0: it was found by asking.
    pub(crate) times: u32,
    /// The provider's id of what happened; `None`: it was not believed, or is only known from a note.
    pub(crate) event: Option<String>,
    /// What happened, in the provider's word.
    pub(crate) kind: Option<&'static str>,
    /// The page or the payment that it led to.
    pub(crate) object: Option<String>,
    /// What became of it.
    pub(crate) became: Became,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// Its order is where the provider says it is.
    Settled,
    /// It is of no interest.
    LeftAlone,
    /// It was not believed, or not understood.
    Refused(&'static str),
    /// It could not be settled, for now or for good.
    Open(String),
}

/// Whether something is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is.
    New,
    /// It was known.
    Known,
}

impl Deliveries {
    /// Keeps what became of a believed delivery.
    pub(crate) fn delivered(
        &self,
        app: &App,
        studio: StudioNumber,
        event: &Event,
        look: Option<&Look>,
        became: Became,
    ) {
        let at = app.engine().now();
        let object = look.map(|look| look.id().to_owned());
        let mut studios = self.lock();
        let rows = &mut known(&mut studios, app, studio).rows;
        let before = rows.iter().position(|row| row.event.as_deref() == Some(&*event.id));
        let times = before.and_then(|place| rows.remove(place)).map_or(0, |row| row.times).saturating_add(1);
        push(rows, Row { at, times, event: Some(event.id.clone()), kind: Some(event.kind.name()), object, became });
    }

    /// Keeps what was found by asking and was not delivered; not what is none of ours, which would push out what is.
    pub(crate) fn found(&self, app: &App, studio: StudioNumber, event: &Event, look: &Look, became: Became) {
        if became == Became::LeftAlone {
            return;
        }
        let (at, object) = (app.engine().now(), Some(look.id().to_owned()));
        let mut studios = self.lock();
        let rows = &mut known(&mut studios, app, studio).rows;
        if rows.iter().all(|row| row.event.as_deref() != Some(&*event.id)) {
            let (event, kind) = (Some(event.id.clone()), Some(event.kind.name()));
            push(rows, Row { at, times: 0, event, kind, object, became });
        }
    }

    /// Keeps that something was not believed. All of one kind are one row: whoever sends rubbish pushes nothing out.
    pub(crate) fn refused(&self, app: &App, studio: StudioNumber, why: &'static str) {
        let (at, became) = (app.engine().now(), Became::Refused(why));
        let mut studios = self.lock();
        let rows = &mut known(&mut studios, app, studio).rows;
        let before = rows.iter().position(|row| row.became == became);
        let times = before.and_then(|place| rows.remove(place)).map_or(0, |row| row.times).saturating_add(1);
        push(rows, Row { at, times, event: None, kind: None, object: None, became });
    }

    /// Nothing is open about these pages and payments any more.
    pub(crate) fn settled(&self, app: &App, studio: StudioNumber, objects: &[&str]) {
        let mut studios = self.lock();
        let studio = known(&mut studios, app, studio);
        studio.noted.open.retain(|open| !objects.contains(&&*open.object));
        let its = studio.rows.iter_mut().filter(|row| row.object.as_deref().is_some_and(|its| objects.contains(&its)));
        its.filter(|row| matches!(row.became, Became::Open(_))).for_each(|row| row.became = Became::Settled);
    }

    /// Something stays open about a page or a payment; whether that is new.
    pub(crate) fn stays_open(&self, app: &App, studio: StudioNumber, object: &str, reason: &str) -> News {
        let (now_s, number) = (seconds(app.engine().now()), studio);
        let mut studios = self.lock();
        let studio = known(&mut studios, app, studio);
        let all = &mut studio.noted.open;
        let news = match all.iter_mut().find(|open| open.object == object) {
            Some(open) => open.is_now(reason),
            None => {
                let (object, reason) = (object.to_owned(), reason.to_owned());
                if let Some(gone) = keep(all, Open { object, reason, since_s: now_s, tried_s: now_s }) {
                    tracing::error!(
                        studio = number.0,
                        payment = gone.object,
                        reason = gone.reason,
                        "more payments are open than are remembered: this one is not tried again, look at it at the provider"
                    );
                }
                News::New
            }
        };
        let reason = all.iter().find(|open| open.object == object).map_or(reason, |open| &open.reason);
        let its = studio.rows.iter_mut().filter(|row| row.object.as_deref() == Some(object));
        its.filter(|row| matches!(row.became, Became::Open(_)))
            .for_each(|row| row.became = Became::Open(reason.to_owned()));
        news
    }

    /// Something is to be told in the log about an object; whether it is new since the start.
    pub(crate) fn tell(&self, app: &App, studio: StudioNumber, object: &str, what: &'static str) -> News {
        let mut studios = self.lock();
        let new = known(&mut studios, app, studio).told.insert((object.to_owned(), what));
        if new { News::New } else { News::Known }
    }

    /// Some of what is open and is to be tried again now. What is too old is given up, but not money that is to be given back.
    pub(crate) fn to_try(&self, app: &App, studio: StudioNumber, most: usize) -> Vec<Look> {
        let now_s = seconds(app.engine().now());
        let mut studios = self.lock();
        let open = &mut known(&mut studios, app, studio).noted.open;
        open.retain(|open| until_given_back(&open.reason) || now_s < open.since_s.saturating_add(OPEN_FOR_S));
        let due = open.iter().filter(|open| open.tried_s.saturating_add(TRY_EVERY_S) <= now_s);
        due.filter_map(|open| Look::of_id(&open.object)).take(most).collect()
    }

    /// What is open was tried now.
    pub(crate) fn tried(&self, app: &App, studio: StudioNumber, look: &Look) {
        let now_s = seconds(app.engine().now());
        let mut studios = self.lock();
        let open = &mut known(&mut studios, app, studio).noted.open;
        open.iter_mut().filter(|open| open.object == look.id()).for_each(|open| open.tried_s = now_s);
    }

    /// Up to when it is known what happened, in seconds since 1970.
    pub(crate) fn asked_until(&self, app: &App, studio: StudioNumber) -> Option<i64> {
        known(&mut self.lock(), app, studio).noted.asked_until_s
    }

    /// Keeps up to when it is known what happened.
    pub(crate) fn asked(&self, app: &App, studio: StudioNumber, until_s: i64) {
        known(&mut self.lock(), app, studio).noted.asked_until_s = Some(until_s);
    }

    /// When all that had happened was last looked at, in seconds since 1970.
    pub(crate) fn looked_until(&self, app: &App, studio: StudioNumber) -> Option<i64> {
        known(&mut self.lock(), app, studio).noted.looked_s
    }

    /// Keeps when all that had happened was looked at.
    pub(crate) fn looked(&self, app: &App, studio: StudioNumber, at_s: i64) {
        known(&mut self.lock(), app, studio).noted.looked_s = Some(at_s);
    }

    /// Notes in the store what has changed enough.
    pub(crate) async fn note(&self, app: &App, studio: StudioNumber) -> Result<(), Refusal> {
        let noted = {
            let mut studios = self.lock();
            let known = known(&mut studios, app, studio);
            if !known.noted.is_to_be_stored(&known.stored) {
                return Ok(());
            }
            known.noted.clone()
        };
        let text = serde_json::to_string(&noted).expect("texts and numbers").into();
        app.engine().put_note(Note { studio, name: NOTE.into(), text }).await?;
        known(&mut self.lock(), app, studio).stored = noted;
        Ok(())
    }

    /// What was delivered, newest first, and what is open from before the last restart.
    pub(crate) fn rows(&self, app: &App, studio: StudioNumber) -> Vec<Row> {
        let mut studios = self.lock();
        let studio = known(&mut studios, app, studio);
        let mut rows: Vec<Row> = studio.rows.iter().rev().cloned().collect();
        for open in studio.noted.open.iter().rev() {
            if rows.iter().all(|row| row.object.as_deref() != Some(&*open.object)) {
                let at = Time::from_micros(open.since_s.saturating_mul(1_000_000));
                let became = Became::Open(open.reason.clone());
                rows.push(Row { at, times: 0, event: None, kind: None, object: Some(open.object.clone()), became });
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        rows
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StudioNumber, Studio>> {
        // Each change is whole by itself: a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Whether it says enough more than what is stored: how far the provider was asked changes every minute, and may be a
    /// little older than it is.
    fn is_to_be_stored(&self, stored: &Noted) -> bool {
        let later_s = |now: Option<i64>, then: Option<i64>| match (now, then) {
            (Some(now), Some(then)) => now.saturating_sub(then),
            (Some(_), None) => i64::MAX,
            (None, _) => 0,
        };
        later_s(self.asked_until_s, stored.asked_until_s) >= NOTE_EVERY_S
            || later_s(self.looked_s, stored.looked_s) >= LOOKED_EVERY_S
            || self.open != stored.open
    }
}

/// What is known of a studio; at first, what was noted before the last restart.
fn known<'a>(studios: &'a mut BTreeMap<StudioNumber, Studio>, app: &App, studio: StudioNumber) -> &'a mut Studio {
    studios.entry(studio).or_insert_with(|| {
        let text = app.engine().note(studio, NOTE);
        let noted = text.map(|text| serde_json::from_str::<Noted>(&text)).transpose();
        let noted = noted.unwrap_or_else(|_| {
            tracing::error!(
                studio = studio.0,
                "the note of payments cannot be read: the provider is asked for all that it remembers"
            );
            None
        });
        let noted = noted.unwrap_or_default();
        Studio { rows: VecDeque::new(), stored: noted.clone(), noted, told: BTreeSet::new() }
    })
}

/// Keeps one more of what is open; answers the one that has no room any more: what the provider refuses goes first, then
/// the oldest.
fn keep(all: &mut Vec<Open>, open: Open) -> Option<Open> {
    all.push(open);
    (all.len() > OPEN_MAX).then(|| {
        let place = all.iter().position(|open| open.reason == PROVIDER_REFUSES).unwrap_or(0);
        all.remove(place)
    })
}

fn push(rows: &mut VecDeque<Row>, row: Row) {
    if rows.len() == KEPT {
        rows.pop_front();
    }
    rows.push_back(row);
}

fn seconds(at: Time) -> i64 {
    at.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(number: usize, reason: &str) -> Open {
        Open { object: format!("pi_{number}"), reason: reason.to_owned(), since_s: 0, tried_s: 0 }
    }

    #[test]
    fn money_that_is_to_be_given_back_stays_what_it_is() {
        for (was, told, news, is) in [
            ("paid_twice", PROVIDER_REFUSES, News::Known, "paid_twice"),
            ("subscription_without_plan", PROVIDER_REFUSES, News::Known, "subscription_without_plan"),
            ("payment_mismatch", PROVIDER_REFUSES, News::New, PROVIDER_REFUSES),
            (PROVIDER_REFUSES, "paid_twice", News::New, "paid_twice"),
            ("paid_twice", "paid_twice", News::Known, "paid_twice"),
        ] {
            let mut open = open(1, was);
            assert_eq!((open.is_now(told), &*open.reason), (news, is), "{was}, {told}");
        }
    }

    /// Money that came and was not credited is kept before what the provider does not know.
    #[test]
    fn what_the_provider_refuses_makes_room_first_then_the_oldest() {
        let mut all: Vec<Open> = Vec::new();
        for number in 0..OPEN_MAX {
            let reason = if number == 7 { PROVIDER_REFUSES } else { "payment_mismatch" };
            assert_eq!(keep(&mut all, open(number, reason)), None);
        }
        for gone in ["pi_7", "pi_0", "pi_1"] {
            let left = keep(&mut all, open(1_000, "paid_twice"));
            assert_eq!(left.map(|open| open.object).as_deref(), Some(gone));
            assert_eq!(all.len(), OPEN_MAX);
        }
    }
}
