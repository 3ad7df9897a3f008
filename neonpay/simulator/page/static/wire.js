// What passes between Telegram and the bot, drawn between two rails and grouped by order.

import { $, h, icon, s, showOnce } from "./dom.js";
import { post } from "./link.js";
import { ring, trace, withStars } from "./signs.js";
import { bot, nameOf, shown, state, virtualNow } from "./store.js";
import { clockTime, dayMonth, number, w } from "./words.js";

const TURNS_MAX = 80;
const NEAR_PX = 60;
const sections = new Map(); // turn number to { element, head, list }
const rows = new Map(); // row number to { element, told }

// The ends of arrows: updates go right, calls go left, what fails ends in a cross.
const ARROWS = {
  update: "M6 19H66m-6-4 6 4-6 4",
  call: "M66 19H6m6-4-6 4 6 4",
  callFails: "M66 19H20m-5-5 10 10m0-10-10 10",
  updateFails: "M6 19H52m-5-5 10 10m0-10-10 10",
  silence: "M62 19H40m-5-5 10 10m0-10-10 10",
};
const LOST = new Set(["not_allowed", "expired", "dropped"]);

function lane(row, waits) {
  const failed = fails(row);
  const shape = row.kind === "update" ? (failed ? "updateFails" : "update")
    : row.kind === "silence" ? "silence" : failed ? "callFails" : "call";
  const look = failed ? "arrow fail" : row.kind === "update" ? "arrow" : "arrow back";
  return s("svg", { class: "lane", viewBox: "0 0 72 38", "aria-hidden": "true" },
    s("path", { class: "rail", d: "M4 0V38M68 0V38" }), s("path", { class: look, d: ARROWS[shape] }),
    waits ? s("rect", { class: "busy", x: 66, y: 19, width: 4, height: 19 }) : null);
}

const fails = (row) => (row.kind === "update" ? LOST.has(row.state) : !row.ok || row.declines);

function outcome(row, waits) {
  if (waits) return w.waiting;
  if (row.kind === "update") return w.states[row.state] ?? "";
  if (row.kind === "silence") return w.canceled;
  if (row.kind === "by_hand") return w.byHand;
  if (row.body.error_code) return String(row.body.error_code);
  if (!row.ok) return row.body.result === undefined ? w.cut : w.lostAnswer;
  return row.took_ms === null ? "" : w.ms(row.took_ms);
}

const waiting = (row) =>
  row.name === "pre_checkout_query" && row.kind === "update" &&
  state.checkouts.some((one) => one.query_id === row.query_id && one.status === "asked");

function hop(row) {
  const waits = waiting(row);
  const time = clockTime(row.at);
  const tenth = Math.floor((row.at % 1) * 10);
  const before = row.kind === "update" ? w.updateTo : w.callOf;
  const body = h("pre", { tabindex: "0", "aria-label": row.name });
  const details = h("details", null,
    h("summary", { "data-k": `row-${row.number}` },
      h("span", { class: "at" }, h("span", { class: "hh" }, time.slice(0, 3)), `${time.slice(3)}.${tenth}`),
      lane(row, waits),
      h("span", { class: "name" }, h("span", { class: "sr" }, row.kind === "silence" ? "" : before),
        row.kind === "silence" ? h("span", null, w.silence) : h("span", { class: "mono" }, row.name),
        row.note && row.kind !== "silence" ? h("span", { class: "note" }, withStars(row.note)) : null),
      h("span", { class: fails(row) ? "ms bad" : "ms" }, outcome(row, waits))),
    body);
  // JSON is written out only for those who look.
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    if (!body.textContent) body.textContent = JSON.stringify(row.body, null, 2);
    details.scrollIntoView({ block: "nearest" });
  });
  return h("li", { class: `hop ${row.money ? "money" : ""}`, "data-row": row.name }, details);
}

