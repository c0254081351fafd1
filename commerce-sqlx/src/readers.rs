//! The connections that read: made when they are needed, at most so many at a time, and kept.
//!
//! All that is read is single statements, so a connection is as it was before once its answer is
//! there, and nothing need be asked of it before it is used again. One whose answer did not come,
//! because its caller went away, the server ended it or was too slow, is dropped. This is all that a
//! pool has to do here, and it costs no round trip.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout_at,
};

use crate::{
    error::{Error, Meaning, Result},
    open::connected,
    pause::Pause,
};

/// A connection that has not been used for as long is closed.
const IDLE_MAX: Duration = Duration::from_secs(600);
/// A connection that was made so long ago is not used again: what the server keeps for it grows, and
/// the address may stand for another server by now.
const AGE_MAX: Duration = Duration::from_secs(1_800);
/// How often a read is tried if its connection is lost.
pub(crate) const TRIES: u32 = 3;

#[derive(Debug)]
pub(crate) struct Readers {
    connect: PgConnectOptions,
    permits: Semaphore,
    /// The one used last is the last.
    idle: Mutex<VecDeque<Idle>>,
    /// How long to wait for a connection.
    wait: Duration,
    /// How long to wait for an answer.
    patience: Duration,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    made: Instant,
    since: Instant,
}

/// A connection that somebody reads on. If it is not given back, it is closed.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    readers: &'a Readers,
    pub(crate) connection: PgConnection,
    made: Instant,
    _permit: SemaphorePermit<'a>,
}

impl Readers {
    /// Makes no connection yet. The server is to give up before `patience` is over.
    pub(crate) fn new(
        connect: PgConnectOptions,
        connections: u32,
        wait: Duration,
        patience: Duration,
    ) -> Self {
        let permits = Semaphore::new(usize::try_from(connections).unwrap_or(1));
        Self { connect, permits, idle: Mutex::default(), wait, patience }
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn hold(&self) -> Result<Held<'_>> {
        let until = tokio::time::Instant::now() + self.wait;
        let permit = match timeout_at(until, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Error::Closed),
            Err(_) => return Err(Error::Late),
        };
        let mut pause = Pause::default();
        loop {
            if let Some(Idle { connection, made, .. }) = self.idle().pop_back() {
                return Ok(Held { readers: self, connection, made, _permit: permit });
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            match connected(&self.connect, left).await {
                Ok(connection) => {
                    let made = Instant::now();
                    return Ok(Held { readers: self, connection, made, _permit: permit });
                }
                // The server is being started anew, or has no room for one more.
                Err(error) if error.meaning() == Meaning::Lost => {
                    if timeout_at(until, pause.wait()).await.is_err() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What was lost on one connection is lost on all, if the server was started anew.
    pub(crate) fn forget(&self) {
        self.idle().clear();
    }

    /// Refuses whoever comes from now on, and closes what is not in use.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.forget();
    }
}

impl Held<'_> {
    /// Keeps the connection for the next reader. Its answer must have come.
    pub(crate) fn give_back(self) {
        let Self { readers, connection, made, .. } = self;
        let now = Instant::now();
        let mut idle = readers.idle();
        while idle.front().is_some_and(|first| now - first.since > IDLE_MAX) {
            idle.pop_front();
        }
        if now - made < AGE_MAX && !readers.permits.is_closed() {
            idle.push_back(Idle { connection, made, since: now });
        }
    }
}

/// Reads on one of the connections. A read changes nothing, so if its connection is lost it is tried
/// again on another.
macro_rules! read {
    ($readers:expr, |$connection:ident| $read:expr) => {{
        use commerce_core::store::StoreError;
        let readers: &$crate::readers::Readers = $readers;
        let mut tries = 0;
        loop {
            let mut held = readers.hold().await?;
            let $connection = &mut held.connection;
            let found = match tokio::time::timeout(readers.patience(), $read).await {
                Ok(found) => found,
                Err(_) => break Err(StoreError::from($crate::error::Error::Late)),
            };
            let Err(error) = found else {
                held.give_back();
                break found.map_err(StoreError::from);
            };
            if error.meaning() != $crate::error::Meaning::Lost {
                held.give_back();
                break Err(StoreError::from(error));
            }
            readers.forget();
            tries += 1;
            if tries == $crate::readers::TRIES {
                break Err(StoreError::from(error));
            }
        }
    }};
}

pub(crate) use read;
