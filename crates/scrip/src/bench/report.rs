//! Medians, spread and ratios, as a table for people or JSON for programs. Whole numbers only.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::bench::plan::{Plan, Subject};
use crate::progress::grouped;

/// What each subject reached, a figure per round.
pub(crate) struct Figures {
    /// In the order in which they are shown.
    subjects: Vec<Subject>,
    per_second: BTreeMap<Subject, Vec<u64>>,
}

/// Median and extremes of some rounds' figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) median: u64,
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
}

impl Summary {
    /// `None` where there are no figures.
    pub(crate) fn of(figures: &[u64]) -> Option<Summary> {
        let mut figures = figures.to_vec();
        figures.sort_unstable();
        let (lowest, highest) = (*figures.first()?, *figures.last()?);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Some(Summary { median: low.midpoint(high), lowest, highest })
    }
}

impl Figures {
    /// None yet, of these subjects.
    pub(crate) fn of(subjects: Vec<Subject>) -> Figures {
        Figures { subjects, per_second: BTreeMap::new() }
    }

    /// Adds a round's figure.
    pub(crate) fn add(&mut self, subject: Subject, per_second: u64) {
        self.per_second.entry(subject).or_default().push(per_second);
    }

    fn summary(&self, subject: Subject) -> Option<Summary> {
        Summary::of(self.per_second.get(&subject)?)
    }

    /// The subject's median in hundredths of its limit's.
    fn hundredths_of_limit(&self, subject: Subject) -> Option<u64> {
        let limit = self.summary(subject.limit()?)?.median;
        (self.summary(subject)?.median * 100).checked_div(limit)
    }

    /// The table for people.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["", "per second", "median", "lowest – highest", "of the limit"]);
        for subject in self.subjects.iter().copied() {
            let Some(summary) = self.summary(subject) else { continue };
            let ratio = self.hundredths_of_limit(subject);
            table.add_row([
                subject.to_string(),
                subject.unit().to_owned(),
                grouped(summary.median),
                format!("{} – {}", grouped(summary.lowest), grouped(summary.highest)),
                match (ratio, subject.is_limit()) {
                    (Some(ratio), _) => format!("{}.{:02} ×", ratio / 100, ratio % 100),
                    (None, true) => "(limit)".to_owned(),
                    (None, false) => String::new(),
                },
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// The same for programs; on a database, with what it is and how it is set.
    pub(crate) fn json(&self, plan: &Plan, database: Option<&Value>) -> Value {
        let figures: Vec<Value> = self
            .subjects
            .iter()
            .copied()
            .filter_map(|subject| {
                let summary = self.summary(subject)?;
                Some(json!({
                    "subject": subject.to_string(),
                    "unit": subject.unit(),
                    "median": summary.median,
                    "lowest": summary.lowest,
                    "highest": summary.highest,
                    "limit": subject.limit().map(|limit| limit.to_string()),
                    "percent_of_limit": self.hundredths_of_limit(subject),
                }))
            })
            .collect();
        let mut report = plan.json("rates", figures);
        if let Some(database) = database {
            report["database"] = database.clone();
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan::{Flight, Spread, Work};

    #[test]
    fn medians_and_ratios_are_whole_numbers() {
        let flight = Flight::Clients(16);
        let (limit, subject) = (Subject::BareStore(flight), Subject::Engine(Work::Charge, flight, Spread::All));
        let mut figures = Figures::of(vec![limit, subject]);
        for (subject, figure) in [(limit, 90), (limit, 110), (subject, 70), (subject, 50), (subject, 60)] {
            figures.add(subject, figure);
        }
        assert_eq!(figures.summary(subject), Some(Summary { median: 60, lowest: 50, highest: 70 }));
        assert_eq!(figures.summary(limit).map(|summary| summary.median), Some(100));
        assert_eq!(figures.hundredths_of_limit(subject), Some(60));
        assert_eq!(figures.hundredths_of_limit(limit), None);
    }
}
