"""From a survey's words and numbers to class, redshift and trust: rules that surveys share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.quality import ZWarning
from huggins.tables.labels import SKY, class_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Words
    from huggins.tables.chunks import Chunk

    Array = NDArray[Any]
    Part = dict[str, Array]

#: Trust of a label, as in the project's other tables of labels.
CERTAIN, CLEAN, DOUBTFUL, UNKNOWN = 3, 2, 1, 0

# Surveys write -1, -9 or -999 where there is no redshift; no star comes at half of light speed.
_NO_REDSHIFT: Final = -0.5
# C IV (1549 A), which defines most BALs, is inside BOSS spectra from here on.
_CIV_ENTERS: Final = 1.57
_CIV_LEAVES: Final = 5.6

#: Bits of ZWARNING with which there is no spectrum of a source to speak of.
NO_SOURCE: Final = int(
    ZWarning.SKY | ZWarning.UNPLUGGED | ZWarning.BAD_TARGET | ZWarning.NODATA
)


def redshift(values: Array) -> NDArray[np.float64]:
    """Return redshifts, NaN where a survey wrote a number that stands for none."""
    return np.where(values > _NO_REDSHIFT, values, np.nan)


def error(values: Array) -> NDArray[np.float32]:
    """Return errors, NaN where they are not above 0."""
    return single(np.where(values > 0, values, np.nan))


def single(values: Array) -> NDArray[np.float32]:
    """Return numbers in single precision, NaN where they do not fit it."""
    largest = float(np.finfo(np.float32).max)
    return np.where(np.abs(values) <= largest, values, np.nan).astype(np.float32)


def position(chunk: Chunk, ra: str, dec: str) -> Part:
    """Return RA and DEC in degrees, NaN where they are no position on the sky."""
    alpha, delta = chunk.number(ra), chunk.number(dec)
    good = (alpha >= 0.0) & (alpha <= 360.0) & (np.abs(delta) <= 90.0)
    good &= (alpha != 0.0) | (delta != 0.0)  # zeros where nothing was filled in
    return {"RA": np.where(good, alpha, np.nan), "DEC": np.where(good, delta, np.nan)}


def whole(chunk: Chunk, name: str) -> NDArray[np.int32]:
    """Return a column of small whole numbers, -1 where missing or negative."""
    values = chunk.integer(name)
    largest = np.iinfo(np.int32).max
    if (values > largest).any():
        row = int(np.argmax(values > largest))
        from huggins.fits.values import overflow

        raise overflow(chunk.path, name, chunk.start + row)
    return np.where(values >= 0, values, -1).astype(np.int32)


def identity(chunk: Chunk, plate: str = "PLATE", fiber: str = "FIBERID") -> Part:
    """Return PLATE, MJD, FIBERID and, where the table has it, THING_ID."""
    part: Part = {
        "PLATE": whole(chunk, plate),
        "MJD": whole(chunk, "MJD"),
        "FIBERID": whole(chunk, fiber),
    }
    if "THING_ID" in chunk:
        thing = chunk.integer("THING_ID")
        part["THING_ID"] = np.where(thing > 0, thing, -1)
    return part


def sdss_identifiers(chunk: Chunk, name: str = "SPECOBJID") -> Array:
    """Return SPECOBJID as uint64 where the survey writes whole numbers, else as text."""
    words = chunk.text(name)
    words = np.where(np.strings.startswith(words, b"-"), b"", words)  # none, or overflown
    longest = max((len(word) for word in words.tolist()), default=0)
    if longest <= 20 and np.strings.isdigit(np.where(words == b"", b"0", words)).all():
        numbers = [int(word or 0) for word in words.tolist()]
        if max(numbers, default=0) < 2**64:
            return np.array(numbers, dtype=np.uint64)
    return words


def constant(words: Words, count: int, word: str) -> NDArray[np.int32]:
    """Return one word in every row."""
    return np.full(count, words.code(word), np.int32)


def chosen(
    words: Words, count: int, *cases: tuple[NDArray[np.bool_], str], otherwise: str = ""
) -> NDArray[np.int32]:
    """Return the word of the first case that holds, row by row."""
    codes = [words.code(word) for _, word in cases]
    picked = np.full(count, words.code(otherwise), np.int32)
    for (holds, _), code in zip(reversed(cases), reversed(codes), strict=True):
        picked[holds] = code
    return picked


def pipeline_class(chunk: Chunk, words: Words, name: str, subname: str | None) -> Part:
    """Return CLASS, SUBCLASS and LABEL from a pipeline's class and subclass.

    Parameters
    ----------
    chunk
    words
    name, subname
        Columns of class and subclass; a class may also be one of the 13 itself.
    """
    different, of = np.unique(chunk.text(name), return_inverse=True)
    broad_of = [w.decode("latin-1").strip() for w in different.tolist()]
    if subname is not None and subname in chunk:
        subs, sub_of = np.unique(chunk.text(subname), return_inverse=True)
    else:
        subs, sub_of = np.array([b""]), np.zeros(len(chunk), np.intp)
    sub_names = [w.decode("latin-1").strip() for w in subs.tolist()]
    pairs, pair_of = np.unique(of * len(subs) + sub_of, return_inverse=True)
    classes, types, labels = [], [], []
    for pair in pairs.tolist():
        said, detail = broad_of[pair // len(subs)], sub_names[pair % len(subs)]
        broad, sub = class_of(said, detail)
        classes.append("" if broad == SKY else broad)
        types.append(sub)
        labels.append(f"{said} {detail}".strip())
    return {
        "CLASS": words.codes(classes)[pair_of],
        "SUBCLASS": words.codes(types)[pair_of],
        "LABEL": words.codes(labels)[pair_of],
    }


def pipeline_trust(zwarning: Array) -> NDArray[np.int16]:
    """Return the trust of a pipeline's label: 2 without warning, 1 with one, 0 if missing."""
    return np.where(zwarning == 0, CLEAN, np.where(zwarning > 0, DOUBTFUL, UNKNOWN)).astype(
        np.int16
    )


