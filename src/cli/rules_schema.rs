//! `crossfade rules-schema`: the JSON Schema of a rule file, for editors.

use std::process::ExitCode;

use cutover::rules::RuleFile;

pub fn run() -> ExitCode {
    match serde_json::to_string_pretty(&schemars::schema_for!(RuleFile)) {
        Ok(text) => {
            super::output::say(&format!("{text}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("crossfade: {error}");
            ExitCode::FAILURE
        }
    }
}
