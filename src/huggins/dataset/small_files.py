"""Many spec files made small, one after another or several at once; and files on arrival."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from huggins.dataset.shrink import read_small, shrink, to_bytes, verify
from huggins.errors import HugginsError, OutputError, ReadError
from huggins.fits import Fits
from huggins.fits.source import Source
from huggins.formats.foreign import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    Attributes
    ----------
    source : str
        The file.
    before, after : int
        Bytes of it and of the small file.
    had : bool
        Whether there was nothing to do: it was small, or its small copy was there.
    error : str
        Why it could not be made small; empty where it could.
    """

    source: str
    before: int = 0
    after: int = 0
    had: bool = False
    error: str = ""


def shrink_files(
    paths: Iterable[str],
    place: Callable[[str], Path] | None = None,
    *,
    wdisp: bool = False,
    gzip: bool = False,
    jobs: int = 1,
) -> Iterator[Outcome]:
    """Make files small, in order.

    Parameters
    ----------
    paths
        Spec files.
    place
        Where the small copy of a file goes; None: to the place of the file itself, which goes
        when the copy has been compared with it.
    wdisp, gzip
        As for `huggins.dataset.shrink.shrink`.
    jobs
        Threads.
    """

    def one(path: str) -> Outcome:
        try:
            target = None if place is None else _named(place(path), gzip=gzip)
            return _one(Path(path), target, wdisp=wdisp, gzip=gzip)
        except HugginsError as error:
            what = error.what if isinstance(error, ReadError) else str(error)
            return Outcome(path, error=what)

    todo = iter(paths)
    with ThreadPoolExecutor(jobs, thread_name_prefix="huggins") as pool:
        under_way = deque(pool.submit(one, path) for path in islice(todo, 4 * jobs))
        while under_way:
            yield under_way.popleft().result()
            under_way.extend(pool.submit(one, path) for path in islice(todo, 1))


def _one(source: Path, target: Path | None, *, wdisp: bool, gzip: bool) -> Outcome:
    name = str(source)
    if target is None:
        source = source.resolve()  # a link goes on pointing to the file
        if _is_small(source, wdisp=wdisp, gzip=gzip):
            size = source.stat().st_size
            return Outcome(name, size, size, had=True)
        target = _named(source, gzip=gzip)
        if target != source and target.exists():
            _compare(source, target, wdisp=wdisp)
            return _drop(source, Outcome(name, source.stat().st_size, target.stat().st_size))
        done = shrink(source, target, wdisp=wdisp, gzip=gzip)
        outcome = Outcome(name, done.before, done.after)
        return outcome if target == source else _drop(source, outcome)
    if target.exists():
        if target.samefile(source):
            raise OutputError(f"{target}: is the file itself: name another folder")
        _compare(source, target, wdisp=wdisp)
        return Outcome(name, source.stat().st_size, target.stat().st_size, had=True)
    done = shrink(source, target, wdisp=wdisp, gzip=gzip)
    return Outcome(name, done.before, done.after)


def _compare(source: Path, target: Path, *, wdisp: bool) -> None:
    try:
        verify(source, target, wdisp=wdisp)
    except OutputError as error:
        raise OutputError(
            f"{target}: is there already and holds something else: remove it or name another "
            "folder"
        ) from error


def _drop(source: Path, outcome: Outcome) -> Outcome:
    """Remove a source whose copy has another name."""
    try:
        source.unlink()
    except OSError as error:
        raise OutputError(f"{source}: cannot be removed: {error.strerror}") from error
    return outcome


def _named(path: Path, *, gzip: bool) -> Path:
    """Return the name of a small copy: with ``.gz`` where it is compressed, else without."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.with_name(plain.name + ".gz") if gzip else plain


def _is_small(path: Path, *, wdisp: bool, gzip: bool) -> bool:
    """Whether nothing would be gained."""
    small = read_small(str(path), wdisp=wdisp)
    packed = path.suffix.lower() == ".gz"
    return packed == gzip and len(to_bytes(small)) >= small.size


def arrive(part: Path, place: Path, *, small: bool = False) -> None:
    """Put a file that has been fetched in its place, after a look at whether it is whole.

    Parameters
    ----------
    part
        The file, under the name that it was fetched to.
    place
        Where it goes.
    small
        Whether to keep a small copy of it only, where it is a spec file.

    Raises
    ------
    ReadError
        If the file is damaged or cut off.
    OSError
        If it cannot be put there.
    """
    check_whole(part, place.name)
    if small:
        try:
            shrink(part, place, name=place.name)
        except ReadError:
            part.replace(place)  # no spec file: it is kept as it is
        else:
            part.unlink()
    else:
        part.replace(place)


def check_whole(path: Path, name: str) -> None:
    """Look whether a file is as long as its own headers say; only FITS files say that.

    Raises
    ------
    ReadError
        If it is cut off or damaged.
    """
    if not name.lower().removesuffix(".gz").endswith((".fits", ".fit")):
        return
    with Source(path) as source:
        if not source.fits:
            raise ReadError(unknown(source.head), str(path))
        deque(Fits(source), maxlen=0)  # complains about headers and data that end too early
