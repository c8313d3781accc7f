//! Settling holds: what was used is charged, the rest is freed (R19, R21).

use crate::amount::Credits;
use crate::command::{SettleHold, Usage};
use crate::decide::hold::{has_expired, hold_texts};
use crate::decide::price::shortage;
use crate::decide::scribe::Scribe;
use crate::decide::{Decision, invalid};
use crate::draft::{Draft, paid, unchanged};
use crate::entry::{Book, Event, HoldSettled, LotChange};
use crate::hold::{Hold, HoldState, OnExcess, Priced};
use crate::id::ChargeId;
use crate::measure::Measures;
use crate::quote;
use crate::recall::find_hold;
use crate::rejection::Rejection;
use crate::spend;

/// What is wrong with a usage whatever the account: zero is allowed here, less is not (R19).
pub(super) fn check_shape(usage: &Usage) -> Result<(), Rejection> {
    match usage {
        Usage::Credits(credits) if credits.is_negative() => Err(invalid("credits", "zero or more")),
        Usage::Credits(credits) if !credits.within_limit() => Err(Rejection::AmountLimit),
        Usage::Credits(_) | Usage::Held | Usage::Measures(_) => Ok(()),
    }
}

/// Charges a hold that is open, or one that expired and was not settled yet.
pub(super) fn settle(mut scribe: Scribe<'_>, settle: &SettleHold) -> Result<Decision, Rejection> {
    let hold = find_hold(scribe.before, &settle.hold).ok_or(Rejection::HoldNotFound)?;
    let late = match hold.state {
        HoldState::Open => false,
        HoldState::Expired => true,
        state @ (HoldState::Settled | HoldState::Released) => return Err(Rejection::HoldNotOpen { state }),
    };
    let (priced, price) = price(&scribe, hold, &settle.usage)?;
    let on_excess = settle.on_excess.unwrap_or(hold.on_excess);
    let shares =
        if late { late_shares(&scribe, hold, price, on_excess) } else { shares(&scribe, hold, price, on_excess)? };
    let owed_after = scribe.before.debt + shares.debt;
    if !owed_after.within_limit() {
        return Err(Rejection::AmountLimit);
    }
    let settled = HoldSettled {
        hold: hold.id,
        priced,
        price,
        charged: shares.charged,
        freed: shares.freed,
        uncollected: shares.uncollected,
        debt: shares.debt,
        on_excess,
        late,
    };
    write(&mut scribe, hold, settled, shares.lots);
    Ok(scribe.finish())
}

/// What the job cost: priced by the version that the hold pinned (R7).
fn price(scribe: &Scribe<'_>, hold: &Hold, usage: &Usage) -> Result<(Priced, Credits), Rejection> {
    let measures = match usage {
        Usage::Held => return Ok((hold.priced.clone(), hold.credits)),
        Usage::Credits(credits) => return Ok((Priced { measures: Measures::none(), ..hold.priced.clone() }, *credits)),
        Usage::Measures(measures) => measures,
    };
    let Some(tool) = &hold.priced.tool else {
        return Err(invalid("measures", "credits, since the hold names no tool"));
    };
    let version = hold.priced.catalog_version;
    let published = scribe.catalogs.version(scribe.before.studio, version);
    let published = published.ok_or_else(|| Rejection::UnknownTool { tool: tool.as_str().into() })?;
    let credits = quote::price(&published.catalog, tool.as_str(), measures)?;
    Ok((Priced { measures: measures.clone(), ..hold.priced.clone() }, credits))
}

/// Who bears which part of a price.
struct Shares {
    lots: Vec<LotChange>,
    charged: Credits,
    freed: Credits,
    uncollected: Credits,
    debt: Credits,
}

