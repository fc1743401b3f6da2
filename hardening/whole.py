"""Whole files to damage: every format that is read, each of a few kilobytes.

The factories of the tests write them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def spectra(folder: Path) -> dict[str, bytes]:
    """Return one file of spectra of each layout, by name."""
    import factories as make
    from factories.array_layouts import ARRAYS
    from factories.fits_layouts import FITS, FITS_BARE, RAGGED
    from factories.hdf5_layouts import HDF5
    from factories.layouts import BARE, TEXT, quasar_arrays
    from factories.survey_layouts import SURVEYS

    truth = make.make_truth(60)
    arrays = tuple(values[:400:8].copy() for values in quasar_arrays())
    flux = np.stack([truth.flux, truth.flux + 1])
    ivar = np.stack([truth.ivar, truth.ivar])
    wave = 3600 + 0.8 * np.arange(60)
    writers = {
        "boss": lambda p: make.write_boss_spec(p, truth, exposures=1),
        "sdss": lambda p: make.write_sdss_spec(p, truth),
        "sdss5": lambda p: make.write_sdss5_spec(p, truth),
        "spSpec": lambda p: make.write_spspec(p, truth),
        "spPlate": lambda p: make.write_spplate(p, flux, ivar),
        "lamost-image": lambda p: make.write_lamost_image(p, truth),
        "lamost-table": lambda p: make.write_lamost_table(p, truth),
        "desi": lambda p: make.write_desi(
            p, {"B": (wave, flux, ivar), "R": (wave + 40, flux, ivar)}
        ),
        "hdf5": lambda p: make.write_hdf5(p, flux, ivar, targetid=["a", "b"]),
    }
    for name, write in {**TEXT, **BARE, **FITS, **FITS_BARE, **ARRAYS, **HDF5}.items():
        writers[name] = lambda p, write=write: write(p, *arrays)
    for name, (write, _) in SURVEYS.items():
        writers[name] = lambda p, write=write: write(p, *arrays)
    writers["ragged"] = lambda p: RAGGED(p, *arrays)
    files = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, (name, write) in enumerate(writers.items()):
            path = folder / f"whole{number}"
            try:
                found = write(path)
            except (ValueError, IndexError, TypeError) as error:
                print(f"{name}: too short for this layout ({error})", file=sys.stderr)
                continue
            found = found[0] if isinstance(found, tuple) else found
            files[name] = Path(found).read_bytes()
    return files


def archives(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return archives and compressed files of some of them."""
    fits, text = files["boss"], files["CSV with ivar"]
    packed = {"gz": gzip.compress(fits), "bz2": bz2.compress(fits), "xz": lzma.compress(fits)}
    for kind in ("w", "w:gz", "w:bz2", "w:xz"):
        with io.BytesIO() as out:
            with tarfile.open(fileobj=out, mode=kind) as archive:
                for name, content in (("a.fits", fits), ("b.csv", text)):
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
            packed[f"tar {kind}"] = out.getvalue()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        with io.BytesIO() as out:
            with zipfile.ZipFile(out, "w", method) as archive:
                archive.writestr("a.fits", fits)
                archive.writestr("b.csv", text)
            packed[f"zip {method}"] = out.getvalue()
    return packed


def tables(folder: Path) -> dict[str, bytes]:
    """Return one table of each kind, by the ending of its name."""
    from huggins.tables.output import Numbers, OutputColumn, OutputTable, Texts
    from huggins.tables.write import write_table

    some = np.arange(8) == 3
    columns = {
        OutputColumn("FILE", "str", "file", width=12): Texts(
            [f"spec-{i}.fits" for i in range(8)]
        ),
        OutputColumn("Z", "float64", "redshift"): Numbers(np.linspace(0, 3, 8), some),
        OutputColumn("TARGETID", "int64", "object", null=-1): Numbers(
            np.arange(8) + 39627866878511337, some
        ),
        OutputColumn("RA", "float64", "right ascension"): Numbers(np.linspace(0, 359, 8), some),
        OutputColumn("DEC", "float64", "declination"): Numbers(np.linspace(-80, 80, 8), some),
        OutputColumn("CLASS", "str", "class", width=4): Texts(["QSO", "STAR"] * 4),
    }
    files = {}
    for ending in (".fits", ".csv", ".ecsv", ".vot", ".parquet", ".jsonl", ".tsv"):
        path = folder / f"table{ending}"
        table = OutputTable(
            "T", list(columns), 8, [list(columns.values())], {"CREATOR": "huggins 1"}
        )
        write_table(path, table)
        files[ending] = path.read_bytes()
    files[".csv.gz"] = gzip.compress(files[".csv"])
    files[".fits.gz"] = gzip.compress(files[".fits"])
    return files
