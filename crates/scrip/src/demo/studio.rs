//! The small studio of the demo (`crates/studio`): a backend and a page of its own, on an address of its own, that reach
//! scrip as any studio would.

use std::net::SocketAddr;
use std::time::Duration;

use scrip_core::id::StudioId;
use scrip_server::AllowedOrigins;
use scrip_studio::Options;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::demo::provider::reachable;
use crate::failure::Failure;

/// How long a job takes: long enough to watch.
const JOB_TAKES: Duration = Duration::from_secs(8);

/// The running studio.
pub(super) struct Studio {
    /// Where a browser finds it.
    pub(super) url: String,
    /// Its pages, which may read balances with a customer's token.
    pub(super) may_read: Vec<AllowedOrigins>,
    pub(super) task: JoinHandle<()>,
}

/// Starts it. `keys`: each studio's name and secret key.
pub(super) fn start(listener: TcpListener, scrip: SocketAddr, keys: &[(String, String)]) -> Result<Studio, Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::Failed(format!("the small studio did not start: {why}"));
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    let url = format!("http://{address}");
    let origins = vec![url.clone(), format!("http://localhost:{}", address.port())];
    let may_read = keys
        .iter()
        .map(|(studio, _)| Ok(AllowedOrigins { studio: StudioId::parse(studio)?, origins: origins.clone() }))
        .collect::<Result<_, scrip_core::id::InvalidId>>()
        .map_err(|error| failed(&error))?;
    let options =
        Options { scrip: format!("http://{}", reachable(scrip)), studios: keys.to_vec(), job_takes: JOB_TAKES };
    let task = tokio::spawn(async {
        if let Err(error) = scrip_studio::serve(listener, options).await {
            tracing::warn!(%error, "the small studio stopped");
        }
    });
    Ok(Studio { url, may_read, task })
}
