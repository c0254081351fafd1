//! What a file has had before, in constant memory.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A Bloom filter (Bloom 1970) with eight probes: what was inserted is always found.
pub(super) struct Seen {
    words: Vec<u64>,
}

const PROBES: u64 = 8;

impl Seen {
    /// One of 4 MiB: of a million keys at most one in 250,000 is found without being inserted.
    pub(super) fn small() -> Self {
        Self { words: vec![0; 1 << 19] }
    }

    /// One of 32 MiB, of which no more is used than is inserted: even with three million keys the
    /// chance that any is found without being inserted is about one in a hundred.
    pub(super) fn large() -> Self {
        Self { words: vec![0; 1 << 22] }
    }

    pub(super) fn insert(&mut self, key: &(impl Hash + ?Sized)) {
        let bits = self.bits();
        for (word, bit) in probes(key, bits) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn contains(&self, key: &(impl Hash + ?Sized)) -> bool {
        probes(key, self.bits())
            .all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    fn bits(&self) -> u64 {
        self.words.len() as u64 * 64
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// The place of each probe: word and bit. Two hashes make all of them (Kirsch, Mitzenmacher 2006).
fn probes<K: Hash + ?Sized>(key: &K, bits: u64) -> impl Iterator<Item = (usize, u64)> + use<K> {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        key.hash(&mut hasher);
        hasher.finish()
    };
    let [first, step] = [hash(0), hash(1) | 1];
    (0..PROBES).map(move |i| {
        let bit = first.wrapping_add(i.wrapping_mul(step)) % bits;
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_and_hardly_anything_else() {
        let mut seen = Seen::small();
        let handle = |i: u32| format!("product-{i}");
        for i in 0..100_000 {
            seen.insert(&handle(i));
        }
        assert!((0..100_000).all(|i| seen.contains(&handle(i))));
        assert_eq!((100_000..300_000).filter(|i| seen.contains(&handle(*i))).count(), 0);
    }
}
