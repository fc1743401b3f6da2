"""What a column is, in words of the IVOA: https://www.ivoa.net/documents/UCD1+/."""

from __future__ import annotations

from typing import Final

_BY_NAME: Final = {
    "FILE": "meta.id;meta.file",
    "INDEX": "meta.id.part;meta.file",
    "SURVEY": "meta.id;obs",
    "PROGRAM": "meta.id;obs.proposal",
    "PLATE": "meta.id;obs.field",
    "MJD": "time.epoch;obs",
    "FIBERID": "meta.id;instr",
    "TARGETID": "meta.id;src",
    "SPECOBJID": "meta.id;obs",
    "THING_ID": "meta.id;src",
    "OBJECT": "meta.id;src",
    "RA": "pos.eq.ra;meta.main",
    "DEC": "pos.eq.dec;meta.main",
    "SN_MEDIAN": "stat.snr;stat.median",
    "CLASS": "src.class;meta.main",
    "SUBCLASS": "src.class",
    "PROB": "stat.probability;src.class",
    "PROB_CLASS": "stat.probability;src.class;meta.main",
    "CLASS_SET": "src.class",
    "SPTYPE": "src.spType;meta.main",
    "SPTYPE_ERR": "stat.error;src.spType",
    "Z": "src.redshift;meta.main",
    "Z_ERR": "stat.error;src.redshift",
    "Z_P16": "stat.value;src.redshift",
    "Z_P84": "stat.value;src.redshift",
    "Z_SYS": "src.redshift",
    "Z_SYS_ERR": "stat.error;src.redshift",
    "ZWARNING": "meta.code.qual;src.redshift",
    "DELTACHI2": "stat.fit.chi2;arith.diff",
    "Z_NET": "src.redshift",
    "BI_CIV": "spect.line.eqWidth",
    "BI_CIV_ERR": "stat.error;spect.line.eqWidth",
    "AI_CIV": "spect.line.eqWidth",
    "AI_CIV_ERR": "stat.error;spect.line.eqWidth",
    "N_TROUGH_CIV": "meta.number;spect.line",
    "VMIN_CIV": "phys.veloc;stat.min",
    "VMAX_CIV": "phys.veloc;stat.max",
    "FRAC_HOST": "phot.flux;arith.ratio",
    "PIPE_CLASS": "src.class",
    "PIPE_SUBCLASS": "src.spType",
    "PIPE_Z": "src.redshift",
    "PIPE_ZWARNING": "meta.code.qual;src.redshift",
    "ERROR": "meta.code.error",
    # DESI's names of the same.
    "SPECTYPE": "src.class;meta.main",
    "SUBTYPE": "src.class",
    "ZERR": "stat.error;src.redshift",
    "ZWARN": "meta.code.qual;src.redshift",
}


def ucd_of(name: str) -> str:
    """Return the UCD of a column by its name in our tables; empty where it has none.

    >>> ucd_of("Z"), ucd_of("P_BAL"), ucd_of("NOTE")
    ('src.redshift;meta.main', 'stat.probability;src.class', '')
    """
    if name.startswith("P_"):
        return "stat.probability;src.class"
    return _BY_NAME.get(name, "")