/// The shares of an open hold: from the held lots in spend order; what is above the hold, by policy (R19).
fn shares(scribe: &Scribe<'_>, hold: &Hold, price: Credits, on_excess: OnExcess) -> Result<Shares, Rejection> {
    let from_hold = price.min(hold.credits);
    let excess = price - from_hold;
    let mut lots = from_held(hold, from_hold);
    let freed = hold.credits - from_hold;
    if excess.is_zero() || on_excess == OnExcess::Cap {
        return Ok(Shares { lots, charged: from_hold, freed, uncollected: excess, debt: Credits::ZERO });
    }
    let account = scribe.before;
    let available = account.totals().available();
    if on_excess == OnExcess::Extend && available < excess {
        // What is owed already does not stand in the way of work that was begun (R19), but new credits would repay it
        // first: what is short includes it, as the packages that would cover it must.
        return Err(Rejection::InsufficientCredits(shortage(account, scribe.catalogs, excess, scribe.at())));
    }
    let more = spend::take(&account.lots, excess);
    let taken = spend::sum(&more);
    for change in paid(&more) {
        match lots.iter_mut().find(|held| held.lot == change.lot) {
            Some(held) => held.remaining += change.remaining,
            None => lots.push(change),
        }
    }
    Ok(Shares { lots, charged: from_hold + taken, freed, uncollected: Credits::ZERO, debt: excess - taken })
}

/// The shares of a hold that expired: what is available now, in spend order; the rest is a debt by policy `debt`, else
/// uncollected (R21). `cap` still takes no more than was held.
fn late_shares(scribe: &Scribe<'_>, hold: &Hold, price: Credits, on_excess: OnExcess) -> Shares {
    let wanted = match on_excess {
        OnExcess::Cap => price.min(hold.credits),
        OnExcess::Extend | OnExcess::Debt => price,
    };
    let parts = spend::take(&scribe.before.lots, wanted);
    let charged = spend::sum(&parts);
    let (uncollected, debt) = match on_excess {
        OnExcess::Cap | OnExcess::Extend => (price - charged, Credits::ZERO),
        OnExcess::Debt => (Credits::ZERO, price - charged),
    };
    Shares { lots: paid(&parts), charged, freed: Credits::ZERO, uncollected, debt }
}

/// Takes `credits` from the held lots in spend order and frees the rest of them.
fn from_held(hold: &Hold, credits: Credits) -> Vec<LotChange> {
    let mut left = credits;
    let take = |part: &crate::hold::LotPart| {
        let taken = part.credits.min(left);
        left -= taken;
        LotChange { remaining: -taken, held: -part.credits, ..unchanged(part.lot, part.class) }
    };
    hold.parts.iter().map(take).collect()
}

/// The settle, and in entries of their own: what is owed, what nobody pays after the deadline, and what was freed of
/// lots that have come to their end.
fn write(scribe: &mut Scribe<'_>, hold: &Hold, settled: HoldSettled, lots: Vec<LotChange>) {
    let charge = ChargeId::first(scribe.next_seq());
    let tool = hold.priced.tool.clone();
    let texts = hold_texts(scribe, hold, None);
    let HoldSettled { charged, uncollected, debt, late, .. } = settled;
    let capped = if late { Credits::ZERO } else { uncollected };
    let lapses = lots.iter().any(|change| -change.held > -change.remaining && has_expired(scribe, change));
    let draft = Draft::new(Event::HoldSettled(settled)).lots(lots).texts(texts.clone());
    scribe.write(draft.book(Book::Spent, charged + capped).book(Book::Uncollected, -capped));
    if debt.is_positive() {
        let event = Event::DebtRecorded { charge, tool: tool.clone() };
        scribe.write(Draft::new(event).debt(debt).book(Book::Spent, debt).texts(texts.clone()));
    }
    if late && uncollected.is_positive() {
        let event = Event::WentUncollected { charge: Some(charge), tool, credits: uncollected };
        let draft = Draft::new(event).book(Book::Spent, uncollected).book(Book::Uncollected, -uncollected);
        scribe.write(draft.texts(texts));
    }
    if lapses {
        scribe.expire_freed();
    }
}
