//! What the API shows, as types: the description of the API is made from them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cutover::rules::Promotion;
use cutover::time::UnixSeconds;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::controller::{Durations, Lane, Loaded, State, WINDOW_TICKS};
use crate::reports::{Cause, Entry, Sample, SampleHead};

/// RFC 3339 in UTC.
pub fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// A file or folder of the operator's.
#[derive(Serialize, ToSchema)]
pub struct LoadedView {
    path: Option<String>,
    hash: Option<String>,
    loaded_at: Option<String>,
    /// Why the newest version was not taken; the one before it is in use.
    error: Option<String>,
    warnings: Vec<String>,
}

impl LoadedView {
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            path: loaded.path.clone(),
            hash: loaded.hash.clone(),
            loaded_at: loaded.at.clone(),
            error: loaded.error.clone(),
            warnings: loaded.warnings.clone(),
        }
    }
}

/// A reason why the native leg would not serve.
#[derive(Serialize, ToSchema)]
pub struct DeclineView {
    code: String,
    text: String,
    path: String,
}

/// A lane on the board.
#[derive(Serialize, ToSchema)]
pub struct LaneView {
    id: String,
    route: String,
    provider: String,
    model_group: Option<String>,
    /// off, shadow, canary or full
    stage: String,
    /// Share of subjects served natively, 0 to 1.
    weight: f64,
    /// The way from shadow to the top, lowest first, with the place where the lane is.
    steps: Vec<StepView>,
    /// Who raises the lane once its gate is open: automatic or manual
    promote: &'static str,
    /// Promotions are stopped, by the rule or by an operator.
    hold: bool,
    /// Something still compares the legs where the lane is.
    watched: bool,
    since: String,
    eligible: bool,
    declines: Vec<DeclineView>,
    outcomes: Value,
    skipped: BTreeMap<String, u64>,
    served: Value,
    gate: Value,
    evidence: Value,
    rollback: Option<Value>,
    /// Causes that nobody has acknowledged; absent while the store cannot be read.
    open_causes: Option<u64>,
    latency: LatencyView,
}

/// A place on a lane's way.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    /// off, shadow, canary or full
    stage: String,
    /// Share of subjects served natively, 0 to 1.
    weight: f64,
    /// passed, here or ahead
    state: &'static str,
}

/// How long the lane's answers took within the last minutes, or since its last move. Absent: there were none.
#[derive(Serialize, ToSchema)]
pub struct LatencyView {
    /// How far back the window reaches at most.
    window_seconds: usize,
    /// From the whole request to the whole answer, served by Python.
    python_ms_p50: Option<f64>,
    python_ms_p99: Option<f64>,
    /// The same, served natively.
    native_ms_p50: Option<f64>,
    native_ms_p99: Option<f64>,
    /// Python's time beside its provider's, of mirrored requests with one provider exchange.
    python_overhead_us_p50: Option<u64>,
    python_overhead_us_p99: Option<u64>,
    /// The native leg's time beside its waits for the provider and before retries: what the trigger `overhead` looks at.
    native_overhead_us_p50: Option<u64>,
    native_overhead_us_p99: Option<u64>,
}

impl LatencyView {
    fn of(lane: &Lane) -> Self {
        let times = lane.times();
        let microseconds = |durations: &Durations, share| {
            durations.within().quantile(share).map(|found| u64::try_from(found.as_micros()).unwrap_or(u64::MAX))
        };
        let milliseconds = |durations, share| microseconds(durations, share).map(|found| found as f64 / 1000.0);
        Self {
            window_seconds: WINDOW_TICKS,
            python_ms_p50: milliseconds(&times.python, 0.5),
            python_ms_p99: milliseconds(&times.python, 0.99),
            native_ms_p50: milliseconds(&times.native, 0.5),
            native_ms_p99: milliseconds(&times.native, 0.99),
            python_overhead_us_p50: microseconds(&times.python_overhead, 0.5),
            python_overhead_us_p99: microseconds(&times.python_overhead, 0.99),
            native_overhead_us_p50: microseconds(&times.native_overhead, 0.5),
            native_overhead_us_p99: microseconds(&times.native_overhead, 0.99),
        }
    }
}

fn steps(lane: &Lane) -> Vec<StepView> {
    let here = lane.state.position;
    let way = lane.state.way(&lane.rule, false).into_iter();
    way.map(|place| StepView {
        stage: place.stage.to_string(),
        weight: place.weight.share(),
        state: match place.cmp(&here) {
            Ordering::Less => "passed",
            Ordering::Equal => "here",
            Ordering::Greater => "ahead",
        },
    })
    .collect()
}

