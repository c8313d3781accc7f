//! Where a history happens: a server over what is durable, and a provider that outlives it.

use std::sync::Arc;
use std::time::Duration;

use scrip_core::catalog::Format;
use scrip_core::command::Command;
use scrip_core::id::{AccountId, StudioId};
use scrip_core::time::Time;
use scrip_engine::engine::{Publication, Request};
use scrip_engine::store::Store;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::verify::verify;
use scrip_server::{Config, Limits, Pace, Payments, Reconciler, StripeAccount};
use scrip_sim::faulty::{Fault, Faults, FaultyStore};
use scrip_stripe::{ApiBase, Client, Patience, Secret};
use scrip_till::{Clock, Deliver, Options, Switches, Till};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{START, TWIN, World};

/// The accounts of a history: two that buy, one that tops up by itself, one on a plan that the provider renews.
pub(super) const ACCOUNTS: [&str; 4] = ["ana", "bo", TOPPER, MEMBER];
/// The account with an automatic top-up, in some histories.
pub(super) const TOPPER: &str = "cy";
/// What it has at first.
pub(super) const GRANTED: i64 = 60;
/// The account on a plan that the provider's subscription pays for, in some histories.
pub(super) const MEMBER: &str = "di";

/// Stores in which the studio and its accounts are.
pub(super) struct Furnished {
    by_clock: MemoryStore,
    by_payment: MemoryStore,
}

impl Furnished {
    pub(super) async fn new() -> Furnished {
        let path = format!("{}/../../catalogs/studiotwin.toml", env!("CARGO_MANIFEST_DIR"));
        let catalog = std::fs::read_to_string(path).expect("it is shipped");
        let by_payment = catalog.replace("allowance =", "renews = \"payment\"\nallowance =");
        Furnished { by_clock: furnished(&catalog).await, by_payment: furnished(&by_payment).await }
    }

    /// The one where plans renew so.
    pub(super) fn of(&self, plans: Plans) -> &MemoryStore {
        match plans {
            Plans::RenewedByClock => &self.by_clock,
            Plans::RenewedByPayment => &self.by_payment,
        }
    }
}

/// How the plans of a history renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plans {
    RenewedByClock,
    RenewedByPayment,
}

