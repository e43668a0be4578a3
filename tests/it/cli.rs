//! The command line as an operator meets it: exit codes, words, and the files it reads.

use std::path::Path;
use std::process::{Command, Output};

use cutover::rules::{LaneRule, RuleFile, Rules};
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::stand::CONFIG;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crossfade")).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `crossfade check` on these files: its exit code and words that it must say.
fn check(files: &[(&str, &str)], code: i32, expected: &[&str]) {
    let folder = Folder::new();
    files.iter().for_each(|(name, content)| drop(folder.write(name, content.replace("BASE", "http://127.0.0.1:9/v1"))));
    let output = run(folder.path(), &["check", "--config", "config.yaml", "--rules", "rules"]);
    let all = said(&output.stdout) + &said(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{files:?}: {all}");
    for part in expected {
        assert!(all.contains(part), "{files:?}: `{part}` is not in: {all}");
    }
}

#[test]
fn check_finds_every_fault_and_names_its_place() {
    let config = ("config.yaml", CONFIG);
    check(
        &[config],
        0,
        &["model_list[0] scan (mistral/mistral-ocr-latest, id deployment-one)", "exact", "rules: 0 files"],
    );
    check(&[config, ("rules/ocr.yaml", "route: ocr\nstage: shadow\n")], 0, &["rules: 1 files in rules"]);
    check(
        &[config, ("rules/ocr.yaml", "route: ocr\nstagee: shadow\n")],
        1,
        &["ocr.yaml", "line 2", "did you mean `stage`?"],
    );
    check(&[config, ("rules/ocr.yaml", "route: ocr\nstage: shadw\n")], 1, &["line 2", "did you mean `shadow`?"]);
    check(&[config, ("rules/x.yaml", "route: orc\n")], 1, &["x.yaml", "route", "did you mean `ocr`?"]);
    check(&[config, ("rules/ocr.yaml", "route: ocr\nmirror: 2\n")], 1, &["line 2", "not a share"]);
    check(
        &[config, ("rules/a.yaml", "route: ocr\n"), ("rules/b.yml", "route: ocr\n")],
        1,
        &["b.yml", "has a rule in a.yaml already"],
    );
    // Every fault, not only the first.
    check(&[config, ("rules/a.yaml", "rout: ocr\n"), ("rules/b.yaml", "route: 7\nx: 1\n")], 1, &["a.yaml", "b.yaml"]);
    check(
        &[config, ("rules/ocr.yaml", "route: ocr\ncanary: { steps: [0.5, 0.1] }\n")],
        1,
        &["ocr.yaml", "canary.steps", "ascend"],
    );
    let ended =
        "route: ocr\ntolerate: [{path: $.a, side: client_response, owner: me, reason: so, expires: 2020-01-01}]\n";
    check(&[config, ("rules/ocr.yaml", ended)], 0, &["warning", "tolerate[0].expires", "ended on 2020-01-01"]);
    check(&[], 1, &["config.yaml"]);
    check(&[("config.yaml", "model_list: [\n")], 1, &["config.yaml:"]);
    check(&[("config.yaml", "model_list: 7\n")], 1, &["model_list"]);
}

#[test]
fn check_says_why_a_deployment_declines() {
    let fallback = format!("{CONFIG}router_settings: {{fallbacks: [{{scan: [other]}}]}}\n");
    check(&[("config.yaml", &fallback)], 0, &["declines", "router_settings.fallbacks"]);
    let unknown = format!("{CONFIG}zzz: 1\n");
    check(&[("config.yaml", &unknown)], 0, &["zzz: LiteLLM does not know this key"]);
}

#[test]
fn check_speaks_json_whatever_it_finds() {
    for (rule, config, code) in
        [("route: ocr\n", CONFIG, 0), ("rout: ocr\n", CONFIG, 1), ("route: ocr\n", "model_list: [\n", 1)]
    {
        let folder = Folder::new();
        folder.write("config.yaml", config.replace("BASE", "http://127.0.0.1:9/v1"));
        folder.write("rules/ocr.yaml", rule);
        let output = run(folder.path(), &["check", "--config", "config.yaml", "--rules", "rules", "--format", "json"]);
        assert_eq!(output.status.code(), Some(code), "{rule:?}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["config"].is_null(), found["config_error"].is_string());
        assert_eq!(found["rules"]["errors"].as_array().unwrap().is_empty(), !rule.starts_with("rout:"));
    }
}

#[test]
fn credentials_are_never_printed() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG.replace("BASE", "http://127.0.0.1:9/v1"));
    for arguments in
        [&["check", "--config", "config.yaml"][..], &["check", "--config", "config.yaml", "--format", "json"]]
    {
        let output = run(folder.path(), arguments);
        let all = said(&output.stdout) + &said(&output.stderr);
        for secret in ["provider-key", "sk-master"] {
            assert!(!all.contains(secret), "{arguments:?} prints {secret}");
        }
    }
}

