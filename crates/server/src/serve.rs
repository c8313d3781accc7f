//! Listening: connections in, orderly shutdown out.
//!
//! Apart because it alone touches sockets; everything else can be called in-process.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::config::Limits;
use crate::payments::Reconciler;
use crate::routes;

/// Where the server is reached.
pub struct Listeners {
    /// The API.
    pub api: TcpListener,
    /// `/metrics` by itself; `None`: among the other routes.
    pub metrics: Option<TcpListener>,
}

/// Serves the API, and beside it the pages for people (an empty router: none), until `shutdown` resolves; then accepts nothing more, ends the streams, lets open requests finish
/// (at most [`Limits::drain_wait`]) and returns. The engine is the caller's to stop, afterwards.
pub async fn serve(
    listeners: Listeners,
    app: App,
    pages: Router,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let limits = app.config().limits.clone();
    let open = GracefulShutdown::new();
    let api = match &listeners.metrics {
        None => routes::with_pages(app.clone(), pages),
        Some(_) => routes::without_figures(routes::with_pages(app.clone(), pages)),
    };
    let metrics = routes::figures(app.clone());
    tokio::select! {
        () = shutdown => {}
        never = Reconciler::default().go_round(&app) => match never {},
        result = accept(&listeners.api, api, &open, &limits) => match result {},
        result = accept_if(listeners.metrics.as_ref(), metrics, &open, &limits) => match result {},
    }
    drop(listeners);
    app.stopping().send_replace(true);
    if tokio::time::timeout(limits.drain_wait, open.shutdown()).await.is_err() {
        tracing::warn!(waited_s = limits.drain_wait.as_secs(), "requests were still open when the server stopped");
    }
    Ok(())
}

/// Accepts on a listener that may not be there: then waits for ever.
async fn accept_if(
    listener: Option<&TcpListener>,
    routes: Router,
    open: &GracefulShutdown,
    limits: &Limits,
) -> Infallible {
    match listener {
        Some(listener) => accept(listener, routes, open, limits).await,
        None => std::future::pending().await,
    }
}

/// Accepts connections for ever. A failure to accept (out of descriptors) is waited out, never fatal.
async fn accept(listener: &TcpListener, routes: Router, open: &GracefulShutdown, limits: &Limits) -> Infallible {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok(connection) => converse(connection, place, routes.clone(), open, limits),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves one connection in a task of its own.
fn converse(
    (stream, peer): (TcpStream, SocketAddr),
    place: OwnedSemaphorePermit,
    routes: Router,
    open: &GracefulShutdown,
    limits: &Limits,
) {
    // Small answers must not wait for more to send.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = TowerToHyperService::new(tower::ServiceExt::map_request(
        routes,
        move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request.map(Body::new)
        },
    ));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_wait)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        // A peer that breaks off, or sends no HTTP, is its own affair.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}
