//! Secrets of the provider: the key of the API and those of webhooks.
//!
//! Apart so that nothing else can show one: there is no `Debug`, no `Display` and no way to write it out but the two
//! uses it has.

use std::sync::Arc;

/// A secret. Cheap to clone; never shown.
#[derive(Clone)]
pub struct Secret(Arc<str>);

/// The text cannot be such a secret. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret does not begin with {expected} or is not 8 to 255 visible ASCII characters")]
pub struct SecretError {
    expected: &'static str,
}

impl Secret {
    /// A key of the API, `sk_…` or a restricted one, `rk_…`.
    ///
    /// # Errors
    /// [`SecretError`] when the text looks otherwise.
    pub fn api_key(text: &str) -> Result<Secret, SecretError> {
        Secret::with_prefix(text, &["sk_", "rk_"], "sk_ or rk_")
    }

    /// The signing secret of a webhook endpoint, `whsec_…`.
    ///
    /// # Errors
    /// [`SecretError`] when the text looks otherwise.
    pub fn webhook(text: &str) -> Result<Secret, SecretError> {
        Secret::with_prefix(text, &["whsec_"], "whsec_")
    }

    fn with_prefix(text: &str, prefixes: &[&str], expected: &'static str) -> Result<Secret, SecretError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let known = prefixes.iter().any(|prefix| text.starts_with(prefix));
        if known && visible && (8..=255).contains(&text.len()) {
            Ok(Secret(text.into()))
        } else {
            Err(SecretError { expected })
        }
    }

    /// The text itself, for the header or the signature that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_one_is_taken() {
        for text in ["sk_test_1", "rk_live_abc"] {
            assert!(Secret::api_key(text).is_ok(), "{text}");
        }
        for text in ["", "sk_", "pk_test_12345", "sk_test_ 12345", "sk_test_ü12345", "whsec_12345"] {
            assert!(Secret::api_key(text).is_err(), "{text}");
        }
        assert!(Secret::webhook("whsec_12345").is_ok());
        assert!(Secret::webhook("sk_test_12345").is_err());
        let error = Secret::api_key("pk_live_hush").err().expect("it is refused");
        assert!(!format!("{error} {error:?}").contains("hush"));
    }
}
