// Start of the page: fetch what the set is, put its parts together, connect keys and tabs.

import { api, isReport, setScanner } from "./api.js";
import { FailureChart, Histogram } from "./charts.js";
import { $, announce, debounced, decimal, fill, h, probability } from "./dom.js";
import { Grid, cellText } from "./grid.js";
import { Inspection, unsent } from "./inspect.js";
import { helpTable, listen } from "./keys.js";
import { PALETTE, ScatterMap, ramp } from "./map.js";
import { SpectrumView } from "./spectrum.js";
import { emit, has, kindOf, load, on, open, quickFilters, refresh, step, store, value } from "./store.js";

const SHOWN = ["FILE", "CLASS", "SUBCLASS", "PROB", "Z", "Z_ERR", "ZWARNING", "SN_MEDIAN", "DELTACHI2", "PIPE_CLASS", "PIPE_Z", "MISTAKE", "TRUE_CLASS", "TRUE_Z"];
/** The row that the address names, as in `page.html#row=3`; -1 where it names none. */
const rowOfAddress = () => Number(/^#row=(\d+)$/.exec(window.location.hash)?.[1] ?? -1);
const DIGITS = { PROB: 3, Z: 4, Z_ERR: 5, Z_NET: 4, PIPE_Z: 4, TRUE_Z: 4, SN_MEDIAN: 1, DELTACHI2: 1, RA: 4, DEC: 4 };

let grid;
let map;
let view;
let inspection;

/** Columns that the table shows; the choice is kept for all sets. */
const chosenColumns = new Set(SHOWN);
const CHOICE = "huggins-columns";

function drawColumnChips() {
  fill($("#column-chips"), store.session.columns.map((c) => h("button", {
    type: "button", class: "chip", "aria-pressed": String(chosenColumns.has(c.name)), title: [c.description, c.unit].filter(Boolean).join(", in "),
    onclick: async () => {
      if (!chosenColumns.delete(c.name)) chosenColumns.add(c.name);
      drawColumnChips();
      try {
        localStorage.setItem(CHOICE, JSON.stringify([...chosenColumns]));
      } catch {
        // no storage: the choice lasts as long as the page
      }
      await load([c.name]);
      grid.setColumns(shortColumns());
    },
  }, c.name)));
}

function shortColumns() {
  const usual = SHOWN.filter((name) => has(name) && chosenColumns.has(name));
  const names = [...usual, ...store.session.columns.map((c) => c.name).filter((name) => chosenColumns.has(name) && !SHOWN.includes(name))];
  const columns = names.map((name) => {
    const about = store.session.columns.find((c) => c.name === name);
    return { name, kind: about.kind, description: about.description, full: name === "FILE", words: name === "ZWARNING", width: name === "FILE" ? "minmax(180px, 3fr)" : name === "ZWARNING" ? "minmax(150px, 2fr)" : `minmax(${Math.max(70, 9 * name.length + 24)}px, 1fr)` };
  });
  if (!isReport) columns.push({ name: "INSPECTED", label: "INSPECTED", kind: "text", width: "minmax(112px, 1fr)" });
  return columns;
}

function cell(column, row) {
  if (column.name === "INSPECTED") {
    const seen = store.inspections[row];
    return seen ? `${seen.class || "none"} · ${seen.quality}` : "";
  }
  const v = value(column.name, row);
  if (column.name === "ZWARNING") return Number.isFinite(v) ? bitNames(v) : "–";
  if (column.name === "FILE") {
    const index = store.columns.get("INDEX") ? value("INDEX", row) : 0;
    return String(v).split("/").pop() + (index ? ` [${index}]` : "");
  }
  if (column.name === "PROB") return probability(v);
  return cellText(column.kind, v, DIGITS[column.name] ?? 4);
}

function bitNames(mask) {
  const names = store.session.bits.filter((bit) => Math.floor(mask / bit.value) % 2 === 1).map((bit) => bit.name);
  return names.join(" ") || "0";
}

// ---- filter and sort -------------------------------------------------------------------------

// The current row is replaced where it is not among those of a new filter; `stay` keeps it also
// then, where the order changes for another reason.
async function update({ keep = true, stay = false } = {}) {
  const field = $("#filter");
  try {
    await refresh();
    field.setAttribute("aria-invalid", "false");
    $("#filter-error").textContent = "";
  } catch (error) {
    field.setAttribute("aria-invalid", "true");
    $("#filter-error").textContent = error.message;
    return;
  }
  const gone = store.row < 0 || (!stay && !store.order.includes(store.row));
  if (store.order.length && (!keep || gone)) open(store.order[0]);
}

function drawChips() {
  const chip = (id, text, title) => h("button", {
    type: "button", class: "chip", "aria-pressed": String(store.chips.has(id)), title: title ?? "",
    onclick: () => {
      if (!store.chips.delete(id)) store.chips.add(id);
      drawChips();
      update();
    },
  }, text);
  fill($("#chips"), quickFilters().map((entry) => chip(entry.id, entry.label, entry.text)),
    isReport ? "" : chip("open", "Not inspected", "rows that nobody has inspected"));
  fill($("#class-chips"), store.session.classes.map((c) => chip(`class:${c.name}`, c.name, c.label)));
  fill($("#bit-chips"), store.session.bits.map((b) => chip(`bit:${b.name}`, b.name, b.meaning)));
  const active = store.chips.size + (store.filter ? 1 : 0) + (store.picked ? 1 : 0);
  $("#clear").hidden = !active;
}

function pick(rows, words) {
  store.picked = rows ? Int32Array.from(rows) : null;
  $("#picked").textContent = rows ? words : "";
  $("#picked").hidden = !rows;
  drawChips();
  update({ keep: false });
}

function clearAll() {
  store.chips.clear();
  store.filter = "";
  $("#filter").value = "";
  pick(null);
}

// ---- list of the next spectra ----------------------------------------------------------------

const thumbnails = new Map();
let drawn = false; // the first spectrum

const drawQueue = debounced(async () => {
  const place = Math.max(0, store.order.indexOf(store.row));
  const rows = [...store.order.slice(Math.max(0, place - 2), place + 10)];
  const missing = rows.filter((row) => !thumbnails.has(row));
  const draw = () => fill($("#queue"), rows.map((row) => h("li", {},
    h("button", { type: "button", "aria-current": row === store.row ? "true" : null, onclick: () => open(row) },
      h("span", { class: "queue-name" }, value("SUBCLASS", row) || "–", h("span", { class: "muted" }, ` ${decimal(value("Z", row), 3)}`),
        store.inspections[row] ? h("span", { class: "tick", title: "inspected" }, " ✓") : "",
        value("ZWARNING", row) > 0 ? h("span", { class: "flag", title: bitNames(value("ZWARNING", row)) }, " ⚑") : ""),
      sparkline(thumbnails.get(row))))));
  draw();
  if (!missing.length || !drawn) return;
  try {
    const answer = await api.thumbnails(missing);
    for (const row of missing) thumbnails.set(row, answer[row] ?? []);
    draw();
  } catch {
    // The list stays without pictures; the spectrum itself says what is wrong.
  }
}, 30);

function sparkline(points) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  if (points?.length) {
    const line = document.createElementNS(NS, "polyline");
    line.setAttribute("points", points.map(([x, y]) => `${(100 * x).toFixed(1)},${(29 - 28 * y).toFixed(1)}`).join(" "));
    svg.append(line);
  }
  return svg;
}

