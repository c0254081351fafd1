//! The pauses between tries.

use std::time::Duration;

/// Pauses of random length, on average longer each time.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    times: u32,
}

impl Pause {
    const FIRST: u64 = 2_000;
    const LONGEST: u64 = 500_000;

    /// Waits for the next of them.
    pub(crate) async fn wait(&mut self) {
        self.times = self.times.saturating_add(1);
        let most = Self::FIRST.saturating_mul(1 << self.times.min(16)).min(Self::LONGEST);
        let mut bytes = [0; 8];
        // Without randomness the pauses are only less well spread.
        let micros = match getrandom::fill(&mut bytes) {
            Ok(()) => u64::from_ne_bytes(bytes) % most,
            Err(_) => most,
        };
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}
