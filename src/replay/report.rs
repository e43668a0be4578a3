//! What a replay found, for a terminal, a program or a CI.

use clap::ValueEnum;
use cutover::verdict::Difference;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::run::{Finding, Result as CaseResult};

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for every case that did not match, and a summary.
    Text,
    /// One JSON object.
    Json,
    /// JUnit XML.
    Junit,
}

/// Differences that are listed for one case.
const DIFFERENCES_SHOWN: usize = 20;

/// Writes all findings.
pub fn write(findings: &[Finding], format: Format) -> Result<String, String> {
    match format {
        Format::Text => Ok(text(findings)),
        Format::Json => Ok(format!("{:#}\n", json!({ "summary": summary(findings), "cases": json_cases(findings) }))),
        Format::Junit => junit(findings),
    }
}

fn summary(findings: &[Finding]) -> Value {
    let count = |verdict: &str| findings.iter().filter(|finding| finding.verdict() == verdict).count();
    json!({
        "cases": findings.len(),
        "match": count("match"),
        "tolerated": count("tolerated"),
        "mismatch": count("mismatch"),
        "declined": count("declined"),
        "failed": count("failed"),
    })
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| finding.verdict() != "match") {
        text.push_str(&format!("{:<10} {}{}\n", finding.verdict(), finding.id, remark(finding)));
        for difference in counting(finding) {
            text.push_str(&format!("           {}\n", in_words(difference)));
        }
    }
    let counts = summary(findings);
    let counts = counts.as_object().into_iter().flatten().map(|(name, count)| format!("{name} {count}"));
    text.push_str(&format!("{}\n", counts.collect::<Vec<_>>().join(" · ")));
    text
}

fn remark(finding: &Finding) -> String {
    match &finding.result {
        CaseResult::Judged(judgement) => format!(": {}", judgement.summary()),
        CaseResult::Declined(reason) => format!(": left to Python ({reason})"),
        CaseResult::Failed(why) => format!(": {why}"),
    }
}

fn counting(finding: &Finding) -> impl Iterator<Item = &Difference> {
    let differences = match &finding.result {
        CaseResult::Judged(judgement) => &judgement.differences[..],
        _ => &[],
    };
    differences.iter().filter(|difference| difference.counts()).take(DIFFERENCES_SHOWN)
}

fn in_words(difference: &Difference) -> String {
    let shown =
        |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`"));
    let side = difference.side.as_str();
    let kind = difference.kind.as_str();
    format!("{side} {} {kind}: {} became {}", difference.path, shown(&difference.left), shown(&difference.right))
}

fn json_cases(findings: &[Finding]) -> Vec<Value> {
    let case = |finding: &Finding| {
        let mut case = json!({ "id": finding.id, "verdict": finding.verdict() });
        match &finding.result {
            CaseResult::Judged(judgement) => case["differences"] = json!(judgement.differences),
            CaseResult::Declined(reason) => case["reason"] = json!(reason),
            CaseResult::Failed(why) => case["reason"] = json!(why),
        }
        case
    };
    findings.iter().map(case).collect()
}

fn junit(findings: &[Finding]) -> Result<String, String> {
    let mut suite = TestSuite::new("replay");
    for finding in findings {
        let mut status = match &finding.result {
            CaseResult::Declined(_) => TestCaseStatus::skipped(),
            CaseResult::Failed(_) => TestCaseStatus::non_success(NonSuccessKind::Error),
            CaseResult::Judged(_) if finding.is_fault() => TestCaseStatus::non_success(NonSuccessKind::Failure),
            CaseResult::Judged(_) => TestCaseStatus::success(),
        };
        if finding.verdict() != "match" {
            let lines: Vec<String> = counting(finding).map(in_words).collect();
            status.set_message(remark(finding).trim_start_matches(": ").to_owned());
            status.set_description(lines.join("\n"));
        }
        suite.add_test_case(TestCase::new(&*finding.id, status));
    }
    let mut report = Report::new("crossfade replay");
    report.add_test_suite(suite);
    report.to_string().map_err(|error| error.to_string())
}
