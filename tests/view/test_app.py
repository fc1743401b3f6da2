"""What the server answers, and to whom it answers nothing."""

import gzip
import http.client
import json
import time
from contextlib import closing

import numpy as np
import pytest

from factories import make_truth, write_boss_spec
from huggins.view import app
from huggins.view.results import Results

SECRET = "root:x:0:0"


# Who may ask ----------------------------------------


def test_the_page_comes_with_the_token_and_sets_a_strict_cookie(client):
    page = client.get(f"/?token={client.token}", token=False)
    assert page.status == 200
    assert b"<title>huggins</title>" in page.content
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    name = cookie.split(";")[0]
    assert client.get("/api/session", token=False, Cookie=name).status == 200


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/spectrum/0", "/api/events"])
def test_without_the_token_there_is_nothing(client, path):
    for more in ({}, {"X_Huggins_Token": "wrong"}, {"Cookie": "huggins=wrong"}):
        answer = client.get(path, token=False, **more)
        assert answer.status == 403
        assert "token" in answer.json["error"]
        assert "set-cookie" not in answer.headers
    assert client.get(f"{path}?token=", token=False).status == 403


def test_scripts_and_styles_hold_no_data_and_need_no_token(client):
    assert client.get("/static/app.js", token=False).status == 200
    assert client.get("/static/style.css", token=False).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "", "[::1]:1"]
)
def test_a_foreign_host_name_is_refused_token_or_not(client, host):
    answer = client.get("/api/session", Host=host)
    assert answer.status == 403
    assert "name of this server" in answer.json["error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_requests_from_other_pages_are_refused(client, inspections, origin):
    body = {"row": 0, "quality": 4, "class": "QSO"}
    assert client.post("/api/inspections", body, Origin=origin).status == 403
    assert inspections.newest() == []
    own = f"http://{client.host}"
    assert client.post("/api/inspections", body, Origin=own).status == 200


def test_every_answer_has_the_strict_policy(client):
    paths = [f"/?token={client.token}", "/api/session", "/static/app.js", "/api/spectrum/99"]
    for path in paths:
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_nothing_in_the_page_needs_the_network_or_runs_inline():
    for path in app._STATIC.iterdir():
        text = path.read_text(encoding="utf-8")
        urls = [u for u in text.split() if "http://" in u or "https://" in u]
        assert all("www.w3.org/2000/svg" in u for u in urls), path
        assert "innerHTML" not in text, path
        assert "eval(" not in text, path
        assert " style=" not in text, path
    page = (app._STATIC / "index.html").read_text()
    assert "<script>" not in page
    assert "onclick" not in page


def test_own_scripts_and_styles_are_small():
    assert sum(path.stat().st_size for path in app._STATIC.iterdir()) < 150_000


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static//etc/passwd",
        "/../../../../etc/passwd",
        "/api/columns/..%2f..%2fetc%2fpasswd",
        "/api/spectrum/../../etc/passwd",
        "/api/figure/0?format=../../etc/passwd",
    ],
)
def test_no_path_outside_can_be_read(client, path):
    answer = client.get(path)
    assert answer.status in (400, 404), answer.content
    assert SECRET.encode() not in answer.content
    assert b"starlette" not in answer.content


def test_only_files_of_the_table_can_be_read(client, spectra_set):
    name = "../../etc/passwd"
    answer = client.post(f"/api/classify?name={name}", b"no spectrum")
    assert answer.status == 400
    assert "passwd" in answer.json["error"]
    # A dropped list is no list of paths to read.
    path = str(spectra_set.folder / "spec-7102-56666-0001.fits").encode()
    assert client.post("/api/classify?name=@list.txt", path + b"\n").status == 400
    rows = b"FILE,INDEX,VI_quality,VI_z\n/etc/passwd,0,4,1\n"
    answer = client.post("/api/import?name=vi.csv", rows)
    assert answer.status == 200
    assert "1 rows are not in this set" in answer.json["message"]


def test_large_bodies_are_refused_with_and_without_their_length(client, monkeypatch):
    monkeypatch.setattr(app, "BODY_MAX", 100_000)
    answer = client.post("/api/classify?name=x.fits", b"x" * 100_001)
    assert answer.status == 413
    assert "huggins classify" in answer.json["error"]
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    with closing(connection):
        chunks = (b"x" * 10_000 for _ in range(20))
        headers = {"Host": client.host, "X-Huggins-Token": client.token}
        connection.request(
            "POST", "/api/classify", body=chunks, headers=headers, encode_chunked=True
        )
        assert connection.getresponse().status == 413
    assert client.post("/api/classify?name=x", b"", Content_Length="-5").status in (400, 413)


def test_a_dropped_file_may_have_any_name(client, spectra_set):
    content = next(spectra_set.folder.glob("spec*.fits")).read_bytes()
    for name in ("x" * 3000, "%CE%BB.fits", "%00"):
        answer = client.post(f"/api/classify?name={name}", content)
        assert answer.status == 200, answer.content
        assert client.get(f"/api/spectrum/{len(spectra_set)}").status == 200
    assert client.post("/api/export?format=fits", {}).status == 200


