// The page of the local Telegram. The simulator is the only source of what is shown; this draws it and sends orders.

import { drawBuyers, setUpBuyers } from "./buyers.js";
import { Column } from "./chat.js";
import { drawClock, setUpClock } from "./clock.js";
import { $, h, say, showOnce } from "./dom.js";
import { drawFaults } from "./faults.js";
import { connect } from "./link.js";
import { bot, changed, onChange, pickBot, pickPerson, pickTab, seen, shown, state, WIDTHS } from "./store.js";
import { drawWire, forgetWire } from "./wire.js";
import { language, translate, w } from "./words.js";

const columns = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

function drawColumns() {
  const place = $("#chats");
  for (const [id, column] of columns) if (!shown.columns.includes(id)) {
    column.element.remove();
    columns.delete(id);
  }
  shown.columns.forEach((id, at) => {
    if (!columns.has(id)) columns.set(id, new Column(id));
    const { element } = columns.get(id);
    if (place.children[at] !== element) place.insertBefore(element, place.children[at] ?? null);
  });
  const inSight = seen();
  for (const [id, column] of columns) column.element.hidden = !inSight.includes(id);
  place.style.setProperty("--columns", Math.max(1, inSight.length));
  for (const column of columns.values()) column.draw();
}

// On a phone, chats are not beside but behind each other.
function drawPeopleTabs() {
  const tabs = $("#people-tabs");
  tabs.hidden = state.people.length < 2;
  const names = state.people.map((one) => [one.id, one.name]);
  showOnce(tabs, [names, shown.focus], () => state.people.map((one) =>
    h("button", { type: "button", "data-k": `tab-${one.id}`, "aria-pressed": String(one.id === shown.focus), onclick: () => pickPerson(one.id) }, one.name)));
}

function drawTop() {
  const one = bot();
  const links = { polling: w.linkPolling, webhook: w.linkWebhook, mtproto: w.linkMtproto, none: w.linkNone };
  const alive = one && one.link !== "none";
  showOnce($("#link"), [one?.username, one?.link], () => [h("span", { class: alive ? "pulse" : "pulse off", "aria-hidden": "true" }),
    one ? [h("span", { class: "mono" }, `@${one.username}`), h("span", null, links[one.link])] : h("span", null, w.noBot)]);
  const select = $("#bot");
  const several = state.bots.length > 1;
  $("#bot-field").hidden = !several;
  showOnce(select, [state.bots.map((other) => other.username), shown.bot], () => state.bots.map((other) => h("option", { value: other.id, selected: other.id === shown.bot }, `@${other.username}`)));
}

function drawLine() {
  const lost = state.line === "lost";
  const box = $("#lost");
  if (box.hidden === !lost) return;
  box.hidden = !lost;
  if (!lost) say(w.back);
}

function drawTabs() {
  $("#app").dataset.tab = shown.tab;
  for (const button of document.querySelectorAll("#tabbar button")) {
    if (button.dataset.go === shown.tab) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  if (shown.tab === "wire" || shown.tab === "faults") pickPanel(shown.tab);
}

function pickPanel(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const on = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
  }
  $("#panel-faults").hidden = name !== "faults";
  $("#panel-wire").hidden = name !== "wire";
}

let knownBot = null;

onChange((news) => {
  const any = (...names) => names.some((name) => news.has(name));
  if (any("shown")) drawTabs();
  if (any("line")) drawLine();
  if (any("bots", "shown")) drawTop();
  if (any("people", "subscriptions", "shown", "bots")) drawBuyers();
  if (any("people", "shown")) drawPeopleTabs();
  if (any("chats", "people", "bots", "checkouts", "shown")) drawColumns();
  if (shown.bot !== knownBot) {
    knownBot = shown.bot;
    forgetWire();
  }
  if (any("wire", "checkouts", "bots", "clock", "shown", "people")) drawWire();
  if (any("faults", "wire")) drawFaults();
  if (any("clock", "agenda", "moved", "shown", "people")) drawClock();
});

function setUpTheme() {
  const button = $("#theme");
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const draw = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("neonpay-theme", theme);
    draw();
  });
  dark.addEventListener("change", draw);
  draw();
  $("#language").addEventListener("click", () => {
    localStorage.setItem("neonpay-language", language === "ru" ? "en" : "ru");
    if (location.search) location.assign(location.pathname); // a language asked for in the address would win
    else location.reload();
  });
}

function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const one = state.people[Number(event.key) - 1];
    if (one) pickPerson(one.id);
    if (event.key === "/") {
      event.preventDefault();
      columns.get(shown.focus)?.input.focus();
    }
  });
  $("#skip").addEventListener("click", (event) => {
    event.preventDefault();
    columns.get(shown.focus)?.input.focus();
  });
  $("[role=tablist]").addEventListener("keydown", (event) => {
    if (!/^Arrow(Left|Right)$/.test(event.key)) return;
    const next = $("[role=tab][aria-selected=false]");
    pickPanel(next.id.replace("tab-", ""));
    next.focus();
  });
}

// Crossing a width changes how many chats there is room for, and what their heads offer.
for (const width of [1024, ...WIDTHS]) matchMedia(`(min-width: ${width}px)`).addEventListener("change", () => changed("shown"));

translate();
setUpTheme();
setUpKeys();
setUpBuyers();
setUpClock();
$("#bot").addEventListener("change", (event) => pickBot(Number(event.target.value)));
addEventListener("notice", ({ detail }) => columns.get(shown.focus)?.tell(detail, "bad"));
$("#try-now").addEventListener("click", connect);
for (const tab of document.querySelectorAll("[role=tab]")) tab.addEventListener("click", () => pickPanel(tab.id.replace("tab-", "")));
for (const button of document.querySelectorAll("#tabbar button")) button.addEventListener("click", () => pickTab(button.dataset.go));
drawTabs();
drawFaults();
connect();
