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
