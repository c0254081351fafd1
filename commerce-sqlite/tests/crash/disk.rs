//! A disk without room: what is refused is refused clearly, nothing is lost, and with room it goes
//! on.

use std::{fs, path::Path, process::Command};

use commerce_core::Error;

use crate::{
    common::{cart, check_books},
    process::{FileLimit, Process, listen, say},
    store::{ask_again, asked, asks, find, open, placed, stocked},
};

/// Places one order after the other, also after some could not be written, until one can again.
pub(crate) fn work(file: &Path) {
    let shop = open(file);
    let variant = find(&shop, "a");
    let carts: Vec<_> = (0..100).map(|_| cart(&shop, &[(variant, 1)])).collect();
    say("ready");
    listen();
    let mut refused = false;
    for cart in carts {
        say(&asks(&cart));
        match cart.check_out(&shop) {
            Ok(placed) => {
                say(&format!("placed {} {}", cart.id, placed.order.id));
                if refused {
                    return;
                }
            }
            Err(error) => {
                refused = true;
                say(match error {
                    // Nobody can know what of a transaction arrived when its end could not be
                    // written; the key tells.
                    Error::OutcomeUnknown(_) => "unknown",
                    Error::Unavailable(_) => "refused",
                    other => unreachable!("{other:?}"),
                });
                listen();
            }
        }
    }
}

/// Lets a process make no file longer than this; it fails to write what is beyond, as on a disk
/// without room.
fn limit(process: &Process, bytes: &str) {
    let args = ["--pid", &process.id().to_string(), &format!("--fsize={bytes}:")];
    assert!(Command::new("prlimit").args(args).status().unwrap().success());
}

#[test]
fn a_commit_that_cannot_be_written_leaves_nothing_and_can_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    drop(stocked(&path));
    let mut process = Process::start("disk", &path, FileLimit::Fails);
    let hear = |process: &mut Process| process.hear().expect("it has ended");
    while hear(&mut process) != "ready" {}
    let log = fs::metadata(folder.path().join("shop.db-wal")).unwrap().len();
    limit(&process, &(log + 400_000).to_string());
    process.tell();
    let mut heard = Vec::new();
    let mut failed = 0;
    while failed < 5 {
        let line = hear(&mut process);
        if matches!(line.as_str(), "unknown" | "refused") {
            failed += 1;
            if failed == 5 {
                limit(&process, "unlimited");
            }
            process.tell();
        }
        heard.push(line);
    }
    heard.extend(process.end().0);
    assert!(heard.iter().any(|line| line == "unknown"), "{heard:#?}");
    let (asked, placed) = (asked(&heard), placed(&heard));
    assert!(placed.contains_key(&asked.last().unwrap().id), "it goes on: {heard:#?}");
    assert_eq!(asked.len(), placed.len() + 5);
    assert!(placed.len() > 1, "some were placed before there was no room");
    ask_again(&open(&path), &heard);
    check_books(&path);
}
