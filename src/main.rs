//! The `probity` program. Everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    probity::cli::run().into()
}
