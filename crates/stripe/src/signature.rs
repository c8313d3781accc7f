//! The signature of a webhook: who may tell us where to look.
//!
//! `Stripe-Signature: t=1700000000,v1=HEX,v1=HEX` where each `v1` is HMAC-SHA256 over `t.body` with the endpoint's
//! secret; several stand there while a secret is being changed. Compared in constant time. The body is the very bytes
//! that came, before anything reads them.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::secret::Secret;

/// How far a signature's time may lie from ours, in seconds, either way: five minutes.
pub const TOLERANCE_S: i64 = 300;

/// The longest header that is looked at.
const HEADER_LEN_MAX: usize = 4_096;

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not of its form.
    #[error("the Stripe-Signature header cannot be read")]
    Unreadable,
    /// No signature is right.
    #[error("no signature fits the body and any secret")]
    Wrong,
    /// It is right, but of another time.
    #[error("the signature is more than {TOLERANCE_S} s from our time")]
    OutOfTime,
}

/// Checks a delivery's header against its body and the secrets of the endpoint (several while one is being changed), at
/// the instant `now` (seconds since 1970).
///
/// # Errors
/// [`SignatureError`]; an old delivery with a wrong signature is [`SignatureError::Wrong`].
pub(crate) fn check(header: &str, body: &[u8], secrets: &[Secret], now: i64) -> Result<(), SignatureError> {
    let (at, signatures) = parse(header)?;
    let mut right = subtle::Choice::from(0);
    for secret in secrets {
        let expected = sign(secret, at, body);
        for signature in &signatures {
            right |= expected.ct_eq(signature);
        }
    }
    if !bool::from(right) {
        return Err(SignatureError::Wrong);
    }
    if now.abs_diff(at) > TOLERANCE_S.unsigned_abs() { Err(SignatureError::OutOfTime) } else { Ok(()) }
}

/// The time and the signatures of a header; schemes other than `v1` are passed over.
fn parse(header: &str) -> Result<(i64, Vec<[u8; 32]>), SignatureError> {
    if header.len() > HEADER_LEN_MAX {
        return Err(SignatureError::Unreadable);
    }
    let mut at = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=').ok_or(SignatureError::Unreadable)? {
            ("t", digits) if at.is_none() => {
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                at = Some(digits.parse().ok().filter(|_| plain).ok_or(SignatureError::Unreadable)?);
            }
            ("t", _) => return Err(SignatureError::Unreadable),
            // One that is no digest cannot be right; another beside it may be.
            ("v1", hex) => signatures.extend(unhex(hex)),
            (_, _) => {}
        }
    }
    Ok((at.ok_or(SignatureError::Unreadable)?, signatures))
}

fn sign(secret: &Secret, at: i64, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("any length will do");
    mac.update(at.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut digest = [0; 32];
    for (place, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        *place = digit(pair[0])? * 16 + digit(pair[1])?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `hmac`: `hmac.new(b"whsec_test_secret", b"1700000000." + body, "sha256").hexdigest()`.
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const GOOD: &str = "0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd";
    /// The same with the secret `whsec_other_secret`.
    const OTHER: &str = "b7ecf2b25fe8be89275e059c67c71512f61cf5110fbb361a3534f45aa94713f7";

    fn check_with(header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        check(header, body, &[Secret::webhook("whsec_test_secret").unwrap()], now)
    }

    #[test]
    fn the_vectors_are_right() {
        let at = 1_700_000_000;
        for (header, expected) in [
            (format!("t=1700000000,v1={GOOD}"), Ok(())),
            (format!("t=1700000000,v1={OTHER},v1={GOOD},v0=abc"), Ok(())),
            (format!("t=1700000000, v1={}", GOOD.to_uppercase()), Ok(())),
            (format!("t=1700000000,v1={OTHER}"), Err(SignatureError::Wrong)),
            (format!("t=1700000001,v1={GOOD}"), Err(SignatureError::Wrong)),
            (format!("t=1700000000,v0={GOOD}"), Err(SignatureError::Wrong)),
            (format!("t=1700000000,v1={}", &GOOD[1..]), Err(SignatureError::Wrong)),
            ("t=1700000000".to_owned(), Err(SignatureError::Wrong)),
            (format!("v1={GOOD}"), Err(SignatureError::Unreadable)),
            (format!("t=1700000000,t=1700000000,v1={GOOD}"), Err(SignatureError::Unreadable)),
            (format!("t=+1700000000,v1={GOOD}"), Err(SignatureError::Unreadable)),
            (format!("t=,v1={GOOD}"), Err(SignatureError::Unreadable)),
            (String::new(), Err(SignatureError::Unreadable)),
            ("x".repeat(5_000), Err(SignatureError::Unreadable)),
        ] {
            assert_eq!(check_with(&header, BODY, at), expected, "{header}");
        }
        assert_eq!(check_with(&format!("t=1700000000,v1={GOOD}"), &BODY[1..], at), Err(SignatureError::Wrong));
    }

    #[test]
    fn five_minutes_either_way_are_tolerated() {
        let header = format!("t=1700000000,v1={GOOD}");
        for (now, expected) in [
            (1_700_000_300, Ok(())),
            (1_700_000_301, Err(SignatureError::OutOfTime)),
            (1_699_999_700, Ok(())),
            (1_699_999_699, Err(SignatureError::OutOfTime)),
            (i64::MIN, Err(SignatureError::OutOfTime)),
            (i64::MAX, Err(SignatureError::OutOfTime)),
        ] {
            assert_eq!(check_with(&header, BODY, now), expected, "{now}");
        }
    }

    #[test]
    fn two_secrets_hold_while_one_is_being_changed() {
        let secrets = ["whsec_test_secret", "whsec_other_secret"].map(|text| Secret::webhook(text).unwrap());
        for signature in [GOOD, OTHER] {
            let header = format!("t=1700000000,v1={signature}");
            assert_eq!(check(&header, BODY, &secrets, 1_700_000_000), Ok(()));
            assert_eq!(check(&header, BODY, &[], 1_700_000_000), Err(SignatureError::Wrong));
        }
    }
}
