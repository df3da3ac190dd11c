// A conversation as elements: questions, answers, what was remembered, which tools were used, what a
// person may do.

import { icon, iconButton, make } from "/page/elements.js";
import { rendered } from "/page/markdown.js";
import { KINDS, STOPPED, TOOLS, WORDS, lasted, problemName } from "/page/words.js";

const SHOWN = 3; // memories or calls in the closed line; opened, it shows all
const SHOWN_CHARACTERS = 40; // of what a call observed, in the closed line

/** Return a message as an element; `can` are the acts a person has, by name. */
export function turn(message, place, can) {
  if (message.role === "user") {
    const bubble = make("div", { class: "bubble" }, message.text);
    return make("article", { class: "turn user", "aria-label": WORDS.you }, bubble);
  }
  const open = message.variants.length > 1;
  const answers = message.variants.map((variant, number) => answer(message, variant, number, place, can));
  return make(
    "article",
    { class: `turn assistant${open ? " choosing" : ""}`, "aria-label": WORDS.assistant },
    open && message.variants.every(isReady) && make("p", { class: "question" }, WORDS.choose),
    make("div", { class: "answers" }, ...answers),
  );
}

/** Put what has come of an answer into its element. */
export function refresh(element, variant) {
  element.querySelector(".text").replaceChildren(words(variant));
  element.querySelector(".adapter")?.replaceWith(adapter(variant));
  const old = element.querySelector(".memories");
  if (!old && variant.memories?.length) element.querySelector(".text").after(memories(variant));
  const told = element.querySelector(".calls");
  if (!hasReasoned(variant) || Number(told?.dataset.count) === countOf(variant)) return;
  const now = reasoning(variant);
  now.open = Boolean(told?.open);
  if (told) told.replaceWith(now);
  else (element.querySelector(".memories") ?? element.querySelector(".text")).after(now);
}

/** Return whether an answer is all there. */
export function isReady(variant) {
  return variant.state !== "streaming";
}

function answer(message, variant, number, place, can) {
  const section = make("section", { class: "answer", "data-state": variant.state });
  const open = message.variants.length > 1;
  section.append(
    ...[
      open && make("h3", {}, number ? WORDS.second : WORDS.first),
      make("div", { class: "text" }, words(variant)),
      variant.memories?.length && memories(variant),
      hasReasoned(variant) && reasoning(variant),
      state(variant, place, can),
    ].filter(Boolean),
  );
  section.append(footer(message, variant, place, can, section));
  can.drawn(variant, section);
  return section;
}

function words(variant) {
  if (variant.text) return rendered(variant.text);
  if (variant.state !== "streaming") return make("p", { class: "faint" }, WORDS.empty);
  const dots = make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  const waiting = variant.waiting ?? "";
  return make("p", { class: "faint" }, waiting || dots, make("span", { class: "unseen" }, WORDS.waiting));
}

function state(variant, place, can) {
  const told = { cut: WORDS.cut, long: WORDS.long }[variant.state];
  if (told) return make("p", { class: "state" }, told);
  if (variant.state !== "failed") return null;
  const { status = 0, message = "", hint = "" } = variant.error ?? {};
  return make(
    "div",
    { class: "problem", role: "alert" },
    make("strong", {}, variant.text ? `${WORDS.broken}. ` : "", problemName(status)),
    message && make("p", { lang: "en" }, message),
    hint && make("p", {}, `${WORDS.hint} `, make("span", { lang: "en" }, hint)),
    make("button", { type: "button", class: "quiet", onclick: () => can.retry(place) }, WORDS.retry),
  );
}

function footer(message, variant, place, can, section) {
  const bar = make("footer", {}, adapter(variant));
  if (!isReady(variant)) return bar;
  const about = make("span", { class: "acts" });
  if (message.variants.length > 1) {
    if (!variant.text || !message.variants.every(isReady)) return bar;
    about.append(
      make(
        "button",
        { type: "button", class: "better", onclick: () => can.choose(place, variant) },
        icon("check"),
        WORDS.better,
      ),
    );
  } else if (variant.id && variant.text) {
    about.append(
      thumb("up", variant, place, can),
      thumb("down", variant, place, can),
      iconButton("edit", WORDS.edit, () => editing(variant, place, can, section)),
      can.isLast(place) ? iconButton("again", WORDS.regenerate, () => can.again(place)) : "",
      navigator.clipboard ? iconButton("copy", WORDS.copy, () => can.copy(variant)) : "",
    );
  }
  bar.append(about);
  return bar;
}

function thumb(value, variant, place, can) {
  const pressed = String(variant.thumb === value);
  const act = () => can.thumb(place, variant, value);
  return iconButton(value, WORDS[value], act, { "aria-pressed": pressed });
}

