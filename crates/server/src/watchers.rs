//! Who waits for an account to change.
//!
//! One task reads the engine's feed and wakes the streams of the accounts that changed, so that a
//! thousand open streams cost nothing when other accounts change. It starts with the first watcher.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use scrip_core::id::AccountNumber;
use scrip_engine::Engine;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// The streams that are open, by account.
#[derive(Default)]
pub(crate) struct Watchers {
    open: Arc<Mutex<Open>>,
    reading: OnceLock<()>,
}

/// A signal per watched account; what it carries is of no interest, only that it changed.
type Open = HashMap<AccountNumber, watch::Sender<()>>;

impl Watchers {
    /// Wakes its receiver whenever the account has changed; must be called on the async runtime.
    pub(crate) fn watch(&self, engine: &Engine, account: AccountNumber) -> watch::Receiver<()> {
        // Watched first and read afterwards by the caller: no change falls between.
        let woken = lock(&self.open).entry(account).or_insert_with(|| watch::Sender::new(())).subscribe();
        self.reading.get_or_init(|| {
            tokio::spawn(wake_all(engine.feed(), Arc::clone(&self.open)));
        });
        woken
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the feed until the engine ends.
async fn wake_all(
    mut feed: tokio::sync::broadcast::Receiver<Arc<scrip_engine::engine::Committed>>,
    open: Arc<Mutex<Open>>,
) {
    loop {
        match feed.recv().await {
            Ok(committed) => {
                let mut open = lock(&open);
                open.retain(|_, signal| signal.receiver_count() > 0);
                if !open.is_empty() {
                    let changed = committed.accounts.iter().filter_map(|account| open.get(&account.number));
                    changed.for_each(|signal| signal.send_modify(|()| {}));
                }
            }
            // Too far behind to know who changed: everyone looks.
            Err(RecvError::Lagged(_)) => lock(&open).values().for_each(|signal| signal.send_modify(|()| {})),
            Err(RecvError::Closed) => return,
        }
    }
}
