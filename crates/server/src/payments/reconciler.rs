//! Asking for what the provider did not tell: deliveries get lost, and servers are away.
//!
//! It also charges what automatic top-ups ordered, and tells the provider what became of plans that its subscriptions pay
//! for: nobody else does.
//!
//! Here is found what is to be asked: by hearing of what has just happened, and in the accounts themselves, a few at a time (that
//! is what a restart begins with). Each studio's [`Provider`] is asked by itself: one that is slow or hangs holds up no other
//! studio's charges. Nothing here is needed for what is delivered, and nothing is done here that a delivery would not do.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use scrip_core::entry::{Event, OrderChange};
use scrip_core::id::{AccountNumber, StudioNumber};
use scrip_core::order::Origin;
use scrip_engine::engine::Committed;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use crate::app::App;
use crate::config::StripeAccount;
use crate::payments::billed::Billed;
use crate::payments::provider::Provider;
use crate::payments::settle::session_of;
use crate::payments::{self, OrderAt};

/// Accounts whose pending orders are looked for in one round.
const ACCOUNTS: usize = 1_000;

/// Goes round. One per server.
#[derive(Default)]
pub struct Reconciler {
    next_account: Option<AccountNumber>,
    feed: Option<Receiver<Arc<Committed>>>,
    billed: Arc<Billed>,
    /// The providers that were asked before; `None`: it is being asked.
    providers: BTreeMap<StudioNumber, Option<Provider>>,
}

impl Reconciler {
    /// Goes round for ever: a studio's next round begins when its last one has ended. Dropped, nothing goes on.
    pub async fn go_round(mut self, app: &App) -> Infallible {
        let between = app.config().payments.pace.between_rounds;
        if app.config().payments.stripe.is_empty() {
            std::future::pending::<()>().await;
        }
        let mut rounds = FuturesUnordered::new();
        loop {
            self.find(app).await;
            for (mut provider, at) in self.idle(app) {
                let billed = Arc::clone(&self.billed);
                rounds.push(async move {
                    provider.round(app, at, &billed).await;
                    provider
                });
            }
            let mut pause = pin!(tokio::time::sleep(between));
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    Some(provider) = rounds.next() => self.is_idle(provider),
                }
            }
        }
    }

    /// One round of each studio, one after the other. What goes wrong is logged and counted, and is tried again in a later one.
    /// It may be cut short at any point: each provider stays where it is.
    pub async fn round(&mut self, app: &App) {
        self.find(app).await;
        for (number, at) in served(app) {
            let billed = Arc::clone(&self.billed);
            if let Some(provider) = self.provider(number) {
                provider.round(app, at, &billed).await;
            }
        }
    }

    /// A studio's provider; `None`: it is being asked.
    fn provider(&mut self, number: StudioNumber) -> &mut Option<Provider> {
        self.providers.entry(number).or_insert_with(|| Some(Provider::of(number)))
    }

    /// Takes the providers that are not being asked.
    fn idle<'a>(&mut self, app: &'a App) -> Vec<(Provider, &'a StripeAccount)> {
        served(app).filter_map(|(number, at)| Some((self.provider(number).take()?, at))).collect()
    }

    /// A provider's round has ended.
    fn is_idle(&mut self, provider: Provider) {
        self.providers.insert(provider.studio(), Some(provider));
    }

    /// Finds what providers are to be asked about.
    async fn find(&mut self, app: &App) {
        self.hear(app);
        self.find_pending(app).await;
    }

    /// Finds pending orders in the next accounts.
    async fn find_pending(&mut self, app: &App) {
        let after = self.next_account;
        let found = match app.reading(move |engine| engine.pending_orders(after, ACCOUNTS)).await {
            Ok(found) => found,
            // Logged where it was refused; the next round tries again.
            Err(_) => return,
        };
        self.next_account = found.next;
        let served = |studio| payments::account_of(app, studio).is_some();
        for (studio, account, order) in found.billed.into_iter().filter(|(studio, ..)| served(*studio)) {
            self.billed.found(OrderAt { studio, account, order }, app.engine().now());
        }
        for (studio, account, order) in found.orders.into_iter().filter(|(studio, ..)| served(*studio)) {
            let at = OrderAt { studio, account, order: order.id };
            if session_of(&order).is_some() {
                app.waiting().add(at, order.placed_at, &app.config().payments.pace);
            } else if order.origin == Origin::Automatic {
                app.waiting().add_due(at, order.placed_at);
            }
        }
    }

    /// Hears of what has happened since the last round that concerns a provider, so that it need not be found.
    fn hear(&mut self, app: &App) {
        let feed = self.feed.get_or_insert_with(|| app.engine().feed());
        let now = app.engine().now();
        let served = |studio| payments::account_of(app, studio).is_some();
        loop {
            match feed.try_recv() {
                Ok(committed) => {
                    for (studio, entry) in &committed.entries {
                        let account = committed.accounts.iter().find(|account| account.number == entry.account);
                        let Some(account) = account else { continue };
                        let at = |order| OrderAt { studio: *studio, account: account.id.clone(), order };
                        match (&entry.event, account.billing) {
                            (Event::OrderChanged { change: OrderChange::Placed, order }, _)
                                if order.origin == Origin::Automatic && served(*studio) =>
                            {
                                app.waiting().add_due(at(order.id), order.placed_at);
                            }
                            (
                                Event::SubscriptionChanged { .. } | Event::BillingChanged { .. } | Event::AccountErased,
                                Some(order),
                            ) if served(*studio) => {
                                self.billed.changed(at(order), now);
                            }
                            (_, _) => {}
                        }
                    }
                }
                // Too far behind: what was missed is found in the accounts.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

/// The studios that have a provider.
fn served(app: &App) -> impl Iterator<Item = (StudioNumber, &StripeAccount)> {
    let studios = app.engine().studios();
    studios.into_iter().filter_map(|(number, _)| Some((number, payments::account_of(app, number)?)))
}
