import hashlib
import os

import numpy as np
import pytest
from astropy.io import fits

from factories import (
    make_truth,
    write_boss_spec,
    write_lamost_table,
    write_sdss5_spec,
    write_sdss_spec,
    write_spplate,
)
from huggins.dataset import shrink as module
from huggins.dataset.shrink import read_small, shrink, verify
from huggins.dataset.small_files import arrive, check_whole, shrink_files
from huggins.errors import OutputError, ReadError
from huggins.formats import read

SIZE = 4600
KEPT = ["flux", "loglam", "ivar", "and_mask", "or_mask"]


@pytest.fixture
def truth():
    return make_truth(SIZE, start=3.55, step=1e-4)


@pytest.fixture
def full(tmp_path, truth):
    """A file of eight exposures, as the archive has them."""
    return write_boss_spec(tmp_path / "spec-7102-56666-0082.fits", truth, exposures=8)


def write_all(folder, truth):
    """Files of every generation."""
    yield write_boss_spec(folder / "lite.fits", truth)
    yield write_boss_spec(folder / "full.fits", truth, exposures=3)
    yield write_boss_spec(folder / "upper.fits", truth, upper=True, named=False)
    yield write_boss_spec(folder / "moved.fits", truth, order=("SPALL", "SPZLINE", "COADD"))
    yield write_boss_spec(folder / "no-row.fits", truth, order=("COADD",))
    yield write_boss_spec(folder / "unsigned.fits", truth, unsigned=True, specobjid=2**63 + 5)
    yield write_boss_spec(folder / "no-masks.fits", truth, drop=("and_mask", "or_mask"))
    yield write_sdss_spec(folder / "sdss.fits", truth)
    yield write_sdss5_spec(folder / "sdss5.fits", truth)


def test_full_file_becomes_at_least_three_times_smaller(full, tmp_path):
    before = shrink(full, tmp_path / "small.fits")
    assert before == full.stat().st_size
    assert before / (tmp_path / "small.fits").stat().st_size > 3


def test_astropy_reads_the_same_values_without_errors(tmp_path, truth):
    for number, source in enumerate(write_all(tmp_path, truth)):
        small = tmp_path / f"small-{number}.fits"
        shrink(source, small)
        with fits.open(source) as one, fits.open(small) as two:
            two.verify("exception")
            coadd = next(hdu for hdu in one[1:] if "flux" in map(str.lower, hdu.columns.names))
            names = [name for name in coadd.columns.names if name.lower() in KEPT]
            assert two[1].columns.names == names
            assert two[1].name == coadd.name
            for name in names:
                assert coadd.data[name].tobytes() == two[1].data[name].tobytes()
                assert coadd.columns[name].format == two[1].columns[name].format
            rows = [hdu for hdu in one[1:] if hdu is not coadd and "CLASS" in hdu.columns.names]
            if rows:
                assert two[2].data.tobytes() == rows[0].data.tobytes()
                assert two[2].header == rows[0].header
            assert len(two) == 2 + bool(rows)
            cards = [tuple(card) for card in two[0].header.cards if card[0] != "HISTORY"]
            assert cards == [tuple(card) for card in one[0].header.cards]


