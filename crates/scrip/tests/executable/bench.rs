//! `scrip bench` on both stores: that it measures what it says, on PostgreSQL beside hand-written SQL, and leaves other
//! databases alone.
//! How fast anything is says no test.

use scrip_store_postgres::harness;
use serde_json::Value;

use crate::support::run;

const LITTLE: [&str; 6] = ["--accounts", "300", "--seconds", "1", "--rounds", "1"];

fn measured(place: &[&str]) -> Value {
    let ran = run(&[&["bench", "--json"], place, &LITTLE].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("one JSON object")
}

fn subjects(told: &Value) -> Vec<&str> {
    let figures = told["figures"].as_array().expect("a list");
    figures.iter().map(|figure| figure["subject"].as_str().expect("a text")).collect()
}

fn check(told: &Value) {
    let figures = told["figures"].as_array().expect("a list");
    assert!(!figures.is_empty());
    for figure in figures {
        // On a busy machine nothing may come of a second.
        assert!(figure["median"].is_u64(), "{figure}");
    }
    assert_eq!(told["mismatches"], 0);
}

fn check_database(told: &Value) {
    check(told);
    assert_eq!(
        subjects(told),
        [
            "by hand, 64 clients, a transaction each",
            "engine, 64 clients",
            "by hand, 64 clients, a transaction each, one hot account",
            "engine, 64 clients, one hot account",
            "by hand, 64 clients, statements of 100",
            "engine, 64 clients, sets of 100",
        ]
    );
}

#[test]
fn bench_measures_the_embedded_store() {
    let told = measured(&[]);
    check(&told);
    for subject in
        ["bare store, batches of 64", "engine, 64 clients", "empty handler, 64 connections", "HTTP, 64 connections"]
    {
        assert!(subjects(&told).contains(&subject), "{subject}");
    }
    assert!(told["database"].is_null(), "{told}");
}

#[test]
fn bench_starts_a_postgresql_of_its_own() {
    let told = measured(&["--postgres"]);
    check_database(&told);
    // Its commits wait for the disk.
    assert_eq!((&told["database"]["fsync"], &told["database"]["synchronous_commit"]), (&"on".into(), &"on".into()));
}

#[test]
fn bench_takes_an_empty_database_and_no_other() {
    let address = harness::database_address();
    check_database(&measured(&["--store", &address]));
    let ran = run(&[&["bench", "--store", &address][..], &LITTLE].concat());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("name an empty one"), "{ran:?}");
}
