//! Builds, configurations and rules that change, also while nobody looks.

use super::{at_canary, eligible};
use crate::stand::{CONFIG, LANE, QUICK, Stand, agrees, unknown};

/// What changed between two moments of one lane, and the word in the journal; `None`: the evidence stays.
fn changes(what: &str, change: impl Fn(Stand) -> Stand, expected: Option<&str>) {
    let mut stand = Stand::under(QUICK);
    stand.matches(10);
    stand.controller.tick();
    let stand = change(stand);
    stand.controller.replace_agreement(agrees(), None);
    let pairs = stand.lane(|lane| lane.evidence.promotion.pairs());
    let journal = stand.controller.store().journal(Some(LANE), 10).unwrap();
    match expected {
        None => assert_eq!((pairs, journal.len()), (10, 0), "{what}"),
        Some(word) => {
            assert_eq!((pairs, journal.len()), (0, 1), "{what}");
            assert_eq!((journal[0].action.as_str(), journal[0].actor.as_str()), ("reset", "config"), "{what}");
            assert!(journal[0].reason.contains(word), "{what}: {}", journal[0].reason);
            assert!(!stand.tally().shape_compared("document_url:https"), "{what}: shapes are forgotten, too");
        }
    }
}

#[test]
fn evidence_is_about_one_build_one_configuration_and_one_rule() {
    let gate = QUICK.replace("alpha: 0.5", "alpha: 0.4");
    let content = format!("{QUICK}content: {{ ttl: 1h, max_bytes: 10 }}\n");
    let rule = |text: String| {
        move |stand: Stand| {
            stand.controller.replace_rules(crate::stand::rules(&text), crossfade::controller::Loaded::default());
            stand
        }
    };
    changes("a new build", |stand| stand.killed_and_started("build-2", QUICK), Some("build"));
    changes("the same build", |stand| stand.killed_and_started("build-1", QUICK), None);
    changes("another gate", rule(gate), Some("rules"));
    changes("the same rule read again", rule(QUICK.to_owned()), None);
    changes("what is kept of samples", rule(content), None);
    changes(
        "another provider key",
        |stand| {
            stand.configure(&CONFIG.replace("provider-key", "rotated-key"));
            stand
        },
        Some("config"),
    );
    changes(
        "the same configuration read again",
        |stand| {
            stand.configure(CONFIG);
            stand
        },
        None,
    );
    changes(
        "another price map",
        |stand| {
            stand.reprice("other");
            stand
        },
        Some("config"),
    );
}

/// After this change of the file, the answers of LiteLLM in their order and whether the lane is eligible then.
fn reloads(change: impl Fn(String) -> String, answers: &[(bool, bool)]) {
    let stand = Stand::under(QUICK);
    let declared = CONFIG.to_owned();
    let hashed = CONFIG.replace("  model_info: {id: deployment-one}\n", "");
    for (config, known_by_id) in [(declared, false), (hashed, true)] {
        stand.configure(&config);
        stand.controller.replace_agreement(unknown(), None);
        stand.controller.replace_agreement(agrees(), None);
        assert!(eligible(&stand));
        stand.configure(&change(config));
        assert!(!eligible(&stand), "nobody has asked LiteLLM yet");
        for (agreed, expected) in answers {
            stand.controller.replace_agreement(if *agreed { agrees() } else { unknown() }, None);
            // Ids that LiteLLM makes from the parameters prove by themselves that it took them.
            assert_eq!(eligible(&stand), *expected || known_by_id && *agreed, "known by its id: {known_by_id}");
        }
    }
}

#[test]
fn a_changed_configuration_declines_until_litellm_was_seen_with_it() {
    let rotated = |config: String| config.replace("provider-key", "rotated-key");
    reloads(rotated, &[(true, false), (true, false), (false, false), (true, true), (true, true)]);
    let unknown_key = |config: String| format!("{config}zzz: 1\n");
    reloads(unknown_key, &[(true, true)]);
}

/// What became of a lane between two processes on one folder, and whether LiteLLM's answers to the second, in their
/// order, make it eligible.
fn restarts(what: &str, happened: impl Fn(&Stand), config: &str, answers: &[(bool, bool)]) {
    let stand = Stand::under(QUICK);
    happened(&stand);
    let stand = stand.killed_and_started_on("build-1", QUICK, config);
    for (number, (agreed, expected)) in answers.iter().enumerate() {
        stand.controller.replace_agreement(if *agreed { agrees() } else { unknown() }, None);
        assert_eq!(eligible(&stand), *expected, "{what}: answer {number}");
        let waits =
            stand.lane(|lane| lane.declines.iter().any(|reason| reason.text.contains("only a restart of LiteLLM")));
        assert!(*expected || !agreed || waits, "{what}: answer {number} is not explained");
    }
}

