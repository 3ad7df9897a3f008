// One message of a conversation as a list item, and what stands between messages.

import { h, icon } from "./dom.js";
import { rich } from "./rich.js";
import { price, stars, trace, withStars } from "./signs.js";
import { botNamed, shown } from "./store.js";
import { dayMonth, hourMinute, longDate, w } from "./words.js";

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const JUMP_S = 6 * HOUR_S;

export const dayLine = (unix) => h("li", { class: "day" }, longDate(unix));

export function jumpLine(before, unix) {
  const gone = unix - before;
  if (gone < JUMP_S) return null;
  const text = gone < DAY_S ? w.hoursLater(Math.round(gone / HOUR_S)) : w.daysLater(Math.round(gone / DAY_S));
  return h("li", { class: "jump" }, h("span", null, text));
}

// act: command, link, press(message, row, column), pay(message), receipt(message), unlock(message)
export function messageLines(told, act) {
  if (told.by === "service") return [serviceLine(told)];
  const message = told.message;
  if (message.invoice) return [ticket(told, act), keys(told, act, { skipPay: true })];
  if (message.paid_media) return [paidMedia(told, act), keys(told, act)];
  if (message.photo) return [photo(told, act), keys(told, act)];
  const side = told.by === "bot" ? "in" : "out";
  return [h("li", { class: `msg ${side}` }, above(message), body(message, act), time(message)), keys(told, act)];
}

function body(message, act) {
  if (message.text) return rich(message.text, message.entities, act);
  const kind = Object.keys(w.kinds).find((name) => message[name]);
  const detail = kind && (message[kind].file_name ?? message[kind].title ?? message[kind].question ?? message[kind].emoji);
  return [
    h("span", { class: "soft" }, detail ? `${w.kinds[kind]}: ${detail}` : kind ? w.kinds[kind] : w.anything),
    message.caption ? [h("br"), rich(message.caption, message.caption_entities, act)] : null,
  ];
}

function above(message) {
  const origin = message.forward_origin;
  const from = origin && (origin.sender_user?.first_name ?? origin.sender_user_name ?? origin.chat?.title);
  const quoted = message.reply_to_message;
  return [
    from ? h("p", { class: "above" }, w.forwarded(from)) : null,
    quoted ? h("p", { class: "above quote" }, quoted.text ?? quoted.caption ?? quoted.invoice?.title ?? w.anything) : null,
  ];
}

const time = (message) =>
  h("time", { datetime: new Date(message.date * 1000).toISOString() },
    message.edit_date ? `${w.edited} ${hourMinute(message.edit_date)}` : hourMinute(message.date));

function serviceLine({ message, title, price: inWords }) {
  const bot = botNamed(shown.bot);
  const paid = message.successful_payment;
  let words;
  if (paid) {
    const amount = price({ currency: paid.currency, amount_stars: paid.total_amount, price: inWords });
    const until = paid.subscription_expiration_date && dayMonth(paid.subscription_expiration_date);
    if (until && !paid.is_first_recurring) words = w.renewed(amount, bot, title, until);
    else if (until) words = w.subscribed(amount, bot, title, until);
    else words = title ? w.transferred(amount, bot, title) : w.transferredPlain(amount, bot);
  } else if (message.refunded_payment) {
    words = w.refunded(stars(message.refunded_payment.total_amount), bot);
  } else {
    words = w.kinds[Object.keys(w.kinds).find((name) => message[name])] ?? w.anything;
  }
  return h("li", { class: "service" }, words);
}

function picture(sizes) {
  const largest = sizes.at(-1);
  const away = largest.file_size === undefined;
  if (away) return h("p", { class: "away small soft" }, icon("i-picture"), w.photo);
  return h("img", { src: `/page/photos/${encodeURIComponent(largest.file_id)}`, alt: w.photo, width: largest.width, height: largest.height });
}

function photo(told, act) {
  const { message } = told;
  return h("li", { class: `msg media ${told.by === "bot" ? "in" : "out"}` },
    h("figure", null, picture(message.photo)),
    h("p", null, message.caption ? rich(message.caption, message.caption_entities, act) : null, time(message)));
}

