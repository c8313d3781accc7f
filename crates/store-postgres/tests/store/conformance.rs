//! The suite that every shared store passes, spoken in each of the ways that an address can ask for.

use std::sync::Arc;

use scrip_engine::store::joint::JointStore;
use scrip_engine::store::joint::conformance::{Subject, check, check_filling};
use scrip_store_postgres::PostgresStore;
use scrip_store_postgres::harness::Furnished;

struct Database(Furnished);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0.address).expect("a database that answers"))
    }
}

/// What servers do, and what imports do.
fn check_all(furnished: impl Fn() -> Furnished) {
    check(|| Database(furnished()));
    check_filling(|| Database(furnished()));
}

#[test]
fn it_conforms() {
    check_all(|| Furnished::with(""));
}

/// Read at one instant on one connection.
#[test]
fn it_conforms_read_on_one_connection() {
    check_all(|| Furnished::with("readers=1"));
}

/// As an engine needs that distributes tables by bucket.
#[test]
fn it_conforms_a_bucket_at_a_time() {
    check_all(|| Furnished::with("transactions=bucket"));
}

/// As a pooler needs that gives each transaction another connection.
#[test]
fn it_conforms_with_statements_sent_whole() {
    check_all(|| Furnished::with("statements=whole"));
}

/// Through such a pooler.
#[test]
fn it_conforms_through_pgbouncer() {
    check_all(Furnished::pooled);
}

/// On tables that are divided by bucket, as an engine that distributes them divides them.
#[test]
fn it_conforms_on_partitions() {
    check_all(Furnished::partitioned);
}
