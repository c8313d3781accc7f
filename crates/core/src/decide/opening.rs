//! Opening an account with what its customer had elsewhere (an *opening*).
//!
//! An opening is one command, so that an account is there whole or not at all. It grants nothing that was used before:
//! the opening subscription lot is the present cycle's refill with what is left of it, and the next turn refills as
//! always. The subscription's own rules take over from the instant of opening.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::Catalogs;
use crate::command::{Opening, OpeningLot, OpeningSubscription};
use crate::consequence::part_used_refill;
use crate::decide::scribe::Scribe;
use crate::decide::subscription::{begun, offered, write_change};
use crate::decide::{Decision, account, grant, invalid};
use crate::draft::Draft;
use crate::entry::{Book, Event, SubscriptionChange, TextField};
use crate::lot::NewLot;
use crate::plan::{Subscription, SubscriptionState};
use crate::rejection::Rejection;
use crate::time::{Time, Zone};

/// Something that stands in the way of an opening, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningFault {
    /// Where it is.
    pub part: OpeningPart,
    /// What it is.
    pub rejection: Rejection,
}

/// A part of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningPart {
    /// Its settings, or all of it together.
    Account,
    /// Its subscription.
    Subscription,
    /// A lot, by its place.
    Lot(usize),
}

/// All that stands in the way of an opening of a new account at an instant; none: it would be accepted.
pub fn opening_faults(unopened: &Account, catalogs: &Catalogs, opening: &Opening, at: Time) -> Vec<OpeningFault> {
    shape_faults(opening).chain(present_faults(unopened, catalogs, opening, at)).collect()
}

/// What is wrong with an opening wherever and whenever it comes.
pub(super) fn check_shape(opening: &Opening) -> Result<(), Rejection> {
    first(shape_faults(opening))
}

/// What is wrong with an opening here and now. An account that exists is not opened again.
pub(super) fn check_present(
    account: &Account,
    catalogs: &Catalogs,
    opening: &Opening,
    at: Time,
) -> Result<(), Rejection> {
    if account.seq > 0 {
        return Err(invalid("account", "an account that does not exist yet"));
    }
    first(present_faults(account, catalogs, opening, at))
}

fn first(mut faults: impl Iterator<Item = OpeningFault>) -> Result<(), Rejection> {
    faults.next().map_or(Ok(()), |fault| Err(fault.rejection))
}

/// Opens the account, which has been checked.
pub(super) fn open(mut scribe: Scribe<'_>, opening: &Opening) -> Result<Decision, Rejection> {
    account::open(&mut scribe, &opening.settings);
    if let Some(brought) = &opening.subscription {
        subscribe(&mut scribe, brought)?;
    }
    for lot in &opening.lots {
        bring(&mut scribe, lot);
    }
    Ok(scribe.finish())
}

/// The subscription as it stood elsewhere. A cycle that had its refill has reached the allowance, whatever state came
/// after it: becoming active again does not grant it twice (R17a).
fn subscribe(scribe: &mut Scribe<'_>, brought: &OpeningSubscription) -> Result<(), Rejection> {
    let at = scribe.at();
    let zone = scribe.account().zone.clone();
    let terms = offered(scribe.before, scribe.catalogs, &brought.plan, at)?;
    let subscription = begun(unstarted(brought, terms, zone), at);
    let refilled = brought.remaining.and_then(|remaining| Some((subscription.cycle_at(at)?, remaining)));
    let state = match refilled {
        Some(_) => SubscriptionState::Active,
        None => brought.state,
    };
    // What is past due is not paid: its first payment is for the present term, not for one ahead (R17a).
    let unpaid = (brought.state == SubscriptionState::PastDue).then(|| subscription.cycle_at(at).unwrap_or(0));
    let paid_until = if refilled.is_none() { unpaid } else { None };
    let started = Subscription { state, paid_until, ..subscription }.scheduled();
    write_change(scribe, SubscriptionChange::Started, Some(started.clone()));
    let Some((cycle, remaining)) = refilled else { return Ok(()) };
    scribe.write(part_used_refill(started, cycle, remaining));
    if brought.state != state
        && let Some(refilled) = scribe.account().subscription.as_deref().cloned()
    {
        let paid_until = unpaid.or(refilled.paid_until);
        let stands = Subscription { state: brought.state, paid_until, ..refilled }.scheduled();
        write_change(scribe, SubscriptionChange::StateChanged, Some(stands));
    }
    Ok(())
}

fn unstarted(brought: &OpeningSubscription, terms: crate::plan::PlanTerms, zone: Zone) -> Subscription {
    Subscription {
        terms,
        state: brought.state,
        anchor: brought.anchor,
        zone,
        term_start: 0,
        reached: None,
        next: None,
        paid_until: None,
        turns_at: None,
    }
}

