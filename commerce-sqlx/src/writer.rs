//! The one who writes: it takes what waits in the queue, writes it in one transaction, and answers
//! everybody once that is durable.
//!
//! Nobody waits for a batch to fill: an empty queue means commit at once, and a single caller pays for
//! `BEGIN`, two round trips and `COMMIT`. While one batch reaches the disk, the next one gathers,
//! so the more callers there are, the larger the batches become and the less each commit costs. How a
//! batch is judged and written is told in [`batch`](crate::batch).
//!
//! The writer is a task with a connection of its own, which it has before anybody reads; where the
//! database takes too few, those who read yield to it. A caller who goes away drops no more than the
//! channel on which the answer would have come: no transaction ever lives in a future that somebody
//! else can drop, and none is left open on a connection that somebody else is given.
//!
//! Many servers write to one database. What they do to each other shows as an error of the database,
//! and [`Attempt`] says what became of the batch:
//!
//! - It was undone because of another transaction (a deadlock, a serialization failure) or because
//!   the connection was lost before `COMMIT`: it is tried again after a random pause, longer each
//!   time, until a bound.
//! - The database refused it although the core did not: somebody took a unique key meanwhile. It is
//!   tried again at once, and then sees who. If it is still refused, its commits are tried one by
//!   one, so that the one at fault fails alone.
//! - The connection was lost during `COMMIT`: nobody knows. That is what the callers are told, and
//!   the outcome under their idempotency key tells the rest; nothing is run again blindly.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_core::store::{Commit, CommitError, Refusal, StoreError};
use futures_util::FutureExt;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    batch,
    error::{Error, Meaning},
    open::{self, OpenOptions},
    pause::Pause,
    readers::{Readers, Room},
};

/// The commits that can wait; whoever comes after them waits to be let in.
const QUEUE: usize = 1_024;
/// The most records and stock moves of one batch, unless a single commit has more.
const WEIGHT_MAX: usize = 10_000;

type Answer = Result<(), CommitError>;

/// A commit that waits for its turn.
#[derive(Debug)]
struct Job {
    commit: Arc<Commit>,
    turn: Arc<Turn>,
    answer: oneshot::Sender<Answer>,
}

/// Whether a commit is still waiting: it is either taken by the writer or given up by whoever asked.
#[derive(Debug, Default)]
struct Turn(AtomicBool);

impl Turn {
    /// Ends the waiting; whether it had not ended before.
    fn end(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Job {
    fn weight(&self) -> usize {
        self.commit.writes().len() + self.commit.moves().len()
    }
}

/// The way to the task that writes. Dropping it lets the task finish what it was asked.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    queue_timeout: Duration,
    runtime: Handle,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What is locked is replaced whole: a panic leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Starts the task, on the runtime of the caller, with a connection that is kept until it is lost.
    /// Those who read for the same store yield to it.
    pub(crate) fn start(
        options: OpenOptions,
        connect: PgConnectOptions,
        connection: PgConnection,
        readers: [Arc<Readers>; 2],
    ) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let queue_timeout = options.queue_timeout;
        let connection = Some(connection);
        let task = Task { options, connect, connection, readers, room: None };
        let runtime = Handle::current();
        let task = Mutex::new(Some(runtime.spawn(task.serve(jobs))));
        Self { queue: Mutex::new(Some(queue)), queue_timeout, runtime, task }
    }

    /// Lets nobody in any more, and waits until the task has finished what it was asked.
    pub(crate) async fn close(&self) {
        drop(lock(&self.queue).take());
        let task = lock(&self.task).take();
        if let Some(task) = task {
            // It cannot have panicked: whatever a batch does is caught.
            let _ = task.await;
        }
    }

