"""The page in a real browser: Debian's Chromium, driven by Playwright.

Screenshots of every state are kept in the folder that the variable HUGGINS_SCREENSHOTS names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from factories import make_truth, write_boss_spec
from huggins.view.inspections import Inspections
from huggins.view.results import Results
from huggins.view.serve import Server
from huggins.view.session import Session

pytestmark = pytest.mark.slow
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None
)
READY = "body[data-ready=true]"


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def errors():
    return []


@pytest.fixture
def open_page(browser, errors):
    contexts = []

    def open_page(url, *, wait=True, ready=READY, **options):
        options = {"viewport": {"width": 1366, "height": 768}} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(url)
        page.wait_for_selector(ready)
        if wait:
            settled(page, "window.huggins.store.detail !== null")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page, server, errors):
    page = open_page(server.url)
    yield page
    # While features are computed the answer is 409, which a browser notes as an error.
    assert [text for text in errors if "409" not in text] == []


def picture(page, name):
    if folder := os.environ.get("HUGGINS_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def settled(page, condition, seconds=30.0):
    """Wait until an expression is true; the page itself must not evaluate any text."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        page.wait_for_timeout(20)


def row(page):
    return page.evaluate("window.huggins.store.row")


def z(page):
    return page.evaluate("window.huggins.view.z")


def test_it_opens_with_a_spectrum(page, spectra_set):
    assert page.title() == "results.fits – huggins"
    assert page.locator("#count").inner_text() == "6 of 6"
    assert page.locator(".answer-class").inner_text() == "QSO"
    assert abs(z(page) - spectra_set.redshifts[0]) < 0.01
    painted = page.evaluate(
        "() => { const c = document.querySelector('#plot'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
        "for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"
    )
    assert painted > 10_000
    assert page.evaluate("window.huggins.view.plot.lastDraw") < 200
    picture(page, "spectrum")


def test_filter_chips_and_sorting(page):
    page.fill("#filter", 'CLASS == "STAR"')
    settled(page, "window.huggins.store.order.length === 2")
    page.fill("#filter", "Z > 1 and not SUBCLASS in ('BAL')")
    settled(page, "window.huggins.store.order.length === 2")
    page.fill("#filter", "ZWARNING has NOPE")
    page.wait_for_selector("#filter[aria-invalid=true]")
    assert "NOPE is no warning bit" in page.locator("#filter-error").inner_text()
    page.fill("#filter", "")
    settled(page, "window.huggins.store.order.length === 6")
    page.click("text=Classes and warnings")
    page.click("#class-chips >> text=BAL")
    settled(page, "window.huggins.store.order.length === 1")
    settled(page, "window.huggins.store.row === window.huggins.store.order[0]")
    page.click("#clear")
    page.click("#button-table")
    page.click(".grid-sort >> text=/^Z$/")
    settled(page, "window.huggins.store.sort.name === 'Z'")
    order = page.evaluate(
        "[...window.huggins.store.order]"
        ".map((row) => window.huggins.store.columns.get('Z').values[row])"
    )
    assert order == sorted(order)
    picture(page, "table")


def test_the_redshift_moves_lines_and_model(page):
    before = z(page)
    page.keyboard.press("]")
    assert abs(z(page) - before - 1e-4 * (1 + before)) < 1e-6
    page.locator("#z-slider").focus()
    page.keyboard.press("ArrowRight")
    assert z(page) > before
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("z")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    assert z(page) == 0.5
    settled(page, "document.querySelector('#chi2-here').textContent.startsWith('χ²')")
    # The model is that of the new redshift.
    settled(page, "window.huggins.view.plot.view.models[0].z0 === 0.5")
    page.keyboard.press("z")
    page.keyboard.type("far away")
    page.keyboard.press("Enter")
    assert z(page) == 0.5


def test_a_click_on_a_minimum_of_chi2(page):
    places = page.evaluate(
        "() => { const v = window.huggins.view; const s = v.chi.solutions;"
        "const far = s.findIndex((x) => Math.abs(Math.log1p(x.z) - Math.log1p(s[0].z)) > 0.1);"
        "return [far, s[far].z, v.chi.scale.x(s[far].z)]; }"
    )
    number, wanted, x = places
    assert number > 0
    page.locator("#chi2").click(position={"x": x, "y": 40})
    assert abs(z(page) - wanted) < 1e-9
    page.keyboard.press("o")
    page.keyboard.press("i")


