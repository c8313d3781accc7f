//! A server on an open engine: what `serve` and `demo` have in common.

use std::net::SocketAddr;
use std::path::Path;

use scrip_core::id::StudioId;
use scrip_engine::Engine;
use scrip_server::{App, Config, Listeners};
use tokio::net::{TcpListener, UnixListener};

use crate::admin::{self, Ask, Asker, Tell};
use crate::control;
use crate::failure::Failure;
use crate::place::Site;
use crate::signals::Signals;

/// The runtime of a command that needs one.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no threads could be started: {error}")))
}

/// Logs to standard error, from here on.
pub(crate) fn start_log(filter: &str, form: crate::args::LogForm) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| Failure::Usage(format!("--log {filter}: {error}; as in `info` or `scrip_server=debug`")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        crate::args::LogForm::Text => log.with_ansi(false).init(),
        crate::args::LogForm::Json => log.json().init(),
    }
    Ok(())
}

/// Listens on an address.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Failure::Failed(format!("cannot listen on {address}: {error}; choose another with --listen")))
}

/// Makes a key for every studio that never had one, and shows it: this once, on a line `key STUDIO sk_…`.
pub(crate) async fn first_keys(engine: &Engine) -> Result<Vec<(String, String)>, Failure> {
    let mut made = Vec::new();
    for (number, id) in engine.studios() {
        if engine.keys().iter().any(|key| key.studio == number) {
            continue;
        }
        match admin::carry_out(
            engine,
            Asker::Start,
            Ask::CreateKey { studio: id.to_string(), role: "admin".to_owned(), reason: None },
        )
        .await
        {
            Tell::KeyCreated { studio, secret, .. } => made.push((studio, secret)),
            Tell::No { message } | Tell::Failed { message } => return Err(Failure::Failed(message)),
            other => return Err(Failure::Failed(format!("no key was made for {id}: {other:?}"))),
        }
    }
    Ok(made)
}

/// A server that is ready: made before it says where it listens, so that whoever reads that can reach all of it.
pub(crate) struct Ready<'a> {
    engine: Engine,
    /// The data folder and the socket in it, through which an operator's commands reach it. On a database they do their work
    /// themselves, as another server would.
    control: Option<(&'a Path, UnixListener)>,
}

impl Ready<'_> {
    /// Opens the control socket of an engine's folder, if it has one.
    pub(crate) fn new<'a>(engine: Engine, site: &Site<'a>) -> Result<Ready<'a>, Failure> {
        let control = match site {
            Site::Folder(folder) => Some((*folder, control::listen(folder)?)),
            Site::Database(_) => None,
        };
        Ok(Ready { engine, control })
    }

    /// Serves until a signal; then finishes what was accepted and closes the store.
    pub(crate) async fn until_signal(
        self,
        listeners: Listeners,
        config: Config,
        signals: Signals,
    ) -> Result<(), Failure> {
        let (folder, control) = self.control.unzip();
        let control = control.map(|control| tokio::spawn(control::answer(control, self.engine.clone())));
        let pages = pages_options(&self.engine, &config);
        let app = App::new(self.engine.clone(), config);
        let pages = scrip_web::pages(scrip_server::router(app.clone()), pages);
        let served = scrip_server::serve(listeners, app, pages, signals.first()).await;
        control.inspect(|answering| answering.abort());
        folder.into_iter().for_each(control::remove);
        stop(self.engine).await?;
        served.map_err(|error| Failure::Failed(format!("the server stopped: {error}")))
    }
}

/// How the customers' pages are served.
fn pages_options(engine: &Engine, config: &Config) -> scrip_web::Options {
    let catalogs = engine.catalogs();
    let name = |studio: &StudioId| {
        let number = engine.studios().into_iter().find(|(_, id)| id == studio).map(|(number, _)| number);
        let catalog = number.and_then(|number| catalogs.in_force(number, engine.now()));
        catalog.map_or_else(|| studio.to_string(), |published| published.catalog.studio_name.to_string())
    };
    let sign_in = config.sign_in.iter().map(|provider| scrip_web::SignInOffer {
        href: format!("/v1/sign-in/{}", provider.studio),
        studio: name(&provider.studio),
        provider: provider.client.issuer().host(),
    });
    scrip_web::Options {
        sign_in: sign_in.collect(),
        public_url: config.payments.public_url.clone(),
        secure: config.payments.public_url.starts_with("https://"),
        origins: config.cors.iter().flat_map(|allowed| allowed.origins.clone()).collect(),
    }
}

/// Stops the engine: what it took is finished, what waits is written behind, the store is closed.
pub(crate) async fn stop(engine: Engine) -> Result<(), Failure> {
    tokio::task::spawn_blocking(move || engine.stop())
        .await
        .map_err(|error| Failure::Failed(format!("the engine did not stop in good order: {error}")))
}
