"""From a survey's columns to class, redshift and trust: rules that surveys share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.catalog.targets import NO_TARGETID
from huggins.fits.values import overflow
from huggins.quality import ZWarning
from huggins.tables.labels import SKY, class_of, known_redshifts, unique_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from huggins.catalog.targets import Part, Words
    from huggins.tables.chunks import Chunk

    Array = NDArray[Any]
    Bools = NDArray[np.bool_]

#: Trust of a label, as in the project's other tables of labels.
CERTAIN, CLEAN, DOUBTFUL, UNKNOWN = 3, 2, 1, 0

# Redshifts between which C IV (1549 A), which defines most BALs, lies inside BOSS spectra.
_CIV_ENTERS: Final = 1.57
_CIV_LEAVES: Final = 5.6

# Bits of ZWARNING with which there is no spectrum of a source to speak of.
_NO_SOURCE: Final = int(
    ZWarning.SKY | ZWarning.UNPLUGGED | ZWarning.BAD_TARGET | ZWarning.NODATA
)
_LARGEST: Final = float(np.finfo(np.float32).max)


def redshift(chunk: Chunk, name: str) -> NDArray[np.float64]:
    """Return a column of redshifts, NaN where the survey has none."""
    return known_redshifts(chunk.number(name))


def error(chunk: Chunk, name: str) -> NDArray[np.float32]:
    """Return a column of errors, NaN where not above 0."""
    values = chunk.number(name)
    return _single(np.where(values > 0, values, np.nan))


def single(chunk: Chunk, name: str) -> NDArray[np.float32]:
    """Return a column in single precision, NaN where out of range."""
    return _single(chunk.number(name))


def _single(values: Array) -> NDArray[np.float32]:
    return np.where(np.abs(values) <= _LARGEST, values, np.nan).astype(np.float32)


def whole(chunk: Chunk, name: str) -> NDArray[np.int32]:
    """Return a column of integers in 32 bits, -1 where missing or negative."""
    values = chunk.integer(name)
    too_large = values > np.iinfo(np.int32).max
    if too_large.any():
        raise overflow(chunk.path, name, chunk.start + int(np.argmax(too_large)))
    return np.where(values >= 0, values, -1).astype(np.int32)


def sdss_identifiers(chunk: Chunk, name: str = "SPECOBJID") -> Array:
    """Return SPECOBJID as uint64 where the survey writes integers, else as text."""
    words = chunk.text(name)
    words = np.where(np.strings.startswith(words, b"-"), b"", words)  # none, or overflown
    longest = max((len(word) for word in words.tolist()), default=0)
    if longest <= 20 and np.strings.isdigit(np.where(words == b"", b"0", words)).all():
        numbers = [int(word or 0) for word in words.tolist()]
        if max(numbers, default=0) < 2**64:
            return np.array(numbers, dtype=np.uint64)
    return words


def _thing_id(chunk: Chunk, name: str) -> NDArray[np.int64]:
    values = chunk.integer(name)
    return np.where(values > 0, values, -1)


_CONVERTERS: Final = {
    **dict.fromkeys(("PLATE", "MJD", "FIBERID", "HEALPIX", "ZWARNING"), whole),
    "THING_ID": _thing_id,
    "TARGETID": lambda chunk, name: chunk.integer(name, NO_TARGETID),
    "SPECOBJID": sdss_identifiers,
    "Z": redshift,
    "Z_ERR": error,
    "SN_MEDIAN": single,
}


def copied(chunk: Chunk, words: Words, *same: str, **others: str | tuple[str, ...]) -> Part:
    """Return columns of the table of targets that a survey's table has too.

    Parameters
    ----------
    chunk
    words
    *same
        Columns of the same name in both.
    **others
        The survey's name for a column of targets, or several of which the first is taken that
        the table has. Columns that it has not are left out.
    """
    part: Part = {}
    positions: list[tuple[str, ...]] = []
    for name, source in ({name: name for name in same} | others).items():
        names = (source,) if isinstance(source, str) else source
        if name in ("RA", "DEC"):
            positions.append(names)
            continue
        held = next((each for each in names if each in chunk), None)
        if held is None:
            continue
        if name in _CONVERTERS:
            part[name] = _CONVERTERS[name](chunk, held)
        else:
            part[name] = words.encode(chunk.text(held))
    for ra, dec in zip(*positions, strict=True):
        if ra in chunk and dec in chunk:
            return part | _position(chunk, ra, dec)
    return part


def _position(chunk: Chunk, ra: str, dec: str) -> Part:
    """Return RA and DEC in degrees, NaN where they are no position on the sky."""
    alpha, delta = chunk.number(ra), chunk.number(dec)
    good = (alpha >= 0.0) & (alpha <= 360.0) & (np.abs(delta) <= 90.0)
    good &= (alpha != 0.0) | (delta != 0.0)  # zeros where nothing was filled in
    return {"RA": np.where(good, alpha, np.nan), "DEC": np.where(good, delta, np.nan)}


def constant(words: Words, count: int, word: str) -> NDArray[np.int32]:
    """Return one word in all rows."""
    return np.full(count, words.code(word), np.int32)


def chosen(words: Words, *cases: tuple[Bools, str], otherwise: str = "") -> NDArray[np.int32]:
    """Return the word of the first case that holds, row by row."""
    holds, texts = zip(*cases, strict=True)
    codes = [np.int32(words.code(text)) for text in texts]
    return np.select(holds, codes, np.int32(words.code(otherwise)))


def pipeline_class(chunk: Chunk, words: Words, name: str, subname: str | None) -> Part:
    """Return CLASS, SUBCLASS and LABEL from a pipeline's class and subclass.

    Parameters
    ----------
    chunk
    words
    name, subname
        Columns of class and subclass; a class may also be one of the 13 itself.
    """
    details = np.zeros(len(chunk), "S1")
    if subname is not None and subname in chunk:
        details = chunk.text(subname)
    pairs, of_pair = unique_pairs(chunk.text(name), details)
    texts = [tuple(word.decode("latin-1").strip() for word in pair) for pair in pairs]
    classes = [class_of(*pair) for pair in texts]
    return {
        "CLASS": words.codes("" if broad == SKY else broad for broad, _ in classes)[of_pair],
        "SUBCLASS": words.codes(sub for _, sub in classes)[of_pair],
        "LABEL": words.codes(" ".join(pair).strip() for pair in texts)[of_pair],
    }


def pipeline_trust(zwarning: Array) -> NDArray[np.int16]:
    """Return the trust of a pipeline's label: 2 without warning, 1 with one, 0 if missing."""
    return np.select([zwarning == 0, zwarning > 0], [CLEAN, DOUBTFUL], UNKNOWN).astype(np.int16)