    /// Applies a commit. If the future is dropped, the commit happens all the same or not at all.
    pub(crate) async fn commit(&self, commit: &Commit) -> Answer {
        let (answer, answered) = oneshot::channel();
        let turn = Arc::<Turn>::default();
        let job = Job { commit: Arc::new(commit.clone()), turn: Arc::clone(&turn), answer };
        let queue = lock(&self.queue).clone();
        let Some(queue) = queue else { return Err(CommitError::Unavailable(gone())) };
        let mut answered = answered.map(|answer| {
            // The writer answers whatever it takes, unless it dies over it.
            answer.unwrap_or_else(|_| Err(CommitError::OutcomeUnknown(gone())))
        });
        let waiting = {
            // Whoever waits may do so by any executor.
            let _inside = self.runtime.enter();
            timeout(self.queue_timeout, async {
                match queue.send(job).await {
                    Ok(()) => (&mut answered).await,
                    Err(_) => Err(CommitError::Unavailable(gone())),
                }
            })
        };
        match waiting.await {
            Ok(answer) => answer,
            Err(_) if turn.end() => Err(CommitError::Unavailable(late())),
            // It has been taken, and is bounded by what the writer's statements are.
            Err(_) => answered.await,
        }
    }
}

fn gone() -> StoreError {
    StoreError::unavailable("the writer has ended")
}

fn late() -> StoreError {
    StoreError::unavailable("a commit's turn did not come in time")
}

/// What became of a batch that was tried.
#[derive(Debug)]
enum Attempt {
    /// It is durable, but for the commits that were refused, each with its reason.
    Done(Vec<Answer>),
    /// Nothing of it was written.
    Undone(Error),
    /// Nobody knows what became of those that hold.
    Unknown(Vec<Answer>),
}

#[derive(Debug)]
struct Task {
    options: OpenOptions,
    connect: PgConnectOptions,
    connection: Option<PgConnection>,
    /// Those who read for the same store, and yield where there is too little room for all.
    readers: [Arc<Readers>; 2],
    room: Option<Room>,
}

impl Task {
    async fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        let batch_max = self.options.batch_max.get();
        let mut waiting = Vec::with_capacity(batch_max);
        loop {
            if waiting.is_empty() && jobs.recv_many(&mut waiting, batch_max).await == 0 {
                break;
            }
            let mut weight = 0;
            let fits = |job: &&Job| {
                weight += job.weight();
                weight <= WEIGHT_MAX
            };
            let count = waiting.iter().take_while(fits).count().max(1);
            let batch: Vec<_> = waiting.drain(..count).collect();
            self.answer(batch).await;
        }
        if let Some(connection) = self.connection.take() {
            // Whether it says goodbye or not: everything is written.
            let _ = timeout(self.options.connect_timeout, connection.close()).await;
        }
    }

    async fn answer(&mut self, batch: Vec<Job>) {
        // Whoever has given up waiting has been told that nothing happens.
        let batch: Vec<_> = batch.into_iter().filter(|job| job.turn.end()).collect();
        if batch.is_empty() {
            return;
        }
        let commits: Vec<_> = batch.iter().map(|job| Arc::clone(&job.commit)).collect();
        let commits: Vec<_> = commits.iter().map(|commit| &**commit).collect();
        // After a panic the channels are dropped, which tells those who wait that nobody knows; the
        // connection is dropped too, whatever state it is in.
        let answers = AssertUnwindSafe(self.commit(&commits)).catch_unwind().await;
        match answers {
            Ok(answers) => {
                for (job, answer) in batch.into_iter().zip(answers) {
                    let _ = job.answer.send(answer);
                }
            }
            Err(_) => self.connection = None,
        }
        self.room = None;
    }

    /// Writes a batch, whatever it takes within bounds.
    async fn commit(&mut self, commits: &[&Commit]) -> Vec<Answer> {
        match self.together(commits).await {
            Ok(answers) => answers,
            Err(error) if error.meaning() == Meaning::Lost || commits.len() == 1 => {
                refused(commits, error)
            }
            Err(_) => {
                let mut answers = Vec::with_capacity(commits.len());
                for commit in commits {
                    let alone = [*commit];
                    let answer = self.together(&alone).await;
                    answers.extend(answer.unwrap_or_else(|error| refused(&alone, error)));
                }
                answers
            }
        }
    }

    /// Writes a batch in one transaction, again and again while that may help.
    async fn together(&mut self, commits: &[&Commit]) -> Result<Vec<Answer>, Error> {
        let until = Instant::now() + self.options.queue_timeout;
        let (mut times, mut pause) = (0, Pause::default());
        loop {
            let error = match self.attempt(commits, times > 0).await {
                Attempt::Done(answers) => return Ok(answers),
                Attempt::Unknown(answers) => {
                    self.connection = None;
                    return Ok(answers);
                }
                Attempt::Undone(error) => error,
            };
            times += 1;
            if error.meaning() == Meaning::Lost {
                // Whether it is tried again or not: what comes next must not wait for the same silence.
                self.connection = None;
            }
            match error.meaning() {
                Meaning::Lost | Meaning::Conflict if Instant::now() < until => pause.wait().await,
                Meaning::Constraint if times == 1 => {}
                _ => return Err(error),
            }
        }
    }

    async fn attempt(&mut self, commits: &[&Commit], marks: bool) -> Attempt {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match open::connected(&self.connect, self.options.connect_timeout).await {
                Ok(connection) => connection,
                Err(error) => {
                    if error.is_for_want_of_room() {
                        self.room.get_or_insert_with(|| Room::make(&self.readers));
                    }
                    return Attempt::Undone(error);
                }
            },
        };
        self.room = None;
        // The server gives up first, if it is there.
        let patience = self.options.statement_timeout.saturating_mul(2);
        let attempt = try_on(&mut connection, commits, marks, patience).await;
        self.connection = Some(connection);
        attempt
    }
}

