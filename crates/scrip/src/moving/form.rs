//! The lines of a journal file: their shapes, and their one spelling.
//!
//! An entry's line needs nothing that guards it: the chain covers its columns and the digests in it cover its texts. Every
//! other line ends with a digest of itself. A line that is not spelled as it would be written is refused, so that
//! no byte of a file can change unseen.

use std::borrow::Cow;
use std::fmt::Write as _;

use scrip_core::account::Hash;
use scrip_core::amount::Credits;
use scrip_core::catalog::Format;
use scrip_core::entry::Kind;
use scrip_core::id::{AccountNumber, StudioId, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::time::Time;
use scrip_engine::store::{Document, KeyDocument, Role};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The version of the file's form that is written, and the newest that is read.
pub(crate) const FORMAT: u32 = 1;

/// What is wrong with a line.
pub(crate) type Problem = String;

/// The first line: what the file is, and what it holds.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// The version of the form.
    pub(crate) scrip_journal: u32,
    /// The version of the scrip that wrote it.
    pub(crate) scrip: String,
    /// The position after which its entries begin; 0: it holds the whole journal.
    pub(crate) after: u64,
    /// The chain's value of the entry at that position.
    pub(crate) after_hash: Option<String>,
    /// The last entry's position.
    pub(crate) last: u64,
    /// The chain's value of that entry.
    pub(crate) last_hash: Option<String>,
    /// How many lines of documents follow.
    pub(crate) documents: u64,
    /// SHA-256 of their bytes, line breaks included: with other documents it is another file.
    pub(crate) documents_sha256: String,
}

/// The last line: that nothing is missing.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    pub(crate) end: End,
}

/// What came before the last line.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// Lines.
    pub(crate) lines: u64,
    /// Those of them that are entries.
    pub(crate) entries: u64,
    /// SHA-256 of all their bytes, line breaks included.
    pub(crate) sha256: String,
}

/// A line of a document.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum DocumentLine {
    Studio {
        number: u32,
        id: String,
    },
    Catalog {
        studio: u32,
        version: u32,
        published_at: i64,
        effective: i64,
        format: String,
        source: String,
    },
    Key {
        id: String,
        studio: u32,
        role: String,
        digest: String,
        hint: String,
        created_at: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revoked_at: Option<i64>,
    },
    TestClock {
        now: i64,
    },
}

/// A line of an entry: the columns of the table `journal` without those that follow from the others.
#[derive(Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct EntryLine<'a> {
    position: u64,
    account: u64,
    seq: u64,
    at: i64,
    kind: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    credits: i64,
    held: i64,
    available_after: i64,
    remaining_after: i64,
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(borrow)]
    hash: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    texts: Option<&'a RawValue>,
}

/// A line that ends with a digest of itself.
pub(crate) fn guarded<T: Serialize>(line: &T) -> String {
    let mut text = serde_json::to_string(line).expect("texts and numbers");
    let closed = text.pop();
    debug_assert_eq!(closed, Some('}'));
    let digest = hex(&Sha256::digest(text.as_bytes()));
    write!(text, ",\"sha256\":\"{digest}\"}}").expect("writing to a string cannot fail");
    text
}

/// The object of a line that ends with a digest of itself.
pub(crate) fn read_guarded<T: Serialize + DeserializeOwned>(line: &str) -> Result<T, Problem> {
    let changed = || "it was changed: its digest is another".to_owned();
    let (text, _) = line.rsplit_once(",\"sha256\":\"").ok_or_else(changed)?;
    let value: T = serde_json::from_str(&format!("{text}}}")).map_err(|error| format!("it cannot be read: {error}"))?;
    if guarded(&value) == line { Ok(value) } else { Err(changed()) }
}

