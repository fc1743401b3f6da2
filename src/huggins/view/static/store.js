// What the page knows: the set, its columns, which rows are shown in which order, the current one.

import { api } from "./api.js";
import { columnsOf, compile, sorted } from "./filter.js";

export const store = {
  session: null,
  columns: new Map(), // name -> {kind, values} or {kind: "text", words, codes}
  order: new Int32Array(0), // rows that pass the filter, in order
  row: -1,
  filter: "", // the expression
  chips: new Set(), // quick filters that are on
  picked: null, // rows of a lasso or of "more like this", in their order; null: all
  sort: { name: null, descending: false },
  inspections: {},
  detail: null, // the current spectrum
};

const listeners = new Map();

/** Call when something of this name happens: "order", "row", "detail", "inspection", "session". */
export function on(name, call) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(call);
}

export function emit(name, ...values) {
  for (const call of listeners.get(name) ?? []) call(...values);
}

export const kindOf = (name) => store.session.columns.find((column) => column.name === name)?.kind;
export const has = (name) => kindOf(name) !== undefined;

/** Fetch columns that are not here yet. Names that do not exist are an error of the filter, not of the fetch. */
export async function load(names) {
  await Promise.all(names.filter((name) => has(name) && !store.columns.has(name)).map(async (name) => {
    const kind = kindOf(name);
    const data = await api.column(name, kind);
    store.columns.set(name, kind === "text" ? { kind, words: data.words, codes: data.codes } : { kind, values: data });
  }));
}

/** Value of a loaded column in a row; NaN or "" where it is missing. */
export function value(name, row) {
  const column = store.columns.get(name);
  if (!column) return NaN;
  return column.kind === "text" ? column.words[column.codes[row]] : column.values[row];
}

export const bits = () => Object.fromEntries(store.session.bits.map((bit) => [bit.name, bit.value]));

/** Quick filters, each with its expression; those whose columns are missing are left out. */
export function quickFilters() {
  const list = [
    { id: "warned", label: "Warning", text: "ZWARNING != 0", needs: ["ZWARNING"] },
    { id: "clean", label: "No warning", text: "ZWARNING == 0", needs: ["ZWARNING"] },
    { id: "doubtful", label: "PROB < 0.9", text: "PROB < 0.9", needs: ["PROB"] },
    { id: "pipeline", label: "Unlike pipeline", text: 'PIPE_CLASS != "" and CLASS != "" and CLASS != PIPE_CLASS', needs: ["PIPE_CLASS", "CLASS"] },
    { id: "failed", label: "Failed", text: 'ERROR != ""', needs: ["ERROR"] },
  ];
  return list.filter((entry) => entry.needs.every(has));
}

/** The whole condition in the language of `--where`. */
export function condition() {
  const parts = quickFilters().filter((entry) => store.chips.has(entry.id)).map((entry) => entry.text);
  const classes = [...store.chips].filter((chip) => chip.startsWith("class:")).map((chip) => JSON.stringify(chip.slice(6)));
  if (classes.length) parts.push(`SUBCLASS in (${classes.join(", ")})`);
  for (const chip of store.chips) if (chip.startsWith("bit:")) parts.push(`ZWARNING has ${chip.slice(4)}`);
  if (store.filter.trim()) parts.push(`(${store.filter.trim()})`);
  return parts.join(" and ");
}

/** Apply filter and sort; throws an Error that says what is not understood in the expression. */
export async function refresh() {
  const text = condition();
  const names = columnsOf(text).filter(has);
  if (store.sort.name) names.push(store.sort.name);
  await load(names);
  const started = performance.now();
  const test = text ? compile(text, store.columns, bits()) : null;
  let rows = store.picked ?? Int32Array.from({ length: store.session.count }, (_, i) => i);
  if (test) rows = Int32Array.from(rows).filter((row) => test(row) && (!store.chips.has("open") || !store.inspections[row]));
  else if (store.chips.has("open")) rows = Int32Array.from(rows).filter((row) => !store.inspections[row]);
  if (store.sort.name) rows = sorted(rows, store.columns.get(store.sort.name), store.sort.descending);
  store.order = Int32Array.from(rows);
  store.refreshed = performance.now() - started;
  emit("order");
}

let controller = null;
const ahead = new Map(); // row -> promise of its detail: the next ones are fetched before they are asked for

function fetched(row, signal) {
  if (!ahead.has(row)) {
    ahead.set(row, api.spectrum(row, signal));
    ahead.get(row).catch(() => ahead.delete(row));
    if (ahead.size > 12) ahead.delete(ahead.keys().next().value);
  }
  return ahead.get(row);
}

/** Forget a spectrum that was fetched, because what is known of it has changed. */
export const forget = (row) => ahead.delete(row);

/** Make a row the current one. */
export async function open(row) {
  if (row < 0 || row >= store.session.count) return;
  store.row = row;
  emit("row", row);
  controller?.abort();
  controller = new AbortController();
  const place = store.order.indexOf(row);
  try {
    const detail = await fetched(row);
    if (store.row !== row) return;
    store.detail = detail;
    emit("detail", detail, null);
  } catch (error) {
    if (store.row === row) {
      store.detail = null;
      emit("detail", null, error);
    }
  }
  for (const next of [place + 1, place + 2]) {
    if (place >= 0 && next < store.order.length) fetched(store.order[next]).catch(() => {});
  }
}

/** Go on by some places in the order; stays at its ends. */
export function step(by) {
  if (!store.order.length) return false;
  const place = store.order.indexOf(store.row);
  const next = place < 0 ? 0 : Math.max(0, Math.min(store.order.length - 1, place + by));
  if (store.order[next] === store.row) return false;
  open(store.order[next]);
  return true;
}
