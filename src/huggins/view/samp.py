"""TOPCAT and other programs on the same desk, by SAMP.

Simple Application Messaging Protocol 1.3 (IVOA Recommendation, 2012): the table goes out as a
VOTable file, a row that is highlighted goes both ways. `astropy.samp` does the talking.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggins.errors import HugginsError

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class Samp:
    """One client of a hub on this machine.

    Parameters
    ----------
    onrow
        Called with the row that was highlighted elsewhere in the table that was sent.
    """

    def __init__(self, onrow: Callable[[int], None]) -> None:
        self._onrow = onrow
        self._client: Any = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._rows: list[int] = []
        self._url = ""

    @property
    def connected(self) -> bool:
        """Whether a hub is there and knows us."""
        return self._client is not None and bool(self._client.is_connected)

    def connect(self) -> None:
        """Join the hub.

        Raises
        ------
        HugginsError
            If there is none: start TOPCAT or another program with a hub first.
        """
        if self.connected:
            return
        from astropy.samp import SAMPHubError, SAMPIntegratedClient

        client = SAMPIntegratedClient(
            name="huggins", description="Classified spectra", addr="127.0.0.1"
        )
        try:
            client.connect()
        except (SAMPHubError, OSError) as error:
            raise HugginsError(
                f"no SAMP hub is running on this machine ({error}): start TOPCAT first"
            ) from error
        client.bind_receive_notification("table.highlight.row", self._highlighted)
        client.bind_receive_call("table.highlight.row", self._asked)
        self._client = client

    def send_table(self, write: Callable[[Path], None], rows: list[int], name: str) -> None:
        """Send a table to every program that takes one.

        Parameters
        ----------
        write
            Writes it as a VOTable to a path.
        rows
            Row of the set for each of its rows.
        name
            What the others call it.
        """
        self.connect()
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="huggins-samp-")
        path = Path(self._folder.name) / "table.vot"
        write(path)
        self._rows, self._url = list(rows), path.as_uri()
        self._client.notify_all(
            {
                "samp.mtype": "table.load.votable",
                "samp.params": {"url": self._url, "table-id": self._url, "name": name},
            }
        )

    def highlight(self, row: int) -> None:
        """Tell the others which row is looked at here; nothing where they do not have it."""
        if not self.connected or row not in self._rows:
            return
        self._client.notify_all(
            {
                "samp.mtype": "table.highlight.row",
                "samp.params": {
                    "table-id": self._url,
                    "url": self._url,
                    "row": str(self._rows.index(row)),
                },
            }
        )

    def _highlighted(
        self, key: str, sender: str, kind: str, params: dict[str, str], extra: Any
    ) -> None:
        del key, sender, kind, extra
        if self._url not in (params.get("table-id"), params.get("url")):
            return
        with contextlib.suppress(ValueError, IndexError, KeyError):
            number = int(params["row"])
            if number >= 0:
                self._onrow(self._rows[number])

    def _asked(
        self, key: str, sender: str, message: str, kind: str, params: dict[str, str], extra: Any
    ) -> None:
        self._highlighted(key, sender, kind, params, extra)
        self._client.reply(message, {"samp.status": "samp.ok", "samp.result": {}})

    def close(self) -> None:
        """Leave the hub and take away the file that was sent."""
        if self._client is not None:
            with contextlib.suppress(Exception):  # the hub may be gone already
                self._client.disconnect()
            self._client = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
