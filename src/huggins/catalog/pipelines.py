"""Surveys' tables of all spectra, with the labels of their pipelines.

specObj and spAll of SDSS data releases 8 to 17:
https://data.sdss.org/datamodel/files/SPECTRO_REDUX/specObj.html,
https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/spAll.html, and SpecObjAll in
https://skyserver.sdss.org/dr17/MoreTools/browser. Their SPECOBJID is read only where
RUN2D is missing: PLATE, MJD, FIBERID and RUN2D make the same number
(`huggins.specobjid.specobjids`).

spAll of SDSS-V: plates have become fields, spectra are named by CATALOGID instead of a fibre,
and SPECOBJID is a text that fits no 64 bits.

zall-pix, zpix, zall-tilecumulative and ztile of DESI:
https://desidatamodel.readthedocs.io/en/latest/DESI_SPECTRO_REDUX/SPECPROD/zcatalog/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import rules
from huggins.catalog.targets import NO_TARGETID
from huggins.specobjid import FIRST_BOSS_PLATE, identity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Part, Words
    from huggins.tables.chunks import Chunk

_COMMON: Final = ("CLASS", "SUBCLASS", "Z")
SPECOBJ_NEEDS: Final = (
    "PLATE", "MJD", "FIBERID", "RUN2D", "PLUG_RA", "PLUG_DEC", *_COMMON, "Z_ERR", "ZWARNING",
)  # fmt: skip
SPECOBJ_MAY: Final = ("THING_ID", "SN_MEDIAN_ALL", "OBJTYPE")
#: The same table from the Catalog Archive Server: SpecObjAll, with its own column names.
#: Queries often leave RUN2D out; the SpecObjID contains it.
CAS_NEEDS: Final = (
    "PLATE", "MJD", "FIBERID", "RA", "DEC", *_COMMON, "ZERR", "ZWARNING",
)  # fmt: skip
CAS_MAY: Final = ("RUN2D", "SPECOBJID", "SNMEDIAN", "SOURCETYPE")
SDSS5_NEEDS: Final = ("FIELD", "MJD", "CATALOGID", "RUN2D", *_COMMON, "Z_ERR", "ZWARNING")
SDSS5_MAY: Final = (
    "SPECOBJID", "SN_MEDIAN_ALL", "OBJTYPE", "PROGRAMNAME", "OBS",
    "RACAT", "DECCAT", "FIBER_RA", "FIBER_DEC", "PLUG_RA", "PLUG_DEC",
)  # fmt: skip
DESI_NEEDS: Final = ("TARGETID", "Z", "ZERR", "ZWARN", "SPECTYPE", "SUBTYPE")
DESI_MAY: Final = (
    "TARGET_RA", "TARGET_DEC", "OBJTYPE", "SURVEY", "PROGRAM", "HEALPIX", "TILEID", "LASTNIGHT",
    "COADD_FIBERSTATUS",
)  # fmt: skip


def specobj(chunk: Chunk, words: Words) -> Part:
    """Convert rows of specObjAll or spAll.

    A pipeline quasar counts as QSO, with BAL unknown. Sky, unplugged and dead fibres have no
    class, whichever template fits them best.
    """
    part = rules.copied(
        chunk, words, "PLATE", "MJD", "FIBERID", "THING_ID", "RUN2D", "Z", "ZWARNING",
        RA=("PLUG_RA", "RA"), DEC=("PLUG_DEC", "DEC"), Z_ERR=("Z_ERR", "ZERR"),
        SN_MEDIAN=("SN_MEDIAN_ALL", "SNMEDIAN"),
    )  # fmt: skip
    part |= rules.pipeline_class(chunk, words, "CLASS", "SUBCLASS")
    if "RUN2D" in chunk:
        boss = np.strings.startswith(chunk.text("RUN2D"), b"v")
    else:
        boss = part["PLATE"] >= FIRST_BOSS_PLATE
        if "SPECOBJID" in chunk:
            part["RUN2D"] = words.encode(_reductions(chunk, part["PLATE"]))
    part["SURVEY"] = rules.chosen(words, (boss, "BOSS"), otherwise="SDSS")
    # NA is not an empty fibre: most targets of eBOSS and the ancillary ones of BOSS have it,
    # and fibres without a target carry a warning.
    purpose = "OBJTYPE" if "OBJTYPE" in chunk else "SOURCETYPE"
    sky = chunk.text(purpose) == b"SKY" if purpose in chunk else False
    return rules.pipeline_label(part, words, sky)


def _reductions(chunk: Chunk, plate: NDArray[np.int32]) -> NDArray[np.bytes_]:
    """Return RUN2D as the SpecObjID has it, empty where it is none of this row's plate."""
    found = map(identity, np.strings.decode(chunk.text("SPECOBJID"), "latin-1").tolist())
    return np.array(
        [
            parts[3].encode() if parts is not None and parts[0] == number else b""
            for parts, number in zip(found, plate.tolist(), strict=True)
        ],
        dtype=np.bytes_,
    )


