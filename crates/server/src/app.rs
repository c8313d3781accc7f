//! What every handler shares, and what most of them do: carry out a command, read an account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use scrip_api::unfit::{InvalidField, Unfit};
use scrip_core::account::Account;
use scrip_core::catalog::Published;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, Key, StudioNumber};
use scrip_core::rejection::Rejection;
use scrip_core::time::Time;
use scrip_engine::Engine;
use scrip_engine::engine::{Outcome, Refusal, Request};
use scrip_engine::store::StoreError;
use tokio::sync::watch;

use crate::auth::Authorised;
use crate::config::{Config, SignInProvider};
use crate::makers::Makers;
use crate::metrics::Metrics;
use crate::payments::{Deliveries, Waiting};
use crate::problem::Refused;
use crate::sign_ins::SignIns;
use crate::trial::{self, Trial};
use crate::watchers::Watchers;

/// The running API: cheap to clone, one per process.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What handlers share.
struct Shared {
    engine: Engine,
    config: Config,
    metrics: Metrics,
    watchers: Watchers,
    waiting: Waiting,
    deliveries: Deliveries,
    sign_ins: SignIns,
    makers: Makers,
    /// Whose turn it is to read all accounts of a studio.
    surveys: Mutex<BTreeMap<StudioNumber, Arc<tokio::sync::Mutex<()>>>>,
    stopping: watch::Sender<bool>,
}

impl App {
    /// An API over a running engine.
    pub fn new(engine: Engine, config: Config) -> App {
        App(Arc::new(Shared {
            metrics: Metrics::new(&engine),
            engine,
            config,
            watchers: Watchers::default(),
            waiting: Waiting::default(),
            deliveries: Deliveries::default(),
            sign_ins: SignIns::default(),
            makers: Makers::default(),
            surveys: Mutex::default(),
            stopping: watch::Sender::new(false),
        }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Who waits for an account to change.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Orders that were sent to a payment provider and wait for its word.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.0.waiting
    }

    /// What payment providers delivered, and what is open.
    pub(crate) fn deliveries(&self) -> &Deliveries {
        &self.0.deliveries
    }

    /// Who failed to sign in.
    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.0.sign_ins
    }

    /// Who made the keys.
    pub(crate) fn makers(&self) -> &Makers {
        &self.0.makers
    }

    /// Where a studio's people sign in, besides with a key.
    pub(crate) fn sign_in_provider(&self, studio: StudioNumber) -> Option<&SignInProvider> {
        let studios = self.engine().studios();
        let (_, id) = studios.iter().find(|(number, _)| *number == studio)?;
        self.config().sign_in.iter().find(|provider| provider.studio == *id)
    }

    /// Turns true when the server stops: endless answers then end.
    pub(crate) fn stopping(&self) -> &watch::Sender<bool> {
        &self.0.stopping
    }

    /// Carries out one command of a caller's. Once begun it is finished, even when the caller has gone.
    pub(crate) async fn carry_out(
        &self,
        caller: &Authorised,
        account: AccountId,
        key: Option<Key>,
        command: Command,
    ) -> Result<Outcome, Refused> {
        let request = Request { studio: caller.studio, account, key, command };
        Ok(self.engine().submit_by(caller.by(), request).await?)
    }

    /// The same, or only tried: what it would come to, and nothing written.
    pub(crate) async fn carry_out_or_try(
        &self,
        caller: &Authorised,
        asked: (AccountId, Key),
        command: Command,
        trial: Trial,
    ) -> Result<Outcome, Refused> {
        let (account, key) = asked;
        match trial {
            Trial::Yes => trial::of(self, caller.studio, &account, &command).await,
            Trial::No => self.carry_out(caller, account, Some(key), command).await,
        }
    }

    /// What a request came to as a command. One that the rules would refuse is refused in their order: a missing
    /// account first (R32).
    pub(crate) async fn fit<T, E: Into<Unfit>>(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        command: Result<T, E>,
    ) -> Result<T, Refused> {
        match command.map_err(Into::into) {
            Ok(command) => Ok(command),
            Err(Unfit::Shape(invalid)) => Err(invalid.into()),
            Err(Unfit::Rule(rejection)) => {
                self.stored_account(studio, account).await?;
                Err(rejection.into())
            }
        }
    }

    /// Runs what may wait for the disk apart from the async threads.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let engine = self.engine().clone();
        let read = tokio::task::spawn_blocking(move || read(&engine)).await;
        Ok(read.map_err(|_| Refused::bug("a read ended without an answer"))??)
    }

    /// The same, of all accounts of a studio: one such reading at a time, however many ask, so that they take no more than one thread.
    pub(crate) async fn surveying<T: Send + 'static>(
        &self,
        studio: StudioNumber,
        read: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        let turns = {
            let mut surveys = self.0.surveys.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(surveys.entry(studio).or_default())
        };
        let turn = turns.lock_owned().await;
        // The turn ends with the reading, also where nobody waits for it any more.
        let read = move |engine: &Engine| {
            let found = read(engine);
            drop(turn);
            found
        };
        self.reading(read).await
    }

    /// The account as its last entry left it.
    pub(crate) async fn stored_account(
        &self,
        studio: StudioNumber,
        account: &AccountId,
    ) -> Result<Arc<Account>, Refused> {
        let found = if self.engine().is_resident(studio, account) {
            self.engine().account(studio, account)?
        } else {
            let account = account.clone();
            self.reading(move |engine| engine.account(studio, &account)).await?
        };
        found.filter(|account| !account.id.is_of_studio()).ok_or_else(|| Rejection::AccountNotFound.into())
    }

    /// The account with all that is due at `now` applied, written or not (R16).
    pub(crate) async fn account_at(
        &self,
        studio: StudioNumber,
        account: &AccountId,
        now: Time,
    ) -> Result<Account, Refused> {
        let found = if self.engine().is_resident(studio, account) {
            self.engine().account_at(studio, account, now)?
        } else {
            let account = account.clone();
            self.reading(move |engine| engine.account_at(studio, &account, now)).await?
        };
        found.filter(|account| !account.id.is_of_studio()).ok_or_else(|| Rejection::AccountNotFound.into())
    }

    /// The catalog version in force. A studio whose first one lies ahead has none yet.
    pub(crate) fn catalog(&self, studio: StudioNumber) -> Result<Arc<Published>, Refused> {
        self.must_know_catalogs()?;
        let catalogs = self.engine().catalogs();
        catalogs.in_force(studio, self.engine().now()).map(Arc::clone).ok_or_else(|| {
            Refused::new(
                scrip_api::code::Code::CatalogVersionNotFound,
                "No catalog of this studio is in force yet; GET /v1/catalog/versions says when one will be.",
            )
        })
    }

    /// Refuses what hangs on the list of catalogs where it may be an old one: another server may have published since.
    pub(crate) fn must_know_catalogs(&self) -> Result<(), Refused> {
        match self.engine().knows_prices() {
            true => Ok(()),
            false => Err(Refusal::Unavailable("the list of catalogs could not be read again in time").into()),
        }
    }

    /// A version that is or was in force: what it says of prices that are to come is not told here.
    pub(crate) fn catalog_that_was(&self, studio: StudioNumber, version: u32) -> Result<Arc<Published>, Refused> {
        let catalogs = self.engine().catalogs();
        let found = catalogs.version(studio, version).filter(|published| published.effective <= self.engine().now());
        found
            .map(Arc::clone)
            .ok_or_else(|| InvalidField::new("catalog_version", "a version that is or was in force").into())
    }
}
