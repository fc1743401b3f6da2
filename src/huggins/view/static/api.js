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

// The token stands in the page's address. It is sent with every request, because in the frame of
// a notebook browsers keep cookies back.
const address = new URLSearchParams(window.location.search);
const token = address.get("token") ?? "";
let scanner = address.get("scanner") ?? "";
try {
  scanner ||= sessionStorage.getItem("huggins-scanner") ?? "";
} catch {
  // No storage: the name lasts as long as the page.
}

/** Inspect under another name from now on, in this tab. */
export function setScanner(name) {
  scanner = name.trim().slice(0, 40);
  try {
    sessionStorage.setItem("huggins-scanner", scanner);
  } catch {
    // as above
  }
}

async function request(path, options = {}) {
  let response;
  const headers = { ...options.headers, "X-Huggins-Token": token };
  if (scanner) headers["X-Huggins-Scanner"] = encodeURIComponent(scanner);
  try {
    response = await fetch(path, { credentials: "same-origin", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer: start `huggins view` again, and this page goes on.", 0);
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

/** Unpack a spectrum that a report carries as compressed JSON. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const detail = await new Response(stream).json();
  if (detail.failed) throw new ApiError(detail.failed, 404, detail);
  return detail;
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
      return unpacked(data.spectra[row]);
    }
    return json(`api/spectrum/${row}`, { signal });
  },
  model: (row, z, cls) =>
    data ? Promise.resolve(null) : json(`api/spectrum/${row}/model?z=${z}&class=${encodeURIComponent(cls)}`),
  why: (row) => (data ? unpacked(data.spectra[row]).then((detail) => detail.why ?? null) : json(`api/spectrum/${row}/why`)),
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
  figure: (row, format) => `api/figure/${row}?format=${format}&token=${encodeURIComponent(token)}`,

  /** Ask for a file of some rows and hand it to the browser as a download. */
  async download(format, rows, merged = false) {
    const response = await request(`api/export?format=${format}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rows, merged }),
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
    const source = new EventSource(`api/events?token=${encodeURIComponent(token)}`);
    source.onmessage = (message) => call(JSON.parse(message.data));
    source.onerror = () => call({ type: "lost" });
    source.onopen = () => call({ type: "connected" });
    return () => source.close();
  },
};
