//! Who a provider is: the address that its tokens name, and below which it says where its parts are.

use hyper::Uri;

/// A provider's address, as in `https://accounts.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

/// The text is no provider's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the provider's address, as in https://accounts.example.com, without a query")]
pub struct IssuerError;

impl Issuer {
    /// Reads one: HTTPS, or plain HTTP to this machine, for tests.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn parse(text: &str) -> Result<Issuer, IssuerError> {
        if !text.contains(['?', '#']) && is_safe(text) { Ok(Issuer(text.to_owned())) } else { Err(IssuerError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, for people.
    pub fn host(&self) -> String {
        self.0.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_else(|| self.0.clone())
    }

    /// Whether an address that it names may be asked: nobody who is reached by HTTPS sends a code or a secret on in clear.
    pub(crate) fn may_name(&self, address: &str) -> bool {
        let by_https = |text: &str| text.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("https"));
        is_safe(address) && (by_https(address) || !by_https(&self.0))
    }

    /// Where it says where its parts are.
    pub(crate) fn discovery(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.trim_end_matches('/'))
    }
}

/// Whether an address may be asked: by HTTPS, or on this machine.
fn is_safe(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let Some(host) = uri.host() else { return false };
    let here =
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let plain = text.len() <= 1_000 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let named = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    plain && !named && (uri.scheme_str() == Some("https") || uri.scheme_str() == Some("http") && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_by_https_or_on_this_machine() {
        for (text, good) in [
            ("https://accounts.example.com", true),
            ("https://login.example.com/tenant/v2.0", true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost:8080/realm", true),
            ("http://accounts.example.com", false),
            ("https://accounts.example.com?x=1", false),
            ("https://accounts.example.com#x", false),
            ("https://ada@accounts.example.com", false),
            ("accounts.example.com", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(Issuer::parse(text).is_ok(), good, "{text}");
        }
        let issuer = Issuer::parse("https://login.example.com/tenant/").unwrap();
        assert_eq!(issuer.discovery(), "https://login.example.com/tenant/.well-known/openid-configuration");
        assert_eq!(issuer.host(), "login.example.com");
    }

    #[test]
    fn who_is_reached_by_https_names_no_address_in_clear() {
        for (issuer, address, good) in [
            ("https://accounts.example.com", "https://other.example.com/token", true),
            ("https://accounts.example.com", "http://127.0.0.1:8080/token", false),
            ("https://accounts.example.com", "http://localhost/token", false),
            ("https://accounts.example.com", "http://accounts.example.com/token", false),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/token", true),
            ("http://127.0.0.1:8080", "https://accounts.example.com/token", true),
            ("http://127.0.0.1:8080", "http://accounts.example.com/token", false),
        ] {
            assert_eq!(Issuer::parse(issuer).unwrap().may_name(address), good, "{issuer}: {address}");
        }
    }
}