// ---- tabs ------------------------------------------------------------------------------------

const charts = {};

function showTab(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const active = tab.dataset.tab === name;
    tab.setAttribute("aria-selected", String(active));
    tab.tabIndex = active ? 0 : -1;
    $(`#tab-${tab.dataset.tab}`).hidden = !active;
  }
  store.tab = name;
  if (name === "table") grid.show(Math.max(0, store.order.indexOf(store.row)));
  if (name === "map") drawMap();
  if (name === "counts") drawCounts();
  if (name === "agreement") drawAgreement();
}

async function drawMap() {
  const note = $("#map-note");
  try {
    if (!store.points) {
      note.textContent = "The features of the spectra are being computed …";
      store.points = await api.map();
      if (!store.points) throw new Error("This report has no map.");
    }
    const by = $("#map-colour").value;
    await load([by]);
    const column = store.columns.get(by);
    let paint = () => PALETTE[0];
    const legend = [];
    if (column?.kind === "text") {
      const counts = new Map();
      for (const row of store.order) counts.set(column.codes[row], (counts.get(column.codes[row]) ?? 0) + 1);
      const top = [...counts.entries()].sort((a, b) => b[1] - a[1]).map(([code]) => code);
      paint = (row) => PALETTE[Math.min(top.indexOf(column.codes[row]), PALETTE.length - 1)] ?? PALETTE[PALETTE.length - 1];
      top.slice(0, PALETTE.length).forEach((code, i) => {
        const swatch = h("i", {});
        swatch.style.background = PALETTE[i];
        legend.push(h("span", { class: "legend" }, swatch, i === PALETTE.length - 1 && top.length > PALETTE.length ? "others" : column.words[code] || "none"));
      });
    } else if (column) {
      const known = Float64Array.from(store.order, (row) => column.values[row]).filter(Number.isFinite).sort();
      const low = known[Math.floor(0.02 * known.length)] ?? 0;
      const high = known[Math.floor(0.98 * (known.length - 1))] ?? 1;
      paint = (row) => (Number.isFinite(column.values[row]) ? ramp((column.values[row] - low) / (high - low || 1)) : "#888");
      for (const f of [0, 0.5, 1]) {
        const swatch = h("i", {});
        swatch.style.background = ramp(f);
        legend.push(h("span", { class: "legend" }, swatch, decimal(low + f * (high - low), 2)));
      }
    }
    fill($("#map-legend"), legend);
    map.current = store.row;
    map.set(store.points, store.order, paint);
    note.textContent = "Click a point to open it; draw a loop around points to select them.";
  } catch (error) {
    note.textContent = error.message;
    if (error.status === 409) setTimeout(() => store.tab === "map" && drawMap(), 1500);
  }
}

