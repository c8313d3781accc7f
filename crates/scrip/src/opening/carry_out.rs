//! Openings on an engine: whether they could be carried out, and carrying them out.
//!
//! It runs inside a running server, or on a store that the command opened itself: see [`crate::admin`]. It trusts nothing
//! that was found out before: whatever is carried out is looked at once more.

use scrip_api::problem::Problem;
use scrip_core::account::Account;
use scrip_core::command::Command;
use scrip_core::decide::{OpeningPart, opening_faults};
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::Engine;
use scrip_engine::engine::{Outcome, Refusal, Request};
use scrip_engine::opening::Origin;
use scrip_engine::store::StoreError;

use super::wire::{ByClass, FaultWire, OpeningWire, PartWire, Verdict, Written, write_sums};

/// Why openings could be neither judged nor carried out.
pub(crate) type Trouble = String;

/// Openings of a studio's accounts, as they were at an instant.
pub(crate) struct Asked {
    /// Whose customers.
    pub(crate) studio: StudioNumber,
    /// The instant that the openings tell of.
    pub(crate) as_of: Time,
    /// The openings.
    pub(crate) openings: Vec<OpeningWire>,
}

/// A verdict on each opening, in their order. Writes nothing.
pub(crate) fn check(engine: &Engine, asked: Asked) -> Result<Vec<Verdict>, Trouble> {
    let Asked { studio, as_of, openings } = asked;
    read(openings, as_of)?.iter().map(|arrival| verdict(engine, studio, arrival)).collect()
}

/// Carries out the openings that nothing stands in the way of, and reads back from the store what they brought.
pub(crate) async fn carry_out(engine: &Engine, asked: Asked) -> Result<Written, Trouble> {
    let Asked { studio, as_of, openings } = asked;
    let arrivals = read(openings, as_of)?;
    let mut written = Written::default();
    let mut requests = Vec::new();
    let mut places = Vec::new();
    let verdicts: Result<Vec<_>, _> =
        tokio::task::block_in_place(|| arrivals.iter().map(|arrival| verdict(engine, studio, arrival)).collect());
    for (place, (verdict, (account, command))) in verdicts?.into_iter().zip(&arrivals).enumerate() {
        match verdict {
            Verdict::New => {
                requests.push(Request { studio, account: account.clone(), key: None, command: command.clone() });
                places.push(place);
            }
            Verdict::There => written.there += 1,
            Verdict::Taken { .. } | Verdict::Faulty { .. } => written.refused.push((place, verdict)),
        }
    }
    for (place, outcome) in places.into_iter().zip(engine.submit_many(requests).await) {
        match outcome {
            Ok(Outcome { replayed: false, .. }) => written.opened += 1,
            Ok(Outcome { replayed: true, .. }) => written.there += 1,
            // Something happened since it was looked at: it is looked at again for what.
            Err(Refusal::Rejected(rejection)) => written.refused.push((place, rejected(&rejection))),
            Err(Refusal::Unavailable(why)) => return Err(why.to_owned()),
        }
    }
    let brought = tokio::task::block_in_place(|| brought(engine, studio, &arrivals))?;
    written.brought = write_sums(&brought);
    Ok(written)
}

/// An account and the command that opens it.
type Arrival = (AccountId, Command);

fn read(openings: Vec<OpeningWire>, as_of: Time) -> Result<Vec<Arrival>, Trouble> {
    let read = |wire: OpeningWire| {
        let (account, opening) = wire.opening(as_of)?;
        Ok((account, Command::OpenAccount(Box::new(opening))))
    };
    openings.into_iter().map(read).collect()
}

/// An account that is there is compared with its own opening, however long ago that was: what would be wrong with it
/// today does not count.
fn verdict(engine: &Engine, studio: StudioNumber, (account, command): &Arrival) -> Result<Verdict, Trouble> {
    let Command::OpenAccount(opening) = command else { return Err("not an opening".to_owned()) };
    let taken = |how: &str| Verdict::Taken { how: how.to_owned() };
    Ok(match engine.origin(studio, account).map_err(unreadable)? {
        Some(Origin::Opening(opened)) if opened.is(command) => Verdict::There,
        Some(Origin::Opening(_)) => taken("is there already, opened by an import that said something else of it"),
        Some(Origin::Otherwise) => taken("is there already, and was not opened by an import"),
        None => {
            let unopened = Account::unopened(studio, AccountNumber(0), account.clone());
            let faults = opening_faults(&unopened, &engine.catalogs(), opening, engine.now());
            let faults: Vec<_> = faults.iter().map(|found| fault(found.part, &found.rejection)).collect();
            if faults.is_empty() { Verdict::New } else { Verdict::Faulty { faults } }
        }
    })
}

fn fault(part: OpeningPart, rejection: &Rejection) -> FaultWire {
    let part = match part {
        OpeningPart::Account => PartWire::Account,
        OpeningPart::Subscription => PartWire::Subscription,
        OpeningPart::Lot(place) => PartWire::Lot(place),
    };
    let (field, problem) = match rejection {
        Rejection::InvalidRequest { field, expected } => (*field, format!("expected {expected}")),
        Rejection::PlanNotFound => ("plan", "the catalog in force has no such plan".to_owned()),
        Rejection::AmountLimit => ("credits", "an account holds at most 8,000,000,000 credits".to_owned()),
        other => ("account", Problem::from(other.clone()).detail),
    };
    FaultWire { part, field: field.to_owned(), problem }
}

fn rejected(rejection: &Rejection) -> Verdict {
    match rejection {
        Rejection::IdempotencyKeyReused => {
            Verdict::Taken { how: "was opened meanwhile by another import that said something else of it".to_owned() }
        }
        other => Verdict::Faulty { faults: vec![fault(OpeningPart::Account, other)] },
    }
}

/// What the store has of openings that were carried out.
fn brought(engine: &Engine, studio: StudioNumber, arrivals: &[Arrival]) -> Result<ByClass, Trouble> {
    let mut sums = ByClass::new();
    for (account, command) in arrivals {
        if let Some(Origin::Opening(opened)) = engine.origin(studio, account).map_err(unreadable)?
            && opened.is(command)
        {
            opened.lots.iter().for_each(|(class, credits)| *sums.entry(*class).or_default() += *credits);
        }
    }
    Ok(sums)
}

fn unreadable(error: StoreError) -> Trouble {
    format!("the store could not be read: {error}")
}
