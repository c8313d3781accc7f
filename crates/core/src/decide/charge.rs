//! Charging at once.

use crate::command::PlaceCharge;
use crate::decide::scribe::Scribe;
use crate::decide::{Decision, afford, price};
use crate::draft::{Draft, paid};
use crate::entry::{Book, Event, TextField};
use crate::rejection::Rejection;
use crate::spend;

/// Takes the price from available credits in spend order (R11), or nothing.
pub(super) fn charge(mut scribe: Scribe<'_>, charge: &PlaceCharge) -> Result<Decision, Rejection> {
    let (account, at) = (scribe.before, scribe.at());
    let price = price(account, scribe.catalogs, &charge.cost, charge.expected, at)?;
    afford(account, scribe.catalogs, price.credits, at)?;
    let parts = spend::take(&account.lots, price.credits);
    let texts = scribe
        .texts([(TextField::Reference, charge.reference.as_deref()), (TextField::Member, charge.member.as_deref())]);
    let event = Event::Charged { priced: price.priced, credits: price.credits };
    scribe.write(Draft::new(event).lots(paid(&parts)).book(Book::Spent, price.credits).texts(texts));
    Ok(scribe.finish())
}
