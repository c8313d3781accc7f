//! What is written behind the journal: accounts and terms, a share with each batch (see [`crate::store`]).
//!
//! Now and then the accounts and terms that changed since the last time are *frozen* into a list;
//! the batches that follow carry a share of it each, and the one that carries the last share moves
//! the mark to where the journal stood at the freeze. No batch carries much, and nothing is
//! written that was not changed.

use rustc_hash::FxHashMap;
use scrip_core::entry::Term;

/// The leading 64 bits of a term: what the index of terms keeps.
pub(crate) fn prefix(term: Term) -> u64 {
    u64::try_from(term.0 >> 64).unwrap_or(u64::MAX)
}

/// Terms and the positions of the entries that carry them, in memory.
#[derive(Default)]
struct Generation {
    latest: FxHashMap<u64, u64>,
    /// Earlier positions of a term that came again, oldest first.
    earlier: FxHashMap<u64, Vec<u64>>,
}

impl Generation {
    fn insert(&mut self, prefix: u64, position: u64) {
        if let Some(before) = self.latest.insert(prefix, position) {
            self.earlier.entry(prefix).or_default().push(before);
        }
    }

    fn positions(&self, prefix: u64, found: &mut Vec<u64>) {
        if let Some(latest) = self.latest.get(&prefix) {
            found.push(*latest);
            if let Some(earlier) = self.earlier.get(&prefix) {
                found.extend(earlier.iter().rev());
            }
        }
    }

    fn sorted(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = self.latest.iter().map(|(prefix, position)| (*prefix, *position)).collect();
        for (prefix, positions) in &self.earlier {
            all.extend(positions.iter().map(|position| (*prefix, *position)));
        }
        all.sort_unstable();
        all
    }

    fn forget_after(&mut self, position: u64) {
        // A term's latest position may be void while an earlier one stands.
        let void: Vec<u64> =
            self.latest.iter().filter(|(_, latest)| **latest > position).map(|(prefix, _)| *prefix).collect();
        for prefix in void {
            self.latest.remove(&prefix);
            let standing = self.earlier.get_mut(&prefix).and_then(|earlier| {
                earlier.retain(|earlier| *earlier <= position);
                earlier.pop()
            });
            if let Some(standing) = standing {
                self.latest.insert(prefix, standing);
            }
        }
    }
}

/// A list being written behind.
struct Frozen {
    /// Where the mark will be.
    position: u64,
    accounts: std::vec::IntoIter<u64>,
    terms: std::vec::IntoIter<(u64, u64)>,
    generation: Generation,
}

/// A share that is on its way to the store.
struct Sent {
    /// Where the mark will be when its list is done.
    position: u64,
    share: Share,
}

impl Frozen {
    /// Takes back a share that did not arrive: the store's run of terms goes on where it stands.
    fn take_back(self, share: Share) -> Frozen {
        let again = |lost: Vec<u64>, left: std::vec::IntoIter<u64>| lost.into_iter().chain(left).collect::<Vec<_>>();
        let terms: Vec<_> = share.terms.into_iter().chain(self.terms).collect();
        Frozen { accounts: again(share.accounts, self.accounts).into_iter(), terms: terms.into_iter(), ..self }
    }
}

/// One batch's share.
#[derive(Clone, Default)]
pub(crate) struct Share {
    pub(crate) accounts: Vec<u64>,
    pub(crate) terms: Vec<(u64, u64)>,
    pub(crate) mark: Option<u64>,
}

/// What has changed since the mark, and how far writing it has come.
pub(crate) struct WriteBehind {
    every: u64,
    entries: u64,
    changed: Vec<u64>,
    fresh: Generation,
    frozen: Option<Frozen>,
    /// The share that moved the mark is on its way: its terms are dropped once it is durable.
    done: Option<Generation>,
    /// The share that is on its way.
    sent: Option<Sent>,
}