impl LaneView {
    pub fn of(lane: &Lane, open_causes: Option<u64>) -> Self {
        let evidence = &lane.evidence;
        let counts = &evidence.counts;
        let (python, native, declined) = lane.tally.served_counts();
        let position = lane.state.position;
        Self {
            id: lane.id.to_string(),
            route: lane.id.route.clone(),
            provider: lane.id.provider.clone(),
            model_group: lane.id.model_group.clone(),
            stage: position.stage.to_string(),
            weight: position.weight.share(),
            steps: steps(lane),
            promote: match lane.rule.promote {
                Promotion::Automatic => "automatic",
                Promotion::Manual => "manual",
            },
            hold: lane.rule.hold || lane.state.held,
            watched: lane.state.watched(&lane.rule, false),
            since: time(lane.state.since.0),
            eligible: lane.eligible,
            declines: lane
                .declines
                .iter()
                .map(|reason| DeclineView {
                    code: reason.code.to_owned(),
                    text: reason.text.clone(),
                    path: reason.path.clone(),
                })
                .collect(),
            outcomes: serde_json::json!({
                "match": counts.matches, "tolerated": counts.tolerated, "mismatch": counts.mismatch,
            }),
            skipped: counts.skipped.iter().map(|(reason, count)| (reason.as_str().to_owned(), *count)).collect(),
            served: serde_json::json!({"python": python, "native": native, "declined": declined}),
            gate: serde_json::json!({
                "ready": lane.gate.ready,
                "next_stage": lane.gate.next.map(|next| next.stage),
                "next_weight": lane.gate.next.map(|next| next.weight.share()),
                "checks": lane.gate.checks,
            }),
            evidence: serde_json::json!({
                "pairs": evidence.promotion.pairs(),
                "mismatches": evidence.promotion.mismatches(),
                "log_e": evidence.promotion.log_e(),
                "log_e_needed": evidence.promotion.log_e_needed(),
                "cusum_log": evidence.regression.log_value(),
                "cusum_log_alarm": evidence.regression.log_alarm(),
                "unseen_shape_share": evidence.coverage.unseen_share(),
                "uncompared_share": evidence.coverage.uncompared_share(),
                "key": {"build": evidence.key.build, "config": evidence.key.config_hash, "rules": evidence.key.rules_hash},
            }),
            rollback: lane.state.rollback.as_ref().map(|rollback| {
                serde_json::json!({
                    "at": time(rollback.at.0), "trigger": rollback.trigger, "text": rollback.text,
                    "cooldown_until": time(rollback.cooldown_until.0),
                })
            }),
            open_causes,
            latency: LatencyView::of(lane),
        }
    }
}

/// A lane's last hour, a minute an entry.
pub fn history(lane: &Lane) -> Vec<Value> {
    let minutes = lane.evidence.history.minutes();
    minutes
        .map(|minute| {
            let UnixSeconds(at) = minute.at;
            serde_json::json!({"at": time(at), "outcomes": {
                "match": minute.matches, "tolerated": minute.tolerated, "mismatch": minute.mismatch, "skipped": minute.skipped,
            }})
        })
        .collect()
}

/// How callers are admitted natively: `master_key`; `open` where LiteLLM was seen to ask nobody; `unknown`, and then
/// nobody is. Absent without a configuration.
pub fn auth(state: &State) -> Option<&'static str> {
    state.native.as_ref().map(|native| state.agreement.auth_mode(&native.config).as_str())
}

/// What the running LiteLLM was found to be.
pub fn agreement(state: &State) -> Value {
    serde_json::json!({
        "state": state.agreement.as_str(),
        "checks": state.agreement.checks,
        "blocked_groups": state.agreement.blocked_groups,
        "checked_at": state.probed_at.map(time),
    })
}

/// Mismatches with one signature.
#[derive(Serialize, ToSchema)]
pub struct CauseView {
    id: String,
    lane: String,
    severity: String,
    kind: String,
    path: String,
    left_type: String,
    right_type: String,
    count: i64,
    first_seen: String,
    last_seen: String,
    new_since_build: bool,
    sample_id: Option<String>,
    open: bool,
    text: String,
}

impl CauseView {
    pub fn of(cause: Cause, build: &str) -> Self {
        Self {
            new_since_build: cause.first_build == build,
            first_seen: time(cause.first_seen),
            last_seen: time(cause.last_seen),
            id: cause.id,
            lane: cause.lane,
            severity: cause.severity,
            kind: cause.kind,
            path: cause.path,
            left_type: cause.left_type,
            right_type: cause.right_type,
            count: cause.count,
            sample_id: cause.sample_id,
            open: cause.open,
            text: cause.text,
        }
    }
}

