//! Paying: what becomes of a payment, and of the page or invoice that asked for it.

use crate::book::{Book, DebitEnd, UnderWay};
use crate::error::CardRefusal;
use crate::methods::{self, Method, Outcome};
use crate::object::{
    Charge, ChargeStatus, Customer, Dispute, DisputeStatus, IntentStatus, Keep, Mode, Object, Origin, PaymentIntent,
    PaymentMethod, PaymentStatus, RefundStatus, Session, SessionStatus, SetupIntent, Subscription, SubscriptionStatus,
    Validity,
};

/// Whether the owner of a payment method is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Present,
    Away,
}

/// What a try to pay came to, for whoever tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Paid, or on its way: the customer is done.
    Done,
    /// The bank wants to see its customer.
    Authenticate,
    /// The bank said no.
    Refused(CardRefusal),
}

/// The customer's answer to the bank.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    Approved,
    Failed,
}

impl Book {
    /// A customer pays at a hosted page with a method of the table.
    pub(crate) fn pay_at_page(&mut self, session: &str, method: &'static Method) -> Tried {
        let customer = self.customer_of(session);
        let page = self.sessions.known(session);
        // A method belongs to its customer only where it is to be used again.
        let kept = page.mode != Mode::Payment || page.keep == Keep::ForLater;
        let method = self.keep_method(method, customer.clone().filter(|_| kept));
        match self.sessions.known(session).mode {
            Mode::Payment => {
                let payment = self.payment_of(session);
                self.try_payment(&payment, &method, Owner::Present)
            }
            Mode::Setup => {
                let setup = self.setup_of(session);
                self.try_setup(session, &setup, &method)
            }
            Mode::Subscription => {
                let payment = self.first_invoice(session, customer.as_deref(), &method);
                self.try_payment(&payment, &method, Owner::Present)
            }
        }
    }

    /// The customer answers the bank's challenge of what waits at a page.
    pub(crate) fn answer_challenge(&mut self, session: &str, answer: Challenge) -> Tried {
        if let Some(setup) = self.sessions.known(session).setup_intent.clone() {
            return self.answer_setup(session, &setup, answer);
        }
        let payment = self.sessions.known(session).payment_intent.clone();
        let invoice = self.sessions.known(session).invoice.clone();
        let payment = payment.or_else(|| self.invoices.known(&invoice?).payment_intent.clone());
        let payment = payment.expect("a page with a challenge has a payment");
        if self.payments.known(&payment).status != IntentStatus::RequiresAction {
            return Tried::Done;
        }
        match answer {
            Challenge::Approved => {
                self.succeed(&payment);
                Tried::Done
            }
            Challenge::Failed => self.refuse(&payment, methods::AUTHENTICATION_FAILED),
        }
    }

    /// Tries to take the money of a payment.
    pub(crate) fn try_payment(&mut self, payment: &str, method: &str, owner: Owner) -> Tried {
        let outcome = match owner {
            Owner::Present | Owner::Away if self.methods.known(method).validity == Validity::Expired => {
                Outcome::Declined(methods::EXPIRED)
            }
            Owner::Present => self.methods.known(method).method.present,
            Owner::Away => self.methods.known(method).method.away,
        };
        self.payments.known_mut(payment).payment_method = Some(method.to_owned());
        match (outcome, owner) {
            (Outcome::Paid, _) => {
                self.succeed(payment);
                Tried::Done
            }
            (Outcome::PaidAndDisputed, _) => {
                self.succeed(payment);
                self.dispute(payment, DisputeStatus::NeedsResponse);
                Tried::Done
            }
            (Outcome::Declined(refusal), _) => self.refuse(payment, refusal),
            (Outcome::Authentication, Owner::Present) => {
                self.payments.known_mut(payment).status = IntentStatus::RequiresAction;
                self.tell_of_payment("payment_intent.requires_action", payment);
                Tried::Authenticate
            }
            (Outcome::Authentication, Owner::Away) => self.refuse(payment, methods::AUTHENTICATION_REQUIRED),
            (Outcome::ArrivesLater, _) => self.begin_debit(payment, DebitEnd::Arrives),
            (Outcome::FailsLater, _) => self.begin_debit(payment, DebitEnd::Fails),
        }
    }

