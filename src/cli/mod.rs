//! The command line: one file a command.

mod serve;
mod start;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A shadow-and-cutover router in front of LiteLLM.
///
/// Clients talk to Crossfade; every request goes through to LiteLLM until Crossfade has shown, on your own traffic,
/// that its native path answers the same. Then it shifts that route, by percentage, and takes it back when parity breaks.
#[derive(Debug, Parser)]
#[command(name = "crossfade", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::ServeArguments>),
}

/// Runs one command and tells the shell how it went: 0 done, 1 found a fault, 2 could not be understood.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match arguments.command {
        Command::Serve(arguments) => serve::run(&arguments),
    }
}
