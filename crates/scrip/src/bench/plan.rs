//! What is measured, in which order, and what each figure is held against.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

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

impl Plan {
    /// It and what came of it, for programs.
    pub(crate) fn json(&self, what: &str, figures: Vec<Value>) -> Value {
        json!({
            "what": what,
            "accounts": self.accounts,
            "seconds": self.duration.as_secs(),
            "rounds": self.rounds,
            "mismatches": 0,
            "figures": figures,
        })
    }
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
    /// [`CLIENTS`] callers that hand over sets of [`SET`].
    Sets,
}

/// Commands in a batch of [`Flight::Batches`].
pub(crate) const BATCH: u32 = 8_192;

/// Callers of [`Flight::Batches`]: one fills a batch while the other's becomes durable.
pub(crate) const BATCH_CALLERS: u32 = 3;

/// Clients of a database, as many for the hand-written statements as for the engine.
pub(crate) const CLIENTS: u32 = 64;

/// Charges in a set of [`Flight::Sets`], and in a hand-written statement of [`Hand::Set`].
pub(crate) const SET: u32 = 100;

impl Flight {
    /// How many callers there are.
    pub(crate) const fn callers(self) -> u32 {
        match self {
            Flight::Clients(clients) => clients,
            Flight::Batches => BATCH_CALLERS,
            Flight::Sets => CLIENTS,
        }
    }

    /// How many commands each of them hands over at once.
    pub(crate) const fn each(self) -> u32 {
        match self {
            Flight::Clients(_) => 1,
            Flight::Batches => BATCH,
            Flight::Sets => SET,
        }
    }

    /// The batch of the bare store that this flight is held against.
    pub(crate) const fn batch(self) -> u32 {
        match self {
            Flight::Clients(clients) => clients,
            Flight::Batches => BATCH,
            Flight::Sets => SET,
        }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flight::Clients(1) => write!(f, "1 client"),
            Flight::Clients(clients) => write!(f, "{clients} clients"),
            Flight::Batches => write!(f, "batches of {BATCH}"),
            Flight::Sets => write!(f, "{CLIENTS} clients, sets of {SET}"),
        }
    }
}

/// Which accounts are struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spread {
    /// Any of them, each as likely as the others.
    All,
    /// One.
    Hot,
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spread::All => Ok(()),
            Spread::Hot => write!(f, ", one hot account"),
        }
    }
}

/// Charges written by hand in SQL, sent by pgbench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hand {
    /// A transaction for each charge: lock the row, update, insert, commit.
    One(Spread),
    /// A statement for each [`SET`] charges.
    Set,
}

impl Hand {
    /// Charges in one transaction.
    pub(crate) const fn charges(self) -> u32 {
        match self {
            Hand::One(_) => 1,
            Hand::Set => SET,
        }
    }
}

impl fmt::Display for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hand::One(spread) => write!(f, "by hand, {CLIENTS} clients, a transaction each{spread}"),
            Hand::Set => write!(f, "by hand, {CLIENTS} clients, statements of {SET}"),
        }
    }
}

/// A price of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Formula {
    /// So many credits for each action.
    Action,
    /// Text to Material: over resolution and upscale.
    Material,
}

/// One thing that is measured once in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Rows appended through the store's port, no rules.
    BareStore(Flight),
    /// The price of a job of the seed, alone: nothing is charged.
    Quote(Formula),
    /// Work through the engine.
    Engine(Work, Flight, Spread),
    /// A route of the HTTP library that does nothing, bodies of the same size.
    EmptyHandler(u32),
    /// Work through the HTTP API, one command a request, so many connections.
    Http(Work, u32),
    /// Charges by `POST /v1/batch`, [`SET`] a request, so many connections.
    HttpBatch(u32),
    /// Charges by hand-written SQL.
    Hand(Hand),
    /// Charges through the engine on the same database.
    Shared(Flight, Spread),
}

const FLIGHTS: [Flight; 5] =
    [Flight::Clients(1), Flight::Clients(16), Flight::Clients(64), Flight::Clients(256), Flight::Batches];
const CONNECTIONS: [u32; 4] = [1, 16, 64, 1_000];
const BATCH_CONNECTIONS: [u32; 2] = [4, 64];
/// Where one account takes all: as many callers as one charge each keeps busy.
const HOT: Flight = Flight::Clients(256);

