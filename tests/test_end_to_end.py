"""From survey tables to a trained network and its report, all by the command line.

A few of the shared spectra go the whole way of `benchmarks.pipeline`, which
``docs/how-to/end-to-end.md`` records for all of them.
"""

from __future__ import annotations

import csv
import json
from itertools import groupby
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import Table

from benchmarks import pipeline
from huggins import cli
from huggins.quality import ZWarning
from huggins.tables.read import read_columns
from huggins.taxonomy import CLASSES
from local_server import LocalServer

CONFIG = """\
name = "tiny"
steps = 3
batch = 16
warmup = 1
every = 3
threads = 1
workers = 0
bfloat16 = false

[data]
templates = "{templates}"
real_share = 0.5

[standard]
widths = [4, 4, 4, 4]
kernels = [5, 3, 3, 3]
hidden = 8
"""


def key(row):
    return (int(row["plate"]), int(row["mjd"]), int(row["fiber"]))


def no_data(row):
    """Whether the pipeline says that the fibre was unplugged or dead."""
    bits = ZWarning.UNPLUGGED | ZWarning.BAD_TARGET | ZWarning.NODATA
    return bool(int(row["zwarning"]) & bits)


@pytest.fixture
def rows(shared_data):
    """Some of each kind: by survey, by who labelled them, by class, by what they are for."""

    def kind(row):
        held_out = int(row["fold"]) in pipeline.HELD_OUT
        return (held_out, row["survey"], row["label_from"], row["class3"], row["class13"])

    every = sorted(pipeline.spectra(shared_data), key=kind)
    return [row for _, some in groupby(every, kind) for row in list(some)[:2]]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(status, *argv):
        assert cli.main([str(word) for word in argv]) == status, capsys.readouterr().err
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out, err

    return call


@pytest.fixture
def server():
    server = LocalServer()
    yield server
    server.close()


def identities(columns):
    names = ("PLATE", "MJD", "FIBERID")
    if isinstance(columns, h5py.File):
        return list(zip(*(columns[n.lower()][:].tolist() for n in names), strict=True))
    return list(zip(*(columns.number(n).astype(int).tolist() for n in names), strict=True))


