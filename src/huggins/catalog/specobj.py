"""All spectra of SDSS data releases 8 to 17 with the pipeline's labels: specObj and spAll.

Data models: https://data.sdss.org/datamodel/files/SPECTRO_REDUX/specObj.html,
https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/spAll.html, and SpecObjAll in
https://skyserver.sdss.org/dr17/MoreTools/browser. Their SPECOBJID is not read: PLATE, MJD,
FIBERID and RUN2D make the same number (`huggins.tables.keys.specobjid`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.catalog import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

NEEDS = (
    "PLATE", "MJD", "FIBERID", "RUN2D", "PLUG_RA", "PLUG_DEC", "CLASS", "SUBCLASS", "Z",
    "Z_ERR", "ZWARNING",
)  # fmt: skip
MAY = ("THING_ID", "SN_MEDIAN_ALL", "OBJTYPE")
#: The same table as the Catalog Archive Server gives it: SpecObjAll, in its own spelling.
CAS_NEEDS = (
    "PLATE", "MJD", "FIBERID", "RUN2D", "RA", "DEC", "CLASS", "SUBCLASS", "Z", "ZERR",
    "ZWARNING",
)  # fmt: skip
CAS_MAY = ("SNMEDIAN", "SOURCETYPE")


def take(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of specObjAll or spAll: class, redshift and warnings of the pipeline.

    A quasar of the pipeline counts as QSO, and whether it is a BAL is unknown. Sky fibres,
    unplugged and dead ones have no class, whatever template fitted them best.
    """
    count = len(chunk)
    cas = "ZERR" in chunk
    ra, dec = ("RA", "DEC") if cas else ("PLUG_RA", "PLUG_DEC")
    part = rules.identity(chunk) | rules.position(chunk, ra, dec)
    part |= rules.pipeline_class(chunk, words, "CLASS", "SUBCLASS")
    run2d = chunk.text("RUN2D")
    part["RUN2D"] = words.encode(run2d)
    boss = np.strings.startswith(run2d, b"v")
    part["SURVEY"] = rules.chosen(words, count, (boss, "BOSS"), otherwise="SDSS")
    part["Z"] = rules.redshift(chunk.number("Z"))
    part["Z_ERR"] = rules.error(chunk.number("ZERR" if cas else "Z_ERR"))
    part["Z_FROM"] = rules.constant(words, count, "Z")
    part["LABEL_FROM"] = rules.constant(words, count, "pipeline")
    part["ZWARNING"] = rules.whole(chunk, "ZWARNING")
    part["TRUST"] = rules.pipeline_trust(part["ZWARNING"])
    empty = (part["ZWARNING"] >= 0) & (part["ZWARNING"] & rules.NO_SOURCE != 0)
    purpose, sn = ("SOURCETYPE", "SNMEDIAN") if cas else ("OBJTYPE", "SN_MEDIAN_ALL")
    # NA is no empty fibre: most targets of eBOSS and the ancillary ones of BOSS are called so,
    # and fibres without any carry a warning.
    if purpose in chunk:
        empty |= chunk.text(purpose) == b"SKY"
    rules.without_source(part, words, empty)
    if sn in chunk:
        part["SN_MEDIAN"] = rules.single(chunk.number(sn))
    return part
