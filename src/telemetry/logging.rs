//! Log lines: to standard error, as text or JSON, never a key, a prompt or a body.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts logging. The filter is `CROSSFADE_LOG`, as in `info` or `crossfade=debug`.
pub fn start(format: LogFormat) {
    // Pingora prints request lines with their query at `error`; ours says the same without them.
    let filter = EnvFilter::try_from_env("CROSSFADE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,pingora=error,pingora_core=error,pingora_proxy=error"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start, as in tests, keeps the first one's settings.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
