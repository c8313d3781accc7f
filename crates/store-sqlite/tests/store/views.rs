//! What a person sees with the plain `sqlite3` shell.

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::filled::fill;

/// The rows of a query, as the shell would print them.
fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let columns = statement.column_count();
    let shown = |row: &rusqlite::Row<'_>| {
        let cell = |place| match row.get(place).unwrap() {
            Value::Null => String::new(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text,
            Value::Blob(bytes) => format!("{} bytes", bytes.len()),
        };
        Ok((0..columns).map(cell).collect::<Vec<_>>().join("|"))
    };
    statement.query_map((), shown).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_tables_are_readable() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let database = Connection::open(folder.path().join("scrip.db")).unwrap();
    assert_eq!(rows(&database, "SELECT * FROM mark"), ["18|18"]);
    assert_eq!(
        rows(&database, "SELECT * FROM lots"),
        [
            "flow-studio|ana|lot_2|top_up|500|420|5|0|20|2026-01-01T00:00:00Z|",
            "flow-studio|bruno|lot_2|top_up|500|420|5|0|20|2026-01-01T00:00:00Z|",
        ]
    );
    assert_eq!(
        rows(&database, "SELECT account, hold, name, credits, placed_at, expires_at, reference, member FROM holds"),
        [
            "ana|hold_9|open|5|2026-01-01T00:00:00Z|2026-01-01T01:00:00Z|a \"job\"|m",
            "bruno|hold_9|open|5|2026-01-01T00:00:00Z|2026-01-01T01:00:00Z|a \"job\"|m",
        ]
    );
    let history = "SELECT seq, at, kind, credits, held, available_after, remaining_after, reference, reason
                   FROM history WHERE account = 'ana' ORDER BY position";
    assert_eq!(
        rows(&database, history),
        [
            "1|2026-01-01T00:00:00.5Z|account|0|0|0|0||",
            "2|2026-01-01T00:00:00.5Z|grant|500|0|500|500||paid by hand",
            "3|2026-01-01T00:00:00.5Z|hold|0|75|425|500|a \"job\"|",
            "4|2026-01-01T00:00:00.5Z|settle|-60|-75|440|440|a \"job\"|",
            "5|2026-01-01T00:00:00.5Z|hold|0|20|420|440|a \"job\"|",
            "6|2026-01-01T00:00:00.5Z|release|0|-20|440|440|a \"job\"|cancelled",
            "7|2026-01-01T00:00:00.5Z|charge|-30|0|410|410|job-2|",
            "8|2026-01-01T00:00:00.5Z|refund|10|0|420|420|job-2|half of it was black",
            "9|2026-01-01T00:00:00.5Z|hold|0|5|415|420|a \"job\"|",
        ]
    );
}
