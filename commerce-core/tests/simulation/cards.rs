//! Stories of a shop that takes cards; see [`story`](crate::till::story).
//!
//! `SIMULATION_CARDS` says how many are told, and `SIMULATION_SEED` tells the one of a seed again and
//! prints it.

use std::{
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{CARDS, fresh, support::faults::Shared, till::story};

/// Tells the story of a seed.
fn tell(seed: u64) -> Result<(), story::Failure> {
    let (store, _kept) = fresh();
    story::tell(&Shared::over(store), seed, None)
}

#[test]
fn money_orders_and_stock_agree_whatever_happens() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().unwrap());
    let (first, stories) = match number("SIMULATION_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number("SIMULATION_CARDS").unwrap_or(CARDS)),
    };
    let next = AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + stories {
                return;
            }
            if let Err(story::Failure { seed, story, why }) = tell(seed) {
                panic!("{story}\n{why}\nSIMULATION_SEED={seed} tells it again");
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|why| resume_unwind(why));
        }
    });
    println!("{stories} stories from seed {first}");
}
