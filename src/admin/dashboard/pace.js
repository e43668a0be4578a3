// When the pieces of a provider's answer came, as the tape has it: a mark for each on a line of time.

import { h } from "./dom.js";
import { milliseconds, plural } from "./format.js";

const WIDTH = 1000;
const HEIGHT = 14;

/** The pace of one answer of a provider; nothing where a sample is older than this. */
export function paceOf({ pace, complete }) {
  if (!pace) return null;
  const at = pace.pieces_at_ms;
  const gaps = at.map((ms, index) => ms - (index === 0 ? 0 : at[index - 1]));
  const end = Math.max(at.at(-1) ?? 0, 0.1);
  const facts = [
    plural(pace.pieces, "piece"), `answered in ${milliseconds(pace.elapsed_ms)}`,
    at.length > 1 && `longest silence ${milliseconds(Math.max(...gaps))}`,
    pace.pieces > at.length && `the first ${at.length} shown`,
    !complete && "broken off",
  ].filter(Boolean).join(", ");
  return h("div.pace", { key: "pace" },
    h("p", h("b", "Pace"), h("span.quiet", facts)),
    at.length > 1 && h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${facts}; a mark for each piece from the head to the end` },
      h("line.pace-line", { x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 }),
      at.map((ms) => h("line.pace-piece", { x1: place(ms, end), x2: place(ms, end), y1: 0, y2: HEIGHT }))),
    at.length > 1 && h("p.pace-ends.quiet", h("span", "head"), h("span", milliseconds(end))));
}

function place(ms, end) { return (1 + (ms / end) * (WIDTH - 2)).toFixed(1); }
