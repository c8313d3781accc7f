//! One studio's provider, asked for what it did not tell: by the [`Reconciler`](super::Reconciler), in rounds.
//!
//! Three questions, none of them urgent: about each order that waits, at half its age; about subscriptions that pay for plans; and
//! for what happened, which finds refunds and disputes that nobody delivered (and where that is too long ago, for what was [`Missed`]). How far that was asked, and what stays open, outlives
//! a restart ([`crate::payments::deliveries`]). A provider that does not answer is left alone, longer each time. Nothing here
//! may know of another studio: each has a provider of its own, which may be slow or away.

use std::collections::{BTreeMap, BTreeSet};

use scrip_api::code::Code;
use scrip_core::id::StudioNumber;
use scrip_core::order::{Order, Origin};
use scrip_core::time::Time;
use scrip_stripe::EventQuery;

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::billed::Billed;
use crate::payments::billing::subscription_of;
use crate::payments::charge::charge;
use crate::payments::event::{became, look_of};
use crate::payments::missed::Missed;
use crate::payments::settle::{keep_unreadable, session_of};
use crate::payments::{self, Look, OrderAt, Settled, Unsettled, settle};

/// Orders looked at in one round.
const LOOKS_MAX: usize = 16;
/// The longest time for which a provider that does not answer is left alone, in seconds.
const REST_MAX_S: i64 = 300;
/// How far each question for what happened goes back before the newest that is known, in seconds: events appear a little late.
const OVERLAP_S: i64 = 300;
/// Pages of events that one round reads; the next one goes on with what is older.
const PAGES: usize = 5;
/// Answers about one thing that cannot be read, after which what happened besides is looked at without it.
const UNREADABLE_TRIES: u32 = 3;

/// What is remembered of a studio's provider.
pub(super) struct Provider {
    number: StudioNumber,
    /// It is left alone until then.
    rest_until: Option<Time>,
    rest_s: i64,
    listed_at: Option<Time>,
    /// Events of the overlap that were seen.
    seen: BTreeSet<String>,
    /// A question that several rounds are needed for.
    listing: Option<Listing>,
    /// What it remembers no more, and is gone through first; that may take several rounds too.
    missed: Option<Missed>,
}

/// What happened, as far as it was read.
struct Listing {
    query: EventQuery,
    /// When the newest of it happened, by the provider's clock, which ours may be far from.
    newest_s: Option<i64>,
    seen: BTreeSet<String>,
    unreadable: Unreadable,
}

/// How often the answer about something could not be read.
#[derive(Default)]
pub(super) struct Unreadable(BTreeMap<Look, u32>);

impl Unreadable {
    /// Counts such an answer; whether that will not pass.
    pub(super) fn is_again(&mut self, look: &Look) -> bool {
        let times = self.0.entry(look.clone()).or_default();
        *times += 1;
        *times >= UNREADABLE_TRIES
    }
}

impl Listing {
    /// From when on the next question asks, in seconds since 1970; `None`: nothing happened.
    fn again_from_s(&self) -> Option<i64> {
        self.newest_s.map(|newest_s| newest_s - OVERLAP_S)
    }
}

/// A page of what happened.
pub(super) enum Page {
    /// There are older ones.
    One,
    /// There are not.
    Last,
}

/// Whether what the provider remembers no more was gone through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caught {
    Up,
    NotYet,
}

impl Provider {
    /// The provider of a studio that was asked nothing yet.
    pub(super) fn of(number: StudioNumber) -> Provider {
        Provider {
            number,
            rest_until: None,
            rest_s: 0,
            listed_at: None,
            seen: BTreeSet::new(),
            listing: None,
            missed: None,
        }
    }

    /// Whose it is.
    pub(super) fn studio(&self) -> StudioNumber {
        self.number
    }