function adapter(variant) {
  const name = variant.adapter ?? "";
  const told = name === "base" ? `base · ${WORDS.base}` : name;
  const edited = variant.edited ? ` · ${WORDS.edited}` : "";
  return make("span", { class: "adapter", title: WORDS.adapter }, told + edited);
}

function editing(variant, place, can, section) {
  const field = make("textarea", { class: "editor", rows: "3", "aria-label": WORDS.editing });
  field.value = variant.text;
  const end = () => {
    can.redraw(place);
    can.focus(place);
  };
  const save = () => {
    const text = field.value.trim();
    if (text && text !== variant.text) can.edit(place, variant, text);
    end();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const buttons = make(
    "div",
    { class: "editing" },
    make("button", { type: "button", class: "strong", onclick: save }, WORDS.save),
    make("button", { type: "button", class: "quiet", onclick: end }, WORDS.cancel),
  );
  section.querySelector(".text").replaceChildren(field, buttons);
  section.querySelector(".acts").replaceChildren();
  field.style.height = `${Math.min(field.scrollHeight + 2, 400)}px`;
  field.focus();
}

function memories(variant) {
  const listed = variant.memories;
  const line = inShort(listed, (memory) => String(memory.text ?? ""));
  return make(
    "details",
    { class: "memories" },
    make("summary", {}, icon("memory"), make("span", {}, `${WORDS.remembered} ${line}`)),
    make("ul", { "aria-label": WORDS.why }, ...listed.map(memory)),
  );
}

function inShort(listed, words) {
  const more = listed.length > SHOWN ? ` и ещё ${listed.length - SHOWN}` : "";
  return `${listed.slice(0, SHOWN).map(words).join("; ")}${more}`;
}

function memory(about) {
  const sources = Array.isArray(about.sources) ? about.sources.map(String) : [];
  return make(
    "li",
    {},
    make("p", {}, make("span", { class: "kind" }, KINDS[about.kind] ?? about.kind), " ", String(about.text ?? "")),
    make("dl", {}, ...["score", "relevance", "recency", "importance"].flatMap((name) => part(name, about[name]))),
    sources.length > 0 && make("p", { class: "faint" }, `${WORDS.sources}: `, make("code", {}, sources.join(", "))),
  );
}

function part(name, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return [];
  const number = value.toLocaleString("ru", { maximumFractionDigits: 2 });
  const isShare = value >= 0 && value <= 1; // importance may be told as 1 to 10
  const bar = isShare && make("span", { class: "bar", "aria-hidden": "true" });
  if (bar) bar.style.setProperty("--share", value);
  return [make("div", {}, make("dt", {}, WORDS[name]), make("dd", {}, bar, number))];
}

function hasReasoned(variant) {
  return countOf(variant) > 0;
}

/** Return how much there is to tell of how an answer came about: it only grows. */
function countOf({ calls = [], thoughts = [], stopped = "" }) {
  return calls.length + thoughts.length + Boolean(stopped);
}

function reasoning(variant) {
  const { calls = [], thoughts = [], stopped } = variant;
  const line = calls.length ? `${WORDS.tools} ${inShort(calls, callInShort)}` : WORDS.thoughts;
  return make(
    "details",
    { class: "calls", "data-count": countOf(variant) },
    make("summary", {}, icon("tool"), make("span", {}, line)),
    calls.length > 0 && make("ol", { "aria-label": WORDS.calls }, ...calls.map(call)),
    thoughts.length > 0 && thinking(thoughts),
    STOPPED[stopped] && make("p", { class: "faint" }, STOPPED[stopped]),
  );
}

function callInShort(about) {
  const observed = String(about.observation ?? "").replace(/\s+/g, " ");
  const short = [...observed].slice(0, SHOWN_CHARACTERS).join("");
  return `${toolName(about)} → ${short}${short === observed ? "" : "…"}`;
}

function call(about) {
  const given = argumentsOf(about.arguments);
  const seconds = typeof about.seconds === "number" && make("span", { class: "faint" }, lasted(about.seconds));
  return make(
    "li",
    {},
    make("p", {}, make("span", { class: "kind" }, toolName(about)), " ", seconds),
    make(
      "dl",
      {},
      given && make("div", {}, make("dt", {}, WORDS.given), make("dd", {}, make("code", {}, given))),
      make("div", {}, make("dt", {}, WORDS.observed), make("dd", {}, String(about.observation ?? ""))),
    ),
  );
}

function thinking(thoughts) {
  const told = thoughts.map((thought) => make("p", {}, String(thought)));
  return make("div", { class: "thoughts" }, make("p", { class: "faint" }, WORDS.thoughts), ...told);
}

function toolName(about) {
  return TOOLS[about.name] ?? String(about.name ?? "");
}

/** Return what a tool was given as a person reads it; as it came where it is no object. */
function argumentsOf(written) {
  try {
    const values = Object.values(JSON.parse(written));
    return values.map(String).join(", ");
  } catch {
    return String(written ?? "");
  }
}
