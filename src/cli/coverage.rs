//! `crossfade coverage`: what this build serves natively, and what not.

use std::process::ExitCode;

use crate::routes::coverage;

pub fn run() -> ExitCode {
    let settings = coverage::settings_markdown();
    let text = "A deployment, or the whole configuration, is left to Python for";
    super::output::say(&format!("{}\n{text}\n\n{settings}", coverage::markdown()));
    ExitCode::SUCCESS
}
