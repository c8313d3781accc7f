//! A PostgreSQL of the tests' own: started once for each test program from what is installed, on a socket in a folder of
//! its own, never as root; a database for each test. It goes when the test program ends, however that ends.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_postgres::NoTls;

use crate::{Address, PostgresStore};

/// The server of this test program, and the shell that ends it once its input is closed.
struct Cluster {
    socket: PathBuf,
    _watchman: Child,
}

/// Starts the server in `$1`, says so, waits until nobody holds its input any more, and leaves nothing.
const WATCHMAN: &str = r#"
set -e
"$2/initdb" -D "$1/data" -U scrip -A trust -E UTF8 --locale=C --no-sync >"$1/initdb.log" 2>&1
"$2/pg_ctl" -D "$1/data" -l "$1/server.log" -w -o "-k $1 -c listen_addresses= -c fsync=off -c max_connections=200" start >/dev/null
echo started
cat >/dev/null || true
"$2/pg_ctl" -D "$1/data" -m immediate stop >/dev/null || true
rm -rf "$1"
"#;

/// A database for one test whose tables are there, and empty. When it goes another test gets it.
pub struct Furnished {
    /// Where it is.
    pub address: Address,
}

/// Those that are free.
static FREE: Mutex<Vec<Address>> = Mutex::new(Vec::new());

/// Ends whoever is left of a test, and removes what it wrote.
const EMPTY: &str = "
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
DELETE FROM scrip.entries; DELETE FROM scrip.terms; DELETE FROM scrip.accounts; DELETE FROM scrip.studios;
DELETE FROM scrip.catalogs; DELETE FROM scrip.keys; DELETE FROM scrip.token_secrets; DELETE FROM scrip.notes;
DELETE FROM scrip.clock; DELETE FROM scrip.import; UPDATE scrip.edition SET number = 0;
UPDATE scrip.buckets SET entries = 0, last_at = 0 WHERE entries > 0;";

impl Furnished {
    /// One that is free, or a new one.
    pub fn new() -> Furnished {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let address = free.unwrap_or_else(|| {
            let address = database();
            PostgresStore::migrate_at(&address).expect("the tables can be made");
            address
        });
        Furnished { address }
    }
}

impl Default for Furnished {
    fn default() -> Furnished {
        Furnished::new()
    }
}

impl Drop for Furnished {
    fn drop(&mut self) {
        run(&self.address, EMPTY);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.address.clone());
    }
}

/// An empty database for one test.
pub fn database() -> Address {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    create(&name);
    address(&name, "")
}

/// Its text, as for `--store`.
pub fn database_address() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("named_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    create(&name);
    text(&name, "")
}

/// An empty database, spoken to as `parameters` say (`transactions=bucket`).
pub fn database_with(parameters: &str) -> Address {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("with_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    create(&name);
    address(&name, parameters)
}

fn text(name: &str, parameters: &str) -> String {
    let socket = cluster().socket.display().to_string().replace('/', "%2F");
    // A test machine may be busy with anything.
    format!("postgres://scrip@{socket}/{name}?patience=60&{parameters}")
}

fn address(name: &str, parameters: &str) -> Address {
    Address::parse(&text(name, parameters)).expect("an address of our own making")
}

/// The same database as another user.
pub fn as_user(address: &Address, user: &str) -> Address {
    let mut other = address.clone();
    other.config.user(user);
    other
}

fn create(name: &str) {
    run(&address("postgres", ""), &format!("CREATE DATABASE {name}"));
}

/// Runs statements in a database, as its owner.
pub fn run(address: &Address, statements: &str) {
    let config = &address.config;
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await.expect("the server answers");
            tokio::spawn(connection);
            client.batch_execute(statements).await.expect("the statements are right");
        });
    };
    // On a thread of its own: the caller's may run a runtime already.
    std::thread::scope(|scope| scope.spawn(run).join().expect("as above"));
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&programs()))
}

impl Cluster {
    fn start(programs: &Path) -> Cluster {
        let folder = tempfile::Builder::new().prefix("scrip-pg").tempdir().expect("a folder for the server").keep();
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHMAN, "sh"]).arg(&folder).arg(programs);
        // A shell's Ctrl-C is for the tests: the watchman sees them end.
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        if let Some((user, group)) = other_than_root(&folder) {
            std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("the folder can be given to the server");
            shell.uid(user).gid(group);
        }
        let mut watchman = shell.current_dir(&folder).spawn().expect("there is a shell");
        let mut said = String::new();
        let mut told = BufReader::new(watchman.stdout.take().expect("it was piped"));
        told.read_line(&mut said).expect("the watchman speaks");
        assert_eq!(said, "started\n", "PostgreSQL did not start: see {}", folder.display());
        Cluster { socket: folder, _watchman: watchman }
    }
}

/// The server refuses to run as root: then it runs as the user that its package made.
fn other_than_root(folder: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;

    if std::fs::metadata(folder).expect("it was just made").uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("the machine has users");
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let postgres = fields.into_iter().find(|fields| fields.first() == Some(&"postgres"));
    let postgres = postgres.expect("PostgreSQL's package makes the user `postgres`");
    Some((postgres[2].parse().expect("a number"), postgres[3].parse().expect("a number")))
}

/// Where `initdb` and `pg_ctl` are: in the search path, or where Debian has them.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(debian.map(|version| version.path().join("bin")));
    let found = folders.into_iter().rev().find(|folder| folder.join("initdb").is_file());
    found.expect("PostgreSQL is needed: Debian's package postgresql (`cargo xtask test` installs it)")
}
