//! A filter over the keys of one run: "never seen" without touching the disk.
//!
//! A blocked Bloom filter: the high bits of a key choose a block of 256 bits, the low bits one bit
//! in each of its eight words (F. Putze et al., "Cache-, Hash- and Space-Efficient Bloom Filters",
//! 2007). One cache line a look; twelve bits a key let about one stranger in two hundred through.
//! Keys are digests already, so they need no hashing of their own.

/// Bits that a key is given.
const BITS_PER_KEY: usize = 12;
/// Words of a block; a key sets one bit in each.
const WORDS: usize = 8;
/// Bytes of a block in the stored image.
pub(crate) const BLOCK_BYTES: usize = WORDS * 4;
/// Odd constants that pick a key's bit in each word.
const SALTS: [u32; WORDS] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// What one block says.
pub(crate) type Block = [u32; WORDS];

/// A set of keys that never denies a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    /// An empty filter with room for so many keys.
    pub(crate) fn for_keys(keys: usize) -> Filter {
        let blocks = (keys * BITS_PER_KEY).div_ceil(BLOCK_BYTES * 8).max(1);
        Filter { blocks: vec![[0; WORDS]; blocks] }
    }

    /// Adds a key.
    pub(crate) fn insert(&mut self, key: u64) {
        let place = self.place(key);
        set(&mut self.blocks[place], key);
    }

    /// Whether the key may be a member; never `false` for one.
    pub(crate) fn may_contain(&self, key: u64) -> bool {
        let block = &self.blocks[self.place(key)];
        block.iter().zip(bits(key)).fold(true, |all, (word, bit)| all & (word & bit != 0))
    }

    fn place(&self, key: u64) -> usize {
        let blocks = u64::try_from(self.blocks.len()).expect("a length fits 64 bits");
        usize::try_from(place(key, blocks)).expect("below the number of blocks")
    }

    /// The stored form.
    pub(crate) fn image(&self) -> Vec<u8> {
        self.blocks.iter().flat_map(bytes).collect()
    }

    /// The filter of a stored form; `None` where it is not one.
    pub(crate) fn from_image(image: &[u8]) -> Option<Filter> {
        if image.is_empty() || !image.len().is_multiple_of(BLOCK_BYTES) {
            return None;
        }
        let mut words = image.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let blocks = (0..image.len() / BLOCK_BYTES)
            .map(|_| std::array::from_fn(|_| words.next().expect("eight words a block")))
            .collect();
        Some(Filter { blocks })
    }
}

/// The block of a key among so many: its leading bits, scaled. Keys in ascending order have blocks in ascending order.
pub(crate) fn place(key: u64, blocks: u64) -> u64 {
    u64::try_from((u128::from(key) * u128::from(blocks)) >> 64).expect("below the number of blocks")
}

/// Adds a key to its block.
pub(crate) fn set(block: &mut Block, key: u64) {
    for (word, bit) in block.iter_mut().zip(bits(key)) {
        *word |= bit;
    }
}

/// The stored form of a block.
pub(crate) fn bytes(block: &Block) -> [u8; BLOCK_BYTES] {
    let mut bytes = [0; BLOCK_BYTES];
    for (place, word) in bytes.chunks_exact_mut(4).zip(block) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The bit of a key in each word, from its low half.
fn bits(key: u64) -> impl Iterator<Item = u32> {
    let low = u32::try_from(key & 0xffff_ffff).expect("half of 64 bits");
    SALTS.into_iter().map(move |salt| 1 << (low.wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as digests are: spread over all 64 bits.
    fn keys(count: u64, stream: u64) -> impl Iterator<Item = u64> {
        (1..=count).map(move |n| {
            let mut key = (n ^ (stream << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            key ^ (key >> 31)
        })
    }

    #[test]
    fn members_are_never_denied_and_strangers_seldom_let_through() {
        for count in [1, 10, 1_000, 100_000] {
            let mut filter = Filter::for_keys(usize::try_from(count).unwrap());
            keys(count, 0).for_each(|key| filter.insert(key));
            let filter = Filter::from_image(&filter.image()).unwrap();
            assert!(keys(count, 0).all(|key| filter.may_contain(key)));
            let let_through = keys(100_000, 1).filter(|key| filter.may_contain(*key)).count();
            assert!(let_through < 1_500, "{let_through} of 100,000 with {count} keys");
        }
    }

    #[test]
    fn an_image_of_another_length_is_refused() {
        assert_eq!(Filter::from_image(&[]), None);
        assert_eq!(Filter::from_image(&[0; 33]), None);
    }
}
