//! Roundings by name (R2).
//!
//! Apart because it is the only place in the rules where something is cut off: every other
//! operation on amounts is exact.

/// How a number between two steps is brought to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearer one, a half away from zero: 4.5 → 5, −4.5 → −5. The default.
    HalfAway,
    /// To the nearer one, a half to the even one: 4.5 → 4, 5.5 → 6.
    HalfEven,
    /// Up, towards more credits.
    Ceil,
    /// Down, towards fewer credits.
    Floor,
}

impl Rounding {
    const WORDS: [(Rounding, &'static str); 4] = [
        (Rounding::HalfAway, "half_away"),
        (Rounding::HalfEven, "half_even"),
        (Rounding::Ceil, "ceil"),
        (Rounding::Floor, "floor"),
    ];

    /// The word in a catalog.
    pub fn word(self) -> &'static str {
        match self {
            Rounding::HalfAway => "half_away",
            Rounding::HalfEven => "half_even",
            Rounding::Ceil => "ceil",
            Rounding::Floor => "floor",
        }
    }

    /// The rounding that a word names.
    pub fn from_word(word: &str) -> Option<Rounding> {
        Rounding::WORDS.into_iter().find(|(_, name)| *name == word).map(|(rounding, _)| rounding)
    }

    /// `numerator / denominator` as a whole number; the denominator is above zero. `None` when it does not fit.
    pub(crate) fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        let (below, rest) = divide_down(numerator, denominator);
        if rest == 0 {
            return Some(below);
        }
        // `rest` against what is missing to the next whole number; neither can overflow.
        let nearer = rest.cmp(&(denominator - rest));
        let up = match (self, nearer) {
            (Rounding::Ceil, _) => true,
            (Rounding::Floor, _) => false,
            (Rounding::HalfAway | Rounding::HalfEven, std::cmp::Ordering::Greater) => true,
            (Rounding::HalfAway | Rounding::HalfEven, std::cmp::Ordering::Less) => false,
            (Rounding::HalfAway, std::cmp::Ordering::Equal) => numerator > 0,
            (Rounding::HalfEven, std::cmp::Ordering::Equal) => below % 2 != 0,
        };
        if up { below.checked_add(1) } else { Some(below) }
    }
}

/// The quotient towards minus infinity and what remains. Numbers of 64 bits take the machine's own division,
/// which is many times faster and serves nearly all prices.
fn divide_down(numerator: i128, denominator: i128) -> (i128, i128) {
    match (i64::try_from(numerator), i64::try_from(denominator)) {
        (Ok(small), Ok(by)) => (i128::from(small.div_euclid(by)), i128::from(small.rem_euclid(by))),
        (Err(_), _) | (_, Err(_)) => (numerator.div_euclid(denominator), numerator.rem_euclid(denominator)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_where_the_name_says() {
        for (numerator, half_away, half_even, ceil, floor) in
            [(9, 5, 4, 5, 4), (11, 6, 6, 6, 5), (-9, -5, -4, -4, -5), (-11, -6, -6, -5, -6), (8, 4, 4, 4, 4)]
        {
            assert_eq!(Rounding::HalfAway.divide(numerator, 2), Some(half_away), "{numerator}/2");
            assert_eq!(Rounding::HalfEven.divide(numerator, 2), Some(half_even), "{numerator}/2");
            assert_eq!(Rounding::Ceil.divide(numerator, 2), Some(ceil), "{numerator}/2");
            assert_eq!(Rounding::Floor.divide(numerator, 2), Some(floor), "{numerator}/2");
        }
    }
}
