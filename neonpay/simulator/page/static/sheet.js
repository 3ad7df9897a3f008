// The payment sheet of one buyer. It covers only this buyer's chat, so that the wire stays readable.

import { $, face, h, icon, initials, say, show } from "./dom.js";
import { post, Refused } from "./link.js";
import { largeTrace, price, ring, stars, withStars } from "./signs.js";
import { botNamed, person, shown, state, virtualNow } from "./store.js";
import { number, shortMoment, w } from "./words.js";

const DAY_S = 86400;
const SPOKEN = [10, 5, 3];

export class Sheet {
  constructor(userId, { onClose, cover }) {
    this.userId = userId;
    this.onClose = onClose;
    this.cover = cover;
    this.stage = null; // ready, low, asked, declined, timed_out, expired, failed, receipt
    this.busy = false;
    this.element = h("div", { class: "sheet-veil", hidden: true });
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.stage === "asked") return;
      event.stopPropagation();
      this.close();
    });
  }

  // what: { message_id } or { link }, or a form that the simulator has opened already.
  async open(what) {
    if (this.busy) return;
    this.busy = true;
    try {
      this.source = what.form ? null : what;
      this.form = what.form ? what : await post(`/users/${this.userId}/opens`, what);
      this.turn(this.form.amount_stars > this.form.balance_stars ? "low" : "ready");
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  showReceipt(receipt) {
    this.receipt = receipt;
    this.turn("receipt");
  }

  async pay() {
    if (this.busy) return;
    this.busy = true;
    try {
      const begun = await post(`/users/${this.userId}/begins`, { form: this.form.form });
      this.adopt(begun);
      this.hear(); // the stream may have told the end before this answer told the beginning
    } catch (error) {
      this.fail(error);
    } finally {
      this.busy = false;
    }
  }

  async topUp() {
    const missing = this.form.amount_stars - this.balance;
    if (missing > 0) await post(`/users/${this.userId}/stars`, { stars: missing }).catch((error) => this.fail(error));
    this.reopen();
  }

  reopen() {
    if (this.source) this.open(this.source);
    else this.turn(this.form.amount_stars > this.balance ? "low" : "ready");
  }

  get balance() {
    return person(this.userId)?.stars ?? 0;
  }

  // A checkout: one's own, or one that was begun before this page was loaded.
  adopt(checkout) {
    this.checkout = checkout;
    this.form ??= { title: checkout.title, amount_stars: checkout.amount_stars, currency: checkout.currency, price: checkout.price, bot_id: checkout.bot_id };
    const stages = { asked: "asked", balance_too_low: "low", form_expired: "expired", declined: "declined", timed_out: "timed_out" };
    if (checkout.status === "paid") {
      this.close();
      say(checkout.currency === "XTR" ? w.paidSay(this.balance) : w.paidOtherwiseSay(checkout.price));
    } else if (stages[checkout.status] !== this.stage) {
      this.turn(stages[checkout.status]);
    }
  }

  // Called whenever anything was told by the simulator.
  hear() {
    const mine = state.checkouts.filter((one) => one.user_id === this.userId && one.bot_id === shown.bot);
    if (this.stage === "asked") {
      const now = state.checkouts.find((one) => one.query_id === this.checkout.query_id);
      if (now && now.status !== "asked") this.adopt(now);
      return;
    }
    if (this.stage !== null || this.busy) {
      if (this.stage === "low" || this.stage === "ready") this.refresh();
      return;
    }
    const open = mine.find((one) => one.status === "asked");
    if (open) this.adopt(open);
  }

  refresh() {
    const stage = this.form.amount_stars > this.balance ? "low" : "ready";
    if (stage !== this.stage || this.drawnBalance !== this.balance) this.turn(stage, { quiet: true });
  }

  fail(error) {
    this.problem = error instanceof Refused ? error.message : String(error);
    this.turn("failed");
  }

  turn(stage, { quiet = false } = {}) {
    const fresh = this.stage === null;
    this.stage = stage;
    this.element.hidden = false;
    this.cover(true);
    this.draw();
    const dialog = $(".pay", this.element);
    if (fresh || !this.element.contains(document.activeElement)) {
      if (this.userId === shown.focus) dialog.focus({ preventScroll: true });
    }
    if (!quiet && stage !== "ready") say($("h2", dialog).textContent);
    if (stage === "asked") this.speakSeconds();
  }

  speakSeconds() {
    const left = () => Math.ceil(this.checkout.deadline_at - virtualNow());
    let spoken = left() + 1;
    clearInterval(this.speaking);
    this.speaking = setInterval(() => {
      if (this.stage !== "asked") return clearInterval(this.speaking);
      const now = left();
      if (now < spoken && SPOKEN.includes(now)) say(w.secondsLeft(now));
      spoken = Math.min(spoken, now);
    }, 200);
  }

  close() {
    if (this.stage === null) return;
    this.stage = null;
    this.form = undefined;
    this.checkout = undefined;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.cover(false);
    this.onClose();
  }

  draw() {
    this.drawnBalance = this.balance;
    const id = `sheet-${this.userId}`;
    const closable = this.stage !== "asked";
    show(this.element,
      h("div", { class: "pay", role: "dialog", "aria-labelledby": id, tabindex: "-1", "data-stage": this.stage },
        closable
          ? h("button", { type: "button", class: "btn bare icon x", "aria-label": w.close, "data-k": "close", onclick: () => this.close() }, icon("i-close"))
          : null,
        this[`draw_${this.stage}`](id)));
  }

  heading(id, text) {
    return h("h2", { id }, text);
  }

  pair() {
    return h("div", { class: "pair", "aria-hidden": "true" },
      face(state.bots.find((one) => one.id === this.form.bot_id), "bot"),
      h("span", { class: "mono-face" }, initials(this.form.title)));
  }

  sums() {
    const after = this.balance - this.form.amount_stars;
    const row = (name, value, look, valueLook) =>
      h("tr", { class: look }, h("th", { scope: "row" }, name), h("td", { class: valueLook }, value));
    if (this.form.currency !== "XTR") {
      return h("table", { class: "statement" }, h("tbody", null, row(this.form.title, price(this.form), "sum proved")));
    }
    return h("table", { class: "statement" }, h("tbody", null,
      row(w.balance, stars(this.balance)),
      row(this.form.title, number(-this.form.amount_stars)),
      after < 0 ? row(w.missing, stars(-after), "sum open", "bad") : row(w.after, stars(after), "sum proved")));
  }

  draw_ready(id) {
    const { title, bot_id: botId, subscription_period_s: period } = this.form;
    const what = period ? w.whatMonthly(title, botNamed(botId), Math.round(period / DAY_S)) : w.what(title, botNamed(botId));
    return [
      this.pair(), this.heading(id, period ? w.confirmSubscription : w.confirm), h("p", { class: "what" }, what), this.sums(),
      h("button", { type: "button", class: "btn gold wide tall", "data-k": "confirm", onclick: () => this.pay() },
        w.pay, " ", price(this.form)),
    ];
  }

  draw_low(id) {
    return [
      this.pair(), this.heading(id, w.notEnough), h("p", { class: "what" }, w.topUp), this.sums(),
      h("button", { type: "button", class: "btn ink wide tall", "data-k": "top-up", onclick: () => this.topUp() },
        w.giveAndGo(stars(Math.max(0, this.form.amount_stars - this.balance)))),
    ];
  }

  draw_asked(id) {
    return [
      ring(this.checkout.deadline_at, "big"), this.heading(id, w.checking), h("p", { class: "what" }, w.checkingMore),
      h("button", { type: "button", class: "btn wide tall", "aria-disabled": "true", "data-k": "waiting" }, w.waitingForAnswer),
    ];
  }

  draw_declined(id) {
    return [
      h("div", { class: "middle" }, largeTrace("declined")), this.heading(id, w.declined),
      h("p", { class: "what ink" }, withStars(w.quoted(this.checkout.reason))), h("p", { class: "tail" }, w.declinedMore),
      h("button", { type: "button", class: "btn ink wide tall", "data-k": "back", onclick: () => this.close() }, w.backToChat),
    ];
  }

  draw_timed_out(id) {
    return [
      h("div", { class: "middle" }, largeTrace("declined")), this.heading(id, w.timedOut),
      h("p", { class: "what" }, w.timedOutMore), h("p", { class: "tail" }, w.timedOutWhy),
      h("button", { type: "button", class: "btn ink wide tall", "data-k": "again", onclick: () => this.again() }, w.again),
    ];
  }

  draw_expired(id) {
    return [
      h("div", { class: "middle" }, largeTrace("invoiced")), this.heading(id, w.expired), h("p", { class: "what" }, w.expiredMore),
      h("button", { type: "button", class: "btn ink wide tall", "data-k": "again", onclick: () => this.again() }, w.openAgain),
    ];
  }

  draw_failed(id) {
    return [
      h("div", { class: "middle" }, largeTrace("declined")), this.heading(id, w.failed), h("p", { class: "what ink" }, this.problem),
      h("button", { type: "button", class: "btn ink wide tall", "data-k": "back", onclick: () => this.close() }, w.backToChat),
    ];
  }

  draw_receipt(id) {
    const { title, payment, price: inWords, at, stands, again } = this.receipt;
    const row = (name, value) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value));
    const charge = payment.telegram_payment_charge_id;
    return [
      h("div", { class: "middle" }, largeTrace(stands)), this.heading(id, w.receiptTitle),
      h("p", { class: "what" }, title),
      h("table", { class: "statement" }, h("tbody", null,
        row(w.paidAt, shortMoment(at)),
        row(w.chargeId, h("code", { title: charge }, `${charge.slice(0, 8)}…${charge.slice(-4)}`)),
        h("tr", { class: "sum proved" }, h("th", { scope: "row" }, title), h("td", null, price({ currency: payment.currency, amount_stars: payment.total_amount, price: inWords }))))),
      stands === "refunded" ? h("p", { class: "tail" }, w.wentBack) : null,
      h("button", { type: "button", class: "btn wide tall", "data-k": "again", onclick: () => {
        this.stage = null;
        this.open(again);
      } }, w.payAgain),
    ];
  }

  // A form opened before the attempt that failed is opened anew, as a person would.
  again() {
    if (this.source) return this.open(this.source);
    this.close();
  }
}
