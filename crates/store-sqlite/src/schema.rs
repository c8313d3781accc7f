//! Tables and views, as `docs/store.md` describes them.
//!
//! Amounts are whole millionths of a credit and times whole microseconds since 1970 in the tables;
//! the views say credits and dates.

use rusqlite::Connection;
use scrip_core::entry::Kind;

/// Tells a database of scrip from any other: "scrp".
pub(crate) const APPLICATION_ID: i32 = 0x7363_7270;
/// The version of the tables, and of what their rows may say. An earlier one is made this one when the store is opened
/// for writing ([`crate::upgrade`]).
pub(crate) const VERSION: i32 = 3;

/// Run states.
pub(crate) const BUILDING: u8 = 0;
pub(crate) const LIVE: u8 = 1;
pub(crate) const DEAD: u8 = 2;

/// The accounts and their index.
pub(crate) const ACCOUNTS: &str = "
CREATE TABLE accounts (
  account INTEGER PRIMARY KEY,
  studio INTEGER NOT NULL,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  head BLOB NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_id ON accounts (studio, id);
";

/// What version 2 added.
pub(crate) const SINCE_2: &str = "
CREATE TABLE erasing (
  account INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  next INTEGER NOT NULL
) STRICT;
CREATE TABLE import (one INTEGER PRIMARY KEY CHECK (one = 1), origin BLOB NOT NULL, state TEXT NOT NULL) STRICT;
";

/// What version 3 added.
pub(crate) const SINCE_3: &str = "
CREATE TABLE token_secrets (studio INTEGER PRIMARY KEY, secret BLOB NOT NULL) STRICT;
CREATE TABLE notes (studio INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (studio, name)) STRICT;
";

/// The rest.
const TABLES: &str = "
CREATE TABLE journal (
  position INTEGER PRIMARY KEY,
  account INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  tool TEXT,
  credits INTEGER NOT NULL,
  held INTEGER NOT NULL,
  available_after INTEGER NOT NULL,
  remaining_after INTEGER NOT NULL,
  prev INTEGER NOT NULL,
  jump INTEGER NOT NULL,
  body BLOB NOT NULL,
  hash BLOB NOT NULL,
  texts TEXT
) STRICT;
CREATE TABLE term_runs (
  run INTEGER PRIMARY KEY,
  state INTEGER NOT NULL,
  terms INTEGER NOT NULL
) STRICT;
CREATE TABLE term_blocks (
  block INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  first INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
CREATE INDEX term_blocks_first ON term_blocks (run, first);
CREATE TABLE term_filters (
  run INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, chunk)
) STRICT;
CREATE TABLE studios (studio INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE catalogs (
  studio INTEGER NOT NULL,
  version INTEGER NOT NULL,
  published_at INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  format TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (studio, version)
) STRICT;
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  studio INTEGER NOT NULL,
  role TEXT NOT NULL,
  digest BLOB NOT NULL,
  hint TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), now INTEGER NOT NULL) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES ('mark', 0);
CREATE TABLE kinds (kind INTEGER PRIMARY KEY, word TEXT NOT NULL) STRICT;
";

/// Makes the tables and views of a new store, all or nothing.
pub(crate) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(ACCOUNTS)?;
    transaction.execute_batch(SINCE_2)?;
    transaction.execute_batch(SINCE_3)?;
    fill_kinds(&transaction)?;
    create_views(&transaction)?;
    transaction.commit()
}

/// Gives a connection that reads a snapshot of an earlier version what its queries ask for, in its own memory.
pub(crate) fn make_readable(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", false)?;
    for missing in since(version) {
        connection.execute_batch(&missing.replace("CREATE TABLE", "CREATE TEMP TABLE"))?;
    }
    connection.pragma_update(None, "query_only", true)
}

/// The tables that a store of an earlier version lacks.
pub(crate) fn since(version: i32) -> impl Iterator<Item = &'static str> {
    [(2, SINCE_2), (3, SINCE_3)].into_iter().filter(move |(added, _)| *added > version).map(|(_, tables)| tables)
}

/// Writes the word of each kind of entry that has none, or another.
pub(crate) fn fill_kinds(connection: &Connection) -> rusqlite::Result<()> {
    let fill = "INSERT INTO kinds VALUES (?1, ?2)
        ON CONFLICT (kind) DO UPDATE SET word = excluded.word WHERE word <> excluded.word";
    for kind in Kind::ALL {
        connection.execute(fill, (kind.number(), kind.word()))?;
    }
    Ok(())
}

