//! Judging a pair: provider requests attempt by attempt, then the client responses.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    cause::{Cause, cause_of},
    defects::{Defect, excuse},
    outcome::{Excuse, Severity, Verdict},
};
use crate::{
    diff::{
        Differences, HeaderPolicy, Kind, Limits, Path, RawDifference, ValueType, client_response_policy, diff_body,
        diff_headers, diff_stream, is_stream, provider_request_policy, stream_document,
    },
    lane::LaneId,
    noise::{Bijection, Format, body_field_format, event_fields, is_stray_event, is_stray_header},
    rules::{LaneRule, Side},
    time::Date,
};

/// Control and candidate of one request.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// The lane that answered.
    pub lane: &'a LaneId,
    /// The trusted leg.
    pub control: LegRecord<'a>,
    /// The other leg.
    pub candidate: LegRecord<'a>,
}

/// What one leg did for a request.
#[derive(Clone, Debug)]
pub struct LegRecord<'a> {
    /// What it sent to providers, in order of attempts.
    pub attempts: Vec<ProviderCall<'a>>,
    /// What it answered the client.
    pub answer: Answered<'a>,
}

/// A provider request. Credential headers may hold the value or a keyed hash of it: they are only
/// ever compared for equality and never shown.
#[derive(Clone, Debug)]
pub struct ProviderCall<'a> {
    /// `POST`, …
    pub method: &'a str,
    /// The provider's own URL, not the tap's.
    pub url: &'a str,
    /// Names in any case.
    pub headers: &'a [(String, String)],
    /// The body, whole.
    pub body: &'a [u8],
}

/// A client response.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Names in any case.
    pub headers: &'a [(String, String)],
    /// The body, whole.
    pub body: &'a [u8],
}

/// A judged difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In which exchange.
    pub side: Side,
    /// The attempt, from 0; absent in client responses.
    pub attempt: Option<usize>,
    /// Where: `$.a[0].b`, `headers.x`, `status`, `url`, `method`, `attempts`.
    pub path: String,
    /// Where, with `[*]` for indexes.
    pub template: String,
    /// How.
    pub kind: Kind,
    /// What it is worth.
    pub severity: Severity,
    /// The control's type.
    pub left_type: ValueType,
    /// The candidate's type.
    pub right_type: ValueType,
    /// The control's value, shortened. Content: drop it where the lane's rule keeps none.
    pub left: Option<String>,
    /// The candidate's value, shortened. Content, likewise.
    pub right: Option<String>,
    /// Varies with itself and kept its format.
    pub noise: bool,
    /// Why it is excused; absent where it is not.
    pub rule: Option<Excuse>,
}

impl Difference {
    /// Whether this alone makes the pair a mismatch.
    pub fn counts(&self) -> bool {
        !self.noise && self.rule.is_none() && self.severity > Severity::Low
    }

    /// The same without any content, for a store that keeps none.
    pub fn without_content(mut self) -> Self {
        (self.left, self.right) = (None, None);
        self
    }
}

/// The judgement of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What the pair shows.
    pub verdict: Verdict,
    /// All that differs, noise and excused differences included.
    pub differences: Vec<Difference>,
    /// There were more differences than the limit; this alone is a mismatch.
    pub truncated: bool,
    /// One for each signature among the differences that are neither noise nor excused, worst first.
    /// Those of low severity are in here too, although they make no mismatch.
    pub causes: Vec<Cause>,
}

impl Judgement {
    /// One line for a list: the worst difference, or that there is none.
    pub fn summary(&self) -> String {
        match (self.causes.first(), &self.verdict) {
            (Some(cause), _) => cause.text.clone(),
            (None, Verdict::Tolerated(excuses)) => {
                let names: Vec<String> = excuses.iter().map(Excuse::to_string).collect();
                format!("excused by {}", names.join(", "))
            }
            (None, _) => "no difference".to_owned(),
        }
    }
}

/// Judges a pair under a lane's rule; `today` decides which tolerate entries still hold.
pub fn judge(pair: &Pair<'_>, rule: &LaneRule, today: Date) -> Judgement {
    let mut bench = Bench { limits: Limits::default(), differences: Vec::new(), truncated: false };
    bench.provider_requests(&pair.control.attempts, &pair.candidate.attempts);
    bench.client_responses(&pair.lane.route, &pair.control.answer, &pair.candidate.answer);
    bench.mark_noise(&pair.lane.route, &pair.control.answer, &pair.candidate.answer);
    let failed = pair.control.answer.status >= 400 && pair.control.answer.status == pair.candidate.answer.status;
    for difference in bench.differences.iter_mut().filter(|difference| !difference.noise) {
        difference.rule = rule_for(difference, rule, today).or_else(|| defect_for(difference, failed));
    }
    bench.conclude(pair)
}

struct Bench {
    limits: Limits,
    differences: Vec<Difference>,
    truncated: bool,
}

