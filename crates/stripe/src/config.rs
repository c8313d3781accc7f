//! How the provider is reached: address, version, key, waits.

use std::time::Duration;

use hyper::Uri;

use crate::secret::Secret;

/// The version of the API that the shapes of this crate follow. It is sent with every call, and an event of another
/// version is refused.
pub const API_VERSION: &str = "2026-10-28.endive";

/// What a client needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where the API is.
    pub api_base: ApiBase,
    /// The version that is asked for and expected of events: [`API_VERSION`] unless the operator knows better.
    pub api_version: String,
    /// The studio's key.
    pub key: Secret,
    /// How long to wait and how often to try.
    pub patience: Patience,
}

/// The address that calls go to: `https`, or `http` to this machine alone, since a key goes over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiBase(String);

/// An address that cannot be the API's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected https://HOST, or http://127.0.0.1:PORT for a provider on this machine, without a path")]
pub struct ConfigError;

impl ApiBase {
    /// Stripe itself.
    pub fn stripe() -> ApiBase {
        ApiBase("https://api.stripe.com".to_owned())
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`ConfigError`] when it is not one, has a path, or would send the key in the clear to another machine.
    pub fn parse(text: &str) -> Result<ApiBase, ConfigError> {
        let uri: Uri = text.parse().map_err(|_| ConfigError)?;
        let host = uri.host().ok_or(ConfigError)?;
        let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let safe = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => here,
            _ => false,
        };
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let no_user = !uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if safe && bare && no_user { Ok(ApiBase(text.trim_end_matches('/').to_owned())) } else { Err(ConfigError) }
    }

    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long to wait and how often to try.
#[derive(Clone, Debug)]
pub struct Patience {
    /// For a connection: 5 s.
    pub connect_wait: Duration,
    /// For a whole answer: 20 s.
    pub answer_wait: Duration,
    /// Tries in all: 3.
    pub tries: u32,
    /// Before the second try: 500 ms; doubled before each further one.
    pub backoff: Duration,
    /// The longest wait between two tries, whatever the provider asks for: 5 s.
    pub backoff_max: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect_wait: Duration::from_secs(5),
            answer_wait: Duration::from_secs(20),
            tries: 3,
            backoff: Duration::from_millis(500),
            backoff_max: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_goes_in_the_clear_to_another_machine() {
        for text in ["https://api.stripe.com", "http://127.0.0.1:12111", "http://localhost:1/", "http://[::1]:80"] {
            assert!(ApiBase::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "api.stripe.com",
            "http://api.stripe.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "https://api.stripe.com/v1",
            "https://api.stripe.com?x=1",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(ApiBase::parse(text), Err(ConfigError), "{text}");
        }
    }
}