    /// Ends a bank debit that is under way.
    pub(crate) fn end_debit(&mut self, payment: &str, end: DebitEnd) {
        self.under_way.retain(|under_way| under_way.payment_intent != payment);
        match end {
            DebitEnd::Arrives => self.succeed(payment),
            DebitEnd::Fails => {
                self.refuse(payment, methods::DEBIT_FAILED);
            }
        }
    }

    fn begin_debit(&mut self, payment: &str, end: DebitEnd) -> Tried {
        let charge = self.new_charge(payment, ChargeStatus::Pending);
        let intent = self.payments.known_mut(payment);
        intent.status = IntentStatus::Processing;
        intent.latest_charge = Some(charge);
        self.tell_of_payment("payment_intent.processing", payment);
        let due = self.now + self.debit_wait_s;
        self.under_way.push(UnderWay { payment_intent: payment.to_owned(), due, end });
        let page = match self.payments.known(payment).origin.clone() {
            Origin::Session(session) => Some(session),
            Origin::Invoice(invoice) => self.open_page_of(&invoice),
            Origin::Call => None,
        };
        if let Some(page) = page {
            self.complete(&page, PaymentStatus::Unpaid);
        }
        Tried::Done
    }

    fn succeed(&mut self, payment: &str) {
        let was_under_way = self.payments.known(payment).status == IntentStatus::Processing;
        let charge = match (&self.payments.known(payment).latest_charge, was_under_way) {
            (Some(charge), true) => charge.clone(),
            (_, _) => self.new_charge(payment, ChargeStatus::Succeeded),
        };
        self.charges.known_mut(&charge).status = ChargeStatus::Succeeded;
        let intent = self.payments.known_mut(payment);
        intent.status = IntentStatus::Succeeded;
        intent.amount_received = intent.amount;
        intent.latest_charge = Some(charge.clone());
        intent.last_error = None;
        let charge = self.charges.known(&charge).shown();
        self.tell("charge.succeeded", charge);
        self.tell_of_payment("payment_intent.succeeded", payment);
        match (self.payments.known(payment).origin.clone(), was_under_way) {
            (Origin::Call, _) => {}
            (Origin::Session(session), false) => self.complete(&session, PaymentStatus::Paid),
            (Origin::Session(session), true) => {
                self.sessions.known_mut(&session).payment_status = PaymentStatus::Paid;
                self.tell_of_session("checkout.session.async_payment_succeeded", &session);
            }
            (Origin::Invoice(invoice), _) => self.invoice_paid(&invoice),
        }
    }

    fn refuse(&mut self, payment: &str, refusal: CardRefusal) -> Tried {
        let was_under_way = self.payments.known(payment).status == IntentStatus::Processing;
        let charge = match (&self.payments.known(payment).latest_charge, was_under_way) {
            (Some(charge), true) => charge.clone(),
            (_, _) => self.new_charge(payment, ChargeStatus::Failed),
        };
        let failed = self.charges.known_mut(&charge);
        failed.status = ChargeStatus::Failed;
        failed.failure = Some(refusal);
        let intent = self.payments.known_mut(payment);
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.latest_charge = Some(charge.clone());
        intent.last_error = Some(refusal);
        intent.payment_method = None;
        let charge = self.charges.known(&charge).shown();
        self.tell("charge.failed", charge);
        self.tell_of_payment("payment_intent.payment_failed", payment);
        match (self.payments.known(payment).origin.clone(), was_under_way) {
            (Origin::Session(session), true) => {
                self.tell_of_session("checkout.session.async_payment_failed", &session);
            }
            (Origin::Invoice(invoice), _) => self.invoice_unpaid(&invoice),
            (Origin::Call | Origin::Session(_), _) => {}
        }
        Tried::Refused(refusal)
    }

    /// A bank wants the money of a payment back (`NeedsResponse`) or asks about it (`WarningNeedsResponse`); `None` when there
    /// is none to want, or a dispute of it is open or lost.
    pub(crate) fn dispute(&mut self, payment: &str, status: DisputeStatus) -> Option<String> {
        let charge = self.payments.known(payment).latest_charge.clone()?;
        let mut of_charge = self.disputes.all().iter().filter(|dispute| dispute.charge == charge);
        if of_charge.any(|dispute| dispute.status.has_the_money()) {
            return None;
        }
        let disputed = self.charges.known_mut(&charge);
        if disputed.status != ChargeStatus::Succeeded {
            return None;
        }
        disputed.disputed = true;
        let (amount, currency) = (disputed.amount, disputed.currency.clone());
        let id = self.id("du_");
        let dispute = Dispute {
            id: id.clone(),
            created: self.now,
            amount,
            currency,
            charge,
            payment_intent: payment.to_owned(),
            status,
        };
        self.tell("charge.dispute.created", dispute.shown());
        self.disputes.add(dispute);
        Some(id)
    }

