import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from factories import make_truth, write_boss_spec, write_sdss5_spec, write_sdss_spec
from huggins.dataset import pack as module
from huggins.dataset.pack import Packed, pack
from huggins.dataset.rows import row_layout
from huggins.errors import OutputError, ReadError
from huggins.formats import identify, open_file, read
from huggins.runs.locks import lock

NAMES = ("survey", "plate", "mjd", "fiberid", "targetid", "specobjid", "ra", "dec", "zwarning")


def spectra(folder, plate=7102, fibres=range(1, 6), write=write_boss_spec, size=300, **options):
    folder.mkdir(exist_ok=True)
    paths = []
    for fibre in fibres:
        truth = make_truth(size + fibre, seed=fibre, plate=plate, fiberid=fibre, z=fibre / 10)
        paths.append(str(write(folder / f"spec-{plate}-{fibre:04d}.fits", truth, **options)))
    return paths


def packed(paths, folder, **options):
    return [item for item in pack(paths, folder, **options) if isinstance(item, Packed)]


def test_container_of_a_plate_gives_back_every_spectrum(tmp_path):
    paths = spectra(tmp_path / "in", exposures=2)
    (container,) = packed(paths, tmp_path / "out")
    assert container.path == tmp_path / "out" / "pack-7102-56666.fits"
    assert container.sources == paths
    assert container.after == container.path.stat().st_size < container.before / 2
    assert identify(container.path) == "pack"
    for i, (spectrum, path) in enumerate(zip(read(container.path), paths, strict=True)):
        (one,) = read(path)
        for name in ("loglam", "flux", "ivar", "and_mask"):
            np.testing.assert_array_equal(getattr(spectrum, name), getattr(one, name))
            assert getattr(spectrum, name).dtype == getattr(one, name).dtype
        assert [getattr(spectrum, name) for name in NAMES] == [
            getattr(one, name) for name in NAMES
        ]
        assert (spectrum.pipeline.cls, spectrum.pipeline.z) == (
            one.pipeline.cls,
            one.pipeline.z,
        )
        assert (spectrum.index, spectrum.format) == (i, "pack")


def test_astropy_reads_it_without_a_fault(tmp_path):
    paths = spectra(tmp_path / "in")
    (container,) = packed(paths, tmp_path / "out", wdisp=True)
    with fits.open(container.path) as file:
        file.verify("exception")
        assert [hdu.name for hdu in file] == ["PRIMARY", "COADD", "SPALL", "SPECTRA"]
        pixels, rows, index = (file[i].data for i in (1, 2, 3))
        for i, path in enumerate(paths):
            own = pixels[index["FIRST"][i] : index["FIRST"][i] + index["PIXELS"][i]]
            with fits.open(path) as one:
                for name in pixels.names:
                    assert own[name].tobytes() == one[1].data[name].tobytes()
                assert rows[i : i + 1].tobytes() == one[2].data.tobytes()
                header = fits.Header.fromstring(index["PRIMARY"][i])
                assert header["PLATEID"] == one[0].header["PLATEID"]
            assert index["FILE"][i] == f"spec-7102-{i + 1:04d}.fits"
        assert "wdisp" in pixels.names


@pytest.mark.parametrize("write", [write_sdss_spec, write_sdss5_spec])
def test_other_generations(tmp_path, write):
    paths = spectra(tmp_path / "in", write=write)
    (container,) = packed(paths, tmp_path / "out")
    assert [s.pipeline.z for s in read(container.path)] == [
        read(p)[0].pipeline.z for p in paths
    ]
    assert read(container.path)[0].survey == read(paths[0])[0].survey


def test_files_without_pipeline_row(tmp_path):
    paths = spectra(tmp_path / "in", order=("COADD",))
    (container,) = packed(paths, tmp_path / "out")
    assert container.path.name == "pack-0000-0.fits"
    assert [len(s) for s in read(container.path)] == [301, 302, 303, 304, 305]


