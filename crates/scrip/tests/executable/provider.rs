//! The test provider in the test's own process, and servers that take payments through it: it goes on when they are killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use scrip_stripe::{ApiBase, Client as Provider, Patience, Secret};
use scrip_till::{Clock, Options, Till};
use tokio::runtime::Runtime;

use crate::support::{Server, scrip, shipped};

/// The key of the studio.
pub(crate) const SECRET: &str = "sk_of_the_studio";
/// The studio's key at the provider.
pub(crate) const API_KEY: &str = "sk_test_at_the_provider";

/// The provider, and how a server reaches it.
pub(crate) struct Ground {
    pub(crate) till: Till,
    pub(crate) webhook_secret: String,
    pub(crate) address: String,
    /// The provider runs on it.
    runtime: Runtime,
}

impl Ground {
    pub(crate) fn new() -> Ground {
        // The provider delivers to one address, whatever server is there.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let runtime = Runtime::new().expect("a runtime");
        let till = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
            let options = Options {
                seed: since,
                api_key: API_KEY.to_owned(),
                business: "StudioTwin".to_owned(),
                clock: Clock::running(i64::try_from(since).expect("it fits")),
                debit_wait_s: 1,
                backoff: Duration::from_millis(50),
            };
            Till::start(listener, options).expect("it starts")
        });
        let webhook_secret = till.deliver_to(&format!("http://{free}/v1/payments/stripe/studiotwin/webhook"));
        Ground { till, webhook_secret, address: free.to_string(), runtime }
    }

    /// A server on a folder, its provider here.
    pub(crate) fn serve(&self, folder: &Path, log: &str) -> Server {
        self.serve_with(folder, log, &self.till.url())
    }

    /// The same, its provider elsewhere. Secrets come by the environment, as they should: arguments can be read by everybody.
    pub(crate) fn serve_with(&self, folder: &Path, log: &str, api_base: &str) -> Server {
        self.serve_selling(folder, log, api_base, &shipped("studiotwin"))
    }

    /// The same, by a catalog of one's own.
    pub(crate) fn serve_selling(&self, folder: &Path, log: &str, api_base: &str, catalog: &str) -> Server {
        let mut command = scrip();
        command.args(["serve", "--listen", &self.address, "--log", log, "--catalog", catalog]);
        command.arg("--data").arg(folder);
        self.set(&mut command, api_base);
        Server::spawn(command)
    }

    /// Asks the provider, as the studio itself could.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(&Provider) -> Result<T, scrip_stripe::Error>) -> T {
        let provider = Provider::new(scrip_stripe::Config {
            api_base: ApiBase::parse(&self.till.url()).expect("an address of this machine"),
            api_version: scrip_till::API_VERSION.to_owned(),
            key: Secret::api_key(API_KEY).expect("it looks like a key"),
            patience: Patience::default(),
        });
        self.runtime.block_on(question(&provider)).expect("it answers")
    }

    /// Sets the environment of a server.
    pub(crate) fn set(&self, command: &mut Command, api_base: &str) {
        for (name, value) in [
            ("SCRIP_KEYS", format!("studiotwin={SECRET}")),
            ("SCRIP_PUBLIC_URL", format!("http://{}", self.address)),
            ("SCRIP_STRIPE_API_BASE", api_base.to_owned()),
            ("SCRIP_STRIPE_KEY", format!("studiotwin={API_KEY}")),
            ("SCRIP_STRIPE_WEBHOOK_SECRET", format!("studiotwin={}", self.webhook_secret)),
            ("SCRIP_STRIPE_RETURN_TO", "studiotwin=http://127.0.0.1:9/done".to_owned()),
        ] {
            command.env(name, value);
        }
    }
}
