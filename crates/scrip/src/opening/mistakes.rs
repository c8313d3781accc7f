//! What is wrong with a file, gathered so that all of it can be told at once.

use std::path::Path;

use crate::failure::Failure;
use crate::progress::grouped;

/// Mistakes that are told one by one; of the others, only how many there are.
const TOLD_MAX: usize = 1_000;

/// Mistakes, each with its line.
#[derive(Default)]
pub(super) struct Mistakes {
    told: Vec<(u64, String)>,
    count: u64,
}

impl Mistakes {
    /// One more.
    pub(super) fn add(&mut self, line: u64, what: impl Into<String>) {
        self.count += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push((line, what.into()));
        }
    }

    /// One more, in a field.
    pub(super) fn add_in(&mut self, line: u64, field: &str, what: &str) {
        self.add(line, format!("{field}: {what}"));
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Tells them in the order of their lines, in the form that editors turn into a link; the failure counts them.
    pub(super) fn tell(mut self, file: &Path, outcome: &str) -> Failure {
        self.told.sort();
        for (line, what) in &self.told {
            eprintln!("{}:{line}: {what}", file.display());
        }
        let untold = self.count - self.told.len() as u64;
        if untold > 0 {
            eprintln!("{}: {} more", file.display(), grouped(untold));
        }
        let mistakes =
            if self.count == 1 { "1 mistake".to_owned() } else { format!("{} mistakes", grouped(self.count)) };
        Failure::No(format!("{}: {mistakes}; {outcome}", file.display()))
    }
}
