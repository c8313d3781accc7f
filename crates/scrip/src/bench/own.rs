//! A PostgreSQL for the bench alone, from what is installed: on a socket in a folder of its own, never as root, set as one is
//! that carries money. It goes when the bench ends, however that ends.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::bench::hand;
use crate::failure::Failure;

/// Starts a server in `$1` with the programs of `$2` and the settings `$3`; says so, waits until nobody holds its input any
/// more, and stops it.
const WATCHMAN: &str = r#"
set -e
PATH="$2:$PATH"
initdb -D "$1/data" -U scrip -A trust -E UTF8 --locale=C >"$1/initdb.log"
pg_ctl -D "$1/data" -l "$1/server.log" -w -o "-k '$1' $3" start >/dev/null
echo started
cat >/dev/null || true
pg_ctl -D "$1/data" -m fast stop >/dev/null
"#;

/// As PostgreSQL is set where it carries money: every commit is on the disk before it is answered. The rest is so that
/// accounts fit into memory, and that no checkpoint falls into a measurement and none into its neighbour.
const SETTINGS: &str = "-c listen_addresses= -c fsync=on -c synchronous_commit=on -c full_page_writes=on \
                        -c max_connections=200 -c shared_buffers=1GB -c max_wal_size=16GB -c checkpoint_timeout=30min";

/// A running server; it stops when this goes.
pub(crate) struct OwnServer {
    folder: PathBuf,
    watchman: Child,
}

impl OwnServer {
    /// Starts one in an empty folder.
    pub(crate) fn start(folder: &Path) -> Result<OwnServer, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::of_path(folder, error);
        let programs = hand::programs("initdb")?;
        let folder = folder.canonicalize().map_err(|error| failed(&error))?;
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHMAN, "sh"]).arg(&folder).arg(programs).arg(SETTINGS).current_dir(&folder);
        // A terminal's Ctrl-C is for the bench: the watchman sees it end.
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        if let Some((user, group)) = other_than_root(&folder)? {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).map_err(|error| failed(&error))?;
            shell.uid(user).gid(group);
        }
        let mut watchman = shell.spawn().map_err(|error| failed(&error))?;
        let mut said = String::new();
        let mut told = BufReader::new(watchman.stdout.take().expect("it was piped"));
        told.read_line(&mut said).map_err(|error| failed(&error))?;
        let server = OwnServer { folder, watchman };
        if said == "started\n" {
            Ok(server)
        } else {
            Err(failed(&"PostgreSQL did not start; what it said stands above, or in server.log there"))
        }
    }

    /// The address of its database.
    pub(crate) fn address(&self) -> String {
        format!("postgres://scrip@{}/postgres", self.folder.display().to_string().replace('/', "%2F"))
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        drop(self.watchman.stdin.take());
        if let Err(error) = self.watchman.wait() {
            eprintln!("{}: PostgreSQL could not be waited for: {error}", self.folder.display());
        }
    }
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn other_than_root(folder: &Path) -> Result<Option<(u32, u32)>, Failure> {
    let made = std::fs::metadata(folder).map_err(|error| Failure::of_path(folder, &error))?;
    if made.uid() != 0 {
        return Ok(None);
    }
    let users =
        std::fs::read_to_string("/etc/passwd").map_err(|error| Failure::of_path(Path::new("/etc/passwd"), &error))?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let postgres = fields.into_iter().find(|fields| fields.first() == Some(&"postgres"));
    let number = |place: usize| postgres.as_ref()?.get(place)?.parse().ok();
    let both = number(2).zip(number(3));
    both.map(Some).ok_or_else(|| {
        Failure::Failed("PostgreSQL does not run as root, and there is no user `postgres` to run it as".to_owned())
    })
}