def test_plates_and_layouts_get_containers_of_their_own(tmp_path):
    paths = spectra(tmp_path / "a") + spectra(tmp_path / "b", plate=7103)
    paths += spectra(tmp_path / "c", plate=7103, upper=True)
    names = [container.path.name for container in packed(paths, tmp_path / "out")]
    assert names == [
        "pack-7102-56666.fits",
        "pack-7103-56666.fits",
        "pack-7103-56666-2.fits",
    ]


def narrow(path, cls, subclass):
    """As v5_13_0 writes them: texts as wide as those of the very file."""
    with fits.open(path) as file:
        hdus = fits.HDUList([hdu.copy() for hdu in file])
        texts = {"CLASS": cls, "SUBCLASS": subclass}
        columns = [
            fits.Column(c.name, f"{max(len(texts[c.name]), 1)}A", array=[texts[c.name]])
            if c.name in texts
            else fits.Column(c.name, c.format, array=file[2].data[c.name])
            for c in file[2].columns
        ]
        hdus[2] = fits.BinTableHDU.from_columns(columns, name="SPALL")
        hdus.writeto(path, overwrite=True)


def test_texts_of_other_widths_share_a_container(tmp_path):
    paths = spectra(tmp_path / "in")
    said = [("QSO", ""), ("STAR", "F9"), ("GALAXY", "STARFORMING"), ("STAR", "K"), ("QSO", "")]
    for path, texts in zip(paths, said, strict=True):
        narrow(path, *texts)
    (container,) = packed(paths, tmp_path / "out")
    assert container.sources == paths
    with fits.open(container.path) as file:
        file.verify("exception")
        rows = file["SPALL"].data
        assert list(zip(rows["CLASS"], rows["SUBCLASS"], strict=True)) == said
        for i, path in enumerate(paths):
            with fits.open(path) as one:
                for name in rows.names:
                    same = np.array_equal(rows[name][i], one[2].data[name][0])
                    assert same, (path, name)
    for spectrum, (cls, subclass) in zip(read(container.path), said, strict=True):
        assert (spectrum.pipeline.cls, spectrum.pipeline.subclass) == (cls, subclass)
    assert packed(paths, tmp_path / "out")[0].path == container.path


def test_rows_that_only_look_alike_stay_apart():
    """Texts of fixed shape, columns of another type, cards that are not in their place."""
    card = "{:80}".format
    begin = ["XTENSION", "BITPIX", "NAXIS", "NAXIS1  = 5", "NAXIS2"]

    def alike(*cards):
        count = sum(word.startswith("TFORM") for word in cards)
        words = [*begin, f"TFIELDS = {count}", *cards]
        return row_layout("".join(map(card, words)).encode()).alike

    narrow, wide = "TFORM1  = '2A      '", "TFORM1  = '9A      '"
    assert alike(narrow) == alike(wide)
    assert alike(narrow, "TDIM1   = '(1,2)'") != alike(wide, "TDIM1   = '(1,2)'")
    assert alike(narrow) != alike("TFORM1  = '2B      '")
    assert alike(narrow, "TFORM2  = '1PE(9) '") != alike(wide, "TFORM2  = '1PE(9) '")
    assert alike("TFORM1  = '2A'") != alike("TFORM1  = '9A'")


