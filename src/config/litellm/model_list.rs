//! `model_list` to deployments, by the rules of LiteLLM's router.
//!
//! Source: litellm/proxy/proxy_server.py `load_config`, litellm/router.py `set_model_list`, `_create_deployment`,
//! `_add_deployment` @ 1.102.4

use std::collections::{HashMap, HashSet};

use super::credentials::{self, Credentials};
use super::environment::Environment;
use super::model_id::generate_model_id;
use super::source::Files;
use super::{params, provider, reasons};
use crate::config::error::ConfigError;
use crate::config::python::{Dict, Node, Place, Value, str_of};
use crate::config::{Deployment, Reason, RouteScope, Secret};

/// An entry of `model_list` that LiteLLM leaves out, with a warning in its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// `model_list[3]`
    pub path: String,
    pub model_name: String,
    /// One sentence for the operator.
    pub text: String,
}

/// What became of `model_list`.
#[derive(Default)]
pub struct Deployments {
    pub served: Vec<Deployment>,
    pub ignored: Vec<Ignored>,
    /// Paths of parameters that LiteLLM does not know.
    pub unknown_keys: Vec<String>,
}

/// Builds every deployment. References were resolved once already, over the whole file.
pub fn build(root: &Dict, files: &Files, environment: &mut Environment<'_>) -> Result<Deployments, ConfigError> {
    let mut built = Deployments::default();
    let credentials = credentials::read(root, files)?;
    let Some(node) = root.get("model_list").filter(|node| node.value.is_true()) else {
        return Ok(built);
    };
    let entries = node.list().ok_or_else(|| {
        files.error(node.place, "model_list", "must be a list", "write each model as `- model_name: …`")
    })?;
    let mut builder =
        Builder { files, environment, shared_ids: HashMap::new(), shared_entries: HashSet::new(), credentials };
    for (index, entry) in entries.iter().enumerate() {
        builder.entry(entry, format!("model_list[{index}]"), &mut built)?;
    }
    mark_shared_ids(&mut built.served);
    mark_changed_models(&mut built.served);
    Ok(built)
}

struct Builder<'a, 'e> {
    files: &'a Files,
    environment: &'a mut Environment<'e>,
    /// LiteLLM writes a generated id into `model_info`; entries that share one by an anchor share its id too.
    shared_ids: HashMap<u64, String>,
    shared_entries: HashSet<u64>,
    credentials: Credentials,
}

/// An entry whose shape LiteLLM relies on.
struct Entry<'a> {
    path: String,
    place: Place,
    model_name: &'a str,
    litellm_params: Dict,
    model_info: Option<(&'a Dict, u64)>,
    rest: &'a Dict,
}

impl Builder<'_, '_> {
    fn entry(&mut self, node: &Node, path: String, built: &mut Deployments) -> Result<(), ConfigError> {
        let entry = self.shape(node, path)?;
        let (id, declared) = self.id(&entry)?;
        let no_info = Dict::default();
        let info = entry.model_info.map_or(&no_info, |(dict, _)| dict);
        match self.rejection(&entry, info)? {
            Some(text) => {
                built.ignored.push(Ignored { path: entry.path, model_name: entry.model_name.to_owned(), text });
            }
            None => self.serve(entry, id, declared, built),
        }
        Ok(())
    }

