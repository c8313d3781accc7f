//! Placing, extending and releasing holds (R18, R20, R22).

use crate::amount::Credits;
use crate::command::{AfterExpiry, PlaceHold, ReleaseHold};
use crate::consequence::make_good_lot;
use crate::decide::scribe::Scribe;
use crate::decide::{Decision, afford, price};
use crate::draft::{Draft, freed, set_aside};
use crate::entry::{Event, LotChange, TextField};
use crate::hold::{Hold, HoldState};
use crate::id::{HoldId, HoldRef};
use crate::recall::{find_hold, name_taken};
use crate::rejection::Rejection;
use crate::spend;

/// Sets the price aside in spend order, or nothing.
pub(super) fn place(mut scribe: Scribe<'_>, place: &PlaceHold) -> Result<Decision, Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    if place.name.as_ref().is_some_and(|name| name_taken(account, name)) {
        return Err(Rejection::HoldExists);
    }
    let price = price(account, scribe.catalogs, &place.cost, place.expected, at)?;
    afford(account, scribe.catalogs, price.credits, at)?;
    let parts = spend::take(&account.lots, price.credits);
    let lots = set_aside(&parts);
    let texts = scribe
        .texts([(TextField::Reference, place.reference.as_deref()), (TextField::Member, place.member.as_deref())]);
    let hold = Hold {
        id: HoldId::first(scribe.next_seq()),
        name: place.name.clone(),
        priced: price.priced,
        credits: price.credits,
        parts,
        placed_at: at,
        expires_at: at.plus_seconds(i64::from(place.expires_in.unwrap_or(price.hold_for))),
        on_excess: price.on_excess,
        reference: None,
        member: None,
        state: HoldState::Open,
    };
    scribe.write(Draft::new(Event::HoldPlaced { hold }).lots(lots).texts(texts));
    Ok(scribe.finish())
}

/// Moves the deadline to now + the asked time, never earlier than it was (R18).
pub(super) fn extend(mut scribe: Scribe<'_>, hold: &HoldRef, expires_in: u32) -> Result<Decision, Rejection> {
    let hold = open(find_hold(scribe.before, hold))?;
    let expires_at = scribe.at().plus_seconds(i64::from(expires_in)).max(hold.expires_at);
    let texts = hold_texts(&scribe, hold, None);
    let event = Event::HoldExtended { hold: hold.id, tool: hold.priced.tool.clone(), expires_at };
    scribe.write(Draft::new(event).texts(texts));
    Ok(scribe.finish())
}

/// Frees all that is held (R20). What is freed of an expired lot expires at once, or comes back as a make-good lot (R22).
pub(super) fn release(mut scribe: Scribe<'_>, release: &ReleaseHold) -> Result<Decision, Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    let hold = open(find_hold(account, &release.hold))?;
    let texts = hold_texts(&scribe, hold, release.reason.as_deref());
    let mut lots = freed(&hold.parts);
    let mut made_good = Credits::ZERO;
    if release.after_expiry == AfterExpiry::MakeGood {
        for change in lots.iter_mut().filter(|change| has_expired(&scribe, change)) {
            change.remaining = change.held;
            made_good -= change.remaining;
        }
    }
    let lapses = lots.iter().any(|change| change.remaining.is_zero() && has_expired(&scribe, change));
    let event = Event::HoldReleased { hold: hold.id, tool: hold.priced.tool.clone(), freed: hold.credits };
    let mut draft = Draft::new(event).lots(lots).texts(texts);
    if made_good.is_positive() {
        draft = draft.making(make_good_lot(account, made_good, at));
    }
    scribe.write(draft);
    if lapses {
        scribe.expire_freed();
    }
    if made_good.is_positive() {
        scribe.repay();
    }
    Ok(scribe.finish())
}

/// The hold, if it is open.
fn open(hold: Option<&Hold>) -> Result<&Hold, Rejection> {
    let hold = hold.ok_or(Rejection::HoldNotFound)?;
    match hold.state {
        HoldState::Open => Ok(hold),
        state @ (HoldState::Settled | HoldState::Released | HoldState::Expired) => {
            Err(Rejection::HoldNotOpen { state })
        }
    }
}

/// Whether the lot that changes has come to its end.
pub(super) fn has_expired(scribe: &Scribe<'_>, change: &LotChange) -> bool {
    scribe.before.lot(change.lot).is_some_and(|lot| lot.expired(scribe.at()))
}

/// The texts that every entry of a hold repeats (R30), and why it was made.
pub(super) fn hold_texts(scribe: &Scribe<'_>, hold: &Hold, reason: Option<&str>) -> crate::entry::Texts {
    scribe.texts([
        (TextField::Reference, hold.reference.as_deref()),
        (TextField::Member, hold.member.as_deref()),
        (TextField::Reason, reason),
    ])
}
