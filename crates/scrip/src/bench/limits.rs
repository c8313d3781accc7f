//! The limits that figures are held against, measured in the same run: the store without rules, and
//! the HTTP library without work.

use std::hint::black_box;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::routing::post;
use scrip_core::catalog::{self, Format};
use scrip_core::quote;
use scrip_engine::store::{Batch, Reader, Row, Store};
use scrip_store_sqlite::{OpenMode, SqliteStore};
use tokio::net::TcpListener;

use crate::bench::plan::{Flight, Formula};
use crate::bench::tally::{Rate, Stretch};
use crate::bench::world::measures_of;
use crate::failure::Failure;
use crate::place;
use crate::shipped::STUDIOTWIN;

/// Rows that are appended again and again, at ever new positions.
const SAMPLE: usize = 8_192;

/// A store of its own, and rows to append to it.
pub(crate) struct BareStore {
    store: SqliteStore,
    sample: Vec<Row>,
    position: u64,
}

impl BareStore {
    /// Opens a store in a fresh folder; the rows are the latest of a journal, as the engine wrote them.
    pub(crate) fn open(folder: &Path, journal: &dyn Reader) -> Result<BareStore, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::of_path(folder, error);
        let store = place::open(folder, OpenMode::Create)?;
        let last = journal.extent().map_err(|error| failed(&error))?.last;
        let sample = journal.rows_before(last + 1, SAMPLE).map_err(|error| failed(&error))?;
        Ok(BareStore { store, sample, position: 0 })
    }

    /// Appends batches of the flight's size for a stretch of time, one after the other, with the store's upkeep
    /// between them as the engine's committer does it.
    pub(crate) fn measure(&mut self, flight: Flight, lasts: Duration) -> Result<Rate, Failure> {
        let stretch = Stretch::begin(lasts);
        let mut sample = self.sample.clone().into_iter().cycle();
        while !stretch.is_over() {
            let mut batch = Batch::default();
            for mut row in sample.by_ref().take(usize::try_from(flight.batch()).expect("small")) {
                self.position += 1;
                row.position = self.position;
                batch.rows.push(row);
            }
            let appended = self.store.append(&batch).and_then(|()| self.store.upkeep());
            appended.map_err(|error| Failure::Failed(format!("the bare store: {error}")))?;
            stretch.count(u64::from(flight.batch()));
        }
        Ok(stretch.end())
    }
}

/// Serves the empty handler: it reads the body of a charge and answers as many bytes as a charge is answered with.
pub(crate) async fn empty_handler(answer: String) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("the empty handler: {error}"));
    let answer = Bytes::from(answer);
    let handler = move |_body: Bytes| {
        let answer = answer.clone();
        async move { (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], answer) }
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // As the API's own listener does: small answers must not wait for more to send.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/empty", post(handler))).await });
    Ok(address)
}

/// Prices a job of the seed again and again, on one thread.
pub(crate) fn quotes(formula: Formula, lasts: Duration) -> Rate {
    const AT_ONCE: u64 = 1_000;
    let catalog = catalog::read(STUDIOTWIN, Format::Toml).expect("the sample catalog holds");
    let (tool, measures): (&str, &[(&str, i64)]) = match formula {
        Formula::Action => ("text-to-motion", &[("actions", 3)]),
        Formula::Material => ("text-to-material", &[("width", 2_048), ("height", 1_999), ("upscale", 4)]),
    };
    let measures = measures_of(measures);
    let stretch = Stretch::begin(lasts);
    while !stretch.is_over() {
        for _ in 0..AT_ONCE {
            black_box(quote::price(&catalog, tool, black_box(&measures))).expect("it has a price");
        }
        stretch.count(AT_ONCE);
    }
    stretch.end()
}