/// A compared pair in a list.
#[derive(Serialize, ToSchema)]
pub struct SampleHeadView {
    id: String,
    at: String,
    lane: String,
    verdict: String,
    shape: String,
    status_control: u16,
    status_candidate: u16,
    differences: usize,
    summary: String,
}

impl SampleHeadView {
    pub fn of(head: SampleHead) -> Self {
        Self {
            at: time(head.at),
            id: head.id,
            lane: head.lane,
            verdict: head.verdict,
            shape: head.shape,
            status_control: head.status_control,
            status_candidate: head.status_candidate,
            differences: head.differences,
            summary: head.summary,
        }
    }
}

/// A sample as one document: the head, the parts and, where it is kept, the content put back into them.
pub fn sample(sample: Sample) -> Value {
    let mut document = sample.document;
    let content = sample.content.map(|(content, _)| content);
    put_back(&mut document, content.as_ref());
    let mut whole = serde_json::to_value(SampleHeadView::of(sample.head)).unwrap_or_default();
    // The head's count and the document's list have one name; the list says more.
    if let (Value::Object(whole), Value::Object(document)) = (&mut whole, document) {
        if let Some(count) = whole.remove("differences") {
            whole.insert("difference_count".to_owned(), count);
        }
        whole.extend(document);
        if let Some(differences) = content.as_ref().and_then(|content| content.get("differences")) {
            whole.insert("differences".to_owned(), differences.clone());
        }
        whole.insert("content".to_owned(), Value::from(if content.is_some() { "on" } else { "off" }));
        let text_diff = content.as_ref().and_then(|content| content.get("text_diff")).cloned();
        whole.insert("text_diff".to_owned(), text_diff.unwrap_or_else(|| Value::Array(Vec::new())));
    }
    whole
}

/// Every part has a name under which the content has its body, its headers and its URL.
fn put_back(value: &mut Value, content: Option<&Value>) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| put_back(element, content)),
        Value::Object(members) => {
            if members.contains_key("body_hash")
                && let Some(Value::String(name)) = members.remove("name")
            {
                let body = content.and_then(|content| content.get(&name)).cloned().unwrap_or(Value::Null);
                members.insert("body".to_owned(), body);
                if let Some(Value::Object(head)) = content.and_then(|content| content.get("heads")?.get(&name)) {
                    members.extend(head.clone());
                }
                return;
            }
            members.values_mut().for_each(|member| put_back(member, content));
        }
        _ => {}
    }
}

/// Who did what, and why.
#[derive(Serialize, ToSchema)]
pub struct EntryView {
    id: i64,
    at: String,
    actor: String,
    lane: Option<String>,
    action: String,
    from: Value,
    to: Value,
    reason: String,
    evidence: Value,
}

impl EntryView {
    pub fn of(entry: Entry) -> Self {
        Self {
            at: time(entry.at),
            id: entry.id,
            actor: entry.actor,
            lane: entry.lane,
            action: entry.action,
            from: entry.from,
            to: entry.to,
            reason: entry.reason,
            evidence: entry.evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(content: Option<Value>) -> Value {
        let head = SampleHead {
            id: "s".to_owned(),
            at: 0,
            lane: "ocr:mistral".to_owned(),
            verdict: "match".to_owned(),
            shape: String::new(),
            status_control: 200,
            status_candidate: 200,
            differences: 0,
            summary: String::new(),
        };
        let part = json!({"name": "client_request", "body_hash": "ab", "url": "/ocr?3 bytes", "headers": [["x", "1 bytes #ab"]]});
        sample(Sample { head, document: json!({"client_request": part}), content: content.map(|content| (content, 0)) })
            ["client_request"]
            .clone()
    }

    #[test]
    fn content_stands_in_its_parts_while_it_is_kept() {
        let heads = json!({"client_request": {"url": "/ocr?a=b", "headers": [["x", "y"]]}});
        let with = shown(Some(json!({"client_request": {"model": "m"}, "heads": heads})));
        assert_eq!(
            with,
            json!({"body_hash": "ab", "url": "/ocr?a=b", "headers": [["x", "y"]], "body": {"model": "m"}})
        );
        let without =
            json!({"body_hash": "ab", "url": "/ocr?3 bytes", "headers": [["x", "1 bytes #ab"]], "body": null});
        assert_eq!(shown(None), without);
    }
}
