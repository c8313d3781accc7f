//! Studios, catalog versions, keys, the test clock, an import, secrets of tokens and notes: few, and read whole.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row};
use scrip_core::catalog::Format;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::{Document, ImportDocument, ImportState, KeyDocument, Note, Role, StoreError, TokenSecret};

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
        Document::Import(import) => connection
            .prepare_cached("INSERT OR REPLACE INTO import (one, origin, state) VALUES (1, ?1, ?2)")?
            .execute((&import.origin[..], import.state.word())),
        Document::TokenSecret { studio, secret } => connection
            .prepare_cached("INSERT OR REPLACE INTO token_secrets (studio, secret) VALUES (?1, ?2)")?
            .execute((studio.0, &secret.0[..])),
        Document::Note(note) => connection
            .prepare_cached("INSERT OR REPLACE INTO notes (studio, name, text) VALUES (?1, ?2, ?3)")?
            .execute((note.studio.0, &*note.name, &*note.text)),
    }?;
    Ok(())
}

/// Every document: studios, catalogs, keys, the clock, the import, secrets of tokens, notes.
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
    documents.extend(import(connection)?.map(Document::Import));
    documents.extend(token_secrets(connection)?);
    documents.extend(notes(connection)?);
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

/// The import that filled, or is filling, the store; a store of version 1 has no place for one.
pub(crate) fn import(connection: &Connection) -> Result<Option<ImportDocument>, StoreError> {
    let found = || -> rusqlite::Result<Option<(String, [u8; 32])>> {
        let table = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'import')";
        if !connection.query_row(table, (), |row| row.get(0))? {
            return Ok(None);
        }
        let import = "SELECT state, origin FROM import";
        connection.query_row(import, (), |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let Some((state, origin)) = found().map_err(|error| refused(&error))? else { return Ok(None) };
    match ImportState::from_word(&state) {
        Some(state) => Ok(Some(ImportDocument { origin, state })),
        None => Err(damaged(format!("the state of its import is `{state}`, which scrip never writes"))),
    }
}

fn token_secrets(connection: &Connection) -> Result<Vec<Document>, StoreError> {
    let found = || -> rusqlite::Result<Vec<Document>> {
        let mut statement = connection.prepare_cached("SELECT studio, secret FROM token_secrets ORDER BY studio")?;
        let secret = |row: &Row<'_>| {
            Ok(Document::TokenSecret { studio: StudioNumber(row.get(0)?), secret: TokenSecret(row.get(1)?) })
        };
        statement.query_map((), secret)?.collect()
    };
    found().map_err(|error| refused(&error))
}

fn notes(connection: &Connection) -> Result<Vec<Document>, StoreError> {
    let found = || -> rusqlite::Result<Vec<Document>> {
        let mut statement = connection.prepare_cached("SELECT studio, name, text FROM notes ORDER BY studio, name")?;
        let note = |row: &Row<'_>| {
            let (name, text): (String, String) = (row.get(1)?, row.get(2)?);
            Ok(Document::Note(Note { studio: StudioNumber(row.get(0)?), name: name.into(), text: text.into() }))
        };
        statement.query_map((), note)?.collect()
    };
    found().map_err(|error| refused(&error))
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
