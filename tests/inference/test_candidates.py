"""The table of candidates, in every format, resumed and in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import huggins
from factories import make_truth, write_boss_spec
from huggins.errors import InputError, OutputError
from huggins.inference import Inputs, Settings, classify_to_file
from huggins.inference.candidates import COLUMNS, beside, holds_candidates
from huggins.inference.cluster import run_cluster
from huggins.inference.results import finished
from huggins.inference.runner import run_paths
from huggins.inference.table import Rows
from huggins.tables.read import read_columns
from huggins.tables.write import WRITERS

COUNT = 3
NAMES = [column.name for column in COLUMNS]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Three spectra and a file that is not there."""
    folder = tmp_path_factory.mktemp("data")
    paths = [str(folder / f"é{i}.fits") for i in range(COUNT)]
    for i, path in enumerate(paths):
        truth = make_truth(4600, seed=i, fiberid=i + 1, start=3.55, step=1e-4)
        write_boss_spec(Path(path), truth)
    return [*paths, str(folder / "missing.fits")]


@pytest.fixture(scope="module")
def table(paths, model):
    return huggins.classify(paths, model=model, candidates=4)


def write(paths, output, model_path, **more):
    settings = more.pop("settings", Settings(candidates=4))
    return classify_to_file(Inputs(paths), output, model=model_path, settings=settings, **more)


def test_first_is_the_answer_of_the_table(table, paths):
    found = table.candidates
    assert found.colnames == NAMES
    assert set(found["FILE"]) == set(paths[:COUNT])
    first = found[found["RANK"] == 1]
    rows = table[:COUNT]
    for name in ("FILE", "INDEX", "CLASS", "SUBCLASS", "Z"):
        assert first[name].tolist() == rows[name].tolist(), name
    for path in paths[:COUNT]:
        mine = found[found["FILE"] == path]
        assert mine["RANK"].tolist() == list(range(1, len(mine) + 1))
        assert 1 < len(mine) <= 4
        assert (np.diff(mine["PROB"]) <= 0).all()
        assert 0.0 < mine["PROB"].sum() <= 1.0
        assert np.isfinite(mine["CHI2"]).all()


def test_the_answers_stay_as_they_were(table, paths, model):
    plain = huggins.classify(paths, model=model)
    assert plain.candidates is None
    for name in ("CLASS", "SUBCLASS", "Z", "Z_ERR", "PROB", "DELTACHI2", "ZWARNING"):
        np.testing.assert_array_equal(plain[name], table[name])


@pytest.mark.parametrize("extension", [*WRITERS, ".csv.gz", ".fits.gz"])
def test_every_format_holds_the_same(extension, table, paths, model_path, tmp_path):
    output = tmp_path / f"t{extension}"
    write(paths, output, model_path)
    others = beside(output)
    if others is None:
        assert [path.name for path in tmp_path.iterdir()] == [output.name]
        with fits.open(output) as hdus:
            hdus.verify("exception")
            assert [hdu.name for hdu in hdus[1:]] == ["HUGGINS", "CANDIDATES"]
            assert hdus[2].header["CREATOR"].startswith("huggins ")
        found = Table.read(output, "CANDIDATES")
        z, rank = found["Z"].data, found["RANK"].data
        assert "%C3%A90.fits" in found["FILE"][0]
    else:
        assert others.name == f"t.candidates{extension}"
        found = read_columns(others)
        assert list(found.names) == NAMES
        z, rank = found.number("Z"), found.number("RANK")
    np.testing.assert_allclose(z, table.candidates["Z"], rtol=1e-5)
    assert rank.tolist() == table.candidates["RANK"].tolist()
    assert len(read_columns(output)) == COUNT + 1  # readers take the first table


def test_more_than_there_are_is_said(paths, model_path, tmp_path, caplog):
    caplog.set_level("INFO", "huggins")
    write(paths, tmp_path / "t.csv", model_path, settings=Settings(candidates=1_000_000))
    assert "3 of 3 spectra have fewer than 1000000 different redshifts" in caplog.text
    found = read_columns(tmp_path / "t.candidates.csv")
    assert COUNT < len(found) < 16 * COUNT


