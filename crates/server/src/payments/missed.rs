//! What happened while nobody asked for longer than the provider remembers.
//!
//! A provider forgets what happened after thirty days, but not what was made: pages, payments, refunds and disputes. A server that
//! was away for longer goes through those of the time that it missed, and looks at each that may be of one of the studio's
//! orders. It is done before anything else is asked, and done anew where it did not come to its end.

use std::collections::BTreeSet;

use scrip_core::id::StudioNumber;
use scrip_stripe::{Kind, Made, MadeQuery};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::provider::{Page, Unreadable};
use crate::payments::settle::keep_unreadable;
use crate::payments::{self, Look, Settled, Unsettled, settle};

const DAY_S: i64 = 86_400;
/// How far the last look is noted behind, and clocks may differ: two days.
const SLACK_S: i64 = 2 * DAY_S;
/// How long before the time that was missed something was made that was paid within it: an order waits for a payment that is
/// under way for two weeks.
const PAID_AFTER_S: i64 = 16 * DAY_S;
/// The same of money that goes back: a refund that fails, a dispute that is decided.
const DECIDED_AFTER_S: i64 = 120 * DAY_S;

/// What is gone through, and how far that has come.
pub(super) struct Missed {
    query: MadeQuery,
    /// What comes after it, last first.
    then: Vec<MadeQuery>,
    /// From when on the provider remembered what happened, when this began.
    remembered_s: i64,
    unreadable: Unreadable,
}

impl Missed {
    /// What is to be gone through where all was last looked at then, and the provider remembers what happened since `remembered_s`.
    /// `None`: it remembers all.
    pub(super) fn between(looked_s: i64, remembered_s: i64) -> Option<Missed> {
        if looked_s >= remembered_s + SLACK_S {
            return None;
        }
        let query = |kind: Kind| {
            let before_s = match kind {
                Kind::Sessions | Kind::Payments => PAID_AFTER_S,
                Kind::Refunds | Kind::Disputes => DECIDED_AFTER_S,
            };
            let within_s = looked_s - SLACK_S - before_s..=remembered_s + SLACK_S;
            MadeQuery { kind, within_s, after: None }
        };
        let then = [Kind::Disputes, Kind::Refunds, Kind::Payments].map(query).to_vec();
        Some(Missed { query: query(Kind::Sessions), then, remembered_s, unreadable: Unreadable::default() })
    }

    /// Goes through the next page, and looks at all of it that may be of the studio's orders.
    pub(super) async fn page(
        &mut self,
        app: &App,
        studio: StudioNumber,
        at: &StripeAccount,
    ) -> Result<Page, Unsettled> {
        let page = at.client.made(&self.query).await?;
        let looks: BTreeSet<Look> =
            page.items.into_iter().filter_map(|made| look_of(made, self.query.kind, at.studio.as_str())).collect();
        for look in looks {
            match settle(app, studio, at, &look).await {
                Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_) | Settled::NotOurs) => {}
                Err(Unsettled::Provider(scrip_stripe::Error::Rubbish { .. })) if self.unreadable.is_again(&look) => {
                    keep_unreadable(app, (studio, at), &look);
                }
                Err(unsettled) if unsettled.for_good().is_none() => return Err(unsettled),
                Err(unsettled) => drop(payments::event::unsettled_problem(app, at, unsettled)),
            }
        }
        self.query.after = page.after;
        let goes_on = self.query.after.is_some() || self.skip();
        Ok(if goes_on { Page::One } else { Page::Last })
    }

    /// Goes on with what comes after this kind; whether there is any.
    pub(super) fn skip(&mut self) -> bool {
        let next = self.then.pop();
        let goes_on = next.is_some();
        self.query = next.unwrap_or_else(|| self.query.clone());
        goes_on
    }

    /// Up to when all that had happened counts as looked at, once this has come to its end: so that it does not begin anew while
    /// what the provider remembers is asked for, and does where that fails for as long again.
    pub(super) fn looked_s(&self) -> i64 {
        self.remembered_s + 2 * SLACK_S
    }
}

/// Where to look for what was made; `None`: no money moved, or it is another's.
fn look_of(made: Made, kind: Kind, studio: &str) -> Option<Look> {
    let named = made.order.as_ref().map(|order| order.studio == studio);
    match kind {
        Kind::Sessions => (made.done && named == Some(true)).then_some(Look::Session(made.id)),
        Kind::Payments => (made.done && named == Some(true)).then_some(Look::Payment(made.id)),
        // They name no order.
        Kind::Refunds | Kind::Disputes => made.payment_intent.filter(|_| named != Some(false)).map(Look::Payment),
    }
}

#[cfg(test)]
mod tests {
    use scrip_stripe::OrderRef;

    use super::*;

    #[test]
    fn only_what_is_forgotten_is_gone_through() {
        let remembered = 100 * DAY_S;
        assert!(Missed::between(102 * DAY_S, remembered).is_none());
        let missed = Missed::between(102 * DAY_S - 1, remembered).expect("some of it is forgotten");
        assert_eq!(missed.query.kind, Kind::Sessions);
        assert_eq!(missed.query.within_s, 84 * DAY_S - 1..=102 * DAY_S);
        let kinds: Vec<Kind> = missed.then.iter().rev().map(|query| query.kind).collect();
        assert_eq!(kinds, [Kind::Payments, Kind::Refunds, Kind::Disputes]);
        assert!(Missed::between(missed.looked_s(), remembered + DAY_S).is_none(), "once is enough");
    }

    /// Something that was made, which names such a studio, as seen by `ours`.
    #[track_caller]
    fn check(kind: Kind, names: Option<&str>, done: bool, look: Option<Look>) {
        let order = names.map(|studio| OrderRef {
            studio: studio.to_owned(),
            account: "ana".to_owned(),
            order: "order_1".to_owned(),
            number: None,
        });
        let made = Made { id: "x_1".to_owned(), payment_intent: Some("pi_1".to_owned()), order, done };
        assert_eq!(look_of(made, kind, "ours"), look, "{kind:?} {names:?}");
    }

    #[test]
    fn what_may_be_of_our_orders_is_looked_at() {
        let (page, payment) = (Look::Session("x_1".to_owned()), Look::Payment("x_1".to_owned()));
        check(Kind::Sessions, Some("ours"), true, Some(page));
        check(Kind::Payments, Some("ours"), true, Some(payment));
        for kind in [Kind::Sessions, Kind::Payments] {
            check(kind, Some("ours"), false, None);
            check(kind, Some("another"), true, None);
            check(kind, None, true, None);
        }
        for kind in [Kind::Refunds, Kind::Disputes] {
            check(kind, None, true, Some(Look::Payment("pi_1".to_owned())));
        }
    }
}
