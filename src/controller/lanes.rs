//! Which lanes there are, from the configuration and the rules, and the table that requests read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cutover::evidence::{Evidence, EvidenceKey};
use cutover::gate::Gate;
use cutover::lane::LaneId;
use cutover::rules::{LaneRule, Rules};
use cutover::stage::{LaneState, Position};
use serde_json::json;

use super::{Controller, Lane, State, Window, saved};
use crate::config::{Deployment, LiteLlmConfig, Reason, RouteScope};
use crate::native::Native;
use crate::reports::{NewEntry, SavedLane};
use crate::routes::facts::hex_digest;
use crate::routes::{LaneTable, LaneTally, LiveLane, Route};

/// A lane as configuration and rules name it.
struct Named {
    rule: LaneRule,
    declines: Vec<Reason>,
    /// Ids of the deployments that the native leg serves exactly.
    deployments: Vec<String>,
}

impl Controller {
    /// Makes the lanes anew after any of their inputs changed, keeping what is known of those that stay.
    pub(super) fn rebuild(&self, state: &mut State) {
        let named = match &state.native {
            Some(native) => named_lanes(&native.config, state),
            None => BTreeMap::new(),
        };
        let mut before = std::mem::take(&mut state.lanes);
        for (id, named) in named {
            let lane = before.remove(&id).unwrap_or_else(|| self.first_seen(&id, &named.rule, state));
            let lane = self.renewed(lane, named, state);
            state.lanes.insert(id, lane);
        }
        self.follow_rules(state);
        self.refresh_gates(state);
        self.publish(state);
    }

    /// A lane that this process has not had: where the store left it, else where its rule starts it.
    fn first_seen(&self, id: &LaneId, rule: &LaneRule, state: &mut State) -> Lane {
        let now = self.now();
        let fresh = || Evidence::new(no_key(id), rule, now);
        let (lane_state, evidence, fault) = match self.store.lane(&id.to_string()).map(|kept| kept.map(read)) {
            Ok(Some((Ok(lane_state), Ok(evidence)))) => (lane_state, evidence, None),
            Ok(None) => (LaneState::start(rule, now), fresh(), None),
            Ok(Some((lane_state, evidence))) => {
                let fault = lane_state.as_ref().err().or(evidence.as_ref().err()).map(ToString::to_string);
                // An operator's hold is kept where it can be read.
                let held = lane_state.is_ok_and(|lane_state| lane_state.held);
                (LaneState { held, ..LaneState::start_without_past(rule, now) }, fresh(), fault)
            }
            Err(error) => (LaneState::start_without_past(rule, now), fresh(), Some(error.to_string())),
        };
        let tally = Arc::new(LaneTally::default());
        restore_shapes(&tally, &evidence);
        if let Some(fault) = fault {
            let lost = self.lost_entry(id, &lane_state, &fault);
            tracing::error!(lane = %id, fault, "what the store has of a lane could not be read; it starts without a past");
            // Said by `save`; the lane is dirty.
            let _ = self.save_or_owe(state, &[saved(id, &lane_state, &evidence)], vec![lost]);
        }
        Lane {
            id: id.clone(),
            rule: Arc::new(rule.clone()),
            state: lane_state,
            evidence,
            gate: Gate { checks: Vec::new(), ready: false, next: None },
            declines: Vec::new(),
            eligible: false,
            tally,
            open_severe_causes: self.open_severe_causes(id),
            window: Window::default(),
            dirty: true,
        }
    }

    fn lost_entry(&self, id: &LaneId, state: &LaneState, fault: &str) -> NewEntry {
        NewEntry {
            at: self.now().0,
            actor: "controller".to_owned(),
            lane: Some(id.to_string()),
            action: "reset".to_owned(),
            from: serde_json::Value::Null,
            to: json!(state.position),
            reason: format!(
                "what the store has of this lane could not be read ({fault}); it starts at {} and without evidence",
                state.position.stage
            ),
            evidence: serde_json::Value::Null,
        }
    }

