// Two JSON values in one tree, row beside row: a field stands on the same line on both sides, and
// where one side lacks it that side is visibly empty. Large equal parts start closed.

import { h, isOpen, setOpen } from "./dom.js";
import { bytes, count, shortHash } from "./format.js";
import { SpeltNumber } from "./api.js";
import { KINDS, excusedBy } from "./words.js";

/** Stands for "this side has no such field", which is not null. */
export const ABSENT = Symbol("absent");

const ROWS_AT_ONCE = 600;
const CHILDREN_AT_ONCE = 30;
const SMALL_TREE = 40;
const CLIPPED_CHARACTERS = 220;
const EQUAL_CHARACTERS = 120;
const AROUND_CHARACTERS = 48;
const WORD_CHARACTERS = 24;
const WORD = /[\p{L}\p{N}_-]/u;

/** `$.pages[0].markdown`, `$['a b']`, `/pages/0/markdown`, `headers.x-y`, `status` -> the way through an exchange. */
export function parsePath(path) {
  const text = String(path ?? "");
  if (text.startsWith("$")) return ["body", ...segments(text.slice(1))];
  if (text.startsWith("/")) return ["body", ...text.slice(1).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))];
  const header = text.match(/^headers?[.:/[]\s*["']?(.+?)["']?\]?$/);
  if (header) return ["headers", header[1].toLowerCase()];
  const body = text.match(/^body(?=[.[]|$)(.*)$/);
  return body ? ["body", ...segments(body[1])] : [text];
}

function segments(text) {
  const found = text.matchAll(/\.([^.[\]]+)|\[(\d+|\*)\]|\[(["'])((?:\\.|(?!\3).)*)\3\]/g);
  return [...found].map((match) => match[1] ?? match[2] ?? match[4].replace(/\\(.)/g, "$1"));
}

export function pathKey(way) { return way.join("\u0000"); }

/**
 * Draws one pair. `left` and `right` are exchanges as `exchangeValue` gives them, or ABSENT; `differences`
 * are those of this pair; `single` leaves the right side out.
 */
export function tree({ id, left, right = ABSENT, differences = [], single = false, bare = false, notes = {} }) {
  const marks = new Map();
  const inside = new Map();
  for (const difference of differences) {
    const way = parsePath(difference.path);
    marks.set(pathKey(way), difference);
    for (let depth = 0; depth < way.length; depth += 1) inside.set(pathKey(way.slice(0, depth)), (inside.get(pathKey(way.slice(0, depth))) ?? 0) + 1);
  }
  const small = size(left, SMALL_TREE) + size(right, SMALL_TREE) <= SMALL_TREE;
  const context = { id, marks, inside, single, bare, notes, small, rows: [] };
  // A side without the exchange lacks every field of it: said once above, not once a row.
  children(context, [], left, right, 0, !single && (left === ABSENT || right === ABSENT));
  const more = `rows ${id}`;
  const limit = ROWS_AT_ONCE * (isOpen(more) || 1);
  const hidden = context.rows.length - limit;
  return h("div.tree", { key: id, class: `${single ? "tree-single" : ""} ${bare ? "tree-bare" : ""}`, role: "group" },
    context.rows.slice(0, limit).map((row) => row()),
    hidden > 0 && h("button.tree-more", { key: "more", type: "button", onclick: () => setOpen(more, (isOpen(more) || 1) + 1) }, `${count(hidden)} more rows`));
}

function isContainer(value) { return value !== null && typeof value === "object" && !(value instanceof SpeltNumber); }

function sameShape(left, right) { return isContainer(left) && isContainer(right) && Array.isArray(left) === Array.isArray(right); }

function size(value, limit) {
  if (!isContainer(value)) return value === ABSENT ? 0 : 1;
  let total = 1;
  for (const child of Object.values(value)) {
    total += size(child, limit - total);
    if (total > limit) break;
  }
  return total;
}

function keysOf(left, right) {
  const first = isContainer(left) ? Object.keys(left) : [];
  if (!isContainer(right)) return first;
  const seen = new Set(first);
  return [...first, ...Object.keys(right).filter((key) => !seen.has(key))];
}

function at(value, key) { return isContainer(value) && Object.hasOwn(value, key) ? value[key] : ABSENT; }

function children(context, way, left, right, depth, inherited) {
  const keys = keysOf(left, right);
  const everything = `all ${context.id} ${pathKey(way)}`;
  if (keys.length <= CHILDREN_AT_ONCE || isOpen(everything)) {
    for (const key of keys) node(context, [...way, key], key, at(left, key), at(right, key), depth, Array.isArray(left) || Array.isArray(right), inherited);
    return;
  }
  const marked = (key) => { const name = pathKey([...way, key]); return context.marks.has(name) || context.inside.has(name); };
  const shown = keys.map((key, index) => index < 5 || [index - 1, index, index + 1].some((near) => keys[near] !== undefined && marked(keys[near])));
  let skipped = 0;
  const flush = (index) => {
    if (!skipped) return;
    const number = skipped;
    context.rows.push(() => h("div.row.row-gap", { key: `gap ${pathKey(way)} ${index}`, style: { "--depth": depth } },
      h("span.gutter"), h("button.tree-more", { type: "button", onclick: () => setOpen(everything, true) }, `${count(number)} more${context.single ? "" : " without a listed difference"}`)));
    skipped = 0;
  };
  keys.forEach((key, index) => {
    if (!shown[index]) { skipped += 1; return; }
    flush(index);
    node(context, [...way, key], key, at(left, key), at(right, key), depth, Array.isArray(left) || Array.isArray(right), inherited);
  });
  flush(keys.length);
}

function node(context, way, key, left, right, depth, inArray, inherited) {
  const name = pathKey(way);
  const openable = sameShape(left, right) || (isContainer(left) && right === ABSENT) || (left === ABSENT && isContainer(right));
  const within = context.inside.get(name) ?? 0;
  const disclosed = `node ${context.id} ${name}`;
  const initially = within > 0 || (way.length === 1 && key !== "headers") || context.small || size(left === ABSENT ? right : left, 12) <= 12 && depth < 3;
  const open = openable && isOpen(disclosed, initially);
  const difference = context.marks.get(name);
  context.rows.push(() => row(context, { way, name, key, left, right, depth, inArray, openable, open, within, difference, inherited, toggle: () => setOpen(disclosed, !open) }));
  if (open) children(context, way, left, right, depth + 1, inherited || Boolean(difference));
}

function row(context, facts) {
  const { name, left, right, depth, openable, open, difference, inherited } = facts;
  const lower = inherited && !difference;
  const unlisted = !context.single && !difference && !lower && !openable && !same(left, right);
  const kind = difference ? KINDS[difference.kind] ?? { sign: "≠", word: difference.kind, text: "" } : null;
  const equal = !difference && !unlisted && !lower;
  const excused = excusedBy(difference);
  const className = [difference && "row-marked", difference && `kind-${difference.kind}`, excused && "row-excused", unlisted && "row-unlisted", lower && "row-lower", equal && "row-equal"].filter(Boolean).join(" ");
  const hint = difference ? [`${kind.word}: ${kind.text}`, excused].filter(Boolean).join(". ") : unlisted ? "Differs, but is not counted as a difference" : "";
  return h("div.row", { key: name, class: className, style: { "--depth": depth }, "data-way": name, tabindex: difference ? "-1" : null },
    h("span.gutter", { title: hint }, difference ? [h("span", { "aria-hidden": "true" }, excused ? "≈" : kind.sign), h("span.visually-hidden", hint)] : unlisted ? "≈" : ""),
    cell(context, facts, left, right, "left", open),
    !context.single && cell(context, facts, right, left, "right", open));
}

function cell(context, facts, value, other, side, open) {
  const { key, inArray, openable, within, toggle, name, difference } = facts;
  if (value === ABSENT) {
    return h("div.side", { class: `side-${side} is-absent`, key: side }, h("span.visually-hidden", "not there"));
  }
  const label = [h("span.key", { class: inArray ? "index" : "" }, key), h("span.punctuation", ":"), " "];
  const note = facts.way.length === 1 ? context.notes[key]?.[side] : null;
  return h("div.side", { class: `side-${side}`, key: side },
    openable
      ? h("button.twist", { type: "button", "aria-expanded": String(open), onclick: toggle, tabindex: side === "right" ? "-1" : null }, h("span.twist-sign", { "aria-hidden": "true" }), label, h("span.summary-text", summary(value)),
        !open && within > 0 && h("span.within", `${within} inside`))
      : [h("span.twist-none"), label, leaf(context, value, other, difference, `${context.id} ${name} ${side}`, side)],
    note && h("span.note", note));
}

function summary(value) {
  const number = Object.keys(value).length;
  return Array.isArray(value) ? `[ ${number} ]` : `{ ${number} }`;
}

function leaf(context, value, other, difference, id, side) {
  // A spelling is lost once JSON is read, so what the server says of it is shown.
  const told = difference?.kind === "spelling" ? difference[side] : undefined;
  if (typeof told === "string") return h("span.value.number-value", told);
  if (typeof value === "string" && !(difference && typeof other !== "string")) return text(value, typeof other === "string" && other !== value ? other : null, context.bare, id);
  if (isContainer(value)) return text(JSON.stringify(value), null, true, id);
  if (difference && other !== ABSENT) return h("span.value", h("mark", value instanceof SpeltNumber ? value.source : JSON.stringify(value)));
  if (typeof value === "string") return text(value, null, context.bare, id);
  return h("span.value", { class: value === null ? "null-value" : `${value instanceof SpeltNumber ? "number" : typeof value}-value` }, value instanceof SpeltNumber ? value.source : String(value));
}

/** A string, with the part that differs from `other` marked, and clipped around that part while it is long. */
export function text(value, other, bare, id) {
  const [start, end] = other === null ? [value.length, value.length] : differing(value, other);
  const whole = isOpen(`long ${id}`) || value.length <= CLIPPED_CHARACTERS;
  const quote = bare ? "" : "\"";
  const shown = (part) => (bare ? part : JSON.stringify(part).slice(1, -1));
  let [before, middle, after] = [value.slice(0, start), value.slice(start, end), value.slice(end)];
  if (!whole && other === null) before = `${before.slice(0, EQUAL_CHARACTERS)}…`;
  if (!whole && other !== null) {
    if (before.length > AROUND_CHARACTERS) before = `…${before.slice(-AROUND_CHARACTERS)}`;
    if (middle.length > CLIPPED_CHARACTERS) middle = `${middle.slice(0, CLIPPED_CHARACTERS)}…`;
    if (after.length > AROUND_CHARACTERS) after = `${after.slice(0, AROUND_CHARACTERS)}…`;
  }
  return h("span.value", { class: bare ? "structure-value" : "string-value" }, quote, shown(before),
    middle && h("mark", shown(middle)), shown(after), quote,
    value.length > CLIPPED_CHARACTERS && h("button.clip", { type: "button", onclick: () => setOpen(`long ${id}`, !isOpen(`long ${id}`)) },
      whole ? "less" : `all ${count(value.length)} characters`));
}

function differing(value, other) {
  const limit = Math.min(value.length, other.length);
  let start = 0;
  while (start < limit && value[start] === other[start]) start += 1;
  let end = 0;
  while (end < limit - start && value[value.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  const from = wordStart(value, start);
  let to = value.length - end;
  while (to < value.length && to - value.length + end < WORD_CHARACTERS && WORD.test(value[to])) to += 1;
  return [from, to];
}

/** Back to where the word at `start` begins: half a number or half an id marked reads badly. */
function wordStart(value, start) {
  let from = start;
  while (from > 0 && start - from < WORD_CHARACTERS && WORD.test(value[from - 1])) from -= 1;
  return from;
}

function same(left, right) {
  if (left === right) return true;
  if (left === ABSENT || right === ABSENT) return false;
  return JSON.stringify(left) === JSON.stringify(right);
}

/** One side of an exchange as the tree shows it: line, headers by name, body; without content its structure. */
export function exchangeValue(part, content) {
  if (!part) return ABSENT;
  const value = {};
  for (const name of ["method", "url", "status"]) if (part[name] !== undefined && part[name] !== null) value[name] = part[name];
  if (part.headers?.length) value.headers = headerValue(part.headers);
  const body = bodyOf(part, content);
  if (body !== undefined && body !== null) value.body = body;
  return value;
}

/** A part's body, or what is known of it without content. */
export function bodyOf(part, content) {
  return content === "off" || part.body === null || part.body === undefined ? part.structure : part.body;
}

function headerValue(headers) {
  const value = {};
  for (const [name, text] of headers) {
    const lower = name.toLowerCase();
    value[lower] = lower in value ? `${value[lower]}\n${text}` : text;
  }
  return value;
}

/** What stands beside `body`: its length and, in full on hover, its hash. */
export function bodyNote(part) {
  return part && h("span", { title: part.body_hash ?? "" }, bytes(part.body_bytes), part.body_hash && ` · ${shortHash(part.body_hash)}`);
}
