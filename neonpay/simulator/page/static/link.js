// The line to the simulator: events come in, orders go out.

import { apply, changed, forget, state } from "./store.js";

let source = null;

export function connect() {
  source?.close();
  source = new EventSource("/page/events");
  let first = true;
  source.onopen = () => (first = true);
  source.onmessage = (event) => {
    if (first) forget();
    first = false;
    const before = state.line;
    state.line = "live";
    apply(JSON.parse(event.data));
    if (before !== "live") changed("line");
  };
  source.onerror = () => {
    if (state.line !== "lost") {
      state.line = "lost";
      changed("line");
    }
    // A browser gives up after some kinds of failure; this page does not.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  };
}

export class Refused extends Error {}

async function order(verb, path, body) {
  let response;
  try {
    response = await fetch(`/_sim${path}`, {
      method: verb,
      headers: { "Content-Type": "application/json" },
      body: verb === "POST" ? JSON.stringify(body ?? {}) : undefined,
    });
  } catch (error) {
    throw new Refused(String(error), { cause: error });
  }
  const answer = await response.json();
  if (response.ok) return answer;
  const problems = (answer.problems ?? []).map((one) => `${one.field}: ${one.problem}`);
  throw Object.assign(new Refused([answer.error, ...problems].join("; ")), { status: response.status });
}

export const post = (path, body) => order("POST", path, body);
export const remove = (path) => order("DELETE", path);
