//! Studios, catalog versions, keys and the rest that is few and read whole, by editions.

use std::sync::Arc;

use scrip_core::catalog::Format;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::joint::{Appended, Edition};
use scrip_engine::store::{Document, ImportDocument, ImportState, KeyDocument, Note, Role, StoreError, TokenSecret};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use crate::append::{TRIES, chance};
use crate::line::{Line, LineState, Sql};
use crate::rows::{big, get, studio_number, whole};
use crate::schema;
use crate::trouble::{
    Failed, damaged, failed, failed_commit, is_read_only, refused, silent, unanswered, unknown, unwaited,
};

static EDITION: Sql = Sql {
    text: "SELECT number, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM scrip.edition",
    types: &[],
};
/// Changes are counted in steps of 2^24; below is chance, so that a change that was lost with a server of the database is not
/// taken for the one that was made in its place.
static MOVE_ON: Sql = Sql {
    text: "UPDATE scrip.edition SET number = (((number >> 24) + 1) << 24) | $2 WHERE number = $1 RETURNING number",
    types: &[Type::INT8, Type::INT8],
};

static STUDIOS: Sql = Sql { text: "SELECT studio, id FROM scrip.studios ORDER BY studio", types: &[] };
static CATALOGS: Sql = Sql {
    text: "SELECT studio, version, published_at, effective, format, source FROM scrip.catalogs ORDER BY studio, version",
    types: &[],
};
static KEYS: Sql = Sql {
    text: "SELECT id, studio, role, digest, hint, created_at, revoked_at FROM scrip.keys ORDER BY id COLLATE \"C\"",
    types: &[],
};
static CLOCK: Sql = Sql { text: "SELECT now FROM scrip.clock", types: &[] };
static IMPORT: Sql = Sql { text: "SELECT origin, state FROM scrip.import", types: &[] };
static SECRETS: Sql = Sql { text: "SELECT studio, secret FROM scrip.token_secrets ORDER BY studio", types: &[] };
static NOTES: Sql =
    Sql { text: "SELECT studio, name, text FROM scrip.notes ORDER BY studio, name COLLATE \"C\"", types: &[] };

static PUT_STUDIO: Sql = Sql {
    text: "INSERT INTO scrip.studios (studio, id) VALUES ($1, $2)
           ON CONFLICT (studio) DO UPDATE SET id = excluded.id",
    types: &[Type::INT4, Type::TEXT],
};
static PUT_CATALOG: Sql = Sql {
    text: "INSERT INTO scrip.catalogs (studio, version, published_at, effective, format, source)
           VALUES ($1, $2, $3, $4, $5, $6)",
    types: &[Type::INT4, Type::INT4, Type::INT8, Type::INT8, Type::TEXT, Type::TEXT],
};
static PUT_KEY: Sql = Sql {
    text: "INSERT INTO scrip.keys (id, studio, role, digest, hint, created_at, revoked_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at",
    types: &[Type::TEXT, Type::INT4, Type::TEXT, Type::BYTEA, Type::TEXT, Type::INT8, Type::INT8],
};
static PUT_CLOCK: Sql = Sql {
    text: "INSERT INTO scrip.clock (one, now) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET now = excluded.now",
    types: &[Type::INT8],
};
static PUT_IMPORT: Sql = Sql {
    text: "INSERT INTO scrip.import (one, origin, state) VALUES (1, $1, $2)
           ON CONFLICT (one) DO UPDATE SET origin = excluded.origin, state = excluded.state",
    types: &[Type::BYTEA, Type::TEXT],
};
static PUT_SECRET: Sql = Sql {
    text: "INSERT INTO scrip.token_secrets (studio, secret) VALUES ($1, $2)
           ON CONFLICT (studio) DO UPDATE SET secret = excluded.secret",
    types: &[Type::INT4, Type::BYTEA],
};
static PUT_NOTE: Sql = Sql {
    text: "INSERT INTO scrip.notes (studio, name, text) VALUES ($1, $2, $3)
           ON CONFLICT (studio, name) DO UPDATE SET text = excluded.text",
    types: &[Type::INT4, Type::TEXT, Type::TEXT],
};

