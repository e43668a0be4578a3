// One pair: what both legs sent to the provider and answered to the client, with every difference marked.

import { toast } from "./actions.js";
import { paths } from "./api.js";
import { disclosure, h, setOpen, viewVersion } from "./dom.js";
import { count, plural } from "./format.js";
import { laneLink, tag, verdictTag, when } from "./parts.js";
import { statuses } from "./lane.js";
import { paceOf } from "./pace.js";
import { areStreams, isOfEvents, messageOnly, streamView } from "./stream.js";
import { ABSENT, bodyNote, exchangeValue, parsePath, pathKey, tree } from "./tree.js";
import { KINDS, SEVERITIES, SIDES, excusedBy } from "./words.js";

const EQUAL_CONTEXT = 90;

/** A sample never changes, so it is read once. */
export const settled = true;

export const sources = (id) => [paths.sample(id)];

export function title() { return "Sample"; }

let drawn = { sample: null, version: -1, page: null };
let position = -1;

export function draw({ answers: [sample] }) {
  if (drawn.sample !== sample) position = -1;
  if (drawn.sample !== sample || drawn.version !== viewVersion()) drawn = { sample, version: viewVersion(), page: whole(sample) };
  return [head(sample), drawn.page];
}

function head(sample) {
  return [
    h("nav.crumbs", { "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Board"), h("span", { "aria-hidden": "true" }, "/"), laneLink(sample.lane), h("span", { "aria-hidden": "true" }, "/"), h("span", "Sample")),
    h("header.page-head",
      h("div", h("h1.sample-title", { tabindex: "-1" }, verdictTag(sample.verdict), h("span", sample.summary || "Sample")),
        h("p.sample-facts.quiet", h("code", sample.id), h("span", when(sample.at)), h("span", "shape ", h("code", sample.shape)), h("span", "status ", statuses(sample)),
          sample.content === "off" ? tag("Content off for this lane", "", "The lane’s rule keeps no content") : null)),
      h("div.card-actions", h("button.button", { type: "button", onclick: () => copy(sample) }, "Copy as JSON"))),
  ];
}

function whole(sample) {
  const of = (side, attempt) => sample.differences.filter((difference) => difference.side === side && (side === "client_response" || (difference.attempt ?? 0) === attempt));
  return h("div.sample", { key: "sample" },
    sample.content === "off" && h("div.notice.notice-plain", { key: "off" }, h("div", h("p.notice-title", "Content is off for this lane"),
      h("p.notice-text", "Only structure, lengths and keyed hashes were kept. To keep content for a while, give the lane’s rule ", h("code", "content: { ttl: 24h, max_bytes: 65536 }"), ". Credentials are replaced before anything is stored."))),
    differenceList(sample),
    textDiff(sample.text_diff),
    h("section.pair", { key: "attempts", "aria-label": "Provider requests" },
      h("h2", "Provider requests", h("span.aside", plural(sample.attempts.length, "attempt"))),
      sample.attempts.length === 0 && h("p.hint", "No provider was called."),
      sample.attempts.map((attempt) => h("div.attempt", { key: attempt.n },
        sample.attempts.length > 1 && h("h3", `Attempt ${attempt.n + 1}`),
        comparison(`attempt ${attempt.n}`, attempt.control, attempt.candidate, of("provider_request", attempt.n), sample, "Both legs sent the same request"),
        attempt.provider_response && disclosure(`provider ${sample.id} ${attempt.n}`, [h("span", "What the provider answered"), h("span.quiet", "from the tape, the same for both legs")],
          () => [paceOf(attempt.provider_response), single(`provider ${attempt.n}`, attempt.provider_response, sample.content)])))),
    h("section.pair", { key: "answers", "aria-label": "Client answers" }, h("h2", "Client answers"),
      comparison("answer", sample.control, sample.candidate, of("client_response"), sample, "Both legs gave the same answer")),
    sample.client_request && h("section.pair", { key: "request", "aria-label": "Client request" }, disclosure(`request ${sample.id}`, [h("span", "Client request"), h("span.quiet", "what both legs were given")],
      () => single("request", sample.client_request, sample.content))));
}

/** Both sides of one exchange; where they are the same, closed until asked for. */
function comparison(id, control, candidate, differences, sample, equalText) {
  const equal = control && candidate && differences.length === 0;
  const sides = () => twoSides(id, control, candidate, differences, sample.content);
  if (!equal) return sides();
  return disclosure(`same ${sample.id} ${id}`, [h("span.glyph.equal-glyph", { "aria-hidden": "true" }, "="), h("span", equalText)], sides, { class: "same", initially: sample.verdict === "match" && id === "answer" });
}

function twoSides(id, control, candidate, differences, content) {
  const streams = areStreams(control, candidate, content);
  const side = (part) => exchangeValue(streams ? messageOnly(part, content) : part, content);
  const inTree = streams ? differences.filter((difference) => !isOfEvents(difference)) : differences;
  return h("div.comparison", { "data-comparison": id },
    h("div.sides", h("span.gutter"), h("div", h("i.swatch.swatch-python"), h("b", "Control"), h("span.quiet", "Python")),
      h("div", h("i.swatch.swatch-native"), h("b", "Candidate"), h("span.quiet", candidate ? "Native" : "Native did not make it"))),
    tree({ id, left: side(control), right: side(candidate), differences: inTree, bare: content === "off", notes: notes(control, candidate) }),
    streams && streamView(id, control, candidate, differences, content));
}

