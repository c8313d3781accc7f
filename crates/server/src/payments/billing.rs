//! Plans that the provider's own subscription pays for: what it has paid is brought to the rules, and what they know of the
//! plan's end and price is brought to it.
//!
//! Plan and cycle stay ours. The provider only takes the money for each term, and [`attend`] reads it anew each time: which
//! invoices are paid, whether it ends, what it charges. Doing it again does nothing, so whoever hears that something may
//! have changed on either side has it done: an event, a change of a subscription, a round. Nothing else may speak to the
//! provider about a subscription.

use scrip_api::code::Code;
use scrip_core::account::Account;
use scrip_core::catalog::Price;
use scrip_core::command::{Cancellation, Command, PutSubscription, TermPaid};
use scrip_core::cycle::cycle_at;
use scrip_core::id::{Key, ProviderRef, StudioNumber};
use scrip_core::order::{Item, Order, Paid, PaidBy, Payment};
use scrip_core::plan::{NextPlan, PlanTerms, Subscription};
use scrip_core::time::{Time, Zone};
use scrip_engine::engine::Request;
use scrip_stripe::{Currency, Ending, Error, Invoice, Money, NewTerms, OrderRef, SubscriptionStatus};

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::charge::CLOCKS_DIFFER_S;
use crate::payments::deliveries::{News, OPEN_FOR_S};
use crate::payments::settle::{bring_payment, keep_open, place_of, session_of, stays_at_provider};
use crate::payments::{Look, OrderAt, Settled, Unsettled};
use crate::problem::Refused;

/// What stays open: an invoice for a further term of its subscription that has no line for one.
pub(crate) const INVOICE_WITHOUT_TERM: &str = "invoice_without_term";
/// What stays open: a term that was paid after its plan had ended here.
pub(crate) const TERM_WITHOUT_PLAN: &str = "term_without_plan";
/// What a studio's id of a provider's subscription begins with.
pub(crate) const SUBSCRIPTION: &str = "sub_";
/// The reason of an invoice that asks for a further term. Any other pays for none: the first one is the order's own payment,
/// and the rest is between the studio and its customer.
const FURTHER_TERM: &str = "subscription_cycle";
/// An invoice's period ends within so many seconds of the month's end that it is for: a day.
const SLACK_S: i64 = 86_400;

/// The provider's subscription that an order's payment began.
pub(crate) fn subscription_of(order: &Order) -> Option<&str> {
    order.references.iter().map(ProviderRef::as_str).find(|reference| reference.starts_with(SUBSCRIPTION))
}

/// Brings both sides of a subscription together. Doing it again does nothing.
pub(crate) async fn attend(
    app: &App,
    studio: StudioNumber,
    at: &StripeAccount,
    id: &str,
) -> Result<Settled, Unsettled> {
    let theirs = at.client.subscription(id).await?;
    let named = OrderRef::of(&theirs.metadata).filter(|named| named.studio == at.studio.as_str());
    let Some(named) = named else { return Ok(Settled::NotOurs) };
    let place = place(app, studio, &theirs, &named).await?;
    let both = |begun| Both { app, at, place: &place, theirs: &theirs, begun };
    let settled = match first_payment(app, at, &place).await {
        Err(Unsettled::Refused(refused)) if refused.0.code == Code::PaymentMismatch => {
            both(None).end_unpaid().await?;
            return Err(refused.into());
        }
        settled => settled?,
    };
    let order = match &settled {
        Settled::Order(order) | Settled::PaidTwice(order) | Settled::NoRoom(order) => order,
        Settled::NotOurs => return Ok(settled),
    };
    let Payment::Paid(paid) = order.payment else {
        if !order.waits() {
            both(None).end_unpaid().await?;
        }
        return Ok(settled);
    };
    let both = both(Some(paid.at));
    if subscription_of(order) == Some(theirs.id.as_str()) && buys_terms(order) {
        both.bring_together().await?;
    } else {
        both.stop().await?;
    }
    Ok(settled)
}

/// Whether the provider's money for an order bought a term of its plan: not where an operator had marked it paid, nor where
/// something else paid for the plan by then.
fn buys_terms(order: &Order) -> bool {
    matches!(order.payment, Payment::Paid(Paid { by: PaidBy::Provider, .. })) && !order.bought_nothing()
}