/// A lot with what is left of it.
fn bring(scribe: &mut Scribe<'_>, lot: &OpeningLot) {
    let OpeningLot { grant, granted } = lot;
    let new = NewLot {
        class: grant.class,
        priority: grant.priority.unwrap_or(grant.class.default_priority()),
        expires_at: grant.expires_at,
        granted: *granted,
    };
    let texts = scribe.texts([(TextField::Reason, Some(&grant.reason))]);
    let draft = Draft::new(Event::Granted).making_part_used(new, grant.credits);
    scribe.write(draft.book(Book::Issued, -grant.credits).texts(texts));
}

fn fault(part: OpeningPart) -> impl Fn(Rejection) -> OpeningFault {
    move |rejection| OpeningFault { part, rejection }
}

fn shape_faults(opening: &Opening) -> impl Iterator<Item = OpeningFault> {
    let too_many = (opening.lots.len() > Opening::LOTS_MAX)
        .then(|| invalid("lots", format!("at most {} lots", Opening::LOTS_MAX)))
        .map(fault(OpeningPart::Account));
    let subscription = opening.subscription.iter().filter_map(|brought| brought.remaining);
    let negative = subscription
        .filter(|remaining| remaining.is_negative())
        .map(|_| invalid("subscription_remaining", "zero or more"))
        .map(fault(OpeningPart::Subscription));
    let lots = opening.lots.iter().enumerate().flat_map(|(place, lot)| {
        let granted = (lot.granted < lot.grant.credits || !lot.granted.within_limit())
            .then(|| invalid("granted", format!("at least what is left, {}, and within the limit", lot.grant.credits)));
        grant::check_shape(&lot.grant).err().into_iter().chain(granted).map(fault(OpeningPart::Lot(place)))
    });
    too_many.into_iter().chain(negative).chain(lots)
}

fn present_faults(
    account: &Account,
    catalogs: &Catalogs,
    opening: &Opening,
    at: Time,
) -> impl Iterator<Item = OpeningFault> {
    let types = opening.settings.project_types.as_ref();
    let settings = types.and_then(|types| account::check_project_types(account, catalogs, types, at).err());
    let zone = opening.settings.zone.clone().unwrap_or_else(Zone::utc);
    let subscription = opening.subscription.as_ref();
    let subscription = subscription.and_then(|brought| {
        let terms = offered(account, catalogs, &brought.plan, at);
        terms.and_then(|terms| check_remaining(&unstarted(brought, terms, zone), brought, at)).err()
    });
    let lots =
        opening.lots.iter().enumerate().filter_map(move |(place, lot)| {
            grant::check_ahead(&lot.grant, at).err().map(fault(OpeningPart::Lot(place)))
        });
    let too_much = (!fits(opening)).then_some(Rejection::AmountLimit);
    let settings = settings.into_iter().chain(too_much).map(fault(OpeningPart::Account));
    settings.chain(subscription.map(fault(OpeningPart::Subscription))).chain(lots)
}

/// What is left of the present cycle is of its one refill, and is said where there was one.
fn check_remaining(subscription: &Subscription, brought: &OpeningSubscription, at: Time) -> Result<(), Rejection> {
    let remaining = brought.remaining;
    let as_of = brought.as_of.unwrap_or(at);
    let refused = |expected: String| Err(invalid("subscription_remaining", expected));
    let allowance = subscription.terms.allowance;
    match (subscription.cycle_at(at), remaining) {
        (None, Some(remaining)) if remaining.is_positive() => {
            refused(format!("nothing, as the subscription begins only at its anchor, {}", subscription.anchor))
        }
        (Some(_), None) if subscription.state == SubscriptionState::Active => {
            refused(format!("what is left of this cycle's {allowance}: 0 where nothing is"))
        }
        (Some(_), Some(remaining)) if remaining > allowance => {
            refused(format!("at most {allowance}, which {} grants in a cycle", subscription.terms.plan))
        }
        // Credits of a cycle that has ended since would be taken for those of the present one.
        (Some(_), Some(_)) if subscription.cycle_at(as_of) != subscription.cycle_at(at) => {
            refused(format!("what is left of the cycle that has begun since {as_of}, the time that the file tells of"))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Whether the account stays within what an account may hold (R1). Sums that are wrong in other ways too are not judged.
fn fits(opening: &Opening) -> bool {
    let brought = opening.subscription.iter().filter_map(|brought| brought.remaining);
    let lots = opening.lots.iter().map(|lot| lot.grant.credits);
    let mut total = crate::amount::Total::ZERO;
    brought.chain(lots).for_each(|credits| total += credits);
    total.millionths() <= i128::from(Credits::MAX.millionths())
}
