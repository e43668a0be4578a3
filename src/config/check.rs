//! What `crossfade check` says of a configuration: per deployment and route, exact or every reason why not.
//!
//! Pure and deterministic: deployments in the order of the file, routes in the order given, reasons as found.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::{Deployment, LiteLlmConfig, Reason, RouteScope};
use crate::routes::Route;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// The native leg answers as LiteLLM does.
    Exact,
    /// Python answers.
    Declines,
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub config_hash: String,
    /// One line a route, in the order given.
    pub summary: Vec<String>,
    pub deployments: Vec<DeploymentReport>,
    /// Entries that LiteLLM leaves out.
    pub ignored: Vec<IgnoredReport>,
    /// Keys that LiteLLM does not know: tolerated.
    pub unknown_keys: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct DeploymentReport {
    pub path: String,
    pub model_group: String,
    pub id: String,
    pub provider: String,
    pub model: String,
    pub routes: Vec<RouteReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct RouteReport {
    pub route: String,
    pub coverage: Coverage,
    /// Empty if exact.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, Serialize)]
pub struct IgnoredReport {
    pub path: String,
    pub model_group: String,
    pub text: String,
}

/// Every reason why `deployment` does not serve `route` natively; empty means exact.
pub fn reasons(config: &LiteLlmConfig, deployment: &Deployment, route: &str) -> Vec<Reason> {
    let concerns = |reason: &&Reason| match &reason.routes {
        RouteScope::All => true,
        RouteScope::Route(name) => name == route,
    };
    let providers = Route::named(route).map_or(&[][..], Route::native_providers);
    let missing = (!providers.contains(&deployment.provider.as_str())).then(|| Reason {
        path: deployment.path.clone(),
        code: if providers.is_empty() { "route_unsupported" } else { "provider_unsupported" },
        text: match providers {
            [] => "route has no native leg yet".to_owned(),
            _ => format!("the native leg does not speak to {} on this route yet", deployment.provider),
        },
        routes: RouteScope::Route(route.to_owned()),
    });
    let found: Vec<Reason> = config.reasons.iter().chain(&deployment.reasons).filter(concerns).cloned().collect();
    let is_said = |missing: &Reason| found.iter().any(|reason| reason.code == missing.code);
    missing.filter(|missing| !is_said(missing)).into_iter().chain(found.clone()).collect()
}

/// Builds the report for these routes.
pub fn check(config: &LiteLlmConfig, routes: &[&str]) -> Report {
    let deployments: Vec<DeploymentReport> =
        config.deployments.iter().map(|deployment| deployment_report(config, deployment, routes)).collect();
    Report {
        config_hash: config.hash.clone(),
        summary: routes.iter().enumerate().map(|(index, route)| summary(&deployments, index, route)).collect(),
        ignored: config
            .ignored
            .iter()
            .map(|ignored| IgnoredReport {
                path: ignored.path.clone(),
                model_group: ignored.model_name.clone(),
                text: ignored.text.clone(),
            })
            .collect(),
        unknown_keys: config.unknown_keys.clone(),
        deployments,
    }
}

fn deployment_report(config: &LiteLlmConfig, deployment: &Deployment, routes: &[&str]) -> DeploymentReport {
    let route_report = |route: &&str| {
        let reasons = reasons(config, deployment, route);
        let coverage = if reasons.is_empty() { Coverage::Exact } else { Coverage::Declines };
        RouteReport { route: (*route).to_owned(), coverage, reasons }
    };
    DeploymentReport {
        path: deployment.path.clone(),
        model_group: deployment.model_name.clone(),
        id: deployment.id.clone(),
        provider: deployment.provider.clone(),
        model: deployment.model.clone(),
        routes: routes.iter().map(route_report).collect(),
    }
}

/// A group counts as exact if all its deployments do: a request may reach any of them.
fn summary(deployments: &[DeploymentReport], index: usize, route: &str) -> String {
    let mut groups: BTreeMap<&str, bool> = BTreeMap::new();
    let mut exact = 0;
    for deployment in deployments {
        let is_exact = deployment.routes.get(index).is_some_and(|report| report.coverage == Coverage::Exact);
        exact += usize::from(is_exact);
        *groups.entry(&deployment.model_group).or_insert(true) &= is_exact;
    }
    let whole = groups.values().filter(|exact| **exact).count();
    format!("{route}: {exact} of {} deployments exact, {whole} of {} model groups", deployments.len(), groups.len())
}

impl Report {
    pub fn to_json(&self) -> String {
        // A report holds nothing that JSON cannot spell.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for deployment in &self.deployments {
            let DeploymentReport { path, model_group, provider, model, id, .. } = deployment;
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{path} {model_group} ({provider}/{model}, id {})", short(id));
            for report in &deployment.routes {
                let word = if report.coverage == Coverage::Exact { "exact" } else { "declines" };
                let _ = writeln!(out, "  {:<17}{word}", report.route);
                for reason in &report.reasons {
                    let _ = writeln!(out, "    {}: {} [{}]", reason.path, reason.text, reason.code);
                }
            }
        }
        for ignored in &self.ignored {
            let _ = writeln!(out, "{} {}: LiteLLM leaves it out: {}", ignored.path, ignored.model_group, ignored.text);
        }
        for key in &self.unknown_keys {
            let _ = writeln!(
                out,
                "{key}: LiteLLM does not know this key; chat completions send it to the provider, elsewhere it changes nothing"
            );
        }
        for line in &self.summary {
            let _ = writeln!(out, "{line}");
        }
        out
    }
}

/// Enough of a hash to find it.
fn short(id: &str) -> &str {
    if id.len() == 64 { id.get(..12).unwrap_or(id) } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::litellm::tests::config;

    const TWO: &str = "model_list:\n- model_name: a\n  litellm_params: {model: mistral/m, api_base: 'http://h/v1', api_key: k}\n  model_info: {id: one}\n- model_name: a\n  litellm_params: {model: groq/gpt-4o, api_key: k, zzz: 1}\n  model_info: {id: two}\n- model_name: b\n  litellm_params: {model: mistral/m, api_base: 'http://h/v1', api_key: k, rpm: many}\n";

    #[test]
    fn text_names_every_reason_with_its_path() {
        let config = config(TWO, &[]).expect("it loads");
        let text = check(&config, &["ocr", "messages"]).to_text();
        assert_eq!(
            text,
            "model_list[0] a (mistral/m, id one)
  ocr              exact
  messages         declines
    model_list[0]: the native leg does not speak to mistral on this route yet [provider_unsupported]
model_list[1] a (groq/gpt-4o, id two)
  ocr              declines
    model_list[1].litellm_params.model: the native leg does not speak to groq yet [provider_unsupported]
  messages         declines
    model_list[1].litellm_params.model: the native leg does not speak to groq yet [provider_unsupported]
model_list[2] b: LiteLLM leaves it out: litellm_params.rpm must be an integer
model_list[1].litellm_params.zzz: LiteLLM does not know this key; chat completions send it to the provider, elsewhere it changes nothing
ocr: 1 of 2 deployments exact, 0 of 1 model groups
messages: 0 of 2 deployments exact, 0 of 1 model groups
"
        );
    }

    #[test]
    fn json_holds_the_same() {
        let config = config(TWO, &[]).expect("it loads");
        let report: serde_json::Value = serde_json::from_str(&check(&config, &["ocr"]).to_json()).expect("JSON");
        assert_eq!(report["deployments"][0]["routes"][0]["coverage"], "exact");
        assert_eq!(report["deployments"][1]["routes"][0]["reasons"][0]["code"], "provider_unsupported");
        assert_eq!(report["unknown_keys"][0], "model_list[1].litellm_params.zzz");
        assert_eq!(report["ignored"][0]["path"], "model_list[2]");
    }
}
