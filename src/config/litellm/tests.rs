//! Whole configurations against what the real LiteLLM made of them (`tests/oracle/model_ids.py` asks it).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

fn corpus(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/config").join(below)
}

fn environment_of(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join("environment.json")).expect("environment.json");
    serde_json::from_str(&text).expect("a JSON object")
}

/// Parses `text` as the only file, in an environment of `variables`.
pub(crate) fn config(text: &str, variables: &[(&str, &str)]) -> Result<LiteLlmConfig, ConfigError> {
    let read = |path: &Path| Ok(path.ends_with("config.yaml").then(|| text.as_bytes().to_vec()));
    let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    load_with(Path::new("/etc/config.yaml"), &read, &env)
}

#[test]
fn deployments_and_ids_are_those_of_the_running_litellm() {
    let folder = corpus("ids");
    let variables = environment_of(&folder);
    let config = load(&folder.join("config.yaml"), &|name| variables.get(name).cloned()).expect("it loads");
    let mut expected: Vec<(String, String)> =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).expect("expected.json"))
            .expect("pairs of group and id");
    let mut found: Vec<(String, String)> = config
        .deployments
        .iter()
        // Whether LiteLLM finds these in its price map, and drops them if not, only the running one can say.
        .filter(|deployment| !deployment.reasons.iter().any(|reason| reason.code == "provider_uncertain"))
        .map(|deployment| (deployment.model_name.clone(), deployment.id.clone()))
        .collect();
    expected.retain(|(name, _)| name != "by-name");
    // LiteLLM lists a wildcard by the models of its price map, each row with the wildcard's id.
    let mut expected: Vec<(String, String)> = expected
        .into_iter()
        .map(|(name, id)| if name.starts_with("wild/") { ("wild/*".to_owned(), id) } else { (name, id) })
        .collect();
    expected.dedup_by(|left, right| left == right && left.0 == "wild/*");
    found.sort();
    expected.sort();
    let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
    let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    assert_eq!(found.len(), expected.len());
}

const MODEL: &str = "model_list:\n- model_name: ocr\n  litellm_params: {model: mistral/mistral-ocr-latest, api_base: 'http://127.0.0.1:9/v1', api_key: k}\n";

/// Every reason as `path code`, the configuration's before the deployments'.
fn reasons(config: &LiteLlmConfig) -> Vec<String> {
    let of_deployments = config.deployments.iter().flat_map(|deployment| &deployment.reasons);
    config.reasons.iter().chain(of_deployments).map(|reason| format!("{} {}", reason.path, reason.code)).collect()
}

#[test]
fn settings_that_change_nothing_native_do_not_decline() {
    for settings in [
        "litellm_settings: {num_retries: 0, drop_params: true, request_timeout: 30}\nrouter_settings: {disable_cooldowns: true, num_retries: 0}\ngeneral_settings: {master_key: sk-1234}\n",
        "litellm_settings: {set_verbose: true, json_logs: true, telemetry: false, allowed_fails: 3, callbacks: [], cache: false, cache_params: {type: redis}}\n",
        "router_settings: {routing_strategy: simple-shuffle, model_group_alias: {a: ocr}, retry_after: 1, timeout: 30, allowed_fails: 2, cooldown_time: 60, fallbacks: [], enable_pre_call_checks: false}\n",
        "general_settings: {master_key: k, background_health_checks: true, store_model_in_db: false, proxy_batch_write_at: 60, pass_through_endpoints: [{path: /v1/rerank, target: 'https://x'}]}\n",
        "litellm_settings:\nrouter_settings:\ngeneral_settings:\n",
        "nonsense: 1\nlitellm_settings: {nobody_knows_this: true}\ngeneral_settings: {nor_this: 1}\nrouter_settings: {or_that: 1}\n",
    ] {
        let config =
            config(&format!("{MODEL}{settings}"), &[("SSL_CERT_FILE", "/x"), ("JITTER", "0.75")]).expect(settings);
        assert_eq!(reasons(&config), [""; 0], "{settings}");
    }
}

