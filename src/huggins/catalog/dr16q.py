"""Quasar catalogue of SDSS data release 16, and its superset of everything targeted as one.

Data models: https://data.sdss.org/datamodel/files/BOSS_QSO/DR16Q/DR16Q_v4.html and
DR16Q_Superset_v3.html; Lyke et al. 2020, ApJS 250, 8. Broad absorption: Guo and Martini 2019,
ApJ 879, 72, who take BAL_PROB of 0.75 and above for a BAL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

#: The catalogue proper and the superset have the same columns here, but for PRIM_REC.
NEEDS = (
    "RA", "DEC", "PLATE", "MJD", "FIBERID", "AUTOCLASS_PQN", "CLASS_PERSON", "IS_QSO_FINAL",
    "Z", "SOURCE_Z", "Z_CONF", "BAL_PROB", "BI_CIV",
)  # fmt: skip
MAY = (
    "THING_ID", "ZWARNING", "SN_MEDIAN_ALL", "IS_QSO_10K", "Z_CONF_10K", "RUN2D",
)  # fmt: skip
SUPERSET_NEEDS = (*NEEDS, "PRIM_REC")

_SURE_BAL: Final = 0.75
_BY_EYE: Final = (b"VI", b"DR12QV", b"DR7QV_SCH", b"10K")


def take(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of DR16Q or its superset.

    The class is a person's where one looked (CLASS_PERSON, or IS_QSO_10K of the set inspected
    at random), else quasar where IS_QSO_FINAL is 1, else the automatic AUTOCLASS_PQN where that
    says star or galaxy. IS_QSO_FINAL of 2 (ambiguous) and -2 (bad spectrum) leave it unknown.
    """
    count = len(chunk)
    person, final = chunk.integer("CLASS_PERSON"), chunk.integer("IS_QSO_FINAL", -9)
    automatic = np.strings.upper(chunk.text("AUTOCLASS_PQN"))
    confidence = chunk.integer("Z_CONF")
    random = chunk.integer("IS_QSO_10K") if "IS_QSO_10K" in chunk else np.full(count, -1)
    if "Z_CONF_10K" in chunk:
        confidence = np.maximum(confidence, chunk.integer("Z_CONF_10K"))
    source = chunk.text("SOURCE_Z")
    z = rules.redshift(chunk.number("Z"))
    unusable = (final == -2) | (final == 2)

    inspected = np.isin(person, (1, 3, 4, 30))
    known = rules.people(chunk, words, z, flag="", index="")
    by_person = ~unusable & (inspected | (random == 1))
    quasar = ~unusable & ~(inspected & np.isin(person, (1, 4)))
    quasar &= (final == 1) | np.isin(person, (3, 30)) | (random == 1)
    machine = ~unusable & ~by_person & (final == 0)
    star, galaxy = machine & (automatic == b"STAR"), machine & (automatic == b"GALAXY")
    part = rules.identity(chunk) | rules.position(chunk, "RA", "DEC")
    part["CLASS"] = np.where(by_person & ~quasar, known["CLASS"], 0).astype(np.int32)
    part["SUBCLASS"] = np.where(by_person & ~quasar, known["SUBCLASS"], 0).astype(np.int32)
    part["CLASS"][star] = words.code("STAR")
    part["CLASS"][galaxy] = words.code("GALAXY")
    part["SUBCLASS"][galaxy] = words.code("GAL")

    probability, balnicity = chunk.number("BAL_PROB"), chunk.number("BI_CIV")
    measured = rules.civ_in_range(z) & (balnicity >= 0) & (probability >= 0)
    absorbs = measured & (balnicity > 0) & (probability >= _SURE_BAL)
    unclear = measured & (balnicity > 0) & ~absorbs
    rules.quasars(part, words, quasar, absorbs, measured & (balnicity == 0), unclear)
    part["NOTE"][final == -2] = words.code("bad spectrum")
    part["NOTE"][final == 2] = words.code("ambiguous by IS_QSO_FINAL")

    part["Z"] = z
    origins, of = np.unique(source, return_inverse=True)
    part["Z_FROM"] = words.codes(f"Z ({w.decode('latin-1')})" for w in origins.tolist())[of]
    zwarning = rules.whole(chunk, "ZWARNING") if "ZWARNING" in chunk else np.full(count, -1)
    part["ZWARNING"] = zwarning.astype(np.int32)
    # Earlier catalogues were inspected by eye, but their confidence is not in this table.
    visual = by_person | (quasar & np.isin(source, _BY_EYE))
    sure = np.where(
        by_person | (confidence >= 0), rules.person_trust(confidence, visual), rules.CLEAN
    )
    trust = np.where(visual, sure, rules.pipeline_trust(zwarning))
    part["TRUST"] = np.where(part["CLASS"] == 0, rules.UNKNOWN, trust).astype(np.int16)
    part["LABEL_FROM"] = rules.chosen(
        words, count, (part["CLASS"] == 0, ""), (visual, "visual"), otherwise="pipeline"
    )
    part["SURVEY"] = rules.constant(words, count, "BOSS")
    if "RUN2D" in chunk:
        part["RUN2D"] = words.encode(chunk.text("RUN2D"))
        old = ~np.strings.startswith(chunk.text("RUN2D"), b"v")
        part["SURVEY"][old] = words.code("SDSS")
    part["LABEL"] = known["LABEL"]
    if "SN_MEDIAN_ALL" in chunk:
        part["SN_MEDIAN"] = rules.single(chunk.number("SN_MEDIAN_ALL"))
    return part