    fn shape<'a>(&mut self, node: &'a Node, path: String) -> Result<Entry<'a>, ConfigError> {
        let files = self.files;
        let wrong = |at: Place, what: &str, problem: &str, remedy: &str| {
            let full = if what.is_empty() { path.clone() } else { format!("{path}.{what}") };
            files.error(at, full, problem, remedy)
        };
        let dict = node
            .dict()
            .ok_or_else(|| wrong(node.place, "", "must be a mapping", "give it model_name and litellm_params"))?;
        if node.object != 0 && !self.shared_entries.insert(node.object) {
            let remedy = "repeat its content, or share only its litellm_params";
            return Err(wrong(node.place, "", "is an alias of another entry, which LiteLLM cannot start with", remedy));
        }
        let name = dict
            .get("model_name")
            .ok_or_else(|| wrong(node.place, "model_name", "is missing", "name the group that clients ask for"))?;
        let model_name =
            name.text().ok_or_else(|| wrong(name.place, "model_name", "must be text", "put it in quotes"))?;
        let params = dict
            .get("litellm_params")
            .ok_or_else(|| wrong(node.place, "litellm_params", "is missing", "give it at least a model"))?;
        let mut litellm_params = params
            .dict()
            .ok_or_else(|| wrong(params.place, "litellm_params", "must be a mapping", "give it at least a model"))?
            .clone();
        // LiteLLM resolves references twice more here, so a variable may name another one.
        for _ in 0..2 {
            litellm_params.values_mut().for_each(|node| self.environment.resolve_one(node));
        }
        match litellm_params.get("model").map(|model| &model.value) {
            Some(Value::Text(_)) => {}
            Some(_) => {
                return Err(wrong(params.place, "litellm_params.model", "must be text", "write provider/model"));
            }
            None => {
                return Err(wrong(params.place, "litellm_params.model", "is missing", "write provider/model"));
            }
        }
        let model_info = match dict.get("model_info") {
            None => None,
            Some(info) => Some((
                info.dict().ok_or_else(|| {
                    wrong(info.place, "model_info", "must be a mapping", "remove the key or give it fields")
                })?,
                info.object,
            )),
        };
        Ok(Entry { path, place: node.place, model_name, litellm_params, model_info, rest: dict })
    }

    /// The id, and whether the file names it. None: LiteLLM draws a random one at every start.
    fn id(&mut self, entry: &Entry<'_>) -> Result<(Option<String>, bool), ConfigError> {
        if let Some((info, object)) = entry.model_info {
            if let Some(declared) = info.get("id") {
                let id = if declared.is_none() { None } else { Some(str_of(&declared.value)) };
                return Ok((id, true));
            }
            if let Some(shared) = self.shared_ids.get(&object) {
                return Ok((Some(shared.clone()), false));
            }
        }
        let id = generate_model_id(entry.model_name, &entry.litellm_params).map_err(|problem| {
            let text = format!("a nested mapping has a key of type {}", problem.key_type);
            self.files.error(entry.place, format!("{}.litellm_params", entry.path), text, "put the key in quotes")
        })?;
        if let Some((_, object)) = entry.model_info
            && object != 0
        {
            self.shared_ids.insert(object, id.clone());
        }
        Ok((Some(id), false))
    }

    /// Why LiteLLM leaves the entry out.
    fn rejection(&self, entry: &Entry<'_>, info: &Dict) -> Result<Option<String>, ConfigError> {
        if let Some((name, expected)) = params::unacceptable(&entry.litellm_params) {
            return Ok(Some(format!("litellm_params.{name} must be {expected}")));
        }
        if let Some((name, expected)) = params::unacceptable_info(info) {
            return Ok(Some(format!("model_info.{name} must be {expected}")));
        }
        Ok(self.inactive(info))
    }

    fn inactive(&self, info: &Dict) -> Option<String> {
        const KNOWN: [&str; 3] = ["development", "staging", "production"];
        let wanted = info.get("supported_environments").filter(|node| !node.is_none())?;
        let here = self.environment.text("LITELLM_ENVIRONMENT");
        let Some(items) = wanted.list() else {
            return Some("model_info.supported_environments must be a list".to_owned());
        };
        let Some(here) = here.filter(|name| KNOWN.contains(&name.as_str())) else {
            return Some("model_info.supported_environments needs LITELLM_ENVIRONMENT to be set".to_owned());
        };
        if items.iter().any(|item| item.text().is_none_or(|name| !KNOWN.contains(&name))) {
            return Some(format!("model_info.supported_environments may only name {}", KNOWN.join(", ")));
        }
        let active = items.iter().any(|item| item.text() == Some(here.as_str()));
        (!active).then(|| format!("it is not meant for LITELLM_ENVIRONMENT={here}"))
    }

    fn serve(&self, entry: Entry<'_>, id: Option<String>, id_is_declared: bool, built: &mut Deployments) {
        let params = &entry.litellm_params;
        let text = |name: &str| params.get(name).and_then(Node::text).map(str::to_owned);
        let litellm_model = text("model").unwrap_or_default();
        let resolved =
            provider::resolve(&litellm_model, text("custom_llm_provider").as_deref(), text("api_base").as_deref());
        if resolved.as_ref().is_some_and(|found| found.provider.is_empty()) {
            let text = "LiteLLM knows the host of its api_base but no provider for it".to_owned();
            built.ignored.push(Ignored { path: entry.path, model_name: entry.model_name.to_owned(), text });
            return;
        }
        let mut findings = reasons::of_deployment(&entry.path, params, entry.model_info.map(|(info, _)| info));
        if id.is_none() {
            let text = "LiteLLM draws a new id at every start because this is null";
            findings.add(format!("{}.model_info.id", entry.path), "model_id_random", text);
        }
        if entry.model_name.contains('*') {
            let text = "a group of names that LiteLLM matches by pattern";
            findings.add(format!("{}.model_name", entry.path), "wildcard_group", text);
        }
        if !resolved.as_ref().is_some_and(|found| found.certain) {
            let text = "only LiteLLM's price map tells the provider of this model name";
            findings.add(format!("{}.litellm_params.model", entry.path), "provider_uncertain", text);
        }
        let (provider, model) = resolved
            .map_or_else(|| ("unknown".to_owned(), litellm_model.clone()), |found| (found.provider, found.model));
        if provider == "anthropic" && ["claude-2", "claude-instant"].iter().any(|old| model.starts_with(old)) {
            let text = "LiteLLM calls this model by Anthropic's older API";
            findings.add(format!("{}.litellm_params.model", entry.path), "provider_unsupported", text);
        }
        let connection = credentials::connection(&provider, params, &self.credentials, self.environment);
        connection.report(&entry.path, &provider, self.environment, &mut findings);
        let (json, info) = (params.to_json(), entry.model_info.map(|(info, _)| info.to_json()).unwrap_or_default());
        reasons::of_route(&provider, &entry.path, &json, &info, &mut findings);
        reasons::of_count(&provider, &json, connection.api_base.as_deref(), &mut findings);
        built.unknown_keys.append(&mut findings.unknown_keys);
        let copies = params.get("organization").and_then(Node::list).map_or(1, <[Node]>::len);
        let deployment = Deployment {
            id: id.unwrap_or_default(),
            model_name: entry.model_name.to_owned(),
            provider,
            model,
            api_base: connection.api_base,
            api_key: connection.api_key.map(Secret::new),
            timeout: number(params, "timeout"),
            stream_timeout: number(params, "stream_timeout"),
            num_retries: params
                .get("num_retries")
                .and_then(|node| params::as_int(&node.value))
                .and_then(|count| u32::try_from(count).ok()),
            weight: number(params, "weight"),
            // A limit beside litellm_params counts where litellm_params has none.
            rpm: number(params, "rpm").or_else(|| number(entry.rest, "rpm")),
            tpm: number(params, "tpm").or_else(|| number(entry.rest, "tpm")),
            params: json,
            model_info: info,
            id_is_declared,
            place: entry.place,
            litellm_model,
            path: entry.path,
            reasons: findings.reasons,
        };
        built.served.extend(vec![deployment; copies]);
    }
}

