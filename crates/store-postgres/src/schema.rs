//! The tables, and how they come to be: migrations, forward only, each once, under a lock.
//!
//! A scrip runs on tables of a later version as long as these say that it may, so that two neighbouring versions can run
//! side by side while servers are replaced.

use scrip_core::entry::Kind;
use scrip_engine::store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::types::Type;

use crate::line::{Line, Sql};
use crate::rows::get;
use crate::trouble::refused;

/// The version of the tables that this scrip writes.
pub const VERSION: i32 = 2;

/// A change of the tables.
struct Migration {
    version: i32,
    /// The earliest version of scrip's own that may run on the tables once it is done.
    runs_from: i32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, runs_from: 1, sql: include_str!("schema/001.sql") },
    // Version 1 does not look into what this one adds; before an import writes there, it says that it must (`WITH_IMPORTED`).
    Migration { version: 2, runs_from: 1, sql: include_str!("schema/002.sql") },
];

/// A scrip of version 1 would not find the accounts of an import by their ids.
pub(crate) static WITH_IMPORTED: Sql =
    Sql { text: "UPDATE scrip.migrations SET runs_from = 2 WHERE version = 2 AND runs_from < 2", types: &[] };

/// How often the schema is tried to be made beside others that make it.
const TRIES: u32 = 20;

/// Where migrations are noted.
const NOTES: &str = "
CREATE SCHEMA IF NOT EXISTS scrip;
COMMENT ON SCHEMA scrip IS 'Credits: see docs/postgres.md of scrip.';
CREATE TABLE IF NOT EXISTS scrip.migrations (
  version integer PRIMARY KEY, runs_from integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE scrip.migrations IS 'The changes of these tables that were made.';
COMMENT ON COLUMN scrip.migrations.version IS 'The version that it made.';
COMMENT ON COLUMN scrip.migrations.runs_from IS 'The earliest version of the tables that a scrip must know to run on these.';
COMMENT ON COLUMN scrip.migrations.applied_at IS 'When.';";

/// Has servers that are at work look at the version again.
const SEEN: &str = "UPDATE scrip.edition SET number = ((number >> 24) + 1) << 24";

/// Whoever migrates: what was made belongs to the owner of what was there.
const OWNED: &str = "
DO $$
DECLARE made record;
BEGIN
  FOR made IN
    SELECT t.oid::regclass AS name, a.relowner::regrole AS owner
    FROM pg_class t JOIN pg_class a ON a.oid = 'scrip.accounts'::regclass
    WHERE t.relnamespace = 'scrip'::regnamespace AND t.relkind IN ('r', 'p', 'v') AND t.relowner <> a.relowner
      AND pg_get_userbyid(t.relowner) = current_user
  LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made.name, made.owner);
  END LOOP;
END $$";

static THERE: Sql = Sql { text: "SELECT to_regclass('scrip.migrations') IS NOT NULL", types: &[] };
static APPLIED: Sql =
    Sql { text: "SELECT coalesce(max(version), 0), coalesce(max(runs_from), 0) FROM scrip.migrations", types: &[] };
static ENCODING: Sql = Sql { text: "SELECT current_setting('server_encoding')", types: &[] };
static NOTE: Sql =
    Sql { text: "INSERT INTO scrip.migrations (version, runs_from) VALUES ($1, $2)", types: &[Type::INT4, Type::INT4] };
static KIND: Sql = Sql {
    text: "INSERT INTO scrip.kinds (kind, word) VALUES ($1, $2) ON CONFLICT (kind) DO NOTHING",
    types: &[Type::INT2, Type::TEXT],
};

/// The last change of the tables.
#[cfg(feature = "harness")]
pub(crate) fn newest() -> &'static str {
    MIGRATIONS.last().expect("there is a first one").sql
}

/// What migrating came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version of the tables before; 0 for none.
    pub from: i32,
    /// The version now.
    pub to: i32,
}

/// The version of the tables, and the earliest that a scrip must know; zeros where there are none.
pub(crate) async fn version(line: &mut Line) -> Result<(i32, i32), StoreError> {
    let found = async {
        let there = line.ask(&THERE, &[]).await?;
        if !there.first().is_some_and(|row| row.get(0)) {
            return Ok(None);
        }
        Ok::<_, Error>(line.ask(&APPLIED, &[]).await?.into_iter().next())
    };
    let found = found.await.map_err(|error| refused(&error))?;
    found.map_or(Ok((0, 0)), |row| Ok((get(&row, 0)?, get(&row, 1)?)))
}

/// Applies what is missing, under a lock; all of it or nothing. `shape` makes of a migration what is run.
pub(crate) async fn migrate(line: &mut Line, shape: &(dyn Fn(&str) -> String + Sync)) -> Result<Migrated, StoreError> {
    // Of several that make the schema at once all but one may fail, and then find it there.
    let mut tries = 0;
    while let Err(error) = line.run(NOTES).await {
        tries += 1;
        if tries == TRIES {
            return Err(refused(&error));
        }
    }
    line.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = 0; LOCK TABLE scrip.migrations IN EXCLUSIVE MODE").await.map_err(|error| refused(&error))?;
    let (from, runs_from) = version(line).await?;
    let mut to = from;
    if runs_from > VERSION {
        return Err(too_new(from));
    }
    let applied = async {
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > from) {
            line.run(&shape(migration.sql)).await?;
            line.ask(&NOTE, &[&migration.version, &migration.runs_from]).await?;
            to = migration.version;
        }
        if 0 < from && from < to {
            line.run(SEEN).await?;
        }
        line.run(OWNED).await?;
        for kind in Kind::ALL {
            line.ask(&KIND, &[&i16::from(kind.number()), &kind.word()]).await?;
        }
        line.run("COMMIT").await
    };
    applied.await.map_err(|error: Error| refused(&error))?;
    Ok(Migrated { from, to })
}

/// Whether the database can hold whatever texts callers send.
pub(crate) async fn encoding_fits(line: &mut Line) -> Result<(), StoreError> {
    let rows = line.ask(&ENCODING, &[]).await.map_err(|error| refused(&error))?;
    let encoding: &str = rows.first().map_or(Ok(""), |row| get(row, 0))?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(StoreError::Refused(format!("its encoding is {encoding}: make a database with `createdb --encoding UTF8`")))
}

/// Whether a scrip of this version may run on the tables as they are.
pub(crate) fn fits((version, runs_from): (i32, i32)) -> Result<(), StoreError> {
    if runs_from > VERSION {
        return Err(too_new(version));
    }
    if version < VERSION {
        let what = format!("its tables are of version {version}, and this scrip needs {VERSION}: run `scrip migrate`");
        return Err(StoreError::Refused(what));
    }
    Ok(())
}

fn too_new(version: i32) -> StoreError {
    StoreError::Refused(format!(
        "its tables are of version {version}, which this scrip does not know (it knows up to {VERSION}): use a newer one"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of the version before cannot read rows and records of a newer format, nor kinds that it does not know. Who
    /// changes these adds a migration (of nothing, if need be) with `runs_from` its own version, or shows here that the new
    /// shape is written only once no such server runs any more.
    #[test]
    fn formats_and_kinds_are_tied_to_versions() {
        let newest = Kind::ALL.map(|kind| kind.number()).into_iter().max();
        let written = (VERSION, scrip_engine::record::FORMAT, scrip_core::journal::FORMAT, newest);
        assert_eq!(written, (2, 3, 3, Some(35)));
    }
}