@pytest.mark.parametrize("count", [0, -3])
def test_less_than_one_is_an_error(paths, model, count):
    with pytest.raises(InputError, match=f"candidates must be at least 1, not {count}"):
        huggins.classify(paths, model=model, candidates=count)


def test_their_number_is_a_whole_one(paths, model):
    with pytest.raises(InputError, match=r"candidates must be a whole number, not 1\.5"):
        huggins.classify(paths, model=model, candidates=1.5)


def test_they_need_the_fit(paths, model):
    with pytest.raises(InputError, match="candidates come from the redshift fit: leave out"):
        huggins.classify(paths, model=model, candidates=2, redshift=False)


def test_desi_columns(paths, model):
    table = huggins.classify(paths[:1], model=model, candidates=2, desi_columns=True)
    assert table.candidates.colnames[3:5] == ["SPECTYPE", "SUBTYPE"]
    assert holds_candidates(table.candidates.colnames)


def test_failed_inputs_have_none(paths, model):
    table = huggins.classify(paths[-1:], model=model, candidates=2)
    assert len(table) == 1
    assert len(table.candidates) == 0
    assert table.candidates.colnames == NAMES


def test_a_file_of_somebody_else_is_not_replaced(paths, model_path, tmp_path):
    others = tmp_path / "t.candidates.csv"
    others.write_text("name,favourite\nA,1\n")
    with pytest.raises(OutputError, match="is no output of huggins"):
        write(paths, tmp_path / "t.csv", model_path)
    write(paths, tmp_path / "t.csv", model_path, overwrite=True)
    assert others.read_text().startswith("FILE,INDEX,RANK")
    write(paths, tmp_path / "t.csv", model_path)  # one of ours is
    (tmp_path / "t.csv").rename(tmp_path / "u.candidates.csv")
    with pytest.raises(OutputError, match=r"another output|no output"):
        write(paths, tmp_path / "u.csv", model_path)


def test_redrock_has_no_place_for_them(paths, model_path, tmp_path):
    with pytest.raises(InputError, match="no place for candidates"):
        write(paths, tmp_path / "t.fits", model_path, form="redrock")


def test_an_interrupted_run_keeps_them(paths, model_path, tmp_path, table):
    def stop(rows):
        raise KeyboardInterrupt

    settings = Settings(batch_size=1, candidates=4)
    output = tmp_path / "t.csv"
    with pytest.raises(KeyboardInterrupt):
        write(paths, output, model_path, settings=settings, watch=stop)
    with pytest.raises(InputError, match="candidates"):
        write(paths, output, model_path, settings=Settings(candidates=2), resume=True)
    summary = write(paths, output, model_path, settings=settings, resume=True)
    assert summary.resumed > 0
    found = read_columns(tmp_path / "t.candidates.csv")
    assert found.number("RANK").tolist() == table.candidates["RANK"].tolist()
    np.testing.assert_allclose(found.number("PROB"), table.candidates["PROB"], rtol=1e-3)


def test_a_complete_run_is_known_with_its_candidates(paths, model_path, tmp_path, caplog):
    output = tmp_path / "t.fits"
    write(paths, output, model_path)
    assert write(paths, output, model_path, resume=True).finished
    again = write(paths, output, model_path, settings=Settings(candidates=2), resume=True)
    assert not again.finished
    (tmp_path / "u.csv").write_text("")
    metadata = {"MODELSHA": "", "BASISSHA": ""}
    write(paths, tmp_path / "u.csv", model_path)
    (tmp_path / "u.candidates.csv").unlink()
    gone = tmp_path / "u.candidates.csv"
    assert finished(tmp_path / "u.csv", Inputs(paths), metadata, gone) is None


def test_workers_of_a_cluster_give_the_same(paths, model, model_path):
    from huggins.runs.workers import Workers

    settings = Settings(jobs=1, candidates=3)
    parts = [
        list(run_cluster(paths, str(model_path), settings, Workers(1))),
        list(run_paths(paths, model, settings)),
    ]
    one, two = (Rows.join([rows for rows, _ in part]) for part in parts)
    assert one.alternatives.tobytes() == two.alternatives.tobytes()


def test_names_of_the_second_table():
    assert beside(Path("a/t.parquet")) == Path("a/t.candidates.parquet")
    assert beside(Path("t"), ".csv") == Path("t.candidates")
    assert beside(Path("t.fit"), ".fits") is None
