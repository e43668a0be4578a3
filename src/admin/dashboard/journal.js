// Who moved what, why, and on which evidence.

import { disclosure, h } from "./dom.js";
import { ago, clock, percent } from "./format.js";
import { empty, laneLink } from "./parts.js";
import { sentence } from "./words.js";

const ENTRIES_ASKED = 200;

const VERBS = {
  promote: "promoted", hold: "held", release: "released", rollback: "rolled back", freeze: "froze all lanes", unfreeze: "unfroze all lanes",
  reset: "evidence reset", reload: "reloaded", acknowledge: "acknowledged a cause",
};

export const sources = () => [`/api/journal?limit=${ENTRIES_ASKED}`];

export function title() { return "Journal"; }

export function draw({ answers: [journal] }) {
  const list = journal.entries ?? [];
  return [
    h("header.page-head", h("div", h("h1", { tabindex: "-1" }, "Journal"), h("p.quiet", "Every move, by whom, why, and the evidence it was made on. Newest first."))),
    list.length ? h("div.panel", entries(list, { lane: true })) : empty("Nothing has been done yet",
      h("p", "Promotions, rollbacks, holds and reloads are written here, the controller’s as well as yours.")),
  ];
}

/** The entries as a list; `lane: false` where the page is already about one lane. */
export function entries(list, { lane }) {
  return h("ol.journal", list.map((entry) => h("li.entry", { key: entry.id, class: `entry-${entry.action}` },
    h("time.entry-time", { datetime: entry.at, title: ago(entry.at) }, clock(entry.at)),
    h("div.entry-body",
      h("p.entry-line", h("span.entry-action", sentence(VERBS[entry.action] ?? entry.action)), " ",
        lane && entry.lane && laneLink(entry.lane), " ", move(entry)),
      entry.reason && h("p.entry-reason", entry.reason),
      entry.evidence && Object.keys(entry.evidence).length > 0 &&
        disclosure(`evidence ${lane ? "all" : "lane"} ${entry.id}`, h("span", "Evidence"), () => h("pre.code", h("code", JSON.stringify(entry.evidence, null, 2))))),
    actor(entry.actor))));
}

function move({ from, to }) {
  if (!from || !to || (from.stage === to.stage && from.weight === to.weight)) return null;
  return h("span.move", place(from), h("span", { "aria-label": "to" }, "→"), place(to));
}

function place({ stage, weight }) { return h("span", stage === "canary" ? `canary ${percent(weight)}` : stage); }

function actor(name) {
  const [kind, who] = String(name ?? "").split(/:(.*)/);
  return h("span.actor", { class: `actor-${kind}` }, kind === "operator" ? who || "operator" : kind);
}
