//! The role that `docs/postgres.md` gives to servers is enough for everything that they do.

use std::sync::{Arc, OnceLock};

use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::conformance::{Subject, check};
use scrip_store_postgres::{Address, PostgresStore, harness};

struct Database(Address);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0).expect("a database that answers"))
    }
}

/// The grants, and apart from them the statement that makes the role: it is of the whole server.
fn documented() -> (&'static str, &'static str) {
    let document = include_str!("../../../../docs/postgres.md");
    let (_, section) = document.split_once("## A role that may do no more than it must").expect("the section is there");
    let (_, block) = section.split_once("```sql\n").expect("it has statements");
    let (block, _) = block.split_once("```").expect("they end");
    block.split_once('\n').expect("the first line makes the role")
}

#[test]
fn the_documented_role_is_enough() {
    static MADE: OnceLock<()> = OnceLock::new();
    let (make, grants) = documented();
    check(|| {
        let owned = harness::database();
        drop(PostgresStore::open(&owned).expect("the owner makes the tables"));
        MADE.get_or_init(|| harness::run(&owned, make));
        harness::run(&owned, grants);
        Database(harness::as_user(&owned, "scrip_server"))
    });
}
