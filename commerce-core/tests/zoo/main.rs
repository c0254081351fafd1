//! The stories of a shop that takes cards see what they are there to see: a shop with a mistake that
//! others shipped fails one of them, and the shop without fails none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../till/mod.rs"]
mod till;

use std::{
    num::NonZeroUsize,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use support::faults::Shared;
use till::{story, zoo::Bug};

/// By so many stories every mistake is found.
const STORIES: u64 = 3_000;

fn tell(seed: u64, bug: Option<Bug>) -> Result<String, story::Failure> {
    story::tell(&Shared::new(), seed, bug)
}

/// The first story that a mistake fails, and why.
fn find(bug: Bug) -> Option<(u64, String)> {
    let failure = (0..STORIES).find_map(|seed| tell(seed, Some(bug)).err())?;
    // That a story cannot be told is no finding.
    assert!(!failure.panicked, "{failure:#?}");
    Some((failure.seed, failure.why))
}

/// Does a part of something on each core; answers what came of it, in any order.
fn share<T: Sync, U: Send>(of: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut done = Vec::new();
        while let Some(it) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(work(it));
        }
        done
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(turn)).collect();
        all.into_iter().flat_map(|it| it.join().unwrap_or_else(|why| resume_unwind(why))).collect()
    })
}

#[test]
fn every_mistake_is_found_and_a_shop_without_makes_none() {
    assert!(Bug::ALL.len() >= 15);
    let found = share(Bug::ALL, |bug| (*bug, find(*bug)));
    let mut most = 0;
    let mut hidden = Vec::new();
    for (bug, found) in found {
        match found {
            Some((seed, why)) => {
                let why = why.lines().next().unwrap_or_default().chars().take(90);
                println!("{}: story {}: {}", bug.story(), seed + 1, why.collect::<String>());
                most = most.max(seed);
            }
            None => hidden.push(bug),
        }
    }
    assert!(hidden.is_empty(), "{STORIES} stories do not show {hidden:?}");
    let seeds: Vec<_> = (0..=most).collect();
    let failed = share(&seeds, |seed| tell(*seed, None).err());
    let failed: Vec<_> = failed.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    println!("without a mistake: none of {} stories fails", seeds.len());
}
