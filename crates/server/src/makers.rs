//! Who made a studio's keys, and why: read from the audit trail, where it stands, and remembered, since it never changes.
//!
//! Apart from the keys because nothing here opens anything: it is for people to read. It must never be asked who may do what.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scrip_core::entry::{Act, Entry, Event, Kind, TextField};
use scrip_core::id::{AccountId, StudioNumber};
use scrip_engine::history::HistoryQuery;
use scrip_engine::store::KeyDocument;

use crate::app::App;
use crate::problem::Refused;
use crate::request::PAGE_MAX;

/// By how much the clocks of servers that share a store may differ, in seconds: a key's own time and that of its making are two
/// looks at one.
const CLOCKS_DIFFER_S: i64 = 60;

/// How a key was made. Nothing is known of one that a server's first start made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    /// By whom.
    pub(crate) by: Option<Box<str>>,
    /// Why.
    pub(crate) reason: Option<Box<str>>,
}

/// How keys were made, by their ids: of as many as there are keys.
#[derive(Default)]
pub(crate) struct Makers(Mutex<BTreeMap<Box<str>, Made>>);

impl Makers {
    /// How these keys of a studio were made.
    pub(crate) async fn of(
        &self,
        app: &App,
        studio: StudioNumber,
        keys: &[KeyDocument],
    ) -> Result<BTreeMap<Box<str>, Made>, Refused> {
        let missing: Vec<&KeyDocument> = {
            let known = self.lock();
            keys.iter().filter(|key| !known.contains_key(&key.id)).collect()
        };
        if let Some(oldest) = missing.iter().map(|key| key.created_at).min() {
            let mut query = HistoryQuery {
                limit: PAGE_MAX,
                kinds: vec![Kind::Act],
                from: Some(oldest.plus_seconds(-CLOCKS_DIFFER_S)),
                ..HistoryQuery::default()
            };
            let mut wanted: BTreeMap<Box<str>, Made> =
                missing.iter().map(|key| (key.id.clone(), Made::default())).collect();
            let read = app.reading(move |engine| {
                loop {
                    let page = engine.history(studio, &AccountId::of_studio(), &query)?.unwrap_or_default();
                    page.entries.iter().for_each(|entry| note(&mut wanted, entry));
                    query.before = page.next;
                    if query.before.is_none() {
                        return Ok(wanted);
                    }
                }
            });
            let read = read.await?;
            self.lock().extend(read);
        }
        let known = self.lock();
        Ok(keys.iter().filter_map(|key| Some((key.id.clone(), known.get(&key.id)?.clone()))).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Made>> {
        // Each change is whole by itself: a panic elsewhere does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes how a key was made, where an entry says so of one that is wanted.
fn note(wanted: &mut BTreeMap<Box<str>, Made>, entry: &Entry) {
    if !matches!(entry.event, Event::Acted { act: Act::KeyCreated }) {
        return;
    }
    let text = |field| entry.texts.get(field).map(Box::from);
    if let Some(made) = entry.texts.get(TextField::Reference).and_then(|id| wanted.get_mut(id)) {
        *made = Made { by: text(TextField::By), reason: text(TextField::Reason) };
    }
}
