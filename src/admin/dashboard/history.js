// The last hour of a lane by minute: how much was compared, and when it differed.

import { changed, h } from "./dom.js";
import { clock, count } from "./format.js";

const NAMES = ["match", "tolerated", "skipped", "mismatch"];
const WIDTH = 600;
const HEIGHT = 96;

let chosen = null;

export function history(minutes) {
  const list = minutes ?? [];
  const highest = Math.max(1, ...list.map((minute) => sum(minute.outcomes)));
  const at = list.findIndex((minute) => minute.at === chosen);
  const step = WIDTH / Math.max(1, list.length);
  const mismatches = list.reduce((total, minute) => total + Number(minute.outcomes.mismatch ?? 0), 0);
  const choose = (index) => { chosen = list[Math.max(0, Math.min(list.length - 1, index))]?.at ?? null; changed(); };
  return h("section.part.history", { key: "history", "aria-label": "Last hour by minute" },
    h("h2", "Last hour", h("span.aside", readout(list[at], list, highest))),
    h("div.chart", {
      tabindex: "0", role: "img",
      "aria-label": `Outcomes by minute: ${count(list.reduce((total, minute) => total + sum(minute.outcomes), 0))} requests, ${count(mismatches)} mismatches, at most ${highest} a minute. Arrow keys read single minutes.`,
      onpointermove: (event) => { const box = event.currentTarget.getBoundingClientRect(); choose(Math.floor((event.clientX - box.left) / box.width * list.length)); },
      onpointerleave: () => { chosen = null; changed(); },
      onblur: () => { chosen = null; changed(); },
      onkeydown: (event) => {
        const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (move) { event.preventDefault(); choose((at < 0 ? list.length - (move > 0 ? 1 : 0) : at) + move); }
      },
    },
    h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 16}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      h("line.chart-line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }),
      at >= 0 && h("rect.chart-chosen", { key: "chosen", x: at * step, y: 0, width: step, height: HEIGHT + 16 }),
      list.map((minute, index) => bar(minute, index * step, step, highest)))),
    h("p.chart-ends.quiet", h("span", list.length ? clock(list[0].at, false) : ""), h("span", list.length ? clock(list.at(-1).at, false) : "")),
    h("ul.legend", NAMES.map((name) => h("li", { key: name }, h("i.swatch", { class: `swatch-${name}` }), name)), h("li.quiet", "ticks below the line: a mismatch")));
}

function readout(minute, list, highest) {
  if (!minute) return list.some((each) => sum(each.outcomes)) ? `at most ${count(highest)} a minute` : "no traffic in the last hour";
  const { match = 0, tolerated = 0, mismatch = 0, skipped = 0 } = minute.outcomes;
  return `${clock(minute.at, false)}: ${count(match)} match, ${count(tolerated)} tolerated, ${count(mismatch)} mismatch, ${count(skipped)} skipped`;
}

function sum(outcomes) { return NAMES.reduce((total, name) => total + Number(outcomes?.[name] ?? 0), 0); }

function bar(minute, x, step, highest) {
  let y = HEIGHT;
  const pieces = NAMES.filter((name) => minute.outcomes[name] > 0).map((name) => {
    const tall = Math.max(1.5, minute.outcomes[name] / highest * (HEIGHT - 4));
    y -= tall;
    return h("rect", { key: name, class: `chart-${name}`, x: (x + step * 0.12).toFixed(2), y: y.toFixed(2), width: (step * 0.76).toFixed(2), height: tall.toFixed(2) });
  });
  if (minute.outcomes.mismatch > 0) {
    pieces.push(h("rect.chart-mismatch", { key: "tick", x: (x + step * 0.12).toFixed(2), y: HEIGHT + 5, width: (step * 0.76).toFixed(2), height: 9 }));
  }
  return h("g", { key: minute.at }, pieces);
}
