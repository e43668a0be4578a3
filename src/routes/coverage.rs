//! What this build serves natively, and why it leaves the rest to Python: data, and its Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Route;
use crate::config::litellm::declining_settings;
use crate::native::Decline;

/// A route with one provider.
#[derive(Debug)]
pub struct Native {
    pub route: Route,
    /// By LiteLLM's name.
    pub provider: &'static str,
    /// What is in it, in a line.
    pub covers: &'static str,
}

pub const NATIVE: &[Native] = &[
    Native { route: Route::Ocr, provider: "mistral", covers: "JSON and multipart, annotations, redirects" },
    Native {
        route: Route::Messages,
        provider: "anthropic",
        covers: "tools, thinking, betas, citations, server tools, histories as LiteLLM repairs them; streams with LiteLLM's hold-back, silences and pings",
    },
    Native {
        route: Route::CountTokens,
        provider: "anthropic",
        covers: "asked of Anthropic once; counted with LiteLLM's tokenizers where it doesn't tell. Never mirrored: LiteLLM asks past every tap",
    },
    Native {
        route: Route::CountTokens,
        provider: "mistral",
        covers: "counted with LiteLLM's tokenizers, without a provider",
    },
    Native {
        route: Route::ChatCompletions,
        provider: "anthropic",
        covers: "the translation both ways: tools and their results, images and documents, JSON mode, thinking and effort, cache marks, server tools, citations; streams chunk by chunk",
    },
    Native {
        route: Route::ChatCompletions,
        provider: "openai",
        covers: "tools, parallel calls, JSON schemas, vision, files and sound, `n`, `logprobs`, the rules of reasoning models, dropped and refused parameters; streams chunk by chunk, with usage and cost",
    },
];

/// The tables that README shows: what is native, and when a request is left to Python.
pub fn markdown() -> String {
    let mut out = String::from("| route | paths | provider | native |\n|---|---|---|---|\n");
    for route in Route::ALL {
        let paths: Vec<String> = route.paths().iter().map(|path| format!("`{path}`")).collect();
        let native: Vec<&Native> = NATIVE.iter().filter(|native| native.route == route).collect();
        for Native { provider, covers, .. } in &native {
            let _ = writeln!(out, "| `{}` | {} | {provider} | {covers} |", route.as_str(), paths.join(", "));
        }
        let others = if native.is_empty() { "all" } else { "every other" };
        let _ = writeln!(out, "| `{}` | {} | {others} | no: Python |", route.as_str(), paths.join(", "));
    }
    out.push_str("| everything else | UI and websockets included | | no: Python, untouched |\n");
    out.push_str("\nEvery native route has LiteLLM's retries and back-off, `Retry-After`, time-outs, cost and `x-litellm-*` headers and ");
    out.push_str("every error status, before and inside a stream; of all these LiteLLM's `count_tokens` has none.\n\nA request is left to Python, before anything was sent, when\n\n");
    out.push_str("| `crossfade_declined_total` says | because |\n|---|---|\n");
    for decline in Decline::all() {
        let _ = writeln!(out, "| `{}` | {} |", decline.reason(), decline.meaning());
    }
    out
}

/// The table that `docs/parity.md` shows: which settings leave a deployment, or everything, to Python.
pub fn settings_markdown() -> String {
    let mut out = String::from("| `crossfade check` says | settings |\n|---|---|\n");
    let mut settings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (code, setting) in declining_settings() {
        settings.entry(code).or_default().push(format!("`{setting}`"));
    }
    for (code, names) in settings {
        let _ = writeln!(out, "| `{code}` | {} |", names.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_served() {
        for route in Route::ALL {
            let told: Vec<&str> =
                NATIVE.iter().filter(|native| native.route == route).map(|native| native.provider).collect();
            assert_eq!(told, route.native_providers(), "{route:?}");
            for path in route.paths() {
                let path = path.replace("{model}", "m");
                assert_eq!(Route::of(&http::Method::POST, &path), Some(route), "{path}");
            }
        }
    }
}
