//! The one thread that writes: it takes what waits in the queue, writes it in one transaction, and
//! answers everybody once that is durable.
//!
//! Nobody waits for a batch to fill: an empty queue means commit at once. While one batch reaches
//! the disk, the next one gathers, so the more callers there are, the larger the batches become and
//! the less of a disk write each commit costs.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use commerce_core::store::{Commit, CommitError, Purge, StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use crate::{
    codec,
    error::Error,
    log::Log,
    open::OpenOptions,
    table::journal::{self, Purged},
    write::{self, Batch, Failure, Trust},
};

/// The commits that can wait; whoever comes after them waits to be let in.
const QUEUE: usize = 1_024;
/// How long the writer looks out for a job before it goes to sleep, if the last one came as soon:
/// longer than one caller takes from an answer to its next commit. To put a thread to sleep and to
/// wake it costs both sides more than that.
const PATIENCE: Duration = Duration::from_micros(200);

type Answer = Result<(), CommitError>;

/// What the writer is asked to do.
#[derive(Debug)]
enum Job {
    Commit { commit: Arc<Commit>, until: Instant, answer: oneshot::Sender<Answer> },
    Purge { purge: Purge, purged: Purged, answer: oneshot::Sender<StoreResult<Purged>> },
}

/// The way to the thread that writes. Dropping it lets the thread finish what it was asked.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    queue_timeout: Duration,
    thread: Option<JoinHandle<()>>,
    /// The thread has it from a job that comes until none waits.
    connection: Arc<Mutex<Connection>>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        log: Log,
        options: &OpenOptions,
    ) -> std::io::Result<Self> {
        Self::with(connection, log, options, commit_all)
    }

    /// A writer that writes a batch by a function.
    fn with(
        connection: Connection,
        log: Log,
        options: &OpenOptions,
        write: impl Fn(&Connection, &mut [Waiting]) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let batch_max = options.batch_max.get();
        let connection = Arc::new(Mutex::new(connection));
        let own = Arc::clone(&connection);
        let thread = thread::Builder::new()
            .name("commerce-sqlite-writer".to_owned())
            .spawn(move || serve(&own, &log, Jobs::new(jobs), batch_max, write))?;
        let queue_timeout = options.queue_timeout;
        Ok(Self { queue: Some(queue), queue_timeout, thread: Some(thread), connection })
    }

    /// The connection that writes, while nothing is to be written.
    pub(crate) fn idle(&self) -> Option<MutexGuard<'_, Connection>> {
        match self.connection.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Applies a commit. If the future is dropped, the commit happens all the same or not at all.
    pub(crate) async fn commit(&self, commit: &Commit) -> Answer {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + self.queue_timeout;
        // It is kept here as well, so that the writer need not spend its time on taking it apart.
        let commit = Arc::new(commit.clone());
        let job = Job::Commit { commit: Arc::clone(&commit), until, answer };
        self.send(job).await.map_err(CommitError::Unavailable)?;
        // The writer answers whatever it takes, unless it dies over it.
        answered.await.unwrap_or_else(|_| Err(CommitError::OutcomeUnknown(gone())))
    }

    /// Forgets what has served its purpose, step by step, so that commits get their turn between.
    pub(crate) async fn purge(&self, purge: &Purge) -> StoreResult<u64> {
        let mut purged = Purged::default();
        while !purged.done {
            let (answer, answered) = oneshot::channel();
            self.send(Job::Purge { purge: *purge, purged, answer }).await?;
            purged = answered.await.unwrap_or_else(|_| Err(gone()))?;
        }
        Ok(purged.count)
    }

    async fn send(&self, job: Job) -> StoreResult<()> {
        match &self.queue {
            Some(queue) => queue.send(job).await.map_err(|_| gone()),
            None => Err(gone()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: whatever a job does is caught.
            let _ = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::unavailable("the writer has failed")
}

/// What the writer is asked, one after another.
#[derive(Debug)]
struct Jobs {
    queue: mpsc::Receiver<Job>,
    /// Whether the last one came at once.
    at_once: bool,
}

impl Jobs {
    fn new(queue: mpsc::Receiver<Job>) -> Self {
        Self { queue, at_once: false }
    }

    /// Waits for the next job; `None` when there will be no more.
    fn wait(&mut self) -> Option<Job> {
        let begun = Instant::now();
        while self.at_once && begun.elapsed() < PATIENCE {
            match self.queue.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => thread::yield_now(),
            }
        }
        let job = self.queue.blocking_recv();
        self.at_once = begun.elapsed() < 2 * PATIENCE;
        job
    }
}

fn serve(
    connection: &Mutex<Connection>,
    log: &Log,
    mut jobs: Jobs,
    batch_max: usize,
    write: impl Fn(&Connection, &mut [Waiting]),
) {
    let mut batch = Vec::with_capacity(batch_max);
    while let Some(job) = jobs.wait() {
        let connection = &*connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Commit { commit, until, answer } => {
                    // Whoever has given up waiting has been promised that nothing happens.
                    if Instant::now() > until {
                        let late = StoreError::unavailable("a commit's turn did not come in time");
                        let _ = answer.send(Err(CommitError::Unavailable(late)));
                    } else {
                        batch.push(Waiting { commit, answer, result: None });
                    }
                }
                Job::Purge { purge, mut purged, answer } => {
                    let result = guarded(connection, || step(connection, &purge, &mut purged));
                    let _ = answer.send(result.unwrap_or_else(|| Err(gone())).map(|()| purged));
                }
            }
            next = if batch.len() < batch_max { jobs.queue.try_recv().ok() } else { None };
            if next.is_none() {
                write_and_answer(connection, &mut batch, &write);
                log.tend(connection);
                next = jobs.queue.try_recv().ok();
            }
        }
    }
}

