//! Customer tokens: what they are made of, and whether a presented one was made here.
//!
//! A token names a studio, one of its accounts and an end, and is signed with the studio's secret; nothing is stored
//! for it. It is bound to the account's number besides its id, so that who is given the id of an erased account
//! inherits no token: by a mark of that number, which tells nobody the number. The signature is looked at first, and
//! alone: what a forger claims is not looked up, and how long an answer takes does not tell which accounts there are.
//! Apart because it alone signs. It must never log a token or compare one otherwise than in constant time.

use hmac::{Hmac, Mac};
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::TokenSecret;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// What every customer token begins with.
pub(crate) const PREFIX: &str = "ct_";

/// The version of what follows the prefix, for a customer.
const WHOLE: u8 = 1;
/// The same for who only looks.
const READS: u8 = 2;
/// The mark of an account's number: half an HMAC-SHA-256.
const MARK: usize = 16;
/// Version, studio, end, mark.
const HEAD: usize = 1 + 4 + 8 + MARK;
/// An HMAC-SHA-256.
pub(crate) const SIGNATURE: usize = 32;
/// The longest token: one of an account's id of 128 characters.
const LEN_MAX: usize = PREFIX.len() + 2 * (HEAD + 128 + SIGNATURE);

/// What is signed besides what a token says, so that no other use of the secret makes a token.
const TOKEN: &[u8] = b"scrip customer token";
/// The same for the mark of an account's number. Neither begins with the other.
const NUMBER: &[u8] = b"scrip account number";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Whose customer.
    pub(crate) studio: StudioNumber,
    /// Which account.
    pub(crate) account: AccountId,
    /// What it opens.
    pub(crate) reach: Reach,
    /// The first instant at which it is good no more: a whole second.
    pub(crate) expires_at: Time,
}

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What customers may do.
    Whole,
    /// What changes nothing: for the studio's people, who look.
    Reads,
}

/// A token that was presented: of what it claims only the studio can be read before its signature holds.
pub(crate) struct Presented {
    signed: Signed,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A token that was made here.
pub(crate) struct Signed {
    /// What it says.
    pub(crate) claims: Claims,
    mark: [u8; MARK],
}

/// A token for an account that has this number.
pub(crate) fn issue(claims: &Claims, number: AccountNumber, secret: &TokenSecret) -> String {
    let mut bytes = vec![match claims.reach {
        Reach::Whole => WHOLE,
        Reach::Reads => READS,
    }];
    bytes.extend(claims.studio.0.to_be_bytes());
    bytes.extend(claims.expires_at.micros().div_euclid(1_000_000).to_be_bytes());
    bytes.extend(mark(number, secret));
    bytes.extend(claims.account.as_str().as_bytes());
    bytes.extend(sign(TOKEN, &bytes, secret));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// Reads a token; `None` for what no token looks like.
pub(crate) fn read(token: &str) -> Option<Presented> {
    if token.len() > LEN_MAX {
        return None;
    }
    let mut payload = unhex(token.strip_prefix(PREFIX)?)?;
    let signature = payload.split_off(payload.len().checked_sub(SIGNATURE)?);
    let (head, account) = payload.split_at_checked(HEAD)?;
    let (version, rest) = head.split_first()?;
    let (studio, rest) = rest.split_at(4);
    let (end, mark) = rest.split_at(8);
    let end = i64::from_be_bytes(end.try_into().ok()?).checked_mul(1_000_000)?;
    let reach = match *version {
        WHOLE => Reach::Whole,
        READS => Reach::Reads,
        _ => return None,
    };
    let claims = Claims {
        reach,
        studio: StudioNumber(u32::from_be_bytes(studio.try_into().ok()?)),
        account: AccountId::parse(std::str::from_utf8(account).ok()?).ok()?,
        expires_at: Time::from_micros(end),
    };
    let signed = Signed { claims, mark: mark.try_into().ok()? };
    Some(Presented { signed, payload, signature })
}

impl Presented {
    /// With whose secret it would have been signed.
    pub(crate) const fn studio(&self) -> StudioNumber {
        self.signed.claims.studio
    }

    /// The token, if it was made with this secret.
    pub(crate) fn signed_with(self, secret: &TokenSecret) -> Option<Signed> {
        let made_here: bool = sign(TOKEN, &self.payload, secret).ct_eq(&self.signature).into();
        made_here.then_some(self.signed)
    }
}

impl Signed {
    /// Whether it is for the account of this number, and not for an earlier one of the same id.
    pub(crate) fn is_of(&self, number: AccountNumber, secret: &TokenSecret) -> bool {
        mark(number, secret).ct_eq(&self.mark).into()
    }
}

/// Tells accounts apart, and tells nobody without the secret a number.
fn mark(number: AccountNumber, secret: &TokenSecret) -> [u8; MARK] {
    let whole = sign(NUMBER, &number.0.to_be_bytes(), secret);
    std::array::from_fn(|place| whole[place])
}

/// What a studio's secret makes of something, for one purpose.
pub(crate) fn sign(purpose: &[u8], what: &[u8], secret: &TokenSecret) -> [u8; SIGNATURE] {
    let mut signing = Hmac::<Sha256>::new_from_slice(&secret.0).expect("a key of any length will do");
    signing.update(purpose);
    signing.update(what);
    signing.finalize().into_bytes().into()
}

/// Bytes from hexadecimal digits in small letters.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(16 * digit(pair[0])? + digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: TokenSecret = TokenSecret([7; 32]);
    const ACCOUNT: AccountNumber = AccountNumber(41);

    fn claims() -> Claims {
        Claims {
            studio: StudioNumber(2),
            account: AccountId::parse("ada@example.org").unwrap(),
            reach: Reach::Whole,
            expires_at: Time::parse("2026-01-31T11:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_token_says_what_it_was_made_for() {
        let token = issue(&claims(), ACCOUNT, &SECRET);
        let presented = || read(&token).unwrap();
        assert_eq!(presented().studio(), StudioNumber(2));
        assert!(presented().signed_with(&TokenSecret([8; 32])).is_none(), "another secret");
        let signed = presented().signed_with(&SECRET).unwrap();
        assert_eq!(signed.claims, claims());
        assert!(signed.is_of(ACCOUNT, &SECRET));
        assert!(!signed.is_of(AccountNumber(42), &SECRET), "another account under the same id");
    }

    #[test]
    fn whatever_is_changed_in_a_token_spoils_it() {
        let token = issue(&claims(), ACCOUNT, &SECRET);
        for place in PREFIX.len()..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            let signed = read(&changed).and_then(|presented| presented.signed_with(&SECRET));
            assert!(signed.is_none(), "{changed}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let token = issue(&claims(), ACCOUNT, &SECRET);
        let upper = token.to_uppercase().replacen("CT_", PREFIX, 1);
        let long = format!("{PREFIX}{}", "0".repeat(1_000));
        for wrong in ["", "ct_", "ct_00", "sk_00", "ct_zz", &token[1..], &token[..token.len() - 1], &upper, &long] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
