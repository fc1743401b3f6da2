"""Politeness: how often and how many at once one server is asked."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class StoppedError(Exception):
    """The run is to end: not an error, so no `HugginsError`."""


class Host:
    """Lets requests to one server pass: few at a time, not too often, none while it is busy.

    Parameters
    ----------
    limit
        Requests at a time.
    delay
        Seconds from the start of one request to that of the next.
    stop
        Set when the run is to end.
    """

    def __init__(self, limit: int, delay: float, stop: threading.Event) -> None:
        self._places = threading.Semaphore(limit)
        self._delay = delay
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0  # when the next request may start, by the monotonic clock

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and hold it.

        Raises
        ------
        StoppedError
            If the run is to end.
        """
        self._places.acquire()
        try:
            while True:
                with self._lock:
                    now = time.monotonic()
                    wait = self._next - now
                    if wait <= 0:
                        self._next = now + self._delay
                        break
                if self._stop.wait(wait):
                    raise StoppedError
            if self._stop.is_set():
                raise StoppedError
            yield
        finally:
            self._places.release()

    def hold(self, seconds: float) -> None:
        """Let nobody pass for so long: the server has asked for it."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class Hosts:
    """The hosts of a run, by name; parameters as for `Host`."""

    def __init__(self, limit: int, delay: float, stop: threading.Event) -> None:
        self._settings = (limit, delay, stop)
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()

    def of(self, url: str) -> Host:
        """Return the host of an address."""
        name = urllib.parse.urlsplit(url).netloc
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = Host(*self._settings)
            return self._hosts[name]