async fn furnished(catalog: &str) -> MemoryStore {
    let store = MemoryStore::new();
    let world = World::over(Box::new(store.clone()), Config::default());
    let publication = Publication { format: Format::Toml, source: Arc::from(catalog) };
    world.engine.publish(publication, None).await.expect("it is good");
    for account in ACCOUNTS {
        let reply = world.call("PUT", &format!("/v1/accounts/{account}")).secret(TWIN).json(json!({})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    let grant = json!({"credits": GRANTED, "class": "top_up", "reason": "to begin with"});
    let call = world.call("POST", &format!("/v1/accounts/{TOPPER}/grants")).secret(TWIN).once("grant");
    assert_eq!(call.json(grant).await.status, 201);
    drop(world);
    store
}

/// A server and its provider.
pub(super) struct Scene {
    durable: MemoryStore,
    faults: Faults,
    /// The server, until it dies.
    pub(super) world: World,
    /// Its reconciler.
    pub(super) reconciler: Reconciler,
    /// The provider.
    pub(super) till: Till,
    /// Somebody else who asks the provider: what is believed in the end.
    pub(super) provider: Client,
    webhook_secret: String,
}

impl Scene {
    pub(super) async fn open(furnished: &MemoryStore) -> Scene {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let options = Options {
            seed: 7,
            api_key: "sk_test_very_secret".to_owned(),
            business: "StudioTwin".to_owned(),
            clock: Clock::standing(seconds(START)),
            debit_wait_s: 3_600,
            backoff: Duration::from_millis(1),
        };
        let till = Till::start(listener, options).expect("it has an address");
        let webhook_secret = till.deliver_to("http://127.0.0.1:9/webhook");
        let provider = client(&till);
        let (durable, faults) = (furnished.crashed(), Faults::default());
        let world = server(&durable, &faults, &provider, &webhook_secret);
        let reconciler = Reconciler::default();
        let scene = Scene { durable, faults, world, reconciler, till, provider, webhook_secret };
        scene.misbehave(None);
        scene
    }

    /// The process dies, and another one goes on from what is durable.
    pub(super) fn restart(&mut self) {
        self.faults.cut_off();
        self.durable = self.durable.crashed();
        self.faults = Faults::default();
        self.world = server(&self.durable, &self.faults, &self.provider, &self.webhook_secret);
        self.reconciler = Reconciler::default();
    }

    /// The next write that holds an entry or a note fails, and it is the process's last.
    pub(super) fn die_at_next_write(&self, fault: Fault) {
        self.faults.arm(fault);
    }

    /// The disk is full from now on, or has room again; which of them.
    pub(super) fn disk_changes(&self) -> &'static str {
        if self.faults.make_room() {
            return "has room again";
        }
        self.faults.fill();
        "is full"
    }

    /// Whether it died at a write.
    pub(super) fn died(&self) -> bool {
        self.faults.doubted()
    }

    /// Calls off a death that has not come, and makes room.
    pub(super) fn live_on(&self) {
        self.faults.disarm();
        self.faults.make_room();
    }

    /// Sets what the provider does instead of answering; deliveries are kept, and sent by the history.
    pub(super) fn misbehave(&self, fault: Option<scrip_till::Fault>) {
        self.till.switch(Switches { fault, deliver: Deliver::Keep, ..Switches::default() });
    }

    /// Lets time pass for both.
    pub(super) async fn pass(&self, seconds: i64) {
        let now = self.world.engine.now().plus_seconds(seconds);
        // An engine that died at a write is replaced before anything else happens.
        self.world.engine.move_clock(now).await.expect("it stands still");
        self.till.move_clock(now.micros().div_euclid(1_000_000));
    }

    /// Has something done to an account, as a part of the server does it by itself; whether it was done.
    pub(super) async fn submit(&self, account: &str, command: Command) -> bool {
        let engine = &self.world.engine;
        let (studio, _) = engine.studios().into_iter().next().expect("it is served");
        let account = AccountId::parse(account).expect("an id");
        engine.submit(Request { studio, account, key: None, command }).await.is_ok()
    }

    /// Lets arrive at the provider what a handler had sent before it died.
    pub(super) async fn let_arrive(&self) {
        for _ in 0..3 {
            // Whatever it answers: what was sent before has been read by then.
            self.provider.charge("ch_none").await.ok();
        }
    }

    /// The provider's clock, in seconds since 1970.
    pub(super) fn now_s(&self) -> i64 {
        self.world.engine.now().micros().div_euclid(1_000_000)
    }

    /// What the server answers to a question.
    pub(super) async fn ask(&self, path: &str) -> Value {
        let reply = self.world.call("GET", path).secret(TWIN).empty().await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// What is wrong with the journal, if anything is.
    pub(super) fn unsound(&self) -> Option<String> {
        // A copy: what is proved must stand still, and the server still writes behind.
        verify(self.durable.crashed().reader().as_ref(), &mut |_| ()).err().map(|error| error.to_string())
    }
}

fn server(durable: &MemoryStore, faults: &Faults, provider: &Client, webhook_secret: &str) -> World {
    let account = StripeAccount {
        studio: StudioId::parse("studiotwin").expect("a studio's name"),
        client: provider.clone(),
        webhook_secrets: vec![Secret::webhook(webhook_secret).expect("it is one")],
        return_to: None,
    };
    let public_url = "http://credits.example".to_owned();
    let payments = Payments { stripe: vec![account], public_url, pace: Pace::default() };
    let limits = Limits { provider_wait: Duration::from_secs(60), ..Limits::default() };
    let store = FaultyStore::new(Box::new(durable.clone()), faults.clone());
    World::over(Box::new(store), Config { payments, limits, ..Config::default() })
}

fn client(till: &Till) -> Client {
    Client::new(scrip_stripe::Config {
        api_base: ApiBase::parse(&till.url()).expect("an address of this machine"),
        api_version: scrip_till::API_VERSION.to_owned(),
        key: Secret::api_key("sk_test_very_secret").expect("it looks like a key"),
        patience: Patience { backoff: Duration::from_millis(1), tries: 2, ..Patience::default() },
    })
}

fn seconds(instant: &str) -> i64 {
    Time::parse(instant).expect("an instant").micros().div_euclid(1_000_000)
}
