//! Rule files: what is read, refused and filled in.

use cutover::{
    lane::{LaneId, Stage, Weight},
    rules::{LaneRule, Promotion, RuleFile, RuleProblem, Rules, Side, StickyBy},
    time::{Date, Span},
};
use serde_json::{Value, json};

fn today() -> Date {
    "2026-11-23".parse().unwrap()
}

fn file(value: Value) -> RuleFile {
    serde_json::from_value(value).unwrap()
}

fn load(values: &[Value]) -> Result<Rules, Vec<String>> {
    let files = values.iter().enumerate().map(|(at, value)| (format!("{at}.yaml"), file(value.clone()))).collect();
    Rules::from_files(files, today()).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn whole_file() -> Value {
    json!({
        "route": "ocr", "stage": "shadow", "hold": false, "mirror": 1.0, "sticky_by": "header:X-User",
        "canary": {"steps": [0.01, 0.05, 0.25, 0.5], "minimum_time": "1h"}, "holdout": 0.01,
        "gate": {"mismatch_rate_max": 0.005, "alpha": 0.05, "unseen_shape_max": 0.05, "uncompared_max": 0.05, "minimum_time": "24h", "caller_hourly_max": 200},
        "rollback": {"mismatch_rate_ok": 0.0005, "average_run_length": 100000.0, "native_5xx_max": 3, "overhead_ms_max": 500, "cooldown": "1h"},
        "promote": "automatic", "content": {"ttl": "24h", "max_bytes": 65536},
        "lanes": [{"provider": "mistral", "stage": "canary"}],
        "tolerate": [{"path": "$.x", "side": "client_response", "owner": "ocr team", "reason": "agreed", "expires": "2027-01-01"}]
    })
}

#[test]
fn a_whole_file_reads_and_writes_itself() {
    let read = file(whole_file());
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(file(written.clone()), read);
    assert_eq!(written["sticky_by"], "header:x-user");
    assert_eq!(serde_json::to_value(file(json!({"route": "ocr", "content": false}))).unwrap()["content"], "off");
    assert!(load(&[whole_file()]).is_ok());
}

#[test]
fn wrong_values_are_refused_while_reading() {
    for (field, value) in [
        ("stage", json!("canari")),
        ("stagee", json!("canary")),
        ("mirror", json!(1.5)),
        ("mirror", json!("all")),
        ("holdout", json!(-0.1)),
        ("sticky_by", json!("header:")),
        ("sticky_by", json!("user")),
        ("canary", json!({"steps": [0.1], "minimum": "1h"})),
        ("canary", json!({"minimum_time": "1 hour"})),
        ("gate", json!({"alpha": "5%"})),
        ("content", json!({"ttl": "24h"})),
        ("content", json!("on")),
        ("content", json!(true)),
        ("tolerate", json!([{"path": "$.x", "side": "client_response", "owner": "a", "reason": "b"}])),
        ("tolerate", json!([{"path": "$.x", "side": "client", "owner": "a", "reason": "b", "expires": "2027-01-01"}])),
        (
            "tolerate",
            json!([{"path": "$.x", "side": "client_response", "owner": "a", "reason": "b", "expires": "2027-02-30"}]),
        ),
    ] {
        let mut whole = whole_file();
        whole[field] = value.clone();
        assert!(serde_json::from_value::<RuleFile>(whole).is_err(), "{field}: {value}");
    }
}

#[test]
fn sets_of_files_are_checked_whole() {
    let with = |field: &str, value: Value| {
        let mut whole = whole_file();
        whole[field] = value;
        vec![whole]
    };
    let excuse = |path: &str, owner: &str, expires: &str| {
        with(
            "tolerate",
            json!([{"path": path, "side": "client_response", "owner": owner, "reason": "r", "expires": expires}]),
        )
    };
    let cases: Vec<(Vec<Value>, &[&str])> = vec![
        (with("route", json!("orc")), &["0.yaml: route: no route `orc`; did you mean `ocr`?"]),
        (with("route", json!("images")), &["0.yaml: route: no route `images`"]),
        (
            vec![json!({"route": "ocr"}), json!({"route": "ocr"})],
            &["1.yaml: route: the route `ocr` has a rule in 0.yaml already"],
        ),
        (
            with("canary", json!({"steps": [0.05, 0.01]})),
            &["0.yaml: canary.steps: steps must ascend, each above 0 and below 1, at least one"],
        ),
        (
            with("canary", json!({"steps": []})),
            &["0.yaml: canary.steps: steps must ascend, each above 0 and below 1, at least one"],
        ),
        (
            with("canary", json!({"steps": [0.5, 1.0]})),
            &["0.yaml: canary.steps: steps must ascend, each above 0 and below 1, at least one"],
        ),
        (with("gate", json!({"alpha": 0.0})), &["0.yaml: gate.alpha: must be above 0 and below 1"]),
        (with("gate", json!({"caller_hourly_max": 0})), &["0.yaml: gate.caller_hourly_max: must be at least 1"]),
        (
            with("rollback", json!({"mismatch_rate_ok": 0.01})),
            &["0.yaml: rollback.mismatch_rate_ok: must be above 0 and below gate.mismatch_rate_max"],
        ),
        (
            with("rollback", json!({"average_run_length": 99.0})),
            &["0.yaml: rollback.average_run_length: must be 100 or more"],
        ),
        (
            vec![
                json!({"route": "*", "rollback": {"mismatch_rate_ok": 0.004}}),
                json!({"route": "ocr", "gate": {"mismatch_rate_max": 0.001}, "rollback": {"cooldown": "2h"}}),
            ],
            &["1.yaml: rollback.mismatch_rate_ok: must be above 0 and below gate.mismatch_rate_max"],
        ),
        (with("holdout", json!(1.0)), &["0.yaml: holdout: must be below 1"]),
        (
            with("lanes", json!([{"provider": "a"}, {"provider": "a"}])),
            &["0.yaml: lanes[1]: an earlier entry of `lanes` is for the same provider and model group"],
        ),
        (with("lanes", json!([{"provider": "a", "holdout": 1.0}])), &["0.yaml: lanes[0].holdout: must be below 1"]),
        (excuse("$", "a", "2027-01-01"), &["0.yaml: tolerate[0].path: excuses everything; name the field"]),
        (excuse("$.**", "a", "2027-01-01"), &["0.yaml: tolerate[0].path: excuses everything; name the field"]),
        (excuse("headers.**", "a", "2027-01-01"), &["0.yaml: tolerate[0].path: excuses everything; name the field"]),
        (excuse("status", "a", "2027-01-01"), &["0.yaml: tolerate[0].path: excuses everything; name the field"]),
        (excuse("$.x", " ", "2027-01-01"), &["0.yaml: tolerate[0].owner: owner and reason must not be empty"]),
    ];
    for (files, expected) in cases {
        assert_eq!(load(&files).unwrap_err(), expected, "{files:?}");
    }
    let ended = load(&excuse("$.x", "a", "2026-11-22")).unwrap();
    assert!(
        matches!(ended.warnings[..], [ref only] if matches!(only.problem, RuleProblem::Expired(_))),
        "an ended entry warns, or a restart would fail"
    );
    assert!(load(&excuse("$.x", "a", "2026-11-23")).unwrap().warnings.is_empty(), "the last day counts");
}

#[test]
fn layers_fill_every_gap() {
    let rules = load(&[
        json!({"route": "*", "mirror": 0.5, "gate": {"alpha": 0.01}}),
        json!({"route": "ocr", "stage": "shadow", "gate": {"minimum_time": "2d"}, "lanes": [
            {"provider": "mistral", "model_group": "special", "stage": "off"},
            {"provider": "mistral", "stage": "canary", "promote": "manual"},
        ]}),
    ])
    .unwrap();
    let resolve = |lane: &str| rules.resolve(&lane.parse::<LaneId>().unwrap());
    let defaults = LaneRule::default();

    let mistral = resolve("ocr:mistral");
    assert_eq!(
        (mistral.stage, mistral.promote, mistral.mirror),
        (Stage::Canary, Promotion::Manual, Weight::nearest(0.5))
    );
    assert_eq!((mistral.gate.alpha, mistral.gate.minimum_time), (0.01, Span::from_hours(48)));
    assert_eq!((mistral.gate.mismatch_rate_max, &mistral.sticky_by), (0.005, &StickyBy::Conversation));
    assert_eq!(resolve("ocr:mistral:special").stage, Stage::Off, "the group beats its provider, in any order");
    assert_eq!(resolve("ocr:azure").stage, Stage::Shadow);
    let embeddings = resolve("embeddings:openai");
    assert_eq!((embeddings.stage, embeddings.mirror), (Stage::Off, Weight::nearest(0.5)));
    assert_eq!(Rules::default().resolve(&"ocr:mistral".parse().unwrap()), defaults, "without a file a lane is off");
}

/// The bytes that a lane of these layers keeps: `*`, the route, its provider, its model group.
fn keeps(layers: [Value; 4], expected: Option<u64>) {
    let said = layers.clone();
    let [every, route, provider, group] = layers;
    let rules = load(&[
        json!({"route": "*", "content": every}),
        json!({"route": "ocr", "content": route, "lanes": [
            {"provider": "mistral", "content": provider},
            {"provider": "mistral", "model_group": "invoices", "content": group},
        ]}),
    ])
    .unwrap();
    let rule = rules.resolve(&"ocr:mistral:invoices".parse().unwrap());
    assert_eq!(rule.content.map(|content| content.max_bytes), expected, "{said:?}");
}

#[test]
fn content_is_switched_on_and_off_by_the_most_specific_layer_that_speaks() {
    let (unsaid, off, yaml_off) = (Value::Null, json!("off"), json!(false));
    let on = |bytes: u64| json!({"ttl": "1h", "max_bytes": bytes});
    keeps([unsaid.clone(), unsaid.clone(), unsaid.clone(), unsaid.clone()], None);
    keeps([on(1), unsaid.clone(), unsaid.clone(), unsaid.clone()], Some(1));
    keeps([on(1), off.clone(), unsaid.clone(), unsaid.clone()], None);
    keeps([on(1), unsaid.clone(), off.clone(), unsaid.clone()], None);
    keeps([on(1), on(2), unsaid.clone(), yaml_off], None);
    keeps([off.clone(), off.clone(), off.clone(), on(4)], Some(4));
    keeps([on(1), off, on(3), unsaid], Some(3));
}

#[test]
fn one_file_pins_everything() {
    let rules = load(&[json!({"route": "*", "stage": "full", "hold": true})]).unwrap();
    for lane in ["ocr:mistral", "chat_completions:openai:group"] {
        let rule = rules.resolve(&lane.parse().unwrap());
        assert!(rule.stage == Stage::Full && rule.hold, "{lane}");
    }
}

#[test]
fn canonical_text_ignores_order_and_evidence_ignores_what_gives_pairs_no_meaning() {
    let (one, other) = (json!({"route": "ocr", "stage": "shadow"}), json!({"route": "*", "stage": "off"}));
    assert_eq!(load(&[one.clone(), other.clone()]).unwrap().canonical(), load(&[other, one]).unwrap().canonical());

    let rule = LaneRule::default();
    let pinned = LaneRule { hold: true, stage: Stage::Full, ..rule.clone() };
    assert_eq!(rule.evidence_input(), pinned.evidence_input());
    let mut stricter = rule.clone();
    stricter.gate.alpha = 0.01;
    assert_ne!(rule.evidence_input(), stricter.evidence_input());
}

#[test]
fn tolerance_covers_a_field_or_a_subtree_until_its_day() {
    let entry = |path: &str| {
        file(json!({"route": "ocr", "tolerate": [{"path": path, "side": "client_response", "owner": "a", "reason": "b", "expires": "2026-11-23"}]})).tolerate.remove(0)
    };
    for (path, template, covered) in [
        ("$.pages[*].markdown", "$.pages[*].markdown", true),
        ("$.pages[*].markdown", "$.pages[*].markdown2", false),
        ("$.usage.**", "$.usage", true),
        ("$.usage.**", "$.usage.pages", true),
        ("$.usage.**", "$.usage[*]", true),
        ("$.usage.**", "$.usage_info", false),
        ("headers.x-a", "headers.x-a", true),
    ] {
        let entry = entry(path);
        assert_eq!(entry.covers(Side::ClientResponse, template, today()), covered, "{path} {template}");
        assert!(!entry.covers(Side::ProviderRequest, template, today()), "the other side");
        assert!(!entry.covers(Side::ClientResponse, template, "2026-11-24".parse().unwrap()), "the day after");
    }
}

#[test]
fn the_schema_describes_every_field() {
    let schema = serde_json::to_value(schemars::schema_for!(RuleFile)).unwrap();
    for (name, property) in schema["properties"].as_object().unwrap() {
        let described = property.get("description").is_some();
        assert!(described, "{name} has no description: {property}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
