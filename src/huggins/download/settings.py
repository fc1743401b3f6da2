"""Settings and progress of a download."""

from __future__ import annotations

from dataclasses import dataclass, field

from huggins.download.targets import Checksums
from huggins.errors import InputError


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a download.

    Attributes
    ----------
    jobs
        Concurrent downloads.
    per_host
        Concurrent downloads from one server.
    delay
        Seconds between the starts of two requests to one server.
    timeout
        Seconds of silence after which a server is given up.
    attempts
        Number of attempts after transient errors.
    pause
        Seconds before the second attempt, doubled before each one after it, up to a minute,
        and varied by half at random, so that many clients do not come back at once.
    patience
        Longest that a server may ask to wait (Retry-After), in seconds.
    budget
        Bytes that the folder may use; None for no limit.
    verify
        Whether to compare files of earlier runs with their checksums, not only their sizes.
    accept_changed
        Whether to accept a file that has changed since an earlier run.
    overwrite
        Whether to replace files that no run has put there.
    checksums
        Checksums that the archive publishes.
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
    overwrite: bool = False
    checksums: Checksums = field(default_factory=Checksums)

    def __post_init__(self) -> None:
        if min(self.jobs, self.per_host, self.attempts) < 1:
            raise InputError("jobs, requests to a host, and attempts must be at least 1")


@dataclass(slots=True)
class State:
    """Progress of a run.

    Attributes
    ----------
    done, had, absent, failed, unusable, repeated : int
        Files downloaded; present from earlier runs; on no server; failed for another reason;
        targets without a file; files that were requested twice.
    received, kept : int
        Bytes received, and kept on disk (fewer if files are shrunk on arrival).
    full : bool
        Whether the budget is exhausted.
    answered : bool
        Whether any server has answered.
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
    answered: bool = False

    @property
    def seen(self) -> int:
        """Targets that are settled."""
        return self.done + self.had + self.absent + self.failed + self.unusable + self.repeated
