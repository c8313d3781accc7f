//! What the executable tells the server. Plain data: reading flags and the environment is not its business.

use std::time::Duration;

use scrip_core::id::StudioId;
use scrip_engine::store::Role;
use scrip_stripe::{Client, Secret};
use sha2::{Digest, Sha256};

use crate::keys::OutsideKey;

/// How a server behaves. Addresses are not here: the executable binds them and hands over listeners.
#[derive(Default)]
pub struct Config {
    /// Secret keys set from outside (`SCRIP_KEYS`), beside those in the store.
    pub keys: Vec<OutsideKey>,
    /// Which web pages may call with a browser, per studio; empty: none.
    pub cors: Vec<AllowedOrigins>,
    /// How studios take payments; one that is not here takes them outside a provider only.
    pub payments: Payments,
    /// Where studios' people sign in to the console, besides with a key.
    pub sign_in: Vec<SignInProvider>,
    /// Sizes and waits.
    pub limits: Limits,
}

/// How studios take payments.
#[derive(Default)]
pub struct Payments {
    /// Each studio's account at Stripe.
    pub stripe: Vec<StripeAccount>,
    /// Where customers' browsers reach this server, without a slash at its end: they come back here after they paid.
    pub public_url: String,
    /// How often what the provider did not tell is asked for.
    pub pace: Pace,
}

/// A studio's OpenID Connect provider, and which of its people have which role here.
pub struct SignInProvider {
    /// The studio.
    pub studio: StudioId,
    /// Its client.
    pub client: scrip_oidc::Client,
    /// The claim that says what somebody is: `email`, which the provider must have verified, or one like `groups`.
    pub claim: String,
    /// The role of whoever has a value of that claim; the first that fits counts.
    pub roles: Vec<(String, Role)>,
}

impl SignInProvider {
    /// The role of a value.
    pub(crate) fn role_of(&self, value: &str) -> Option<Role> {
        self.roles.iter().find(|(known, _)| known == value).map(|(_, role)| *role)
    }

    /// Who says what somebody is, and by what: the issuer, our client there, and the claim. A session is good for these alone.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for text in [self.client.issuer().as_str(), self.client.client_id(), &self.claim] {
            digest.update(u64::try_from(text.len()).expect("a length fits").to_be_bytes());
            digest.update(text);
        }
        digest.finalize().into()
    }
}

/// A studio's account at Stripe, or at what speaks its language.
pub struct StripeAccount {
    /// The studio.
    pub studio: StudioId,
    /// Its client.
    pub client: Client,
    /// The signing secrets of its webhook endpoint: two while one is being changed.
    pub webhook_secrets: Vec<Secret>,
    /// The studio's page that customers come back to in the end; `None`: a page of scrip's own says what came of it.
    pub return_to: Option<String>,
}

/// How often what the provider did not tell is asked for. It only makes things sooner: whatever is told is checked anyway.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between two rounds: 1 s.
    pub between_rounds: Duration,
    /// Between two questions for what happened: 60 s.
    pub between_lists_s: i64,
    /// How far back the first such question goes: 30 days, which is as long as the provider remembers.
    pub first_list_s: i64,
    /// How long after an order is sent to the provider it is first asked about: 15 s. Then at half its age each time, at most 30 min.
    pub first_look_s: i64,
    /// How long a studio's provider that does not answer is left alone at first: 5 s; doubled each time up to 5 min.
    pub rest_s: i64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            between_rounds: Duration::from_secs(1),
            between_lists_s: 60,
            first_list_s: 30 * 86_400,
            first_look_s: 15,
            rest_s: 5,
        }
    }
}

/// The origins whose pages may call for one studio (CORS).
#[derive(Clone, Debug)]
pub struct AllowedOrigins {
    /// The studio.
    pub studio: StudioId,
    /// Exact origins, as in `https://app.example.com`.
    pub origins: Vec<String>,
}

/// Sizes and waits. The defaults are those of the documentation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an ordinary body: 64 KiB.
    pub body: usize,
    /// Bytes of a batch: 8 MiB.
    pub batch_body: usize,
    /// Bytes of a catalog: 1 MiB.
    pub catalog_body: usize,
    /// Bytes of a payment provider's event: 512 KiB.
    pub webhook_body: usize,
    /// How long a provider may keep a caller of ours waiting: 12 s.
    pub provider_wait: Duration,
    /// How long a body may take to arrive: 10 s.
    pub body_wait: Duration,
    /// How long a request's head may take to arrive: 10 s.
    pub head_wait: Duration,
    /// Connections at once; more wait to be accepted: 10,000.
    pub connections: usize,
    /// How long open requests may take to finish at shutdown: 30 s.
    pub drain_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 64 * 1024,
            batch_body: 8 * 1024 * 1024,
            catalog_body: 1024 * 1024,
            webhook_body: 512 * 1024,
            provider_wait: Duration::from_secs(12),
            body_wait: Duration::from_secs(10),
            head_wait: Duration::from_secs(10),
            connections: 10_000,
            drain_wait: Duration::from_secs(30),
        }
    }
}