def test_features_and_lines(page):
    box = page.locator("#plot").bounding_box()
    page.keyboard.press(".")
    assert "Click a feature first" in page.locator("#toast").inner_text()
    page.mouse.click(box["x"] + 0.45 * box["width"], box["y"] + 0.3 * box["height"])
    assert page.locator("#toast").inner_text().startswith("Feature at")
    before = z(page)
    page.keyboard.press(".")
    assert z(page) != before
    page.keyboard.press(",")
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.wheel(0, -400)
    settled(page, "window.huggins.view.plot.range !== null")
    page.keyboard.press("r")
    settled(page, "window.huggins.view.plot.range === null")


def test_why(page):
    page.keyboard.press("n")
    settled(page, "window.huggins.store.row === 1 && window.huggins.store.detail?.row === 1")
    page.keyboard.press("w")
    settled(page, "window.huggins.view.plot.view.why !== null")
    assert page.locator("#why-text").inner_text().startswith("BAL rests most on")
    picture(page, "why")


def test_inspection_by_keyboard_only(page, inspections, results):
    page.keyboard.press("4")
    page.keyboard.press("R")
    page.keyboard.press("c")
    page.keyboard.type("two words")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    settled(page, "window.huggins.store.row === 1 && window.huggins.store.detail?.row === 1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    settled(page, "window.huggins.store.row === 2 && window.huggins.store.detail?.row === 2")
    page.keyboard.press("u")
    settled(page, "window.huggins.store.row === 1")
    page.keyboard.press("b")
    settled(page, "window.huggins.store.row === 0")
    [seen] = inspections.newest()
    assert (seen.key, seen.cls, seen.quality, seen.issues, seen.comment) == (
        results.key(0), "QSO", 4, "R", "two words",
    )  # fmt: skip
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    picture(page, "help")
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    assert page.locator("#progress").inner_text() == "ada: 1 inspected"


def test_keys_do_nothing_while_something_is_typed(page):
    page.focus("#filter")
    page.keyboard.type("n4u")
    assert row(page) == 0
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter"


def test_the_server_is_killed_in_the_middle_and_comes_back(
    open_page, results, tmp_path, spectra_set
):
    path = tmp_path / "kept.sqlite"
    with closing(Inspections(path, "ada")) as kept:
        server = Server(Session(results, kept))
        server.start()
        page = open_page(server.url)
        page.keyboard.press("4")
        page.keyboard.press("Enter")
        settled(page, "window.huggins.store.detail?.row === 1")
        server.stop()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#banner:has-text('1 inspection waits')")
    picture(page, "server-gone")
    with closing(Inspections(path, "ada")) as kept:
        assert len(kept.newest()) == 1
        again = Server(
            Session(Results.read(spectra_set.table), kept), port=server.port, token=server.token
        )
        again.start()
        page.wait_for_selector("#banner", state="hidden")
        assert [(i.key, i.quality) for i in kept.newest()] == [
            (results.key(0), 4), (results.key(1), 3),
        ]  # fmt: skip
        page.keyboard.press("n")
        settled(page, "window.huggins.store.detail !== null")
        again.stop()


def test_a_blind_second_inspector(open_page, results, tmp_path, errors):
    path = tmp_path / "kept.sqlite"
    with (
        closing(Inspections(path, "ada")) as first,
        closing(Inspections(path, "ben", blind=True)) as second,
    ):
        servers = [Server(Session(results, kept)) for kept in (first, second)]
        for server in servers:
            server.start()
        ada, ben = (open_page(server.url) for server in servers)
        for page, quality in ((ada, "4"), (ben, "2")):
            for number in range(3):
                settled(page, f"window.huggins.store.detail?.row === {number}")
                page.keyboard.press(quality)
                page.keyboard.press("Enter")
            settled(page, "window.huggins.store.row === 3")
        assert ben.locator("#progress").inner_text() == "ben: 3 inspected"
        ben.reload()
        ben.wait_for_selector(READY)
        assert ben.evaluate(
            "Object.values(window.huggins.store.inspections).every((i) => i.scanner === 'ben')"
        )
        ben.click("#button-agreement")
        ben.wait_for_selector("text=One inspector so far")
        ada.click("#button-agreement")
        ada.wait_for_selector("text=have both inspected 3 spectra")
        picture(ada, "agreement")
        # Several people on one page.
        ada.fill("#scanner", "eve")
        ada.keyboard.press("Enter")
        ada.wait_for_selector("#progress:has-text('eve')")
        for server in servers:
            server.stop()
    assert errors == []


def test_a_dropped_file_and_pasted_columns(page, tmp_path, spectra_set):
    path = write_boss_spec(tmp_path / "dropped.fits", make_truth(4000, start=3.56, step=1e-4))
    transfer = page.evaluate_handle(
        "(bytes) => { const t = new DataTransfer();"
        "t.items.add(new File([new Uint8Array(bytes)], '<img src=x onerror=alert(1)>.fits'));"
        "return t; }",
        list(path.read_bytes()),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    settled(page, f"window.huggins.store.detail?.row === {len(spectra_set)}")
    assert page.locator("#title").inner_text() == "<img src=x onerror=alert(1)>.fits"
    assert page.locator("#title img").count() == 0
    assert page.locator("#count").inner_text() == "7 of 7"
    page.evaluate(
        "() => { const t = new DataTransfer();"
        "const lines = Array.from({length: 2000}, (_, i) => `${4000 + i} ${1 + (i % 7)} 0.5`);"
        "t.setData('text/plain', lines.join('\\n'));"
        "const event = new ClipboardEvent('paste', {clipboardData: t, bubbles: true});"
        "document.body.dispatchEvent(event); }"
    )
    settled(page, f"window.huggins.store.detail?.row === {len(spectra_set) + 1}")


def test_map_lasso_similar_and_distributions(page):
    page.click("#button-map")
    page.wait_for_selector("#map-note:has-text('Click a point')", timeout=60_000)
    picture(page, "map")
    box = page.locator("#map").bounding_box()
    corners = [(0.002, 0.5), (0.002, 0.002), (0.998, 0.002), (0.998, 0.998), (0.002, 0.998)]
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    page.wait_for_selector("#picked:has-text('6 rows chosen on the map')")
    page.click("#clear")
    page.click("#button-counts")
    page.wait_for_selector("#count-charts canvas")
    picture(page, "distributions")
    page.click("#count-lists >> text=BAL")
    settled(page, "window.huggins.store.order.length === 1")
    page.click("#clear")
    page.click("#button-spectrum")
    page.keyboard.press("m")
    page.wait_for_selector("#picked:has-text('Most like row')")


def test_exports_are_downloads(page):
    page.keyboard.press("Enter")
    settled(page, "window.huggins.store.row === 1")
    for name, file in (("fits", "selection.fits"), ("desi-csv", "inspections-desi.csv")):
        page.click("summary:has-text('Export')")
        with page.expect_download() as download:
            page.click(f"[data-export={name}]")
        assert download.value.suggested_filename == file
        page.click("summary:has-text('Export')")
    picture(page, "export")
    page.click("summary:has-text('Export')")
    with page.expect_download() as download:
        page.click("[data-figure=png]")
    assert download.value.suggested_filename.endswith(".png")


def test_a_row_from_another_program_opens_here(page, session):
    session.tell({"type": "row", "row": 3})
    settled(page, "window.huggins.store.detail?.row === 3")


def test_a_moved_file_says_so(open_page, results, inspections, errors):
    results.table.values["FILE"][0] = "gone.fits"
    results.table.values["FILE"][2] = "away.fits"
    server = Server(Session(results, inspections))
    server.start()
    try:
        page = open_page(server.url, wait=False)
        page.wait_for_selector("#failed:not([hidden])")
        assert "not there any more" in page.locator("#failed").inner_text()
        # The table is known all the same, and nobody can inspect what is not to be seen.
        assert page.locator(".answer-class").inner_text() == "QSO"
        assert not page.locator("#inspection").is_visible()
        picture(page, "moved")
        page.keyboard.press("n")
        settled(page, "window.huggins.store.detail?.row === 1")
        assert page.locator(".answer-class").inner_text() == "QSO BAL"
        page.keyboard.press("n")
        page.wait_for_selector("#failed:has-text('away.fits')")
        assert page.locator(".answer-class").inner_text() == "STAR F"
        page.keyboard.press("Enter")
        page.keyboard.press("n")
        settled(page, "window.huggins.store.detail?.row === 3")
        assert page.locator("#inspection").is_visible()
        assert inspections.newest() == []
    finally:
        server.stop()


def test_a_table_of_paths_and_classes_alone(open_page, spectra_set, inspections, errors):
    path = spectra_set.folder / "few-columns.csv"
    path.write_text(f"FILE,CLASS\n{spectra_set.folder / 'spec-7102-56666-0001.fits'},QSO\n")
    server = Server(Session(Results.read(path), inspections))
    server.start()
    try:
        page = open_page(server.url)
        assert page.locator(".answer-class").inner_text() == "QSO"
        assert "no ZWARNING" in page.locator("#warnings").inner_text()
        for tab in ("table", "counts", "agreement", "spectrum"):
            page.click(f"#button-{tab}")
        assert page.locator("#count").inner_text() == "1 of 1"
    finally:
        server.stop()
    assert [text for text in errors if "ERR_" not in text] == []


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The source of axe-core, which npm installs into a temporary folder."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm to install axe-core with")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@4"],
        capture_output=True,
        timeout=120,
    )
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if done.returncode or not script.exists():
        pytest.skip("npm cannot install axe-core: is there a network?")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(open_page, server, axe, scheme):
    page = open_page(server.url, color_scheme=scheme, bypass_csp=True)
    found = {}
    for tab in ("spectrum", "table", "map", "counts", "agreement"):
        page.click(f"#button-{tab}")
        page.wait_for_timeout(400)
        picture(page, f"{scheme}-{tab}")
        found[tab] = _violations(page, axe)
    page.keyboard.press("?")
    found["help"] = _violations(page, axe)
    assert {tab: said for tab, said in found.items() if said} == {}


