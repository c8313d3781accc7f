//! What payment providers delivered and what became of it: for the operator to see, and for the reconciler to try again.
//!
//! The newest deliveries are in memory, a bounded number for each studio. What could not be settled, and up to when the provider
//! was asked what happened, is noted in the store too (a note of the studio, see `scrip_engine::store::Note`): of that
//! nothing may be forgotten in a restart, and nothing of what another server on the same store found: what either side noted or
//! settled since is taken in before anything is looked at or noted. What was settled is in the journal anyway. No account's id is noted here: whose an
//! order is, is looked up when somebody asks, so that an erasure leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
/// How often a note is tried that other servers change at the same time.
const NOTE_TRIES: u32 = 8;

/// What was delivered, and what is open. One per server.
#[derive(Default)]
pub(crate) struct Deliveries {
    studios: Mutex<BTreeMap<StudioNumber, Studio>>,
    /// One note is stored at a time: the newest must be the last.
    noting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Studio {
    /// Oldest first.
    rows: VecDeque<Row>,
    noted: Noted,
    /// What the store has, as it was last looked at, and the text that said so.
    stored: Noted,
    stored_text: Option<Arc<str>>,
    /// What is being stored.
    storing: Option<(Arc<str>, Noted)>,
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
    /// It is open for another reason now; whether that is new. What is open until its money is given back stays so, whatever else
    /// is told of it: it would be forgotten, and the money is there still.
    fn is_now(&mut self, reason: &str) -> News {
        let stays = until_given_back(&self.reason) && !until_given_back(reason);
        if self.reason == reason || stays {
            return News::Known;
        }
        self.reason = reason.to_owned();
        News::New
    }

    /// Another server noted this of the same object; `before`: what was noted when both last agreed.
    fn take_in(&mut self, theirs: &Open, before: Option<&Open>) {
        let is_as_before = before.is_some_and(|before| before.reason == self.reason);
        if is_as_before || until_given_back(&theirs.reason) {
            // Nobody asks whether it is new here: it was told in the log there.
            self.is_now(&theirs.reason);
        }
        self.since_s = self.since_s.min(theirs.since_s);
        self.tried_s = self.tried_s.max(theirs.tried_s);
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
        let known = known(&mut studios, app, studio);
        let became = known.noted.shown(object.as_deref(), became);
        let rows = &mut known.rows;
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
        let known = known(&mut studios, app, studio);
        let became = known.noted.shown(object.as_deref(), became);
        let rows = &mut known.rows;
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
                    tell_of(number, &gone);
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
        let mut studios = self.lock();
        let noted = &known(&mut studios, app, studio).noted;
        // Notes of before say only how far was asked.
        noted.looked_s.or(noted.asked_until_s)
    }

    /// Keeps when all that had happened was looked at.
    pub(crate) fn looked(&self, app: &App, studio: StudioNumber, at_s: i64) {
        known(&mut self.lock(), app, studio).noted.looked_s = Some(at_s);
    }

    /// Notes in the store what has changed enough, and what other servers noted besides.
    pub(crate) async fn note(&self, app: &App, studio: StudioNumber) -> Result<(), Refusal> {
        let _one_at_a_time = self.noting.lock().await;
        for _ in 0..NOTE_TRIES {
            let (text, instead_of) = {
                let mut studios = self.lock();
                let known = known(&mut studios, app, studio);
                if !known.noted.is_to_be_stored(&known.stored) {
                    return Ok(());
                }
                let text: Arc<str> = serde_json::to_string(&known.noted).expect("texts and numbers").into();
                known.storing = Some((Arc::clone(&text), known.noted.clone()));
                (text, known.stored_text.clone())
            };
            app.engine().put_note(Note { studio, name: NOTE.into(), text }, instead_of).await?;
        }
        Err(Refusal::Unavailable("other servers note payments all the time"))
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
        self.studios.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Takes in what the store says `now`, where it said `before` when it was last looked at: what another server found is open,
    /// and what it settled is not. Answers the latter.
    fn take_in(&mut self, before: &Noted, now: &Noted) -> Vec<String> {
        if now.asked_until_s != before.asked_until_s {
            self.asked_until_s = self.asked_until_s.max(now.asked_until_s);
        }
        if now.looked_s != before.looked_s {
            self.looked_s = self.looked_s.max(now.looked_s);
        }
        let gone = before.open.iter().filter(|was| now.of(&was.object).is_none());
        // What is open for another reason here is not what was settled there.
        let settled = gone.filter(|was| self.of(&was.object).is_some_and(|open| open.reason == was.reason));
        let settled: Vec<String> = settled.map(|was| was.object.clone()).collect();
        self.open.retain(|open| !settled.contains(&open.object));
        for theirs in &now.open {
            let was = before.of(&theirs.object);
            match self.open.iter_mut().find(|open| open.object == theirs.object) {
                Some(ours) => ours.take_in(theirs, was),
                // Settled here; what they know of it is older.
                None if was.is_some_and(|was| was.reason == theirs.reason) => {}
                None => self.open.push(theirs.clone()),
            }
        }
        self.open.sort_by_key(|open| open.since_s);
        settled
    }

    fn of(&self, object: &str) -> Option<&Open> {
        self.open.iter().find(|open| open.object == object)
    }

    /// What became of a delivery, as it is shown: money that is to be given back is that, whatever the last look came to.
    fn shown(&self, object: Option<&str>, became: Became) -> Became {
        let open = object.and_then(|object| self.of(object)).filter(|open| until_given_back(&open.reason));
        match (became, open) {
            (Became::Open(_), Some(open)) => Became::Open(open.reason.clone()),
            (became, _) => became,
        }
    }
}

/// What is known of a studio, with what the store says by now: at first, what was noted before the last restart; later, what other
/// servers noted.
fn known<'a>(studios: &'a mut BTreeMap<StudioNumber, Studio>, app: &App, studio: StudioNumber) -> &'a mut Studio {
    let known = studios.entry(studio).or_default();
    let text = app.engine().note(studio, NOTE);
    if text != known.stored_text {
        known.learn(studio, text);
    }
    known
}

