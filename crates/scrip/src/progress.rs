//! How far long work has come: a bar on a terminal, plain lines elsewhere.
//!
//! It goes to standard error, so that standard output stays what the command answers.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a piece of work has come.
pub(crate) struct Progress {
    shown: Shown,
    what: String,
    total: u64,
}

enum Shown {
    Bar(ProgressBar),
    /// The last tenth of the work that a line was printed for.
    Lines {
        tenth: u64,
    },
}

impl Progress {
    /// Work of `total` parts, called `what` ("entries").
    pub(crate) fn new(what: &str, total: u64) -> Progress {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} {msg} · {eta} left");
            bar.set_style(style.expect("the template is right"));
            bar.set_message(what.to_owned());
            Shown::Bar(bar)
        } else {
            Shown::Lines { tenth: 0 }
        };
        Progress { shown, what: what.to_owned(), total }
    }

    /// Work of which nobody knows how much there is: only that it goes on.
    pub(crate) fn unmeasured(what: &str) -> Progress {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.set_message(what.to_owned());
            Shown::Bar(bar)
        } else {
            eprintln!("{what}");
            Shown::Lines { tenth: 10 }
        };
        Progress { shown, what: what.to_owned(), total: 0 }
    }

    /// `done` parts are done.
    pub(crate) fn set(&mut self, done: u64) {
        match &mut self.shown {
            Shown::Bar(bar) => {
                // The journal may have grown since the work began.
                if done > self.total {
                    bar.set_length(done);
                }
                bar.set_position(done);
            }
            Shown::Lines { tenth } => {
                let now = done.saturating_mul(10).checked_div(self.total).unwrap_or(10);
                if now > *tenth {
                    *tenth = now;
                    eprintln!("{} of {} {}", grouped(done), grouped(self.total), self.what);
                }
            }
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        match self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines { .. } => {}
        }
    }
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
    }
}