async function drawCounts() {
  const numbers = ["SN_MEDIAN", "Z", "PROB", "DELTACHI2"].filter(has);
  await load([...numbers, "ZWARNING", "FIBERID", "PLATE", "SUBCLASS"].filter(has));
  const classes = new Map();
  const column = store.columns.get("SUBCLASS");
  for (const row of store.order) {
    const name = column ? column.words[column.codes[row]] || "none" : "none";
    classes.set(name, (classes.get(name) ?? 0) + 1);
  }
  const warnings = new Map(store.session.bits.map((bit) => [bit.name, 0]));
  const flags = store.columns.get("ZWARNING")?.values;
  if (flags) for (const row of store.order) for (const bit of store.session.bits) if (Math.floor(flags[row] / bit.value) % 2 === 1) warnings.set(bit.name, warnings.get(bit.name) + 1);
  const list = (title, entries, pickOne) => h("section", {}, h("h2", { class: "small" }, title), h("table", { class: "counts" }, h("tbody", {}, entries.map(([name, n]) => h("tr", {},
    h("th", { scope: "row" }, h("button", { type: "button", class: "link", onclick: () => pickOne(name) }, name)), h("td", { class: "number" }, n.toLocaleString("en")),
    h("td", {}, h("progress", { max: Math.max(store.order.length, 1), value: n, "aria-hidden": "true" })))))));
  const turn = (id) => {
    if (!store.chips.delete(id)) store.chips.add(id);
    drawChips();
    update();
  };
  fill($("#count-lists"),
    list("Classes", [...classes].sort((a, b) => b[1] - a[1]), (name) => name !== "none" && turn(`class:${name}`)),
    list("Warnings", [...warnings].filter(([, n]) => n).sort((a, b) => b[1] - a[1]), (name) => turn(`bit:${name}`)));
  for (const name of numbers) {
    charts[name] ??= new Histogram(addChart(name), name);
    charts[name].set(store.columns.get(name).values, store.order);
  }
  if (!flags) return;
  const flagged = Array.from(flags, (bits) => bits > 0);
  for (const name of ["FIBERID", "PLATE"].filter(has)) {
    charts[name] ??= new FailureChart(addChart(name), `Fraction with a warning by ${name}`);
    charts[name].set(store.columns.get(name).values, flagged, store.order);
  }
}

function addChart(label) {
  const canvas = h("canvas", { class: "chart", role: "img", "aria-label": label });
  $("#count-charts").append(canvas);
  return canvas;
}

/** What two inspectors say together, without the spectra on which they differ. */
async function merged(format) {
  try {
    await api.download(format, null, true);
  } catch (error) {
    announce(error.message, "error");
  }
}