/// The edition, and the documents unless it is the known one. Nothing of tables that have become too new.
pub(crate) async fn edition(line: &mut Line, known: Option<u64>) -> Result<Edition, StoreError> {
    let error = |error: Error| refused(&error);
    let (number, now) = numbered(line).await?;
    if known == Some(number) {
        return Ok(Edition { number, documents: None, now });
    }
    line.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(error)?;
    let read = async {
        let (number, now) = numbered(line).await?;
        schema::fits(schema::version(line).await?)?;
        Ok(Edition { number, documents: Some(all(line).await?), now })
    };
    let edition = read.await;
    // Whatever was read: the connection goes back to others.
    line.run("ROLLBACK").await.map_err(error)?;
    edition
}

async fn numbered(line: &mut Line) -> Result<(u64, Time), StoreError> {
    let rows = line.ask(&EDITION, &[]).await.map_err(|error| refused(&error))?;
    let row = rows.first().ok_or_else(|| damaged("table edition is empty"))?;
    Ok((whole(row, 0)?, Time::from_micros(get(row, 1)?)))
}

/// Reads a row; `None`: it is not what scrip writes.
type ReadRow = fn(&Row) -> Result<Option<Document>, StoreError>;

/// Every document: studios, catalogs, keys, the clock, the import, secrets of tokens, notes.
pub(crate) async fn all(line: &mut Line) -> Result<Vec<Document>, StoreError> {
    let mut documents = Vec::new();
    let tables: [(&'static Sql, ReadRow); 7] = [
        (&STUDIOS, studio),
        (&CATALOGS, catalog),
        (&KEYS, key),
        (&CLOCK, |row| Ok(Some(Document::Clock { now: Time::from_micros(get(row, 0)?) }))),
        (&IMPORT, import),
        (&SECRETS, secret),
        (&NOTES, note),
    ];
    for (sql, read) in tables {
        for row in line.ask(sql, &[]).await.map_err(|error| refused(&error))? {
            let document =
                read(&row)?.ok_or_else(|| damaged(format!("a row of `{}` is not what scrip wrote", sql.text)))?;
            documents.push(document);
        }
    }
    Ok(documents)
}

fn number(row: &Row, place: usize) -> Result<StudioNumber, StoreError> {
    let number = u32::try_from(get::<i32>(row, place)?);
    number.map(StudioNumber).map_err(|_| damaged("a studio's number that cannot be one"))
}

fn studio(row: &Row) -> Result<Option<Document>, StoreError> {
    let number = number(row, 0)?;
    Ok(StudioId::parse(get(row, 1)?).ok().map(|id| Document::Studio { number, id }))
}

fn catalog(row: &Row) -> Result<Option<Document>, StoreError> {
    let format = match get::<&str>(row, 4)? {
        "toml" => Format::Toml,
        "json" => Format::Json,
        _ => return Ok(None),
    };
    let Ok(version) = u32::try_from(get::<i32>(row, 1)?) else { return Ok(None) };
    Ok(Some(Document::Catalog {
        studio: number(row, 0)?,
        version,
        published_at: Time::from_micros(get(row, 2)?),
        effective: Time::from_micros(get(row, 3)?),
        format,
        source: Arc::from(get::<&str>(row, 5)?),
    }))
}

fn key(row: &Row) -> Result<Option<Document>, StoreError> {
    let (Some(role), Ok(digest)) = (Role::from_word(get(row, 2)?), get::<&[u8]>(row, 3)?.try_into()) else {
        return Ok(None);
    };
    Ok(Some(Document::Key(KeyDocument {
        id: get::<&str>(row, 0)?.into(),
        studio: number(row, 1)?,
        role,
        digest,
        hint: get::<&str>(row, 4)?.into(),
        created_at: Time::from_micros(get(row, 5)?),
        revoked_at: get::<Option<i64>>(row, 6)?.map(Time::from_micros),
    })))
}

fn import(row: &Row) -> Result<Option<Document>, StoreError> {
    let (Ok(origin), Some(state)) = (get::<&[u8]>(row, 0)?.try_into(), ImportState::from_word(get(row, 1)?)) else {
        return Ok(None);
    };
    Ok(Some(Document::Import(ImportDocument { origin, state })))
}

fn secret(row: &Row) -> Result<Option<Document>, StoreError> {
    let Ok(secret) = get::<&[u8]>(row, 1)?.try_into() else { return Ok(None) };
    Ok(Some(Document::TokenSecret { studio: number(row, 0)?, secret: TokenSecret(secret) }))
}

fn note(row: &Row) -> Result<Option<Document>, StoreError> {
    let (name, text) = (get::<&str>(row, 1)?.into(), get::<&str>(row, 2)?.into());
    Ok(Some(Document::Note(Note { studio: number(row, 0)?, name, text })))
}

/// Moves the edition on from the one that is known, and writes, durably; or says that it is another. And what becomes of the
/// connection.
pub(crate) async fn written(
    line: &mut Line,
    edition: u64,
    documents: &[Document],
) -> (Result<Appended, StoreError>, LineState) {
    let mut tries = 0;
    loop {
        tries += 1;
        let wrote = tokio::time::timeout(line.patience(), write(line, edition, documents)).await;
        let Ok(wrote) = wrote else { return (Err(silent()), LineState::Broken) };
        let error = match wrote {
            Ok(true) => break,
            Ok(false) => return (Ok(Appended::Late), line.rolled_back().await),
            Err(error) => error,
        };
        if is_read_only(&error) {
            return (Err(refused(&error)), LineState::Broken);
        }
        let state = line.rolled_back().await;
        if failed(&error) != Failed::TryAgain || tries == TRIES || state != LineState::Idle {
            return (Err(refused(&error)), state);
        }
    }
    line.was_unwaited();
    match line.in_time(line.run("COMMIT")).await {
        None => (Err(unanswered()), LineState::Unanswered),
        Some(Ok(())) if line.was_unwaited() => (Err(unwaited()), LineState::Idle),
        Some(Ok(())) => (Ok(Appended::Landed), LineState::Idle),
        Some(Err(error)) if failed_commit(&error) == Failed::Lost => (Err(unknown(&error)), LineState::Broken),
        Some(Err(error)) => (Err(refused(&error)), line.rolled_back().await),
    }
}

async fn write(line: &mut Line, edition: u64, documents: &[Document]) -> Result<bool, Error> {
    line.begin().await?;
    if line.ask(&MOVE_ON, &[&big(edition), &(chance() & 0xFF_FFFF)]).await?.is_empty() {
        return Ok(false);
    }
    for document in documents {
        put(line, document).await?;
    }
    Ok(true)
}

async fn put(line: &mut Line, document: &Document) -> Result<(), Error> {
    match document {
        Document::Studio { number, id } => line.ask(&PUT_STUDIO, &[&studio_number(*number), &id.as_str()]).await,
        Document::Catalog { studio, version, published_at, effective, format, source } => {
            let version = i32::try_from(*version).unwrap_or(i32::MAX);
            let format = match format {
                Format::Toml => "toml",
                Format::Json => "json",
            };
            let (published_at, effective) = (published_at.micros(), effective.micros());
            let source: &str = source;
            let studio = studio_number(*studio);
            line.ask(&PUT_CATALOG, &[&studio, &version, &published_at, &effective, &format, &source]).await
        }
        Document::Key(key) => {
            let revoked_at = key.revoked_at.map(Time::micros);
            let (id, hint): (&str, &str) = (&key.id, &key.hint);
            let (studio, role, digest) = (studio_number(key.studio), key.role.word(), &key.digest[..]);
            let created_at = key.created_at.micros();
            line.ask(&PUT_KEY, &[&id, &studio, &role, &digest, &hint, &created_at, &revoked_at]).await
        }
        Document::Clock { now } => line.ask(&PUT_CLOCK, &[&now.micros()]).await,
        Document::Import(import) => {
            line.ask(&schema::WITH_IMPORTED, &[]).await?;
            line.ask(&PUT_IMPORT, &[&&import.origin[..], &import.state.word()]).await
        }
        Document::TokenSecret { studio, secret } => {
            line.ask(&PUT_SECRET, &[&studio_number(*studio), &&secret.0[..]]).await
        }
        Document::Note(note) => {
            let (name, text): (&str, &str) = (&note.name, &note.text);
            line.ask(&PUT_NOTE, &[&studio_number(note.studio), &name, &text]).await
        }
    }?;
    Ok(())
}
