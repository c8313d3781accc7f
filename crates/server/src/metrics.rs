//! Figures: requests as they are answered, and the engine's own when they are read.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use scrip_engine::Engine;

/// The figures of this process.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Routed, Histogram>,
    payments: Family<Happened, Counter>,
}

/// What a request was and came to. No ids: routes are templates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

/// Which route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Routed {
    route: String,
}

/// What happened between a payment provider and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Happened {
    what: &'static str,
}

/// From a tenth of a millisecond to ten seconds.
const BUCKETS: [f64; 11] = [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0];

impl Metrics {
    /// No figures yet.
    pub(crate) fn new(engine: &Engine) -> Metrics {
        let mut registry = Registry::with_prefix("scrip");
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register("requests", "Requests answered", requests.clone());
        registry.register_with_unit("request", "How long requests took", Unit::Seconds, seconds.clone());
        let payments = Family::default();
        registry.register("payments", "What happened between payment providers and scrip", payments.clone());
        registry.register_collector(Box::new(EngineFigures(engine.clone())));
        Metrics { registry, requests, seconds, payments }
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.requests.get_or_create(&Answered { method, route: route.clone(), status }).inc();
        self.seconds.get_or_create(&Routed { route }).observe(took.as_secs_f64());
    }

    /// Counts something between a payment provider and us.
    pub(crate) fn payment(&self, what: &'static str) {
        self.payments.get_or_create(&Happened { what }).inc();
    }

    /// All of them as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("a text takes all that is written");
        text
    }
}

/// The engine's own figures, asked for when they are read.
struct EngineFigures(Engine);

impl fmt::Debug for EngineFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineFigures")
    }
}

impl Collector for EngineFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let vitals = self.0.vitals();
        let counters = [
            ("entries", "Entries in the journal", vitals.entries),
            ("batches", "Batches committed since the start", vitals.batches),
            ("commands_accepted", "Commands accepted since the start", vitals.accepted),
            ("commands_rejected", "Commands rejected since the start", vitals.rejected),
            ("commands_replayed", "Repeats answered again since the start", vitals.replayed),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let gauges = [
            ("ready", "Whether commands are taken", i64::from(vitals.ready)),
            ("commands_queued", "Commands waiting", count(vitals.queued)),
            ("accounts_resident", "Accounts in memory", count(vitals.resident)),
            (
                "entries_behind",
                "Entries whose accounts have not been written behind",
                i64::try_from(vitals.entries.saturating_sub(vitals.mark)).unwrap_or(i64::MAX),
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
