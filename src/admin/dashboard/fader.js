// The stage of a lane as a crossfader: across, the stages; up, the share that is served natively.

import { h } from "./dom.js";
import { percent } from "./format.js";

const STOPS = [["off", 0, 16], ["shadow", 16, 38], ["canary", 38, 80], ["full", 80, 100]];
const HEIGHT = 40;

/** Where a canary weight lies, 0..100. The root spreads the small first steps so that they can be seen. */
function across(stage, weight) {
  if (stage === "off") return 8;
  if (stage === "shadow") return 27;
  if (stage === "full") return 90;
  return 38 + 42 * Math.sqrt(Math.min(1, Math.max(0, weight)));
}

function height(share) { return HEIGHT - 3 - share * (HEIGHT - 6); }

function shareAt(x) {
  if (x <= 38) return 0;
  if (x >= 80) return 1;
  return ((x - 38) / 42) ** 2;
}

function curve(from, to) {
  const points = [];
  for (let x = from; x < to; x += 1.5) points.push(x);
  points.push(to);
  return points.map((x, index) => `${index ? "L" : "M"}${x.toFixed(2)} ${height(shareAt(x)).toFixed(2)}`).join("");
}

const WHOLE_CURVE = curve(0, 100);

export function fader(lane) {
  const native = lane.stage === "canary" ? Number(lane.weight) : lane.stage === "full" ? 1 : 0;
  const x = across(lane.stage, native);
  const floor = height(0);
  const reached = lane.stage === "full" ? 100 : x;
  return h("div.fader", { class: `is-${lane.stage}`, role: "img", "aria-label": `Stage ${lane.stage}, ${servedWords(lane)}` },
    h("div.fader-track",
      h("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
        STOPS.slice(1).map(([name, from]) => h("line.fader-stop", { key: name, x1: from, x2: from, y1: 0, y2: HEIGHT })),
        native > 0 && h("path.fader-native", { key: "area", d: `${curve(0, reached)}L${reached} ${floor}L0 ${floor}Z` }),
        h("path.fader-curve", { key: "curve", d: WHOLE_CURVE }),
        lane.stage === "shadow" && h("line.fader-mirrored", { key: "mirrored", x1: 0, x2: x, y1: floor, y2: floor }),
        native > 0 && h("path.fader-reached", { key: "reached", d: curve(0, reached) })),
      h("div.fader-knob", { style: { left: `${x}%` } })),
    h("ol.fader-stops", { "aria-hidden": "true" }, STOPS.map(([name, from, to]) =>
      h("li", { key: name, class: name === lane.stage ? "current" : "", style: { width: `${to - from}%` } },
        name === "canary" && lane.stage === "canary" ? `canary ${percent(lane.weight)}` : name))));
}

/** What the stage means for who serves: "5 % served natively". */
export function servedWords(lane) {
  if (lane.stage === "canary") return `${percent(lane.weight)} served natively`;
  if (lane.stage === "full") return lane.weight < 1 ? `${percent(lane.weight)} served natively` : "served natively";
  return lane.stage === "shadow" ? "all served by Python, native compared" : "all served by Python";
}
