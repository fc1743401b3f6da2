"""`huggins view` with 100,000 rows: the server's memory and answers, and the page in Chromium.

The table repeats mocks that are written as files; every spectrum that is opened is read and
fitted anew, as its row differs.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 100_000
NEXT = 20
VIEWED = 200
INSPECTORS = 20
EACH = 5


def run() -> dict[str, object]:
    """Measure on a set that is made for the purpose."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = _write_set(folder)
        command = [sys.executable, "-m", "huggins", "view", str(table), "--no-browser"]
        environment = os.environ | {"XDG_STATE_HOME": name}
        begun = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            started = time.perf_counter() - begun
            try:
                return _measured(url, server.pid, started)
            finally:
                server.terminate()


def _measured(url: str, pid: int, started: float) -> dict[str, object]:
    results: dict[str, object] = {
        "rows": ROWS,
        "seconds_until_the_url": round(started, 2),
        "static_kb": round(_static() / 1000, 1),
    }
    results |= _page(url)
    before = _memory(pid)
    results["server_mb_after_the_page"] = before
    times = [_ask(url, f"/api/spectrum/{97 * n % ROWS}")[0] for n in range(VIEWED)]
    results["spectrum_ms_median"] = round(1000 * statistics.median(times), 1)
    results["spectra_viewed"] = VIEWED
    middle = _memory(pid)
    for n in range(VIEWED):
        _ask(url, f"/api/spectrum/{(89 * n + 13) % ROWS}")
    results["server_mb_after_half_and_all_viewed"] = [middle, _memory(pid)]
    results |= _inspectors(url)
    results["server_mb_at_the_end"] = _memory(pid)
    return results


def _write_set(folder: Path) -> Path:
    import huggins

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from factories import Truth, write_boss_spec
    from huggins.demo.mocks import load

    paths = []
    for number, example in enumerate(load(), start=1):
        s = example.spectrum
        truth = Truth(
            s.loglam.astype(np.float32),
            s.flux.astype(np.float32),
            s.ivar.astype(np.float32),
            np.zeros(len(s), np.int32),
            fiberid=number,
        )
        paths.append(str(write_boss_spec(folder / f"spec-{number:04d}.fits", truth)))
    table = huggins.classify(paths)
    chosen = table[np.resize(np.arange(len(table)), ROWS)]
    rng = np.random.default_rng(0)
    chosen["SN_MEDIAN"] = rng.lognormal(1.0, 1.0, ROWS).astype(np.float32)
    path = folder / "results.fits"
    chosen.write(path)
    return path


def _page(url: str) -> dict[str, object]:
    """Measure the page, in milliseconds; nothing where there is no Chromium."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}
    if chromium is None:
        return {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto("about:blank")
        firsts = []
        for _ in range(3):
            begun = time.perf_counter()
            page.goto(url)
            _until(page, "window.huggins?.view?.plot?.lastDraw !== undefined")
            firsts.append(1000 * (time.perf_counter() - begun))
        _until(page, "document.body.dataset.ready === 'true'")
        nexts = []
        for _ in range(NEXT):
            page.wait_for_timeout(700)  # as long as somebody looks at least
            nexts.append(
                page.evaluate(
                    "() => new Promise((done) => {"
                    "const begun = performance.now(); const row = window.huggins.store.row;"
                    "document.querySelector('#next').click();"
                    "const look = () => (window.huggins.store.detail?.row > row"
                    "  ? requestAnimationFrame(() => done(performance.now() - begun))"
                    "  : setTimeout(look, 2)); look(); })"
                )
            )
        filters, sorts = [], []
        for text in ("PROB < 0.9 and Z > 1", "SN_MEDIAN > 3", 'SUBCLASS in ("QSO", "BAL")'):
            for _ in range(3):
                page.fill("#filter", text)
                page.wait_for_timeout(1200)
                filters.append(page.evaluate("window.huggins.store.refreshed"))
        page.fill("#filter", "")
        page.click("#button-table")
        page.wait_for_timeout(1200)
        for name in ("SN_MEDIAN", "Z", "SUBCLASS"):
            page.click(f".grid-sort >> text=/^{name}/")
            page.wait_for_timeout(1500)
            sorts.append(page.evaluate("window.huggins.store.refreshed"))
        draws = page.evaluate(
            "() => Array.from({length: 30}, () => {"
            "window.huggins.view.plot.drawNow(); return window.huggins.view.plot.lastDraw; })"
        )
        browser.close()
    return {
        "first_spectrum_ms": [round(value) for value in firsts],
        "next_spectrum_ms_median": round(statistics.median(nexts), 1),
        "next_spectrum_ms_worst": round(max(nexts), 1),
        "filter_ms": [round(value, 1) for value in filters],
        "sort_ms": [round(value, 1) for value in sorts],
        "draw_ms_median": round(statistics.median(draws), 2),
    }


def _until(page: Any, condition: str) -> None:
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.005)


def _inspectors(url: str) -> dict[str, object]:
    """Twenty people at once: each looks at spectra and stores what they think."""

    def work(number: int) -> tuple[list[float], int]:
        times, failed = [], 0
        for n in range(EACH):
            row = (number * 1009 + n * 31) % ROWS
            try:
                times.append(_ask(url, f"/api/spectrum/{row}", who=f"p{number}")[0])
                body = {"row": row, "class": "QSO", "quality": 3, "z": 1.0}
                _ask(url, "/api/inspections", body, who=f"p{number}")
            except OSError:
                failed += 1
        return times, failed

    begun = time.perf_counter()
    with ThreadPoolExecutor(INSPECTORS) as pool:
        done = list(pool.map(work, range(INSPECTORS)))
    times = [value for each, _ in done for value in each]
    return {
        "inspectors": INSPECTORS,
        "inspectors_failed_requests": sum(failed for _, failed in done),
        "inspectors_spectra_per_second": round(len(times) / (time.perf_counter() - begun), 1),
        "inspectors_wait_s_median": round(statistics.median(times), 2),
    }


def _ask(url: str, path: str, body: object = None, who: str = "") -> tuple[float, bytes]:
    base, token = url.split("/?token=")
    headers = {"X-Huggins-Token": token, "X-Huggins-Scanner": who}
    data = None if body is None else json.dumps(body).encode()
    begun = time.perf_counter()
    request = urllib.request.Request(base + path, data, headers)
    with urllib.request.urlopen(request, timeout=120) as answer:
        content = answer.read()
    return time.perf_counter() - begun, content


def _memory(pid: int) -> float:
    import psutil

    return round(psutil.Process(pid).memory_info().rss / 1e6, 1)


def _static() -> int:
    import huggins

    folder = Path(huggins.__file__).parent / "view" / "static"
    return sum(path.stat().st_size for path in folder.iterdir())