@pytest.mark.slow
def test_the_whole_way(rows, run, server, shared_data):
    pytest.importorskip("torch", reason="training needs torch")
    by_key = {key(row): row for row in rows}
    empty = {key(row) for row in rows if row["class3"] == "SKY" or no_data(row)}
    held_out = {key(r) for r in rows if int(r["fold"]) in pipeline.HELD_OUT} - empty
    fit = set(by_key) - held_out - empty
    assert min(len(fit), len(held_out), len(empty)) >= 4

    # Survey tables to targets: every source once, as it is labelled; sky is none.
    for name, own in (("fit", fit), ("held-out", held_out)):
        Path(name).mkdir()
        some = [row for row in rows if key(row) in own | (empty if name == "fit" else set())]
        tables = pipeline.survey_tables(some, Path(name), shared_data)
        out, _ = run(0, "catalog", *tables, "-o", f"{name}.parquet", "--where", "CLASS != ''")
        assert f"{len(own)} spectra of " in out
        targets = read_columns(f"{name}.parquet")
        assert sorted(identities(targets)) == sorted(own)
        said = zip(targets.text("CLASS"), targets.text("SUBCLASS"), strict=True)
        for one, (broad, sub) in zip(identities(targets), said, strict=True):
            truth = by_key[one]
            assert broad == truth["class3"], one
            if truth["class13"]:
                assert sub == truth["class13"], one

    # Targets to files: one is lost, one comes in halves, one after a refusal.
    sources = [row for row in rows if key(row) not in empty]
    for row in sources:
        source = shared_data / "spectra" / row["path"]
        server.files["/" + pipeline.address(row)] = source.read_bytes()
    lost, half, late = [row for row in sources if key(row) in fit][:3]
    del server.files["/" + pipeline.address(lost)]
    server.faults["/" + pipeline.address(half)] = ["truncate"]
    server.faults["/" + pipeline.address(late)] = ["503:0"]
    download = [
        "download",
        "fit.parquet",
        "held-out.parquet",
        "-o",
        "sas",
        "--base",
        server.url,
    ]
    run(1, *download)
    arrived = {key(row): row for row in sources if row is not lost}
    for row in arrived.values():
        path = Path("sas") / pipeline.address(row)
        assert path.read_bytes() == (shared_data / "spectra" / row["path"]).read_bytes()
    assert len(list(Path("sas").rglob("*.fits"))) == len(arrived)
    with Path("sas/missing.csv").open(newline="") as file:
        (missing,) = csv.DictReader(file)
    assert pipeline.address(lost) in missing["url"]
    asked = len(server.requests)
    _, err = run(1, *download)
    assert f"{len(arrived)} there already" in err
    assert set(server.requests[asked:]) == {"/" + pipeline.address(lost)}

    # Files to containers to the training file: labels of the table, each spectrum once.
    _, err = run(0, "shrink", "sas", "-o", "packs", "--pack")
    assert f"{len(arrived)} files in " in err
    build = ["--targets", "fit.parquet", "--min-trust", "2", "--validation", "0.3"]
    run(1, "build", "packs", "-o", "fit.h5", *build, "--test", "0", "-j", "1")
    trust = {
        one: int(number)
        for one, number in zip(
            identities(read_columns("fit.parquet")),
            read_columns("fit.parquet").number("TRUST"),
            strict=True,
        )
    }
    wanted = {one for one in fit & set(arrived) if trust[one] >= 2}
    with h5py.File("fit.h5") as file:
        found = identities(file)
        assert sorted(found) == sorted(wanted)
        for one, index, broad in zip(
            found, file["class_index"][:], file["class"].asstr()[:], strict=True
        ):
            assert broad == by_key[one]["class3"]
            if by_key[one]["class13"]:
                assert CLASSES[index] == by_key[one]["class13"]
        assert set(file["split"][:].tolist()) == {0, 1}
        objects, split = file["object"].asstr()[:], file["split"][:]
        assert all(len(set(split[objects == name])) == 1 for name in set(objects))
        flux = file["flux"][:]
    with Path("fit.h5.skipped.csv").open(newline="") as file:
        reasons = [row["reason"] for row in csv.DictReader(file)]
    assert len(reasons) == len(arrived) - len(wanted)
    assert reasons.count("not in the table of targets") == len(held_out)
    # The files beside their containers add nothing.
    run(1, "build", "packs", "sas", "-o", "twice.h5", *build, "--test", "0", "-j", "1")
    with h5py.File("twice.h5") as file:
        assert identities(file) == found
        np.testing.assert_array_equal(file["flux"][:], flux)

    # The training file to a network, its results, and the report.
    Path("tiny.toml").write_text(CONFIG.format(templates=shared_data / "templates"))
    out, _ = run(0, "train", "tiny.toml", "--labels", "fit.h5")
    model = Path("runs/tiny/tiny.onnx")
    assert out.strip() == str(model)
    run(0, "classify", "packs", "-o", "results.fits", "--model", model, "--no-redshift")
    results = read_columns("results.fits")
    assert sorted(identities(results)) == sorted(arrived)
    assert results.metadata["MODEL"] == "tiny"
    columns = ["--column", "class3=CLASS", "--column", "class13=SUBCLASS"]
    truth = ["--truth", "held-out.parquet", "--match", "plate"]
    out, err = run(
        0, "evaluate", "results.fits", *truth, *columns, "-o", "report", "--mistakes", 0
    )
    assert f"{len(held_out)} of {len(arrived)} rows matched by plate" in err
    figures = json.loads(Path("report/report.json").read_text())["figures"]
    assert figures["classes"]["accuracy"]["n"] == len(held_out)
    labels = ["--predictions", "results.fits", "--match", "plate"]
    out, _ = run(0, "labels", "held-out.parquet", *labels, "-o", "suspects.csv")
    assert f"predictions for {len(held_out)}" in out
    suspects = Table.read("suspects.csv", format="csv")
    keys = set(zip(suspects["PLATE"], suspects["MJD"], suspects["FIBERID"], strict=True))
    assert len(keys) == len(suspects)
    assert keys <= held_out
