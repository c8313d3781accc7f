//! How studios take payments, from the flags. Apart because it alone reads the provider's secrets; no message here may
//! quote one.

use hyper::Uri;
use scrip_core::id::StudioId;
use scrip_engine::Engine;
use scrip_server::{Payments, StripeAccount};
use scrip_stripe::{ApiBase, Client, Config, Patience, Secret};

use crate::args::PaymentArguments;
use crate::failure::Failure;

/// The server's part of the flags.
pub(crate) fn of(arguments: &PaymentArguments) -> Result<Payments, Failure> {
    let api_base = ApiBase::parse(&arguments.stripe_api_base)
        .map_err(|error| usage("--stripe-api-base or SCRIP_STRIPE_API_BASE", &error))?;
    let keys = given("--stripe-key or SCRIP_STRIPE_KEY", &arguments.stripe_key, Secret::api_key)?;
    let signing = "--stripe-webhook-secret or SCRIP_STRIPE_WEBHOOK_SECRET";
    let secrets = given(signing, &arguments.stripe_webhook_secret, Secret::webhook)?;
    let pages = given("--stripe-return-to or SCRIP_STRIPE_RETURN_TO", &arguments.stripe_return_to, page)?;
    for (studio, _) in secrets.iter() {
        if keys.iter().all(|(other, _)| other != studio) {
            return Err(usage(signing, &format!("{studio} has no --stripe-key")));
        }
    }
    let stripe = keys
        .into_iter()
        .map(|(studio, key)| StripeAccount {
            client: Client::new(Config {
                api_base: api_base.clone(),
                api_version: arguments.stripe_api_version.clone(),
                key,
                patience: Patience::default(),
            }),
            webhook_secrets: all_of(&studio, &secrets),
            return_to: all_of(&studio, &pages).pop(),
            studio,
        })
        .collect::<Vec<_>>();
    Ok(Payments { public_url: public_url(arguments, &stripe)?, stripe, ..Payments::default() })
}

/// Says which of it is for nobody, and what will not be delivered.
pub(crate) fn warn(engine: &Engine, payments: &Payments) {
    for account in &payments.stripe {
        let studio = &account.studio;
        if engine.studios().iter().all(|(_, id)| id != studio) {
            tracing::warn!("--stripe-key or SCRIP_STRIPE_KEY: there is no studio {studio} yet: it takes no payments");
        }
        if account.webhook_secrets.is_empty() {
            tracing::warn!(
                "studio {studio} has no --stripe-webhook-secret: what Stripe delivers is refused, and found only later"
            );
        }
    }
}

/// `STUDIO=VALUE`, each; neither is quoted when it cannot be read.
pub(crate) fn given<T, E: std::fmt::Display>(
    flag: &str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<(StudioId, T)>, Failure> {
    let one = |(place, text): (usize, &String)| {
        let wrong = |problem: &dyn std::fmt::Display| usage(flag, &format!("number {}: {problem}", place + 1));
        let (studio, value) = text.split_once('=').ok_or_else(|| wrong(&"there is no ="))?;
        let studio = StudioId::parse(studio).map_err(|_| wrong(&"what stands before = is not a studio's name"))?;
        Ok((studio, read(value).map_err(|error| wrong(&error))?))
    };
    texts.iter().enumerate().map(one).collect()
}

fn all_of<T: Clone>(studio: &StudioId, given: &[(StudioId, T)]) -> Vec<T> {
    given.iter().filter(|(other, _)| other == studio).map(|(_, value)| value.clone()).collect()
}

/// An address that a browser can be sent to.
fn page(text: &str) -> Result<String, &'static str> {
    let problem = "expected an address such as https://app.example.com/credits";
    let uri: Uri = text.parse().map_err(|_| problem)?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    if known && uri.host().is_some() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(problem)
    }
}

fn public_url(arguments: &PaymentArguments, stripe: &[StripeAccount]) -> Result<String, Failure> {
    let flag = "--public-url or SCRIP_PUBLIC_URL";
    match &arguments.public_url {
        Some(url) => Ok(page(url).map_err(|error| usage(flag, &error))?.trim_end_matches('/').to_owned()),
        None if stripe.is_empty() => Ok(String::new()),
        None => Err(usage(flag, &"needed with --stripe-key: customers come back to it after they paid")),
    }
}

fn usage(flag: &str, problem: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("{flag}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(key: &str, secret: &str, public_url: Option<&str>) -> PaymentArguments {
        PaymentArguments {
            stripe_key: vec![key.to_owned()],
            stripe_webhook_secret: vec![secret.to_owned()],
            stripe_return_to: Vec::new(),
            public_url: public_url.map(str::to_owned),
            stripe_api_base: "https://api.stripe.com".to_owned(),
            stripe_api_version: "v".to_owned(),
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_without_the_secret() {
        for (key, secret, public_url) in [
            ("flow-studio", "flow-studio=whsec_hushhush", Some("https://x.example")),
            ("flow-studio=pk_hushhush", "flow-studio=whsec_hushhush", Some("https://x.example")),
            ("flow-studio=sk_hushhush", "flow-studio=sk_hushhush", Some("https://x.example")),
            ("flow-studio=sk_hushhush", "studiotwin=whsec_hushhush", Some("https://x.example")),
            ("flow-studio=sk_hushhush", "flow-studio=whsec_hushhush", Some("x.example")),
            ("flow-studio=sk_hushhush", "flow-studio=whsec_hushhush", None),
        ] {
            match of(&arguments(key, secret, public_url)) {
                Err(Failure::Usage(message)) => assert!(!message.contains("hush"), "{message}"),
                Err(_) | Ok(_) => panic!("{key} {secret}: expected bad usage"),
            }
        }
        let good = of(&arguments("flow-studio=sk_hushhush", "flow-studio=whsec_hushhush", Some("https://x.example/")));
        assert_eq!(good.ok().map(|payments| payments.public_url).as_deref(), Some("https://x.example"));
    }
}
