// The admin API: reads that keep the last answer, and mutations with the token of this browser tab.

import { learnClock } from "./format.js";

const TOKEN = "crossfade-admin-token";
const OPERATOR = "crossfade-operator";
const ANSWERS_KEPT = 16;
const PATIENCE_MILLISECONDS = 10_000;

/** What went wrong, and what the reader can do: `away` (retry), `token` (ask for one), `refused` (say why). */
export class ApiError extends Error {
  constructor(kind, message, { status = 0, code = "" } = {}) {
    super(message);
    this.kind = kind;
    this.status = status;
    this.code = code;
  }
}

export function token() { return sessionStorage.getItem(TOKEN) ?? ""; }

export function keepToken(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

/** The operator's name in the journal. Nobody checks it, so it outlives the tab, unlike the token. */
export function operator() { return localStorage.getItem(OPERATOR) ?? ""; }

export function keepOperator(name) {
  if (name) localStorage.setItem(OPERATOR, name);
  else localStorage.removeItem(OPERATOR);
}

/** Path segments are encoded whole: a lane's model group may hold a slash. */
export const paths = {
  lane: (id) => `/api/lanes/${encodeURIComponent(id)}`,
  laneAction: (id, action) => `/api/lanes/${encodeURIComponent(id)}/${action}`,
  sample: (id) => `/api/samples/${encodeURIComponent(id)}`,
  samples: (lane, verdict, limit) => `/api/samples?${new URLSearchParams({ lane, verdict, limit })}`,
  acknowledge: (id) => `/api/causes/${encodeURIComponent(id)}/acknowledge`,
};

const kept = new Map();

/** Reads `path`. The same bytes give the same object again, so a page can tell that nothing changed. */
export async function get(path) {
  const { response, text } = await send(path, { headers: headers() });
  if (!response.ok) throw refusal(response, text);
  const before = kept.get(path);
  if (before?.text === text) return before.value;
  const value = parse(text, path.startsWith("/api/samples/"));
  kept.set(path, { text, value });
  if (kept.size > ANSWERS_KEPT) kept.delete(kept.keys().next().value);
  return value;
}

/** The last answer to `path`, to draw a page at once while the new one is under way. */
export function last(path) { return kept.get(path)?.value; }

export async function post(path, body) {
  const { response, text } = await send(path, {
    method: "POST",
    headers: { ...headers(), "content-type": "application/json", "x-crossfade-admin": "1", ...named() },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw refusal(response, text);
  return text ? parse(text, false) : {};
}

function headers() {
  const secret = token();
  return { accept: "application/json", ...(secret && { authorization: `Bearer ${secret}` }) };
}

/** A header holds ASCII only, and names are more than that. */
function named() {
  const name = operator();
  return name ? { "x-crossfade-operator": encodeURIComponent(name) } : {};
}

async function send(path, options) {
  try {
    const response = await fetch(path, { ...options, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
    learnClock(response.headers.get("date"));
    return { response, text: await response.text() };
  } catch (error) {
    throw new ApiError("away", error.name === "TimeoutError" ? "The admin port took longer than ten seconds." : "The admin port does not answer.");
  }
}

function refusal(response, text) {
  let told = {};
  try { told = JSON.parse(text).error ?? {}; } catch { /* not ours: say the status */ }
  const message = told.message ?? `The admin port answered ${response.status}.`;
  const facts = { status: response.status, code: told.code };
  if (response.status === 401) return new ApiError("token", message, facts);
  if (response.status >= 500 && !told.message) return new ApiError("away", message, facts);
  return new ApiError("refused", message, facts);
}

/** A number whose spelling JavaScript would lose (`1.0`, `1e3`, beyond 2^53). */
export class SpeltNumber {
  constructor(source) { this.source = source; }
  valueOf() { return Number(this.source); }
  toJSON() { return JSON.rawJSON ? JSON.rawJSON(this.source) : Number(this.source); }
}

function parse(text, exact) {
  try {
    if (!exact) return JSON.parse(text);
    return JSON.parse(text, (_, value, context) =>
      (typeof value === "number" && context?.source && context.source !== String(value) ? new SpeltNumber(context.source) : value));
  } catch {
    throw new ApiError("away", "The admin port answered something that is not JSON.");
  }
}
