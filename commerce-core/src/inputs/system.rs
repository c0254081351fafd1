//! The clock and the randomness of the operating system.

use std::{
    io,
    time::{Duration, SystemTime},
};

use super::{Clock, IdSource};
use crate::time::Timestamp;

/// The operating system's clock.
///
/// ```
/// use commerce_core::{inputs::{Clock, SystemClock}, time::Timestamp};
/// assert!(SystemClock.now() > Timestamp::UNIX_EPOCH);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Timestamp::UNIX_EPOCH.saturating_add(after),
            Err(before) => Timestamp::UNIX_EPOCH.saturating_sub(before.duration()),
        }
    }
}

/// The operating system's random bytes, fit for ids and secrets.
///
/// ```
/// use commerce_core::inputs::{IdSource, SystemIds};
/// let ids = SystemIds::new()?;
/// assert_ne!(ids.bytes(), ids.bytes());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SystemIds(());

impl SystemIds {
    /// Makes sure that the operating system gives random bytes.
    ///
    /// # Errors
    /// When it does not, such as in a chroot without `/dev/urandom` on an old kernel.
    pub fn new() -> io::Result<Self> {
        getrandom::fill(&mut [0; 32])?;
        Ok(Self(()))
    }
}

impl IdSource for SystemIds {
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        // It has given some before, so a failure passes; bytes that can be guessed would not do.
        while getrandom::fill(&mut bytes).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        bytes
    }
}
