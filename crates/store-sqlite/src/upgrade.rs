//! Making a store of an earlier version one of this version, in place.
//!
//! Done by the writer alone, under the folder's lock, before anything else: all of it or nothing, in one
//! transaction that ends with the new version. Readers leave an earlier store as it is. The journal's
//! rows are never touched.

use rusqlite::Connection;

use crate::schema;

/// Bytes with which free pages are overwritten at a time.
const PIECE: i64 = 1024 * 1024;

/// From version 1, which did not overwrite what it deleted: what accounts' rows once said of a name or a reference may
/// lie in pages that are free, or in the free parts of theirs. So the accounts are written anew, and what was free is
/// overwritten; from here on erasing a text leaves no copy of it.
pub(crate) fn from_1(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    let transaction = connection.transaction()?;
    overwrite_free_pages(&transaction)?;
    schema::drop_views(&transaction)?;
    transaction.execute_batch("DROP INDEX accounts_id; ALTER TABLE accounts RENAME TO accounts_before")?;
    transaction.execute_batch(schema::ACCOUNTS)?;
    transaction.execute_batch(
        "INSERT INTO accounts SELECT * FROM accounts_before ORDER BY account; DROP TABLE accounts_before",
    )?;
    transaction.execute_batch(schema::SINCE_2)?;
    schema::fill_kinds(&transaction)?;
    schema::create_views(&transaction)?;
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    transaction.commit()?;
    // The version belongs in the file itself, where an earlier scrip looks for it: so this waits for readers of the
    // earlier state.
    let held_up: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", (), |row| row.get(0))?;
    if held_up {
        tracing::warn!(
            "a reader stays with the earlier version: until it ends, do not open this store with an earlier scrip"
        );
    }
    Ok(())
}

/// Takes every free page into use, filled with zeros, and lets go of it again.
fn overwrite_free_pages(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("CREATE TABLE filling (zeros BLOB)")?;
    while connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0))? > 0 {
        connection.execute("INSERT INTO filling VALUES (zeroblob(?1))", (PIECE,))?;
    }
    connection.execute_batch("DROP TABLE filling")
}