    /// One round. What goes wrong is logged and counted, and is tried again in a later one.
    pub(super) async fn round(&mut self, app: &App, at: &StripeAccount, billed: &Billed) {
        let now = app.engine().now();
        for order in app.waiting().due(self.number, now, LOOKS_MAX, &app.config().payments.pace) {
            self.look_at(app, at, &order).await;
        }
        for order in billed.due(self.number, now, LOOKS_MAX) {
            self.attend_to(app, at, billed, order).await;
        }
        self.list(app, at).await;
        self.try_again(app, at).await;
        // A store that does not take it now takes it in a later round.
        if let Err(refusal) = app.deliveries().note(app, self.number).await {
            tracing::warn!(studio = %at.studio, %refusal, "how far payments were looked at could not be noted");
        }
    }

    /// Brings both sides of a subscription together.
    async fn attend_to(&mut self, app: &App, at: &StripeAccount, billed: &Billed, place: OrderAt) {
        let now = app.engine().now();
        if self.rests(app) {
            return billed.failed(place, now);
        }
        let Ok(order) = app.engine().order(place.studio, &place.account, place.order).await else {
            return billed.remove(&place);
        };
        let Some(id) = order.as_ref().and_then(subscription_of) else { return billed.remove(&place) };
        match settle(app, place.studio, at, &Look::Subscription(id.to_owned())).await {
            Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_) | Settled::NotOurs) => {
                self.answered();
                forget_what_is_over(app, billed, place).await;
            }
            // What cannot be read of one subscription says nothing of the rest.
            Err(unsettled @ Unsettled::Provider(scrip_stripe::Error::Rubbish { .. })) => {
                drop(payments::event::unsettled_problem(app, at, unsettled));
                billed.failed(place, now);
            }
            Err(unsettled) => {
                self.failed(app, at, unsettled);
                billed.failed(place, now);
            }
        }
    }

    /// Looks at one order that waits.
    async fn look_at(&mut self, app: &App, at: &StripeAccount, place: &OrderAt) {
        if self.rests(app) {
            return;
        }
        let Ok(order) = app.engine().order(place.studio, &place.account, place.order).await else { return };
        let Some(order) = order.filter(Order::waits) else { return app.waiting().remove(place) };
        let settled = match (session_of(&order), order.origin) {
            (Some(session), _) => settle(app, place.studio, at, &Look::Session(session.to_owned())).await,
            (None, Origin::Automatic) => charge(app, at, place, &order).await,
            (None, Origin::Asked | Origin::Renewal) => return app.waiting().remove(place),
        };
        match settled {
            Ok(Settled::NoRoom(_)) => self.answered(),
            Ok(Settled::Order(order)) if order.waits() => self.answered(),
            Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NotOurs) => {
                self.answered();
                app.metrics().payment("reconciled");
                app.waiting().remove(place);
            }
            Err(unsettled) => self.failed(app, at, unsettled),
        }
    }

    /// Asks what happened since the last question, and looks at all that it names.
    async fn list(&mut self, app: &App, at: &StripeAccount) {
        if self.rests(app) || self.catch_up(app, at).await == Caught::NotYet {
            return;
        }
        let Some(mut listing) = self.take_listing(app) else { return };
        for _ in 0..PAGES {
            match self.list_page(app, at, &mut listing).await {
                Ok(Page::Last) => {
                    self.answered();
                    app.deliveries().looked(app, self.number, seconds(app.engine().now()));
                    // Where nothing happened, the next question begins where this one did.
                    if let Some(from_s) = listing.again_from_s() {
                        app.deliveries().asked(app, self.number, from_s);
                        self.seen = listing.seen;
                    }
                    return;
                }
                Ok(Page::One) => {}
                Err(unsettled) => {
                    let again = unsettled.for_good().is_none();
                    self.failed(app, at, unsettled);
                    // All of this page is asked again later. A question that is refused is not: its place is known no more, and
                    // the next one begins anew.
                    if !again {
                        return;
                    }
                    break;
                }
            }
        }
        self.listing = Some(listing);
    }

    /// Goes through what happened while nobody asked, where the provider remembers it no more.
    async fn catch_up(&mut self, app: &App, at: &StripeAccount) -> Caught {
        for _ in 0..PAGES {
            let Some(mut missed) = self.missed.take().or_else(|| self.was_missed(app, at)) else { return Caught::Up };
            match missed.page(app, self.number, at).await {
                Ok(Page::One) => self.missed = Some(missed),
                Ok(Page::Last) => {
                    self.answered();
                    app.deliveries().looked(app, self.number, missed.looked_s());
                }
                Err(unsettled) => {
                    // The same page again later; but a kind that the provider does not list keeps the others waiting no longer.
                    let goes_on = unsettled.for_good().is_none() || missed.skip();
                    if goes_on {
                        self.missed = Some(missed);
                    } else {
                        app.deliveries().looked(app, self.number, missed.looked_s());
                    }
                    self.failed(app, at, unsettled);
                    return Caught::NotYet;
                }
            }
        }
        if self.missed.is_some() { Caught::NotYet } else { Caught::Up }
    }

    /// What is to be gone through since the last look at all that had happened.
    fn was_missed(&self, app: &App, at: &StripeAccount) -> Option<Missed> {
        let now_s = seconds(app.engine().now());
        // A clock may have been ahead when it was noted.
        let looked_s = app.deliveries().looked_until(app, self.number)?.min(now_s);
        let missed = Missed::between(looked_s, remembered(app))?;
        tracing::warn!(studio = %at.studio, days = (now_s - looked_s) / 86_400,
            "payments were not looked at for longer than the provider remembers what happened: all that was made since is gone through");
        Some(missed)
    }

    /// The question to go on with, or a new one when it is time for it.
    fn take_listing(&mut self, app: &App) -> Option<Listing> {
        let pace = &app.config().payments.pace;
        let now = app.engine().now();
        if let Some(listing) = self.listing.take() {
            return Some(listing);
        }
        if self.listed_at.is_some_and(|last| last.plus_seconds(pace.between_lists_s) > now) {
            return None;
        }
        self.listed_at = Some(now);
        let first = remembered(app);
        let from = app.deliveries().asked_until(app, self.number).map_or(first, |until| until.max(first));
        let query = EventQuery { created_from: Some(from), after: None };
        Some(Listing { query, newest_s: None, seen: BTreeSet::new(), unreadable: Unreadable::default() })
    }

    /// Reads one page, and looks at all that it names.
    async fn list_page(&mut self, app: &App, at: &StripeAccount, listing: &mut Listing) -> Result<Page, Unsettled> {
        let page = at.client.events(&listing.query).await?;
        let seen_before = &self.seen;
        let new = page.items.iter().filter(|event| !seen_before.contains(&event.id));
        let mut looks: BTreeMap<Look, Vec<&scrip_stripe::Event>> = BTreeMap::new();
        for event in new.filter(|event| may_be_of(event, at.studio.as_str())) {
            if let Some(look) = look_of(event) {
                looks.entry(look).or_default().push(event);
            }
        }
        for (look, events) in &looks {
            let done = settle(app, self.number, at, look).await;
            for event in events {
                app.deliveries().found(app, self.number, event, look, became(Some(&done)));
            }
            match done {
                Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_) | Settled::NotOurs) => {}
                // What it says of one thing cannot be read, again and again: that keeps nothing else waiting.
                Err(Unsettled::Provider(scrip_stripe::Error::Rubbish { .. })) if listing.unreadable.is_again(look) => {
                    keep_unreadable(app, (self.number, at), look);
                }
                // The provider or the store did not answer: nothing of this page counts as seen.
                Err(unsettled) if unsettled.for_good().is_none() => return Err(unsettled),
                Err(unsettled) => drop(payments::event::unsettled_problem(app, at, unsettled)),
            }
        }
        listing.newest_s = page.items.iter().map(|event| event.created).chain(listing.newest_s).max();
        // Only what the next question will name again has to be known then.
        let from_s = listing.again_from_s();
        let again = page.items.into_iter().filter(|event| from_s.is_some_and(|from_s| event.created >= from_s));
        listing.seen.extend(again.map(|event| event.id));
        Ok(match page.after {
            Some(after) => {
                listing.query.after = Some(after);
                Page::One
            }
            None => Page::Last,
        })
    }

    /// Looks again at what could not be settled: the rules may say something else by now.
    async fn try_again(&mut self, app: &App, at: &StripeAccount) {
        if self.rests(app) {
            return;
        }
        for look in app.deliveries().to_try(app, self.number, LOOKS_MAX) {
            let settled = settle(app, self.number, at, &look).await;
            app.deliveries().tried(app, self.number, &look);
            match settled {
                Ok(Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_) | Settled::NotOurs) => {
                    self.answered()
                }
                Err(unsettled) if unsettled.for_good().is_none() => return self.failed(app, at, unsettled),
                // It stays open, and keeps nothing behind it waiting.
                Err(
                    Unsettled::Provider(_)
                    | Unsettled::UnknownOrder
                    | Unsettled::PaidForNothing
                    | Unsettled::Refused(_),
                ) => {}
            }
        }
    }

    fn rests(&self, app: &App) -> bool {
        self.rest_until.is_some_and(|until| app.engine().now() < until)
    }

    fn answered(&mut self) {
        self.rest_until = None;
        self.rest_s = 0;
    }

    /// Leaves a provider that does not answer alone for a while; so it does while the store takes nothing. What is refused for
    /// good keeps nothing else waiting.
    fn failed(&mut self, app: &App, at: &StripeAccount, unsettled: Unsettled) {
        if unsettled.for_good().is_none() {
            self.rest_s = (self.rest_s * 2).clamp(app.config().payments.pace.rest_s, REST_MAX_S);
            self.rest_until = Some(app.engine().now().plus_seconds(self.rest_s));
        }
        drop(payments::event::unsettled_problem(app, at, unsettled));
    }
}

