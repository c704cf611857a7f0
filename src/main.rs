//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    archstone::cli::main()
}
