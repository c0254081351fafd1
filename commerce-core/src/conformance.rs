//! The conformance suite: what every store must pass, and a stranger's store can run too.
//!
//! Each clause of the contracts of [`Store`], [`apply`](crate::store::apply) and [`Queries`] is a
//! named case, but for those [below](#what-a-store-tests-by-itself). A store's own tests run all of them by one line, and get each new case with the next
//! version of this crate:
//!
//! ```
//! # #[allow(unused_imports)]
//! mod conformance {
//!     use commerce_core::store::MemoryStore;
//!     commerce_core::conformance::suite!(MemoryStore::new);
//! }
//! ```
//!
//! `make_store` is called for each case and gives a fresh, empty store: a store itself, a pair of a
//! store and something that must live as long, such as the guard of a temporary folder, three of which the
//! last is a function that opens the store once more by that guard, or a type of your own that is a
//! [`Fixture`]. A store that keeps anything past its own end wants one of the last two: only so is it tried
//! whether a commit that was acknowledged is there for whoever comes after. Cases run on the thread of their test, several tests at once, by
//! a small executor that parks the thread. A store that needs a runtime names its own function that
//! runs a future to its end, which must work on any thread:
//!
//! ```
//! # mod conformance {
//! # use commerce_core::store::MemoryStore;
//! # use pollster::block_on;
//! commerce_core::conformance::suite!(MemoryStore::new, block_on);
//! # }
//! ```
//!
//! A case fails by a panic that names the clause of the contract that is broken. The cases are also
//! there as data, see [`cases`] and [`failures`].
//!
//! # What a store tests by itself
//! Some clauses hold against what nobody can bring about from outside:
//!
//! - What was acknowledged outlives a process that is killed and a machine that loses its power, as far
//!   as the store promises: kill one in the midst of commits, and look at what it asks of its disk.
//! - A store that cannot answer says so within a bounded time: keep its file locked, its disk full, or its
//!   server silent.
//! - A commit of which it is not known whether it was applied is
//!   [`OutcomeUnknown`](crate::store::CommitError::OutcomeUnknown) and nothing else: cut the line where a
//!   transaction ends.
//! - What is stored and cannot be understood is [corrupt](crate::store::StoreError::is_corrupt).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a case fails by panicking"
)]

#[macro_use]
mod cases;
mod make;
mod read;

mod carts;
mod commits;
mod concurrency;
mod customers;
mod due;
mod levels;
mod list_customers;
mod list_orders;
mod list_payments;
mod list_products;
mod list_stock;
mod list_tokens;
mod movements;
mod orders;
mod outbox;
mod outcomes;
mod payments;
mod products;
mod purge;
mod records;
mod search;
mod unique;
mod versions;
mod webhooks;

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
};

use crate::store::{Queries, Store};

#[doc(inline)]
pub use crate::conformance_suite as suite;

/// A store with its lists, which is what a case looks at.
pub trait Subject: Store + Queries {}

impl<T: Store + Queries> Subject for T {}

/// A fresh store for one case, with whatever must live as long as it.
///
/// One of a store alone, or of a pair, cannot be opened once more.
pub trait Fixture: Sync {
    /// The store.
    fn subject(&self) -> &dyn Subject;

    /// What the store keeps, opened once more beside it: as whoever comes after it finds that. `None` of a
    /// store that keeps nothing past its own end. It is called on a thread of its own.
    fn reopened(&self) -> Option<Box<dyn Subject>>;
}

impl<T: Store + Queries> Fixture for T {
    fn subject(&self) -> &dyn Subject {
        self
    }

    fn reopened(&self) -> Option<Box<dyn Subject>> {
        None
    }
}

impl<T: Store + Queries, Guard: Sync> Fixture for (T, Guard) {
    fn subject(&self) -> &dyn Subject {
        &self.0
    }

    fn reopened(&self) -> Option<Box<dyn Subject>> {
        None
    }
}

