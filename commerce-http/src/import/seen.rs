//! Which handles the file has had before, in constant memory.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A Bloom filter (Bloom 1970) of 4 MiB with eight probes: what was inserted is always found; of a
/// million handles at most one in 250,000 is found without having been inserted.
pub(super) struct Seen {
    words: Vec<u64>,
}

const WORDS: usize = 1 << 19;
const PROBES: u64 = 8;

impl Seen {
    pub(super) fn new() -> Self {
        Self { words: vec![0; WORDS] }
    }

    pub(super) fn insert(&mut self, handle: &str) {
        for (word, bit) in probes(handle) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn contains(&self, handle: &str) -> bool {
        probes(handle).all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// The place of each probe: word and bit. Two hashes make all of them (Kirsch, Mitzenmacher 2006).
fn probes(handle: &str) -> impl Iterator<Item = (usize, u64)> {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, handle).hash(&mut hasher);
        hasher.finish()
    };
    let [first, step] = [hash(0), hash(1) | 1];
    (0..PROBES).map(move |i| {
        let bit = first.wrapping_add(i.wrapping_mul(step)) % (WORDS as u64 * 64);
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_and_hardly_anything_else() {
        let mut seen = Seen::new();
        let handle = |i: u32| format!("product-{i}");
        for i in 0..100_000 {
            seen.insert(&handle(i));
        }
        assert!((0..100_000).all(|i| seen.contains(&handle(i))));
        assert_eq!((100_000..300_000).filter(|i| seen.contains(&handle(*i))).count(), 0);
    }
}
