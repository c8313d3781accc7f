//! A store that fails when it is told to: around a store that does not.
//!
//! It can refuse an append, or let an append end in doubt (written or not), or be cut off for good, as by a crash. It knows
//! what was really written, so the auditor need not guess. It never fails by itself and never changes what it passes on.

use std::sync::{Arc, Mutex};

use scrip_engine::store::{Batch, Document, Reader, Store, StoreError};

/// How the next append of entries or of a note fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and the engine is told so.
    Refused,
    /// Nothing is written, and the engine is not told.
    DoubtLost,
    /// All of it is written, and the engine is not told.
    DoubtKept,
}

/// The other end of a [`FaultyStore`], for whoever plans its faults.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    next: Option<Fault>,
    full: bool,
    cut_off: bool,
    done: u64,
    doubted: bool,
}

impl Faults {
    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.0.lock().expect("nobody panics while planning a fault")
    }

    /// The next append of entries or of a note fails so.
    pub fn arm(&self, fault: Fault) {
        self.plan().next = Some(fault);
    }

    /// Calls off a fault that has not happened; answers whether it had.
    pub fn disarm(&self) -> bool {
        self.plan().next.take().is_none()
    }

    /// From now on every append of entries or of a note is refused, as by a disk that is full.
    pub fn fill(&self) {
        self.plan().full = true;
    }

    /// There is room again; answers whether there was none.
    pub fn make_room(&self) -> bool {
        std::mem::take(&mut self.plan().full)
    }

    /// From now on nothing is written, as if the process had died.
    pub fn cut_off(&self) {
        self.plan().cut_off = true;
    }

    /// Whether an append has ended in doubt: the engine takes nothing any more.
    pub fn doubted(&self) -> bool {
        self.plan().doubted
    }

    /// How many faults have happened.
    pub fn done(&self) -> u64 {
        self.plan().done
    }
}

/// A store around another.
pub struct FaultyStore {
    inside: Box<dyn Store>,
    faults: Faults,
}

impl FaultyStore {
    /// Around this one, failing as planned.
    pub fn new(inside: Box<dyn Store>, faults: Faults) -> FaultyStore {
        FaultyStore { inside, faults }
    }
}

impl Store for FaultyStore {
    fn reader(&self) -> Arc<dyn Reader> {
        self.inside.reader()
    }

    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut plan = self.faults.plan();
        if plan.cut_off {
            return Err(StoreError::Unknown("the process died".to_owned()));
        }
        let notes = batch.documents.iter().any(|document| matches!(document, Document::Note(_)));
        let fault = if batch.rows.is_empty() && !notes {
            None
        } else if plan.full {
            Some(Fault::Refused)
        } else {
            plan.next.take()
        };
        plan.done += u64::from(fault.is_some());
        plan.doubted |= matches!(fault, Some(Fault::DoubtLost | Fault::DoubtKept));
        drop(plan);
        match fault {
            None => self.inside.append(batch),
            Some(Fault::Refused) => Err(StoreError::Refused("the simulated disk is full".to_owned())),
            Some(Fault::DoubtLost) => Err(StoreError::Unknown("the simulated disk did not answer".to_owned())),
            Some(Fault::DoubtKept) => {
                self.inside.append(batch)?;
                Err(StoreError::Unknown("the simulated disk answered too late".to_owned()))
            }
        }
    }

    fn upkeep(&mut self) -> Result<bool, StoreError> {
        if self.faults.plan().cut_off {
            return Err(StoreError::Unknown("the process died".to_owned()));
        }
        self.inside.upkeep()
    }
}
