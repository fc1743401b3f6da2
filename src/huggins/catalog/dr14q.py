"""Quasar catalogue of SDSS data release 14.

Data model: https://data.sdss.org/datamodel/files/BOSS_QSO/DR14Q/DR14Q_v4_4.html; Paris et al.
2018, A&A 613, A51.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from huggins.catalog import rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

NEEDS = ("RA", "DEC", "PLATE", "MJD", "FIBERID", "Z", "SOURCE_Z", "Z_VI", "BI_CIV", "SPECTRO")
MAY = ("THING_ID", "Z_ERR", "ZWARNING")


def quasars(chunk: Chunk, words: Words) -> dict[str, NDArray[Any]]:
    """Take rows of DR14Q: all are quasars, BAL where BI_CIV is above 0.

    BI_CIV was measured where C IV is in range; elsewhere broad absorption is unknown. SOURCE_Z
    says whose redshift Z is: VI a person's; PIPE and AUTO the pipeline's and the algorithm's;
    OTHER that of an earlier catalogue.
    """
    count = len(chunk)
    z = rules.redshift(chunk.number("Z"))
    balnicity = chunk.number("BI_CIV")
    measured = rules.civ_in_range(z) & (balnicity >= 0)
    source = chunk.text("SOURCE_Z")
    by_eye = source == b"VI"
    part = rules.identity(chunk) | rules.position(chunk, "RA", "DEC")
    nowhere = np.zeros(count, bool)
    rules.quasars(
        part,
        words,
        ~nowhere,
        balnicity > 0,
        measured & (balnicity == 0),
        nowhere,
    )
    part["Z"] = z
    if "Z_ERR" in chunk:
        part["Z_ERR"] = rules.error(chunk.number("Z_ERR"))
    part["Z_FROM"] = words.codes(
        f"Z ({w.decode('latin-1')})" for w in np.unique(source).tolist()
    )[np.unique(source, return_inverse=True)[1]]
    zwarning = rules.whole(chunk, "ZWARNING") if "ZWARNING" in chunk else np.full(count, -1)
    part["ZWARNING"] = zwarning.astype(np.int32)
    part["TRUST"] = np.where(by_eye, rules.CERTAIN, rules.pipeline_trust(zwarning)).astype(
        np.int16
    )
    part["LABEL_FROM"] = rules.chosen(words, count, (by_eye, "visual"), otherwise="pipeline")
    part["SURVEY"] = words.encode(chunk.text("SPECTRO"))
    part["LABEL"] = rules.constant(words, count, "quasar of DR14Q")
    return part