def pipeline_label(part: Part, words: Words, sky: Bools | bool) -> Part:
    """Add the origin and trust of a pipeline's labels, and remove those of empty fibres.

    Parameters
    ----------
    part
        With the pipeline's class, redshift and warnings.
    words
    sky
        Fibres without a source, besides those with a warning that says so.
    """
    zwarning = part["ZWARNING"]
    part["Z_FROM"] = constant(words, len(zwarning), "Z")
    part["LABEL_FROM"] = constant(words, len(zwarning), "pipeline")
    part["TRUST"] = pipeline_trust(zwarning)
    empty = (zwarning >= 0) & (zwarning & _NO_SOURCE != 0) | sky
    for name in ("CLASS", "SUBCLASS"):
        part[name][empty] = 0
    part["Z"][empty] = np.nan
    part["TRUST"][empty] = UNKNOWN
    part["NOTE"] = chosen(words, (empty, "no source in the fibre"))
    return part


def quasars(
    part: Part,
    words: Words,
    is_quasar: Bools,
    absorbs: Bools,
    does_not: Bools,
    unclear: Bools,
) -> None:
    """Set CLASS, SUBCLASS and BAL of quasars.

    Parameters
    ----------
    part
        Gets CLASS and SUBCLASS if it has none.
    words
    is_quasar
        Rows to set.
    absorbs, does_not
        Rows known to have broad absorption, and to have none. Any other quasar counts as QSO
        with BAL unknown.
    unclear
        Rows whose indicators disagree, which are neither QSO nor BAL.
    """
    count = len(is_quasar)
    for name in ("CLASS", "SUBCLASS", "NOTE"):
        part.setdefault(name, np.zeros(count, np.int32))
    bal = part.setdefault("BAL", np.full(count, -1, np.int16))
    part["CLASS"][is_quasar] = words.code("QSO")
    part["SUBCLASS"][is_quasar] = words.code("QSO")
    part["SUBCLASS"][is_quasar & absorbs] = words.code("BAL")
    part["SUBCLASS"][is_quasar & unclear] = 0
    bal[is_quasar & does_not] = 0
    bal[is_quasar & absorbs] = 1
    bal[is_quasar & unclear] = -1
    part["NOTE"][is_quasar & unclear] = words.code("indicators of broad absorption disagree")


def civ_in_range(z: Array) -> Bools:
    """Return where C IV lies in a BOSS spectrum, so that a balnicity index can be measured."""
    inside: Bools = (z > _CIV_ENTERS) & (z < _CIV_LEAVES)
    return inside


def people(
    chunk: Chunk, words: Words, z: Array, *, flag: str = "BAL_FLAG_VI", index: str = "BI_CIV"
) -> Part:
    """Return CLASS, SUBCLASS, BAL and LABEL from CLASS_PERSON, the visual inspection.

    0 not inspected, 1 star, 3 quasar, 4 galaxy, 30 BAL quasar (Paris et al. 2017, A&A 597,
    A79); any other code leaves the class unknown. If the table has a balnicity index as well,
    BAL is unknown where its sign contradicts the inspection (CLASS_PERSON 30 or the flag).
    """
    person = chunk.integer("CLASS_PERSON")
    part: Part = {
        "CLASS": chosen(words, (person == 1, "STAR"), (person == 4, "GALAXY")),
        "SUBCLASS": chosen(words, (person == 4, "GAL")),
        "LABEL": words.encode(person, "CLASS_PERSON {}"),
    }
    absorbs = person == 30
    if flag in chunk:
        absorbs |= chunk.number(flag) > 0
    agree = np.ones(len(person), bool)
    if index in chunk:
        agree = absorbs == (chunk.number(index) > 0)
    quasars(
        part,
        words,
        (person == 3) | (person == 30),
        absorbs & agree,
        ~absorbs & agree & civ_in_range(z),
        ~agree,
    )
    return part


def person_trust(confidence: Array, inspected: Bools) -> NDArray[np.int16]:
    """Return the trust of a visual label: 3 at confidence 3, 1 at 2, 0 below."""
    levels = [inspected & (confidence >= 3), inspected & (confidence == 2)]
    return np.select(levels, [CERTAIN, DOUBTFUL], UNKNOWN).astype(np.int16)
