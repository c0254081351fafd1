//! Handing the outbox on: every event to every subscriber, at least once, in order.

use std::{error::Error as StdError, fmt::Debug};

use async_trait::async_trait;

use super::{Commerce, internal};
use crate::{error::Error, store::OutboxEntry, text::Label};

/// Somebody who is told of every event.
///
/// # Contract
/// Entries come in the order of their places, from one server at a time, however many share the shop.
/// One may come again, after a crash or an error, so a subscriber must bear that; its place tells it
/// apart. Taking one in must last less than a quarter of a [lease](Commerce::LEASE), or another server may
/// hand it over as well.
///
/// # Errors
/// Whatever keeps it from taking an entry in. The relay stops there, [tells](Commerce::relay) the error to
/// whoever runs it, and hands the same entry over at its next turn; nothing after it comes before that.
#[async_trait]
pub trait Subscriber: Debug + Send + Sync {
    /// Its name, under which the shop remembers how far it has come.
    fn name(&self) -> Label;
    /// Takes in what happened.
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
    /// called again and again, by every server that shares the shop; a turn with no entries says that
    /// there was nothing new, or that another server is handing over to the same subscriber, or was cut
    /// off while it did: then it goes on once the [lease](Self::LEASE) is over.
    ///
    /// # Errors
    /// [`Error::Internal`] with the subscriber's own error; what it took in before that stays taken
    /// in. [`Error::Contention`] when it took so long that another server has gone on;
    /// [`Error::Unavailable`].
    pub async fn relay(&self, to: &dyn Subscriber, limit: usize) -> Result<Relayed, Error> {
        let name = to.name();
        // While nothing happens, nothing is claimed.
        let known = self.store.subscription(&name).await?;
        let position = known.map_or(0, |known| known.position);
        let nothing = Relayed { entries: 0, position };
        if self.store.outbox(position, 1).await?.is_empty() {
            return Ok(nothing);
        }
        let Some(mut lease) = self.claim(&name).await? else { return Ok(nothing) };
        let mut relayed = Relayed { entries: 0, position: lease.position() };
        let mut failed = None;
        match self.store.outbox(relayed.position, limit).await {
            Ok(entries) => {
                for entry in &entries {
                    let now = self.clock.now();
                    if lease.is_half_over(now) {
                        let until = now.saturating_add(Self::LEASE);
                        lease = self.hold(lease, relayed.position, Some(until)).await?;
                    }
                    if let Err(error) = to.receive(entry).await {
                        failed = Some(internal(error));
                        break;
                    }
                    relayed.entries += 1;
                    relayed.position = entry.position;
                }
            }
            Err(error) => failed = Some(error.into()),
        }
        let noted = self.hold(lease, relayed.position, None).await;
        match failed {
            Some(error) => Err(error),
            None => noted.map(|_| relayed),
        }
    }
}
