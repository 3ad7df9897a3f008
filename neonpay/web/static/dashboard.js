// What makes the pages quicker to use. Without it every one of them works.

const root = document.documentElement;
const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

// Theme
function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) button.setAttribute("aria-pressed", String(isDark()));
}

export function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("neonpay-theme", root.dataset.theme);
  } catch {
    // It holds for this page alone.
  }
  showTheme();
  dispatchEvent(new CustomEvent("neonpay:theme"));
}

showTheme();
addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-theme-toggle]")) toggleTheme();
});

// A theme that is chosen in a list
for (const select of document.querySelectorAll("select[data-theme-choice]")) {
  select.value = root.dataset.theme ?? "";
  select.addEventListener("change", () => {
    if (select.value) root.dataset.theme = select.value;
    else delete root.dataset.theme;
    try {
      if (select.value) localStorage.setItem("neonpay-theme", select.value);
      else localStorage.removeItem("neonpay-theme");
    } catch {
      // As above.
    }
    showTheme();
  });
}

// Forms that a choice sends by itself
for (const form of document.querySelectorAll("form[data-sends-itself]")) {
  form.addEventListener("change", () => form.requestSubmit());
}

// Keys: `g` and a letter goes to a page, `/` searches, `t` changes the theme, `?` lists them.
const GO_MS = 1200;
const places = new Map();
for (const link of document.querySelectorAll("a[data-go]")) places.set(link.dataset.go, link.href);
const help = document.querySelector("dialog[data-keys]");
let waitsUntil = 0;

function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, [contenteditable]") !== null;
}

function moveRow(step) {
  const rows = [...document.querySelectorAll(".table.act .go")];
  if (rows.length === 0) return false;
  const now = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(now + step, 0), rows.length - 1)].focus();
  return true;
}

// Elsewhere arrows scroll the page.
function isAtRow() {
  return document.activeElement?.matches(".table.act .go") ?? false;
}

// The letter on the key where the layout has none of ours on it, such as a Russian one.
function letter({ key, code }) {
  return /^\p{L}$/u.test(key) && !/^[a-z]$/i.test(key) && code.startsWith("Key") ? code.slice(3).toLowerCase() : key;
}

function press(key) {
  if (performance.now() < waitsUntil) {
    waitsUntil = 0;
    const place = places.get(key);
    if (place !== undefined) location.href = place;
    return place !== undefined;
  }
  if (key === "g") waitsUntil = performance.now() + GO_MS;
  else if (key === "t") toggleTheme();
  else if (key === "/") document.querySelector("[data-search]")?.focus();
  else if (key === "?") help?.showModal();
  else if (key === "j") return moveRow(1);
  else if (key === "k") return moveRow(-1);
  else if (key === "ArrowDown") return isAtRow() && moveRow(1);
  else if (key === "ArrowUp") return isAtRow() && moveRow(-1);
  else return false;
  return true;
}

if (document.body.dataset.keys === "on") {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (press(letter(event))) event.preventDefault();
  });
}
addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});
for (const button of document.querySelectorAll("[data-keys-open]")) button.addEventListener("click", () => help?.showModal());

// What takes its time says so: in the places of the words there are ghosts, until the next page comes or has failed to.
const PATIENCE_MS = 300;
const LONGEST_MS = 20_000;
const main = document.querySelector("main");
const said = document.querySelector("[data-loading]");
let busy = 0;

function showBusy(isBusy) {
  clearTimeout(busy);
  main?.toggleAttribute("aria-busy", false);
  if (isBusy) main?.setAttribute("aria-busy", "true");
  if (said !== null) said.textContent = isBusy ? said.dataset.loading : "";
  if (isBusy) busy = setTimeout(showBusy, LONGEST_MS, false);
}

function leaves(link, event) {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  return link.origin === location.origin && !link.target && !link.download && link.pathname + link.search !== location.pathname + location.search;
}

function waitForPage() {
  clearTimeout(busy);
  busy = setTimeout(showBusy, PATIENCE_MS, true);
}

addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (link instanceof HTMLAnchorElement && !event.defaultPrevented && leaves(link, event)) waitForPage();
});
addEventListener("submit", (event) => {
  if (event.target instanceof HTMLFormElement && event.target.method === "get") waitForPage();
});
addEventListener("pageshow", () => showBusy(false));

// A form is not sent twice.
addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// A browser does not scroll to what is seen in part, such as the tab that a row of tabs cuts.
document.addEventListener("focusin", (event) => {
  if (event.target.closest(".tabs")) event.target.scrollIntoView({ block: "nearest", inline: "nearest" });
});
