//! The conformance suite sees each fault of the store in memory, and none where there is none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod catches;

use commerce_core::{
    conformance::{self, Fixture},
    store::MemoryStore,
};
use pollster::block_on;

use catches::{Fault, faulty::Faulty};

fn store() -> (MemoryStore, ()) {
    (MemoryStore::new(), ())
}

#[test]
fn a_sound_store_fails_nothing() {
    let make_store =
        || -> Box<dyn Fixture> { Box::new(Faulty::new(Fault::None, MemoryStore::new())) };
    assert_eq!(conformance::failures(&make_store), []);
}

#[test]
fn every_case_has_a_name_and_a_clause_of_its_own() {
    let cases = conformance::cases();
    let names: std::collections::HashSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().all(|case| !case.clause.is_empty()));
}

#[test]
fn a_store_that_forgets_what_it_acknowledged_is_caught() {
    let name = "commits::are_there_for_whoever_opens_the_store_next";
    let case = conformance::cases().iter().find(|it| it.name == name).unwrap();
    let forgets = (MemoryStore::new(), (), |_: &()| MemoryStore::new());
    let failure = case.run(&forgets, &|task| block_on(task)).unwrap_err();
    assert!(failure.detail.contains("is not there"), "{failure}");
}

#[test]
fn the_store_in_memory_says_that_nothing_of_it_can_be_opened_again() {
    assert!(MemoryStore::new().reopened().is_none());
    assert!((MemoryStore::new(), ()).reopened().is_none());
}
