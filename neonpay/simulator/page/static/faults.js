// What goes wrong on purpose: a switch and a count for each kind.

import { $, h, show, showOnce } from "./dom.js";
import { post, remove } from "./link.js";
import { state } from "./store.js";
import { number, w } from "./words.js";

// Each: how it is ordered, which armed fault is its own, and what its number counts.
const KINDS = [
  { id: "many", unit: "call", many: 3, ofCalls: true, order: { kind: "fail", error_code: 429, retry_after_s: 5 } },
  { id: "fails", unit: "call", many: 1, ofCalls: true, order: { kind: "fail", error_code: 500 } },
  { id: "lost", unit: "call", many: 1, ofCalls: true, order: { kind: "lose_answer" } },
  { id: "cut", unit: "call", many: 1, ofCalls: true, order: { kind: "drop_connection" } },
  { id: "twice", unit: "update", many: 1, order: { kind: "duplicate" } },
  { id: "order", unit: "update", many: 4, order: { kind: "reorder" } },
  { id: "slow", unit: "second", many: 12, order: { kind: "slow", target: "answerPreCheckoutQuery" } },
  { id: "webhook", unit: "delivery", many: 1, order: { kind: "webhook_down" } },
];
const METHODS = ["sendMessage", "sendInvoice", "answerPreCheckoutQuery", "answerCallbackQuery", "refundStarPayment", "getStarTransactions", "getUpdates"];
const typed = new Map(KINDS.map((kind) => [kind.id, kind.many]));
let target = "sendMessage";

const isOf = (kind, fault) =>
  fault.kind === kind.order.kind && (kind.order.error_code ?? fault.error_code) === fault.error_code &&
  (kind.order.target ?? fault.target) === fault.target && fault.probability === 1;

export function drawFaults() {
  for (const badge of document.querySelectorAll(".armed")) {
    badge.hidden = !state.faults.length;
    show(badge, h("span", { "aria-hidden": "true" }, number(state.faults.length)), h("span", { class: "sr" }, ` ${w.armed(state.faults.length)}`));
  }
  const seen = [...state.rows.values()].filter((row) => row.kind === "call").map((row) => row.name);
  const methods = [...new Set([...METHODS, ...seen])].sort();
  showOnce($("#panel-faults"), [state.faults, methods], () => {
    const own = new Set();
    const lines = KINDS.map((kind) => line(kind, own));
    const rest = others(state.faults.filter((fault) => !own.has(fault)));
    return [targets(methods), lines, rest, h("p", { class: "small quiet end" }, w.once)];
  });
}

function targets(methods) {
  const select = h("select", { class: "select", id: "fault-target", "data-k": "target", onchange: () => (target = select.value) },
    h("option", { value: "*", selected: target === "*" }, w.everyCall),
    methods.map((name) => h("option", { value: name, selected: name === target }, name)));
  return h("div", { class: "targets" }, h("label", { for: "fault-target" }, w.faultsHit), select);
}

function line(kind, own) {
  const [name, effect] = w.fault[kind.id];
  const fault = state.faults.find((one) => !own.has(one) && isOf(kind, one));
  if (fault) own.add(fault);
  const many = fault ? (kind.unit === "second" ? fault.delay_s : fault.times) : typed.get(kind.id);
  const unit = w.units[kind.unit](many ?? 1);
  const count = h("input", {
    class: "input", inputmode: "numeric", value: many ?? "∞", "data-k": `many-${kind.id}`, readonly: Boolean(fault),
    "aria-label": `${name}, ${unit}`, oninput: () => typed.set(kind.id, Math.max(1, parseInt(count.value, 10) || 1)),
  });
  const toggle = h("input", {
    type: "checkbox", role: "switch", class: "switch", id: `fault-${kind.id}`, "data-k": `fault-${kind.id}`, checked: Boolean(fault),
    onchange: () => (fault ? remove(`/faults/${fault.number}`) : post("/faults", ordered(kind))),
  });
  return h("div", { class: "fault" }, toggle, h("label", { for: toggle.id }, name),
    h("span", { class: "many" }, count, unit),
    h("p", null, effect, fault && kind.ofCalls ? [" ", h("code", null, fault.target)] : null));
}

function ordered(kind) {
  const order = { ...kind.order };
  if (kind.ofCalls) order.target = target;
  if (kind.unit === "second") return { ...order, delay_s: typed.get(kind.id), times: 1 };
  return { ...order, times: typed.get(kind.id) };
}

function others(faults) {
  if (!faults.length) return null;
  return h("div", { class: "others" }, h("h3", { class: "small soft" }, w.otherFaults), h("ul", null, faults.map((fault) => {
    const name = [fault.kind, fault.target, fault.error_code].filter(Boolean).join(" ");
    return h("li", null, h("code", null, name), h("span", { class: "small soft" }, fault.times === null ? w.endless : `× ${number(fault.times)}`),
      h("button", { type: "button", class: "btn", "data-k": `other-${fault.number}`, "aria-label": w.removeFault(name), onclick: () => remove(`/faults/${fault.number}`) }, w.remove));
  })));
}
