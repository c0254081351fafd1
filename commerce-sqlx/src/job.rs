//! A commit that waits to be written, and whoever asked for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use commerce_core::store::{Commit, CommitError};
use tokio::sync::oneshot;

/// The most records and stock moves of one batch, unless a single commit has more.
const WEIGHT_MAX: usize = 10_000;

pub(crate) type Answer = Result<(), CommitError>;

/// Whether a commit is still waiting: it is either taken by the writer, who may give it back, or given up
/// for good by whoever asked.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicBool);

impl Turn {
    /// Takes it, or gives it up; whether nobody had before.
    pub(crate) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A commit that waits for its turn.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) commit: Arc<Commit>,
    until: Instant,
    turn: Arc<Turn>,
    answer: oneshot::Sender<Answer>,
}

/// What whoever asked for a commit keeps of it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) turn: Arc<Turn>,
    pub(crate) answer: oneshot::Receiver<Answer>,
}

impl Job {
    /// A commit that is to be written by then, or not at all.
    pub(crate) fn new(commit: &Commit, until: Instant) -> (Self, Asked) {
        let (answer, answered) = oneshot::channel();
        let (commit, turn) = (Arc::new(commit.clone()), Arc::<Turn>::default());
        let asked = Asked { turn: Arc::clone(&turn), answer: answered };
        (Self { commit, until, turn, answer }, asked)
    }

    /// The records and stock moves that it has.
    pub(crate) fn weight(&self) -> usize {
        self.commit.writes().len() + self.commit.moves().len()
    }

    /// Takes it to be written, unless whoever asked has given it up and been told that nothing happens.
    pub(crate) fn take(&self) -> bool {
        self.turn.take()
    }

    /// Lets whoever asked give it up again. It must have been taken.
    pub(crate) fn give_back(&self) {
        self.turn.0.store(false, Ordering::Release);
    }

    /// Whether its time is over.
    pub(crate) fn is_late(&self) -> bool {
        self.until <= Instant::now()
    }

    /// Tells whoever asked, if they are still there.
    pub(crate) fn tell(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}

/// How many of the first commits make one batch.
pub(crate) fn fitting<'a>(jobs: impl ExactSizeIterator<Item = &'a Job>) -> usize {
    let (mut weight, least) = (0, jobs.len().min(1));
    let fits = |job: &&Job| {
        weight += job.weight();
        weight <= WEIGHT_MAX
    };
    jobs.take_while(fits).count().max(least)
}
