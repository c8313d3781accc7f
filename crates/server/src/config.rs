//! What the executable tells the server. Plain data: reading flags and the environment is not its business.

use std::time::Duration;

use scrip_core::id::StudioId;

use crate::keys::OutsideKey;

/// How a server behaves. Addresses are not here: the executable binds them and hands over listeners.
#[derive(Default)]
pub struct Config {
    /// Secret keys set from outside (`SCRIP_KEYS`), beside those in the store.
    pub keys: Vec<OutsideKey>,
    /// Which web pages may call with a browser, per studio; empty: none.
    pub cors: Vec<AllowedOrigins>,
    /// Sizes and waits.
    pub limits: Limits,
}

/// The origins whose pages may call for one studio (CORS).
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    /// The studio.
    pub studio: StudioId,
    /// Exact origins, as in `https://app.example.com`.
    pub origins: Vec<String>,
}

/// Sizes and waits. The defaults are those of the documentation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an ordinary body: 64 KiB.
    pub body: usize,
    /// Bytes of a batch: 8 MiB.
    pub batch_body: usize,
    /// Bytes of a catalog: 1 MiB.
    pub catalog_body: usize,
    /// How long a body may take to arrive: 10 s.
    pub body_wait: Duration,
    /// How long a request's head may take to arrive: 10 s.
    pub head_wait: Duration,
    /// Connections at once; more wait to be accepted: 10,000.
    pub connections: usize,
    /// How long open requests may take to finish at shutdown: 30 s.
    pub drain_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 64 * 1024,
            batch_body: 8 * 1024 * 1024,
            catalog_body: 1024 * 1024,
            body_wait: Duration::from_secs(10),
            head_wait: Duration::from_secs(10),
            connections: 10_000,
            drain_wait: Duration::from_secs(30),
        }
    }
}
