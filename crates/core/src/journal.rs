//! The journal's record format and hash chain (R28, R29); described byte by byte in `docs/journal.md`.
//!
//! A record is a handful of readable fields, a binary body with everything else, and the chain's
//! value after it. Each entry has exactly one record and each record one entry: [`decode`] refuses
//! whatever [`encode`] would not have written. Free texts lie beside the chained record, so that
//! they can be erased without breaking the chain.

mod bytes;
mod event;
mod movement;
mod order;
mod text;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use sha2::{Digest, Sha256};

use self::bytes::{Problem, Reader, Writer};
use self::event::Context;
use crate::account::{Hash, Totals};
use crate::amount::Credits;
use crate::entry::{Bound, Entry, Kind, Term};
use crate::id::{AccountNumber, ToolId};
use crate::time::Time;

pub use crate::term::terms;

/// The newest record format that is known here. A record is written in the lowest that can say it, and says which in
/// the first byte of its body; so what an earlier scrip could have written is written as it would have.
pub const FORMAT: u8 = 3;

/// An entry in its stored form. The readable fields and `body` together are the chained record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub account: AccountNumber,
    /// Its place in the account's journal.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// What kind.
    pub kind: Kind,
    /// The tool, if any.
    pub tool: Option<ToolId>,
    /// Signed change of remaining.
    pub credits: Credits,
    /// Signed change of held.
    pub held: Credits,
    /// remaining − held − frozen after it.
    pub available_after: Credits,
    /// Remaining after it.
    pub remaining_after: Credits,
    /// Everything else, in the binary form that `docs/journal.md` describes.
    pub body: Vec<u8>,
    /// The chain's value after it.
    pub hash: Hash,
    /// The free texts and their salt as a JSON object; `None` where there are none.
    pub texts: Option<Box<str>>,
}

/// A stored record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} of account {account}: {problem}", account = .account.0)]
pub struct Damaged {
    /// Whose.
    pub account: AccountNumber,
    /// Which.
    pub seq: u64,
    /// What is wrong.
    pub problem: &'static str,
}

// What a body holds, one bit each; absent lists are empty and absent amounts zero.
const MAKES: u8 = 0b0000_0001;
const LOTS: u8 = 0b0000_0010;
const DEBT: u8 = 0b0000_0100;
const BOOKS: u8 = 0b0000_1000;
const FROZEN: u8 = 0b0001_0000;
const OWED: u8 = 0b0010_0000;
const BOUND: u8 = 0b0100_0000;
const TEXTS: u8 = 0b1000_0000;

/// The stored form of an entry that follows an entry whose chain value is `previous`.
///
/// Panics where the entry says a thing in two ways that differ, such as a placed hold whose id is not its
/// entry's: such an entry is a mistake of the rules, and must not be stored.
pub fn encode(entry: &Entry, previous: Hash) -> Record {
    let mut record = Record {
        account: entry.account,
        seq: entry.seq,
        at: entry.at,
        kind: entry.event.kind(),
        tool: entry.tool().cloned(),
        credits: entry.credits(),
        held: entry.held(),
        available_after: entry.after.available(),
        remaining_after: entry.after.remaining,
        body: Vec::new(),
        hash: Hash::default(),
        texts: text::to_json(&entry.texts),
    };
    record.body = write_body(entry, &record);
    record.hash = chain(&record, previous);
    record
}

/// The entry of a stored record. Refuses anything that `encode` would not have written; does not know what
/// the chain's value ought to be: see [`chain`].
pub fn decode(record: &Record) -> Result<Entry, Damaged> {
    read_body(record).map_err(|problem| Damaged { account: record.account, seq: record.seq, problem })
}

/// The chain value that a record ought to have: SHA-256 of the previous value, the readable fields and the body.
pub fn chain(record: &Record, previous: Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(previous.0);
    hash.update(head(record));
    match &record.tool {
        None => hash.update([0]),
        Some(tool) => {
            let tool = tool.as_str().as_bytes();
            hash.update([u8::try_from(tool.len()).expect("a tool's id has at most 64 letters")]);
            hash.update(tool);
        }
    }
    hash.update(&record.body);
    Hash(hash.finalize().into())
}

/// The readable fields of fixed size, each big-endian, in the order of [`Record`].
fn head(record: &Record) -> [u8; 57] {
    let mut head = [0; 57];
    head[0..8].copy_from_slice(&record.account.0.to_be_bytes());
    head[8..16].copy_from_slice(&record.seq.to_be_bytes());
    head[16..24].copy_from_slice(&record.at.micros().to_be_bytes());
    head[24] = record.kind.number();
    let amounts = [record.credits, record.held, record.available_after, record.remaining_after];
    for (place, amount) in head[25..].chunks_exact_mut(8).zip(amounts) {
        place.copy_from_slice(&amount.millionths().to_be_bytes());
    }
    head
}

