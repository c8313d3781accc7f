//! Databases that are not as they should be: rows that cannot be read, defaults that somebody changed, another encoding.

use std::os::unix::net::UnixListener;
use std::sync::Arc;

use scrip_core::amount::Credits;
use scrip_core::command::{Command, Grant, PutAccount};
use scrip_core::id::{AccountId, Key, StudioNumber};
use scrip_core::lot::Class;
use scrip_engine::engine::{Publication, Refusal, Request};
use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::conformance::{Subject, check};
use scrip_engine::{Engine, Options};
use scrip_store_postgres::harness::{self, Furnished};
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

/// As a newer version, or a fault, would leave it.
#[test]
fn a_row_that_cannot_be_read_keeps_nobody_from_theirs() {
    let database = Furnished::with("");
    let store = Arc::new(PostgresStore::open(&database.address).expect("a database that answers"));
    let opened: Arc<dyn JointStore> = Arc::<PostgresStore>::clone(&store);
    let engine = Engine::start_joint(opened, Options { sweep_per_second: 0, ..Options::default() }).expect("it starts");
    let source = Arc::from("studio = \"first\"\nname = \"First\"\n[tools.look]\nname = \"Look\"\nrate.flat = 1\n");
    let publication = Publication { format: scrip_core::catalog::Format::Toml, source };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(engine.publish(publication, None)).expect("it is published");
    let ask = |key: &str, command: &Command| {
        let of = |account| Request {
            studio: StudioNumber(1),
            account: AccountId::parse(account).expect("an id"),
            key: Some(Key::parse(key).expect("a key")),
            command: command.clone(),
        };
        engine.submit_many_blocking(vec![of("ana"), of("bo"), of("cy")])
    };
    assert!(ask("a", &Command::PutAccount(PutAccount::default())).iter().all(Result::is_ok));
    let of_tomorrow =
        "UPDATE scrip.accounts SET state = '{\"v\": 99}', head = decode(repeat('00', 32), 'hex') WHERE id = 'bo'";
    harness::run(&database.address, of_tomorrow);
    let grant = Command::Grant(Grant {
        credits: Credits::whole(5),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: "test".into(),
    });
    let done = ask("b", &grant);
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
