//! How far a long run is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Cells of the bar.
const CELLS: u64 = 30;

/// A run's progress, on stderr.
pub(crate) struct Progress {
    what: &'static str,
    of: u64,
    terminal: bool,
    said: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str, of: u64) -> Progress {
        Progress { what, of, terminal: std::io::stderr().is_terminal(), said: Instant::now() }
    }

    /// So much is done.
    pub(crate) fn set(&mut self, done: u64) {
        let pause = if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(5) };
        if self.said.elapsed() < pause {
            return;
        }
        self.said = Instant::now();
        let (what, of) = (self.what, self.of);
        if !self.terminal {
            eprintln!("{done} of {of} {what}");
            return;
        }
        let cells = usize::try_from(done.min(of) * CELLS / of.max(1)).expect("a few cells");
        eprint!("\r[{:<30}] {done} of {of} {what}", "#".repeat(cells));
        // A bar that cannot be shown stops no run.
        std::io::stderr().flush().ok();
    }

    /// What follows stands on a line of its own.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
