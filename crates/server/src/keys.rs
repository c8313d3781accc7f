//! Secret keys: how they look, how they are hashed, and whose a presented one is.
//!
//! Apart because it alone touches secrets. It must never log one, keep one in the clear, or compare
//! one otherwise than by digest in constant time.

use std::sync::OnceLock;

use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::Engine;
use scrip_engine::store::{KeyDocument, Role};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every secret key begins with.
pub const PREFIX: &str = "sk_";

/// The longest secret that is looked at, in bytes.
const SECRET_LEN_MAX: usize = 256;

/// A secret key set from outside; it has every right. Holds the digest only.
pub struct OutsideKey {
    studio: StudioId,
    digest: [u8; 32],
    /// The studio's number once its first catalog is there.
    number: OnceLock<StudioNumber>,
}

/// `SCRIP_KEYS` cannot be read. Never quotes the text: it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key {place}: {problem}; write STUDIO=sk_SECRET, separated by commas")]
pub struct KeysError {
    /// Which of them, from 1.
    pub place: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl OutsideKey {
    /// A key of a studio, from its secret.
    pub fn new(studio: StudioId, secret: &str) -> OutsideKey {
        OutsideKey { studio, digest: digest(secret), number: OnceLock::new() }
    }

    /// The studio that it is for.
    pub fn studio(&self) -> &StudioId {
        &self.studio
    }

    /// Reads `flow-studio=sk_a,studiotwin=sk_b`; several keys for one studio are allowed.
    pub fn parse_list(text: &str) -> Result<Vec<OutsideKey>, KeysError> {
        let parts = text.split(',').map(str::trim).enumerate().filter(|(_, part)| !part.is_empty());
        parts
            .map(|(index, part)| {
                let wrong = |problem| KeysError { place: index + 1, problem };
                let (studio, secret) = part.split_once('=').ok_or_else(|| wrong("there is no ="))?;
                let studio =
                    StudioId::parse(studio).map_err(|_| wrong("what stands before = is not a studio's name"))?;
                if !well_formed(secret) {
                    return Err(wrong("the secret does not begin with sk_ or is not 4 to 256 visible characters"));
                }
                Ok(OutsideKey::new(studio, secret))
            })
            .collect()
    }

    /// The studio's number, looked up until its first catalog is published.
    fn number(&self, engine: &Engine) -> Option<StudioNumber> {
        if let Some(number) = self.number.get() {
            return Some(*number);
        }
        let (number, _) = engine.studios().into_iter().find(|(_, id)| *id == self.studio)?;
        Some(*self.number.get_or_init(|| number))
    }
}

/// What is stored of a secret: its SHA-256. A secret is long and random, so no slow hash is needed.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A key's public id: the beginning of its secret's digest, which tells nothing of 256 random bits.
pub fn public_id(digest: &[u8; 32]) -> String {
    let hex: String = digest[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("key_{hex}")
}

/// A new secret: `sk_` and 256 random bits in hexadecimal. Fails only where the system has no randomness.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{PREFIX}{hex}"))
}

/// Whether a secret looks like those that [`new_secret`] makes, of which none can be guessed.
pub(crate) fn is_as_made(secret: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    secret.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == 64 && rest.bytes().all(digit))
}

/// A new key as it is stored.
pub fn stored(secret: &str, studio: StudioNumber, role: Role, created_at: Time) -> KeyDocument {
    let digest = digest(secret);
    let hint = secret.char_indices().rev().nth(3).map_or(secret, |(place, _)| &secret[place..]);
    KeyDocument { id: public_id(&digest).into(), studio, role, digest, hint: hint.into(), created_at, revoked_at: None }
}

/// The public ids of the keys from outside that are a studio's.
pub(crate) fn outside(outside: &[OutsideKey], studio: StudioNumber, engine: &Engine) -> impl Iterator<Item = String> {
    outside.iter().filter(move |key| key.number(engine) == Some(studio)).map(|key| public_id(&key.digest))
}

/// The digests of a studio's keys, from outside and stored, but for those that are revoked.
pub(crate) fn digests(outside: &[OutsideKey], studio: StudioNumber, engine: &Engine) -> Vec<[u8; 32]> {
    let outside = outside.iter().filter(|key| key.number(engine) == Some(studio)).map(|key| key.digest);
    let stored = engine.keys();
    let stored = stored.iter().filter(|key| key.studio == studio && key.revoked_at.is_none()).map(|key| key.digest);
    outside.chain(stored).collect()
}

/// Whether a text could be a secret key.
fn well_formed(secret: &str) -> bool {
    secret.starts_with(PREFIX)
        && (PREFIX.len() + 1..=SECRET_LEN_MAX).contains(&secret.len())
        && secret.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whose key this is and what it may do; `None` for a malformed, unknown or revoked one.
pub(crate) fn holder(secret: &str, outside: &[OutsideKey], engine: &Engine) -> Option<(StudioNumber, Role)> {
    holder_of(&presented(secret)?, outside, engine)
}

/// What a presented secret is looked up by; `None` for a malformed one.
pub(crate) fn presented(secret: &str) -> Option<[u8; 32]> {
    well_formed(secret).then(|| digest(secret))
}

/// Whose key has this digest now, and what it may do.
pub(crate) fn holder_of(presented: &[u8; 32], outside: &[OutsideKey], engine: &Engine) -> Option<(StudioNumber, Role)> {
    let same = |known: &[u8; 32]| bool::from(known.ct_eq(presented));
    if let Some(key) = outside.iter().find(|key| same(&key.digest)) {
        return key.number(engine).map(|studio| (studio, Role::Admin));
    }
    let keys = engine.keys();
    let key = keys.iter().find(|key| same(&key.digest))?;
    key.revoked_at.is_none().then_some((key.studio, key.role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_from_outside_are_read() {
        let keys = OutsideKey::parse_list("flow-studio=sk_a, studiotwin=sk_b,flow-studio=sk_c").unwrap();
        let studios: Vec<_> = keys.iter().map(|key| key.studio().as_str()).collect();
        assert_eq!(studios, ["flow-studio", "studiotwin", "flow-studio"]);
        assert_eq!(keys[0].digest, digest("sk_a"));
    }

    #[test]
    fn a_bad_list_is_refused_without_quoting_it() {
        for (text, place) in [("flow-studio", 1), ("a=sk_x,B=sk_y", 2), ("a=secret", 1), ("a=sk_", 1), ("a=sk_ x", 1)] {
            let error = OutsideKey::parse_list(text).err().unwrap();
            assert_eq!(error.place, place, "{text}");
            assert!(!error.to_string().contains("secret;"), "{error}");
        }
    }

    #[test]
    fn new_secrets_differ_and_are_well_formed() {
        let (one, two) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(one, two);
        assert!(well_formed(&one) && one.len() == 67 && is_as_made(&one));
        for chosen in ["sk_flow", &one[..66], &format!("{one}0"), &one.replace("sk_", "sk_x"), &one.to_uppercase()] {
            assert!(!is_as_made(chosen), "{chosen}");
        }
    }
}