impl Bench {
    fn add(&mut self, side: Side, attempt: Option<usize>, found: Differences) {
        self.truncated |= found.truncated;
        for raw in found.list {
            if self.differences.len() >= self.limits.differences_max {
                self.truncated = true;
                return;
            }
            let severity = severity_of(side, &raw);
            let RawDifference { path, template, kind, left_type, right_type, left, right } = raw;
            self.differences.push(Difference {
                side,
                attempt,
                path,
                template,
                kind,
                severity,
                left_type,
                right_type,
                left,
                right,
                noise: false,
                rule: None,
            });
        }
    }

    fn plain(&mut self, side: Side, attempt: Option<usize>, path: &str, left: Option<String>, right: Option<String>) {
        if left == right {
            return;
        }
        let kind = match (&left, &right) {
            (Some(_), None) => Kind::Missing,
            (None, Some(_)) => Kind::Extra,
            _ => Kind::Changed,
        };
        let value_type = |value: &Option<String>| if value.is_some() { ValueType::Text } else { ValueType::Absent };
        let (left_type, right_type) = (value_type(&left), value_type(&right));
        let raw = RawDifference { path: path.into(), template: path.into(), kind, left_type, right_type, left, right };
        self.add(side, attempt, Differences { list: vec![raw], truncated: false });
    }

    fn provider_requests(&mut self, control: &[ProviderCall<'_>], candidate: &[ProviderCall<'_>]) {
        let side = Side::ProviderRequest;
        for (attempt, (left, right)) in control.iter().zip(candidate).enumerate() {
            let attempt = Some(attempt);
            self.plain(side, attempt, "method", Some(left.method.into()), Some(right.method.into()));
            self.plain(side, attempt, "url", Some(left.url.into()), Some(right.url.into()));
            self.add(side, attempt, diff_headers(left.headers, right.headers, provider_request_policy, &self.limits));
            self.add(side, attempt, diff_body(left.body, right.body, &self.limits));
        }
        let line = |call: &ProviderCall<'_>| format!("{} {}", call.method, call.url);
        for attempt in control.len().min(candidate.len())..control.len().max(candidate.len()) {
            self.plain(
                side,
                Some(attempt),
                "attempts",
                control.get(attempt).map(line),
                candidate.get(attempt).map(line),
            );
        }
    }

    fn client_responses(&mut self, route: &str, control: &Answered<'_>, candidate: &Answered<'_>) {
        let side = Side::ClientResponse;
        self.plain(side, None, "status", Some(control.status.to_string()), Some(candidate.status.to_string()));
        self.add(side, None, diff_headers(control.headers, candidate.headers, client_response_policy, &self.limits));
        let found = match is_stream(control.headers) && is_stream(candidate.headers) {
            true => diff_stream(control.body, candidate.body, &event_fields(route), &self.limits),
            false => diff_body(control.body, candidate.body, &self.limits),
        };
        self.add(side, None, found);
        self.content_lengths(control, candidate);
    }

    /// A length need not be the control's (the bodies may be spelt differently), but it must be true.
    fn content_lengths(&mut self, control: &Answered<'_>, candidate: &Answered<'_>) {
        let stated = |answer: &Answered<'_>| {
            let header = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
            Some(header.1.trim().to_owned())
        };
        let truth = |answer: &Answered<'_>| answer.body.len().to_string();
        let Some(left) = stated(control).filter(|length| *length == truth(control)) else { return };
        if let Some(length) = stated(candidate).filter(|length| *length != truth(candidate)) {
            // With its body beside it: the two legs may well state one length, which is true of one body only.
            let right = format!("{length} with a body of {}", truth(candidate));
            self.plain(Side::ClientResponse, None, "headers.content-length", Some(left), Some(right));
        }
    }

    /// Marks what varies with itself: noisy fields in their format, ids one to one, every other place where such an id is
    /// repeated, and events that come or stay away by chance.
    fn mark_noise(&mut self, route: &str, control: &Answered<'_>, candidate: &Answered<'_>) {
        let mut ids = Bijection::default();
        let is_id = |difference: &Difference| body_field_format(route, &difference.template).is_some_and(Format::is_id);
        if self.differences.iter().any(is_id) {
            // An id that both say is taken: it is no other's counterpart.
            let said = ids_of(route, control, &self.limits);
            for id in said.intersection(&ids_of(route, candidate, &self.limits)) {
                ids.add(id, id);
            }
        }
        for difference in self.differences.iter_mut().filter(|difference| difference.side == Side::ClientResponse) {
            let format = body_field_format(route, &difference.template);
            let (Some(format), Some(left), Some(right)) = (format, &difference.left, &difference.right) else {
                continue;
            };
            let kept = difference.kind == Kind::Changed
                && format.is_kept_by(difference.left_type, left)
                && format.is_kept_by(difference.right_type, right);
            difference.noise = kept && (!format.is_id() || ids.add(left, right));
        }
        for difference in self.differences.iter_mut().filter(|difference| difference.template == "$.events[*]") {
            let lone = match difference.kind {
                Kind::Missing => difference.left.as_deref(),
                Kind::Extra => difference.right.as_deref(),
                _ => None,
            };
            difference.noise |= lone.is_some_and(|event| is_stray_event(route, event));
        }
        for difference in self.differences.iter_mut().filter(|difference| difference.side == Side::ClientResponse) {
            let (Kind::Missing, Some(value)) = (difference.kind, &difference.left) else { continue };
            let name = difference.path.strip_prefix("headers.");
            difference.noise |= name.is_some_and(|name| is_stray_header(route, name, value, control.body));
        }
        let repeated =
            |difference: &&mut Difference| difference.side == Side::ClientResponse && difference.kind == Kind::Changed;
        for difference in self.differences.iter_mut().filter(repeated) {
            let both = difference.left.as_deref().zip(difference.right.as_deref());
            difference.noise |= both.is_some_and(|(left, right)| ids.maps(left, right));
        }
    }

    fn conclude(mut self, pair: &Pair<'_>) -> Judgement {
        let mut causes: Vec<Cause> = Vec::new();
        for difference in self.differences.iter().filter(|difference| !difference.noise && difference.rule.is_none()) {
            let cause = cause_of(pair.lane, difference, pair.control.answer.status);
            if causes.iter().all(|known| known.id != cause.id) {
                causes.push(cause);
            }
        }
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.severity));
        let mut excuses: Vec<Excuse> =
            self.differences.iter().filter_map(|difference| difference.rule.clone()).collect();
        excuses.sort_unstable();
        excuses.dedup();
        let verdict = match () {
            () if self.truncated || self.differences.iter().any(Difference::counts) => Verdict::Mismatch,
            () if !excuses.is_empty() => Verdict::Tolerated(excuses),
            () => Verdict::Match,
        };
        let shown_bytes_max = self.limits.shown_bytes_max;
        for difference in &mut self.differences {
            shorten(&mut difference.left, shown_bytes_max);
            shorten(&mut difference.right, shown_bytes_max);
        }
        Judgement { verdict, differences: self.differences, truncated: self.truncated, causes }
    }
}