#[test]
fn settings_that_change_something_decline_with_their_path() {
    for (settings, expected) in [
        ("litellm_settings: {callbacks: [prometheus]}", "litellm_settings.callbacks callbacks"),
        ("litellm_settings: {success_callback: [langfuse]}", "litellm_settings.success_callback callbacks"),
        ("litellm_settings: {request_timeout: '30'}", "litellm_settings.request_timeout not_a_number"),
        ("router_settings: {num_retries: many}", "router_settings.num_retries not_a_number"),
        ("litellm_settings: {cache: true}", "litellm_settings.cache cache"),
        ("litellm_settings: {ssl_verify: false}", "litellm_settings.ssl_verify tls"),
        ("litellm_settings: {allowed_fails: 5}", "litellm_settings.allowed_fails cooldown_policy"),
        ("litellm_settings: {default_fallbacks: [x]}", "litellm_settings.default_fallbacks fallbacks"),
        ("litellm_settings: {network_mock: true}", "litellm_settings.network_mock unproven_setting"),
        ("router_settings: {routing_strategy: least-busy}", "router_settings.routing_strategy routing_strategy"),
        ("router_settings: {redis_host: h}", "router_settings.redis_host redis"),
        ("router_settings: {retry_policy: {TimeoutErrorRetries: 3}}", "router_settings.retry_policy retries"),
        ("router_settings: {enable_pre_call_checks: true}", "router_settings.enable_pre_call_checks pre_call_checks"),
        ("general_settings: {database_url: 'postgres://x'}", "general_settings.database_url database"),
        ("general_settings: {custom_auth: a.b}", "general_settings.custom_auth custom_auth"),
        ("general_settings: {max_parallel_requests: 0}", "general_settings.max_parallel_requests rate_limit"),
        (
            "general_settings: {pass_through_endpoints: [{path: /ocr}]}",
            "general_settings.pass_through_endpoints[0].path pass_through",
        ),
        ("guardrails: [{guardrail_name: g}]", "guardrails guardrails"),
        ("router_settings: {default_priority: 3}", "router_settings.default_priority rate_limit"),
    ] {
        let config = config(&format!("{MODEL}{settings}\n"), &[]).expect(settings);
        assert_eq!(reasons(&config), [expected], "{settings}");
    }
}

#[test]
fn the_address_that_clients_are_told_is_the_files() {
    for (params, variable, expected) in [
        ("model: openai/m, api_base: 'http://h/v1'", "", "http://h/v1"),
        ("model: openai/m", "", "https://api.openai.com"),
        ("model: openai/m", "OPENAI_BASE_URL", "https://api.openai.com"),
        ("model: anthropic/m, api_base: 'http://h'", "ANTHROPIC_BASE_URL", "http://h"),
        ("model: anthropic/m", "", ""),
        ("model: anthropic/m", "ANTHROPIC_BASE_URL", ""),
    ] {
        let text = format!("model_list:\n- model_name: a\n  litellm_params: {{{params}, api_key: k}}\n");
        let config = config(&text, &[(variable, "http://elsewhere")]).expect(&text);
        assert_eq!(config.deployments[0].told_api_base(), expected, "{params} {variable}");
    }
}

#[test]
fn cooldowns_are_followed_unless_a_deployment_has_its_own_or_there_are_very_many() {
    let check = |count: usize, model_info: &str, router: &str, expected: Option<&str>| {
        let entry = |number| {
            let params = "{model: anthropic/claude-sonnet-4-5, api_key: k}";
            format!("- {{model_name: g{number}, litellm_params: {params}, model_info: {{{model_info}}}}}\n")
        };
        let models: String = (0..count).map(entry).collect();
        let config = config(&format!("model_list:\n{models}router_settings: {{{router}}}\n"), &[]).unwrap();
        for deployment in &config.deployments {
            let found = deployment.reasons.iter().find(|reason| reason.code == "cooldown_policy");
            assert_eq!(
                found.map(|reason| reason.path.rsplit('.').next().unwrap()),
                expected,
                "{count} {model_info} {router}"
            );
            assert!(found.is_none_or(|reason| reason.routes.concerns("messages") && !reason.routes.concerns("ocr")));
        }
    };
    check(32, "", "", None);
    check(33, "", "", Some("disable_cooldowns"));
    check(33, "", "disable_cooldowns: true", None);
    check(1, "", "allowed_fails: 1, cooldown_time: 30", None);
    for own in ["cooldown_time: 3", "allowed_fails: 0", "allowed_fails_policy: {TimeoutErrorAllowedFails: 1}"] {
        check(1, own, "", own.split(':').next());
    }
}

