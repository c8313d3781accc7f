//! A PostgreSQL of the tests' own: started once for each test program from what is installed, on a socket in a folder of
//! its own, never as root; a database for each test. It goes when the test program ends, however that ends.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{NoTls, SimpleQueryMessage, SimpleQueryRow};

use crate::{Address, PostgresStore, schema};

/// A server of PostgreSQL, and the shell that ends it once its input is closed.
pub struct Cluster {
    folder: PathBuf,
    _watchman: Child,
}

/// A pooler, and the shell that ends it once its input is closed.
pub struct Pooler {
    folder: PathBuf,
    _watchman: Child,
}

impl Pooler {
    /// A database through it.
    pub fn address(&self, name: &str, parameters: &str) -> Address {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        let text = format!("postgres://scrip@{socket}/{name}?patience=60&{parameters}");
        Address::parse(&text).expect("an address of our own making")
    }
}

/// Starts a pooler in `$1` with the settings `$2`; otherwise as below.
const POOLER: &str = r#"
set -e
PATH="$PATH:/usr/sbin"
printf '%s' "$2" >"$1/settings"
pgbouncer -q "$1/settings" >/dev/null 2>&1 &
while [ ! -S "$1/.s.PGSQL.5432" ]; do kill -0 $!; sleep 0.05; done
echo started
cat >/dev/null || true
kill $! || true
rm -rf "$1"
"#;

/// Starts a server in `$1` with the programs of `$2` and the settings `$3`, filled by `$4`; says so, waits until nobody holds
/// its input any more, and leaves nothing.
const WATCHMAN: &str = r#"
set -e
PATH="$2:$PATH"
eval "$4" >"$1/filling.log" 2>&1
pg_ctl -D "$1/data" -l "$1/server.log" -w -o "-k $1 -c listen_addresses= -c fsync=off -c max_connections=300 $3" start >/dev/null
echo started
cat >/dev/null || true
pg_ctl -D "$1/data" -m immediate stop >/dev/null 2>&1 || true
rm -rf "$1"
"#;

/// Fills a data folder: an empty server.
const EMPTY_SERVER: &str = r#"initdb -D "$1/data" -U scrip -A trust -E UTF8 --locale=C --no-sync"#;

/// Makes two authorities, and a certificate of the first for `localhost`.
const CERTIFICATES: &str = r#"
cd "$1"
for authority in known other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$authority" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$authority.key" -out "$authority.pem"
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=database -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost\n' >server.names
openssl x509 -req -in server.csr -CA known.pem -CAkey known.key -CAcreateserial -days 2 -extfile server.names -out server.pem
chmod 600 server.key
"#;

/// A database for one test whose tables are there, and empty. When it goes another test gets it.
pub struct Furnished {
    /// Where it is, as the test asked for it.
    pub address: Address,
    name: String,
    free: &'static Free,
}

/// Names of databases that are free, of one kind of tables.
type Free = Mutex<Vec<String>>;

static WHOLE: Free = Mutex::new(Vec::new());
static DIVIDED: Free = Mutex::new(Vec::new());
static LATER: Free = Mutex::new(Vec::new());

/// What the next version may do to the tables that servers of this one still run on: columns that may be left out, tables of
/// its own.
pub fn next_version() -> String {
    let next = crate::VERSION + 1;
    format!(
        "ALTER TABLE scrip.accounts ADD COLUMN later text; ALTER TABLE scrip.entries ADD COLUMN later bigint DEFAULT 0 NOT NULL;
         CREATE TABLE scrip.later (one integer);
         INSERT INTO scrip.migrations (version, runs_from) VALUES ({next}, {});",
        crate::VERSION
    )
}

/// Removes what a test wrote.
const EMPTY: &str = "
DELETE FROM scrip.entries; DELETE FROM scrip.terms; DELETE FROM scrip.accounts; DELETE FROM scrip.imported;
DELETE FROM scrip.studios; UPDATE scrip.migrations SET runs_from = 1 WHERE version = 2;
DELETE FROM scrip.catalogs; DELETE FROM scrip.keys; DELETE FROM scrip.token_secrets; DELETE FROM scrip.notes;
DELETE FROM scrip.clock; DELETE FROM scrip.import; UPDATE scrip.edition SET number = 0;
UPDATE scrip.buckets SET entries = 0, last_at = 0 WHERE entries > 0;";

