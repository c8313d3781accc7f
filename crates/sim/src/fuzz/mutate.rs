//! Changing valid examples: a byte, a number, a word, a piece moved, doubled or of another example.
//!
//! Apart because every target uses it. It knows no format: what a format is made of stands in the words that it is given.

use crate::prng::Prng;

/// Examples and the words that they are made of.
pub struct Material<'a> {
    /// What is changed.
    pub examples: &'a [Vec<u8>],
    /// What is put in.
    pub words: &'a [&'a str],
}

/// Numbers at which arithmetic ends or begins.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "-1",
    "2",
    "10",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "4294967295",
    "8000000000",
    "8000000000.000001",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "1e400",
    "-1e-400",
    "0.000001",
    "0.0000001",
];

impl Material<'_> {
    /// An example with one to six changes.
    pub fn mutated(&self, prng: &mut Prng) -> Vec<u8> {
        let mut input = prng.pick(self.examples).clone();
        self.mutate(prng, &mut input);
        input
    }

    /// Changes an input in one to six ways.
    pub fn mutate(&self, prng: &mut Prng, input: &mut Vec<u8>) {
        for _ in 0..=prng.below(6) {
            self.change(prng, input);
            if prng.one_in(3) {
                break;
            }
        }
    }

    fn change(&self, prng: &mut Prng, input: &mut Vec<u8>) {
        if input.is_empty() {
            input.extend_from_slice(prng.pick(self.words).as_bytes());
            return;
        }
        let (start, end) = piece(prng, input.len());
        match prng.below(11) {
            0 => input[start] ^= 1 << prng.below(8),
            1 => input[start] = u8::try_from(prng.below(256)).expect("a byte"),
            2 => drop(input.drain(start..end)),
            3 => {
                let piece = input[start..end].to_vec();
                let at = prng.index(input.len() + 1);
                drop(input.splice(at..at, piece));
            }
            4 => {
                let other = prng.pick(self.examples);
                if !other.is_empty() {
                    let (from, to) = piece(prng, other.len());
                    drop(input.splice(start..end, other[from..to].iter().copied()));
                }
            }
            5 => input.truncate(start),
            6 | 7 => {
                if let Some((start, end)) = number(prng, input) {
                    drop(input.splice(start..end, prng.pick(&NUMBERS).bytes()));
                }
            }
            8 => {
                if let Some((start, end)) = word(prng, input) {
                    drop(input.splice(start..end, prng.pick(self.words).bytes()));
                }
            }
            9 => drop(input.splice(start..start, prng.pick(self.words).bytes())),
            _ => lines(prng, input),
        }
    }
}

/// A piece of something that is not empty: mostly a short one.
fn piece(prng: &mut Prng, len: usize) -> (usize, usize) {
    let start = prng.index(len);
    let longest = if prng.one_in(4) { len - start } else { (len - start).min(8) };
    (start, start + 1 + prng.index(longest))
}

/// Some run of bytes that all fit.
fn run(prng: &mut Prng, input: &[u8], fits: impl Fn(u8) -> bool) -> Option<(usize, usize)> {
    let from = prng.index(input.len());
    let found = |range: std::ops::Range<usize>| range.into_iter().find(|at| fits(input[*at]));
    let at = found(from..input.len()).or_else(|| found(0..from))?;
    let start = (0..at).rev().take_while(|before| fits(input[*before])).last().unwrap_or(at);
    let end = (at..input.len()).find(|after| !fits(input[*after])).unwrap_or(input.len());
    Some((start, end))
}

fn number(prng: &mut Prng, input: &[u8]) -> Option<(usize, usize)> {
    run(prng, input, |byte| byte.is_ascii_digit() || byte == b'.')
}

fn word(prng: &mut Prng, input: &[u8]) -> Option<(usize, usize)> {
    run(prng, input, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Two lines change places, or one is said twice.
fn lines(prng: &mut Prng, input: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (prng.index(lines.len()), prng.index(lines.len()));
    if prng.one_in(2) {
        lines.swap(one, other);
    } else {
        let line = lines[one].clone();
        lines.insert(other, line);
    }
    *input = lines.join(&b'\n');
}
