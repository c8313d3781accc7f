//! What every handler shares, and the router over all of them.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use scrip_engine::Engine;
use tokio::sync::watch;

use crate::config::Config;

/// The running API: cheap to clone, one per process.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What handlers share.
struct Shared {
    engine: Engine,
    config: Config,
    stopping: watch::Sender<bool>,
}

impl App {
    /// An API over a running engine.
    pub fn new(engine: Engine, config: Config) -> App {
        App(Arc::new(Shared { engine, config, stopping: watch::Sender::new(false) }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// Turns true when the server stops: endless answers then end.
    pub(crate) fn stopping(&self) -> &watch::Sender<bool> {
        &self.0.stopping
    }
}

/// Every route, ready to be served or called in-process.
pub fn router(app: App) -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" })).with_state(app)
}