function paidMedia(told, act) {
  const { message, unlocked } = told;
  const media = message.paid_media.paid_media;
  const open = unlocked ?? media.every((one) => one.type !== "preview");
  const first = media[0];
  return h("li", { class: `msg in media ${open ? "" : "locked"}` },
    h("figure", null,
      open && first.photo ? picture(first.photo) : h("span", { class: "veiled", "aria-hidden": "true" }),
      open ? null : h("button", { type: "button", class: "btn", "data-k": `unlock-${told.id}`, onclick: () => act.unlock(told) },
        icon("i-lock"), w.unlock, " ", stars(message.paid_media.star_count))),
    h("p", null, message.caption ? rich(message.caption, message.caption_entities, act)
      : media.length > 1 ? w.items(media.length) : w.mediaOfBot, time(message)));
}

// An invoice is a ticket with a torn edge between the goods and the price.
function ticket(told, act) {
  const { message, photo_url: photoUrl } = told;
  const { currency, total_amount: total } = message.invoice;
  const paid = ["paid", "delivered", "refunded"].includes(told.trace);
  const payable = told.amount !== undefined;
  const custom = message.reply_markup?.inline_keyboard?.[0]?.[0];
  const label = custom?.pay ? payWords(custom.text) : [w.pay, " ", price({ currency, amount_stars: total, price: told.price ?? `${currency} ${total}` })];
  const button = paid
    ? h("button", { type: "button", class: "btn wide tall", "data-k": `pay-${told.id}`, onclick: () => act.receipt(told) }, w.receipt)
    : h("button", { type: "button", class: "btn gold wide tall", "data-k": `pay-${told.id}`, disabled: !payable, onclick: () => act.pay(told) }, label);
  return h("li", { class: `msg ticket ${told.by === "bot" ? "in" : "out"}`, "data-invoice": told.id },
    h("div", { class: "goods" },
      photoUrl || told.picture ? goodsPicture(told) : null,
      above(message),
      h("h3", null, withStars(message.invoice.title)),
      h("p", null, withStars(message.invoice.description))),
    h("div", { class: "price" }, button,
      h("div", { class: "under" }, trace(told.trace ?? "invoiced"), time(message))));
}

// Shown when the simulator may fetch it, and named otherwise, or when there is none to be had.
function goodsPicture({ id, photo_url: url, photo_shown: shown_, picture: own, message }) {
  const named = () => h("p", { class: "away small soft" }, icon("i-picture"), w.photoAway(host(url)));
  if (!shown_) return named();
  const image = h("img", { class: "goods-picture", src: `/page/invoices/${id}?${own}`, alt: message.invoice.title });
  image.addEventListener("error", () => image.replaceWith(named()), { once: true });
  return image;
}

// In the text of a Pay button, Telegram puts its own glyph for these two.
const payWords = (text) =>
  text.split(/(⭐️?|XTR)/u).map((part) => (/^(⭐️?|XTR)$/u.test(part) ? starGlyph() : part));
const starGlyph = () => h("span", { class: "stars plain" }, icon("star", ""), h("span", { class: "sr" }, "XTR"));

function host(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

function keys(told, act, { skipPay = false } = {}) {
  const rows = told.message.reply_markup?.inline_keyboard ?? [];
  const lines = rows
    .map((row, y) => row.map((button, x) => ({ button, x, y })).filter(({ button }) => !(skipPay && button.pay)))
    .filter((row) => row.length);
  if (!lines.length) return null;
  return h("li", { class: "keys" }, lines.map((row) =>
    h("div", { class: "key-row" }, row.map(({ button, x, y }) =>
      h("button", { type: "button", class: "btn", "data-k": `key-${told.id}-${y}-${x}`, onclick: (event) => act.press(told, y, x, event.currentTarget) },
        withStars(button.text), button.url ? icon("i-away", "i s") : null)))));
}