async function drawAgreement() {
  try {
    const a = await api.agreement();
    if (!a.scanners || a.scanners.length < 2) {
      fill($("#agreement"), h("p", {}, "One inspector so far. A second one starts the page with another name (", h("code", {}, "huggins view TABLE --scanner NAME --blind"), ") and sees nothing of the first."));
      return;
    }
    fill($("#agreement"),
      h("p", {}, `${a.scanners.join(" and ")} have both inspected ${a.n} spectra. Cohen's κ of the class: ${decimal(a.kappa, 3)} (95 % interval ${decimal(a.low, 3)} to ${decimal(a.high, 3)}). Redshifts differ by more than 1000 km/s in ${a.z_differs}.`),
      h("div", { class: "row" }, h("button", { type: "button", onclick: () => merged("labels") }, "Merged, as labels"), h("button", { type: "button", onclick: () => merged("desi-csv") }, "Merged, DESI VI (CSV)")),
      a.rows?.length ? h("button", { type: "button", onclick: () => { pick(a.rows, "Rows on which the inspectors differ"); showTab("spectrum"); } }, `Look at the ${a.rows.length} on which they differ`) : "");
  } catch (error) {
    fill($("#agreement"), error.message);
  }
}

// ---- menus, files, events --------------------------------------------------------------------

function bindMenus() {
  fill($("#sort-worth"), "Worth a look first");
  $("#sort-worth").addEventListener("click", async () => {
    try {
      const { rows } = await api.order("worth");
      store.sort = { name: null, descending: false };
      pick(rows, "Ordered by how much a look is worth: doubt, disagreement, novelty");
    } catch (error) {
      announce(error.message, "error");
    }
  });
  $("#clear").addEventListener("click", clearAll);
  $("#filter").addEventListener("input", debounced((event) => {
    store.filter = event.target.value;
    drawChips();
    update();
  }, 150));
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", async () => {
      try {
        await api.download(button.dataset.export, [...store.order]);
      } catch (error) {
        announce(error.message, "error");
      }
    });
  }
  for (const button of document.querySelectorAll("[data-figure]")) {
    button.addEventListener("click", () => {
      const link = h("a", { href: api.figure(store.row, button.dataset.figure), download: "" });
      document.body.append(link);
      link.click();
      link.remove();
    });
  }
  for (const button of document.querySelectorAll("[data-samp]")) {
    button.addEventListener("click", async () => {
      try {
        const answer = await api.samp(button.dataset.samp, { rows: [...store.order] });
        announce(answer.message ?? "Sent.");
      } catch (error) {
        announce(error.message, "error");
      }
    });
  }
  $("#import-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    try {
      const answer = await api.importInspections(file.name, await file.arrayBuffer());
      announce(answer.message);
      store.inspections = (await api.inspections()).rows;
      emit("inspection", -1);
      inspection.show();
    } catch (error) {
      announce(error.message, "error");
    }
    event.target.value = "";
  });
  $("#scanner").value = store.session.scanner ?? "";
  $("#scanner").addEventListener("change", async (event) => {
    setScanner(event.target.value);
    try {
      store.session.scanner = (await api.session()).scanner;
      store.inspections = (await api.inspections()).rows;
      event.target.value = store.session.scanner;
      emit("inspection", -1);
      inspection.show();
    } catch (error) {
      announce(error.message, "error");
    }
  });
  $("#help-button").addEventListener("click", () => $("#help").showModal());
  $("#theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("huggins-theme", root.dataset.theme);
    } catch {
      // A page from a file may have no storage: the choice then lasts as long as the page.
    }
    view.redraw();
    view.chi.draw();
    Object.values(charts).forEach((chart) => chart.draw());
    map.draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.redraw());
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => showTab(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const visible = tabs.filter((t) => !t.hidden);
      const next = visible[(visible.indexOf(tab) + by + visible.length) % visible.length];
      next.focus();
      showTab(next.dataset.tab);
      void i;
    });
  });
}

function bindDrop() {
  const classify = async (name, body) => {
    announce(`Classifying ${name} …`);
    try {
      const { row, count } = await api.classify(name, body);
      clearAll();
      await grow(count ?? row + 1);
      showTab("spectrum");
      open(row);
    } catch (error) {
      announce(error.message, "error");
    }
  };
  const zone = document.body;
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("dragging");
  });
  zone.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) zone.classList.remove("dragging");
  });
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("dragging");
    for (const file of event.dataTransfer.files) await classify(file.name, await file.arrayBuffer());
  });
  $("#open-file").addEventListener("change", async (event) => {
    for (const file of event.target.files) await classify(file.name, await file.arrayBuffer());
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (event.target.matches("input, textarea")) return;
    const text = event.clipboardData.getData("text/plain");
    if (/\d.*\n.*\d/.test(text)) classify("pasted.txt", new TextEncoder().encode(text));
  });
}

/** The set has more rows than it had. */
async function grow(count) {
  if (count === store.session.count) return;
  store.session.count = count;
  store.columns.clear();
  store.points = null;
  $("#nothing").hidden = true;
  await load(["INDEX", ...SHOWN, ...chosenColumns]);
  await update({ stay: true });
}