/// The order that began the subscription, whatever its account is called by now: the one that knows it; else the one that it
/// names, if it can be that. In a store that was restored orders are counted anew, and its name may have come to another.
async fn place(
    app: &App,
    studio: StudioNumber,
    theirs: &scrip_stripe::Subscription,
    named: &OrderRef,
) -> Result<OrderAt, Unsettled> {
    let reference = ProviderRef::parse(&theirs.id).map_err(|_| Refused::bug("a subscription's id that is none"))?;
    if let Some((account, order)) = app.engine().order_of_provider(studio, &reference).await.map_err(Refused::from)? {
        return Ok(OrderAt { studio, account, order: order.id });
    }
    let place = place_of(app, studio, named).await?;
    let order = app.engine().order(studio, &place.account, place.order).await.map_err(Refused::from)?;
    let could_begin_it = |order: &Order| {
        let placed_s = order.placed_at.micros().div_euclid(1_000_000);
        matches!(order.item, Item::Plan(_)) && theirs.start_date >= placed_s - CLOCKS_DIFFER_S
    };
    if order.is_some_and(|order| could_begin_it(&order)) { Ok(place) } else { Err(Unsettled::UnknownOrder) }
}

/// The order, its first payment settled: read anew where it was not told yet, and where it is to be given back.
async fn first_payment(app: &App, at: &StripeAccount, place: &OrderAt) -> Result<Settled, Unsettled> {
    let found = app.engine().order(place.studio, &place.account, place.order).await.map_err(Refused::from)?;
    let order = found.ok_or(Unsettled::UnknownOrder)?;
    let Some(page) = session_of(&order).filter(|_| !buys_terms(&order)) else {
        return Ok(Settled::Order(Box::new(order)));
    };
    match bring_payment(app, place.studio, at, &Look::Session(page.to_owned())).await? {
        (Settled::NotOurs, _) => Ok(Settled::Order(Box::new(order))),
        (settled @ (Settled::Order(_) | Settled::PaidTwice(_) | Settled::NoRoom(_)), _) => Ok(settled),
    }
}

/// A subscription, and where it stands on both sides.
struct Both<'a> {
    app: &'a App,
    at: &'a StripeAccount,
    place: &'a OrderAt,
    theirs: &'a scrip_stripe::Subscription,
    /// When the order's payment was told of: what began with it is counted from there. `None`: it is not paid.
    begun: Option<Time>,
}

