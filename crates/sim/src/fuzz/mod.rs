//! Fuzzing: inputs made of valid examples by changing them, and what must hold of each.
//!
//! Every input follows from a seed of its own, so that a failure is found again by that seed alone; it is cut down before it
//! is told. What is valid enough to be taken is more than a reader's noise, so every target counts what it took, and a run
//! that took nothing proves nothing. It must never read a clock or the network.

pub mod catalogs;
pub mod corpus;
pub mod exact;
pub mod mutate;
pub mod rates;
pub mod records;
mod wide;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::prng::Prng;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was valid, and all that must hold of it held.
    Taken,
    /// It was refused, as it may be.
    Refused,
}

/// Something that takes inputs.
pub trait Target {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// An input, by chance.
    fn input(&self, prng: &mut Prng) -> Vec<u8>;

    /// Tries an input: what became of it, or what is wrong. It may panic, too: that is a failure like any other.
    fn run(&self, input: &[u8]) -> Result<Verdict, String>;
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Inputs tried.
    pub tried: u64,
    /// Inputs that were valid.
    pub taken: u64,
}

/// An input that something is wrong with, cut down.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Of which target.
    pub target: &'static str,
    /// The seed of this one input.
    pub seed: u64,
    /// What is left of it.
    pub input: Vec<u8>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: seed {}: {}", self.target, self.seed, self.what)?;
        writeln!(f, "again: cargo xtask fuzz --target {} --seed {} --count 1", self.target, self.seed)?;
        write!(f, "the input, cut down: {}", self.input.escape_ascii())
    }
}

/// Tries the inputs of this many seeds, from one on; tells of each how many have been tried.
pub fn fuzz(target: &dyn Target, seed: u64, count: u64, told: &mut dyn FnMut(u64)) -> Result<Tally, Box<Failure>> {
    let mut tally = Tally::default();
    for seed in seed..seed.saturating_add(count) {
        let input = target.input(&mut Prng::new(seed));
        match tried(target, &input) {
            Ok(verdict) => tally.taken += u64::from(verdict == Verdict::Taken),
            Err(what) => {
                let (input, what) = cut_down(target, input, what);
                return Err(Box::new(Failure { target: target.name(), seed, input, what }));
            }
        }
        tally.tried += 1;
        told(tally.tried);
    }
    Ok(tally)
}

/// Tries one input; a panic is what is wrong with it.
fn tried(target: &dyn Target, input: &[u8]) -> Result<Verdict, String> {
    catch_unwind(AssertUnwindSafe(|| target.run(input))).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("it panicked: {}", message.unwrap_or("without a message")))
    })
}

/// Leaves out pieces while something is still wrong with what is left.
fn cut_down(target: &dyn Target, mut input: Vec<u8>, mut what: String) -> (Vec<u8>, String) {
    let mut piece = input.len().div_ceil(2).max(1);
    loop {
        let (mut start, mut shorter) = (0, false);
        while start < input.len() {
            let end = (start + piece).min(input.len());
            let rest = [&input[..start], &input[end..]].concat();
            match tried(target, &rest) {
                Ok(_) => start = end,
                Err(other) => {
                    (input, what, shorter) = (rest, other, true);
                }
            }
        }
        if piece == 1 && !shorter {
            return (input, what);
        }
        piece = (piece / 2).max(1);
    }
}

/// How many inputs a test tries, and from which seed: as it is told by `SCRIP_FUZZ_COUNT` and `SCRIP_FUZZ_SEED`, which
/// `cargo xtask fuzz` sets for those targets that live in tests; else a few.
pub fn asked(usually: u64) -> (u64, u64) {
    let told = |name: &str, otherwise: u64| {
        let Ok(text) = std::env::var(name) else { return otherwise };
        text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}"))
    };
    (told("SCRIP_FUZZ_SEED", 1), told("SCRIP_FUZZ_COUNT", usually))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cannot bear a 7 and panics at a 9.
    struct Picky;

    impl Target for Picky {
        fn name(&self) -> &'static str {
            "picky"
        }

        fn input(&self, prng: &mut Prng) -> Vec<u8> {
            (0..20).map(|_| b"012345678"[prng.index(9)]).collect()
        }

        fn run(&self, input: &[u8]) -> Result<Verdict, String> {
            assert!(!input.contains(&b'9'), "a nine");
            if input.contains(&b'7') { Err("a seven".to_owned()) } else { Ok(Verdict::Taken) }
        }
    }

    #[test]
    fn a_failure_is_cut_down_and_found_again() {
        let failure = fuzz(&Picky, 5, 1_000, &mut |_| ()).unwrap_err();
        assert_eq!((failure.input.as_slice(), failure.what.as_str()), (&b"7"[..], "a seven"));
        let again = fuzz(&Picky, failure.seed, 1, &mut |_| ()).unwrap_err();
        assert_eq!(again.seed, failure.seed);
        assert_eq!(tried(&Picky, b"129"), Err("it panicked: a nine".to_owned()));
    }
}
