"""Real spectra of each class, fetched from the archive of SDSS."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from huggins.demo.example import Example
from huggins.download import cache_folder, fetch, sdss_spec_url
from huggins.download.archive import SDSS
from huggins.errors import DownloadError, HugginsError
from huggins.formats import read
from huggins.taxonomy import CLASSES

if TYPE_CHECKING:
    from pathlib import Path

_WORKERS: Final = 4
_FITS: Final = b"SIMPLE  ="


@dataclass(frozen=True, slots=True)
class Known:
    """A spectrum in the archive whose class is known; `z` is None for stars near 0."""

    cls: str
    plate: int
    mjd: int
    fiber: int
    z: float | None = None
    run2d: str = "v5_13_2"


#: Two for each class: the second is for the case that the archive has moved the first.
#: QSO, L, WD, C and GAL are from the lists of objects that the BOSS pipeline's templates were
#: made from, with the redshifts given there; BAL and the first K (plate 7102) were inspected by
#: eye for the DR12 quasar catalogue (Paris et al. 2017, A&A 597, A79); the rest is what the
#: pipeline says.
KNOWN: Final = (
    Known("QSO", 3587, 55182, 140, 2.5043),
    Known("QSO", 3588, 55184, 511, 2.6709),
    Known("BAL", 7102, 56666, 748, 1.608),
    Known("BAL", 7102, 56666, 306, 2.21),
    Known("O", 3588, 55184, 750),
    Known("O", 3655, 55240, 778),
    Known("B", 3587, 55182, 368),
    Known("B", 3647, 55181, 762),
    Known("A", 5201, 55832, 46, -0.000246),
    Known("A", 3586, 55181, 36),
    Known("F", 5201, 55832, 126, -0.000080),
    Known("F", 3586, 55181, 156),
    Known("G", 3586, 55181, 500, -0.000101),
    Known("G", 3647, 55241, 200),
    Known("K", 7102, 56666, 660),
    Known("K", 3655, 55240, 50),
    Known("M", 3655, 55240, 854),
    Known("M", 3589, 55186, 513),
    Known("L", 3786, 55563, 620, 0.000028),
    Known("L", 3926, 55327, 992, -0.000072),
    Known("WD", 3817, 55277, 710, -0.000007),
    Known("WD", 3828, 55539, 124, -0.000021),
    Known("C", 3586, 55181, 344, 0.000415),
    Known("C", 3587, 55182, 626, -0.000375),
    Known("GAL", 306, 51690, 425, 0.086351, "26"),
    Known("GAL", 306, 51690, 71, 0.136894, "26"),
)


@dataclass(slots=True)
class Collection:
    """What could be fetched, in the order of the classes, and why the rest could not."""

    examples: list[Example] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # class -> reason


def collect(
    *,
    base: str = SDSS,
    folder: Path | None = None,
    patience: float = 5.0,
    limit: float = 60.0,
) -> Collection:
    """Fetch one spectrum of each class, or take it from the cache.

    Parameters
    ----------
    base
        Root of the archive.
    folder
        Where the files are kept; the user's cache where not given.
    patience
        Seconds to wait for the first file. Where there is no network a look-up of the server's
        name may hang much longer than any timeout of a connection.
    limit
        Seconds for all of them.

    Returns
    -------
    Collection
        Never raises for a network that is missing or bad: then it holds no examples.
    """
    folder = cache_folder() / "demo" if folder is None else folder
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in CLASSES:
        names.put(name)
    done: queue.SimpleQueue[tuple[str, Example | HugginsError]] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                name = names.get_nowait()
            except queue.Empty:
                return
            done.put((name, _first_of(name, base, folder, patience)))

    start = time.monotonic()
    for _ in range(_WORKERS):
        # Daemons: one that hangs in a look-up must not keep the command from ending.
        threading.Thread(target=work, daemon=True).start()
    examples: dict[str, Example] = {}
    missing: dict[str, str] = {}
    why_rest = f"no time left after {limit:g} s"
    while len(examples) + len(missing) < len(CLASSES):
        left = (limit if examples or missing else patience) - (time.monotonic() - start)
        try:
            name, result = done.get(timeout=max(left, 0.0))
        except queue.Empty:
            if not examples and not missing:
                why_rest = f"no answer within {patience:g} s"
            break
        if isinstance(result, Example):
            examples[name] = result
        elif isinstance(result, DownloadError) and not result.answered:
            why_rest = result.what
            if not examples:
                break
            missing[name] = result.what
        else:
            missing[name] = getattr(result, "what", str(result))
    stop.set()
    absent = [name for name in CLASSES if name not in examples]
    return Collection(
        [examples[name] for name in CLASSES if name in examples],
        {name: missing.get(name, why_rest) for name in absent},
    )


def _first_of(name: str, base: str, folder: Path, timeout: float) -> Example | HugginsError:
    """Fetch and read the first spectrum of a class that the archive has; the error if none."""
    failure: HugginsError = DownloadError("no spectrum of this class is listed", base)
    for known in KNOWN:
        if known.cls != name:
            continue
        url = sdss_spec_url(known.plate, known.mjd, known.fiber, known.run2d, base=base)
        try:
            path = fetch(
                url, folder / url.rpartition("/")[2], timeout=timeout, attempts=2, begins=_FITS
            )
            return Example(name, known.z, read(str(path))[0])
        except DownloadError as error:
            failure = error
            if not error.answered:
                break
        except HugginsError as error:  # what came cannot be read, or not be written
            failure = error
    return failure
