//! `scrip serve`: the server, on the embedded store or on a database that others share.

use std::path::PathBuf;

use scrip_core::id::StudioId;
use scrip_engine::Engine;
use scrip_server::{AllowedOrigins, Config, Listeners, OutsideKey};

use crate::admin::{self, Ask, Asker, News, Tell};
use crate::args::ServeArguments;
use crate::commands::catalog;
use crate::failure::Failure;
use crate::place::Site;
use crate::running::Ready;
use crate::signals::Signals;
use crate::{payments, place, running, sign_in};

/// Serves until it is asked to stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    running::start_log(&arguments.log, arguments.log_form)?;
    let site = place::site(&arguments.place)?;
    let config = config(arguments)?;
    // All of them, before anything is written.
    for file in &arguments.catalog {
        catalog::read(file)?;
    }
    running::runtime()?.block_on(serve(arguments, &site, config))
}

async fn serve(arguments: &ServeArguments, site: &Site<'_>, config: Config) -> Result<(), Failure> {
    let signals = Signals::watch()?;
    let api = running::bind(arguments.listen).await?;
    let metrics = match arguments.metrics_listen {
        Some(address) => Some(running::bind(address).await?),
        None => None,
    };
    let engine = place::start_at(site, place::clock(arguments.test_clock))?;
    publish(&engine, &arguments.catalog).await?;
    if arguments.keys.is_none() {
        for (studio, secret) in running::first_keys(&engine).await? {
            println!("key {studio} {secret}");
        }
    }
    warn_of_keys(&engine, &config.keys);
    payments::warn(&engine, &config.payments);
    sign_in::warn(&engine, &config.sign_in);
    let ready = Ready::new(engine, site)?;
    say_where(&api, metrics.as_ref())?;
    ready.until_signal(Listeners { api, metrics }, config, signals).await
}

/// The server's part of the flags.
fn config(arguments: &ServeArguments) -> Result<Config, Failure> {
    let keys = match arguments.keys.as_deref() {
        Some(list) => {
            OutsideKey::parse_list(list).map_err(|error| Failure::Usage(format!("--keys or SCRIP_KEYS: {error}")))?
        }
        None => Vec::new(),
    };
    let cors = arguments.allow_origin.iter().map(|text| allowed_origin(text)).collect::<Result<_, _>>()?;
    let payments = payments::of(&arguments.payments)?;
    let sign_in = sign_in::of(&arguments.sign_in)?;
    Ok(Config { keys, cors, payments, sign_in, ..Config::default() })
}

fn allowed_origin(text: &str) -> Result<AllowedOrigins, Failure> {
    let parsed = text.split_once('=').and_then(|(studio, origin)| {
        let studio = StudioId::parse(studio).ok()?;
        origin.starts_with("http").then(|| AllowedOrigins { studio, origins: vec![origin.to_owned()] })
    });
    parsed.ok_or_else(|| {
        Failure::Usage(format!(
            "--allow-origin {text}: expected STUDIO=ORIGIN, as in flow-studio=https://app.example.com"
        ))
    })
}

/// Publishes the catalogs whose content is new (R7).
async fn publish(engine: &Engine, files: &[PathBuf]) -> Result<(), Failure> {
    for file in files {
        let (source, format) = catalog::source(file)?;
        let json = format == scrip_core::catalog::Format::Json;
        let shown = file.display();
        match admin::carry_out(engine, Asker::Start, Ask::Publish { json, source }).await {
            Tell::Published(done) if done.news == News::Published => {
                println!("{shown}: published as version {} of {}", done.version, done.studio);
            }
            Tell::Published(done) if done.in_force == Some(done.version) => {}
            Tell::Published(done) => tracing::warn!(
                "{shown}: its content was version {} of {} before, and another is in force: left alone",
                done.version,
                done.studio
            ),
            Tell::CatalogRefused { line, column, message } => {
                let refused = scrip_core::catalog::CatalogError { line, column, message };
                return Err(catalog::refusal(file, &refused));
            }
            other => return Err(place::refusal(other)),
        }
    }
    if engine.studios().is_empty() {
        tracing::warn!("there is no studio yet: publish a catalog with `scrip catalog publish FILE`");
    }
    Ok(())
}

/// Says which keys from outside open nothing, and which studios nobody has a key of: mostly a name that was mistyped.
fn warn_of_keys(engine: &Engine, outside: &[OutsideKey]) {
    let studios = engine.studios();
    for key in outside.iter().filter(|key| studios.iter().all(|(_, id)| id != key.studio())) {
        tracing::warn!("--keys or SCRIP_KEYS: there is no studio {} yet: its key opens nothing", key.studio());
    }
    let stored = engine.keys();
    for (number, id) in &studios {
        let inside = stored.iter().any(|key| key.studio == *number && key.revoked_at.is_none());
        if !inside && outside.iter().all(|key| key.studio() != id) {
            tracing::warn!("studio {id} has no key: make one with `scrip key create --studio {id}`");
        }
    }
}

/// Says where the server listens: the line that programs wait for.
fn say_where(api: &tokio::net::TcpListener, metrics: Option<&tokio::net::TcpListener>) -> Result<(), Failure> {
    let address = |listener: &tokio::net::TcpListener| {
        listener.local_addr().map_err(|error| Failure::Failed(format!("the listener has no address: {error}")))
    };
    if let Some(metrics) = metrics {
        println!("metrics on http://{}/metrics", address(metrics)?);
    }
    println!("listening on http://{}", address(api)?);
    Ok(())
}