#[test]
fn what_litellm_runs_is_known_over_restarts_of_crossfade() {
    let rotated = CONFIG.replace("provider-key", "rotated-key");
    let renamed = CONFIG.replace("model_name: scan", "model_name: other");
    let hashed = |config: &str| config.replace("  model_info: {id: deployment-one}\n", "");
    let sql = |sql: &'static str| move |stand: &Stand| stand.database().execute_batch(sql).unwrap();
    let waits_for_a_restart = [(true, false), (true, false), (false, false), (true, true), (true, true)];
    restarts("nothing", |_| {}, CONFIG, &[(true, true)]);
    restarts("changed while it ran", |stand| stand.configure(&rotated), &rotated, &waits_for_a_restart);
    restarts("changed while it was down", |_| {}, &rotated, &waits_for_a_restart);
    restarts("another group under a known id", |_| {}, &renamed, &waits_for_a_restart);
    restarts("LiteLLM comes up later", |_| {}, &rotated, &[(false, false), (true, true)]);
    let back = |stand: &Stand| {
        stand.configure(&rotated);
        stand.configure(CONFIG);
    };
    restarts("changed and changed back", back, CONFIG, &waits_for_a_restart);
    let proven = |stand: &Stand| {
        stand.configure(&rotated);
        stand.controller.replace_agreement(unknown(), None);
        stand.controller.replace_agreement(agrees(), None);
    };
    restarts("changed and proven", proven, &rotated, &[(true, true)]);
    restarts("an id that tells", |stand| stand.configure(&hashed(CONFIG)), &hashed(&rotated), &[(true, true)]);
    restarts("nothing was ever proven", sql("DELETE FROM settings"), &rotated, &[(true, true)]);
    restarts("nobody knows", sql("UPDATE settings SET value = 'x'"), CONFIG, &waits_for_a_restart);
}

#[test]
fn a_weight_that_another_build_earned_is_given_back() {
    let stand = at_canary().killed_and_started("build-2", QUICK);
    assert_eq!(stand.published(), "shadow");
    assert_eq!(stand.journal(), ["promote", "reset", "rollback"]);
    let stand = stand.killed_and_started("build-2", QUICK);
    assert_eq!((stand.published().as_str(), stand.journal().len()), ("shadow", 3), "said once");
    let pinned = format!("{}hold: true\n", QUICK.replace("stage: shadow", "stage: full"));
    let stand = Stand::under(&pinned).killed_and_started("build-2", &pinned);
    assert_eq!(stand.published(), "full 1");
}

#[test]
fn a_bad_input_changes_nothing_but_what_is_shown() {
    let stand = at_canary();
    stand.controller.config_failed("line 3".to_owned());
    stand.controller.rules_failed("line 4".to_owned());
    assert_eq!(stand.published(), "canary 0.1");
    let shown = stand.controller.view(|state| (state.config.error.clone(), state.rules_loaded.error.clone()));
    assert_eq!(shown, (Some("line 3".to_owned()), Some("line 4".to_owned())));
}

#[test]
fn a_changed_stage_in_a_rule_moves_and_an_unchanged_one_does_not() {
    let stand = at_canary();
    let read = |stand: &Stand, text: &str| {
        stand.controller.replace_rules(crate::stand::rules(text), crossfade::controller::Loaded::default());
    };
    read(&stand, QUICK);
    assert_eq!(stand.published(), "canary 0.1", "a reload must not undo a promotion");
    read(&stand, &QUICK.replace("stage: shadow", "stage: full"));
    assert_eq!(stand.published(), "full 1");
    read(&stand, &QUICK.replace("stage: shadow", "stage: off"));
    assert_eq!(stand.published(), "off");
    assert_eq!(stand.journal(), ["promote", "reload", "reload"]);
    let stand = stand.killed_and_started("build-1", &QUICK.replace("stage: shadow", "stage: off"));
    assert_eq!(stand.published(), "off");
}

/// A group with a rule of its own leaves its provider's lane and comes back to it.
#[test]
fn a_group_with_its_own_rule_is_a_lane_by_itself() {
    let mut stand = at_canary();
    stand.matches(3);
    let own = format!("{QUICK}lanes: [{{ provider: mistral, model_group: scan, stage: off }}]\n");
    stand.controller.replace_rules(crate::stand::rules(&own), crossfade::controller::Loaded::default());
    let lanes = || -> Vec<String> {
        let table = stand.controller.table().load_full();
        table.lanes.iter().map(|lane| lane.name.clone()).filter(|name| name.starts_with("ocr:")).collect()
    };
    assert_eq!(lanes(), ["ocr:mistral:scan"]);
    stand.controller.replace_rules(crate::stand::rules(QUICK), crossfade::controller::Loaded::default());
    assert_eq!((lanes(), stand.published().as_str()), (vec![LANE.to_owned()], "canary 0.1"));
}
