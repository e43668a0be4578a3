//! `crossfade tap`: LiteLLM's configuration with its provider traffic led through the tap.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::say;
use crate::config::litellm::read_file;
use crate::config::tap_config::tap_config;

/// Print LiteLLM's configuration with its provider traffic led through Crossfade's tap.
///
/// Start LiteLLM on the output; Crossfade itself reads the original. Model ids stay as they were and references to the
/// environment stay references. A key that is written in the file itself is printed as it stands: keep the output private.
#[derive(Debug, Args)]
pub struct TapArguments {
    /// LiteLLM's config.yaml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where LiteLLM reaches the tap of `crossfade serve --tap`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082")]
    tap_url: String,
}

pub fn run(arguments: &TapArguments) -> ExitCode {
    match tap_config(&arguments.config, &arguments.tap_url, &read_file, &|name| std::env::var(name).ok()) {
        Ok(tapped) => {
            tapped.warnings.iter().for_each(|warning| eprintln!("crossfade: {warning}"));
            say(&tapped.yaml);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("crossfade: {error}");
            ExitCode::FAILURE
        }
    }
}