impl Studio {
    /// The store says something else than before.
    fn learn(&mut self, studio: StudioNumber, text: Option<Arc<str>>) {
        let now = match self.storing.take() {
            // Ours, as it was then; more may have happened since.
            Some((ours, noted)) if Some(&ours) == text.as_ref() => noted,
            _ => {
                let now: Noted = match text.as_deref().map(serde_json::from_str).transpose() {
                    Ok(now) => now.unwrap_or_default(),
                    // What is known here stays: that it is not in there says nothing.
                    Err(_) => {
                        tracing::error!(
                            studio = studio.0,
                            "the note of payments cannot be read: the provider is asked for all that it remembers"
                        );
                        self.stored = Noted::default();
                        self.stored_text = text;
                        return;
                    }
                };
                let settled = self.noted.take_in(&self.stored, &now);
                while let Some(gone) = without_room(&mut self.noted.open) {
                    tell_of(studio, &gone);
                }
                // Whoever settled it shows it.
                let is_over = |row: &Row| row.object.as_ref().is_some_and(|object| settled.contains(object));
                self.rows.retain(|row| !(matches!(row.became, Became::Open(_)) && is_over(row)));
                now
            }
        };
        self.stored = now;
        self.stored_text = text;
    }
}

/// Keeps one more of what is open; answers the one that has no room any more.
fn keep(all: &mut Vec<Open>, open: Open) -> Option<Open> {
    all.push(open);
    without_room(all)
}

/// Takes away one that has no room: what the provider refuses goes first, then the oldest.
fn without_room(all: &mut Vec<Open>) -> Option<Open> {
    (all.len() > OPEN_MAX).then(|| {
        let place = all.iter().position(|open| open.reason == PROVIDER_REFUSES).unwrap_or(0);
        all.remove(place)
    })
}

/// Tells the log of something open that is forgotten.
fn tell_of(studio: StudioNumber, gone: &Open) {
    tracing::error!(
        studio = studio.0,
        payment = gone.object,
        reason = gone.reason,
        "more payments are open than are remembered: this one is not tried again, look at it at the provider"
    );
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
            ("subscription_without_plan", "not_readable", News::Known, "subscription_without_plan"),
            ("subscription_without_plan", "account_not_found", News::Known, "subscription_without_plan"),
            ("subscription_without_plan", "paid_twice", News::New, "paid_twice"),
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
            assert_eq!(without_room(&mut all), None);
        }
    }

    fn noted(asked_until_s: i64, open: &[(&str, &str)]) -> Noted {
        let open = open.iter().map(|(object, reason)| {
            let (object, reason) = ((*object).to_owned(), (*reason).to_owned());
            Open { object, reason, since_s: 0, tried_s: 0 }
        });
        Noted { asked_until_s: Some(asked_until_s), looked_s: None, open: open.collect() }
    }

    /// What is noted here, after the store said `before`, and `now`, which another server noted.
    #[track_caller]
    fn check(before: &[(&str, &str)], ours: &[(&str, &str)], theirs: &[(&str, &str)], both: &[(&str, &str)]) {
        let mut here = noted(70, ours);
        here.take_in(&noted(50, before), &noted(60, theirs));
        assert_eq!(here, noted(70, both), "{before:?}: {ours:?} and {theirs:?}");
    }

    #[test]
    fn what_another_server_noted_is_taken_in() {
        let (a, b) = (("pi_a", "unknown_order"), ("in_b", "term_without_plan"));
        check(&[], &[a], &[b], &[a, b]);
        check(&[], &[], &[a, b], &[a, b]);
        // Settled by either of them, and found by the other one.
        check(&[a], &[], &[a, b], &[b]);
        check(&[a], &[a, b], &[], &[b]);
        check(&[a], &[], &[("pi_a", "paid_twice")], &[("pi_a", "paid_twice")]);
        check(&[a], &[("pi_a", "no_room")], &[], &[("pi_a", "no_room")]);
        // Open for another reason on one side, or on both: money that is to be given back comes first.
        check(&[a], &[a], &[("pi_a", "no_room")], &[("pi_a", "no_room")]);
        check(&[a], &[("pi_a", "no_room")], &[a], &[("pi_a", "no_room")]);
        for (ours, theirs) in [("paid_twice", "not_readable"), ("not_readable", "paid_twice")] {
            check(&[a], &[("pi_a", ours)], &[("pi_a", theirs)], &[("pi_a", "paid_twice")]);
        }
        let mut here = noted(60, &[]);
        here.take_in(&noted(60, &[]), &noted(90, &[]));
        assert_eq!(here.asked_until_s, Some(90));
    }
}
