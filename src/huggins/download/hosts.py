"""Politeness: how often, and how many at a time, requests go to one server."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


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