fn write_and_answer(
    connection: &Connection,
    batch: &mut Vec<Waiting>,
    write: impl Fn(&Connection, &mut [Waiting]),
) {
    if batch.is_empty() {
        return;
    }
    // After a panic the senders in the batch are dropped, which tells those who wait that nobody
    // knows.
    let _ = guarded(connection, || write(connection, batch));
    for Waiting { commit, answer, result } in batch.drain(..) {
        drop(commit);
        if let Some(result) = result {
            let _ = answer.send(result);
        }
    }
}

/// Runs a job; if it panics, no transaction stays open.
fn guarded<T>(connection: &Connection, job: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(job)).ok();
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn step(connection: &Connection, purge: &Purge, purged: &mut Purged) -> StoreResult<()> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from)?;
    journal::purge(connection, purge, purged)?;
    connection.execute_batch("COMMIT").map_err(Error::from)?;
    Ok(())
}

/// A commit of the batch, and what has become of it.
#[derive(Debug)]
struct Waiting {
    commit: Arc<Commit>,
    answer: oneshot::Sender<Answer>,
    result: Option<Answer>,
}

/// Writes a batch in one transaction. A commit that is refused leaves nothing and does not disturb
/// the others. If the database refuses something, the batch is judged again by what is stored; if it
/// still does, each commit is tried on its own.
fn commit_all(connection: &Connection, batch: &mut [Waiting]) {
    let together = together(connection, batch, Trust::Keys).or_else(|undone| match undone {
        Undone::Batch => together(connection, batch, Trust::Nothing),
        Undone::Unavailable(_) => Err(undone),
    });
    match together {
        Ok(()) => {}
        Err(Undone::Batch) => {
            for waiting in batch {
                waiting.result = Some(write::commit_in(connection, &waiting.commit));
            }
        }
        Err(Undone::Unavailable(error)) => {
            let why = error.to_string();
            for waiting in batch {
                let error = StoreError::unavailable(why.clone());
                waiting.result = Some(Err(CommitError::Unavailable(error)));
            }
        }
    }
}

/// Why a batch was not written as one.
enum Undone {
    /// Nothing of it was written; its commits may succeed one by one.
    Batch,
    /// Nothing of it was written, and nothing can be now.
    Unavailable(Error),
}

