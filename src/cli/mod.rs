//! The command line: one file a command.

#![expect(clippy::print_stderr, reason = "the command line speaks to a terminal")]

mod board;
mod check;
mod control;
mod coverage;
mod output;
mod replay;
mod rules_schema;
mod serve;
mod start;
mod tap;

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
    Check(check::CheckArguments),
    Tap(tap::TapArguments),
    Replay(replay::ReplayArguments),
    /// Print the JSON Schema of a rule file, for editors.
    RulesSchema,
    /// Print what this build serves natively and why it leaves the rest to Python, as Markdown.
    Coverage,
    Status(control::StatusArguments),
    /// Raise a lane by one step.
    Promote(control::PromoteArguments),
    /// Stop the promotions of a lane.
    Hold(control::LaneArguments),
    /// Let the promotions of a lane go on.
    Release(control::LaneArguments),
    /// Take a lane back to shadow, or from shadow to off.
    Rollback(control::LaneArguments),
    /// Stop every promotion of every lane; rollbacks go on.
    Freeze(control::FreezeArguments),
    /// Let lanes rise again.
    Unfreeze(control::FreezeArguments),
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
        Command::Check(arguments) => check::run(&arguments),
        Command::Tap(arguments) => tap::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::RulesSchema => rules_schema::run(),
        Command::Coverage => coverage::run(),
        Command::Status(arguments) => control::status(&arguments),
        Command::Promote(arguments) => control::promote(&arguments),
        Command::Hold(arguments) => control::lane(&arguments, "hold"),
        Command::Release(arguments) => control::lane(&arguments, "release"),
        Command::Rollback(arguments) => control::lane(&arguments, "rollback"),
        Command::Freeze(arguments) => control::freeze(&arguments, "freeze"),
        Command::Unfreeze(arguments) => control::freeze(&arguments, "unfreeze"),
    }
}
