//! `crossfade serve`: the router itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::start;
use crate::listener::{self, Drain, ListenerSettings, TlsFiles};
use crate::python::Upstream;
use crate::telemetry::Metrics;
use crate::telemetry::logging::{self, LogFormat};

/// Run the router in front of a LiteLLM proxy.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// LiteLLM's config.yaml; without it every request just passes through.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where LiteLLM listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4000")]
    pub upstream: String,
    /// Folder with the cutover rules, one YAML file a route.
    #[arg(long, value_name = "FOLDER", default_value = "cutover_rules")]
    pub rules: PathBuf,
    /// Folder for the evidence, the journal and the samples.
    #[arg(long, value_name = "FOLDER", default_value = "diff_reports")]
    pub reports: PathBuf,
    /// Where clients connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Where the dashboard, the API and the metrics are.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub admin: String,
    /// Where LiteLLM sends its provider traffic (see `crossfade tap`); without it nothing can be compared.
    #[arg(long, value_name = "ADDRESS")]
    pub tap: Option<String>,
    /// PEM certificate chain: clients then connect with TLS (HTTP/1.1 and HTTP/2).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Threads that serve requests [default: one a core].
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// The largest body, in bytes, that is read for a decision; larger ones stream through to LiteLLM unread.
    #[arg(long, value_name = "BYTES", default_value_t = 32 << 20)]
    pub body_limit: usize,
    /// LiteLLM's price map as JSON; `upstream` asks the running LiteLLM for it.
    #[arg(long, value_name = "FILE", default_value = "upstream")]
    pub price_map: String,
    /// How often the running LiteLLM is asked whether it is still the one configured.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub probe_interval: Duration,
    /// How long opening a connection to LiteLLM may take.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub upstream_connect_timeout: Duration,
    /// The longest silence of LiteLLM before the client gets 504.
    #[arg(long, value_name = "DURATION", default_value = "6000s", value_parser = duration)]
    pub upstream_timeout: Duration,
    /// How log lines are written; what is logged follows CROSSFADE_LOG.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// How long to go on listening after SIGTERM while readiness says 503: give balancers the time to see it.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub drain_delay: Duration,
    /// How long requests under way may take after that.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub drain_timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is not a duration; write it as 500ms, 2s, 10m or 24h"))?;
    Duration::try_from(parsed).map_err(|_| "a duration must not be negative".to_owned())
}

pub fn run(arguments: &ServeArguments) -> ExitCode {
    logging::start(arguments.log_format);
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crossfade: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &ServeArguments) -> Result<(), Box<dyn std::error::Error>> {
    let metrics = Metrics::new()?;
    let upstream =
        Arc::new(Upstream::parse(&arguments.upstream, arguments.upstream_connect_timeout, arguments.upstream_timeout)?);
    let drain = Drain::new(metrics.in_flight.clone(), arguments.drain_timeout).after(arguments.drain_delay);
    let parts = start::Parts::build(arguments, &metrics, upstream, &drain)?;
    let app = parts.run_beside(arguments, &drain)?;
    listener::run(&listener_settings(arguments), app, drain)?;
    Ok(())
}

fn listener_settings(arguments: &ServeArguments) -> ListenerSettings {
    let files = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
    ListenerSettings {
        address: arguments.listen.clone(),
        tls: files.map(|(certificate, key)| TlsFiles { certificate, key }),
        threads: arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        drain_timeout: arguments.drain_timeout,
    }
}
