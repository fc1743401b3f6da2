// Spectra inside another page, such as a report of mistakes: drawn by the same plot, to look at.

import { $ } from "./dom.js";
import { SpectrumPlot } from "./plot.js";

/** Unpack compressed JSON. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

const spectra = JSON.parse($("#embedded-spectra").textContent);
for (const canvas of document.querySelectorAll("canvas[data-spectrum]")) {
  const { lines, z, model, ...spectrum } = await unpacked(spectra[Number(canvas.dataset.spectrum)]);
  const plot = new SpectrumPlot(canvas, { still: true });
  const models = model ? [{ wavelength: spectrum.wavelength, flux: model, z0: z, colour: "model" }] : [];
  Object.assign(plot.view, { lines, z, models, showLines: z !== null });
  plot.setSpectrum(spectrum);
}
document.body.dataset.drawn = "true";
