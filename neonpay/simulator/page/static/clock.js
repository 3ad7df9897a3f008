// The virtual clock: a ruler of days with what has happened and what will, and the buttons that let time pass.

import { $, h, icon, s, say, showOnce } from "./dom.js";
import { post } from "./link.js";
import { STAR_PATH } from "./signs.js";
import { nameOf, state, virtualNow } from "./store.js";
import { clockTime, dayMonth, dayShort, exactDay, fullDate, monthShort, shortMoment, w } from "./words.js";

const DAY_S = 86400;
const PAST_DAYS = 14;
const BEFORE_START_DAYS = 2;
const PAD = 14;
const WIDE_DAYS = 48;
const NARROW_DAYS = 34;
const ONWARD_S = 1; // past the moment that is travelled to, so that it has happened

const narrow = () => innerWidth < 1024;
const span = () => (narrow() ? NARROW_DAYS : WIDE_DAYS);
const midnight = (unix) => Math.floor(unix / DAY_S) * DAY_S;
const firstDay = () =>
  midnight(Math.max(virtualNow() - PAST_DAYS * DAY_S, Math.min(state.startedAt, ...state.moved, virtualNow()) - BEFORE_START_DAYS * DAY_S));

async function advance(seconds) {
  try {
    const { expired_updates: gone } = await post("/advance", { seconds: Math.max(0, seconds) });
    if (gone) dispatchEvent(new CustomEvent("notice", { detail: w.goneUnheard(gone) }));
  } catch (error) {
    say(error.message);
  }
}
const travel = (unix) => (unix < virtualNow() ? say(w.onlyForward) : advance(unix - virtualNow()));

export function drawClock() {
  drawNow();
  drawRuler();
  drawTravel();
  drawAgenda();
}

export function drawNow() {
  const now = virtualNow();
  if (!now) return;
  $("#clock-now").textContent = clockTime(now);
  $("#clock-date").textContent = `${fullDate(now)}, ${w.utc}`;
}

function drawRuler() {
  const ruler = $("#ruler");
  const width = Math.round(ruler.getBoundingClientRect().width);
  if (!width || !state.clock.unix) return;
  const now = virtualNow();
  const start = firstDay();
  const days = span();
  const x = (unix) => PAD + ((unix - start) / DAY_S / days) * (width - 2 * PAD);
  const inside = (unix) => unix >= start && unix <= start + days * DAY_S;
  const parts = [
    s("rect", { class: "been", x: PAD, y: 14, width: Math.max(0, x(now) - PAD), height: 42 }),
    s("path", { class: "base", d: `M${PAD} 56H${width - PAD}` }),
  ];
  for (let day = 0; day <= days; day++) parts.push(...tick(start + day * DAY_S, x, width));
  for (const at of new Set(state.moved.filter(inside).map(midday))) parts.push(star(x(Math.min(at, now)), "au"));
  for (const one of state.agenda.filter((due) => due.kind === "renewal" && inside(due.at))) {
    parts.push(star(x(one.at), "todo"));
    if (!narrow()) parts.push(s("text", { x: x(one.at), y: 40, "text-anchor": x(one.at) > width - 160 ? "end" : "middle" }, w.rulerRenewal(one.title)));
  }
  parts.push(s("path", { class: "play", d: `M${x(now) - 0.75} 8h1.5V62h-1.5zM${x(now) - 6} 4h12v5l-6 6-6-6z` }));
  ruler.setAttribute("viewBox", `0 0 ${width} 84`);
  ruler.replaceChildren(...parts);
  ruler.setAttribute("aria-valuemax", days);
  ruler.setAttribute("aria-valuenow", Math.floor((now - start) / DAY_S));
  ruler.setAttribute("aria-valuetext", exactDay(now));
}

const midday = (unix) => midnight(unix) + DAY_S / 2;
const star = (x, look) => s("path", { class: look, transform: `translate(${x} 56) scale(1.15)`, d: STAR_PATH });

function tick(unix, x, width) {
  const date = new Date(unix * 1000);
  const first = date.getUTCDate() === 1;
  const monday = date.getUTCDay() === 1;
  const parts = [s("path", { class: "tick", d: `M${x(unix)} 56V${first ? 34 : monday ? 43 : 49}` })];
  if (first && x(unix) < width - 40) parts.push(s("text", { x: x(unix) + 4, y: 28 }, monthShort(unix)));
  else if (monday && x(unix) < width - 20) parts.push(s("text", { x: x(unix), y: 73, "text-anchor": "middle" }, date.getUTCDate()));
  return parts;
}

function drawTravel() {
  const { frozen, can_run: canRun } = state.clock;
  const next = state.agenda[0];
  const hold = frozen ? w.run : w.pause;
  const jump = (text, label, seconds) =>
    h("button", { type: "button", class: "btn", "data-k": `jump-${seconds}`, "aria-label": `${text}: ${label}`, onclick: () => advance(seconds) }, text);
  showOnce($("#travel"), [frozen, canRun, next], () => [
    canRun ? h("button", { type: "button", class: "btn icon", "data-k": "hold", "aria-label": hold, title: hold, onclick: () => post(frozen ? "/time/run" : "/time/freeze") }, icon(frozen ? "i-play" : "i-pause")) : null,
    jump(w.hour, w.hourLong, 3600), jump(w.day, w.dayLong, DAY_S), jump(w.month, w.monthLong, 30 * DAY_S),
    next
      ? h("button", { type: "button", class: "btn ink", "data-k": "next", onclick: () => travel(next.at + ONWARD_S) }, w.next[next.kind](dayMonth(next.at)))
      : h("button", { type: "button", class: "btn", "data-k": "next", "aria-disabled": "true" }, w.nothingDue),
  ]);
}

function drawAgenda() {
  const near = (unix) => (unix - virtualNow() < DAY_S ? shortMoment(unix) : dayShort(unix));
  showOnce($("#agenda"), state.agenda.map((due) => [due, nameOf(due.user_id), near(due.at)]), () => state.agenda.length
    ? state.agenda.map((due, place) => {
        const what = w.aheadWhat[due.kind](due.title, nameOf(due.user_id));
        return h("li", null, h("span", { class: "soft small" }, near(due.at)), h("span", null, what),
          h("button", { type: "button", class: "btn", "data-k": `go-${place}`, "aria-label": w.goTo(what), onclick: () => travel(due.at + ONWARD_S) }, w.go));
      })
    : h("li", { class: "none soft" }, w.nothingAhead));
}

export function setUpClock() {
  const ruler = $("#ruler");
  const steps = { ArrowRight: 1, ArrowUp: 1, PageUp: 7, ArrowLeft: -1, ArrowDown: -1, PageDown: -7 };
  ruler.addEventListener("keydown", (event) => {
    const days = steps[event.key];
    if (!days) return;
    event.preventDefault();
    travel(virtualNow() + days * DAY_S);
  });
  ruler.addEventListener("click", (event) => {
    const box = ruler.getBoundingClientRect();
    const part = (event.clientX - box.left - PAD) / (box.width - 2 * PAD);
    travel(firstDay() + part * span() * DAY_S);
  });
  new ResizeObserver(drawRuler).observe(ruler);
  setInterval(drawNow, 250);
}