impl WriteBehind {
    pub(crate) fn new(every: u64) -> WriteBehind {
        WriteBehind {
            every: every.max(1),
            entries: 0,
            changed: Vec::new(),
            fresh: Generation::default(),
            frozen: None,
            done: None,
            sent: None,
        }
    }

    /// An entry was made.
    pub(crate) fn entry(&mut self, terms: impl IntoIterator<Item = Term>, position: u64) {
        self.entries += 1;
        for term in terms {
            self.fresh.insert(prefix(term), position);
        }
    }

    /// An account changed for the first time since it was last put on the list.
    pub(crate) fn account(&mut self, number: u64) {
        self.changed.push(number);
    }

    /// Positions of entries since the mark that may carry the term, newest first.
    pub(crate) fn positions(&self, term: Term) -> Vec<u64> {
        let prefix = prefix(term);
        let mut found = Vec::new();
        self.fresh.positions(prefix, &mut found);
        if let Some(frozen) = &self.frozen {
            frozen.generation.positions(prefix, &mut found);
        }
        if let Some(done) = &self.done {
            done.positions(prefix, &mut found);
        }
        found
    }

    /// Freezes what has changed, when there is enough of it (or at all, when `now` is due to idleness), and none is
    /// being written. Answers the accounts that were put on the list.
    pub(crate) fn freeze(&mut self, position: u64, urge: Urge) -> bool {
        let wanted = match urge {
            Urge::WhenDue => self.entries >= self.every,
            Urge::Now => self.entries > 0 || !self.changed.is_empty(),
        };
        if !wanted || self.frozen.is_some() || self.done.is_some() {
            return false;
        }
        let mut accounts = std::mem::take(&mut self.changed);
        accounts.sort_unstable();
        accounts.dedup();
        let generation = std::mem::take(&mut self.fresh);
        self.entries = 0;
        self.frozen = Some(Frozen {
            position,
            accounts: accounts.into_iter(),
            terms: generation.sorted().into_iter(),
            generation,
        });
        true
    }

    /// The next share, sized so that the list is done in half the time in which the next one grows.
    pub(crate) fn share(&mut self, batch_entries: usize, urge: Urge) -> Share {
        let Some(frozen) = &mut self.frozen else { return Share::default() };
        let part = |left: usize| match urge {
            Urge::Now => left.min(50_000),
            Urge::WhenDue => {
                let every = usize::try_from(self.every).unwrap_or(usize::MAX);
                (2 * batch_entries + 16).saturating_mul(left.max(every)).div_ceil(every).min(left)
            }
        };
        let accounts = part(frozen.accounts.len());
        let terms = part(frozen.terms.len());
        let mut share = Share {
            accounts: frozen.accounts.by_ref().take(accounts).collect(),
            terms: frozen.terms.by_ref().take(terms).collect(),
            mark: None,
        };
        let position = frozen.position;
        if frozen.accounts.len() == 0 && frozen.terms.len() == 0 {
            share.mark = Some(position);
            self.done = self.frozen.take().map(|frozen| frozen.generation);
        }
        self.sent = Some(Sent { position, share: share.clone() });
        share
    }

    /// The batch before is durable: terms that it completed are found in the store from now on.
    pub(crate) fn landed(&mut self) {
        self.done = None;
        self.sent = None;
    }

    /// Whether there is anything to write behind.
    pub(crate) fn pending(&self) -> bool {
        self.frozen.is_some() || self.entries > 0 || !self.changed.is_empty()
    }