/// From when on the provider remembers what happened, in seconds since 1970.
fn remembered(app: &App) -> i64 {
    seconds(app.engine().now()) - app.config().payments.pace.first_list_s
}

/// In seconds since 1970.
fn seconds(at: Time) -> i64 {
    at.micros().div_euclid(1_000_000)
}

/// A subscription that pays for nothing here any more is not attended to again.
async fn forget_what_is_over(app: &App, billed: &Billed, place: OrderAt) {
    let over = match app.stored_account(place.studio, &place.account).await {
        Ok(account) => account.billing != Some(place.order),
        // Erased in between: it is known by the new id.
        Err(refused) => refused.0.code == Code::AccountNotFound,
    };
    if over {
        billed.remove(&place);
    }
}

/// Whether an event can be of one of the studio's orders: whatever else is sold through the same account at the provider is
/// not asked about.
fn may_be_of(event: &scrip_stripe::Event, studio: &str) -> bool {
    match &event.subject.order {
        Some(named) => named.studio == studio,
        // A page and a payment of ours have said whose they are from their beginning; refunds and disputes never do. What
        // a subscription paid is known by its page or its invoice, which do.
        None => !matches!(&*event.subject.object, "checkout.session" | "payment_intent"),
    }
}

#[cfg(test)]
mod tests {
    use scrip_stripe::{Event, EventKind, OrderRef, Subject};

    use super::*;

    /// Whether an event about such an object, which names such a studio, is looked at for `ours`.
    #[track_caller]
    fn check(object: &str, names: Option<&str>, looked_at: bool) {
        let order = names.map(|studio| OrderRef {
            studio: studio.to_owned(),
            account: "ana".to_owned(),
            order: "order_1".to_owned(),
            number: None,
        });
        let (payment_intent, subscription) = (Some("pi_1".to_owned()), None);
        let subject = Subject { object: object.to_owned(), id: "x_1".to_owned(), payment_intent, subscription, order };
        let event = Event { id: "evt_1".to_owned(), created: 7, kind: EventKind::PaymentSucceeded, subject };
        assert_eq!(may_be_of(&event, "ours"), looked_at, "{object} {names:?}");
    }

    #[test]
    fn only_what_may_be_of_our_orders_is_looked_at() {
        for object in ["checkout.session", "payment_intent"] {
            check(object, Some("ours"), true);
            check(object, Some("another"), false);
            check(object, None, false);
        }
        for object in ["charge", "refund", "dispute", "invoice"] {
            check(object, None, true);
        }
    }
}