impl<T, Guard, Open> Fixture for (T, Guard, Open)
where
    T: Store + Queries,
    Guard: Sync,
    Open: Fn(&Guard) -> T + Sync,
{
    fn subject(&self) -> &dyn Subject {
        &self.0
    }

    fn reopened(&self) -> Option<Box<dyn Subject>> {
        let (_, guard, open) = self;
        Some(Box::new(open(guard)))
    }
}

/// A case under way.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What a case is given: a store, what it came with, and how to run a future on another thread.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    store: &'a dyn Subject,
    fixture: &'a dyn Fixture,
    run: &'a (dyn Fn(Task<'_>) + Sync),
}

impl fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("store", &self.store).finish_non_exhaustive()
    }
}

/// One clause of the contract, and how it is tried.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name: the noun and the rule, such as `levels::held_never_exceeds_on_hand`.
    pub name: &'static str,
    /// The clause in a sentence.
    pub clause: &'static str,
    run: for<'a> fn(&'a Bench<'a>) -> Task<'a>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A clause that a store does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The case's name.
    pub case: &'static str,
    /// The clause that is broken.
    pub clause: &'static str,
    /// How that showed.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, clause, detail } = self;
        write!(f, "the store breaks its contract\n  clause: {clause}\n  case: {case}\n  {detail}")
    }
}

impl Case {
    /// Tries the clause on a store.
    ///
    /// # Errors
    /// [`Failure`] when the store does not keep it.
    pub fn run(
        &self,
        fixture: &dyn Fixture,
        run: &(dyn Fn(Task<'_>) + Sync),
    ) -> Result<(), Failure> {
        let bench = Bench { store: fixture.subject(), fixture, run };
        catch_unwind(AssertUnwindSafe(|| run((self.run)(&bench)))).map_err(|panic| Failure {
            case: self.name,
            clause: self.clause,
            detail: message(&*panic),
        })
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => (*text).to_owned(),
        (None, None) => "it panicked".to_owned(),
    }
}

/// All cases, in no order that matters.
pub fn cases() -> &'static [Case] {
    CASES
}

/// Runs all cases and answers which of them the store does not pass.
///
/// ```
/// use commerce_core::{conformance, store::MemoryStore};
/// assert_eq!(conformance::failures(&|| Box::new(MemoryStore::new())), []);
/// ```
pub fn failures(make_store: &dyn Fn() -> Box<dyn Fixture>) -> Vec<Failure> {
    let run = |task: Task<'_>| pollster::block_on(task);
    cases().iter().filter_map(|case| case.run(&*make_store(), &run).err()).collect()
}

/// Runs one case of [`suite!`] and panics if it fails.
#[doc(hidden)]
pub fn check(name: &str, fixture: &dyn Fixture, run: &(dyn Fn(Task<'_>) + Sync)) {
    let case = cases().iter().find(|case| case.name == name).expect("the case exists");
    if let Err(failure) = case.run(fixture, run) {
        panic!("{failure}");
    }
}

/// The executor of a suite that names none.
#[doc(hidden)]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// Makes one `#[test]` of each case of the [conformance suite](mod@crate::conformance), to be called
/// in a module of its own.
///
/// `suite!(make_store)` or `suite!(make_store, block_on)`.
#[macro_export]
macro_rules! conformance_suite {
    ($make_store:expr $(,)?) => {
        $crate::conformance_suite!($make_store, $crate::conformance::block_on);
    };
    ($make_store:expr, $block_on:expr $(,)?) => {
        fn conformance_case(name: &str) {
            $crate::conformance::check(name, &($make_store)(), &|task| ($block_on)(task));
        }
        $crate::__conformance_cases!(__conformance_tests);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($($group:ident { $($case:ident: $clause:literal;)* })*) => {
        $(mod $group {
            $(
                #[test]
                fn $case() {
                    super::conformance_case(concat!(stringify!($group), "::", stringify!($case)));
                }
            )*
        })*
    };
}

macro_rules! table {
    ($($group:ident { $($case:ident: $clause:literal;)* })*) => {
        const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($group), "::", stringify!($case)),
            clause: $clause,
            run: |bench| Box::pin($group::$case(bench)),
        },)*)*];
    };
}

crate::__conformance_cases!(table);