def test_large_plates_are_split(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    containers = packed(spectra(tmp_path / "in"), tmp_path / "out")
    assert [len(container.sources) for container in containers] == [2, 2, 1]


def test_blocks_of_pixels_change_nothing(tmp_path, monkeypatch):
    from huggins.formats import pack as reader

    paths = spectra(tmp_path / "in")
    (container,) = packed(paths, tmp_path / "out")
    whole = [s.flux for s in read(container.path)]
    for size in (1, 301, 620, 10_000):
        monkeypatch.setattr(reader, "_CHUNK", size)
        for one, two in zip(whole, read(container.path), strict=True):
            np.testing.assert_array_equal(one, two.flux)


def test_second_run_finds_its_container(tmp_path):
    paths = spectra(tmp_path / "in")
    (first,) = packed(paths, tmp_path / "out")
    content = first.path.read_bytes()
    (second,) = packed(paths, tmp_path / "out")
    assert second.path == first.path
    assert first.path.read_bytes() == content
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_container_of_other_content_is_never_overwritten(tmp_path):
    (first,) = packed(spectra(tmp_path / "a"), tmp_path / "out")
    content = first.path.read_bytes()
    (second,) = packed(spectra(tmp_path / "b", fibres=range(7, 9)), tmp_path / "out")
    assert second.path.name == "pack-7102-56666-2.fits"
    assert first.path.read_bytes() == content


def test_bad_file_is_left_out_with_an_error(tmp_path):
    paths = spectra(tmp_path / "in")
    (tmp_path / "in" / "bad.fits").write_bytes(b"SIMPLE  = broken")
    paths.insert(2, str(tmp_path / "in" / "bad.fits"))
    bad, container = list(pack(paths, tmp_path / "out"))
    assert isinstance(bad, ReadError)
    assert bad.path.endswith("bad.fits")
    assert len(container.sources) == 5


def test_spectrum_without_information_is_an_error_in_its_place(tmp_path):
    paths = spectra(tmp_path / "in")
    with fits.open(paths[1], mode="update") as file:
        file[1].data["ivar"] = 0
    (container,) = packed(paths, tmp_path / "out")
    items = list(open_file(container.path))
    assert [isinstance(item, ReadError) for item in items] == [False, True] + [False] * 3
    assert items[1].index == 1


def test_container_that_differs_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    paths = spectra(tmp_path / "in")
    add = module._Writer.add

    def wrong(self, path, small, rows):
        pixels = small.pixels.copy()
        pixels[7, 3] ^= 1
        rest = small_rest(small)
        add(self, path, module.Small(small.primary, small.header, pixels, *rest), rows)

    def small_rest(small):
        return small.row_header, small.row, small.size

    monkeypatch.setattr(module._Writer, "add", wrong)
    with pytest.raises(OutputError, match="differs from the files"):
        packed(paths, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_full_disk_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError, match=r"No space left"):
        packed(spectra(tmp_path / "in"), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_container_cut_off_is_a_read_error(tmp_path, fraction):
    (container,) = packed(spectra(tmp_path / "in"), tmp_path / "out")
    content = container.path.read_bytes()
    container.path.write_bytes(content[: int(fraction * len(content))])
    items = list(open_file(container.path))
    assert isinstance(items[-1], ReadError)


def test_container_of_another_version_is_refused(tmp_path):
    (container,) = packed(spectra(tmp_path / "in"), tmp_path / "out")
    content = container.path.read_bytes()
    card = b"HUGPACK = %20d" % 1
    assert card in content
    container.path.write_bytes(content.replace(card, b"HUGPACK = %20d" % 9))
    with pytest.raises(ReadError, match="version 9"):
        read(container.path)


@pytest.mark.parametrize(("column", "value"), [("FIRST", 5), ("PIXELS", -3), ("PIXELS", 10**6)])
def test_damaged_index_is_a_read_error(tmp_path, column, value):
    (container,) = packed(spectra(tmp_path / "in"), tmp_path / "out")
    with fits.open(container.path, mode="update") as file:
        file["SPECTRA"].data[column][2] = value
    with pytest.raises(ReadError, match="damaged"):
        read(container.path)


def test_what_a_killed_run_has_left_is_removed_and_what_is_written_is_not(tmp_path):
    paths = spectra(tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = out / f".pack-7102-56666.{gone.pid}.tmp"
    ours = out / f".pack-7102-56666.{os.getppid()}.tmp"  # of a process that runs
    other = out / ".pack-7103-56666.999999999.tmp"  # of another plate
    elsewhere = out / ".pack-7102-56666.999999999.tmp"  # of another machine
    for path in (left, ours, other, elsewhere):
        path.write_bytes(b"half")
    with elsewhere.open("r+b") as held:
        assert lock(held)
        packed(paths, out)
    assert {p.name for p in out.iterdir()} == {
        ours.name, other.name, elsewhere.name, "pack-7102-56666.fits",
    }  # fmt: skip
