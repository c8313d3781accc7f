//! Names and numbers of things.
//!
//! Ids that the rules make (`lot_…`, `hold_…`, `charge_…`, `refund_…`, `order_…`) are the sequence number of
//! the entry that made the thing, so any of them can be found from its account's history without
//! an index and without chance. Ids that a studio chooses are texts of a fixed alphabet.

use std::fmt;
use std::sync::Arc;

/// A studio's number inside this scrip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudioNumber(pub u32);

/// An account's number inside this scrip: what the journal knows it by (R29).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumber(pub u64);

/// A text is not an id of the kind wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct InvalidId {
    /// What would have been accepted.
    pub expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Accepts a text of the right alphabet and length.
            pub fn parse(text: &str) -> Result<$name, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok($name(Arc::from(text))) } else { Err(InvalidId { expected: $expected }) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Lower-case letters, digits and single inner dashes, starting with a letter; 1 to 64 long.
fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.as_bytes()[0].is_ascii_lowercase()
        && !text.ends_with('-')
        && !text.contains("--")
}

/// 1 to 128 of `A-Z a-z 0-9 . _ : @ -`.
fn is_account_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'@' | b'-'))
}

/// What the ids of erased accounts begin with. The `~` is in no studio's own id, so that none can be the same.
const ERASED: &str = "erased~";

/// The account's number in the id of an erased account, in its one spelling.
fn erased_number(text: &str) -> Option<AccountNumber> {
    let number: u64 = text.strip_prefix(ERASED)?.parse().ok()?;
    (format!("{ERASED}{number}") == text).then_some(AccountNumber(number))
}

/// The id of a studio's own account.
const OF_STUDIO: &str = "studio~";

impl AccountId {
    /// The studio's own account, in which what operators do about the studio as a whole is recorded. It never has credits,
    /// is none of the studio's customers, and no studio can choose such an id.
    pub fn of_studio() -> AccountId {
        AccountId(Arc::from(OF_STUDIO))
    }

    /// Whether it is the studio's own account.
    pub fn is_of_studio(&self) -> bool {
        &*self.0 == OF_STUDIO
    }

    /// By what an account is known once its texts were erased (R29), as in `erased~7`. No studio can choose such an id.
    pub fn erased(number: AccountNumber) -> AccountId {
        AccountId(Arc::from(format!("{ERASED}{}", number.0)))
    }

    /// The account's number, where this is the id of an erased account.
    pub fn erased_number(&self) -> Option<AccountNumber> {
        erased_number(&self.0)
    }
}

impl Key {
    /// The key of what is done once for something that a payment provider has, such as an invoice. It holds a space, so that
    /// no caller can have chosen it.
    pub fn of_provider(reference: &ProviderRef) -> Key {
        Key(Arc::from(format!("provider {reference}")))
    }

    /// The key that a customer chose, in a space of its own: their keys bind none of the studio's, which could be guessed
    /// (R31). It holds a space, so that no caller can have chosen it.
    pub fn of_customer(chosen: &Key) -> Key {
        Key(Arc::from(format!("customer {chosen}")))
    }
}

/// A caller's own hold id: the alphabet of account ids, but nothing that looks like an id of ours.
fn is_hold_name(text: &str) -> bool {
    is_account_id(text) && !text.starts_with("hold_")
}

