//! Console tokens: what stands for a key after a person has signed in with it, so that no browser keeps the key.
//!
//! A token names a studio, the digest of the key and an end, and is signed with the studio's secret; nothing is stored
//! for it. It ends with its time, with the key (which is looked up each time), and when the studio's tokens are renewed.
//! Apart from customers' tokens because it stands for a key. It must never be logged or compared otherwise than in
//! constant time.

use scrip_core::id::StudioNumber;
use scrip_core::time::Time;
use scrip_engine::store::TokenSecret;
use subtle::ConstantTimeEq;

use crate::customer_token::{SIGNATURE, sign, unhex};

/// What every console token begins with.
pub(crate) const PREFIX: &str = "cs_";

/// The version of what follows the prefix.
const VERSION: u8 = 1;
/// Version, studio, end, digest of the key.
const PAYLOAD: usize = 1 + 4 + 8 + 32;
/// What is signed besides what a token says, so that no other use of the secret makes a token.
const PURPOSE: &[u8] = b"scrip console token";

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Whose key.
    pub(crate) studio: StudioNumber,
    /// The digest of the key's secret.
    pub(crate) key: [u8; 32],
    /// The first instant at which it is good no more: a whole second.
    pub(crate) expires_at: Time,
}

/// A token.
pub(crate) fn issue(claims: &Claims, secret: &TokenSecret) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(claims.studio.0.to_be_bytes());
    bytes.extend(claims.expires_at.micros().div_euclid(1_000_000).to_be_bytes());
    bytes.extend(claims.key);
    bytes.extend(sign(PURPOSE, &bytes, secret));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// What a token says that was made here; `secret_of` gives the secret of the studio that it names.
pub(crate) fn read(token: &str, secret_of: impl FnOnce(StudioNumber) -> Option<TokenSecret>) -> Option<Claims> {
    let hex = token.strip_prefix(PREFIX).filter(|hex| hex.len() == 2 * (PAYLOAD + SIGNATURE))?;
    let bytes = unhex(hex)?;
    let (payload, signature) = bytes.split_at_checked(PAYLOAD)?;
    let (version, rest) = payload.split_first()?;
    let (studio, rest) = rest.split_at_checked(4)?;
    let (end, key) = rest.split_at_checked(8)?;
    let studio = StudioNumber(u32::from_be_bytes(studio.try_into().ok()?));
    let made_here: bool = sign(PURPOSE, payload, &secret_of(studio)?).ct_eq(signature).into();
    if !made_here || *version != VERSION {
        return None;
    }
    let end = i64::from_be_bytes(end.try_into().ok()?).checked_mul(1_000_000)?;
    Some(Claims { studio, key: key.try_into().ok()?, expires_at: Time::from_micros(end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: TokenSecret = TokenSecret([7; 32]);

    #[test]
    fn a_token_is_its_own_and_no_other() {
        let expires_at = Time::parse("2026-01-31T11:00:00Z").unwrap();
        let claims = Claims { studio: StudioNumber(2), key: [5; 32], expires_at };
        let token = issue(&claims, &SECRET);
        assert_eq!(read(&token, |studio| (studio == StudioNumber(2)).then_some(SECRET)), Some(claims));
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