def _violations(page, axe):
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (v["id"], v["impact"], [n["html"][:160] for n in v["nodes"]][:3])
        for v in result["violations"]
    ]


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (820, 1000)])
def test_it_fits_the_screen(open_page, server, size):
    page = open_page(server.url, viewport={"width": size[0], "height": size[1]})
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]
    assert page.locator("#plot").bounding_box()["height"] >= 230
    picture(page, f"size-{size[0]}")


def test_nothing_comes_from_the_network(browser, server):
    context = browser.new_context()
    asked = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    page.wait_for_selector(READY)
    settled(page, "window.huggins.store.detail !== null")
    context.close()
    assert asked
    assert {url.split("/")[2] for url in asked if not url.startswith(("data:", "blob:"))} == {
        f"127.0.0.1:{server.port}"
    }
    assert json.dumps(asked).count("token=") >= 1


def test_a_report_works_without_a_server(open_page, session, tmp_path, errors):
    from huggins.view.report import report_of

    path = tmp_path / "page.html"
    path.write_text(report_of(session), encoding="utf-8")
    page = open_page(path.as_uri())
    assert page.locator(".answer-class").inner_text() == "QSO"
    assert not page.locator("#inspection").is_visible()
    page.keyboard.press("n")
    settled(page, "window.huggins.store.detail?.row === 1")
    page.keyboard.press("w")
    settled(page, "window.huggins.view.plot.view.why !== null")
    page.keyboard.press("]")
    page.fill("#filter", "Z > 1")
    settled(page, "window.huggins.store.order.length === 3")
    page.click("#button-map")
    page.wait_for_selector("#map-note:has-text('Click a point')")
    picture(page, "report")
    assert errors == []


