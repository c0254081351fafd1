//! Leases: what one server does for all who share a shop.

use std::time::Duration;

use super::Commerce;
use crate::{
    error::Error,
    store::{Commit, CommitError, Subscription},
    text::Label,
    time::Timestamp,
    version::Versioned,
};

/// The right to do something alone, among all servers of a shop.
///
/// It stands in the [`Subscription`] of the same name and ends by itself, so that what a server did
/// that has died is soon done by another. Whatever depends on it is written together with it: whoever
/// has lost it writes nothing.
#[derive(Debug)]
pub struct Lease {
    held: Versioned<Subscription>,
}

impl Lease {
    /// How far whoever had it before has come, as they [noted](Commerce::finish).
    pub fn position(&self) -> u64 {
        self.held.position
    }

    /// Whether it is time to renew it.
    pub(super) fn is_half_over(&self, now: Timestamp) -> bool {
        let left = Commerce::LEASE / 2;
        self.held.leased_until.is_none_or(|until| now.saturating_add(left) >= until)
    }
}

impl Commerce {
    /// How long a lease lasts that is neither renewed nor given back.
    pub const LEASE: Duration = Duration::from_secs(10);

    /// By how much the clocks of servers that share a shop may differ; a store that many share refuses those
    /// that differ by more. Who has a lease renews it when half of it is over. To one whose clock is ahead by
    /// this it seems over after four fifths, and what lies between is for the renewal to arrive.
    pub const CLOCKS_DIFFER_MAX: Duration = Duration::from_secs(Self::LEASE.as_secs() / 5);

    /// Claims the right to do something alone, for [`LEASE`](Self::LEASE); `None` while somebody else
    /// has it.
    ///
    /// # Errors
    /// [`Error`] when the store does not answer.
    pub async fn claim(&self, name: &Label) -> Result<Option<Lease>, Error> {
        let now = self.clock.now();
        let leased_until = Some(now.saturating_add(Self::LEASE));
        let mut commit = Commit::at(now);
        let held = match self.store.subscription(name).await? {
            Some(known) if is_leased(&known, now) => return Ok(None),
            Some(known) => {
                let claimed = Subscription { leased_until, ..known.value.as_ref().clone() };
                commit.replace(&known, claimed)
            }
            None => commit.insert(Subscription { leased_until, ..Subscription::new(name.clone()) }),
        };
        match self.write(&commit).await {
            Ok(()) => Ok(Some(Lease { held })),
            Err(Error::Contention) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a lease back, so that the next who claims it need not wait.
    ///
    /// # Errors
    /// [`Error::Contention`] when it had ended and somebody else has claimed it; [`Error`] when the
    /// store does not answer.
    pub async fn release(&self, lease: Lease) -> Result<(), Error> {
        let position = lease.position();
        self.finish(lease, position).await
    }

    /// Gives a lease back as [`release`](Self::release) does, and notes how far its work has come, for
    /// whoever claims it next.
    ///
    /// # Errors
    /// As [`release`](Self::release).
    pub async fn finish(&self, lease: Lease, position: u64) -> Result<(), Error> {
        self.hold(lease, position, None).await.map(drop)
    }

    /// Has a lease for [`LEASE`](Self::LEASE) more from now on.
    ///
    /// # Errors
    /// As [`release`](Self::release).
    pub async fn renew(&self, lease: Lease) -> Result<Lease, Error> {
        let position = lease.position();
        let until = self.clock.now().saturating_add(Self::LEASE);
        self.hold(lease, position, Some(until)).await
    }

    /// Notes how far somebody has come with a lease, and holds it until then, or no longer.
    pub(super) async fn hold(
        &self,
        lease: Lease,
        position: u64,
        leased_until: Option<Timestamp>,
    ) -> Result<Lease, Error> {
        let mut commit = Commit::at(self.clock.now());
        let name = lease.held.name.clone();
        let held = commit.replace(&lease.held, Subscription { name, position, leased_until });
        self.write(&commit).await?;
        Ok(Lease { held })
    }

    async fn write(&self, commit: &Commit) -> Result<(), Error> {
        match self.store.commit(commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Unavailable(error)) => Err(error.into()),
            Err(CommitError::OutcomeUnknown(error)) => Err(Error::OutcomeUnknown(error.into())),
            Err(_) => Err(Error::Contention),
        }
    }
}

/// Whether somebody has claimed it. A claim that ends later than any can, even by a clock that is
/// ahead, was made by one that is wrong, and must not keep others for ever.
fn is_leased(subscription: &Subscription, now: Timestamp) -> bool {
    let latest = now.saturating_add(2 * Commerce::LEASE);
    subscription.leased_until.is_some_and(|until| now < until && until <= latest)
}
