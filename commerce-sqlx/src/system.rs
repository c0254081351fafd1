//! The clock and the randomness of the machine, which the core does not have.

use std::time::{SystemTime, UNIX_EPOCH};

use commerce_core::{
    inputs::{Clock, IdSource},
    time::Timestamp,
};

/// The machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis())
            .ok()
            .and_then(|millis| Timestamp::from_millis(millis).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

/// The operating system's randomness, fit for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // It can fail only while the system has no randomness yet, early at its start. Nothing that
        // can be guessed may leave here: wait.
        while getrandom::fill(&mut bytes).is_err() {
            std::thread::yield_now();
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_past_the_year_this_was_written_and_no_bytes_come_twice() {
        assert!(SystemClock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
        assert_ne!(SystemIds.bytes(), SystemIds.bytes());
    }
}
