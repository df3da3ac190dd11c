// Elements without HTML: words always go in as text.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element; children may be elements, texts, or nothing. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** Return one of the icons that the page holds as symbols. */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", "icon");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  picture.append(use);
  return picture;
}

/** Return a button with an icon, named for those who do not see it. */
export function iconButton(name, label, onclick, attributes = {}) {
  const about = { type: "button", class: "icon-button", "aria-label": label, title: label };
  return make("button", { ...about, ...attributes, onclick }, icon(name));
}
