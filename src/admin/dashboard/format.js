// Numbers, times and sizes as the pages write them. Times are told against the server's clock.

const whole = new Intl.NumberFormat("en-US");
let skew = 0;

/** Learns how far this machine's clock is from the server's, from its `Date` header (whole seconds). */
export function learnClock(dateHeader) {
  const server = Date.parse(dateHeader ?? "");
  if (!Number.isNaN(server) && Math.abs(server - Date.now()) > 2000) skew = server - Date.now();
  else skew = 0;
}

export function now() { return Date.now() + skew; }

export function count(value) { return value === null || value === undefined ? "–" : whole.format(Number(value)); }

/** 12 345 678 as 12.3 M, for places that are narrow; the exact figure belongs in the title. */
export function compact(value) {
  const number = Number(value ?? 0);
  if (number < 100_000) return whole.format(number);
  return new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(number);
}

/** A share 0..1 as per cent, with as many digits as it takes to tell it from zero and from all. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = Number(share) * 100;
  if (value === 0 || value === 100) return `${value} %`;
  if (value < 0.01) return "< 0.01 %";
  if (value > 99.99) return "> 99.99 %";
  const digits = value < 0.1 || value > 99.9 ? 2 : value < 10 || value > 99 ? 1 : 0;
  return `${trim(value.toFixed(digits))} %`;
}

export function decimal(value, digits = 2) { return value === null || value === undefined ? "–" : Number(value).toFixed(digits).replace("-", "−"); }

function trim(text) { return text.includes(".") ? text.replace(/\.?0+$/, "") : text; }

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB"];
  let size = Number(value);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) { size /= 1024; unit += 1; }
  return `${unit === 0 ? size : trim(size.toFixed(1))} ${units[unit]}`;
}

export function microseconds(value) {
  if (value === null || value === undefined) return "–";
  return value >= 1000 ? `${trim((value / 1000).toFixed(value >= 10_000 ? 0 : 1))} ms` : `${whole.format(Math.round(value))} µs`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return value >= 10_000 ? `${trim((value / 1000).toFixed(1))} s` : `${trim(Number(value).toFixed(value < 10 ? 1 : 0))} ms`;
}

/** "just now", "42 s", "12 min", "3 h 5 min", "6 d": how long ago. */
export function ago(time) {
  if (!time) return "never";
  const seconds = Math.max(0, Math.round((now() - Date.parse(time)) / 1000));
  if (seconds < 5) return "just now";
  return `${duration(seconds)} ago`;
}

export function elapsed(time) {
  return duration(Math.max(0, Math.round((now() - Date.parse(time)) / 1000)));
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10 && minutes % 60) return `${hours} h ${minutes % 60} min`;
  if (hours < 48) return `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** Local wall time; with the day when that is not today. */
export function clock(time, seconds = true) {
  if (!time) return "–";
  const date = new Date(time);
  const text = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
  if (date.toDateString() === new Date(now()).toDateString()) return text;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${text}`;
}

export function shortHash(text) {
  if (!text) return "–";
  const bare = String(text).replace(/^[a-z0-9]+:/, "");
  return bare.length > 12 ? bare.slice(0, 10) : bare;
}

export function plural(number, one, many = `${one}s`) { return `${count(number)} ${Number(number) === 1 ? one : many}`; }
