//! Where an export goes: standard output, or a file that is there only once it is whole.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::args::ExportForm;
use crate::export::lines::Line;
use crate::failure::Failure;
use crate::new_file::NewFile;

/// Bytes written at a time.
const BUFFER: usize = 64 * 1_024;

/// Why an export ended before its end.
pub(crate) enum Stop {
    /// Whoever read it wants no more.
    ReaderGone,
    /// It could not be done.
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failure(failure)
    }
}

/// Takes the lines.
pub(crate) struct Output {
    sink: Sink,
    form: ExportForm,
    written: u64,
}

enum Sink {
    Standard(BufWriter<io::Stdout>),
    File(BufWriter<NewFile>),
}

impl Output {
    /// Opens the file, or standard output where none is named.
    pub(crate) fn new(file: Option<&Path>, form: ExportForm) -> Result<Output, Failure> {
        let sink = match file {
            None => Sink::Standard(BufWriter::with_capacity(BUFFER, io::stdout())),
            Some(whole) => Sink::File(BufWriter::with_capacity(BUFFER, NewFile::begin(whole)?)),
        };
        Ok(Output { sink, form, written: 0 })
    }

    /// The header line, where the form has one.
    pub(crate) fn header<L: Line>(&mut self) -> Result<(), Stop> {
        match self.form {
            ExportForm::Csv => self.write(&format!("{}\r\n", L::COLUMNS)),
            ExportForm::Jsonl => Ok(()),
        }
    }

    /// One line.
    pub(crate) fn line<L: Line>(&mut self, line: &L) -> Result<(), Stop> {
        self.written += 1;
        match self.form {
            ExportForm::Csv => self.write(&line.csv().finish()),
            ExportForm::Jsonl => {
                let mut text = serde_json::to_string(line).expect("texts and numbers");
                text.push('\n');
                self.write(&text)
            }
        }
    }

    /// A line as it is, its line break included.
    pub(crate) fn raw(&mut self, text: &str) -> Result<(), Stop> {
        self.written += 1;
        self.write(text)
    }

    fn write(&mut self, text: &str) -> Result<(), Stop> {
        let written = match &mut self.sink {
            Sink::Standard(out) => out.write_all(text.as_bytes()),
            Sink::File(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|error| self.stopped(&error))
    }

    /// Writes out what is left, gives the file its name, and says how many lines there are.
    pub(crate) fn finish(mut self) -> Result<u64, Stop> {
        let finished = match &mut self.sink {
            Sink::Standard(out) => out.flush(),
            Sink::File(file) => file.flush().and_then(|()| file.get_mut().finish()),
        };
        finished.map_err(|error| self.stopped(&error))?;
        Ok(self.written)
    }

    fn stopped(&self, error: &io::Error) -> Stop {
        match &self.sink {
            Sink::Standard(_) if error.kind() == io::ErrorKind::BrokenPipe => Stop::ReaderGone,
            Sink::Standard(_) => Failure::Failed(format!(
                "standard output: {error}; what is there is not whole, and its last line may be cut off"
            ))
            .into(),
            Sink::File(file) => {
                Failure::of_path(file.get_ref().part(), &format!("{error}; nothing was exported")).into()
            }
        }
    }
}
