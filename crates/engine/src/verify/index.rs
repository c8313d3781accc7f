//! The index of terms against the journal: a key that is not found any more would be charged twice (R31).
//!
//! Both sides are summed up, each pair of a term and a position alike, in whatever order they come; the sums are equal
//! exactly where the pairs are, but for a chance of about one in 2¹²⁸. They are no secret and no seal: the index is made
//! from the journal, which has its chain.

use scrip_core::entry::Entry;
use scrip_core::journal;

use super::{Broken, PAGE, VerifyError, broken_entry};
use crate::store::{Extent, Reader, indexed};

/// Pairs of terms and positions, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TermSum {
    count: u64,
    sums: [u64; 2],
}

impl TermSum {
    /// Adds the terms of an entry.
    pub(super) fn entry(&mut self, entry: &Entry, position: u64) {
        journal::terms(entry).for_each(|term| self.pair(indexed(term), position));
    }

    /// Adds a pair.
    pub(super) fn pair(&mut self, term: u64, position: u64) {
        self.count += 1;
        let one = mixed(term ^ mixed(position));
        let other = mixed(one ^ term.rotate_left(32) ^ position.wrapping_mul(0xd6e8_feb8_6659_fd93));
        self.sums[0] = self.sums[0].wrapping_add(one);
        self.sums[1] = self.sums[1].wrapping_add(other);
    }

    /// Adds what another thread has summed up.
    pub(super) fn add(&mut self, other: TermSum) {
        self.count += other.count;
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(more);
        }
    }

    /// How many pairs.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

/// SplitMix64.
fn mixed(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Why the index differs from the journal up to the mark: the first entry that it does not find, if there is one.
pub(super) fn difference(reader: &dyn Reader, extent: Extent) -> Result<VerifyError, VerifyError> {
    let mut next = 1;
    while next <= extent.mark {
        let rows = reader.rows_from(next, PAGE)?;
        let Some(last) = rows.last() else { break };
        next = last.position + 1;
        for row in rows.iter().filter(|row| row.position <= extent.mark) {
            let entry = journal::decode(&row.record).map_err(|damaged| broken_entry(row, None, damaged.problem))?;
            for term in journal::terms(&entry) {
                if !reader.positions(term)?.contains(&row.position) {
                    let what = "the index of terms does not find it: a repeat of its command would not be recognised";
                    return Ok(broken_entry(row, None, what));
                }
            }
        }
    }
    let what = "the index of terms finds entries by terms that they do not have";
    Ok(VerifyError::Broken(Broken::Unreadable(what.to_owned())))
}
