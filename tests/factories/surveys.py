"""Small survey tables with the columns, types and orders of the real ones.

Columns are those of the surveys' data models (see the modules of huggins.catalog); of long rows
of photometry one or two columns stand for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

if TYPE_CHECKING:
    from pathlib import Path

# name: FITS format and value where the test gives none.
DR12Q_SUPERSET = {
    "SDSS_NAME": ("18A", "000000.00+000000.0"), "RA": ("D", 10.0), "DEC": ("D", 1.0),
    "THING_ID": ("J", -1), "PLATE": ("J", 7102), "MJD": ("J", 56666), "FIBERID": ("J", 1),
    "Z_VI": ("D", -1.0), "Z_PIPE": ("E", 0.5), "ERR_ZPIPE": ("E", 1e-4), "ZWARNING": ("J", 0),
    "CLASS_PERSON": ("J", 0), "Z_CONF_PERSON": ("J", 0), "SDSS_MORPHO": ("I", 0),
    "BOSS_TARGET1": ("K", 0), "ANCILLARY_TARGET1": ("K", 0), "PSFFLUX": ("5E", 1.0),
    "EXTINCTION": ("5E", 0.1),
}  # fmt: skip
DR12Q = {
    "SDSS_NAME": ("18A", "000000.00+000000.0"), "RA": ("D", 10.0), "DEC": ("D", 1.0),
    "THING_ID": ("J", -1), "PLATE": ("J", 7102), "MJD": ("J", 56666), "FIBERID": ("J", 1),
    "Z_VI": ("D", 2.3), "Z_PIPE": ("E", 2.3), "ERR_ZPIPE": ("E", 1e-4), "ZWARNING": ("J", 0),
    "Z_PCA": ("D", 2.3), "SDSS_MORPHO": ("I", 0), "SNR_SPEC": ("D", 5.0),
    "BAL_FLAG_VI": ("I", 0), "BI_CIV": ("D", 0.0), "ERR_BI_CIV": ("D", 0.0),
    "PSFFLUX": ("5E", 1.0),
}  # fmt: skip
DR14Q = {
    "SDSS_NAME": ("18A", "000000.00+000000.0"), "RA": ("D", 10.0), "DEC": ("D", 1.0),
    "THING_ID": ("J", -1), "PLATE": ("J", 7102), "MJD": ("J", 56666), "FIBERID": ("I", 1),
    "SPECTRO": ("4A", "BOSS"), "Z": ("D", 2.3), "Z_ERR": ("D", 1e-4), "SOURCE_Z": ("5A", "VI"),
    "Z_VI": ("D", 2.3), "Z_PIPE": ("D", 2.3), "Z_PIPE_ERR": ("D", 1e-4), "ZWARNING": ("J", 0),
    "Z_PCA": ("D", 2.3), "BOSS_TARGET1": ("K", 0), "N_SPEC": ("I", 0),
    "PLATE_DUPLICATE": ("51J", -1), "BI_CIV": ("D", 0.0), "ERR_BI_CIV": ("D", 0.0),
    "PSFFLUX": ("5E", 1.0),
}  # fmt: skip
DR16Q = {
    "SDSS_NAME": ("18A", "000000.00+000000.0"), "RA": ("D", 10.0), "DEC": ("D", 1.0),
    "PLATE": ("J", 7102), "MJD": ("J", 56666), "FIBERID": ("I", 1),
    "AUTOCLASS_PQN": ("6A", "UNK"), "AUTOCLASS_DR14Q": ("6A", "UNK"), "IS_QSO_QN": ("I", -1),
    "Z_QN": ("D", -1.0), "RANDOM_SELECT": ("I", 0), "Z_10K": ("D", -1.0),
    "Z_CONF_10K": ("I", -1), "PIPE_CORR_10K": ("I", -1), "IS_QSO_10K": ("I", -1),
    "THING_ID": ("K", -1), "Z_VI": ("D", -1.0), "Z_CONF": ("I", -1), "CLASS_PERSON": ("I", -1),
    "Z_DR12Q": ("D", -1.0), "IS_QSO_DR12Q": ("I", -1), "IS_QSO_FINAL": ("I", 1),
    "Z": ("D", 2.3), "SOURCE_Z": ("12A", "PIPE"), "Z_PIPE": ("D", 2.3), "ZWARNING": ("J", 0),
    "OBJID": ("19A", ""), "Z_PCA": ("D", 2.3), "Z_DLA": ("5D", -1.0), "BAL_PROB": ("E", 0.0),
    "BI_CIV": ("D", 0.0), "ERR_BI_CIV": ("D", 0.0), "AI_CIV": ("D", 0.0),
    "PLATE_DUPLICATE": ("74J", -1), "PSFMAG": ("5E", 20.0), "SN_MEDIAN_ALL": ("D", 4.0),
}  # fmt: skip
DR16Q_SUPERSET = dict(DR16Q, PRIM_REC=("I", 1))
SPECOBJ = {
    "SURVEY": ("6A", "boss"), "INSTRUMENT": ("4A", "BOSS"), "PROGRAMNAME": ("23A", "boss"),
    "SPECOBJID": ("22A", ""), "FLUXOBJID": ("22A", ""), "SPECPRIMARY": ("B", 1),
    "OBJTYPE": ("16A", "QSO"), "PLUG_RA": ("D", 10.0), "PLUG_DEC": ("D", 1.0),
    "RUN2D": ("7A", "v5_7_0"), "RUN1D": ("7A", "v5_7_0"), "PLATE": ("J", 7102),
    "MJD": ("J", 56666), "FIBERID": ("J", 1), "CLASS": ("6A", "STAR"),
    "SUBCLASS": ("21A", "F3/F5V (30743)"), "Z": ("E", 1e-4), "Z_ERR": ("E", 1e-5),
    "RCHI2": ("E", 1.0), "ZWARNING": ("J", 0), "SN_MEDIAN": ("5E", 8.0),
    "SN_MEDIAN_ALL": ("E", 8.0), "THETA": ("10E", 0.0),
}  # fmt: skip
SDSS5 = {
    "FIELD": ("K", 15173), "MJD": ("K", 59281), "OBS": ("3A", "APO"), "RUN2D": ("6A", "v6_1_3"),
    "TARGET_INDEX": ("K", 1), "FIBERID_LIST": ("71A", "12 13"),
    "SPEC_FILE": ("42A", "spec-015173-59281-4350951054.fits"), "PROGRAMNAME": ("14A", "AQMES"),
    "SURVEY": ("13A", "BHM"), "OBJTYPE": ("16A", "science"), "CATALOGID": ("K", 4350951054),
    "SDSS_ID": ("K", 54392544), "SPECOBJID": ("30A", ""), "FIBER_RA": ("D", 200.0),
    "FIBER_DEC": ("D", 30.0), "PLUG_RA": ("D", 200.0), "PLUG_DEC": ("D", 30.0),
    "RACAT": ("D", 200.0), "DECCAT": ("D", 30.0), "MAG": ("5E", 20.0), "CLASS": ("6A", "QSO"),
    "SUBCLASS": ("21A", "BROADLINE"), "Z": ("E", 1.2), "Z_ERR": ("E", 1e-4),
    "ZWARNING": ("J", 0), "SN_MEDIAN_ALL": ("E", 6.0),
}  # fmt: skip
DESI = {
    "TARGETID": ("K", 39628000000000001), "SURVEY": ("7A", "main"), "PROGRAM": ("6A", "dark"),
    "HEALPIX": ("J", 27258), "SPGRPVAL": ("J", 27258), "Z": ("D", 0.8), "ZERR": ("D", 1e-5),
    "ZWARN": ("K", 0), "CHI2": ("D", 9000.0), "COEFF": ("10D", 0.0),
    "SPECTYPE": ("6A", "GALAXY"), "SUBTYPE": ("20A", ""), "DELTACHI2": ("D", 200.0),
    "OBJTYPE": ("3A", "TGT"), "TARGET_RA": ("D", 150.0), "TARGET_DEC": ("D", 2.0),
    "ZCAT_PRIMARY": ("L", True),
}  # fmt: skip


def write_survey(path: Path, model: dict, *, drop: tuple[str, ...] = (), **columns) -> Path:
    """Write a table of `model` with the given values; all given columns have one length."""
    count = max((len(values) for values in columns.values()), default=1)
    held = []
    for name, (form, default) in {**model}.items():
        if name in drop:
            continue
        repeat = int(form[:-1]) if form[:-1] and form[-1] != "A" else 1
        values = columns.pop(name, None)
        if values is None:
            values = [default] * count
        array = np.array(values)
        if repeat > 1:
            array = np.repeat(array[:, None], repeat, axis=1)
        held.append(fits.Column(name=name, format=form, array=array))
    for name, (form, values) in columns.items():  # what the model does not have
        held.append(fits.Column(name=name, format=form, array=np.array(values)))
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(held)]).writeto(path)
    return path
