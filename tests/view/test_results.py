import tarfile

import numpy as np
import pytest
from astropy.table import Table

import huggins
from factories import write_spplate
from huggins.errors import InputError, ReadError
from huggins.tables.columns import Columns
from huggins.view import results as module
from huggins.view.exchange import table_file
from huggins.view.results import Results, UnknownRowError, columns_of


def test_the_spectra_behind_the_rows(results, spectra_set):
    for row in (0, 3):
        spectrum = results.spectrum(row)
        [known] = huggins.read(results.location(row)[0])
        np.testing.assert_array_equal(spectrum.flux, known.flux)
    with pytest.raises(UnknownRowError, match=f"the set has {len(spectra_set)}"):
        results.spectrum(len(spectra_set))


def test_rows_by_key_and_back(results):
    rows = results.rows_by_key()
    assert [rows[results.key(row)] for row in range(len(results))] == list(range(len(results)))


@pytest.mark.parametrize("ending", [".csv", ".ecsv", ".parquet", ".jsonl"])
def test_every_format_of_the_table_is_read_alike(tmp_path, spectra_set, results, ending):
    path = tmp_path / f"t{ending}"
    if ending in (".csv", ".ecsv"):
        Table.read(spectra_set.table).write(path, format=f"ascii.{ending[1:]}")
    else:
        files = sorted(str(p) for p in spectra_set.folder.glob("spec*"))
        from huggins.inference import Inputs, classify_to_file

        classify_to_file(Inputs(files), path)
    other = Results.read(path)
    assert len(other) == len(results)
    assert other.value("SUBCLASS", 1) == results.value("SUBCLASS", 1)
    assert other.value("Z", 1) == pytest.approx(results.value("Z", 1), rel=1e-6)


def test_relative_paths_are_found_beside_the_table(spectra_set, tmp_path, monkeypatch):
    table = Table.read(spectra_set.table)
    table["FILE"] = [f"somewhere/else/{str(f).rsplit('/', 1)[-1]}" for f in table["FILE"]]
    path = spectra_set.folder / "moved.fits"
    table.write(path, overwrite=True)
    monkeypatch.chdir(tmp_path)
    assert len(Results.read(path).spectrum(2)) > 1000


def test_given_redshifts_are_said_to_be(spectra_set):
    table = Table.read(spectra_set.table)
    assert Results.classified(table, "t", "memory").note == ""
    table.meta["ZGIVEN"] = "PIPE_Z"
    given = Results.classified(table, "t", "memory")
    assert given.given
    assert given.note == "The redshifts of this table were given (--z), not found."


def test_where_chooses_rows(spectra_set):
    chosen = Results.read(spectra_set.table, 'CLASS == "QSO"')
    assert set(chosen.table.text("CLASS")) == {"QSO"}
    assert 0 < len(chosen) < len(spectra_set)


@pytest.mark.parametrize("ending", ["fits", "csv", "ecsv", "parquet"])
def test_a_very_long_table_is_cut_and_says_so(results, monkeypatch, tmp_path, ending):
    monkeypatch.setattr(module, "ROWS_MAX", 4)
    path = tmp_path / f"long.{ending}"
    path.write_bytes(table_file(results.take([0, 1, 2, 3, 4, 5]), ending)[1])
    cut = Results.read(path)
    assert len(cut) == 4
    assert "more rows than a page can show: these are the first 4" in cut.note
    assert "--where" in cut.note
    later = Results.read(path, "FIBERID >= 5")  # rows behind those that were read
    assert later.table.number("FIBERID").tolist() == [5.0, 6.0]
    assert later.note == ""


def test_a_table_without_files_is_refused():
    with pytest.raises(InputError, match=r"no column FILE.*huggins classify"):
        Results(Columns("t", {"Z": np.ma.MaskedArray([1.0])}), "t", "t.fits")


def test_what_is_missing_is_none(results):
    values = results.table.values
    values["Z"][0] = np.ma.masked
    values["Z_ERR"].data[1] = np.inf
    assert results.value("Z", 0) is None
    assert results.value("Z_ERR", 1) is None
    assert results.value("NOPE", 0) is None


def test_uploads_are_rows_and_limited(results, mocks, monkeypatch, tmp_path):
    network = huggins.load_model()
    text = "\n".join(
        f"{w:.3f} {f:.4f} {e:.4f}"
        for w, f, e in zip(
            mocks[0].spectrum.wavelength,
            mocks[0].spectrum.flux,
            np.where(mocks[0].spectrum.ivar > 0, mocks[0].spectrum.ivar, 1) ** -0.5,
            strict=True,
        )
    ).encode()
    count = len(results)
    assert results.upload("../../etc/a.txt", text, network) == count
    assert results.location(count)[0] == "a.txt"
    assert results.value("CLASS", count) == "QSO"
    assert results.upload("a.txt", text, network) == count + 1
    assert results.location(count + 1)[0] == "a.txt+"
    assert len(results.spectrum(count + 1)) == len(mocks[0].spectrum)
    assert len(results.table.text("PIPE_CLASS")) == count + 2
    monkeypatch.setattr(module, "_UPLOADS_MAX", 100)
    with pytest.raises(InputError, match="start `huggins view` on the files"):
        results.upload("b.txt", text, network)
    with pytest.raises((InputError, ReadError)):
        results.upload("c.txt", b"no spectrum at all", network)


def test_a_table_of_astropy_as_columns(spectra_set):
    table = Table.read(spectra_set.table)
    columns = columns_of(table, "here")
    assert columns.names == table.colnames
    assert columns.text("SUBCLASS").tolist() == [str(v) for v in table["SUBCLASS"]]


def test_members_of_an_archive(spectra_set, tmp_path):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as file:
        for number in (1, 2):
            name = f"spec-7102-56666-{number:04d}.fits"
            file.add(spectra_set.folder / name, name)
    table = huggins.classify([str(archive)])
    results = Results.classified(table, "a", "a")
    [known] = huggins.read(str(spectra_set.folder / "spec-7102-56666-0002.fits"))
    np.testing.assert_array_equal(results.spectrum(1).flux, known.flux)


def test_rows_of_a_plate(tmp_path):
    rng = np.random.default_rng(0)
    flux = rng.normal(5.0, 1.0, (10, 3000)).astype(np.float32)
    path = write_spplate(
        tmp_path / "spPlate-7102-56666.fits", flux, np.ones_like(flux), start=3.57
    )
    table = huggins.classify([str(path)], redshift=False)
    results = Results.classified(table, "a", "a")
    for row in (0, 7):
        np.testing.assert_array_equal(results.spectrum(row).flux, flux[row])
