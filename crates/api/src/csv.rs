//! Rows of CSV (RFC 4180), safe to open in a spreadsheet and exact to read back.
//!
//! A *text* is what a person or a studio wrote: a name, a reference, an id. One that begins with a sign that a
//! spreadsheet could take for a formula's gets an apostrophe in front, and so does one that begins with an
//! apostrophe: whoever reads a text drops one leading apostrophe and has the text again. Numbers, times and words
//! that scrip wrote itself stand as they are.

use std::fmt::{Display, Write};

/// One row, cell by cell.
#[derive(Debug, Default)]
pub struct CsvRow {
    line: String,
    started: bool,
}

impl CsvRow {
    /// An empty row.
    pub fn new() -> CsvRow {
        CsvRow::default()
    }

    /// A cell that scrip wrote itself: an amount, a time, a word, an id of its own. It needs no quotes.
    pub fn plain(&mut self, cell: impl Display) -> &mut CsvRow {
        self.begin_cell();
        write!(self.line, "{cell}").expect("a text takes all that is written to it");
        self
    }

    /// A plain cell, empty where there is nothing.
    pub fn plain_if_any(&mut self, cell: Option<impl Display>) -> &mut CsvRow {
        match cell {
            Some(cell) => self.plain(cell),
            None => self.plain(""),
        }
    }

    /// A text that somebody else wrote; empty where there is none.
    pub fn text(&mut self, cell: Option<&str>) -> &mut CsvRow {
        self.begin_cell();
        let text = cell.unwrap_or("");
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) { "'" } else { "" };
        if text.contains([',', '"', '\n', '\r']) {
            self.line.extend(["\"", guard, &text.replace('"', "\"\""), "\""]);
        } else {
            self.line.extend([guard, text]);
        }
        self
    }

    /// The row with its end of line.
    pub fn finish(mut self) -> String {
        self.line.push_str("\r\n");
        self.line
    }

    fn begin_cell(&mut self) {
        if self.started {
            self.line.push(',');
        }
        self.started = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_never_formulas() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("'tis", "''tis"),
            ("=a,b", "\"'=a,b\""),
        ] {
            let mut row = CsvRow::new();
            row.text(Some(text)).text(None).plain(1);
            assert_eq!(row.finish(), format!("{written},,1\r\n"), "{text}");
        }
    }

    #[test]
    fn what_scrip_wrote_stands_as_it_is() {
        let mut row = CsvRow::new();
        row.plain("-4.5").plain_if_any(None::<u64>).plain_if_any(Some(7));
        assert_eq!(row.finish(), "-4.5,,7\r\n");
    }
}
