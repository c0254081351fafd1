//! Many callers who ask at once, and how long their answers took.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, sync::Barrier, task::JoinSet};

/// What the callers saw.
#[derive(Debug)]
pub struct Run {
    /// From the first question to the last answer.
    pub elapsed: Duration,
    /// How long each answer took, the shortest first.
    pub latencies: Vec<Duration>,
}

impl Run {
    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The time in which this share of the answers came, from 0 to 1, in microseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let index = (share * last as f64).round() as usize;
        self.latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// The time that this process has spent on processors, as the system counts it, in steps of 10 ms.
///
/// # Panics
/// When the system does not say.
pub fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program, in parentheses, may hold anything; user and system time are the 12th
    // and 13th field after it.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Shares work out to callers, who each do theirs piece by piece, all at once.
///
/// One caller is the calling thread. Several are tasks on as many threads as there are processors:
/// the least that it costs to have them wait.
///
/// # Panics
/// When a piece of work does.
pub fn run<T, F, A>(callers: usize, work: Vec<T>, each: F) -> Run
where
    T: Send + 'static,
    F: Fn(T) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = ()> + Send,
{
    if callers == 1 {
        let started = Instant::now();
        let latencies = pollster::block_on(does(work, each));
        return finished(started.elapsed(), latencies);
    }
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(together(callers, work, each))
}

/// As [`run`], by tasks on the runtime that this is called on, as those of a server are, which has no
/// other.
///
/// # Panics
/// When a piece of work does.
pub async fn together<T, F, A>(callers: usize, work: Vec<T>, each: F) -> Run
where
    T: Send + 'static,
    F: Fn(T) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = ()> + Send,
{
    let total = work.len();
    let mut shares: Vec<Vec<T>> = (0..callers).map(|_| Vec::new()).collect();
    for (index, piece) in work.into_iter().enumerate() {
        shares[index % callers].push(piece);
    }
    let begin = Arc::new(Barrier::new(callers + 1));
    let mut tasks = JoinSet::new();
    for share in shares {
        let (begin, each) = (begin.clone(), each.clone());
        tasks.spawn(async move {
            begin.wait().await;
            does(share, each).await
        });
    }
    begin.wait().await;
    let started = Instant::now();
    let mut latencies = Vec::with_capacity(total);
    while let Some(done) = tasks.join_next().await {
        latencies.append(&mut done.unwrap());
    }
    finished(started.elapsed(), latencies)
}

fn finished(elapsed: Duration, mut latencies: Vec<Duration>) -> Run {
    latencies.sort_unstable();
    Run { elapsed, latencies }
}

async fn does<T, F, A>(share: Vec<T>, each: F) -> Vec<Duration>
where
    F: Fn(T) -> A,
    A: Future<Output = ()>,
{
    let mut latencies = Vec::with_capacity(share.len());
    for piece in share {
        let asked = Instant::now();
        each(piece).await;
        latencies.push(asked.elapsed());
    }
    latencies
}
