//! The binary `commerce`.

use std::process::ExitCode;

fn main() -> ExitCode {
    commerce_http::run::main()
}