/// LiteLLM counts at Anthropic's own address, and the key of another host is not for us to take there.
#[test]
fn the_key_of_another_host_is_not_taken_to_anthropic_to_count() {
    for (params, variable, declines) in [
        ("model: anthropic/m", None, false),
        ("model: anthropic/m", Some("https://api.anthropic.com"), false),
        ("model: anthropic/m", Some("http://elsewhere"), true),
        ("model: anthropic/m, api_base: 'https://api.anthropic.com/'", Some("http://elsewhere"), false),
        ("model: anthropic/m, api_base: 'http://elsewhere'", None, true),
        ("model: mistral/m, api_base: 'http://elsewhere/v1'", None, false),
    ] {
        let text = format!("model_list:\n- model_name: a\n  litellm_params: {{{params}, api_key: k}}\n");
        let variables: Vec<_> = variable.map(|base| ("ANTHROPIC_API_BASE", base)).into_iter().collect();
        let config = config(&text, &variables).expect(&text);
        let of_counts = config.deployments[0].reasons.iter().filter(|reason| reason.routes.concerns("count_tokens"));
        let found: Vec<&str> = of_counts.map(|reason| reason.code).collect();
        assert_eq!(found, ["deployment_connection"][..usize::from(declines)], "{params} {variable:?}");
        assert!(!config.deployments[0].reasons.iter().any(|reason| reason.routes.concerns("messages")), "{params}");
    }
}

#[test]
fn the_environment_declines_where_it_changes_something() {
    for (name, value, expected) in [
        ("DATABASE_URL", "postgres://x", "environment.DATABASE_URL database"),
        ("REDIS_HOST", "h", "environment.REDIS_HOST redis"),
        ("JITTER", "0", "environment.JITTER tuning"),
        ("HTTP_PROXY", "http://p", "environment.HTTP_PROXY outbound_proxy"),
        ("http_proxy", "http://p", "environment.http_proxy outbound_proxy"),
        ("HTTPS_PROXY", "http://p", ""),
        ("SSL_VERIFY", "false", ""),
        ("USE_LITELLM_PROXY", "False", ""),
        ("SERVER_ROOT_PATH", "/api", "environment.SERVER_ROOT_PATH routes"),
    ] {
        let config = config(MODEL, &[(name, value)]).expect(name);
        assert_eq!(reasons(&config).join(","), expected, "{name}={value}");
    }
    for (no_proxy, declines) in
        [("127.0.0.1", false), ("*", false), (".0.0.1", false), ("localhost", true), ("27.0.0.1", true)]
    {
        let config = config(MODEL, &[("HTTP_PROXY", "http://p"), ("NO_PROXY", no_proxy)]).expect(no_proxy);
        assert_eq!(!reasons(&config).is_empty(), declines, "NO_PROXY={no_proxy}");
    }
}

