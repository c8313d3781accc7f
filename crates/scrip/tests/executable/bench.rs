//! `scrip bench` on both stores: that it measures what it says, each beside its limit, and leaves other databases alone. How fast
//! anything is says no test.

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
fn bench_measures_the_embedded_store_beside_its_limits() {
    let told = measured(&[]);
    check(&told);
    assert!(told["database"].is_null(), "{told}");
    let figures = told["figures"].as_array().expect("a list");
    let limit = |of: &str| {
        let figure = figures.iter().find(|figure| figure["subject"] == of).unwrap_or_else(|| panic!("{of}: {told}"));
        figure["limit"].as_str().map(str::to_owned)
    };
    for (subject, of) in [
        ("engine, 256 clients, one hot account", Some("engine, 256 clients")),
        ("engine, 256 clients", Some("bare store, batches of 256")),
        ("HTTP, 64 connections, batches of 100", Some("engine, batches of 8192")),
        ("HTTP, 64 connections", Some("empty handler, 64 connections")),
        ("empty handler, 64 connections", None),
        ("price by resolution and upscale", None),
    ] {
        assert_eq!(limit(subject).as_deref(), of, "{subject}");
    }
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

/// The rows of a measurement on the embedded store, each with a figure in this column.
fn rows(what: &str, column: &str) -> Vec<String> {
    let told = measured(&[what, "--entries", "1000"]);
    assert_eq!((&told["what"], &told["mismatches"]), (&what.into(), &0.into()), "{told}");
    let figures = told["figures"].as_array().expect("a list");
    let has = figures.iter().filter(|figure| figure[column]["median"].as_u64().is_some_and(|median| median > 0));
    has.map(|figure| figure["subject"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn bench_measures_holds_of_one_account_and_of_many() {
    let clients = ["1 client", "10 clients", "50 clients", "200 clients"];
    let spread = ["an account each", "one account"];
    let all: Vec<String> = spread.iter().flat_map(|of| clients.map(|clients| format!("{clients}, {of}"))).collect();
    assert_eq!(rows("holds", "p999_us"), all);
}

#[test]
fn bench_reads_beside_charges() {
    assert_eq!(
        rows("reads", "charges_per_second"),
        ["balance", "quote", "the newest 50 entries"].map(|read| format!("{read}, beside charges"))
    );
}

#[test]
fn bench_turns_the_month() {
    assert_eq!(rows("turn", "p99_us"), ["a minute before", "at the turn"]);
}

#[test]
fn bench_opens_what_it_killed() {
    assert_eq!(rows("history", "at_rest_bytes"), ["after kill -9 at 100 charges", "after kill -9 at 1,000 charges"]);
}

#[test]
fn bench_measures_only_rates_on_postgresql() {
    let ran = run(&["bench", "turn", "--postgres"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("only rates"), "{ran:?}");
}
