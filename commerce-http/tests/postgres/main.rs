//! The program on PostgreSQL: several servers on one shop, and all that can be wrong with a database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../../../commerce-sqlx/tests/common/mod.rs"]
mod common;
#[path = "../support/mod.rs"]
mod support;

mod buyers;
mod campaigns;
mod refused;
mod relay;
mod scarce;
mod servers;
mod sweeps;

use std::{path::Path, process::Command};

use support::commerce;

/// Whether these tests are knowingly left out, for want of a server.
pub(crate) fn left_out() -> bool {
    std::env::var("TEST_WITHOUT_POSTGRES").is_ok_and(|value| value == "1")
}

/// The program, which is told to take a server that tests were given for their speed.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = commerce(folder);
    command.env("COMMERCE_POSTGRES_ALLOW_DATA_LOSS", "true");
    command
}

/// What a command says: its exit status, standard output and standard error.
pub(crate) fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}
