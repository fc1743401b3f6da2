// The table of all rows: only what is in view exists, so 100,000 rows scroll like a hundred.

import { $, decimal, fill, h, onFrame } from "./dom.js";

const HEIGHT = 30;

const textual = (column) => column.kind === "text" || column.words;

export class Grid {
  constructor(root, { columns, value, onsort, onopen }) {
    Object.assign(this, { root, columns, value, onsort, onopen });
    this.order = new Int32Array(0);
    this.current = -1;
    this.sort = { name: null, descending: false };
    this.head = h("div", { role: "row", class: "grid-head" });
    this.body = h("div", { role: "rowgroup", class: "grid-body" });
    this.space = h("div", { class: "grid-space", role: "presentation" });
    this.scroller = h("div", { class: "grid-scroller", role: "rowgroup", tabindex: 0, "aria-label": "Rows; arrow keys move, Enter opens" }, this.space);
    this.table = h("div", { role: "grid", class: "grid", "aria-label": "Spectra" }, h("div", { role: "rowgroup" }, this.head), this.scroller);
    fill(root, this.table);
    this.draw = onFrame(() => this.drawNow());
    this.scroller.addEventListener("scroll", this.draw, { passive: true });
    new ResizeObserver(this.draw).observe(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.setColumns(columns);
  }

  setColumns(columns) {
    this.columns = columns;
    this.table.style.setProperty("--grid-columns", columns.map((c) => c.width ?? "minmax(70px, 1fr)").join(" "));
    this.drawHead();
    this.draw();
  }

  drawHead() {
    fill(this.head, this.columns.map((column) => {
      const active = this.sort.name === column.name;
      return h("div", { role: "columnheader", "aria-sort": active ? (this.sort.descending ? "descending" : "ascending") : "none" },
        h("button", { type: "button", class: textual(column) ? "grid-sort" : "grid-sort number", title: column.description ?? "", onclick: () => this.onsort(column.name) },
          column.label ?? column.name, active ? (this.sort.descending ? " ▾" : " ▴") : ""));
    }));
    this.table.setAttribute("aria-colcount", this.columns.length);
  }

  setRows(order, sort) {
    this.order = order;
    this.sort = sort;
    this.table.setAttribute("aria-rowcount", order.length + 1);
    this.space.style.height = `${order.length * HEIGHT}px`;
    this.drawHead();
    this.draw();
  }

  setCurrent(row) {
    this.current = row;
    this.draw();
  }

  /** Bring a place of the order into view. */
  show(place) {
    const top = place * HEIGHT;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop || top > scrollTop + clientHeight - HEIGHT) this.scroller.scrollTop = Math.max(0, top - clientHeight / 2);
    this.draw();
  }

  key(event) {
    const at = this.order.indexOf(this.current);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
    if (step && this.order.length) {
      event.preventDefault();
      event.stopPropagation();
      const place = Math.max(0, Math.min(this.order.length - 1, at + step));
      this.current = this.order[place];
      this.onselect?.(this.current);
      this.show(place);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      event.stopPropagation();
      this.onopen(this.current);
    }
  }

  drawNow() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / HEIGHT) - 3);
    const last = Math.min(this.order.length, Math.ceil((scrollTop + clientHeight) / HEIGHT) + 3);
    const rows = [];
    for (let place = first; place < last; place += 1) {
      const row = this.order[place];
      const chosen = row === this.current;
      const line = h("div", {
        role: "row", class: chosen ? "grid-row chosen" : "grid-row", "aria-rowindex": place + 2, "aria-selected": String(chosen),
        onclick: () => { this.current = row; this.onselect?.(row); this.draw(); }, ondblclick: () => this.onopen(row),
      }, this.columns.map((column) => h("div", { role: "gridcell", class: textual(column) ? "" : "number", title: column.full ? this.value(column, row) : "" }, this.value(column, row))));
      line.style.transform = `translateY(${place * HEIGHT}px)`;
      rows.push(line);
    }
    fill(this.space, rows);
  }
}

/** Text of a cell by the kind of its column. */
export function cellText(kind, value, digits) {
  if (kind === "text") return value;
  if (!Number.isFinite(value)) return "–";
  return kind === "int" ? String(value) : decimal(value, digits);
}
