// One buyer's chat with the bot: the log, what can be pressed, the field, and the payment sheet over them.

import { $, face, h, icon, say, show, showOnce } from "./dom.js";
import { post } from "./link.js";
import { dayLine, jumpLine, messageLines } from "./messages.js";
import { Sheet } from "./sheet.js";
import { largeTrace, stars, withStars } from "./signs.js";
import { bot, chatOf, closePerson, nameOf, person, pickPerson, pickTab, seen, shown } from "./store.js";
import { w } from "./words.js";

const CHIPS = 2;
const NEAR_PX = 80;
const PRESS_WAIT_S = 15;

export class Column {
  constructor(userId) {
    this.userId = userId;
    this.lines = new Map();
    this.lastId = 0;
    this.usedKeyboard = null;
    this.sheet = new Sheet(userId, { onClose: () => this.comeBack(), cover: (on) => this.cover(on) });
    this.head = h("div", { class: "chat-head" });
    this.list = h("ol");
    this.log = h("div", { class: "log", tabindex: "0", role: "log", "aria-label": w.conversation }, this.list);
    this.blank = h("div", { class: "blank-chat", hidden: true });
    this.notice = h("div", { class: "notice", role: "status" });
    this.replies = h("div", { class: "replies", hidden: true });
    this.chips = h("div", { class: "cmds" });
    this.menu = h("div", { class: "menu", hidden: true });
    this.opener = h("button", { type: "button", class: "btn bare icon", "aria-label": w.menu, "aria-expanded": "false", onclick: () => this.toggleMenu() }, icon("i-menu"));
    this.input = h("input", { class: "input", autocomplete: "off", placeholder: w.message, id: `compose-${userId}`, maxlength: "4096" });
    this.sendButton = h("button", { class: "btn ink icon", "aria-label": w.send }, icon("i-send"));
    this.form = h("form", { class: "compose", onsubmit: (event) => this.submit(event) },
      this.chips, this.opener, h("label", { class: "sr", for: `compose-${userId}` }, w.messageTo), this.input, this.sendButton);
    this.idle = h("p", { class: "idle small soft", hidden: true }, w.notConnected);
    this.foot = h("div", { class: "chat-foot" }, this.menu, this.idle, this.replies, this.form);
    this.element = h("section", { class: "chat", "data-user": userId, onfocusin: () => this.focused() },
      this.head, h("div", { class: "middle-part" }, this.log, this.blank, this.notice), this.foot, this.sheet.element);
    this.atEnd = true;
    this.log.addEventListener("scroll", () => (this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_PX));
    const resized = new ResizeObserver(() => this.atEnd && this.toEnd());
    for (const part of [this.log, this.list]) resized.observe(part); // a picture makes the list longer when it has come
    this.menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.toggleMenu(false);
    });
    this.act = {
      command: (text) => this.says(text),
      link: (url) => this.follows(url),
      press: (told, row, column, button) => this.press(told, row, column, button),
      pay: (told) => this.sheet.open({ message_id: told.id }),
      receipt: (told) => this.showReceipt(told),
      unlock: (told) => this.unlock(told),
    };
  }

  get chat() {
    return chatOf(shown.bot, this.userId);
  }

  focused() {
    if (shown.focus !== this.userId) pickPerson(this.userId);
  }

  draw() {
    const one = bot();
    const name = nameOf(this.userId);
    this.element.setAttribute("aria-label", w.chatOf(name));
    this.element.classList.toggle("in-focus", seen().length > 1 && shown.focus === this.userId);
    this.drawHead(one, name);
    if (this.botId !== shown.bot) {
      this.botId = shown.bot;
      this.lines.clear();
      this.lastId = 0;
      if (this.sheet.stage) this.sheet.close();
    }
    this.drawLog();
    this.drawBlank(one);
    this.drawReplies();
    this.drawChips(one);
    this.idle.hidden = !one || one.link !== "none" || !this.chat.messages.size;
    for (const control of [this.input, this.sendButton, this.opener]) control.disabled = !one;
    this.sheet.hear();
  }

  drawHead(one, name) {
    const several = seen().length > 1;
    const balance = person(this.userId)?.stars ?? 0;
    showOnce(this.head, [one?.name, one?.picture, name, several, balance], () => [
      face(one, "bot"),
      h("div", { class: "who" }, h("h2", null, one?.name ?? w.waitingForBot), h("p", { class: "small soft" }, w.as(name))),
      several ? h("span", { class: "small soft push" }, stars(balance))
        : h("button", { type: "button", class: "btn bare only-narrow push", "data-k": "mini", onclick: () => pickTab("buyers") }, stars(balance)),
      several ? h("button", { type: "button", class: "btn bare icon", "data-k": "shut", "aria-label": w.closeBeside(name), onclick: () => closePerson(this.userId) }, icon("i-close")) : null,
    ]);
  }

  drawLog() {
    const messages = [...this.chat.messages.values()].sort((a, b) => a.id - b.id);
    const wanted = [];
    let before = null;
    for (const told of messages) {
      const known = this.lines.get(told.id);
      if (!known || known.version !== told.version) {
        const lines = messageLines(told, this.act).filter(Boolean);
        this.lines.set(told.id, { version: told.version, lines });
      }
      const at = told.message.date;
      wanted.push(...this.between(told.id, before, at), ...this.lines.get(told.id).lines);
      before = at;
    }
    const near = this.atEnd;
    const key = this.list.contains(document.activeElement) ? document.activeElement.dataset.k : null;
    arrange(this.list, wanted);
    if (key && !this.list.contains(document.activeElement)) $(`[data-k="${key}"]`, this.list)?.focus({ preventScroll: true });
    const newest = messages.at(-1);
    if (near || (newest && newest.id > this.lastId && newest.by === "user") || !this.lastId) this.toEnd();
    this.lastId = newest?.id ?? 0;
  }

  // Lines between messages are kept as well, so that drawing again moves nothing.
  between(id, before, at) {
    const key = `before-${id}`;
    const known = this.lines.get(key);
    if (known?.version === `${before}-${at}`) return known.lines;
    const line = before === null ? dayLine(at) : jumpLine(before, at);
    this.lines.set(key, { version: `${before}-${at}`, lines: line ? [line] : [] });
    return this.lines.get(key).lines;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  drawBlank(one) {
    const empty = !this.chat.messages.size;
    this.blank.hidden = !empty;
    this.log.hidden = empty;
    if (!empty) return;
    const waits = !one || one.link === "none";
    showOnce(this.blank, [waits, one?.name, one?.about], () => h("div", { class: "blank" }, largeTrace("invoiced"), waits
      ? [h("h2", null, w.waitingForBot), h("p", null, w.waitingForBotMore), h("code", { class: "code" }, location.origin),
        h("p", { class: "small" }, w.waitingForBotEnd), one ? this.startButton("btn") : null]
      : [h("h2", null, w.nothingYet), h("p", null, one.about || w.nothingYetMore(one.name)), this.startButton("btn ink")]));
  }

  startButton(look) {
    return h("button", { type: "button", class: `${look} start`, "data-k": "start", onclick: () => this.says("/start") }, w.start);
  }

  drawReplies() {
    const { keyboard, blocked } = this.chat;
    const rows = keyboard?.keyboard ?? [];
    this.replies.hidden = !blocked && (!rows.length || this.usedKeyboard === keyboard);
    showOnce(this.replies, [blocked, rows], () => blocked
      ? [h("p", { class: "small bad" }, w.blocked), this.blockButton("btn")]
      : rows.map((row, y) => h("div", { class: "key-row" }, row.map((button, x) =>
          h("button", { type: "button", class: "btn", "data-k": `reply-${y}-${x}`, onclick: () => this.writesReply(button.text) }, withStars(button.text))))));
  }

  writesReply(text) {
    if (this.chat.keyboard.one_time_keyboard) this.usedKeyboard = this.chat.keyboard;
    this.says(text);
  }

  drawChips(one) {
    const chips = (one?.commands ?? []).slice(0, CHIPS).map(({ command }) => `/${command}`);
    showOnce(this.chips, chips, () => chips.map((text) => h("button", { type: "button", class: "btn", onclick: () => this.says(text) }, text)));
  }

  toggleMenu(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    if (!open) return this.opener.focus();
    const commands = bot()?.commands ?? [];
    const run = (text) => () => {
      this.toggleMenu(false);
      this.says(text);
    };
    const field = h("input", { class: "input", id: `link-${this.userId}`, placeholder: w.linkHint, autocomplete: "off" });
    show(this.menu,
      commands.length
        ? h("ul", null, commands.map(({ command, description }) => h("li", null,
            h("button", { type: "button", onclick: run(`/${command}`) }, h("b", null, `/${command}`), h("span", { class: "soft" }, description)))))
        : h("p", { class: "small soft" }, w.noCommands),
      h("form", { class: "follow", onsubmit: (event) => {
        event.preventDefault();
        const url = field.value.trim();
        if (!url) return;
        this.toggleMenu(false);
        this.follows(/^[a-z]+:/i.test(url) ? url : `https://${url}`);
      } }, h("label", { class: "small", for: field.id }, w.openLink), h("span", null, field, h("button", { class: "btn" }, w.open))),
      h("a", { class: "btn bare", href: `/page/scenarios/${shown.bot}/${this.userId}`, download: "", "data-k": "save" }, w.saveScenario),
      this.chat.blocked ? null : this.blockButton("btn bare"));
    ($("button, input", this.menu) ?? this.menu).focus();
  }

  blockButton(look) {
    const { blocked } = this.chat;
    return h("button", { type: "button", class: look, "data-k": "block", onclick: async () => {
      if (!this.menu.hidden) this.toggleMenu(false);
      await this.ask(post(`/users/${this.userId}/blocks`, { bot: bot().username, blocked: !blocked }));
    } }, blocked ? w.unblock : w.block);
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (text && (await this.says(text))) this.input.value = "";
  }

  says(text) {
    return this.ask(post(`/users/${this.userId}/says`, { bot: bot().username, text }));
  }

  follows(url) {
    return this.ask(post(`/users/${this.userId}/follows`, { url }).then((done) => this.pressed(done)));
  }

  async press(told, row, column, button) {
    if (button.getAttribute("aria-disabled")) return;
    const copied = told.message.reply_markup.inline_keyboard[row][column].copy_text;
    if (copied) return this.copies(copied.text);
    button.setAttribute("aria-disabled", "true");
    const order = { message_id: told.id, place: [row, column], timeout_s: PRESS_WAIT_S };
    await this.ask(post(`/users/${this.userId}/presses`, order).then((done) => this.pressed(done)));
    button.removeAttribute("aria-disabled");
  }

  async copies(text) {
    await navigator.clipboard?.writeText(text).catch(() => {});
    this.tell(w.copyText(text));
  }

  pressed(done) {
    if (done.form) return this.sheet.open(done.form);
    if (done.text && done.show_alert) return this.alert(done.text);
    if (done.text) this.tell(done.text);
    if (done.url && done.kind !== "form" && done.kind !== "message") this.tell([`${w.leaves} `, h("a", { href: done.url, target: "_blank", rel: "noopener noreferrer" }, done.url)]);
  }

  async unlock(told) {
    const price = told.message.paid_media.star_count;
    const bought = await post(`/users/${this.userId}/buys`, { message_id: told.id }).catch((error) => error);
    if (bought.status === "paid") say(w.unlocked(price));
    else this.tell(bought.status === "balance_too_low" ? w.notEnough : bought.message, "bad");
  }

  showReceipt(told) {
    const paid = [...this.chat.messages.values()].filter((one) => one.invoice_id === told.id && one.message.successful_payment);
    const last = paid.at(-1);
    if (!last) return;
    this.sheet.showReceipt({
      title: told.message.invoice.title, payment: last.message.successful_payment, price: last.price, at: last.message.date,
      stands: told.trace, again: { message_id: told.id },
    });
  }

  // What the bot shows at the top of a chat for a moment.
  tell(content, look = "") {
    clearTimeout(this.noticed);
    show(this.notice, h("p", { class: look }, content));
    this.noticed = setTimeout(() => this.notice.replaceChildren(), 8000);
  }

  alert(text) {
    const box = h("dialog", { class: "alert-box" }, h("div", { class: "dialog-body" }, h("p", null, text),
      h("div", { class: "dialog-acts" }, h("button", { type: "button", class: "btn ink", onclick: () => box.close() }, w.gotIt))));
    box.addEventListener("close", () => box.remove());
    this.element.append(box);
    box.showModal();
  }

  async ask(promise) {
    try {
      await promise;
      return true;
    } catch (error) {
      this.tell(error.status === 504 ? w.noAnswerToPress : error.message, "bad");
      return false;
    }
  }

  cover(on) {
    for (const part of [this.log, this.blank, this.foot]) part.inert = on;
  }

  comeBack() {
    if (shown.focus !== this.userId) return;
    const buttons = this.list.querySelectorAll(".ticket .btn");
    (buttons[buttons.length - 1] ?? this.log).focus({ preventScroll: true });
  }
}

// Make a list hold exactly these items, moving nothing that stays.
function arrange(list, wanted) {
  const keep = new Set(wanted);
  for (const child of [...list.children]) if (!keep.has(child)) child.remove();
  let at = list.firstElementChild;
  for (const line of wanted) {
    if (line === at) at = at.nextElementSibling;
    else list.insertBefore(line, at);
  }
}
