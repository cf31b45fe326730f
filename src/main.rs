//! The `orch` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    orch::cli::main()
}
