//! The running provider, as the program around it holds it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::book::{self, Book};
use crate::clock::Clock;
use crate::deliver::{Attempt, Deliveries, Kept};
use crate::methods;
use crate::object::{AtPeriodEnd, DisputeStatus, Endpoint, IntentStatus, Origin, SessionStatus, Validity};
use crate::paying::{Challenge, Tried};
use crate::replay::Replays;
use crate::serve;
use crate::switches::Switches;

/// How a provider begins.
pub struct Options {
    /// Ids and lots follow from it.
    pub seed: u64,
    /// The key of the API, `sk_test_…`.
    pub api_key: String,
    /// Whose page customers see.
    pub business: String,
    /// Its clock.
    pub clock: Clock,
    /// How long a bank debit takes, in seconds.
    pub debit_wait_s: i64,
    /// How long after a first failure a delivery is sent again; doubled each time, up to a minute.
    pub backoff: Duration,
}

/// A running provider. It ends when the last handle is dropped.
#[derive(Clone)]
pub struct Till(Arc<Running>);

struct Running {
    desk: Arc<Desk>,
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

/// What all parts share.
pub(crate) struct Desk {
    pub(crate) book: Mutex<Book>,
    pub(crate) replays: Mutex<Replays>,
    pub(crate) switches: Arc<Mutex<Switches>>,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) api_key: String,
    pub(crate) business: String,
}

/// A payment that was asked for by a call, away from its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedAway {
    /// Its id.
    pub payment_intent: String,
    /// What whoever asked for it attached.
    pub metadata: BTreeMap<String, String>,
}

/// How a bank debit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DebitEnd {
    /// The money comes.
    Arrives,
    /// It does not.
    Fails,
}

/// How a dispute ends, for the studio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The money stays.
    Won,
    /// It is gone.
    Lost,
}

