//! `scrip demo`: both seed studios with accounts in different situations, served from a fresh folder.
//!
//! The history is made by the real engine on a test clock that begins weeks ago and is moved
//! through them; then the engine starts again on the machine's clock, as after any restart.

mod provider;
mod stories;
mod telling;
mod words;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use scrip_core::time::Time;
use scrip_engine::Engine;
use scrip_engine::clock::Clock;
use scrip_server::{Config, Listeners};
use tokio::net::TcpListener;

use crate::admin::{self, Ask, Tell};
use crate::args::{DemoArguments, LogForm};
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::running::Ready;
use crate::signals::Signals;
use crate::{place, running, shipped};

/// The port that is tried first.
const PORT: u16 = 7171;

/// Makes the data, prints keys, address and lines to paste, and serves until it is asked to stop.
pub(crate) fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    running::start_log(&arguments.log, LogForm::Text)?;
    let folder = FreshFolder::make(arguments.data.as_deref(), "demo")?;
    running::runtime()?.block_on(serve(arguments, &folder))
}

async fn serve(arguments: &DemoArguments, folder: &FreshFolder) -> Result<(), Failure> {
    let signals = Signals::watch()?;
    let api = listener(arguments.listen).await?;
    let address = api.local_addr().map_err(|error| Failure::Failed(format!("the listener has no address: {error}")))?;
    eprintln!("telling the last weeks of {} accounts", stories::all().len());
    make_history(folder.path()).await?;
    let engine = place::start(folder.path(), Clock::system())?;
    let keys = running::first_keys(&engine).await?;
    let providers = provider::start(&engine, address).await?;
    let ready = Ready::new(engine, folder.path())?;
    print!("{}", words::welcome(address, &keys, &providers.tills, folder));
    let config = Config { payments: providers.payments, ..Config::default() };
    let served = ready.until_signal(Listeners { api, metrics: None }, config, signals).await;
    // They answer as long as the server asks.
    drop(providers.tills);
    served
}

/// The asked address; or the usual port, or a free one where that is taken.
async fn listener(asked: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    if let Some(address) = asked {
        return running::bind(address).await;
    }
    match running::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))).await {
        Ok(listener) => Ok(listener),
        Err(_) => running::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
    }
}

/// Fills the store up to the present.
async fn make_history(folder: &Path) -> Result<(), Failure> {
    let present = whole_minute(Clock::system().now());
    let engine = place::start(folder, Clock::test(days_before(present, stories::DAYS)))?;
    for source in [shipped::FLOW_STUDIO, shipped::STUDIOTWIN] {
        publish(&engine, source).await?;
    }
    telling::tell(&engine, stories::all(), present).await?;
    running::stop(engine).await
}

async fn publish(engine: &Engine, source: &str) -> Result<(), Failure> {
    match admin::carry_out(engine, Ask::Publish { json: false, source: source.to_owned() }).await {
        Tell::Published(_) => Ok(()),
        Tell::CatalogRefused { line, column, message } => {
            Err(Failure::Failed(format!("a shipped catalog is refused at {line}:{column}: {message}")))
        }
        other => Err(place::refusal(other)),
    }
}

/// The minute that an instant lies in, so that the history's times are easy to read.
const fn whole_minute(at: Time) -> Time {
    Time::from_micros(at.micros() - at.micros().rem_euclid(60_000_000))
}

const fn days_before(present: Time, days: i64) -> Time {
    present.plus_seconds(-days * 86_400)
}
