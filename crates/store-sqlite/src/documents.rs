//! Studios, catalog versions, keys and the test clock: few, and read whole.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use scrip_core::catalog::Format;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::{Document, KeyDocument, Role, StoreError};

use crate::trouble::{damaged, refused};

/// Writes a document over the one of the same identity.
pub(crate) fn write(connection: &Connection, document: &Document) -> rusqlite::Result<()> {
    match document {
        Document::Studio { number, id } => connection
            .prepare_cached("INSERT OR REPLACE INTO studios (studio, id) VALUES (?1, ?2)")?
            .execute((number.0, id.as_str())),
        Document::Catalog { studio, version, published_at, effective, format, source } => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO catalogs (studio, version, published_at, effective, format, source)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((studio.0, version, published_at.micros(), effective.micros(), format_word(*format), source)),
        Document::Key(key) => connection
            .prepare_cached(
                "INSERT OR REPLACE INTO keys (id, studio, role, digest, hint, created_at, revoked_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                &key.id,
                key.studio.0,
                key.role.word(),
                &key.digest[..],
                &key.hint,
                key.created_at.micros(),
                key.revoked_at.map(Time::micros),
            )),
        Document::Clock { now } => connection
            .prepare_cached("INSERT OR REPLACE INTO clock (one, now) VALUES (1, ?1)")?
            .execute((now.micros(),)),
    }?;
    Ok(())
}

/// Every document: studios, catalogs, keys, the clock.
pub(crate) fn read(connection: &Connection) -> Result<Vec<Document>, StoreError> {
    let mut documents = Vec::new();
    let mut all = |sql: &str, read: fn(&Row<'_>) -> rusqlite::Result<Option<Document>>| {
        let mut statement = connection.prepare_cached(sql).map_err(|error| refused(&error))?;
        let mut rows = statement.query(()).map_err(|error| refused(&error))?;
        while let Some(row) = rows.next().map_err(|error| refused(&error))? {
            let document = read(row).map_err(|error| refused(&error))?;
            documents.push(document.ok_or_else(|| damaged(format!("a row of `{sql}` is not what scrip wrote")))?);
        }
        Ok::<_, StoreError>(())
    };
    all("SELECT studio, id FROM studios ORDER BY studio", studio)?;
    all(
        "SELECT studio, version, published_at, effective, format, source FROM catalogs ORDER BY studio, version",
        catalog,
    )?;
    all("SELECT id, studio, role, digest, hint, created_at, revoked_at FROM keys ORDER BY id", key)?;
    all("SELECT now FROM clock", |row| Ok(Some(Document::Clock { now: Time::from_micros(row.get(0)?) })))?;
    Ok(documents)
}

fn studio(row: &Row<'_>) -> rusqlite::Result<Option<Document>> {
    let number = StudioNumber(row.get(0)?);
    Ok(StudioId::parse(row.get_ref(1)?.as_str()?).ok().map(|id| Document::Studio { number, id }))
}

fn catalog(row: &Row<'_>) -> rusqlite::Result<Option<Document>> {
    let Some(format) = format_of(row.get_ref(4)?.as_str()?) else { return Ok(None) };
    Ok(Some(Document::Catalog {
        studio: StudioNumber(row.get(0)?),
        version: row.get(1)?,
        published_at: Time::from_micros(row.get(2)?),
        effective: Time::from_micros(row.get(3)?),
        format,
        source: Arc::from(row.get_ref(5)?.as_str()?),
    }))
}

fn key(row: &Row<'_>) -> rusqlite::Result<Option<Document>> {
    let Some(role) = Role::from_word(row.get_ref(2)?.as_str()?) else { return Ok(None) };
    Ok(Some(Document::Key(KeyDocument {
        id: row.get(0)?,
        studio: StudioNumber(row.get(1)?),
        role,
        digest: row.get(3)?,
        hint: row.get(4)?,
        created_at: Time::from_micros(row.get(5)?),
        revoked_at: row.get::<_, Option<i64>>(6)?.map(Time::from_micros),
    })))
}

const fn format_word(format: Format) -> &'static str {
    match format {
        Format::Toml => "toml",
        Format::Json => "json",
    }
}

fn format_of(word: &str) -> Option<Format> {
    [Format::Toml, Format::Json].into_iter().find(|format| format_word(*format) == word)
}
