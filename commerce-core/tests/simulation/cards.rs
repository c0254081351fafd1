//! Stories of a shop that takes cards; see [`story`](crate::till::story).
//!
//! `SIMULATION_CARDS` says how many are told, and `SIMULATION_SEED` tells the one of a seed again and
//! prints it, however it ends.

use std::{
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    CARDS, fresh,
    support::faults::Shared,
    till::{fate::Fate, story},
};

/// Tells the story of a seed.
fn tell(seed: u64) -> Result<String, story::Failure> {
    let (store, _kept) = fresh();
    story::tell(&Shared::over(store), seed, None)
}

#[test]
fn money_orders_and_stock_agree_whatever_happens() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse().unwrap());
    let only = number("SIMULATION_SEED");
    let (first, stories) = match only {
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
            match tell(seed) {
                Ok(story) if only.is_some() => println!("{story}"),
                Ok(_) => {}
                Err(story::Failure { seed, story, why, .. }) => {
                    panic!("{story}\n{why}\nSIMULATION_SEED={seed} tells it again");
                }
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

#[test]
fn a_seed_tells_the_same_story_again_to_the_letter() {
    for seed in 0..CARDS.div_ceil(40) {
        assert_eq!(tell(seed).unwrap(), tell(seed).unwrap(), "seed {seed}");
    }
}

#[test]
fn a_story_that_panics_is_told_as_far_as_it_went() {
    let fate = Fate::default();
    let failure = story::told(7, &fate, || {
        fate.tell("a customer comes");
        panic!("nobody is {}", "there");
    });
    let story::Failure { seed, story, why, panicked } = failure.unwrap_err();
    assert_eq!((seed, panicked), (7, true));
    assert_eq!((&*story, &*why), ("a customer comes", "it panicked: nobody is there"));
}