def without_source(part: Part, words: Words, no_source: NDArray[np.bool_]) -> None:
    """Take the label from rows that hold no source: sky, unplugged and dead fibres."""
    for name in ("CLASS", "SUBCLASS"):
        part[name][no_source] = 0
    part["Z"][no_source] = np.nan
    part["TRUST"][no_source] = UNKNOWN
    note = part.setdefault("NOTE", np.zeros(len(no_source), np.int32))
    note[no_source] = words.code("no source in the fibre")


def quasars(
    part: Part,
    words: Words,
    is_quasar: NDArray[np.bool_],
    absorbs: NDArray[np.bool_],
    does_not: NDArray[np.bool_],
    unclear: NDArray[np.bool_],
) -> None:
    """Set CLASS, SUBCLASS and BAL of quasars.

    Parameters
    ----------
    part
        Has CLASS and SUBCLASS, or gets them.
    words
    is_quasar
        Rows to set.
    absorbs, does_not
        Rows known to have broad absorption and not to have any. A quasar that is neither counts
        as QSO with BAL unknown.
    unclear
        Rows whose indicators disagree: neither QSO nor BAL can be said.
    """
    count = len(is_quasar)
    for name in ("CLASS", "SUBCLASS"):
        part.setdefault(name, np.zeros(count, np.int32))
    bal = part.setdefault("BAL", np.full(count, -1, np.int16))
    part["CLASS"][is_quasar] = words.code("QSO")
    part["SUBCLASS"][is_quasar] = words.code("QSO")
    part["SUBCLASS"][is_quasar & absorbs] = words.code("BAL")
    part["SUBCLASS"][is_quasar & unclear] = 0
    bal[is_quasar & does_not] = 0
    bal[is_quasar & absorbs] = 1
    bal[is_quasar & unclear] = -1
    note = part.setdefault("NOTE", np.zeros(count, np.int32))
    note[is_quasar & unclear] = words.code("indicators of broad absorption disagree")


def civ_in_range(z: Array) -> NDArray[np.bool_]:
    """Return where C IV lies in a BOSS spectrum, so that a balnicity index can be measured."""
    inside: NDArray[np.bool_] = (z > _CIV_ENTERS) & (z < _CIV_LEAVES)
    return inside


def people(
    chunk: Chunk, words: Words, z: Array, *, flag: str = "BAL_FLAG_VI", index: str = "BI_CIV"
) -> Part:
    """Return CLASS, SUBCLASS, BAL and LABEL from CLASS_PERSON: what a person saw.

    0 not inspected, 1 star, 3 quasar, 4 galaxy, 30 BAL quasar (Paris et al. 2017, A&A 597,
    A79); any other code leaves the class unknown. Where the table also has a balnicity index
    it must be above 0 just where a person saw broad absorption (CLASS_PERSON 30 or the flag),
    or BAL is unknown.
    """
    person = chunk.integer("CLASS_PERSON")
    count = len(chunk)
    part: Part = {
        "CLASS": chosen(words, count, (person == 1, "STAR"), (person == 4, "GALAXY")),
        "SUBCLASS": chosen(words, count, (person == 4, "GAL")),
        "LABEL": words.codes(f"CLASS_PERSON {int(code)}" for code in np.unique(person))[
            np.unique(person, return_inverse=True)[1]
        ],
    }
    by_eye = person == 30
    inside = civ_in_range(z)
    agree = np.ones(count, bool)
    if flag in chunk:
        by_eye |= chunk.number(flag) > 0
    if index in chunk:
        agree = by_eye == (chunk.number(index) > 0)
    quasars(
        part,
        words,
        (person == 3) | (person == 30),
        by_eye & agree,
        ~by_eye & agree & inside,
        ~agree,
    )
    return part


def person_trust(confidence: Array, inspected: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the trust of a person's label: 3 at confidence 3, 1 at 2, 0 below."""
    trust = np.where(confidence >= 3, CERTAIN, np.where(confidence == 2, DOUBTFUL, UNKNOWN))
    return np.where(inspected, trust, UNKNOWN).astype(np.int16)
