// The pieces a lane is shown with, on the board and on its own page.

import { disclosure, h } from "./dom.js";
import { ago, clock, compact, count, decimal, microseconds, milliseconds, percent, plural } from "./format.js";
import { CHECKS, VERDICTS, humanise, sentence, skippedText } from "./words.js";

/** A round sign for a state, readable without its colour. */
export function sign(state) {
  const signs = { ok: "✓", bad: "✕", warn: "!", unknown: "?", idle: "–" };
  const words = { ok: "ok", bad: "failed", warn: "attention", unknown: "unknown", idle: "idle" };
  return h("span.sign", { class: `sign-${state}`, role: "img", "aria-label": words[state] }, signs[state]);
}

export function when(time) { return h("time", { datetime: time, title: time ? clock(time) : "" }, ago(time)); }

export function tag(text, kind = "", title = "") { return h("span.tag", { class: kind && `tag-${kind}`, title }, text); }

export function verdictTag(verdict) {
  const known = VERDICTS[verdict] ?? { sign: "?", word: verdict, text: "" };
  return h("span.verdict", { class: `verdict-${verdict}`, title: known.text }, h("span.glyph", { "aria-hidden": "true" }, known.sign), known.word);
}

export function empty(title, ...body) { return h("div.empty", h("p.empty-title", title), body); }

/** `route : provider : group`, with the colons kept apart so that a long name breaks there. */
export function laneName(id) {
  const pieces = String(id).split(":");
  return pieces.flatMap((piece, index) => (index ? [h("span.colon", ":"), h("wbr"), piece] : [piece]));
}

export function laneLink(id) { return h("a.lane-link", { href: `#/lanes/${encodeURIComponent(id)}` }, laneName(id)); }

function total(counts) { return Object.values(counts ?? {}).reduce((sum, number) => sum + Number(number), 0); }

export function outcomes(lane) {
  const skipped = total(lane.skipped);
  const compared = total(lane.outcomes);
  const parts = [...Object.keys(VERDICTS).map((name) => [name, Number(lane.outcomes?.[name] ?? 0)]), ["skipped", skipped]];
  const all = compared + skipped;
  return h("section.part.outcomes", { "aria-label": "Outcomes" },
    h("h3", "Outcomes", h("span.aside", all ? plural(all, "eligible request") : "")),
    h("dl.figures", parts.map(([name, number]) => h("div.figure", { key: name, class: `figure-${name} ${number ? "" : "zero"}` },
      h("dt", h("span.glyph", { "aria-hidden": "true" }, VERDICTS[name]?.sign ?? "⊘"), VERDICTS[name]?.word ?? "Skipped"),
      h("dd", { title: count(number) }, compact(number))))),
    h("div.bar", { "aria-hidden": "true" }, all > 0 && parts.map(([name, number]) => number > 0 &&
      h("span", { key: name, class: `bar-${name}`, style: { "flex-grow": number / all } }))),
    skipped > 0 && h("ul.reasons", { "aria-label": "Skipped by reason" }, Object.entries(lane.skipped).filter(([, number]) => number > 0)
      .sort((left, right) => right[1] - left[1])
      .map(([reason, number]) => h("li", { key: reason }, h("span.number", count(number)), h("span", { title: reason }, skippedText(reason))))),
    all === 0 && h("p.hint", lane.stage === "off" ? "Nothing is compared at off." : "No eligible request yet: send traffic through this lane."));
}

function stepWords(gate) {
  if (!gate?.next_stage) return null;
  return gate.next_stage === "canary" ? `canary ${percent(gate.next_weight)}` : gate.next_stage;
}

export function evidenceBar(evidence) {
  const needed = Number(evidence.log_e_needed) || 1;
  const share = Math.max(0, Math.min(1, Number(evidence.log_e) / needed));
  const against = Number(evidence.log_e) < 0;
  const text = against ? `Evidence ${decimal(evidence.log_e)}: the mismatches weigh against a step`
    : `Evidence ${decimal(evidence.log_e)} of ${decimal(needed)}`;
  return h("div.evidence", { class: share >= 1 ? "enough" : against ? "against" : "" },
    h("div.evidence-track", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100), "aria-label": text },
      h("span.evidence-fill", { style: { width: `${share * 100}%` } })),
    h("p.evidence-text", h("span", { title: "log e: the natural logarithm of the e-value. The step is allowed at the second figure." }, text), h("span.number", percent(share))));
}

/** The gate to the next step: evidence, why it holds, and each check in words; `whole` also shows those that are fine. */
export function gate(lane, whole = false) {
  const next = stepWords(lane.gate);
  if (!next) {
    return h("section.part.gate", { "aria-label": "Gate" }, h("h3", "Gate"),
      h("p.hint", lane.stage !== "full" ? "No next step." : lane.watched ? "At full: there is no further step. The hold-out share is still compared."
        : "At full and unwatched: nothing is compared, so a regression would not be seen. Give the rule a hold-out."), checkList(lane.gate?.checks ?? []));
  }
  const failing = (lane.gate.checks ?? []).filter((check) => !check.ok);
  const fine = (lane.gate.checks ?? []).filter((check) => check.ok);
  const why = lane.gate.ready ? `Every check is fine: ready for ${next}.` : failing.length ? `It holds, because of ${plural(failing.length, "check")}:` : "It holds: the gate is not ready.";
  return h("section.part.gate", { "aria-label": `Gate to ${next}` },
    h("h3", `Gate to ${next}`, h("span.aside", lane.gate.ready ? "open" : "closed")),
    lane.stage !== "off" && lane.evidence && evidenceBar(lane.evidence),
    h("p.why", { class: lane.gate.ready ? "ready" : "" }, why),
    checkList(failing),
    fine.length > 0 && disclosure(`fine ${whole} ${lane.id}`, h("span.quiet", `${plural(fine.length, "check")} fine`), () => checkList(fine), { initially: whole, class: "fine" }));
}

