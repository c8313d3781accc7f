//! The suite that every shared store passes, spoken in each of the ways that an address can ask for.

use std::sync::Arc;

use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::conformance::{Subject, check};
use scrip_store_postgres::{Address, PostgresStore, harness};

struct Database(Address);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0).expect("a database that answers"))
    }
}

#[test]
fn it_conforms() {
    check(|| Database(harness::database()));
}

/// As an engine needs that distributes tables by bucket.
#[test]
fn it_conforms_a_bucket_at_a_time() {
    check(|| Database(harness::database_with("transactions=bucket")));
}

/// As a pooler needs that gives each transaction another connection.
#[test]
fn it_conforms_with_statements_sent_whole() {
    check(|| Database(harness::database_with("statements=whole")));
}