/// 1 to 128 visible ASCII characters (R31).
fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What a payment provider calls its own: 1 to 255 visible ASCII characters.
fn is_provider_ref(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Measures and `let` names in formulas: lower-case letters, digits and `_`, starting with a letter.
fn is_variable(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && text.as_bytes()[0].is_ascii_lowercase()
}

text_id!(
    /// A studio's name, as in `flow-studio`.
    StudioId, is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 64");
text_id!(
    /// A tool's name in the catalog, as in `text-to-material`.
    ToolId, is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 64");
text_id!(
    /// A project type's name in the catalog, as in `live-action`.
    ProjectTypeId, is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 64");
text_id!(
    /// A plan's name in the catalog, as in `lite`.
    PlanId, is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 64");
text_id!(
    /// A package's name in the catalog.
    PackageId, is_slug, "lower-case letters, digits and dashes, starting with a letter, at most 64");
text_id!(
    /// A measure's name, as in `seconds`.
    MeasureId, is_variable, "lower-case letters, digits and underscores, starting with a letter, at most 64");
text_id!(
    /// The studio's own id of an account, or, once that was erased, the one that scrip gave in its stead.
    AccountId, |text| is_account_id(text) || erased_number(text).is_some() || text == OF_STUDIO, "1 to 128 of A-Z a-z 0-9 . _ : @ -");
text_id!(
    /// A caller's own id of a hold, unique within its account.
    HoldName, is_hold_name, "1 to 128 of A-Z a-z 0-9 . _ : @ -, not starting with hold_");
text_id!(
    /// An idempotency key, unique within its account (R31).
    Key, is_key, "1 to 128 visible ASCII characters");

text_id!(
    /// A payment provider's own id of a checkout, payment or invoice.
    ProviderRef, is_provider_ref, "1 to 255 visible ASCII characters");

macro_rules! derived_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// The sequence number, in the account, of the entry that made it.
            pub seq: u64,
            /// Which of the things that the entry made.
            pub index: u16,
        }

        impl $name {
            /// The first thing of the kind that entry `seq` made.
            pub const fn first(seq: u64) -> $name {
                $name { seq, index: 0 }
            }

            /// Reads the id; only the one spelling that [`fmt::Display`] writes.
            pub fn parse(text: &str) -> Option<$name> {
                let rest = text.strip_prefix($prefix)?;
                let (seq, index) = match rest.split_once('_') {
                    Some((seq, index)) => (seq, index.parse().ok()?),
                    None => (rest, 0),
                };
                let id = $name { seq: seq.parse().ok()?, index };
                (id.to_string() == text).then_some(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.index {
                    0 => write!(f, concat!($prefix, "{}"), self.seq),
                    index => write!(f, concat!($prefix, "{}_{}"), self.seq, index),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

derived_id!(
    /// A lot, as in `lot_7`; the second lot of the same entry is `lot_7_1`.
    LotId, "lot_");
derived_id!(
    /// A hold, as in `hold_8`.
    HoldId, "hold_");
derived_id!(
    /// A charge, as in `charge_9`.
    ChargeId, "charge_");
derived_id!(
    /// A refund, as in `refund_10`.
    RefundId, "refund_");

derived_id!(
    /// An order, as in `order_11`.
    OrderId, "order_");

/// How a caller names a hold: by our id or by its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HoldRef {
    /// Our id.
    Id(HoldId),
    /// The caller's.
    Name(HoldName),
}

impl HoldRef {
    /// Reads either form.
    pub fn parse(text: &str) -> Result<HoldRef, InvalidId> {
        match HoldId::parse(text) {
            Some(id) => Ok(HoldRef::Id(id)),
            None => HoldName::parse(text).map(HoldRef::Name),
        }
    }
}

impl fmt::Display for HoldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HoldRef::Id(id) => id.fmt(f),
            HoldRef::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_have_one_spelling() {
        assert_eq!(LotId { seq: 7, index: 1 }.to_string(), "lot_7_1");
        assert_eq!(LotId::parse("lot_7_1"), Some(LotId { seq: 7, index: 1 }));
        assert_eq!(LotId::parse("lot_7"), Some(LotId::first(7)));
        for wrong in ["lot_7_0", "lot_07", "lot_+7", "hold_7", "lot_", "lot_7_", "lot_7_1_1"] {
            assert_eq!(LotId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_erased_account_has_an_id_that_no_studio_can_choose() {
        let erased = AccountId::erased(AccountNumber(7));
        assert_eq!((erased.as_str(), erased.erased_number()), ("erased~7", Some(AccountNumber(7))));
        assert_eq!(AccountId::parse("erased~7"), Ok(erased));
        assert_eq!(AccountId::parse("erased-7").unwrap().erased_number(), None);
        assert!(AccountId::of_studio().is_of_studio() && AccountId::parse("studio~") == Ok(AccountId::of_studio()));
        assert!(!AccountId::parse("studio").unwrap().is_of_studio());
        for wrong in ["studio~1", "erased~", "erased~07", "erased~+7", "erased~x", "erased~7~", "~7", "a~7", "ERASED~7"]
        {
            assert!(AccountId::parse(wrong).is_err(), "{wrong}");
            assert!(HoldName::parse("erased~7").is_err());
        }
    }

    #[test]
    fn no_caller_can_choose_a_key_that_is_made_of_a_providers_id() {
        let key = Key::of_provider(&ProviderRef::parse("in_7").unwrap());
        assert_eq!(key.as_str(), "provider in_7");
        assert!(Key::parse(key.as_str()).is_err());
    }

    #[test]
    fn customers_choose_keys_in_a_space_of_their_own() {
        let chosen = Key::parse(&"k".repeat(128)).unwrap();
        let key = Key::of_customer(&chosen);
        assert_eq!(key.as_str(), format!("customer {chosen}"));
        assert!(Key::parse(key.as_str()).is_err());
    }

    #[test]
    fn a_hold_is_named_by_either_id() {
        assert_eq!(HoldRef::parse("hold_8"), Ok(HoldRef::Id(HoldId::first(8))));
        assert!(matches!(HoldRef::parse("job-7"), Ok(HoldRef::Name(_))));
        assert!(HoldRef::parse("hold_x").is_err());
        assert!(HoldRef::parse("a/b").is_err());
    }
}