def sdss5(chunk: Chunk, words: Words) -> Part:
    """Convert rows of spAll of SDSS-V."""
    part = rules.copied(
        chunk, words, "MJD", "RUN2D", "Z", "Z_ERR", "ZWARNING", "SPECOBJID",
        PLATE="FIELD", SN_MEDIAN="SN_MEDIAN_ALL",
        # Positions have had three names.
        RA=("RACAT", "FIBER_RA", "PLUG_RA"), DEC=("DECCAT", "FIBER_DEC", "PLUG_DEC"),
        # The two observatories may both see an object on the same field number and night.
        PROGRAM=("OBS", "PROGRAMNAME"),
    )  # fmt: skip
    catalogid = chunk.integer("CATALOGID", 0)
    part["TARGETID"] = np.where(catalogid > 0, catalogid, NO_TARGETID)
    part |= rules.pipeline_class(chunk, words, "CLASS", "SUBCLASS")
    part["SURVEY"] = rules.constant(words, len(chunk), "SDSS-V")
    sky: Any = False
    if "OBJTYPE" in chunk:  # "sky_boss" too; NA is not an empty fibre, as in specObj
        sky = np.strings.startswith(np.strings.upper(chunk.text("OBJTYPE")), b"SKY")
    return rules.pipeline_label(part, words, sky)


def desi(chunk: Chunk, words: Words) -> Part:
    """Convert rows of a DESI redshift table: class, redshift and warnings of redrock.

    OBJTYPE other than TGT is sky or a broken positioner. Redrock gives the type of stars
    (SUBTYPE), but not whether a quasar is a BAL.
    """
    part = rules.copied(
        chunk, words, "Z", RA="TARGET_RA", DEC="TARGET_DEC", HEALPIX=("HEALPIX", "TILEID"),
        Z_ERR="ZERR", ZWARNING="ZWARN",
    )  # fmt: skip
    part["TARGETID"] = chunk.integer("TARGETID")
    part |= rules.pipeline_class(chunk, words, "SPECTYPE", "SUBTYPE")
    part["SURVEY"] = rules.constant(words, len(chunk), "DESI")
    program = [chunk.text(name) for name in ("SURVEY", "PROGRAM") if name in chunk]
    if len(program) == 2:
        program = [np.strings.add(np.strings.add(program[0], b"/"), program[1])]
    if program:
        part["PROGRAM"] = words.encode(program[0])
    if "LASTNIGHT" in chunk:
        part["MJD"] = _mjd_of_night(rules.whole(chunk, "LASTNIGHT"))
    sky = chunk.text("OBJTYPE") != b"TGT" if "OBJTYPE" in chunk else False
    return rules.pipeline_label(part, words, sky)


def _mjd_of_night(night: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the MJD on which a night YYYYMMDD began at Kitt Peak, -1 where there is none.

    >>> _mjd_of_night(np.array([20210405], np.int32))
    array([59309], dtype=int32)
    """
    different, of = np.unique(night, return_inverse=True)
    days = []
    for value in different.tolist():
        text = f"{max(value, 0):08d}"
        try:
            date = np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        except ValueError:
            days.append(-1)
            continue
        days.append(int((date - np.datetime64("1858-11-17")).astype(int)))
    return np.array(days or [-1], np.int32)[of]
