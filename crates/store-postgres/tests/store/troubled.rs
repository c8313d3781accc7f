//! Databases that are not as they should be: rows that cannot be read, defaults that somebody changed, another encoding.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, PutAccount};
use scrip_core::id::{AccountId, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_core::time::Time;
use scrip_engine::engine::{Publication, Refusal, Request};
use scrip_engine::store::Document;
use scrip_engine::store::joint::conformance::{Subject, check, opening};
use scrip_engine::store::joint::{Appended, JointStore};
use scrip_engine::{Engine, Options};
use scrip_store_postgres::harness::{self, Cluster, Furnished};
use scrip_store_postgres::{Address, PostgresStore};

struct Database(Address);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0).expect("a database that answers"))
    }
}

#[test]
fn it_conforms_whatever_the_database_has_for_defaults() {
    check(|| {
        let database = harness::database();
        harness::run(
            &database,
            "DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database());
            EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
        );
        Database(database)
    });
}

#[test]
fn a_database_of_another_encoding_is_refused() {
    let database = harness::database_with("ENCODING LATIN1 LOCALE 'C' TEMPLATE template0");
    let refused = PostgresStore::open(&database).err().expect("it is refused").to_string();
    assert!(refused.contains("UTF8"), "{refused}");
}

/// A server that does not know yet that an id is taken opens it, while another one charges its account and has not committed: it
/// comes too late at once. It would hold the bucket and wait for the account, whose charge waits for the bucket.
#[test]
fn opening_an_id_that_is_taken_waits_for_nobody() {
    let database = Furnished::with("");
    let store = PostgresStore::open(&database.address).expect("a database that answers");
    assert!(matches!(&store.append(&[opening("ana", 1)])[..], [Ok(Appended::Landed)]));
    harness::run(&database.address, "CREATE TABLE public.let_go (done bool)");
    let charging = "DO $$ BEGIN UPDATE scrip.accounts SET seq = seq WHERE id = 'ana';
        WHILE NOT EXISTS (SELECT FROM public.let_go) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$";
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| harness::run(&database.address, charging));
        let sleeps = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        while harness::ask(&database.address, sleeps).is_empty() {
            std::thread::yield_now();
        }
        let appended = store.append(&[opening("ana", 2)]);
        harness::run(&database.address, "INSERT INTO public.let_go VALUES (true)");
        holder.join().expect("it charges");
        assert!(matches!(&appended[..], [Ok(Appended::Late)]), "{appended:?}");
    });
}

/// A role that this version does not know: the reading of documents fails, and its connection is as good as before.
#[test]
fn a_reading_that_fails_leaves_no_snapshot_open() {
    let database = Furnished::with("");
    let store = PostgresStore::open(&database.address).expect("a database that answers");
    let key = "INSERT INTO scrip.keys VALUES ('key_a', 1, 'of_tomorrow', '\\x00', 'abcd', 0, NULL);
        UPDATE scrip.edition SET number = number + 1;";
    harness::run(&database.address, key);
    for _ in 0..3 {
        assert!(store.documents(None).is_err());
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'scrip' AND state LIKE 'idle in transaction%'";
        assert_eq!(harness::ask(&database.address, count), ["0"]);
    }
}

/// A studio with a tool.
fn published(engine: &Engine) -> StudioNumber {
    let source = Arc::from("studio = \"first\"\nname = \"First\"\n[tools.look]\nname = \"Look\"\nrate.flat = 1\n");
    let publication = Publication { format: scrip_core::catalog::Format::Toml, source };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(engine.publish(publication, None)).expect("it is published");
    StudioNumber(1)
}

fn request(studio: StudioNumber, account: &str, key: &str, command: Command) -> Request {
    let (account, key) = (AccountId::parse(account).expect("an id"), Key::parse(key).expect("a key"));
    Request { studio, account, key: Some(key), command }
}

fn grant() -> Command {
    Command::Grant(Grant {
        credits: Credits::whole(5),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: "test".into(),
    })
}

/// As a newer version, or a fault, would leave it.
#[test]
fn a_row_that_cannot_be_read_keeps_nobody_from_theirs() {
    let database = Furnished::with("");
    let store = Arc::new(PostgresStore::open(&database.address).expect("a database that answers"));
    let opened: Arc<dyn JointStore> = Arc::<PostgresStore>::clone(&store);
    let engine = Engine::start_joint(opened, Options { sweep_per_second: 0, ..Options::default() }).expect("it starts");
    let studio = published(&engine);
    let ask = |key: &str, command: &Command| {
        let of = |account| request(studio, account, key, command.clone());
        engine.submit_many_blocking(vec![of("ana"), of("bo"), of("cy")])
    };
    assert!(ask("a", &Command::PutAccount(PutAccount::default())).iter().all(Result::is_ok));
    let of_tomorrow =
        "UPDATE scrip.accounts SET state = '{\"v\": 99}', head = decode(repeat('00', 32), 'hex') WHERE id = 'bo'";
    harness::run(&database.address, of_tomorrow);
    let done = ask("b", &grant());
    assert!(matches!(&done[..], [Ok(_), Err(Refusal::Unavailable(_)), Ok(_)]), "{done:?}");
    // Whoever goes round the accounts steps over it, one at a time too.
    let (mut ids, mut after) = (Vec::new(), None);
    while let Some(account) = store.accounts(after, 1).expect("readable").pop() {
        after = Some(account.number);
        ids.push(account.id.to_string());
    }
    ids.sort();
    assert_eq!(ids, ["ana", "cy"]);
    engine.stop();
}

