//! The committer: the thread that makes batches durable, and only then lets anyone know.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scrip_core::journal;
use tracing::{error, warn};

use crate::engine::{Committed, Shared};
use crate::hub::Trouble;
use crate::intake::Landed;
use crate::sequencer::{LOST, NOT_WRITTEN, News, Prepared, Reply};
use crate::store::{Row, Store, StoreError};

/// How long a refused store is left alone before the next batch is tried.
const RESPITE: Duration = Duration::from_millis(100);

/// Commits until the sequencer has ended.
pub(crate) fn run(shared: &Shared, mut store: Box<dyn Store>) {
    while let Some(prepared) = shared.intake.receive() {
        let batch = &prepared.batch;
        let empty = batch.rows.is_empty() && batch.documents.is_empty() && batch.behind.is_empty();
        let written = if shared.is_lost() {
            Err(StoreError::Refused("an earlier write ended in an unknown state".into()))
        } else if empty {
            Ok(())
        } else {
            store.append(batch)
        };
        match written {
            Ok(()) => {
                announce(shared, prepared);
                shared.intake.committed(Landed::Durable);
                keep_up(shared, store.as_mut());
            }
            Err(failure) => {
                let why = give_up(shared, &failure);
                // First, so that whoever tries again at once is not decided upon what is void.
                shared.intake.committed(Landed::Failed);
                prepared.replies.into_iter().for_each(|reply| reply.refuse(why));
                // A store whose last write is in doubt is not tried again: nothing to wait for.
                if !shared.is_lost() {
                    std::thread::sleep(RESPITE);
                }
            }
        }
    }
}

/// The store's own upkeep: a bounded piece between two batches.
fn keep_up(shared: &Shared, store: &mut dyn Store) {
    let kept = store.upkeep().and_then(|_| {
        if shared.is_erasing() {
            shared.set_erasing(!shared.reader.erasing()?.is_empty());
        }
        Ok(())
    });
    if let Err(failure) = kept {
        // Upkeep makes nothing durable that a caller waits for: it is tried again after the next batch.
        warn!(%failure, "upkeep of the store");
    }
}

fn give_up(shared: &Shared, failure: &StoreError) -> &'static str {
    error!(%failure, "a batch was not written");
    match failure {
        StoreError::Refused(_) => {
            shared.set_trouble(Trouble::Refused);
            if shared.is_lost() { LOST } else { NOT_WRITTEN }
        }
        StoreError::Unknown(_) | StoreError::Damaged(_) => {
            shared.set_trouble(Trouble::Lost);
            LOST
        }
    }
}

/// The batch is durable: readers, the feed and the callers learn of it, in this order.
fn announce(shared: &Shared, prepared: Prepared) {
    let Prepared { batch, accounts, replies, news } = prepared;
    shared.set_trouble(Trouble::None);
    for stored in &accounts {
        shared.residents.publish(stored);
    }
    shared.know(news);
    let counters = &shared.counters;
    if let Some(row) = batch.rows.last() {
        counters.entries.store(row.position, Ordering::Release);
    }
    if !batch.erasures.is_empty() {
        shared.set_erasing(true);
    }
    if let Some(mark) = batch.behind.mark {
        counters.mark.store(mark, Ordering::Release);
    }
    counters.batches.fetch_add(1, Ordering::Relaxed);
    if shared.feed.receiver_count() > 0 && !accounts.is_empty() {
        let entries = read_back(shared, &batch.rows);
        let accounts = accounts.into_iter().map(|stored| stored.account).collect();
        // Nobody listening any more is no failure.
        drop(shared.feed.send(Arc::new(Committed { entries, accounts })));
    }
    for reply in replies {
        count(shared, &reply);
        reply.send();
    }
}

fn read_back(shared: &Shared, rows: &[Row]) -> Vec<(scrip_core::id::StudioNumber, scrip_core::entry::Entry)> {
    rows.iter()
        .filter_map(|row| {
            let studio = shared.residents.get(row.record.account)?.account.studio;
            let entry = journal::decode(&row.record).expect("what was encoded a moment ago can be decoded");
            Some((studio, entry))
        })
        .collect()
}

fn count(shared: &Shared, reply: &Reply) {
    let Reply::Commands(_, carried) = reply else { return };
    carried.iter().for_each(|one| shared.count(one));
}

impl Shared {
    /// Documents that are now durable.
    fn know(&self, news: Vec<News>) {
        for one in news {
            match one {
                News::Studio(number, id) => self.learn_studio(number, id),
                News::Catalog(published, publication) => self.learn_catalog(published, publication),
                News::Key(key) => self.learn_key(key),
                News::TokenSecret(studio, secret) => self.learn_token_secret(studio, secret),
                News::Note(note) => self.learn_note(note),
                News::Clock(now) => {
                    self.clock_moves.send_replace(now);
                }
            }
        }
    }
}