    /// Everything after `position` is void, and so is the share that was on its way. A list that was begun before goes
    /// on with it, since the store has its beginning; one that was begun with it is collected again.
    pub(crate) fn void_after(&mut self, position: u64) {
        let mut kept = Generation::default();
        let fresh = std::mem::take(&mut self.fresh);
        let lost = self.sent.take();
        let listed = self.frozen.take().or_else(|| {
            let (generation, lost) = (self.done.take()?, lost.as_ref()?);
            let (accounts, terms) = (Vec::new().into_iter(), Vec::new().into_iter());
            Some(Frozen { position: lost.position, accounts, terms, generation })
        });
        let mut void = None;
        match listed {
            Some(list) if list.position <= position => {
                self.frozen = Some(match lost {
                    Some(lost) => list.take_back(lost.share),
                    None => list,
                });
            }
            Some(list) => void = Some(list.generation),
            None => {}
        }
        for generation in void.into_iter().chain([fresh]) {
            for (prefix, at) in generation.sorted() {
                kept.insert(prefix, at);
            }
        }
        kept.forget_after(position);
        self.entries = u64::try_from(kept.latest.len()).unwrap_or(u64::MAX);
        self.fresh = kept;
        self.changed.clear();
    }
}

/// How urgent writing behind is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urge {
    /// When enough has gathered, a share at a time.
    WhenDue,
    /// Now: nothing else is going on.
    Now,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(prefix: u64) -> Term {
        Term(u128::from(prefix) << 64)
    }

    #[test]
    fn terms_are_found_from_the_first_to_the_mark() {
        let mut behind = WriteBehind::new(3);
        behind.entry([term(7)], 1);
        behind.entry([term(9)], 2);
        behind.entry([term(7)], 3);
        behind.account(5);
        assert_eq!(behind.positions(term(7)), [3, 1]);
        assert!(behind.freeze(3, Urge::WhenDue));
        behind.entry([term(7)], 4);
        assert_eq!(behind.positions(term(7)), [4, 3, 1]);
        let share = behind.share(1, Urge::Now);
        assert_eq!(share.accounts, [5]);
        assert_eq!(share.terms, [(7, 1), (7, 3), (9, 2)]);
        assert_eq!(share.mark, Some(3));
        assert_eq!(behind.positions(term(7)), [4, 3, 1], "until the share is durable");
        behind.landed();
        assert_eq!(behind.positions(term(7)), [4]);
    }

    /// The store keeps the pieces that arrived, so what follows a lost piece must be that piece again.
    #[test]
    fn a_lost_share_is_sent_again_in_its_place() {
        let mut behind = WriteBehind::new(400);
        let entries = || 1..=400_u64;
        for position in entries() {
            behind.entry([term(position)], position);
        }
        behind.account(5);
        assert!(behind.freeze(400, Urge::WhenDue));
        let mut arrived = Vec::new();
        let mut mark = None;
        for round in 0.. {
            let share = behind.share(1, Urge::WhenDue);
            if round % 3 == 1 {
                behind.void_after(400);
                continue;
            }
            behind.landed();
            arrived.extend(share.terms);
            mark = share.mark;
            if mark.is_some() {
                break;
            }
        }
        assert_eq!(arrived, entries().map(|position| (position, position)).collect::<Vec<_>>());
        assert_eq!(mark, Some(400));
        assert!(!behind.pending());
    }

    #[test]
    fn the_share_that_completes_a_list_can_be_lost() {
        let mut behind = WriteBehind::new(1);
        behind.entry([term(7)], 1);
        behind.account(5);
        assert!(behind.freeze(1, Urge::Now));
        assert_eq!(behind.share(1, Urge::Now).mark, Some(1));
        behind.void_after(1);
        assert_eq!(behind.positions(term(7)), [1]);
        let again = behind.share(1, Urge::Now);
        assert_eq!((again.accounts, again.terms, again.mark), (vec![5], vec![(7, 1)], Some(1)));
    }

    #[test]
    fn what_is_void_is_forgotten_and_the_rest_collected_again() {
        let mut behind = WriteBehind::new(2);
        behind.entry([term(7)], 1);
        behind.entry([term(9)], 2);
        assert!(behind.freeze(2, Urge::WhenDue));
        behind.entry([term(7)], 3);
        behind.void_after(2);
        assert_eq!(behind.positions(term(7)), [1]);
        assert_eq!(behind.positions(term(9)), [2]);
        assert!(behind.pending());
    }
}
