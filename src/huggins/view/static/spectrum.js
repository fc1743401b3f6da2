// The spectrum tab: plot, redshift, answers, warnings, and what the inspector makes of them.

import { api, isReport } from "./api.js";
import { ChiChart, briefly, probabilityBars } from "./charts.js";
import { $, announce, debounced, decimal, fill, fixed, h, probability } from "./dom.js";
import { SpectrumPlot, indexAt } from "./plot.js";
import { emit, forget, on, store } from "./store.js";

const C = 299792.458; // km/s
/** A difference of chi2 in few characters. */
const short = (value) => (Math.abs(value) < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
const SMOOTHING = [0, 1, 2, 3, 5, 8, 12];
// Windows at the strongest features, in rest-frame angstroms; the lines inside are named there.
const WINDOWS = [
  { name: "C IV", low: 1440, high: 1620 }, { name: "Mg II", low: 2720, high: 2880 },
  { name: "[O II]", low: 3690, high: 3770 }, { name: "Ca K H", low: 3880, high: 4020 },
  { name: "Hβ [O III]", low: 4820, high: 5060 }, { name: "Hα [N II]", low: 6480, high: 6650 },
];

export class SpectrumView {
  constructor() {
    this.z = 0;
    this.cls = null;
    this.solution = 0;
    this.why = null;
    this.feature = null; // clicked wavelength, and which line it is taken for
    this.smoothing = 0;
    this.plot = new SpectrumPlot($("#plot"), {
      onpick: (wavelength) => this.pickFeature(wavelength),
      onhover: (where) => this.hover(where),
    });
    this.minis = WINDOWS.map((window, i) => {
      const canvas = h("canvas", { class: "mini", role: "img", "aria-label": window.name });
      const cell = h("figure", { class: "mini-cell", hidden: true }, canvas, h("figcaption", {}, window.name));
      cell.addEventListener("click", () => this.plot.setRange(window.low * (1 + this.z), window.high * (1 + this.z)));
      $("#minis").append(cell);
      return { ...window, cell, plot: new SpectrumPlot(canvas, { mini: true }), i };
    });
    this.chi = new ChiChart($("#chi2"), ({ z, class: cls }) => this.setZ(z, { cls: cls ?? undefined, fetch: true }));
    this.fetchModel = debounced(() => this.model(), 120);
    this.bind();
    on("detail", (detail, error) => this.show(detail, error));
    on("row", () => {
      for (const part of [$("#spectrum-panel"), $("aside")]) part.setAttribute("aria-busy", "true");
    });
  }

  bind() {
    const slider = $("#z-slider");
    slider.addEventListener("input", () => this.setZ(Math.expm1(Number(slider.value)), { fetch: true, from: slider }));
    $("#z-field").addEventListener("change", (event) => {
      const z = Number(event.target.value);
      if (event.target.value.trim() === "" || !Number.isFinite(z) || z <= -0.99 || z > 20) {
        announce("A redshift is a number above -0.99.", "error");
        event.target.value = fixed(this.z, 5);
        return;
      }
      this.setZ(z, { fetch: true });
    });
    $("#z-field").addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.target.blur();
    });
    for (const [id, key] of [["show-lines", "showLines"], ["show-error", "showError"], ["show-model", "showModel"], ["show-sky", "showSky"], ["show-rest", "rest"]]) {
      $(`#${id}`).addEventListener("change", (event) => {
        this.plot.view[key] = event.target.checked;
        this.redraw();
      });
    }
    $("#smoothing").addEventListener("input", (event) => this.setSmoothing(Number(event.target.value)));
    $("#show-why").addEventListener("change", (event) => this.setWhy(event.target.checked));
  }

  toggle(id) {
    const box = $(`#${id}`);
    if (box.disabled) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change"));
  }

  setSmoothing(index) {
    this.smoothing = Math.max(0, Math.min(SMOOTHING.length - 1, index));
    $("#smoothing").value = this.smoothing;
    $("#smoothing-text").textContent = this.smoothing ? `${SMOOTHING[this.smoothing]} px` : "off";
    this.plot.view.smoothing = SMOOTHING[this.smoothing];
    this.redraw();
  }

  redraw() {
    this.plot.draw();
    for (const mini of this.minis) {
      Object.assign(mini.plot.view, {
        showLines: true, showModel: this.plot.view.showModel, smoothing: Math.min(this.plot.view.smoothing, 2), rest: this.plot.view.rest,
      });
      mini.plot.draw();
    }
  }

  show(detail, error) {
    this.feature = null;
    this.why = null;
    this.plot.view.why = null;
    const place = store.order.indexOf(store.row);
    for (const part of [$("#spectrum-panel"), $("aside")]) part.setAttribute("aria-busy", "false");
    $("#inspection").hidden = isReport || Boolean(error);
    $("#place").textContent = place >= 0 ? `${(place + 1).toLocaleString("en")} of ${store.order.length.toLocaleString("en")}` : `row ${store.row}, not in the filter`;
    const failed = $("#failed");
    failed.hidden = !error;
    $("#spectrum-panel").classList.toggle("empty", Boolean(error));
    if (error) {
      fill(failed, h("strong", {}, "This spectrum cannot be shown."), h("p", {}, error.message));
      // What the table says of it; nothing of the spectrum before may stay.
      const known = error.body?.results ? error.body : { results: {}, warnings: [] };
      fill($("#title"), known.file?.split("/").pop() ?? `Row ${store.row}`);
      this.facts(known);
      this.drawSolutions();
      return;
    }
    const r = detail.results ?? {};
    fill($("#title"), h("span", {}, detail.file.split("/").pop()), detail.index ? h("span", { class: "muted" }, ` [${detail.index}]`) : "");
    $("#title").title = detail.file;
    this.solution = 0;
    const best = detail.solutions?.[0];
    this.cls = r.SUBCLASS || best?.subclass || "";
    this.plot.view.lines = this.linesFor(this.cls);
    this.plot.setSpectrum(detail);
    // A table of another network or fit may hold an answer that this fit does not give.
    if (best && detail.shown !== null) {
      this.answer(detail.shown, { quiet: true });
    } else {
      this.plot.view.models = [];
      this.setZ(Number.isFinite(r.Z) ? r.Z : 0, { fetch: Boolean(best) });
      this.drawSolutions();
    }
    $("#show-sky").disabled = !detail.sky;
    this.facts(detail);
    if ($("#show-why").checked) this.setWhy(true);
    const words = `${detail.file}: ${r.SUBCLASS || "no class"}, z ${decimal(r.Z, 4)}, signal-to-noise ${decimal(r.SN_MEDIAN, 1)}`;
    $("#plot").setAttribute("aria-label", `Spectrum of ${words}`);
    $("#said").textContent = words;
    emit("shown", detail);
  }

  linesFor(cls) {
    const usual = (line) => !line.classes?.length || line.classes.includes(cls);
    return store.session.lines.filter(usual);
  }

  /** Everything on the right that does not change with the slider. */
  facts(detail) {
    const r = detail.results ?? {};
    const broad = store.session.classes.find((c) => c.name === r.SUBCLASS)?.broad ?? r.CLASS;
    const star = broad === "STAR";
    const z = !Number.isFinite(r.Z) ? "–" : star ? `${fixed(r.Z * C, 0)} ± ${decimal(r.Z_ERR * C, 0)} km/s` : `${fixed(r.Z, 5)} ± ${decimal(r.Z_ERR, 5)}`;
    fill($("#answer"),
      h("div", { class: "answer-class" }, r.SUBCLASS ? `${r.CLASS} ${r.SUBCLASS === r.CLASS ? "" : r.SUBCLASS}` : r.CLASS || "No class"),
      h("div", { class: "answer-z" }, `${star ? "v" : "z"} = ${z}`),
      h("div", { class: "muted" }, `P(${r.SUBCLASS || "–"}) ${probability(r.PROB)} · S/N ${decimal(r.SN_MEDIAN, 1)} · Δχ² ${Number.isFinite(r.DELTACHI2) ? short(r.DELTACHI2) : "–"}`),
      this.extras(r).map((text) => h("div", { class: "muted" }, text)));
    fill($("#warnings"), detail.warnings?.length
      ? detail.warnings.map((w) => h("li", {}, h("strong", {}, w.name), ` ${w.meaning.replace(/\.?$/, ".")}`, w.remedy ? h("span", { class: "muted" }, ` ${w.remedy}`) : ""))
      : Number.isFinite(r.ZWARNING) ? h("li", { class: "good" }, "No warning.") : h("li", { class: "muted" }, "This table has no ZWARNING: nothing is known of warnings."));
    if (detail.difference) $("#warnings").prepend(h("li", {}, h("strong", {}, "OTHER ANSWER"), " ", detail.difference));
    if (r.ERROR) $("#warnings").prepend(h("li", {}, h("strong", {}, "ERROR"), " ", r.ERROR));
    fill($("#probabilities"), probabilityBars(store.session.classes, detail.probabilities, this.cls, (name) => this.setClass(name)));
    const p = detail.pipeline ?? {};
    const row = (name, cls, redshift, extra) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, cls || "–"), h("td", { class: "number" }, decimal(redshift, 5)), h("td", { class: "muted" }, extra ?? ""));
    fill($("#beside"), h("tbody", {},
      row("Fit", r.SUBCLASS, r.Z, Number.isFinite(r.Z_ERR) ? `± ${r.Z_ERR.toPrecision(2)}` : ""),
      row("Network", detail.network?.subclass ?? "", r.Z_NET, ""),
      row("Pipeline", [p.class, p.subclass].filter(Boolean).join(" "), p.z, p.zwarning ? `ZWARNING ${p.zwarning}` : ""),
      "TRUE_CLASS" in r ? row("Truth", r.TRUE_CLASS, r.TRUE_Z, r.MISTAKE ? `wrong: ${r.MISTAKE}` : "") : ""));
    fill($("#cells"), Object.entries(r).map(([name, v]) => [
      h("dt", { title: store.session.columns.find((c) => c.name === name)?.description ?? "" }, name),
      h("dd", {}, v === null || v === "" ? "–" : typeof v === "number" && !Number.isInteger(v) ? String(Number(v.toPrecision(7))) : String(v)),
    ]));
    const m = detail.meta ?? {};
    const known = Object.entries(m).filter(([, v]) => v !== null && v !== "" && v !== undefined);
    fill($("#meta"), known.map(([k, v]) => [h("dt", {}, k), h("dd", {}, String(v))]));
    fill($("#links"), (detail.links ?? []).map((link) => h("a", { href: link.url, target: "_blank", rel: "noopener noreferrer" }, link.name)));
    this.chi.set(detail.chi2 ?? [], detail.solutions ?? [], detail.znet ?? null, this.z);
  }

  /** What the table says beyond class and redshift, where it says anything. */
  extras(r) {
    const lines = [];
    if (r.SPTYPE) lines.push(`Spectral type ${r.SPTYPE}`);
    if (Number.isFinite(r.Z_P16) && Number.isFinite(r.Z_P84)) lines.push(`z from ${fixed(r.Z_P16, 5)} to ${fixed(r.Z_P84, 5)} (68 %)`);
    if (Number.isFinite(r.FRAC_HOST)) lines.push(`${(100 * r.FRAC_HOST).toFixed(0)} % of the light from the host`);
    for (const [name, text] of [["BI_CIV", "Balnicity"], ["AI_CIV", "Absorption index"]]) {
      if (r[name] > 0) lines.push(`${text} of C IV ${r[name].toFixed(0)} ± ${decimal(r[`${name}_ERR`], 0)} km/s`);
    }
    return lines;
  }

  /** Take the automatic answer number n (from 0). */
  answer(n, { quiet = false } = {}) {
    const solutions = store.detail?.solutions ?? [];
    if (!solutions.length) {
      this.drawSolutions();
      this.plot.view.models = [];
      this.redraw();
      return;
    }
    this.solution = (n + solutions.length) % solutions.length;
    const s = solutions[this.solution];
    if (!quiet) this.setClass(s.subclass || s.class, { quiet: true });
    this.setZ(s.z, { solution: true });
    this.useModel(s.model, s.z);
    if (!s.model) this.model();
    this.drawSolutions();
    if (!quiet) announce(`Answer ${this.solution + 1} of ${solutions.length}: ${s.subclass || s.class} at ${decimal(s.z, 4)}`);
  }

  drawSolutions() {
    const solutions = store.detail?.solutions ?? [];
    const floor = solutions.length ? Math.min(...solutions.map((s) => s.chi2)) : 0;
    fill($("#solutions"), solutions.map((s, i) => h("li", {},
      h("button", { type: "button", "aria-pressed": String(i === this.solution), onclick: () => this.answer(i) },
        h("span", {}, `${i + 1}. ${s.subclass || s.class}`), h("span", { class: "number" }, decimal(s.z, 4)),
        h("span", { class: "muted number" }, `Δχ² ${briefly(s.chi2 - floor)}`),
        h("span", { class: "number", title: "probability that this class and redshift are right" }, Number.isFinite(s.prob) ? `P ${probability(s.prob)}` : "")))),
    solutions.length ? "" : h("li", { class: "muted" }, "No fit of this spectrum."));
  }

  useModel(flux, z, follow = true) {
    const detail = store.detail;
    this.plot.view.models = flux ? [{ wavelength: detail.wavelength, flux, z0: z, follow, colour: "model" }] : [];
    this.redraw();
    this.updateMinis();
  }

  /** Have the server fit the class's templates at the z that is set. */
  async model() {
    const { row } = store;
    const { z } = this;
    const cls = this.cls;
    if (!cls || isReport || store.detail?.row !== row) return;
    try {
      const answer = await api.model(row, z, cls);
      if (!answer || store.row !== row || this.z !== z || this.cls !== cls) return;
      this.useModel(answer.model, z);
      $("#chi2-here").textContent = Number.isFinite(answer.chi2) ? `χ² here ${answer.chi2.toFixed(1)}` : "";
    } catch (error) {
      $("#chi2-here").textContent = error.message;
    }
  }

  setClass(name, { quiet = false } = {}) {
    this.cls = name;
    this.plot.view.lines = this.linesFor(name);
    const select = $("#vi-class");
    if (select && [...select.options].some((option) => option.value === name)) select.value = name;
    for (const bar of document.querySelectorAll("#probabilities .bar")) bar.setAttribute("aria-pressed", String(bar.querySelector(".bar-name").textContent === name));
    if (!quiet) this.fetchModel();
    this.redraw();
  }

  setZ(z, { cls, fetch = false, solution = false, from = null } = {}) {
    this.z = Math.max(-0.99, z);
    if (cls && cls !== this.cls) {
      // A broad class keeps the subclass where it has one inside.
      const inside = store.session.classes.find((c) => c.name === this.cls)?.broad === cls;
      if (!inside) {
        const probabilities = store.detail?.probabilities ?? {};
        const options = store.session.classes.filter((c) => c.broad === cls || c.name === cls);
        options.sort((a, b) => (probabilities[b.name] ?? 0) - (probabilities[a.name] ?? 0));
        if (options.length) this.setClass(options[0].name, { quiet: true });
      }
    }
    this.plot.view.z = this.z;
    $("#chi2-here").textContent = "";
    if (from !== $("#z-slider")) $("#z-slider").value = Math.log1p(this.z);
    $("#z-field").value = fixed(this.z, 5);
    $("#velocity").textContent = Math.abs(this.z) < 0.01 ? `${fixed(this.z * C, 0)} km/s` : "";
    this.chi.z = this.z;
    this.chi.draw();
    if (!solution) this.solution = -1;
    for (const button of document.querySelectorAll("#solutions button")) if (!solution) button.setAttribute("aria-pressed", "false");
    this.updateMinis();
    this.redraw();
    if (fetch) this.fetchModel();
  }

  nudge(fraction) {
    this.setZ(this.z + fraction * (1 + this.z), { fetch: true });
  }

  /** Windows whose lines lie inside the spectrum. */
  updateMinis() {
    const detail = store.detail;
    if (!detail) return;
    const [first, last] = [detail.wavelength[0], detail.wavelength[detail.wavelength.length - 1]];
    const scale = 1 + this.z;
    let shown = 0;
    for (const mini of this.minis) {
      const low = mini.low * scale;
      const high = mini.high * scale;
      const inside = low > first && high < last && shown < 5;
      mini.cell.hidden = !inside;
      if (!inside) continue;
      shown += 1;
      if (mini.plot.spectrum !== detail) mini.plot.setSpectrum(detail, [low, high]);
      mini.plot.range = [low, high];
      Object.assign(mini.plot.view, { z: this.z, models: this.plot.view.models, lines: this.plot.view.lines });
      mini.plot.draw();
    }
  }

  hover(where) {
    $("#cursor").textContent = where
      ? `${where.wavelength.toFixed(1)} Å · rest ${(where.wavelength / (1 + this.z)).toFixed(1)} Å · flux ${where.flux === null ? "–" : where.flux.toPrecision(4)}`
      : "";
  }

  /** A clicked feature: `.` and `,` say which line it is. */
  pickFeature(wavelength) {
    const { wavelength: all, flux, error } = store.detail;
    // The extreme within a few pixels of the click is what was meant.
    const centre = indexAt(all, wavelength);
    const reach = Math.max(3, Math.round(0.004 * (this.plot.scale.last - this.plot.scale.first)));
    let best = centre;
    const levels = [];
    for (let i = Math.max(0, centre - 6 * reach); i <= Math.min(all.length - 1, centre + 6 * reach); i += 1) if (error[i] !== null) levels.push(flux[i]);
    levels.sort((a, b) => a - b);
    const level = levels[levels.length >> 1] ?? 0;
    for (let i = Math.max(0, centre - reach); i <= Math.min(all.length - 1, centre + reach); i += 1) {
      if (error[i] !== null && error[best] !== null && Math.abs(flux[i] - level) > Math.abs(flux[best] - level)) best = i;
    }
    this.feature = { wavelength: all[Math.min(best, all.length - 1)], line: -1 };
    announce(`Feature at ${this.feature.wavelength.toFixed(1)} Å: press . or , to say which line it is`);
  }

  cycleLine(by) {
    if (!this.feature) {
      announce("Click a feature first, then . and , say which line it is.");
      return;
    }
    const lines = this.plot.view.lines.filter((line) => line.major !== false && this.feature.wavelength / line.wavelength > 0.99);
    if (!lines.length) return;
    this.feature.line = (this.feature.line + by + (this.feature.line < 0 && by < 0 ? 1 : 0) + lines.length) % lines.length;
    const line = lines[this.feature.line];
    this.plot.view.marked = line.name;
    this.setZ(this.feature.wavelength / line.wavelength - 1, { fetch: true });
    announce(`${line.name} ${line.wavelength.toFixed(1)} Å: z = ${fixed(this.z, 4)}`);
  }

  async setWhy(shown) {
    $("#show-why").checked = shown;
    const { row } = store;
    if (!shown) {
      this.plot.view.why = null;
      $("#why-text").textContent = "";
      this.redraw();
      return;
    }
    $("#why-text").textContent = "looking at what the class rests on …";
    try {
      const why = await api.why(row);
      if (store.row !== row) return;
      this.plot.view.why = why?.windows ?? null;
      const strongest = [...(why?.windows ?? [])].sort((a, b) => b[2] - a[2]).filter((w) => w[2] > 0).slice(0, 3);
      $("#why-text").textContent = why
        ? `${why.class} rests most on ${strongest.map((w) => `${w[0].toFixed(0)}–${w[1].toFixed(0)} Å`).join(", ") || "no single part"}`
        : "not part of this report";
      this.redraw();
    } catch (error) {
      $("#why-text").textContent = error.message;
    }
  }
}

export { forget };
