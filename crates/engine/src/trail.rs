//! Finding any entry of an account without an index.
//!
//! Every entry names two earlier ones of its account: the one before it, and a *jump* chosen so
//! that any entry is reached from the last in O(log n) steps (E. W. Myers, "An applicative
//! random-access stack", 1983). An account then needs to remember only the positions of the heads
//! of its complete trees, about log₂ n numbers, and nothing is written but the entries themselves.

/// The positions of the heads of an account's trees, oldest first; the last is its last entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(Vec<u64>);

/// Where a new entry points back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// The position of the entry before it; 0 for the first.
    pub prev: u64,
    /// The position of the entry that it jumps to; 0 for none.
    pub jump: u64,
}

/// Sizes of the complete trees that `seq` entries make, oldest (largest) first: the skew-binary digits of `seq`.
fn tree_sizes(seq: u64) -> impl Iterator<Item = u64> {
    let mut left = seq;
    std::iter::from_fn(move || {
        // The largest 2^k − 1 that fits; taken twice at most.
        let size = (u64::MAX >> (left + 1).leading_zeros()) >> 1;
        left -= size;
        (size > 0).then_some(size)
    })
}

/// The sequence number that entry `seq` jumps to; 0 for none.
pub fn jump_of(seq: u64) -> u64 {
    seq - tree_sizes(seq).last().unwrap_or(0)
}

impl Trail {
    /// From stored positions.
    pub fn from_positions(positions: Vec<u64>) -> Trail {
        Trail(positions)
    }

    /// The positions, oldest first.
    pub fn positions(&self) -> &[u64] {
        &self.0
    }

    /// The position of the last entry; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    /// Where entry `seq` (the one after the last) points back to.
    pub fn links(&self, seq: u64) -> Links {
        let before = tree_sizes(seq).count().checked_sub(2);
        Links { prev: self.last(), jump: before.and_then(|tree| self.0.get(tree)).copied().unwrap_or(0) }
    }

    /// Adds entry `seq` (the one after the last) at `position`, and says where it points back to.
    pub fn push(&mut self, seq: u64, position: u64) -> Links {
        let links = self.links(seq);
        // One tree more than before, or one less when the two youngest grew together under the new entry.
        self.0.truncate(tree_sizes(seq).count() - 1);
        self.0.push(position);
        links
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every entry of a long history is found from the last in a logarithmic number of steps.
    #[test]
    fn any_entry_is_found_in_few_steps() {
        let mut trail = Trail::default();
        let mut links = vec![Links { prev: 0, jump: 0 }];
        let count = 5_000_u64;
        for seq in 1..=count {
            // Positions are ten times the sequence number, so that they can be told apart.
            let link = trail.push(seq, seq * 10);
            assert_eq!(link.prev, (seq - 1) * 10);
            assert_eq!(link.jump, jump_of(seq) * 10);
            links.push(link);
        }
        let link = |seq: u64| links[usize::try_from(seq).unwrap()];
        for wanted in 1..=count {
            let (mut at, mut steps) = (count, 0);
            while at != wanted {
                at = if jump_of(at) >= wanted { link(at).jump / 10 } else { link(at).prev / 10 };
                steps += 1;
            }
            assert!(steps <= 3 * 13, "{wanted} took {steps}");
        }
        assert!(trail.positions().len() <= 14);
    }
}