/// The line of a document; none where it is about the store and not about the scrip in it.
pub(crate) fn document_line(document: &Document) -> Option<String> {
    let line = match document {
        Document::Studio { number, id } => DocumentLine::Studio { number: number.0, id: id.to_string() },
        Document::Catalog { studio, version, published_at, effective, format, source } => DocumentLine::Catalog {
            studio: studio.0,
            version: *version,
            published_at: published_at.micros(),
            effective: effective.micros(),
            format: format_word(*format).to_owned(),
            source: source.to_string(),
        },
        Document::Key(key) => DocumentLine::Key {
            id: key.id.to_string(),
            studio: key.studio.0,
            role: key.role.word().to_owned(),
            digest: hex(&key.digest),
            hint: key.hint.to_string(),
            created_at: key.created_at.micros(),
            revoked_at: key.revoked_at.map(Time::micros),
        },
        Document::Clock { now } => DocumentLine::TestClock { now: now.micros() },
        // Customers ask for new tokens where the scrip goes on, and notes are of what a server did.
        Document::Import(_) | Document::TokenSecret { .. } | Document::Note(_) => return None,
    };
    Some(guarded(&line))
}

/// The document of a line.
pub(crate) fn read_document(line: &str) -> Result<Document, Problem> {
    Ok(match read_guarded(line)? {
        DocumentLine::Studio { number, id } => Document::Studio {
            number: StudioNumber(number),
            id: StudioId::parse(&id).map_err(|error| format!("its id: {error}"))?,
        },
        DocumentLine::Catalog { studio, version, published_at, effective, format, source } => Document::Catalog {
            studio: StudioNumber(studio),
            version,
            published_at: time(published_at)?,
            effective: time(effective)?,
            format: [Format::Toml, Format::Json]
                .into_iter()
                .find(|known| format_word(*known) == format)
                .ok_or_else(|| format!("there is no form of catalogs called `{format}`"))?,
            source: source.into(),
        },
        DocumentLine::Key { id, studio, role, digest, hint, created_at, revoked_at } => Document::Key(KeyDocument {
            id: id.into(),
            studio: StudioNumber(studio),
            role: Role::from_word(&role).ok_or_else(|| format!("there is no role `{role}`"))?,
            digest: unhex_array(&digest)?,
            hint: hint.into(),
            created_at: time(created_at)?,
            revoked_at: revoked_at.map(time).transpose()?,
        }),
        DocumentLine::TestClock { now } => Document::Clock { now: time(now)? },
    })
}

/// Writes the line of an entry.
pub(crate) fn entry_line(position: u64, record: &Record) -> Result<String, Problem> {
    let texts = record.texts.as_deref().map(serde_json::from_str::<&RawValue>).transpose();
    let line = EntryLine {
        position,
        account: record.account.0,
        seq: record.seq,
        at: record.at.micros(),
        kind: record.kind.word(),
        tool: record.tool.as_ref().map(ToolId::as_str),
        credits: record.credits.millionths(),
        held: record.held.millionths(),
        available_after: record.available_after.millionths(),
        remaining_after: record.remaining_after.millionths(),
        body: hex(&record.body).into(),
        hash: hex(&record.hash.0).into(),
        texts: texts.map_err(|error| format!("texts that are not JSON: {error}"))?,
    };
    Ok(serde_json::to_string(&line).expect("texts and numbers"))
}

/// The entry of a line, and its position.
pub(crate) fn read_entry(line: &str) -> Result<(u64, Record), Problem> {
    let read: EntryLine<'_> = serde_json::from_str(line).map_err(|error| format!("it is no entry: {error}"))?;
    if serde_json::to_string(&read).expect("texts and numbers") != line {
        return Err("it is not in its one spelling: it was changed".to_owned());
    }
    let record = Record {
        account: AccountNumber(read.account),
        seq: read.seq,
        at: Time::from_micros(read.at),
        kind: Kind::from_word(read.kind).ok_or_else(|| {
            format!("there is no kind `{}` of entries here; a newer scrip may have written it", read.kind)
        })?,
        tool: read.tool.map(ToolId::parse).transpose().map_err(|error| format!("its tool: {error}"))?,
        credits: Credits::from_millionths(read.credits),
        held: Credits::from_millionths(read.held),
        available_after: Credits::from_millionths(read.available_after),
        remaining_after: Credits::from_millionths(read.remaining_after),
        body: unhex(&read.body)?,
        hash: Hash(unhex_array(&read.hash)?),
        texts: read.texts.map(|texts| texts.get().into()),
    };
    Ok((read.position, record))
}

fn time(micros: i64) -> Result<Time, Problem> {
    let time = Time::from_micros(micros);
    if (Time::EPOCH..=Time::MAX).contains(&time) { Ok(time) } else { Err(format!("{micros} is no time")) }
}

