//! The one who writes: it takes what waits in the queue, writes it in one transaction, and answers
//! everybody once that is durable.
//!
//! Nobody waits for a batch to fill: an empty queue means commit at once, and a single caller who checks out
//! pays for `BEGIN`, two round trips and `COMMIT`. While one batch reaches the disk, the next one gathers,
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
//!   time, as long as its callers have time.
//! - The database refused it although the core did not: somebody broke a rule of its tables meanwhile.
//!   It is tried again at once, and then sees who. If it is still refused, it is tried by halves, so
//!   that the commit at fault fails alone.
//! - The connection was lost during `COMMIT`: nobody knows. That is what the callers are told, and
//!   the outcome under their idempotency key tells the rest; nothing is run again blindly.
//!
//! Servers hold what they lock for as long as a batch takes, and others wait for it in line. A stranger,
//! such as an embedder who has called [`commit_in`](crate::commit_in), may hold it for as long as it
//! likes. So a batch waits for no lock longer than a tenth of the time that a caller has. Then it goes on
//! without the commits that would have to wait; these are put [`aside`](crate::aside) and tried
//! again beside all that comes, which waits for nothing either as long as anything is aside. A
//! caller whose time is over is told that nothing was written, and nothing is.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use commerce_core::store::{Commit, CommitError, StoreError};
use futures_util::FutureExt;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    aside::Aside,
    attempt::{Attempt, Patience, attempt},
    batch::{Verdict, Way},
    error::{Error, Meaning},
    job::{Answer, Asked, Job, fitting},
    open::{self, OpenOptions},
    pause::Pause,
    readers::{Readers, Room},
};

/// The commits that can wait; whoever comes after them waits to be let in.
const QUEUE: usize = 1_024;
/// The most tries in a row that find nothing that can be written. More than it takes to find one commit
/// among many by halves.
const STUCK_MAX: u32 = 9;

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
        let aside = Aside::new(options.batch_max.get());
        let task = Task { options, connect, connection, readers, room: None, aside };
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
        let until = Instant::now() + self.queue_timeout;
        let (job, Asked { turn, answer: answered }) = Job::new(commit, until);
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
            Err(_) if turn.take() => Err(CommitError::Unavailable(late())),
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

#[derive(Debug)]
struct Task {
    options: OpenOptions,
    connect: PgConnectOptions,
    connection: Option<PgConnection>,
    /// Those who read for the same store, and yield where there is too little room for all.
    readers: [Arc<Readers>; 2],
    room: Option<Room>,
    /// The commits that wait for what somebody outside has locked.
    aside: Aside,
}

