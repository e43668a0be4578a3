//! `crossfade check`: what the native leg would serve, and every reason why not.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use cutover::time::Date;
use serde_json::json;

use super::output::say;
use crate::background::read_config;
use crate::config::check;
use crate::config::rule_files::{self, RuleFolder};
use crate::routes::Route;

/// Validate LiteLLM's configuration and the rules, and say per deployment and route whether the native leg would serve it.
///
/// Exit code 0: both are valid. 1: one is not.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// LiteLLM's config.yaml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder with the cutover rules.
    #[arg(long, value_name = "FOLDER", default_value = "cutover_rules")]
    rules: PathBuf,
    /// How the findings are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(arguments: &CheckArguments) -> ExitCode {
    let today = Date::from_days(jiff::Timestamp::now().as_second().unsigned_abs() / 86_400);
    let rules = rule_files::read(&arguments.rules, today);
    let config = read_config(&arguments.config);
    let routes: Vec<&str> = Route::ALL.iter().map(|route| route.as_str()).collect();
    let report = config.as_ref().map(|config| check::check(config, &routes));
    let rule_faults: Vec<String> = rules.as_ref().err().into_iter().flatten().map(ToString::to_string).collect();
    match arguments.format {
        Format::Json => {
            print_json(report.as_ref(), config.as_ref().err().map(ToString::to_string), &rules, &rule_faults)
        }
        Format::Text => {
            match (&report, &config) {
                (Ok(report), _) => say(&report.to_text()),
                (Err(error), _) => eprintln!("crossfade: {error}"),
            }
            rule_faults.iter().for_each(|fault| eprintln!("crossfade: {fault}"));
            if let Ok(folder) = &rules {
                say(&format!("rules: {} files in {}\n", folder.files.len(), arguments.rules.display()));
                folder.warnings.iter().for_each(|warning| say(&format!("  warning: {warning}\n")));
            }
        }
    }
    if report.is_ok() && rule_faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_json<E: std::fmt::Display, F>(
    report: Result<&check::Report, E>,
    config_error: Option<String>,
    rules: &Result<RuleFolder, F>,
    rule_faults: &[String],
) {
    let folder = rules.as_ref().ok();
    let whole = json!({
        "config": report.ok(),
        "config_error": config_error,
        "rules": {
            "files": folder.map(|folder| folder.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>()),
            "hash": folder.map(|folder| &folder.hash),
            "warnings": folder.map(|folder| &folder.warnings),
            "errors": rule_faults,
        },
    });
    say(&format!("{whole:#}\n"));
}
