//! A reader that reads no more (`| head`) ends a command quietly, and with the code of programs that SIGPIPE ended.

use std::io::pipe;

use crate::support::{scrip, shipped};
use crate::verify::store;

#[test]
fn commands_end_quietly_when_nobody_reads_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    store(folder.path());
    let (data, catalog) = (folder.path().display().to_string(), shipped("flow-studio"));
    let (stdout, both) = (false, true);
    for (arguments, with_stderr, code) in [
        (&["verify", "--data", &data][..], stdout, 141),
        (&["verify", "--data", &data], both, 141),
        (&["verify", "--data", "/dev/null/none"], both, 141),
        (&["quote", "--catalog", &catalog, "live-action", "seconds=10"], stdout, 141),
        (&["catalog", "check", &catalog], stdout, 141),
        (&["key", "list", "--data", &data], stdout, 141),
        // An export's reader often wants no more: that is no failure.
        (&["export", "entries", "--data", &data], stdout, 0),
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let mut command = scrip();
        command.args(arguments).stdout(writer.try_clone().expect("a pipe"));
        if with_stderr {
            command.stderr(writer);
        }
        let ended = command.output().expect("the executable starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
}
