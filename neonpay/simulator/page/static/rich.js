// Text with entities, as Telegram counts them: in UTF-16 units, which are JavaScript's own.

import { h } from "./dom.js";
import { withStars } from "./signs.js";
import { w } from "./words.js";

const SAFE = /^(https?|tg|ton|mailto|tel):/i;

// act.command(text) writes a command, act.link(url) opens a link.
export function rich(text, entities, act) {
  return piece(text, 0, text.length, [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length), act);
}

function piece(text, from, to, entities, act) {
  const nodes = [];
  let at = from;
  for (let i = 0; i < entities.length; i++) {
    const entity = entities[i];
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset < at || entity.offset >= to) continue;
    if (entity.offset > at) nodes.push(withStars(text.slice(at, entity.offset)));
    const inside = entities.slice(i + 1).filter((one) => one.offset >= entity.offset && one.offset + one.length <= end);
    nodes.push(dress(entity, text.slice(entity.offset, end), piece(text, entity.offset, end, inside, act), act));
    at = end;
  }
  if (at < to) nodes.push(withStars(text.slice(at, to)));
  return nodes;
}

function dress(entity, raw, inner, act) {
  switch (entity.type) {
    case "bold": return h("strong", null, inner);
    case "italic": return h("em", null, inner);
    case "underline": return h("u", null, inner);
    case "strikethrough": return h("s", null, inner);
    case "code": return h("code", null, inner);
    case "pre": return h("pre", null, inner);
    case "blockquote":
    case "expandable_blockquote": return h("blockquote", null, inner);
    case "spoiler": return spoiler(inner);
    case "bot_command": return h("button", { type: "button", class: "inline", onclick: () => act.command(raw) }, inner);
    case "text_link": return link(entity.url, inner, act);
    case "url": return link(/^[a-z]+:/i.test(raw) ? raw : `https://${raw}`, inner, act);
    case "email": return link(`mailto:${raw}`, inner, act);
    default: return h("span", null, inner);
  }
}

function link(url, inner, act) {
  if (!SAFE.test(url)) return h("span", null, inner);
  const onclick = (event) => {
    event.preventDefault();
    act.link(url);
  };
  return h("a", { href: url, rel: "noopener noreferrer", target: "_blank", onclick }, inner);
}

function spoiler(inner) {
  const hidden = h("button", { type: "button", class: "inline spoiler", "aria-label": w.spoiler }, inner);
  hidden.addEventListener("click", () => hidden.replaceWith(h("span", null, [...hidden.childNodes])), { once: true });
  return hidden;
}
