//! argv -> one function -> exit code.

use std::process::ExitCode;

// Resident memory decides here: it returns pages after bursts, where the system allocator keeps them.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    crossfade::cli::run(std::env::args_os())
}
