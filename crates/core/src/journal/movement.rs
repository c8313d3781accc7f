//! The amounts of an entry: which lots it makes, how lots changed, and the studio's books.
//!
//! The record's readable fields say the sums of the lots' changes, so the last lot's own share is
//! what the others leave, and is not written.

use super::bytes::{Problem, Reader, Writer};
use crate::amount::Credits;
use crate::entry::{Book, LotChange, Posting};
use crate::hold::LotPart;
use crate::id::{LotId, OrderId};
use crate::lot::{Class, Lot, NewLot, Priority, Sold};
use crate::time::Time;

const CLASS: u8 = 0b0000_0011;
const INDEX: u8 = 0b0000_0100;
const REMAINING: u8 = 0b0000_1000;
const HELD: u8 = 0b0001_0000;
const FROZEN: u8 = 0b0010_0000;
const UNSPENT: u8 = 0b0100_0000;
const EXPIRES: u8 = 0b0000_0100;
const REVIVED_EXPIRES: u8 = 0b0000_1000;
const REVIVED_SOLD: u8 = 0b0001_0000;

const fn class_number(class: Class) -> u8 {
    match class {
        Class::Promo => 0,
        Class::MakeGood => 1,
        Class::Subscription => 2,
        Class::TopUp => 3,
    }
}

/// The class in the two lowest bits.
const fn class_of(shape: u8) -> Class {
    match shape & CLASS {
        0 => Class::Promo,
        1 => Class::MakeGood,
        2 => Class::Subscription,
        _ => Class::TopUp,
    }
}

fn flag(bit: u8, set: bool) -> u8 {
    if set { bit } else { 0 }
}

/// Writes the lots that the entry makes.
pub(super) fn write_makes(out: &mut Writer, makes: &[NewLot], at: Time) {
    out.count(makes.len());
    for lot in makes {
        out.byte(class_number(lot.class) | flag(EXPIRES, lot.expires_at.is_some()));
        out.byte(lot.priority.0);
        if let Some(expires_at) = lot.expires_at {
            out.time(expires_at, at);
        }
        out.credits(lot.granted);
    }
}

/// Reads the lots that the entry makes.
pub(super) fn read_makes(body: &mut Reader<'_>, at: Time) -> Result<Vec<NewLot>, Problem> {
    (0..some(body.count()?)?)
        .map(|_| {
            let shape = body.byte()?;
            if shape & !(CLASS | EXPIRES) != 0 {
                return Err("an unknown mark on a new lot");
            }
            let priority = Priority(body.byte()?);
            let expires_at = if shape & EXPIRES == 0 { None } else { Some(body.time(at)?) };
            Ok(NewLot { class: class_of(shape), priority, expires_at, granted: body.credits()? })
        })
        .collect()
}

/// Lists that are there are not empty: empty ones are left out.
pub(super) fn some(count: usize) -> Result<usize, Problem> {
    if count == 0 { Err("an empty list that should have been left out") } else { Ok(count) }
}

fn write_lot(out: &mut Writer, shape: u8, lot: LotId) {
    out.byte(shape | flag(INDEX, lot.index != 0));
    out.number(lot.seq);
    if lot.index != 0 {
        out.number(u64::from(lot.index));
    }
}

fn read_lot(body: &mut Reader<'_>) -> Result<(u8, LotId), Problem> {
    let shape = body.byte()?;
    let seq = body.number()?;
    let index = if shape & INDEX == 0 {
        0
    } else {
        match u16::try_from(body.number()?) {
            Ok(0) | Err(_) => return Err("a lot's index out of range"),
            Ok(index) => index,
        }
    };
    Ok((shape, LotId { seq, index }))
}

/// Writes how lots changed; the last lot's `remaining` and `held` are what the sums leave.
pub(super) fn write_lots(out: &mut Writer, lots: &[LotChange]) {
    out.count(lots.len());
    for (place, change) in lots.iter().enumerate() {
        let last = place + 1 == lots.len();
        let remaining = !last && !change.remaining.is_zero();
        let held = !last && !change.held.is_zero();
        let frozen = !change.frozen.is_zero();
        let shape = class_number(change.class) | flag(REMAINING, remaining) | flag(HELD, held) | flag(FROZEN, frozen);
        let shape = shape | flag(UNSPENT, change.unspent.is_some());
        write_lot(out, shape, change.lot);
        for (written, credits) in [(remaining, change.remaining), (held, change.held), (frozen, change.frozen)] {
            if written {
                out.credits(credits);
            }
        }
        change.unspent.into_iter().for_each(|unspent| out.credits(unspent));
    }
}

/// The lowest format that can say how lots changed.
pub(super) fn lowest_format_of_lots(lots: &[LotChange]) -> u8 {
    if lots.iter().any(|change| change.unspent.is_some()) { 3 } else { 1 }
}

/// The lowest format that can say lots that are brought back.
pub(super) fn lowest_format_of_revived(lots: &[Lot]) -> u8 {
    if lots.iter().any(|lot| lot.sold.is_some()) { 3 } else { 1 }
}

/// Reads how lots changed; their sums are `credits` and `held`.
pub(super) fn read_lots(body: &mut Reader<'_>, credits: Credits, held: Credits) -> Result<Vec<LotChange>, Problem> {
    let count = some(body.count()?)?;
    let (mut credits_left, mut held_left) = (Left::of(credits), Left::of(held));
    let mut lots = Vec::with_capacity(count);
    for place in 1..=count {
        let (shape, lot) = read_lot(body)?;
        let last = place == count;
        if shape & !(CLASS | INDEX | REMAINING | HELD | FROZEN | UNSPENT) != 0
            || (last && shape & (REMAINING | HELD) != 0)
        {
            return Err("an unknown mark on a lot");
        }
        let mut amount = |bit| if shape & bit == 0 { Ok(Credits::ZERO) } else { body.some_credits() };
        let (remaining, held, frozen) = (amount(REMAINING)?, amount(HELD)?, amount(FROZEN)?);
        let remaining = if last { credits_left.rest()? } else { credits_left.take(remaining)? };
        let held = if last { held_left.rest()? } else { held_left.take(held)? };
        let unspent = if shape & UNSPENT == 0 { None } else { Some(body.credits()?) };
        lots.push(LotChange { lot, class: class_of(shape), remaining, held, frozen, unspent });
    }
    Ok(lots)
}