impl Furnished {
    /// One that is spoken to as `parameters` say (`transactions=bucket`).
    pub fn with(parameters: &str) -> Furnished {
        Furnished::of(&WHOLE, &str::to_owned, |name| address(name, parameters))
    }

    /// One that is spoken to through PgBouncer, whose connections change with each transaction.
    pub fn pooled() -> Furnished {
        static POOLER: OnceLock<Pooler> = OnceLock::new();
        let pooler = POOLER.get_or_init(|| cluster().pooler());
        Furnished::of(&WHOLE, &str::to_owned, |name| pooler.address(name, "statements=whole"))
    }

    /// One whose tables of accounts are in eight partitions each, by bucket; each transaction names one.
    pub fn partitioned() -> Furnished {
        Furnished::of(&DIVIDED, &by_bucket, |name| address(name, "transactions=bucket"))
    }

    /// One with tables as the version after this one may have them.
    pub fn of_next_version() -> Furnished {
        let later = |sql: &str| {
            let more = if sql == schema::newest() { next_version() } else { String::new() };
            format!("{sql}\n{more}")
        };
        Furnished::of(&LATER, &later, |name| address(name, ""))
    }

    /// One that is free, or a new one.
    fn of(
        free: &'static Free,
        shape: &(dyn Fn(&str) -> String + Sync),
        address_of: impl FnOnce(&str) -> Address,
    ) -> Furnished {
        let name = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let name = name.unwrap_or_else(|| {
            let name = create();
            PostgresStore::migrate_as(&address(&name, ""), shape).expect("the tables can be made");
            name
        });
        Furnished { address: address_of(&name), name, free }
    }
}

impl Drop for Furnished {
    fn drop(&mut self) {
        run(&address(&self.name, ""), EMPTY);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.name));
    }
}

/// An empty database for one test.
pub fn database() -> Address {
    address(&create(), "")
}

/// The same, made as `CREATE DATABASE` is told.
pub fn database_with(how: &str) -> Address {
    address(&create_as(how), "")
}

/// Its text, as for `--store`.
pub fn database_address() -> String {
    text(&create(), "")
}

fn text(name: &str, parameters: &str) -> String {
    // A test machine may be busy with anything.
    address_of(&[cluster()], name, &format!("patience=60&{parameters}"))
}

/// A database's address, as for `--store`, at the first of these servers that accepts writes.
pub fn address_of(servers: &[&Cluster], name: &str, parameters: &str) -> String {
    let sockets = servers.iter().map(|server| server.folder.display().to_string().replace('/', "%2F"));
    format!("postgres://scrip@{}/{name}?{parameters}", sockets.collect::<Vec<_>>().join(","))
}

fn address(name: &str, parameters: &str) -> Address {
    Address::parse(&text(name, parameters)).expect("an address of our own making")
}

/// The tables of accounts.
const OF_ACCOUNTS: [&str; 5] = ["scrip.buckets", "scrip.accounts", "scrip.imported", "scrip.entries", "scrip.terms"];
/// Into how many partitions they are divided.
pub(crate) const PARTS: u32 = 8;

/// The same statements, but that each table of accounts is divided by bucket.
fn by_bucket(sql: &str) -> String {
    let mut divided = String::new();
    let mut table = None;
    for line in sql.lines() {
        if let Some(name) = line.strip_prefix("CREATE TABLE ").and_then(|rest| rest.strip_suffix(" (")) {
            table = OF_ACCOUNTS.contains(&name).then_some(name);
        }
        match table.filter(|_| line.starts_with(')')) {
            Some(name) => {
                divided += ") PARTITION BY HASH (bucket);\n";
                for part in 0..PARTS {
                    divided += &format!(
                        "CREATE TABLE {name}_{part} PARTITION OF {name} FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part});\n"
                    );
                }
                table = None;
            }
            None => divided += &format!("{line}\n"),
        }
    }
    divided
}

/// The same database as another user.
pub fn as_user(address: &Address, user: &str) -> Address {
    let mut other = address.clone();
    other.config.user(user);
    other
}

/// A new database's name.
fn create() -> String {
    create_as("STRATEGY FILE_COPY")
}

