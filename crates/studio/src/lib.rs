//! A small studio, for the demo and as an example: a backend and a project page that use scrip as any studio would.
//!
//! It is apart, and knows no other crate of this workspace, because that is the point: all it has is scrip's address, a
//! secret key for each studio, and the HTTP API (`docs/http.md`). `scrip.rs` is how it calls, `jobs.rs` how a job is
//! paid, `routes.rs` what its own page asks of it. The secret key never leaves this side: the browser gets a customer
//! token for one account. Its jobs do nothing but take some seconds.
//!
//! What it must never do: compute a credit. Every number on its page came from scrip. And what it does not have is a
//! sign-in: whoever reaches it may act for any account, so it belongs on the machine of the one who tries it.

mod jobs;
mod pages;
mod problem;
mod routes;
mod scrip;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::jobs::Jobs;
use crate::scrip::Scrip;

/// What a studio has to know.
pub struct Options {
    /// Where browsers and this backend reach scrip, as in `http://127.0.0.1:7171`.
    pub scrip: String,
    /// The studios that it plays: each one's name in scrip, and its secret key.
    pub studios: Vec<(String, String)>,
    /// How long a job takes.
    pub job_takes: Duration,
}

/// What the handlers share.
pub(crate) struct Shared {
    /// Scrip's address, for the page.
    pub(crate) scrip_address: String,
    /// Scrip, as each studio calls it.
    pub(crate) studios: BTreeMap<String, Scrip>,
    pub(crate) jobs: Jobs,
}

/// Serves the studio's pages until the task is dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let studios = options.studios.into_iter().map(|(studio, key)| (studio, Scrip::new(&options.scrip, key))).collect();
    let jobs = Jobs::taking(options.job_takes);
    let shared = Shared { scrip_address: options.scrip, studios, jobs };
    axum::serve(listener, routes::router(Arc::new(shared))).await
}
