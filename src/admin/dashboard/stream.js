// A streamed answer: the message that its events add up to stands in the tree, and here are the events, aligned and side by
// side, and the bytes around them.

import { disclosure, h, isOpen, setOpen } from "./dom.js";
import { count } from "./format.js";
import { ABSENT, bodyOf, pathKey, text } from "./tree.js";
import { excusedBy } from "./words.js";

const ALIGNED_MAX = 160_000;
const EQUAL_ROWS = 3;
const FRAMES_SHOWN = 20_000;

/** Whether both sides are streams of which the events are known. */
export function areStreams(control, candidate, content) {
  return [control, candidate].every((part) => part?.streams && Array.isArray(bodyOf(part, content)?.events));
}

/** The same exchange with the message alone for its body: the events have their own view. */
export function messageOnly(part, content) {
  const body = bodyOf(part, content);
  return { ...part, body: body.message === undefined ? null : { message: body.message }, structure: body.message === undefined ? null : { message: body.message } };
}

/** Whether a difference lies in the events or in the bytes, and not in the tree. */
export function isOfEvents(difference) { return /^\$\.(events|frames)(?![^.[])/.test(difference.path); }

/** The events of both sides and, closed, their bytes. */
export function streamView(id, control, candidate, differences, content) {
  const [left, right] = [bodyOf(control, content), bodyOf(candidate, content)];
  const excused = new Set(differences.filter(excusedBy).map((difference) => difference.path));
  const madeUp = madeUpBy(left.events, right.events, differences);
  const rows = aligned(left.events, right.events, madeUp).map((row) => ({ ...row, excused: excused.has(`$.events[${row.at}]`) || (row.equal && madeUp.some(({ at }) => at === row.at)) }));
  const unequal = rows.filter((row) => !row.equal).length;
  const repeated = repeatedBy(left.events[0], right.events[0], madeUp);
  const bytesDiffer = differences.some((difference) => difference.path.startsWith("$.frames"));
  return h("div.stream", { key: `stream ${id}` },
    h("div.stream-head", h("b", "Events"), h("span.quiet", `${count(left.events.length)} and ${count(right.events.length)}`, unequal ? `, ${count(unequal)} differ` : madeUp.length > 0 ? `, all equal but for the ${madeUp.map(({ key }) => key).join(" and the ")} that each leg makes up` : ", all equal", repeated.size > 0 && "; what repeats event 0 is left out")),
    h("div.tree", { key: "events", class: content === "off" ? "tree-bare" : "", role: "group" }, shown(id, rows).map((row) => draw(id, row, repeated))),
    content !== "off" && h("div.stream-frames", disclosure(`frames ${id}`, [h("span", "Frames"), h("span.quiet", bytesDiffer ? "equal events in other bytes" : "the bytes as they were sent")],
      () => h("div.frames", frame("Control", left.frames), frame("Candidate", right.frames)), { initially: bytesDiffer && unequal === 0 })));
}

function frame(name, bytes) {
  const text = String(bytes ?? "");
  return h("div", h("p.quiet", name), h("pre", text.slice(0, FRAMES_SHOWN), text.length > FRAMES_SHOWN && h("span.cut", ` ${count(text.length - FRAMES_SHOWN)} more characters`)));
}

/**
 * Members `{ at, key, lefts }` of the data that each leg makes up anew and repeats in its events: they differ in all of them,
 * and are excused at the first, which is event `at`. `lefts` are the control's values by the candidate's, as JSON: each side
 * has as many that the other has not, and they stand for each other in their order.
 */
function madeUpBy(lefts, rights, differences) {
  const found = [];
  for (const { path, noise } of differences) {
    const [, at, key] = path.match(/^\$\.events\[(\d+)\]\.data\.(\w+)$/) ?? [];
    if (!noise || !key || found.some((member) => member.key === key)) continue;
    const [left, right] = [spelled(lefts, key), spelled(rights, key)];
    const [ones, others] = [without(left, right), without(right, left)];
    if (ones.length === others.length) found.push({ at: Number(at), key, lefts: new Map(others.map((value, index) => [value, ones[index]])) });
  }
  return found;
}

/** What the events say of a member, each once. */
function spelled(events, key) { return [...new Set(events.map((event) => JSON.stringify(event?.data?.[key])).filter((value) => value !== undefined))]; }

function without(values, others) {
  const known = new Set(others);
  return values.filter((value) => !known.has(value));
}

/** A candidate's event with the control's values in the place of those that it made up. */
function asControl(event, madeUp) {
  const own = madeUp.map(({ key, lefts }) => [key, lefts.get(JSON.stringify(event?.data?.[key]))]).filter(([, left]) => left !== undefined);
  return own.length === 0 ? event : { ...event, data: { ...event.data, ...Object.fromEntries(own.map(([key, left]) => [key, JSON.parse(left)])) } };
}

/** Rows `{ left, right, at, number, equal }`: what both have in the same order stands side by side. */
function aligned(left, right, madeUp) {
  const [lefts, rights] = [left.map((event) => JSON.stringify(event)), right.map((event) => JSON.stringify(asControl(event, madeUp)))];
  const rows = [];
  const put = (one, other, equal) => rows.push({ left: one === null ? ABSENT : left[one], right: other === null ? ABSENT : right[other], at: one ?? other, number: [one, other], equal });
  let start = 0;
  while (start < lefts.length && start < rights.length && lefts[start] === rights[start]) { put(start, start, true); start += 1; }
  let end = 0;
  while (end < Math.min(lefts.length, rights.length) - start && lefts[lefts.length - 1 - end] === rights[rights.length - 1 - end]) end += 1;
  for (const [one, other] of middle(lefts, rights, start, lefts.length - end, rights.length - end)) put(one, other, one !== null && other !== null && lefts[one] === rights[other]);
  for (let back = end; back > 0; back -= 1) put(lefts.length - back, rights.length - back, true);
  return rows;
}

/** Pairs of indexes between what is equal at both ends: by the longest common run of events, or one by one where that costs too much. */
function middle(lefts, rights, start, leftEnd, rightEnd) {
  const [height, width] = [leftEnd - start, rightEnd - start];
  const pairs = [];
  const gap = (one, oneEnd, other, otherEnd) => {
    for (; one < oneEnd || other < otherEnd; one += 1, other += 1) pairs.push([one < oneEnd ? one : null, other < otherEnd ? other : null]);
  };
  if (height * width > ALIGNED_MAX) { gap(start, leftEnd, start, rightEnd); return pairs; }
  const longest = Array.from({ length: height + 1 }, () => new Uint32Array(width + 1));
  for (let one = height - 1; one >= 0; one -= 1) {
    for (let other = width - 1; other >= 0; other -= 1) {
      longest[one][other] = lefts[start + one] === rights[start + other] ? longest[one + 1][other + 1] + 1 : Math.max(longest[one + 1][other], longest[one][other + 1]);
    }
  }
  let [one, other, fromOne, fromOther] = [0, 0, 0, 0];
  while (one < height && other < width) {
    if (lefts[start + one] === rights[start + other]) {
      gap(start + fromOne, start + one, start + fromOther, start + other);
      pairs.push([start + one, start + other]);
      one += 1; other += 1;
      [fromOne, fromOther] = [one, other];
    } else if (longest[one + 1][other] >= longest[one][other + 1]) one += 1;
    else other += 1;
  }
  gap(start + fromOne, leftEnd, start + fromOther, rightEnd);
  return pairs;
}

/** Whether nothing is to be shown of a row. */
function isPlain(row) { return row.equal && !row.excused; }

/** Long runs of equal events are one row until asked for. */
function shown(id, rows) {
  const result = [];
  for (let from = 0; from < rows.length;) {
    let to = from;
    while (to < rows.length && isPlain(rows[to])) to += 1;
    const run = `equal ${id} ${from}`;
    const [first, last] = [from === 0 ? from : from + 1, to === rows.length ? to : to - 1];
    if (last - first > EQUAL_ROWS && !isOpen(run)) result.push(...rows.slice(from, first), { run, skipped: last - first }, ...rows.slice(last, to));
    else result.push(...rows.slice(from, to));
    if (to < rows.length) result.push(rows[to]);
    from = to + 1;
  }
  return result;
}

function draw(id, row, repeated) {
  if (row.run) {
    return h("div.row.row-gap", { key: row.run }, h("span.gutter"), h("button.tree-more", { type: "button", onclick: () => setOpen(row.run, true) }, `${count(row.skipped)} equal events`));
  }
  const sign = row.excused ? "≈" : row.equal ? "" : row.left === ABSENT ? "+" : row.right === ABSENT ? "−" : "≠";
  const way = pathKey(["body", "events", String(row.at)]);
  return h("div.row", { key: `${row.number}`, class: isPlain(row) ? "row-equal" : row.excused ? "row-marked row-excused" : "row-marked", "data-way": way, tabindex: isPlain(row) ? null : "-1" },
    h("span.gutter", sign), cell(id, row, row.left, row.right, "left", repeated), cell(id, row, row.right, row.left, "right", repeated));
}

function cell(id, row, event, other, side, repeated) {
  if (event === ABSENT) return h("div.side", { class: `side-${side} is-absent`, key: side }, h("span.visually-hidden", "not there"));
  return h("div.side", { class: `side-${side}`, key: side },
    h("span.key.index", `${row.number[side === "left" ? 0 : 1]}`), " ", h("span.event-name", nameOf(event)), " ",
    text(gist(event, other, row, repeated), other === ABSENT || isPlain(row) ? null : gist(other, event, row, repeated), true, `${id} event ${row.at} ${side}`), event.cut && h("span.note", "cut off"));
}

/** What came last of a long structure is a text that says how much more there was. */
function nameOf(event) {
  if (typeof event === "string") return "";
  const { event: name, data } = event;
  return name ?? data?.type ?? (isChunk(data) ? "chunk" : "data");
}

function isChunk(data) { return data?.object === "chat.completion.chunk"; }

/** What every chunk says again of its completion: keys of both first chunks, with the values that both or each of them give. */
function repeatedBy(left, right, madeUp) {
  const [one, other] = [left?.data, right?.data];
  const keys = isChunk(one) && isChunk(other) ? Object.keys(one) : [];
  const spelled = keys.filter((key) => key !== "choices").map((key) => [key, [JSON.stringify(one[key]), JSON.stringify(other[key])]]);
  return new Map(spelled.filter(([key, [value, same]]) => value === same || madeUp.some((member) => member.key === key && member.lefts.get(same) === value)));
}

/** A chunk without what it repeats; where the other side says something else, nothing is left out. */
function withoutRepeated(data, other, repeated) {
  const isRepeated = (key) => [data, other].every((side) => side === undefined || repeated.get(key).includes(JSON.stringify(side?.[key])));
  return Object.fromEntries(Object.entries(data).filter(([key]) => !repeated.has(key) || !isRepeated(key)));
}

/** An event's data without the name that stands before it; of a delta what it adds. */
function gist(event, other, row, repeated) {
  if (typeof event === "string") return event;
  const { data } = event;
  if (data === null || typeof data !== "object") return String(data ?? "");
  if (isChunk(data) && row.at > 0) return JSON.stringify(withoutRepeated(data, other === ABSENT ? undefined : other.data, repeated));
  const { type, ...rest } = data;
  const told = type === undefined || type === nameOf(event) || typeof event.event !== "string" ? rest : data;
  return Object.keys(told).length ? JSON.stringify(told) : "";
}
