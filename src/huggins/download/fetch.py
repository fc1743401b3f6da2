"""One file from a web server to disk, whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from huggins import __version__
from huggins.errors import DownloadError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CHUNK: Final = 1 << 16
# Statuses that pass: the request can simply be made again.
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)


class _PassingError(DownloadError):
    """A fault that may be gone at the next attempt."""


def fetch(
    url: str,
    path: Path,
    *,
    timeout: float = 10.0,
    attempts: int = 3,
    pause: float = 0.3,
    begins: bytes = b"",
) -> Path:
    """Fetch a file, unless it is there already and unharmed.

    The SHA-256 of what came at the first time is written beside the file, in `path` with
    ``.sha256`` added, as the command sha256sum writes it. Later calls compare the file with
    it: a file that has changed on disk is fetched again, and one that has changed at its
    source is refused.

    Parameters
    ----------
    url
        http or https.
    path
        Where the file goes; missing folders are made.
    timeout
        Seconds of silence after which the server is given up.
    attempts
        How often to try when the server is busy or breaks off.
    pause
        Seconds before the second attempt; twice as long before each one after it.
    begins
        Bytes that the file must begin with. Where they are missing, somebody else has
        answered: the login page of a hotel's network, for one.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DownloadError
        If it cannot be fetched; its `answered` says whether there was a server at all.
    OutputError
        If it cannot be written.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise DownloadError("only http and https addresses can be fetched", url)
    record = path.with_name(path.name + ".sha256")
    try:
        expected = _recorded(record)
        if expected and path.is_file() and _sha256(path) == expected:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(attempts):
            try:
                _fetch_once(url, path, record, timeout, begins, expected)
            except _PassingError:
                if attempt + 1 == attempts:
                    raise
                time.sleep(pause * 2**attempt)
            else:
                break
    except OSError as error:  # the network's own are DownloadErrors by now
        raise OutputError(
            f"{error.filename or path}: cannot be written: {error.strerror or error}"
        ) from error
    return path


def _fetch_once(
    url: str, path: Path, record: Path, timeout: float, begins: bytes, expected: str
) -> None:
    digest = hashlib.sha256()
    with _Temporary(path) as (file, temporary):
        first = True
        for chunk in _chunks(url, timeout):
            if first and chunk[: len(begins)] != begins[: len(chunk)]:
                raise DownloadError(
                    f"the answer is not the file: it begins with {chunk[:16]!r}; a proxy or "
                    "a login page may have answered instead",
                    url,
                )
            first = False
            digest.update(chunk)
            file.write(chunk)
        file.close()
        found = digest.hexdigest()
        if expected and found != expected:
            raise DownloadError(
                f"the file has changed since it was first fetched (SHA-256 {found[:12]}..., "
                f"then {expected[:12]}...): delete {record} to accept the new one",
                url,
            )
        temporary.replace(path)
    with _Temporary(record) as (file, temporary):
        file.write(f"{found}  {path.name}\n".encode())
        file.close()
        temporary.replace(record)


def _chunks(url: str, timeout: float) -> Iterator[bytes]:
    """Yield the content as it comes; all of it, or `DownloadError`."""
    request = urllib.request.Request(  # noqa: S310 (the scheme has been looked at)
        url, headers={"User-Agent": f"huggins/{__version__}"}
    )
    try:
        response: Any = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        kind = _PassingError if error.code in _BUSY else DownloadError
        raise kind(f"the server answers {error.code} {error.reason}", url) from error
    except TimeoutError as error:
        raise DownloadError(f"no answer within {timeout:g} s", url, answered=False) from error
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", error)
        what = f"cannot be reached: {getattr(reason, 'strerror', None) or reason}"
        if isinstance(reason, TimeoutError):
            what = f"no answer within {timeout:g} s"
        raise DownloadError(what, url, answered=False) from error
    with response:
        size, received = response.length, 0
        while True:
            try:
                chunk = response.read1(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _PassingError(
                    f"the connection broke after {received} bytes: {error}", url
                ) from error
            if not chunk:
                break
            received += len(chunk)
            yield chunk
    if received == 0:
        raise _PassingError("the server sent an empty file", url)
    if size is not None and received != size:
        raise _PassingError(f"broken off after {received} of {size} bytes", url)


class _Temporary:
    """A file beside `path`, open for writing; gone at the end unless it was renamed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> tuple[BinaryIO, Path]:
        # Unique to this thread, so that two that fetch one file do not write into each other.
        mark = f"{os.getpid()}-{threading.get_ident()}"
        self._name = self._path.with_name(f".{self._path.name}.{mark}.part")
        self._file = self._name.open("wb")
        return self._file, self._name

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._name.unlink(missing_ok=True)


def _recorded(record: Path) -> str:
    """Return the SHA-256 in a record; empty where there is none."""
    try:
        words = record.read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return ""
    return words[0] if words and len(words[0]) == 64 else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
