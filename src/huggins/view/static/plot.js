// One spectrum on a canvas: flux, error, models, masked pixels, lines; with pan and zoom.
//
// All of it is drawn anew at each frame: 4,600 pixels take two to three milliseconds, which leaves
// no state to go wrong while lines and models move with the redshift.

import { colour, onFrame } from "./dom.js";

const PAD = { left: 66, right: 12, top: 32, bottom: 34 };
const FONT = "12px system-ui, sans-serif";

/** Smooth with a Gaussian of `width` pixels, weighted by inverse variance; null between good pixels. */
export function smoothed(flux, error, width) {
  if (!width) return flux;
  const reach = Math.ceil(3 * width);
  const kernel = [];
  for (let k = -reach; k <= reach; k += 1) kernel.push(Math.exp(-0.5 * (k / width) ** 2));
  const result = new Array(flux.length).fill(null);
  for (let i = 0; i < flux.length; i += 1) {
    let sum = 0;
    let weight = 0;
    const from = Math.max(0, i - reach);
    const to = Math.min(flux.length - 1, i + reach);
    for (let j = from; j <= to; j += 1) {
      if (error[j] === null || flux[j] === null) continue;
      const w = kernel[j - i + reach] / (error[j] * error[j]);
      sum += w * flux[j];
      weight += w;
    }
    if (weight > 0 && error[i] !== null) result[i] = sum / weight;
  }
  return result;
}

/** Range of flux that shows every real feature and no single hot pixel. */
export function fluxRange(flux, error, first = 0, last = flux.length - 1) {
  const seen = [];
  for (let i = first; i <= last; i += 1) {
    if (error[i] === null || flux[i] === null) continue;
    // The median of three neighbours drops single pixels and keeps narrow lines.
    const a = flux[Math.max(i - 1, first)] ?? flux[i];
    const b = flux[Math.min(i + 1, last)] ?? flux[i];
    seen.push(a + b + flux[i] - Math.max(a, b, flux[i]) - Math.min(a, b, flux[i]));
  }
  if (!seen.length) return [-1, 1];
  seen.sort((x, y) => x - y);
  const at = (q) => seen[Math.min(seen.length - 1, Math.round(q * (seen.length - 1)))];
  let low = Math.min(0, at(0.005));
  let high = at(0.999);
  const spread = at(0.84) - at(0.16);
  high = Math.min(at(1), Math.max(high, at(0.98) + 2 * spread));
  if (high <= low) high = low + 1;
  const room = 0.08 * (high - low);
  return [low - room, high + 1.6 * room];
}

/** Places of ticks at 1, 2 or 5 times a power of ten. */
export function ticks(low, high, about) {
  const raw = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const result = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) result.push(k * step);
  return { step, places: result };
}