#[test]
fn the_schema_describes_every_field_of_a_rule() {
    let folder = Folder::new();
    let output = run(folder.path(), &["rules-schema"]);
    assert!(output.status.success());
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    // A file with everything in it, so that a new field cannot be forgotten here: it would not parse.
    let full = json!({
        "route": "ocr", "stage": "shadow", "hold": false, "mirror": 1.0, "sticky_by": "conversation",
        "canary": {"steps": [0.1], "minimum_time": "1h"}, "holdout": 0.01,
        "gate": {"mismatch_rate_max": 0.005, "alpha": 0.05, "unseen_shape_max": 0.05, "uncompared_max": 0.05,
                 "minimum_time": "24h", "caller_hourly_max": 200},
        "rollback": {"mismatch_rate_ok": 0.0005, "average_run_length": 100000.0, "native_5xx_max": 3, "overhead_ms_max": 500, "cooldown": "1h"},
        "promote": "automatic", "content": {"ttl": "24h", "max_bytes": 65536},
        "lanes": [{"provider": "mistral"}],
        "tolerate": [{"path": "$.a", "side": "client_response", "owner": "o", "reason": "r", "expires": "2027-01-01"}]
    });
    let parsed: RuleFile = serde_json::from_value(full.clone()).unwrap();
    assert_eq!(names(&json!(parsed)), names(&full), "the file above lacks a field");
    assert_eq!(names(&schema["properties"]), names(&full));
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["route"]));
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{name} is not described");
    }
    for (part, definition) in
        [("gate", "GateFile"), ("canary", "CanaryFile"), ("rollback", "RollbackFile"), ("content", "Content")]
    {
        assert_eq!(names(&schema["$defs"][definition]["properties"]), names(&full[part]), "{part}");
    }
    // What holds for a route holds for a lane, but for its name, its lanes and what it tolerates.
    let mut of_lane = names(&full);
    of_lane.retain(|name| !matches!(name.as_str(), "route" | "lanes" | "tolerate"));
    of_lane.extend(["provider".to_owned(), "model_group".to_owned()]);
    of_lane.sort();
    assert_eq!(names(&schema["$defs"]["LaneOverride"]["properties"]), of_lane);
}

fn names(value: &Value) -> Vec<String> {
    let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

#[test]
fn the_starter_rules_are_there_and_off() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cutover_rules");
    let read = crossfade::config::rule_files::read(&folder, cutover::time::Date::from_days(20_000)).unwrap();
    assert!(read.warnings.is_empty());
    for route in crossfade::routes::Route::ALL {
        assert!(folder.join(format!("{}.yaml", route.as_str())).exists(), "{} has no starter rule", route.as_str());
        let rule = read.rules.resolve(&format!("{}:mistral", route.as_str()).parse().unwrap());
        assert_eq!(rule, LaneRule::default(), "{} starts with something on", route.as_str());
    }
    assert_eq!(read.files.len(), crossfade::routes::Route::ALL.len());
    assert!(!Rules::default().mentions("ocr"));
}