    /// A bank that asked wants the money now; whether it could.
    pub(crate) fn escalate(&mut self, id: &str) -> bool {
        let Some(asked) = self.disputes.maybe(id).filter(|asked| asked.status == DisputeStatus::WarningNeedsResponse)
        else {
            return false;
        };
        let charge = asked.charge.clone();
        let mut others = self.disputes.all().iter().filter(|dispute| dispute.charge == charge);
        if others.any(|dispute| dispute.status.has_the_money()) {
            return false;
        }
        self.disputes.known_mut(id).status = DisputeStatus::NeedsResponse;
        let shown = self.disputes.known(id).shown();
        self.tell("charge.dispute.updated", shown.clone());
        self.tell("charge.dispute.funds_withdrawn", shown);
        true
    }

    /// The bank has decided.
    pub(crate) fn close_dispute(&mut self, id: &str, status: DisputeStatus) {
        self.disputes.known_mut(id).status = status;
        let shown = self.disputes.known(id).shown();
        self.tell("charge.dispute.closed", shown);
    }

    /// A refund does not arrive, and the money is here again; whether it had gone.
    pub(crate) fn fail_refund(&mut self, id: &str) -> bool {
        let Some(refund) = self.refunds.maybe(id).filter(|refund| refund.status == RefundStatus::Succeeded).cloned()
        else {
            return false;
        };
        self.charges.known_mut(&refund.charge).amount_refunded -= refund.amount;
        self.refunds.known_mut(id).status = RefundStatus::Failed;
        let shown = self.refunds.known(id).shown();
        self.tell("refund.updated", shown.clone());
        self.tell("refund.failed", shown);
        true
    }

    /// A customer is done with a page.
    pub(crate) fn complete(&mut self, session: &str, payment_status: PaymentStatus) {
        let page = self.sessions.known_mut(session);
        page.status = SessionStatus::Complete;
        page.payment_status = payment_status;
        self.tell_of_session("checkout.session.completed", session);
    }

    /// A page ends unused.
    pub(crate) fn expire(&mut self, session: &str) {
        let page = self.sessions.known_mut(session);
        page.status = SessionStatus::Expired;
        if let Some(payment) = page.payment_intent.clone() {
            self.payments.known_mut(&payment).status = IntentStatus::Canceled;
        }
        self.tell_of_session("checkout.session.expired", session);
    }

    /// A payment method for a customer.
    pub(crate) fn keep_method(&mut self, method: &'static Method, customer: Option<String>) -> String {
        let id = self.id("pm_");
        self.methods.add(PaymentMethod {
            id: id.clone(),
            created: self.now,
            customer,
            method,
            validity: Validity::Valid,
        });
        id
    }

    /// Takes a payment method away from its customer.
    pub(crate) fn detach(&mut self, method: &str) {
        self.methods.known_mut(method).customer = None;
        let shown = self.methods.known(method).shown();
        self.tell("payment_method.detached", shown);
    }

    /// Forgets a customer: its payment methods are nobody's any more, and its subscriptions end. Whether it was known.
    pub(crate) fn delete_customer(&mut self, id: &str) -> bool {
        if self.customers.maybe(id).is_none() {
            return false;
        }
        let methods = self.methods.all().iter().filter(|method| method.customer.as_deref() == Some(id));
        let methods: Vec<String> = methods.map(|method| method.id.clone()).collect();
        methods.iter().for_each(|method| self.detach(method));
        let going_on = |term: &&Subscription| term.customer == id && term.status != SubscriptionStatus::Canceled;
        let terms: Vec<String> = self.subscriptions.all().iter().filter(going_on).map(|term| term.id.clone()).collect();
        terms.iter().for_each(|term| self.end(term));
        self.customers.remove(id);
        true
    }

    fn customer_of(&mut self, session: &str) -> Option<String> {
        let page = self.sessions.known(session);
        if page.customer.is_some() || !page.makes_customer {
            return page.customer.clone();
        }
        let id = self.id("cus_");
        let customer =
            Customer { id: id.clone(), created: self.now, name: None, email: None, metadata: Default::default() };
        self.customers.add(customer);
        self.sessions.known_mut(session).customer = Some(id.clone());
        Some(id)
    }

