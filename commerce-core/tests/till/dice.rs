//! Chance that follows from a seed.

use commerce_core::{id::Moment, time::Timestamp};

/// Chance: the same seed gives the same throws.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Moment);

impl Dice {
    /// The dice of a story for one of its uses.
    pub(crate) fn new(seed: u64, of: u64) -> Self {
        let seed = (u128::from(of) << 64 | u128::from(seed)).to_le_bytes();
        Self(Moment::new(Timestamp::UNIX_EPOCH, seed))
    }

    /// A number below `n`, which is more than 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.0.bits() % n as u64).unwrap()
    }

    /// A number from 1 up to `n`.
    pub(crate) fn up_to(&mut self, n: i64) -> i64 {
        1 + i64::try_from(self.below(usize::try_from(n).unwrap())).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of them, if there are any.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// One of several, each as often as its weight says.
    pub(crate) fn weigh<T: Copy>(&mut self, of: &[(usize, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for (weight, it) in of {
            if left < *weight {
                return *it;
            }
            left -= weight;
        }
        unreachable!("less than all of them together")
    }
}
