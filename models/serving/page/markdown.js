// A little Markdown as elements: blocks of code, lists, headings, bold, italics, code.
//
// Nothing of a text becomes HTML, a link or a picture; what is not known stays as it was written.

import { make } from "/page/elements.js";

const FENCE = /^\s*```\s*([\w+#.-]*)\s*$/;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*(\d{1,9})[.)]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const INLINE = /`([^`\n]+)`|\*\*([^\s*](?:[^*\n]*[^\s*])?)\*\*|\*([^\s*](?:[^*\n]*[^\s*])?)\*/g;

/** Return a text as a fragment of elements. */
export function rendered(text) {
  const fragment = document.createDocumentFragment();
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  let at = 0;
  while (at < lines.length) at = block(lines, at, fragment);
  return fragment;
}

function block(lines, at, into) {
  const line = lines[at];
  if (!line.trim()) return at + 1;
  if (FENCE.test(line)) return code(lines, at, into);
  const heading = HEADING.exec(line);
  if (heading) {
    into.append(make("p", { class: "heading" }, inline(heading[1])));
    return at + 1;
  }
  if (BULLET.test(line)) return list("ul", BULLET, lines, at, into);
  if (NUMBER.test(line)) return list("ol", NUMBER, lines, at, into);
  return paragraph(lines, at, into);
}

function code(lines, at, into) {
  let end = at + 1;
  while (end < lines.length && !/^\s*```\s*$/.test(lines[end])) end += 1;
  const text = lines.slice(at + 1, end).join("\n");
  into.append(make("pre", { tabindex: "0" }, make("code", {}, text)));
  return end + 1;
}

function list(kind, pattern, lines, at, into) {
  const first = pattern.exec(lines[at]);
  const element = make(kind, kind === "ol" ? { start: first[1] } : {});
  let end = at;
  for (; end < lines.length && pattern.test(lines[end]); end += 1) {
    element.append(make("li", {}, inline(pattern.exec(lines[end]).at(-1))));
  }
  into.append(element);
  return end;
}

function paragraph(lines, at, into) {
  const element = make("p");
  let end = at;
  const opens = [FENCE, BULLET, NUMBER, HEADING];
  for (; end < lines.length && lines[end].trim(); end += 1) {
    if (end > at && opens.some((pattern) => pattern.test(lines[end]))) break;
    if (end > at) element.append(make("br"));
    element.append(inline(lines[end]));
  }
  into.append(element);
  return end;
}

function inline(text) {
  const fragment = document.createDocumentFragment();
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    fragment.append(text.slice(last, found.index));
    const [whole, quoted, bold, italic] = found;
    if (quoted !== undefined) fragment.append(make("code", {}, quoted));
    else if (bold !== undefined) fragment.append(make("strong", {}, bold));
    else fragment.append(make("em", {}, italic));
    last = found.index + whole.length;
  }
  fragment.append(text.slice(last));
  return fragment;
}
