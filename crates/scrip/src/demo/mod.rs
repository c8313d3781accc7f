//! `scrip demo`: both seed studios with accounts in different situations, served from a fresh folder.
//!
//! The history is made by the real engine on a test clock that begins weeks ago and is moved
//! through them; then the engine starts again on the machine's clock, as after any restart.

mod provider;
mod stories;
mod studio;
mod telling;
mod words;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use scrip_core::time::Time;
use scrip_engine::Engine;
use scrip_engine::clock::Clock;
use scrip_server::{Config, Listeners};
use tokio::net::TcpListener;

use crate::admin::{self, Ask, Asker, Tell};
use crate::args::{DemoArguments, LogForm};
use crate::demo::words::Told;
use crate::failure::Failure;
use crate::fresh::FreshFolder;
use crate::place::Site;
use crate::running::Ready;
use crate::signals::Signals;
use crate::{place, running, shipped};

/// The port that is tried first, and the small studio's.
const PORT: u16 = 7171;
const STUDIO_PORT: u16 = 7172;

/// Makes the data, prints keys, address and lines to paste, and serves until it is asked to stop.
pub(crate) fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    running::start_log(&arguments.log, LogForm::Text)?;
    let folder = FreshFolder::make(arguments.data.as_deref(), "demo")?;
    running::runtime()?.block_on(serve(arguments, &folder))
}

async fn serve(arguments: &DemoArguments, folder: &FreshFolder) -> Result<(), Failure> {
    let signals = Signals::watch()?;
    let api = match arguments.listen {
        Some(address) => running::bind(address).await?,
        None => listener(PORT).await?,
    };
    let address = api.local_addr().map_err(|error| Failure::Failed(format!("the listener has no address: {error}")))?;
    eprintln!("telling the last weeks of {} accounts", stories::all().len());
    make_history(folder.path()).await?;
    let engine = place::start(folder.path(), Clock::system())?;
    let keys = running::first_keys(&engine).await?;
    let studio = studio::start(listener(STUDIO_PORT).await?, address, &keys)?;
    let providers = provider::start(&engine, address).await?;
    let ready = Ready::new(engine, &Site::Folder(folder.path()))?;
    print!("{}", words::welcome(&Told { address, studio: &studio.url, keys: &keys, tills: &providers.tills, folder }));
    let config = Config { payments: providers.payments, cors: studio.may_read, ..Config::default() };
    let served = ready.until_signal(Listeners { api, metrics: None }, config, signals).await;
    // They answer as long as the server asks.
    drop(providers.tills);
    studio.task.abort();
    served
}

/// A usual port of this machine, or a free one where that is taken.
async fn listener(port: u16) -> Result<TcpListener, Failure> {
    match running::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
        Ok(listener) => Ok(listener),
        Err(_) => running::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
    }
}

/// Fills the store up to the present.
async fn make_history(folder: &Path) -> Result<(), Failure> {
    let present = whole_minute(Clock::system().now());
    let engine = place::start(folder, Clock::test(days_before(present, stories::DAYS)))?;
    live_through(&engine, present).await?;
    running::stop(engine).await
}

/// Both studios' past, on an engine whose clock is where it begins.
async fn live_through(engine: &Engine, present: Time) -> Result<(), Failure> {
    for source in [shipped::FLOW_STUDIO, shipped::STUDIOTWIN] {
        publish(engine, source).await?;
    }
    telling::tell(engine, &stories::all(), present).await
}

async fn publish(engine: &Engine, source: &str) -> Result<(), Failure> {
    match admin::carry_out(engine, Asker::Start, Ask::Publish { json: false, source: source.to_owned() }).await {
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

#[cfg(test)]
mod tests {
    use scrip_core::id::AccountId;
    use scrip_engine::Options;
    use scrip_engine::store::memory::MemoryStore;

    use super::*;

    /// Whatever day it is: how long months are moves the turns of the cycles, and what the stories promise must stay.
    #[test]
    fn the_stories_can_be_told_on_any_day() {
        let presents = [
            "2026-01-31T12:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-03-14T09:30:00Z",
            "2026-03-29T23:59:00Z",
            "2026-05-17T15:00:00Z",
            "2026-10-25T02:30:00Z",
            "2026-11-22T20:00:00Z",
            "2028-02-29T12:00:00Z",
        ];
        for present in presents {
            running::runtime().expect("threads").block_on(check(present));
        }
    }

    /// Remaining, held, owed.
    async fn check(at: &str) {
        let present = Time::parse(at).expect("a time");
        let clock = Clock::test(days_before(present, stories::DAYS));
        let options = Options { clock, sweep_per_second: 0, ..Options::default() };
        let engine = Engine::start(Box::new(MemoryStore::new()), options).expect("an engine");
        if let Err(failure) = live_through(&engine, present).await {
            panic!("{at}: {failure}");
        }
        for (studio, account, totals) in [
            ("flow-studio", "ana", [3_000, 0, 0]),
            ("flow-studio", "bruno", [60, 0, 0]),
            ("flow-studio", "dora", [0, 0, 40]),
            ("flow-studio", "north-pictures", [10_660, 4_080, 0]),
            ("flow-studio", "pavel", [0, 0, 0]),
            ("flow-studio", "suki", [6_600, 0, 0]),
            ("studiotwin", "nora", [500, 0, 0]),
            ("studiotwin", "otto", [5, 0, 0]),
            ("studiotwin", "paula", [480, 0, 0]),
        ] {
            let (number, _) = engine.studios().into_iter().find(|(_, id)| id.as_str() == studio).expect("it is there");
            let id = AccountId::parse(account).expect("a name");
            let found = engine.account_at(number, &id, present).expect("it can be read").expect("it is there").totals();
            let shown = [found.remaining, found.held, found.debt].map(|credits| credits.to_string());
            assert_eq!(shown, totals.map(|credits: i64| credits.to_string()), "{account} at {at}");
        }
        engine.stop();
    }
}
