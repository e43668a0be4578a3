// One lane in full: stage, gate, evidence, the last hour, samples, and what was done to it.

import { actionButtons } from "./actions.js";
import { paths } from "./api.js";
import { h, reload } from "./dom.js";
import { fader, servedWords } from "./fader.js";
import { count, decimal, percent, shortHash } from "./format.js";
import { history } from "./history.js";
import { entries } from "./journal.js";
import { declines, empty, figures, flags, gate, laneName, latency, outcomes, rollbackNote, served, steps, verdictTag, when } from "./parts.js";
import { banners } from "./strip.js";
import { VERDICTS, STAGES } from "./words.js";

const SAMPLES_ASKED = 50;
const filter = { lane: "", verdict: "" };

/** The page's reads; a chosen verdict adds a read of just those samples. */
export const sources = (id) => [paths.lane(id), ...(filter.lane === id && filter.verdict ? [paths.samples(id, filter.verdict, SAMPLES_ASKED)] : [])];

export function title(id) { return id; }

export function draw({ status, answers: [lane, filtered], parameter }) {
  const wanted = filter.lane === parameter ? filter.verdict : "";
  // Until the filtered read is there, what is at hand, filtered here.
  const samples = wanted ? filtered?.samples ?? lane.samples?.filter((sample) => sample.verdict === wanted) : lane.samples;
  return [
    banners(status),
    h("nav.crumbs", { "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Board"), h("span", { "aria-hidden": "true" }, "/"), h("span", "Lane")),
    h("header.page-head",
      h("div", h("h1", { tabindex: "-1" }, laneName(lane.id)),
        h("p.quiet", STAGES[lane.stage], lane.since && [" In ", lane.stage, " since ", when(lane.since), "."])),
      h("div.card-actions", flags(lane), actionButtons(lane))),
    rollbackNote(lane),
    declines(lane, 50),
    h("div.panel.card-grid",
      h("section.part.stage", { "aria-label": "Stage" }, h("h3", "Stage", h("span.aside", servedWords(lane))), fader(lane), steps(lane), served(lane), latency(lane)),
      outcomes(lane), gate(lane, true)),
    h("div.panel", history(lane.history)),
    h("div.panel", evidence(lane.evidence)),
    h("div.panel", sampleTable(lane, samples ?? [], parameter)),
    h("div.panel", h("section.part", { "aria-label": "Journal" }, h("h2", "Journal of this lane"),
      lane.journal?.length ? entries(lane.journal, { lane: false }) : h("p.hint", "Nothing has been done to this lane yet."))),
  ];
}

function evidence(evidence) {
  if (!evidence) return null;
  return h("section.part", { "aria-label": "Evidence" }, h("h2", "Evidence", h("span.aside", "reset when the build, the config or the rules change")),
    h("div.evidence-grid",
      figures([
        ["Pairs compared", count(evidence.pairs)], ["Mismatches", count(evidence.mismatches)],
        ["Mismatch share", evidence.pairs ? percent(evidence.mismatches / evidence.pairs) : "–"],
      ]),
      figures([
        ["For a step (log e)", `${decimal(evidence.log_e)} of ${decimal(evidence.log_e_needed)}`, "A mixture e-process against “the mismatch rate is at least the limit”: looking often does not weaken it"],
        ["For a rollback (log)", `${decimal(evidence.cusum_log)} of ${decimal(evidence.cusum_log_alarm)}`, "e-CUSUM: at the second figure the lane goes back by itself"],
        ["Unseen request shapes", percent(evidence.unseen_shape_share), "Good–Turing: how likely the next request has a shape that was never compared"],
        ["Uncompared", percent(evidence.uncompared_share), "Eligible requests that were skipped or declined in the shadow"],
      ]),
      figures([["Build", h("code", shortHash(evidence.key?.build))], ["Config", h("code", shortHash(evidence.key?.config))], ["Rules", h("code", shortHash(evidence.key?.rules))]])));
}

function sampleTable(lane, samples, id) {
  const active = filter.lane === id ? filter.verdict : "";
  const pick = (verdict) => { Object.assign(filter, { lane: id, verdict }); reload(); };
  return h("section.part", { "aria-label": "Samples" },
    h("div.part-head", h("h2", "Recent samples"),
      h("div.segments", { role: "group", "aria-label": "Show" }, [["", "All"], ...Object.entries(VERDICTS).map(([name, { word }]) => [name, word])].map(([verdict, word]) =>
        h("button", { key: word, type: "button", "aria-pressed": String(verdict === active), onclick: () => pick(verdict) }, word)))),
    samples.length ? sampleRows(samples) : empty(active ? `No sample with verdict ${active}` : "No samples yet",
      h("p", active ? "Choose another verdict, or wait." : "A sample is kept of compared requests once the lane is in shadow and the tap sees Python’s provider traffic.")));
}

function sampleRows(samples) {
  return h("table.table", h("thead", h("tr", ["Verdict", "When", "Shape", "Status", "Differences", "Summary"].map((name) => h("th", { key: name, scope: "col" }, name)))),
    h("tbody", samples.map((sample) => h("tr", { key: sample.id },
      h("td", verdictTag(sample.verdict)),
      h("td.nowrap", h("a", { href: `#/samples/${encodeURIComponent(sample.id)}` }, when(sample.at))),
      h("td.wide", h("code", sample.shape)),
      h("td.nowrap", statuses(sample)),
      h("td.right", count(sample.differences)),
      h("td.wide.summary", sample.summary)))));
}

/** `200 | 200`, marked when they differ. */
export function statuses(sample) {
  const differ = sample.status_control !== sample.status_candidate;
  return h("span.statuses", { class: differ ? "differ" : "", title: "control | candidate" },
    sample.status_control ?? "–", h("span.quiet", " | "), sample.status_candidate ?? "–");
}

