// Visual inspection: class, quality, flags, comment; everything is stored by the server at once.

import { api, isReport } from "./api.js";
import { $, announce, decimal, fill, h } from "./dom.js";
import { emit, forget, on, step, store } from "./store.js";

const ISSUES = { R: "bad redshift", C: "wrong class", S: "bad spectrum" };

const place = () => `huggins-unsent:${store.session?.source ?? ""}`;
let memory = [];

/** Inspections that the server does not have yet; they outlive a closed tab. */
export function unsent() {
  try {
    return JSON.parse(localStorage.getItem(place()) ?? "[]");
  } catch {
    return memory;
  }
}

function keep(inspections) {
  memory = inspections;
  try {
    localStorage.setItem(place(), JSON.stringify(inspections));
  } catch {
    // No storage: they wait in memory.
  }
}

export class Inspection {
  constructor(view) {
    this.view = view;
    this.quality = null;
    this.issues = new Set();
    $("#inspection").hidden = isReport;
    if (isReport) return;
    fill($("#vi-class"), h("option", { value: "" }, "none of them"), store.session.classes.map((c) => h("option", { value: c.name }, `${c.name} – ${c.label}`)));
    $("#vi-class").addEventListener("change", (event) => view.setClass(event.target.value));
    fill($("#vi-quality"), [0, 1, 2, 3, 4].map((q) => h("button", { type: "button", "aria-pressed": "false", dataset: { q: String(q) }, onclick: () => this.setQuality(q) }, String(q))));
    fill($("#vi-issues"), Object.entries(ISSUES).map(([key, text]) => h("button", { type: "button", "aria-pressed": "false", dataset: { issue: key }, title: text, onclick: () => this.toggleIssue(key) }, `${key} ${text.split(" ")[1]}`)));
    $("#vi-accept").addEventListener("click", () => this.accept());
    $("#vi-undo").addEventListener("click", () => this.undo());
    $("#vi-comment").addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); event.target.blur(); }
    });
    on("shown", () => this.show());
  }

  show() {
    const stored = store.inspections[store.row] ?? store.detail?.inspection ?? null;
    this.quality = stored?.quality ?? null;
    this.issues = new Set(stored?.issues ?? "");
    $("#vi-comment").value = stored?.comment ?? "";
    if (stored) {
      this.view.setClass(stored.class ?? "", { quiet: true });
      if (Number.isFinite(stored.z) && Math.abs(stored.z - this.view.z) > 1e-6) this.view.setZ(stored.z, { fetch: true });
    }
    $("#vi-class").value = this.view.cls;
    $("#vi-state").textContent = stored
      ? `Inspected${stored.scanner ? ` by ${stored.scanner}` : ""}: ${stored.class || "none"} at ${decimal(stored.z, 4)}, quality ${stored.quality}`
      : "Not inspected yet";
    this.draw();
  }

  draw() {
    for (const button of $("#vi-quality").children) button.setAttribute("aria-pressed", String(Number(button.dataset.q) === this.quality));
    for (const button of $("#vi-issues").children) button.setAttribute("aria-pressed", String(this.issues.has(button.dataset.issue)));
  }

  setQuality(q) {
    this.quality = q;
    this.draw();
    announce(`Quality ${q}`);
  }

  toggleIssue(key) {
    if (!this.issues.delete(key)) this.issues.add(key);
    this.draw();
  }

  /** Store what is set and go on to the next spectrum. */
  async accept() {
    const { row } = store;
    if (isReport || store.detail?.row !== row) return; // what is shown is still another spectrum
    const inspection = {
      row,
      class: $("#vi-class").value,
      quality: this.quality ?? 3,
      z: Number(this.view.z.toFixed(6)),
      issues: [...this.issues].sort().join(""),
      comment: $("#vi-comment").value.trim(),
    };
    let stored;
    try {
      stored = await api.inspect(inspection);
      announce(`Stored: ${stored.class || "none"} at ${decimal(stored.z, 4)}, quality ${stored.quality}`);
    } catch (error) {
      if (error.status !== 0) {
        announce(`Not stored: ${error.message}`, "error");
        return;
      }
      // The server is gone: the answer waits in the browser until it is back.
      keep([...unsent(), inspection]);
      stored = inspection;
      emit("unsent");
    }
    store.inspections[row] = stored;
    forget(row);
    emit("inspection", row);
    if (store.row === row && !step(1)) this.show();
  }

  /** Store what had to wait for the server. */
  async flush() {
    const waiting = unsent();
    let done = 0;
    for (const inspection of waiting) {
      try {
        store.inspections[inspection.row] = await api.inspect(inspection);
        done += 1;
        keep(waiting.slice(done));
      } catch (error) {
        if (error.status === 0) break;
        announce(`Not stored: ${error.message}`, "error");
        break;
      }
    }
    emit("unsent");
    if (done) {
      emit("inspection", -1);
      announce(`The server is back: ${done} waiting ${done === 1 ? "inspection is" : "inspections are"} stored.`);
    }
  }

  async undo() {
    try {
      const { row, inspection } = await api.undo();
      if (row === null || row === undefined) {
        announce("Nothing to undo.");
        return;
      }
      if (inspection) store.inspections[row] = inspection;
      else delete store.inspections[row];
      forget(row);
      emit("inspection", row);
      emit("open", row);
      announce("The last inspection is undone.");
    } catch (error) {
      announce(error.message, "error");
    }
  }
}
