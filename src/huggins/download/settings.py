"""How a download is done, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from huggins.download.targets import Checksums
from huggins.errors import InputError


@dataclass(frozen=True, slots=True)
class Settings:
    """How to fetch.

    Attributes
    ----------
    jobs
        Files at a time.
    per_host
        Of them, from one server.
    delay
        Seconds between the starts of two requests to one server.
    timeout
        Seconds of silence after which a server is given up.
    attempts
        How often to try where the fault may pass.
    pause
        Seconds before the second attempt, doubled before each one after it, up to a minute,
        and varied by half at random, so that many clients do not come back at once.
    patience
        Longest that a server may ask to wait (Retry-After), in seconds.
    budget
        Bytes that the folder may take; None for no limit.
    verify
        Whether to compare files of earlier runs with their checksums, not only their sizes.
    accept_changed
        Whether a file that is no longer what an earlier run fetched is taken all the same.
    checksums
        What the archive publishes.
    """

    jobs: int = 4
    per_host: int = 4
    delay: float = 0.0
    timeout: float = 30.0
    attempts: int = 5
    pause: float = 1.0
    patience: float = 600.0
    budget: int | None = None
    verify: bool = False
    accept_changed: bool = False
    checksums: Checksums = field(default_factory=Checksums)

    def __post_init__(self) -> None:
        if min(self.jobs, self.per_host, self.attempts) < 1:
            raise InputError("jobs, requests to a host, and attempts must be at least 1")


@dataclass(slots=True)
class State:
    """How far a run is.

    Attributes
    ----------
    done, had, absent, failed, unusable, repeated : int
        Files fetched; there from earlier runs; that no server has; that cannot be had for
        another reason; targets that stand for no file; files that were asked for twice.
    received, kept : int
        Bytes that came; bytes of them on disk (fewer where files are shrunk on arrival).
    full : bool
        Whether the budget is used up.
    """

    done: int = 0
    had: int = 0
    absent: int = 0
    failed: int = 0
    unusable: int = 0
    repeated: int = 0
    received: int = 0
    kept: int = 0
    full: bool = False

    @property
    def seen(self) -> int:
        """Targets that are settled."""
        return self.done + self.had + self.absent + self.failed + self.unusable + self.repeated
