//! Handing the outbox on: every event to every subscriber, at least once, in order.

use std::{error::Error as StdError, fmt::Debug};

use async_trait::async_trait;

use super::{Commerce, internal};
use crate::{
    error::Error,
    store::{Commit, CommitError, OutboxEntry, Subscription},
    text::Label,
};

/// Somebody who is told of every event.
///
/// # Contract
/// Entries come in the order of their places. One may come again, after a crash or an error, so a
/// subscriber must bear that; its place tells it apart.
#[async_trait]
pub trait Subscriber: Debug + Send + Sync {
    /// Its name, under which the shop remembers how far it has come.
    fn name(&self) -> Label;
    /// Takes in what happened. An error leaves the entry to be handed over again.
    async fn receive(&self, entry: &OutboxEntry) -> Result<(), Box<dyn StdError + Send + Sync>>;
}

/// What one turn of the relay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relayed {
    /// The entries that were handed over.
    pub entries: usize,
    /// The place of the last entry that the subscriber has seen.
    pub position: u64,
}

impl Commerce {
    /// Hands up to `limit` entries of the outbox to a subscriber, from where it was left. To be
    /// called again and again; a turn with no entries says that there was nothing new.
    ///
    /// # Errors
    /// [`Error::Internal`] with the subscriber's own error; what it took in before that stays taken
    /// in. [`Error::Contention`] when somebody else hands over to the same subscriber at once.
    pub async fn relay(&self, to: &dyn Subscriber, limit: usize) -> Result<Relayed, Error> {
        let name = to.name();
        let known = self.store.subscription(&name).await?;
        let before = known.as_ref().map_or(0, |subscription| subscription.position);
        let entries = self.store.outbox(before, limit).await?;
        let mut relayed = Relayed { entries: 0, position: before };
        let mut failed = None;
        for entry in &entries {
            if let Err(error) = to.receive(entry).await {
                failed = Some(internal(error));
                break;
            }
            relayed.entries += 1;
            relayed.position = entry.position;
        }
        if relayed.entries > 0 {
            let reached = Subscription { name, position: relayed.position };
            let mut commit = Commit::at(self.clock.now());
            match &known {
                Some(old) => commit.replace(old, reached),
                None => commit.insert(reached),
            };
            self.commit_once(commit).await?;
        }
        failed.map_or(Ok(relayed), Err)
    }

    async fn commit_once(&self, commit: Commit) -> Result<(), Error> {
        match self.store.commit(&commit).await {
            Ok(()) => Ok(()),
            Err(CommitError::Unavailable(error)) => Err(error.into()),
            Err(CommitError::OutcomeUnknown(error)) => Err(Error::OutcomeUnknown(error.into())),
            Err(_) => Err(Error::Contention),
        }
    }
}
