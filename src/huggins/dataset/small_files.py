"""Small copies of many spec files; and downloaded files, checked and made small."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from huggins.dataset.shrink import read_small, shrink, to_bytes, verify
from huggins.errors import HugginsError, OutputError, ReadError
from huggins.fits import Fits
from huggins.fits.source import Source
from huggins.formats.foreign import unknown
from huggins.runs.workers import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome for one file.

    Attributes
    ----------
    source : str
        The file.
    before, after : int
        Bytes of it and of the small file.
    skipped : bool
        Whether it was small already, or its small copy existed.
    error : str
        Why there is no small copy; empty if there is one.
    """

    source: str
    before: int = 0
    after: int = 0
    skipped: bool = False
    error: str = ""


def shrink_files(
    paths: Iterable[str],
    place: Callable[[str], Path] | None = None,
    *,
    wdisp: bool = False,
    gzip: bool = False,
    jobs: int = 1,
    roots: Iterable[str] = (),
) -> Iterator[Outcome]:
    """Replace or copy spec files by small copies, in order.

    Parameters
    ----------
    paths
        Spec files.
    place
        Returns the path of a file's small copy; None replaces the files themselves, each after
        its copy has been verified. Symbolic links, which may point anywhere, are left alone.
    wdisp, gzip
        As for `huggins.dataset.shrink.shrink`.
    jobs
        Threads.
    roots
        Folders that were named: no link in them is followed to replace a file.
    """
    folders = frozenset(map(Path, roots))

    def outcome(path: str) -> Outcome:
        try:
            target = None if place is None else _named(place(path), gzip=gzip)
            return _shrink_file(path, target, folders, wdisp=wdisp, gzip=gzip)
        except HugginsError as error:
            what = error.what if isinstance(error, ReadError) else str(error)
            return Outcome(path, error=what)

    return ordered(outcome, paths, jobs, 4 * jobs)


def _link(source: Path, roots: frozenset[Path]) -> Path | None:
    """Return the link that a file is, or that leads to it inside one of some folders."""
    if source.is_symlink():
        return source
    between: list[Path] = []
    for folder in source.parents:
        if folder in roots:
            return next((each for each in between if each.is_symlink()), None)
        between.append(folder)
    return None


def _shrink_file(
    name: str, target: Path | None, roots: frozenset[Path], *, wdisp: bool, gzip: bool
) -> Outcome:
    """Write the small copy of a file; without a target, in place of it."""
    source = Path(name)
    replace = target is None
    if target is None:
        link = _link(source, roots)
        if link is not None:
            where = "is" if link == source else f"is behind {link},"
            raise OutputError(
                f"{where} a symbolic link, so it is left alone: name the file itself to "
                f"have it replaced ({source.resolve()})"
            )
        target = _named(source, gzip=gzip)
        if _is_small(source, wdisp=wdisp, gzip=gzip):
            size = source.stat().st_size
            return Outcome(name, size, size, skipped=True)
    elif target.exists() and target.samefile(source):
        raise OutputError(f"{target}: is the file itself: name another folder")
    skipped = target != source and target.exists()
    if skipped:
        before = source.stat().st_size
        _check_existing(source, target, wdisp=wdisp)
    else:
        before = shrink(source, target, wdisp=wdisp, gzip=gzip)
    if replace and target != source:
        try:
            source.unlink()
        except OSError as error:
            raise OutputError(f"{source}: cannot be removed: {error.strerror}") from error
    return Outcome(name, before, target.stat().st_size, skipped=skipped and not replace)


def _check_existing(source: Path, target: Path, *, wdisp: bool) -> None:
    try:
        verify(source, target, wdisp=wdisp)
    except OutputError as error:
        raise OutputError(
            f"{target}: exists and holds something else: remove it or name another folder"
        ) from error


def _named(path: Path, *, gzip: bool) -> Path:
    """Return the name of a small copy: ending in ``.gz`` only if it is compressed."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.with_name(plain.name + ".gz") if gzip else plain


def _is_small(path: Path, *, wdisp: bool, gzip: bool) -> bool:
    """Whether the file is a small copy already."""
    small = read_small(str(path), wdisp=wdisp)
    compressed = path.suffix.lower() == ".gz"
    return compressed == gzip and len(to_bytes(small)) >= small.size


def arrive(part: Path, place: Path, *, small: bool = False) -> None:
    """Move a downloaded file to its place, once it has been checked.

    Parameters
    ----------
    part
        The file, under its temporary name.
    place
        Its final path.
    small
        Whether to keep only a small copy, if it is a spec file.

    Raises
    ------
    ReadError
        If the file is damaged or truncated.
    OSError
        If it cannot be moved.
    """
    check_whole(part, place.name)
    if small:
        with suppress(ReadError):  # any other file is kept as it is
            shrink(part, place, name=place.name)
            part.unlink()
            return
    part.replace(place)


def check_whole(path: Path, name: str) -> None:
    """Check that a FITS file is as long as its headers say; other files do not say.

    Raises
    ------
    ReadError
        If it is truncated or damaged.
    """
    if not name.lower().removesuffix(".gz").endswith((".fits", ".fit")):
        return
    with Source(path) as source:
        if not source.fits:
            raise ReadError(unknown(source.head), str(path))
        deque(Fits(source), maxlen=0)  # raises where headers or data end too early
