// The map of all spectra: a scatter plot with colours by any column, and a lasso.

import { colour, onFrame } from "./dom.js";

// Okabe and Ito's colours, which colour-blind people tell apart.
export const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#999999"];

/** Colour of a number from 0 to 1: blue over grey to yellow (after cividis). */
export function ramp(fraction) {
  const t = Math.max(0, Math.min(1, fraction));
  const stops = [[0, 34, 78], [60, 77, 110], [124, 123, 120], [188, 175, 111], [254, 232, 56]];
  const at = Math.min(stops.length - 2, Math.floor(t * (stops.length - 1)));
  const f = t * (stops.length - 1) - at;
  const mix = stops[at].map((a, i) => Math.round(a + f * (stops[at + 1][i] - a)));
  return `rgb(${mix.join(",")})`;
}

export class ScatterMap {
  constructor(canvas, { onopen, onlasso }) {
    Object.assign(this, { canvas, onopen, onlasso });
    this.points = null;
    this.shown = null;
    this.paint = () => PALETTE[0];
    this.lasso = null;
    this.current = -1;
    this.draw = onFrame(() => this.drawNow());
    new ResizeObserver(this.draw).observe(canvas);
    this.listen();
  }

  /** points: Float32Array of x, y pairs; rows: those that pass the filter; paint: row -> colour. */
  set(points, rows, paint) {
    this.points = points;
    this.rows = rows;
    this.paint = paint;
    const xs = [];
    const ys = [];
    for (let i = 0; i < points.length; i += 2) {
      if (Number.isFinite(points[i])) { xs.push(points[i]); ys.push(points[i + 1]); }
    }
    const ends = (values) => {
      const sorted = Float64Array.from(values).sort();
      const low = sorted[0] ?? 0;
      const high = sorted[sorted.length - 1] ?? 1;
      return high > low ? [low, high] : [low - 0.5, low + 0.5]; // one point stands in the middle
    };
    this.x = ends(xs);
    this.y = ends(ys);
    this.draw();
  }

  place(row) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const pad = 14;
    return [
      pad + ((this.points[2 * row] - this.x[0]) / (this.x[1] - this.x[0] || 1)) * (width - 2 * pad),
      height - pad - ((this.points[2 * row + 1] - this.y[0]) / (this.y[1] - this.y[0] || 1)) * (height - 2 * pad),
    ];
  }

  drawNow() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !this.points) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const size = this.rows.length > 20000 ? 1.5 : this.rows.length > 2000 ? 2.5 : 5;
    context.globalAlpha = this.rows.length > 20000 ? 0.6 : 0.85;
    for (const row of this.rows) {
      if (!Number.isFinite(this.points[2 * row])) continue;
      const [x, y] = this.place(row);
      context.fillStyle = this.paint(row);
      context.fillRect(x - size / 2, y - size / 2, size, size);
    }
    context.globalAlpha = 1;
    if (this.current >= 0 && Number.isFinite(this.points[2 * this.current])) {
      const [x, y] = this.place(this.current);
      context.strokeStyle = colour("text");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 8, 0, 7);
      context.stroke();
    }
    if (this.lasso?.length > 1) {
      context.strokeStyle = colour("accent");
      context.lineWidth = 1.5;
      context.beginPath();
      this.lasso.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.stroke();
    }
  }

  nearest(x, y) {
    let best = -1;
    let distance = 144;
    for (const row of this.rows) {
      const [px, py] = this.place(row);
      const d = (px - x) ** 2 + (py - y) ** 2;
      if (d < distance) { distance = d; best = row; }
    }
    return best;
  }

  inside(x, y) {
    let result = false;
    const { lasso } = this;
    for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i, i += 1) {
      const [xi, yi] = lasso[i];
      const [xj, yj] = lasso[j];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) result = !result;
    }
    return result;
  }

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.points) return;
      this.lasso = [at(event)];
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.lasso) return;
      this.lasso.push(at(event));
      this.draw();
    });
    this.canvas.addEventListener("pointerup", (event) => {
      if (!this.lasso) return;
      const [x, y] = at(event);
      const moved = this.lasso.some(([px, py]) => Math.hypot(px - x, py - y) > 6);
      if (moved) {
        const rows = [...this.rows].filter((row) => Number.isFinite(this.points[2 * row]) && this.inside(...this.place(row)));
        this.lasso = null;
        this.onlasso(rows);
      } else {
        this.lasso = null;
        const row = this.nearest(x, y);
        if (row >= 0) this.onopen(row);
      }
      this.draw();
    });
  }
}
