"""All spectra of SDSS-V with the pipeline's labels: spAll of data release 18 and later.

Data model: https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/spAll.html. Plates
have become fields, spectra are named by CATALOGID instead of a fibre, and SPECOBJID is a text
that fits no 64 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.catalog import rules
from huggins.catalog.targets import NO_TARGETID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

NEEDS = ("FIELD", "MJD", "CATALOGID", "RUN2D", "CLASS", "SUBCLASS", "Z", "Z_ERR", "ZWARNING")
#: Positions have had three names; the first that is there is taken.
POSITIONS = (("RACAT", "DECCAT"), ("FIBER_RA", "FIBER_DEC"), ("PLUG_RA", "PLUG_DEC"))
MAY = (
    "SPECOBJID", "SN_MEDIAN_ALL", "OBJTYPE", "PROGRAMNAME", "OBS",
    *(name for pair in POSITIONS for name in pair),
)  # fmt: skip


def take(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of spAll of SDSS-V: class, redshift and warnings of the pipeline."""
    count = len(chunk)
    catalogid = chunk.integer("CATALOGID", 0)
    part: dict[str, NDArray[Any]] = {
        "PLATE": rules.whole(chunk, "FIELD"),
        "MJD": rules.whole(chunk, "MJD"),
        "TARGETID": np.where(catalogid > 0, catalogid, NO_TARGETID),
    }
    for ra, dec in POSITIONS:
        if ra in chunk and dec in chunk:
            part |= rules.position(chunk, ra, dec)
            break
    part |= rules.pipeline_class(chunk, words, "CLASS", "SUBCLASS")
    part["RUN2D"] = words.encode(chunk.text("RUN2D"))
    part["SURVEY"] = rules.constant(words, count, "SDSS-V")
    # The two observatories may both see an object on the same field number and night.
    for name in ("OBS", "PROGRAMNAME"):
        if name in chunk:
            part["PROGRAM"] = words.encode(chunk.text(name))
            break
    part["Z"] = rules.redshift(chunk.number("Z"))
    part["Z_ERR"] = rules.error(chunk.number("Z_ERR"))
    part["Z_FROM"] = rules.constant(words, count, "Z")
    part["LABEL_FROM"] = rules.constant(words, count, "pipeline")
    part["ZWARNING"] = rules.whole(chunk, "ZWARNING")
    part["TRUST"] = rules.pipeline_trust(part["ZWARNING"])
    empty = (part["ZWARNING"] >= 0) & (part["ZWARNING"] & rules.NO_SOURCE != 0)
    if "OBJTYPE" in chunk:
        # "sky_boss" too; NA is no empty fibre, see specobj.
        empty |= np.strings.startswith(np.strings.upper(chunk.text("OBJTYPE")), b"SKY")
    rules.without_source(part, words, empty)
    if "SN_MEDIAN_ALL" in chunk:
        part["SN_MEDIAN"] = rules.single(chunk.number("SN_MEDIAN_ALL"))
    if "SPECOBJID" in chunk:
        part["SPECOBJID"] = rules.sdss_identifiers(chunk)
    return part
