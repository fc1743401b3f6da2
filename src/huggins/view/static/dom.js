// Small helpers for building the page: every text goes through text nodes, never through HTML.

/** Make an element: h("button", {class: "x", onclick: f, "aria-label": "..."}, "text", child). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

/** Replace all children of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** Say something to screen readers, and show it for a moment. */
export function announce(text, kind = "info") {
  const place = $("#toast");
  place.textContent = text;
  place.dataset.kind = kind;
  place.classList.add("shown");
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => place.classList.remove("shown"), kind === "error" ? 8000 : 2600);
}

/** Number with a fixed count of decimals; a dash where there is none. */
export function decimal(value, digits = 3) {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : fixed(value, digits);
}

/** The same of a number that is one; a rounded zero has no sign. */
export function fixed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** Probability: never 1.000 or 0.000 where it is neither. */
export function probability(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value > 0.999 && value < 1) return "> 0.999";
  if (value < 0.001 && value > 0) return "< 0.001";
  return value.toFixed(3);
}

/** Colour of the theme, as the style sheet defines it. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call at most once a frame, with the latest arguments. */
export function onFrame(call) {
  let pending = false;
  let latest = [];
  return (...values) => {
    latest = values;
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      call(...latest);
    });
  };
}

/** Call once the last invocation is this many milliseconds old. */
export function debounced(call, wait) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), wait);
  };
}