fn create_as(how: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    run(&address("postgres", ""), &format!("CREATE DATABASE {name} {how}"));
    name
}

/// Runs statements in a database, as its owner.
pub fn run(address: &Address, statements: &str) {
    ask(address, statements);
}

/// The same; answers the values of the rows that they answered, a line for each.
pub fn ask(address: &Address, statements: &str) -> Vec<String> {
    let mut config = address.config.clone();
    config.target_session_attrs(TargetSessionAttrs::Any);
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (client, connection) = config.connect(NoTls).await.expect("the server answers");
            tokio::spawn(connection);
            client.simple_query(statements).await.expect("the statements are right")
        })
    };
    // On a thread of its own: the caller's may run a runtime already.
    let answers = std::thread::scope(|scope| scope.spawn(run).join().expect("as above"));
    let rows = answers.into_iter().filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let values =
        |row: SimpleQueryRow| (0..row.len()).map(|place| row.get(place).unwrap_or("").to_owned()).collect::<Vec<_>>();
    rows.map(|row| values(row).join("|")).collect()
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    // Nothing here outlives the machine: the disk is not waited for.
    CLUSTER.get_or_init(|| Cluster::start("-c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0"))
}

impl Cluster {
    /// A new server, with these settings (`-c name=value`) besides.
    pub fn start(settings: &str) -> Cluster {
        Cluster::filled(settings, EMPTY_SERVER)
    }

