//! Base64 for addresses (RFC 4648, section 5), without padding.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().enumerate().fold(0_u32, |group, (place, byte)| group | u32::from(*byte) << (16 - 8 * place));
        for digit in 0..=chunk.len() {
            let place = usize::try_from(group >> (18 - 6 * digit) & 63).expect("six bits");
            text.push(char::from(DIGITS[place]));
        }
    }
    text
}

/// Text as bytes; `None` where it is not written as [`encode`] writes it.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for (place, digit) in chunk.iter().enumerate() {
            let value = DIGITS.iter().position(|known| known == digit)?;
            group |= u32::try_from(value).ok()? << (18 - 6 * place);
        }
        let count = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        let [_, first, second, third] = group.to_be_bytes();
        bytes.extend(&[first, second, third][..count]);
    }
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_and_read() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"\xfb\xff\xfe", "-__-"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
        for wrong in ["Z", "Zh", "Zm9", "Zg==", "Zm9v\n", "+__+", "Zm9vZ"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
