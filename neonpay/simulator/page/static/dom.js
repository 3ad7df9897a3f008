// Building elements. Text is always set as text: what bots and people write is never read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child);
  }
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const $ = (selector, from = document) => from.querySelector(selector);

export const icon = (name, size = "i") =>
  s("svg", { class: size, "aria-hidden": "true" }, s("use", { href: `#${name}` }));

// Replace what a container holds; a control that had the focus and is still there, by its data-k, keeps it.
export function show(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset.k;
  container.replaceChildren();
  add(container, children);
  if (key && !container.contains(document.activeElement)) {
    $(`[data-k="${CSS.escape(key)}"]`, container)?.focus({ preventScroll: true });
  }
}

// The same, but only when what it is made from has changed: a button that is replaced between the press and the release of a
// mouse button would never hear of the click.
const madeFrom = new WeakMap();
export function showOnce(container, source, build) {
  const key = JSON.stringify(source);
  if (madeFrom.get(container) === key) return;
  madeFrom.set(container, key);
  show(container, build());
}

export function say(text) {
  const place = $("#say");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text));
}

// A bot or a person: their picture, or their initials.
export const face = (one, look = "") => one?.picture
  ? h("img", { class: `mono-face ${look}`, src: `/page/faces/${one.id}?${one.picture}`, alt: "", "aria-hidden": "true" })
  : h("span", { class: `mono-face ${look}`, "aria-hidden": "true" }, one ? initials(one.name) : "");

export const initials = (name) =>
  name
    .split(/[\s_]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0].toLocaleUpperCase())
    .join("");
