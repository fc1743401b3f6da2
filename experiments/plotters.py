"""Time a redraw of 4,600 pixels by the page's own canvas, by BokehJS and by dygraphs.

    python -m pip download --no-deps bokeh dygraphs -d FOLDER
    python -m experiments.plotters FOLDER

Each draws flux, error and model (three lines) on 900 x 400 pixels and moves the shown range 60
times, one frame each. What counts is the time that the browser's main thread is busy a frame
(TaskDuration of Chromium's performance domain), less that of frames in which nothing is drawn.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

FRAMES = 60
DATA = """
const x = Array.from({length: 4600}, (_, i) => 3600 * Math.pow(10, 1e-4 * i));
const flux = x.map((v, i) => 5 + Math.sin(i / 40) + Math.random());
const error = x.map(() => 0.4 + 0.1 * Math.random());
const model = x.map((v, i) => 5 + Math.sin(i / 40));
const moved = (k) => [3700 + 20 * k, 8700 + 20 * k];
const frame = () => new Promise((done) => requestAnimationFrame(done));
"""
LOOP = "async (frames) => { for (let k = 0; k < frames; k += 1) { %s; await frame(); } }"
PLACE = "<div id='place' style='width:900px;height:400px'></div>"


def main(folder: Path) -> None:
    """Print bytes of the script and milliseconds a frame for each of the three."""
    from playwright.sync_api import sync_playwright

    import huggins

    bokeh = _member(folder, "bokeh", "bokeh/server/static/js/bokeh.min.js")
    api = _member(folder, "bokeh", "bokeh/server/static/js/bokeh-api.min.js")
    dygraphs = _member(folder, "dygraphs", "dygraphs/assets/dygraph-combined.js")
    static = Path(huggins.__file__).parent / "view" / "static"
    own = "".join((static / name).read_text() for name in ("dom.js", "plot.js"))
    own = "\n".join(line for line in own.splitlines() if not line.startswith("import "))
    own = own.replace("export ", "")
    cases = {
        "canvas of our own": (
            [own],
            "const c = document.createElement('canvas');"
            "c.style.cssText = 'width:900px;height:400px';"
            "document.body.append(c); window.p = new SpectrumPlot(c);"
            "p.view.models = [{wavelength: x, flux: model, z0: 0, colour: 'red'}];"
            "p.view.residual = false; p.setSpectrum({wavelength: x, flux, error, mask: []});",
            "p.setRange(...moved(k))",
        ),
        "BokehJS": (
            [bokeh, api],
            "const P = Bokeh.Plotting; window.f = P.figure({width: 900, height: 400});"
            "for (const y of [flux, error, model]) f.line(x, y); P.show(f, '#place');",
            "const [a, b] = moved(k); f.x_range.setv({start: a, end: b})",
        ),
        "dygraphs": (
            [dygraphs],
            "window.g = new Dygraph(document.querySelector('#place'), x.map((v, i) =>"
            "[v, flux[i], error[i], model[i]]), {labels: ['x', 'a', 'b', 'c']});",
            "g.updateOptions({dateWindow: moved(k)})",
        ),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, (scripts, setup, step) in cases.items():
            page = browser.new_page(viewport={"width": 1000, "height": 600})
            page.set_content(PLACE)
            for script in [DATA, *scripts]:
                page.add_script_tag(content=script)
            page.add_script_tag(content=setup)
            page.wait_for_timeout(1500)
            client = page.context.new_cdp_session(page)
            client.send("Performance.enable")
            idle = min(_busy(client, page, LOOP % "0") for _ in range(3))
            busy = min(_busy(client, page, LOOP % step) for _ in range(3))
            size = sum(len(script.encode()) for script in scripts)
            print(f"{name}: {size:,} bytes, {1000 * (busy - idle) / FRAMES:.1f} ms a frame")
            page.close()
        browser.close()


def _busy(client: Any, page: Any, loop: str) -> float:
    def total() -> float:
        metrics = client.send("Performance.getMetrics")["metrics"]
        return next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")

    before = total()
    page.evaluate(loop, FRAMES)
    return total() - before


def _member(folder: Path, package: str, name: str) -> str:
    [wheel] = folder.glob(f"{package}-*.whl")
    with zipfile.ZipFile(wheel) as file:
        return file.read(name).decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
