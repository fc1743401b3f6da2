"""Redshift tables of DESI: zall-pix, zpix, zall-tilecumulative, ztile.

Data model: https://desidatamodel.readthedocs.io/en/latest/DESI_SPECTRO_REDUX/SPECPROD/zcatalog/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.catalog import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

NEEDS = ("TARGETID", "Z", "ZERR", "ZWARN", "SPECTYPE", "SUBTYPE")
MAY = (
    "TARGET_RA", "TARGET_DEC", "OBJTYPE", "SURVEY", "PROGRAM", "HEALPIX", "TILEID", "LASTNIGHT",
    "COADD_FIBERSTATUS",
)  # fmt: skip


def take(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of a DESI redshift table: class, redshift and warnings of redrock.

    OBJTYPE other than TGT is sky or a broken positioner. Redrock says of stars which type
    (SUBTYPE), and of no quasar whether it is a BAL.
    """
    count = len(chunk)
    part: dict[str, NDArray[Any]] = {"TARGETID": chunk.integer("TARGETID")}
    part |= rules.pipeline_class(chunk, words, "SPECTYPE", "SUBTYPE")
    if "TARGET_RA" in chunk and "TARGET_DEC" in chunk:
        part |= rules.position(chunk, "TARGET_RA", "TARGET_DEC")
    part["SURVEY"] = rules.constant(words, count, "DESI")
    program = _joined(chunk, "SURVEY", "PROGRAM")
    if program is not None:
        part["PROGRAM"] = words.encode(program)
    for name in ("HEALPIX", "TILEID"):
        if name in chunk:
            part["HEALPIX"] = rules.whole(chunk, name)
            break
    if "LASTNIGHT" in chunk:
        part["MJD"] = _mjd_of_night(rules.whole(chunk, "LASTNIGHT"))
    part["Z"] = rules.redshift(chunk.number("Z"))
    part["Z_ERR"] = rules.error(chunk.number("ZERR"))
    part["Z_FROM"] = rules.constant(words, count, "Z")
    part["LABEL_FROM"] = rules.constant(words, count, "pipeline")
    part["ZWARNING"] = rules.whole(chunk, "ZWARN")
    part["TRUST"] = rules.pipeline_trust(part["ZWARNING"])
    empty = (part["ZWARNING"] >= 0) & (part["ZWARNING"] & rules.NO_SOURCE != 0)
    if "OBJTYPE" in chunk:
        empty |= chunk.text("OBJTYPE") != b"TGT"
    rules.without_source(part, words, empty)
    return part


def _joined(chunk: Chunk, *names: str) -> NDArray[np.bytes_] | None:
    texts = [chunk.text(name) for name in names if name in chunk]
    if not texts:
        return None
    joined = texts[0]
    for text in texts[1:]:
        joined = np.strings.add(np.strings.add(joined, b"/"), text)
    return joined


def _mjd_of_night(night: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the MJD on which a night YYYYMMDD began at Kitt Peak, -1 where there is none.

    >>> _mjd_of_night(np.array([20210405], np.int32))
    array([59309], dtype=int32)
    """
    different, of = np.unique(night, return_inverse=True)
    days = []
    for value in different.tolist():
        year, rest = divmod(max(value, 0), 10_000)
        month, day = divmod(rest, 100)
        try:
            date = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}")
        except ValueError:
            days.append(-1)
            continue
        days.append(int((date - np.datetime64("1858-11-17")).astype(int)))
    return np.array(days or [-1], np.int32)[of]