def test_an_address_names_a_row(open_page, server):
    page = open_page(f"{server.url}#row=3")
    assert row(page) == 3
    page.evaluate("window.location.hash = '#row=1'")
    settled(page, "window.huggins.store.detail?.row === 1")


def test_a_row_of_another_fit_is_shown_as_the_table_has_it(open_page, session, errors):
    session.results.table.values["Z"][0] = 0.75
    server = Server(session)
    server.start()
    page = open_page(server.url)
    assert z(page) == 0.75
    assert "OTHER ANSWER" in page.locator("#warnings").inner_text()
    settled(page, "window.huggins.view.plot.view.models[0]?.z0 === 0.75")  # fitted there
    assert page.locator("#solutions [aria-pressed=true]").count() == 0
    server.stop()
    assert errors == []


def test_a_mistake_of_an_evaluation_opens_its_spectrum(
    open_page, spectra_set, tmp_path, errors
):
    from huggins.cli import main

    truth = tmp_path / "truth.csv"
    lines = ["path,class13,z"]
    for number, cls in enumerate(spectra_set.classes):
        said = "GAL" if number in (0, 4) else cls  # two of the labels are wrong
        path = spectra_set.folder / f"spec-7102-56666-{number + 1:04d}.fits"
        lines.append(f"{path},{said},{spectra_set.redshifts[number]}")
    truth.write_text("\n".join(lines))
    out = tmp_path / "out"
    assert main(["evaluate", str(spectra_set.table), "-t", str(truth), "-o", str(out)]) == 0
    page = open_page((out / "report.html").as_uri(), ready="body[data-drawn=true]", wait=False)
    first = page.locator(".mistake").first
    painted = first.locator("canvas").evaluate(
        "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((v, i) => i % 4 === 3 && v > 0).length"
    )
    assert painted > 10_000
    picture(page, "evaluation-mistakes")
    name = first.locator("p").inner_text().split(" · ")[-1].split("/")[-1]
    first.locator("canvas").click()
    page.wait_for_selector(READY)
    settled(page, "window.huggins.store.detail !== null")
    assert page.locator("#title").inner_text() == name
    assert "Truth GAL" in " ".join(page.locator("#beside").inner_text().split())
    picture(page, "mistake")
    assert errors == []


