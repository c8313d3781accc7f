//! The keys that a provider signs with, as it publishes them (RFC 7517), and what they signed.
//!
//! RSA with SHA-256 and ECDSA on P-256: what every provider offers. A key signs by its own kind, whatever a token's head says.

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

use crate::base64url;

/// A provider's keys.
#[derive(Deserialize)]
pub(crate) struct KeySet {
    keys: Vec<Published>,
}

/// One, as it is published; of other kinds there may be some.
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A key that can check.
pub(crate) struct Key {
    id: Option<String>,
    kind: Kind,
}

enum Kind {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The uncompressed point.
    P256(Vec<u8>),
}

impl KeySet {
    /// Those that can check signatures.
    pub(crate) fn usable(self) -> Vec<Key> {
        self.keys.into_iter().filter_map(Published::read).collect()
    }
}

impl Published {
    fn read(self) -> Option<Key> {
        let bytes = |text: &Option<String>| base64url::decode(text.as_deref()?);
        let signs = self.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        let meant = |alg: &str| signs && self.alg.as_deref().is_none_or(|other| other == alg);
        let kind = match self.kty.as_str() {
            "RSA" if meant("RS256") => Kind::Rsa { n: bytes(&self.n)?, e: bytes(&self.e)? },
            "EC" if meant("ES256") && self.crv.as_deref() == Some("P-256") => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                Kind::P256([&[4], &x[..], &y[..]].concat()).whole(x.len() == 32 && y.len() == 32)?
            }
            _ => return None,
        };
        Some(Key { id: self.kid, kind })
    }
}

impl Kind {
    fn whole(self, whole: bool) -> Option<Kind> {
        whole.then_some(self)
    }
}

impl Key {
    /// Whether it goes by this id, or could.
    pub(crate) fn is(&self, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    /// The name of what it signs by.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa { .. } => "RS256",
            Kind::P256(_) => "ES256",
        }
    }

    /// Whether it signed this.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.kind {
            Kind::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Kind::P256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        checked.is_ok()
    }
}