#[test]
fn deployments_decline_for_themselves() {
    let base = "model: mistral/mistral-ocr-latest, api_base: 'http://h/v1'";
    for (params, info, expected) in [
        (
            format!("{{{base}, api_key: k, temperature: 1, tags: [a], max_retries: 2, weight: 2, unknown: 1}}"),
            "{mode: ocr}",
            "",
        ),
        (format!("{{{base}}}"), "{}", "litellm_params.api_key no_api_key"),
        (format!("{{{base}, api_key: k, pages: [1]}}"), "{}", "litellm_params.pages ocr_default"),
        (
            format!("{{{base}, api_key: k, extra_headers: {{a: b}}}}"),
            "{}",
            "litellm_params.extra_headers provider_request",
        ),
        (format!("{{{base}, api_key: k, order: 0}}"), "{}", "litellm_params.order deployment_order"),
        (format!("{{{base}, api_key: k, timeout: '30'}}"), "{}", "litellm_params.timeout timeout_text"),
        (
            format!("{{{base}, api_key: k, ocr_cost_per_page: 0}}"),
            "{}",
            "litellm_params.ocr_cost_per_page custom_pricing",
        ),
        (format!("{{{base}, api_key: k}}"), "{ocr_cost_per_page: 1}", "model_info.ocr_cost_per_page custom_pricing"),
        (
            "{model: mistral/m, api_key: k, api_base: 'http://h/v1?a=b'}".to_owned(),
            "{}",
            "litellm_params.api_base api_base",
        ),
        (
            "{model: mistral/m, api_key: k, api_base: 'http://u:p@h/v1'}".to_owned(),
            "{}",
            "litellm_params.api_base api_base",
        ),
        ("{model: mistral/m, api_key: k, api_base: h/v1}".to_owned(), "{}", "litellm_params.api_base api_base"),
        (
            "{model: openai/m, api_key: k, api_base: 'http://h/a/../v1'}".to_owned(),
            "{}",
            "litellm_params.api_base api_base",
        ),
        (
            "{model: openai/m, api_key: k, api_base: 'http://h/{v1}'}".to_owned(),
            "{}",
            "litellm_params.api_base api_base",
        ),
        ("{model: openai/m, api_key: 'sk-\u{e9}'}".to_owned(), "{}", "litellm_params.api_key credential"),
        ("{model: anthropic/claude-2.1, api_key: k}".to_owned(), "{}", "litellm_params.model provider_unsupported"),
        (
            "{model: openai/m, api_key: k}".to_owned(),
            "{litellm_provider: azure}",
            "model_info.litellm_provider custom_pricing",
        ),
        ("{model: openai/m, api_key: k}".to_owned(), "{mode: responses}", "model_info.mode provider_request"),
        ("{model: openai/m, api_key: k}".to_owned(), "{mode: chat}", ""),
        (format!("{{{base}, api_key: k}}"), "{id: null}", "model_info.id model_id_random"),
        (
            format!("{{{base}, litellm_credential_name: nobody}}"),
            "{}",
            "litellm_params.litellm_credential_name credential,litellm_params.api_key no_api_key",
        ),
        ("{model: groq/gpt-4o, api_key: k}".to_owned(), "{}", "litellm_params.model provider_unsupported"),
        ("{model: gpt-4o, api_key: k}".to_owned(), "{}", "litellm_params.model provider_uncertain"),
    ] {
        let text = format!("model_list:\n- model_name: a\n  litellm_params: {params}\n  model_info: {info}\n");
        let config = config(&text, &[]).expect(&text);
        let found: Vec<String> =
            reasons(&config).iter().map(|reason| reason.replacen("model_list[0].", "", 1)).collect();
        assert_eq!(found.join(","), expected, "{text}");
    }
}

#[test]
fn what_a_deployment_says_of_its_model_concerns_every_deployment_of_the_model() {
    for (info, expected) in [
        ("{mode: responses}", ["provider_request", "provider_request", ""]),
        ("{litellm_provider: azure}", ["custom_pricing", "custom_pricing", ""]),
        ("{mode: chat}", ["", "", ""]),
        // Known by its id alone.
        ("{input_cost_per_token: 1}", ["custom_pricing", "", ""]),
    ] {
        let text = format!(
            "model_list:\n- {{model_name: a, litellm_params: {{model: openai/m, api_key: k}}, model_info: {info}}}\n\
             - {{model_name: b, litellm_params: {{model: openai/m, api_key: k}}}}\n\
             - {{model_name: c, litellm_params: {{model: anthropic/m, api_key: k}}}}\n"
        );
        let config = config(&text, &[]).expect(&text);
        let codes =
            config.deployments.iter().map(|deployment| deployment.reasons.first().map_or("", |found| found.code));
        assert_eq!(codes.collect::<Vec<_>>(), expected, "{info}");
    }
}

