"""What the columns of a table of labels mean, wherever one is read.

A column has a role by its name; a class is read from words by `class_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from huggins.errors import InputError
from huggins.taxonomy import BROAD, BROAD_ALIASES, BROAD_CLASSES, CLASSES, from_label

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from huggins.tables.chunks import Chunk

    Array = NDArray[Any]
    Texts = NDArray[np.str_]

#: True class of a fibre that saw empty sky.
SKY: Final = "SKY"
#: Trust in a label of which a table does not say how certain it is.
ASSUMED_TRUST: Final = 2

_BROAD_NAMES: Final = {
    **{name: name for name in BROAD_CLASSES},
    **BROAD_ALIASES,
    SKY: SKY,
}


class Role(NamedTuple):
    """What a column says.

    Attributes
    ----------
    names : tuple of str
        Names of such a column, in any case, the first that a table has being taken; on the
        command line each of them names the role.
    meaning : str
    """

    names: tuple[str, ...]
    meaning: str


_PATHS: Final = (
    *("path", "file", "filename", "file_name", "filepath", "file_path"),
    *("specfile", "spec_file", "fitsfile", "fits_file"),
)
_RA: Final = ("ra", "plug_ra", "target_ra", "raj2000", "ra_deg", "radeg", "ra_icrs", "_ra")
_DEC: Final = (
    *("dec", "plug_dec", "target_dec", "dej2000", "decj2000", "dec_deg", "decdeg", "de_icrs"),
    "_dec",
)
# Surveys and people write -1, -9 or -999 for no redshift, or 99; no star has -0.5.
_REDSHIFTS: Final = (-0.5, 20.0)

#: Every role that a column can have.
ROLES: Final = {
    "path": Role(_PATHS, "file of the spectrum"),
    "index": Role(("index",), "row or fibre inside the file, from 0"),
    "class3": Role(
        ("class3", "class", "spectype", "true_class"),
        "STAR, GALAXY, QSO or SKY; or one of the 13 classes",
    ),
    "class13": Role(("class13", "true_subclass"), "one of the 13 classes, or empty"),
    "subclass": Role(("subclass", "subtype"), "one of the 13 classes, or a survey's subclass"),
    "bal": Role(("bal",), "1 broad absorption, 0 none; missing where unknown"),
    "z": Role(("z", "redshift", "true_z", "z_true", "z_spec", "zspec"), "redshift"),
    "z_err": Role(("z_err", "zerr"), "1-sigma error of z"),
    "zwarning": Role(("zwarning", "zwarn"), "warning bits of the survey's pipeline"),
    "plate": Role(("plate",), "PLATE"),
    "mjd": Role(("mjd",), "MJD"),
    "fiberid": Role(("fiberid", "fiber", "fiber_id"), "FIBERID"),
    "run2d": Role(("run2d",), "RUN2D"),
    "thing_id": Role(("thing_id",), "THING_ID"),
    "targetid": Role(("targetid", "target_id"), "TARGETID of DESI, CATALOGID of SDSS-V"),
    "catalogid": Role(("catalogid",), "CATALOGID"),
    "specobjid": Role(("specobjid", "specobj_id", "spec_obj_id"), "SPECOBJID"),
    "object": Role(("object",), "the same text for spectra of the same object"),
    "ra": Role(_RA, "right ascension in degrees"),
    "dec": Role(_DEC, "declination in degrees"),
    "sn": Role(
        ("sn", "sn_median", "sn_median_all", "snmedian", "snr"), "median signal-to-noise"
    ),
    "survey": Role(("survey",), "survey"),
    "label_from": Role(("label_from",), "who gave the label: visual or pipeline"),
    "trust": Role(("trust",), "3 certain, 2 no warning, 1 doubtful, 0 unknown"),
    "fold": Role(("fold",), "fold of cross-validation"),
}


def role_named(word: str, among: Collection[str], option: str) -> str:
    """Return the role that a word on the command line names.

    Raises
    ------
    InputError
        If none of these roles has that name.
    """
    for role in among:
        if word == role or word in ROLES[role].names:
            return role
    raise InputError(f"{option}: {word!r} is no role of a column: known are {', '.join(among)}")


def find_roles(
    path: str,
    names: Sequence[str],
    given: Mapping[str, str] | None,
    among: Collection[str],
    *,
    option: str = "--column",
) -> dict[str, str]:
    """Return which column of a table has which role.

    Parameters
    ----------
    path, names
        The table and its columns.
    given
        Column names by role, which come first.
    among
        Roles to look for.
    option
        On the command line, that gives the role of a column; empty where there is none.

    Raises
    ------
    InputError
        If a role or column does not exist, a role fits two columns, or classes are among
        them and no column has one.
    """
    roles = {}
    for word, name in (given or {}).items():
        role = role_named(word, among, option)
        if name not in names:
            raise InputError(
                f"{path}: there is no column {name!r} to be {word!r}; there are "
                f"{', '.join(names)}"
            )
        roles[role] = name
    for role in among:
        for known in ROLES[role].names:
            fitting = [name for name in names if name.lower() == known]
            exact = [name for name in fitting if name == known]
            if role in roles or not fitting:
                continue
            if len(exact or fitting) > 1:
                raise InputError(
                    f"{path}: columns {' and '.join(fitting)} could both be {role!r}: "
                    + (f"choose with {option} {role}=NAME" if option else "rename one")
                )
            roles[role] = (exact or fitting)[0]
    classes = {"class3", "class13", "subclass"}
    if classes.intersection(among) and not roles.keys() & classes:
        how = f"with {option} {{}}=NAME" if option else "{}"
        raise InputError(
            f"{path}: no column with the class: name it {how.format('class3')} (STAR, GALAXY, "
            f"QSO, SKY) or {how.format('class13')} (one of the 13); there are "
            f"{', '.join(names)}"
        )
    return roles


def first_column(role: str, held: Collection[str] | Chunk) -> str:
    """Return the upper-case column that has a role, empty where there is none."""
    return next((n.upper() for n in ROLES[role].names if n.upper() in held), "")


def known_redshifts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return redshifts, shape (N,), with NaN where a number stands for "unknown".

    >>> known_redshifts(np.array([2.1, -0.001, -9.0, 999.0])).tolist()
    [2.1, -0.001, nan, nan]
    """
    low, high = _REDSHIFTS
    with np.errstate(invalid="ignore"):
        return np.where((values > low) & (values < high), values, np.nan)


