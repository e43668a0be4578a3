// Mismatches that are one and the same defect, worst first.

import { acknowledgeButton } from "./actions.js";
import { changed, h } from "./dom.js";
import { compact, count, plural } from "./format.js";
import { empty, laneLink, tag, when } from "./parts.js";
import { KINDS, SEVERITIES } from "./words.js";

let showAcknowledged = false;

export const sources = () => ["/api/causes"];

export function title() { return "Causes"; }

export function draw({ answers: [answer] }) {
  const all = answer.causes ?? [];
  const rank = (cause) => SEVERITIES[cause.severity]?.rank ?? 9;
  const sorted = [...all].sort((left, right) => rank(left) - rank(right) || right.count - left.count || left.id.localeCompare(right.id));
  const open = sorted.filter((cause) => cause.open);
  const closed = sorted.filter((cause) => !cause.open);
  return [
    h("header.page-head", h("div", h("h1", { tabindex: "-1" }, "Causes"),
      h("p.quiet", "Differences with the same lane, path and types are one cause. An open severe cause keeps the gate shut."))),
    all.length === 0 && empty("No cause", h("p", "No compared pair has differed. When one does, its cause appears here with a sample to look at.")),
    all.length > 0 && open.length === 0 && empty("Nothing open", h("p", "Every cause has been acknowledged.")),
    open.length > 0 && h("ul.panel.causes", { key: "open", "aria-label": "Open causes" }, open.map(row)),
    closed.length > 0 && h("section", { key: "closed" },
      h("button.button.quiet-button", { type: "button", "aria-expanded": String(showAcknowledged), onclick: () => { showAcknowledged = !showAcknowledged; changed(); } },
        `${showAcknowledged ? "Hide" : "Show"} ${plural(closed.length, "acknowledged cause")}`),
      showAcknowledged && h("ul.panel.causes", { "aria-label": "Acknowledged causes" }, closed.map(row))),
  ];
}

function row(cause) {
  const severity = SEVERITIES[cause.severity] ?? { sign: "?", word: cause.severity };
  const kind = KINDS[cause.kind] ?? { sign: "?", word: cause.kind, text: "" };
  return h("li.cause", { key: cause.id, class: cause.open ? "" : "acknowledged" },
    h("span.severity", { class: `severity-${cause.severity}` }, h("span.glyph", { "aria-hidden": "true" }, severity.sign), severity.word),
    h("div.cause-what",
      h("p.cause-path", h("code", cause.path), cause.new_since_build && tag("New since this build", "new")),
      h("p.cause-text", cause.text),
      h("p.cause-facts.quiet", laneLink(cause.lane), h("span", { title: kind.text }, `${kind.sign} ${kind.word}`), types(cause))),
    h("div.cause-count", h("b", { title: count(cause.count) }, compact(cause.count)), h("span.quiet", "times")),
    h("div.cause-when.quiet", h("span", "first ", when(cause.first_seen)), h("span", "last ", when(cause.last_seen))),
    h("div.cause-actions", cause.sample_id && h("a.button", { href: `#/samples/${encodeURIComponent(cause.sample_id)}`, "aria-label": `Sample of ${cause.path}` }, "Sample"),
      cause.open ? acknowledgeButton(cause) : h("span.quiet", "Acknowledged")));
}

function types({ left_type: left, right_type: right }) {
  if (!left && !right) return null;
  return h("span", { title: "type in the control, type in the candidate" }, left === right ? left : `${left ?? "nothing"} → ${right ?? "nothing"}`);
}
