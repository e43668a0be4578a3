// Describes elements as plain objects and brings the page up to date in place, so that a refresh
// every two seconds never costs the reader a focus, a selection, a scroll or an open row.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "rect", "line", "circle", "defs", "pattern", "text", "title"]);

/** `h("p.note", {title: "…"}, "text", other)`; null, false and "" among the children are left out. */
export function h(selector, ...rest) {
  const [tag, ...classes] = selector.split(".");
  const first = rest[0];
  const hasAttributes = first && typeof first === "object" && !Array.isArray(first) && !first.tag;
  const attributes = { ...(hasAttributes ? first : {}) };
  const children = rest.slice(hasAttributes ? 1 : 0).flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "");
  const className = [...classes, attributes.class].filter(Boolean).join(" ");
  if (className) attributes.class = className;
  const { key } = attributes;
  delete attributes.key;
  return { tag, key, attributes, children };
}

/** Makes `parent`'s children equal to the described ones, moving and keeping nodes where it can. */
export function patch(parent, children) {
  const described = [children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  const keyed = new Map();
  const loose = [];
  for (const node of [...parent.childNodes]) {
    const name = node.described?.key === undefined ? null : `${node.described.tag} ${node.described.key}`;
    // A key that came twice has no place of its own: its second node is made anew.
    if (name === null) loose.push(node);
    else if (keyed.has(name)) node.remove();
    else keyed.set(name, node);
  }
  let place = parent.firstChild;
  for (const child of described) {
    const node = reuse(child, keyed, loose) ?? create(child);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
    update(node, child);
  }
  for (const node of [...keyed.values(), ...loose]) node.remove();
}

function reuse(child, keyed, loose) {
  if (typeof child === "object" && child.key !== undefined) {
    const name = `${child.tag} ${child.key}`;
    const node = keyed.get(name);
    keyed.delete(name);
    return node;
  }
  const tag = typeof child === "object" ? child.tag : "#text";
  const at = loose.findIndex((node) => node.nodeName.toLowerCase() === tag);
  return at < 0 ? undefined : loose.splice(at, 1)[0];
}

function create(child) {
  if (typeof child !== "object") return document.createTextNode(String(child));
  return SVG_TAGS.has(child.tag) ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
}

function update(node, child) {
  if (typeof child !== "object") {
    if (node.data !== String(child)) node.data = String(child);
    return;
  }
  if (node.described === child) return;
  const before = node.described?.attributes ?? {};
  node.described = child;
  for (const name of Object.keys(before)) if (!(name in child.attributes)) set(node, name, null, before[name]);
  for (const [name, value] of Object.entries(child.attributes)) {
    if (name === "style" || before[name] !== value) set(node, name, value, before[name]);
  }
  patch(node, child.children);
}

function set(node, name, value, before) {
  if (name.startsWith("on")) {
    listen(node, name.slice(2), value);
  } else if (name === "style") {
    // Through the object model: a style attribute is what the content security policy forbids.
    for (const property of Object.keys(before ?? {})) if (!value || !(property in value)) node.style.removeProperty(property);
    for (const [property, text] of Object.entries(value ?? {})) {
      if (node.style.getPropertyValue(property) !== String(text)) node.style.setProperty(property, text);
    }
  } else if (name === "value" || name === "open" || name === "checked") {
    if (node[name] !== value) node[name] = value ?? "";
  } else if (value === null || value === undefined || value === false) {
    node.removeAttribute(name);
  } else {
    node.setAttribute(name, value === true ? "" : value);
  }
}

/** One listener a node and event, whose target changes: a re-render never stacks listeners. */
function listen(node, type, handler) {
  node.handlers ??= {};
  if (!(type in node.handlers)) node.addEventListener(type, (event) => node.handlers[type]?.(event));
  node.handlers[type] = handler;
}

const open = new Map();
let redraw = () => {};
let readAgain = () => {};
let version = 0;

/** Tells this module how to draw what is known, and how to read everything again. */
export function onChange(draw, refresh) {
  redraw = draw;
  readAgain = refresh;
}

/** Asks for a redraw with the data at hand. */
export function changed() {
  version += 1;
  redraw();
}

/** Draws at once, then reads again: for a choice that changes what a page reads. */
export function reload() {
  changed();
  readAgain();
}

/** Grows with every choice of the reader: equal versions and equal data give equal pages. */
export function viewVersion() { return version; }

/** Whether the part called `id` is open; remembered for as long as the page lives. */
export function isOpen(id, initially = false) { return open.get(id) ?? initially; }

export function setOpen(id, state) {
  open.set(id, state);
  changed();
}

/** A `<details>` whose state survives refreshes and visits to other pages; the body is made only when open. */
export function disclosure(id, summary, body, { initially = false, class: className = "" } = {}) {
  const state = isOpen(id, initially);
  return h("details.disclosure", {
    key: id, class: className, open: state,
    ontoggle: (event) => { if (event.target === event.currentTarget && event.target.open !== isOpen(id, initially)) setOpen(id, event.target.open); },
  }, h("summary", summary), state && h("div.disclosure-body", typeof body === "function" ? body() : body));
}
