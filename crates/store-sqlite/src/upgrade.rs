//! Making a store of an earlier version one of this version, in place.
//!
//! Done by the writer alone, under the folder's lock, before anything else: all of it or
//! nothing, in one transaction that ends with the new version; a file of version 1 is written anew before, which changes
//! nothing that it says. Readers leave an earlier store as it is. What the rows say is never touched.

use rusqlite::Connection;

use crate::schema;

/// From version 1, which did not overwrite what it deleted: what rows once said of a name or a reference may lie in pages
/// that are free, and in the free parts of others (a tree that grows leaves its first rows behind in its root). So the
/// whole file is written anew first; from here on erasing a text leaves no copy of it.
pub(crate) fn from_1(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.execute_batch("VACUUM")?;
    complete(connection, 1)
}

/// From version 2: what is missing is added.
pub(crate) fn from_2(connection: &mut Connection) -> rusqlite::Result<()> {
    complete(connection, 2)
}

/// Adds the tables that version `found` lacks, and makes views and words those of this version.
fn complete(connection: &mut Connection, found: i32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    schema::drop_views(&transaction)?;
    for tables in schema::since(found) {
        transaction.execute_batch(tables)?;
    }
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
