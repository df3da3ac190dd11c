// Conversations in the browser's own storage, a key each, so that two tabs do not undo each other.
//
//   conversation  {id, title, updated, messages}
//   message       {role: "user", text} | {role: "assistant", variants}
//   variant       {id, text, adapter, memories, calls, thoughts, stopped, state, thumb?, edited?, error?}
//   state         "streaming" | "whole" | "long" | "cut" | "failed"
//
// Of two variants a person chooses one; until then the conversation goes on with the last.

const PREFIX = "steppe.conversation.";
const TITLE_WORDS = 6;
const TITLE_LENGTH = 42;

/** Return a conversation with nothing said; it is kept once something is. */
export function fresh() {
  return { id: newId(), title: "", updated: Date.now(), messages: [] };
}

/** Return what is kept, the newest first. */
export function all() {
  const found = [];
  try {
    for (let n = 0; n < localStorage.length; n += 1) {
      const name = localStorage.key(n);
      if (name.startsWith(PREFIX)) found.push(read(name));
    }
  } catch {
    return [];
  }
  return found.filter(Boolean).sort((one, other) => other.updated - one.updated);
}

/** Return one conversation as it is kept now, or null. */
export function find(id) {
  return read(PREFIX + id);
}

/** Keep a conversation; false where the browser does not let us. */
export function save(conversation) {
  try {
    localStorage.setItem(PREFIX + conversation.id, JSON.stringify(conversation));
    return true;
  } catch {
    return false;
  }
}

/** Forget a conversation. */
export function remove(id) {
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // Nothing was kept.
  }
}

/** Return whether a key of the storage is one of a conversation. */
export function isOurs(name) {
  return name === null || name.startsWith(PREFIX);
}

/** Return a title: the first words of what was said first. */
export function titleOf(text) {
  const words = text.split(/\s+/).filter(Boolean);
  let title = words.slice(0, TITLE_WORDS).join(" ");
  if (title.length > TITLE_LENGTH) title = [...title].slice(0, TITLE_LENGTH).join("");
  return title.length < words.join(" ").length ? `${title}…` : title;
}

/** Return the answer that a conversation goes on with: the last one with words in it. */
export function current(message) {
  return message.variants.findLast((variant) => variant.text) ?? message.variants.at(-1);
}

/** Return messages as the gateway reads them; a question without an answer goes with it. */
export function told(messages) {
  const said = [];
  messages.forEach((message, place) => {
    if (message.role === "user") said.push({ role: "user", content: message.text });
    else if (current(message).text) {
      said.push({ role: "assistant", content: current(message).text });
    } else if (place < messages.length - 1) said.pop();
  });
  return said;
}

function read(name) {
  try {
    const kept = JSON.parse(localStorage.getItem(name));
    if (!kept || typeof kept.id !== "string" || !Array.isArray(kept.messages)) return null;
    return { ...kept, updated: Number(kept.updated) || 0, messages: kept.messages.filter(isSound) };
  } catch {
    return null;
  }
}

function isSound(message) {
  if (message?.role === "user") return typeof message.text === "string";
  return (
    message?.role === "assistant" &&
    Array.isArray(message.variants) &&
    message.variants.length > 0 &&
    message.variants.every((variant) => typeof variant?.text === "string")
  );
}

function newId() {
  // Not randomUUID: that one needs https or loopback.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
