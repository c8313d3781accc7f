//! Tables come to be once, however many servers begin at once, and two versions that neighbour each other share them.

use std::sync::Arc;

use scrip_core::time::Time;
use scrip_engine::store::joint::conformance::{Subject, check};
use scrip_engine::store::joint::{Appended, JointStore};
use scrip_engine::store::{Document, ImportDocument, ImportState};
use scrip_store_postgres::harness::{self, Furnished};
use scrip_store_postgres::{Address, Migrated, PostgresStore, VERSION};

fn open(address: &Address) -> Arc<dyn JointStore> {
    Arc::new(PostgresStore::open(address).expect("a database that answers"))
}

#[test]
fn servers_that_begin_at_once_make_the_tables_once() {
    let database = harness::database();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..6).map(|_| scope.spawn(|| open(&database))).collect();
        for opened in opened {
            let store = opened.join().expect("each finds them or makes them");
            assert_eq!(store.documents(None).expect("they can be read").documents, Some(Vec::new()));
        }
    });
    let made = harness::ask(&database, "SELECT version, runs_from FROM scrip.migrations ORDER BY version");
    assert_eq!(made, ["1|1", "2|1"]);
    let again = PostgresStore::migrate_at(&database).expect("there is nothing to do");
    assert_eq!(again, Migrated { from: VERSION, to: VERSION });
}

struct Later(Furnished);

impl Subject for Later {
    fn open(&mut self) -> Arc<dyn JointStore> {
        open(&self.0.address)
    }
}

#[test]
fn it_runs_on_the_tables_of_the_next_version() {
    check(|| Later(Furnished::of_next_version()));
}

/// A server that is at work while the tables become those of the next version goes on.
#[test]
fn it_goes_on_while_the_tables_change() {
    let database = harness::database();
    let at_work = open(&database);
    let clock = [Document::Clock { now: Time::EPOCH }];
    assert_eq!(at_work.put(0, &clock).expect("it is written"), Appended::Landed);
    harness::run(&database, &harness::next_version());
    let edition = at_work.documents(None).expect("they can be read");
    assert_eq!((edition.number >> 24, edition.documents), (1, Some(clock.to_vec())));
    assert_eq!(at_work.put(edition.number, &clock).expect("it is written"), Appended::Landed);
}

#[test]
fn tables_that_it_does_not_know_are_refused() {
    let database = Furnished::with("");
    let next = VERSION + 1;
    harness::run(
        &database.address,
        &format!("INSERT INTO scrip.migrations (version, runs_from) VALUES ({next}, {next})"),
    );
    let refused = PostgresStore::open(&database.address).err().expect("it is refused").to_string();
    assert!(refused.contains(&format!("version {next}, which this scrip does not know")), "{refused}");
    harness::run(&database.address, &format!("DELETE FROM scrip.migrations WHERE version = {next}"));
}

/// A server that is at work stops answering where the tables become too new for it, as it would not start on them.
#[test]
fn it_does_not_go_on_with_tables_that_it_does_not_know() {
    let database = harness::database();
    let at_work = open(&database);
    let next = VERSION + 1;
    harness::run(
        &database,
        &format!(
            "INSERT INTO scrip.migrations (version, runs_from) VALUES ({next}, {next});
             UPDATE scrip.edition SET number = 1 << 24"
        ),
    );
    let refused = at_work.documents(Some(0)).expect_err("they are not read").to_string();
    assert!(refused.contains(&format!("version {next}, which this scrip does not know")), "{refused}");
}

/// A migration by somebody who may do everything leaves the tables to their owner, and servers look at the version again.
#[test]
fn whoever_migrates_the_owner_keeps_the_tables() {
    let database = harness::database();
    harness::run(
        &database,
        "CREATE ROLE maker LOGIN;
         DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO maker', current_database()); END $$",
    );
    let maker = harness::as_user(&database, "maker");
    drop(open(&maker));
    harness::run(&database, "DROP TABLE scrip.imported; DELETE FROM scrip.migrations WHERE version = 2");
    let migrated = PostgresStore::migrate_at(&database).expect("who may do everything may migrate");
    assert_eq!(migrated, Migrated { from: 1, to: 2 });
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'scrip'::regnamespace";
    assert_eq!(harness::ask(&database, owners), ["maker"]);
    assert_eq!(harness::ask(&maker, "SELECT count(*) FROM scrip.imported"), ["0"]);
    assert_eq!(harness::ask(&database, "SELECT number >> 24 FROM scrip.edition"), ["1"]);
}

/// The tables of version 1, with a role that may do what the documents of that version gave it.
#[test]
fn version_1_becomes_version_2_and_keeps_its_grants() {
    let database = harness::database();
    drop(open(&database));
    harness::run(
        &database,
        "DROP TABLE scrip.imported; DELETE FROM scrip.migrations WHERE version = 2;
         CREATE ROLE \"server of 1\" LOGIN; GRANT USAGE ON SCHEMA scrip TO \"server of 1\";
         GRANT SELECT ON ALL TABLES IN SCHEMA scrip TO \"server of 1\", PUBLIC;
         GRANT UPDATE ON scrip.accounts TO \"server of 1\";",
    );
    let unfit = PostgresStore::open_existing(&database).err().expect("it is refused").to_string();
    assert!(unfit.contains("run `scrip migrate`"), "{unfit}");
    assert_eq!(PostgresStore::migrate_at(&database).expect("it can be made"), Migrated { from: 1, to: 2 });
    let grants = "SELECT grantee, privilege_type FROM information_schema.role_table_grants
        WHERE table_name = 'imported' AND grantee <> 'scrip' ORDER BY 1, 2";
    assert_eq!(harness::ask(&database, grants), ["PUBLIC|SELECT", "server of 1|DELETE", "server of 1|SELECT"]);
    assert_eq!(runs_from(&database), "1");
}

fn runs_from(database: &Address) -> String {
    harness::ask(database, "SELECT max(runs_from) FROM scrip.migrations").remove(0)
}

/// A server of version 1 would not find an import's accounts by their ids, and open others.
#[test]
fn no_version_before_runs_where_a_journal_was_imported() {
    let database = Furnished::with("");
    assert_eq!(runs_from(&database.address), "1");
    let import = ImportDocument { origin: [1; 32], state: ImportState::UnderWay };
    let put = open(&database.address).put(0, &[Document::Import(import)]);
    assert_eq!(put.expect("it is written"), Appended::Landed);
    assert_eq!(runs_from(&database.address), "2");
}
