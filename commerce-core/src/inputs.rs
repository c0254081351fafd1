//! The two inputs that a computer cannot compute: what time it is, and what nobody can guess. The
//! core has neither; whoever builds a [`Commerce`](crate::Commerce) hands them in.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use crate::{id::Moment, time::Timestamp};

/// Tells the time.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives fresh random bytes, fit for keys: ids and secrets are made of them.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdSource: Debug + Send + Sync + 'static {
    /// 32 bytes that nobody can guess and that never come again.
    fn bytes(&self) -> [u8; 32];
}

/// A clock that stands until it is set, for tests and for history.
///
/// ```
/// use std::time::Duration;
/// use commerce_core::{inputs::{Clock, SteppedClock}, time::Timestamp};
/// let clock = SteppedClock::new(Timestamp::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().as_millis(), 60_000);
/// ```
#[derive(Debug)]
pub struct SteppedClock(AtomicI64);

impl SteppedClock {
    /// A clock that stands at a time.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}

impl<T: Clock> Clock for std::sync::Arc<T> {
    fn now(&self) -> Timestamp {
        T::now(self)
    }
}

/// Ids that follow from a seed, for tests: the same calls give the same ids. Its secrets can be
/// guessed, so it must never serve a real shop.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    next: AtomicU64,
}

impl SeededIds {
    /// Ids that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }
}

impl IdSource for SeededIds {
    fn bytes(&self) -> [u8; 32] {
        let next = self.next.fetch_add(1, Ordering::SeqCst);
        let mut seed = [0; 16];
        let (low, high) = seed.split_at_mut(8);
        low.copy_from_slice(&self.seed.to_le_bytes());
        high.copy_from_slice(&next.to_le_bytes());
        let mut moment = Moment::new(Timestamp::UNIX_EPOCH, seed);
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&moment.bits().to_le_bytes());
        }
        bytes
    }
}
