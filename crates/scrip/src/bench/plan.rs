//! What is measured, in which order, and what each figure is held against.

use std::fmt;
use std::time::Duration;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Accounts that the load is spread over.
    pub(crate) accounts: u32,
    /// How long each measurement of a round lasts.
    pub(crate) duration: Duration,
    /// How often everything is measured.
    pub(crate) rounds: u32,
}

/// What one unit of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// A charge: priced, split over lots, journalled, durable.
    Charge,
    /// A hold and its settle.
    Pair,
}

/// How many are in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flight {
    /// So many callers, each waiting for its answer before it asks again.
    Clients(u32),
    /// A few callers that hand over batches of [`BATCH`].
    Batches,
}

/// Commands in a batch of [`Flight::Batches`].
pub(crate) const BATCH: u32 = 8_192;

/// Callers of [`Flight::Batches`]: one fills a batch while the other's becomes durable.
pub(crate) const BATCH_CALLERS: u32 = 3;

impl Flight {
    /// The batch of the bare store that this flight is held against.
    pub(crate) const fn batch(self) -> u32 {
        match self {
            Flight::Clients(clients) => clients,
            Flight::Batches => BATCH,
        }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flight::Clients(1) => write!(f, "1 client"),
            Flight::Clients(clients) => write!(f, "{clients} clients"),
            Flight::Batches => write!(f, "batches of {BATCH}"),
        }
    }
}

/// One thing that is measured once in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Rows appended through the store's port, no rules.
    BareStore(Flight),
    /// Work through the engine.
    Engine(Work, Flight),
    /// A route of the HTTP library that does nothing, bodies of the same size.
    EmptyHandler(u32),
    /// Work through the HTTP API, one command a request, so many connections.
    Http(Work, u32),
}

const FLIGHTS: [Flight; 5] =
    [Flight::Clients(1), Flight::Clients(16), Flight::Clients(64), Flight::Clients(256), Flight::Batches];
const CONNECTIONS: [u32; 3] = [1, 16, 64];

impl Subject {
    /// Everything, each beside the limit that it is held against.
    pub(crate) fn all() -> Vec<Subject> {
        let mut all = Vec::new();
        for flight in FLIGHTS {
            all.push(Subject::BareStore(flight));
            all.push(Subject::Engine(Work::Charge, flight));
            all.push(Subject::Engine(Work::Pair, flight));
        }
        for connections in CONNECTIONS {
            all.push(Subject::EmptyHandler(connections));
            all.push(Subject::Http(Work::Charge, connections));
            all.push(Subject::Http(Work::Pair, connections));
        }
        all
    }

    /// The limit that it is held against; `None` for a limit.
    pub(crate) const fn limit(self) -> Option<Subject> {
        match self {
            Subject::BareStore(_) | Subject::EmptyHandler(_) => None,
            Subject::Engine(_, flight) => Some(Subject::BareStore(flight)),
            Subject::Http(_, connections) => Some(Subject::EmptyHandler(connections)),
        }
    }

    /// What is counted.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Subject::BareStore(_) => "rows",
            Subject::EmptyHandler(_) => "requests",
            Subject::Engine(Work::Charge, _) | Subject::Http(Work::Charge, _) => "charges",
            Subject::Engine(Work::Pair, _) | Subject::Http(Work::Pair, _) => "holds + settles",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::BareStore(flight) => write!(f, "bare store, batches of {}", flight.batch()),
            Subject::Engine(_, flight) => write!(f, "engine, {flight}"),
            Subject::EmptyHandler(1) => write!(f, "empty handler, 1 connection"),
            Subject::EmptyHandler(connections) => write!(f, "empty handler, {connections} connections"),
            Subject::Http(_, 1) => write!(f, "HTTP, 1 connection"),
            Subject::Http(_, connections) => write!(f, "HTTP, {connections} connections"),
        }
    }
}
