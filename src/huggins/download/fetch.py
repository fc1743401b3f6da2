"""Download of one file, complete or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from huggins.download.connection import Client, PassingError
from huggins.download.part import Part
from huggins.errors import DownloadError
from huggins.runs.files import cannot_write, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from huggins.download.connection import Answer


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that has been downloaded.

    Attributes
    ----------
    url : str
        Address after all redirections.
    size : int
        Bytes.
    sha256, sha1 : str
        Checksums of its content, in hexadecimal.
    """

    url: str
    size: int
    sha256: str
    sha1: str


def fetch(
    url: str,
    path: Path,
    *,
    timeout: float = 10.0,
    attempts: int = 3,
    pause: float = 0.3,
    begins: bytes = b"",
) -> Path:
    """Download a file, unless it is there and unchanged.

    The SHA-256 of the first download is written beside the file, in `path` with ``.sha256``
    added, in the format of sha256sum. Later calls compare the file with it: a file that has
    changed on disk is downloaded again, and one that has changed at its source is refused.

    Parameters
    ----------
    url
        http or https.
    path
        Where the file goes; missing folders are made.
    timeout
        Seconds of silence after which the server is given up.
    attempts
        Number of attempts if the server is busy or the connection breaks.
    pause
        Seconds before the second attempt; twice as long before each one after it.
    begins
        Bytes that the file must begin with: the login page of a network, for example, does not.

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
    record = path.with_name(path.name + ".sha256")
    # Unique to this thread, so that two that fetch one file do not write into each other.
    mark = f"{os.getpid()}-{threading.get_ident()}"
    part = Part(path.with_name(f".{path.name}.{mark}.part"), keep=False)
    client = Client(timeout)
    try:
        expected = _recorded(record)
        if expected and path.is_file() and sha256(path) == expected:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(attempts):
            try:
                fetched = transfer(client, url, part, begins=begins)
            except PassingError:
                if attempt + 1 == attempts:
                    raise
                time.sleep(pause * 2**attempt)
            else:
                break
        if expected and fetched.sha256 != expected:
            raise DownloadError(
                f"the file has changed since it was first fetched (SHA-256 "
                f"{fetched.sha256[:12]}..., then {expected[:12]}...): delete {record} to "
                "accept the new one",
                url,
            )
        part.path.replace(path)
        write_text(record, f"{fetched.sha256}  {path.name}\n")
    except OSError as error:  # those of the network are DownloadErrors by now
        raise cannot_write(Path(error.filename or path), error) from error
    finally:
        client.close()
        part.discard()
    return path


def transfer(
    client: Client,
    url: str,
    part: Part,
    *,
    begins: bytes = b"",
    room: Callable[[int], None] | None = None,
    watch: Callable[[int], None] | None = None,
) -> Fetched:
    """Make one attempt at a file.

    Parameters
    ----------
    client
        Of this thread.
    url
        http or https.
    part
        File for the bytes; a part is continued if the server can.
    begins
        Bytes that the file must begin with.
    room
        Called with the size of the whole file before it is written; if the server does not say,
        with the bytes received. It may raise.
    watch
        Called with the number of bytes of each piece received. It may raise.

    Raises
    ------
    PassingError
        If another attempt may succeed.
    DownloadError
        If none will.
    OSError
        If it cannot be written.
    """
    try:
        with client.get(url, _ask_for_rest(part)) as answer:
            _start(part, url, answer)
            first = part.size == 0
            for chunk in answer.chunks():
                if first and chunk[: len(begins)] != begins[: len(chunk)]:
                    raise DownloadError(
                        f"the answer is not the file: it begins with {chunk[:16]!r}; a proxy "
                        "or a login page may have answered instead",
                        url,
                    )
                first = False
                if room is not None:
                    room(part.total or part.size + len(chunk))
                part.write(chunk)
                if watch is not None:
                    watch(len(chunk))
    except BaseException:
        part.pause()
        raise
    if part.size == 0:
        part.discard()
        raise PassingError("the server sent an empty file", url)
    if part.total is not None and part.size != part.total:
        size, total = part.size, part.total
        part.pause()
        raise PassingError(f"broken off after {size} of {total} bytes", url)
    part.finish()
    sha256_, sha1 = (digest.hexdigest() for digest in part.digest)
    return Fetched(answer.url, part.size, sha256_, sha1)


def _ask_for_rest(part: Part) -> dict[str, str]:
    """Return the headers that request the rest, if the file has not changed."""
    if not part.size:
        return {}
    return {"Range": f"bytes={part.size}-", "If-Range": part.validator}


def _start(part: Part, url: str, answer: Answer) -> None:
    """Set the part to where the answer begins."""
    if answer.status == 200:
        etag = answer.header("ETag")
        validator = etag if etag and not etag.startswith("W/") else ""
        part.begin(url, answer.length, validator or answer.header("Last-Modified"))
        return
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.header("Content-Range").strip())
    if (
        answer.status == 206
        and part.size
        and match
        and int(match[1]) == part.size
        and match[2] in ("*", str(part.total))
    ):
        part.go_on()
        return
    part.discard()
    raise PassingError("the server sent another piece of the file than was asked for", url)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recorded(record: Path) -> str:
    """Return the SHA-256 in a record; empty where there is none."""
    try:
        words = record.read_text(encoding="ascii", errors="replace").split()
    except FileNotFoundError:
        return ""
    return words[0] if words and len(words[0]) == 64 else ""
