// The three signs: the Stars figure, the trace, and the ring of the ten seconds.

import { h, icon, s } from "./dom.js";
import { number, oneDecimal, starWord, w } from "./words.js";
import { virtualNow } from "./store.js";

// The glyph stands before the figure; a screen reader hears the word after it.
export const stars = (n) =>
  h("span", { class: n ? "stars" : "stars plain" }, n < 0 ? "\u2212" : null, icon("star", ""), number(Math.abs(n)),
    h("span", { class: "sr" }, ` ${starWord(Math.abs(n))}`));

// A price as the simulator tells it; in another currency than Stars it has the words, too.
export const price = (one) =>
  (one.currency === undefined || one.currency === "XTR" ? stars(one.amount_stars) : h("span", { class: "stars plain" }, one.price));

// Fonts that are common on Linux have no ⭐: it is drawn here, and copied and read as what it is.
export const withStars = (text) =>
  text.split(/(⭐\uFE0F?)/u).map((part) => (part.startsWith("⭐")
    ? h("span", { class: "stars plain" }, icon("star", ""), h("span", { class: "sr" }, part)) : part)).filter(Boolean);

export const STAR_PATH =
  "M-.44-5.32Q0-6.3.44-5.32L1.6-2.7Q1.82-2.21 2.36-2.15L5.21-1.85Q6.28-1.74 5.48-1.02L3.35.9Q2.95 1.26 3.06 1.78" +
  "L3.66 4.59Q3.88 5.64 2.95 5.1L.47 3.67Q0 3.4-.47 3.67L-2.95 5.1Q-3.88 5.64-3.66 4.59L-3.06 1.78Q-2.95 1.26-3.35.9" +
  "L-5.48-1.02Q-6.28-1.74-5.21-1.85L-2.36-2.15Q-1.82-2.21-1.6-2.7Z";

const wire = (from, to, look) => {
  const path = s("path", { class: `w ${look}`, d: `M${from} 9H${to}` });
  return look === "au" ? [s("path", { class: "w edge", d: `M${from} 9H${to}` }), path] : path;
};
const dot = (x, look = "") => s("circle", { class: `p ${look}`, cx: x, cy: 9, r: look === "todo" ? 2.75 : 3 });
const starStop = (look) => s("path", { class: `p ${look}`, transform: "translate(47 9)", d: STAR_PATH });
const block = (look) => s("rect", { class: `p ${look}`, x: 65.5, y: 5.5, width: 7, height: 7, rx: 1.5 });

// Four stops: invoice, checkout, paid, delivered. Their shapes differ, colour only helps.
const TRACES = {
  invoiced: () => [wire(8, 23, "todo"), wire(29, 41, "todo"), wire(53, 65, "todo"),
    dot(5), dot(26, "todo"), starStop("todo"), block("todo")],
  checking: () => [wire(8, 23, ""), wire(29, 41, "todo"), wire(53, 65, "todo"),
    dot(5), dot(26, "todo"), starStop("todo"), block("todo")],
  declined: () => [wire(8, 21, ""), dot(5), s("path", { class: "p bad", d: "m22.5 5.5 7 7m0-7-7 7" })],
  paid: () => [wire(8, 23, ""), wire(29, 41, ""), wire(53, 65, "todo"), dot(5), dot(26), starStop("au"), block("todo")],
  delivered: () => [wire(8, 23, ""), wire(29, 41, ""), wire(53, 65, "au"), dot(5), dot(26), starStop("au"), block("au")],
  refunded: () => [wire(8, 23, ""), wire(29, 41, ""), dot(5), dot(26), starStop("todo"),
    s("path", { class: "ret", d: "M54 9h9a4.25 4.25 0 0 1 0 8.5H30m3-2.75-3 2.75 3 2.75" })],
};
export const trace = (state) =>
  s("svg", { class: "trace", viewBox: "0 0 74 18", role: "img", "aria-label": w.traces[state], "data-trace": state },
    ...TRACES[state]().flat());

// Large, in the middle of a sheet; what ends at the checkout is no longer than that.
export function largeTrace(state) {
  const sign = trace(state);
  sign.classList.add("large");
  if (state === "declined") {
    sign.setAttribute("viewBox", "0 0 34 18");
    sign.classList.add("short");
  }
  return sign;
}

// The number inside is the truth, the arc is the picture.
const RING_S = 10;
const LATE_S = 3;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const rings = new Set();

export function ring(deadline, size = "") {
  const arc = s("circle", { class: "arc", cx: 50, cy: 50, r: 45, pathLength: 100 });
  const seconds = h("span", { "aria-hidden": "true" });
  const element = h("div", { class: `ring ${size}` },
    s("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" },
      s("circle", { cx: 50, cy: 50, r: 45 }), arc, s("circle", { class: "ticks", cx: 50, cy: 50, r: 45, pathLength: 100 })),
    h("span", { class: "sec" }, seconds, h("span", { class: "unit" }, w.seconds)));
  const paint = () => {
    const exact = Math.min(RING_S, Math.max(0, deadline - virtualNow()));
    const left = still.matches ? Math.ceil(exact) : exact;
    arc.setAttribute("stroke-dasharray", `${left * (100 / RING_S)} 100`);
    seconds.textContent = oneDecimal(left);
    element.classList.toggle("late", left <= LATE_S);
  };
  paint();
  const turning = { element, paint };
  rings.add(turning);
  if (rings.size === 1) requestAnimationFrame(turn);
  return element;
}

function turn() {
  for (const one of rings) {
    if (one.element.isConnected) one.paint();
    else rings.delete(one);
  }
  if (rings.size) requestAnimationFrame(turn);
}