/// The first host accepts connections, as a frozen server's kernel does, and says nothing.
#[test]
fn a_host_that_says_nothing_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder for a socket");
    let _silent = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
    let silent = folder.path().display().to_string().replace('/', "%2F");
    let text = harness::database_address().replace("postgres://scrip@", &format!("postgres://scrip@{silent},"));
    let address = Address::parse(&text.replace("patience=60", "patience=6")).expect("an address of our own making");
    let store = PostgresStore::open(&address).expect("the second host answers");
    assert_eq!(store.documents(None).expect("it can be read").documents, Some(Vec::new()));
}

/// A standby may be behind: of several hosts the one that takes writes is read, and a standby only where it alone is named.
#[test]
fn of_several_hosts_the_one_that_takes_writes_is_read() {
    let primary = Cluster::start("");
    let open = |servers: &[&Cluster]| {
        let address = Address::parse(&harness::address_of(servers, "postgres", "patience=60")).expect("an address");
        PostgresStore::open_to_read(&address).expect("it can be read")
    };
    let writer = PostgresStore::open(&primary.address("postgres")).expect("the tables are made");
    let standby = primary.standby();
    // It has the tables before it falls behind.
    standby.fall_behind();
    let clock = [Document::Clock { now: Time::EPOCH }];
    assert_eq!(writer.put(0, &clock).expect("it is written"), Appended::Landed);
    let documents = |store: &PostgresStore| store.documents(None).expect("they can be read").documents;
    assert_eq!(documents(&open(&[&standby, &primary])), Some(clock.to_vec()));
    assert_eq!(documents(&open(&[&standby])), Some(Vec::new()));
}

/// Stands between servers and a database, and withholds what it answers in a transaction until so many were asked to commit.
struct Withholding {
    folder: tempfile::TempDir,
    /// How many; 0: nothing is withheld.
    commits: Arc<AtomicUsize>,
}

/// What was asked of a connection since something is withheld.
#[derive(Default)]
struct Heard {
    text: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Heard {
    fn count(text: &[u8], words: &[u8]) -> usize {
        text.windows(words.len()).filter(|window| *window == words).count()
    }

    fn wait(&self, commits: usize) {
        let text = self.text.lock().expect("nobody panics with it");
        let begun = |text: &[u8]| Heard::count(text, b"BEGIN ISOLATION LEVEL READ COMMITTED") > 0;
        let early = |text: &mut Vec<u8>| begun(text) && Heard::count(text, b"COMMIT\0") < commits;
        drop(self.more.wait_while(text, early).expect("as above"));
    }
}

impl Withholding {
    fn before(server: PathBuf) -> Withholding {
        let folder = tempfile::tempdir().expect("a folder for a socket");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
        let commits = Arc::new(AtomicUsize::new(0));
        let withheld = Arc::clone(&commits);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                between(client, &server, &withheld);
            }
        });
        Withholding { folder, commits }
    }
}

/// Passes on what goes over a connection.
fn between(client: UnixStream, server: &Path, commits: &Arc<AtomicUsize>) {
    let server = UnixStream::connect(server).expect("the server listens");
    let heard = Arc::new(Heard::default());
    let ends = |stream: &UnixStream| stream.try_clone().expect("another handle");
    let (mut from, mut to) = (ends(&client), ends(&server));
    let (hears, withheld) = (Arc::clone(&heard), Arc::clone(commits));
    std::thread::spawn(move || {
        pass(&mut from, &mut to, |bytes| {
            if withheld.load(Ordering::SeqCst) > 0 {
                hears.text.lock().expect("nobody panics with it").extend(bytes);
                hears.more.notify_all();
            }
        });
    });
    let (mut from, mut to, withheld) = (server, client, Arc::clone(commits));
    std::thread::spawn(move || pass(&mut from, &mut to, |_| heard.wait(withheld.load(Ordering::SeqCst))));
}

fn pass(from: &mut UnixStream, to: &mut UnixStream, mut sees: impl FnMut(&[u8])) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        sees(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Whoever has gone needs no word of it.
    drop(to.shutdown(Shutdown::Write));
}

/// Where each bucket has a transaction of its own, a batch waits once for all of them and not once for each.
#[test]
fn a_batch_of_many_buckets_is_sent_at_once() {
    let text = harness::database_address();
    let (_, rest) = text.split_once('@').expect("it names a host");
    let (host, _) = rest.split_once('/').expect("it names a database");
    let server = Path::new(&host.replace("%2F", "/")).join(".s.PGSQL.5432");
    let between = Withholding::before(server);
    let there = between.folder.path().display().to_string().replace('/', "%2F");
    let text = format!("{}&transactions=bucket", text.replace(host, &there));
    let store = PostgresStore::open(&Address::parse(&text).expect("an address")).expect("a database that answers");
    let engine = Engine::start_joint(Arc::new(store), Options { sweep_per_second: 0, ..Options::default() });
    let engine = engine.expect("it starts");
    let studio = published(&engine);
    let all = |key: &str, command: &dyn Fn() -> Command| {
        let request = |n: usize| request(studio, &format!("account-{n}"), &format!("{key}-{n}"), command());
        (0..40).map(request).collect::<Vec<_>>()
    };
    let done = engine.submit_many_blocking(all("open", &|| Command::PutAccount(PutAccount::default())));
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    // Forty accounts are of more buckets than these.
    between.commits.store(30, Ordering::SeqCst);
    let done = engine.submit_many_blocking(all("grant", &grant));
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    between.commits.store(0, Ordering::SeqCst);
    engine.stop();
}