    fn renewed(&self, mut lane: Lane, named: Named, state: &mut State) -> Lane {
        let agrees = state.agreement.agrees_as_a_whole();
        lane.eligible = agrees && !named.deployments.is_empty();
        lane.declines = named.declines;
        lane.declines.extend(state.agreement.as_reasons());
        lane.rule = Arc::new(named.rule);
        // Before LiteLLM was probed the key is not known, and what was learnt before a restart must not be dropped.
        if let (true, Some(native)) = (agrees, &state.native) {
            let key = EvidenceKey {
                lane: lane.id.clone(),
                build: self.build.clone(),
                config_hash: hex_digest(format!("{} {}", native.config.hash, state.price_map_hash).as_bytes()),
                rules_hash: hex_digest(lane.rule.evidence_input().as_bytes()),
            };
            let before = lane.evidence.key.clone();
            if lane.evidence.rekey(key, &lane.rule, self.now()) {
                lane.tally.forget_shapes();
                lane.dirty = true;
                self.close_causes(&lane.id);
                lane.open_severe_causes = 0;
                let entries: Vec<NewEntry> =
                    self.reset_entry(&lane, &before).into_iter().chain(self.lower_unproven(&mut lane)).collect();
                // Said by `save`; the lane is dirty.
                let _ = self.save_or_owe(state, &[saved(&lane.id, &lane.state, &lane.evidence)], entries);
            }
        }
        lane
    }

    /// A weight was earned by evidence about something else: the lane goes back to where its rule alone would put it.
    /// A pinned lane stays; nothing moves it by itself.
    fn lower_unproven(&self, lane: &mut Lane) -> Option<NewEntry> {
        let floor = Position::start_of(lane.rule.stage, &lane.rule).max(Position::SHADOW);
        if lane.rule.hold || lane.state.position <= floor {
            return None;
        }
        let (from, now) = (lane.state.position, self.now());
        lane.state.position = floor;
        lane.state.since = now;
        Some(NewEntry {
            at: now.0,
            actor: "config".to_owned(),
            lane: Some(lane.id.to_string()),
            action: "rollback".to_owned(),
            from: json!(from),
            to: json!(floor),
            reason: "what earned the weight was about another build, configuration or rules".to_owned(),
            evidence: serde_json::Value::Null,
        })
    }

    fn reset_entry(&self, lane: &Lane, before: &EvidenceKey) -> Option<NewEntry> {
        // A lane that was never compared has nothing to lose, and its first key is no news.
        if before.build.is_empty() {
            return None;
        }
        let after = &lane.evidence.key;
        let changed: Vec<&str> = [
            ("build", before.build != after.build),
            ("config", before.config_hash != after.config_hash),
            ("rules", before.rules_hash != after.rules_hash),
        ]
        .into_iter()
        .filter_map(|(name, changed)| changed.then_some(name))
        .collect();
        Some(NewEntry {
            at: self.now().0,
            actor: "config".to_owned(),
            lane: Some(lane.id.to_string()),
            action: "reset".to_owned(),
            from: json!(before),
            to: json!(after),
            reason: format!("the evidence was about another {}", changed.join(", ")),
            evidence: serde_json::Value::Null,
        })
    }

    /// A changed `stage` in a rule file moves its lanes, upwards too: it is the operator's own act.
    fn follow_rules(&self, state: &mut State) {
        let moves: Vec<_> = state
            .lanes
            .values()
            .filter_map(|lane| Some((lane.id.clone(), cutover::stage::reload(&lane.state, &lane.rule)?)))
            .collect();
        for (id, made) in moves {
            // Said by `save`; the next reload tries again.
            let _ = self.carry_out(state, &id, &made, "config");
        }
    }

    /// Swaps the table that requests read.
    pub(super) fn publish(&self, state: &State) {
        let mut lanes = Vec::with_capacity(state.lanes.len());
        let mut by_deployment = HashMap::new();
        for lane in state.lanes.values() {
            let index = lanes.len();
            if let Some(native) = &state.native {
                for id in served_deployments(&native.config, &lane.id, state) {
                    if let Some(route) = Route::named(&lane.id.route) {
                        by_deployment.insert((route, id), index);
                    }
                }
            }
            lanes.push(LiveLane {
                id: lane.id.clone(),
                name: lane.id.to_string(),
                rule: Arc::clone(&lane.rule),
                stage: lane.state.position.stage,
                weight: lane.state.position.weight,
                eligible: lane.eligible,
                tally: Arc::clone(&lane.tally),
            });
            self.show(lane);
        }
        let native = state.native.as_ref().map(|native| {
            let auth = state.agreement.auth_mode(&native.config);
            Arc::new(Native { auth, ..Native::clone(native) })
        });
        let unsafe_body = native.as_ref().is_some_and(|native| native.config.body_is_read_by_callbacks());
        self.table.store(Arc::new(LaneTable::new(native, lanes, by_deployment, unsafe_body)));
    }

