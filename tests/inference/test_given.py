"""`--z`: redshifts in tables, in columns of lists, of the pipeline, in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import huggins
from factories import make_truth, write_boss_spec, write_spplate
from huggins import cli
from huggins.errors import InputError
from huggins.inference.given import given_redshifts
from huggins.quality import ZWarning

Z = [0.5, 1.25, 2.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for i in range(3):
        truth = make_truth(4600, seed=i, fiberid=i + 1, start=3.55, step=1e-4)
        write_boss_spec(folder / f"{i}.fits", truth)
    return folder


def table(where, **columns):
    Table(columns).write(where, overwrite=True)
    return where


def test_by_path(folder, model, tmp_path):
    given = table(tmp_path / "z.csv", file=[f"{i}.fits" for i in (2, 0, 1)], redshift=Z)
    found = huggins.classify(folder, model=model, z=given)
    np.testing.assert_allclose(found["Z"], [1.25, 2.0, 0.5], rtol=1e-6)
    assert found["Z_ERR"].mask.all()
    assert found["Z_P16"].mask.all()
    assert (found["CLASS"] != "STAR").all()
    assert np.isfinite(found["DELTACHI2"]).all()
    assert (found["ERROR"] == "").all()


def test_by_plate_and_by_identifier(folder, model, tmp_path):
    spectra = [huggins.read(folder / f"{i}.fits")[0] for i in range(3)]
    by_plate = table(
        tmp_path / "p.fits",
        PLATE=[s.plate for s in spectra],
        MJD=[s.mjd for s in spectra],
        FIBERID=[s.fiberid for s in spectra],
        Z_VI=Z,
        Z=Z[::-1],
    )
    found = huggins.classify(folder, model=model, z=by_plate)
    np.testing.assert_allclose(found["Z"], Z[::-1], rtol=1e-6)
    names = [f"12345678901{i}" for i in range(3)]
    for spectrum, name in zip(spectra, names, strict=True):
        spectrum.targetid = name
    by_target = table(tmp_path / "t.ecsv", TARGETID=names, Z=Z)
    found = huggins.classify(spectra, model=model, z=str(by_target))
    np.testing.assert_allclose(found["Z"], Z, rtol=1e-6)


def test_missing_and_absurd_ones_fail_for_a_reason(folder, model, tmp_path):
    files = [f"{i}.fits" for i in range(3)]
    for value, said in ((np.nan, "no redshift is given"), (-9.0, "-9, is none: they go from")):
        given = table(tmp_path / "z.ecsv", file=files, z=[0.5, value, 42.0])
        found = huggins.classify(folder, model=model, z=given)
        assert [bool(error) for error in found["ERROR"]] == [False, True, True]
        assert said in found["ERROR"][1]
        assert "42, is none" in found["ERROR"][2]
        assert found["Z"].mask.tolist() == [False, True, True]
        assert (found["CLASS"] == "").tolist() == [False, True, True]
        assert found["ZWARNING"][1] & ZWarning.NODATA
        assert found["PLATE"][1] == found["PLATE"][0]  # what it is stays known


def test_slightly_negative_ones_are_stars_or_near(folder, model):
    found = huggins.classify(folder, model=model, z=-0.001)
    np.testing.assert_allclose(found["Z"], -0.001)
    assert (found["ERROR"] == "").all()


def test_rows_of_one_file_by_index(model, tmp_path):
    rng = np.random.default_rng(1)
    write_spplate(tmp_path / "p.fits", rng.uniform(1, 2, (3, 3000)), np.ones((3, 3000)))
    given = table(tmp_path / "z.csv", FILE=["p.fits"] * 3, INDEX=[2, 1, 0], Z=Z)
    found = huggins.classify(tmp_path / "p.fits", model=model, z=given)
    np.testing.assert_allclose(found["Z"], Z[::-1], rtol=1e-6)


def test_without_index_the_identifiers_tell_which_spectrum_of_a_file_it_is(
    folder, model, tmp_path
):
    spectra = [huggins.read(folder / f"{i}.fits")[0] for i in range(3)]
    names = [f"12345678901{i}" for i in range(3)]
    for index, spectrum in enumerate(spectra):
        spectrum.file, spectrum.index, spectrum.targetid = "p.fits", index, names[index]
    given = table(tmp_path / "t.ecsv", FILE=["p.fits"] * 3, TARGETID=names[::-1], Z=Z)
    found = huggins.classify(spectra, model=model, z=given)
    np.testing.assert_allclose(found["Z"], Z[::-1], rtol=1e-6)
    # The one row of this file is that of the second spectrum in it, not of the first.
    given = table(tmp_path / "t.ecsv", FILE=["p.fits"], TARGETID=names[1:2], Z=[0.5])
    found = huggins.classify(spectra, model=model, z=given)
    assert found["Z"].mask.tolist() == [True, False, True]
    # A spectrum without identifiers is none of several, but the only one of a file.
    spectra[0].targetid = None
    assert given_redshifts(str(given)).of(spectra[0]) == 0.5
    given = table(tmp_path / "t.ecsv", FILE=["p.fits"] * 3, TARGETID=names, Z=Z)
    assert np.isnan(given_redshifts(str(given)).of(spectra[0]))


def test_what_they_are_of_is_part_of_their_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = {"FILE": ["p.fits"] * 2, "Z": [0.5, 0.6]}

    def digest(**more):
        return given_redshifts(str(table(Path("z.csv"), **columns, **more))).digest

    assert digest(INDEX=[0, 1]) == digest(INDEX=[0, 1])
    words = [{"INDEX": [0, 1]}, {"INDEX": [1, 0]}, {"TARGETID": [21, 22]}]
    assert len({digest(**more) for more in (*words, {"SPECOBJID": [21, 22]}, {})}) == 5


def test_one_for_each_in_memory(folder, model):
    spectra = [huggins.read(folder / f"{i}.fits")[0] for i in range(3)]
    found = huggins.classify(spectra, model=model, z=Z, jobs=2, batch_size=1)
    np.testing.assert_allclose(found["Z"], Z, rtol=1e-6)
    with pytest.raises(InputError, match="2 redshifts for 3 spectra"):
        huggins.classify(spectra, model=model, z=Z[:2])


def test_one_for_each_time_that_a_spectrum_comes(folder, model):
    spectrum = huggins.read(folder / "0.fits")[0]
    found = huggins.classify([spectrum] * 3, model=model, z=[0.1, 2.2, 1.0])
    np.testing.assert_allclose(found["Z"], [0.1, 2.2, 1.0], rtol=1e-6)


def test_two_different_ones_are_an_error(folder, model, tmp_path):
    given = table(tmp_path / "z.csv", file=["0.fits", "0.fits", "1.fits"], z=[0.5, 0.6, 1.0])
    found = huggins.classify(folder / "[01].fits", model=model, z=given)
    assert "0.fits the redshifts 0.5 and 0.6: keep one" in found["ERROR"][0]
    assert found["ERROR"][1] == ""
    assert found["Z"][1] == 1.0
    same = table(tmp_path / "s.csv", file=["0.fits", "0.fits"], z=[0.5, 0.5])
    assert huggins.classify(folder / "0.fits", model=model, z=same)["Z"][0] == 0.5


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"file": ["a"], "w": [1.0]}, "no column is called z, redshift"),
        ({"w": ["a"], "z": [1.0]}, "no column says of which spectrum"),
        ({"file": ["a"], "z": ["high"]}, "holds text"),
        ({"specobjid": ["1.2345678901234567e+18"], "z": [1.0]}, "rounded"),
    ],
)
def test_tables_without_redshifts(tmp_path, columns, said):
    given = table(tmp_path / "z.ecsv", **columns)
    with pytest.raises(InputError, match=said):
        given_redshifts(str(given))


def test_they_need_the_fit_and_are_the_only_candidate(folder, model):
    with pytest.raises(InputError, match="leave out --no-redshift"):
        huggins.classify(folder, model=model, z="PIPE_Z", redshift=False)
    with pytest.raises(InputError, match="leave out --candidates or --z"):
        huggins.classify(folder, model=model, z="PIPE_Z", candidates=2)


def test_command(folder, model_path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table(Path("list.csv"), path=[f"{folder}/{i}.fits" for i in range(3)], z_vi=Z)

    def run(*argv):
        status = cli.main(["classify", *argv, "-o", "t.csv", "--model", str(model_path)])
        return status, capsys.readouterr().err

    assert run("@list.csv", "--z", "z_vi")[0] == 0
    np.testing.assert_allclose(Table.read("t.csv")["Z"], Z)
    assert run("@list.csv", "--z", "Z_VI")[0] == 0
    status, said = run("@list.csv", "--z", "nonsense")
    assert status == 2
    assert "is no file, and no list" in said
    status, said = run("@list.csv", "--z", "")
    assert status == 2
    assert "--z is empty" in said
    assert run("@list.csv", "--z", "PIPE_Z")[0] == 0
    found = Table.read("t.csv")
    np.testing.assert_allclose(found["Z"], found["PIPE_Z"], atol=1e-6)
    # Interrupted runs go on only with the same redshifts.
    table(Path("other.csv"), path=["a.fits"], z=[1.0])
    status, said = run("@list.csv", "--z", "other.csv")
    assert status == 2
    assert "no redshift is given for this spectrum (--z other.csv)" in said