// Rows that come quickly are taken in a few times a second.
const growing = debounced((count) => grow(count), 300);

/** What everybody has to know: rows that are still to come, a server that is gone. */
function drawBanner() {
  const banner = $("#banner");
  const { session, lost } = store;
  const waiting = isReport ? 0 : unsent().length;
  const answers = waiting === 1 ? "1 inspection waits" : `${waiting} inspections wait`;
  let text = session.note ?? "";
  if (lost) text = `The server does not answer. ${waiting ? `${answers} in this browser, to be stored when it is back` : "Nothing that was stored is lost"}: start \`huggins view\` again, and this page goes on.`;
  else if (waiting) text = `${answers} in this browser until the server takes them.`;
  else if (session.progress?.error) text = session.progress.error;
  else if (session.classified === false) {
    const { done, total } = session.progress;
    text = `Classifying: ${done.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""} files done. What is there can be looked at already.`;
  }
  banner.textContent = text;
  banner.hidden = !text;
  banner.dataset.kind = lost || session.progress?.error ? "error" : "info";
}

async function heard(event) {
  if (event.type === "row" && event.row !== store.row) open(event.row);
  if (event.type === "message") announce(event.text);
  if (event.type === "inspection") {
    store.inspections[event.row] = event.inspection;
    emit("inspection", event.row);
  }
  if (event.type === "rows" || event.type === "classified") growing(event.count);
  if (event.type === "lost") {
    store.lost = true;
    drawBanner();
  }
  if (["connected", "rows", "classified"].includes(event.type)) {
    const wasLost = store.lost;
    store.lost = false;
    try {
      Object.assign(store.session, await api.session(), { count: store.session.count });
    } catch {
      return;
    }
    drawBanner();
    if (event.type === "connected") await inspection.flush();
    if (wasLost && !store.detail && store.row >= 0) open(store.row);
  }
}

function actions() {
  const spectrum = (call) => () => {
    if (store.tab !== "spectrum") showTab("spectrum");
    if (store.detail) call();
  };
  const result = {
    next: () => step(1), previous: () => step(-1),
    accept: spectrum(() => inspection.accept()), undo: () => !isReport && inspection.undo(),
    solutionNext: spectrum(() => view.answer(view.solution + 1)),
    solutionPrevious: spectrum(() => view.answer(view.solution < 0 ? 0 : view.solution - 1)),
    focusZ: spectrum(() => { $("#z-field").focus(); $("#z-field").select(); }),
    zUp: spectrum(() => view.nudge(1e-4)), zDown: spectrum(() => view.nudge(-1e-4)),
    zUpMore: spectrum(() => view.nudge(2e-3)), zDownMore: spectrum(() => view.nudge(-2e-3)),
    lineNext: spectrum(() => view.cycleLine(1)), linePrevious: spectrum(() => view.cycleLine(-1)),
    focusClass: spectrum(() => $("#vi-class").focus()), focusComment: spectrum(() => $("#vi-comment").focus()),
    smoothMore: spectrum(() => view.setSmoothing(view.smoothing + 1)), smoothLess: spectrum(() => view.setSmoothing(view.smoothing - 1)),
    zoomIn: spectrum(() => view.plot.zoom(0.6)), zoomOut: spectrum(() => view.plot.zoom(1 / 0.6)),
    panLeft: spectrum(() => view.plot.pan(-0.25)), panRight: spectrum(() => view.plot.pan(0.25)),
    resetPlot: spectrum(() => view.plot.reset()),
    toggleRest: spectrum(() => view.toggle("show-rest")), toggleModel: spectrum(() => view.toggle("show-model")),
    toggleLines: spectrum(() => view.toggle("show-lines")), toggleError: spectrum(() => view.toggle("show-error")),
    toggleWhy: spectrum(() => view.toggle("show-why")),
    focusFilter: () => $("#filter").focus(),
    similar: async () => {
      if (isReport || store.row < 0) return;
      try {
        const { rows } = await api.similar(store.row);
        pick(rows, `Most like row ${store.row}`);
      } catch (error) {
        announce(error.message, "error");
      }
    },
    help: () => $("#help").showModal(),
    leave: () => $("#help").close(),
  };
  for (const q of [0, 1, 2, 3, 4]) result[`quality${q}`] = spectrum(() => !isReport && inspection.setQuality(q));
  for (const flag of ["R", "C", "S"]) result[`issue${flag}`] = spectrum(() => !isReport && inspection.toggleIssue(flag));
  return result;
}

