//! Fuzzing of what is stored: entries' records of every format, accounts' rows and seals, as the fixtures hold them.
//!
//! A changed one is refused, or is read and written again as it was: nothing has two spellings, and nothing makes a reader fail
//! otherwise than by saying so.

use std::path::Path;

use scrip_core::account::Hash;
use scrip_core::amount::Credits;
use scrip_core::entry::Kind;
use scrip_core::id::{AccountNumber, ToolId};
use scrip_core::journal::{Record, chain, decode, encode};
use scrip_core::time::Time;
use scrip_engine::record::{Columns, account_from_json, account_to_json};
use scrip_engine::seal::Seal;
use scrip_engine::store::{Reader, Store, StoredAccount};
use scrip_engine::verify::verify;
use scrip_store_sqlite::{OpenMode, SqliteStore};

use super::mutate::Material;
use super::{Target, Verdict, corpus};
use crate::prng::Prng;

const WORDS: &[&str] = &[
    "\0",
    "\u{1}",
    "\u{2}",
    "\u{3}",
    "\u{7f}",
    "{",
    "}",
    "[",
    "]",
    "\"v\":",
    "null",
    "true",
    "lot_2",
    "\"top_up\"",
    ",",
    ":",
    "1767225600",
    ".5",
    "-",
    "\"a\":",
    "\\u0000",
    "\\ud800",
    "é",
    "\n",
    " ",
    "scrip seal",
    "0000000000000000",
];

/// The stores in the repository, which hold every format that was ever written.
const FIXTURES: [&str; 6] =
    ["store-v1/clean", "store-v1/killed", "store-v2/clean", "store-v2/killed", "store-v3/clean", "store-v3/killed"];

/// Bytes of a record before its tool: account, number, time, kind, four amounts.
const HEAD: usize = 8 + 8 + 8 + 1 + 4 * 8;

/// What is stored.
pub struct Records {
    examples: Vec<Vec<u8>>,
    columns: Vec<Columns>,
}

impl Records {
    /// With everything that the fixtures hold.
    ///
    /// Panics where one cannot be read, or is not read and written again as it is.
    pub fn new() -> Records {
        let mut records = Records { examples: Vec::new(), columns: Vec::new() };
        for fixture in FIXTURES {
            let copy = tempfile::tempdir().expect("a folder for the copy");
            copy_files(&corpus::repository(&format!("fixtures/{fixture}")), copy.path());
            let store = SqliteStore::open(copy.path(), OpenMode::Create).expect("a fixture that opens");
            records.add(&*store.reader());
        }
        for example in &records.examples {
            assert_eq!(records.run(example), Ok(Verdict::Taken), "{}", example.escape_ascii());
        }
        records
    }

    fn add(&mut self, reader: &dyn Reader) {
        for row in reader.rows_from(1, usize::MAX).expect("its journal can be read") {
            self.examples.push(written(&row.record));
        }
        for StoredAccount { account, trail } in reader.accounts(None, usize::MAX).expect("its accounts can be read") {
            let place = u16::try_from(self.columns.len()).expect("few accounts");
            let text = account_to_json(&account, &trail);
            self.examples.push([b"A".as_slice(), &place.to_be_bytes(), text.as_bytes()].concat());
            let (number, studio, id) = (account.number, account.studio, account.id.clone());
            self.columns.push(Columns { number, studio, id, seq: account.seq, head: account.head });
        }
        let report = verify(reader, &mut |_| ()).expect("a fixture holds");
        let seal = Seal::of(&report, Time::from_micros(1_769_853_600_000_000));
        self.examples.push([b"S", seal.to_text().as_bytes()].concat());
    }
}

impl Default for Records {
    fn default() -> Records {
        Records::new()
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a fixture") {
        let path = entry.expect("a folder that can be listed").path();
        let name = path.file_name().expect("a file has a name");
        std::fs::copy(&path, to.join(name)).expect("there is room");
    }
}

