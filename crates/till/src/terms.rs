//! Subscriptions: a first invoice at a page, one for each further period, tries when one is not paid, and the end. And
//! what else falls due with time.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::book::{Book, DebitEnd};
use crate::object::{
    AtPeriodEnd, Interval, Invoice, InvoiceStatus, Keep, Object, Origin, PaymentStatus, Session, SessionStatus,
    Subscription, SubscriptionStatus,
};
use crate::paying::{NewIntent, Owner};

/// How long after a failed try an invoice is tried again.
const TRY_AGAIN_S: i64 = 3 * 86_400;
/// Failed tries after which a subscription ends.
const TRIES_MAX: u32 = 3;

/// Something that time brings.
enum Due {
    Debit(String, DebitEnd),
    Session(String),
    Period(String),
    Try(String),
}

impl Book {
    /// Lets everything happen that is due at `now`, each at its own second, in order.
    pub(crate) fn pass_time(&mut self, now: i64) {
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) {
            self.now = self.now.max(at);
            match due {
                Due::Debit(payment, end) => self.end_debit(&payment, end),
                Due::Session(session) => self.expire(&session),
                Due::Period(subscription) => self.turn(&subscription),
                Due::Try(subscription) => self.try_again(&subscription),
            }
        }
        self.now = self.now.max(now);
    }

    /// What is due first.
    fn next_due(&self) -> Option<(i64, Due)> {
        let debits =
            self.under_way.iter().map(|debit| (debit.due, Due::Debit(debit.payment_intent.clone(), debit.end)));
        let open = self.sessions.all().iter().filter(|session| session.status == SessionStatus::Open);
        let sessions = open.map(|session| (session.expires_at, Due::Session(session.id.clone())));
        let terms = self.subscriptions.all().iter().filter_map(|subscription| {
            let next_try = subscription.next_try.map(|at| (at, Due::Try(subscription.id.clone())));
            match subscription.status {
                SubscriptionStatus::Active => {
                    Some(next_try.unwrap_or_else(|| (subscription.period_end, Due::Period(subscription.id.clone()))))
                }
                SubscriptionStatus::PastDue => next_try,
                SubscriptionStatus::Incomplete | SubscriptionStatus::Canceled => None,
            }
        });
        debits.chain(sessions).chain(terms).min_by_key(|(at, _)| *at)
    }

    /// The subscription and first invoice of a page, made at the first try; answers the invoice's payment.
    pub(crate) fn first_invoice(&mut self, session: &str, customer: Option<&str>, method: &str) -> String {
        let page = self.sessions.known(session).clone();
        if let Some(invoice) = &page.invoice {
            let subscription = self.invoices.known(invoice).subscription.clone();
            self.subscriptions.known_mut(&subscription).payment_method = Some(method.to_owned());
            return self.invoices.known(invoice).payment_intent.clone().expect("a first invoice has a payment");
        }
        let id = self.id("sub_");
        let interval = page.interval.expect("a page for a subscription has an interval");
        self.subscriptions.add(Subscription {
            id: id.clone(),
            created: self.now,
            customer: customer.expect("a page for a subscription makes a customer").to_owned(),
            status: SubscriptionStatus::Incomplete,
            at_period_end: AtPeriodEnd::Renews,
            ended_at: None,
            amount: page.amount,
            currency: page.currency.expect("a page with a price has a currency"),
            item: page.item,
            interval,
            periods: 1,
            period_start: self.now,
            period_end: later(self.now, interval, 1),
            payment_method: Some(method.to_owned()),
            latest_invoice: None,
            failed_tries: 0,
            next_try: None,
            metadata: page.metadata_within,
        });
        let (invoice, payment) = self.new_invoice(&id, "subscription_create");
        let page = self.sessions.known_mut(session);
        page.subscription = Some(id.clone());
        page.invoice = Some(invoice);
        let shown = self.subscriptions.known(&id).shown();
        self.tell("customer.subscription.created", shown);
        payment
    }

    /// An invoice for a subscription's present period, and its payment.
    fn new_invoice(&mut self, subscription: &str, billing_reason: &'static str) -> (String, String) {
        let term = self.subscriptions.known(subscription).clone();
        let id = self.id("in_");
        let payment = self.invoice_payment(&id, &term);
        self.add_invoice(&id, term, billing_reason, Some(payment.clone()));
        (id, payment)
    }

    /// The payment of an invoice.
    fn invoice_payment(&mut self, invoice: &str, term: &Subscription) -> String {
        self.new_payment(NewIntent {
            amount: term.amount,
            currency: term.currency.clone(),
            customer: Some(term.customer.clone()),
            description: Some(term.item.clone()),
            keep: Keep::ForLater,
            metadata: Default::default(),
            origin: Origin::Invoice(invoice.to_owned()),
        })
    }

    /// Without a payment it is a draft.
    fn add_invoice(&mut self, id: &str, term: Subscription, billing_reason: &'static str, payment: Option<String>) {
        let subscription = term.id.clone();
        let invoice = Invoice {
            id: id.to_owned(),
            created: self.now,
            item_id: term.item_id(),
            customer: term.customer,
            subscription: term.id,
            metadata: term.metadata,
            status: if payment.is_some() { InvoiceStatus::Open } else { InvoiceStatus::Draft },
            amount: term.amount,
            currency: term.currency,
            billing_reason,
            item: term.item,
            period: (term.period_start, term.period_end),
            payment_intent: payment,
            tries: 0,
        };
        self.tell("invoice.created", invoice.shown());
        self.invoices.add(invoice);
        self.subscriptions.known_mut(&subscription).latest_invoice = Some(id.to_owned());
    }

    /// A period is over: the next one begins, or the subscription ends.
    fn turn(&mut self, id: &str) {
        let term = self.subscriptions.known_mut(id);
        if term.at_period_end == AtPeriodEnd::Ends {
            return self.end(id);
        }
        term.periods += 1;
        term.period_start = term.period_end;
        term.period_end = later(term.created, term.interval, term.periods);
        let method = term.payment_method.clone();
        if self.draft_s > 0 {
            return self.turn_to_draft(id);
        }
        let (_, payment) = self.new_invoice(id, "subscription_cycle");
        self.tell_of_subscription("customer.subscription.updated", id);
        let method = method.expect("a subscription that was paid has a method");
        self.try_payment(&payment, &method, Owner::Away);
    }

    /// The next period's invoice is a draft at first, and charged later.
    fn turn_to_draft(&mut self, id: &str) {
        let invoice = self.id("in_");
        let term = self.subscriptions.known(id).clone();
        self.add_invoice(&invoice, term, "subscription_cycle", None);
        self.subscriptions.known_mut(id).next_try = Some(self.now + self.draft_s);
        self.tell_of_subscription("customer.subscription.updated", id);
    }

    /// The payment of an invoice, which is a draft no more.
    fn finalized(&mut self, invoice: &str) -> String {
        let known = self.invoices.known(invoice).clone();
        if let Some(payment) = known.payment_intent {
            return payment;
        }
        let term = Subscription { amount: known.amount, ..self.subscriptions.known(&known.subscription).clone() };
        let payment = self.invoice_payment(invoice, &term);
        let known = self.invoices.known_mut(invoice);
        known.status = InvoiceStatus::Open;
        known.payment_intent = Some(payment.clone());
        let shown = known.shown();
        self.tell("invoice.finalized", shown);
        payment
    }

    fn try_again(&mut self, id: &str) {
        let term = self.subscriptions.known_mut(id);
        term.next_try = None;
        let method = term.payment_method.clone().expect("a subscription that was paid has a method");
        let invoice = term.latest_invoice.clone().expect("what is to be tried has an invoice");
        let payment = self.finalized(&invoice);
        self.try_payment(&payment, &method, Owner::Away);
    }

    /// An invoice is paid, and so its subscription active.
    pub(crate) fn invoice_paid(&mut self, invoice: &str) {
        let paid = self.invoices.known_mut(invoice);
        paid.status = InvoiceStatus::Paid;
        paid.tries += 1;
        let (id, shown) = (paid.subscription.clone(), paid.shown());
        self.tell("invoice.paid", shown);
        let term = self.subscriptions.known_mut(&id);
        term.status = SubscriptionStatus::Active;
        term.failed_tries = 0;
        term.next_try = None;
        self.tell_of_subscription("customer.subscription.updated", &id);
        if let Some(page) = self.open_page_of(invoice) {
            self.complete(&page, PaymentStatus::Paid);
        } else if let Some(page) = self.waiting_page_of(invoice) {
            self.sessions.known_mut(&page).payment_status = PaymentStatus::Paid;
            self.tell_of_session("checkout.session.async_payment_succeeded", &page);
        }
    }

    /// The page whose first invoice this is, while it is open.
    pub(crate) fn open_page_of(&self, invoice: &str) -> Option<String> {
        self.page_of(invoice, |page| page.status == SessionStatus::Open)
    }

    /// The same, when its customer is done and the money on its way.
    fn waiting_page_of(&self, invoice: &str) -> Option<String> {
        let waits =
            |page: &Session| page.status == SessionStatus::Complete && page.payment_status == PaymentStatus::Unpaid;
        self.page_of(invoice, waits)
    }

    fn page_of(&self, invoice: &str, fits: impl Fn(&Session) -> bool) -> Option<String> {
        let mut pages = self.sessions.all().iter();
        pages.find(|page| page.invoice.as_deref() == Some(invoice) && fits(page)).map(|page| page.id.clone())
    }

    /// An invoice could not be paid: later again, a few times.
    pub(crate) fn invoice_unpaid(&mut self, invoice: &str) {
        let unpaid = self.invoices.known_mut(invoice);
        unpaid.tries += 1;
        let (id, shown) = (unpaid.subscription.clone(), unpaid.shown());
        self.tell("invoice.payment_failed", shown);
        let now = self.now;
        let term = self.subscriptions.known_mut(&id);
        if term.status == SubscriptionStatus::Incomplete {
            // At the page the customer tries again; a debit that came back is the end of it.
            if let Some(page) = self.waiting_page_of(invoice) {
                self.tell_of_session("checkout.session.async_payment_failed", &page);
            }
            return;
        }
        term.status = SubscriptionStatus::PastDue;
        term.failed_tries += 1;
        if term.failed_tries >= TRIES_MAX {
            self.invoices.known_mut(invoice).status = InvoiceStatus::Void;
            return self.end(&id);
        }
        term.next_try = Some(now + TRY_AGAIN_S);
        self.tell_of_subscription("customer.subscription.updated", &id);
    }

    /// A subscription is to end with its period, or not after all.
    pub(crate) fn end_at_period_end(&mut self, id: &str, end: AtPeriodEnd) {
        self.subscriptions.known_mut(id).at_period_end = end;
        self.tell_of_subscription("customer.subscription.updated", id);
    }

    /// A subscription goes on, whatever was not paid.
    pub(crate) fn go_on(&mut self, id: &str) {
        let term = self.subscriptions.known_mut(id);
        term.status = SubscriptionStatus::Active;
        term.next_try = None;
        self.tell_of_subscription("customer.subscription.updated", id);
    }

    /// A subscription is over.
    pub(crate) fn end(&mut self, id: &str) {
        let now = self.now;
        let term = self.subscriptions.known_mut(id);
        term.status = SubscriptionStatus::Canceled;
        term.ended_at = Some(now);
        self.tell_of_subscription("customer.subscription.deleted", id);
    }

    pub(crate) fn tell_of_subscription(&mut self, kind: &'static str, id: &str) {
        let shown = self.subscriptions.known(id).shown();
        self.tell(kind, shown);
    }
}

/// So many months or years after an instant, counted from it: never from the one before.
fn later(from: i64, interval: Interval, count: i32) -> i64 {
    let span = match interval {
        Interval::Month => Span::new().months(count),
        Interval::Year => Span::new().years(count),
    };
    let begin = Timestamp::from_second(from).expect("the clock shows a date").to_zoned(TimeZone::UTC);
    begin.checked_add(span).expect("the clock shows a date of our time").timestamp().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_counted_from_the_first() {
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let from = second("2026-01-31T10:00:00Z");
        for (count, expected) in
            [(1, "2026-02-28T10:00:00Z"), (2, "2026-03-31T10:00:00Z"), (12, "2027-01-31T10:00:00Z")]
        {
            assert_eq!(later(from, Interval::Month, count), second(expected), "{count}");
        }
        assert_eq!(later(second("2028-02-29T00:00:00Z"), Interval::Year, 1), second("2029-02-28T00:00:00Z"));
    }
}
