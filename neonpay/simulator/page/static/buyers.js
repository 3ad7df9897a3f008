// The people: who is here, whose chats are shown, their Stars and their subscriptions.

import { $, face, h, icon, showOnce } from "./dom.js";
import { post } from "./link.js";
import { stars } from "./signs.js";
import { pickPerson, pickTab, person, roomFor, seen, shown, state } from "./store.js";
import { dayShort, number, w } from "./words.js";

const GIFTS = [100, 1000];
const KEYED = 9;

export function drawBuyers() {
  showOnce($("#buyers"), [state.people, shown.columns, seen(), roomFor()], () => state.people.length
    ? state.people.map((one, place) => h("li", null, buyer(one, place), beside(one)))
    : h("li", { class: "small soft nobody" }, w.noBuyers));
  drawHolding();
}

function buyer(one, place) {
  return h("button", {
    type: "button", class: "buyer", "data-k": `buyer-${one.id}`, "data-buyer": one.id,
    "aria-pressed": String(seen().includes(one.id)),
    onclick: () => {
      pickPerson(one.id);
      if (shown.tab === "buyers") pickTab("chat");
    },
  },
  face(one),
  h("b", null, one.name),
  place < KEYED ? h("kbd", { "aria-hidden": "true" }, place + 1) : null,
  h("small", null, stars(one.stars)));
}

function beside(one) {
  if (seen().includes(one.id) || roomFor() < 2) return null;
  return h("button", {
    type: "button", class: "btn bare icon beside", "data-k": `beside-${one.id}`, "aria-label": w.beside(one.name), title: w.beside(one.name),
    onclick: () => pickPerson(one.id, { beside: true }),
  }, icon("i-beside", "i s"));
}

function drawHolding() {
  const one = person(shown.focus);
  const holding = $("#holding");
  holding.hidden = !one;
  if (!one) return;
  const held = state.subscriptions.filter((sub) => sub.user_id === one.id && sub.bot_id === shown.bot);
  showOnce(holding, [one, held], () => [
    subscriptions(held),
    h("p", { class: "small soft" }, one.name),
    h("p", { class: "figure", "aria-live": "polite" }, stars(one.stars)),
    h("div", { class: "give" },
      GIFTS.map((n) => h("button", { type: "button", class: "btn", "data-k": `give-${n}`, "aria-label": w.give(n), onclick: () => post(`/users/${one.id}/stars`, { stars: n }) }, `+${number(n)}`)),
      h("button", { type: "button", class: "btn", "data-k": "empty", "aria-label": w.emptyLabel(one.name), onclick: () => post(`/users/${one.id}/balance`, { stars: 0 }) }, w.empty)),
    h("p", { class: "tiny quiet" }, w.worthless),
  ]);
}

function subscriptions(held) {
  if (!held.length) return null;
  return h("div", { class: "subs" }, h("h3", { class: "small soft" }, w.subscriptions), h("ul", null, held.map(subscription)));
}

function subscription(sub) {
  const stands = { active: w.renews(dayShort(sub.expires_at)), canceled: w.until(dayShort(sub.expires_at)), failed: w.unpaid };
  const act = sub.state === "canceled" ? "restores_subscription" : "cancels_subscription";
  const label = sub.state === "canceled" ? w.restoreSubscriptionOf(sub.title) : w.cancelSubscriptionOf(sub.title);
  return h("li", null,
    h("span", null, h("b", null, sub.title), " ", stars(sub.amount_stars)),
    h("span", { class: "small soft" }, sub.bot_canceled ? w.botCanceled : stands[sub.state]),
    sub.bot_canceled ? null
      : h("button", { type: "button", class: "btn", "data-k": `sub-${sub.charge_id}`, "aria-label": label,
          onclick: () => post(`/users/${sub.user_id}/${act}`, { charge_id: sub.charge_id }) },
        sub.state === "canceled" ? w.restoreSubscription : w.cancelSubscription));
}

export function setUpBuyers() {
  const dialog = $("#new-buyer");
  const form = $("form", dialog);
  $("#add-buyer").addEventListener("click", () => {
    form.reset();
    $("#new-buyer-problem").textContent = "";
    dialog.showModal();
  });
  $("#new-buyer-cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const order = { name: fields.get("name").trim(), stars: Number(fields.get("stars")) || 0 };
    const username = fields.get("username").trim().replace(/^@/, "");
    if (username) order.username = username;
    try {
      const one = await post("/users", order);
      dialog.close();
      state.people.some((other) => other.id === one.id) || state.people.push(one);
      pickPerson(one.id);
    } catch (error) {
      $("#new-buyer-problem").textContent = error.message;
    }
  });
}
