//! The payment provider of the demo: one for each studio, in this very process, so that buying works with no account anywhere.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use scrip_core::id::StudioId;
use scrip_engine::Engine;
use scrip_server::{Payments, StripeAccount};
use scrip_stripe::{ApiBase, Client, Config, Patience, Secret};
use scrip_till::{Clock, Options, Till};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// The providers, and how the server reaches them.
pub(super) struct Providers {
    /// For the server.
    pub(super) payments: Payments,
    /// Each studio's name and provider; they end when this is dropped.
    pub(super) tills: Vec<(StudioId, Till)>,
}

/// Starts a provider for each studio; they deliver to the server at `address`.
pub(super) async fn start(engine: &Engine, address: SocketAddr) -> Result<Providers, Failure> {
    let public_url = format!("http://{}", reachable(address));
    let mut providers =
        Providers { payments: Payments { public_url: public_url.clone(), ..Payments::default() }, tills: Vec::new() };
    for (number, studio) in engine.studios() {
        let now = engine.now();
        let key = format!("sk_test_of_{studio}");
        let options = Options {
            // Other ids than those that orders of an earlier start have.
            seed: now.micros().unsigned_abs().rotate_left(8) ^ u64::from(number.0),
            api_key: key.clone(),
            business: format!("{studio} (demo)"),
            clock: Clock::running(now.micros().div_euclid(1_000_000)),
            debit_wait_s: 20,
            backoff: Duration::from_secs(1),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed(&error))?;
        let till = Till::start(listener, options).map_err(|error| failed(&error))?;
        let secret = till.deliver_to(&format!("{public_url}/v1/payments/stripe/{studio}/webhook"));
        providers.payments.stripe.push(StripeAccount {
            studio: studio.clone(),
            client: Client::new(Config {
                api_base: ApiBase::parse(&till.url()).map_err(|error| failed(&error))?,
                api_version: scrip_till::API_VERSION.to_owned(),
                key: Secret::api_key(&key).map_err(|error| failed(&error))?,
                patience: Patience::default(),
            }),
            webhook_secrets: vec![Secret::webhook(&secret).map_err(|error| failed(&error))?],
            return_to: None,
        });
        providers.tills.push((studio, till));
    }
    Ok(providers)
}

/// An address that a browser on this machine can go to, where the server listens on all.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => {}
    }
    address
}

fn failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("the demo's payment provider did not start: {why}"))
}
