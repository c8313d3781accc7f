//! JSON into the document tree.
//!
//! Our own small reader, because the tree keeps the place of every value, refuses a key given
//! twice, and takes numbers as they are written. It must end on any text and never nest deeper
//! than [`DEPTH_MAX`].

use std::ops::Range;

use crate::catalog::CatalogError;
use crate::catalog::document::{Entry, Item, Source, Value};

/// The deepest nesting.
const DEPTH_MAX: usize = 64;

pub(super) fn parse(source: Source<'_>) -> Result<Item, CatalogError> {
    let mut reader = Reader { source, place: 0, depth: 0 };
    reader.skip_space();
    let item = reader.item()?;
    reader.skip_space();
    match reader.next() {
        None => Ok(item),
        Some(_) => Err(reader.expected("the end of the document")),
    }
}

struct Reader<'a> {
    source: Source<'a>,
    place: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&self) -> Option<u8> {
        self.source.0.as_bytes().get(self.place).copied()
    }

    fn rest(&self) -> &'a str {
        self.source.0.get(self.place..).unwrap_or("")
    }

    fn error(&self, message: impl Into<String>) -> CatalogError {
        self.source.error(self.place, message)
    }

    fn expected(&self, what: &str) -> CatalogError {
        match self.rest().chars().next() {
            Some(found) => self.error(format!("not JSON: expected {what}, found {found:?}")),
            None => self.error(format!("not JSON: expected {what}, found the end of the document")),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.next(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.place += 1;
        }
    }

    fn takes(&mut self, wanted: u8) -> bool {
        let found = self.next() == Some(wanted);
        self.place += usize::from(found);
        found
    }

    fn item(&mut self) -> Result<Item, CatalogError> {
        let start = self.place;
        let value = match self.next() {
            Some(b'{') => self.nested(Reader::table)?,
            Some(b'[') => self.nested(Reader::list)?,
            Some(b'"') => Value::Text(self.text()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) | None => self.word()?,
        };
        Ok(Item { at: start..self.place, value })
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Result<Value, CatalogError>) -> Result<Value, CatalogError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error(format!("nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn table(&mut self) -> Result<Value, CatalogError> {
        self.place += 1;
        let mut entries: Vec<Entry> = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        self.skip_space();
        if self.takes(b'}') {
            return Ok(Value::Table(entries));
        }
        loop {
            self.skip_space();
            let start = self.place;
            if self.next() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let key = self.text()?;
            let key_at: Range<usize> = start..self.place;
            if !keys.insert(key.clone()) {
                return Err(self.source.error(start, format!("the key {key:?} is given twice")));
            }
            self.skip_space();
            if !self.takes(b':') {
                return Err(self.expected("\":\""));
            }
            self.skip_space();
            let item = self.item()?;
            entries.push(Entry { key, key_at, item });
            self.skip_space();
            if self.takes(b'}') {
                return Ok(Value::Table(entries));
            }
            if !self.takes(b',') {
                return Err(self.expected("\",\" or \"}\""));
            }
        }
    }

    fn list(&mut self) -> Result<Value, CatalogError> {
        self.place += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.takes(b']') {
            return Ok(Value::List(items));
        }
        loop {
            self.skip_space();
            items.push(self.item()?);
            self.skip_space();
            if self.takes(b']') {
                return Ok(Value::List(items));
            }
            if !self.takes(b',') {
                return Err(self.expected("\",\" or \"]\""));
            }
        }
    }

    fn number(&mut self) -> Result<Value, CatalogError> {
        let start = self.place;
        self.takes(b'-');
        let whole = self.digits();
        if whole == 0 {
            return Err(self.expected("a digit"));
        }
        if whole > 1 && self.source.0.as_bytes()[self.place - whole] == b'0' {
            return Err(self.source.error(start, "not JSON: a number has no leading zeros"));
        }
        if self.takes(b'.') && self.digits() == 0 {
            return Err(self.expected("a digit"));
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            if self.digits() == 0 {
                return Err(self.expected("a digit"));
            }
        }
        Ok(Value::Number(self.source.0[start..self.place].into()))
    }

    fn digits(&mut self) -> usize {
        let start = self.place;
        while matches!(self.next(), Some(b'0'..=b'9')) {
            self.place += 1;
        }
        self.place - start
    }

    fn word(&mut self) -> Result<Value, CatalogError> {
        for (word, value) in [("true", Value::Truth(true)), ("false", Value::Truth(false)), ("null", Value::Nothing)] {
            if self.rest().starts_with(word) {
                self.place += word.len();
                return Ok(value);
            }
        }
        Err(self.expected("a value"))
    }

    fn text(&mut self) -> Result<Box<str>, CatalogError> {
        self.place += 1;
        let mut text = String::new();
        loop {
            let Some(found) = self.rest().chars().next() else { return Err(self.expected("a closing '\"'")) };
            match found {
                '"' => {
                    self.place += 1;
                    return Ok(text.into());
                }
                '\\' => text.push(self.escape()?),
                found if found < ' ' => return Err(self.expected("no control character in a text")),
                found => {
                    self.place += found.len_utf8();
                    text.push(found);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, CatalogError> {
        self.place += 1;
        let escaped = match self.next() {
            Some(found @ (b'"' | b'\\' | b'/')) => char::from(found),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            Some(_) | None => return Err(self.expected("an escape such as \\n")),
        };
        self.place += 1;
        Ok(escaped)
    }

    fn code_point(&mut self) -> Result<char, CatalogError> {
        let first = self.code_unit()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("not JSON: half of a surrogate pair"));
        }
        if !self.rest().starts_with("\\u") {
            return Err(self.error("not JSON: half of a surrogate pair"));
        }
        self.place += 1;
        let second = self.code_unit()?;
        let low = second.wrapping_sub(0xDC00);
        let joined = 0x10000 + ((first - 0xD800) << 10) + low;
        match low < 0x400 {
            true => char::from_u32(joined).ok_or_else(|| self.error("not JSON: not a character")),
            false => Err(self.error("not JSON: half of a surrogate pair")),
        }
    }

    /// Four hexadecimal digits after `u`.
    fn code_unit(&mut self) -> Result<u32, CatalogError> {
        self.place += 1;
        let digits = self.source.0.get(self.place..self.place + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.place += 4;
                Ok(unit)
            }
            None => Err(self.expected("four hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match parse(Source(text)) {
            Ok(item) => format!("{:?}", item.value),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn values_are_read_as_written() {
        check(" 1.50e3 ", "Number(\"1.50e3\")");
        check("\"a\\u00e9\\ud83d\\ude00\\n\"", "Text(\"aé😀\\n\")");
        check("[]", "List([])");
        check("true", "Truth(true)");
    }

    #[test]
    fn other_texts_are_refused_where_they_go_wrong() {
        check("", "line 1, column 1: not JSON: expected a value, found the end of the document");
        check("{\"a\": 1,\n \"a\": 2}", "line 2, column 2: the key \"a\" is given twice");
        check("[1,]", "line 1, column 4: not JSON: expected a value, found ']'");
        check("01", "line 1, column 1: not JSON: a number has no leading zeros");
        check("\"\\ud800\"", "line 1, column 8: not JSON: half of a surrogate pair");
        check("NaN", "line 1, column 1: not JSON: expected a value, found 'N'");
        check(&"[".repeat(100_000), "line 1, column 65: nested more than 64 deep");
    }
}
