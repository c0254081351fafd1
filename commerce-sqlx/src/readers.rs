//! The connections that read: made when they are needed, at most so many at a time, and kept.
//!
//! All that is read is single statements, so a connection is as it was before once its answer is
//! there, and nothing need be asked of it before it is used again: that saves the round trips of a
//! pool that cannot know. A read that has begun runs to its end on a task of its own, whatever becomes
//! of its caller, so that nobody who goes away costs a connection; who still waits for one and goes
//! away has asked nothing.
//!
//! Where the database has too little room for all, the writer comes first; see [`Room`].

use std::{
    collections::VecDeque,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::timeout,
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
    runtime: Handle,
    permits: Arc<Semaphore>,
    /// The one used last is the last.
    idle: Mutex<VecDeque<Idle>>,
    /// How long to wait for a connection.
    wait: Duration,
    /// How long to wait for an answer.
    patience: Duration,
    /// Whether the writer finds no room for a connection.
    yielding: AtomicBool,
}

/// What the writer makes when the database takes no more connections: as long as this lives, the
/// store's readers make none and keep none. They wait, as they do for a server that is away.
#[derive(Debug)]
pub(crate) struct Room([Arc<Readers>; 2]);

impl Room {
    pub(crate) fn make(of: &[Arc<Readers>; 2]) -> Self {
        for readers in of {
            readers.yielding.store(true, Ordering::SeqCst);
            readers.forget();
        }
        Self(of.clone())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        for readers in &self.0 {
            readers.yielding.store(false, Ordering::SeqCst);
        }
    }
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    made: Instant,
    since: Instant,
}

/// A connection that somebody reads on. If it is not given back, it is closed.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) connection: PgConnection,
    made: Instant,
}

impl Readers {
    /// Makes no connection yet. The server is to give up before `patience` is over. To be called
    /// within a runtime.
    pub(crate) fn new(
        connect: PgConnectOptions,
        connections: u32,
        wait: Duration,
        patience: Duration,
    ) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1)));
        let (runtime, idle) = (Handle::current(), Mutex::default());
        let yielding = AtomicBool::new(false);
        Arc::new(Self { connect, runtime, permits, idle, wait, patience, yielding })
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// Waits for a place among those who read.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let waiting = {
            // Whoever waits may do so by any executor.
            let _inside = self.runtime.enter();
            timeout(self.wait, Arc::clone(&self.permits).acquire_owned())
        };
        match waiting.await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Late),
        }
    }

    /// Reads to the end, whether or not anybody waits for it.
    pub(crate) async fn run<T, F>(&self, read: F) -> F::Output
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        ended(self.runtime.spawn(read)).await
    }

    /// A connection for somebody who has a place.
    pub(crate) async fn connection(&self) -> Result<Held> {
        let until = Instant::now() + self.wait;
        let mut pause = Pause::default();
        loop {
            if let Some(Idle { connection, made, .. }) = self.idle().pop_back() {
                return Ok(Held { connection, made });
            }
            let left = until.saturating_duration_since(Instant::now());
            let made = if self.is_yielding() {
                Err(Error::NoRoom)
            } else {
                connected(&self.connect, left).await
            };
            match made {
                Ok(connection) => return Ok(Held { connection, made: Instant::now() }),
                // The server is being started anew, or has no room for one more.
                Err(error) if error.meaning() == Meaning::Lost && Instant::now() < until => {
                    pause.wait().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn is_yielding(&self) -> bool {
        self.yielding.load(Ordering::SeqCst)
    }

    /// Keeps a connection for the next reader. Its answer must have come.
    pub(crate) fn give_back(&self, held: Held) {
        let Held { connection, made } = held;
        let now = Instant::now();
        let mut idle = self.idle();
        while idle.front().is_some_and(|first| now - first.since > IDLE_MAX) {
            idle.pop_front();
        }
        if now - made < AGE_MAX && !self.permits.is_closed() && !self.is_yielding() {
            idle.push_back(Idle { connection, made, since: now });
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

/// What a task answers; a panic in it goes on here.
async fn ended<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    match task.await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down.
            Err(_) => Err(Error::Closed),
        },
    }
}

/// Reads on one of the connections, as somebody who has a place. A read changes nothing, so if its
/// connection is lost it is tried again on another.
macro_rules! tried {
    ($readers:expr, |$connection:ident| $read:expr) => {{
        let mut tries = 0;
        loop {
            let mut held = match $readers.connection().await {
                Ok(held) => held,
                Err(error) => break Err(error),
            };
            let $connection = &mut held.connection;
            let answer = match tokio::time::timeout($readers.patience(), $read).await {
                Ok(answer) => answer,
                Err(_) => break Err($crate::error::Error::Late),
            };
            let lost =
                answer.as_ref().is_err_and(|error| error.meaning() == $crate::error::Meaning::Lost);
            if !lost {
                $readers.give_back(held);
                break answer;
            }
            $readers.forget();
            tries += 1;
            if tries == $crate::readers::TRIES {
                break answer;
            }
        }
    }};
}

pub(crate) use tried;

/// Takes a place among those who read, and reads to the end, whoever waits for it. What is used to read
/// must be owned: it goes to another task.
macro_rules! read {
    ($readers:expr, |$connection:ident| $read:expr) => {{
        let readers: std::sync::Arc<$crate::readers::Readers> = std::sync::Arc::clone($readers);
        let place = readers.place().await?;
        let reading = std::sync::Arc::clone(&readers);
        let answer = readers.run(async move {
            let _place = place;
            $crate::readers::tried!(reading, |$connection| $read)
        });
        answer.await.map_err(commerce_core::store::StoreError::from)
    }};
}

pub(crate) use read;
