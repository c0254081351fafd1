//! The ids of objects, drawn from a seed.

use sha2::{Digest as _, Sha256};

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Draws ids: the same seed gives the same ids in the same order.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A prefix and 24 letters and digits, such as `pi_3MtwBwLkdIwHu7ix28a3tqPa`.
    pub(crate) fn draw(&mut self, prefix: &str) -> String {
        self.drawn += 1;
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.drawn.to_be_bytes())
            .finalize();
        let letters = digest.iter().take(24).map(|byte| {
            LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map_or('0', char::from)
        });
        prefix.chars().chain(letters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_ids_again_and_another_gives_others() {
        let draw = |seed| {
            let mut ids = Ids::new(seed);
            [ids.draw("pi_"), ids.draw("pi_")]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let [first, second] = draw(1);
        assert_ne!(first, second);
        assert_eq!(first.len(), 27);
    }
}
