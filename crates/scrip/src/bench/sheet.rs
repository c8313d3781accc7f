//! Tables with several figures a row, as a table for people or JSON for programs. Whole numbers only.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use crate::bench::report::Summary;
use crate::progress::grouped;

/// What a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things, bytes, or a time in the unit that the column names.
    Whole,
    /// A ratio in hundredths.
    Hundredths,
}

/// A column: what it says to people and to programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
}

impl Column {
    /// A column of whole numbers.
    pub(crate) const fn of(title: &'static str, name: &'static str) -> Column {
        Column { title, name, unit: Unit::Whole }
    }

    /// A column of ratios.
    pub(crate) const fn ratio(title: &'static str, name: &'static str) -> Column {
        Column { title, name, unit: Unit::Hundredths }
    }
}

/// Rows of figures; each cell has one figure per round.
pub(crate) struct Sheet {
    columns: Vec<Column>,
    rows: Vec<(String, Vec<Vec<u64>>)>,
}

impl Sheet {
    /// No rows yet.
    pub(crate) fn of(columns: &[Column]) -> Sheet {
        Sheet { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a round's figures of a subject; `None` for what this machine does not tell.
    pub(crate) fn add(&mut self, subject: &str, figures: &[Option<u64>]) {
        assert_eq!(figures.len(), self.columns.len(), "a figure for each column");
        let place = self.rows.iter().position(|(of, _)| of == subject).unwrap_or_else(|| {
            self.rows.push((subject.to_owned(), vec![Vec::new(); self.columns.len()]));
            self.rows.len() - 1
        });
        for (cell, figure) in self.rows[place].1.iter_mut().zip(figures) {
            cell.extend(figure);
        }
    }

    /// The table for people: medians.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header([""].into_iter().chain(self.columns.iter().map(|column| column.title)));
        for (subject, cells) in &self.rows {
            let shown = cells.iter().zip(&self.columns).map(|(cell, column)| {
                let median = Summary::of(cell).map(|summary| summary.median);
                median.map_or_else(|| "–".to_owned(), |median| column.unit.shown(median))
            });
            table.add_row([subject.clone()].into_iter().chain(shown));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// The same for programs, with the lowest and the highest.
    pub(crate) fn json(&self) -> Vec<Value> {
        let row = |(subject, cells): &(String, Vec<Vec<u64>>)| {
            let mut row = Map::new();
            row.insert("subject".to_owned(), subject.as_str().into());
            for (cell, column) in cells.iter().zip(&self.columns) {
                let figures = Summary::of(cell).map(|Summary { median, lowest, highest }| {
                    json!({"median": median, "lowest": lowest, "highest": highest})
                });
                row.insert(column.name.to_owned(), figures.into());
            }
            Value::Object(row)
        };
        self.rows.iter().map(row).collect()
    }
}

impl Unit {
    fn shown(self, figure: u64) -> String {
        match self {
            Unit::Whole => grouped(figure),
            Unit::Hundredths => format!("{}.{:02} ×", figure / 100, figure % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_come_together_in_a_cell() {
        let mut sheet = Sheet::of(&[Column::of("a second", "per_second"), Column::ratio("of it", "percent")]);
        for (rate, ratio) in [(3_000, Some(98)), (1_000, Some(305)), (2_000, Some(100))] {
            sheet.add("charges", &[Some(rate), ratio]);
        }
        sheet.add("holds", &[Some(7), None]);
        assert_eq!(
            Value::from(sheet.json()),
            json!([
                {"subject": "charges", "per_second": {"median": 2_000, "lowest": 1_000, "highest": 3_000},
                 "percent": {"median": 100, "lowest": 98, "highest": 305}},
                {"subject": "holds", "per_second": {"median": 7, "lowest": 7, "highest": 7}, "percent": null},
            ])
        );
        let shown = sheet.table().to_string();
        assert!(shown.contains("2,000") && shown.contains("1.00 ×") && shown.contains('–'), "{shown}");
    }
}
