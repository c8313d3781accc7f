//! The flow: to the provider with a state, a nonce and a challenge; back with a code; the code for a token.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::base64url;
use crate::issuer::{Issuer, is_safe};
use crate::keys::{Key, KeySet};
use crate::token::{self, Claims, Expected, Fault};
use crate::transport::{Form, Transport};

/// For how long what a provider says of itself is believed, in seconds.
const KNOWN_FOR_S: i64 = 3_600;
/// For how long one that did not answer is left alone, in seconds.
const LEFT_ALONE_S: i64 = 5;

/// How a provider knows us. No `Debug`: it holds a secret.
pub struct Settings {
    /// Who it is.
    pub issuer: Issuer,
    /// Our id with it.
    pub client_id: String,
    /// Our secret with it; none for a client that has PKCE alone.
    pub client_secret: Option<String>,
}

/// A client of one provider. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    transport: Transport,
    asked: Mutex<Asked>,
}

/// What came of asking the provider about itself.
#[derive(Default)]
struct Asked {
    known: Option<Arc<Known>>,
    /// When it last did not answer, and how: it is not asked again at once, however many browsers wait.
    failed: Option<(i64, Error)>,
}

/// What a provider says of itself.
struct Known {
    at_s: i64,
    place: Place,
    keys: Vec<Key>,
}

