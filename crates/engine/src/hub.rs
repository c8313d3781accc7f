//! What any engine's threads and handles have in common, whatever store it runs on: options, documents, figures, the feed.
//!
//! It decides nothing and reads no store.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use scrip_core::catalog::{Catalogs, Published};
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use tokio::sync::{broadcast, watch};

use crate::engine::{Committed, Options, Outcome, Publication, Refusal};
use crate::intake::Carried;
use crate::recover::Documents;
use crate::store::{KeyDocument, Note, TokenSecret};

/// Batches that a slow listener of the feed may be behind.
const FEED_BACKLOG: usize = 1_024;

/// What is common to an engine's threads and handles.
pub(crate) struct Hub {
    pub(crate) options: Options,
    pub(crate) feed: broadcast::Sender<Arc<Committed>>,
    pub(crate) clock_moves: watch::Sender<Time>,
    pub(crate) counters: Counters,
    pub(crate) stopping: Mutex<bool>,
    pub(crate) stopped: Condvar,
    trouble: AtomicU8,
    documents: RwLock<Known>,
    /// Held while a studio's secret is made, so that there is one.
    pub(crate) making_secret: tokio::sync::Mutex<()>,
}

/// Documents as they are durable.
pub(crate) struct Known {
    pub(crate) studios: BTreeMap<StudioId, StudioNumber>,
    pub(crate) catalogs: Arc<Catalogs>,
    pub(crate) sources: BTreeMap<(StudioNumber, u32), Publication>,
    pub(crate) keys: Arc<[KeyDocument]>,
    pub(crate) token_secrets: BTreeMap<StudioNumber, TokenSecret>,
    pub(crate) notes: BTreeMap<(StudioNumber, Box<str>), Arc<str>>,
}

/// Counts since the start, and how far the store has come.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) entries: AtomicU64,
    pub(crate) mark: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) replayed: AtomicU64,
}

/// What stands in the way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Trouble {
    /// Nothing.
    None = 0,
    /// The last batch was refused; the next one may go through.
    Refused = 1,
    /// A write ended in an unknown state: nothing more is written until a restart has read it back.
    Lost = 2,
}

impl Known {
    /// What a store holds.
    pub(crate) fn of(documents: Documents) -> Known {
        Known {
            studios: documents.studios,
            catalogs: Arc::new(documents.catalogs),
            sources: documents.sources.into_iter().collect(),
            keys: documents.keys.into(),
            token_secrets: documents.token_secrets,
            notes: documents.notes.into_iter().map(|note| ((note.studio, note.name), note.text)).collect(),
        }
    }
}

impl Hub {
    pub(crate) fn new(options: Options, known: Known) -> Hub {
        Hub {
            feed: broadcast::Sender::new(FEED_BACKLOG),
            clock_moves: watch::Sender::new(options.clock.now()),
            counters: Counters::default(),
            stopping: Mutex::new(false),
            stopped: Condvar::new(),
            trouble: AtomicU8::new(Trouble::None as u8),
            documents: RwLock::new(known),
            making_secret: tokio::sync::Mutex::new(()),
            options,
        }
    }

    /// All documents anew.
    pub(crate) fn know_all(&self, known: Known) {
        *self.documents.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Waits for the engine's stop, so long.
    pub(crate) fn stopped_within(&self, period: Duration) -> bool {
        let stopping = self.stopping.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopping, _) = self
            .stopped
            .wait_timeout_while(stopping, period, |stopping| !*stopping)
            .unwrap_or_else(PoisonError::into_inner);
        *stopping
    }

    /// Whether the engine is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what came of a command.
    pub(crate) fn count(&self, carried: &Carried) {
        let counters = &self.counters;
        match carried {
            Ok(Outcome { replayed: false, .. }) => counters.accepted.fetch_add(1, Ordering::Relaxed),
            Ok(Outcome { replayed: true, .. }) => counters.replayed.fetch_add(1, Ordering::Relaxed),
            Err(Refusal::Rejected(_)) => counters.rejected.fetch_add(1, Ordering::Relaxed),
            Err(Refusal::Unavailable(_)) => 0,
        };
    }

    pub(crate) fn known<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.documents.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn catalogs(&self) -> Arc<Catalogs> {
        self.known(|known| Arc::clone(&known.catalogs))
    }

    pub(crate) fn studio_numbers(&self) -> BTreeMap<StudioId, StudioNumber> {
        self.known(|known| known.studios.clone())
    }

    pub(crate) fn learn_studio(&self, number: StudioNumber, id: StudioId) {
        self.documents.write().unwrap_or_else(PoisonError::into_inner).studios.insert(id, number);
    }

    pub(crate) fn learn_catalog(&self, published: Arc<Published>, publication: Publication) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.sources.insert((published.studio, published.version), publication);
        Arc::make_mut(&mut known.catalogs).add(published);
    }

    pub(crate) fn learn_token_secret(&self, studio: StudioNumber, secret: TokenSecret) {
        self.documents.write().unwrap_or_else(PoisonError::into_inner).token_secrets.insert(studio, secret);
    }

    pub(crate) fn learn_note(&self, note: Note) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.notes.insert((note.studio, note.name), note.text);
    }

    pub(crate) fn learn_key(&self, key: KeyDocument) {
        let mut known = self.documents.write().unwrap_or_else(PoisonError::into_inner);
        known.keys = known.keys.iter().filter(|other| other.id != key.id).cloned().chain([key.clone()]).collect();
    }

    pub(crate) fn trouble(&self) -> Trouble {
        match self.trouble.load(Ordering::Acquire) {
            0 => Trouble::None,
            1 => Trouble::Refused,
            _ => Trouble::Lost,
        }
    }

    /// Once lost, always lost: only a restart reads the store back.
    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        if self.trouble() != Trouble::Lost {
            self.trouble.store(trouble as u8, Ordering::Release);
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.trouble() == Trouble::Lost
    }
}
