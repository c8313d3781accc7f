//! The accounts of a file, one after the other: the rows of each, gathered.
//!
//! It keeps the rows of one account and, while a file is checked, a digest of every account's id with its line, so that
//! an account that comes twice is told with both its lines.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader};

use scrip_core::command::Opening;

use super::lines::{Line, Lines};
use super::mistakes::Mistakes;
use super::row::{Columns, Field, Row, of_object};
use crate::args::OpeningForm;

/// The most rows that one account may have, so that no file fills the memory: some may be lots of which nothing is left.
const ROWS_MAX: usize = 5 * Opening::LOTS_MAX;

/// Reads accounts.
pub(super) struct Accounts {
    lines: Lines<BufReader<File>>,
    form: Form,
    /// The row after those of the present account.
    ahead: Option<Row>,
    seen: Seen,
}

enum Form {
    /// With its columns, once the header was read.
    Csv(Option<Columns>),
    Jsonl,
}

impl Accounts {
    pub(super) fn new(file: File, form: OpeningForm) -> Accounts {
        let form = match form {
            OpeningForm::Csv => Form::Csv(None),
            OpeningForm::Jsonl => Form::Jsonl,
        };
        Accounts {
            lines: Lines::new(BufReader::with_capacity(1 << 16, file)),
            form,
            ahead: None,
            seen: Seen::default(),
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.lines.bytes
    }

    /// The rows of the next account; `None` at the end, and where the header is wrong, so that nothing below it can be
    /// understood. What cannot be read on the way is among the mistakes.
    pub(super) fn next(&mut self, mistakes: &mut Mistakes) -> io::Result<Option<Vec<Row>>> {
        loop {
            let rows = match &self.form {
                Form::Csv(None) => match self.header(mistakes)? {
                    Some(columns) => {
                        self.form = Form::Csv(Some(columns));
                        continue;
                    }
                    None => return Ok(None),
                },
                Form::Csv(Some(_)) => self.gather(mistakes)?,
                Form::Jsonl => self.object(mistakes)?,
            };
            let Some(rows) = rows else { return Ok(None) };
            if self.seen.is_new(&rows, mistakes) {
                return Ok(Some(rows));
            }
        }
    }

    fn header(&mut self, mistakes: &mut Mistakes) -> io::Result<Option<Columns>> {
        let Some(Line { number, text }) = self.lines.next()? else {
            mistakes.add(1, "the file is empty");
            return Ok(None);
        };
        Ok(match text {
            Ok(text) => Columns::of(number, &text, mistakes),
            Err(problem) => {
                mistakes.add(number, problem);
                None
            }
        })
    }

    /// The rows that follow one another and name the same account; the first that is too many is a mistake.
    fn gather(&mut self, mistakes: &mut Mistakes) -> io::Result<Option<Vec<Row>>> {
        let first = match self.ahead.take() {
            Some(row) => row,
            None => match self.row(mistakes)? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let (mut rows, mut count) = (vec![first], 1);
        while let Some(row) = self.row(mistakes)? {
            let same = row.get(Field::Account).is_some() && row.get(Field::Account) == rows[0].get(Field::Account);
            if !same {
                self.ahead = Some(row);
                break;
            }
            count += 1;
            match count.cmp(&(ROWS_MAX + 1)) {
                Ordering::Less => rows.push(row),
                Ordering::Equal => mistakes.add_in(row.line, "account", &format!("has more than {ROWS_MAX} rows")),
                Ordering::Greater => {}
            }
        }
        Ok(Some(rows))
    }

    /// The next row of a CSV file that can be read.
    fn row(&mut self, mistakes: &mut Mistakes) -> io::Result<Option<Row>> {
        let Form::Csv(Some(columns)) = &self.form else { return Ok(None) };
        while let Some(Line { number, text }) = self.lines.next()? {
            match text.map_err(str::to_owned).and_then(|text| columns.row(number, &text)) {
                Ok(row) => return Ok(Some(row)),
                Err(problem) => mistakes.add(number, problem),
            }
        }
        Ok(None)
    }

    /// The next line of JSON Lines that can be read.
    fn object(&mut self, mistakes: &mut Mistakes) -> io::Result<Option<Vec<Row>>> {
        while let Some(Line { number, text }) = self.lines.next()? {
            match text {
                Ok(text) => {
                    if let Some(rows) = of_object(number, &text, mistakes) {
                        return Ok(Some(rows));
                    }
                }
                Err(problem) => mistakes.add(number, problem),
            }
        }
        Ok(None)
    }
}

/// The accounts that came before, by two digests with keys of chance, which no file can aim at.
#[derive(Default)]
struct Seen {
    digests: [RandomState; 2],
    lines: HashMap<[u64; 2], u64>,
}

impl Seen {
    /// Whether the account of these rows comes for the first time; otherwise both its lines are told.
    fn is_new(&mut self, rows: &[Row], mistakes: &mut Mistakes) -> bool {
        let Some(account) = rows[0].get(Field::Account) else { return true };
        let digest = self.digests.each_ref().map(|state| state.hash_one(account));
        let line = rows[0].line;
        let before = *self.lines.entry(digest).or_insert(line);
        if before != line {
            mistakes.add_in(line, "account", &format!("`{account}` is in line {before} already"));
        }
        before == line
    }
}