/// [`fill_kinds`] of a store that was made before there were as many: all or nothing.
pub(crate) fn complete_kinds(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    fill_kinds(&transaction)?;
    transaction.commit()
}

/// Drops every view.
pub(crate) fn drop_views(connection: &Connection) -> rusqlite::Result<()> {
    let names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")?
        .query_map((), |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    names.iter().try_for_each(|name| connection.execute_batch(&format!("DROP VIEW \"{name}\"")))
}

/// Makes the views of this version.
pub(crate) fn create_views(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&views())
}

/// Millionths as credits, exactly.
fn credits(column: &str) -> String {
    format!(
        "rtrim(rtrim(printf('%s%d.%06d', iif({column} < 0, '-', ''), abs({column}) / 1000000, abs({column}) % 1000000), '0'), '.')"
    )
}

/// Microseconds since 1970 as a date and time in UTC.
fn date(column: &str) -> String {
    format!(
        "strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000, 'unixepoch') || rtrim(rtrim(printf('.%06d', {column} % 1000000), '0'), '.') || 'Z'"
    )
}

/// Seconds since 1970, as accounts' objects say them, as a date and time in UTC.
fn date_of_seconds(value: &str) -> String {
    format!("strftime('%Y-%m-%dT%H:%M:%SZ', {value}, 'unixepoch')")
}

fn views() -> String {
    let history = format!(
        "CREATE VIEW history AS
SELECT journal.position, studios.id AS studio, accounts.id AS account, journal.seq, {at} AS at, kinds.word AS kind,
  journal.tool, {credits} AS credits, {held} AS held, {available} AS available_after, {remaining} AS remaining_after,
  journal.texts ->> '$.reference' AS reference, journal.texts ->> '$.member' AS member,
  journal.texts ->> '$.reason' AS reason
FROM (SELECT position, account, seq, at, kind, tool, credits, held, available_after, remaining_after,
    iif(EXISTS (SELECT 1 FROM erasing WHERE erasing.account = entry.account AND erasing.position > entry.position),
      NULL, entry.texts) AS texts
  FROM journal AS entry) AS journal
LEFT JOIN kinds USING (kind) LEFT JOIN accounts USING (account) LEFT JOIN studios USING (studio)",
        at = date("journal.at"),
        credits = credits("journal.credits"),
        held = credits("journal.held"),
        available = credits("journal.available_after"),
        remaining = credits("journal.remaining_after"),
    );
    let lots = format!(
        "CREATE VIEW lots AS
SELECT studios.id AS studio, accounts.id AS account, lot.value ->> 0 AS lot, lot.value ->> 1 AS class,
  lot.value ->> 5 AS granted, lot.value ->> 6 AS remaining, coalesce(lot.value ->> 7, 0) AS held,
  coalesce(lot.value ->> 8, 0) AS frozen, lot.value ->> 2 AS priority, {granted_at} AS granted_at,
  {expires_at} AS expires_at
FROM accounts JOIN json_each(accounts.state, '$.lots') AS lot LEFT JOIN studios USING (studio)",
        granted_at = date_of_seconds("lot.value ->> 3"),
        expires_at = date_of_seconds("lot.value ->> 4"),
    );
    let holds = format!(
        "CREATE VIEW holds AS
SELECT studios.id AS studio, accounts.id AS account, hold.value ->> 'hold' AS hold, hold.value ->> 'name' AS name,
  hold.value ->> 'tool' AS tool, hold.value ->> 'credits' AS credits, {placed_at} AS placed_at,
  {expires_at} AS expires_at, hold.value ->> 'reference' AS reference, hold.value ->> 'member' AS member,
  hold.value ->> 'version' AS catalog_version, hold.value -> 'measures' AS measures, hold.value -> 'parts' AS parts
FROM accounts JOIN json_each(accounts.state, '$.holds') AS hold LEFT JOIN studios USING (studio)",
        placed_at = date_of_seconds("hold.value ->> 'placed'"),
        expires_at = date_of_seconds("hold.value ->> 'expires'"),
    );
    let mark = "CREATE VIEW mark AS
SELECT meta.value AS position, coalesce((SELECT max(position) FROM journal), 0) AS last
FROM meta WHERE meta.name = 'mark'";
    format!("{history};\n{lots};\n{holds};\n{mark};")
}
