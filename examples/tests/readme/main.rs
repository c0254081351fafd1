//! The program in the project's README does what it says, and does it again.

mod program {
    #![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "a program that people read")]

    include!("program.rs");

    pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {
        main()
    }
}

#[test]
fn it_is_the_one_that_runs_here() {
    let shown = format!("```rust,no_run\n{}```", include_str!("program.rs"));
    assert!(include_str!("../../../README.md").contains(&shown), "the README shows another one");
}

#[test]
fn it_runs_again_on_the_same_file() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    // No other test of this program looks at a file.
    std::env::set_current_dir(&folder)?;
    for _ in 0..6 {
        program::run()?;
    }
    assert!(folder.path().join("shop.db").exists());
    Ok(())
}