fn context<'a>(record: &'a Record, format: u8, debt: Credits, lots: &'a [crate::entry::LotChange]) -> Context<'a> {
    Context {
        format,
        seq: record.seq,
        at: record.at,
        tool: record.tool.as_ref(),
        credits: record.credits,
        held: record.held,
        debt,
        lots,
    }
}

fn write_body(entry: &Entry, record: &Record) -> Vec<u8> {
    let mut out = Writer::with_capacity(96);
    let present = [
        (MAKES, !entry.makes.is_empty()),
        (LOTS, !entry.lots.is_empty()),
        (DEBT, !entry.debt.is_zero()),
        (BOOKS, !entry.books.is_empty()),
        (FROZEN, !entry.after.frozen.is_zero()),
        (OWED, !entry.after.debt.is_zero()),
        (BOUND, entry.bound.is_some()),
        (TEXTS, !entry.texts.fields.is_empty()),
    ];
    let marks = present.into_iter().filter(|(_, there)| *there).fold(0, |marks, (bit, _)| marks | bit);
    let format = event::lowest_format(entry);
    out.byte(format);
    out.byte(marks);
    if marks & MAKES != 0 {
        movement::write_makes(&mut out, &entry.makes, entry.at);
    }
    if marks & LOTS != 0 {
        movement::write_lots(&mut out, &entry.lots);
    }
    if marks & DEBT != 0 {
        out.credits(entry.debt);
    }
    if marks & BOOKS != 0 {
        movement::write_books(&mut out, &entry.books);
    }
    if marks & FROZEN != 0 {
        out.credits(entry.after.frozen);
    }
    if marks & OWED != 0 {
        out.credits(entry.after.debt);
    }
    event::write(&mut out, entry, &context(record, format, entry.debt, &entry.lots));
    if let Some(bound) = &entry.bound {
        out.raw(&bound.term.0.to_be_bytes());
        out.raw(&bound.content.to_be_bytes());
        out.byte(bound.back);
    }
    if marks & TEXTS != 0 {
        text::write_digests(&mut out, &entry.texts);
    }
    out.finish()
}

fn read_body(record: &Record) -> Result<Entry, Problem> {
    check_head(record)?;
    let mut body = Reader::new(&record.body);
    let format = body.byte()?;
    if !(1..=FORMAT).contains(&format) {
        return Err("a record format that is not known here; a newer scrip may have written it");
    }
    let marks = body.byte()?;
    let makes = if marks & MAKES == 0 { Vec::new() } else { movement::read_makes(&mut body, record.at)? };
    let lots =
        if marks & LOTS == 0 { Vec::new() } else { movement::read_lots(&mut body, record.credits, record.held)? };
    if lots.is_empty() && !(record.credits.is_zero() && record.held.is_zero()) {
        return Err("credits moved, but of no lot");
    }
    let debt = if marks & DEBT == 0 { Credits::ZERO } else { body.some_credits()? };
    let books = if marks & BOOKS == 0 { Vec::new() } else { movement::read_books(&mut body)? };
    let frozen = if marks & FROZEN == 0 { Credits::ZERO } else { body.some_credits()? };
    let owed = if marks & OWED == 0 { Credits::ZERO } else { body.some_credits()? };
    let event = event::read(&mut body, record.kind, &context(record, format, debt, &lots))?;
    let bound = if marks & BOUND == 0 { None } else { Some(read_bound(&mut body)?) };
    let fields = if marks & TEXTS == 0 { Vec::new() } else { text::read_digests(&mut body)? };
    body.end()?;
    let after = Totals {
        remaining: record.remaining_after,
        held: record.remaining_after - record.available_after - frozen,
        frozen,
        debt: owed,
    };
    let texts = text::join(fields, record.texts.as_deref())?;
    let entry = Entry {
        account: record.account,
        seq: record.seq,
        at: record.at,
        event,
        makes,
        lots,
        debt,
        books,
        after,
        bound,
        texts,
    };
    match format.cmp(&event::lowest_format(&entry)) {
        Ordering::Less => Err("a thing that its record's format does not have"),
        Ordering::Equal => Ok(entry),
        Ordering::Greater => Err("a higher record format than the entry needs"),
    }
}

fn check_head(record: &Record) -> Result<(), Problem> {
    let amounts = [record.credits, record.held, record.available_after, record.remaining_after];
    if !amounts.iter().all(|amount| amount.within_limit()) {
        return Err("an amount beyond the limit");
    }
    if !(Time::EPOCH..=Time::MAX).contains(&record.at) {
        return Err("a time out of range");
    }
    Ok(())
}

fn read_bound(body: &mut Reader<'_>) -> Result<Bound, Problem> {
    Ok(Bound {
        term: Term(u128::from_be_bytes(body.array()?)),
        content: u64::from_be_bytes(body.array()?),
        back: body.byte()?,
    })
}