/// Where its parts are.
#[derive(Deserialize)]
struct Place {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// A sign-in that has begun: the browser goes to `url`, and keeps the rest.
pub struct Begun {
    /// Where the person signs in.
    pub url: String,
    /// Comes back in the address: that it was this browser that set out.
    pub state: String,
    /// Comes back in the token: that it is of this sign-in.
    pub nonce: String,
    /// What the code is good with alone (PKCE).
    pub verifier: String,
}

/// What a browser came back with, and what it kept.
pub struct Answer<'a> {
    /// The provider's code.
    pub code: &'a str,
    /// Where it came back to.
    pub redirect_uri: &'a str,
    /// As begun.
    pub nonce: &'a str,
    /// As begun.
    pub verifier: &'a str,
}

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider cannot be reached, or says nothing that can be used.
    #[error("the provider cannot be used: {0}")]
    Unusable(&'static str),
    /// It refuses the code.
    #[error("the provider refuses the code")]
    Refused,
    /// Its token is not believed.
    #[error("the provider's token is not believed: {0}")]
    Token(#[from] Fault),
}

impl Client {
    /// A client; it asks the provider when it is first used.
    pub fn new(settings: Settings) -> Client {
        Client(Arc::new(Inner { settings, transport: Transport::new(), asked: Mutex::default() }))
    }

    /// Who the provider is.
    pub fn issuer(&self) -> &Issuer {
        &self.0.settings.issuer
    }

    /// Begins a sign-in whose answer comes to `redirect_uri`.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub async fn begin(&self, redirect_uri: &str, now_s: i64) -> Result<Begun, Error> {
        let known = self.known(now_s, Fresh::Enough).await?;
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let challenge = base64url::encode(&Sha256::digest(verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.0.settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", "openid email profile"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let place = &known.place.authorization_endpoint;
        let url = format!("{place}{}{query}", if place.contains('?') { '&' } else { '?' });
        Ok(Begun { url, state, nonce, verifier })
    }

    /// Ends it: what the provider's token says, once it is believed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn finish(&self, answer: &Answer<'_>, now_s: i64) -> Result<Claims, Error> {
        let known = self.known(now_s, Fresh::Enough).await?;
        let token = self.exchange(&known.place, answer).await?;
        let settings = &self.0.settings;
        let expected =
            Expected { issuer: settings.issuer.as_str(), client: &settings.client_id, nonce: answer.nonce, now_s };
        match token::read(&token, &known.keys, &expected) {
            // It may sign with a new key since we asked.
            Err(Fault::Key) => {
                let known = self.known(now_s, Fresh::Anew).await?;
                Ok(token::read(&token, &known.keys, &expected)?)
            }
            read => Ok(read?),
        }
    }

    /// The code for a token.
    async fn exchange(&self, place: &Place, answer: &Answer<'_>) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Exchanged {
            id_token: String,
        }
        let settings = &self.0.settings;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", answer.redirect_uri),
            ("code_verifier", answer.verifier),
            ("client_id", settings.client_id.as_str()),
        ];
        let methods = place.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let takes = |method: &str| methods.iter().any(|other| other == method);
        // By a header, as every provider takes it that does not say otherwise.
        let in_body = takes("client_secret_post") && !takes("client_secret_basic");
        let secret = settings.client_secret.as_deref();
        fields.extend(secret.filter(|_| in_body).map(|secret| ("client_secret", secret)));
        let authorization = secret.filter(|_| !in_body).map(|secret| {
            let pair = format!("{}:{}", escaped(&settings.client_id), escaped(secret));
            format!("Basic {}", padded(&pair))
        });
        let sent = self.0.transport.post(&place.token_endpoint, Form { body: form(&fields), authorization }).await;
        let (status, body) = sent.map_err(Error::Unusable)?;
        if status.is_client_error() {
            return Err(Error::Refused);
        }
        let exchanged: Exchanged =
            serde_json::from_slice(&body).map_err(|_| Error::Unusable("it gave no ID token for the code"))?;
        Ok(exchanged.id_token)
    }

    /// What the provider says of itself, asked anew when that was long ago.
    async fn known(&self, now_s: i64, fresh: Fresh) -> Result<Arc<Known>, Error> {
        let mut asked = self.0.asked.lock().await;
        if let Some(known) = asked
            .known
            .as_ref()
            .filter(|known| fresh == Fresh::Enough && (known.at_s..known.at_s + KNOWN_FOR_S).contains(&now_s))
        {
            return Ok(Arc::clone(known));
        }
        let failed = asked.failed.filter(|(at_s, _)| (*at_s..at_s + LEFT_ALONE_S).contains(&now_s));
        if let Some((_, error)) = failed {
            return Err(error);
        }
        match self.ask(now_s).await {
            Ok(known) => {
                *asked = Asked { known: Some(Arc::clone(&known)), failed: None };
                Ok(known)
            }
            Err(error) => {
                asked.failed = Some((now_s, error));
                Err(error)
            }
        }
    }

    /// Asks the provider about itself.
    async fn ask(&self, now_s: i64) -> Result<Arc<Known>, Error> {
        let issuer = &self.0.settings.issuer;
        let place: Place = self.read(&issuer.discovery()).await?;
        if place.issuer != issuer.as_str() {
            return Err(Error::Unusable("it says that it is another"));
        }
        if ![&place.authorization_endpoint, &place.token_endpoint, &place.jwks_uri].into_iter().all(|url| is_safe(url))
        {
            return Err(Error::Unusable("it names an address that is not HTTPS"));
        }
        let keys: KeySet = self.read(&place.jwks_uri).await?;
        Ok(Arc::new(Known { at_s: now_s, place, keys: keys.usable() }))
    }

    async fn read<T: DeserializeOwned>(&self, url: &str) -> Result<T, Error> {
        let (status, body) = self.0.transport.get(url).await.map_err(Error::Unusable)?;
        let unusable = Error::Unusable("what it says of itself cannot be read");
        if !status.is_success() {
            return Err(unusable);
        }
        serde_json::from_slice(&body).map_err(|_| unusable)
    }
}

/// How new what a provider says of itself must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fresh {
    /// Not too old.
    Enough,
    /// Asked now.
    Anew,
}

/// 256 random bits.
fn random() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::Unusable("this machine gives no random bytes"))?;
    Ok(base64url::encode(&bytes))
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    pairs.join("&")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    out
}

/// Base64 as the header writes it.
fn padded(text: &str) -> String {
    let plain = base64url::encode(text.as_bytes()).replace('-', "+").replace('_', "/");
    let padding = "=".repeat(plain.len().next_multiple_of(4) - plain.len());
    plain + &padding
}
