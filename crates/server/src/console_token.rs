//! Console tokens: what stands for a key, or a person, after signing in, so that no browser keeps the key.
//!
//! A token names a studio, the digest of the key or a person, and an end, and is signed with the studio's secret; nothing is
//! stored for it. It ends with its time, with the key or the person's role (which are looked up each time), when another provider
//! or claim says who somebody is, and when the studio's tokens are renewed. Apart from customers' tokens because it stands for who works for the studio. It must never be logged or compared otherwise than in
//! constant time.

use scrip_core::id::StudioNumber;
use scrip_core::time::Time;
use scrip_engine::store::TokenSecret;
use subtle::ConstantTimeEq;

use crate::customer_token::{SIGNATURE, sign, unhex};

/// What every console token begins with.
pub(crate) const PREFIX: &str = "cs_";

/// How long a session lasts, in seconds: two hours.
pub(crate) const LASTS_S: i64 = 7_200;
/// The version of what follows the prefix, for a key.
const OF_KEY: u8 = 1;
/// The same for a person. 2 said nothing of the provider.
const OF_PERSON: u8 = 3;
/// Version, studio, end.
const HEAD: usize = 1 + 4 + 8;
/// The longest text about a person, in bytes.
pub(crate) const TEXT_MAX: usize = 256;
/// A digest's length in bytes.
const DIGEST: usize = 32;
/// The longest token: of a person, with two texts and their lengths.
const LEN_MAX: usize = PREFIX.len() + 2 * (HEAD + DIGEST + 2 * (2 + TEXT_MAX) + SIGNATURE);
/// What is signed besides what a token says, so that no other use of the secret makes a token.
const PURPOSE: &[u8] = b"scrip console token";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Whose console.
    pub(crate) studio: StudioNumber,
    /// Who has signed in.
    pub(crate) who: Who,
    /// The first instant at which it is good no more: a whole second.
    pub(crate) expires_at: Time,
}

/// Who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Somebody with a key, by its [`mark`]: the digest itself would let who has a token try out weak keys without asking us.
    Key([u8; 32]),
    /// A person whom the studio's provider knows.
    Person {
        /// Which provider said so, and of which claim: [`SignInProvider::digest`](crate::SignInProvider::digest).
        provider: [u8; DIGEST],
        /// The value of the claim that their role hangs on.
        value: Box<str>,
        /// Their name in the audit trail.
        name: Box<str>,
    },
}

/// What a token says of a key: nothing to who does not have the studio's secret.
pub(crate) fn mark(digest: &[u8; 32], secret: &TokenSecret) -> [u8; 32] {
    sign(b"scrip console key", digest, secret)
}

/// A token.
pub(crate) fn issue(claims: &Claims, secret: &TokenSecret) -> String {
    let version = match &claims.who {
        Who::Key(_) => OF_KEY,
        Who::Person { .. } => OF_PERSON,
    };
    let mut bytes = vec![version];
    bytes.extend(claims.studio.0.to_be_bytes());
    bytes.extend(claims.expires_at.micros().div_euclid(1_000_000).to_be_bytes());
    match &claims.who {
        Who::Key(digest) => bytes.extend(digest),
        Who::Person { provider, value, name } => {
            bytes.extend(provider);
            for text in [value, name] {
                bytes.extend(u16::try_from(text.len()).expect("texts about people are bounded").to_be_bytes());
                bytes.extend(text.as_bytes());
            }
        }
    }
    bytes.extend(sign(PURPOSE, &bytes, secret));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// What a token says that was made here; `secret_of` gives the secret of the studio that it names.
pub(crate) fn read(token: &str, secret_of: impl FnOnce(StudioNumber) -> Option<TokenSecret>) -> Option<Claims> {
    let hex = token.strip_prefix(PREFIX).filter(|_| token.len() <= LEN_MAX)?;
    let bytes = unhex(hex)?;
    let (payload, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
    let (head, who) = payload.split_at_checked(HEAD)?;
    let (version, rest) = head.split_first()?;
    let (studio, end) = rest.split_at_checked(4)?;
    let studio = StudioNumber(u32::from_be_bytes(studio.try_into().ok()?));
    let made_here: bool = sign(PURPOSE, payload, &secret_of(studio)?).ct_eq(signature).into();
    if !made_here {
        return None;
    }
    let who = match *version {
        OF_KEY => Who::Key(who.try_into().ok()?),
        OF_PERSON => {
            let (provider, rest) = who.split_at_checked(DIGEST)?;
            let (value, rest) = text(rest)?;
            let (name, rest) = text(rest)?;
            rest.is_empty().then_some(Who::Person { provider: provider.try_into().ok()?, value, name })?
        }
        _ => return None,
    };
    let end = i64::from_be_bytes(end.try_into().ok()?).checked_mul(1_000_000)?;
    Some(Claims { studio, who, expires_at: Time::from_micros(end) })
}

/// A text with its length before it, and what follows.
fn text(bytes: &[u8]) -> Option<(Box<str>, &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))?;
    Some((std::str::from_utf8(text).ok()?.into(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: TokenSecret = TokenSecret([7; 32]);

    #[test]
    fn a_token_is_its_own_and_no_other() {
        let expires_at = Time::parse("2026-01-31T11:00:00Z").unwrap();
        let person = Who::Person { provider: [6; 32], value: "support".into(), name: "ada@studio.example".into() };
        for who in [person, Who::Key([5; 32])] {
            check(&Claims { studio: StudioNumber(2), who, expires_at });
        }
    }

    fn check(claims: &Claims) {
        let token = issue(claims, &SECRET);
        let good = |studio| (studio == StudioNumber(2)).then_some(SECRET);
        assert_eq!(read(&token, good).as_ref(), Some(claims));
        assert_eq!(read(&token, |_| Some(TokenSecret([8; 32]))), None, "another secret");
        assert_eq!(read(&token, |_| None), None, "no secret");
        for place in PREFIX.len()..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            assert_eq!(read(&String::from_utf8(changed).unwrap(), |_| Some(SECRET)), None, "{place}");
        }
        for wrong in ["", "cs_", "cs_00", &token[..token.len() - 2], &format!("{token}00"), &token.to_uppercase()] {
            assert_eq!(read(wrong, |_| Some(SECRET)), None, "{wrong}");
        }
    }
}
