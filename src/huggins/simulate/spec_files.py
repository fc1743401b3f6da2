"""A mock as a file like those of BOSS: what every reader of spec files takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.runs.files import replacing
from huggins.taxonomy import BROAD

if TYPE_CHECKING:
    from pathlib import Path

    from huggins.prepare import LogGrid
    from huggins.simulate.mocks import Mocks

#: Plates of mocks begin here, far above those of any survey; 1000 fibres each.
FIRST_PLATE: Final = 90000
_MJD: Final = 50000
_FIBRES: Final = 1000
_COLUMNS: Final = (
    "path", "survey", "source", "object", "fold", "label_from", "trust", "class3", "class13",
    "subclass", "z", "zwarning", "sn", "ra", "dec",
)  # fmt: skip
_FOLDS: Final = 5


def place(number: int) -> tuple[int, int, int]:
    """Plate, MJD and fibre of a mock, counted from 0."""
    return FIRST_PLATE + number // _FIBRES, _MJD, number % _FIBRES + 1


def spec_name(number: int) -> str:
    """Name of a mock's file."""
    plate, mjd, fibre = place(number)
    return f"spec-{plate:05d}-{mjd}-{fibre:04d}.fits"


def write_spec(
    path: Path, mocks: Mocks, row: int, number: int, grid: LogGrid, survey: str
) -> None:
    """Write row `row` of some mocks as mock `number`, under another name first.

    HDU 1 is COADD with flux, loglam, ivar and the masks; HDU 2 is SPALL with the identity and
    an empty opinion: what the mock is stands in the header (MOCKCLS, MOCKZ), which no reader
    takes for a pipeline's. Pixels without data are not written at the ends, and have ivar 0
    within.
    """
    from astropy.io import fits

    flux, ivar = mocks.flux[row], mocks.ivar[row]
    seen = np.flatnonzero(ivar > 0)
    used = slice(int(seen[0]), int(seen[-1]) + 1) if len(seen) else slice(0, grid.size)
    size = used.stop - used.start
    zero = np.zeros(size, np.int32)
    columns: list[tuple[str, str, Any]] = [
        ("flux", "E", flux[used]),
        ("loglam", "E", grid.loglam[used].astype(np.float32)),
        ("ivar", "E", ivar[used]),
        ("and_mask", "J", zero),
        ("or_mask", "J", zero),
        ("wdisp", "E", np.ones(size, np.float32)),
        ("sky", "E", zero.astype(np.float32)),
        ("model", "E", zero.astype(np.float32)),
    ]
    coadd = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=values) for name, form, values in columns], name="COADD"
    )
    plate, mjd, fibre = place(number)
    pipeline: list[tuple[str, str, Any]] = [
        ("PLATE", "J", plate),
        ("MJD", "J", mjd),
        ("FIBERID", "J", fibre),
        ("CLASS", "6A", ""),
        ("SUBCLASS", "21A", ""),
        ("Z", "E", np.nan),
        ("ZWARNING", "J", 0),
    ]
    spall = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=[value]) for name, form, value in pipeline], name="SPALL"
    )
    primary = fits.PrimaryHDU()
    header = primary.header
    header["TELESCOP"] = ("SDSS 2.5-M", "as a real file says; this is a mock")
    header["PLATEID"], header["MJD"], header["FIBERID"] = plate, mjd, fibre
    header["RUN2D"] = "mock"
    header["MOCK"] = (True, "simulated by huggins")
    header["MOCKCLS"] = (_kind(mocks, row), "what it is")
    if np.isfinite(mocks.z[row]):
        header["MOCKZ"] = (float(mocks.z[row]), "redshift")
    header["MOCKSN"] = (float(mocks.sn[row]), "median S/N a pixel that was asked for")
    header["MOCKSURV"] = (survey or "any", "survey whose noise it has")
    with replacing(path) as file:
        fits.HDUList([primary, coadd, spall]).writeto(file)


def _kind(mocks: Mocks, row: int) -> str:
    from huggins.taxonomy import ALL_CLASSES

    return ALL_CLASSES[int(mocks.kind[row])]


def is_mock(path: Path) -> bool:
    """Return whether a file is a mock that was written here."""
    with path.open("rb") as file:
        return b"MOCK    =                    T" in file.read(2 * 2880)


def labels_header() -> str:
    """First line of ``labels.csv``."""
    return ",".join(_COLUMNS) + "\n"


def labels_row(number: int, kind: str, z: float, sn: float, survey: str) -> str:
    """Row of ``labels.csv`` of a mock; its columns are those that training reads."""
    name = spec_name(number)
    none = kind == "NONE"
    values = {
        "path": name,
        "survey": survey,
        "source": "mock",
        "object": name,
        "fold": number % _FOLDS,
        "label_from": "visual",
        "trust": 3,
        "class3": "SKY" if none else BROAD[kind],
        "class13": "" if none else kind,
        "z": f"{z:.6f}" if np.isfinite(z) else "",
        "zwarning": 0,
        "sn": f"{sn:.3f}",
    }
    return ",".join(str(values.get(column, "")) for column in _COLUMNS) + "\n"
