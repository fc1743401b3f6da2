// The page's one way to its data: the server, or what a report has embedded.

const embedded = document.getElementById("embedded");
const data = embedded ? JSON.parse(embedded.textContent) : null;

/** Whether the page is a self-contained report without a server. */
export const isReport = data !== null;

/** What the server refused, in its own words. */
export class ApiError extends Error {
  constructor(message, status, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    throw new ApiError("The server does not answer: is `huggins view` still running?", 0);
  }
  if (!response.ok) {
    let body = {};
    try {
      body = await response.json();
    } catch {
      body = {};
    }
    throw new ApiError(body.error || `${response.status} ${response.statusText}`, response.status, body);
  }
  return response;
}

const json = async (path, options) => (await request(path, options)).json();

function post(path, body) {
  return json(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Decode float64 numbers that a report carries as base64. */
function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

export const api = {
  session: async () => (data ? data.session : json("api/session")),

  /** One column: Float64Array, or {words, codes} for text. */
  async column(name, kind) {
    if (data) return kind === "text" ? data.columns[name] : decoded(data.columns[name]);
    const response = await request(`api/columns/${encodeURIComponent(name)}`);
    return kind === "text" ? response.json() : new Float64Array(await response.arrayBuffer());
  },

  async spectrum(row, signal) {
    if (data) {
      if (!data.spectra[row]) throw new ApiError("This spectrum is not part of the report.", 404);
      return data.spectra[row];
    }
    return json(`api/spectrum/${row}`, { signal });
  },
  model: (row, z, cls) =>
    data ? Promise.resolve(null) : json(`api/spectrum/${row}/model?z=${z}&class=${encodeURIComponent(cls)}`),
  why: (row) => (data ? Promise.resolve(data.spectra[row].why ?? null) : json(`api/spectrum/${row}/why`)),
  similar: (row, n = 24) => json(`api/spectrum/${row}/similar?n=${n}`),
  async thumbnails(rows) {
    if (data) return Object.fromEntries(rows.map((row) => [row, data.thumbnails[row] ?? []]));
    return json(`api/thumbnails?rows=${rows.join(",")}`);
  },
  async map() {
    if (data) return data.map ? new Float32Array(decoded(data.map)) : null;
    return new Float32Array(await (await request("api/map")).arrayBuffer());
  },
  inspections: () => (data ? Promise.resolve({ rows: data.inspections ?? {} }) : json("api/inspections")),
  inspect: (inspection) => post("api/inspections", inspection),
  undo: () => post("api/undo", {}),
  agreement: () => json("api/agreement"),
  order: (by) => json(`api/order?by=${by}`),
  samp: (action, body = {}) => post(`api/samp/${action}`, body),
  classify: (name, body) =>
    json(`api/classify?name=${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body,
    }),
  importInspections: (name, body) =>
    json(`api/import?name=${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body,
    }),
  figure: (row, format, z) => `api/figure/${row}?format=${format}&z=${z}`,

  /** Ask for a file of some rows and hand it to the browser as a download. */
  async download(format, rows) {
    const response = await request(`api/export?format=${format}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rows }),
    });
    const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = named ? named[1] : `huggins.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  },

  /** Listen to what happens elsewhere; returns a function that ends it. */
  events(call) {
    if (data || !window.EventSource) return () => {};
    const source = new EventSource("api/events");
    source.onmessage = (message) => call(JSON.parse(message.data));
    return () => source.close();
  },
};
