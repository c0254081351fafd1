//! The time that the fake lives in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that runs with the system's and can be put forward, or stands still until it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// When the clock stands, in seconds since 1970; one that runs has none.
    stands_at: Option<i64>,
    ahead: i64,
}

impl Clock {
    pub(crate) fn running() -> Self {
        Self { stands_at: None, ahead: 0 }
    }

    pub(crate) fn standing(at: i64) -> Self {
        Self { stands_at: Some(at), ahead: 0 }
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let at = self.stands_at.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
        at.saturating_add(self.ahead)
    }

    /// The time that webhooks are signed with. Whoever checks them has a clock that was not put
    /// forward, unless this one stands still.
    pub(crate) fn signs_at(&self) -> i64 {
        Self { ahead: if self.stands_at.is_some() { self.ahead } else { 0 }, ..*self }.now()
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        let by = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.ahead = self.ahead.saturating_add(by);
    }
}
