// The operator's moves: buttons, and one dialog that asks for the reason and, when it is needed, the token.

import { ApiError, keepOperator, keepToken, operator, paths, post, token } from "./api.js";
import { changed, h, patch } from "./dom.js";
import { percent } from "./format.js";
import { ACTIONS } from "./words.js";

let asked = null;
let afterwards = () => {};

/** Tells this module what to do once a move was made: read everything again. */
export function onMoved(callback) { afterwards = callback; }

export function actionButtons(lane) {
  const buttons = [];
  if (lane.stage !== "full") buttons.push("promote");
  if (lane.stage !== "off") buttons.push(lane.hold ? "release" : "hold", "rollback");
  return buttons.map((action) => h("button.button", {
    key: action, type: "button", class: action === "rollback" ? "button-danger" : "",
    "aria-label": `${ACTIONS[action].word} ${lane.id}`, onclick: () => ask(laneMove(action, lane)),
  }, ACTIONS[action].word));
}

export function freezeButton(status) {
  const action = status.frozen ? "unfreeze" : "freeze";
  return h("button.button", { key: "freeze", type: "button", onclick: () => ask({
    action, path: `/api/${action}`, title: status.frozen ? "Unfreeze all lanes" : "Freeze all lanes",
    text: status.frozen ? "Lanes rise again as soon as their gates are open." : "No lane is promoted, by itself or by hand, until you unfreeze. Rollbacks still happen at once.",
  }) }, ACTIONS[action].word);
}

export function acknowledgeButton(cause) {
  return h("button.button", { key: "acknowledge", type: "button", "aria-label": `Acknowledge ${cause.path} in ${cause.lane}`, onclick: () => ask({
    action: "acknowledge", path: paths.acknowledge(cause.id), title: "Acknowledge this cause",
    text: "It stays in the list and keeps counting, but no longer keeps the gate shut by itself. It opens again if the build changes.",
    subject: `${cause.lane} · ${cause.path}`,
  }) }, "Acknowledge");
}

function laneMove(action, lane) {
  const next = lane.gate?.next_stage === "canary" ? `canary ${percent(lane.gate.next_weight)}` : lane.gate?.next_stage ?? "the next step";
  const texts = {
    promote: `From ${lane.stage}${lane.stage === "canary" ? ` ${percent(lane.weight)}` : ""} to ${next}.`,
    hold: "It stays where it is. It is still compared, and still rolled back if parity breaks.",
    release: "It moves by itself again as soon as its gate is open.",
    rollback: "Python serves everything of this lane again, at once. No evidence is needed for that.",
  };
  const failing = (lane.gate?.checks ?? []).filter((check) => !check.ok);
  return {
    action, path: paths.laneAction(lane.id, action), title: `${ACTIONS[action].word} ${lane.id}`, text: texts[action], subject: lane.id,
    warning: action === "promote" && !lane.gate?.ready && lane.stage !== "off" &&
      ["The gate is closed, so this may be refused. It holds for:", failing.map((check) => check.text)],
  };
}

function ask(move) {
  asked = { ...move, reason: "", operator: operator(), error: "", busy: false, needsToken: false };
  show();
  const dialog = document.getElementById("dialog");
  dialog.onclose = () => { asked = null; };
  dialog.showModal();
  dialog.querySelector("textarea").focus();
}

function show() {
  const { action, title, text, warning, error, busy, needsToken, reason, operator: name } = asked;
  const words = ACTIONS[action];
  patch(document.getElementById("dialog"), h("form.dialog-form", { method: "dialog", onsubmit: submit, novalidate: true },
    h("h2", { id: "dialog-title" }, title),
    h("p", text),
    warning && h("div.notice.notice-warn", { key: "warning" }, h("div", h("p.notice-title", warning[0]), h("ul.plain", warning[1].map((line) => h("li", line))))),
    h("label.field", { key: "reason" }, h("span", "Reason"), h("textarea", { name: "reason", rows: 3, required: true, maxlength: 1000, value: reason,
      placeholder: "Written to the journal, for whoever reads it next", oninput: (event) => { asked.reason = event.target.value; } })),
    h("label.field", { key: "operator" }, h("span", "Your name"), h("input", { name: "operator", type: "text", autocomplete: "name", maxlength: 64, value: name,
      placeholder: "admin", oninput: (event) => { asked.operator = event.target.value; } }),
      h("span.quiet", "Shown in the journal, remembered in this browser. Nobody checks it.")),
    needsToken && h("label.field", { key: "token" }, h("span", "Admin token"), h("input", { name: "token", type: "password", autocomplete: "off", required: true }),
      h("span.quiet", "The value of CROSSFADE_ADMIN_TOKEN. Kept for this browser tab only.")),
    h("p.form-error", { key: "error", role: "alert" }, error),
    h("div.dialog-actions", { key: "actions" },
      h("button.button", { type: "button", onclick: close }, "Cancel"),
      h("button.button.button-primary", { type: "submit", disabled: busy, class: action === "rollback" ? "button-danger" : "" }, busy ? "Sending…" : words.word))));
}

function close() { document.getElementById("dialog").close(); }

async function submit(event) {
  event.preventDefault();
  const form = event.target;
  const reason = form.elements.reason.value.trim();
  if (!reason) return complain("Say why: the reason goes into the journal.", form.elements.reason);
  if (asked.needsToken) {
    const secret = form.elements.token.value.trim();
    if (!secret) return complain("Enter the admin token.", form.elements.token);
    keepToken(secret);
  }
  keepOperator(asked.operator.trim());
  Object.assign(asked, { busy: true, error: "" });
  show();
  const move = asked;
  try {
    await post(move.path, { reason });
    toast(`${ACTIONS[move.action].done}${move.subject ? `: ${move.subject}` : ""}`);
    close();
    afterwards();
  } catch (error) {
    if (asked !== move) return undefined;
    failed(error, form);
  }
  return undefined;
}

function complain(text, field) {
  asked.error = text;
  show();
  field.focus();
  return undefined;
}

function failed(error, form) {
  asked.busy = false;
  if (error instanceof ApiError && error.kind === "token") {
    const had = token() !== "";
    keepToken("");
    Object.assign(asked, { needsToken: true, error: had ? `The token was not accepted. ${error.message}` : "This needs the admin token." });
    show();
    form.elements.token.value = "";
    form.elements.token.focus();
    return;
  }
  asked.error = error.message;
  show();
}

let toastTimer = 0;

export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.classList.add("visible");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => place.classList.remove("visible"), 4000);
}

/** Where reading needs the token too: the page that asks for it. */
export function tokenPage(message) {
  return h("form.empty", { key: "token-page", onsubmit: (event) => {
    event.preventDefault();
    keepToken(event.target.elements.token.value.trim());
    afterwards();
    changed();
  } }, h("p.empty-title", "This admin port asks for its token"), h("p", message),
  h("label.field", h("span", "Admin token"), h("input", { name: "token", type: "password", autocomplete: "off" })),
  h("p", h("button.button.button-primary", { type: "submit" }, "Continue")));
}