/** The way from shadow to full, step by step, and where the lane is on it. */
export function steps(lane) {
  if (!lane.steps?.length) return null;
  const words = { passed: "passed", here: "the lane is here", ahead: "ahead" };
  return h("ol.steps", { "aria-label": "Steps" }, lane.steps.map((step) => h("li", {
    key: `${step.stage} ${step.weight}`, class: `step-${step.state}`, title: words[step.state], "aria-current": step.state === "here" ? "step" : null,
  }, step.stage === "canary" ? percent(step.weight) : step.stage)));
}

/** How long answers took within the last minutes; null where there was none. */
export function latency(lane) {
  const times = lane.latency ?? {};
  const rows = [
    ["Python", times.python_ms_p50, times.python_ms_p99, milliseconds, "From the whole request to the whole answer"],
    ["Native", times.native_ms_p50, times.native_ms_p99, milliseconds, "From the whole request to the whole answer"],
    ["Python’s own part", times.python_overhead_us_p50, times.python_overhead_us_p99, microseconds, "Without the provider’s time, of mirrored requests"],
    ["Native’s own part", times.native_overhead_us_p50, times.native_overhead_us_p99, microseconds, "Without the waits for the provider. Too much of it takes the lane back"],
  ].filter(([, median]) => median !== null && median !== undefined);
  if (!rows.length) return null;
  return h("table.times", { "aria-label": "Times" },
    h("thead", h("tr", h("th", { scope: "col" }, `Last ${Math.round((times.window_seconds ?? 300) / 60)} min`), h("th", { scope: "col" }, "median"), h("th", { scope: "col", title: "99 of 100 answers were at most this slow" }, "99 %"))),
    h("tbody", rows.map(([name, median, high, unit, title]) => h("tr", { key: name, title }, h("th", { scope: "row" }, name), h("td", unit(median)), h("td", unit(high))))));
}

function checkList(list) {
  return list.length > 0 && h("ul.checks", list.map((check) => h("li", { key: check.name, class: check.ok ? "" : "not-ok" },
    sign(check.ok ? "ok" : "bad"),
    h("span.check-name", CHECKS[check.name] ?? sentence(humanise(check.name))),
    h("span.check-text", check.text))));
}

export function rollbackNote(lane) {
  return lane.rollback && h("div.notice.notice-bad", { key: "rollback", role: "group", "aria-label": "Rollback" },
    sign("bad"),
    h("div", h("p.notice-title", `Rolled back: ${lane.rollback.text}`),
      h("p.notice-text", `Trigger: ${humanise(lane.rollback.trigger)} · `, when(lane.rollback.at))));
}

export function flags(lane) {
  return [
    lane.hold && tag("Held", "warn", "No automatic move while it is held"),
    lane.promote === "manual" && tag("Manual", "", "Its rule says promote: manual, so an operator makes every step up"),
    lane.open_causes > 0 && h("a.tag.tag-warn", { key: "causes", href: "#/causes", title: "Nobody has acknowledged them yet" }, plural(lane.open_causes, "open cause")),
    !lane.watched && (lane.stage === "full" || lane.stage === "canary") &&
      tag("Unwatched", "warn", "No hold-out is compared: a regression would not be seen. Automatic promotion stops at 99 %."),
    !lane.eligible && tag("Declines", "warn", "The native leg declines this lane; Python serves it"),
  ];
}

export function declines(lane, limit = 3) {
  const list = lane.declines ?? [];
  if (!list.length) return null;
  return h("section.part.declines", { "aria-label": "Why the native leg declines" },
    h("h3", `The native leg declines ${lane.eligible ? "a part of this lane" : "this lane"}`, h("span.aside", "Python serves it")),
    h("ul.decline-list", list.slice(0, limit).map((decline, index) => h("li", { key: index },
      h("span", decline.text), h("span.decline-code", decline.path && h("code", decline.path), h("span.quiet", decline.code))))),
    list.length > limit && h("p", h("a", { href: `#/lanes/${encodeURIComponent(lane.id)}` }, `${list.length - limit} more`)));
}

/** Who served this lane's requests since it entered its stage. */
export function served(lane) {
  const { python = 0, native = 0, declined = 0 } = lane.served ?? {};
  const all = python + native;
  return h("p.served", h("span", h("i.swatch.swatch-python"), "Python ", h("b", compact(python))),
    h("span", h("i.swatch.swatch-native"), "Native ", h("b", compact(native)), native > 0 && h("span.quiet", ` ${percent(native / all)}`)),
    declined > 0 && h("span", { title: "Meant for the native leg, which declined before any effect; served by Python" }, "Declined ", h("b", compact(declined))));
}

export function figures(rows) {
  return h("dl.rows", rows.filter(Boolean).map(([name, value, title]) => h("div", { key: name, title }, h("dt", name), h("dd", value))));
}
