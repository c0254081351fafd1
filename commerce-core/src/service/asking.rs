//! What gateways are asked at this moment, by this program.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{error::Error, id::OperationId, payment::Payment, time::Timestamp};

/// The operations that somebody waits for a gateway's answer to, and since when. Whoever comes for the
/// same meanwhile is told so, and does not ask beside them. What other servers ask, the provider tells:
/// it knows the key.
#[derive(Debug, Clone, Default)]
pub(super) struct Asking(Arc<Mutex<BTreeMap<OperationId, Timestamp>>>);

impl Asking {
    /// Begins to ask for an operation, until what is answered is dropped.
    ///
    /// # Errors
    /// [`Error::InFlight`] while somebody else does, and no longer than a call can last.
    pub(super) fn begin(&self, id: OperationId, now: Timestamp) -> Result<Asked<'_>, Error> {
        let mut asked = self.asked();
        if asked.get(&id).is_some_and(|since| now < since.saturating_add(Payment::CALL_LASTS)) {
            return Err(Error::InFlight);
        }
        asked.insert(id, now);
        Ok(Asked { asking: self, id, since: now })
    }

    // What a panic leaves behind is whole: every change is one statement.
    fn asked(&self) -> MutexGuard<'_, BTreeMap<OperationId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An operation that is being asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    asking: &'a Asking,
    id: OperationId,
    since: Timestamp,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut asked = self.asking.asked();
        // Whoever came after its time is asking now.
        if asked.get(&self.id) == Some(&self.since) {
            asked.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Moment;

    #[test]
    fn an_operation_is_asked_for_once_at_a_time_and_not_for_ever() {
        let asking = Asking::default();
        let now = Timestamp::UNIX_EPOCH;
        let mut moment = Moment::new(now, [0; 16]);
        let (one, other) = (moment.id(), moment.id());
        let first = asking.begin(one, now).unwrap();
        assert!(matches!(asking.clone().begin(one, now), Err(Error::InFlight)));
        asking.begin(other, now).unwrap();
        drop(first);
        let stuck = asking.begin(one, now).unwrap();
        let later = now.saturating_add(Payment::CALL_LASTS);
        let next = asking.begin(one, later).unwrap();
        drop(stuck);
        assert!(matches!(asking.begin(one, later), Err(Error::InFlight)));
        drop(next);
        asking.begin(one, later).unwrap();
    }
}
