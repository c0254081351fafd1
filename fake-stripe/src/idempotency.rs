//! Idempotency keys, as Stripe treats them: <https://docs.stripe.com/api/idempotent_requests>.

use std::collections::HashMap;

use crate::error::{ApiError, Result};

/// How long a key is remembered, in seconds.
const KEPT: i64 = 24 * 60 * 60;

/// An answer that can be given again.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The request that was answered with it first.
    pub(crate) request_id: String,
}

#[derive(Debug)]
struct Entry {
    /// The method, the path and the parameters.
    request: String,
    /// The answer, once there is one.
    saved: Option<Saved>,
    used_at: i64,
}

/// The keys that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Keys(HashMap<String, Entry>);

impl Keys {
    /// Takes a key for a request: nothing if it is a new one, its answer if it was answered.
    ///
    /// # Errors
    /// When another request has it, or the same one is still going on.
    pub(crate) fn begin(&mut self, key: &str, request: String, now: i64) -> Result<Option<Saved>> {
        self.0.retain(|_, entry| entry.saved.is_none() || now - entry.used_at < KEPT);
        match self.0.get(key) {
            Some(entry) if entry.request != request => Err(ApiError::key_reused(key)),
            Some(Entry { saved: None, .. }) => Err(ApiError::key_in_use(key)),
            Some(Entry { saved: Some(saved), .. }) => Ok(Some(saved.clone())),
            None => {
                let entry = Entry { request, saved: None, used_at: now };
                self.0.insert(key.to_owned(), entry);
                Ok(None)
            }
        }
    }

    /// Remembers the answer of a key; without one the key is unused again.
    pub(crate) fn end(&mut self, key: &str, saved: Option<Saved>) {
        match (self.0.get_mut(key), saved) {
            (Some(entry), Some(saved)) => entry.saved = Some(saved),
            (_, _) => {
                self.0.remove(key);
            }
        }
    }
}