    pub(super) fn show(&self, lane: &Lane) {
        let name = lane.id.to_string();
        let weight = i64::from(lane.state.position.weight.parts_per_million());
        self.metrics.weight.with_label_values(&[name.as_str()]).set(weight);
        for stage in ["off", "shadow", "canary", "full"] {
            let here = i64::from(stage == lane.state.position.stage.as_str());
            self.metrics.stage.with_label_values(&[name.as_str(), stage]).set(here);
        }
        // The gauge is whole; a thousandth is finer than anyone reads it.
        let log_e = (lane.evidence.promotion.log_e() * 1000.0).round() as i64;
        self.metrics.evidence_log_e_milli.with_label_values(&[name.as_str()]).set(log_e);
    }

    pub(super) fn open_severe_causes(&self, id: &LaneId) -> u64 {
        // A store that cannot be read may hold one.
        self.store.open_severe_causes(&id.to_string()).unwrap_or_else(|error| {
            tracing::error!(%error, "the store failed");
            1
        })
    }

    fn close_causes(&self, id: &LaneId) {
        if let Err(error) = self.store.close_causes(None, Some(&id.to_string())) {
            tracing::error!(%error, "the store failed");
        }
    }
}

fn read(kept: SavedLane) -> (serde_json::Result<LaneState>, serde_json::Result<Evidence>) {
    (serde_json::from_str(&kept.state), serde_json::from_str(&kept.evidence))
}

/// Of evidence that is about nothing yet.
fn no_key(id: &LaneId) -> EvidenceKey {
    EvidenceKey { lane: id.clone(), build: String::new(), config_hash: String::new(), rules_hash: String::new() }
}

fn restore_shapes(tally: &LaneTally, evidence: &Evidence) {
    // Which shape a mismatch had is not kept, so after one every shape shows itself again.
    let clean = evidence.counts.mismatch == 0;
    for (shape, count) in evidence.coverage.shapes() {
        if clean && count.compared > 0 {
            tally.add_shape(shape);
        }
    }
}

/// Lanes of every route with a native leg and every provider that this leg knows.
fn named_lanes(config: &LiteLlmConfig, state: &State) -> BTreeMap<LaneId, Named> {
    let (rules, agreement) = (&state.rules, &state.agreement);
    let mut lanes: BTreeMap<LaneId, Named> = BTreeMap::new();
    for route in Route::ALL.into_iter().filter(|route| route.has_native_leg()) {
        let whole = config.reasons.iter().filter(|reason| reason.routes.concerns(route.as_str()));
        let whole: Vec<Reason> = whole.cloned().collect();
        for deployment in
            config.deployments.iter().filter(|one| route.native_providers().contains(&one.provider.as_str()))
        {
            let id = lane_id(route, &deployment.provider, &deployment.model_name, rules);
            let lane = lanes.entry(id.clone()).or_insert_with(|| Named {
                rule: rules.resolve(&id),
                declines: whole.clone(),
                deployments: Vec::new(),
            });
            let own: Vec<&Reason> =
                deployment.reasons.iter().filter(|reason| reason.routes.concerns(route.as_str())).collect();
            let unproven = state.proof.waits(&deployment.model_name);
            let blocked = unproven || agreement.blocks(&deployment.model_name).is_some();
            if own.is_empty() && whole.is_empty() && !blocked {
                lane.deployments.push(deployment.id.clone());
            }
            lane.declines.extend(own.into_iter().cloned());
            lane.declines.extend(unproven.then(|| restart_needed(deployment)));
        }
    }
    lanes
}

fn restart_needed(deployment: &Deployment) -> Reason {
    Reason {
        path: deployment.path.clone(),
        code: "agreement",
        text: "the file changed this group and keeps its declared id, so only a restart of LiteLLM can show that it took the change".to_owned(),
        routes: RouteScope::All,
    }
}

/// A model group is a lane of its own where a rule names it, else it belongs to its provider's.
pub fn lane_id(route: Route, provider: &str, group: &str, rules: &Rules) -> LaneId {
    let own = LaneId::new(route.as_str(), provider, Some(group.to_owned()));
    if rules.names_group(&own) { own } else { LaneId::new(route.as_str(), provider, None) }
}

fn served_deployments(config: &LiteLlmConfig, id: &LaneId, state: &State) -> Vec<String> {
    named_lanes(config, state).remove(id).map(|named| named.deployments).unwrap_or_default()
}
