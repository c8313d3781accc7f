//! The alphabet of record bodies: bytes, canonical varints, amounts, times and short texts.
//!
//! It is apart so that canonical form is decided in one place: every value has exactly one
//! spelling, and the reader refuses every other. It must never know what the values mean.

use crate::amount::Credits;
use crate::time::Time;

/// What is wrong with a body.
pub(super) type Problem = &'static str;

/// Appends values to a body.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A body of about this many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(bytes) }
    }

    /// The body.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// One byte.
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// An unsigned number: seven bits a byte, the lowest first, the top bit saying that more follows.
    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(low_bits(u128::from(value)) | 0x80);
            value >>= 7;
        }
        self.bytes.push(low_bits(u128::from(value)));
    }

    /// A number of things.
    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).expect("a length fits 64 bits"));
    }

    /// A signed number, folded so that small ones of either sign are short: 0, −1, 1, −2 … as 0, 1, 2, 3 …
    pub(super) fn signed(&mut self, value: i64) {
        self.number((value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
    }

    /// A signed number of up to 128 bits, in the same spelling.
    pub(super) fn signed_wide(&mut self, value: i128) {
        let mut folded = (value.cast_unsigned() << 1) ^ (value >> 127).cast_unsigned();
        while folded >= 0x80 {
            self.bytes.push(low_bits(folded) | 0x80);
            folded >>= 7;
        }
        self.bytes.push(low_bits(folded));
    }

    /// An amount, in millionths.
    pub(super) fn credits(&mut self, credits: Credits) {
        self.signed(credits.millionths());
    }

    /// An instant, as microseconds from another.
    pub(super) fn time(&mut self, time: Time, from: Time) {
        self.signed(time.micros() - from.micros());
    }

    /// A text, after its length in bytes.
    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }
}

/// The lowest seven bits.
fn low_bits(value: u128) -> u8 {
    u8::try_from(value & 0x7f).expect("seven bits fit a byte")
}

/// Takes values off a body.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start.
    pub(super) const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { left: bytes }
    }

    /// The body must end here.
    pub(super) fn end(&self) -> Result<(), Problem> {
        if self.left.is_empty() { Ok(()) } else { Err("bytes after the end of the body") }
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        let (first, rest) = self.left.split_first().ok_or("the body ends too soon")?;
        self.left = rest;
        Ok(*first)
    }

    /// Bytes as they are.
    pub(super) fn raw(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let (bytes, rest) = self.left.split_at_checked(count).ok_or("the body ends too soon")?;
        self.left = rest;
        Ok(bytes)
    }

    /// A fixed number of bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (bytes, rest) = self.left.split_first_chunk::<N>().ok_or("the body ends too soon")?;
        self.left = rest;
        Ok(*bytes)
    }

    /// An unsigned number in its one spelling.
    pub(super) fn number(&mut self) -> Result<u64, Problem> {
        u64::try_from(self.wide(64)?).map_err(|_| "a number of more than 64 bits")
    }

    fn wide(&mut self, bits: u32) -> Result<u128, Problem> {
        let mut value = 0_u128;
        let mut shift = 0_u32;
        loop {
            let byte = self.byte()?;
            let low = u128::from(byte & 0x7f);
            if shift >= bits || (low << shift) >> shift != low {
                return Err("a number of too many bits");
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err("a number with empty leading bits") } else { Ok(value) };
            }
            shift += 7;
        }
    }

    /// A number of things, each at least one byte long.
    pub(super) fn count(&mut self) -> Result<usize, Problem> {
        let count = usize::try_from(self.number()?).map_err(|_| "more things than the body has bytes")?;
        if count > self.left.len() { Err("more things than the body has bytes") } else { Ok(count) }
    }

    /// A number that fits 32 bits.
    pub(super) fn short(&mut self) -> Result<u32, Problem> {
        u32::try_from(self.number()?).map_err(|_| "a number of more than 32 bits")
    }

    /// A signed number.
    pub(super) fn signed(&mut self) -> Result<i64, Problem> {
        let folded = self.number()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    /// A signed number of up to 128 bits.
    pub(super) fn signed_wide(&mut self) -> Result<i128, Problem> {
        let folded = self.wide(128)?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    /// An amount within the limit (R1).
    pub(super) fn credits(&mut self) -> Result<Credits, Problem> {
        let credits = Credits::from_millionths(self.signed()?);
        if credits.within_limit() { Ok(credits) } else { Err("an amount beyond the limit") }
    }

    /// An amount that is not zero: zeros are left out.
    pub(super) fn some_credits(&mut self) -> Result<Credits, Problem> {
        let credits = self.credits()?;
        if credits.is_zero() { Err("a zero that should have been left out") } else { Ok(credits) }
    }

    /// An instant, as microseconds from another.
    pub(super) fn time(&mut self, from: Time) -> Result<Time, Problem> {
        let micros = from.micros().checked_add(self.signed()?).ok_or("a time out of range")?;
        let time = Time::from_micros(micros);
        if (Time::EPOCH..=Time::MAX).contains(&time) { Ok(time) } else { Err("a time out of range") }
    }

    /// A text, after its length in bytes.
    pub(super) fn text(&mut self) -> Result<&'a str, Problem> {
        let length = usize::try_from(self.number()?).map_err(|_| "the body ends too soon")?;
        std::str::from_utf8(self.raw(length)?).map_err(|_| "a text that is not UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut writer = Writer::with_capacity(10);
            writer.number(value);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.number(), Ok(value));
            assert_eq!(reader.end(), Ok(()));
        }
        for wrong in [
            &[0x80_u8, 0x00][..],
            &[0xff, 0x80, 0x00],
            &[0x80],
            &[],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            &[0x80; 40],
        ] {
            assert!(Reader::new(wrong).number().is_err(), "{wrong:02x?}");
        }
    }

    #[test]
    fn signed_numbers_are_folded() {
        for (value, folded) in [(0, 0_u64), (-1, 1), (1, 2), (i64::MAX, u64::MAX - 1), (i64::MIN, u64::MAX)] {
            let (mut signed, mut plain, mut wide) =
                (Writer::with_capacity(10), Writer::with_capacity(10), Writer::with_capacity(19));
            signed.signed(value);
            plain.number(folded);
            wide.signed_wide(i128::from(value));
            let bytes = signed.finish();
            assert_eq!(bytes, plain.finish());
            assert_eq!(bytes, wide.finish());
            assert_eq!(Reader::new(&bytes).signed(), Ok(value));
            assert_eq!(Reader::new(&bytes).signed_wide(), Ok(i128::from(value)));
        }
        for value in [i128::MIN, i128::MAX] {
            let mut writer = Writer::with_capacity(19);
            writer.signed_wide(value);
            assert_eq!(Reader::new(&writer.finish()).signed_wide(), Ok(value));
        }
    }
}
