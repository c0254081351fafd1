//! The commits that want what somebody outside has locked, put aside so that all others go on.
//!
//! They are tried again, a batch at a time and at short intervals, without waiting for anything: what is
//! free by then is written. Where others stand in line for a lock, whoever never waits would never get
//! it. So the first of them now and then waits in that line for a short time, and with more of them the
//! next time if it is served. If not, nine times as long must pass before the next one waits.
//!
//! Each stays for no longer than its caller's time.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use commerce_core::store::{CommitError, StoreError};

use crate::job::{Job, fitting};

/// The commits that can be aside; whoever comes after them is told no at once.
const ASIDE_MAX: usize = 1_024;
/// The pauses between tries, which grow while nothing comes of them.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Aside {
    jobs: VecDeque<Job>,
    batch_max: usize,
    /// How many are tried at a time: fewer when they cannot even be tried without waiting.
    together: usize,
    pause: Duration,
    due: Instant,
    /// How many may stand in line, and when.
    in_line: usize,
    line_due: Instant,
}

impl Aside {
    /// Of those that come, no more than this are tried at a time.
    pub(crate) fn new(batch_max: usize) -> Self {
        let (jobs, now) = (VecDeque::new(), Instant::now());
        let (together, pause) = (batch_max, PAUSE_MIN);
        Self { jobs, batch_max, together, pause, due: now, in_line: 1, line_due: now }
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Puts a commit aside that was taken to be written, and of which nothing was.
    pub(crate) fn put(&mut self, job: Job) {
        if job.is_late() || self.jobs.len() >= ASIDE_MAX {
            return job.tell(Err(blocked()));
        }
        job.give_back();
        self.jobs.push_back(job);
    }

    /// How long it is until the next try, if there is anything to try.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let left = self.due.saturating_duration_since(Instant::now());
        (!self.jobs.is_empty()).then_some(left)
    }

    /// Takes so many of those that have waited longest, but for those whose time is over.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Job> {
        let count = fitting(self.jobs.iter().take(count));
        let taken = self.jobs.drain(..count).filter(Job::take);
        let (late, batch): (Vec<_>, Vec<_>) = taken.partition(Job::is_late);
        late.into_iter().for_each(|job| job.tell(Err(blocked())));
        batch
    }

    /// How many are to be tried at a time.
    pub(crate) fn together(&self) -> usize {
        self.together
    }

    /// Not even those that would not have to wait for rows could be written together.
    pub(crate) fn is_stuck(&mut self) {
        self.together = (self.together / 2).max(1);
    }

    /// Some of those that were tried together have been written.
    pub(crate) fn is_moving(&mut self) {
        self.together = self.together.saturating_mul(2).min(self.batch_max);
    }

    /// Some were tried for so long; whether anything came of it. At least half of the time is for others.
    pub(crate) fn tried(&mut self, time: Duration, moved: bool) {
        if self.jobs.is_empty() {
            *self = Self::new(self.batch_max);
            return;
        }
        self.pause = if moved { PAUSE_MIN } else { (self.pause * 2).min(PAUSE_MAX) };
        self.due = Instant::now() + self.pause.max(time);
    }

    /// How many may stand in line, if any may.
    pub(crate) fn in_line(&self) -> Option<usize> {
        (!self.jobs.is_empty() && self.line_due <= Instant::now()).then_some(self.in_line)
    }

    /// Some stood in line for so long; whether they were served.
    pub(crate) fn waited(&mut self, time: Duration, moved: bool) {
        if moved {
            self.in_line = self.in_line.saturating_mul(2).min(self.batch_max);
        } else {
            self.in_line = 1;
            self.line_due = Instant::now() + time * 9;
        }
    }
}

fn blocked() -> CommitError {
    let why = "what a commit wants was locked by another transaction for too long";
    CommitError::Unavailable(StoreError::unavailable(why))
}
