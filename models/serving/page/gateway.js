// The gateway as the page asks it: streamed answers, names, feedback.

const KEY = "steppe.key";
const TOOLS = "steppe.tools";
const TRIES = 6;
const LONGEST_WAIT = 30; // seconds between two tries, whatever Retry-After says
const ENOUGH_MESSAGES = 500; // the gateway takes 1000, and reads the newest of them

/** An answer that is an error: its status, the server's words and hint. */
export class Refused extends Error {
  constructor(status, message = "", hint = "") {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

let withTools = kept(TOOLS) === "on";

/** Return the key that requests carry; empty where none is set. */
export function key() {
  return kept(KEY);
}

/** Keep a key for later requests, or forget it; false for one that no header can carry. */
export function setKey(value) {
  if (!/^[\x21-\x7e]*$/.test(value)) return false;
  try {
    if (value) localStorage.setItem(KEY, value);
    else localStorage.removeItem(KEY);
  } catch {
    return false;
  }
  return true;
}

/** Return whether the assistant may use its tools. */
export function tools() {
  return withTools;
}

/** Let the assistant use its tools from now on, or not. */
export function setTools(on) {
  withTools = on;
  try {
    if (on) localStorage.setItem(TOOLS, "on");
    else localStorage.removeItem(TOOLS);
  } catch {
    // For this visit only.
  }
}

/** Return which adapter answers at the moment. */
export async function champion() {
  const { data } = await (await asked("/v1/models")).json();
  return data.find((model) => model.id === "steppe")?.parent ?? "";
}

/**
 * Ask for an answer and yield its events as they come.
 *
 * A 503 is asked again after Retry-After, and `onWait` told the seconds that are left.
 */
export async function* answers({ messages, conversation, again, signal, onWait }) {
  const body = { model: "steppe", messages: messages.slice(-ENOUGH_MESSAGES), stream: true };
  if (again) {
    // The same question must be able to get another answer.
    Object.assign(body, { temperature: 0.8, seed: crypto.getRandomValues(new Uint32Array(1))[0] });
  }
  if (tools()) body.own_tools = true;
  const response = await persistent(
    "/v1/chat/completions",
    { body, signal, headers: { "X-Conversation-Id": conversation } },
    onWait,
  );
  for await (const data of serverEvents(response.body)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    if (event.error) throw problemOf(event.error.code, event);
    yield event;
  }
  throw new Refused(0);
}

/** Say what a person thinks of an answer. */
export async function feedback(body) {
  return (await asked("/v1/feedback", { body })).json();
}

async function persistent(address, options, onWait) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await asked(address, options);
    } catch (error) {
      if (error.status !== 503 || tried === TRIES) throw error;
      for (let left = Math.min(error.after, LONGEST_WAIT); left > 0; left -= 1) {
        onWait(left);
        await pause(1000, options.signal);
      }
      onWait(0);
    }
  }
}

async function asked(address, { body, headers = {}, signal } = {}) {
  const sent = { ...headers };
  if (key()) sent.Authorization = `Bearer ${key()}`;
  if (body) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address, {
      method: body ? "POST" : "GET",
      headers: sent,
      body: body && JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(0);
  }
  if (response.ok) return response;
  const problem = problemOf(response.status, await response.json().catch(() => ({})));
  problem.after = Math.max(1, Math.ceil(Number(response.headers.get("Retry-After")) || 1));
  throw problem;
}

function problemOf(status, body) {
  const told = body?.error ?? {};
  return new Refused(Number(status) || 0, String(told.message ?? ""), String(told.hint ?? ""));
}

/** Yield the data of server-sent events; a piece of the network may end anywhere. */
export async function* serverEvents(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trimStart();
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused(0);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function kept(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });
}
