// The keyboard: one table, from which the keys work and the help is made. Marz's keys where they fit.

import { h } from "./dom.js";

/** Actions by key; the page fills in `call`. Order is that of the help. */
export const KEYS = [
  { group: "Next spectrum", keys: ["n", "ArrowDown"], action: "next", text: "next" },
  { keys: ["b", "ArrowUp"], action: "previous", text: "previous" },
  { keys: ["Enter"], action: "accept", text: "accept the answer shown and go on (quality 3 where none is given)" },
  { keys: ["u"], action: "undo", text: "undo the last inspection" },
  { group: "Answer", keys: ["o"], action: "solutionNext", text: "next automatic answer" },
  { keys: ["i"], action: "solutionPrevious", text: "previous automatic answer" },
  { keys: ["z"], action: "focusZ", text: "type a redshift" },
  { keys: ["["], action: "zDown", text: "z down by 0.0001 (1 + z)" },
  { keys: ["]"], action: "zUp", text: "z up by 0.0001 (1 + z)" },
  { keys: ["{"], action: "zDownMore", text: "z down by 0.002 (1 + z)" },
  { keys: ["}"], action: "zUpMore", text: "z up by 0.002 (1 + z)" },
  { keys: ["."], action: "lineNext", text: "the clicked feature is the next line" },
  { keys: [","], action: "linePrevious", text: "the clicked feature is the line before" },
  { keys: ["k"], action: "focusClass", text: "choose the class" },
  { group: "Judgement", keys: ["4"], action: "quality4", text: "quality 4: certain, from two or more features" },
  { keys: ["3"], action: "quality3", text: "quality 3: probable, from one feature and the continuum" },
  { keys: ["2"], action: "quality2", text: "quality 2: possible" },
  { keys: ["1"], action: "quality1", text: "quality 1: unlikely, but the best there is" },
  { keys: ["0"], action: "quality0", text: "quality 0: no signal" },
  { keys: ["R"], action: "issueR", text: "flag: bad redshift of the fit" },
  { keys: ["C"], action: "issueC", text: "flag: wrong class of the fit" },
  { keys: ["S"], action: "issueS", text: "flag: bad spectrum (calibration, sky)" },
  { keys: ["c"], action: "focusComment", text: "write a comment" },
  { group: "Plot", keys: ["s"], action: "smoothMore", text: "smooth more" },
  { keys: ["d"], action: "smoothLess", text: "smooth less" },
  { keys: ["+", "="], action: "zoomIn", text: "zoom in" },
  { keys: ["-"], action: "zoomOut", text: "zoom out" },
  { keys: ["ArrowLeft"], action: "panLeft", text: "move to shorter wavelengths" },
  { keys: ["ArrowRight"], action: "panRight", text: "move to longer wavelengths" },
  { keys: ["r"], action: "resetPlot", text: "show the whole spectrum" },
  { keys: ["x"], action: "toggleRest", text: "rest-frame or observed wavelengths" },
  { keys: ["t"], action: "toggleModel", text: "model and residuals on and off" },
  { keys: ["l"], action: "toggleLines", text: "lines on and off" },
  { keys: ["e"], action: "toggleError", text: "error on and off" },
  { keys: ["w"], action: "toggleWhy", text: "why: what the class rests on" },
  { group: "Page", keys: ["/"], action: "focusFilter", text: "filter" },
  { keys: ["m"], action: "similar", text: "more like this one" },
  { keys: ["?"], action: "help", text: "these keys" },
  { keys: ["Escape"], action: "leave", text: "leave a field or a dialogue" },
];

const BY_KEY = new Map(KEYS.flatMap((entry) => entry.keys.map((key) => [key, entry.action])));
const NAMES = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→" };

/** Have keys call `actions[name]`, but while something is being typed. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    const typing = target.matches("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select");
    if (event.key === "Escape") {
      if (typing) target.blur();
      else actions.leave?.();
      return;
    }
    if (typing || document.querySelector("dialog[open]")) return;
    // A focused button keeps Enter, a slider its arrows.
    if (event.key === "Enter" && target.matches("button, a, summary, [role=tab]")) return;
    if (event.key.startsWith("Arrow") && target.matches("input[type=range], [role=tab]")) return;
    const action = BY_KEY.get(event.key);
    if (!action || !actions[action]) return;
    event.preventDefault();
    actions[action]();
  });
}

/** The table of keys, for the help. */
export function helpTable() {
  const groups = [];
  for (const entry of KEYS) {
    if (entry.group) groups.push([h("tr", {}, h("th", { colspan: "2", scope: "colgroup" }, entry.group))]);
    groups[groups.length - 1].push(h("tr", {},
      h("td", {}, entry.keys.map((key, i) => [i ? " " : "", h("kbd", {}, NAMES[key] ?? key)])),
      h("td", {}, entry.text)));
  }
  return groups.map((rows) => h("table", { class: "keys" }, h("tbody", {}, rows)));
}