/// What is left of a sum while its parts are read. Keeps count of the parts' sizes too, so that no
/// order of adding them up can overflow.
struct Left {
    credits: i64,
    size: i64,
}

impl Left {
    const fn of(credits: Credits) -> Left {
        Left { credits: credits.millionths(), size: 0 }
    }

    fn take(&mut self, part: Credits) -> Result<Credits, Problem> {
        const TOO_LARGE: Problem = "lots whose changes are beyond the limit";
        self.credits = self.credits.checked_sub(part.millionths()).ok_or(TOO_LARGE)?;
        self.size = self.size.checked_add(part.millionths().abs()).ok_or(TOO_LARGE)?;
        Ok(part)
    }

    fn rest(&mut self) -> Result<Credits, Problem> {
        let rest = Credits::from_millionths(self.credits);
        if rest.within_limit() { self.take(rest) } else { Err("a lot whose change is beyond the limit") }
    }
}

/// Writes parts of lots.
pub(super) fn write_parts(out: &mut Writer, parts: &[LotPart]) {
    out.count(parts.len());
    for part in parts {
        write_lot(out, class_number(part.class), part.lot);
        out.credits(part.credits);
    }
}

/// Reads parts of lots.
pub(super) fn read_parts(body: &mut Reader<'_>) -> Result<Vec<LotPart>, Problem> {
    (0..body.count()?)
        .map(|_| {
            let (shape, lot) = read_lot(body)?;
            if shape & !(CLASS | INDEX) != 0 {
                return Err("an unknown mark on a lot");
            }
            Ok(LotPart { lot, class: class_of(shape), credits: body.credits()? })
        })
        .collect()
}

/// Writes a lot with nothing in it, as it was made.
pub(super) fn write_revived(out: &mut Writer, lots: &[Lot], at: Time) {
    out.count(lots.len());
    for lot in lots {
        assert!(
            lot.remaining.is_zero() && lot.held.is_zero() && lot.frozen.is_zero(),
            "a lot that is brought back has nothing in it: {lot:?}"
        );
        let shape = flag(REVIVED_EXPIRES, lot.expires_at.is_some()) | flag(REVIVED_SOLD, lot.sold.is_some());
        write_lot(out, class_number(lot.class) | shape, lot.id);
        out.byte(lot.priority.0);
        out.time(lot.granted_at, at);
        if let Some(expires_at) = lot.expires_at {
            out.time(expires_at, at);
        }
        out.credits(lot.granted);
        if let Some(sold) = lot.sold {
            out.number(sold.order.seq);
            out.number(u64::from(sold.order.index));
            out.credits(sold.unspent);
        }
    }
}

/// Reads lots with nothing in them.
pub(super) fn read_revived(body: &mut Reader<'_>, at: Time) -> Result<Vec<Lot>, Problem> {
    (0..body.count()?)
        .map(|_| {
            let (shape, id) = read_lot(body)?;
            if shape & !(CLASS | INDEX | REVIVED_EXPIRES | REVIVED_SOLD) != 0 {
                return Err("an unknown mark on a lot");
            }
            Ok(Lot {
                id,
                class: class_of(shape),
                priority: Priority(body.byte()?),
                granted_at: body.time(at)?,
                expires_at: if shape & REVIVED_EXPIRES == 0 { None } else { Some(body.time(at)?) },
                granted: body.credits()?,
                remaining: Credits::ZERO,
                held: Credits::ZERO,
                frozen: Credits::ZERO,
                sold: if shape & REVIVED_SOLD == 0 { None } else { Some(read_sold(body)?) },
            })
        })
        .collect()
}

fn read_sold(body: &mut Reader<'_>) -> Result<Sold, Problem> {
    let order = OrderId { seq: body.number()?, index: super::event::read_index(body)? };
    Ok(Sold { order, unspent: body.credits()? })
}

const fn book_number(book: Book) -> u8 {
    match book {
        Book::Issued => 1,
        Book::Sold => 2,
        Book::Spent => 3,
        Book::Expired => 4,
        Book::Refunded => 5,
        Book::Uncollected => 6,
    }
}

/// The most postings of an entry: a bound on what their sum can be.
const BOOKS_MAX: usize = 2 * Book::ALL.len();

/// Writes the other side of the entry. In full, although the sums would tell the last one: `verify` proves
/// double entry by it (R28).
pub(super) fn write_books(out: &mut Writer, books: &[Posting]) {
    out.count(books.len());
    for posting in books {
        out.byte(book_number(posting.book));
        out.credits(posting.credits);
    }
}

/// Reads the other side of the entry.
pub(super) fn read_books(body: &mut Reader<'_>) -> Result<Vec<Posting>, Problem> {
    let count = some(body.count()?)?;
    if count > BOOKS_MAX {
        return Err("more postings than there are books");
    }
    (0..count)
        .map(|_| {
            let number = body.byte()?;
            let book = Book::ALL.into_iter().find(|book| book_number(*book) == number).ok_or("an unknown book")?;
            Ok(Posting { book, credits: body.credits()? })
        })
        .collect()
}