fn number(dict: &Dict, name: &str) -> Option<f64> {
    dict.get(name).and_then(|node| params::as_float(&node.value))
}

/// Two deployments with one id share cooldowns and counters in LiteLLM, which the native leg does not imitate.
fn mark_shared_ids(served: &mut [Deployment]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for deployment in served.iter() {
        *counts.entry(deployment.id.clone()).or_default() += 1;
    }
    for deployment in served.iter_mut().filter(|deployment| counts.get(&deployment.id).is_some_and(|count| *count > 1))
    {
        deployment.reasons.push(Reason {
            path: deployment.path.clone(),
            code: "shared_model_id",
            text: "another deployment has the same id".to_owned(),
            routes: RouteScope::All,
        });
    }
}

/// LiteLLM writes these of a deployment's `model_info` into its one entry for the model, which all of the model's deployments
/// then read.
const ENTRY_KEYS: [&str; 2] = ["mode", "litellm_provider"];

fn mark_changed_models(served: &mut [Deployment]) {
    let mut changes: Vec<(String, String, String, Reason)> = Vec::new();
    for deployment in served.iter() {
        let paths = ENTRY_KEYS.map(|key| format!("{}.model_info.{key}", deployment.path));
        let found = deployment.reasons.iter().filter(|reason| paths.contains(&reason.path)).cloned();
        let of = |reason| (deployment.path.clone(), deployment.provider.clone(), deployment.model.clone(), reason);
        changes.extend(found.map(of));
    }
    for (path, provider, model, reason) in changes {
        let alike = |other: &&mut Deployment| other.provider == provider && other.model == model && other.path != path;
        for other in served.iter_mut().filter(alike) {
            let text = "another deployment changes LiteLLM's entry for this model".to_owned();
            other.reasons.push(Reason { text, ..reason.clone() });
        }
    }
}
