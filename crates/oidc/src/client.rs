//! The flow: to the provider with a state, a nonce and a challenge; back with a code; the code for a token.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::base64url;
use crate::issuer::Issuer;
use crate::keys::{Key, KeySet};
use crate::token::{self, Claims, Expected, Fault};
use crate::transport::{Form, Transport};

/// For how long what a provider says of itself is believed, in seconds.
const KNOWN_FOR_S: i64 = 3_600;
/// For how long one that did not answer is left alone, in seconds.
const LEFT_ALONE_S: i64 = 5;
/// For how long its keys are not asked for again, whatever it signs with, in seconds.
const KEYS_STAND_S: i64 = 10;
/// How long somebody waits while another asks the provider.
const TURN_WAIT: Duration = Duration::from_secs(2);

/// What time it is, in seconds since 1970: asked where it matters, since a provider may take its time.
pub type Clock<'a> = &'a (dyn Fn() -> i64 + Sync);

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
    /// Whose turn it is to ask the provider about itself.
    turn: tokio::sync::Mutex<()>,
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
        let transport = Transport::new();
        Client(Arc::new(Inner { settings, transport, asked: Mutex::default(), turn: tokio::sync::Mutex::default() }))
    }

    /// Who the provider is.
    pub fn issuer(&self) -> &Issuer {
        &self.0.settings.issuer
    }

    /// Our id with it.
    pub fn client_id(&self) -> &str {
        &self.0.settings.client_id
    }

    /// Begins a sign-in whose answer comes to `redirect_uri`.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub async fn begin(&self, redirect_uri: &str, clock: Clock<'_>) -> Result<Begun, Error> {
        let known = self.known(clock, Fresh::Enough).await?;
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
    pub async fn finish(&self, answer: &Answer<'_>, clock: Clock<'_>) -> Result<Claims, Error> {
        let known = self.known(clock, Fresh::Enough).await?;
        let token = self.exchange(&known.place, answer).await?;
        let settings = &self.0.settings;
        let expected = Expected {
            issuer: settings.issuer.as_str(),
            client: &settings.client_id,
            nonce: answer.nonce,
            now_s: clock(),
        };
        match token::read(&token, &known.keys, &expected) {
            // It may sign with a new key since we asked, by a new name, an old one or none.
            Err(Fault::Key | Fault::Signature) => {
                let known = self.known(clock, Fresh::Than(&known)).await?;
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
        if status == StatusCode::UNAUTHORIZED || refusal(&body).as_deref() == Some("invalid_client") {
            return Err(Error::Unusable("it knows no client with this id and secret"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Error::Unusable("it was asked too often"));
        }
        if status.is_client_error() {
            return Err(Error::Refused);
        }
        let exchanged: Exchanged =
            serde_json::from_slice(&body).map_err(|_| Error::Unusable("it gave no ID token for the code"))?;
        Ok(exchanged.id_token)
    }

    /// What the provider says of itself, asked anew when that was long ago. One asks at a time; the others wait for what it
    /// learns, but not for long.
    async fn known(&self, clock: Clock<'_>, fresh: Fresh<'_>) -> Result<Arc<Known>, Error> {
        if let Some(answer) = self.asked().answer(clock(), fresh) {
            return answer;
        }
        let turn = tokio::time::timeout(TURN_WAIT, self.0.turn.lock()).await;
        let _turn = turn.map_err(|_| Error::Unusable("another sign-in still waits for its answer"))?;
        if let Some(answer) = self.asked().answer(clock(), fresh) {
            return answer;
        }
        let answer = self.ask(clock()).await;
        // It may have taken its time: it is left alone from now on.
        self.asked().learn(&answer, clock());
        answer
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the provider about itself.
    async fn ask(&self, now_s: i64) -> Result<Arc<Known>, Error> {
        let issuer = &self.0.settings.issuer;
        let place: Place = self.read(&issuer.discovery()).await?;
        place.is_of(issuer)?;
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
#[derive(Clone, Copy)]
enum Fresh<'a> {
    /// Not too old.
    Enough,
    /// Newer than this, unless this is only just known.
    Than(&'a Arc<Known>),
}

impl Asked {
    /// What need not be asked for; `None`: it is to be asked for now.
    fn answer(&self, now_s: i64, fresh: Fresh<'_>) -> Option<Result<Arc<Known>, Error>> {
        let within = |at_s: i64, seconds: i64| (at_s..at_s + seconds).contains(&now_s);
        let good = |known: &&Arc<Known>| match fresh {
            Fresh::Than(old) if Arc::ptr_eq(old, known) => within(known.at_s, KEYS_STAND_S),
            Fresh::Enough | Fresh::Than(_) => within(known.at_s, KNOWN_FOR_S),
        };
        if let Some(known) = self.known.as_ref().filter(good) {
            return Some(Ok(Arc::clone(known)));
        }
        self.failed.filter(|(at_s, _)| within(*at_s, LEFT_ALONE_S)).map(|(_, error)| Err(error))
    }

    /// What came of asking, which ended now.
    fn learn(&mut self, answer: &Result<Arc<Known>, Error>, now_s: i64) {
        match answer {
            Ok(known) => *self = Asked { known: Some(Arc::clone(known)), failed: None },
            Err(error) => self.failed = Some((now_s, *error)),
        }
    }
}

impl Place {
    /// Whether it is this provider's, and may be asked.
    fn is_of(&self, issuer: &Issuer) -> Result<(), Error> {
        if self.issuer != issuer.as_str() {
            return Err(Error::Unusable("it says that it is another"));
        }
        let named = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        if named.into_iter().all(|address| issuer.may_name(address)) {
            Ok(())
        } else {
            Err(Error::Unusable("it names an address that is not HTTPS"))
        }
    }
}

/// The word with which a provider refuses a code, if it says one.
fn refusal(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        error: String,
    }
    serde_json::from_slice::<Problem>(body).ok().map(|problem| problem.error)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_that_is_reached_by_https_has_no_part_in_clear() {
        let issuer = Issuer::parse("https://accounts.example.com").unwrap();
        let place = |changed: Option<usize>| {
            let named = |place: usize| {
                let host = if changed == Some(place) { "http://127.0.0.1:8080" } else { "https://x.example.com" };
                format!("{host}/{place}")
            };
            Place {
                issuer: issuer.as_str().to_owned(),
                authorization_endpoint: named(0),
                token_endpoint: named(1),
                jwks_uri: named(2),
                token_endpoint_auth_methods_supported: None,
            }
        };
        assert_eq!(place(None).is_of(&issuer), Ok(()));
        for changed in 0..3 {
            assert!(place(Some(changed)).is_of(&issuer).is_err(), "{changed}");
        }
    }
}
