//! ID tokens: a provider's signed word on who signed in, to whom, and until when.

use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use crate::base64url;
use crate::keys::Key;

/// The longest token that is looked at, in bytes.
const LEN_MAX: usize = 64 * 1024;
/// How far a provider's clock may be ahead of ours, in seconds.
const AHEAD_S: i64 = 60;

/// What a token says, once it is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not of its form.
    #[error("it is not of its form")]
    Form,
    /// It is signed in a way that is not taken: with nothing, or with the client's secret.
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    /// The provider publishes no such key.
    #[error("the provider publishes no such key")]
    Key,
    /// The signature is not the key's.
    #[error("its signature is not the provider's")]
    Signature,
    /// It is another provider's.
    #[error("it is another provider’s")]
    Issuer,
    /// It is for somebody else.
    #[error("it is for another client")]
    Audience,
    /// It is over.
    #[error("it is over")]
    Expired,
    /// It was made in the future.
    #[error("it was made in the future")]
    Ahead,
    /// It is of another sign-in.
    #[error("it is of another sign-in")]
    Nonce,
}

/// What a token must say.
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client: &'a str,
    pub(crate) nonce: &'a str,
    /// Seconds since 1970.
    pub(crate) now_s: i64,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    /// What must be understood; nothing is.
    crit: Option<Value>,
}

/// Reads a token, and believes it if the provider signed it for us, now, and for this sign-in.
pub(crate) fn read(text: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, Fault> {
    let (signed, signature) = text.rsplit_once('.').filter(|_| text.len() <= LEN_MAX).ok_or(Fault::Form)?;
    let (head, body) = signed.split_once('.').ok_or(Fault::Form)?;
    let bytes = |text: &str| base64url::decode(text).ok_or(Fault::Form);
    let head: Head = serde_json::from_slice(&bytes(head)?).map_err(|_| Fault::Form)?;
    let signature = bytes(signature)?;
    if !["RS256", "ES256"].contains(&head.alg.as_str()) || head.crit.is_some() {
        return Err(Fault::Algorithm);
    }
    let fits = |key: &&Key| key.is(head.kid.as_deref()) && key.algorithm() == head.alg;
    let mut named = keys.iter().filter(fits).peekable();
    if named.peek().is_none() {
        return Err(Fault::Key);
    }
    if !named.any(|key| key.signed(signed.as_bytes(), &signature)) {
        return Err(Fault::Signature);
    }
    let claims: Map<String, Value> = serde_json::from_slice(&bytes(body)?).map_err(|_| Fault::Form)?;
    check(&claims, expected)?;
    Ok(Claims(claims))
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Fault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(Fault::Issuer);
    }
    let (ours, others) = match claims.get("aud") {
        Some(Value::String(one)) => (one == expected.client, false),
        Some(Value::Array(many)) => (many.iter().any(|one| one == expected.client), many.len() > 1),
        Some(_) | None => (false, false),
    };
    let party = text("azp");
    if !ours || party.is_some_and(|party| party != expected.client) || (others && party.is_none()) {
        return Err(Fault::Audience);
    }
    let seconds = |name: &str| whole_seconds(claims.get(name)?);
    if seconds("exp").ok_or(Fault::Form)? <= expected.now_s {
        return Err(Fault::Expired);
    }
    if seconds("iat").ok_or(Fault::Form)? > expected.now_s + AHEAD_S {
        return Err(Fault::Ahead);
    }
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(Fault::Nonce);
    }
    text("sub").filter(|subject| !subject.is_empty()).map(drop).ok_or(Fault::Form)
}

/// Seconds since 1970, rounded down where a provider writes a fraction.
fn whole_seconds(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    let whole = text.split('.').next().filter(|_| !text.contains(['e', 'E']))?;
    whole.parse().ok()
}

impl Claims {
    /// A claim's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The texts of a claim that may have several, as groups do.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.0.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    /// Whether a claim is true; some providers write it as a text.
    pub fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| *value == true || value == "true")
    }

    /// The person's own id at the provider.
    pub fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }
}
