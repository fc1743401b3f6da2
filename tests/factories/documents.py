"""Small files that stand for those that the documents name."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

import numpy as np

from factories.arrays import Truth
from factories.plates import write_spplate
from factories.sdss import write_boss_spec
from factories.surveys import DR12Q_SUPERSET, DR14Q, SPECOBJ, write_survey
from huggins.cli import main
from huggins.demo.mocks import load
from huggins.taxonomy import BROAD
from huggins.weights import find

if TYPE_CHECKING:
    from pathlib import Path

    from huggins.demo.example import Example

#: Words in capitals of the documents, and what they stand for.
PLACEHOLDERS = {
    "FILE": "spec-7102-56666-0082.fits",
    "FILE...": "spec-7102-56666-0082.fits",
    "INPUT...": "spectra",
    "LABELS": "labels.csv",
    "OUT": "OUT.fits",
    "SPECTRA": "spectra",
    "TABLE": "results.fits",
    "TABLE...": "specObj-dr17.fits",
    "TARGETS": "targets.parquet",
}
#: Letters of stars as the pipeline spells them.
_SUBCLASS = {
    "O": "O",
    "B": "B6",
    "A": "A0",
    "F": "F5",
    "G": "G2",
    "K": "K1",
    "M": "M1",
    "L": "L1",
}
_PLATE, _MJD = 7102, 56666
_PERSON = {"STAR": 1, "QSO": 3, "GALAXY": 4}


def write_stand_ins(folder: Path) -> None:
    """Write them into a folder: spectra of each class, tables of them, results."""
    examples = load()
    spectra = folder / "spectra"
    spectra.mkdir()
    for number, example in enumerate(examples):
        fibre = 82 + number
        truth = _truth(example, fibre)
        write_boss_spec(spectra / f"spec-{_PLATE}-{_MJD}-{fibre:04d}.fits", truth)
    first = spectra / f"spec-{_PLATE}-{_MJD}-0082.fits"
    shutil.copy(first, folder)
    shutil.copytree(spectra, folder / "FOLDER")
    _write_plate(folder / "plate.fits", examples)
    _write_text(folder / "spectrum.txt", examples[0])
    _write_tables(folder, examples)
    for name in ("old.onnx", "new.onnx"):
        shutil.copy(find(), folder / name)
    (folder / "exported").mkdir()
    shutil.copy(find(), folder / "exported")
    _call("classify", spectra, "-o", folder / "results.fits")
    _call("classify", spectra, "-o", folder / "results.parquet")
    for name in ("old.fits", "new.fits", "all.fits", "OUT.fits"):
        shutil.copy(folder / "results.fits", folder / name)
    tables = (folder / "Superset_DR12Q.fits", folder / "specObj-dr17.fits")
    _call("catalog", *tables, "-o", folder / "targets.parquet")
    _call("catalog", *tables, "-o", folder / "targets.fits")
    near = [
        write_boss_spec(folder / f"{n}.fits", _truth(examples[n], n + 1, 3586)) for n in (0, 1)
    ]
    _call("shrink", *near, "-o", folder, "--pack")
    for path in near:
        path.unlink()
    shutil.move(folder / f"pack-3586-{_MJD}.fits", folder / "pack-3586-55181.fits")


def _call(*argv: object) -> None:
    assert main([str(word) for word in (*argv, "--quiet")]) == 0, argv


def _truth(example: Example, fibre: int, plate: int = _PLATE) -> Truth:
    spectrum, z = example.spectrum, example.z or 0.0
    size = len(spectrum.wavelength)
    return Truth(
        np.log10(spectrum.wavelength).astype(np.float32),
        spectrum.flux.astype(np.float32),
        spectrum.ivar.astype(np.float32),
        np.zeros(size, np.int32),
        plate=plate,
        mjd=_MJD,
        fiberid=fibre,
        ra=120.0 + 0.1 * fibre,
        dec=1.0,
        cls=BROAD[example.cls],
        subclass=_SUBCLASS.get(example.cls, ""),
        z=z,
    )


def _write_plate(path: Path, examples: list[Example]) -> None:
    loglam = np.arange(3.56, 4.01, 1e-4)
    wavelength = 10.0**loglam

    def image(name: str) -> np.ndarray:
        rows = [
            np.interp(wavelength, e.spectrum.wavelength, getattr(e.spectrum, name), 0.0, 0.0)
            for e in examples
        ]
        return np.array(rows)

    write_spplate(path, image("flux"), image("ivar"), start=3.56)


def _write_query(path: Path, examples: list[Example], fibres: list[int]) -> None:
    """Write what SkyServer answers to the query of docs/how-to/repeat.md."""
    names = [
        "plate",
        "mjd",
        "fiberID",
        "run2d",
        "ra",
        "dec",
        "class",
        "subClass",
        "z",
        "zErr",
        "zWarning",
        "snMedian",
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write("#Table1\n")
        writer = csv.writer(file)
        writer.writerow(names)
        for fibre, e in zip(fibres, examples, strict=True):
            label = (BROAD[e.cls], _SUBCLASS.get(e.cls, ""), e.z or 0.0, 1e-4, 0, 10.0)
            writer.writerow([_PLATE, _MJD, fibre, "v5_13_2", 120.0 + 0.1 * fibre, 1.0, *label])


def _write_text(path: Path, example: Example) -> None:
    spectrum = example.spectrum
    good = spectrum.ivar > 0
    columns = (spectrum.wavelength[good], spectrum.flux[good], spectrum.ivar[good] ** -0.5)
    np.savetxt(path, np.stack(columns, axis=1), header="wavelength flux error")


def _write_tables(folder: Path, examples: list[Example]) -> None:
    count = len(examples)
    fibres = list(range(82, 82 + count))
    broad = [BROAD[e.cls] for e in examples]
    z = [e.z or 0.0 for e in examples]
    place = {"RA": [120.0 + 0.1 * f for f in fibres], "DEC": [1.0] * count}
    key = {"PLATE": [_PLATE] * count, "MJD": [_MJD] * count, "FIBERID": fibres}
    known = {
        "CLASS": broad,
        "SUBCLASS": [_SUBCLASS.get(e.cls, "") for e in examples],
        "Z": z,
        "PLUG_RA": place["RA"],
        "PLUG_DEC": place["DEC"],
        **key,
    }
    for name in ("specObj-dr17.fits", "specObj-dr15.fits", "spAll-v5_13_2.fits"):
        write_survey(folder / name, SPECOBJ, **known)
    _write_query(folder / "query.csv", examples, fibres)
    write_survey(
        folder / "Superset_DR12Q.fits",
        DR12Q_SUPERSET,
        CLASS_PERSON=[_PERSON[name] for name in broad],
        Z_CONF_PERSON=[3] * count,
        Z_VI=z,
        **place,
        **key,
    )
    write_survey(
        folder / "DR14Q_v4_4.fits", DR14Q, Z=z[:2], **{k: v[:2] for k, v in key.items()}
    )
    rows = [
        {
            "path": f"spectra/spec-{_PLATE}-{_MJD}-{fibre:04d}.fits",
            "class3": BROAD[example.cls],
            "class13": example.cls,
            "z": example.z or 0.0,
            "trust": 3,
            "fold": fibre % 5,
            "MYCLASS": example.cls,
            "REDSHIFT": example.z or 0.0,
            "RA": 120.0 + 0.1 * fibre,
            "DEC": 1.0,
        }
        for fibre, example in zip(fibres, examples, strict=True)
    ]
    for name in ("labels.csv", "mine.csv", "REAL/labels.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    shutil.copytree(folder / "spectra", folder / "REAL" / "spectra")
