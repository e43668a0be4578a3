// Starts the dashboard: picks the page from the address, asks the API every two seconds, draws.

import { freezeButton, onMoved, tokenPage } from "./actions.js";
import { get, last } from "./api.js";
import * as board from "./board.js";
import * as causes from "./causes.js";
import { h, onChange, patch } from "./dom.js";
import { elapsed, learnClock } from "./format.js";
import * as journal from "./journal.js";
import * as lane from "./lane.js";
import { empty } from "./parts.js";
import * as sample from "./sample.js";
import { attention } from "./strip.js";

const REFRESH_MILLISECONDS = 2000;
const LONGEST_RETRY_MILLISECONDS = 8000;

const PAGES = [
  [/^#?\/?$/, board], [/^#\/lanes\/([^/?]+)/, lane], [/^#\/samples\/([^/?]+)/, sample], [/^#\/causes/, causes], [/^#\/journal/, journal],
];

const main = document.getElementById("main");
const state = { page: board, parameter: "", status: undefined, answers: [], error: null, away: null, answeredAt: null, failures: 0 };
let timer = 0;
let round = 0;

function route() {
  const hash = location.hash;
  const found = PAGES.find(([pattern]) => pattern.test(hash));
  state.page = found?.[1] ?? null;
  state.parameter = found ? decode(hash.match(found[0])[1] ?? "") : "";
  state.error = null;
  state.answers = state.page ? state.page.sources(state.parameter).map(last) : [];
  state.status ??= last("/api/status");
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** One round of questions; a newer round makes the answers of an older one stale. */
async function refresh() {
  clearTimeout(timer);
  round += 1;
  const mine = round;
  const { page, parameter } = state;
  const wanted = page ? page.sources(parameter) : [];
  const [status, ...rest] = await Promise.allSettled(["/api/status", ...wanted].map((path) => (page?.settled && path !== "/api/status" ? last(path) : undefined) ?? get(path)));
  if (mine !== round) return;
  if (status.status === "fulfilled") state.status = status.value;
  const failed = [status, ...rest].find((answer) => answer.status === "rejected")?.reason ?? null;
  state.away = failed?.kind === "away" || (failed && !failed.kind) ? failed : null;
  state.failures = state.away ? state.failures + 1 : 0;
  state.error = failed && !state.away ? failed : null;
  if (!failed) {
    state.answers = rest.map((answer) => answer.value);
    state.answeredAt = new Date().toISOString();
  }
  // Scheduled first: an answer that cannot be drawn must not end the refreshing.
  schedule();
  draw();
}

function schedule() {
  clearTimeout(timer);
  if (document.hidden) return;
  timer = setTimeout(refresh, Math.min(LONGEST_RETRY_MILLISECONDS, REFRESH_MILLISECONDS * (1 + state.failures / 2)));
}

function draw() {
  const { page, status } = state;
  patch(document.getElementById("top"), topBar());
  patch(main, body());
  const waiting = status && page ? attention(status, page === board ? state.answers[0]?.lanes : []) : 0;
  const name = page ? page.title(state.parameter) : "Not found";
  const title = `${waiting ? `(${waiting}) ` : ""}${name} · Crossfade`;
  if (document.title !== title) document.title = title;
}

function body() {
  const { page, status, answers, error, away } = state;
  if (!page) return empty("No such page", h("p", h("a", { href: "#/" }, "To the board")));
  if (error?.kind === "token") return tokenPage(error.message);
  if (error) {
    return empty(error.status === 404 ? "Not found" : "The admin port refused", h("p", error.message),
      h("p", h("a", { href: "#/" }, "To the board")));
  }
  if (!status || answers.length === 0 && page.sources(state.parameter).length > 0 || answers.some((answer) => answer === undefined)) {
    return away ? empty("No answer yet", h("p", away.message, " The page fills as soon as it does.")) : h("p.loading", { key: "loading" }, "Loading");
  }
  return h("div.page", { key: `${location.hash}`, class: state.away ? "is-stale" : "" }, page.draw({ status, answers, parameter: state.parameter }));
}

function topBar() {
  const links = [["#/", "Board", board], ["#/causes", "Causes", causes], ["#/journal", "Journal", journal]];
  return h("div.top-inner",
    h("a.brand", { href: "#/", "aria-label": "Crossfade, to the board" },
      h("svg", { viewBox: "0 0 28 20", width: 28, height: 20, "aria-hidden": "true" },
        h("path.brand-python", { d: "M2 4c12 0 12 12 24 12" }), h("path.brand-native", { d: "M2 16c12 0 12-12 24-12" })),
      h("span", "Crossfade")),
    h("nav", { "aria-label": "Pages" }, links.map(([href, name, page]) =>
      h("a", { key: href, href, "aria-current": page === state.page ? "page" : null }, name))),
    h("div.top-end", live(), state.status && freezeButton(state.status)));
}

function live() {
  if (state.away) {
    return h("span.live.live-away", { key: "away", role: "status" }, h("i"), "Disconnected, retrying",
      h("span.live-since", state.answeredAt ? `, last answer ${elapsed(state.answeredAt)} ago` : ""));
  }
  const { status } = state;
  return h("span.live", { key: "live", title: status ? `Build ${status.build}, version ${status.version}, refreshed every two seconds` : "" },
    h("i"), h("span.live-word", "Live"), status && h("span.live-since", ` ${status.version}`));
}

function navigate() {
  route();
  draw();
  window.scrollTo(0, 0);
  document.querySelector("#main h1")?.focus({ preventScroll: true });
  refresh();
}

learnClock(null);
onChange(draw, refresh);
onMoved(refresh);
window.addEventListener("hashchange", navigate);
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
window.addEventListener("online", refresh);
document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
route();
draw();
refresh();