fn together(connection: &Connection, waiting: &mut [Waiting], trust: Trust) -> Result<(), Undone> {
    codec::run(connection, "BEGIN IMMEDIATE", []).map_err(Undone::Unavailable)?;
    let mut batch = Batch::default();
    let mut wrote = false;
    for one in waiting.iter_mut() {
        match batch.write(connection, &one.commit, trust) {
            Ok(()) => {
                wrote = true;
                one.result = None;
            }
            Err(Failure::Refused(refusal)) => one.result = Some(Err(refusal.into())),
            Err(Failure::Failed(_)) => return undo(connection),
        }
    }
    if !wrote {
        return connection.execute_batch("ROLLBACK").or(Ok(()));
    }
    if batch.finish(connection).is_err() {
        return undo(connection);
    }
    let ended = write::end(connection);
    for one in waiting {
        one.result = Some(match (&ended, one.result.take()) {
            (Ok(()), result) => result.unwrap_or(Ok(())),
            // It was refused because of commits that were not made after all.
            (Err(error), Some(_)) => Err(CommitError::Unavailable(again(error))),
            (Err(error @ CommitError::OutcomeUnknown(_)), None) => {
                Err(CommitError::OutcomeUnknown(again(error)))
            }
            (Err(error), None) => Err(CommitError::Unavailable(again(error))),
        });
    }
    Ok(())
}

/// An error for another one who waits.
fn again(error: &CommitError) -> StoreError {
    let source = std::error::Error::source(error).map(ToString::to_string);
    StoreError::unavailable(source.unwrap_or_else(|| error.to_string()))
}

fn undo(connection: &Connection) -> Result<(), Undone> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(|error| Undone::Unavailable(error.into()))?;
    }
    Err(Undone::Batch)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    };

    use commerce_core::{event::Event, time::Timestamp};
    use pollster::block_on;

    use super::*;

    #[test]
    fn the_connection_is_lent_while_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let connection = Connection::open(&path).unwrap();
        crate::migrate_in(&connection).unwrap();
        let (begin, begun) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let log = Log::start(Connection::open(&path).unwrap()).unwrap();
        let writer =
            Writer::with(connection, log, &OpenOptions::default(), move |connection, batch| {
                begin.send(()).unwrap();
                gone.recv().unwrap();
                commit_all(connection, batch);
            });
        let writer = writer.unwrap();
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        commit.event(Event::ShopUpdated);
        let fails = catch_unwind(AssertUnwindSafe(|| {
            let _lent = writer.idle().unwrap();
            panic!("a fault of a reader");
        }));
        assert!(fails.is_err());
        thread::scope(|scope| {
            let committed = scope.spawn(|| block_on(writer.commit(&commit)));
            begun.recv().unwrap();
            assert!(writer.idle().is_none());
            go.send(()).unwrap();
            committed.join().unwrap().unwrap();
        });
        // Whoever is answered may be a moment before the writer.
        while writer.idle().is_none() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_panic_leaves_nothing_and_whoever_comes_after_it_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let connection = Connection::open(&path).unwrap();
        crate::migrate_in(&connection).unwrap();
        let panics = AtomicBool::new(true);
        let log = Log::start(Connection::open(&path).unwrap()).unwrap();
        let writer =
            Writer::with(connection, log, &OpenOptions::default(), move |connection, batch| {
                if panics.swap(false, Ordering::SeqCst) {
                    connection
                        .execute_batch("BEGIN IMMEDIATE; CREATE TABLE half_done (x)")
                        .unwrap();
                    panic!("a fault of this crate");
                }
                commit_all(connection, batch);
            });
        let writer = writer.unwrap();
        let mut commit = Commit::at(Timestamp::UNIX_EPOCH);
        commit.event(Event::ShopUpdated);
        let unknown = block_on(writer.commit(&commit));
        assert!(matches!(unknown, Err(CommitError::OutcomeUnknown(_))), "{unknown:?}");
        block_on(writer.commit(&commit)).unwrap();
        drop(writer);
        let count = |sql| {
            let connection = Connection::open(&path).unwrap();
            connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(count("SELECT count(*) FROM commerce_outbox"), 1);
        assert_eq!(count("SELECT count(*) FROM sqlite_schema WHERE name = 'half_done'"), 0);
    }
}