    /// The payment of a page, made at the first try.
    fn payment_of(&mut self, session: &str) -> String {
        let page = self.sessions.known(session).clone();
        if let Some(payment) = page.payment_intent {
            return payment;
        }
        let id = self.new_payment(NewIntent {
            amount: page.amount,
            currency: page.currency.expect("a page with a price has a currency"),
            customer: page.customer,
            description: None,
            keep: page.keep,
            metadata: page.metadata_within,
            origin: Origin::Session(session.to_owned()),
        });
        self.sessions.known_mut(session).payment_intent = Some(id.clone());
        id
    }

    pub(crate) fn new_payment(&mut self, new: NewIntent) -> String {
        let id = self.id("pi_");
        self.payments.add(PaymentIntent {
            id: id.clone(),
            created: self.now,
            amount: new.amount,
            amount_received: 0,
            currency: new.currency,
            status: IntentStatus::RequiresConfirmation,
            customer: new.customer,
            payment_method: None,
            latest_charge: None,
            last_error: None,
            description: new.description,
            keep: new.keep,
            metadata: new.metadata,
            origin: new.origin,
        });
        self.tell_of_payment("payment_intent.created", &id);
        id
    }

    fn new_charge(&mut self, payment: &str, status: ChargeStatus) -> String {
        let id = self.id("ch_");
        let intent = self.payments.known(payment).clone();
        self.charges.add(Charge {
            id: id.clone(),
            created: self.now,
            amount: intent.amount,
            amount_refunded: 0,
            currency: intent.currency,
            status,
            disputed: false,
            failure: None,
            payment_intent: intent.id,
            payment_method: intent.payment_method,
            customer: intent.customer,
            metadata: intent.metadata,
        });
        id
    }

    fn setup_of(&mut self, session: &str) -> String {
        let Session { setup_intent, customer, metadata_within, .. } = self.sessions.known(session).clone();
        if let Some(setup) = setup_intent {
            return setup;
        }
        let id = self.id("seti_");
        self.setups.add(SetupIntent {
            id: id.clone(),
            created: self.now,
            status: IntentStatus::RequiresPaymentMethod,
            customer,
            payment_method: None,
            metadata: metadata_within,
        });
        self.sessions.known_mut(session).setup_intent = Some(id.clone());
        id
    }

    fn try_setup(&mut self, session: &str, setup: &str, method: &str) -> Tried {
        match self.methods.known(method).method.present {
            Outcome::Declined(refusal) => Tried::Refused(refusal),
            Outcome::Authentication => {
                let waiting = self.setups.known_mut(setup);
                waiting.status = IntentStatus::RequiresAction;
                waiting.payment_method = Some(method.to_owned());
                Tried::Authenticate
            }
            Outcome::Paid | Outcome::PaidAndDisputed | Outcome::ArrivesLater | Outcome::FailsLater => {
                self.setups.known_mut(setup).payment_method = Some(method.to_owned());
                self.set_up(session, setup)
            }
        }
    }

    fn answer_setup(&mut self, session: &str, setup: &str, answer: Challenge) -> Tried {
        match answer {
            Challenge::Approved => self.set_up(session, setup),
            Challenge::Failed => {
                let failed = self.setups.known_mut(setup);
                failed.status = IntentStatus::RequiresPaymentMethod;
                failed.payment_method = None;
                Tried::Refused(methods::AUTHENTICATION_FAILED)
            }
        }
    }

    fn set_up(&mut self, session: &str, setup: &str) -> Tried {
        self.setups.known_mut(setup).status = IntentStatus::Succeeded;
        let shown = self.setups.known(setup).shown();
        self.tell("setup_intent.succeeded", shown);
        self.complete(session, PaymentStatus::NothingToPay);
        Tried::Done
    }

    pub(crate) fn tell_of_session(&mut self, kind: &'static str, session: &str) {
        let shown = self.sessions.known(session).shown();
        self.tell(kind, shown);
    }

    pub(crate) fn tell_of_payment(&mut self, kind: &'static str, payment: &str) {
        let shown = self.payments.known(payment).shown();
        self.tell(kind, shown);
    }
}

/// A payment to be made.
pub(crate) struct NewIntent {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) keep: Keep,
    pub(crate) metadata: crate::object::Metadata,
    pub(crate) origin: Origin,
}
