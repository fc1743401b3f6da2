"""Quasar catalogue of SDSS data release 12, and its superset with what people saw.

Data models: https://data.sdss.org/datamodel/files/BOSS_QSO/DR12Q/DR12Q.html and
DR12Q_superset.html; Paris et al. 2017, A&A 597, A79.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.catalog import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

#: Columns that the superset has and nothing else, and those that it may have besides.
SUPERSET_NEEDS = (
    "RA", "DEC", "PLATE", "MJD", "FIBERID", "Z_VI", "CLASS_PERSON", "Z_CONF_PERSON",
)  # fmt: skip
SUPERSET_MAY = ("THING_ID", "Z_PIPE", "ERR_ZPIPE", "ZWARNING", "BAL_FLAG_VI", "BI_CIV")
NEEDS = ("RA", "DEC", "PLATE", "MJD", "FIBERID", "Z_VI", "BAL_FLAG_VI", "BI_CIV")
MAY = ("THING_ID", "ERR_ZPIPE", "ZWARNING", "SNR_SPEC")


def superset(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of the superset: Z_VI and CLASS_PERSON where a person inspected them.

    A row that nobody inspected (CLASS_PERSON 0) has no class; its redshift is the pipeline's.
    """
    count = len(chunk)
    person = chunk.integer("CLASS_PERSON")
    inspected = person > 0
    by_eye = rules.redshift(chunk.number("Z_VI"))
    by_eye[~inspected] = np.nan
    part = rules.identity(chunk) | rules.position(chunk, "RA", "DEC")
    part |= rules.people(chunk, words, by_eye)
    z = by_eye
    if "Z_PIPE" in chunk:
        z = np.where(inspected, by_eye, rules.redshift(chunk.number("Z_PIPE")))
        if "ERR_ZPIPE" in chunk:
            part["Z_ERR"] = rules.error(chunk.number("ERR_ZPIPE"))
            part["Z_ERR"][inspected] = np.nan  # it is the error of another redshift
    part["Z"] = z
    part["Z_FROM"] = rules.chosen(
        words, count, (inspected & np.isfinite(z), "Z_VI"), (np.isfinite(z), "Z_PIPE")
    )
    part["LABEL_FROM"] = rules.chosen(words, count, (inspected, "visual"))
    part["TRUST"] = rules.person_trust(chunk.integer("Z_CONF_PERSON"), inspected)
    part["SURVEY"] = rules.constant(words, count, "BOSS")
    if "ZWARNING" in chunk:
        part["ZWARNING"] = rules.whole(chunk, "ZWARNING")
    return part


def quasars(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of DR12Q: all are quasars that a person confirmed.

    BAL where BAL_FLAG_VI and BI_CIV > 0 agree; where they do not it is unknown.
    """
    count = len(chunk)
    z = rules.redshift(chunk.number("Z_VI"))
    by_eye, by_index = chunk.number("BAL_FLAG_VI") > 0, chunk.number("BI_CIV") > 0
    agree = by_eye == by_index
    part = rules.identity(chunk) | rules.position(chunk, "RA", "DEC")
    rules.quasars(
        part,
        words,
        np.ones(count, bool),
        by_eye & by_index,
        ~by_eye & ~by_index & rules.civ_in_range(z),
        ~agree,
    )
    part["Z"] = z
    part["Z_FROM"] = rules.constant(words, count, "Z_VI")
    part["LABEL_FROM"] = rules.constant(words, count, "visual")
    part["TRUST"] = np.full(count, rules.CERTAIN, np.int16)
    part["SURVEY"] = rules.constant(words, count, "BOSS")
    part["LABEL"] = rules.constant(words, count, "quasar of DR12Q")
    if "ZWARNING" in chunk:
        part["ZWARNING"] = rules.whole(chunk, "ZWARNING")
    if "SNR_SPEC" in chunk:
        part["SN_MEDIAN"] = rules.single(chunk.number("SNR_SPEC"))
    return part
