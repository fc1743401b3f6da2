"""One file of a run: its addresses, attempts, checks and final status."""

from __future__ import annotations

import errno
import logging
import random
import threading
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from huggins.download.connection import AbsentError, Client, PassingError
from huggins.download.fetch import Fetched, sha256, transfer
from huggins.download.limits import Hosts, StoppedError
from huggins.download.manifest import Entry, Status, size_on_disk
from huggins.download.part import Part
from huggins.errors import DownloadError, HugginsError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from huggins.download.limits import Budget
    from huggins.download.settings import Settings, State
    from huggins.download.targets import FileRequest

_log = logging.getLogger(__name__)

_BEGINS: Final = {".fits": b"SIMPLE  =", ".fit": b"SIMPLE  =", ".gz": b"\x1f\x8b"}
# A piece of this size is progress: the attempts are counted anew after it.
_PROGRESS: Final = 1 << 20
_LONGEST_PAUSE: Final = 60.0
# Attempts after which a run gives up that no server has answered yet.
_SILENT: Final = 2
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class NoRoomError(DownloadError):
    """The file does not fit into the budget."""


class NoNetworkError(DownloadError):
    """No server has answered at all: it is of no use to go on."""


class Fetcher:
    """Downloads the files of a run; may be called from any thread.

    Parameters
    ----------
    folder, settings, arrive
        As for `huggins.download.run.download`.
    state
        Of the run: the bytes received and whether the budget is used up are noted there.
    budget
        Of the run.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        arrive: Callable[[Path, Path], None],
        state: State,
        budget: Budget,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._arrive = arrive
        self._state = state
        self._budget = budget
        self._stop = threading.Event()
        self._hosts = Hosts(settings.per_host, settings.delay, self._stop)
        self._client = Client(settings.timeout, connections=settings.jobs)
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Abort all transfers; large files are continued by the next run."""
        self._stop.set()
        self._client.abort()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def left_out(self, item: FileRequest, known: Entry | None) -> Entry:
        """Return the entry of a file that is not fetched because the budget is used up."""
        budget = self._settings.budget
        reason = f"left out: the budget of {budget} bytes is used up; a later run goes on"
        return _failure(item, "failed", reason, known)

    def fetch(self, item: FileRequest, known: Entry | None) -> Entry | None:
        """Download one file; None if the run ends before."""
        reasons = []
        kept = 0
        try:
            for url in item.urls:
                try:
                    got = self._from(url, item, known)
                except AbsentError as error:
                    reasons.append(error.what)
                    continue
                entry = _success(item, url, got, self._folder)
                kept = entry.kept_size
                return entry
            return _failure(item, "absent", "; ".join(reasons), known)
        except StoppedError:
            return None
        except NoNetworkError:
            raise
        except NoRoomError:
            self._state.full = True
            return self.left_out(item, known)
        except DownloadError as error:
            if self._stop.is_set():
                return None
            return _failure(item, "failed", error.what, known, error.url)
        except OSError as error:
            place = error.filename or self._folder / item.path
            what = f"{place}: cannot be written: {error.strerror or error}"
            if error.errno in _NO_SPACE:
                raise OutputError(
                    f"{what}: free space; what is done is kept, and a further run goes on"
                ) from error
            return _failure(item, "failed", what, known)
        finally:
            self._budget.settle(item.path, kept)

    def _from(self, url: str, item: FileRequest, known: Entry | None) -> Fetched:
        """Download one file from one address, with several attempts."""
        place = self._folder / item.path
        part = Part(place.with_name(f".{place.name}.part"), keep=True)
        part.recall(url)
        attempt = 0
        damaged = ""
        try:
            while True:
                before = part.size
                try:
                    got = self._attempt(url, item, part)
                    self._state.answered = True
                    self._check(url, got, known)
                    self._put(url, got, part, place, damaged, foreign=known is None)
                    return got
                except DownloadError as error:
                    if part.total is None or part.size == part.total:
                        damaged = part.digest[0].hexdigest()
                        part.discard()
                    self._state.answered |= error.answered
                    passing = isinstance(error, PassingError) or not error.answered
                    if not passing or self._stop.is_set():
                        raise
                    attempt = 1 if part.size - before >= _PROGRESS else attempt + 1
                    if not self._state.answered and attempt == _SILENT:
                        raise NoNetworkError(
                            f"{error.what}; no server has answered: is there a network, or a "
                            "proxy to be named in https_proxy? The same command goes on",
                            url,
                            answered=False,
                        ) from error
                    if attempt >= self._settings.attempts:
                        raise
                    self._pause(url, attempt, error)
        finally:
            part.leave()

    def _attempt(self, url: str, item: FileRequest, part: Part) -> Fetched:
        with self._hosts.turn(url):
            return transfer(
                self._client,
                url,
                part,
                begins=_BEGINS.get(PurePosixPath(item.path).suffix.lower(), b""),
                room=lambda size: self._hold(item.path, size, url),
                watch=self._count,
            )

    def _put(
        self,
        url: str,
        got: Fetched,
        part: Part,
        place: Path,
        damaged: str,
        *,
        foreign: bool,
    ) -> None:
        """Move the file to its place, unless it is damaged or somebody else's is there."""
        try:
            if foreign and not self._settings.overwrite and place.exists():
                self._arrive_beside(url, part, place)
            else:
                self._arrive(part.path, place)
        except DownloadError:
            raise
        except HugginsError as error:
            # What comes damaged in the same way twice is damaged in the archive.
            kind = DownloadError if damaged == got.sha256 else PassingError
            what = getattr(error, "what", str(error))
            raise kind(f"what came is damaged: {what}", url) from error

    def _arrive_beside(self, url: str, part: Part, place: Path) -> None:
        """Move the file to where another one is, if that is the same to the byte.

        It is where a run was killed before its manifest was written.
        """
        beside = place.with_name(f".{part.path.stem}.new{place.suffix}")
        try:
            self._arrive(part.path, beside)
            if sha256(beside) != sha256(place):
                raise DownloadError(
                    f"{place} exists and is another file, which was not downloaded here: move "
                    "it away, or add --overwrite to replace it",
                    url,
                )
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)

    def _check(self, url: str, got: Fetched, known: Entry | None) -> None:
        """Compare the file with known checksums."""
        published = self._settings.checksums.of(url)
        if published and published not in (got.sha256, got.sha1):
            raise PassingError(
                f"what came is damaged: its checksum is not {published}, as the archive's list "
                "says",
                url,
            )
        if (
            known is not None
            and known.url == url
            and known.sha256 not in ("", got.sha256)
            and not (published or self._settings.accept_changed)
        ):
            raise DownloadError(
                "the file has changed since it was first fetched (SHA-256 "
                f"{got.sha256[:12]}..., then {known.sha256[:12]}...): --accept-changed takes "
                "the new one",
                url,
            )

    def _pause(self, url: str, attempt: int, error: DownloadError) -> None:
        after = error.after if isinstance(error, PassingError) else 0.0
        if after > self._settings.patience:
            raise DownloadError(
                f"{error.what}, and asks to wait for {after:.0f} s: run again later", url
            ) from error
        _log.debug("%s: %s; attempt %d follows", url, error.what, attempt + 1)
        if after:
            self._hosts.hold(url, after)
        spread = random.uniform(0.5, 1.5)  # noqa: S311 (no secret)
        pause = min(self._settings.pause * 2 ** (attempt - 1), _LONGEST_PAUSE) * spread
        if self._stop.wait(max(pause, after)):
            raise StoppedError

    def _hold(self, path: str, size: int, url: str) -> None:
        if not self._budget.hold(path, size):
            raise NoRoomError("the budget is used up", url)

    def _count(self, size: int) -> None:
        if self._stop.is_set():
            raise StoppedError
        with self._lock:
            self._state.received += size


def _success(item: FileRequest, url: str, got: Fetched, folder: Path) -> Entry:
    place = folder / item.path
    size = size_on_disk(place)
    digest = got.sha256 if size == got.size else sha256(place)
    return Entry(item.path, url, got.url, "done", "", got.size, got.sha256, size, digest, now())


def _failure(
    item: FileRequest, status: Status, reason: str, known: Entry | None, url: str = ""
) -> Entry:
    """Return the entry of a missing file; an earlier checksum is kept."""
    size, digest, first = 0, "", url or item.urls[0]
    if known is not None and known.sha256:
        size, digest, first = known.size, known.sha256, known.url
    return Entry(item.path, first, "", status, reason, size, digest, 0, "", now())


def now() -> str:
    """UTC, in microseconds, so that texts sort as times."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
