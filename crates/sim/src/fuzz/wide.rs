//! Whole numbers of any size, and fractions of them: slow, plain, and exact.
//!
//! By school methods, so that anyone can see that they are right; nothing here is shared with the core's arithmetic.

use std::cmp::Ordering;

/// A whole number from zero on, in digits of 32 bits, the lowest first, without zeros above.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wide(Vec<u32>);

impl Wide {
    pub(super) fn new(mut value: u128) -> Wide {
        let mut digits = Vec::new();
        while value > 0 {
            digits.push(u32::try_from(value & u128::from(u32::MAX)).expect("32 bits"));
            value >>= 32;
        }
        Wide(digits)
    }

    fn trimmed(mut self) -> Wide {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn digit(&self, place: usize) -> u64 {
        self.0.get(place).map_or(0, |digit| u64::from(*digit))
    }

    fn compare(&self, other: &Wide) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn plus(&self, other: &Wide) -> Wide {
        let (mut digits, mut carry) = (Vec::new(), 0);
        for place in 0..=self.0.len().max(other.0.len()) {
            let sum = self.digit(place) + other.digit(place) + carry;
            digits.push(u32::try_from(sum & u64::from(u32::MAX)).expect("32 bits"));
            carry = sum >> 32;
        }
        Wide(digits).trimmed()
    }

    /// Less a number that is not greater.
    fn less(&self, other: &Wide) -> Wide {
        let (mut digits, mut borrowed) = (Vec::new(), 0);
        for place in 0..self.0.len() {
            let (whole, part) = (self.digit(place) + (1 << 32), other.digit(place) + borrowed);
            digits.push(u32::try_from((whole - part) & u64::from(u32::MAX)).expect("32 bits"));
            borrowed = u64::from(whole - part < 1 << 32);
        }
        Wide(digits).trimmed()
    }

    pub(super) fn times(&self, other: &Wide) -> Wide {
        let mut sum = Wide::default();
        for (place, digit) in self.0.iter().enumerate() {
            let (mut digits, mut carry) = (vec![0; place + other.0.len() + 1], 0);
            for (at, factor) in other.0.iter().enumerate() {
                let product = u64::from(*digit) * u64::from(*factor) + carry;
                digits[place + at] = u32::try_from(product & u64::from(u32::MAX)).expect("32 bits");
                carry = product >> 32;
            }
            digits[place + other.0.len()] = u32::try_from(carry).expect("32 bits");
            sum = sum.plus(&Wide(digits).trimmed());
        }
        sum
    }

    /// The quotient and the rest, bit by bit, by a number that is not zero.
    pub(super) fn divided(&self, by: &Wide) -> (Wide, Wide) {
        let (mut quotient, mut rest) = (vec![0; self.0.len()], Wide::default());
        for place in (0..self.0.len()).rev() {
            for bit in (0..32).rev() {
                rest = rest.plus(&rest);
                if self.0[place] >> bit & 1 == 1 {
                    rest = rest.plus(&Wide::new(1));
                }
                if rest.compare(by) != Ordering::Less {
                    rest = rest.less(by);
                    quotient[place] |= 1 << bit;
                }
            }
        }
        (Wide(quotient).trimmed(), rest)
    }

    pub(super) fn is_odd(&self) -> bool {
        self.digit(0) & 1 == 1
    }

    /// As a number of 128 bits, if it is one.
    pub(super) fn narrow(&self) -> Option<i128> {
        if self.0.len() > 4 {
            return None;
        }
        let value = self.0.iter().rev().fold(0_u128, |value, digit| value << 32 | u128::from(*digit));
        i128::try_from(value).ok()
    }
}

/// A fraction, never reduced.
#[derive(Clone, Debug)]
pub(super) struct Fraction {
    negative: bool,
    over: Wide,
    /// Not zero.
    under: Wide,
}

impl Fraction {
    /// `digits` with so many of them after the point.
    pub(super) fn decimal(digits: i128, places: u32) -> Fraction {
        let under = (0..places).fold(Wide::new(1), |under, _| under.times(&Wide::new(10)));
        Fraction { negative: digits < 0, over: Wide::new(digits.unsigned_abs()), under }
    }

