// The page: which conversation is open, what is on its way, and what a person presses.

import { isReady, refresh, turn } from "/page/dialogue.js";
import { iconButton, make } from "/page/elements.js";
import * as gateway from "/page/gateway.js";
import * as history from "/page/history.js";
import { WORDS, retryingIn } from "/page/words.js";

const KEEP_EVERY = 1000; // milliseconds between two saves of an answer that is coming
const NEAR = 80; // pixels from the end that still count as reading along
const NOTICE_STAYS = 6000;
const at = (id) => document.getElementById(id);

const running = new Map(); // id of a conversation -> what stops its answer
const live = new Map(); // id -> the one object of a conversation that this page has open
const sections = new WeakMap(); // variant -> its element
let open = history.fresh();
let noticed = 0;

// --- asking -------------------------------------------------------------------------------------

function send(text) {
  const said = text.trim();
  if (!said || running.has(open.id)) return;
  if (!open.messages.length) open.title = history.titleOf(said);
  open.messages.push({ role: "user", text: said }, { role: "assistant", variants: [blank()] });
  at("question").value = "";
  grow();
  draw();
  scrollDown();
  answer(open, open.messages.length - 1);
}

function again(place) {
  if (running.has(open.id)) return;
  open.messages[place].variants.push(blank());
  redraw(place);
  answer(open, place, { again: true });
}

function retry(place) {
  if (running.has(open.id)) return;
  const { variants } = open.messages[place];
  variants.splice(-1, 1, blank());
  redraw(place);
  answer(open, place, { again: variants.length > 1 });
}

function blank() {
  return { id: "", text: "", adapter: "", memories: [], calls: [], thoughts: [], state: "streaming" };
}

async function answer(conversation, place, { again: isAgain = false } = {}) {
  const message = conversation.messages[place];
  const variant = message.variants.at(-1);
  const stop = new AbortController();
  running.set(conversation.id, stop);
  conversation.updated = Date.now();
  keep(conversation);
  drawList();
  drawComposer();
  tell(WORDS.typing);
  let kept = Date.now();
  let told = 0;
  try {
    const events = gateway.answers({
      messages: history.told(conversation.messages.slice(0, place)),
      conversation: conversation.id,
      again: isAgain,
      signal: stop.signal,
      onWait: (seconds) => {
        variant.waiting = seconds ? retryingIn(seconds) : "";
        show(variant);
      },
    });
    for await (const event of events) {
      take(event, variant);
      show(variant);
      told = readAloud(variant.text, told);
      if (Date.now() - kept > KEEP_EVERY) {
        keep(conversation);
        kept = Date.now();
      }
    }
    variant.state = variant.finish === "length" ? "long" : "whole";
  } catch (error) {
    fail(variant, error, stop.signal);
  }
  delete variant.waiting;
  delete variant.finish;
  running.delete(conversation.id);
  if (isAgain) settleSame(message);
  keep(conversation);
  if (conversation === open) {
    redraw(place);
    drawComposer();
    if (variant.error?.status === 401) askForKey(gateway.key() ? WORDS.wrongKey : "");
  }
  drawList();
  if (variant.adapter) drawChampion(variant.adapter);
  tell(isReady(variant) && variant.state !== "failed" ? `${variant.text.slice(told)} ${WORDS.done}` : "");
}

function take(event, variant) {
  variant.id = event.id ?? variant.id;
  if (event.steppe?.call) variant.calls.push(event.steppe.call);
  else if (event.steppe) {
    variant.adapter = String(event.steppe.adapter ?? event.model ?? "");
    variant.memories = listOf(event.steppe.memories);
    variant.calls = listOf(event.steppe.calls);
    variant.thoughts = listOf(event.steppe.thoughts);
    variant.stopped = String(event.steppe.stopped ?? "");
  }
  const choice = event.choices?.[0];
  variant.text += choice?.delta?.content ?? "";
  variant.finish = choice?.finish_reason ?? variant.finish;
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}

function fail(variant, error, signal) {
  if (signal.aborted) {
    variant.state = "cut";
    return;
  }
  variant.state = "failed";
  variant.error = { status: error.status ?? 0, message: error.message ?? "", hint: error.hint ?? "" };
}

/** A second answer that says the same, or never came, leaves nothing to choose from. */
function settleSame(message) {
  const [first, second] = message.variants;
  if (second.text === first.text) notice(WORDS.same);
  else if (second.text) return;
  else if (second.state === "failed") return;
  message.variants = [first];
}

// --- what a person thinks of an answer ----------------------------------------------------------

async function judge(place, body, closed) {
  try {
    await gateway.feedback(body);
    notice(WORDS.thanks);
    return true;
  } catch (error) {
    if (error.status === 404) notice(closed);
    else notice([WORDS.notSent, error.hint && `${WORDS.hint} ${error.hint}`].filter(Boolean).join(" "));
    return false;
  }
}

