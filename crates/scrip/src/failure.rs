//! Why a command did not succeed, and the exit code that says so to programs.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// A command's bad end. The message says what, where and what to do.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 1: the question was answered, and the answer is no.
    No(String),
    /// Exit code 2: the command line asks for something that does not exist.
    Usage(String),
    /// Exit code 3: it could not be done.
    Failed(String),
}

impl Failure {
    /// A file or folder that could not be used.
    pub(crate) fn of_path(path: &Path, error: &dyn fmt::Display) -> Failure {
        Failure::Failed(format!("{}: {error}", path.display()))
    }

    /// The code for the shell.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Failure::No(_) => ExitCode::from(1),
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) => ExitCode::from(3),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::No(message) | Failure::Usage(message) | Failure::Failed(message) => f.write_str(message),
        }
    }
}
