// Small charts: class probabilities, chi2 against z, the network's redshift distribution, histograms.

import { colour, decimal, h, onFrame, probability } from "./dom.js";
import { tickText, ticks } from "./plot.js";

function surface(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  return { context, width, height };
}

/** Class probabilities as bars, in words for those who do not see them. */
export function probabilityBars(classes, probabilities, chosen, onpick) {
  const rows = classes.map((entry) => {
    const p = probabilities?.[entry.name];
    const known = Number.isFinite(p);
    return h("button", {
      class: "bar", type: "button", "aria-pressed": String(entry.name === chosen),
      title: `${entry.label}: ${probability(p)}`, onclick: () => onpick?.(entry.name),
    },
    h("span", { class: "bar-name" }, entry.name),
    h("progress", { max: 1, value: known ? p : 0, "aria-hidden": "true", class: p >= 0.5 ? "strong" : "" }),
    h("span", { class: "bar-value" }, probability(p)));
  });
  return h("div", { class: "bars", role: "group", "aria-label": "Class probabilities" }, rows);
}

/** A large number in few characters: 12,500 is 12.5k. */
export function briefly(value) {
  for (const [size, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}${letter}`;
  }
  return String(Number(value.toPrecision(3)));
}

const STYLE = { QSO: "class-qso", GALAXY: "class-galaxy", STAR: "class-star" };

/** chi2 against z for each class, in units of ln(1 + z); a click takes the nearest minimum. */
export class ChiChart {
  constructor(canvas, onpick) {
    this.canvas = canvas;
    this.onpick = onpick;
    this.curves = [];
    this.peaks = [];
    this.z = null;
    this.draw = onFrame(() => this.drawNow());
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("click", (event) => this.pick(event));
  }

  set(curves, solutions, znet, z) {
    this.curves = curves ?? [];
    this.solutions = solutions ?? [];
    this.znet = znet;
    this.z = z;
    this.canvas.setAttribute("aria-label", this.words());
    this.draw();
  }

  words() {
    if (!this.solutions.length) return "chi-squared against redshift: nothing was fitted";
    const list = this.solutions.map((s) => `${s.class} at ${decimal(s.z, 4)}`).join(", ");
    return `chi-squared against redshift; minima: ${list}`;
  }

  drawNow() {
    const { context, width, height } = surface(this.canvas);
    if (!width) return;
    const box = { left: 58, right: width - 8, top: 8, bottom: height - 18 };
    const all = this.curves.flatMap((c) => c.chi2.filter(Number.isFinite));
    if (!all.length) {
      context.fillStyle = colour("muted");
      context.fillText("No fit: no χ² curve", box.left, 0.5 * height);
      this.scale = null;
      return;
    }
    const zmax = Math.max(...this.curves.flatMap((c) => c.z));
    const floor = Math.min(...all);
    const sorted = Float64Array.from(all).sort();
    const ceiling = Math.max(sorted[Math.floor(0.9 * (sorted.length - 1))], floor + 10);
    const u = (z) => Math.log1p(Math.max(z, -0.01));
    const x = (z) => box.left + ((u(z) + 0.01) / (u(zmax) + 0.02)) * (box.right - box.left);
    // Square root: minima that matter are spread out, the plain above them is not.
    const v = (chi2) => Math.sqrt(Math.max(0, chi2 - floor));
    const y = (chi2) => box.bottom - 3 - (Math.min(v(chi2), v(ceiling)) / v(ceiling)) * (box.bottom - box.top - 6);
    this.scale = { x, box, zmax };
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const z of [0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7].filter((value) => value <= zmax)) {
      const px = Math.round(x(z)) + 0.5;
      context.strokeStyle = colour("grid");
      context.beginPath();
      context.moveTo(px, box.top);
      context.lineTo(px, box.bottom);
      context.stroke();
      context.fillStyle = colour("muted");
      context.fillText(String(z), px, box.bottom + 4);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    const step = ticks(0, v(ceiling), 3);
    for (const place of step.places) {
      const at = y(floor + place * place);
      if (at > box.top + 4) context.fillText(place ? briefly(place * place) : "Δχ² 0", box.left - 6, Math.min(at, box.bottom - 4));
    }
    if (this.znet?.z?.length) {
      const top = Math.max(...this.znet.p) || 1;
      context.fillStyle = colour("accent");
      context.globalAlpha = 0.22;
      context.beginPath();
      context.moveTo(x(this.znet.z[0]), box.bottom);
      this.znet.z.forEach((z, i) => context.lineTo(x(z), box.bottom - 0.9 * (this.znet.p[i] / top) * (box.bottom - box.top)));
      context.lineTo(x(this.znet.z[this.znet.z.length - 1]), box.bottom);
      context.fill();
      context.globalAlpha = 1;
    }
    for (const curve of this.curves) {
      context.strokeStyle = colour(STYLE[curve.class] ?? "data");
      context.lineWidth = 1.2;
      context.beginPath();
      let open = false;
      curve.z.forEach((z, i) => {
        if (!Number.isFinite(curve.chi2[i])) { open = false; return; }
        if (open) context.lineTo(x(z), y(curve.chi2[i]));
        else context.moveTo(x(z), y(curve.chi2[i]));
        open = true;
      });
      context.stroke();
    }
    for (const solution of this.solutions) {
      context.fillStyle = colour(STYLE[solution.class] ?? "data");
      context.beginPath();
      context.arc(x(solution.z), Math.max(box.top + 4, Math.min(box.bottom - 3, y(solution.chi2))), solution.rank === 1 ? 5 : 3.5, 0, 7);
      context.fill();
    }
    if (this.z !== null) {
      context.strokeStyle = colour("accent");
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x(this.z), box.top);
      context.lineTo(x(this.z), box.bottom);
      context.stroke();
    }
  }

  /** Take the deepest minimum within a few pixels of the click, or the place itself. */
  pick(event) {
    if (!this.scale) return;
    const { x, box, zmax } = this.scale;
    const px = event.clientX - this.canvas.getBoundingClientRect().left;
    let best = null;
    const consider = (z, chi2, cls) => {
      if (Math.abs(x(z) - px) <= 7 && (!best || chi2 < best.chi2)) best = { z, chi2, class: cls };
    };
    for (const s of this.solutions) if (Math.abs(x(s.z) - px) <= 7) { this.onpick({ z: s.z, class: s.class }); return; }
    for (const curve of this.curves) {
      for (let i = 1; i + 1 < curve.z.length; i += 1) {
        const c = curve.chi2;
        if (c[i] <= c[i - 1] && c[i] <= c[i + 1]) consider(curve.z[i], c[i], curve.class);
      }
    }
    const fraction = (px - box.left) / (box.right - box.left);
    const z = Math.expm1(fraction * (Math.log1p(zmax) + 0.02) - 0.01);
    this.onpick(best ?? { z, class: null });
  }
}

/** Histogram of a column: what is shown (filled) out of all (outline). */
export class Histogram {
  constructor(canvas, label) {
    this.canvas = canvas;
    this.label = label;
    this.draw = onFrame(() => this.drawNow());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  set(values, rows) {
    this.values = values;
    this.rows = rows;
    this.draw();
  }

  drawNow() {
    const { context, width, height } = surface(this.canvas);
    if (!width || !this.values) return;
    const known = this.values.filter(Number.isFinite);
    const box = { left: 8, right: width - 8, top: 18, bottom: height - 18 };
    context.fillStyle = colour("text");
    context.textBaseline = "top";
    context.fillText(this.label, box.left, 2);
    if (!known.length) {
      context.fillStyle = colour("muted");
      context.fillText("no values", box.left, 0.5 * height);
      return;
    }
    const order = Float64Array.from(known).sort();
    const low = order[Math.floor(0.005 * (order.length - 1))];
    const high = order[Math.ceil(0.995 * (order.length - 1))];
    const bins = Math.max(8, Math.min(60, Math.round((box.right - box.left) / 8)));
    const place = (value) => Math.max(0, Math.min(bins - 1, Math.floor(((value - low) / (high - low || 1)) * bins)));
    const all = new Float64Array(bins);
    const shown = new Float64Array(bins);
    for (const value of known) all[place(value)] += 1;
    for (const row of this.rows) if (Number.isFinite(this.values[row])) shown[place(this.values[row])] += 1;
    const top = Math.max(...all);
    const w = (box.right - box.left) / bins;
    const tall = (count) => (Math.sqrt(count) / Math.sqrt(top)) * (box.bottom - box.top);
    for (let i = 0; i < bins; i += 1) {
      context.fillStyle = colour("grid");
      context.fillRect(box.left + i * w, box.bottom - tall(all[i]), w - 1, tall(all[i]));
      context.fillStyle = colour("accent");
      context.fillRect(box.left + i * w, box.bottom - tall(shown[i]), w - 1, tall(shown[i]));
    }
    context.fillStyle = colour("muted");
    const t = ticks(low, high, 4);
    context.textAlign = "center";
    for (const value of t.places) context.fillText(tickText(value, t.step), box.left + ((value - low) / (high - low || 1)) * (box.right - box.left), box.bottom + 4);
    context.textAlign = "left";
    const words = `${this.label}: ${this.rows.length} shown of ${this.values.length}, from ${tickText(low, t.step)} to ${tickText(high, t.step)}`;
    this.canvas.setAttribute("aria-label", words);
  }
}

/** Fraction of flagged rows along a number such as FIBERID: points with their 1-sigma interval. */
export class FailureChart {
  constructor(canvas, label) {
    this.canvas = canvas;
    this.label = label;
    this.draw = onFrame(() => this.drawNow());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  set(keys, flagged, rows) {
    Object.assign(this, { keys, flagged, rows });
    this.draw();
  }

  drawNow() {
    const { context, width, height } = surface(this.canvas);
    if (!width || !this.keys) return;
    const box = { left: 44, right: width - 8, top: 18, bottom: height - 18 };
    context.fillStyle = colour("text");
    context.textBaseline = "top";
    context.fillText(this.label, 8, 2);
    const rows = [...this.rows].filter((row) => Number.isFinite(this.keys[row]));
    const distinct = [...new Set(rows.map((row) => this.keys[row]))].sort((a, b) => a - b);
    if (distinct.length < 2) {
      context.fillStyle = colour("muted");
      context.fillText("not in this set", box.left, 0.5 * height);
      return;
    }
    const many = distinct.length > 40;
    const low = distinct[0];
    const high = distinct[distinct.length - 1];
    const bins = many ? 40 : distinct.length;
    const rank = new Map(distinct.map((value, i) => [value, i]));
    const place = (value) => (many ? Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins)) : rank.get(value));
    const n = new Float64Array(bins);
    const bad = new Float64Array(bins);
    for (const row of rows) {
      n[place(this.keys[row])] += 1;
      bad[place(this.keys[row])] += this.flagged[row] ? 1 : 0;
    }
    const y = (fraction) => box.bottom - fraction * (box.bottom - box.top);
    context.fillStyle = colour("muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const fraction of [0, 0.5, 1]) {
      context.strokeStyle = colour("grid");
      context.beginPath();
      context.moveTo(box.left, y(fraction));
      context.lineTo(box.right, y(fraction));
      context.stroke();
      context.fillText(`${100 * fraction} %`, box.left - 4, y(fraction));
    }
    const w = (box.right - box.left) / bins;
    for (let i = 0; i < bins; i += 1) {
      if (!n[i]) continue;
      const p = bad[i] / n[i];
      // Wilson interval at one sigma.
      const middle = (p + 0.5 / n[i]) / (1 + 1 / n[i]);
      const half = Math.sqrt((p * (1 - p)) / n[i] + 0.25 / (n[i] * n[i])) / (1 + 1 / n[i]);
      const px = box.left + (i + 0.5) * w;
      context.strokeStyle = colour("muted");
      context.beginPath();
      context.moveTo(px, y(middle - half));
      context.lineTo(px, y(middle + half));
      context.stroke();
      context.fillStyle = colour("accent");
      context.fillRect(px - 2, y(p) - 2, 4, 4);
    }
    context.fillStyle = colour("muted");
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText(String(low), box.left, box.bottom + 4);
    context.textAlign = "right";
    context.fillText(String(high), box.right, box.bottom + 4);
    context.textAlign = "left";
    const worst = [...n.keys()].filter((i) => n[i]).sort((a, b) => bad[b] / n[b] - bad[a] / n[a])[0];
    this.canvas.setAttribute("aria-label", `${this.label}: highest ${(100 * bad[worst] / n[worst]).toFixed(0)} %`);
  }
}