impl Subject {
    /// Everything on the embedded store, each beside the limit that it is held against.
    pub(crate) fn embedded() -> Vec<Subject> {
        let mut all = vec![Subject::Quote(Formula::Action), Subject::Quote(Formula::Material)];
        for flight in FLIGHTS {
            all.push(Subject::BareStore(flight));
            all.push(Subject::Engine(Work::Charge, flight, Spread::All));
            all.push(Subject::Engine(Work::Pair, flight, Spread::All));
        }
        for flight in [HOT, Flight::Batches] {
            all.push(Subject::Engine(Work::Charge, flight, Spread::Hot));
        }
        for connections in CONNECTIONS {
            all.push(Subject::EmptyHandler(connections));
            all.push(Subject::Http(Work::Charge, connections));
            all.push(Subject::Http(Work::Pair, connections));
        }
        all.extend(BATCH_CONNECTIONS.map(Subject::HttpBatch));
        all
    }

    /// Everything on a database, each beside the hand-written SQL that it is held against.
    pub(crate) fn shared() -> Vec<Subject> {
        [
            Subject::Shared(Flight::Clients(CLIENTS), Spread::All),
            Subject::Shared(Flight::Clients(CLIENTS), Spread::Hot),
            Subject::Shared(Flight::Sets, Spread::All),
        ]
        .into_iter()
        .flat_map(|subject| subject.limit().into_iter().chain([subject]))
        .collect()
    }

    /// Whether others are held against it, and it against nothing.
    pub(crate) const fn is_limit(self) -> bool {
        matches!(self, Subject::BareStore(_) | Subject::EmptyHandler(_) | Subject::Hand(_))
    }

    /// Connections over HTTP.
    pub(crate) const fn connections(self) -> u32 {
        match self {
            Subject::EmptyHandler(connections) | Subject::Http(_, connections) | Subject::HttpBatch(connections) => {
                connections
            }
            Subject::Quote(_)
            | Subject::BareStore(_)
            | Subject::Engine(..)
            | Subject::Hand(_)
            | Subject::Shared(..) => 0,
        }
    }

    /// What it is held against; `None` for a limit, and for a price alone.
    pub(crate) const fn limit(self) -> Option<Subject> {
        match self {
            Subject::BareStore(_) | Subject::EmptyHandler(_) | Subject::Hand(_) | Subject::Quote(_) => None,
            Subject::Engine(_, flight, Spread::All) => Some(Subject::BareStore(flight)),
            Subject::Engine(work, flight, Spread::Hot) => Some(Subject::Engine(work, flight, Spread::All)),
            Subject::HttpBatch(_) => Some(Subject::Engine(Work::Charge, Flight::Batches, Spread::All)),
            Subject::Http(_, connections) => Some(Subject::EmptyHandler(connections)),
            Subject::Shared(Flight::Clients(_), spread) => Some(Subject::Hand(Hand::One(spread))),
            Subject::Shared(Flight::Sets | Flight::Batches, _) => Some(Subject::Hand(Hand::Set)),
        }
    }

    /// What is counted.
    pub(crate) const fn unit(self) -> &'static str {
        match self {
            Subject::BareStore(_) => "rows",
            Subject::EmptyHandler(_) => "requests",
            Subject::Quote(_) => "quotes",
            Subject::Engine(Work::Charge, ..)
            | Subject::Http(Work::Charge, _)
            | Subject::HttpBatch(_)
            | Subject::Hand(_)
            | Subject::Shared(..) => "charges",
            Subject::Engine(Work::Pair, ..) | Subject::Http(Work::Pair, _) => "holds + settles",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::BareStore(flight) => write!(f, "bare store, batches of {}", flight.batch()),
            Subject::Quote(Formula::Action) => write!(f, "price per action"),
            Subject::Quote(Formula::Material) => write!(f, "price by resolution and upscale"),
            Subject::Engine(_, flight, spread) => write!(f, "engine, {flight}{spread}"),
            Subject::EmptyHandler(1) => write!(f, "empty handler, 1 connection"),
            Subject::EmptyHandler(connections) => write!(f, "empty handler, {connections} connections"),
            Subject::Http(_, 1) => write!(f, "HTTP, 1 connection"),
            Subject::Http(_, connections) => write!(f, "HTTP, {connections} connections"),
            Subject::HttpBatch(connections) => write!(f, "HTTP, {connections} connections, batches of {SET}"),
            Subject::Hand(hand) => write!(f, "{hand}"),
            Subject::Shared(flight, spread) => write!(f, "engine, {flight}{spread}"),
        }
    }
}