impl Task {
    async fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(self.options.batch_max.get());
        let mut open = true;
        while open || !waiting.is_empty() || !self.aside.is_empty() {
            if waiting.is_empty() {
                open = self.wait(&mut jobs, &mut waiting, open).await;
            }
            if !waiting.is_empty() {
                let count = fitting(waiting.iter());
                // Whoever has given up waiting has been told that nothing happens.
                let batch = waiting.drain(..count).filter(Job::take).collect();
                // Where somebody outside is in the way, nobody waits.
                let way = if self.aside.is_empty() { Way::Usual } else { Way::Past };
                self.guarded(batch, way).await;
            }
            if self.aside.pause().is_some_and(|left| left.is_zero()) {
                self.again().await;
            }
            self.room = None;
        }
        if let Some(connection) = self.connection.take() {
            // Whether it says goodbye or not: everything is written.
            let _ = timeout(self.options.connect_timeout, connection.close()).await;
        }
    }

    /// Waits for commits, or until those that are aside are to be tried; whether more can come.
    async fn wait(
        &self,
        jobs: &mut mpsc::Receiver<Job>,
        waiting: &mut Vec<Job>,
        open: bool,
    ) -> bool {
        let batch_max = self.options.batch_max.get();
        let Some(pause) = self.aside.pause() else {
            return jobs.recv_many(waiting, batch_max).await > 0;
        };
        if !open {
            sleep(pause).await;
            return false;
        }
        timeout(pause, jobs.recv_many(waiting, batch_max)).await.map_or(true, |count| count > 0)
    }

    /// Tries what is aside.
    async fn again(&mut self) {
        let (began, before) = (Instant::now(), self.aside.len());
        let batch = self.aside.take(self.aside.together());
        self.guarded(batch, Way::Past).await;
        if self.aside.len() < before {
            self.aside.is_moving();
        }
        if let Some(count) = self.aside.in_line() {
            let (asked, before) = (Instant::now(), self.aside.len());
            let first = self.aside.take(count);
            self.guarded(first, Way::InOrder).await;
            let moved = self.aside.len() < before;
            self.aside.waited(asked.elapsed(), moved);
        }
        let moved = self.aside.len() < before;
        self.aside.tried(began.elapsed(), moved);
    }

    /// Writes a batch. After a panic the channels are dropped, which tells those who wait that nobody
    /// knows; the connection is dropped too, whatever state it is in.
    async fn guarded(&mut self, batch: Vec<Job>, way: Way) {
        if AssertUnwindSafe(self.write(batch, way)).catch_unwind().await.is_err() {
            self.connection = None;
        }
    }

    /// Writes a batch, whatever it takes within bounds, and answers whoever asked, or puts it aside.
    async fn write(&mut self, batch: Vec<Job>, way: Way) {
        let (mut parts, mut stuck) = (vec![(batch, way)], 0);
        while let Some((batch, way)) = parts.pop() {
            let Err((left, error)) = self.together(batch, way).await else {
                stuck = 0;
                continue;
            };
            let blocked = error.meaning() == Meaning::Blocked;
            let mut left = in_time(left, &error);
            if blocked && way == Way::Usual {
                parts.push((left, Way::Past));
                continue;
            }
            if blocked && way == Way::Past {
                // Not all that is in the way is a row that one can pass.
                self.aside.is_stuck();
                stuck += 1;
            }
            if blocked && (left.len() == 1 || way == Way::InOrder || stuck > STUCK_MAX) {
                left.into_iter().for_each(|job| self.aside.put(job));
            } else if left.len() > 1 {
                let rest = left.split_off(left.len() / 2);
                parts.extend([(rest, way), (left, way)]);
            } else if let Some(job) = left.pop() {
                job.tell(Err(error.into()));
            }
        }
    }

    /// Writes a batch in one transaction, again and again while that may help; gives back what was not
    /// written, and why.
    async fn together(&mut self, mut batch: Vec<Job>, way: Way) -> Result<(), (Vec<Job>, Error)> {
        let (mut times, mut pause) = (0, Pause::default());
        while !batch.is_empty() {
            let commits: Vec<_> = batch.iter().map(|job| &*job.commit).collect();
            let error = match self.attempt(&commits, way).await {
                Attempt::Done(verdicts) => {
                    self.tell(batch, verdicts, None);
                    break;
                }
                Attempt::Unknown(verdicts, error) => {
                    self.connection = None;
                    self.tell(batch, verdicts, Some(&error));
                    break;
                }
                Attempt::Undone(error) => error,
            };
            times += 1;
            match error.meaning() {
                meaning @ (Meaning::Lost | Meaning::Conflict) => {
                    if meaning == Meaning::Lost {
                        self.connection = None;
                    }
                    batch = in_time(batch, &error);
                    if !batch.is_empty() {
                        pause.wait().await;
                    }
                }
                Meaning::Constraint if times == 1 => {}
                _ => return Err((batch, error)),
            }
        }
        Ok(())
    }

    async fn attempt(&mut self, commits: &[&Commit], way: Way) -> Attempt {
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
        let OpenOptions { queue_timeout, statement_timeout, .. } = self.options;
        let usual = (queue_timeout / 10).min(statement_timeout / 2);
        let lock = if way == Way::Usual { usual } else { usual / 4 };
        // The server gives up first, if it is there.
        let patience = Patience { lock, answer: statement_timeout.saturating_mul(2) };
        let attempt = attempt(&mut connection, commits, way, patience).await;
        self.connection = Some(connection);
        attempt
    }

    /// Answers whoever asked for the commits of a batch that was written, unless nobody knows that, and
    /// puts those aside that were left out.
    fn tell(&mut self, batch: Vec<Job>, verdicts: Vec<Verdict>, unknown: Option<&Error>) {
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            let why = unknown.map(|error| StoreError::unavailable(error.to_string()));
            match (verdict, why) {
                (Verdict::Blocked, _) => self.aside.put(job),
                (Verdict::Holds, None) => job.tell(Ok(())),
                (Verdict::Holds, Some(why)) => job.tell(Err(CommitError::OutcomeUnknown(why))),
                (Verdict::Refused(refusal), None) => job.tell(Err(refusal.into())),
                // Perhaps only because of others, which may not have been written either.
                (Verdict::Refused(_), Some(why)) => job.tell(Err(CommitError::Unavailable(why))),
            }
        }
    }
}

/// Those whose callers still have time. The others are told why nothing was written.
fn in_time(batch: Vec<Job>, error: &Error) -> Vec<Job> {
    let (late, rest): (Vec<_>, Vec<_>) = batch.into_iter().partition(Job::is_late);
    for job in late {
        let why = StoreError::unavailable(error.to_string());
        job.tell(Err(CommitError::Unavailable(why)));
    }
    rest
}
