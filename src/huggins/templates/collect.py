"""Fetch the public templates, and assemble the files that mocks are made from."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from huggins.download import fetch
from huggins.download.connection import AbsentError
from huggins.download.fetch import sha256
from huggins.errors import DownloadError, HugginsError, OutputError
from huggins.runs.files import cannot_write, check_replaceable, write_text
from huggins.templates.assemble import PARTS, Assembly
from huggins.templates.sources import RAW, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggins.templates.sources import Source

#: Folder, in that of the templates, of the files as they came.
DOWNLOADS: Final = "downloads"
#: What was fetched from where, beside the templates.
RECORD: Final = "templates.json"
_SCHEMA: Final = "huggins-templates-1"
# Files that cannot be reached in a row before the network counts as gone.
_SILENT: Final = 2
# Longest time for pip, s: its single waits are shorter, their sum has no end of its own.
_PIP: Final = 3600.0


@dataclass(slots=True)
class Collected:
    """What `fetch_templates` has done.

    Attributes
    ----------
    folder : Path
    counts : dict of str to int
        Number of templates of each file (`stars`, `quasars`, `galaxies`, `bal`).
    compared, unknown : int
        Templates whose shape is that of those huggins was made with; templates without a shape
        to compare with.
    unlike : list of str
        Templates that are not the ones expected, which were left out.
    failed : dict of str to str
        What could not be had, and why.
    """

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    compared: int = 0
    unknown: int = 0
    unlike: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def fetch_templates(
    folder: str | Path = "templates",
    *,
    sources: Sequence[Source] = SOURCES,
    origin: str = RAW,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda line: None,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Collected:
    """Collect public templates into the files that `huggins.simulate.load` takes.

    What has been fetched stays in the folder ``downloads`` there, so that a second call goes on
    where the first one stopped.

    Parameters
    ----------
    folder
        Made if missing.
    sources
        Where templates come from.
    origin
        Server of the single files.
    overwrite
        Replace files of templates, and their record, that huggins did not write.
    progress
        Called with a line for each source.
    timeout, pause
        Of `huggins.download.fetch`.

    Raises
    ------
    OutputError
        If a file of templates or their record is there that huggins did not write, or cannot
        be written.
    DownloadError
        If nothing could be had.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: exists and is no folder: name another with -o")
    if not overwrite:
        for name in PARTS:
            check_replaceable(folder / f"{name}.h5", kind="file of templates")
        check_replaceable(folder / RECORD, kind="record of templates")
    done = Collected(folder)
    assembly = Assembly()
    record: list[dict[str, Any]] = []
    gone = False  # whether the server of the single files does not answer
    for number, source in enumerate(sources, start=1):
        progress(
            f"{number} of {len(sources)}: {source.name} ({source.home}, {source.size:g} MB)"
        )
        missing = []
        for found in _fetched(source, folder, origin, timeout, pause, gone=gone):
            if isinstance(found, HugginsError):
                missing.append(found)
                continue
            try:
                assembly.add(source.name, found)
                record.append(_entry(source, found))
            except HugginsError as error:
                missing.append(error)
        if missing:
            done.failed[source.name] = _summary(missing, len(source.files) or 1)
        gone |= (
            bool(source.files)
            and len(missing) == len(source.files)
            and all(
                isinstance(error, DownloadError) and not error.answered for error in missing
            )
        )
    done.compared, done.unknown = assembly.compared, assembly.unknown
    done.unlike = assembly.unlike
    if not record:
        why = next(iter(done.failed.values()), "there are no sources")
        raise DownloadError(
            f"none of the {len(sources)} sources of templates could be had, the first because: "
            f"{why}; is there a network? The files can also be put into "
            f"{folder / DOWNLOADS} by hand (huggins templates list)",
            origin,
            answered=False,
        )
    done.counts = assembly.write(folder)
    about = {"schema": _SCHEMA, "templates": done.counts, "files": record}
    write_text(folder / RECORD, json.dumps(about, indent=1) + "\n")
    return done


def _entry(source: Source, path: Path) -> dict[str, Any]:
    return {
        "source": source.name,
        "file": path.name,
        "sha256": sha256(path),
        "licence": source.licence,
        "credit": source.credit,
    }


def _summary(missing: list[HugginsError], count: int) -> str:
    """Return in one line what of a source could not be had, and why the first could not."""
    return str(missing[0]) if count == 1 else f"{len(missing)} of {count} files: {missing[0]}"


def _fetched(
    source: Source, folder: Path, origin: str, timeout: float, pause: float, *, gone: bool
) -> list[Path | HugginsError]:
    """Fetch the files of a source: of each its path, or what went wrong."""
    place = folder / DOWNLOADS / source.name
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(place, error) from error
    if source.package:
        try:
            return [_from_index(source, place)]
        except DownloadError as error:
            return [error]
    found: list[Path | HugginsError] = []
    silent = _SILENT if gone else 0
    for name, addresses in source.files.items():
        path = place / name
        if silent >= _SILENT and not path.is_file():
            url = f"{origin}/{addresses[0]}"
            found.append(DownloadError("not tried: no answer before", url, answered=False))
            continue
        try:
            found.append(_one(addresses, path, origin, timeout, pause))
            silent = 0
        except DownloadError as error:
            found.append(error)
            silent = 0 if error.answered else silent + 1
    return found


def _one(
    addresses: tuple[str, ...], path: Path, origin: str, timeout: float, pause: float
) -> Path:
    """Fetch a file from the first address that has it, or take it where it is already."""
    if path.is_file() and not path.with_name(f"{path.name}.sha256").exists():
        return path  # put there by hand
    for address in addresses[:-1]:
        try:
            return fetch(f"{origin}/{address}", path, timeout=timeout, pause=pause)
        except AbsentError:
            continue
    return fetch(f"{origin}/{addresses[-1]}", path, timeout=timeout, pause=pause)


def _from_index(source: Source, place: Path) -> Path:
    """Fetch a package by pip, with its proxies and mirrors; verify its checksum."""
    path = place / source.archive
    if path.is_file() and sha256(path) == source.sha256:
        return path
    by_hand = f"or put {source.archive} into {place}"
    if importlib.util.find_spec("pip") is None:
        raise DownloadError(
            f"pip, which fetches it, is not installed: install pip, {by_hand}", source.package
        )
    words = ["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    # -P: a pip.py in the current folder is not pip.
    command = [sys.executable, "-P", "-m", "pip", *words]
    command += ["--dest", str(place), source.package]
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=_PIP
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadError(
            f"pip did not end within {_PIP:g} s: try again with a better network, {by_hand}",
            source.package,
            answered=False,
        ) from error
    if ended.returncode:
        lines = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
        why = (lines or ended.stderr.splitlines() or ["no reason given"])[-1]
        raise DownloadError(
            f"pip could not fetch it ({why}): try again with a network, {by_hand}",
            source.package,
            answered=False,
        )
    if not path.is_file() or sha256(path) != source.sha256:
        raise DownloadError(
            f"what pip fetched is not {source.archive} of SHA-256 {source.sha256[:12]}...: the "
            f"index serves another file; {by_hand}",
            source.package,
        )
    return path
