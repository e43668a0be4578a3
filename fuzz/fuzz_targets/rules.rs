//! A rule file: read, checked, resolved; and what was read reads again.
#![no_main]

use crossfade::config::rule_files::parse;
use cutover::lane::LaneId;
use cutover::rules::{RuleFile, Rules};
use cutover::time::Date;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(file) = parse("rule.yaml", text) else { return };
    let written = serde_json::to_value(&file).expect("a rule writes itself");
    let again: RuleFile = serde_json::from_value(written).expect("what was written reads");
    assert_eq!(again, file);
    let lane: LaneId = "ocr:mistral:ocr".parse().expect("a lane");
    if let Ok(rules) = Rules::from_files(vec![("rule.yaml".to_owned(), file)], Date::from_days(20_000)) {
        let _ = rules.resolve(&lane);
        assert!(rules.canonical().len() <= 16 * 1024 + 64 * text.len());
    }
});