async function thumb(place, variant, value) {
  const conversation = open;
  const before = variant.thumb;
  if (before === value) return;
  variant.thumb = value;
  redraw(place);
  const body = { answer_id: variant.id, kind: "thumb", thumb: value };
  if (!(await judge(place, body, WORDS.closed))) variant.thumb = before;
  keep(conversation);
  if (conversation === open) redraw(place);
}

function edit(place, variant, text) {
  variant.was ??= variant.text;
  variant.text = text;
  variant.edited = true;
  keep(open);
  judge(place, { answer_id: variant.id, kind: "edit", text }, WORDS.closedEdit);
}

function choose(place, variant) {
  const message = open.messages[place];
  const rejected = message.variants.find((other) => other !== variant);
  message.variants = [variant];
  keep(open);
  redraw(place);
  focus(place);
  const body = { answer_id: variant.id, kind: "regeneration", rejected_answer_id: rejected.id };
  if (variant.edited) body.text = variant.text;
  const differs = variant.text !== (rejected.was ?? rejected.text); // as the gateway knows it
  if (variant.id && rejected.id && differs) judge(place, body, WORDS.closedChoice);
}

async function copy(variant) {
  await navigator.clipboard.writeText(variant.text);
  notice(WORDS.copied);
}

// --- drawing ------------------------------------------------------------------------------------

const can = {
  again,
  retry,
  thumb,
  edit,
  choose,
  copy,
  redraw,
  focus,
  drawn: (variant, section) => sections.set(variant, section),
  isLast: (place) => place === open.messages.length - 1 && !running.has(open.id),
};

function draw() {
  at("turns").replaceChildren(...open.messages.map((message, place) => turn(message, place, can)));
  at("welcome").hidden = open.messages.length > 0;
  document.title = open.title ? `${open.title} · Степь` : "Степь";
  at("title").textContent = open.title || WORDS.untitled;
  drawList();
  drawComposer();
}

function redraw(place) {
  const following = isNearEnd();
  at("turns").children[place]?.replaceWith(turn(open.messages[place], place, can));
  if (following) scrollDown();
}

function show(variant) {
  const section = sections.get(variant);
  if (!section?.isConnected) return;
  const following = isNearEnd();
  refresh(section, variant);
  if (following) scrollDown();
}

function drawList() {
  const kept = history.all();
  at("conversations").replaceChildren(...kept.map(entry));
}

function entry(conversation) {
  const isOpen = conversation.id === open.id;
  const name = conversation.title || WORDS.untitled;
  return make(
    "li",
    { class: isOpen ? "open" : "" },
    make(
      "button",
      {
        type: "button",
        class: "name",
        "aria-current": isOpen && "true",
        onclick: () => {
          switchTo(conversation.id);
          closeDrawer();
        },
      },
      name,
    ),
    iconButton("delete", `${WORDS.delete}: ${name}`, () => forget(conversation.id)),
  );
}

function drawComposer() {
  const busy = running.has(open.id);
  at("send").hidden = busy;
  at("stop").hidden = !busy;
  at("send").disabled = !at("question").value.trim();
  at("log").setAttribute("aria-busy", String(busy));
}

function drawChampion(name) {
  at("champion").textContent = name;
  at("champion").hidden = !name;
}

function notice(text, act) {
  clearTimeout(noticed);
  const button = act && make("button", { type: "button", onclick: act.run }, act.name);
  at("notice").replaceChildren(...[text, button].filter(Boolean));
  at("notice").hidden = false;
  noticed = setTimeout(() => {
    at("notice").hidden = true;
  }, NOTICE_STAYS);
}

function tell(text) {
  at("told").textContent = text.trim();
}

/** Let a screen reader have whole sentences of what is coming; return how far it has been told. */
function readAloud(text, told) {
  const end = Math.max(...[".", "!", "?", "\n"].map((mark) => text.lastIndexOf(mark))) + 1;
  if (end <= told) return told;
  tell(text.slice(told, end));
  return end;
}