impl Both<'_> {
    /// Tells the rules what is paid, and the provider what is wanted.
    async fn bring_together(&self) -> Result<(), Unsettled> {
        // Of an erased account it is about to be ended, maybe by another look at the same moment: that is noted once.
        if !self.is_over() && self.place.account.erased_number().is_none() {
            self.carry_out(None, Command::BeginBilling { order: self.place.order }).await?;
        }
        self.pay_terms().await?;
        self.agree().await
    }

    /// Whether the provider has given up: it takes no money by itself any more.
    fn is_over(&self) -> bool {
        match self.theirs.status {
            SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired | SubscriptionStatus::Unpaid => true,
            SubscriptionStatus::Incomplete
            | SubscriptionStatus::Trialing
            | SubscriptionStatus::Active
            | SubscriptionStatus::PastDue
            | SubscriptionStatus::Paused
            | SubscriptionStatus::Other => false,
        }
    }

    /// Tells the rules of every invoice for a further term that was paid and is not known.
    async fn pay_terms(&self) -> Result<(), Unsettled> {
        for invoice in self.at.client.paid_invoices(&self.theirs.id).await? {
            let reference =
                ProviderRef::parse(&invoice.id).map_err(|_| Refused::bug("an invoice's id that is none"))?;
            let engine = self.app.engine();
            let known = engine.order_of_provider(self.place.studio, &reference).await.map_err(Refused::from)?.is_some();
            if !known && invoice.billing_reason.as_deref() == Some(FURTHER_TERM) {
                self.pay_term(&invoice, reference).await?;
            }
        }
        Ok(())
    }

    async fn pay_term(&self, invoice: &Invoice, reference: ProviderRef) -> Result<(), Unsettled> {
        let Some(months) = self.months(invoice) else { return self.stays_open(invoice, INVOICE_WITHOUT_TERM).await };
        let paid = invoice.paid().map_err(|_| rubbish("an invoice's amount"))?;
        let key = Key::of_provider(&reference);
        let payment = self.at.client.payment_of_invoice(&invoice.id).await?;
        let payment = payment.and_then(|payment| ProviderRef::parse(&payment).ok());
        let price = Price { amount: paid.minor, currency: paid.currency.as_str().into() };
        let references = [reference].into_iter().chain(payment).collect();
        // Once it is known here, nobody asks again: an end of the server must not lose what is to be told of it.
        self.tell_if_without_plan(invoice).await?;
        let term = TermPaid { order: self.place.order, months, price, references };
        self.carry_out(Some(key), Command::PayTerm(term)).await?;
        self.app.metrics().payment("term_paid");
        // The plan may have come to its end in between.
        self.tell_if_without_plan(invoice).await
    }

    async fn tell_if_without_plan(&self, invoice: &Invoice) -> Result<(), Unsettled> {
        let now = self.app.engine().now();
        let account = self.app.account_at(self.place.studio, &self.place.account, now).await?;
        if self.pays_for(&account).is_none() {
            self.stays_open(invoice, TERM_WITHOUT_PLAN).await?;
        }
        Ok(())
    }

    /// An invoice that bought nothing is open for as long as anything is, and that is noted at once.
    async fn stays_open(&self, invoice: &Invoice, reason: &'static str) -> Result<(), Unsettled> {
        let (app, studio) = (self.app, self.place.studio);
        // Whoever is told of the first does something about it; the second is heard of once, however late.
        let is_old = reason == INVOICE_WITHOUT_TERM
            && invoice.created.saturating_add(OPEN_FOR_S) <= app.engine().now().micros().div_euclid(1_000_000);
        if !is_old && keep_open(app, (studio, self.at), &invoice.id, reason) == News::New {
            app.metrics().payment(reason);
            app.deliveries().note(app, studio).await.map_err(Refused::from)?;
        }
        Ok(())
    }

    /// The plan that it pays for, where that goes on: not one that followed after it had ended.
    fn pays_for<'b>(&self, account: &'b Account) -> Option<&'b Subscription> {
        account.subscription.as_deref().filter(|stands| Some(stands.anchor) == self.begun)
    }

    /// How many months from the subscription's begin are paid with an invoice: the provider counts them as we do, from the
    /// first day on.
    fn months(&self, invoice: &Invoice) -> Option<u32> {
        let second = |at: i64| at.checked_mul(1_000_000).map(Time::from_micros);
        let end = self.theirs.pays_until(invoice)?;
        let months = cycle_at(second(self.theirs.start_date)?, &Zone::utc(), second(end.checked_add(SLACK_S)?)?)?;
        (months > 0).then_some(months)
    }

    /// Brings end and price to one: what was asked for last, on whichever side, holds.
    async fn agree(&self) -> Result<(), Unsettled> {
        let account = self.app.stored_account(self.place.studio, &self.place.account).await?;
        let noted = account.billing == Some(self.place.order);
        let pays_for = self.pays_for(&account).filter(|_| noted);
        let erased = self.place.account.erased_number().is_some();
        match pays_for {
            Some(_) if self.theirs.status == SubscriptionStatus::Incomplete => Ok(()),
            Some(stands) if !self.is_over() && !erased => {
                self.agree_on_end(&account, stands).await?;
                self.agree_on_plan(&account, stands).await
            }
            // It has ended there; or nothing goes on with it here: the plan has ended, or its owner was erased.
            pays_for => {
                if erased || pays_for.is_none() {
                    self.stop().await?;
                }
                if pays_for.is_some_and(|stands| stands.next != Some(NextPlan::Cancel)) {
                    self.carry_out(None, Command::CancelSubscription(Cancellation::default())).await?;
                }
                self.carry_out(None, Command::EndBilling { order: self.place.order }).await
            }
        }
    }

    /// Ends what goes on at the provider although its first payment never counts: it failed, or was of another amount. That
    /// is open until the money of its invoices is given back.
    async fn end_unpaid(&self) -> Result<(), Unsettled> {
        match self.theirs.status {
            SubscriptionStatus::Incomplete | SubscriptionStatus::IncompleteExpired => return Ok(()),
            SubscriptionStatus::Trialing
            | SubscriptionStatus::Active
            | SubscriptionStatus::PastDue
            | SubscriptionStatus::Canceled
            | SubscriptionStatus::Unpaid
            | SubscriptionStatus::Paused
            | SubscriptionStatus::Other => self.stop().await?,
        }
        for invoice in self.at.client.paid_invoices(&self.theirs.id).await? {
            if let Some(payment) = self.at.client.payment_of_invoice(&invoice.id).await?
                && stays_at_provider(&self.at.client.truth_of_payment(&payment).await?)
            {
                return Err(Unsettled::PaidForNothing);
            }
        }
        Ok(())
    }

    /// Ends at the provider what nothing here goes on with.
    async fn stop(&self) -> Result<(), Unsettled> {
        if matches!(self.theirs.status, SubscriptionStatus::Canceled | SubscriptionStatus::IncompleteExpired) {
            return Ok(());
        }
        tracing::warn!(studio = %self.at.studio, order = %self.place.order,
            "a subscription at the provider is ended: nothing goes on with it here");
        self.app.metrics().payment("subscription_stopped");
        match self.at.client.stop_subscription(&self.theirs.id).await {
            Ok(_) | Err(Error::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The provider remembers which end it was told of by us, or we by it; so the side that differs from that has changed.
    async fn agree_on_end(&self, account: &Account, stands: &Subscription) -> Result<(), Unsettled> {
        let here = stands.next == Some(NextPlan::Cancel);
        let (there, known) = (self.theirs.cancel_at_period_end, self.theirs.ending_known());
        let ending = match (here, there, known) {
            (true, true, true) | (false, false, false) => return Ok(()),
            (true, true, false) | (true, false, false) => Ending::AtTermEnd,
            (false, true, true) | (false, false, true) => Ending::Not,
            (false, true, false) => {
                self.carry_out(None, Command::CancelSubscription(Cancellation::default())).await?;
                Ending::AtTermEnd
            }
            (true, false, true) => {
                let plan = Some(stands.terms.plan.clone());
                self.carry_out(None, Command::PutSubscription(PutSubscription { plan, ..Default::default() })).await?;
                Ending::Not
            }
        };
        // Both may be told of the account as it stands: it is read before what is done about it here.
        let what = match ending {
            Ending::AtTermEnd => "end",
            Ending::Not => "go-on",
        };
        self.at.client.end_subscription(&self.theirs.id, ending, &self.key(what, account)).await?;
        Ok(())
    }

    /// The operator is to look at something at the provider: told in the log once, and counted.
    fn to_be_looked_at(&self, object: &str, what: &'static str) {
        self.app.metrics().payment(what);
        if self.app.deliveries().tell(self.app, self.place.studio, object, what) == News::New {
            tracing::error!(studio = %self.at.studio, order = %self.place.order, object, what, "{}", what_to_do(what));
        }
    }

    /// The next term is charged at the price of the plan that it will be of. A plan's own price that changed is none of
    /// that: who is on a plan stays at the price that they agreed to.
    async fn agree_on_plan(&self, account: &Account, stands: &Subscription) -> Result<(), Unsettled> {
        let wanted = match &stands.next {
            Some(NextPlan::Change(terms)) => terms,
            Some(NextPlan::Cancel) | None => &stands.terms,
        };
        if self.theirs.term_months() != Some(wanted.term_months) {
            self.to_be_looked_at(&self.theirs.id, "plan_of_other_terms");
            return Ok(());
        }
        if self.theirs.plan() == Some(wanted.plan.as_str()) {
            return Ok(());
        }
        let Some(price) = self.price_of(wanted)? else {
            self.to_be_looked_at(&self.theirs.id, "plan_without_price");
            return Ok(());
        };
        let currency = Currency::parse(&price.currency).expect("catalogs have currencies of ISO 4217");
        let terms = NewTerms {
            plan: wanted.plan.to_string(),
            name: format!("A term of the plan {}", wanted.plan),
            price: Money { minor: price.amount, currency },
        };
        self.at.client.change_terms(self.theirs, &terms, &self.key("terms", account)).await?;
        Ok(())
    }

    fn price_of(&self, terms: &PlanTerms) -> Result<Option<Price>, Refused> {
        let published = self.app.catalog(self.place.studio)?;
        Ok(published.catalog.plan(terms.plan.as_str()).and_then(|plan| plan.price.clone()))
    }

    /// A key of what is told to the provider once, as the account stands: asked for again later, it is told again.
    fn key(&self, what: &str, account: &Account) -> String {
        format!("{}/{what}/{}", self.theirs.id, account.seq)
    }

    async fn carry_out(&self, key: Option<Key>, command: Command) -> Result<(), Unsettled> {
        let OrderAt { studio, account, .. } = self.place.clone();
        self.app.engine().submit(Request { studio, account, key, command }).await.map_err(Refused::from)?;
        Ok(())
    }
}

/// What an operator is to do at the provider.
fn what_to_do(what: &str) -> &'static str {
    match what {
        "plan_of_other_terms" => {
            "a plan has other terms than the subscription that pays for it: its price is not changed there; end one of them"
        }
        _ => "a plan without a price follows one that a subscription pays for: end that at the provider",
    }
}

fn rubbish(what: &'static str) -> Error {
    Error::Rubbish { what, outcome: scrip_stripe::Outcome::NotDone, request: Default::default() }
}