    /// A server that takes encrypted connections over TCP as well, one for each test program; and its port.
    pub fn encrypted() -> &'static (Cluster, u16) {
        static CLUSTER: OnceLock<(Cluster, u16)> = OnceLock::new();
        CLUSTER.get_or_init(Cluster::encrypting)
    }

    fn encrypting() -> (Cluster, u16) {
        // Not of those that the machine gives to whoever calls another: somebody would get it meanwhile.
        let ports = (0..100).map(|more| 15_000 + (std::process::id() + 131 * more) % 15_000);
        let port = ports
            .filter_map(|port| u16::try_from(port).ok())
            .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
        let port = port.expect("one of a hundred is free");
        let settings = format!(
            "-c port={port} -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file=../server.pem -c ssl_key_file=../server.key"
        );
        (Cluster::filled(&settings, &format!("{EMPTY_SERVER}\n{CERTIFICATES}")), port)
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The server as a base backup has it, and what was archived since, up to a point of this name.
    pub fn restored(base: &Path, archive: &Path, point: &str) -> Cluster {
        let settings = format!(
            "-c restore_command='cp {}%f %p' -c recovery_target_name={point} -c recovery_target_action=promote",
            archive.display()
        );
        let filling = format!(r#"cp -a "{}" "$1/data"; touch "$1/data/recovery.signal""#, base.display());
        let restored = Cluster::filled(&settings, &filling);
        let still = "SELECT pg_sleep(0.05) WHERE pg_is_in_recovery()";
        while !ask(&restored.address("postgres"), still).is_empty() {}
        restored
    }

    /// A base backup of it, in its folder.
    pub fn back_up(&self, name: &str) -> PathBuf {
        use std::os::unix::fs::MetadataExt as _;

        let mut backup = Command::new(programs().join("pg_basebackup"));
        backup.arg("-h").arg(&self.folder).args(["-U", "scrip", "-X", "none", "-c", "fast", "--no-sync", "-D"]);
        let (place, owner) = (self.folder.join(name), std::fs::metadata(&self.folder).expect("it is there"));
        backup.uid(owner.uid()).gid(owner.gid());
        assert!(backup.arg(&place).current_dir(&self.folder).status().expect("it starts").success(), "no backup");
        place
    }

    /// A standby that follows this server.
    pub fn standby(&self) -> Cluster {
        let primary = self.folder.display();
        Cluster::filled(
            "",
            &format!(r#"pg_basebackup -h "{primary}" -U scrip -D "$1/data" -R -X stream -c fast --no-sync"#),
        )
    }

    fn filled(settings: &str, filling: &str) -> Cluster {
        let folder = folder();
        let programs = programs().display().to_string();
        let watchman = watchman(WATCHMAN, &folder, &[&programs, settings, filling]);
        Cluster { folder, _watchman: watchman }
    }

    /// A pooler before this server, which gives each transaction another of two connections to it.
    pub fn pooler(&self) -> Pooler {
        let folder = folder();
        let settings = format!(
            "[databases]\n* = host={} user=scrip\n[pgbouncer]\nunix_socket_dir = {}\nlisten_port = 5432\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\nlogfile = {}/server.log\n",
            self.folder.display(),
            folder.display(),
            folder.display(),
        );
        let watchman = watchman(POOLER, &folder, &[&settings]);
        Pooler { folder, _watchman: watchman }
    }

    /// A database of it.
    pub fn address(&self, name: &str) -> Address {
        Address::parse(&address_of(&[self], name, "")).expect("an address of our own making")
    }

    /// Its processes: the server itself first.
    fn processes(&self) -> Vec<String> {
        let noted = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("it runs");
        let server = noted.lines().next().expect("it notes its process").to_owned();
        let parent_of = |process: &str| {
            // The fields after the name in parentheses: the state, the parent.
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.split(' ').nth(1).map(str::to_owned)
        };
        let all = std::fs::read_dir("/proc").expect("processes are listed").flatten();
        let all = all.filter_map(|entry| entry.file_name().into_string().ok());
        let children = all.filter(|process| parent_of(process).as_ref() == Some(&server)).collect::<Vec<_>>();
        std::iter::once(server).chain(children).collect()
    }

    /// Ends all of it at once, as `kill -9` does.
    pub fn kill(&self) {
        self.send("KILL");
    }

    /// Has it stand still, as a machine does that hangs: its kernel goes on to accept connections.
    pub fn freeze(&self) {
        self.send("STOP");
    }

    /// Has it go on.
    pub fn thaw(&self) {
        self.send("CONT");
    }

    fn send(&self, signal: &str) {
        let send = |processes: &[String]| {
            let command = format!("kill -{signal} {} 2>/dev/null", processes.join(" "));
            Command::new("sh").args(["-c", &command]).status().expect("there is a shell").success()
        };
        // The server first: it begins no others then. Of these, some may have ended by themselves.
        assert!(send(&self.processes()[..1]), "SIG{signal} could not be sent");
        send(&self.processes()[1..]);
    }

    /// From now on no commit is acknowledged before one of its standbys has it; comes back once that is so.
    pub fn wait_for_standby(&self) {
        let address = self.address("postgres");
        run(&address, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'");
        run(&address, "SELECT pg_reload_conf()");
        let asked = "SELECT pg_sleep(0.05), sync_state FROM pg_stat_replication";
        while !ask(&address, asked).iter().all(|state| state == "|quorum") {}
    }

    /// How much of the write-ahead log a standby has.
    pub fn received(&self) -> u64 {
        let received = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')";
        ask(&self.address("postgres"), received)[0].parse().expect("a number")
    }

    /// A standby receives nothing more.
    pub fn fall_behind(&self) {
        let address = self.address("postgres");
        run(&address, "ALTER SYSTEM SET primary_conninfo = ''");
        run(&address, "SELECT pg_reload_conf()");
        while !ask(&address, "SELECT pg_sleep(0.05), pid FROM pg_stat_wal_receiver").is_empty() {}
    }

    /// A standby becomes a server of its own.
    pub fn promote(&self) {
        run(&self.address("postgres"), "SELECT pg_promote()");
    }
}

fn folder() -> PathBuf {
    tempfile::Builder::new().prefix("scrip-pg").tempdir().expect("a folder for the server").keep()
}

/// Runs a watchman until this program ends; comes back when it has started what it watches.
fn watchman(script: &str, folder: &Path, arguments: &[&str]) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(folder).args(arguments);
    // A shell's Ctrl-C is for the tests: the watchman sees them end.
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    if let Some((user, group)) = other_than_root(folder) {
        std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("the folder can be given to the server");
        shell.uid(user).gid(group);
    }
    let mut watchman = shell.current_dir(folder).spawn().expect("there is a shell");
    let mut said = String::new();
    let mut told = BufReader::new(watchman.stdout.take().expect("it was piped"));
    told.read_line(&mut said).expect("the watchman speaks");
    assert_eq!(said, "started\n", "it did not start: see {}", folder.display());
    watchman
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
