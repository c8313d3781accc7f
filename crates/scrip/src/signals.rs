//! Being asked to stop: SIGTERM and Ctrl-C end the server in good order, a second Ctrl-C at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Watches for the signals; made early, so that none is missed while the server starts.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts watching. Must run inside the runtime.
    pub(crate) fn watch() -> Result<Signals, Failure> {
        let watch = |kind| signal(kind).map_err(|error| Failure::Failed(format!("signals cannot be watched: {error}")));
        Ok(Signals { interrupt: watch(SignalKind::interrupt())?, terminate: watch(SignalKind::terminate())? })
    }

    /// Resolves at the first of them. From then on a Ctrl-C ends the process at once: nothing that was acknowledged
    /// can be lost by it, open requests are.
    pub(crate) async fn first(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        eprintln!("stopping: finishing what was accepted; Ctrl-C again stops at once");
        tokio::spawn(async move {
            if self.interrupt.recv().await.is_some() {
                std::process::exit(130);
            }
        });
    }
}
