//! Every store gives the same answers over HTTP, to the byte.
//!
//! The tests of the server are run once more on each store, with the same clock and the same ids, and
//! what they hear is compared.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::duplicate_mod, reason = "each of them is a test program of its own elsewhere")]

#[cfg(feature = "stripe")]
#[path = "../cards/main.rs"]
mod cards;
#[path = "../catalog/main.rs"]
mod catalog;
#[path = "../../../commerce-sqlx/tests/common/mod.rs"]
mod common;
#[path = "../guest.rs"]
mod guest;
mod imports;
#[path = "../office.rs"]
mod office;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::BTreeMap, env, fs, process::Command};

use common::{address, block_on};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{store, transcript};

/// What the tests heard on a store, by their names.
fn transcripts(store: &str) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut tests = Command::new(env::current_exe().unwrap());
    // One after the other: what they count, they count for all.
    tests.args(["catalog::", "guest::", "imports::", "office::"]);
    tests.args(["--skip=cards::", "--test-threads=1"]);
    tests.env(transcript::VARIABLE, folder.path());
    // What they make up is the same each time.
    tests.env("PROPTEST_RNG_SEED", "1");
    run(tests, store);
    let files = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read_to_string(file.path()).unwrap())
        })
        .collect()
}

/// Runs tests once more on a store, and answers what they say.
fn run(mut tests: Command, store: &str) -> String {
    let tests = tests.env(store::VARIABLE, store).stdout(std::process::Stdio::piped());
    let mut tests = tests.spawn().unwrap();
    let id = tests.id();
    let said = std::io::read_to_string(tests.stdout.take().unwrap()).unwrap();
    let passed = tests.wait().unwrap().success();
    if store.contains("://") {
        forget(id);
    }
    assert!(passed, "{store}: {said}");
    said
}

/// The stores besides the one in memory.
fn others() -> Vec<String> {
    let mut others = vec!["sqlite".to_owned()];
    if env::var("TEST_WITHOUT_POSTGRES").as_deref() != Ok("1") {
        others.push(address());
    }
    others
}

/// Drops what a process has left in the database.
fn forget(process: u32) {
    block_on(async {
        let mut connection = PgConnection::connect(&address()).await.unwrap();
        let named = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE $1";
        let like = format!("commerce\\_test\\_{process}\\_%");
        let schemas: Vec<String> =
            sqlx::query_scalar(named).bind(like).fetch_all(&mut connection).await.unwrap();
        for schema in schemas {
            let drop = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
            sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
        }
    });
}

#[test]
fn each_store_gives_the_same_answers() {
    let memory = transcripts("memory");
    assert!(memory.len() >= 40, "only {} tests tell what they hear", memory.len());
    for other in others() {
        let heard = transcripts(&other);
        assert!(heard.keys().eq(memory.keys()), "{other}: other tests have passed");
        for (test, text) in &memory {
            for (line, other_line) in text.lines().zip(heard[test].lines()) {
                assert_eq!(other_line, line, "{other} in {test}");
            }
            assert_eq!(heard[test].len(), text.len(), "{other} in {test}");
        }
    }
}

/// Webhooks come when they come, so that answers differ in how often something was written: what they
/// come to does not.
#[test]
#[cfg(feature = "stripe")]
fn cards_are_taken_on_each_store() {
    for store in others() {
        let mut tests = Command::new(env::current_exe().unwrap());
        tests.args(["cards::", "--skip=cards::demo::"]);
        let said = run(tests, &store);
        assert!(said.contains("cards::pay::a_guest_pays_on_a_page_of_stripes ... ok"), "{said}");
    }
}
