"""Download of many files: each ends complete on disk, or in the manifest with the reason."""

from __future__ import annotations

import logging
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from huggins.download.fetch import sha256
from huggins.download.limits import Budget
from huggins.download.manifest import MISSING_COLUMNS, Entry, Manifest, size_on_disk
from huggins.download.one import Fetcher, now
from huggins.download.settings import Settings, State
from huggins.download.targets import FileRequest, Unusable
from huggins.errors import OutputError
from huggins.runs.files import check_replaceable
from huggins.runs.ours import same_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from pathlib import Path

_log = logging.getLogger(__name__)

#: Name of the list of what is missing, in the folder of the download.
MISSING: Final = "missing.csv"


def download(
    requests: Iterable[FileRequest | Unusable],
    folder: Path,
    settings: Settings,
    *,
    arrive: Callable[[Path, Path], None] | None = None,
    watch: Callable[[State], None] | None = None,
) -> State:
    """Download files into a folder, continuing earlier runs.

    Parameters
    ----------
    requests
        The files, consumed one by one.
    folder
        Made where it is missing. The manifest in it (`huggins.download.manifest`) has the
        status of every file, `MISSING` lists those that this run could not download.
    settings
        How.
    arrive
        Called with a downloaded file and its place: it moves the file, or what is to be kept of
        it, there. It may raise `HugginsError`: then the file is damaged.
    watch
        Called with the state now and then.

    Returns
    -------
    State

    Raises
    ------
    OutputError
        If the disk is full or gone, or another process downloads into the folder. What is done
        is kept, and a further run goes on.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made: {error.strerror}") from error
    if not settings.overwrite:
        check_replaceable(folder / MISSING, columns=same_columns(MISSING_COLUMNS))
    with Manifest(folder) as manifest:
        return _Run(folder, settings, manifest, arrive or _keep, watch).run(requests)


def _keep(part: Path, place: Path) -> None:
    part.replace(place)


class _Run:
    def __init__(
        self,
        folder: Path,
        settings: Settings,
        manifest: Manifest,
        arrive: Callable[[Path, Path], None],
        watch: Callable[[State], None] | None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.manifest = manifest
        self.watch = watch
        self.state = State()
        budget = Budget(settings.budget, manifest.kept())
        self.fetcher = Fetcher(folder, settings, arrive, self.state, budget)
        self.begun = now()

    def run(self, requests: Iterable[FileRequest | Unusable]) -> State:
        under_way: dict[Future[Entry | None], str] = {}
        pool = ThreadPoolExecutor(self.settings.jobs, thread_name_prefix="huggins")
        try:
            for item in requests:
                while len(under_way) >= 2 * self.settings.jobs:
                    self._settle(under_way)
                self._begin(item, under_way, pool)
            while under_way:
                self._settle(under_way)
        except BaseException:
            self.fetcher.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            for future in under_way:
                if not future.cancelled() and future.exception() is None:
                    self._record(future.result())
            raise
        finally:
            pool.shutdown(wait=True)
            self.fetcher.close()
            self.manifest.commit()
            self.manifest.write_missing(self.folder / MISSING, self.begun)
        return self.state

    def _begin(
        self,
        item: FileRequest | Unusable,
        under_way: dict[Future[Entry | None], str],
        pool: ThreadPoolExecutor,
    ) -> None:
        """Start the download of a file, if it is necessary and possible."""
        if isinstance(item, Unusable):
            self.state.unusable += 1
            _log.warning("%s: %s", item.name, item.why)
            return
        known = self.manifest.get(item.path)
        asked = known is not None and known.when >= self.begun
        if asked or item.path in under_way.values():
            self.state.repeated += 1
        elif known is not None and self._is_there(known):
            self.state.had += 1
        elif self.state.full:
            self._record(self.fetcher.left_out(item, known))
        else:
            under_way[pool.submit(self.fetcher.fetch, item, known)] = item.path

    def _settle(self, under_way: dict[Future[Entry | None], str]) -> None:
        """Record the files that have ended, or wait a little for them."""
        ended, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in ended:
            entry = future.result()
            del under_way[future]
            self._record(entry)
        if self.watch is not None:
            self.watch(self.state)

    def _record(self, entry: Entry | None) -> None:
        if entry is None:
            return
        state = self.state
        if entry.status == "done":
            state.done += 1
            state.kept += entry.kept_size
        elif entry.status == "absent":
            state.absent += 1
        else:
            state.failed += 1
        if entry.status != "done" and not state.full:
            _log.warning("%s: %s", entry.url, entry.reason)
        self.manifest.put(entry)

    def _is_there(self, known: Entry) -> bool:
        """Whether a file of an earlier run is still what it was."""
        path = self.folder / known.path
        return (
            known.status == "done"
            and size_on_disk(path) == known.kept_size
            and (not self.settings.verify or sha256(path) == known.kept_sha256)
        )
