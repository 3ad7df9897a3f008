// Events as they come. The list stands still while somebody points at it, is in it, or has pressed Pause.
// A browser has six connections to a server for all of its tabs, so a tab that nobody sees keeps none.

const view = document.querySelector("[data-live]");
const rows = view.querySelector("[data-rows]");
const says = view.querySelector("[data-says]");
const hold = view.querySelector("[data-hold]");
const KEPT = 200;
const AGAIN_MS = 30_000;
const known = new Set([...rows.children].map((row) => row.dataset.id));
const waiting = [];
let isHeld = false;
let isInside = false;
let last = rows.firstElementChild?.dataset.id ?? "";
let source = null;

const isStill = () => isHeld || isInside;

function show() {
  if (isStill()) {
    says.textContent = waiting.length ? view.dataset.new.replace("{n}", String(waiting.length)) : view.dataset.paused;
    return;
  }
  says.textContent = view.dataset.follows;
  for (const row of rows.querySelectorAll(".fresh")) row.classList.remove("fresh");
  for (const row of waiting.splice(0)) {
    row.classList.add("fresh");
    rows.prepend(row);
  }
  while (rows.children.length > KEPT) rows.lastElementChild.remove();
}

function take(event) {
  if (known.has(event.lastEventId)) return;
  known.add(event.lastEventId);
  last = event.lastEventId;
  const holder = document.createElement("tbody");
  // The server has escaped whatever came from outside, and no script runs in what is put in so.
  holder.innerHTML = event.data;
  const row = holder.querySelector("tr");
  if (row === null) return;
  waiting.push(row);
  if (waiting.length > KEPT) waiting.shift();
  show();
}

hold.addEventListener("click", () => {
  isHeld = !isHeld;
  hold.setAttribute("aria-pressed", String(isHeld));
  show();
});
function stand(still) {
  isInside = still;
  show();
}
rows.addEventListener("pointerenter", () => stand(true));
rows.addEventListener("pointerleave", () => stand(rows.contains(document.activeElement)));
rows.addEventListener("focusin", () => stand(true));
rows.addEventListener("focusout", (event) => stand(rows.contains(event.relatedTarget)));

function listen() {
  if (document.hidden || source !== null) return;
  const address = new URL(view.dataset.live, location.href);
  if (last !== "") address.searchParams.set("last", last);
  source = new EventSource(address);
  source.addEventListener("message", take);
  source.addEventListener("open", show);
  source.addEventListener("error", () => {
    says.textContent = view.dataset.lost;
    // After an answer that is no stream, such as that of a proxy without a server, a browser gives up.
    if (source?.readyState !== EventSource.CLOSED) return;
    rest();
    setTimeout(listen, AGAIN_MS);
  });
}
function rest() {
  source?.close();
  source = null;
}
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
addEventListener("pagehide", rest);
addEventListener("pageshow", listen);
listen();