async function start() {
  try {
    const theme = localStorage.getItem("huggins-theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // no storage: the system's choice of light or dark
  }
  try {
    const names = JSON.parse(localStorage.getItem(CHOICE));
    if (Array.isArray(names) && names.length) {
      chosenColumns.clear();
      names.forEach((name) => chosenColumns.add(name));
    }
  } catch {
    // no storage, or no list: the usual columns
  }
  const [session, inspections] = await Promise.all([api.session(), api.inspections()]);
  store.session = session;
  document.title = `${session.name} – huggins`;
  fill($("#set-name"), session.name);
  $("#set-name").title = session.source ?? "";
  if (!session.count) {
    $("#nothing").hidden = false;
    $("#nothing p").textContent = session.classified === false
      ? "The first spectra are being classified …"
      : "This set holds no spectrum. Drop a file on the page to classify it.";
  }
  store.inspections = inspections.rows ?? {};
  fill($("#help-keys"), helpTable());
  for (const element of document.querySelectorAll("[data-server]")) element.hidden = isReport;
  view = new SpectrumView();
  inspection = new Inspection(view);
  grid = new Grid($("#grid"), {
    columns: shortColumns(), value: cell,
    onsort: (name) => {
      if (!has(name)) return;
      store.sort = { name, descending: store.sort.name === name && !store.sort.descending };
      update({ stay: true });
    },
    onopen: (row) => { showTab("spectrum"); open(row); },
  });
  drawColumnChips();
  grid.onselect = (row) => open(row);
  map = new ScatterMap($("#map"), {
    onopen: (row) => { showTab("spectrum"); open(row); },
    onlasso: (rows) => pick(rows, `${rows.length.toLocaleString("en")} rows chosen on the map`),
  });
  const colourable = session.columns.filter((c) => !["FILE", "ERROR"].includes(c.name) && !c.name.startsWith("P_"));
  fill($("#map-colour"), colourable.map((c) => h("option", { value: c.name, selected: c.name === "SUBCLASS" }, c.name)));
  $("#map-colour").addEventListener("change", drawMap);
  on("order", () => {
    grid.setRows(store.order, store.sort);
    $("#count").textContent = `${store.order.length.toLocaleString("en")} of ${session.count.toLocaleString("en")}`;
    drawQueue();
    if (store.tab === "map") drawMap();
    if (store.tab === "counts") drawCounts();
    const place = store.order.indexOf(store.row);
    if (store.row >= 0) $("#place").textContent = place >= 0 ? `${(place + 1).toLocaleString("en")} of ${store.order.length.toLocaleString("en")}` : `row ${store.row}, not in the filter`;
  });
  on("row", (row) => {
    grid.setCurrent(row);
    drawQueue();
    map.current = row;
    map.draw();
    if (session.samp) api.samp("highlight", { row }).catch(() => {});
  });
  on("inspection", () => { grid.draw(); drawQueue(); progress(); });
  on("open", (row) => open(row));
  bindMenus();
  if (!isReport) bindDrop();
  listen(actions());
  drawChips();
  $("#previous").addEventListener("click", () => step(-1));
  $("#next").addEventListener("click", () => step(1));
  $("#similar").addEventListener("click", actions().similar);
  showTab("spectrum");
  // The first spectrum does not wait for the columns and thumbnails: they come behind it.
  const first = new Promise((resolve) => {
    if (!session.count) resolve();
    on("detail", resolve);
  });
  window.addEventListener("hashchange", () => open(rowOfAddress()));
  if (rowOfAddress() >= 0) open(rowOfAddress());
  await update({ keep: rowOfAddress() >= 0 });
  await first;
  drawn = true;
  await load(["INDEX", ...SHOWN, ...chosenColumns]);
  emit("order");
  progress();
  drawBanner();
  on("unsent", drawBanner);
  api.events(heard);
  document.body.dataset.ready = "true";
}

function progress() {
  const done = Object.keys(store.inspections).length;
  $("#progress").textContent = isReport ? "" : `${store.session.scanner}: ${done.toLocaleString("en")} inspected`;
}

start().catch((error) => {
  $("#nothing").hidden = false;
  $("#nothing p").textContent = error.message;
  document.body.dataset.ready = "error";
});

// For the tests and for the console: what the page holds, and how long it took to draw.
window.huggins = { store, get view() { return view; }, kindOf };
