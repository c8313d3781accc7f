//! Setting the automatic top-up. What it then does is in [`crate::top_up`].

use crate::command::PutTopUp;
use crate::decide::invalid;
use crate::decide::scribe::Scribe;
use crate::draft::Draft;
use crate::entry::Event;
use crate::rejection::Rejection;
use crate::tally::Tally;
use crate::top_up::{AutomaticTopUp, Switch, TopUpChange, within_one_order};

/// What is wrong with the settings whatever the account.
pub(super) fn check_shape(put: &PutTopUp) -> Result<(), Rejection> {
    for (field, credits) in [("below", put.below), ("up_to", put.up_to)] {
        match credits {
            Some(credits) if !credits.is_positive() => return Err(invalid(field, "more than zero")),
            Some(credits) if !credits.within_limit() => return Err(Rejection::AmountLimit),
            Some(_) | None => {}
        }
    }
    for (field, most) in [("per_day", put.per_day), ("per_month", put.per_month)] {
        if most == Some(Some(0)) {
            return Err(invalid(field, "1 or more"));
        }
    }
    Ok(())
}

/// Puts the settings as asked; absent ones stay. Switching it on, or changing what it does, takes off its brakes. Makes
/// nothing when they stand so already.
pub(super) fn put(scribe: &mut Scribe<'_>, put: &PutTopUp) -> Result<(), Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    let stands = account.top_up.as_deref();
    let package = put.package.as_ref().or(stands.map(|stands| &stands.package));
    let package = package.ok_or_else(|| invalid("package", "a package, since the account has no automatic top-up"))?;
    let below = put.below.or(stands.map(|stands| stands.below));
    let below = below.ok_or_else(|| invalid("below", "credits, since the account has no automatic top-up"))?;
    let up_to = put.up_to.or(stands.map(|stands| stands.up_to)).unwrap_or(below).max(below);
    let catalog = scribe.catalogs.in_force(account.studio, at);
    let offered = catalog.and_then(|published| published.catalog.package(package.as_str()));
    if put.package.is_some() && offered.is_none() {
        return Err(Rejection::PackageNotFound);
    }
    if offered.is_some_and(|offered| !within_one_order(offered, up_to)) {
        return Err(invalid("up_to", "no more than 100 of the package bring"));
    }
    let top_up = AutomaticTopUp {
        package: package.clone(),
        below,
        up_to,
        per_day: put.per_day.unwrap_or(stands.and_then(|stands| stands.per_day)),
        per_month: put.per_month.unwrap_or(stands.and_then(|stands| stands.per_month)),
        switch: put.switch.or(stands.map(|stands| stands.switch)).unwrap_or(Switch::On),
        order: stands.and_then(|stands| stands.order),
        armed: true,
        declines: 0,
        waits_until: None,
        placed: stands.map_or_else(Tally::default, |stands| stands.placed),
    };
    if stands.is_none_or(|stands| settings(stands) != settings(&top_up)) {
        let change = TopUpChange::Set;
        scribe.write(Draft::new(Event::AutomaticTopUpChanged { change, top_up: Box::new(top_up) }));
    }
    Ok(())
}

/// What can be put of it, without where it stands.
fn settings(top_up: &AutomaticTopUp) -> AutomaticTopUp {
    AutomaticTopUp {
        order: None,
        armed: true,
        declines: 0,
        waits_until: None,
        placed: Tally::default(),
        ..top_up.clone()
    }
}
