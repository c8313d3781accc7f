//! The lines of a file of opening balances: found, numbered, and refused where they are no plain text.
//!
//! It is apart so that a line that is broken (too long, not UTF-8, a carriage return in its middle) costs that line only,
//! and so that no more than one line is in memory. It must not know what a line says.

use std::io::{self, BufRead};

/// The longest line: room for an account with as many lots as an opening may bring.
const BYTES_MAX: usize = 1 << 20;

/// What an editor may put in front of a file to say that it is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Lines one after the other.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

/// A line with its number, counted from 1; or why it cannot be read.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: Result<String, &'static str>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Lines<R> {
        Lines { input, number: 0, bytes: 0 }
    }

    /// The next line that is not empty; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let Some(bytes) = self.read()? else { return Ok(None) };
            let text = bytes.and_then(|bytes| text(bytes, self.number));
            if text.as_deref() != Ok("") {
                return Ok(Some(Line { number: self.number, text }));
            }
        }
    }

    /// The bytes up to and with the next line break; the rest of a line that is too long is skipped.
    fn read(&mut self) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(BYTES_MAX).expect("a small number") + 1;
        let read = io::Read::take(&mut self.input, limit).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += bytes.len() as u64;
        if bytes.len() <= BYTES_MAX {
            return Ok(Some(Ok(bytes)));
        }
        let mut ended = bytes.ends_with(b"\n");
        while !ended {
            let ahead = self.input.fill_buf()?;
            let end = ahead.iter().position(|byte| *byte == b'\n');
            let skipped = end.map_or(ahead.len(), |end| end + 1);
            ended = end.is_some() || skipped == 0;
            self.input.consume(skipped);
            self.bytes += skipped as u64;
        }
        Ok(Some(Err("the line is longer than 1 MiB")))
    }
}

/// A line without its break.
fn text(mut bytes: Vec<u8>, number: u64) -> Result<String, &'static str> {
    if bytes.pop() != Some(b'\n') {
        return Err("the last line does not end with a line break: the file may be cut short; add one if it is whole");
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    if bytes.contains(&0) {
        return Err("a NUL byte: save the file as UTF-8 text");
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8: save the file as UTF-8 text")?;
    if text.contains('\r') {
        return Err("a carriage return in the middle: lines end with LF or CR LF");
    }
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if number == 1 => rest.to_owned(),
        Some(_) | None => text,
    };
    if text.contains(BYTE_ORDER_MARK) {
        return Err("a byte-order mark that is not at the file's beginning");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `number text`, broken ones as `number !why`.
    fn read(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(io::BufReader::with_capacity(7, bytes));
        let mut told = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            told.push(match line.text {
                Ok(text) => format!("{} {text}", line.number),
                Err(why) => format!("{} !{}", line.number, why.split([':', ';']).next().unwrap()),
            });
        }
        assert_eq!(lines.bytes, bytes.len() as u64, "every byte was read");
        told
    }

    #[test]
    fn lines_are_numbered_and_broken_ones_named() {
        for (bytes, told) in [
            (&b""[..], &[][..]),
            (b"\n\r\n", &[]),
            (b"a\nb\r\n\nc\n", &["1 a", "2 b", "4 c"]),
            (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", &["1 a", "2 !a byte-order mark that is not at the file's beginning"]),
            (b"a\rb\nc\n", &["1 !a carriage return in the middle", "2 c"]),
            (b"a\0\nb\n", &["1 !a NUL byte", "2 b"]),
            (b"\xffa\nb\n", &["1 !not UTF-8", "2 b"]),
            (b"a\nb", &["1 a", "2 !the last line does not end with a line break"]),
        ] {
            assert_eq!(read(bytes), told, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_costs_itself_only() {
        let fits = [vec![b'x'; BYTES_MAX - 1], b"\nb\n".to_vec()].concat();
        assert_eq!(read(&fits).len(), 2);
        for more in [1, 5_000] {
            let long = [vec![b'x'; BYTES_MAX - 1 + more], b"\nb\n".to_vec()].concat();
            assert_eq!(read(&long), ["1 !the line is longer than 1 MiB", "2 b"]);
            let unended = vec![b'x'; BYTES_MAX + more];
            assert_eq!(read(&unended), ["1 !the line is longer than 1 MiB"]);
        }
    }
}
