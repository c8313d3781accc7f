//! Buckets: 1,024 parts into which accounts fall for good, so that a store can be proved, sealed and spread in parts.
//!
//! It is apart because seals that are kept elsewhere name buckets: this function must never change.

use sha2::{Digest as _, Sha256};

use crate::id::{AccountId, AccountNumber, StudioNumber};

/// One of the 1,024 parts. An account is in exactly one, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u16);

impl Bucket {
    /// How many there are.
    pub const COUNT: u16 = 1_024;

    /// The bucket of an account: SplitMix64 of its number, modulo 1,024 (G. Steele et al., "Fast Splittable
    /// Pseudorandom Number Generators", 2014).
    ///
    /// Of the number alone: numbers are unique over all studios, stand in the chained record, are kept when a journal
    /// moves, and outlive the erasure of the studio's own id.
    pub fn of(account: AccountNumber) -> Bucket {
        let mut mixed = account.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bucket = mixed % u64::from(Bucket::COUNT);
        Bucket(u16::try_from(bucket).expect("below 1,024"))
    }

    /// The bucket in which a store that several servers share opens the account of this id: it draws a number of that
    /// bucket ([`Bucket::of`]). The first 8 bytes, big-endian, of SHA-256 over `scrip:bucket:1`, the studio's number (4
    /// bytes, big-endian) and the id, modulo 1,024.
    pub fn of_id(studio: StudioNumber, id: &AccountId) -> Bucket {
        let mut digest = Sha256::new();
        digest.update(b"scrip:bucket:1");
        digest.update(studio.0.to_be_bytes());
        digest.update(id.as_str());
        let digest: [u8; 32] = digest.finalize().into();
        let leading = u64::from_be_bytes(digest[..8].try_into().expect("8 bytes of 32"));
        Bucket(u16::try_from(leading % u64::from(Bucket::COUNT)).expect("below 1,024"))
    }

    /// The bucket of a number below [`Bucket::COUNT`].
    pub fn from_number(number: u16) -> Option<Bucket> {
        (number < Bucket::COUNT).then_some(Bucket(number))
    }

    /// Its number, from 0.
    pub const fn number(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: [(u64, u16); 7] = [
        (1, 193),
        (2, 718),
        (3, 1_005),
        (1_000, 328),
        (1_000_000, 487),
        (4_294_967_296, 312),
        (18_446_744_073_709_551_615, 32),
    ];

    const ID_VECTORS: [(u32, &str, u16); 4] =
        [(1, "ana", 299), (1, "bo", 858), (2, "ana", 528), (7, "team:42@example.com", 630)];

    /// Published in `docs/seals.md`: they hold for ever.
    #[test]
    fn the_published_vectors_hold() {
        for (account, bucket) in VECTORS {
            assert_eq!(Bucket::of(AccountNumber(account)).number(), bucket, "account {account}");
        }
    }

    #[test]
    fn the_document_says_the_same() {
        let document = include_str!("../../../docs/seals.md");
        for (account, bucket) in VECTORS {
            assert!(document.contains(&format!("| {account} | {bucket} |")), "account {account}");
        }
    }

    /// They hold for ever too: stores find accounts by them.
    #[test]
    fn the_published_vectors_of_ids_hold() {
        for (studio, id, bucket) in ID_VECTORS {
            let id = AccountId::parse(id).expect("an account's id");
            assert_eq!(Bucket::of_id(StudioNumber(studio), &id).number(), bucket, "{id} of studio {studio}");
        }
        let document = include_str!("../../../docs/seals.md");
        for (studio, id, bucket) in ID_VECTORS {
            assert!(document.contains(&format!("| {studio} | `{id}` | {bucket} |")), "{id} of studio {studio}");
        }
    }

    /// No bucket is left empty, or has twice its share.
    #[test]
    fn accounts_are_spread_evenly() {
        let mut counts = [0_u32; 1_024];
        (1..=1_024 * 500).for_each(|number| counts[usize::from(Bucket::of(AccountNumber(number)).number())] += 1);
        assert!(counts.iter().all(|count| (300..700).contains(count)), "{counts:?}");
    }
}