def test_readers_find_the_same_spectrum(tmp_path, truth):
    for source in write_all(tmp_path, truth):
        shrink(source, tmp_path / "small.fits")
        (one,), (two,) = read(source), read(tmp_path / "small.fits")
        for name in ("loglam", "flux", "ivar"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert (one.plate, one.mjd, one.specobjid, one.ra) == (
            two.plate,
            two.mjd,
            two.specobjid,
            two.ra,
        )
        assert (one.pipeline.cls, one.pipeline.z) == (two.pipeline.cls, two.pipeline.z)


def test_wdisp_is_kept_on_request(full, tmp_path):
    shrink(full, tmp_path / "small.fits", wdisp=True)
    with fits.open(tmp_path / "small.fits") as file:
        assert file[1].columns.names == [*KEPT, "wdisp"]
        assert (file[1].data["wdisp"] == 1).all()


def test_history_names_the_source(full, tmp_path):
    shrink(full, tmp_path / "small.fits")
    history = "".join(fits.getheader(tmp_path / "small.fits")["HISTORY"])
    digest = hashlib.sha256(full.read_bytes()).hexdigest()
    assert digest in history.replace(" ", "")
    assert f"from {full.name}, {full.stat().st_size} bytes" in history


def test_compressed_copy_is_smaller_and_the_same(full, tmp_path):
    plain, packed = tmp_path / "small.fits", tmp_path / "small.fits.gz"
    shrink(full, plain)
    shrink(full, packed, gzip=True)
    assert packed.stat().st_size < plain.stat().st_size
    verify(full, tmp_path / "small.fits.gz")
    first = (tmp_path / "small.fits.gz").read_bytes()
    shrink(full, tmp_path / "small.fits.gz", gzip=True)
    assert (tmp_path / "small.fits.gz").read_bytes() == first


@pytest.mark.slow
def test_shared_spectra_keep_every_value(shared_data, tmp_path):
    files = sorted((shared_data / "spectra").glob("[bs]*/*/*.fits"))[::40]
    assert len(files) > 8
    for path in files:
        before = shrink(path, tmp_path / "small.fits")
        assert (tmp_path / "small.fits").stat().st_size < before
        with fits.open(path) as one, fits.open(tmp_path / "small.fits") as two:
            for name in two[1].columns.names:
                assert one[1].data[name].tobytes() == two[1].data[name].tobytes()
            if len(two) > 2:
                assert one[2].data.tobytes() == two[2].data.tobytes()


@pytest.mark.parametrize("write", [write_lamost_table])
def test_other_files_are_refused(tmp_path, truth, write):
    path = write(tmp_path / "other.fits", truth)
    with pytest.raises(ReadError, match="only spec files of SDSS"):
        shrink(path, tmp_path / "small.fits")
    assert not (tmp_path / "small.fits").exists()


def change(path, how):
    """Rewrite a spec file with its HDUs changed."""
    with fits.open(path) as hdus:
        hdus = fits.HDUList([hdu.copy() for hdu in hdus])
        how(hdus)
        hdus.writeto(path, overwrite=True)
    return path


def as_medium_resolution(hdus):
    """Two arms and their exposures, as LAMOST's medium-resolution files have them."""
    other = hdus[1].copy()
    hdus[1].name, other.name = "COADD_B", "COADD_R"
    del hdus[2:]
    hdus.append(other)
    for arm in "BR":
        hdus.append(hdus[f"COADD_{arm}"].copy())
        hdus[-1].name = f"{arm}-84080001"


def with_own_work(hdus):
    hdus.append(fits.ImageHDU(np.arange(9.0), name="MYFIT"))


def with_own_column(hdus):
    column = fits.Column("SMOOTHED", "E", array=hdus[1].data["flux"])
    hdus[1] = fits.BinTableHDU.from_columns(hdus[1].columns + column, hdus[1].header)


@pytest.mark.parametrize(
    ("how", "what"),
    [
        (as_medium_resolution, "HDU COADD_"),
        (with_own_work, "HDU MYFIT"),
        (with_own_column, "column SMOOTHED"),
    ],
)
def test_what_is_not_known_is_left_alone_to_the_last_hdu(tmp_path, truth, how, what):
    path = change(write_boss_spec(tmp_path / "a.fits", truth, exposures=2), how)
    before = path.read_bytes()
    (outcome,) = shrink_files([str(path)])
    assert f"no spec file of SDSS has its {what}" in outcome.error
    assert path.read_bytes() == before


def test_plates_and_texts_are_refused(tmp_path):
    plate = write_spplate(tmp_path / "p.fits", np.ones((3, 9)), np.ones((3, 9)))
    (tmp_path / "t.txt").write_text("1 2 3")
    for path in (plate, tmp_path / "t.txt"):
        with pytest.raises(ReadError, match="only spec files"):
            shrink(path, tmp_path / "small.fits")


def damaged(monkeypatch, change):
    """Make whatever is written come out changed."""
    written = module.to_bytes

    def to_bytes(*args):
        return change(bytearray(written(*args)))

    monkeypatch.setattr(module, "to_bytes", to_bytes)


def flipped(content):
    content[2 * 2880 + 2880 + 17] ^= 1  # in the first pixels
    return bytes(content)


def other_row(content):
    content[-2880 + 20] ^= 1
    return bytes(content)


@pytest.mark.parametrize("change", [flipped, other_row, lambda content: bytes(content[:-9000])])
def test_copy_that_differs_never_replaces_its_source(monkeypatch, full, change):
    before = full.read_bytes()
    damaged(monkeypatch, change)
    with pytest.raises(OutputError, match="what was written"):
        shrink(full, full)
    (outcome,) = shrink_files([str(full)])
    assert "what was written" in outcome.error
    assert full.read_bytes() == before
    assert [path.name for path in full.parent.iterdir()] == [full.name]


def test_full_disk_leaves_the_source(monkeypatch, full):
    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    before = full.read_bytes()
    with pytest.raises(OutputError, match=r"No space left"):
        shrink(full, full)
    assert full.read_bytes() == before
    assert [path.name for path in full.parent.iterdir()] == [full.name]


def test_replacing_makes_the_file_itself_small_and_a_second_time_changes_nothing(full):
    before = read_small(str(full))
    (outcome,) = shrink_files([str(full)])
    assert not outcome.skipped
    assert outcome.after == full.stat().st_size < outcome.before
    assert np.array_equal(read_small(str(full)).pixels, before.pixels)
    content = full.read_bytes()
    (outcome,) = shrink_files([str(full)])
    assert outcome.skipped
    assert full.read_bytes() == content


def test_replacing_by_compressed_files_removes_the_others(full):
    (outcome,) = shrink_files([str(full)], gzip=True)
    assert outcome.error == ""
    assert [path.name for path in full.parent.iterdir()] == [full.name + ".gz"]
    (outcome,) = shrink_files([str(full) + ".gz"], gzip=True)
    assert outcome.skipped
    (outcome,) = shrink_files([str(full) + ".gz"])
    assert [path.name for path in full.parent.iterdir()] == [full.name]


@pytest.mark.parametrize("gzip", [False, True])
def test_a_link_and_what_it_points_to_are_left_alone(full, tmp_path, gzip):
    before = full.read_bytes()
    folder = tmp_path / "folder"
    folder.mkdir()
    link = folder / "link.fits"
    link.symlink_to(full)
    (outcome,) = shrink_files([str(link)], gzip=gzip)
    assert outcome.error.startswith("is a symbolic link, so it is left alone")
    assert str(full.resolve()) in outcome.error
    assert [path.name for path in folder.iterdir()] == ["link.fits"]
    assert link.is_symlink()
    assert full.read_bytes() == before


def test_interrupted_replacement_by_another_name_is_finished(full):
    shrink(full, full.with_name(full.name + ".gz"), gzip=True)  # and then the power went
    (outcome,) = shrink_files([str(full)], gzip=True)
    assert outcome.error == ""
    assert not full.exists()


def test_other_file_of_that_name_is_never_overwritten(full, tmp_path, truth):
    (tmp_path / "out").mkdir()
    other = write_boss_spec(tmp_path / "out" / full.name, make_truth(SIZE, seed=1))
    content = other.read_bytes()
    (outcome,) = shrink_files([str(full)], lambda path: other)
    assert "holds something else" in outcome.error
    assert other.read_bytes() == content
    other.rename(full.with_name(full.name + ".gz"))
    (outcome,) = shrink_files([str(full)], gzip=True)
    assert "holds something else" in outcome.error
    assert full.exists()


def test_copy_onto_itself_is_refused(full):
    (outcome,) = shrink_files([str(full)], lambda path: full)
    assert "is the file itself" in outcome.error


def test_many_keep_their_order_and_one_bad_file_does_not_end_the_run(tmp_path, truth):
    paths = [str(write_boss_spec(tmp_path / f"{i}.fits", truth)) for i in range(9)]
    (tmp_path / "4.fits").write_bytes(b"SIMPLE  = broken")
    (tmp_path / "5.fits").write_bytes(b"")
    outcomes = list(shrink_files(paths, lambda path: tmp_path / "o" / path[-6:], jobs=3))
    assert [outcome.source for outcome in outcomes] == paths
    assert [i for i, outcome in enumerate(outcomes) if outcome.error] == [4, 5]
    assert "the file is empty" in outcomes[5].error
    assert len(list((tmp_path / "o").iterdir())) == 7
    again = list(shrink_files(paths, lambda path: tmp_path / "o" / path[-6:]))
    assert [i for i, outcome in enumerate(again) if outcome.skipped] == [0, 1, 2, 3, 6, 7, 8]


def test_downloads_keep_small_copies_of_spectra_and_other_files_whole(full, tmp_path):
    place = tmp_path / "new" / full.name
    place.parent.mkdir()
    before = read_small(str(full))
    part = full.rename(tmp_path / ".x.part")
    arrive(part, place, small=True)
    assert np.array_equal(read_small(str(place)).pixels, before.pixels)
    assert f"from {full.name}" in "".join(fits.getheader(place)["HISTORY"])
    assert not part.exists()
    plate = write_spplate(tmp_path / ".p.part", np.ones((3, 9)), np.ones((3, 9)))
    content = plate.read_bytes()
    arrive(plate, tmp_path / "spPlate.fits", small=True)
    assert (tmp_path / "spPlate.fits").read_bytes() == content


@pytest.mark.parametrize("cut", [100, 3000, 9000, 100_000, 200_000])
def test_truncated_downloads_are_refused(full, tmp_path, cut):
    full.write_bytes(full.read_bytes()[:cut])
    for small in (False, True):
        with pytest.raises(ReadError):
            arrive(full, tmp_path / "new.fits", small=small)
    assert not (tmp_path / "new.fits").exists()


def test_only_fits_files_are_checked_for_their_length(tmp_path):
    (tmp_path / "list").write_text("no FITS")
    check_whole(tmp_path / "list", "list.txt")
    with pytest.raises(ReadError):
        check_whole(tmp_path / "list", "list.fits")
