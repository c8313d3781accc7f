//! Whether the store takes writes: what `/readyz` tells besides whether it can be read.
//!
//! It is apart from the hub's trouble, which every reading that succeeds clears: a database that is full, or has become a
//! standby, can be read for as long as it likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scrip_core::id::AccountNumber;
use tracing::warn;

use crate::store::joint::JointStore;

/// What became of the last writes.
#[derive(Default)]
pub(super) struct Writes {
    refused: AtomicBool,
    trying: AtomicBool,
}

impl Writes {
    /// One was refused, or nobody said what became of it.
    pub(super) fn failed(&self) {
        self.refused.store(true, Ordering::Release);
    }

    /// One has landed.
    pub(super) fn landed(&self) {
        self.refused.store(false, Ordering::Release);
    }

    /// Whether none has landed since one was refused.
    pub(super) fn are_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// Writes something that changes nothing, on a thread of its own, unless that is under way: nobody may send commands to
    /// a server that says it is not ready.
    pub(super) fn try_again(self: &Arc<Self>, store: &Arc<dyn JointStore>) {
        if self.trying.swap(true, Ordering::AcqRel) {
            return;
        }
        let (writes, store) = (Arc::clone(self), Arc::clone(store));
        let trial = move || {
            match store.confirm(&[AccountNumber(0)]) {
                Ok(()) => writes.landed(),
                Err(failure) => warn!(%failure, "the store still takes no writes"),
            }
            writes.trying.store(false, Ordering::Release);
        };
        if let Err(failure) = std::thread::Builder::new().name("scrip-trial".to_owned()).spawn(trial) {
            warn!(%failure, "no thread to try a write");
            self.trying.store(false, Ordering::Release);
        }
    }
}
