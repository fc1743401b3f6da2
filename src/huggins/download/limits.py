"""What a download may use: disk space, and the requests that each server admits."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from huggins.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNITS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def parse_size(text: str) -> int:
    """Return the number of bytes of a size such as 10GB.

    Raises
    ------
    InputError
        If it has another form.

    >>> parse_size("10GB"), parse_size("1.5 MiB")
    (10000000000, 1572864)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text.lower())
    if match is None or (match[3] and not match[2]):
        raise InputError(f"{text!r} is no size: give one like 500MB, 10GB or 1TiB")
    unit = 1024 ** "kmgt".find(match[2]) * 1024 if match[3] else _UNITS[match[2]]
    return int(float(match[1]) * unit)


class Budget:
    """A limit on disk space, shared by threads.

    Parameters
    ----------
    limit
        Bytes; None for no limit.
    used
        Bytes in use.
    """

    def __init__(self, limit: int | None, used: int) -> None:
        self._limit = limit
        self._used = used
        self._held: dict[str, int] = {}
        self._change = threading.Condition()

    def hold(self, name: str, size: int) -> bool:
        """Reserve space for a file; a further call for it reserves more.

        Files under way may turn out to need less than is reserved for them, so the call waits
        for them before it gives up.

        Returns
        -------
        bool
            False if there is not enough space.
        """
        if self._limit is None:
            return True
        with self._change:
            first = name not in self._held
            while self._total() - self._held.get(name, 0) + size > self._limit:
                # A file with a reservation must not wait for others that may wait for it.
                if not first or not self._held:
                    return False
                self._change.wait()
            self._held[name] = max(size, self._held.get(name, 0))
            return True

    def settle(self, name: str, kept: int) -> None:
        """Replace the reservation for a file by the space that it uses."""
        with self._change:
            self._held.pop(name, None)
            self._used += kept
            self._change.notify_all()

    def _total(self) -> int:
        return self._used + sum(self._held.values())


class StoppedError(Exception):
    """The run is ending: not an error, so no `HugginsError`."""


class Hosts:
    """Admits requests to each server: few at a time, not too often, none while it is busy.

    Parameters
    ----------
    limit
        Requests to one server at a time.
    delay
        Seconds between the starts of two requests to one server.
    stop
        Set when the run is to end.
    """

    def __init__(self, limit: int, delay: float, stop: threading.Event) -> None:
        self._limit = limit
        self._delay = delay
        self._stop = stop
        self._lock = threading.Lock()
        self._places: dict[str, threading.Semaphore] = {}
        self._next: dict[str, float] = {}  # start of the next request, by the monotonic clock

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Wait for a turn at the server of an address, and hold it.

        Raises
        ------
        StoppedError
            If the run is to end.
        """
        host = urlsplit(url).netloc
        with self._lock:
            places = self._places.setdefault(host, threading.Semaphore(self._limit))
        with places:
            while True:
                with self._lock:
                    now = time.monotonic()
                    wait = self._next.get(host, 0.0) - now
                    if wait <= 0:
                        self._next[host] = now + self._delay
                        break
                if self._stop.wait(wait):
                    raise StoppedError
            if self._stop.is_set():
                raise StoppedError
            yield

    def hold(self, url: str, seconds: float) -> None:
        """Admit nobody to the server of an address for a while: it has asked for that."""
        host = urlsplit(url).netloc
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), time.monotonic() + seconds)
