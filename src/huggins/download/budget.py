"""The disk space that a download may use."""

from __future__ import annotations

import re
import threading
from typing import Final

from huggins.errors import InputError

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