impl Till {
    /// Starts a provider that is reached at a listener.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Till> {
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk {
            book: Mutex::new(Book::new(options.seed, format!("http://{address}"), options.debit_wait_s)),
            replays: Mutex::default(),
            switches: Arc::new(Mutex::new(Switches::default())),
            deliveries: Arc::new(Deliveries::new(options.backoff, options.seed)),
            clock: Arc::new(options.clock),
            api_key: options.api_key,
            business: options.business,
        });
        let tasks = vec![
            tokio::spawn(serve::accept(listener, Arc::clone(&desk))),
            tokio::spawn(Arc::clone(&desk.deliveries).run(Arc::clone(&desk.clock), Arc::clone(&desk.switches))),
            tokio::spawn(serve::pass_time(Arc::clone(&desk))),
        ];
        Ok(Till(Arc::new(Running { desk, address, tasks })))
    }

    /// Where it is: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Has events delivered to an address (all kinds, in the version of [`crate::API_VERSION`]); answers the signing secret.
    pub fn deliver_to(&self, url: &str) -> String {
        self.0.desk.change(|book| {
            let (id, secret) = (book.id("we_"), book.id("whsec_"));
            book.endpoints.add(Endpoint {
                id,
                created: book.now,
                url: url.to_owned(),
                enabled_events: vec!["*".to_owned()],
                api_version: crate::API_VERSION.to_owned(),
                secret: secret.clone(),
            });
            secret
        })
    }

    /// Sets all switches.
    pub fn switch(&self, switches: Switches) {
        *self.0.desk.switches() = switches;
    }

    /// Moves the clock on, and lets happen what falls due.
    pub fn move_clock(&self, at: i64) {
        self.0.desk.clock.move_to(at);
        self.0.desk.change(|_| ());
    }

    /// Ends a bank debit that is under way; whether there was one.
    pub fn end_debit(&self, payment_intent: &str, end: DebitEnd) -> bool {
        self.0.desk.end_debit(payment_intent, end)
    }

    /// A customer's bank wants a payment back; answers the dispute's id. `None`: there is nothing to dispute.
    pub fn dispute(&self, payment_intent: &str) -> Option<String> {
        self.0.desk.dispute(payment_intent)
    }

    /// A customer's bank only asks about a payment; answers the id of the dispute that it may become. `None`: there is nothing
    /// to ask about.
    pub fn inquire(&self, payment_intent: &str) -> Option<String> {
        self.0.desk.inquire(payment_intent)
    }

    /// A bank that asked wants the money now; whether it could.
    pub fn escalate(&self, id: &str) -> bool {
        self.0.desk.change(|book| book.escalate(id))
    }

    /// The bank decides a dispute, or is content with the answer to what it asked; whether it was open.
    pub fn close_dispute(&self, id: &str, verdict: Verdict) -> bool {
        self.0.desk.close_dispute(id, verdict)
    }

    /// A refund does not arrive, and its money is here again; whether it had gone.
    pub fn fail_refund(&self, id: &str) -> bool {
        self.0.desk.change(|book| book.fail_refund(id))
    }

    /// A customer pays at a page with a test number, without a browser; whether the page was open and is done now.
    /// For every other outcome there is the page itself.
    pub fn pay(&self, session: &str, number: &str) -> bool {
        let Some(method) = methods::find(number) else { return false };
        self.0.desk.change(|book| {
            let open = book.sessions.maybe(session).is_some_and(|page| page.status == SessionStatus::Open);
            open && book.pay_at_page(session, method) == Tried::Done
        })
    }

    /// A customer shows the bank, at a page, that it is them; whether the page is done now.
    pub fn approve(&self, session: &str) -> bool {
        self.0.desk.change(|book| {
            let open = book.sessions.maybe(session).is_some_and(|page| page.status == SessionStatus::Open);
            open && book.answer_challenge(session, Challenge::Approved) == Tried::Done
        })
    }

    /// The card that a payment was made with is no longer valid; whether there is one.
    pub fn expire_card(&self, payment_intent: &str) -> bool {
        self.0.desk.expire_card(payment_intent)
    }

    /// The card that a payment was made with behaves as another from now on; whether there is one, and such a number.
    pub fn change_card(&self, payment_intent: &str, number: &str) -> bool {
        self.0.desk.change_card(payment_intent, number)
    }

    /// A customer ends a subscription with its period, or calls that off, at the provider's own pages; whether there is one.
    pub fn end_at_period_end(&self, subscription: &str, ends: bool) -> bool {
        self.0.desk.change(|book| {
            let known = book.subscriptions.maybe(subscription).is_some();
            if known {
                book.end_at_period_end(subscription, if ends { AtPeriodEnd::Ends } else { AtPeriodEnd::Renews });
            }
            known
        })
    }

    /// The studio's people let a subscription go on although its first payment never came; whether there is one.
    pub fn go_on_unpaid(&self, subscription: &str) -> bool {
        self.0.desk.change(|book| {
            let known = book.subscriptions.maybe(subscription).is_some();
            if known {
                book.go_on(subscription);
            }
            known
        })
    }

    /// A customer takes the payment method away that a payment was made with; whether there is one.
    pub fn remove_card(&self, payment_intent: &str) -> bool {
        self.0.desk.with_method(payment_intent, |book, method| book.detach(method))
    }

    /// The studio's people delete the customer who made a payment; whether there was one.
    pub fn delete_customer(&self, payment_intent: &str) -> bool {
        self.0.desk.change(|book| {
            let payment = book.payments.maybe(payment_intent);
            let Some(customer) = payment.and_then(|payment| payment.customer.clone()) else { return false };
            book.delete_customer(&customer)
        })
    }

    /// What was tried while nobody was there, paid or not, oldest first.
    pub fn tried_away(&self) -> Vec<TriedAway> {
        self.0.desk.change(|book| {
            let away = book.payments.all().iter().filter(|payment| matches!(payment.origin, Origin::Call));
            away.map(|payment| TriedAway { payment_intent: payment.id.clone(), metadata: payment.metadata.clone() })
                .collect()
        })
    }

    /// What was delivered, oldest first.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.0.desk.deliveries.log()
    }

    /// Takes the deliveries that wait, signed now, instead of having them sent.
    pub fn take_deliveries(&self) -> Vec<Kept> {
        self.0.desk.deliveries.take(&self.0.desk.clock)
    }

    /// A delivery that was taken before, signed now: as each further try of it is.
    pub fn sign_again(&self, kept: &Kept) -> Kept {
        let secret = self.0.desk.change(|book| {
            let endpoint = book.endpoints.all().iter().find(|endpoint| endpoint.url == kept.url);
            endpoint.map(|endpoint| endpoint.secret.clone())
        });
        match secret {
            Some(secret) => kept.signed(&secret, self.0.desk.clock.now()),
            // Nobody is delivered to there any more.
            None => kept.clone(),
        }
    }

    /// Waits until no delivery is waiting or on its way.
    pub async fn quiet(&self) {
        self.0.desk.deliveries.quiet().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Desk {
    /// Changes the book, at the present second, and sends what it tells.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book.lock().expect("nobody panics while the book is open");
        book.draft_s = self.switches().draft_s;
        book.pass_time(self.clock.now());
        let done = change(&mut book);
        let told = std::mem::take(&mut book.told);
        if !told.is_empty() {
            self.deliveries.queue(&told, book.endpoints.all(), &self.switches());
        }
        done
    }

    pub(crate) fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().expect("nobody panics while switching")
    }

    pub(crate) fn end_debit(&self, payment_intent: &str, end: DebitEnd) -> bool {
        let end = match end {
            DebitEnd::Arrives => book::DebitEnd::Arrives,
            DebitEnd::Fails => book::DebitEnd::Fails,
        };
        self.change(|book| {
            let payment = book.payments.maybe(payment_intent);
            let under_way = payment.is_some_and(|payment| payment.status == IntentStatus::Processing);
            if under_way {
                book.end_debit(payment_intent, end);
            }
            under_way
        })
    }

    pub(crate) fn expire_card(&self, payment_intent: &str) -> bool {
        self.with_method(payment_intent, |book, method| book.methods.known_mut(method).validity = Validity::Expired)
    }

    pub(crate) fn change_card(&self, payment_intent: &str, number: &str) -> bool {
        let Some(other) = methods::find(number) else { return false };
        self.with_method(payment_intent, |book, method| book.methods.known_mut(method).method = other)
    }

    /// Does something with the method of a payment; whether there is one.
    fn with_method(&self, payment_intent: &str, change: impl FnOnce(&mut Book, &str)) -> bool {
        self.change(|book| {
            let payment = book.payments.maybe(payment_intent);
            let method = payment.and_then(|payment| payment.payment_method.clone());
            method.as_deref().inspect(|method| change(book, method)).is_some()
        })
    }

    pub(crate) fn dispute(&self, payment_intent: &str) -> Option<String> {
        self.open_dispute(payment_intent, DisputeStatus::NeedsResponse)
    }

    pub(crate) fn inquire(&self, payment_intent: &str) -> Option<String> {
        self.open_dispute(payment_intent, DisputeStatus::WarningNeedsResponse)
    }

    fn open_dispute(&self, payment_intent: &str, status: DisputeStatus) -> Option<String> {
        self.change(|book| {
            book.payments.maybe(payment_intent)?;
            book.dispute(payment_intent, status)
        })
    }

    pub(crate) fn close_dispute(&self, id: &str, verdict: Verdict) -> bool {
        self.change(|book| {
            let closed = match (book.disputes.maybe(id).map(|dispute| dispute.status), verdict) {
                (Some(DisputeStatus::NeedsResponse), Verdict::Won) => DisputeStatus::Won,
                (Some(DisputeStatus::NeedsResponse), Verdict::Lost) => DisputeStatus::Lost,
                (Some(DisputeStatus::WarningNeedsResponse), Verdict::Won) => DisputeStatus::WarningClosed,
                (_, _) => return false,
            };
            book.close_dispute(id, closed);
            true
        })
    }
}