/** Shortest text of a tick for this step. */
export function tickText(value, step) {
  if (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)) return value.toExponential(1).replace("e", "e");
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** Index of the first wavelength that is not below a value. */
export function indexAt(wavelength, value) {
  let low = 0;
  let high = wavelength.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (wavelength[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A spectrum on a canvas.
 *
 * `view` holds what is shown and is changed from outside, followed by `draw()`:
 * z, models [{wavelength, flux, colour, dash, label, z0}], lines, showLines, showError, showModel, showSky, showRaw,
 * residual, smoothing (pixels), rest (rest-frame axis), why [[lo, hi, importance]], marked line.
 */
export class SpectrumPlot {
  constructor(canvas, { mini = false, still = false, onpick = null, onrange = null, onhover = null } = {}) {
    this.canvas = canvas;
    this.mini = mini;
    this.onpick = onpick;
    this.onrange = onrange;
    this.onhover = onhover;
    this.spectrum = null;
    this.view = {
      z: 0, models: [], lines: [], showLines: true, showError: true, showModel: true, showSky: false, showRaw: true,
      residual: !mini, smoothing: 0, rest: false, why: null, marked: null,
    };
    this.range = null;
    this.yrange = null;
    this.draw = onFrame(() => this.drawNow());
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(canvas);
    if (!mini && !still) this.listen();
  }

  /** Show another spectrum, whole unless a range is given. */
  setSpectrum(spectrum, range = null) {
    this.spectrum = spectrum;
    this.cache = null;
    this.range = range;
    this.yrange = null;
    this.draw();
  }

  get full() {
    const { wavelength } = this.spectrum;
    const margin = 0.006 * (wavelength[wavelength.length - 1] - wavelength[0]);
    return [wavelength[0] - margin, wavelength[wavelength.length - 1] + margin];
  }

  reset() {
    this.range = null;
    this.yrange = null;
    this.onrange?.(null);
    this.draw();
  }

  /** Zoom by a factor about a wavelength (the middle where none is given). */
  zoom(factor, about = null) {
    const [low, high] = this.range ?? this.full;
    const middle = about ?? 0.5 * (low + high);
    this.setRange(middle - (middle - low) * factor, middle + (high - middle) * factor);
  }

  /** Move the shown range by a fraction of its width. */
  pan(fraction) {
    const [low, high] = this.range ?? this.full;
    const by = fraction * (high - low);
    this.setRange(low + by, high + by);
  }

  setRange(low, high) {
    const [first, last] = this.full;
    let width = Math.max(high - low, 20);
    if (width >= last - first) {
      this.range = null;
    } else {
      const start = Math.min(Math.max(low, first), last - width);
      this.range = [start, start + width];
    }
    this.yrange = null;
    this.onrange?.(this.range);
    this.draw();
  }

  layout() {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pad = this.mini ? { left: 8, right: 8, top: 28, bottom: 16 } : PAD;
    const residual = this.view.residual && this.view.models.length && this.view.showModel ? Math.max(54, 0.2 * height) : 0;
    return {
      ratio, width, height,
      left: pad.left, right: width - pad.right, top: pad.top,
      bottom: height - pad.bottom - (residual ? residual + 8 : 0),
      residualTop: height - pad.bottom - residual, residualBottom: height - pad.bottom, residual,
    };
  }

  prepared() {
    const { smoothing } = this.view;
    if (!this.cache || this.cache.smoothing !== smoothing) {
      this.cache = { smoothing, flux: smoothed(this.spectrum.flux, this.spectrum.error, smoothing) };
    }
    return this.cache.flux;
  }

  drawNow() {
    if (!this.spectrum || !this.canvas.clientWidth) return;
    const started = performance.now();
    const box = this.layout();
    const context = this.canvas.getContext("2d");
    context.setTransform(box.ratio, 0, 0, box.ratio, 0, 0);
    context.clearRect(0, 0, box.width, box.height);
    const { wavelength, flux, error } = this.spectrum;
    const [low, high] = this.range ?? this.full;
    const first = Math.max(0, indexAt(wavelength, low) - 1);
    const last = Math.min(wavelength.length - 1, indexAt(wavelength, high));
    const shown = this.prepared();
    const [ylow, yhigh] = this.yrange ?? fluxRange(this.view.smoothing ? shown : flux, error, first, last);
    const x = (value) => box.left + ((value - low) / (high - low)) * (box.right - box.left);
    const y = (value) => box.bottom - ((value - ylow) / (yhigh - ylow)) * (box.bottom - box.top);
    this.scale = { low, high, ylow, yhigh, x, y, box, first, last };

    context.font = FONT;
    this.drawGrid(context, box, x, y);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    this.drawWhy(context, box, x);
    this.drawMask(context, box, x);
    const line = (values, style, width = 1, alpha = 1) => {
      context.globalAlpha = alpha;
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      let open = false;
      for (let i = first; i <= last; i += 1) {
        const value = values[i];
        if (value === null || value === undefined) {
          open = false;
          continue;
        }
        const px = x(wavelength[i]);
        const py = Math.max(-1e4, Math.min(1e4, y(value)));
        if (open) context.lineTo(px, py);
        else context.moveTo(px, py);
        open = true;
      }
      context.stroke();
      context.globalAlpha = 1;
    };
    if (this.view.showSky && this.spectrum.sky) {
      const top = Math.max(...this.spectrum.sky.slice(first, last + 1).filter((v) => v !== null));
      if (top > 0) line(this.spectrum.sky.map((v) => (v === null ? null : (v / top) * 0.25 * (yhigh - ylow) + Math.max(ylow, 0))), colour("sky"), 1, 0.8);
    }
    if (this.view.showError) line(error, colour("error-line"), 1, 0.9);
    const masked = flux.map((value, i) => (error[i] === null ? null : value));
    if (this.view.smoothing) {
      if (this.view.showRaw) line(masked, colour("faint"), 0.8, 0.9);
      line(shown, colour("data"), 1.3);
    } else {
      line(masked, colour("data"), this.mini ? 1 : 0.9);
    }
    if (this.view.showModel) for (const model of this.view.models) this.drawModel(context, model, x, y, low, high);
    this.markClipped(context, box, x, y, masked, first, last);
    context.restore();
    if (this.view.showLines) this.drawLines(context, box, x);
    if (box.residual) this.drawResidual(context, box, x, masked);
    this.lastDraw = performance.now() - started;
  }

  /** A model keeps its rest-frame shape: it is drawn moved from the z it was fitted at. */
  drawModel(context, model, x, y, low, high) {
    const shift = model.follow ? (1 + this.view.z) / (1 + model.z0) : 1;
    context.strokeStyle = colour(model.colour);
    context.lineWidth = 1.5;
    context.setLineDash(model.dash ?? []);
    context.beginPath();
    let open = false;
    for (let i = 0; i < model.wavelength.length; i += 1) {
      const value = model.flux[i];
      const at = model.wavelength[i] * shift;
      if (value === null || at < low || at > high) {
        open = false;
        continue;
      }
      const py = Math.max(-1e4, Math.min(1e4, y(value)));
      if (open) context.lineTo(x(at), py);
      else context.moveTo(x(at), py);
      open = true;
    }
    context.stroke();
    context.setLineDash([]);
  }

  drawGrid(context, box, x, y) {
    const { low, high, ylow, yhigh } = this.scale;
    const scale = this.view.rest ? 1 / (1 + this.view.z) : 1;
    context.lineWidth = 1;
    context.fillStyle = colour("muted");
    context.strokeStyle = colour("grid");
    const across = ticks(low * scale, high * scale, (box.right - box.left) / (this.mini ? 60 : 110));
    const foot = box.residual ? box.residualBottom : box.bottom;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const place of across.places) {
      const px = Math.round(x(place / scale)) + 0.5;
      context.beginPath();
      context.moveTo(px, box.top);
      context.lineTo(px, foot);
      context.stroke();
      const text = tickText(place, across.step);
      const half = 0.5 * context.measureText(text).width;
      if (px - half > 0 && px + half < box.width) context.fillText(text, px, foot + 5);
    }
    if (this.mini) return;
    const up = ticks(ylow, yhigh, (box.bottom - box.top) / 55);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const place of up.places) {
      const py = Math.round(y(place)) + 0.5;
      context.globalAlpha = place === 0 ? 1 : 0.55;
      context.strokeStyle = place === 0 ? colour("axis") : colour("grid");
      context.beginPath();
      context.moveTo(box.left, py);
      context.lineTo(box.right, py);
      context.stroke();
      context.globalAlpha = 1;
      context.fillText(tickText(place, up.step), box.left - 6, py);
    }
    context.textAlign = "center";
    context.textBaseline = "bottom";
    const frame = this.view.rest ? "Rest-frame" : "Observed";
    context.fillText(`${frame} vacuum wavelength (Å)`, 0.5 * (box.left + box.right), box.height - 2);
    context.save();
    context.translate(17, 0.5 * (box.top + box.bottom));
    context.rotate(-Math.PI / 2);
    context.fillText(this.spectrum.unit ? `Flux (${this.spectrum.unit})` : "Flux", 0, 0);
    context.restore();
  }

  drawMask(context, box, x) {
    context.fillStyle = colour("mask");
    const { wavelength } = this.spectrum;
    for (const [from, to] of this.spectrum.mask ?? []) {
      const left = x(wavelength[from]);
      const width = Math.max(1, x(wavelength[Math.min(to + 1, wavelength.length - 1)]) - left);
      context.globalAlpha = 0.18;
      context.fillRect(left, box.top, width, box.bottom - box.top);
      context.globalAlpha = 0.8;
      context.fillRect(left, box.bottom - 4, width, 4);
    }
    context.globalAlpha = 1;
  }

  drawWhy(context, box, x) {
    const { why } = this.view;
    if (!why || !why.length) return;
    const top = Math.max(...why.map((w) => Math.abs(w[2]))) || 1;
    for (const [from, to, importance] of why) {
      context.fillStyle = colour(importance > 0 ? "why-for" : "why-against");
      context.globalAlpha = 0.55 * Math.sqrt(Math.abs(importance) / top);
      context.fillRect(x(from), box.top, x(to) - x(from), box.bottom - box.top);
    }
    context.globalAlpha = 1;
  }

  /** Small triangles where flux leaves the shown range. */
  markClipped(context, box, x, y, values, first, last) {
    context.fillStyle = colour("data");
    let previous = -10;
    for (let i = first; i <= last; i += 1) {
      if (values[i] === null || (values[i] <= this.scale.yhigh && values[i] >= this.scale.ylow)) continue;
      const px = x(this.spectrum.wavelength[i]);
      if (px - previous < 5) continue;
      previous = px;
      const high = values[i] > this.scale.yhigh;
      const py = high ? box.top + 1 : box.bottom - 1;
      context.beginPath();
      context.moveTo(px, py);
      context.lineTo(px - 3, py + (high ? 5 : -5));
      context.lineTo(px + 3, py + (high ? 5 : -5));
      context.fill();
    }
  }

  drawLines(context, box, x) {
    const { z, lines, marked } = this.view;
    context.lineWidth = 1;
    const ends = [[], []];
    context.textBaseline = "middle";
    context.textAlign = "center";
    const foot = box.residual ? box.residualBottom : box.bottom;
    for (const line of lines) {
      const px = x(line.wavelength * (1 + z));
      if (px < box.left + 1 || px > box.right - 1) continue;
      const strong = marked === line.name;
      context.strokeStyle = colour(line.kind === "emission" ? "emission" : "absorption");
      context.globalAlpha = strong ? 1 : line.major === false ? 0.35 : 0.65;
      context.lineWidth = strong ? 2 : 1;
      context.setLineDash(line.kind === "emission" ? [] : [4, 3]);
      context.beginPath();
      context.moveTo(Math.round(px) + 0.5, box.top - 2);
      context.lineTo(Math.round(px) + 0.5, foot);
      context.stroke();
      context.setLineDash([]);
      if (this.mini && !strong && line.major === false) continue;
      // Names stand in two rows above; one that would overlap is left out.
      const half = 0.5 * context.measureText(line.name).width + 3;
      const at = Math.max(box.left + half, Math.min(box.right - half, px));
      const row = [0, 1].find((r) => !ends[r].some(([a, b]) => at - half < b && at + half > a));
      if (row === undefined) continue;
      ends[row].push([at - half, at + half]);
      context.globalAlpha = 1;
      context.fillStyle = colour(line.kind === "emission" ? "emission" : "absorption");
      context.fillText(line.name, at, box.top - 8 - 12 * row);
    }
    context.globalAlpha = 1;
  }

  /** (flux - model) / error of the first model, smoothed as the flux is. */
  drawResidual(context, box, x, values) {
    const model = this.view.models[0];
    if (!model || model.wavelength.length !== this.spectrum.wavelength.length) return;
    const { first, last } = this.scale;
    const { wavelength, error } = this.spectrum;
    const limit = 5;
    const y = (value) => 0.5 * (box.residualTop + box.residualBottom) - (value / limit) * 0.5 * (box.residualBottom - box.residualTop);
    context.fillStyle = colour("muted");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const place of [-3, 0, 3]) {
      context.strokeStyle = colour(place === 0 ? "axis" : "grid");
      context.beginPath();
      context.moveTo(box.left, Math.round(y(place)) + 0.5);
      context.lineTo(box.right, Math.round(y(place)) + 0.5);
      context.stroke();
      context.fillText(`${place > 0 ? "+" : ""}${place}σ`, box.left - 6, y(place));
    }
    context.fillStyle = colour("data");
    const moved = model.follow && Math.abs(this.view.z - model.z0) > 1e-6;
    context.globalAlpha = moved ? 0.25 : 0.75;
    for (let i = first; i <= last; i += 1) {
      if (values[i] === null || model.flux[i] === null) continue;
      const value = Math.max(-limit, Math.min(limit, (values[i] - model.flux[i]) / error[i]));
      context.fillRect(x(wavelength[i]) - 0.5, y(value) - 0.5, 1.2, 1.2);
    }
    context.globalAlpha = 1;
  }

  /** Wavelength under a pointer's x. */
  at(clientX) {
    const { left } = this.canvas.getBoundingClientRect();
    const { box, low, high } = this.scale;
    return low + ((clientX - left - box.left) / (box.right - box.left)) * (high - low);
  }

  listen() {
    let drag = null;
    this.canvas.addEventListener("wheel", (event) => {
      if (!this.scale) return;
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan((event.deltaX || event.deltaY) / 1200);
      else this.zoom(Math.exp(event.deltaY / 500), this.at(event.clientX));
    }, { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.scale) return;
      drag = { x: event.clientX, range: this.range ?? this.full, moved: false };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.scale) return;
      if (!drag) {
        const { box } = this.scale;
        const at = this.at(event.clientX);
        const inside = at >= this.scale.low && at <= this.scale.high;
        const i = Math.min(indexAt(this.spectrum.wavelength, at), this.spectrum.wavelength.length - 1);
        this.onhover?.(inside && box ? { wavelength: at, flux: this.spectrum.flux[i], error: this.spectrum.error[i] } : null);
        return;
      }
      const { box, low, high } = this.scale;
      const by = ((drag.x - event.clientX) / (box.right - box.left)) * (high - low);
      if (Math.abs(event.clientX - drag.x) > 3) drag.moved = true;
      if (drag.moved && this.range) this.setRange(drag.range[0] + by, drag.range[1] + by);
    });
    const end = (event) => {
      if (drag && !drag.moved && event.type === "pointerup") this.onpick?.(this.at(event.clientX));
      drag = null;
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
    this.canvas.addEventListener("pointerleave", () => this.onhover?.(null));
    this.canvas.addEventListener("dblclick", () => this.reset());
  }
}
