// The strip over the board: is Python well, do we agree with it, is the tap fed, is the shadow well.

import { disclosure, h } from "./dom.js";
import { bytes, count, shortHash } from "./format.js";
import { sign, when } from "./parts.js";
import { humanise, sentence } from "./words.js";

const AGREEMENT = {
  agrees: ["ok", "Agrees"], disagrees: ["bad", "Disagrees"], unknown: ["unknown", "Unknown"],
};

/** How callers are admitted natively. */
const AUTH = {
  master_key: ["callers need the master key", "Whoever brings another key is Python’s to answer"],
  open: ["open to every caller", "LiteLLM was seen to ask nobody for a key"],
  unknown: ["admission not known", "Until LiteLLM agrees with its config, nobody is served natively"],
};

function cell(key, state, label, value, ...detail) {
  return h("div.cell", { key, class: `cell-${state}` }, h("dt", label), h("dd", h("p.cell-value", sign(state), h("span", value)), h("div.cell-detail", detail)));
}

export function strip(status) {
  const { upstream, agreement, tap, shadow } = status;
  const [agreementState, agreementWord] = AGREEMENT[agreement.state] ?? ["unknown", sentence(agreement.state)];
  const checks = agreement.checks ?? [];
  const passed = checks.filter((check) => check.state === "ok").length;
  const busy = shadow.queue_limit ? shadow.queue / shadow.queue_limit : 0;
  const broken = Number(shadow.provider_requests_total) > 0;
  const configState = status.config.error || status.rules.error ? "bad" : "ok";
  return h("section.strip", { key: "strip", "aria-label": "Health" },
    h("dl.cells",
      cell("upstream", upstream.healthy ? "ok" : "bad", "Upstream", upstream.healthy ? "Healthy" : "Not answering",
        h("code", upstream.url), status.auth && [h("br"), h("span", { title: AUTH[status.auth]?.[1] }, AUTH[status.auth]?.[0] ?? humanise(status.auth))]),
      cell("agreement", agreementState, "Agreement", agreementWord,
        checks.length ? `${passed} of ${checks.length} checks, ` : "Not checked yet", checks.length > 0 && when(agreement.checked_at)),
      cell("tap", tap.listening ? (tap.seen_traffic ? "ok" : "warn") : "idle", "Tap",
        tap.listening ? (tap.seen_traffic ? "Sees traffic" : "No traffic yet") : "Not started",
        tap.listening ? h("code", tap.listening) : "No provider exchange is recorded"),
      cell("shadow", broken || busy > 0.9 ? "bad" : shadow.shed_total > 0 ? "warn" : "ok", "Shadow",
        `Queue ${count(shadow.queue)} of ${count(shadow.queue_limit)}`,
        h("span", { title: `limit ${bytes(shadow.bytes_limit)}` }, bytes(shadow.bytes)), ` · shed ${count(shadow.shed_total)}`, h("br"),
        h("span", { class: broken ? "loud" : "", title: "Requests the shadow sent to a provider. Anything but 0 breaks the promise never to call twice." },
          `provider requests ${count(shadow.provider_requests_total)}`)),
      cell("config", configState, "Config and rules", configState === "ok" ? "Loaded" : "Reload refused",
        h("span", { title: status.config.path ?? "" }, "config ", h("code", shortHash(status.config.hash))), h("br"),
        h("span", { title: status.rules.path ?? "" }, "rules ", h("code", shortHash(status.rules.hash))))),
    checks.length > 0 && disclosure("agreement", [h("span", "Agreement checks"), h("span.quiet", agreementSummary(checks))],
      () => checkTable(checks), { initially: agreement.state === "disagrees", class: "strip-more" }),
    tapHint(status));
}

function agreementSummary(checks) {
  const failed = checks.filter((check) => check.state !== "ok");
  return failed.length ? failed.map((check) => humanise(check.name)).join(", ") : "all as expected";
}

function checkTable(checks) {
  const rank = { failed: 0, unknown: 1, ok: 2 };
  const sorted = [...checks].sort((left, right) => rank[left.state] - rank[right.state]);
  return h("ul.agreement", sorted.map((check) => h("li", { key: check.name, class: `check-${check.state}` },
    sign(check.state === "ok" ? "ok" : check.state === "failed" ? "bad" : "unknown"),
    h("div", h("p.agreement-name", sentence(humanise(check.name))),
      check.state !== "ok" && check.text && h("p.agreement-text", check.text),
      h("dl.expected", h("div", h("dt", "expected"), h("dd", h("code", shown(check.expected)))),
        check.state !== "ok" && h("div", h("dt", "found"), h("dd", h("code", shown(check.found)))))))));
}

function shown(value) {
  if (value === null || value === undefined || value === "") return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function tapHint({ tap }) {
  if (tap.listening && tap.seen_traffic) return null;
  return h("div.strip-hint", { key: "tap-hint" },
    h("p", h("b", tap.listening ? "The tap has not seen provider traffic." : "The tap is not running, so nothing can be compared."), " ", tap.hint),
    h("pre.command", h("code", tap.listening
      ? `crossfade tap --config config.yaml --tap-url http://${tap.listening} > tapped.yaml\nLITELLM_RUST=false litellm --config tapped.yaml`
      : "crossfade serve … --tap 127.0.0.1:8082")));
}

/** What must be seen before anything else, worst first. */
export function banners(status) {
  const list = [];
  if (Number(status.shadow.provider_requests_total) > 0) {
    list.push(["bad", "shadow", `The shadow sent ${count(status.shadow.provider_requests_total)} requests to a provider.`,
      "That must never happen. Freeze, roll every lane back, and report it as a defect."]);
  }
  if (!status.upstream.healthy) {
    list.push(["bad", "upstream", "Python does not answer.", status.upstream.last_error ?? status.upstream.url]);
  }
  if (status.config.error) list.push(["bad", "config", "The new config was refused; the old one is still in force.", status.config.error, status.config]);
  if (status.rules.error) list.push(["bad", "rules", "The new rules were refused; the old ones are still in force.", status.rules.error, status.rules]);
  if (status.agreement.state === "disagrees") {
    list.push(["bad", "agreement", "The running Python is not the one the native leg imitates: every lane declines.", "The failed checks below say what to do."]);
  }
  if (status.frozen) list.push(["warn", "frozen", "Frozen: no lane rises.", "Rollbacks still happen. Unfreeze when you are ready."]);
  return list.length > 0 && h("div.banners", { key: "banners", role: "alert" }, list.map(([kind, key, title, text, source]) =>
    h("div.notice", { key, class: `notice-${kind}` }, sign(kind), h("div", h("p.notice-title", title),
      h("p.notice-text", text),
      source?.path && h("p.notice-text.quiet", h("code", source.path), " loaded ", when(source.loaded_at), ", ", h("code", shortHash(source.hash)))))));
}

/** How many things on `status` and `lanes` want a person, for the tab's title. */
export function attention(status, lanes) {
  const here = [!status.upstream.healthy, status.config.error, status.rules.error, status.agreement.state === "disagrees", status.frozen].filter(Boolean).length;
  return here + (lanes ?? []).filter((lane) => lane.rollback).length;
}

