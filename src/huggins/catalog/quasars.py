"""Quasar catalogues of SDSS data releases 12, 14 and 16, and the supersets of two of them.

Data models: https://data.sdss.org/datamodel/files/BOSS_QSO/, in DR12Q/DR12Q.html,
DR12Q/DR12Q_superset.html, DR14Q/DR14Q_v4_4.html, DR16Q/DR16Q_v4.html and
DR16Q/DR16Q_Superset_v3.html. Paris et al. 2017, A&A 597, A79; Paris et al. 2018, A&A 613, A51;
Lyke et al. 2020, ApJS 250, 8. Broad absorption of DR16Q: Guo and Martini 2019, ApJ 879, 72, who
take BAL_PROB of 0.75 and above for a BAL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog import rules
from huggins.catalog.targets import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Part, Words
    from huggins.tables.chunks import Chunk

_SPECTRUM: Final = ("RA", "DEC", "PLATE", "MJD", "FIBERID")
DR12Q_NEEDS: Final = (*_SPECTRUM, "Z_VI", "BAL_FLAG_VI", "BI_CIV")
DR12Q_MAY: Final = ("THING_ID", "ERR_ZPIPE", "ZWARNING", "SNR_SPEC")
DR12Q_SUPERSET_NEEDS: Final = (*_SPECTRUM, "Z_VI", "CLASS_PERSON", "Z_CONF_PERSON")
DR12Q_SUPERSET_MAY: Final = (
    "THING_ID", "Z_PIPE", "ERR_ZPIPE", "ZWARNING", "BAL_FLAG_VI", "BI_CIV",
)  # fmt: skip
DR14Q_NEEDS: Final = (*_SPECTRUM, "Z", "SOURCE_Z", "Z_VI", "BI_CIV", "SPECTRO")
DR14Q_MAY: Final = ("THING_ID", "Z_ERR", "ZWARNING")
DR16Q_NEEDS: Final = (
    *_SPECTRUM, "AUTOCLASS_PQN", "CLASS_PERSON", "IS_QSO_FINAL", "Z", "SOURCE_Z", "Z_CONF",
    "BAL_PROB", "BI_CIV",
)  # fmt: skip
DR16Q_MAY: Final = (
    "THING_ID", "ZWARNING", "SN_MEDIAN_ALL", "IS_QSO_10K", "Z_CONF_10K", "RUN2D",
)  # fmt: skip
#: Of the columns read here the superset has this one more than the catalogue proper.
DR16Q_SUPERSET_NEEDS: Final = (*DR16Q_NEEDS, "PRIM_REC")

_SURE_BAL: Final = 0.75
_VISUAL_SOURCES: Final = (b"VI", b"DR12QV", b"DR7QV_SCH", b"10K")


def _copied(chunk: Chunk, words: Words, **renamed: str) -> Part:
    """Return the columns that these catalogues share with the table of targets."""
    return rules.copied(chunk, words, *_SPECTRUM, "THING_ID", "ZWARNING", **renamed)


def dr12q_superset(chunk: Chunk, words: Words) -> Part:
    """Convert rows of the DR12Q superset: Z_VI and CLASS_PERSON where visually inspected.

    A row that was not inspected (CLASS_PERSON 0) has no class, and the pipeline's redshift.
    """
    inspected = chunk.integer("CLASS_PERSON") > 0
    visual = rules.redshift(chunk, "Z_VI")
    visual[~inspected] = np.nan
    part = _copied(chunk, words) | rules.people(chunk, words, visual)
    z = visual
    if "Z_PIPE" in chunk:
        z = np.where(inspected, visual, rules.redshift(chunk, "Z_PIPE"))
        if "ERR_ZPIPE" in chunk:
            part["Z_ERR"] = rules.error(chunk, "ERR_ZPIPE")
            part["Z_ERR"][inspected] = np.nan  # the error of another redshift
    part["Z"] = z
    known = np.isfinite(z)
    part["Z_FROM"] = rules.chosen(words, (inspected & known, "Z_VI"), (known, "Z_PIPE"))
    part["LABEL_FROM"] = rules.chosen(words, (inspected, "visual"))
    part["TRUST"] = rules.person_trust(chunk.integer("Z_CONF_PERSON"), inspected)
    part["SURVEY"] = rules.constant(words, len(chunk), "BOSS")
    return part


def dr12q(chunk: Chunk, words: Words) -> Part:
    """Convert rows of DR12Q, all of them visually confirmed quasars.

    BAL where BAL_FLAG_VI and BI_CIV > 0 agree; unknown where they do not.
    """
    count = len(chunk)
    part = _copied(chunk, words, Z="Z_VI", SN_MEDIAN="SNR_SPEC")
    flagged, measured = chunk.number("BAL_FLAG_VI") > 0, chunk.number("BI_CIV") > 0
    rules.quasars(
        part,
        words,
        np.ones(count, bool),
        flagged & measured,
        ~flagged & ~measured & rules.civ_in_range(part["Z"]),
        flagged != measured,
    )
    part["Z_FROM"] = rules.constant(words, count, "Z_VI")
    part["LABEL_FROM"] = rules.constant(words, count, "visual")
    part["TRUST"] = np.full(count, rules.CERTAIN, np.int16)
    part["SURVEY"] = rules.constant(words, count, "BOSS")
    part["LABEL"] = rules.constant(words, count, "quasar of DR12Q")
    return part


def dr14q(chunk: Chunk, words: Words) -> Part:
    """Convert rows of DR14Q, all of them quasars, BAL where BI_CIV is above 0.

    BI_CIV was measured where C IV is in range; elsewhere broad absorption is unknown. SOURCE_Z
    is the origin of Z: VI visual inspection; PIPE and AUTO the pipeline's and the algorithm's;
    OTHER that of an earlier catalogue.
    """
    count = len(chunk)
    part = _copied(chunk, words, Z="Z", Z_ERR="Z_ERR", SURVEY="SPECTRO")
    balnicity = chunk.number("BI_CIV")
    none = np.zeros(count, bool)
    no_trough = rules.civ_in_range(part["Z"]) & (balnicity == 0)
    rules.quasars(part, words, ~none, balnicity > 0, no_trough, none)
    source = chunk.text("SOURCE_Z")
    visual = source == b"VI"
    part["Z_FROM"] = words.encode(source, "Z ({})")
    pipeline = rules.pipeline_trust(_zwarning(part, count))
    part["TRUST"] = np.where(visual, rules.CERTAIN, pipeline).astype(np.int16)
    part["LABEL_FROM"] = rules.chosen(words, (visual, "visual"), otherwise="pipeline")
    part["LABEL"] = rules.constant(words, count, "quasar of DR14Q")
    return part


def dr16q(chunk: Chunk, words: Words) -> Part:
    """Convert rows of DR16Q or its superset.

    The class is the visual one where a person looked (CLASS_PERSON, or IS_QSO_10K of the random
    set), else quasar where IS_QSO_FINAL is 1, else the automatic AUTOCLASS_PQN where that is
    star or galaxy. IS_QSO_FINAL of 2 (ambiguous) and -2 (bad spectrum) leave it unknown.
    """
    count = len(chunk)
    part = _copied(chunk, words, Z="Z", RUN2D="RUN2D", SN_MEDIAN="SN_MEDIAN_ALL")
    person, final = chunk.integer("CLASS_PERSON"), chunk.integer("IS_QSO_FINAL", -9)
    automatic = np.strings.upper(chunk.text("AUTOCLASS_PQN"))
    confidence = chunk.integer("Z_CONF")
    random = chunk.integer("IS_QSO_10K") if "IS_QSO_10K" in chunk else np.full(count, -1)
    if "Z_CONF_10K" in chunk:
        confidence = np.maximum(confidence, chunk.integer("Z_CONF_10K"))
    usable = (final != -2) & (final != 2)

    inspected = np.isin(person, (1, 3, 4, 30))
    known = rules.people(chunk, words, part["Z"], flag="", index="")
    by_person = usable & (inspected | (random == 1))
    quasar = usable & ~np.isin(person, (1, 4))
    quasar &= (final == 1) | np.isin(person, (3, 30)) | (random == 1)
    automated = usable & ~by_person & (final == 0)
    star, galaxy = automated & (automatic == b"STAR"), automated & (automatic == b"GALAXY")
    for name in ("CLASS", "SUBCLASS"):
        part[name] = np.where(by_person & ~quasar, known[name], 0).astype(np.int32)
    part["CLASS"][star] = words.code("STAR")
    part["CLASS"][galaxy] = words.code("GALAXY")
    part["SUBCLASS"][galaxy] = words.code("GAL")

    probability, balnicity = chunk.number("BAL_PROB"), chunk.number("BI_CIV")
    measured = rules.civ_in_range(part["Z"]) & (balnicity >= 0) & (probability >= 0)
    absorbs = measured & (balnicity > 0) & (probability >= _SURE_BAL)
    unclear = measured & (balnicity > 0) & ~absorbs
    rules.quasars(part, words, quasar, absorbs, measured & (balnicity == 0), unclear)
    part["NOTE"][final == -2] = words.code("bad spectrum")
    part["NOTE"][final == 2] = words.code("ambiguous by IS_QSO_FINAL")

    source = chunk.text("SOURCE_Z")
    part["Z_FROM"] = words.encode(source, "Z ({})")
    # Earlier catalogues were visually inspected, but their confidence is not in this table.
    visual = by_person | (quasar & np.isin(source, _VISUAL_SOURCES))
    sure = np.where(
        by_person | (confidence >= 0), rules.person_trust(confidence, visual), rules.CLEAN
    )
    unknown = part["CLASS"] == 0
    trust = np.where(visual, sure, rules.pipeline_trust(_zwarning(part, count)))
    part["TRUST"] = np.where(unknown, rules.UNKNOWN, trust).astype(np.int16)
    part["LABEL_FROM"] = rules.chosen(
        words, (unknown, ""), (visual, "visual"), otherwise="pipeline"
    )
    part["SURVEY"] = rules.constant(words, count, "BOSS")
    if "RUN2D" in chunk:
        old = ~np.strings.startswith(chunk.text("RUN2D"), b"v")
        part["SURVEY"][old] = words.code("SDSS")
    part["LABEL"] = known["LABEL"]
    return part


def _zwarning(part: Part, count: int) -> NDArray[Any]:
    return part.get("ZWARNING", np.full(count, MISSING))
