//! The binary.

use std::process::ExitCode;

/// What a login or a validation allocates is small, short-lived and freed where it was made: this takes half the time for it that
/// the C library takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    archstone::cli::main()
}