#[test]
fn key_and_base_come_from_parameters_then_credential_then_environment() {
    let credential = "credential_list: [{credential_name: c, credential_info: {}, credential_values: {api_key: from-credential, api_base: 'http://c/v1'}}]\n";
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 7] = [
        ("api_key: own, api_base: 'http://own/v1'", &[("MISTRAL_API_KEY", "env")], "own", "http://own/v1"),
        ("litellm_credential_name: c", &[], "from-credential", "http://c/v1"),
        ("litellm_credential_name: c, api_key: own", &[], "own", "http://c/v1"),
        ("api_base: ''", &[("MISTRAL_API_KEY", "env")], "env", ""),
        ("seed: 1", &[("MISTRAL_API_KEY", "env"), ("MISTRAL_AZURE_API_KEY", "azure")], "azure", ""),
        ("seed: 1", &[("MISTRAL_AZURE_API_BASE", "http://azure")], "", "http://azure/v1"),
        ("api_key: os.environ/NONE", &[("MISTRAL_API_KEY", "env")], "env", ""),
    ];
    for (params, variables, key, base) in cases {
        let text =
            format!("{credential}model_list:\n- model_name: a\n  litellm_params: {{model: mistral/m, {params}}}\n");
        let config = config(&text, variables).expect(params);
        let deployment = &config.deployments[0];
        let found_key = deployment.api_key.as_ref().map(Secret::expose).unwrap_or_default();
        assert_eq!((found_key, deployment.api_base.as_deref().unwrap_or_default()), (key, base), "{params}");
    }
}

#[test]
fn what_litellm_cannot_start_with_is_an_error_with_its_place() {
    for (text, line, path) in [
        ("", None, ""),
        ("- a\n", None, ""),
        ("model_list: 1\n", Some(1), "model_list"),
        ("model_list:\n- 1\n", Some(2), "model_list[0]"),
        ("model_list:\n- model_name: a\n", Some(2), "model_list[0].litellm_params"),
        ("model_list:\n- litellm_params: {model: a}\n", Some(2), "model_list[0].model_name"),
        ("model_list:\n- model_name: 1\n  litellm_params: {model: a}\n", Some(2), "model_list[0].model_name"),
        ("model_list:\n- model_name: a\n  litellm_params: {}\n", Some(3), "model_list[0].litellm_params.model"),
        (
            "model_list:\n- model_name: a\n  litellm_params: {model: m}\n  model_info:\n",
            Some(4),
            "model_list[0].model_info",
        ),
        ("model_list:\n- &x\n  model_name: a\n  litellm_params: {model: mistral/m}\n- *x\n", Some(2), "model_list[1]"),
        ("include: a.yaml\n", Some(1), "include"),
        ("include: [gone.yaml]\n", Some(1), "include"),
        ("general_settings: [1]\n", Some(1), "general_settings"),
        ("general_settings: {master_key: 1234}\n", Some(1), "general_settings.master_key"),
        ("credential_list: [{credential_name: a}]\n", Some(1), "credential_list[0]"),
    ] {
        let problem = config(text, &[]).expect_err(text);
        assert_eq!((problem.line, problem.path.as_str()), (line, path), "{text:?}: {problem}");
    }
}

#[test]
fn an_error_never_tells_a_value() {
    let problem = config("general_settings: {master_key: 987654321}\n", &[]).expect_err("a number as key");
    assert!(!problem.to_string().contains("987654321"), "{problem}");
    let loaded = config(&MODEL.replace("api_key: k", "api_key: very-secret"), &[]).expect("it loads");
    assert!(!format!("{loaded:?}").contains("very-secret"), "{loaded:?}");
}
