//! Tables: a price by one or several measures (R4).
//!
//! A cell for every combination of the allowed values, so a look-up cannot miss. Apart because the
//! checker makes it, evaluation reads it and the proof takes its extremes.

use crate::rate::program::{Slot, Slots};
use crate::rate::ratio::Ratio;

/// A full table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    dimensions: Vec<Dimension>,
    /// The last dimension varies fastest.
    cells: Vec<Ratio>,
}

/// One measure that a table is looked up by.
#[derive(Clone, Debug)]
pub(crate) struct Dimension {
    /// Where its value stands.
    pub(crate) slot: Slot,
    /// Its allowed values in order, as a formula sees them.
    pub(crate) values: Vec<Ratio>,
}

/// The most cells.
pub(crate) const CELLS_MAX: usize = 10_000;

impl Table {
    /// A table from its cells, the last dimension fastest; `None` when their number does not match.
    pub(crate) fn new(dimensions: Vec<Dimension>, cells: Vec<Ratio>) -> Option<Table> {
        let expected: usize = dimensions.iter().map(|dimension| dimension.values.len()).product();
        (expected == cells.len() && !cells.is_empty()).then_some(Table { dimensions, cells })
    }

    /// How many cells it has.
    pub(crate) fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// The measures that it is looked up by.
    pub(crate) fn measures(&self) -> impl Iterator<Item = usize> {
        self.dimensions.iter().filter_map(|dimension| dimension.slot.kind().ok())
    }

    /// The cell for the values in the slots.
    pub(crate) fn value(&self, slots: &Slots) -> Option<Ratio> {
        let mut place = 0;
        for dimension in &self.dimensions {
            let wanted = slots.get(dimension.slot);
            let at = dimension.values.iter().position(|value| *value == wanted)?;
            place = place * dimension.values.len() + at;
        }
        self.cells.get(place).copied()
    }

    /// The cells where each measure lies between two places of its allowed values, both included; `range` gives them
    /// by the measure's place.
    pub(crate) fn cells_within(&self, range: impl Fn(usize) -> (i128, i128)) -> impl Iterator<Item = Ratio> {
        let spans: Vec<(usize, usize, usize)> = self
            .dimensions
            .iter()
            .map(|dimension| {
                let (first, last) = dimension.slot.kind().map_or((0, i128::MAX), &range);
                let count = dimension.values.len();
                let place = |at: i128| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(count - 1);
                (place(first), place(last), count)
            })
            .collect();
        self.cells.iter().enumerate().filter_map(move |(place, cell)| {
            let mut rest = place;
            let inside = spans.iter().rev().all(|(first, last, count)| {
                let at = rest % count;
                rest /= count;
                (*first..=*last).contains(&at)
            });
            inside.then_some(*cell)
        })
    }
}
