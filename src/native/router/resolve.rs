//! From the model a client names to the deployments that may serve it.

use crate::config::{Deployment, LiteLlmConfig};
use crate::native::Decline;
use crate::routes::Route;

/// The deployments one request may be led to.
#[derive(Debug)]
pub struct Reach<'a> {
    pub candidates: Vec<&'a Deployment>,
    /// The client named a deployment by its id: LiteLLM then retries nothing.
    pub pinned: bool,
}

impl Reach<'_> {
    /// Deployments that LiteLLM counts when it decides about a retry: none if one was named by its id.
    pub fn retry_deployments(&self) -> usize {
        if self.pinned { 0 } else { self.candidates.len() }
    }
}

/// Finds the candidates of `model`: a deployment's id, else an alias of a group, else a group by its exact name.
///
/// Errors  unknown names, wildcards and `provider/model` names, which LiteLLM resolves or refuses in other ways, and a group
///         of which any deployment has a reason for this route, because a retry may land on it.
/// Source  LiteLLM 1.102.4 `router.py` `_common_checks_available_deployment`
pub fn resolve<'a>(config: &'a LiteLlmConfig, route: &str, model: &str) -> Result<Reach<'a>, Decline> {
    if config.reasons.iter().any(|reason| reason.routes.concerns(route)) {
        return Err(Decline::Configuration);
    }
    if !model.is_ascii() {
        // Headers tell it, in another encoding.
        return Err(Decline::UnknownModel);
    }
    let by_id: Vec<&Deployment> = config.deployments.iter().filter(|one| one.id == model).collect();
    let pinned = !by_id.is_empty();
    let candidates = if pinned { by_id } else { group(config, model) };
    if candidates.is_empty() || (pinned && candidates.len() > 1) {
        return Err(Decline::UnknownModel);
    }
    let speaks = |one: &&Deployment| {
        Route::named(route).is_some_and(|route| route.native_providers().contains(&one.provider.as_str()))
    };
    let eligible = |one: &&Deployment| {
        speaks(one) && one.litellm_model.is_ascii() && !one.reasons.iter().any(|reason| reason.routes.concerns(route))
    };
    if candidates.iter().all(eligible) { Ok(Reach { candidates, pinned }) } else { Err(Decline::Deployment) }
}

fn group<'a>(config: &'a LiteLlmConfig, model: &str) -> Vec<&'a Deployment> {
    let alias = config.aliases.iter().find(|(alias, _)| alias == model);
    let group = alias.map_or(model, |(_, group)| group.as_str());
    if group.contains('*') {
        return Vec::new();
    }
    config.deployments.iter().filter(|one| one.model_name == group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reason, RouteScope};
    use crate::native::tests_support::deployment;

    fn reason(routes: RouteScope) -> Reason {
        Reason { path: "p".into(), code: "c", text: "t".into(), routes }
    }

    fn config() -> LiteLlmConfig {
        let named = |id: &str, group: &str| {
            let mut one = deployment(id);
            one.model_name = group.into();
            one
        };
        let mut config = LiteLlmConfig {
            deployments: vec![
                named("1", "g"),
                named("2", "g"),
                named("3", "bad"),
                named("4", "m/*"),
                named("5", "chatty"),
            ],
            aliases: vec![("al".into(), "g".into()), ("lost".into(), "nowhere".into())],
            ..LiteLlmConfig::default()
        };
        config.deployments[2].reasons.push(reason(RouteScope::All));
        config.deployments[4].reasons.push(reason(RouteScope::Route("chat_completions".into())));
        config
    }

    #[test]
    fn names_lead_to_deployments() {
        let config = config();
        let check = |model, expect: Result<(&[&str], bool), Decline>| {
            let found = resolve(&config, "ocr", model);
            let found = found
                .map(|reach| (reach.candidates.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), reach.pinned));
            assert_eq!(found, expect.map(|(ids, pinned)| (ids.to_vec(), pinned)), "{model}");
        };
        check("g", Ok((&["1", "2"], false)));
        check("al", Ok((&["1", "2"], false)));
        check("1", Ok((&["1"], true)));
        check("chatty", Ok((&["5"], false)));
        check("lost", Err(Decline::UnknownModel));
        check("nope", Err(Decline::UnknownModel));
        check("m/x", Err(Decline::UnknownModel));
        check("m/*", Err(Decline::UnknownModel));
        check("bad", Err(Decline::Deployment));
        check("3", Err(Decline::Deployment));
    }

    #[test]
    fn a_reason_of_the_whole_configuration_declines_all() {
        let mut config = config();
        config.reasons.push(reason(RouteScope::Route("ocr".into())));
        assert_eq!(resolve(&config, "ocr", "g").unwrap_err(), Decline::Configuration);
        config.deployments.iter_mut().for_each(|one| one.provider = "anthropic".to_owned());
        assert!(resolve(&config, "messages", "g").is_ok());
    }
}
