//! `crossfade replay`: cases on the native leg, against what LiteLLM did or does.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use cutover::time::Date;
use transform::cost_calculator::PriceTable;

use super::output::say;
use crate::background::{read_config, targets};
use crate::config::rule_files;
use crate::replay::{self, Against, Case, Finding, Format, Replayer};

/// Run recorded cases on the native leg and compare with LiteLLM. No provider is called.
///
/// A case is a client's request, what the provider answered, and what LiteLLM did; docs/operating.md describes the file.
/// With `--against` LiteLLM is asked: start it on what `crossfade tap --tap-url` prints for the address of `--tap`.
///
/// Exit code 0: every case that the native leg serves is equal. 1: one is not, or could not be run.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The cases, one JSON object a line; `-` reads standard input.
    #[arg(value_name = "CASES")]
    cases: PathBuf,
    /// LiteLLM's config.yaml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What is compared with: `recorded` in the cases, or the address of a running LiteLLM.
    #[arg(long, value_name = "URL|recorded", default_value = "recorded")]
    against: String,
    /// Where that LiteLLM finds its providers: the tap in replay.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082")]
    tap: String,
    /// Folder with the cutover rules, for what they tolerate.
    #[arg(long, value_name = "FOLDER", default_value = "cutover_rules")]
    rules: PathBuf,
    /// LiteLLM's price map as JSON; `upstream` asks the LiteLLM of `--against`.
    #[arg(long, value_name = "FILE", default_value = "upstream")]
    price_map: String,
    /// How the findings are written.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Where they are written; standard output if absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A case that the native leg leaves to Python is a fault too.
    #[arg(long)]
    strict: bool,
}

type Fault = Box<dyn std::error::Error>;

pub fn run(arguments: &ReplayArguments) -> ExitCode {
    let found = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    match found.map_err(Fault::from).and_then(|runtime| runtime.block_on(findings(arguments))) {
        Err(error) => {
            eprintln!("crossfade: {error}");
            ExitCode::FAILURE
        }
        Ok(findings) => {
            let is_fault =
                |finding: &Finding| finding.is_fault() || (arguments.strict && finding.verdict() == "declined");
            if findings.iter().any(is_fault) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
    }
}

async fn findings(arguments: &ReplayArguments) -> Result<Vec<Finding>, Fault> {
    let cases = replay::read(&arguments.cases)?;
    let config = read_config(&arguments.config)?;
    let today = Date::from_days(jiff::Timestamp::now().as_second().unsigned_abs() / 86_400);
    let rules = rule_files::read(&arguments.rules, today);
    let rules = rules.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?.rules;
    let against = match arguments.against.as_str() {
        "recorded" => None,
        url => Some(Against::open(url, &arguments.tap, targets(&config)).await?),
    };
    let prices = prices(arguments, against.as_ref()).await?;
    let replayer = Replayer { native: replay::native(config, prices), rules, today };
    let mut findings = Vec::with_capacity(cases.len());
    for (number, case) in cases.iter().enumerate() {
        findings.push(one(&replayer, against.as_ref(), case).await);
        progress(number + 1, cases.len());
    }
    let written = replay::write(&findings, arguments.format)?;
    match &arguments.out {
        None => say(&written),
        Some(file) => {
            std::fs::write(file, written).map_err(|error| format!("failed to write {}: {error}", file.display()))?
        }
    }
    Ok(findings)
}

async fn one(replayer: &Replayer, against: Option<&Against>, case: &Case) -> Finding {
    match against {
        None => replayer.recorded(case).await,
        Some(against) => against.run(replayer, case).await,
    }
}

async fn prices(arguments: &ReplayArguments, against: Option<&Against>) -> Result<PriceTable, Fault> {
    let bytes = match (arguments.price_map.as_str(), against) {
        ("upstream", Some(against)) => against.price_map().await?,
        ("upstream", None) => {
            return Err("recorded cases need --price-map FILE: LiteLLM's model_prices_and_context_window.json".into());
        }
        (file, _) => {
            std::fs::read(file).map_err(|error| format!("failed to read the price map {file}: {error}"))?.into()
        }
    };
    Ok(PriceTable::from_price_map_json(&bytes)?)
}

/// Says on a terminal how far it is, now and then.
fn progress(done: usize, all: usize) {
    use std::io::IsTerminal;
    if std::io::stderr().is_terminal() && (done.is_multiple_of(50) || done == all) {
        eprint!("\r{done} of {all}{}", if done == all { "\n" } else { "" });
    }
}