/// Writes a batch in one transaction.
async fn try_on(
    connection: &mut PgConnection,
    commits: &[&Commit],
    marks: bool,
    patience: Duration,
) -> Attempt {
    let written = timeout(patience, async {
        let mut transaction = connection.begin().await?;
        let refusals = batch::write(&mut transaction, commits, marks).await;
        Ok::<_, Error>((transaction, refusals))
    })
    .await;
    let (transaction, refusals) = match written {
        Ok(Ok((transaction, Ok(refusals)))) => (transaction, refusals),
        Ok(Ok((transaction, Err(error)))) => {
            return match timeout(patience, transaction.rollback()).await {
                Ok(Ok(())) => Attempt::Undone(error),
                // The connection is gone, and its transaction with it.
                Ok(Err(_)) | Err(_) => Attempt::Undone(Error::Late),
            };
        }
        Ok(Err(error)) => return Attempt::Undone(error),
        Err(_) => return Attempt::Undone(Error::Late),
    };
    if refusals.iter().all(Option::is_some) {
        return match timeout(patience, transaction.rollback()).await {
            Ok(Ok(())) => Attempt::Done(refusals.into_iter().map(answer).collect()),
            Ok(Err(_)) | Err(_) => Attempt::Undone(Error::Late),
        };
    }
    let error = match timeout(patience, transaction.commit()).await {
        Ok(Ok(())) => return Attempt::Done(refusals.into_iter().map(answer).collect()),
        Ok(Err(error)) => Error::Database(error),
        Err(_) => Error::Late,
    };
    match error.meaning() {
        // What the server itself takes back, it has not done.
        Meaning::Conflict | Meaning::Constraint => Attempt::Undone(error),
        Meaning::Lost | Meaning::Other => Attempt::Unknown(unknown(&refusals, &error)),
    }
}

fn answer(refusal: Option<Refusal>) -> Answer {
    refusal.map_or(Ok(()), |why| Err(why.into()))
}

/// Nothing of the commits was written, and nothing can be now.
fn refused(commits: &[&Commit], error: Error) -> Vec<Answer> {
    if let [_] = commits {
        return vec![Err(error.into())];
    }
    let why = error.to_string();
    let answer = |_| Err(CommitError::Unavailable(StoreError::unavailable(why.clone())));
    commits.iter().map(answer).collect()
}

/// Nobody knows whether the commits that hold were written. Those that were refused were not, but
/// perhaps only because of others that were not either.
fn unknown(refusals: &[Option<Refusal>], error: &Error) -> Vec<Answer> {
    let why = error.to_string();
    let answer = |refusal: &Option<Refusal>| {
        let error = StoreError::unavailable(why.clone());
        Err(match refusal {
            Some(_) => CommitError::Unavailable(error),
            None => CommitError::OutcomeUnknown(error),
        })
    };
    refusals.iter().map(answer).collect()
}