/// The ids that an answer says where they are noisy.
fn ids_of(route: &str, answer: &Answered<'_>, limits: &Limits) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let Some(text) = std::str::from_utf8(answer.body).ok().filter(|text| text.len() <= limits.bytes_max) else {
        return ids;
    };
    let document = match is_stream(answer.headers) {
        true => Some(stream_document(text, limits)),
        false => serde_json::from_str(text).ok(),
    };
    if let Some(document) = document {
        take_ids(route, &document, &mut Path::root(), &mut ids);
    }
    ids
}

fn take_ids(route: &str, value: &Json, path: &mut Path, ids: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if body_field_format(route, &path.template()).is_some_and(Format::is_id) => {
            ids.insert(text.clone());
        }
        Json::Array(elements) => elements.iter().enumerate().for_each(|(index, element)| {
            path.enter_index(index);
            take_ids(route, element, path, ids);
            path.leave();
        }),
        Json::Object(members) => members.iter().for_each(|(key, member)| {
            path.enter_key(key);
            take_ids(route, member, path, ids);
            path.leave();
        }),
        _ => {}
    }
}

fn rule_for(difference: &Difference, rule: &LaneRule, today: Date) -> Option<Excuse> {
    let entry = rule.tolerate.iter().find(|entry| entry.covers(difference.side, &difference.template, today))?;
    Some(Excuse::Rule(entry.path.clone()))
}

/// Error messages differ by Python's leaks only where both legs failed with one status.
fn defect_for(difference: &Difference, failed: bool) -> Option<Excuse> {
    let message =
        matches!(difference.template.as_str(), "$.error.message" | "$.detail" | "$.detail.error" | "$.message");
    if !failed || !message || difference.side != Side::ClientResponse || difference.kind != Kind::Changed {
        return None;
    }
    let defects: Vec<Defect> = excuse(difference.left.as_deref()?, difference.right.as_deref()?)?;
    defects.first().copied().map(Excuse::Defect)
}

fn severity_of(side: Side, raw: &RawDifference) -> Severity {
    let path = raw.template.as_str();
    let formatting = raw.kind == Kind::Spelling || (raw.kind == Kind::Order && raw.left_type == ValueType::Object);
    match path {
        _ if formatting => Severity::Low,
        "status" | "method" | "url" | "attempts" => Severity::Severe,
        "$.error.type" | "$.error.code" | "$.error" => Severity::Severe,
        "headers.content-type" => Severity::High,
        _ if path.starts_with("headers.") => match (side, provider_request_policy(&path["headers.".len()..])) {
            // Another credential means another account is asked, and pays.
            (Side::ProviderRequest, HeaderPolicy::Credential) => Severity::Severe,
            _ => Severity::Medium,
        },
        _ if path.starts_with("$.usage") || path.starts_with("$.message.usage") => Severity::Medium,
        _ => Severity::High,
    }
}

/// Cuts a value at a character's boundary; `…` says that it was cut.
fn shorten(value: &mut Option<String>, bytes_max: usize) {
    if let Some(text) = value.as_mut().filter(|text| text.len() > bytes_max) {
        let cut = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push('\u{2026}');
    }
}