const fn format_word(format: Format) -> &'static str {
    match format {
        Format::Toml => "toml",
        Format::Json => "json",
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Bytes as hexadecimal digits in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn unhex(text: &str) -> Result<Vec<u8>, Problem> {
    let wrong = || "hexadecimal digits in lower case, two for each byte, are expected".to_owned();
    let digit = |letter: u8| match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        _ => Err(wrong()),
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(wrong());
    }
    pairs.map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

fn unhex_array(text: &str) -> Result<[u8; 32], Problem> {
    unhex(text)?.try_into().map_err(|_| "64 hexadecimal digits are expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            account: AccountNumber(7),
            seq: 2,
            at: Time::from_micros(1_767_225_600_000_001),
            kind: Kind::Charge,
            tool: Some(ToolId::parse("live-action").unwrap()),
            credits: Credits::from_millionths(-12_000_000),
            held: Credits::ZERO,
            available_after: Credits::from_millionths(80_000_000),
            remaining_after: Credits::from_millionths(100_000_000),
            body: vec![1, 0xca, 0xff],
            hash: Hash([0xab; 32]),
            texts: Some(r#"{"salt":"11","reference":"a \"b\" ü"}"#.into()),
        }
    }

    #[test]
    fn an_entry_comes_back_from_its_line() {
        let line = entry_line(42, &record()).unwrap();
        assert_eq!(
            line,
            format!(
                r#"{{"position":42,"account":7,"seq":2,"at":1767225600000001,"kind":"charge","tool":"live-action","credits":-12000000,"held":0,"available_after":80000000,"remaining_after":100000000,"body":"01caff","hash":"{}","texts":{{"salt":"11","reference":"a \"b\" ü"}}}}"#,
                "ab".repeat(32)
            )
        );
        assert_eq!(read_entry(&line).unwrap(), (42, record()));
        let bare = Record { tool: None, texts: None, ..record() };
        assert_eq!(read_entry(&entry_line(1, &bare).unwrap()).unwrap(), (1, bare));
    }

    #[test]
    fn another_spelling_of_an_entry_is_refused() {
        let line = entry_line(42, &record()).unwrap();
        for (from, to) in [
            (":42,", ": 42,"),
            ("\"seq\":2", "\"seq\":2.0"),
            ("\"held\":0", "\"held\":-0"),
            ("01caff", "01CAFF"),
            ("01caff", "01caf"),
            ("01caff", "01\\u0063aff"),
            ("abab\"", "ab\""),
            ("\"held\":0", "\"held\":0,\"more\":1"),
            ("\"held\":0,", ""),
            ("\"kind\":\"charge\"", "\"kind\":\"gift\""),
            ("live-action", "LIVE ACTION"),
            ("}}", "}} "),
        ] {
            let other = line.replacen(from, to, 1);
            assert_ne!(other, line, "{from}");
            read_entry(&other).expect_err(&other);
        }
    }

    #[test]
    fn documents_come_back_and_no_byte_of_them_changes_unseen() {
        let studio = StudioNumber(1);
        let key = KeyDocument {
            id: "key_1".into(),
            studio,
            role: Role::Jobs,
            digest: [9; 32],
            hint: "abcd".into(),
            created_at: Time::from_micros(7),
            revoked_at: None,
        };
        for document in [
            Document::Studio { number: studio, id: StudioId::parse("flow-studio").unwrap() },
            Document::Catalog {
                studio,
                version: 3,
                published_at: Time::from_micros(5),
                effective: Time::EPOCH,
                format: Format::Toml,
                source: "a = \"ü\"\n# ,\"sha256\":\"\n".into(),
            },
            Document::Key(key.clone()),
            Document::Key(KeyDocument { revoked_at: Some(Time::from_micros(8)), ..key }),
            Document::Clock { now: Time::from_micros(9) },
        ] {
            let line = document_line(&document).expect("it is the scrip's");
            assert_eq!(read_document(&line).unwrap(), document);
            for place in 0..line.len() {
                let mut bytes = line.clone().into_bytes();
                bytes[place] ^= 1;
                if let Ok(changed) = String::from_utf8(bytes) {
                    read_document(&changed).expect_err(&changed);
                }
            }
        }
    }
}