    pub(super) fn negated(&self) -> Fraction {
        Fraction { negative: !self.negative && !self.over.is_zero(), ..self.clone() }
    }

    pub(super) fn plus(&self, other: &Fraction) -> Fraction {
        let (one, two) = (self.over.times(&other.under), other.over.times(&self.under));
        let under = self.under.times(&other.under);
        let (negative, over) = if self.negative == other.negative {
            (self.negative, one.plus(&two))
        } else if one.compare(&two) == Ordering::Less {
            (other.negative, two.less(&one))
        } else {
            (self.negative, one.less(&two))
        };
        Fraction { negative: negative && !over.is_zero(), over, under }
    }

    pub(super) fn times(&self, other: &Fraction) -> Fraction {
        let (over, under) = (self.over.times(&other.over), self.under.times(&other.under));
        Fraction { negative: self.negative != other.negative && !over.is_zero(), over, under }
    }

    /// `None` for a divisor of zero.
    pub(super) fn divided(&self, by: &Fraction) -> Option<Fraction> {
        let turned = Fraction { negative: by.negative, over: by.under.clone(), under: by.over.clone() };
        (!by.over.is_zero()).then(|| self.times(&turned))
    }

    pub(super) fn compare(&self, other: &Fraction) -> Ordering {
        let difference = self.plus(&other.negated());
        match (difference.over.is_zero(), difference.negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// To so many decimals. `up`: whether what is cut off makes the last digit one greater, away from zero.
    pub(super) fn rounded(&self, places: u32, up: impl FnOnce(Cut) -> bool) -> Fraction {
        let scale = Fraction::decimal(1, places).under;
        let (whole, rest) = self.over.times(&scale).divided(&self.under);
        let half = rest.plus(&rest).compare(&self.under);
        let cut = Cut { nothing: rest.is_zero(), half, odd: whole.is_odd(), negative: self.negative };
        let whole = if up(cut) { whole.plus(&Wide::new(1)) } else { whole };
        Fraction { negative: self.negative && !whole.is_zero(), over: whole, under: scale }
    }

    /// In millionths; `None` where it is finer, or wider than any amount.
    pub(super) fn millionths(&self) -> Option<i128> {
        let (whole, rest) = self.over.times(&Wide::new(1_000_000)).divided(&self.under);
        let whole = whole.narrow().filter(|_| rest.is_zero())?;
        Some(if self.negative { -whole } else { whole })
    }
}

/// What is cut off in rounding, and of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) nothing: bool,
    /// Compared with a half of the last digit.
    pub(super) half: Ordering,
    pub(super) odd: bool,
    pub(super) negative: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    /// Against the machine's own numbers, where those are wide enough.
    #[test]
    fn it_counts_like_the_machine() {
        let mut prng = Prng::new(1);
        for _ in 0..2_000 {
            let (one, two) = (u128::from(prng.bits() >> prng.below(60)), u128::from(prng.bits() >> prng.below(60)));
            let (wide, other) = (Wide::new(one), Wide::new(two));
            assert_eq!(wide.times(&other), Wide::new(one * two));
            assert_eq!(wide.plus(&other), Wide::new(one + two));
            assert_eq!(wide.compare(&other), one.cmp(&two));
            assert_eq!(Wide::new(one.max(two)).less(&Wide::new(one.min(two))), Wide::new(one.abs_diff(two)));
            let square = one * one;
            if let (Some(quotient), Some(rest)) = (square.checked_div(two), square.checked_rem(two)) {
                assert_eq!(Wide::new(square).divided(&other), (Wide::new(quotient), Wide::new(rest)));
            }
        }
    }

    #[test]
    fn fractions_are_exact() {
        let third = Fraction::decimal(1, 0).divided(&Fraction::decimal(3, 0)).unwrap();
        let whole = third.plus(&third).plus(&third);
        assert_eq!((whole.millionths(), third.millionths()), (Some(1_000_000), None));
        assert_eq!(third.negated().plus(&third).compare(&Fraction::decimal(0, 0)), Ordering::Equal);
        assert_eq!(
            Fraction::decimal(-25, 1).rounded(0, |cut| cut.half != Ordering::Less).millionths(),
            Some(-3_000_000)
        );
    }
}
