// What the simulator has told this page, and which chats it shows. Everything on the page is drawn from here.

export const state = {
  line: "connecting", // "live" or "lost"
  bots: [], people: [], faults: [], checkouts: [], subscriptions: [], moved: [], agenda: [],
  counts: { calls: 0, updates: 0 },
  clock: { unix: 0, frozen: true, can_run: false, heardAt: 0 },
  startedAt: 0, // virtual time when the page first heard of it
  chats: new Map(), // "bot:user" to { messages: Map, keyboard, blocked, started, changed: Set }
  rows: new Map(),
  turns: new Map(),
};

const PARTS = ["bots", "people", "faults", "checkouts", "subscriptions", "moved", "agenda", "counts"];
const KEY = "neonpay-page";
const listeners = [];

// draw(changed) is called after each change with the set of names of what has changed.
export const onChange = (draw) => listeners.push(draw);
export function changed(...names) {
  const set = new Set(names);
  for (const draw of listeners) draw(set);
}

export function forget() {
  for (const name of PARTS) if (name !== "counts") state[name] = [];
  state.chats.clear();
  state.rows.clear();
  state.turns.clear();
}

export function apply(told) {
  const names = [];
  for (const name of PARTS) {
    if (!(name in told)) continue;
    state[name] = told[name];
    names.push(name);
  }
  if (told.clock) {
    state.clock = { ...told.clock, heardAt: performance.now() };
    state.startedAt ||= told.clock.unix;
    names.push("clock");
  }
  for (const news of told.chats ?? []) hearChat(news);
  if (told.chats) names.push("chats");
  if (told.wire) {
    for (const turn of told.wire.turns) state.turns.set(turn.number, turn);
    for (const row of told.wire.rows) state.rows.set(row.number, row);
    names.push("wire");
  }
  if (told.bots || told.people) settle();
  changed(...names);
}

function hearChat(news) {
  const chat = chatOf(news.bot_id, news.user_id);
  for (const message of news.messages ?? []) {
    chat.messages.set(message.id, { ...message, version: (chat.messages.get(message.id)?.version ?? 0) + 1 });
  }
  for (const id of news.gone ?? []) chat.messages.delete(id);
  for (const name of ["keyboard", "blocked", "started"]) if (name in news) chat[name] = news[name];
}

export function chatOf(botId, userId) {
  const key = `${botId}:${userId}`;
  if (!state.chats.has(key)) state.chats.set(key, { messages: new Map(), keyboard: {}, blocked: false, started: false });
  return state.chats.get(key);
}

export const virtualNow = () =>
  state.clock.frozen ? state.clock.unix : state.clock.unix + (performance.now() - state.clock.heardAt) / 1000;

export const bot = () => state.bots.find((one) => one.id === shown.bot);
export const botNamed = (id) => state.bots.find((one) => one.id === id)?.name ?? "";
export const person = (id) => state.people.find((one) => one.id === id);
export const nameOf = (id) => person(id)?.name ?? String(id);

// Which bot and whose chats are on the screen; kept over a reload.
export const shown = { bot: null, columns: [], focus: null, tab: "chat" };
try {
  Object.assign(shown, JSON.parse(sessionStorage.getItem(KEY) ?? "{}"));
} catch {
  sessionStorage.removeItem(KEY);
}
const keep = () => sessionStorage.setItem(KEY, JSON.stringify(shown));

// How many chats fit beside each other, and which of the chosen ones are seen: always the one in focus.
export const WIDTHS = [1280, 1760, 2240];
export const roomFor = () => 1 + WIDTHS.filter((width) => innerWidth >= width).length;
export function seen() {
  const others = shown.columns.filter((id) => id !== shown.focus).slice(0, roomFor() - 1);
  return shown.columns.filter((id) => id === shown.focus || others.includes(id));
}

function settle() {
  if (!bot()) shown.bot = state.bots[0]?.id ?? null;
  shown.columns = shown.columns.filter((id) => person(id));
  if (!shown.columns.length && state.people.length) shown.columns = [state.people[0].id];
  if (!shown.columns.includes(shown.focus)) shown.focus = shown.columns[0] ?? null;
  keep();
}

export function pickBot(id) {
  shown.bot = id;
  keep();
  changed("shown", "chats", "bots");
}

// Show a person's chat: in the place of the one in focus, or beside it.
export function pickPerson(id, { beside = false } = {}) {
  if (!shown.columns.includes(id)) {
    if (beside && shown.columns.length < roomFor()) shown.columns = [...shown.columns, id];
    else if (beside) shown.columns = [...shown.columns.slice(0, -1), id];
    else shown.columns = shown.columns.map((one) => (one === shown.focus ? id : one));
    if (!shown.columns.length) shown.columns = [id];
  }
  shown.focus = id;
  keep();
  changed("shown", "chats");
}

export function closePerson(id) {
  shown.columns = shown.columns.filter((one) => one !== id);
  if (shown.focus === id) shown.focus = shown.columns[0] ?? null;
  keep();
  changed("shown", "chats");
}

export function pickTab(name) {
  shown.tab = name;
  keep();
  changed("shown");
}
