// The board: health, then every lane with its stage, its outcomes, and what its next step waits for.

import { actionButtons } from "./actions.js";
import { h } from "./dom.js";
import { fader, servedWords } from "./fader.js";
import { plural } from "./format.js";
import { declines, empty, flags, gate, laneLink, latency, outcomes, rollbackNote, served, when } from "./parts.js";
import { banners, strip } from "./strip.js";
import { UNTAPED } from "./words.js";

export const sources = () => ["/api/lanes"];

export function title() { return "Board"; }

export function draw({ status, answers: [board] }) {
  const lanes = board.lanes ?? [];
  const moving = lanes.filter((lane) => lane.stage !== "off" || lane.rollback);
  const resting = lanes.filter((lane) => lane.stage === "off" && !lane.rollback);
  return [
    h("h1.visually-hidden", { tabindex: "-1" }, "Board"),
    banners(status),
    strip(status),
    lanes.length === 0 && noLanes(status),
    moving.length > 0 && h("section.lanes", { key: "moving", "aria-labelledby": "moving-title" },
      h("h2", { id: "moving-title" }, "Lanes", h("span.aside", stages(moving))),
      moving.map((lane) => card(lane))),
    resting.length > 0 && h("section.lanes", { key: "resting", "aria-labelledby": "resting-title" },
      h("h2", { id: "resting-title" }, "Off", h("span.aside", plural(resting.length, "lane"), " served by Python, not compared")),
      h("ul.resting", resting.map((lane) => row(lane)))),
  ];
}

function stages(lanes) {
  return ["shadow", "canary", "full", "off"].map((stage) => [stage, lanes.filter((lane) => lane.stage === stage).length])
    .filter(([, number]) => number).map(([stage, number]) => `${number} ${stage}`).join(" · ");
}

export function card(lane) {
  return h("article.card", { key: lane.id, "aria-label": `Lane ${lane.id}` },
    h("header.card-head",
      h("h3.card-title", laneLink(lane.id)), flags(lane),
      h("span.card-since.quiet", h("b.stage-word", lane.stage), " ", servedWords(lane), lane.since && [", since ", when(lane.since)]),
      h("div.card-actions", actionButtons(lane))),
    rollbackNote(lane),
    h("div.card-grid",
      h("section.part.stage", { "aria-label": "Stage" }, h("h3", "Stage"), fader(lane), served(lane), latency(lane)),
      outcomes(lane),
      gate(lane)),
    declines(lane));
}

function row(lane) {
  const [first] = lane.declines ?? [];
  return h("li.resting-row", { key: lane.id },
    h("span.resting-name", laneLink(lane.id)),
    h("span.resting-text", lane.eligible
      ? UNTAPED[lane.id.split(":")[0]] ?? "Can be served natively. Promote it to shadow, or set its rule’s stage."
      : [h("span.tag.tag-warn", "Declines"), " ", first?.text ?? "The native leg declines this lane", lane.declines?.length > 1 && h("span.quiet", ` and ${lane.declines.length - 1} more`)]),
    h("span.resting-actions", actionButtons(lane)));
}

function noLanes(status) {
  if (!status.config.path) {
    return empty("Plain pass-through", h("p", "Crossfade was started without a LiteLLM config, so it forwards everything and compares nothing. Give it the config that Python runs with:"),
      h("pre.command", h("code", "crossfade serve --config config.yaml --rules cutover_rules --upstream " + status.upstream.url)));
  }
  return empty("No lanes yet", h("p", "A lane appears once a rule names its route and the config has a deployment for it. The smallest rule begins to compare and changes nothing for callers:"),
    h("pre.command", h("code", "# cutover_rules/ocr.yaml\nroute: ocr\nstage: shadow")),
    h("p.quiet", "The rules are re-read when they change. ", h("code", "crossfade check"), " says which deployments the native leg can serve, and why not."));
}