def broad_class(word: str) -> str:
    """Return STAR, GALAXY, QSO or SKY as a word says, empty if it says something else.

    >>> broad_class("gal"), broad_class(" QUASAR"), broad_class("BAL"), broad_class("dust")
    ('GALAXY', 'QSO', 'QSO', '')
    """
    upper = word.strip().upper()
    return _BROAD_NAMES.get(upper) or BROAD.get(upper, "")


def class_of(word: str, detail: str = "") -> tuple[str, str]:
    """Return the broad class and the one of the 13 that a label means; empty is unknown.

    Parameters
    ----------
    word
        STAR, GALAXY, QSO or SKY, or one of the 13.
    detail
        One of the 13, or a survey's subclass.

    >>> class_of("STAR", "F3/F5V (30743)"), class_of("", "BAL"), class_of("WD"), class_of("GAL")
    (('STAR', 'F'), ('QSO', 'BAL'), ('STAR', 'WD'), ('GALAXY', 'GAL'))
    >>> class_of("STAR", "CV"), class_of("QSO", "BROADLINE"), class_of("T")
    (('STAR', ''), ('QSO', 'QSO'), ('', ''))
    >>> class_of("", "F3/F5V (30743)"), class_of("", "STARBURST"), class_of("SKY", "G2")
    (('STAR', 'F'), ('', ''), ('SKY', ''))
    """
    for name in (detail.strip().upper(), word.strip().upper()):
        if name in CLASSES:
            return BROAD[name], name
    broad = broad_class(word) if word.strip() else broad_class(detail)
    if not broad and not word.strip() and (star := from_label("STAR", detail)):
        return "STAR", star  # nothing but a star has such a subclass
    return broad, from_label(broad, detail) or ""


def unique_pairs(words: Array, details: Array) -> tuple[list[tuple[Any, Any]], Array]:
    """Return the different pairs of N rows (few of them), and which pair each row has."""
    kinds, of_kind = np.unique(words, return_inverse=True)
    types, of_type = np.unique(details, return_inverse=True)
    pairs, of_pair = np.unique(of_kind * len(types) + of_type, return_inverse=True)
    kind, type_ = np.divmod(pairs, len(types) or 1)
    return list(zip(kinds[kind].tolist(), types[type_].tolist(), strict=True)), of_pair


def classes_of(words: Texts, details: Texts) -> tuple[Texts, Texts]:
    """Return `class_of` of every row, each of shape (N,)."""
    pairs, of_pair = unique_pairs(words, details)
    table = np.array([class_of(*pair) for pair in pairs], dtype="U8").reshape(-1, 2)
    return table[of_pair, 0], table[of_pair, 1]