function single(id, part, content) {
  return tree({ id, left: exchangeValue(part, content), right: ABSENT, single: true, bare: content === "off", notes: notes(part, null) });
}

function notes(left, right) { return { body: { left: bodyNote(left), right: bodyNote(right) } }; }

function differenceList(sample) {
  const list = sample.differences;
  if (!Array.isArray(list) || list.length === 0) {
    return h("p.all-equal", { key: "differences" }, h("span.glyph", { "aria-hidden": "true" }, "="), "No difference: provider requests and client answer are the same.");
  }
  return h("section.differences", { key: "differences", "aria-label": "Differences" },
    h("div.part-head", h("h2", "Differences", h("span.aside", count(list.length))),
      h("div.segments", { role: "group", "aria-label": "Go through" },
        h("button", { type: "button", onclick: () => step(list, -1) }, "Previous"), h("button", { type: "button", onclick: () => step(list, 1) }, "Next"))),
    h("ul.panel", list.map((difference, index) => differenceRow(difference, index, list, sample.content))));
}

function differenceRow(difference, index, list, content) {
  const kind = KINDS[difference.kind] ?? { sign: "≠", word: difference.kind, text: "" };
  const severity = SEVERITIES[difference.severity];
  const excused = excusedBy(difference);
  return h("li", { key: index, class: excused ? "excused" : "" },
    h("button.difference", { type: "button", title: "Show it below", onclick: () => { position = index; jump(list[index]); } },
      h("span.severity", { class: `severity-${excused ? "low" : difference.severity}` }, h("span.glyph", { "aria-hidden": "true" }, excused ? "≈" : severity?.sign ?? "?"), excused ? "Excused" : severity?.word ?? difference.severity),
      h("span.difference-where", SIDES[difference.side] ?? difference.side, difference.side === "provider_request" && ` ${Number(difference.attempt ?? 0) + 1}`),
      h("span.difference-path", h("code", difference.path), excused && h("span.quiet", excused)),
      h("span.difference-kind", { title: kind.text }, `${kind.sign} ${kind.word}`),
      content === "off" && difference.left === null && difference.right === null ? h("span.difference-values.quiet", "values not kept") : h("span.difference-values", value(difference.left, difference, "extra"), h("span.quiet", " → "), value(difference.right, difference, "missing"))));
}

function value(given, { kind, left, right }, absentKind) {
  if (given === undefined || (given === null && kind === absentKind)) return h("span.quiet", "nothing");
  // Quotes only where they tell something: "3" against 3, "a" against " a".
  const isPlain = typeof given === "string" && typeof left === typeof right && [left, right].every((one) => one !== "" && one === one?.trim());
  const text = isPlain ? given : JSON.stringify(given);
  return h("code", text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function step(list, by) {
  // Before the first step neither is the current one: backwards begins at the last.
  position = (Math.max(position, by < 0 ? 0 : -1) + by + list.length) % list.length;
  jump(list[position]);
}

/** Opens the way to a difference, brings it into view and puts the focus on it. */
function jump(difference) {
  const id = difference.side === "client_response" ? "answer" : `attempt ${difference.attempt ?? 0}`;
  const way = parsePath(difference.path);
  for (let depth = 1; depth < way.length; depth += 1) setOpen(`node ${id} ${pathKey(way.slice(0, depth))}`, true);
  const comparison = document.querySelector(`[data-comparison="${CSS.escape(id)}"]`);
  // Events have one row each, whatever differs within.
  const place = way[1] === "events" ? pathKey(way.slice(0, 3)) : pathKey(way);
  const find = () => [...(comparison?.querySelectorAll("[data-way]") ?? [])].find((candidate) => candidate.dataset.way === place);
  if (comparison && !find()) setOpen(`rows ${id}`, Infinity);
  const row = find();
  const target = row ?? comparison;
  if (!target) return;
  target.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  row?.focus({ preventScroll: true });
}

function textDiff(pieces) {
  if (!pieces?.length || pieces.every((piece) => piece.tag === "equal")) return null;
  const drawn = pieces.map((piece, index) => {
    if (piece.tag === "insert") return h("ins", { key: index }, piece.text);
    if (piece.tag === "delete") return h("del", { key: index }, piece.text);
    return h("span", { key: index }, shortened(piece.text, index === 0, index === pieces.length - 1));
  });
  return h("section.pair", { key: "text", "aria-label": "Text difference" }, h("h2", "Text", h("span.aside", h("del", "only control"), " ", h("ins", "only candidate"))),
    h("p.text-diff.panel", drawn));
}

/** Equal text between two differences, cut to what is needed to place them. */
function shortened(text, first, last) {
  if (text.length <= EQUAL_CONTEXT * 2 + 40) return text;
  const head = first ? "" : text.slice(0, EQUAL_CONTEXT);
  const tail = last ? "" : text.slice(-EQUAL_CONTEXT);
  const left = text.length - head.length - tail.length;
  return [head, h("span.cut", ` ${count(left)} equal characters `), tail];
}

async function copy(sample) {
  const text = JSON.stringify(sample, null, 2);
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    // Without a secure context (plain HTTP from another machine) there is no clipboard: the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    toast(copied ? "Copied" : "The browser did not allow copying");
  }
}
