//! Webhook deliveries: signed, sent, sent again when they are not taken, and misbehaving on request.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::object::{Endpoint, Event};
use crate::switches::{Deliver, Switches};

/// How long a receiver may take.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// Tries of one delivery: with a first wait of a second, some ten minutes of a receiver that is away.
const TRIES_MAX: u32 = 16;
/// The longest wait between two.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How much of the log is kept.
const LOG_LEN_MAX: usize = 1_000;

/// A delivery that waits.
#[derive(Clone)]
struct Waiting {
    event: String,
    kind: &'static str,
    url: String,
    secret: String,
    body: Bytes,
    tried: u32,
    due: Instant,
}

/// A delivery that was kept for a test, ready to be sent by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The event's id.
    pub event: String,
    /// What happened.
    pub kind: &'static str,
    /// Where it should go.
    pub url: String,
    /// The header `Stripe-Signature`, of the time at which it was taken.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Kept {
    /// The same, signed at another time.
    pub(crate) fn signed(&self, secret: &str, now: i64) -> Kept {
        Kept { signature: sign(secret, now, &self.body), ..self.clone() }
    }
}

/// What came of sending a delivery once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// What happened.
    pub kind: &'static str,
    /// The receiver's status; `None`: it did not answer, or the delivery was lost on request.
    pub status: Option<u16>,
}

/// All deliveries.
pub(crate) struct Deliveries {
    state: Mutex<State>,
    /// Something is to be sent, or done.
    changed: Notify,
    backoff: Duration,
    seed: u64,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    on_the_way: usize,
    log: Vec<Attempt>,
    drawn: u64,
}

impl Deliveries {
    pub(crate) fn new(backoff: Duration, seed: u64) -> Deliveries {
        Deliveries { state: Mutex::default(), changed: Notify::new(), backoff, seed }
    }

    /// Queues events for the endpoints that want them.
    pub(crate) fn queue(&self, events: &[Event], endpoints: &[Endpoint], switches: &Switches) {
        let mut state = self.lock();
        let now = Instant::now();
        for event in events {
            for endpoint in endpoints.iter().filter(|endpoint| endpoint.wants(event.kind)) {
                let body = Bytes::from(event.shown_in(&endpoint.api_version).to_string());
                for _ in 0..switches.copies {
                    let wait = switches.delay_ms + self.draw(&mut state, switches.shuffle_ms);
                    state.waiting.push(Waiting {
                        event: event.id.clone(),
                        kind: event.kind,
                        url: endpoint.url.clone(),
                        secret: endpoint.secret.clone(),
                        body: body.clone(),
                        tried: 0,
                        due: now + Duration::from_millis(wait),
                    });
                }
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes what is kept, signed now, in the order in which it would be sent.
    pub(crate) fn take(&self, clock: &Clock) -> Vec<Kept> {
        let mut waiting = std::mem::take(&mut self.lock().waiting);
        waiting.sort_by_key(|waiting| waiting.due);
        let now = clock.now();
        let kept = |waiting: Waiting| Kept {
            signature: sign(&waiting.secret, now, &waiting.body),
            event: waiting.event,
            kind: waiting.kind,
            url: waiting.url,
            body: waiting.body.to_vec(),
        };
        waiting.into_iter().map(kept).collect()
    }

    /// What was sent, oldest first.
    pub(crate) fn log(&self) -> Vec<Attempt> {
        self.lock().log.clone()
    }

    /// Waits until nothing is waiting or on its way.
    pub(crate) async fn quiet(&self) {
        loop {
            let changed = self.changed.notified();
            if self.nothing_to_do() {
                return;
            }
            changed.await;
        }
    }

    fn nothing_to_do(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.on_the_way == 0
    }

    /// Sends what is due, for ever.
    pub(crate) async fn run(self: Arc<Deliveries>, clock: Arc<Clock>, switches: Arc<Mutex<Switches>>) {
        let client: Http = Client::builder(TokioExecutor::new()).build_http();
        loop {
            let changed = self.changed.notified();
            let (behaviour, lost) = {
                let switches = switches.lock().expect("nobody panics while switching");
                (switches.deliver, u64::from(switches.lost_per_cent))
            };
            let next = match behaviour {
                Deliver::Send => self.next_due(),
                Deliver::Keep => Next::At(None),
            };
            match next {
                Next::Now(delivery) => {
                    let is_lost = self.draw(&mut self.lock(), 100) < lost;
                    let (deliveries, clock, client) = (Arc::clone(&self), Arc::clone(&clock), client.clone());
                    tokio::spawn(async move {
                        let status = if is_lost { None } else { send(&client, &delivery, clock.now()).await };
                        deliveries.sent(*delivery, status, is_lost);
                    });
                }
                Next::At(Some(due)) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = changed => {}
                    }
                }
                Next::At(None) => {
                    // The switch that lets deliveries go makes no noise: looked at now and then.
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_millis(100)) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    /// The delivery that is due first; on its way when it is due.
    fn next_due(&self) -> Next {
        let mut state = self.lock();
        let first = state.waiting.iter().enumerate().min_by_key(|(_, waiting)| waiting.due);
        match first.map(|(place, waiting)| (place, waiting.due)) {
            Some((place, due)) if due <= Instant::now() => {
                state.on_the_way += 1;
                Next::Now(Box::new(state.waiting.remove(place)))
            }
            first => Next::At(first.map(|(_, due)| due)),
        }
    }

    /// Notes what came of a delivery, and queues it again when it was not taken.
    fn sent(&self, mut delivery: Waiting, status: Option<u16>, is_lost: bool) {
        let mut state = self.lock();
        state.on_the_way -= 1;
        if state.log.len() == LOG_LEN_MAX {
            state.log.remove(0);
        }
        state.log.push(Attempt { event: delivery.event.clone(), kind: delivery.kind, status });
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        delivery.tried += 1;
        if !taken && !is_lost && delivery.tried < TRIES_MAX {
            let backoff = self.backoff.saturating_mul(2_u32.saturating_pow(delivery.tried - 1)).min(BACKOFF_MAX);
            delivery.due = Instant::now() + backoff;
            state.waiting.push(delivery);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// A number below a bound, by lot; the same seed draws the same.
    fn draw(&self, state: &mut State, below: u64) -> u64 {
        state.drawn += 1;
        let digest = Sha256::new().chain_update(b"lot").chain_update(self.seed.to_be_bytes());
        let digest = digest.chain_update(state.drawn.to_be_bytes()).finalize();
        let first = digest.first_chunk::<8>().expect("a digest has 32 bytes");
        u64::from_be_bytes(*first) % below.max(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while deliveries are looked at")
    }
}

/// What is to be sent next.
enum Next {
    Now(Box<Waiting>),
    At(Option<Instant>),
}

type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

async fn send(client: &Http, delivery: &Waiting, now: i64) -> Option<u16> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(&delivery.url)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header("stripe-signature", sign(&delivery.secret, now, &delivery.body))
        .body(Full::new(delivery.body.clone()))
        .ok()?;
    let exchange = async {
        let response = client.request(request).await.ok()?;
        let status = response.status().as_u16();
        // Read to its end, so that the connection can be used again; what it says is of no interest.
        Limited::new(response.into_body(), 65_536).collect().await.ok();
        Some(status)
    };
    tokio::time::timeout(ANSWER_WAIT, exchange).await.ok().flatten()
}

/// The header that says who sends a body, and when.
fn sign(secret: &str, now: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(format!("{now}.").as_bytes());
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now},v1={hex}")
}