function heading(turn, day) {
  const who = turn.user_id ? nameOf(turn.user_id) : "";
  const named = turn.renewal ? w.renewalTurn(turn.title, who) : w.turn(turn.title, who);
  const title = turn.user_id ? (turn.title ? named : who) : turn.bot ? w.botItself : w.unknownBot;
  return [h("span", null, withStars(title)), day ? h("span", { class: "on-day" }, day) : null, turn.trace ? trace(turn.trace) : null];
}

export function drawWire() {
  const flow = $("#flow");
  const username = bot()?.username ?? "";
  const near = flow.scrollHeight - flow.scrollTop - flow.clientHeight < NEAR_PX;
  const turns = [...state.turns.values()].filter((turn) => turn.bot === username || turn.bot === "").slice(-TURNS_MAX);
  const mine = new Set(turns.map((turn) => turn.number));
  const byTurn = new Map(turns.map((turn) => [turn.number, []]));
  for (const row of state.rows.values()) if (mine.has(row.turn)) byTurn.get(row.turn).push(row);
  for (const [number_, section] of sections) if (!mine.has(number_)) {
    section.element.remove();
    sections.delete(number_);
  }
  let day = dayMonth(virtualNow());
  for (const turn of turns) {
    const told = byTurn.get(turn.number).sort((a, b) => a.number - b.number);
    const own = told.length ? dayMonth(told[0].at) : day;
    drawTurn(flow, turn, told, own === day ? "" : own);
    day = own;
  }
  const blank = $("#flow-blank");
  blank.hidden = turns.length > 0;
  $("#pace").textContent = turns.length ? w.counts(state.counts.calls, state.counts.updates) : "";
  drawWaiting();
  if (near) flow.scrollTop = flow.scrollHeight;
}

function drawTurn(flow, turn, told, day) {
  let section = sections.get(turn.number);
  if (!section) {
    const head = h("h2");
    const list = h("ol");
    section = { element: h("section", { "data-turn": turn.number }, head, list), head, list };
    sections.set(turn.number, section);
    flow.append(section.element);
  }
  showOnce(section.head, [turn, turn.user_id ? nameOf(turn.user_id) : "", day], () => heading(turn, day));
  for (const row of told) {
    const known = rows.get(row.number);
    const version = `${row.state}|${waiting(row)}`;
    if (known?.version === version) continue;
    const element = hop(row);
    if (known) {
      if ($("details", known.element).open) $("details", element).open = true;
      const focused = known.element.contains(document.activeElement);
      known.element.replaceWith(element);
      if (focused) $("summary", element).focus({ preventScroll: true });
    } else {
      section.list.append(element);
    }
    rows.set(row.number, { element, version });
  }
}

export function forgetWire() {
  for (const section of sections.values()) section.element.remove();
  sections.clear();
  rows.clear();
}

function drawWaiting() {
  const asked = state.checkouts.filter((one) => one.status === "asked" && one.bot_id === shown.bot);
  showOnce($("#waiting"), [asked, state.clock.frozen, state.clock.can_run], () => asked.map(strip));
}

function strip(one) {
  const answer = (ok) => post(`/checkouts/${one.query_id}/answers`, { ok }).catch(() => {});
  const { frozen, can_run: canRun } = state.clock;
  const k = (name) => `${name}-${one.query_id}`;
  return h("div", { class: "waiting" },
    ring(one.deadline_at),
    h("div", null, h("h2", null, w.waitingFor),
      h("p", null, `${one.query_id}, ${one.currency === "XTR" ? `XTR ${number(one.amount)}` : one.price}, ${nameOf(one.user_id)}`)),
    h("div", { class: "acts" },
      h("button", { type: "button", class: "btn", "data-k": k("yes"), onclick: () => answer(true) }, w.answerYes),
      h("button", { type: "button", class: "btn", "data-k": k("no"), onclick: () => answer(false) }, w.answerNo),
      canRun ? h("button", { type: "button", class: "btn bare", "data-k": k("hold"), onclick: () => post(frozen ? "/time/run" : "/time/freeze") },
        icon(frozen ? "i-play" : "i-pause"), frozen ? w.runClock : w.stopClock) : null));
}
