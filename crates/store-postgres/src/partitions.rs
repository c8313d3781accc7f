//! Where a transaction is of one bucket, every statement of the hot path touches one partition of each table: what an
//! engine needs that keeps buckets on different machines.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use crate::line::Sql;
use crate::{append, fetch, harness, store};

/// A value of a parameter's type, as SQL has it.
fn value(ty: &Type) -> &'static str {
    match *ty {
        Type::INT2 => "5",
        Type::INT4 => "1",
        Type::TEXT => "'x'",
        Type::INT8 => "7",
        Type::INT2_ARRAY => "'{5}'",
        Type::INT4_ARRAY | Type::INT8_ARRAY => "'{7}'",
        Type::TEXT_ARRAY => "'{null}'",
        Type::BYTEA_ARRAY => "'{\"\\\\x00\"}'",
        Type::UUID_ARRAY => "'{00000000-0000-0000-0000-000000000000}'",
        ref other => panic!("no value of {other}"),
    }
}

/// The partitions that a plan names, such as `entries_3`.
fn partitions(plan: &[String]) -> BTreeSet<(String, u32)> {
    let words = plan.iter().flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let partition = |word: &str| {
        let (table, part) = word.rsplit_once('_')?;
        let known = ["buckets", "accounts", "imported", "entries", "terms"].contains(&table);
        Some((table.to_owned(), part.parse().ok().filter(|part| known && *part < harness::PARTS)?))
    };
    words.filter_map(partition).collect()
}

#[test]
fn each_statement_touches_one_partition() {
    let database = harness::Furnished::partitioned();
    let explained = |sql: &Sql| {
        let text = sql.text.replace("{at}", "=");
        let types: Vec<&str> = sql.types.iter().map(Type::name).collect();
        let values: Vec<&str> = sql.types.iter().map(value).collect();
        let asked = format!(
            "SET enable_seqscan = off; PREPARE hot ({}) AS {text}; EXPLAIN (COSTS OFF) EXECUTE hot ({})",
            types.join(", "),
            values.join(", "),
        );
        harness::ask(&database.address, &asked)
    };
    let reading = fetch::ALL.into_iter().chain([&store::HISTORY, &store::CARRYING]);
    for sql in append::statements().chain(reading) {
        let plan = explained(sql);
        let named = partitions(&plan);
        let parts: BTreeSet<u32> = named.iter().map(|(_, part)| *part).collect();
        assert_eq!(parts.len(), 1, "of {}: {plan:#?}", sql.text);
    }
    // A statement that names no bucket touches them all: so this can fail.
    let all = partitions(&harness::ask(&database.address, "EXPLAIN SELECT FROM scrip.entries"));
    assert_eq!(all.len(), usize::try_from(harness::PARTS).expect("few"));
}
