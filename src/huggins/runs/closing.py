"""Context managers that end with `close`."""

from __future__ import annotations

from typing import Self


class Closing:
    """Base of what is closed at the end of a ``with`` block."""

    def close(self) -> None:
        """Release what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