/// A record in bytes.
fn written(record: &Record) -> Vec<u8> {
    let mut out = b"R".to_vec();
    out.extend(record.account.0.to_be_bytes());
    out.extend(record.seq.to_be_bytes());
    out.extend(record.at.micros().to_be_bytes());
    out.push(record.kind.number());
    for amount in [record.credits, record.held, record.available_after, record.remaining_after] {
        out.extend(amount.millionths().to_be_bytes());
    }
    let tool = record.tool.as_ref().map_or("", ToolId::as_str).as_bytes();
    out.push(u8::try_from(tool.len()).expect("a tool's id is short"));
    out.extend(tool);
    out.extend(u16::try_from(record.body.len()).expect("bodies are short").to_be_bytes());
    out.extend(&record.body);
    out.extend(record.texts.as_deref().unwrap_or("").as_bytes());
    out
}

/// The record of some bytes, if they are of one.
fn read(bytes: &[u8]) -> Option<Record> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let word = |place: usize| i64::from_be_bytes(head[place..place + 8].try_into().expect("eight bytes"));
    let amount = |place: usize| {
        let millionths = word(25 + 8 * place);
        let most = Credits::MAX.millionths();
        (-most..=most).contains(&millionths).then(|| Credits::from_millionths(millionths))
    };
    let at = word(16);
    let (length, rest) = rest.split_first()?;
    let (tool, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().expect("two bytes")));
    let (body, texts) = rest.split_at_checked(length)?;
    Some(Record {
        account: AccountNumber(word(0).cast_unsigned()),
        seq: word(8).cast_unsigned(),
        at: (0..=Time::MAX.micros()).contains(&at).then(|| Time::from_micros(at))?,
        kind: Kind::from_number(head[24])?,
        credits: amount(0)?,
        held: amount(1)?,
        available_after: amount(2)?,
        remaining_after: amount(3)?,
        tool: if tool.is_empty() { None } else { Some(ToolId::parse(std::str::from_utf8(tool).ok()?).ok()?) },
        body: body.to_vec(),
        hash: Hash::default(),
        texts: if texts.is_empty() { None } else { Some(std::str::from_utf8(texts).ok()?.into()) },
    })
}

/// A record that is read is written again as it was.
fn record(bytes: &[u8]) -> Result<Verdict, String> {
    let Some(mut record) = read(bytes) else { return Ok(Verdict::Refused) };
    record.hash = chain(&record, Hash::default());
    let Ok(entry) = decode(&record) else { return Ok(Verdict::Refused) };
    let again = encode(&entry, Hash::default());
    if again == record { Ok(Verdict::Taken) } else { Err(format!("{record:?} is read and written as {again:?}")) }
}

impl Target for Records {
    fn name(&self) -> &'static str {
        "records"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        let mut input = prng.pick(&self.examples).clone();
        let kind = input[0];
        let mut inside = input.split_off(1);
        Material { examples: &self.examples, words: WORDS }.mutate(prng, &mut inside);
        [&[kind], inside.as_slice()].concat()
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((kind, inside)) = input.split_first() else { return Ok(Verdict::Refused) };
        match kind {
            b'R' => record(inside),
            b'A' => {
                let Some((place, text)) = inside.split_at_checked(2) else { return Ok(Verdict::Refused) };
                let place = usize::from(u16::from_be_bytes(place.try_into().expect("two bytes")));
                let columns = self.columns[place % self.columns.len()].clone();
                let Ok(text) = std::str::from_utf8(text) else { return Ok(Verdict::Refused) };
                let Ok(StoredAccount { account, trail }) = account_from_json(columns, text) else {
                    return Ok(Verdict::Refused);
                };
                let again = account_to_json(&account, &trail);
                if again == text { Ok(Verdict::Taken) } else { Err(format!("it is written again as {again}")) }
            }
            _ => {
                let Ok(text) = std::str::from_utf8(inside) else { return Ok(Verdict::Refused) };
                let Ok(seal) = Seal::parse(text) else { return Ok(Verdict::Refused) };
                let again = seal.to_text();
                if again == text { Ok(Verdict::Taken) } else { Err(format!("it is written again as {again}")) }
            }
        }
    }
}
