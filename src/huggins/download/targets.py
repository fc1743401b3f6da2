"""Requests: from tables, lists and addresses to files of the archive."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from huggins.download.archive import SDSS, Kind, addresses, reductions, release_number
from huggins.errors import InputError
from huggins.specobjid import identity
from huggins.tables.keys import rounded
from huggins.tables.labels import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from huggins.download.positions import Positions
    from huggins.tables.chunks import Chunk

_PLATE_KINDS: Final = ("spPlate", "spZbest")
_NAME: Final = re.compile(
    r"(?:spec-)?(\d{1,6})[-\s,;]+(\d{5})[-\s,;]+(\d{1,20})(?:\.fits)?(?:[-\s,;]+(\w+))?$"
)
#: Columns that a table of targets may have; the first that it has of each line counts.
_PLATE: Final = ("PLATE", "FIELD", "FIELDID", "PLATEID")
_MJD: Final = ("MJD",)
_FIBRE: Final = ("FIBERID", "FIBER")
_NUMBER: Final = ("CATALOGID", "TARGETID", "SDSS_ID")  # in place of fibres in SDSS-V
_RUN2D: Final = ("RUN2D",)
_URL: Final = ("URL",)
_SPECOBJID: Final = ("SPECOBJID",)
_RA: Final = tuple(name.upper() for name in ROLES["ra"].names)
_DEC: Final = tuple(name.upper() for name in ROLES["dec"].names)
#: All of them.
COLUMNS: Final = (
    *(*_URL, *_PLATE, *_MJD, *_FIBRE, *_NUMBER, *_RUN2D, *_SPECOBJID, *_RA, *_DEC),
)
_POSITION: Final = re.compile(r"(\d{1,3}(?:\.\d*)?)[\s,;]+([+-]?\d{1,2}(?:\.\d*)?)$")


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file to download.

    Attributes
    ----------
    urls : tuple of str
        Possible addresses, to be tried in turn.
    path : str
        Its place below the folder of the download.
    """

    urls: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A target without a file, and the reason."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Kind of file and release of the archive.

    Attributes
    ----------
    release
        ``dr8`` to ``dr20``.
    kind
        ``lite`` or ``full`` spectra, or ``spPlate`` for whole plates, each with its
        ``spZbest``.
    run2d
        Reduction of targets that name none; by default that of the release.
    base
        Root of the archive.
    """

    release: str = "dr17"
    kind: Kind = "lite"
    run2d: str = ""
    base: str = SDSS

    def __post_init__(self) -> None:
        release_number(self.release)

    def files(
        self, plate: int, mjd: int, target: int | str, run2d: str = ""
    ) -> Iterator[FileRequest]:
        """Yield the files of one target.

        Raises
        ------
        InputError
            If the archive has no such file.
        """
        versions = [run2d or self.run2d] if run2d or self.run2d else None
        kinds: tuple[Kind, ...] = (self.kind,)
        if self.kind == "spPlate":
            kinds = ("spPlate", "spZbest")
        for kind in kinds:
            urls = tuple(
                url
                for version in versions or reductions(plate, self.release)
                for url in addresses(
                    plate, mjd, target, version, release=self.release, kind=kind, base=self.base
                )
            )
            path = place(urls[0], self.base)
            if kind == "spZbest":  # the reader of plates looks for it beside them
                parent = PurePosixPath(path).parent.parent
                path = str(parent / PurePosixPath(path).name)
            yield FileRequest(urls, path)


def place(url: str, base: str = SDSS) -> str:
    """Return the place of a file below the folder of a download.

    Files of the archive keep their path in it, so that the folder mirrors it; others go
    below the name of their host.

    >>> place("https://data.sdss.org/sas/dr17/eboss/a.fits")
    'dr17/eboss/a.fits'
    >>> place("http://a.org/b/../../c.fits?d=1")
    'a.org/b/c-65a9dbe1.fits'
    """
    parts = urllib.parse.urlsplit(url)
    within = url.startswith(base.rstrip("/") + "/")
    path = url[len(base.rstrip("/")) + 1 :] if within else f"{parts.hostname}/{parts.path}"
    path = urllib.parse.unquote(path.partition("?")[0].partition("#")[0])
    safe = [
        re.sub(r"[\x00-\x1f\\:*?\"<>|]", "_", name)
        for name in path.split("/")
        if name not in ("", ".", "..")
    ]
    if not safe or path.endswith("/") or (not within and len(safe) < 2):
        safe.append("index")
    if parts.query:
        mark = hashlib.blake2b(parts.query.encode(), digest_size=4).hexdigest()
        stem, dot, end = safe[-1].rpartition(".")
        safe[-1] = f"{stem}-{mark}{dot}{end}" if dot else f"{end}-{mark}"
    # A hidden name is that of a file that is still to come.
    return "/".join([*safe[:-1], safe[-1].lstrip(".") or "index"])


def from_words(
    words: Iterable[str], archive: Archive, positions: Positions | None = None
) -> Iterator[FileRequest | Unusable]:
    """Yield the files of targets given as text.

    Parameters
    ----------
    words
        Each ``plate-mjd-fiber``, the name of a spec file, an address, a SPECOBJID, or plate,
        MJD and fibre with blanks, commas or semicolons between and a reduction behind; with a
        catalogue also right ascension and declination in degrees. Empty ones and comments (#)
        are left out.
    archive
        Which files.
    positions
        The catalogue that says which spectrum is at a position.
    """
    for word in words:
        text = word.strip()
        if not text or text.startswith("#"):
            continue
        if re.match(r"https?://", text):
            yield FileRequest((text,), place(text, archive.base))
            continue
        match = _NAME.match(text)
        position = None if match is not None else _POSITION.match(text)
        if position is not None:
            ra, dec = np.array([float(position[1])]), np.array([float(position[2])])
            yield from _at_positions(archive, positions, [text], ra, dec)
            continue
        if match is None and (found := identity(text)) is not None:
            yield from _files(archive, text, *found)
            continue
        if match is None:
            yield Unusable(
                text, "no plate-mjd-fiber, no SPECOBJID and no address of http or https"
            )
            continue
        yield from _files(archive, text, match[1], match[2], match[3], match[4] or "")


def check_columns(names: Sequence[str], path: str, *, positions: bool = False) -> None:
    """Check that a table identifies the files to download.

    Parameters
    ----------
    names, path
        Its columns, in upper case, and its path.
    positions
        Whether there is a catalogue that says which spectra are at a position.

    Raises
    ------
    InputError
        If it has neither URL nor SPECOBJID nor plate, MJD and fibre, nor positions.
    """
    held = set(names)
    if held.intersection(_URL + _SPECOBJID):
        return
    absent = _without_identity(held)
    placed = bool(held.intersection(_RA) and held.intersection(_DEC))
    if absent and not (placed and positions):
        raise InputError(
            f"{path}: there is no column {', no column '.join(absent)}; the columns are "
            f"{', '.join(names[:40])}"
            + placed
            * (
                "; its positions will do with --catalog FILE, a survey's table of spectra such "
                "as specObj-dr17.fits"
            )
        )


def _without_identity(held: set[str]) -> list[str]:
    """Return which of the columns are missing that name a spectrum."""
    return [
        " or ".join(group)
        for group in (_PLATE, _MJD, _FIBRE + _NUMBER)
        if not held.intersection(group)
    ]


def from_chunk(
    chunk: Chunk, archive: Archive, positions: Positions | None = None
) -> Iterator[FileRequest | Unusable]:
    """Yield the files of some rows of a table of targets."""
    url = _first(chunk, _URL)
    if url:
        yield from from_words((_decoded(word) for word in chunk.text(url)), archive)
        return
    held = {name for name in COLUMNS if name in chunk}
    if _without_identity(held):
        names = [f"{chunk.path}: row {chunk.start + i + 1}" for i in range(len(chunk))]
        if held.intersection(_SPECOBJID):
            for name, word in zip(names, chunk.text(_SPECOBJID[0]), strict=True):
                yield from _of_specobjid(archive, name, _decoded(word))
            return
        ra, dec = chunk.number(_first(chunk, _RA)), chunk.number(_first(chunk, _DEC))
        yield from _at_positions(archive, positions, names, ra, dec)
        return
    plates = chunk.integer(_first(chunk, _PLATE)).tolist()
    nights = chunk.integer(_first(chunk, _MJD)).tolist()
    fibres = _whole(chunk, _first(chunk, _FIBRE))
    numbers = _whole(chunk, _first(chunk, _NUMBER))
    run2d = _first(chunk, _RUN2D)
    versions = map(_decoded, chunk.text(run2d)) if run2d else iter([""] * len(plates))
    rows = zip(plates, nights, fibres, numbers, versions, strict=True)
    for row, (plate, mjd, fibre, number, version) in enumerate(rows, chunk.start + 1):
        # SDSS-V has fibres too, but its files are called by numbers of the catalogue.
        before = not (version or archive.run2d or "v5").startswith(("v6", "master"))
        target = (fibre or number) if before else (number or fibre)
        yield from _files(archive, f"{chunk.path}: row {row}", plate, mjd, target, version)


def _of_specobjid(archive: Archive, name: str, word: str) -> Iterator[FileRequest | Unusable]:
    found = identity(word)
    if found is None:
        why = f"{word or 'nothing'} is no SPECOBJID of plates (DR8 to DR18)"
        if rounded([word], "", ""):
            why = f"SPECOBJID {word} was rounded to a floating-point number: export it as text"
        yield Unusable(name, why)
    else:
        yield from _files(archive, name, *found)


def _at_positions(
    archive: Archive, positions: Positions | None, names: Sequence[str], ra: Any, dec: Any
) -> Iterator[FileRequest | Unusable]:
    if positions is None:
        for name in names:
            yield Unusable(
                name,
                "a position: name a survey's table of spectra with --catalog FILE to find the "
                "spectrum there",
            )
        return
    for name, found in zip(names, positions.find(ra, dec), strict=True):
        if found is None:
            yield Unusable(name, f"no spectrum within 1 arcsec in {positions.path}")
        else:
            yield from _files(archive, name, *found)


def _whole(chunk: Chunk, name: str) -> list[str]:
    """Return a column of fibres or identifiers as text, empty where there is none."""
    if not name:
        return [""] * len(chunk)
    try:
        return [str(value) if value > 0 else "" for value in chunk.integer(name).tolist()]
    except InputError:  # text, and more than 64 bits
        return [_decoded(word) for word in chunk.text(name)]


def _files(
    archive: Archive, name: str, plate: Any, mjd: Any, target: Any, run2d: str
) -> Iterator[FileRequest | Unusable]:
    try:
        number, night = int(plate), int(mjd)
        word = str(target).strip()
        if not (0 < number < 10**6 and 0 < night < 10**6 and word.isdigit() and int(word) > 0):
            raise InputError(
                f"plate {plate}, MJD {mjd}, fibre {target or 'missing'}: no such spectrum can "
                "exist"
            )
        yield from archive.files(number, night, word, run2d)
    except InputError as error:
        yield Unusable(name, str(error))


def _first(chunk: Chunk, names: Sequence[str]) -> str:
    return next((name for name in names if name in chunk), "")


def _decoded(word: Any) -> str:
    return (word.decode("latin-1") if isinstance(word, bytes) else str(word)).strip()


@dataclass(slots=True)
class Checksums:
    """Checksums that the archive publishes: lists as ``sha1sum`` and ``sha256sum`` write them.

    Such a list lies in the folder of the files and names them without it, so an entry counts
    for every address that ends in it.
    """

    _by_name: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self._by_name.values()))

    def add(self, lines: Iterable[str], path: str) -> None:
        """Add the checksums of a list.

        Raises
        ------
        InputError
            If a line has another form.
        """
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            match = re.match(r"([0-9a-fA-F]{40}|[0-9a-fA-F]{64}) [ *](.+?)\s*$", line)
            if match is None:
                raise InputError(
                    f"{path}: line {number} is no SHA-1 or SHA-256 and a name, as sha1sum and "
                    "sha256sum write them"
                )
            name = match[2].removeprefix("./").lstrip("/")
            entry = (name, match[1].lower())
            self._by_name.setdefault(name.rpartition("/")[2], []).append(entry)

    def of(self, url: str) -> str:
        """Return the checksum of a file; empty if unknown or contradictory."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        fitting = [
            (len(name), digest)
            for name, digest in self._by_name.get(path.rpartition("/")[2], ())
            if path.endswith("/" + name)
        ]
        longest = max((length for length, _ in fitting), default=0)
        digests = {digest for length, digest in fitting if length == longest}
        return digests.pop() if len(digests) == 1 else ""
