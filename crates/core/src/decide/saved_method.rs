//! What is learned of an account's saved payment method: that it was saved, and that it could not be charged.

use crate::decide::scribe::Scribe;
use crate::id::OrderId;
use crate::order::Payment;
use crate::recall::find_order;
use crate::rejection::Rejection;
use crate::saved_method::{SavedMethod, Trouble, changed};
use crate::top_up;

/// Notes that a payment method was saved with an order's payment. Makes nothing where the one of a later order is known:
/// what is told late must not bring an old method back. It takes off the brakes that declines of another one put on the
/// automatic top-up. An account whose texts were erased saves none.
pub(super) fn save(scribe: &mut Scribe<'_>, order: OrderId) -> Result<(), Rejection> {
    let account = scribe.before;
    let paid = matches!(find_order(account, order).ok_or(Rejection::OrderNotFound)?.payment, Payment::Paid(_));
    let newer = account.saved_method.is_none_or(|saved| saved.order < order);
    if paid && newer && account.id.erased_number().is_none() {
        scribe.write(changed(SavedMethod { order, trouble: None }));
        if let Some(forgiven) = top_up::forgive(scribe.account()) {
            scribe.write(forgiven);
        }
    }
    Ok(())
}

/// Notes why the method that was saved with `order` could not be charged. Where only another one helps, the automatic
/// top-up stops. Makes nothing where another method is saved by now.
pub(super) fn refuse(scribe: &mut Scribe<'_>, order: OrderId, trouble: Trouble) {
    let method = SavedMethod { order, trouble: Some(trouble) };
    let known = scribe.before.saved_method;
    if known.is_none_or(|known| known.order != order) || known == Some(method) {
        return;
    }
    scribe.write(changed(method));
    if trouble.is_final()
        && let Some(stop) = top_up::stop(scribe.account())
    {
        scribe.write(stop);
    }
}