def test_what_is_wrong_is_a_sentence_and_never_a_crash(client):
    wrong = [
        ("GET", "/api/spectrum/99", None, 404),
        ("GET", "/api/spectrum/99999999999999999999999", None, 404),
        ("GET", "/api/spectrum/-1", None, 404),
        ("GET", "/api/columns/NOPE", None, 404),
        ("GET", "/api/spectrum/0/model?z=nan&class=QSO", None, 400),
        ("GET", "/api/spectrum/0/model?z=far&class=QSO", None, 400),
        ("GET", "/api/spectrum/0/model?z=1&class=PULSAR", None, 400),
        ("GET", "/api/spectrum/0/similar?n=-1", None, 400),
        ("GET", "/api/thumbnails?rows=1,x", None, 400),
        ("GET", f"/api/spectrum/0/similar?n={'9' * 5000}", None, 400),
        ("GET", "/api/figure/0?format=exe", None, 400),
        ("POST", "/api/inspections", b"{", 400),
        ("POST", "/api/inspections", b"[]", 400),
        ("POST", "/api/inspections", {"row": 0}, 400),
        ("POST", "/api/inspections", {"row": "x", "quality": 4}, 400),
        ("POST", "/api/inspections", {"row": 99, "quality": 4}, 404),
        ("POST", "/api/inspections", {"row": 0, "quality": 9}, 400),
        ("POST", "/api/export?format=exe", {}, 400),
        ("POST", "/api/export?format=csv", {"rows": [99]}, 404),
        ("POST", "/api/export?format=csv", {"rows": "all of them"}, 400),
        ("POST", "/api/import?name=x", b"\x00\xff", 400),
        ("POST", "/api/classify?name=x", b"", 400),
        ("POST", "/api/samp/dance", {}, 400),
        ("POST", "/api/session", {}, 405),
        ("GET", "/nowhere", None, 404),
    ]
    for method, path, body, status in wrong:
        answer = client.ask(path, method, body)
        assert answer.status == status, (path, answer.content)
        assert answer.json["error"], path


# What it answers ----------------------------------------


def test_the_session_says_what_the_set_is(client, spectra_set):
    about = client.get("/api/session").json
    assert about["count"] == len(spectra_set)
    assert about["classified"]
    assert about["scanner"] == "ada"
    assert {c["name"] for c in about["columns"]} >= {"FILE", "CLASS", "Z", "P_QSO"}
    assert all(b["meaning"] and b["remedy"] for b in about["bits"])
    assert {line["kind"] for line in about["lines"]} == {"emission", "absorption"}


def test_columns_are_numbers_or_words(client, results):
    z = np.frombuffer(client.get("/api/columns/Z").content, "<f8")
    np.testing.assert_allclose(z, results.table.number("Z"))
    words = client.get("/api/columns/SUBCLASS").json
    found = [words["words"][code] for code in words["codes"]]
    assert found == results.table.text("SUBCLASS").tolist()


def test_a_spectrum_with_everything_about_it(client, spectra_set):
    answer = client.get("/api/spectrum/1", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    s = json.loads(gzip.decompress(answer.content))
    assert s["results"]["SUBCLASS"] == "BAL"
    assert abs(s["solutions"][0]["z"] - spectra_set.redshifts[1]) < 0.01
    assert len(s["wavelength"]) == len(s["flux"]) == len(s["error"])
    assert len(s["solutions"][0]["model"]) == len(s["flux"])
    assert {curve["class"] for curve in s["chi2"]} == {"STAR", "GALAXY", "QSO"}
    assert abs(sum(s["znet"]["p"]) - 1) < 0.05
    assert s["pipeline"]["class"] == "QSO"
    assert s["inspection"] is None
    assert [link["name"] for link in s["links"]][:2] == ["Legacy Survey", "SIMBAD"]


def test_why_similar_map_thumbnails_and_order(client, spectra_set):
    why = client.get("/api/spectrum/1/why").json
    assert why["class"] == "BAL"
    deadline = time.monotonic() + 60
    while (answer := client.get("/api/map")).status == 409 and time.monotonic() < deadline:
        time.sleep(0.2)
    points = np.frombuffer(answer.content, "<f4").reshape(-1, 2)
    assert points.shape == (len(spectra_set), 2)
    assert client.get("/api/spectrum/0/similar?n=3").json["rows"][0] == 0
    pictures = client.get("/api/thumbnails?rows=0,1").json
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in pictures["0"])
    order = client.get("/api/order").json["rows"]
    assert sorted(order) == list(range(len(spectra_set)))
    # Of two quasars the one of which the pipeline has another redshift comes first.
    assert order.index(len(spectra_set) - 1) < order.index(0)


def test_a_model_at_any_redshift(client, spectra_set):
    z = spectra_set.redshifts[0]
    best = client.get(f"/api/spectrum/0/model?z={z}&class=QSO").json
    off = client.get(f"/api/spectrum/0/model?z={z + 0.2}&class=QSO").json
    assert best["chi2"] < off["chi2"]


