// The closed sets of the API in plain language, with a sign each: colour is never the only one.

export const VERDICTS = {
  match: { sign: "=", word: "Match", text: "both legs answered the same" },
  tolerated: { sign: "≈", word: "Tolerated", text: "differs only where a rule or a declared defect allows it" },
  mismatch: { sign: "≠", word: "Mismatch", text: "the legs differ" },
};

export const STAGES = {
  off: "Everything is served by Python. Nothing is compared.",
  shadow: "Everything is served by Python. The native leg runs on the tape and is compared.",
  canary: "A share of the callers is served natively. The rest is still compared.",
  full: "Served natively, but for the hold-out share that stays on Python.",
};

/** Routes of which no lane rises by itself, and what to do instead. */
export const UNTAPED = {
  count_tokens: "Can be served natively, and not compared: Python asks past every tap. Pin it by its rule (stage: full, hold: true).",
};

export const KINDS = {
  changed: { sign: "≠", word: "changed", text: "the value differs" },
  missing: { sign: "−", word: "missing", text: "only the control has it" },
  extra: { sign: "+", word: "extra", text: "only the candidate has it" },
  type: { sign: "T", word: "type", text: "the type differs" },
  order: { sign: "⇅", word: "order", text: "the same parts in another order" },
  spelling: { sign: "~", word: "spelling", text: "equal in value, written differently" },
};

export const SEVERITIES = {
  severe: { sign: "‼", word: "Severe", rank: 0 },
  high: { sign: "!", word: "High", rank: 1 },
  medium: { sign: "•", word: "Medium", rank: 2 },
  low: { sign: "·", word: "Low", rank: 3 },
};

/** Why a difference does not count; empty for one that does. */
export function excusedBy(difference) {
  return difference?.rule ? `Tolerated: ${difference.rule}` : difference?.noise ? "Noise, asserted by its format" : "";
}

/** Gate checks whose code is not what to call them. */
export const CHECKS = { uncompared: "Compared share", frozen: "Freeze" };

const SKIPPED = {
  no_tape: "no tape: Python’s provider traffic is not led through the tap, or cannot be",
  provider_not_asked: "Python refused without asking a provider; the native leg would have asked one",
  no_provider_exchange: "the request never reached a provider (401, 429, cache)",
  correlation_unsafe: "a callback or guardrail reads the body, so it cannot be marked",
  shed: "shed: the shadow was over its limit",
  not_sampled: "outside the sample rate",
  too_large: "larger than the capture limit",
  declined: "the native leg declined it",
  incomplete_tape: "the tape is incomplete",
  client_disconnected: "the client left before the answer was whole",
  caller_capped: "this caller’s hourly share of the evidence is used up",
};

export function skippedText(reason) { return SKIPPED[reason] ?? humanise(reason); }

export function humanise(name) {
  return String(name ?? "").replace(/[_-]+/g, " ").replace(/\bocr\b/g, "OCR").replace(/\b(rust|python)\b/g, sentence);
}

export function sentence(text) {
  const trimmed = String(text ?? "").trim();
  return trimmed ? trimmed[0].toUpperCase() + trimmed.slice(1) : "";
}

export const SIDES = { provider_request: "Provider request", client_response: "Client answer" };

/** What each action does, as its dialog says it before it is done. */
export const ACTIONS = {
  promote: { word: "Promote", done: "Promoted" },
  hold: { word: "Hold", done: "Held" },
  release: { word: "Release", done: "Released" },
  rollback: { word: "Roll back", done: "Rolled back" },
  freeze: { word: "Freeze", done: "Frozen" },
  unfreeze: { word: "Unfreeze", done: "Unfrozen" },
  acknowledge: { word: "Acknowledge", done: "Acknowledged" },
};