def test_columns_of_the_table_are_chosen(page):
    page.click("#button-table")
    assert page.locator(".grid-sort >> text=/^RA$/").count() == 0
    page.click("#columns summary")
    page.click("#column-chips >> text=/^RA$/")
    page.wait_for_selector(".grid-sort >> text=/^RA$/")
    place = page.locator(".grid-head [role=columnheader]").all_inner_texts().index("RA")
    cells = page.locator(".grid-row").first.locator("> div").all_inner_texts()
    assert float(cells[place]) == 120.0
    page.click("#column-chips >> text=/^CLASS$/")
    assert page.locator(".grid-sort >> text=/^CLASS$/").count() == 0
    page.reload()
    page.wait_for_selector(READY)
    page.click("#button-table")
    assert page.locator(".grid-sort >> text=/^RA$/").count() == 1
    picture(page, "columns")


def test_head_and_rows_of_the_table_stand_below_one_another(page):
    page.click("#button-table")
    page.wait_for_selector(".grid-row")
    lefts = "(es) => es.map((e) => Math.round(e.getBoundingClientRect().left))"
    head = page.locator(".grid-head > div").evaluate_all(lefts)
    cells = page.locator(".grid-row").first.locator("> div")
    # A row may be drawn before the browser has placed its cells.
    deadline = time.monotonic() + 5.0
    while (below := cells.evaluate_all(lefts)) != head and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert below == head


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)], ids=str)
def test_nothing_covers_its_neighbour(open_page, server, size):
    page = open_page(server.url, viewport={"width": size[0], "height": size[1]})
    boxes = [
        page.locator(name).bounding_box()
        for name in (".bar-above", "#plot", ".plot-tools", ".redshift", "#minis", ".chi")
    ]
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"] + 1


def test_all_that_the_table_says_of_a_spectrum_is_at_hand(page, results):
    page.click("text=All columns of the table")
    said = page.locator("#cells").inner_text()
    assert all(name in said for name in results.table.names)


def test_nothing_is_stored_for_a_spectrum_that_is_still_on_its_way(page, inspections):
    page.route("**/api/spectrum/5", lambda route: None)  # never answered
    page.evaluate("window.location.hash = '#row=5'")
    settled(page, "window.huggins.store.row === 5")
    assert page.locator("#spectrum-panel").get_attribute("aria-busy") == "true"
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert inspections.newest() == []
    page.evaluate("window.location.hash = '#row=1'")
    settled(page, "window.huggins.store.detail?.row === 1")
    assert page.locator("#spectrum-panel").get_attribute("aria-busy") == "false"
