//! Giving credits back after a charge (R24).

use crate::account::{Account, ChargeFacts};
use crate::amount::Credits;
use crate::consequence::make_good_lot;
use crate::decide::Decision;
use crate::decide::scribe::Scribe;
use crate::draft::{Draft, unchanged};
use crate::entry::{Book, Event, LotChange, OrderChange, Refunded, TextField};
use crate::hold::LotPart;
use crate::id::{ChargeId, LotId};
use crate::lot::{Lot, Sold};
use crate::order::{ClawBack, Order};
use crate::recall::{find_lot, find_order};
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
    let to_lots = credits - returned.off_debt - returned.collected;
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
    let draft = draft.book(Book::Uncollected, returned.collected).texts(texts);
    if returned.made_good.is_positive() {
        let lot = make_good_lot(account, returned.made_good, scribe.at());
        scribe.write(draft.making(lot));
        scribe.repay();
    } else {
        scribe.write(draft);
    }
    for order in returned.orders {
        let change = OrderChange::Noted;
        scribe.write(Draft::new(Event::OrderChanged { change, order: Box::new(order) }));
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
    /// What was owed, and repaid in the meantime.
    repaid_back: Credits,
    /// Of credits whose money is gone, what was written off when it went: nobody had paid for it.
    collected: Credits,
    /// The orders that are owed less now, as they stand.
    orders: Vec<Order>,
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
        collected: Credits::ZERO,
        orders: Vec::new(),
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
    /// Gives a part back to its lot, or as make-good where the lot has come to its end; but first to those whom the lot's
    /// order left without their money (R19, R27).
    fn give(&mut self, scribe: &Scribe<'_>, part: LotPart) {
        match self.refunded.iter_mut().find(|refunded| refunded.lot == part.lot) {
            Some(refunded) => refunded.credits += part.credits,
            None => self.refunded.push(part),
        }
        let account = scribe.before;
        let Some(lot) = find_lot(account, part.lot) else {
            self.made_good += part.credits;
            return;
        };
        let covered = lot.sold.map_or(Credits::ZERO, |sold| self.cover(account, sold, part));
        let unspent = lot.sold.filter(|_| covered.is_positive()).map(|sold| sold.unspent + covered);
        let told = LotChange { unspent, ..unchanged(part.lot, part.class) };
        let back = part.credits - covered;
        if lot.expired(scribe.at()) {
            self.made_good += back;
            self.lots.extend(unspent.map(|_| told));
            return;
        }
        self.lots.push(LotChange { remaining: back, ..told });
        if account.lot(part.lot).is_none() && back.is_positive() {
            self.revived.push(lot.clone());
        }
    }

    /// The part of a refund that is of credits which the account had spent when their money went: it comes off what is
    /// owed for them, comes back as make-good where that was repaid, and goes to nobody where it was written off. From now
    /// on they count as taken back from the lot.
    fn cover(&mut self, account: &Account, sold: Sold, part: LotPart) -> Credits {
        let known = self.orders.iter().find(|order| order.id == sold.order).or(find_order(account, sold.order));
        let Some(mut order) = known.cloned() else { return Credits::ZERO };
        let Some(made) = order.lots().into_iter().find(|made| made.lot == part.lot) else { return Credits::ZERO };
        let covered = part.credits.min(order.spent_back.of(made.part));
        if covered.is_zero() {
            return covered;
        }
        *order.spent_back.of_mut(made.part) -= covered;
        let (off_debt, repaid) = match order.claw_back {
            ClawBack::Debt => {
                let off_debt = covered.min(account.debt - self.off_debt);
                (off_debt, (covered - off_debt).min(account.repaid - self.repaid_back))
            }
            ClawBack::WriteOff => (Credits::ZERO, Credits::ZERO),
        };
        self.off_debt += off_debt;
        self.repaid_back += repaid;
        self.made_good += repaid;
        self.collected += covered - off_debt - repaid;
        self.orders.retain(|known| known.id != order.id);
        self.orders.push(order);
        covered
    }
}

fn refunded_to(refunded: &[LotPart], lot: LotId) -> Credits {
    refunded.iter().filter(|part| part.lot == lot).map(|part| part.credits).sum()
}