@pytest.mark.parametrize(
    ("kind", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_figures(client, kind, start):
    answer = client.get(f"/api/figure/0?format={kind}")
    assert answer.content.startswith(start)


def test_inspect_undo_and_who_asks(client):
    body = {"row": 0, "class": "QSO", "quality": 4, "z": 1.9, "issues": "R", "comment": "fine"}
    assert client.post("/api/inspections", body).json["scanner"] == "ada"
    other = {"X_Huggins_Scanner": "Zo%C3%AB"}
    assert (
        client.post("/api/inspections", body | {"quality": 2}, **other).json["scanner"] == "Zoë"
    )
    assert client.get("/api/inspections", **other).json["rows"]["0"]["quality"] == 2
    assert client.get("/api/inspections").json["rows"]["0"]["quality"] == 4
    found = client.get("/api/agreement").json
    assert found["n"] == 1
    assert client.post("/api/undo", {}, **other).json["inspection"]["quality"] == 4
    assert client.post("/api/undo", {}).json == {"row": 0, "inspection": None}
    assert client.post("/api/undo", {}).json["row"] is None


def test_exports_and_imports(client):
    client.post("/api/inspections", {"row": 1, "class": "BAL", "quality": 4, "z": 2.27})
    answer = client.post("/api/export?format=desi-csv", {"rows": None})
    assert 'filename="inspections-desi.csv"' in answer.headers["content-disposition"]
    text = answer.content.decode().replace(",ada,", ",eve,")
    got = client.post("/api/import?name=vi.csv", text.encode()).json
    assert got["message"].startswith("1 inspections taken in; 0 rows")
    agreed = client.get("/api/agreement").json
    assert sorted(agreed["scanners"]) == ["ada", "eve"]
    merged = client.post("/api/export?format=labels", {"rows": None, "merged": True})
    assert b"BAL" in merged.content


def test_a_dropped_file_becomes_a_row(client, spectra_set, tmp_path):
    path = write_boss_spec(tmp_path / "new.fits", make_truth(4000, start=3.56, step=1e-4))
    answer = client.post("/api/classify?name=new.fits", path.read_bytes()).json
    assert answer == {"row": len(spectra_set), "count": len(spectra_set) + 1}
    assert client.get(f"/api/spectrum/{answer['row']}").json["file"] == "new.fits"
    columns = "\n".join(f"{4000 + i} {1 + i % 7} 0.1" for i in range(3000))
    answer = client.post("/api/classify?name=pasted.txt", columns.encode()).json
    assert answer["count"] == len(spectra_set) + 2


def test_nothing_of_a_file_is_markup(client, tmp_path):
    evil = "<script>alert(1)</script>"
    truth = make_truth(4000, start=3.56, step=1e-4, subclass=evil[:21])
    path = write_boss_spec(tmp_path / "x.fits", truth)
    answer = client.post(f"/api/classify?name={'%3Cimg%20src=x%3E.fits'}", path.read_bytes())
    row = answer.json["row"]
    spectrum = client.get(f"/api/spectrum/{row}")
    # Such text travels as JSON, which no browser takes for a page.
    assert spectrum.headers["content-type"] == "application/json"
    assert spectrum.json["pipeline"]["subclass"].startswith("<script>")
    comment = {"row": row, "class": "QSO", "quality": 4, "comment": evil}
    assert (
        client.post("/api/inspections", comment).headers["content-type"] == "application/json"
    )
    name = client.get(f"/api/figure/{row}?format=svg")
    assert name.headers["content-disposition"].startswith("attachment")
    assert b"<script>" not in name.content


def test_files_that_have_moved_are_named(client, results):
    results.table.values["FILE"][0] = "/nowhere/gone.fits"
    answer = client.get("/api/spectrum/0")
    assert answer.status == 404
    assert "gone.fits: the file is not there any more" in answer.json["error"]


def test_events_are_told_to_every_page(client, session):
    with closing(
        http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    ) as connection:
        headers = {"Host": client.host, "X-Huggins-Token": client.token}
        connection.request("GET", "/api/events", headers=headers)
        answer = connection.getresponse()
        assert answer.readline() == b": connected\n"
        client.post("/api/inspections", {"row": 2, "class": "F", "quality": 4, "z": 0.0})
        assert answer.readline() == b"\n"
        line = answer.readline()
        assert json.loads(line.removeprefix(b"data: "))["row"] == 2


def test_a_set_of_none(tmp_path, results, inspections):
    from huggins.tables.columns import Columns
    from huggins.view.session import Session

    empty = Columns("t", {n: c[:0] for n, c in results.table.values.items()})
    session = Session(Results(empty, "none", "none"), inspections)
    assert session.about()["count"] == 0
    assert session.worth()["rows"] == []
    assert session.column("Z") == b""
    assert session.export("csv", None)[1].startswith(b"FILE")