#[test]
fn every_command_says_what_it_does() {
    let folder = Folder::new();
    let help = said(&run(folder.path(), &["--help"]).stdout);
    let commands: [(&str, &[&str]); 13] = [
        (
            "serve",
            &[
                "router in front of a LiteLLM",
                "--config",
                "--upstream",
                "--rules",
                "--reports",
                "--listen",
                "--admin",
                "--tap",
                "--price-map",
            ],
        ),
        ("check", &["Validate", "--config", "--rules", "--format", "Exit code"]),
        ("tap", &["through Crossfade's tap", "--config", "--tap-url"]),
        ("coverage", &["serves natively", "Markdown"]),
        ("rules-schema", &["JSON Schema"]),
        ("status", &["lanes", "--admin", "--json"]),
        ("promote", &["one step", "--reason", "--force"]),
        ("hold", &["Stop the promotions", "--reason"]),
        ("release", &["promotions of a lane go on", "--reason"]),
        ("rollback", &["back to shadow", "--reason"]),
        ("replay", &["No provider is called", "--against", "--strict"]),
        ("freeze", &["Stop every promotion of every lane", "--reason"]),
        ("unfreeze", &["Let lanes rise again", "--reason"]),
    ];
    for (command, expected) in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "--help does not list {command}");
        let output = run(folder.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let text = said(&output.stdout);
        for part in expected {
            assert!(text.contains(part), "{command} --help lacks `{part}`: {text}");
        }
    }
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let count = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).count();
    assert_eq!(count, commands.len() + 1, "a command is not in this test (`help` is the one more): {listed}");
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["serve", "--no-such"],
        &["promote", "ocr:mistral"],
        &["freeze"],
        &["serve", "--probe-interval", "soon"],
        &["serve", "--tls-cert", "x.pem"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
}

/// `crossfade serve` that cannot start: it ends at once, with 1 and the reason.
fn cannot_serve(arguments: &[&str], files: &[(&str, &str)], expected: &[&str]) {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG.replace("BASE", "http://127.0.0.1:9/v1"));
    files.iter().for_each(|(name, content)| drop(folder.write(name, content)));
    let all = [&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], arguments].concat();
    let output = run(folder.path(), &all);
    let text = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
    for part in expected {
        assert!(text.contains(part), "{arguments:?}: `{part}` is not in: {text}");
    }
}

#[test]
fn a_start_that_fails_says_why() {
    let config = ["--config", "config.yaml"];
    cannot_serve(&["--upstream", "127.0.0.1:4000"], &[], &["not a URL", "http://127.0.0.1:4000"]);
    cannot_serve(&["--upstream", "http://127.0.0.1:4000/v1"], &[], &["has a path"]);
    cannot_serve(&["--config", "no-such.yaml"], &[], &["no-such.yaml"]);
    cannot_serve(
        &[config.as_slice(), &["--reports", "file/reports"]].concat(),
        &[("file", "")],
        &["reports folder", "file/reports"],
    );
    cannot_serve(
        &[config.as_slice(), &["--rules", "bad"]].concat(),
        &[("bad/ocr.yaml", "route: orc\n")],
        &["ocr.yaml", "did you mean `ocr`?"],
    );
    cannot_serve(&[config.as_slice(), &["--price-map", "no-such.json"]].concat(), &[], &["price map", "no-such.json"]);
    cannot_serve(
        &["--tls-cert", "c.pem", "--tls-key", "k.pem"],
        &[("c.pem", "x"), ("k.pem", "x")],
        &["TLS certificate", "c.pem"],
    );
}

#[test]
fn a_port_that_is_taken_or_open_to_all_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = Folder::new();
    for (arguments, expected) in [
        (["serve", "--listen", "127.0.0.1:0", "--admin", &address], address.as_str()),
        (["serve", "--admin", "127.0.0.1:0", "--listen", &address], address.as_str()),
        (["serve", "--admin", "127.0.0.1:0", "--listen", "nowhere.invalid:1"], "nowhere.invalid:1"),
        (["serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"], "CROSSFADE_ADMIN_TOKEN"),
        (["serve", "--listen", "127.0.0.1:0", "--admin", "localhost"], "127.0.0.1:8081"),
    ] {
        let output = run(folder.path(), &arguments);
        let text = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_disk_without_room_is_named() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG.replace("BASE", "http://127.0.0.1:9/v1"));
    // No file may grow beyond 8 KiB, and the signal that would end the process is ignored.
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec {} serve --config config.yaml --listen 127.0.0.1:0 --admin 127.0.0.1:0",
        env!("CARGO_BIN_EXE_crossfade")
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).env_clear().output().unwrap();
    let text = said(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the store failed") || text.contains("reports folder"), "{text}");
}

#[test]
fn an_operator_without_a_router_is_told_so() {
    let folder = Folder::new();
    let admin = format!("http://{}", crate::wire::nobody());
    for arguments in [
        &["status", "--admin", &admin][..],
        &["promote", "ocr:mistral", "--reason", "x", "--admin", &admin],
        &["freeze", "--reason", "x", "--admin", &admin],
    ] {
        let output = run(folder.path(), arguments);
        let text = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("is `crossfade serve` running?"), "{text}");
    }
}
