//! Giving credits back after a charge (R24).

use crate::account::{Account, ChargeFacts};
use crate::amount::Credits;
use crate::consequence::make_good_lot;
use crate::decide::Decision;
use crate::decide::scribe::Scribe;
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange, Refunded, TextField};
use crate::hold::LotPart;
use crate::id::{ChargeId, LotId};
use crate::lot::Lot;
use crate::recall::find_lot;
use crate::rejection::Rejection;
use crate::spend;

/// Gives back `credits` of a charge, or all that is left to refund.
pub(super) fn refund(
    mut scribe: Scribe<'_>,
    charge: ChargeId,
    credits: Option<Credits>,
    reason: &str,
) -> Result<Decision, Rejection> {
    let account = scribe.before;
    let facts = account.recalled.charges.get(&charge).and_then(Option::as_ref).ok_or(Rejection::ChargeNotFound)?;
    let of_debt = refundable_debt(account, facts);
    let refundable = spend::sum(&facts.parts) - spend::sum(&facts.refunded) + of_debt;
    let credits = credits.unwrap_or(refundable);
    if !credits.is_positive() || credits > refundable {
        return Err(Rejection::RefundExceedsCharge { refundable });
    }
    let returned = returned(&scribe, facts, credits);
    let to_lots = credits - returned.off_debt;
    if !(account.totals().remaining + to_lots).within_limit() {
        return Err(Rejection::AmountLimit);
    }
    let texts = scribe.texts([
        (TextField::Reference, facts.reference.as_deref()),
        (TextField::Member, facts.member.as_deref()),
        (TextField::Reason, Some(reason)),
    ]);
    let event = Event::Refunded(Refunded {
        charge,
        tool: facts.tool.clone(),
        credits,
        revived: returned.revived,
        refunded: returned.refunded,
        refunded_debt: returned.refunded_debt,
        repaid_back: returned.repaid_back,
    });
    let draft = Draft::new(event).lots(returned.lots).debt(-returned.off_debt).book(Book::Refunded, -credits);
    let draft = draft.texts(texts);
    if returned.made_good.is_positive() {
        let lot = make_good_lot(account, returned.made_good, scribe.at());
        scribe.write(draft.making(lot));
        scribe.repay();
    } else {
        scribe.write(draft);
    }
    Ok(scribe.finish())
}

/// Where a refund's credits go.
struct Returned {
    /// Taken off what the account owes.
    off_debt: Credits,
    /// Back to the lots that paid.
    lots: Vec<LotChange>,
    /// Those of them that had nothing left.
    revived: Vec<Lot>,
    /// To a make-good lot: from lots that have expired, and `repaid_back`.
    made_good: Credits,
    /// The debt part as far as it was repaid in the meantime.
    repaid_back: Credits,
    /// Per lot that paid, over all refunds of the charge.
    refunded: Vec<LotPart>,
    /// Of the debt part, over all refunds of the charge.
    refunded_debt: Credits,
}

/// What is left to refund of a charge's debt part: what is still owed, and what was repaid. Repayments are not tied to
/// charges, so this is bounded by all that the account owes and has repaid; what was written off was never paid.
fn refundable_debt(account: &Account, facts: &ChargeFacts) -> Credits {
    (facts.debt - facts.refunded_debt).min(account.debt + account.repaid)
}

/// The charge's debt part first, then the lots that paid, last taken first.
fn returned(scribe: &Scribe<'_>, facts: &ChargeFacts, credits: Credits) -> Returned {
    let of_debt = credits.min(refundable_debt(scribe.before, facts));
    let off_debt = of_debt.min(scribe.before.debt);
    let mut returned = Returned {
        off_debt,
        lots: Vec::new(),
        revived: Vec::new(),
        made_good: of_debt - off_debt,
        repaid_back: of_debt - off_debt,
        refunded: facts.refunded.clone(),
        refunded_debt: facts.refunded_debt + of_debt,
    };
    let mut left = credits - of_debt;
    for part in facts.parts.iter().rev() {
        let back = left.min(part.credits - refunded_to(&facts.refunded, part.lot));
        if back.is_positive() {
            left -= back;
            returned.give(scribe, LotPart { credits: back, ..*part });
        }
    }
    returned
}

impl Returned {
    /// Gives a part back to its lot, or as make-good where the lot has come to its end.
    fn give(&mut self, scribe: &Scribe<'_>, part: LotPart) {
        match self.refunded.iter_mut().find(|refunded| refunded.lot == part.lot) {
            Some(refunded) => refunded.credits += part.credits,
            None => self.refunded.push(part),
        }
        let account = scribe.before;
        match find_lot(account, part.lot) {
            Some(lot) if !lot.expired(scribe.at()) => {
                self.lots.push(LotChange { remaining: part.credits, ..unchanged(part.lot, part.class) });
                if account.lot(part.lot).is_none() {
                    self.revived.push(lot.clone());
                }
            }
            Some(_) | None => self.made_good += part.credits,
        }
    }
}

fn refunded_to(refunded: &[LotPart], lot: LotId) -> Credits {
    refunded.iter().filter(|part| part.lot == lot).map(|part| part.credits).sum()
}