function isNearEnd() {
  const log = at("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
}

function scrollDown() {
  at("log").scrollTop = at("log").scrollHeight;
}

function focus(place) {
  at("turns").children[place]?.querySelector("footer button")?.focus();
}

function grow() {
  const field = at("question");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
  drawComposer();
}

// --- conversations ------------------------------------------------------------------------------

function keep(conversation) {
  if (!live.has(conversation.id)) return; // deleted while its answer came
  if (!history.save(conversation)) notice(WORDS.full);
}

function switchTo(id) {
  const next = live.get(id) ?? history.find(id);
  if (!next) return;
  live.set(id, next);
  open = settled(next);
  draw();
  scrollDown();
  at("question").focus();
}

/** An answer that was coming when its page went away is cut. */
function settled(conversation) {
  if (running.has(conversation.id)) return conversation;
  for (const message of conversation.messages) {
    for (const variant of message.variants ?? []) {
      if (variant.state === "streaming") variant.state = "cut";
    }
  }
  return conversation;
}

function startNew() {
  if (open.messages.length) open = history.fresh();
  live.set(open.id, open);
  draw();
  closeDrawer();
  at("question").focus();
}

function forget(id) {
  const kept = live.get(id) ?? history.find(id);
  running.get(id)?.abort();
  history.remove(id);
  live.delete(id);
  if (open.id === id) {
    open = history.fresh();
    live.set(open.id, open);
  }
  draw();
  const restore = () => {
    live.set(id, settled(kept));
    keep(kept);
    switchTo(id);
    at("notice").hidden = true;
  };
  notice(WORDS.deleted, kept && { name: WORDS.undo, run: restore });
}

// --- the key, the light, the tools, the drawer --------------------------------------------------

function askForKey(why = "") {
  const following = isNearEnd();
  at("key-problem").textContent = why;
  at("key-form").hidden = false;
  if (following) scrollDown();
  at("key").value = "";
  at("key").focus();
}

async function useKey(event) {
  event.preventDefault();
  const given = at("key").value.trim();
  if (!gateway.setKey(given)) {
    at("key-problem").textContent = WORDS.badKey;
    return;
  }
  at("key-form").hidden = true;
  if (!given) notice(WORDS.forgotten);
  at("question").focus();
  const last = open.messages.length - 1;
  if (last > 0 && open.messages[last].variants.at(-1).error?.status === 401) retry(last);
  else await greet();
}

async function greet() {
  try {
    drawChampion(await gateway.champion());
  } catch (error) {
    drawChampion("");
    if (error.status === 401) askForKey(gateway.key() ? WORDS.wrongKey : "");
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function drawTheme() {
  const label = isDark() ? WORDS.toLight : WORDS.toDark;
  at("theme").setAttribute("aria-label", label);
  at("theme").title = label;
  at("theme").querySelector("use").setAttribute("href", isDark() ? "#icon-sun" : "#icon-moon");
}

function switchTheme() {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("steppe.theme", next);
  } catch {
    // For this visit only.
  }
  drawTheme();
}

function drawTools() {
  at("tools").setAttribute("aria-checked", String(gateway.tools()));
}

function switchTools() {
  gateway.setTools(!gateway.tools());
  drawTools();
}

function openDrawer() {
  document.body.classList.add("drawn");
  at("menu").setAttribute("aria-expanded", "true");
  at("new").focus();
}

function closeDrawer() {
  if (!document.body.classList.contains("drawn")) return false;
  document.body.classList.remove("drawn");
  at("menu").setAttribute("aria-expanded", "false");
  return true;
}

// --- keys ---------------------------------------------------------------------------------------

function onQuestionKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send(event.target.value);
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.code === "KeyK") {
    event.preventDefault();
    startNew();
  } else if (event.key === "Escape" && !closeDrawer()) {
    if (at("key-form").contains(document.activeElement)) at("key-form").hidden = true;
    else running.get(open.id)?.abort();
  }
}

at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send(at("question").value);
});
at("question").addEventListener("keydown", onQuestionKey);
at("question").addEventListener("input", grow);
at("stop").addEventListener("click", () => running.get(open.id)?.abort());
at("new").addEventListener("click", startNew);
at("new-small").addEventListener("click", startNew);
at("menu").addEventListener("click", openDrawer);
at("shade").addEventListener("click", closeDrawer);
at("theme").addEventListener("click", switchTheme);
at("tools").addEventListener("click", switchTools);
at("key-open").addEventListener("click", () => {
  closeDrawer();
  askForKey();
});
at("key-form").addEventListener("submit", useKey);
at("key-close").addEventListener("click", () => {
  at("key-form").hidden = true;
});
at("suggestions").addEventListener("click", (event) => {
  if (event.target.matches("button")) send(event.target.textContent);
});
document.addEventListener("keydown", onKey);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
addEventListener("pagehide", () => {
  for (const [id, stop] of running) {
    stop.abort(); // cut by us, not broken by the network
    if (live.has(id)) keep(live.get(id));
  }
});
addEventListener("storage", (event) => {
  if (!history.isOurs(event.key)) return;
  const changed = history.find(open.id); // another tab has written
  if (changed && !running.has(open.id) && changed.updated > open.updated) {
    live.set(changed.id, changed);
    open = changed;
    draw();
  } else drawList();
});

drawTheme();
drawTools();
const [newest] = history.all();
if (newest) switchTo(newest.id);
else startNew();
greet();
